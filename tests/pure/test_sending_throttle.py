# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which SMS may start when, under a rate limit."""
import time
from types import SimpleNamespace

from ...sending.gateway_config import GatewayConnection
from ...sending.queued_sms import QueuedSms
from ...sending.throttle import MAX_DELAY, Throttle
from .common import PureCase


def config(rate_limit, timeout=15):
    return SimpleNamespace(rate_limit=rate_limit, connection=GatewayConnection(('db', 1), 8, timeout))


def queue(*gateway_ids):
    return [
        QueuedSms(number, f'{number:032x}', '+32456001122', "Hello", 1, None, candidates=(gateway_id,))
        for number, gateway_id in enumerate(gateway_ids)]


class TestThrottle(PureCase):

    def setUp(self):
        self.calls = []

    def reserve(self, places):
        def take(gateway_id, count, rate, seconds):
            self.calls.append((gateway_id, count, rate, seconds))
            return [number / rate for number in range(min(count, places))]
        return take

    def test_places(self):
        queued, before = queue(1, 1, 1), time.monotonic()
        Throttle(lambda _connection: 60).assign(queued, {1: config(2)}, self.reserve(9))
        first, second, third = (sms.not_before for sms in queued)
        self.assertGreater(first, before)
        self.assertAlmostEqual(second - first, 0.525)  # 5 % slower: no second has more than the limit
        self.assertAlmostEqual(third - second, 0.525)
        self.assertEqual([sms.delay for sms in queued], [0, 0, 0])

    def test_without_place(self):
        """What is too late for this run comes back after it, about when its time comes."""
        queued, throttle = queue(1, 1, 1, 1), Throttle(lambda _connection: 20)
        throttle.assign(queued, {1: config(0.1)}, self.reserve(2))
        self.assertEqual([bool(sms.not_before) for sms in queued], [True, True, False, False])
        self.assertEqual([sms.delay for sms in queued], [0, 0, 35, round(35 + 10.5)])
        more = queue(1)
        throttle.assign(more, {1: config(0.1)}, self.reserve(0))
        self.assertEqual(more[0].delay, 35 + 21, "behind those of before")

    def test_the_longest_delay(self):
        queued = queue(*[1] * 50)
        Throttle(lambda _connection: 20).assign(queued, {1: config(0.001)}, self.reserve(0))
        self.assertEqual(max(sms.delay for sms in queued), MAX_DELAY)

    def test_only_limited_gateways_in_the_order_of_ids(self):
        queued = queue(3, 2, 1, 3, False)
        queued[3].delay = 60  # back in the queue already
        Throttle(lambda _connection: 60).assign(queued, {1: config(5), 2: config(0), 3: config(5)}, self.reserve(9))
        self.assertEqual([call[:2] for call in self.calls], [(1, 1), (3, 1)])
        self.assertEqual([bool(sms.not_before) for sms in queued], [True, False, True, False, False])
