# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The main screens in Arabic, from right to left, on a desktop and on a phone."""
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import get_template
from .provider import Reply
from .test_gateways_connect import ConnectCase


class ArabicCase(ConnectCase, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('ar_001')
        cls.env['ir.module.module'].search([('name', '=', 'eis_sms_apis')])._update_translations('ar_001')
        cls.env.ref('base.user_admin').lang = 'ar_001'

    def run_tours(self):
        path = get_template(self.env, 'twilio').base_url.split('/', 3)[3]
        self.write_template('twilio', base_url=f'{self.provider.url}/{path}')
        self.gateway.country_prefixes = '+32'
        self.provider.answer(Reply(400, {'message': "Blocked"}))
        contact = self.make_contact()
        message = contact._message_sms("Your order is ready")
        self.provider.answer(Reply(201, {'sid': 'SM0001', 'status': 'queued'}))
        action = '/odoo/action-eis_sms_apis.'
        # without rtlcss, the screens are in Arabic but from left to right
        with mute_logger('odoo.addons.base.models.assetsbundle'):
            self.start_tour(f'{action}sms_gateway_template_action', 'eis_sms_apis.rtl_connect', login='admin')
            self.start_tour(f'/odoo/res.partner/{contact.id}', 'eis_sms_apis.rtl_retry', login='admin')
            self.start_tour(f'{action}sms_gateway_action', 'eis_sms_apis.rtl_dashboard', login='admin')
        gateway = self.env['sms.gateway'].search([('name', '=', "Twilio"), ('is_template', '=', False)])
        self.assertEqual((gateway.state, gateway.sender), ('active', '+15005550006'))
        self.assertEqual(message.notification_ids.notification_status, 'ready')


@tagged('post_install', '-at_install')
class TestArabic(ArabicCase):

    def test_screens(self):
        self.run_tours()


@tagged('post_install', '-at_install')
class TestArabicOnPhone(ArabicCase):
    browser_size = '390x844'
    touch_enabled = True

    def test_screens(self):
        self.run_tours()
