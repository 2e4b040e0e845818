# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Assign start times to SMS under the rate limits of their gateways."""
import time
from collections import Counter

from .lanes import BULK, order_by_lane
from .places import get_group_size
from .queued_sms import group_by_gateway

# Seconds from now in which places are reserved. Little is reserved at a time, because an urgent SMS starts after the
# places that are already taken.
START_LEAD = 0.15  # until the first place, because requests need some time to start
SHORT_LEAD = 0.06  # the same while a user waits, and for requests that missed their place
AHEAD = 1  # for the last place
BULK_AHEAD = 0.6  # the same for bulk SMS
CLAIM_AHEAD = 0.4  # SMS are claimed so long before the next free place


class Throttle:
    """The rate limits as seen by one run.

    :param get_time_to_start: returns the seconds in which requests of a connection can still start
    :param lead: seconds from now until the first place
    """

    def __init__(self, get_time_to_start, lead=START_LEAD):
        self._get_time_to_start = get_time_to_start
        self._lead = lead
        self._others = Counter()  # {gateway id: SMS that were assigned a place since the last bulk one}
        self._unused: dict[int, list[int]] = {}  # {gateway id: places of SMS that were not started}
        self._free: dict[int, float] = {}  # {gateway id: time.monotonic() of the next free place}

    def assign(self, queued, configs, reserve):
        """Assign each SMS its start time. SMS without a place in the next second are marked as `is_left`.

        :param list[QueuedSms] queued: SMS that already have a delay are left out
        :param dict configs: GatewayConfig by gateway id
        :param reserve: reserves places for all workers, see `sms.gateway.throttle._reserve`
        """
        limited = group_by_gateway(
            sms for sms in queued if sms.gateway_id and configs[sms.gateway_id].rate_limit and not sms.delay)
        for gateway_id, group in sorted(limited.items()):  # consistent lock order, to avoid deadlocks
            self._assign_places(configs[gateway_id], group, reserve)

    def _assign_places(self, config, group, reserve):
        gateway_id, rate = config.gateway_id, config.rate_limit
        left = self._get_time_to_start(config.connection)
        group = order_by_lane(group, self._others[gateway_id])
        # bulk SMS between others are one in ten, and would starve if these reserved more
        others = max((index + 1 for index, sms in enumerate(group) if sms.lane != BULK), default=0)
        size = get_group_size(rate, config.recipients)
        starts = range(0, len(group), size)
        places = []
        unused = self._unused.pop(gateway_id, [])
        if self.get_time_left(config) > 0:
            places, self._free[gateway_id] = reserve(gateway_id, [
                (len(group[start:start + size]), min(left, AHEAD if start < others else BULK_AHEAD))
                for start in starts], rate, SHORT_LEAD if unused else self._lead, unused)
        for index, sms in enumerate(group):
            sms.is_left = index >= len(places) * size
            if not sms.is_left:
                sms.not_before, sms.place = places[index // size]
                self._others[gateway_id] = 0 if sms.lane == BULK else self._others[gateway_id] + 1

    def give_back(self, queued):
        """Let other SMS use the places of SMS that were not started, for example because they were late.

        :param list[QueuedSms] queued: of one gateway
        """
        self._unused.setdefault(queued[0].gateway_id, []).extend(sms.place for sms in queued if sms.place)

    def get_wait(self, gateway_id):
        """Return the seconds until SMS of a gateway should be claimed, because it has free places again."""
        return max(0, self._free.get(gateway_id, 0) - CLAIM_AHEAD - time.monotonic())

    def get_time_left(self, config):
        """Return the seconds in which SMS of a gateway can still be claimed in this run."""
        return self._get_time_to_start(config.connection) - START_LEAD
