# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What becomes of an SMS that a gateway certainly did not accept (doc/behaviour.md, section 4)."""
from collections.abc import Mapping
from dataclasses import dataclass

from ..tools.answer.interpretation import SendResult
from .queued_sms import QueuedSms

RETRY_DELAY = 60  # seconds until an SMS that no gateway accepted is sent again; doubled with each attempt
MAX_RETRY_DELAY = 3600
RETRY_FOR = 24 * 3600  # seconds after the first attempt at which an SMS that no gateway accepts fails


@dataclass(frozen=True, slots=True)
class Done:
    """The result is final."""


@dataclass(frozen=True, slots=True)
class NextGateway:
    """Another gateway sends the SMS.

    :param candidates: ids of the gateways that may send it, in this order
    """
    candidates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Requeue:
    """The SMS goes back to the queue.

    :param delay: seconds until it may be sent
    :param reason: the result for which it waits
    """
    delay: int
    reason: SendResult


Decision = Done | NextGateway | Requeue


def retry_delay(attempt: int, retry_after: int | None = None) -> int:
    """Give the seconds until the next attempt: what the provider asks for, else exponential backoff.

    :param attempt: how often the SMS was given to a provider
    """
    if retry_after is not None:
        return max(retry_after, 1)
    return min(RETRY_DELAY * 2 ** min(attempt - 1, 10), MAX_RETRY_DELAY)


def decide(
        sms: QueuedSms, result: SendResult, paused: Mapping[int, tuple[int, SendResult]], has_time: bool) -> Decision:
    """Decide what follows a result.

    :param result: of the first candidate of the SMS
    :param paused: seconds and result by the id of each gateway that gets nothing more in this run
    :param has_time: whether another gateway can still send it in this run
    """
    if not (result.retryable or result.account_refused):
        return Done()
    others = sms.candidates[1:] if has_time else ()
    if usable := tuple(gateway_id for gateway_id in others if gateway_id not in paused):
        return NextGateway(usable)
    if result.account_refused:
        return Done()  # what was sent until the breaker opened fails, the rest waits
    delay = retry_delay(sms.attempt, result.retry_after)
    if others:  # one of them may be back earlier
        delay = min(paused[gateway_id][0] for gateway_id in others)
    if sms.age + delay > RETRY_FOR:
        return Done()
    return Requeue(delay, result)
