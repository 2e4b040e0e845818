# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An SMS from its claim to its result."""
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ..tools import phone
from ..tools.answer.interpretation import SendResult
from ..tools.problem import Problem
from ..tools.quiet_hours import Quiet
from ..tools.request.builder import Recipient
from .lanes import NORMAL

LEASE = 180  # seconds that a claim lasts; a run renews its claims, so they expire soon after an interruption
RENEW_AFTER = 60  # seconds between renewals; the remaining time must suffice to save results despite an outage


@dataclass(frozen=True, slots=True, eq=False)
class FailedAttempt:
    """A request that did not send an SMS.

    :param number: of the attempt, see `QueuedSms.attempt`
    :param recipient: the SMS as it was in the request
    :param count: number of recipients of the request
    :param ended: `time.monotonic()` at which its result was known
    """
    number: int
    gateway_id: int
    result: SendResult
    recipient: Recipient
    count: int
    ended: float


@dataclass(frozen=True, slots=True)
class Hold:
    """What an SMS waits for, because its budget is used up.

    :param until: when it goes on by itself or expires, in UTC
    :param name: of the budget
    """
    budget_id: int
    until: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Reserved:
    """What was counted against budgets before an SMS is sent.

    :param gateway_id: the gateway that was to send it
    :param amounts: budget id, month, amount in the unit of the budget
    """
    gateway_id: int
    amounts: tuple[tuple[int, date, Decimal | int], ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """The test of a gateway whose pause is over.

    :param until: the value in the database that proves it, in UTC: for others, the pause lasts until then
    """
    gateway_id: int
    until: datetime


@dataclass(slots=True)
class QueuedSms:
    """An SMS that only one run may send.

    :param claimed_until: the value in the database that proves the claim, in UTC
    :param countries: ISO codes of the recipient's and the company's country, used to parse the number
    :param valid_until: when it expires, in UTC; None if it does not
    :param expires: `time.monotonic()` of the same
    :param is_unwanted: whether it must not be sent any more: its number was blacklisted after it was queued, or it was
        canceled or deleted after it was claimed
    :param candidates: ids of the gateways that may still send it, the current one first
    :param attempt: number of attempts, including the current one
    :param age: seconds since the first attempt
    :param is_new: whether no run has claimed it before
    :param forced_gateway_id: the only gateway that may send it, if an administrator chose one or it is a reply
    :param forced_sender: the sender at that gateway, if it is not the usual one
    :param not_before: `time.monotonic()` of its place under a rate limit, 0 without one
    :param place: the same as in `places`, in milliseconds of the database
    :param is_started: whether the database has recorded that the provider may receive it. If not, it is queued again
        when its process is interrupted
    :param public_reason: why it failed, as users who are no administrators read it; empty if all read the same
    :param delay: seconds until the queue may send it
    :param reason: the result that caused the delay
    :param lane: see `lanes.LANES`
    :param failures: its failed attempts of this run, the last of which may have decided its result
    :param is_left: whether it stays in the queue for now, because its gateway has no place under its rate limit
    :param text_hash: MD5 of the text as it was entered
    :param is_confirmed: whether a user confirmed it, so that the limits of `store.guard` do not apply
    :param dlt_template_id: of the SMS or its SMS template
    :param message_type: the same, one of `message_rules.MESSAGE_TYPES`, empty if the lane decides
    :param refusal: failure type and Problem, if it must not be sent
    :param e164: the number in E.164, None if it cannot be read
    :param hold: the budget for which it waits in the queue
    :param reserved: what was counted when it was claimed
    :param probe: the gateway that it tests, until it has a response
    :param quiet: the quiet hours for which it waits in the queue
    :param ignores_quiet: whether a user sent it during quiet hours
    """
    id: int
    uuid: str
    number: str
    body: str
    company_id: int
    claimed_until: datetime | None
    countries: tuple[str, ...] = ()
    attempt: int = 0
    age: float = 0
    is_new: bool = True
    valid_until: datetime | None = None
    expires: float = math.inf
    is_unwanted: bool = False
    candidates: tuple[int, ...] = ()
    forced_gateway_id: int | None = None
    forced_sender: str = ''
    not_before: float = 0
    place: int = 0
    is_started: bool = False
    result: SendResult | None = None
    public_reason: str = ''
    delay: int = 0
    reason: SendResult | None = None
    lane: str = NORMAL
    failures: tuple[FailedAttempt, ...] = ()
    is_left: bool = False
    text_hash: str = ''
    is_confirmed: bool = False
    refusal: tuple[str, Problem] | None = None
    hold: Hold | None = None
    reserved: Reserved | None = None
    probe: Probe | None = None
    quiet: Quiet | None = None
    ignores_quiet: bool = False
    dlt_template_id: str = ''
    message_type: str = ''
    e164: str | None = field(init=False)

    def __post_init__(self):
        self.e164 = phone.to_e164(self.number, self.countries)

    @property
    def gateway_id(self) -> int | bool:
        return self.candidates[0] if self.candidates else False

    @property
    def shown_reason(self) -> str:
        """Why it failed, on documents and in SMS Marketing."""
        return self.public_reason or (self.result.error_message if self.result else '')

    @property
    def sender(self) -> str:
        """The sender, empty for the gateway's usual one."""
        return self.forced_sender if self.gateway_id == self.forced_gateway_id else ''

    @property
    def seconds_left(self) -> float:
        """The seconds until it expires, counted from its place under a rate limit. Infinite without an end."""
        return self.expires - max(time.monotonic(), self.not_before)

    @property
    def can_be_sent(self) -> bool:
        """Whether it may be sent as soon as its gateway can: it has a number, and is not refused, held or expired."""
        return bool(self.number.strip()) and not (self.refusal or self.hold) and self.seconds_left > 0

    @property
    def wait(self) -> int:
        """The seconds until the queue handles it again: its delay, or less if it expires earlier."""
        left = self.expires - time.monotonic()
        return max(1, math.ceil(left)) if self.delay > left else self.delay

    @property
    def own_failure(self) -> FailedAttempt | None:
        """The failed attempt that decided its result."""
        last = self.failures[-1] if self.failures else None
        return last if last and self.result and self.result.uuid == last.result.uuid else None

    def note_failure(self, result: SendResult, recipient: Recipient, count: int = 1):
        """Keep a failed attempt at the current gateway; see `FailedAttempt`."""
        self.failures += (
            FailedAttempt(self.attempt, self.gateway_id, result, recipient, count, time.monotonic()),)


def group_by_gateway(queued: Iterable[QueuedSms]) -> dict[int, list[QueuedSms]]:
    """Return the SMS by the id of their current gateway, in their order."""
    groups = {}
    for sms in queued:
        groups.setdefault(sms.gateway_id, []).append(sms)
    return groups


def not_sent(failure_type: str, problem: Problem | None = None, words: str = '') -> SendResult:
    """Return the result of an SMS that was not sent to a provider.

    :param failure_type: of `sms.sms`
    :param words: the error message of a provider that refused it before
    """
    return SendResult(
        uuid='', state='error', outcome='refused', rule=0, error_message=words, failure_type=failure_type,
        problem=problem)
