# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The paused gateways of a run, and what other workers need to know about them."""
from dataclasses import dataclass
from operator import itemgetter

from ..tools.answer.interpretation import SendResult
from ..tools.problem import Problem
from .breaker import ACCOUNT, FAILING, NO_STREAK, Streak

ASKED = 'asked'  # the provider is unreachable or asks to wait; other kinds are signals of `breaker`
# why an SMS is queued again
WAITING = {
    ASKED: Problem('waiting_asked'), FAILING: Problem('waiting_failing'), ACCOUNT: Problem('waiting_account')}


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that is shared with other workers.

    :param kind: `ASKED`, or the signal of the breaker
    :param words: the provider's error message
    :param seconds: time that the provider asked for; None if it did not, which doubles with each consecutive pause
    :param failures: consecutive pauses before this one, as far as the run knows; None if it does not know. If there
        are more by now, another run has already paused the gateway because of the same failures
    """
    kind: str
    words: str = ''
    seconds: int | None = None
    failures: int | None = None


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What all workers know about a gateway.

    :param seconds: until the end of its pause, 0 if it is not paused
    :param failures: consecutive pauses
    :param is_half_open: whether the pause of its circuit breaker has ended, so that one SMS has to test it
    """
    seconds: float = 0
    failures: int = 0
    is_half_open: bool = False
    streak: Streak = NO_STREAK


WORKING = GatewayState()


class Pauses(dict):
    """The paused gateways of a run: {gateway id: (seconds until it can be tried, result that caused the pause)}."""

    def __init__(self):
        super().__init__()
        self._unsaved: dict[int, Pause] = {}
        self._recovered: set[int] = set()

    def add(self, gateway_id: int, delay: int, asked: int | None, reason: SendResult, kind: str = ASKED):
        """Pause a gateway.

        :param delay: seconds until its SMS may be sent
        :param asked: seconds that the provider asked for. None if it did not: all requests in progress then count as
            one pause
        :param reason: the result that causes the pause
        :param kind: see `Pause`
        """
        if asked is not None or gateway_id not in self:
            known = self._unsaved.get(gateway_id)
            seconds = max((value for value in (asked, known and known.seconds) if value is not None), default=None)
            self._unsaved[gateway_id] = Pause(kind, reason.error_message, seconds)
        self[gateway_id] = max((delay, reason), self.get(gateway_id, (0, None)), key=itemgetter(0))

    def add_saved(self, gateway_id: int, delay: int, reason: SendResult):
        """Pause a gateway that is already paused for all workers."""
        self[gateway_id] = delay, reason

    def note_recovery(self, gateway_id: int):
        """Record that a provider works again, which resets the length of its next pause."""
        self._recovered.add(gateway_id)

    def end(self, gateway_ids: set[int]) -> set[int]:
        """Use gateways again whose pause is over for all workers. Pauses that are not saved yet go on.

        :return: ids of those that were paused in this run
        """
        ended = self.keys() & gateway_ids - self._unsaved.keys()
        for gateway_id in ended:
            del self[gateway_id]
        return ended

    def find_earliest(self, gateway_ids) -> tuple[int, SendResult]:
        """Return the seconds and the result of the gateway whose pause ends first."""
        return min((self[gateway_id] for gateway_id in gateway_ids), key=itemgetter(0))

    def take_unsaved(self) -> tuple[dict[int, Pause], list[int]]:
        """Return the pauses since the last call by gateway id, and the gateways that have recovered."""
        unsaved, self._unsaved = self._unsaved, {}
        # requests in progress when a gateway was paused may still have been accepted
        recovered, self._recovered = sorted(self._recovered - self.keys()), set()
        return unsaved, recovered
