# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The cheapest of equal gateways is chosen, unless it delivers worse."""
from collections import Counter
from datetime import date
from decimal import Decimal

from ...sending.cheapest import ALL, MIN_KNOWN, Cheapest, DeliveryRate
from ...sending.routing import Route, RoutingTable
from ...tools.price_list import Price, PriceList
from .common import PureCase
from .made_up import given, st

DAY = date(2026, 5, 1)
FRENCH, BELGIAN, GERMAN = '+33612345678', '+32456001122', '+4915112345678'


def prices(currency='EUR', **by_prefix):
    return PriceList([
        (prefix.lstrip('_'), DAY, Price(Decimal(amount), currency)) for prefix, amount in by_prefix.items()])


def known(percent, count=1000):
    return DeliveryRate(percent, count)


def make(points=5, delivery=None, rates=None, **lists):
    return Cheapest(
        points=points, prices={int(name[1:]): prices_ for name, prices_ in lists.items()}, delivery=delivery or {},
        rates=rates or {'EUR': Decimal(1), 'USD': Decimal('0.5')}, day=DAY)


def order(number, cheapest, *routes, **options):
    table = RoutingTable(routes or EQUAL, 1, cheapest=cheapest, **options)
    return [candidate.gateway_id for candidate in table.candidates(number)]


EQUAL = Route(1), Route(2), Route(3)
LISTS = {
    'g1': prices(_33='0.05', _32='0.08', _='0.10'), 'g2': prices(_33='0.04', _32='0.09', _='0.10'),
    'g3': prices('USD', _33='0.12', _32='0.12', _='0.12')}


class TestCheapest(PureCase):

    def test_by_the_prefix_of_the_number_and_the_rate_of_the_currency(self):
        for number, expected in ((FRENCH, [2, 1, 3]), (BELGIAN, [3, 1, 2]), (GERMAN, [3, 1, 2])):
            self.assertEqual(order(number, make(**LISTS)), expected)
        self.assertEqual(order(FRENCH, None), [1, 2, 3])
        self.assertEqual(order(None, make(**LISTS)), [1, 2, 3])

    def test_the_price_that_decides(self):
        table = RoutingTable(EQUAL, 1, cheapest=make(**LISTS))
        self.assertEqual(table.find_price(FRENCH), Decimal('0.04'))
        self.assertEqual(table.find_price(GERMAN), Decimal('0.06'))
        self.assertIsNone(table.find_price(None))
        self.assertIsNone(RoutingTable(EQUAL, 1).find_price(FRENCH))
        self.assertIsNone(RoutingTable([Route(1)], 1, cheapest=make(**LISTS)).find_price(FRENCH))
        limited = RoutingTable(
            [Route(1, countries=frozenset(['FR'])), Route(2), Route(3)], 1, cheapest=make(**LISTS))
        self.assertEqual(limited.find_price(FRENCH), Decimal('0.04'))

    def test_unknown_prices_come_last(self):
        lists = {'g1': prices(_32='0.01'), 'g2': prices(_33='0.04'), 'g3': prices('XAU', _33='0.01')}
        self.assertEqual(order(FRENCH, make(**lists)), [2, 1, 3])

    def test_a_price_that_is_not_valid_yet(self):
        later = PriceList([('33', date(2026, 6, 1), Price(Decimal('0.01'), 'EUR'))])
        self.assertEqual(order(FRENCH, make(**{**LISTS, 'g3': later})), [2, 1, 3])

    def test_only_equal_gateways(self):
        routes = Route(1, sequence=1), Route(2), Route(3)
        self.assertEqual(order(FRENCH, make(**LISTS), *routes), [1, 2, 3])
        routes = Route(1, prefixes=('33',)), Route(2, prefixes=('3',)), Route(3, prefixes=('33',))
        self.assertEqual(order(FRENCH, make(**LISTS), *routes), [1, 3, 2])
        self.assertEqual(order(FRENCH, make(**LISTS), default_ids=[1]), [1, 2, 3])

    def test_bad_delivery(self):
        for rates, expected in (
                ({1: 95, 2: 91, 3: 95}, [2, 1, 3]), ({1: 96, 2: 90.9, 3: 50}, [1, 2, 3]),
                ({1: 90, 2: 99, 3: 94}, [2, 3, 1])):
            delivery = {gateway_id: {ALL: known(percent)} for gateway_id, percent in rates.items()}
            self.assertEqual(order(FRENCH, make(delivery=delivery, **LISTS)), expected)
        # gateways of which nothing is known get a chance
        self.assertEqual(order(FRENCH, make(delivery={1: {ALL: known(99)}}, **LISTS)), [2, 1, 3])
        few = {1: {ALL: known(99)}, 2: {ALL: known(10, MIN_KNOWN - 1)}}
        self.assertEqual(order(FRENCH, make(delivery=few, **LISTS)), [2, 1, 3])

    def test_delivery_in_the_country_counts_first(self):
        delivery = {1: {ALL: known(95)}, 2: {ALL: known(95), 'FR': known(40), 'BE': known(1, 3)}}
        self.assertEqual(order(FRENCH, make(delivery=delivery, **LISTS))[0], 1)
        self.assertEqual(order(BELGIAN, make(delivery=delivery, g1=prices(_32='0.09'), g2=prices(_32='0.08')))[0], 2)

    def test_a_paused_gateway(self):
        self.assertEqual(order(FRENCH, make(**LISTS), Route(1), Route(2, paused=True), Route(3)), [1, 3])

    def test_weights_share_equal_prices(self):
        routes = Route(1, weight=1), Route(2, weight=3), Route(3)
        same = {'g1': prices(_33='0.04'), 'g2': prices(_33='0.04'), 'g3': prices(_33='0.01')}
        firsts = Counter(order(f'+3361234{number:04}', make(**same), *routes)[0] for number in range(1000))
        self.assertEqual(firsts.keys(), {1, 2})  # the third has no weight: it is a spare one
        self.assertLess(abs(firsts[2] - 750), 60)
        self.assertEqual(order(FRENCH, make(**{**same, 'g1': prices(_33='0.05')}), *routes)[0], 2)

    @given(
        st.lists(st.tuples(st.integers(0, 50), st.integers(0, 100)), min_size=2, max_size=6), st.integers(0, 30))
    def test_the_first_is_never_too_bad_or_too_dear(self, gateways, points):
        lists = {f'g{number}': prices(_33=str(price)) for number, (price, _percent) in enumerate(gateways)}
        delivery = {number: {ALL: known(percent)} for number, (_price, percent) in enumerate(gateways)}
        found = order(FRENCH, make(points, delivery, **lists), *map(Route, range(len(gateways))))
        self.assertEqual(sorted(found), list(range(len(gateways))))
        price, percent = gateways[found[0]]
        best = max(percent for _price, percent in gateways)
        self.assertGreaterEqual(percent, best - points)
        self.assertEqual(price, min(price for price, percent in gateways if percent >= best - points))
