# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Decide what follows if a gateway definitely did not accept an SMS (doc/behaviour.md section 4)."""
from collections.abc import Mapping
from dataclasses import dataclass

from ..tools.answer.interpretation import SendResult
from .queued_sms import QueuedSms

RETRY_DELAY = 60  # seconds until an SMS that no gateway accepted is sent again; doubled with each attempt
MAX_RETRY_DELAY = 3600
RETRY_FOR = 24 * 3600  # seconds after the first attempt until an SMS that no gateway accepts fails


@dataclass(frozen=True, slots=True)
class Done:
    """The result is final."""


@dataclass(frozen=True, slots=True)
class NextGateway:
    """The next gateway is tried.

    :param candidates: ids of the gateways that may send the SMS, in this order
    """
    candidates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Requeue:
    """The SMS is queued again.

    :param delay: seconds until it may be sent
    :param reason: the result that causes the delay
    """
    delay: int
    reason: SendResult


Decision = Done | NextGateway | Requeue


def retry_delay(attempt: int, retry_after: int | None = None) -> int:
    """Return the seconds until the next attempt: what the provider asks for, else exponential backoff.

    :param attempt: number of attempts so far
    """
    if retry_after is not None:
        return max(retry_after, 1)
    return min(RETRY_DELAY * 2 ** min(attempt - 1, 10), MAX_RETRY_DELAY)


def decide(
        sms: QueuedSms, result: SendResult, paused: Mapping[int, tuple[int, SendResult]], has_time: bool) -> Decision:
    """Decide what follows a result.

    :param result: of the first candidate of the SMS
    :param paused: {gateway id: (seconds, result)} of the gateways that are paused in this run
    :param has_time: whether another gateway can still send it in this run
    """
    if not (result.retryable or result.account_refused):
        return Done()
    others = sms.candidates[1:] if has_time else ()
    if usable := tuple(gateway_id for gateway_id in others if gateway_id not in paused):
        return NextGateway(usable)
    if result.account_refused:
        return Done()  # SMS sent before the breaker opened fail; the others wait
    delay = retry_delay(sms.attempt, result.retry_after)
    if others:  # one of their pauses may end earlier
        delay = min(paused[gateway_id][0] for gateway_id in others)
    if sms.age + delay > RETRY_FOR:
        return Done()
    return Requeue(delay, result)
