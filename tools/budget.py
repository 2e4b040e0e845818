# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Budgets for SMS of a month: which bulk SMS wait, and what counts against a budget. Pure: independent of Odoo."""
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

MONEY, SEGMENTS = 'money', 'segments'  # values of `unit` of `sms.gateway.budget`


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent in the current month.

    :param gateway_id: the only gateway whose SMS count, None for all
    :param unit: :data:`MONEY` in the currency of the company, or :data:`SEGMENTS`
    :param spent: so far, in its unit, with what is being sent
    :param is_released: whether bulk SMS go on although it is used up
    :param month: first day of the month
    :param name: as users know it
    :param time_zone: of the company, in which the month ends
    :param warn_at: part of the amount at which users are alerted, in its unit
    """
    id: int
    company_id: int
    gateway_id: int | None
    unit: str
    amount: Decimal
    spent: Decimal
    month: date
    is_released: bool = False
    name: str = ''
    time_zone: str = ''
    warn_at: Decimal = Decimal()

    @property
    def is_used_up(self) -> bool:
        return self.spent >= self.amount and not self.is_released

    def has_room(self, total: Decimal) -> bool:
        """Return whether so much may be spent in total."""
        return self.is_released or (total <= self.amount and not self.is_used_up)

    def covers(self, company_id: int, gateway_id: int | bool) -> bool:
        """Return whether an SMS of this company counts if this gateway sends it."""
        return bool(gateway_id) and company_id == self.company_id and self.gateway_id in (None, gateway_id)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one SMS uses.

    :param cost: in the currency of the company, None if it is not known
    """
    segments: int = 0
    cost: Decimal | None = None

    def of(self, budget: Budget) -> Decimal | int:
        """Return what counts against a budget, in its unit."""
        return (self.cost or Decimal()) if budget.unit == MONEY else self.segments


@dataclass(frozen=True, slots=True)
class Asked:
    """An SMS that is about to be sent.

    :param key: returned in :class:`Shares`
    :param can_wait: whether it waits if a budget is used up, as bulk SMS do
    """
    key: Hashable
    company_id: int
    gateway_id: int | bool
    can_wait: bool
    usage: Usage


@dataclass(slots=True)
class Shares:
    """What follows for the SMS that are about to be sent.

    :ivar waiting: {key: the Budget for which it waits}
    :ivar reserved: {key: {budget id: what it uses}} of those that are sent
    """
    waiting: dict[Hashable, Budget] = field(default_factory=dict)
    reserved: dict[Hashable, dict[int, Decimal | int]] = field(default_factory=dict)


def share(budgets: Iterable[Budget], asked: Iterable[Asked]) -> Shares:
    """Let SMS use budgets. Those that cannot wait are counted first and always sent, the others as long as they fit.

    :param asked: in the order in which they are sent
    """
    budgets, shares, by_sender = list(budgets), Shares(), {}
    spent = {budget.id: budget.spent for budget in budgets}
    for sms in sorted(asked, key=lambda sms: sms.can_wait):
        sender = sms.company_id, sms.gateway_id
        if sender not in by_sender:
            by_sender[sender] = [budget for budget in budgets if budget.covers(*sender)]
        own = by_sender[sender]
        amounts = {budget.id: sms.usage.of(budget) for budget in own}
        full = next((
            budget for budget in own
            if not budget.has_room(spent[budget.id] + amounts[budget.id])), None) if sms.can_wait else None
        if full:
            shares.waiting[sms.key] = full
            continue
        for budget_id, amount in amounts.items():
            spent[budget_id] += amount
        shares.reserved[sms.key] = amounts
    return shares


def get_zone(name: str | None) -> ZoneInfo:
    """Return a time zone, UTC if there is none of this name."""
    try:
        return ZoneInfo(name or 'UTC')
    except (KeyError, ValueError, OSError):
        return ZoneInfo('UTC')


def get_month(now: datetime, time_zone: str | None) -> date:
    """Return the first day of the current month.

    :param now: in UTC, without a time zone as in Odoo
    """
    return now.replace(tzinfo=UTC).astimezone(get_zone(time_zone)).date().replace(day=1)


def get_next_month(month: date, time_zone: str | None) -> datetime:
    """Return when the month after this one begins.

    :return: in UTC, without a time zone as in Odoo
    """
    year, number = divmod(month.year * 12 + month.month, 12)
    return datetime(year, number + 1, 1, tzinfo=get_zone(time_zone)).astimezone(UTC).replace(tzinfo=None)
