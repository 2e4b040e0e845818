# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Assign start times to SMS under the rate limits of their gateways."""
import time
from collections import Counter

from .queued_sms import group_by_gateway
from .request_pool import MAX_LATE

START_LEAD = 0.25  # seconds until the first place, because requests need some time to start
MAX_DELAY = 3600  # maximum seconds until an SMS without a place is tried again


class Throttle:
    """The rate limits as seen by one run.

    :param get_time_to_start: returns the seconds in which requests of a connection can still start
    """

    def __init__(self, get_time_to_start):
        self._get_time_to_start = get_time_to_start
        self._without_place = Counter()  # {gateway id: SMS without a place in this run}

    def assign(self, queued, configs, reserve):
        """Assign each SMS its start time, or a delay if that would be too late for this run.

        :param list[QueuedSms] queued: SMS that already have a delay are left out
        :param dict configs: GatewayConfig by gateway id
        :param reserve: reserves places for all workers, see `sms.gateway.throttle._reserve`
        """
        limited = group_by_gateway(
            sms for sms in queued if sms.gateway_id and configs[sms.gateway_id].rate_limit and not sms.delay)
        for gateway_id, group in sorted(limited.items()):  # consistent lock order, to avoid deadlocks
            config = configs[gateway_id]
            left = self._get_time_to_start(config.connection)
            # so that no second exceeds the limit, even if a request at its start is late and one at its end is on time
            rate = config.rate_limit / (1 + MAX_LATE)
            places = reserve(gateway_id, len(group), rate, left - START_LEAD)
            now = time.monotonic()  # after the statement, because waiting for its lock would make the places too early
            for sms, place in zip(group, places, strict=False):  # there may be fewer places
                sms.not_before = now + START_LEAD + place
            for sms in group[len(places):]:
                # after the end of this run, which would otherwise claim it repeatedly, but not much later, in case the
                # limit is raised in the meantime
                wait = left + config.connection.timeout + self._without_place[gateway_id] / rate
                sms.delay = max(1, round(min(wait, MAX_DELAY)))
                self._without_place[gateway_id] += 1
