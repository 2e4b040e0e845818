# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The screens of gateways warn, send a test SMS, count and explain. The browser is in test_screens_tours.py."""
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from ..tools.report.parsing import DeliveryReport
from .common import SECRET, GatewayCase
from .provider import Reply


@tagged('post_install', '-at_install')
class TestWarnings(GatewayCase):
    """A form says what will not work before anything is sent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['ir.config_parameter'].set_param('web.base.url', 'https://erp.example.com')

    def assertWarns(self, text, gateway=None, **values):
        gateway = gateway or self.gateway
        gateway.write(values)
        self.assertIn(text, str(gateway.warnings))

    def test_nothing_to_say(self):
        self.assertFalse(self.gateway.warnings)

    def test_url(self):
        self.assertWarns("Base URL is empty", base_url=False)

    def test_new_form_is_not_blamed(self):
        self.assertFalse(self.env['sms.gateway'].new({}).warnings)

    def test_json_without_body(self):
        self.assertWarns("The request has no body", state='new', request_type='json', parameter_ids=[(5, 0)])

    def test_no_recipient_and_no_text(self):
        self.assertWarns("contains no recipient", state='new', parameter_ids=[(5, 0)])
        self.assertWarns("contains no text")

    def test_several_recipients_without_phones(self):
        self.assertWarns("contains no list of numbers", state='new', supports_multiple_recipients=True, parameter_ids=[
            (5, 0), (0, 0, {'key': 'text', 'param_type': 'message'})])
        each = '{"messages": ["__each__", {"to": "{phone}", "text": "{message}", "key": "{token}"}]}'
        self.gateway.write({'request_type': 'json', 'body_template': each, 'parameter_ids': [(5, 0)]})
        self.assertFalse(self.gateway.warnings)

    def test_missing_credentials(self):
        self.assertWarns("Missing: Token", token=False)
        self.assertWarns("Username, Password", auth_type='basic', parameter_ids=[
            (5, 0), (0, 0, {'key': 'to', 'param_type': 'number'}), (0, 0, {'key': 'text', 'param_type': 'message'})])

    def test_secret_in_url(self):
        self.assertWarns("The URL contains a credential", method='get')

    def test_unencrypted(self):
        self.assertWarns("unencrypted", base_url='http://sms.example.com')

    def test_use_iap(self):
        self.env['ir.config_parameter'].set_param('sms.use_iap', True)
        self.assertWarns("Use IAP is on")

    def test_prefixes_that_others_cover(self):
        self.gateway.country_prefixes = '+32,+33'
        second = self.make_gateway("Second", country_prefixes='+324,+336', sequence=20)
        self.assertWarns("higher priority: Loopback", second)
        second.country_prefixes = '+324,+49'
        self.assertFalse(second.warnings)
        second.write({'country_prefixes': '+324', 'sequence': self.gateway.sequence})
        self.assertFalse(second.warnings)  # of equal priority, the longest prefix wins

    def test_prefixes_of_another_company_cover_nothing(self):
        company = self.env['res.company'].create({'name': "Other"})
        self.gateway.write({'country_prefixes': '+32', 'company_id': company.id})
        self.assertNotIn("higher priority", self.make_gateway("Second", country_prefixes='+32').warnings)

    def test_callbacks_without_any_id(self):
        self.gateway.delivery_callback_enabled = True
        self.assertFalse(self.gateway.warnings)
        self.assertWarns("Delivery reports cannot be matched", message_id_regex=False)
        self.gateway.parameter_ids = [(0, 0, {'key': 'ref', 'value': '{uuid}'})]
        self.assertFalse(self.gateway.warnings)

    def test_callback_url_that_nobody_reaches(self):
        self.env['ir.config_parameter'].set_param('web.base.url', 'http://localhost:8069')
        self.assertWarns(
            "web.base.url", base_url='https://sms.example.com', delivery_callback_enabled=True)

    def test_templates_are_not_blamed(self):
        template = self.env['sms.gateway'].new({'base_url': 'https://example.com', 'is_template': True})
        self.assertFalse(template.warnings)

    def test_credentials_show_where_they_are_used(self):
        gateway = self.env['sms.gateway'].new({'auth_type': 'basic', 'base_url': 'https://example.com/{token}'})
        self.assertTrue(gateway.uses_username and gateway.uses_password and gateway.uses_token)
        self.assertFalse(gateway.uses_api_key or gateway.uses_sender or gateway.uses_encoding)

    def test_form_is_quick(self):
        """Preview, curl command and warnings of the longest templates, as a change in the form computes them."""
        for template in self.env['sms.gateway'].with_context(active_test=False).search([], limit=40):
            draft = self.env['sms.gateway'].new(origin=template)
            with self.assert_cheap(0.2, template.name):
                draft.read(['request_preview', 'request_curl', 'warnings', 'uses_token'])

    def test_curl_command_has_no_secret(self):
        self.gateway.write({'password': SECRET, 'header_ids': [(0, 0, {'key': 'X-Key', 'value': '{password}'})]})
        self.assertIn('"$TOKEN"', self.gateway.request_curl)
        self.assertNotIn(SECRET, self.gateway.request_curl)


@tagged('post_install', '-at_install')
class TestTestSms(GatewayCase):
    """Send Test SMS: through this gateway, whatever its state, without the queue."""

    def send(self, **values):
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': '+32 456 00 11 22', 'body': "Test", **values})
        test.action_send()
        return test

    def test_accepted(self):
        self.gateway.state = 'disabled'
        before = self.env['sms.sms'].search_count([])
        test = self.send()
        self.assertEqual(self.provider.sms, [('+32456001122', "Test")])
        self.assertEqual((test.level, test.http_code, test.result), ('success', '200', "Sent."))
        self.assertIn("Success HTTP Codes: 200, 201, 202", test.verdict)
        self.assertTrue(test.message_id)
        self.assertIn('token=***', test.request)
        self.assertEqual(self.env['sms.sms'].search_count([]), before)
        status = test.status_id
        self.assertTrue(status.is_test)
        self.assertEqual((status.gateway_id, status.state), (self.gateway, 'success'))
        self.assertNotIn(SECRET, str(test.read()))

    def test_json_request_is_indented(self):
        self.gateway.request_type = 'json'
        test = self.send()
        self.assertIn('\n    "text": "Test"', test.request)
        self.assertIn('"token": "***"', test.request)

    def test_success_that_only_the_http_code_confirms(self):
        for text, words in (
                ("ERR:102 Wrong sender", "looks like an error"), ("<html><body>Login</body></html>", "web page"),
                ("", "empty"), ("Falsche Nummer", "no setting")):
            with self.subTest(text=text):
                self.always_answer(Reply(200, text))
                test = self.send()
                self.assertEqual(test.level, 'warning')
                self.assertIn("Only the HTTP code was checked", test.result)
                self.assertIn(words, test.result)

    def test_unreachable_host(self):
        """The test does not wait in the queue, as an SMS would."""
        self.gateway.base_url = 'http://127.0.0.1:1'
        test = self.send()
        self.assertEqual((test.level, test.result), ('danger', (
            "Failed: The provider's server cannot be reached. Nothing was sent. Check the host of the Base URL.")))

    def test_map_json(self):
        self.gateway.message_id_regex = False
        self.always_answer(Reply(200, {'result': {'msgid': 'A-77', 'status': 'queued'}}))
        test = self.send()
        self.assertEqual((test.level, test.is_mapping), ('warning', True))
        self.assertEqual(
            test.value_ids.mapped(lambda line: (line.path, line.value, line.meaning)),
            [('result.msgid', 'A-77', 'message_id'), ('result.status', 'queued', 'status')])
        self.assertIn('\n    "result": {\n', test.response_shown)
        test.action_apply()
        self.assertEqual((self.gateway.answer_message_id_path, self.gateway.answer_status_path),
                         ('result.msgid', 'result.status'))
        self.assertEqual((test.level, test.message_id, test.result), ('success', 'A-77', "Sent."))
        self.assertFalse(test.is_mapping)
        test = self.send()
        self.assertEqual((test.level, test.is_mapping), ('success', False))
        test.action_map()
        self.assertEqual(test.value_ids.mapped('meaning'), ['message_id', 'status'])

    def test_map_text(self):
        self.gateway.message_id_regex = False
        self.always_answer(Reply(200, "ERR:102 Wrong sender"))
        test = self.send()
        self.assertEqual(test.value_ids.mapped('meaning'), ['error_code'])
        test.action_apply()
        self.always_answer(Reply(400, "ERR:102 Wrong sender"))
        self.assertEqual(self.send().status_id.error_code, '102')
        self.always_answer(Reply(200, "OK 34567"))
        test = self.send()
        test.action_apply()
        self.assertEqual((test.level, test.message_id), ('success', '34567'))

    def test_map_nothing_or_one_value_twice(self):
        self.gateway.message_id_regex = False
        self.always_answer(Reply(200, "first: 1, second: 2"))
        test = self.send()
        with self.assertRaisesRegex(UserError, "at least one value"):
            test.action_apply()
        test.value_ids.meaning = 'message_id'
        with self.assertRaisesRegex(UserError, "Only one value can be the Message ID"):
            test.action_apply()
        test.value_ids[0].meaning = False
        test.value_ids[1].meaning = 'status'
        with self.assertRaisesRegex(UserError, "only be read from a JSON response"):
            test.action_apply()
        self.assertFalse(self.gateway.message_id_regex or self.gateway.answer_status_path)

    def test_refused(self):
        self.always_answer(Reply(402, f'No credit for {SECRET}'))
        test = self.send()
        self.assertEqual(test.level, 'danger')
        self.assertIn("Failed (Insufficient Credit): No credit for ***", test.result)
        self.assertIn("not in Success HTTP Codes", test.verdict)
        self.assertEqual(test.status_id.state, 'error')
        self.assertNotIn(SECRET, str(test.read()))

    def test_no_connection(self):
        self.gateway.base_url = 'http://127.0.0.1:9'
        test = self.send()
        self.assertEqual(test.http_code, "No response")
        self.assertIn("Failed: The provider's server cannot be reached", test.result)

    def test_lost_answer(self):
        self.always_answer(Reply(drop='before'))
        self.assertIn("may have received this SMS", self.send().result)

    def test_unclear(self):
        self.gateway.write({'success_key': 'OK', 'delivery_callback_enabled': True})
        test = self.send()
        self.assertEqual(test.level, 'warning')
        self.assertIn("Processing", test.result)

    def test_report_arrives(self):
        self.gateway.delivery_callback_enabled = True
        test = self.send()
        self.assertTrue(test.waits_for_report)
        self.gateway._receive_reports(
            [DeliveryReport('', test.message_id, '', 'delivered', 'success', '', '', '')])
        test.invalidate_recordset()
        self.assertTrue(test.delivered_date)

    def test_row_without_track_status(self):
        self.gateway.create_status = False
        self.assertTrue(self.send().status_id)

    def test_what_cannot_be_sent(self):
        with self.assertRaisesRegex(UserError, "number"):
            self.send(number='12')
        self.gateway.base_url = False
        with self.assertRaisesRegex(UserError, "Base URL"):
            self.send()

    def test_neutralized_copy_sends_nothing(self):
        self.env['ir.config_parameter'].set_param('database.is_neutralized', True)
        with self.assertRaisesRegex(UserError, "neutralized"):
            self.send()
        self.assertFalse(self.provider.requests)


@tagged('post_install', '-at_install')
class TestFigures(GatewayCase):
    """Figures of lists, cards, graphs and pivots."""

    def send(self, *numbers):
        sms = self.make_sms(*numbers)
        sms.send()
        return self.status_of(sms)

    def test_today_and_failing(self):
        self.send('+32456001122')
        self.assertFalse(self.gateway.is_failing)
        self.always_answer(Reply(400, "Bad number"))
        self.send('+32456001123', '+32456001124')
        self.assertEqual((self.gateway.sent_today_count, self.gateway.failed_today_count), (1, 2))
        self.assertEqual(self.gateway.last_error, "Bad number")
        self.assertTrue(self.gateway.is_failing)
        self.assertEqual(self.env['sms.gateway'].search([('is_failing', '=', True)]), self.gateway)
        self.assertNotIn(self.gateway, self.env['sms.gateway'].search([('is_failing', '=', False)]))

    def test_delivery_rate_and_median(self):
        rows = self.send('+32456001122', '+32456001123', '+32456001124', '+32456001125')
        for row, seconds in zip(rows, (2, 4, 30), strict=False):
            row.sudo().write({'delivered_date': row.sent_date + timedelta(seconds=seconds)})
        rows[3].sudo().awaits_report = True
        [(_gateway, *figures)] = self.env['sms.gateway.status']._read_group(
            [('id', 'in', rows.ids)], ['gateway_id'],
            ['sent_count:sum', 'delivered_count:sum', 'failed_count:sum', 'delivery_rate:avg',
             'delivery_seconds:median'])
        self.assertEqual(figures, [4, 3, 0, 0.75, 4])

    def test_rate_leaves_out_gateways_without_reports(self):
        rows = self.send('+32456001122')
        [(rate,)] = self.env['sms.gateway.status']._read_group(
            [('id', 'in', rows.ids)], [], ['delivery_rate:avg'])
        self.assertFalse(rate)

    def test_the_web_client_may_use_the_measures(self):
        described = self.env['sms.gateway.status'].fields_get(attributes=['aggregator'])
        self.assertEqual(described['delivery_seconds']['aggregator'], 'median')
        self.assertEqual(described['delivery_rate']['aggregator'], 'avg')

    def test_from_sms_to_row_and_back(self):
        self.always_answer(Reply(400, "Bad number"))
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual(sms.action_open_status()['res_id'], sms.status_id.id)
        self.assertEqual(sms.status_id.action_open_sms()['res_id'], sms.id)

    def test_from_message_to_row_and_back(self):
        contact = self.make_contact()
        message = contact._message_sms("Hello", partner_ids=contact.ids)
        action = self.env['sms.gateway.status'].action_open_of_message(message.id)
        status = self.env['sms.gateway.status'].browse(action['res_id'])
        self.assertEqual(status.number, '+32456001122')
        document = status.action_open_document()
        self.assertEqual((document['res_model'], document['res_id']), ('res.partner', contact.id))

    def test_segments(self):
        sms = self.make_sms('+32456001122', body="ş" * 71)
        self.assertEqual((sms.segment_count, sms.text_encoding), (2, 'unicode'))


@tagged('post_install', '-at_install')
class TestTools(GatewayCase):

    def test_use_a_template(self):
        template = self.env.ref('eis_sms_apis.gateway_twilio')
        template.with_context(install_mode=True, install_module='eis_sms_apis').is_template = True
        copy = self.env['sms.gateway'].browse(template.action_use_template()['res_id'])
        self.assertEqual((copy.name, copy.is_template, copy.state), ("Twilio", False, 'new'))
        self.assertEqual(len(copy.parameter_ids), len(template.parameter_ids))
        second = self.env['sms.gateway'].browse(template.action_use_template()['res_id'])
        self.assertEqual(second.name, "Twilio (copy)")
        self.assertTrue(template.is_template)

    def test_which_gateway(self):
        belgium = self.make_gateway("Belgium", country_prefixes='+32')
        with Form(self.env['sms.gateway.route']) as form:
            form.number = '0032 456 00 11 22'
            self.assertEqual(form.read_as, '+32456001122')
            self.assertEqual(form.gateway_id, belgium)
            self.assertEqual(form.next_ids[:], self.gateway)
            form.number = 'abc'
            self.assertIn("not valid", form.read_as)
            self.assertEqual(form.gateway_id, self.gateway)

    def test_which_gateway_while_one_is_paused(self):
        self.make_gateway("Belgium", country_prefixes='+32')
        self.env['sms.gateway.throttle'].sudo().create({
            'gateway_id': self.env['sms.gateway'].search([('name', '=', "Belgium")]).id,
            'paused_until': fields.Datetime.now() + timedelta(minutes=5)})
        tool = self.env['sms.gateway.route'].create({'number': '+32456001122'})
        self.assertEqual(tool.gateway_id, self.gateway)
        self.assertIn("is paused", tool.reason)

    def test_company_with_another_provider(self):
        if 'sms_provider' not in self.env['res.company']._fields:
            self.skipTest("sms_twilio is not installed")
        self.env.company.sms_provider = 'twilio'
        settings = self.env['res.config.settings'].create({})
        self.assertIn(self.env.company.name, settings.sms_other_providers)
        tool = self.env['sms.gateway.route'].create({'number': '+32456001122'})
        self.assertFalse(tool.gateway_id)
        self.assertIn("Twilio", tool.reason)

    def test_credits_lead_to_gateways_while_iap_is_not_used(self):
        accounts = self.env['iap.account'].search_count([])
        self.assertIn('sms_gateway_action', self.env['iap.account'].get_credits_url('sms'))
        self.assertEqual(self.env['iap.account'].search_count([]), accounts)
