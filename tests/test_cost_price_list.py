# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price list of a gateway, and what SMS cost in the currency of the company: doc/cost.md."""
import json
from datetime import timedelta
from decimal import Decimal

from lxml import etree

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import file_open, mute_logger

from ..tools.price_list import Price
from .common import GatewayCase
from .provider import Reply

NUMBER, OTHER = '+32456001129', '+4915112345679'


class CostCase(GatewayCase):
    """Given a company with euros, and US dollars whose rate changed today."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro, cls.dollar = cls.env.ref('base.EUR'), cls.env.ref('base.USD')
        (cls.euro | cls.dollar).active = True
        cls.company = cls.env['res.company'].create({'name': "Cost", 'currency_id': cls.euro.id})
        cls.env = cls.env(context=dict(cls.env.context, allowed_company_ids=cls.company.ids))
        cls.env['res.currency.rate'].search([]).unlink()
        cls.gateway = cls.gateway.with_env(cls.env)
        cls.today = cls.env.cr.now().date()
        for day, rate in ((cls.today - timedelta(days=9), 1.1), (cls.today, 1.25), (cls.today + timedelta(1), 2.0)):
            cls.env['res.currency.rate'].create({
                'name': day, 'rate': rate, 'currency_id': cls.dollar.id, 'company_id': cls.company.id})

    def add_price(self, prefix, price, currency=None, **values):
        return self.env['sms.gateway.price'].create({
            'gateway_id': self.gateway.id, 'prefix': prefix, 'price': price, 'valid_from': self.today,
            'currency_id': (currency or self.euro).id, **values})

    def send(self, number=NUMBER, body="Hello"):
        sms = self.make_sms(number, body=body)
        sms.send()
        self.env.invalidate_all()
        return self.status_of(sms)

    def get_exact(self, status):
        """What the database contains: the ORM reads binary floats."""
        self.env.cr.execute(
            "SELECT price::text, price_currency, price_source, cost::text FROM sms_gateway_status WHERE id = %s",
            [status.id])
        return self.env.cr.fetchone()

    def answer_price(self, price, currency='USD'):
        self.gateway.write({
            'answer_message_id_path': 'id', 'answer_price_path': 'price', 'answer_currency_path': 'currency'})
        self.always_answer(Reply(body=json.dumps({'id': '1', 'price': price, 'currency': currency})))


@tagged('post_install', '-at_install')
class TestPriceList(CostCase):

    def load(self, *rows, fields=('prefix', 'price', 'currency_id', 'valid_from')):
        """Import rows as the import page does for the price list of a gateway."""
        prices = self.env['sms.gateway.price'].with_context(default_gateway_id=self.gateway.id)
        return prices.load(list(fields), [list(row) for row in rows])

    def get_rows(self):
        prices = self.env['sms.gateway.price'].search([('gateway_id', '=', self.gateway.id)])
        return [(price.prefix, price.price, price.currency_id.name, str(price.valid_from)) for price in prices]

    def test_lists(self):
        """One query, and none before the prices change."""
        other = self.make_gateway("Other")
        self.add_price('32', 0.0745)
        self.add_price(False, 0.09, self.dollar)
        ids = [self.gateway.id, other.id]
        self.env.flush_all()
        with self.assertQueryCount(1):
            lists = self.env['sms.gateway.price']._get_price_lists(ids)
        with self.assertQueryCount(0):
            self.env['sms.gateway.price']._get_price_lists(ids)
        self.assertEqual(lists[self.gateway.id].find(NUMBER, self.today), Price(Decimal('0.0745'), 'EUR'))
        self.assertEqual(lists[self.gateway.id].find(OTHER, self.today), Price(Decimal('0.09'), 'USD'))
        self.assertFalse(lists[other.id])
        self.env['sms.gateway.price'].search([('prefix', '=', '32')]).price = 0.08
        lists = self.env['sms.gateway.price']._get_price_lists(ids)
        self.assertEqual(lists[self.gateway.id].find(NUMBER, self.today).amount, Decimal('0.08'))
        self.env['sms.gateway.price'].search([]).unlink()
        self.assertFalse(self.env['sms.gateway.price']._get_price_lists(ids)[self.gateway.id])

    def test_prefixes(self):
        for entered, prefix in (('+49', '49'), ('0049 151', '49151'), ('32', '32'), ('', False)):
            self.assertEqual(self.add_price(entered, 0.01).prefix, prefix)
        self.assertEqual(self.add_price('1876', 0.01).country_id.code, 'JM')
        for wrong in ('049', 'DE', '4*', '1234567890123456'):
            with self.assertRaisesRegex(ValidationError, "is not a prefix"), self.cr.savepoint():
                self.add_price(wrong, 0.01)

    def test_import_of_the_template(self):
        template, = self.env['sms.gateway.price'].get_import_templates()
        with file_open(template['template'].removeprefix('/')) as file:
            content = file.read().encode()
        wizard = self.env['base_import.import'].with_context(default_gateway_id=self.gateway.id).create({
            'res_model': 'sms.gateway.price', 'file': content, 'file_type': 'text/csv'})
        options = {
            'has_headers': True, 'quoting': '"', 'separator': ',', 'date_format': '%Y-%m-%d', 'encoding': 'utf-8'}
        preview = wizard.parse_preview(dict(options))
        chosen = [path[0] for _column, path in sorted(preview['matches'].items())]
        self.assertEqual(chosen, ['prefix', 'price', 'currency_id', 'valid_from'])
        result = wizard.execute_import(chosen, preview['headers'], options)
        self.assertFalse(result['messages'])
        self.assertEqual(self.get_rows(), [
            ('1876', 0.0882, 'EUR', '2026-01-01'), ('32', 0.0745, 'EUR', '2026-01-01'),
            ('49', 0.0695, 'EUR', '2026-07-01'), ('49', 0.0725, 'EUR', '2026-01-01'),
            (False, 0.09, 'EUR', '2026-01-01')])

    def test_currency_that_is_not_active(self):
        """A price list may be in a currency that nothing else uses, here and on the page."""
        franc = self.env.ref('base.CHF')
        franc.active = False
        self.assertFalse(self.load(['41', '0.05', 'CHF', '2026-01-01'])['messages'])
        self.assertEqual(self.get_rows(), [('41', 0.05, 'CHF', '2026-01-01')])
        arch = etree.fromstring(self.env['sms.gateway.price'].get_view(view_type='list')['arch'])
        self.assertIn("'active_test': False", arch.find('.//field[@name="currency_id"]').get('context'))

    def test_country_while_entering(self):
        for entered in ('+49', '0049 151', '49'):
            self.assertEqual(self.env['sms.gateway.price'].new({'prefix': entered}).country_id.code, 'DE')

    @mute_logger('odoo.sql_db')
    def test_refused_rows(self):
        """A file with one bad row is refused as a whole, with a sentence for the row."""
        good = ('49', '0.07', 'EUR', '2026-01-01')
        for bad, sentence in (
                (('DE', '0.07', 'EUR', '2026-01-01'), '"DE" is not a prefix'),
                (('32', '-1', 'EUR', '2026-01-01'), "enter 0 or more"),
                (('32', 'nan', 'EUR', '2026-01-01'), "enter 0 or more"),
                (('32', '1000000', 'EUR', '2026-01-01'), "enter 0 or more"),
                (('32', '', 'EUR', '2026-01-01'), "Enter a price"),
                (('32', 'cheap', 'EUR', '2026-01-01'), "number"),
                (('32', '0.07', 'XXX', '2026-01-01'), "No matching record"),
                (('32', '0.07', 'EUR', 'soon'), "date"),
                (('+49', '0.08', 'EUR', '2026-01-01'), "only one price per day")):
            with self.subTest(row=bad):
                result = self.load(good, bad)
                self.assertFalse(result['ids'])
                self.assertIn(sentence, ' '.join(message['message'] for message in result['messages']))
                self.assertFalse(self.get_rows())

    def test_sent(self):
        """What the price list says, for each segment; not for other numbers and SMS that were refused."""
        self.add_price('32', 0.0745)
        status = self.send(body="a" * 161)
        self.assertEqual(status.segment_count, 2)
        self.assertEqual(self.get_exact(status), ('0.149000', 'EUR', 'price_list', '0.149'))
        self.assertEqual(status.company_currency_id, self.euro)
        self.assertEqual(self.get_exact(self.send(OTHER)), (None, None, None, None))
        self.always_answer(Reply(status=400, body='{"error": "no"}'))
        self.assertEqual(self.get_exact(self.send()), (None, None, None, None))

    def test_day(self):
        self.add_price('32', 0.05, valid_from=self.today - timedelta(days=3))
        self.add_price('32', 0.06)
        self.add_price('32', 0.07, valid_from=self.today + timedelta(days=1))
        self.assertEqual(self.get_exact(self.send())[0], '0.060000')

    def test_rate_of_the_day(self):
        self.add_price('32', 0.0745, self.dollar)
        self.assertEqual(self.get_exact(self.send()), ('0.074500', 'USD', 'price_list', '0.0596'))

    def test_response_first(self):
        self.add_price('32', 0.0745)
        self.answer_price('-0.00750')
        self.assertEqual(self.get_exact(self.send()), ('0.00750', 'USD', 'response', '0.006'))
        self.answer_price(None)
        self.assertEqual(self.get_exact(self.send())[2], 'price_list')

    def test_no_rate(self):
        """Odoo takes 1 for a currency without rates: the cost would be wrong without a word."""
        self.answer_price(0.8, 'KES')
        self.assertEqual(self.get_exact(self.send()), ('0.8', 'KES', 'response', None))
        self.answer_price(2, 'credits')
        status = self.send()
        self.assertEqual(self.get_exact(status), ('2', 'credits', 'response', None))
        self.assertFalse(status.company_currency_id)
        self.add_price('32', 0.0745)
        self.assertEqual(self.get_exact(self.send()), ('0.074500', 'EUR', 'price_list', '0.0745'))

    def test_zero_in_a_response(self):
        """Unifonic responds with 0 for a queued SMS: the price is not known yet."""
        self.answer_price(0)
        self.assertEqual(self.get_exact(self.send()), ('0', 'USD', 'response', '0'))
        self.add_price('32', 0.0745)
        self.assertEqual(self.get_exact(self.send())[2], 'price_list')

    def test_sum_of_prices(self):
        self.answer_price('0.0525', 'EUR')
        self.send()
        totals = self.env['sms.gateway.status'].formatted_read_group(
            [('gateway_id', '=', self.gateway.id)], ['price_currency'], ['price:sum'])
        self.assertEqual([(row['price_currency'], row['price:sum']) for row in totals], [('EUR', 0.0525)])

    def test_dry_run(self):
        self.add_price('32', 0.0745)
        self.gateway.is_dry_run = True
        self.assertEqual(self.get_exact(self.send()), (None, None, None, None))

    def test_retry(self):
        """The status is that of the last attempt, and so is its cost."""
        self.add_price('32', 0.0745)
        self.always_answer(Reply(status=400, body='{"error": "no"}'))
        sms = self.make_sms(NUMBER)
        sms.send()
        self.always_answer(Reply(body='{"id": "1"}'))
        sms.action_retry()
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(self.get_exact(self.status_of(sms))[3], '0.0745')

    def test_queries(self):
        """A batch takes the same number of queries, however many SMS it has."""
        self.add_price('32', 0.0745, self.dollar)
        counts = []
        for count in (2, 40):
            sms = self.make_sms(*(f'+3245600{index:04}' for index in range(count)))
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            sms.send()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLess(counts[1], counts[0] + 10)

    def test_page(self):
        action = self.gateway.action_view_prices()
        self.assertEqual(action['context'], {'default_gateway_id': self.gateway.id})
        prices = self.env['sms.gateway.price'].with_context(**action['context'])
        self.assertEqual(prices.default_get(['currency_id'])['currency_id'], self.euro.id)
        self.assertEqual(prices.default_get(['valid_from'])['valid_from'], fields.Date.context_today(prices))
