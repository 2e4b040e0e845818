# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price of each SMS is read from the response, in the ways in which providers write it."""
import json
from decimal import Decimal
from types import SimpleNamespace

from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from ...tools.answer.price import read_price
from .common import PureCase


class TestPrice(PureCase):

    def read(self, body, count=1, **rules):
        recipients = [
            SimpleNamespace(uuid=str(index), number=f'+324560000{index}', message="Hello") for index in range(count)]
        results = interpret(AnswerRules(**rules), recipients, HttpAnswer(status=200, text=json.dumps(body)))
        return [(result.price and float(result.price), result.price_currency) for result in results]

    def test_texts(self):
        for text, price in (
                ('0.07', ('0.07', '')), ('-0.00750', ('0.00750', '')), ('KES 0.8000', ('0.8000', 'KES')),
                ('1,5 eur', ('1.5', 'EUR')), ('IRR 1,234.50', ('1234.50', 'IRR')), ('1.234.567,5', (None, '')),
                ('1.234,5', ('1234.5', '')), ('12,345,678.0', (None, '')), ('123,456,7', (None, '')),
                ('.05', ('0.05', '')), ('7.5e-05', ('0.000075', '')), ('5E-3 USD', ('0.005', 'USD')),
                ('0.0123456789012345678901', ('0.0123456789012345678901', '')), ('0.8EUR', ('0.8', 'EUR')),
                ('0', ('0', '')), ('', (None, '')), ('free', (None, '')), ('99999999999', (None, '')),
                ('1e999', (None, '')), ('-', (None, ''))):
            expected = price[0] and Decimal(price[0]), price[1]
            self.assertEqual(read_price(text), expected, text)

    def test_single(self):
        rules = {'message_id_path': 'sid', 'price_path': 'price', 'currency_path': 'price_unit'}
        self.assertEqual(self.read({'sid': 'SM1', 'price': '-0.0075', 'price_unit': 'USD'}, **rules), [(0.0075, 'USD')])
        self.assertEqual(self.read({'sid': 'SM1', 'price': None, 'price_unit': 'USD'}, **rules), [(None, '')])

    def test_items(self):
        """The currency may be in the item, in the whole response, in the price, or only in the settings."""
        rules = {'items_path': 'data.messages[]', 'message_id_path': 'id', 'price_path': 'cost'}
        items = [{'id': '1', 'cost': 0.07}, {'id': '2', 'cost': '0.14'}]
        body = {'data': {'messages': items, 'currency': 'AUD'}}
        self.assertEqual(self.read(body, 2, currency='EUR', **rules), [(0.07, 'EUR'), (0.14, 'EUR')])
        self.assertEqual(self.read(body, 2, currency_path='data.currency', **rules), [(0.07, 'AUD'), (0.14, 'AUD')])
        items[0]['cost'] = "KES 0.8"
        self.assertEqual(self.read(body, 2, currency_path='data.currency', **rules), [(0.8, 'KES'), (0.14, 'AUD')])

    def test_price_of_all(self):
        """Nothing says how much of it is for one SMS."""
        self.assertEqual(self.read({'cost': 1.4}, 2, price_path='cost'), [(None, ''), (None, '')])

    def test_refused_sms(self):
        rules = {'price_path': 'price', 'status_path': 'status', 'error_values': ('rejected',)}
        self.assertEqual(self.read({'price': 0.07, 'status': 'rejected'}, **rules), [(None, '')])
