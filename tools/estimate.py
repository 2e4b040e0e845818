# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a campaign will cost, by country, from some or all of its SMS. Pure: independent of Odoo."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction


@dataclass(slots=True)
class Total:
    """SMS of a campaign.

    :ivar cost: of those whose price is known
    :ivar unpriced: number of SMS whose price is not known
    """
    recipients: int = 0
    segments: int = 0
    cost: Decimal = Decimal()
    unpriced: int = 0

    def add(self, segments: int, cost: Decimal | None):
        """Count one SMS."""
        self.recipients += 1
        self.segments += segments
        self.cost += cost or 0
        self.unpriced += cost is None

    def scale(self, factor: Fraction) -> 'Total':
        """Return what so many times as many SMS are."""
        return Total(
            round(self.recipients * factor), round(self.segments * factor),
            self.cost * factor.numerator / factor.denominator, round(self.unpriced * factor))


@dataclass(slots=True)
class Estimate:
    """What a campaign will cost.

    :ivar by_country: {ISO code, None if it is not known: Total}, the most expensive first
    :ivar by_gateway: {id: Total}
    :ivar is_sample: whether only some of the SMS were read
    """
    total: Total = field(default_factory=Total)
    by_country: dict[str | None, Total] = field(default_factory=dict)
    by_gateway: dict[int, Total] = field(default_factory=dict)
    is_sample: bool = False


def choose_sample(ids: Sequence[int], size: int) -> list[int]:
    """Return so many ids, or all if there are fewer, evenly spread: neighbours are often similar."""
    if len(ids) <= size:
        return list(ids)
    return [ids[position * len(ids) // size] for position in range(size)]


def estimate(rows: Iterable[tuple[str | None, int, int, Decimal | None]], read: int, count: int) -> Estimate:
    """Estimate a campaign.

    :param rows: country, gateway id, segments and cost of each SMS that was read and will be sent; the cost is None if
        it is not known
    :param read: number of recipients that were read, with those that will get no SMS
    :param count: number of all recipients
    """
    total, by_country, by_gateway = Total(), {}, {}
    for country, gateway_id, segments, cost in rows:
        for part in (total, by_country.setdefault(country, Total()), by_gateway.setdefault(gateway_id, Total())):
            part.add(segments, cost)
    factor = Fraction(count, read) if read else Fraction(1)
    ordered = sorted(by_country.items(), key=lambda item: (-item[1].cost, -item[1].segments, item[0] or ''))
    return Estimate(
        total.scale(factor),
        {country: part.scale(factor) for country, part in ordered},
        {gateway_id: part.scale(factor) for gateway_id, part in by_gateway.items()},
        is_sample=read < count)
