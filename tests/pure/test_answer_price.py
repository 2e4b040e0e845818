# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price of each SMS is read from the response, in the ways in which providers write it."""
import json
from decimal import Decimal
from types import SimpleNamespace

from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from ...tools.answer.price import PriceRules, read_price
from .common import PureCase


class TestPrice(PureCase):

    def read(self, body, count=1, rules=None, price=None, text=None):
        """What is read of a response: amount, currency and segments of each SMS."""
        recipients = [
            SimpleNamespace(uuid=str(index), number=f'+324560000{index}', message="Hello") for index in range(count)]
        results = interpret(
            AnswerRules(price=PriceRules(**price or {}), **rules or {}), recipients,
            HttpAnswer(status=200, text=text or json.dumps(body)))
        return [
            (result.price and str(result.price), result.price_currency, result.segment_count) for result in results]

    def test_texts(self):
        for text, price in (
                ('0.07', ('0.07', '')), ('-0.00750', ('0.00750', '')), ('KES 0.8000', ('0.8000', 'KES')),
                ('1,5 eur', ('1.5', 'EUR')), ('IRR 1,234.50', ('1234.50', 'IRR')), ('1.234.567,5', (None, '')),
                ('1.234,5', ('1234.5', '')), ('12,345,678.0', (None, '')), ('123,456,7', (None, '')),
                ('.05', ('0.05', '')), ('7.5e-05', ('0.000075', '')), ('5E-3 USD', ('0.005', 'USD')),
                ('0.0123456789012345678901', ('0.0123456789012345678901', '')), ('0.8EUR', ('0.8', 'EUR')),
                ('0', ('0', '')), ('', (None, '')), ('free', (None, '')), ('99999999999', (None, '')),
                ('1e999', (None, '')), ('-', (None, '')), ('1' * 5000, (None, ''))):
            expected = price[0] and Decimal(price[0]), price[1]
            self.assertEqual(read_price(text), expected, text)

    def test_single(self):
        price = {'path': 'price', 'currency_path': 'price_unit', 'segments_path': 'num_segments'}
        body = {'sid': 'SM1', 'price': '-0.0075', 'price_unit': 'USD', 'num_segments': '2'}
        self.assertEqual(self.read(body, price=price), [('0.0075', 'USD', 2)])
        self.assertEqual(self.read({**body, 'price': None}, price=price), [(None, '', 2)])

    def test_items(self):
        """The currency may be in the item, in the whole response, in the price, or only in the settings."""
        rules = {'items_path': 'data.messages[]', 'message_id_path': 'id'}
        items = [{'id': '1', 'cost': 0.07, 'parts': 1}, {'id': '2', 'cost': '0.14', 'parts': '3'}]
        body = {'data': {'messages': items, 'currency': 'AUD'}}
        price = {'path': 'cost', 'currency': 'EUR', 'segments_path': 'parts'}
        self.assertEqual(self.read(body, 2, rules, price), [('0.07', 'EUR', 1), ('0.14', 'EUR', 3)])
        price['currency_path'] = 'data.currency'
        self.assertEqual(self.read(body, 2, rules, price), [('0.07', 'AUD', 1), ('0.14', 'AUD', 3)])
        items[0]['cost'] = "KES 0.8"
        self.assertEqual(self.read(body, 2, rules, price), [('0.8', 'KES', 1), ('0.14', 'AUD', 3)])

    def test_segments_of_the_whole_response(self):
        """They are those of the SMS only if there is one."""
        rules = {'items_path': 'messages[]', 'message_id_path': 'id'}
        price = {'path': 'price', 'segments_path': 'count'}
        body = {'count': '2', 'messages': [{'id': '1', 'price': '1'}, {'id': '2', 'price': '1'}]}
        self.assertEqual(self.read(body, 1, rules, price), [('1', '', 2)])
        self.assertEqual(self.read(body, 2, rules, price), [('1', '', 0), ('1', '', 0)])

    def test_wrong_segments(self):
        for segments in ('two', '1.5', '-1', '256', '99999', '', None, '²'):
            self.assertEqual(self.read({'n': segments}, price={'segments_path': 'n'}), [(None, '', 0)], segments)

    def test_regex(self):
        """For what has no path, in the text of one SMS."""
        regex = r'price=(?P<price>[0-9.]+)(?P<currency>[A-Z]{3}) parts=(?P<segments>\d+)'
        text = 'OK id=1 price=0.0450EUR parts=2'
        self.assertEqual(self.read(None, text=text, price={'regex': regex}), [('0.0450', 'EUR', 2)])
        self.assertEqual(self.read(None, text='OK', price={'regex': regex}), [(None, '', 0)])
        self.assertEqual(self.read(None, 2, text=text, price={'regex': regex}), [(None, '', 0)] * 2)
        self.assertEqual(
            self.read({'cost': 'KES 0.8', 'words': 'Message parts: 3'}, price={
                'path': 'cost', 'regex': r'Message parts: (?P<segments>\d+)'}), [('0.8', 'KES', 3)])

    def test_unit(self):
        self.assertEqual(
            self.read({'cost': 3500}, price={'path': 'cost', 'unit_value': Decimal('0.0001'), 'currency': 'SEK'}),
            [('0.3500', 'SEK', 0)])

    def test_wrong_unit(self):
        """The price is not known: a budget that counts it would hold or release all SMS."""
        for unit_value in ('NaN', 'Infinity', '-1', '1e300'):
            with self.subTest(unit_value=unit_value):
                price = {'path': 'cost', 'unit_value': Decimal(unit_value), 'currency': 'SEK'}
                self.assertEqual(self.read({'cost': 3500}, price=price), [(None, '', 0)])

    def test_price_of_all(self):
        """Nothing says how much of it is for one SMS."""
        price = {'path': 'cost', 'segments_path': 'parts'}
        self.assertEqual(self.read({'cost': 1.4, 'parts': 2}, 2, price=price), [(None, '', 0), (None, '', 0)])

    def test_refused_sms(self):
        rules = {'status_path': 'status', 'error_values': ('rejected',)}
        self.assertEqual(
            self.read({'price': 0.07, 'status': 'rejected'}, rules=rules, price={'path': 'price'}), [(None, '', 0)])
