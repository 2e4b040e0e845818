# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged

from .. import uninstall_hook
from .common import DOUBT, GatewayCase
from .provider import Reply


@tagged('post_install', '-at_install')
class TestSending(GatewayCase):

    def test_sms_leaves_and_is_recorded(self):
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual(self.provider.sms, [('+32456001122', "Hello")])
        self.assertEqual(sms.state, 'pending')
        self.assertTrue(sms.to_delete)
        self.assertEqual(sms.gateway_id, self.gateway)
        status = self.status_of(sms)
        self.assertEqual((status.state, status.outcome, status.attempt), ('success', 'accepted', 1))
        self.assertTrue(status.message_id)

    def test_refusal(self):
        self.provider.answer(Reply(400, {'error': "No such sender"}))
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual((sms.state, sms.failure_type), ('error', 'sms_server'))
        self.assertIn("No such sender", sms.failure_reason)

    def test_uninstalling_ends_what_is_under_way(self):
        """Given claimed SMS and one that waits for its report, the addon is uninstalled: none is Processing forever."""
        self.gateway.write({'success_key': 'queued', 'delivery_callback_enabled': True})
        self.provider.answer("?")
        waiting = self.make_sms('+32456001122')
        waiting.send()
        self.assertEqual(waiting.state, 'process')
        contact = self.make_contact()
        message = contact._message_sms("Hello", sms_numbers=['+32456001133'], put_in_queue=True)
        claimed = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        queued = self.make_sms('+32456001144')
        reserved = self.make_sms('+32456001155')
        self.env['sms.sms'].sudo()._claim(3600, 10, claimed.ids, lambda line: 60, start=10)
        self.env['sms.sms'].sudo()._claim(3600, 10, reserved.ids, lambda line: 60)
        self.env.invalidate_all()
        self.assertEqual(claimed.state, 'process')
        uninstall_hook(self.env)
        self.assertEqual((waiting.state, claimed.state, queued.state), ('pending', 'error', 'outgoing'))
        self.assertEqual((reserved.state, reserved.attempt), ('outgoing', 0))
        self.assertIn(DOUBT, message.notification_ids.failure_reason)
