# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Budgets in money, the alerts of budgets, and budgets of mailings."""
import json

from odoo import fields
from odoo.tests import new_test_user, tagged

from ..sending.store.lost_claims import recover_lost_claims
from ..tools.report.parsing import parse_reports
from .common import MarketingCase
from .provider import Reply
from .test_sending_budget import BudgetCase


@tagged('post_install', '-at_install')
class TestBudgetInMoney(BudgetCase):

    def setUp(self):
        super().setUp()
        self.eur = self.env.ref('base.EUR')
        self.usd = self.env.ref('base.USD')
        (self.eur | self.usd).active = True
        self.env.company.currency_id = self.eur

    def make_budget(self, amount, **values):
        return super().make_budget(amount, **{'unit': 'money', **values})

    def add_price(self, price, prefix='', currency=None):
        return self.env['sms.gateway.price'].create({
            'gateway_id': self.gateway.id, 'price': price, 'prefix': prefix, 'valid_from': '2020-01-01',
            'currency_id': (currency or self.eur).id})

    def test_price_list(self):
        self.add_price(0.1)
        budget = self.make_budget(0.3)
        sms = self.send(4)
        self.assertEqual(sms.mapped('state'), ['pending'] * 3 + ['outgoing'])
        self.assertEqual(budget.spent, 0.3)
        self.assertEqual(budget.state, 'used')
        self.assertIn("0.30", budget.spent_text)
        budget.amount = 0.35
        self.env.invalidate_all()
        self.assertTrue(sms[3].send_after, "there is no room for it yet")
        budget.amount = 0.4
        self.run_queue()
        self.assertEqual(sms[3].state, 'pending')

    def test_segments_and_countries(self):
        self.add_price(0.1)
        self.add_price(0.5, '33')
        budget = self.make_budget(10)
        self.send(1, body="a" * 200)
        self.make_sms('+33612345678').send()
        self.env.invalidate_all()
        self.assertEqual(budget.spent, 0.7)

    def test_foreign_currency(self):
        self.env['res.currency.rate'].search([('currency_id', '=', self.usd.id)]).unlink()
        self.env['res.currency.rate'].create({'currency_id': self.usd.id, 'rate': 2, 'name': '2020-01-01'})
        self.add_price(0.5, currency=self.usd)
        budget = self.make_budget(10)
        self.send(1)
        self.assertEqual(budget.spent, 0.25)

    def test_price_of_the_provider(self):
        """What it says counts, whatever was expected."""
        self.add_price(0.1)
        self.gateway.write({
            'answer_message_id_path': 'id', 'answer_price_path': 'price', 'answer_currency': 'EUR'})
        self.always_answer(Reply(body=json.dumps({'id': '1', 'price': '0.15'})), path='/')
        budget = self.make_budget(10)
        self.send(2)
        self.assertEqual(budget.spent, 0.3)

    def test_price_of_the_report(self):
        """Twilio and others know the price only then."""
        self.add_price(0.1)
        self.gateway.write({
            'delivery_callback_enabled': True, 'delivery_callback_price_param': 'price',
            'delivery_callback_currency_param': 'currency'})
        budgets = self.make_budget(10) + self.make_budget(10, unit='segments')
        sms = self.send(2)
        self.assertEqual(budgets.mapped('spent'), [0.2, 2])
        body = json.dumps([
            {'message_id': status.message_id, 'status': 'delivered', 'price': '0.05', 'currency': 'EUR'}
            for status in self.status_of(sms)])
        self.gateway._receive_reports(parse_reports(
            self.gateway._get_report_rules(), 'POST', b'', 'application/json', body.encode()))
        self.env.invalidate_all()
        self.assertEqual(self.status_of(sms).mapped('cost'), [0.05, 0.05])
        self.assertEqual(budgets.mapped('spent'), [0.1, 2])

    def test_price_is_not_known(self):
        """It counts when the provider says it, so that no more is sent once the budget is used up."""
        self.gateway.write({
            'answer_message_id_path': 'id', 'answer_price_path': 'price', 'answer_currency': 'EUR'})
        self.always_answer(Reply(body=json.dumps({'id': '1', 'price': '1'})), path='/')
        budget = self.make_budget(2)
        self.assertEqual(set(self.send(2).mapped('state')), {'pending'})
        self.assertEqual(budget.spent, 2)
        self.assertEqual(self.send(1, 10).state, 'outgoing')

    def test_interrupted(self):
        self.add_price(0.1)
        budget = self.make_budget(10)
        sms = self.make_sms(*self.numbers(2), lane='bulk')
        self.claim(sms, lease=-1)
        self.assertEqual(budget.spent, 0.2)
        recover_lost_claims(self.env, float('inf'))
        self.env.invalidate_all()
        self.assertEqual(budget.spent, 0)

    def test_what_was_sent_before(self):
        self.add_price(0.1)
        self.send(3)
        budget = self.make_budget(0.35)
        self.assertEqual(budget.spent, 0.3)
        budget.unit = 'segments'
        self.assertEqual(budget.spent, 3)


