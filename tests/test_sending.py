# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.tests import tagged

from .common import GatewayCase
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
