# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a campaign costs, from all of its SMS or an even part of them."""
from decimal import Decimal

from ...tools.estimate import Total, choose_sample, estimate
from .common import PureCase


class TestEstimate(PureCase):

    def test_all(self):
        result = estimate([
            ('BE', 1, 2, Decimal('0.1')), ('FR', 1, 1, Decimal('0.5')), ('BE', 2, 1, None)], read=4, count=4)
        self.assertEqual(result.total, Total(3, 4, Decimal('0.6'), 1))
        self.assertEqual(list(result.by_country), ['FR', 'BE'])
        self.assertEqual(result.by_gateway[2], Total(1, 1, Decimal(), 1))
        self.assertFalse(result.is_sample)

    def test_sample(self):
        """Given one SMS for every two recipients that were read: half of all recipients get one."""
        result = estimate([('BE', 1, 2, Decimal('0.07'))] * 10, read=20, count=3000)
        self.assertEqual(result.total, Total(1500, 3000, Decimal('105'), 0))
        self.assertTrue(result.is_sample)

    def test_nobody(self):
        self.assertEqual(estimate([], read=0, count=0).total, Total())

    def test_choose(self):
        self.assertEqual(choose_sample([5, 6, 7], 3), [5, 6, 7])
        chosen = choose_sample(range(10_000), 100)
        self.assertEqual((len(set(chosen)), chosen[1] - chosen[0], chosen[-1]), (100, 100, 9900))
