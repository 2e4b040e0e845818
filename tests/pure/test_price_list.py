# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price list of a gateway: the longest prefix with a price on the day counts."""
from datetime import date
from decimal import Decimal

from ...tools.phone import get_prefix_country
from ...tools.price_list import NO_PRICES, Price, PriceList
from .common import PureCase
from .made_up import cases, given, st

JANUARY, JULY = date(2026, 1, 1), date(2026, 7, 1)


def euros(text):
    return Price(Decimal(text), 'EUR')


def find_slowly(rows, number, on):
    """The same with a loop over all rows."""
    valid = [row for row in rows if number[1:].startswith(row[0]) and row[1] <= on]
    return max(valid, key=lambda row: (len(row[0]), row[1]))[2] if valid else None


class TestPriceList(PureCase):

    def test_longest_prefix(self):
        prices = PriceList([
            ('1', JANUARY, euros('0.01')), ('1876', JANUARY, euros('0.0882')), ('', JANUARY, euros('0.09'))])
        for number, price in (
                ('+18765550123', '0.0882'), ('+12025550123', '0.01'), ('+4915112345678', '0.09'), ('+187', '0.01')):
            self.assertEqual(prices.find(number, JULY), euros(price), number)

    def test_no_price(self):
        prices = PriceList([('49', JULY, euros('0.07'))])
        self.assertIsNone(prices.find('+32456001122', JULY))
        self.assertIsNone(prices.find('+4915112345678', JANUARY))
        self.assertIsNone(NO_PRICES.find('+4915112345678', JULY))
        self.assertTrue(prices)
        self.assertFalse(NO_PRICES)

    def test_valid_from(self):
        """A price applies from its day on. Before it, the earlier price or a shorter prefix does."""
        prices = PriceList([
            ('49', JULY, euros('0.0695')), ('49', JANUARY, euros('0.0725')), ('491', JULY, euros('0.08'))])
        self.assertEqual(prices.find('+491511234567', date(2026, 6, 30)), euros('0.0725'))
        self.assertEqual(prices.find('+491511234567', JULY), euros('0.08'))
        self.assertEqual(prices.find('+493011234567', JULY), euros('0.0695'))

    @given(
        rows=st.dictionaries(
            st.tuples(st.text('12', max_size=4), st.dates(date(2026, 1, 1), date(2026, 1, 9))),
            st.integers(1, 99), max_size=12),
        number=st.text('12', min_size=1, max_size=6), on=st.dates(date(2025, 12, 31), date(2026, 1, 10)))
    @cases(300)
    def test_any_list(self, rows, number, on):
        rows = [(prefix, day, Price(Decimal(amount), 'EUR')) for (prefix, day), amount in rows.items()]
        self.assertEqual(PriceList(rows).find(f'+{number}', on), find_slowly(rows, f'+{number}', on))

    def test_country_of_a_prefix(self):
        for prefix, country in (
                ('49', 'DE'), ('4915', 'DE'), ('1', 'US'), ('1876', 'JM'), ('1242', 'BS'), ('7', 'RU'), ('77', 'KZ'),
                ('44', 'GB'), ('883', None), ('999', None), ('', None), ('x', None)):
            self.assertEqual(get_prefix_country(prefix), country, prefix)
