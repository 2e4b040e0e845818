# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an SMS costs is kept with its status, as the provider says it in the response."""
import json

from odoo.tests import tagged

from ..tools.answer.interpretation import HttpAnswer, interpret
from ..tools.request.builder import Recipient
from . import template_samples
from .common import GatewayCase, get_template
from .provider import Reply

# of the documented response that accepts one SMS; None before the price is known
OF_SAMPLES = {
    'africastalking': ('0.8000', 'KES'),
    'clicksend': ('0.07', ''),  # the sample has no currency
    'gatewayapi': ('0.3', 'DKK'),
    'seven': ('0.075', 'EUR'),
    'smsapi': ('0.1', 'points'),
    'taqnyat': ('0.026', 'SAR'),
    'telnyx': (None, ''),
    'twilio': (None, ''),
}


@tagged('post_install', '-at_install')
class TestPrice(GatewayCase):

    def test_status(self):
        self.gateway.write({
            'answer_message_id_path': 'id', 'answer_price_path': 'price', 'answer_currency': 'EUR'})
        self.always_answer(Reply(body=json.dumps({'id': '1', 'price': '0.0525'})))
        sms = self.make_sms('+32456000001')
        sms.send()
        self.env.invalidate_all()
        status = self.status_of(sms)
        self.assertEqual((status.price, status.price_currency), (0.0525, 'EUR'))
        totals = self.env['sms.gateway.status'].formatted_read_group(
            [('gateway_id', '=', self.gateway.id)], ['price_currency'], ['price:sum'])
        self.assertEqual([(row['price_currency'], row['price:sum']) for row in totals], [('EUR', 0.0525)])

    def test_samples_of_the_providers(self):
        for slug, price in OF_SAMPLES.items():
            with self.subTest(provider=slug):
                answer = next(
                    sample for sample in template_samples.load(slug).answers
                    if template_samples.accepts(sample) and len(sample['results']) == 1)
                body = answer['body'] if isinstance(answer['body'], str) else json.dumps(answer['body'])
                number = answer['results'][0].get('number') or '+32456001122'
                result, = interpret(
                    get_template(self.env, slug)._get_answer_rules(False), [Recipient('0' * 32, number, "Hello")],
                    HttpAnswer(status=answer['status'], text=body))
                self.assertEqual((result.price and str(result.price), result.price_currency), price)
