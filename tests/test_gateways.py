# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Bad configuration is refused when it is saved, with a sentence that names the field: doc/behaviour.md sections 1
and 2."""
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SECRET, GatewayCase

JSON = {'request_type': 'json', 'parameter_ids': False}
SHARED = {'supports_multiple_recipients': True, 'parameter_ids': [
    (5, 0), (0, 0, {'key': 'to', 'param_type': 'multi_number'}), (0, 0, {'key': 'text', 'param_type': 'message'})]}
REFUSED = (  # what the sentence names, values
    ("Country Prefixes", {'country_prefixes': '+92,abc'}),
    ("Country Prefixes", {'country_prefixes': '+0'}),
    ("Country Prefixes", {'country_prefixes': '92;1'}),
    ("Base URL", {'base_url': 'api.example.com/sms'}),
    ("Base URL", {'base_url': 'ftp://example.com'}),
    ("Base URL", {'base_url': 'https://'}),
    ("Base URL", {'base_url': 'https://example.com/a b'}),
    ("Base URL", {'base_url': 'https://{phone}.example.com'}),
    ("Base URL", {'base_url': 'https://example.com:port/'}),
    ("Message ID Regex", {'message_id_regex': '('}),
    ("Error Code Regex", {'error_code_regex': '[a-'}),
    ("Wait Regex", {'wait_regex': 'wait (?P<ms>'}),
    ("Success HTTP Codes", {'success_http_codes': '200;201'}),
    ("Success HTTP Codes", {'success_http_codes': 'ok'}),
    ("Success HTTP Codes", {'success_http_codes': '20'}),
    ("Success HTTP Codes", {'success_http_codes': '200,600'}),
    ("JSON Body Template", {**JSON, 'body_template': '{"to": __phone__'}),
    ("JSON Body Template", {**JSON, 'body_template': 'to={phone}'}),
    ("JSON Body Template", {**JSON, 'body_template': '{"list": ["__each__"]}'}),
    ("JSON Body Template", {**JSON, 'supports_multiple_recipients': True, 'body_template': '{"to": __phone__}'}),
    ("Recipient Separator", {**SHARED, 'multi_recipient_separator': ''}),
    ("Username", {'auth_type': 'basic', 'username': 'a:b', 'parameter_ids': False}),
    ("Parameters", {'auth_type': 'none'}),  # its auth parameter has an empty value
    ("Parameters", {'parameter_ids': [(0, 0, {'key': 'to2', 'param_type': 'number', 'value': '+'})]}),
    ("Parameters", {'parameter_ids': [(0, 0, {'key': 'to2', 'param_type': 'multi_number', 'value': '{phone}'})]}),
    ("Parameters", {'parameter_ids': [(0, 0, {'key': 'text2', 'param_type': 'message', 'value': 'Hi'})]}),
    ("Parameters", {'supports_multiple_recipients': True}),  # {phone} in a shared request
    ("Headers", {'header_ids': [(0, 0, {'key': 'X Key', 'value': '1'})]}),
    ("Headers", {'header_ids': [(0, 0, {'key': 'X-Key', 'value': 'a\nb'})]}),
    ("Headers", {'header_ids': [(0, 0, {'key': 'X-Key', 'value': '1'}), (0, 0, {'key': 'x-key', 'value': '2'})]}),
    ("Success Values", {'delivery_callback_status_success': 'delivered,FAILED'}),
    ("Canceled Values", {'delivery_callback_status_canceled': 'sent'}),
)
OUT_OF_RANGE = (
    ("Recipients per Request", {'max_recipients': 0}),
    ("Parallel Requests", {'max_connections': 0}),
    ("Parallel Requests", {'max_connections': 65}),
    ("Timeout", {'timeout': 0}),
    ("Timeout", {'timeout': 61}),
    ("SMS per Second", {'rate_limit': -1}),
    ("SMS per Second", {'rate_limit': float('nan')}),
    ("SMS per Second", {'rate_limit': 1e9}),
)


@tagged('post_install', '-at_install')
class TestConstraints(GatewayCase):

    def test_refused_value_names_its_field(self):
        for label, values in REFUSED:
            with self.subTest(**values), self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
                self.gateway.write(values)
            self.assertIn(label, str(caught.exception))
            self.assertIn("Loopback", str(caught.exception))
            self.assertRegex(str(caught.exception), r'[.)]$')

    def test_refused_when_created_too(self):
        for label, values in REFUSED:
            with self.subTest(**values), self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
                self.make_gateway("Second", **values)
            self.assertIn(label, str(caught.exception))

    def test_number_out_of_range_names_its_field(self):
        """Not the database's error, in which the whole row stands."""
        for label, values in OUT_OF_RANGE:
            for save in self.gateway.write, lambda values: self.make_gateway("Second", **values):
                with self.subTest(**values), self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
                    save(values)
                self.assertIn(f"{label}: enter ", str(caught.exception))

    def test_database_checks_numbers_too(self):
        for values in (values for _label, values in OUT_OF_RANGE):
            (name, number), = values.items()
            with self.subTest(**values), mute_logger('odoo.sql_db'), \
                    self.assertRaises(IntegrityError), self.env.cr.savepoint():
                self.env.cr.execute(f'UPDATE sms_gateway SET {name} = %s', [number])

    def test_row_edited_directly(self):
        """A parameter or header that is changed in its own list is checked like one of the form."""
        header = self.env['sms.gateway.header'].create({'gateway_id': self.gateway.id, 'key': 'X-Key', 'value': '1'})
        number, = self.gateway.parameter_ids.filtered(lambda row: row.param_type == 'number')
        for record, values, label in (
            (header, {'key': 'X Key'}, "Headers"),
            (header, {'value': 'a\r\nX-Other: b'}, "Headers"),
            (number, {'value': '12345'}, "Parameters"),
            (number, {'param_type': 'message', 'value': '{phone}'}, "Parameters"),
            (number, {'key': ' '}, "Parameters"),
        ):
            with self.subTest(**values), self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
                record.write(values)
            self.assertIn(label, str(caught.exception))
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.env['sms.gateway.header'].create({'gateway_id': self.gateway.id, 'key': 'Content-Length'})

    def test_good_values_are_taken(self):
        for values in (
            {'country_prefixes': ' +1, +92 ,0091,32,'},
            {'base_url': 'https://{account_id}.example.com:8443/v1/{sender}?x={phone}'},
            {'success_http_codes': ''},
            {'success_http_codes': ' 200, 500 '},
            {'message_id_regex': r'(?P<number>\d+):(?P<id>\w+)'},
            {**JSON, 'body_template': '{"to": __phones_list__, "n": ["__each__", {"t": "{message}"}]}'},
            {**SHARED, 'multi_recipient_separator': ' '},
            {'delivery_callback_status_success': '', 'delivery_callback_status_error': 'ERR*'},
        ):
            with self.subTest(**values):
                self.assertTrue(self.make_gateway("Good", **values))

    def test_failure_code_stands_once_per_gateway(self):
        code = {'provider_code': '21211', 'failure_type': 'sms_number_format'}
        other = self.make_gateway("Second", callback_failure_map_ids=[(0, 0, code)])
        self.gateway.callback_failure_map_ids = [(0, 0, code)]
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            other.callback_failure_map_ids = [(0, 0, {**code, 'failure_type': 'unknown'})]

    def test_a_gateway_may_be_described_in_several_steps(self):
        gateway = self.env['sms.gateway'].create({'name': "Draft"})
        self.assertEqual((gateway.state, gateway.active, gateway.sequence), ('new', True, 10))
        self.assertEqual((gateway.method, gateway.request_type, gateway.auth_type), ('post', 'form', 'none'))
        self.assertEqual((gateway.max_connections, gateway.timeout, gateway.max_recipients), (8, 15, 100))
        self.assertEqual(gateway.success_http_codes, '200,201,202')


