# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a mailing or mass SMS will cost is shown before it is sent, and nothing is sent for that."""
from unittest.mock import patch

from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..wizard import cost_estimate
from .common import GatewayCase, MarketingCase


class EstimateCase(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.currency = cls.env.company.currency_id

    def add_price(self, price, prefix=''):
        return self.env['sms.gateway.price'].create({
            'gateway_id': self.gateway.id, 'price': price, 'prefix': prefix, 'valid_from': '2020-01-01',
            'currency_id': self.currency.id})


@tagged('post_install', '-at_install')
class TestEstimateOfMailing(MarketingCase, EstimateCase):

    def estimate(self, mailing=None, user=None):
        env = self.env(user=user) if user else self.env
        action = self.env.ref('eis_sms_apis.action_estimate_mailing').with_env(env)
        opened = action.with_context(
            active_model='mailing.mailing', active_id=(mailing or self.mailing).id,
            active_ids=(mailing or self.mailing).ids).run()
        self.assertFalse(self.provider.requests)
        return env['sms.gateway.estimate'].browse(opened['res_id'])

    def test_by_country(self):
        self.add_price(0.1)
        self.add_price(0.5, '33')
        self.contacts[3].phone = '+33612345678'
        result = self.estimate()
        self.assertEqual(
            [(line.country_id.code, line.recipient_count, line.segment_count, line.cost) for line in result.line_ids],
            [('FR', 1, 1, 0.5), ('BE', 3, 3, 0.3)])
        self.assertIn("4 recipients, 4 segments,", result.summary)
        self.assertIn("0.80", result.summary)
        self.assertFalse(result.note)

    def test_as_it_is_sent(self):
        """Links are shortened, the opt-out link is added, Smart Encoding applies, and some get nothing."""
        self.add_price(0.1)
        self.gateway.smart_encoding = 'saving'
        self.env['phone.blacklist'].create({'number': self.contacts[0].phone})
        self.contacts[1].phone = False
        mailing = self.make_mailing(
            body_plaintext="“Sale” for {{ object.name }} https://www.example.com/" + "a" * 150, sms_force_send=True,
            sms_allow_unsubscribe=True, use_exclusion_list=True)
        before = self.env['link.tracker'].search_count([]), self.env['sms.sms'].search_count([])
        result = self.estimate(mailing)
        self.assertEqual((self.env['link.tracker'].search_count([]), self.env['sms.sms'].search_count([])), before)
        mailing.action_send_sms()
        self.env.invalidate_all()
        status = self.env['sms.gateway.status'].search([('gateway_id', '=', self.gateway.id)])
        self.assertEqual(len(status), 2)
        self.assertEqual(sum(result.line_ids.mapped('recipient_count')), 2)
        self.assertEqual(sum(result.line_ids.mapped('segment_count')), sum(status.mapped('segment_count')))
        self.assertAlmostEqual(sum(result.line_ids.mapped('cost')), sum(status.mapped('cost')))

    def test_sample(self):
        self.add_price(0.1)
        with patch.object(cost_estimate, 'SAMPLE', 2):
            result = self.estimate()
        self.assertIn("About 4 recipients, 4 segments,", result.summary)
        self.assertIn("0.40", result.summary)
        self.assertIn("from 2 recipients", result.note)

    def test_price_is_not_known(self):
        result = self.estimate()
        self.assertIn("price not known", result.summary)
        self.assertIn("Enter or import them", result.note)
        self.assertFalse(result.is_cost_known, "no $ 0.00 in the list")
        self.add_price(0.1, '32456001120')
        result = self.estimate()
        self.assertIn("at least", result.summary)
        self.assertTrue(result.is_cost_known)

    def test_nobody_gets_it(self):
        self.contacts.phone = False
        self.assertIn("No SMS will be sent: no recipient has a valid phone number", self.estimate().note)

    def test_recent_prices(self):
        """Given a provider that responds with the price: that of the last SMS to the country."""
        self.env['sms.gateway.status'].create({
            'gateway_id': self.gateway.id, 'sms_uuid': 'x', 'state': 'success', 'number': '+32456001199',
            'company_id': self.env.company.id, 'cost': 0.3, 'segment_count': 3,
            'company_currency_id': self.currency.id})
        self.assertIn("0.40", self.estimate().summary)

    def test_budget(self):
        self.add_price(0.1)
        self.env['sms.gateway.budget'].create({'amount': 3, 'unit': 'segments'})
        self.assertIn("has room for 3 segments", self.estimate().note)

    def test_user_of_marketing(self):
        self.add_price(0.1)
        user = new_test_user(self.env, 'marketer', 'mass_mailing.group_mass_mailing_user')
        self.assertIn("4 recipients", self.estimate(user=user).summary)

    def test_buttons(self):
        def read_arch():
            return self.env['mailing.mailing'].get_view(
                self.env.ref('mass_mailing_sms.mailing_mailing_view_form_mixed').id)['arch']
        self.assertIn("Estimate Cost", read_arch())
        self.assertNotIn("SMS Text Messages are in queue", read_arch())
        self.assertIn("SMS are in the queue. Click to see what they wait for.", read_arch())
        self.assertNotIn("Send Above Budget", read_arch(), "there is no budget")
        self.env['sms.gateway.budget'].create({'amount': 3, 'unit': 'segments'})
        self.assertIn("Send Above Budget", read_arch())

    def test_release(self):
        budget = self.env['sms.gateway.budget'].create({'amount': 2, 'unit': 'segments'})
        action = self.env.ref('eis_sms_apis.action_release_budget_of_mailing').with_context(
            active_model='mailing.mailing', active_id=self.mailing.id, active_ids=self.mailing.ids)
        self.assertIn("No SMS", action.run()['params']['message'])
        self.mailing.action_send_sms()
        self.env.invalidate_all()
        self.assertIn(budget.name, action.run()['params']['message'])
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(set(self.traces().mapped('trace_status')), {'pending'})


@tagged('post_install', '-at_install')
class TestEstimateOfMassSms(EstimateCase):

    def test_composer(self):
        self.add_price(0.1)
        contacts = self.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': f'+3245600001{index}'} for index in range(3)])
        composer = self.env['sms.composer'].with_context(
            active_model='res.partner', active_ids=contacts.ids, default_composition_mode='mass',
            default_res_model='res.partner', default_res_ids=repr(contacts.ids))
        form = Form(composer)
        self.assertFalse(form.cost_estimate)
        form.body = "Hello"
        self.assertIn("3 recipients, 3 segments,", form.cost_estimate)
        self.assertIn("0.30", form.cost_estimate)
        form.body = "Hello {{ object.nam"
        with mute_logger('odoo.addons.mail.models.mail_render_mixin'):
            form.body = "Hello {{ object.no_such_field }}"
        self.assertFalse(form.cost_estimate)
        form.body = "a" * 200
        self.assertIn("6 segments", form.cost_estimate)
        self.assertFalse(self.env['sms.sms'].search([('number', 'in', contacts.mapped('phone'))]))

    def test_single(self):
        contact = self.make_contact()
        form = Form(self.env['sms.composer'].with_context(
            active_model='res.partner', active_id=contact.id, default_composition_mode='comment',
            default_res_model='res.partner', default_res_id=contact.id))
        form.body = "Hello"
        self.assertFalse(form.cost_estimate)
