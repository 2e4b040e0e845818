# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When a run claims again, and how much, while rate limits have no free places."""
import math
import time
from dataclasses import dataclass

from .lanes import BULK

MIN_LIMITED_CLAIM = 10  # SMS, of which one is bulk: see `claim_due`
LOOK_SIZE = 500  # SMS that are passed at a time
LOOK_AGAIN = 0.5  # seconds between two looks
LOOK_FROM_START = 2  # the same after the end of the queue
MAX_PASSED = 2000  # SMS of other lanes than bulk that are passed


@dataclass(frozen=True, slots=True)
class Claim:
    """What to claim.

    :param limit: maximum number of SMS
    :param passed: ids of SMS that are left out
    :param bulk_after: id; see `claim_due`. None to claim from the start of the queue
    """
    limit: int
    passed: tuple[int, ...] = ()
    bulk_after: int | None = None


class ClaimPlan:
    """The claims of a run.

    SMS for which a rate limit has no place are left in the queue, and claimed again once there are free places. Until
    then, the run looks for SMS of other gateways behind them.

    :param Throttle throttle: knows when there are free places
    """

    def __init__(self, throttle):
        self._throttle = throttle
        self._full: set[int] = set()  # ids of gateways whose SMS were left
        self._size: int | None = None  # of the next claim from the start of the queue; None without a limit
        self._passed: dict[int, int] = {}  # {id of an SMS of another lane than bulk: gateway id}
        self._bulk_after = 0
        self._next_look = 0.0

    def get_wait(self, configs):
        """Return the seconds until the next claim.

        :param dict configs: GatewayConfig of all Active gateways by id
        """
        waits = [self._throttle.get_wait(gateway_id) for gateway_id in self._full]
        if waits and configs.keys() - self._full:
            waits.append(max(0, self._next_look - time.monotonic()))
        return min(waits, default=0)

    def choose(self, size):
        """Return the next Claim.

        :param int size: number of SMS without a rate limit
        """
        if not self._full or any(not self._throttle.get_wait(gateway_id) for gateway_id in self._full):
            return Claim(min(size, self._size or size))
        passed = tuple(sms_id for sms_id, gateway_id in self._passed.items() if gateway_id in self._full)
        return Claim(LOOK_SIZE, passed, self._bulk_after)

    def note(self, claim, queued):
        """Note the result of a claim.

        :param list[QueuedSms] queued: the SMS, some of which may be left
        :return: whether there may be more SMS to claim
        :rtype: bool
        """
        left = [sms for sms in queued if sms.is_left]
        if claim.bulk_after is None:
            self._full = {sms.gateway_id for sms in left}
            self._size = max(2 * (len(queued) - len(left)), MIN_LIMITED_CLAIM) if left else None
            self._pass(left)
            return bool(left) or len(queued) >= claim.limit
        now = time.monotonic()
        if len(left) == len(queued):
            self._next_look = now + LOOK_AGAIN
        bulk = [sms.id for sms in queued if sms.lane == BULK]
        if max(len(bulk), len(queued) - len(bulk)) < claim.limit or len(self._passed) > MAX_PASSED:
            self._next_look = max(self._next_look, now + LOOK_FROM_START)
            self._passed, self._bulk_after = {}, 0
        else:
            self._bulk_after = max(bulk, default=self._bulk_after)
            self._pass(left)
        self._full |= {sms.gateway_id for sms in left}
        return True

    def stop_looking(self):
        """Claim from the start of the queue only, because a claim behind it was refused."""
        self._next_look = math.inf

    def _pass(self, left):
        """Leave out SMS in the next looks, but not those of gateways that have become full just now."""
        for sms in left:
            if sms.gateway_id not in self._full:
                if sms.lane == BULK:
                    self._bulk_after = min(self._bulk_after, sms.id - 1)
            elif sms.lane != BULK:
                self._passed[sms.id] = sms.gateway_id
