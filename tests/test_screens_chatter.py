# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A failed SMS in the chatter: its reason and what the reader can do about it, and Retry after a correction."""
from odoo.tests import HttpCase, new_test_user, tagged

from ..models.sms_gateway_problem import ADVICE, SENTENCES
from .common import NUMBER, GatewayCase
from .provider import Reply


@tagged('post_install', '-at_install')
class TestAudience(GatewayCase, HttpCase):

    def test_advice(self):
        self.always_answer(Reply(402, "No credit"))
        new_test_user(self.env, 'plain', groups='base.group_user,base.group_partner_manager')
        contact = self.make_contact()
        contact._message_sms("Your order is ready")
        url = f'/odoo/res.partner/{contact.id}'
        self.start_tour(url, 'eis_sms_apis.advice_for_employee', login='plain')
        self.start_tour(url, 'eis_sms_apis.advice_for_administrator', login='admin')

    def test_settings_are_for_administrators(self):
        """The document does not say what to set on the gateway; the status does."""
        self.always_answer(Reply(302, headers={'Location': 'https://example.com'}))
        message = self.make_contact()._message_sms("Hello")
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        self.assertIn("redirects are not followed.", message.notification_ids.failure_reason)
        self.assertNotIn("Base URL", message.notification_ids.failure_reason)
        self.assertIn("Enter the address of the redirect as Base URL.", sms.failure_reason)
        self.assertEqual(self.status_of(sms).error_message, sms.failure_reason)

    def test_waiting_sms(self):
        self.gateway.base_url = 'http://127.0.0.1:1'
        message = self.make_contact()._message_sms("Hello")
        self.assertEqual(
            message.notification_ids.failure_reason, "The provider's server cannot be reached. Nothing was sent.")

    def test_without_gateway(self):
        self.gateway.state = 'disabled'
        message = self.make_contact()._message_sms("Hello")
        self.assertEqual(
            message.notification_ids.failure_reason, "No SMS gateway is active for this company. Nothing was sent.")

    def test_advice_belongs_to_sentences(self):
        self.assertLessEqual(ADVICE.keys(), SENTENCES.keys())


@tagged('post_install', '-at_install')
class TestCorrectedNumber(GatewayCase):

    def retry(self, message):
        result = message.retry_sms()
        self.env['sms.sms']._process_queue()
        return result['type'], message.notification_ids.notification_status, self.provider.sms

    def test_wrong_number(self):
        contact = self.make_contact(phone='12')
        message = contact._message_sms("Hello")
        self.assertEqual(message.notification_ids.failure_type, 'sms_number_format')
        contact.phone = '0456 00 11 22'
        self.assertEqual(self.retry(message), ('success', 'pending', [(NUMBER, "Hello")]))
        self.assertEqual(message.notification_ids.sms_number, NUMBER)

    def test_missing_number(self):
        contact = self.make_contact(phone=False)
        message = contact._message_sms("Hello")
        self.assertEqual(message.notification_ids.failure_type, 'sms_number_missing')
        self.assertEqual(message.retry_sms()['type'], 'warning')
        contact.phone = NUMBER
        self.assertEqual(self.retry(message), ('success', 'pending', [(NUMBER, "Hello")]))

    def test_entered_number_stays(self):
        """It need not be the contact's."""
        message = self.make_contact()._message_sms("Hello", partner_ids=[], sms_numbers=['12'])
        wrong = message.notification_ids
        self.assertEqual((wrong.failure_type, wrong.res_partner_id.id), ('sms_number_format', False))
        message.retry_sms()
        self.assertEqual(wrong.sms_number, '12')

    def test_other_failures_keep_their_number(self):
        self.provider.answer(Reply(400, "Blocked"))
        contact = self.make_contact()
        message = contact._message_sms("Hello")
        contact.phone = '+32456009999'
        self.provider.clear()
        self.assertEqual(self.retry(message), ('success', 'pending', [(NUMBER, "Hello")]))
