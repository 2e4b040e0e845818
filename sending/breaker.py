# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Circuit breakers of the gateways, based on what responses say about the provider rather than about one SMS."""
from collections.abc import Sequence

from ..tools.answer.interpretation import SendResult

MAX_FAILURES = 3  # consecutive responses of one kind after which a gateway is paused
ERROR_POINTS, SLOW_POINTS = 10, 5  # percent of its share that a gateway loses, see `routing.Route`
SLOW_MS = 5000
HEALTHY, REFUSING, FAILING, ACCOUNT = 'healthy', 'refusing', 'failing', 'account'


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
    """Counts the signals of the gateways in one run."""

    def __init__(self):
        self._healthy: set[int] = set()
        self._counts: dict[int, tuple[str, int]] = {}  # {gateway id: (signal, consecutive responses)}

    def note(self, gateway_id: int, signal: str, is_probe: bool = False) -> bool:
        """Record a signal.

        :param is_probe: whether the gateway was paused before this run, so that one failure suffices until it accepts
            an SMS
        :return: whether the gateway must be paused
        """
        if signal == REFUSING:
            # the provider responds, but might not accept another SMS
            if self._counts.get(gateway_id, ('', 0))[0] == FAILING:
                del self._counts[gateway_id]
            return False
        if signal == HEALTHY:
            self._healthy.add(gateway_id)
        known, count = self._counts.get(gateway_id, (signal, 0))
        count = count + 1 if known == signal else 1
        self._counts[gateway_id] = signal, count
        return signal != HEALTHY and (count >= MAX_FAILURES or (is_probe and gateway_id not in self._healthy))
