# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Circuit breakers of the gateways, based on what responses say about the provider rather than about one SMS."""
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..tools.answer.interpretation import SendResult

MAX_FAILURES = 3  # consecutive responses of one kind after which a gateway is paused
ERROR_POINTS, SLOW_POINTS = 10, 5  # percent of its share that a gateway loses, see `routing.Route`
SLOW_MS = 5000
HEALTHY, REFUSING, FAILING, ACCOUNT = 'healthy', 'refusing', 'failing', 'account'
PROVEN_SECONDS = 60  # for which a response shows that a provider works


@dataclass(frozen=True, slots=True)
class Streak:
    """Consecutive responses with the same signal.

    :param signal: `FAILING` or `ACCOUNT`; empty if the last response was neither
    :param count: number of responses
    :param continues: whether previous responses with the same signal belong to it
    """
    signal: str = ''
    count: int = 0
    continues: bool = False

    def then(self, later: 'Streak') -> 'Streak':
        """Return the streak after later responses."""
        if later.continues and later.signal == self.signal:
            return replace(self, count=self.count + later.count)
        return replace(later, continues=False)

    def is_same(self, other: 'Streak') -> bool:
        """Return whether both count the same responses."""
        return self.count == other.count and (self.signal == other.signal or not self.count)


NO_STREAK = Streak()
# what one response does to the streak of its gateway
_EFFECTS = {
    HEALTHY: NO_STREAK,
    # the provider processes requests, but might not accept another SMS: a streak of refused accounts goes on
    REFUSING: Streak(ACCOUNT, 0, continues=True),
    FAILING: Streak(FAILING, 1, continues=True),
    ACCOUNT: Streak(ACCOUNT, 1, continues=True),
}


def read_signal(results: Sequence[SendResult]) -> str:
    """Return what a response says about the provider.

    :param results: of all recipients of one request
    :return: `FAILING`: no response or HTTP 5xx, so that the outcome of all SMS is unknown. `ACCOUNT`: it refuses the
        account. `REFUSING`: it refuses these recipients or texts only. `HEALTHY`: it accepts at least one SMS.
    """
    if all(result.doubtful and result.rule == 1 for result in results):
        return FAILING
    if all(result.account_refused for result in results):
        return ACCOUNT
    if any(result.state in ('success', 'pending') for result in results):
        return HEALTHY
    return REFUSING


def lose_health(results: Sequence[SendResult]) -> int:
    """Return the percentage of its share that a gateway loses because of a response.

    :param results: of all recipients of one request
    """
    if read_signal(results) == FAILING or any(result.retryable for result in results):
        return ERROR_POINTS
    return SLOW_POINTS if any(result.duration > SLOW_MS for result in results) else 0


class Breaker:
    """The streaks of the gateways: those that all workers share, as far as this run knows them, and what it adds."""

    _proven: dict[tuple, float] = {}  # {connection key: time.monotonic() of the last sign that it works}

    def __init__(self):
        self._working: set[int] = set()  # ids of gateways that have accepted an SMS in this run
        self._stored: dict[int, Streak] = {}
        self._unsaved: dict[int, Streak] = {}

    def note_stored(self, streaks: Mapping[int, Streak]):
        """Record the shared streaks by gateway id, as of a claim or a save."""
        self._stored.update(streaks)

    def note(self, gateway_id: int, signal: str, is_probe: bool = False, key: tuple = ()) -> bool:
        """Record a signal.

        :param is_probe: whether the gateway was paused before this run, so that one failure suffices until it accepts
            an SMS
        :param key: see `GatewayConnection`
        :return: whether the gateway must be paused
        """
        effect = _EFFECTS[signal]
        before = self._unsaved.get(gateway_id)
        self._unsaved[gateway_id] = before.then(effect) if before else effect
        if not effect.count:
            self._proven[key] = time.monotonic()
            if signal == HEALTHY:
                self._working.add(gateway_id)
            return False
        return self._get(gateway_id).count >= MAX_FAILURES or (is_probe and gateway_id not in self._working)

    def _get(self, gateway_id: int) -> Streak:
        stored = self._stored.get(gateway_id, NO_STREAK)
        return stored.then(self._unsaved[gateway_id]) if gateway_id in self._unsaved else stored

    def restart(self, gateway_id: int, key: tuple):
        """Forget a gateway, because it is paused."""
        self._working.discard(gateway_id)
        self._stored.pop(gateway_id, None)
        self._unsaved.pop(gateway_id, None)
        self._proven.pop(key, None)

    def get_room(self, gateway_id: int, key: tuple) -> float:
        """Return how many requests may be in progress. While no response shows that the provider works, few are risked,
        because the outcome of all of them could become unknown."""
        count = self._get(gateway_id).count
        if not count and time.monotonic() < self._proven.get(key, -math.inf) + PROVEN_SECONDS:
            return math.inf
        return max(1, MAX_FAILURES - count)

    def take_unsaved(self) -> dict[int, Streak]:
        """Return what this run adds to the shared streaks since the last call by gateway id; nothing for gateways whose
        streak does not change, so that a healthy gateway costs no write."""
        changed = {
            gateway_id: streak for gateway_id, streak in self._unsaved.items()
            if not self._get(gateway_id).is_same(self._stored.get(gateway_id, NO_STREAK))}
        self._unsaved = {}
        return changed
