# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An administrator sets up a gateway in a real browser, from the template to the first delivered SMS."""
import base64
import hmac
import json
from urllib.parse import urlsplit

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import SECRET, GatewayCase
from .provider import Reply

ACTION = '/odoo/action-eis_sms_apis.'


@tagged('post_install', '-at_install')
class TestTours(GatewayCase, HttpCase):

    def make_template(self):
        """Twilio's template as it comes with the addon, which sends to the provider on loopback."""
        template = self.env.ref('eis_sms_apis.gateway_twilio')
        path = template.base_url.split('/', 3)[3]
        template.with_context(install_mode=True, install_module='eis_sms_apis').write(
            {'is_template': True, 'state': 'new', 'base_url': f'{self.provider.url}/{path}'})
        return template

    def test_from_template_to_delivered(self):
        template = self.make_template()
        self.always_answer(Reply(201, {'sid': 'SM0001', 'status': 'queued'}))
        self.start_tour('/odoo/settings', 'eis_sms_apis.first_gateway', login='admin')
        gateway = self.env['sms.gateway'].search([('name', '=', "Twilio"), ('is_template', '=', False)])
        self.assertEqual(gateway.state, 'active')
        self.assertTrue(template.is_template)
        self.assertEqual(len(self.provider.requests), 1)
        status = gateway.sms_status_ids
        self.assertTrue(status.is_test)
        self.assertFalse(self.env['sms.sms'].search([('uuid', '=', status.sms_uuid)]))

        self.report(gateway, MessageSid='SM0001', MessageStatus='delivered')
        self.start_tour(f'{ACTION}sms_gateway_status_action', 'eis_sms_apis.delivered', login='admin')

    def report(self, gateway, **fields):
        """Make a delivery report, signed as Twilio signs it: URL, then names and values of the form by name."""
        url = gateway.delivery_callback_url
        signed = url + ''.join(f'{name}{value}' for name, value in sorted(fields.items()))
        signature = base64.b64encode(hmac.digest(gateway.password.encode(), signed.encode(), 'sha1')).decode()
        answer = self.url_open(urlsplit(url).path, data=fields, headers={'X-Twilio-Signature': signature})
        self.assertEqual(answer.status_code, 200)

    def test_contact(self):
        self.refuse()
        self.start_tour(f'/odoo/res.partner/{self.make_contact().id}', 'eis_sms_apis.contact', login='admin')
        self.assertEqual(self.provider.sms, [('+32456001122', "Your order is ready")])

    def test_plain_user_sees_no_gateway_and_no_secret(self):
        self.refuse(401)
        user = new_test_user(self.env, 'plain', groups='base.group_user,base.group_partner_manager')
        self.start_tour(f'/odoo/res.partner/{self.make_contact().id}', 'eis_sms_apis.plain_user', login='plain')
        self.assertEqual(len(self.provider.sms), 1)
        menus = self.env['ir.ui.menu'].with_user(user).load_menus(False)
        self.assertFalse([menu for menu in menus.values() if 'eis_sms_apis' in (menu.get('xmlid') or '')])
        for model in ('sms.gateway', 'sms.gateway.status', 'sms.gateway.test', 'sms.gateway.route'):
            with self.assertRaises(AccessError):
                self.env[model].with_user(user).search([])
        self.authenticate('plain', 'plain')
        self.assertNotIn(SECRET, self.url_open('/odoo').text)

    def test_employee_retries_from_the_chatter(self):
        self.refuse()
        new_test_user(self.env, 'plain', groups='base.group_user,base.group_partner_manager')
        contact = self.make_contact()
        message = contact._message_sms("Your order is ready")
        self.start_tour(f'/odoo/res.partner/{contact.id}', 'eis_sms_apis.retry_from_chatter', login='plain')
        self.assertEqual(message.notification_ids.notification_status, 'ready')

    def test_employee_retries_a_mass_sms(self):
        self.refuse()
        new_test_user(self.env, 'plain', groups='base.group_user,base.group_partner_manager')
        contact = self.make_contact()
        contact._message_sms_schedule_mass("Your order is ready", mass_force_send=True)
        self.assertEqual(contact.message_ids[0].notification_ids.notification_status, 'exception')
        self.start_tour(f'/odoo/res.partner/{contact.id}', 'eis_sms_apis.retry_from_chatter', login='plain')
        self.assertEqual(contact.message_ids[0].notification_ids.notification_status, 'ready')

    def test_employee_is_asked_in_the_chatter(self):
        self.always_answer(Reply(500))
        new_test_user(self.env, 'plain', groups='base.group_user,base.group_partner_manager')
        contact = self.make_contact()
        message = contact._message_sms("Your order is ready")
        self.start_tour(f'/odoo/res.partner/{contact.id}', 'eis_sms_apis.retry_asks', login='plain')
        self.assertEqual(message.notification_ids.notification_status, 'ready')

    def refuse(self, code=400):
        self.gateway.error_code_regex = r'"code":\s*"(\w+)"'
        self.always_answer(Reply(code, {'code': 'stop', 'text': 'On the stop list'}))

    def test_map_response(self):
        self.gateway.message_id_regex = False
        self.always_answer(Reply(200, {'result': {'msgid': 'A-77', 'status': 'queued'}}))
        url = f'{ACTION}sms_gateway_action/{self.gateway.id}'
        self.start_tour(url, 'eis_sms_apis.map_response', login='admin')
        self.assertEqual(self.gateway.answer_message_id_path, 'result.msgid')
        self.assertEqual(self.gateway.answer_status_path, 'result.status')

    def test_correct_request(self):
        gateway = self.make_gateway("Reseller", sender="Shop", parameter_ids=[
            (0, 0, {'key': 'to', 'param_type': 'number'}), (0, 0, {'key': 'text', 'param_type': 'message'}),
            (0, 0, {'key': 'from', 'value': '{sendr}'})])
        self.start_tour(f'{ACTION}sms_gateway_action/{gateway.id}', 'eis_sms_apis.correct_request', login='admin')
        self.assertEqual(gateway.parameter_ids[-1].value, '{sender}')
        self.assertEqual(gateway.header_ids.value, 'Bearer {token}')

    def test_wrong_configuration(self):
        with mute_logger('odoo.http'):  # it logs what the form refuses
            self.start_tour(f'{ACTION}sms_gateway_action', 'eis_sms_apis.wrong_configuration', login='admin')
        self.assertFalse(self.env['sms.gateway'].search([('name', '=', "Reseller")]))

    def test_import_curl(self):
        with mute_logger('odoo.http'):  # it logs what the dialog refuses
            self.start_tour(f'{ACTION}sms_gateway_action', 'eis_sms_apis.import_curl', login='admin')
        gateway = self.env['sms.gateway'].search([('name', '=', "Example SMS")])
        self.assertEqual((gateway.state, gateway.base_url), ('new', 'https://api.example.com/v1/sms'))
        self.assertEqual((gateway.username, gateway.password, gateway.sender), ('open', 'open-sesame', 'Shop'))
        self.assertEqual(json.loads(gateway.body_template), {
            'to': '{phone}', 'from': '{sender}', 'text': '{message}', 'campaign': 'winter'})

    def test_settings(self):
        self.gateway.state = 'disabled'
        self.start_tour('/odoo/settings', 'eis_sms_apis.settings', login='admin')

    def test_menu(self):
        self.refuse()
        self.make_sms('+32456001122').send()
        self.start_tour('/odoo/settings', 'eis_sms_apis.menu', login='admin')

    def test_which_gateway(self):
        self.make_gateway("Belgium", country_prefixes='+32')
        self.start_tour(f'{ACTION}sms_gateway_action', 'eis_sms_apis.which_gateway', login='admin')