@tagged('post_install', '-at_install')
class TestBudgetAlerts(BudgetCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boss = new_test_user(cls.env, 'boss', groups='base.group_system')

    def make_budget(self, amount, **values):
        return super().make_budget(amount, user_ids=self.boss.ids, **values)

    def activities(self):
        return self.env['mail.activity'].search([('user_id', '=', self.boss.id)])

    def notes(self):
        return self.env['mail.message'].search([('notified_partner_ids', 'in', self.boss.partner_id.ids)])

    def test_warning(self):
        budget = self.make_budget(10)
        before = self.notes()
        self.send(7)
        self.run_queue()
        self.assertEqual(self.notes(), before)
        self.send(1, 10)
        self.run_queue()
        note = self.notes() - before
        self.assertIn("SMS budget almost used up", note.subject)
        self.assertIn("8 segments of 10 segments were spent this month (80 %)", note.body)
        self.assertEqual(budget.state, 'warned')
        self.send(1, 20)
        self.run_queue()
        self.assertEqual(len(self.notes() - before), 1)

    def test_incident(self):
        budget = self.make_budget(1, warn_percent=100)
        self.send(3)
        activities = self.activities()
        self.run_queue()
        self.run_queue()
        incident = self.env['sms.gateway.incident'].search([('budget_id', '=', budget.id)])
        self.assertEqual((len(incident), incident.kind, incident.end_date), (1, 'budget', False))
        activity = self.activities() - activities
        self.assertIn("SMS budget used up", activity.summary)
        self.assertIn("2 bulk SMS wait", activity.note)
        self.assertTrue(self.env['sms.gateway.health']._get_figures()['is_healthy'])
        incident.action_release()
        self.run_queue()
        self.assertTrue(incident.end_date)
        self.assertFalse(activity.exists())
        self.assertEqual(self.sent(), 3)

    def test_queue_is_not_stuck(self):
        self.make_budget(1)
        sms = self.send(2)
        self.env.cr.execute("UPDATE sms_sms SET create_date = create_date - interval '1 day', write_date = NULL")
        self.env.cr.execute("UPDATE sms_gateway_status SET create_date = create_date - interval '1 day'")
        self.env.invalidate_all()
        self.assertEqual(sms[1].state, 'outgoing')
        self.assertFalse(self.env['sms.gateway.incident']._is_queue_stuck(fields.Datetime.now()))


@tagged('post_install', '-at_install')
class TestBudgetOfMailing(MarketingCase):

    def test_mailing(self):
        """A mailing waits with its traces, and is finished when it is released."""
        budget = self.env['sms.gateway.budget'].create({'amount': 2, 'unit': 'segments'})
        self.mailing.action_send_sms()
        self.env.invalidate_all()
        traces = self.traces()
        self.assertEqual(traces.mapped('trace_status'), ['pending'] * 2 + ['outgoing'] * 2)
        self.assertIn("the SMS budget of this month is used up", traces[3].failure_reason)
        self.assertNotIn("Settings", traces[3].failure_reason)
        budget.action_release()
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(set(traces.mapped('trace_status')), {'pending'})
        self.assertFalse(any(traces.mapped('failure_reason')))

    def test_cancel(self):
        """Canceled SMS wait for no budget: it must not look for them among hundreds of thousands."""
        self.env['sms.gateway.budget'].create({'amount': 2, 'unit': 'segments'})
        self.mailing.action_send_sms()
        self.mailing.action_cancel()
        self.env.invalidate_all()
        sms = self.env['sms.sms'].search([('mailing_id', '=', self.mailing.id), ('state', '=', 'canceled')])
        self.assertEqual(len(sms), 2)
        self.assertFalse(sms.budget_id or any(sms.mapped('is_held')))
