# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One gateway, or one parameter, with settings that nobody should make never stops the others."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import GatewayCase


@tagged('post_install', '-at_install')
class TestCareless(GatewayCase):

    def set_by_sql(self, gateway, **values):
        """What a form refuses, a database of another product may hold."""
        self.env.flush_all()
        for name, value in values.items():
            self.env.cr.execute(f"UPDATE sms_gateway SET {name} = %s WHERE id = %s", [value, gateway.id])
        self.env.invalidate_all()

    def assert_sends(self):
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual(self.provider.sms, [('+32456001122', "Hello")])
        self.env['ir.config_parameter'].sudo().set_param('sms.sms_gateway_id', False)

    def test_other_gateways_with_broken_settings(self):
        broken = {
            'country_prefixes': '+1;+92', 'success_http_codes': '200 to 299', 'message_id_regex': '(',
            'error_code_regex': '*', 'body_template': '{"a": ', 'base_url': 'nowhere', 'answer_items_path': '[[[',
            'delivery_callback_check_networks': 'x', 'max_recipients': 1, 'multi_recipient_separator': None}
        for name, value in broken.items():
            with self.subTest(field=name):
                self.provider.clear()
                other = self.make_gateway("Broken", sequence=99)
                self.set_by_sql(other, **{name: value})
                with mute_logger('odoo.addons.eis_sms_apis.models.sms_gateway_config'):
                    self.assert_sends()
                    other.read(['request_preview', 'warnings', 'request_curl', 'uses_token'])
                    self.assertEqual(
                        self.env['sms.gateway'].explain_route('+32456001122')['gateway'][0], self.gateway.id)
                other.state = 'disabled'

    def test_parameters_that_are_none(self):
        for key, values in {
            'sms.sms_gateway_id': ('²', '-1', 'x', '99999999', '1.5', '9' * 30),
            'eis_sms_apis.report_timeout_hours': ('nan', 'inf', '-1', '1e300', 'three days', ''),
            'sms.use_iap': ('perhaps',), 'sms.default_success_200': ('?',),
        }.items():
            for value in values:
                with self.subTest(key=key, value=value), mute_logger(
                        'odoo.addons.eis_sms_apis.models.sms_gateway_status_report'):
                    self.provider.clear()
                    self.env['ir.config_parameter'].sudo().set_param(key, value)
                    self.make_sms('+32456001122')
                    self.env['sms.sms']._process_queue()
                    self.assertEqual(self.provider.sms, [('+32456001122', "Hello")])
            self.env['ir.config_parameter'].sudo().set_param(key, False)

    def test_rate_limits_that_are_none(self):
        for value in (float('nan'), float('inf'), 1e-300, -1, 1e9):
            with self.subTest(value=value), self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.gateway.rate_limit = value
                self.env.flush_all()
