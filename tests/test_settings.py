# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The settings block keeps its system parameters (doc/behaviour.md section 1), and Request Preview shows requests
(section 2)."""
from datetime import timedelta

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import SECRET, GatewayCase
from .provider import Reply

OFF = ('False', 'false', '0', '', 'no', 'off')
ON = ('True', 'true', '1', 'yes', 'on')


@tagged('post_install', '-at_install')
class TestSettings(GatewayCase):

    def save(self, **values):
        settings = self.env['res.config.settings'].create(values)
        settings.execute()
        return settings

    def get(self, key):
        return self.env['ir.config_parameter'].sudo().get_param(key)

    def set(self, key, text):
        # as somebody types it in the list of system parameters: set_param would remove a False
        self.env['ir.config_parameter'].sudo().search([('key', '=', key)]).unlink()
        self.env['ir.config_parameter'].sudo().create({'key': key, 'value': text})

    def api_class(self):
        return self.env.company._get_sms_api_class().__name__

    def test_defaults(self):
        settings = self.env['res.config.settings'].create({})
        self.assertFalse(settings.sms_use_iap or settings.sms_iap_fallback or settings.sms_gateway_id)
        self.assertEqual(self.api_class(), 'SmsApiGateway')

    def test_saved_under_the_documented_keys(self):
        self.save(sms_use_iap=False, sms_iap_fallback=True, sms_gateway_id=self.gateway.id)
        self.assertEqual(self.get('sms.sms_gateway_id'), str(self.gateway.id))
        self.assertEqual(self.get('sms.iap_fallback'), 'True')
        self.save(sms_use_iap=True)
        self.assertEqual(self.get('sms.use_iap'), 'True')
        self.assertEqual(self.api_class(), 'SmsApi')

    def test_negative_limits_are_refused(self):
        for name in ('sms_flood_same_text', 'sms_flood_number', 'sms_flood_country', 'sms_answer_days'):
            with self.subTest(name), self.assertRaisesRegex(ValidationError, "enter 0 or more"):
                self.save(**{name: -1})

    def test_texts_are_read_as_booleans(self):
        for text in OFF:
            self.set('sms.use_iap', text or ' ')  # an empty value cannot be saved
            self.assertEqual(self.api_class(), 'SmsApiGateway', text)
            self.assertFalse(self.env['res.config.settings'].create({}).sms_use_iap, text)
        for text in ON:
            self.set('sms.use_iap', text)
            self.assertEqual(self.api_class(), 'SmsApi', text)
            self.assertTrue(self.env['res.config.settings'].create({}).sms_use_iap, text)

    def test_text_that_means_nothing_is_off(self):
        self.set('sms.use_iap', 'maybe')
        self.assertEqual(self.api_class(), 'SmsApiGateway')

    def test_gateway_that_is_not_active_is_refused_as_default(self):
        for values in ({'state': 'new'}, {'state': 'disabled'}, {'active': False}):
            gateway = self.make_gateway("Second", **{'state': 'active', **values})
            with self.subTest(**values), self.assertRaisesRegex(ValidationError, "Default Gateway.*Second"):
                self.save(sms_gateway_id=gateway.id)
        self.assertFalse(self.get('sms.sms_gateway_id'))

    def test_default_gateway_of_another_company_is_not_used(self):
        company = self.env['res.company'].create({'name': "Other"})
        gateway = self.make_gateway("Second", company_id=company.id)
        self.save(sms_gateway_id=gateway.id)
        route = self.env['sms.gateway'].explain_route('+32456001122')
        self.assertEqual(route['gateway'][0], self.gateway.id)

    def test_default_that_stops_being_active_warns_and_blocks_nothing(self):
        self.save(sms_gateway_id=self.gateway.id)
        self.assertFalse(self.env['res.config.settings'].create({}).sms_gateway_warning)
        self.gateway.action_toggle_state()
        settings = self.env['res.config.settings'].create({})
        self.assertIn("Loopback", settings.sms_gateway_warning)
        settings.execute()  # other settings can still be saved

    def test_warning_while_no_sms_can_be_sent(self):
        self.gateway.state = 'disabled'
        settings = self.env['res.config.settings'].create({})
        self.assertIn("No SMS can be sent", settings.sms_gateway_warning)
        settings.sms_iap_fallback = True
        self.assertFalse(settings.sms_gateway_warning)
        settings.write({'sms_iap_fallback': False, 'sms_use_iap': True})
        self.assertFalse(settings.sms_gateway_warning)

    def test_the_most_severe_warning_comes_first(self):
        self.save(sms_gateway_id=self.gateway.id)
        self.gateway.state = 'disabled'
        warning = self.env['res.config.settings'].create({}).sms_gateway_warning
        self.assertTrue(warning.startswith("No SMS can be sent."), warning)
        self.assertIn("Loopback is no longer Active", warning)

    def test_counts_of_gateways_lead_to_them(self):
        settings = self.env['res.config.settings'].create({})
        self.assertEqual((settings.sms_active_gateways, settings.sms_failing_gateways), ("1 active gateway", False))
        self.make_gateway("Second")
        self.always_answer(Reply(400))
        self.make_sms('+32456001122').send()
        settings = self.env['res.config.settings'].create({})
        self.assertEqual(
            (settings.sms_active_gateways, settings.sms_failing_gateways), ("2 active gateways", "1 failing"))
        self.assertIn('search_default_failing', settings.action_open_failing_sms_gateways()['context'])
        self.assertIn('search_default_state_active', settings.action_open_active_sms_gateways()['context'])

    def test_default_that_was_not_saved_is_not_used(self):
        self.env['res.config.settings'].create({'sms_gateway_id': self.make_gateway("Second").id})
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual(sms.gateway_id, self.gateway)

    def test_default_that_a_person_typed_as_a_system_parameter(self):
        """What the settings show as the Default Gateway is what sends."""
        second = self.make_gateway("Second")
        for text in (f' {second.id} ', f'+{second.id}', f'0{second.id}', f'{second.id}.0', f'-{second.id}', 'x', ' '):
            self.set('sms.sms_gateway_id', text)
            with self.subTest(text=text):
                shown = self.env['res.config.settings'].create({}).sms_gateway_id
                sms = self.make_sms('+32456001122')
                sms.send()
                self.assertEqual(sms.gateway_id, shown or self.gateway)

    def test_default_that_was_deleted(self):
        gateway = self.make_gateway("Second")
        self.save(sms_gateway_id=gateway.id)
        gateway.unlink()
        self.assertFalse(self.env['res.config.settings'].create({}).sms_gateway_id)
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual(sms.gateway_id, self.gateway)


@tagged('post_install', '-at_install')
class TestRetention(GatewayCase):
    """`eis_sms_apis.status_retention_days`: 180 by default, 0 keeps all."""

    def count_after(self, age, days=None):
        """How many rows of this age in days are left when autovacuum has run."""
        if days is not None:
            self.env['ir.config_parameter'].sudo().set_param('eis_sms_apis.status_retention_days', days)
        sms = self.make_sms('+32456001122')
        sms.send()
        rows = self.status_of(sms)
        rows.flush_recordset()
        self.env.cr.execute("UPDATE sms_gateway_status SET create_date = create_date - %s WHERE id = %s", [
            timedelta(days=age), rows.id])
        self.env['sms.gateway.status']._gc_old_status()
        return len(rows.exists())

    def test_retention(self):
        for age, days, left in ((179, None, 1), (181, None, 0), (8, '7', 0), (6, '7', 1), (9999, '0', 1)):
            with self.subTest(age=age, days=days):
                self.assertEqual(self.count_after(age, days), left)


@tagged('post_install', '-at_install')
class TestRequestPreview(GatewayCase):
    """Method, URL, headers and body for a sample, without a secret."""

    def assertPreview(self, *expected, **values):
        self.gateway.write({'password': SECRET, 'delivery_callback_enabled': True, **values})
        preview = self.gateway.request_preview
        for text in expected:
            self.assertIn(text, preview)
        self.assertNotIn(SECRET, preview)
        self.assertNotIn(self.gateway.delivery_callback_token, preview)

    def test_form(self):
        self.assertPreview(
            f'POST {self.provider.url}', 'Content-Type: application/x-www-form-urlencoded',
            'token=***', 'to=+12025550123', 'text=Hello from Odoo', 'report=', '/eis_sms/callback/***',
            parameter_ids=[(0, 0, {'key': 'report', 'value': '{callback_url}'})])

    def test_get(self):
        self.assertPreview(
            f'GET {self.provider.url}?token=***&to=0012025550123&text=Hello%20from%20Odoo', 'X-Key: a-***',
            method='get', number_format='double_zero', header_ids=[(0, 0, {'key': 'X-Key', 'value': 'a-{password}'})])

    def test_json(self):
        self.assertPreview(
            'Content-Type: application/json', '"to": [\n    "+12025550123",\n    "+12025550124"\n  ]',
            '"text": "Hello from Odoo"', '"key": "***"', 'Authorization: Basic ***',
            request_type='json', parameter_ids=[(5, 0)], supports_multiple_recipients=True,
            auth_type='basic', username='Ann',
            body_template='{"to": __phones_list__, "text": __message__, "key": __password__}')

    def test_nothing_is_sent(self):
        self.gateway.read(['request_preview'])
        self.assertFalse(self.provider.requests)

    def test_bad_configuration_shows_its_sentence(self):
        draft = self.env['sms.gateway'].new({
            'name': "Draft", 'base_url': 'https://example.com', 'request_type': 'json', 'body_template': '{"to":'})
        self.assertIn("JSON", draft.request_preview)
