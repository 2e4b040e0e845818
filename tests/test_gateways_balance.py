# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The balance of a gateway: asked for with a button and in the queue action, with an alert below a minimum."""
import json
import re
import time
from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged

from . import template_samples
from .common import SECRET, GatewayCase, get_template
from .provider import Reply

PROVIDERS = 30  # templates that read the balance


class BalanceCase(GatewayCase):
    """Given a gateway that asks for the balance at /balance."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.query_ids = [(0, 0, {
            'url': '/balance?key={token}', 'amount_path': 'amount', 'currency_path': 'currency'})]

    def answer_balance(self, amount, **values):
        self.always_answer(Reply(
            body=json.dumps({'amount': amount, 'currency': 'EUR', **values})), path='/balance')

    def check(self, amount):
        self.answer_balance(amount)
        return self.gateway.action_check_balance()

    def spend(self, price, days, currency='EUR'):
        """Let an SMS have cost this, some days ago."""
        status = self.env['sms.gateway.status'].create({
            'gateway_id': self.gateway.id, 'sms_uuid': f'spent-{days}', 'state': 'success', 'price': price,
            'price_currency': currency})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sms_gateway_status SET create_date = create_date - %s WHERE id = %s",
            [timedelta(days=days), status.id])

    def asked(self):
        return [request for request in self.provider.requests if request.path.startswith('/balance')]


@tagged('post_install', '-at_install')
class TestBalance(BalanceCase):

    def test_button(self):
        action = self.check('12.50')
        self.assertEqual(action['params']['type'], 'success')
        self.assertEqual(action['params']['message'], "12.5 EUR")
        self.assertEqual((self.gateway.balance, self.gateway.balance_currency), (12.5, 'EUR'))
        self.assertTrue(self.gateway.balance_date)
        request, = self.asked()
        self.assertEqual(request.method, 'GET')

    def test_forecast(self):
        self.check('50')
        self.assertFalse(self.gateway.balance_forecast, "no price is known")
        self.spend(20, days=2)
        self.check('50')
        self.assertEqual(self.gateway.balance_spending, 10)
        self.assertEqual(self.gateway.balance_forecast, "Lasts about 5 days")
        self.spend(50, days=6)
        self.spend(1000, days=8)
        self.spend(1000, days=1, currency='USD')
        self.check('351')
        self.assertAlmostEqual(self.gateway.balance_spending, 70 / 6, 3)
        self.assertEqual(self.gateway.balance_forecast, "Lasts about 30 days")
        self.check('3')
        self.assertEqual(self.gateway.balance_forecast, "Lasts less than a day")
        self.check('-1')
        self.assertEqual(self.gateway.balance_forecast, "Lasts less than a day")

    def test_errors_keep_the_last_balance(self):
        self.check('12.50')
        for reply, words in (
                (Reply(status=401, body='{"amount": 5}'), "401"),
                (Reply(body='{"error": "none"}'), "no balance"),
                (Reply(body='{"amount": "NaN"}'), "no balance")):
            self.always_answer(reply, path='/balance')
            action = self.gateway.action_check_balance()
            self.assertEqual(action['params']['type'], 'danger')
            self.assertIn(words, self.gateway.balance_error)
            self.assertEqual(self.gateway.balance, 12.5)
        self.check('3')
        self.assertFalse(self.gateway.balance_error)

    def test_secrets_are_masked_or_refused(self):
        query = self.gateway.query_ids
        self.assertIn('/balance?key=***', query.request_preview)
        self.assertNotIn(SECRET, query.request_preview)
        for values in (
                {'url': '/balance?api_key=f3a9c1d2e4b5a6978812'}, {'url': 'ftp://example.com'},
                {'url': 'https://{message}.example.com/'}, {'amount_regex': '('}, {'body': 'a=b'}):
            with self.subTest(values=values), self.assertRaises(ValidationError), self.env.cr.savepoint():
                query.write(values)

    def test_copy_keeps_the_query_and_not_the_balance(self):
        self.check('12.50')
        copy = self.gateway.copy()
        self.assertEqual(copy.query_ids.url, self.gateway.query_ids.url)
        self.assertFalse(copy.balance or copy.balance_date)


@tagged('post_install', '-at_install')
class TestBalanceAlert(BalanceCase):

    def setUp(self):
        super().setUp()
        self.user = new_test_user(self.env, 'responsible', 'base.group_system')
        self.employee = new_test_user(self.env, 'employee', 'base.group_user')
        self.gateway.write({
            'balance_threshold': 10, 'balance_user_ids': [(6, 0, (self.user | self.employee).ids)]})

    def activities(self):
        return self.env['mail.activity'].search([('user_id', 'in', (self.user | self.employee).ids)])

    def notified(self, user):
        return self.env['mail.notification'].search_count([('res_partner_id', '=', user.partner_id.id)])

    def test_alert_once_until_the_balance_is_above_again(self):
        self.check('10')
        self.assertFalse(self.activities())
        self.check('9.99')
        self.check('5')
        activity = self.activities()
        self.assertEqual(activity.user_id, self.user, "An employee cannot open the gateway.")
        self.assertEqual(len(activity), 1)
        self.assertIn("9.99 EUR", activity.note)
        self.assertEqual((self.notified(self.user), self.notified(self.employee)), (1, 0))
        self.check('50')
        self.assertFalse(self.gateway.balance_alerted)
        self.check('1')
        self.assertEqual(len(self.activities()), 2)
        self.assertEqual(self.notified(self.user), 2)

    def test_minimum_days(self):
        """Given two days at 10 EUR a day: alerted once below three days."""
        self.gateway.write({'balance_threshold': 0, 'balance_days_threshold': 3})
        self.spend(20, days=2)
        self.check('30.01')
        self.assertFalse(self.activities())
        self.check('29')
        self.check('28')
        activity = self.activities()
        self.assertEqual(len(activity), 1)
        self.assertIn("Lasts about 2 days", activity.note)
        self.check('100')
        self.assertFalse(self.gateway.balance_alerted)

    def test_no_minimum_no_alert(self):
        self.gateway.balance_threshold = 0
        self.check('-5')
        self.assertFalse(self.gateway.balance_alerted)


@tagged('post_install', '-at_install')
class TestBalanceInTheQueue(BalanceCase):

    def process(self):
        self.env['sms.sms']._process_queue()
        return len(self.asked())

    def test_at_most_every_hour_while_sms_go_out(self):
        self.answer_balance('7')
        self.assertEqual(self.process(), 0, "No SMS was sent.")
        self.make_sms('+32456001122')
        self.assertEqual(self.process(), 1)
        self.assertEqual(self.gateway.balance, 7)
        self.make_sms('+32456001123')
        self.assertEqual(self.process(), 1, "It was asked for less than an hour ago.")
        self.gateway.balance_attempt_date = fields.Datetime.now() - timedelta(minutes=61)
        self.assertEqual(self.process(), 2)
        self.gateway.balance_attempt_date = fields.Datetime.now() - timedelta(minutes=61)
        self.gateway.state = 'disabled'
        self.assertEqual(self.process(), 2)

    def test_nothing_starts_after_the_deadline(self):
        self.make_sms('+32456001122')
        self.gateway.balance_attempt_date = fields.Datetime.now()
        self.process()
        self.gateway.balance_attempt_date = False
        self.env['sms.gateway.query']._check_all_balances(time.monotonic() - 1, list)
        self.assertFalse(self.asked())


@tagged('post_install', '-at_install')
class TestBalanceOfTemplates(GatewayCase):

    def test_documented_samples(self):
        """Each template asks as its provider documents, and reads the documented response."""
        slugs = [slug for slug in template_samples.sample_slugs() if template_samples.load(slug).balance]
        self.assertGreaterEqual(len(slugs), PROVIDERS)
        for slug in template_samples.template_slugs():
            self.assertEqual(get_template(self.env, slug).has_balance_query, slug in slugs, slug)
        for slug in slugs:
            with self.subTest(provider=slug):
                self.check_sample(slug, template_samples.load(slug))

    def check_sample(self, slug, samples):
        sample = samples.balance
        copy = get_template(self.env, slug).copy()
        copy.write(samples.values)
        copy.base_url = re.sub(r'^https?://[^/?#]+', self.provider.url, copy.base_url)
        query = copy.query_ids.filtered(lambda query: query.kind == 'balance')
        query.url = re.sub(r'^https?://[^/?#]+', self.provider.url, query.url)
        self.provider.clear()
        self.provider.always(Reply(body=sample['body']))
        self.addCleanup(self.provider.always, self.provider.accept)
        copy.action_check_balance()
        request, = self.provider.requests
        self.assertEqual(
            (request.method, request.target, request.body.decode()),
            (sample.get('method', 'GET'), sample['path'], sample.get('sent', '')))
        if sample['amount'] is None:
            self.assertTrue(copy.balance_error)
            return
        self.assertFalse(copy.balance_error)
        # the column keeps four decimals
        self.assertAlmostEqual(copy.balance, sample['amount'], 4)
        self.assertEqual(copy.balance_currency, sample['currency'])
