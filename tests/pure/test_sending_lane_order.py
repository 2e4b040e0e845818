# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""In which lane an SMS is, and which SMS is sent first."""
from ...sending.lanes import BULK, LANES, NORMAL, URGENT, choose_lane, order_by_lane
from ...sending.queued_sms import QueuedSms
from .common import PureCase


def queue(*lanes):
    return [
        QueuedSms(number, f'{number:032x}', '+32456001122', "Hello", 1, None, lane=lane)
        for number, lane in enumerate(lanes)]


class TestLaneOrder(PureCase):

    def test_lanes_sort_in_sql(self):
        """Claims sort by the name of the lane."""
        self.assertEqual(sorted(LANES, reverse=True), list(LANES))

    def test_urgent_first(self):
        ordered = order_by_lane(queue(BULK, NORMAL, URGENT, NORMAL, URGENT))
        self.assertEqual([sms.id for sms in ordered], [2, 4, 1, 3, 0])

    def test_one_in_ten_is_bulk(self):
        """Bulk SMS get their part even while urgent ones wait; the others keep their order."""
        ordered = order_by_lane(queue(*[BULK] * 5, *[NORMAL] * 20, *[URGENT] * 10))
        lanes = [sms.lane for sms in ordered]
        self.assertEqual([index for index, lane in enumerate(lanes) if lane == BULK], [9, 19, 29, 33, 34])
        self.assertEqual([lane for lane in lanes if lane != BULK], [URGENT] * 10 + [NORMAL] * 20)
        self.assertEqual([sms.id for sms in ordered if sms.lane == BULK], [0, 1, 2, 3, 4])

    def test_one_lane_keeps_its_order(self):
        for lane in LANES:
            with self.subTest(lane):
                self.assertEqual([sms.id for sms in order_by_lane(queue(*[lane] * 25))], list(range(25)))
        self.assertEqual(order_by_lane([]), [])

    def test_choice(self):
        for asked, is_mass, count, lane in [
            (None, False, 1, NORMAL),
            (None, False, 20, NORMAL),
            (None, False, 21, BULK),
            (None, True, 1, BULK),
            (URGENT, True, 1000, URGENT),
            (NORMAL, True, 1000, NORMAL),
            (BULK, False, 1, BULK),
            ('express', False, 1, NORMAL),
            (False, True, 1, BULK),
        ]:
            with self.subTest(asked=asked, is_mass=is_mass, count=count):
                self.assertEqual(choose_lane(asked, is_mass, count), lane)
