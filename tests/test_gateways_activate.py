# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Activate asks first while a gateway probably cannot send; code and imports are not asked."""
from odoo.tests import HttpCase, tagged

from .common import GatewayCase, get_template
from .provider import Reply
from .test_gateways_connect import SID

ACTION = '/odoo/action-eis_sms_apis.sms_gateway_action'


class ActivateCase(GatewayCase):

    def setUp(self):
        super().setUp()
        self.gateway.state = 'new'

    def ask(self, gateway=None):
        """:return: the question, an empty recordset if there is none"""
        action = (gateway or self.gateway).action_activate()
        return self.env['sms.gateway.activate'].browse(action and action['res_id'])

    def send_test(self, reply=None):
        if reply:
            self.always_answer(reply)
        test = self.env['sms.gateway.test'].create({'gateway_id': self.gateway.id, 'number': '+32456001122'})
        test.action_send()
        return test


@tagged('post_install', '-at_install')
class TestActivate(ActivateCase):

    def test_asks_until_a_test_sms_was_accepted(self):
        self.assertIn("not accepted an SMS", self.ask().reasons)
        self.send_test(Reply(401))
        self.assertIn("not accepted an SMS", self.ask().reasons)
        self.assertEqual(self.gateway.state, 'new')
        self.send_test(Reply(200, {'id': '1'}))
        self.assertFalse(self.ask())
        self.assertEqual(self.gateway.state, 'active')
        self.gateway.action_toggle_state()
        self.assertFalse(self.ask(), "It has sent before.")

    def test_asks_while_required_values_are_missing(self):
        self.send_test()
        self.gateway.token = False
        question = self.ask()
        self.assertEqual((question.missing, question.reasons), (
            "Token", "Missing: Token. The provider will probably refuse each SMS."))
        self.assertEqual(question.action_connect()['res_model'], 'sms.gateway.connect')
        self.assertEqual(question.action_test()['res_model'], 'sms.gateway.test')
        question.action_activate()
        self.assertEqual(self.gateway.state, 'active')

    def test_names_of_the_provider(self):
        gateway = get_template(self.env, 'twilio').copy({'username': SID})
        question = self.ask(gateway)
        self.assertEqual(question.missing, "Auth Token, From")
        self.assertIn("not accepted an SMS", question.reasons)

    def test_code_and_imports_are_not_asked(self):
        self.gateway.write({'token': False, 'state': 'active'})
        self.assertEqual(self.gateway.state, 'active')
        loaded = self.env['sms.gateway'].load(
            ['name', 'state', 'base_url', 'parameter_ids/key', 'parameter_ids/param_type'], [
                ["Loaded", "Active", self.provider.url, 'to', "Number"], ['', '', '', 'text', "Message"]])
        self.assertFalse(loaded['messages'])
        self.assertEqual(self.env['sms.gateway'].browse(loaded['ids']).state, 'active')

    def test_connect_asks_unless_a_test_sms_was_accepted(self):
        connect = self.env['sms.gateway.connect'].create({'gateway_id': self.gateway.id, 'number': '+32456001122'})
        self.assertTrue(connect.is_untested)
        self.always_answer(Reply(400))
        connect.action_send()
        self.assertTrue(connect.is_untested)
        self.always_answer(Reply(200, {'id': '1'}))
        connect.action_send()
        self.assertFalse(connect.is_untested)
        again = self.env['sms.gateway.connect'].create({'gateway_id': self.gateway.id})
        self.assertFalse(again.is_untested, "It was tested before.")


@tagged('post_install', '-at_install')
class TestActivateTour(ActivateCase, HttpCase):

    def test_tour(self):
        self.gateway.token = False
        self.start_tour(f'{ACTION}/{self.gateway.id}', 'eis_sms_apis.activate', login='admin')
        self.assertEqual((self.gateway.state, len(self.provider.requests)), ('active', 1))


@tagged('post_install', '-at_install')
class TestActivateOnPhone(TestActivateTour):
    browser_size = '390x844'
    touch_enabled = True