@tagged('post_install', '-at_install')
class TestLifeOfAGateway(GatewayCase):

    def test_duplicate(self):
        """Parameters, headers and failure codes are copied; state, credentials and token are not."""
        self.gateway.write({
            'api_key': SECRET, 'username': SECRET, 'password': SECRET, 'account_id': 'A1', 'sender': 'Shop',
            'header_ids': [(0, 0, {'key': 'X-Key', 'value': '{api_key}'})],
            'callback_failure_map_ids': [(0, 0, {'provider_code': '7', 'failure_type': 'sms_credit'})],
        })
        self.make_sms('+32456001122').send()
        copy = self.gateway.copy()
        self.assertEqual(copy.name, "Loopback (copy)")
        self.assertEqual(copy.state, 'new')
        self.assertFalse(copy.api_key or copy.token or copy.username or copy.password)
        self.assertEqual(copy.parameter_ids.mapped('key'), ['token', 'to', 'text'])
        self.assertEqual(copy.header_ids.mapped('value'), ['{api_key}'])
        self.assertEqual(copy.callback_failure_map_ids.mapped('failure_type'), ['sms_credit'])
        self.assertEqual((copy.base_url, copy.sender), (self.gateway.base_url, 'Shop'))
        self.assertNotEqual(copy.delivery_callback_token, self.gateway.delivery_callback_token)
        self.assertFalse(copy.sms_status_ids)

    def test_duplicate_of_basic_with_a_name_of_its_own(self):
        self.gateway.write({'auth_type': 'basic', 'username': 'u', 'password': 'p', 'parameter_ids': [
            (5, 0), (0, 0, {'key': 'to', 'param_type': 'number'}), (0, 0, {'key': 'text', 'param_type': 'message'})]})
        self.assertEqual(self.gateway.copy({'name': "Other"}).name, "Other")

    def test_callback_token(self):
        """At least 32 random bytes, its own, and a new one on demand."""
        token = self.gateway.delivery_callback_token
        self.assertGreaterEqual(len(token), 43)
        self.assertTrue(self.gateway.delivery_callback_url.endswith(f'/eis_sms/callback/{token}'))
        self.gateway.action_new_callback_token()
        self.assertNotEqual(self.gateway.delivery_callback_token, token)
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.make_gateway("Thief", delivery_callback_token=self.gateway.delivery_callback_token)

    def test_gateway_with_statuses_is_archived_not_deleted(self):
        self.make_sms('+32456001122').send()
        with self.assertRaisesRegex(UserError, "Archive it"):
            self.gateway.unlink()
        self.gateway.action_archive()
        self.assertFalse(self.gateway.active)
        self.assertEqual(self.gateway.sms_count, 1)
        unused = self.make_gateway("Unused")
        unused.unlink()
        self.assertFalse(unused.exists())

    def test_gateway_that_sends_right_now_cannot_be_deleted(self):
        """What its provider answers must be recorded with it."""
        self.gateway.create_status = False
        sms = self.make_sms('+32456001122')
        self.claim(sms)
        self.assertEqual(sms.gateway_id, self.gateway)
        with self.assertRaisesRegex(UserError, "Disable it"):
            self.gateway.unlink()
        sms.claimed_until = False
        self.gateway.unlink()

    def test_toggle_state(self):
        """New > Active > Disabled > Active."""
        gateway = self.make_gateway("Second", state='new')
        states = []
        for _click in range(3):
            gateway.action_toggle_state()
            states.append(gateway.state)
        self.assertEqual(states, ['active', 'disabled', 'active'])

    def test_figures_open_the_rows_that_they_count(self):
        self.provider.answer(400, 200)
        self.make_sms('+32456001121', '+32456001122').send()
        self.assertEqual(
            (self.gateway.sms_count, self.gateway.sms_sent_count, self.gateway.sms_failed_count), (2, 1, 1))
        for method, count in (('action_view_sms', 2), ('action_view_sent_sms', 1), ('action_view_failed_sms', 1)):
            action = getattr(self.gateway, method)()
            self.assertEqual(self.env[action['res_model']].search_count(action['domain']), count)
        self.assertEqual(len(self.gateway.last_status_ids), 2)
