# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which SMS may start when, under the rate limits of their gateways."""
import time
from collections import Counter

from .request_pool import MAX_LATE

START_LEAD = 0.25  # seconds until the first place: it takes some time until requests may start
MAX_DELAY = 3600  # seconds until an SMS without a place asks again


class Throttle:
    """The rate limits as one run knows them.

    :param get_time_to_start: gives the seconds that are left for requests of a connection to start
    """

    def __init__(self, get_time_to_start):
        self._get_time_to_start = get_time_to_start
        self._without_place = Counter()  # {gateway id: SMS that found no place in this run}

    def assign(self, queued, configs, reserve):
        """Give each SMS its time, or a delay if its time would be too late for this run.

        :param list[QueuedSms] queued: what has a delay already is left out
        :param dict configs: GatewayConfig by gateway id
        :param reserve: takes places for all workers: gateway id, number of SMS, SMS per second, seconds from now that
            are left; gives the seconds from now of each place that it got
        """
        limited = {}
        for sms in queued:
            if sms.gateway_id and configs[sms.gateway_id].rate_limit and not sms.delay:
                limited.setdefault(sms.gateway_id, []).append(sms)
        for gateway_id, group in sorted(limited.items()):  # consistent lock order, to avoid deadlocks
            config = configs[gateway_id]
            left = self._get_time_to_start(config.connection)
            # no second has more, even if a request at its beginning is late and one at its end is not
            rate = config.rate_limit / (1 + MAX_LATE)
            places = reserve(gateway_id, len(group), rate, left - START_LEAD)
            now = time.monotonic()  # after the statement: measured before, a wait for its lock would make them early
            for sms, place in zip(group, places, strict=False):  # there may be fewer places
                sms.not_before = now + START_LEAD + place
            for sms in group[len(places):]:
                # after the end of this run, which would only claim it again and again, and not much later, in case
                # the limit is raised meanwhile
                wait = left + config.connection.timeout + self._without_place[gateway_id] / rate
                sms.delay = max(1, round(min(wait, MAX_DELAY)))
                self._without_place[gateway_id] += 1
