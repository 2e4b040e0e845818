# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS that would reach somebody else, or nobody, are refused with words that help."""
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import GatewayCase


@tagged('post_install', '-at_install')
class TestRefusedSms(GatewayCase):

    def assert_failed(self, sms, failure_type, words):
        self.assertEqual((sms.state, sms.failure_type), ('error', failure_type))
        self.assertIn(words, sms.failure_reason)

    def test_number_of_a_country_that_the_gateway_does_not_serve(self):
        """Without its country code it would reach a stranger in the provider's country."""
        self.gateway.write({'number_format': 'significant', 'country_prefixes': '+90'})
        sms = self.make_sms('+4915123456789', '+905321234567')
        sms.send()
        self.assert_failed(sms[0], 'sms_number_format', "outside the Country Prefixes")
        self.assertEqual([number for number, _text in self.provider.sms], ['5321234567'])
        self.gateway.country_prefixes = False
        self.assertIn("would reach strangers", self.gateway.warnings)

    def test_local_number_of_another_country(self):
        """Given a contact in Brazil with a number that is none there, sent by a template, code, a test: it does not
        go to Iran."""
        contact = self.make_contact(phone='987654321', country_id=self.env.ref('base.br').id)
        self.env.company.country_id = self.env.ref('base.br')
        template = self.env['sms.template'].create({
            'name': "Hello", 'model_id': self.env['ir.model']._get_id('res.partner'), 'body': "Hello"})
        self.env['ir.actions.server'].create({
            'name': "Send", 'model_id': template.model_id.id, 'state': 'sms', 'sms_template_id': template.id,
            'sms_method': 'sms',
        }).with_context(active_model='res.partner', active_id=contact.id, active_ids=contact.ids).run()
        sms = self.make_sms('987654321', partner_id=contact.id)
        sms.send()
        self.assert_failed(sms, 'sms_number_format', "Enter it with + and the country code")
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': '987654321', 'body': "Hi"})
        with self.assertRaisesRegex(Exception, "country code"):
            test.action_send()
        self.assertEqual(self.provider.requests, [])


@tagged('post_install', '-at_install')
class TestRefusedGateways(GatewayCase):

    def test_active_gateway_without_number_or_text(self):
        """However it becomes Active."""
        for parameters, words in (([], "no recipient"), ([{'key': 'to', 'param_type': 'number'}], "no text")):
            values = {'parameter_ids': [(5, 0), *((0, 0, row) for row in parameters)]}
            with self.subTest(words=words):
                with self.assertRaisesRegex(ValidationError, words):
                    self.make_gateway("Without", **values)
                gateway = self.make_gateway("Without", state='new', **values)
                with self.assertRaisesRegex(ValidationError, words):
                    gateway.state = 'active'
                gateway.state = 'new'
                with self.assertRaisesRegex(ValidationError, words):
                    self.gateway.write(values)
                self.gateway.invalidate_recordset()

    def test_uuid_of_a_shared_request(self):
        self.gateway.write({'message_id_regex': False, 'supports_multiple_recipients': True, 'parameter_ids': [
            (5, 0), (0, 0, {'key': 'to', 'param_type': 'multi_number'}),
            (0, 0, {'key': 'text', 'param_type': 'message'}), (0, 0, {'key': 'id', 'value': '{uuid}'})]})
        self.assertIn("does not identify one SMS", self.gateway.warnings)
        self.gateway.write({'answer_message_id_path': 'id', 'delivery_callback_message_id_param': 'id'})
        self.assertNotIn("does not identify one SMS", self.gateway.warnings or '', "reports are matched by message ID")
        self.gateway.answer_message_id_path = False
        self.assertIn("does not identify one SMS", self.gateway.warnings)
        self.gateway.supports_multiple_recipients = False
        self.assertNotIn("does not identify one SMS", self.gateway.warnings or '')
