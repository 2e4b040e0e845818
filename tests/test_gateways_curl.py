# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From a pasted cURL command to a gateway that sends the same request."""
import json
from urllib.parse import parse_qsl

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..tools.request.curl_import import CurlError, import_curl
from .common import SECRET, GatewayCase
from .provider import Reply

# One command for each reason why it cannot become a gateway.
REFUSED = (
    ("hello", 'no_curl'),
    ("wget https://example.com", 'not_curl'),
    ("curl " + "x" * 70000, 'too_long'),
    ("curl \ufdd0", 'unreadable'),
    ("curl 'x", 'unclosed_quote'),
    ("curl -d @- https://example.com <<EOF\n", 'unclosed_document'),
    ("curl -d a=b", 'no_url'),
    ("curl ftp://example.com", 'scheme'),
    ("curl -X PUT https://example.com", 'method'),
    ("curl -d @file https://example.com", 'file'),
    ("curl --cert c.pem https://example.com", 'client_certificate'),
    ("curl --aws-sigv4 x https://example.com", 'signed'),
    ("curl --unix-socket x http://example.com", 'socket'),
    ("curl -d a=b -F c=d https://example.com", 'two_bodies'),
    ("curl -X GET -d '{}' https://example.com", 'get_with_body'),
    ("curl -d '<a></a>' https://example.com", 'body_type'),
    ('curl -d "$BODY" https://example.com', 'body_variable'),
    ("curl -F a https://example.com", 'form_field'),
    ("curl -d '{\"a\": }' https://example.com", 'json'),
)


@tagged('post_install', '-at_install')
class TestCurlImport(GatewayCase):

    def paste(self, command, **context):
        """The wizard after Next."""
        wizard = self.env['sms.gateway.curl'].with_context(**context).create({'command': command})
        action = wizard.action_read()
        self.assertEqual((action['res_id'], action['target']), (wizard.id, 'new'))
        return wizard

    def create_gateway(self, wizard):
        action = wizard.action_create_gateway()
        self.assertEqual(action['res_model'], 'sms.gateway')
        return self.env['sms.gateway'].browse(action['res_id'])

    def send_test(self, gateway, number, body):
        """What the provider gets from Send Test SMS."""
        self.provider.clear()
        self.env['sms.gateway.test'].create(
            {'gateway_id': gateway.id, 'number': number, 'body': body}).action_send()
        request, = self.provider.requests
        return request

    def test_json(self):
        wizard = self.paste(f"""$ curl -sS -X POST "{self.provider.url}/v1/sms?region=eu" \\
            -H 'Authorization: Bearer {SECRET}' -H 'Content-Type: application/json' \\
            -d '{{"messages": [
                {{"to": "32456001122", "from": "Shop", "text": "Your code is 1234", "flash": false}}]}}'""")
        self.assertEqual(wizard.question_count, 0)
        self.assertFalse(wizard.warnings)
        gateway = self.create_gateway(wizard)
        self.assertEqual(gateway.state, 'new')
        self.assertEqual((gateway.auth_type, gateway.token, gateway.sender), ('token', SECRET, 'Shop'))
        self.assertEqual(gateway.number_format, 'international')
        request = self.send_test(gateway, '+32456001122', "Your code is 1234")
        self.assertEqual(request.target, '/v1/sms?region=eu')
        self.assertEqual(request.headers['authorization'], f'Bearer {SECRET}')
        self.assertEqual(request.json(), {
            'messages': [{'to': '32456001122', 'from': 'Shop', 'text': "Your code is 1234", 'flash': False}]})

    def test_form(self):
        gateway = self.create_gateway(self.paste(
            f"curl {self.provider.url}/sms -u 'user:{SECRET}' -d to=+32456001122 -d from=Shop "
            "--data-urlencode 'text=Hello & bye'"))
        self.assertEqual((gateway.auth_type, gateway.username, gateway.password), ('basic', '', SECRET))
        gateway.username = 'user'
        request = self.send_test(gateway, '0032456001122', "Hello & bye")
        self.assertEqual(parse_qsl(request.body.decode()), [
            ('to', '+32456001122'), ('from', 'Shop'), ('text', "Hello & bye")])
        self.assertTrue(request.headers['authorization'].startswith('Basic '))

    def test_get(self):
        gateway = self.create_gateway(self.paste(
            f'curl "{self.provider.url}/send?api_key={SECRET}&to=32456001122&text=Hello+World&unicode=1"'))
        request = self.send_test(gateway, '+32456001122', "Hello World")
        self.assertEqual(request.method, 'GET')
        self.assertEqual(request.query, {
            'api_key': [SECRET], 'to': ['32456001122'], 'text': ["Hello World"], 'unicode': ['1']})

    def test_several_recipients(self):
        """The gateway sends several SMS as the command does."""
        gateway = self.create_gateway(self.paste(
            f"curl {self.provider.url} -H 'X-Api-Key: {SECRET}' "
            """--json '{"to": ["+32456001122", "+32456001133"], "text": "Hi"}'"""))
        self.assertTrue(gateway.supports_multiple_recipients)
        gateway.write({'state': 'active', 'sequence': 1, 'country_prefixes': '+32'})
        self.provider.clear()
        self.make_sms('+32456001122', '+32456001133', body="Hi").send()
        request, = self.provider.requests
        self.assertEqual(request.json(), {'to': ['+32456001122', '+32456001133'], 'text': "Hi"})

    def test_selection_of_a_person(self):
        """A value that is not recognized is asked for, and sent as selected."""
        wizard = self.paste(
            f"curl {self.provider.url} -d tag=<CAMPAIGN> -d 'line=Hello there' -d to=+32456001122 -d code=x "
            "-d when=2020-01-01")
        asked = wizard.line_ids.filtered(lambda line: not line.is_sure)
        self.assertEqual(asked.mapped('name'), ['tag'])
        with Form(wizard) as form:
            for index in range(len(form.line_ids)):
                with form.line_ids.edit(index) as line:
                    if line.name == 'tag':
                        line.value = 'winter'
                        self.assertTrue(line.is_sure)
                    elif line.name == 'code':
                        line.meaning = 'account_id'
                    elif line.name == 'when':
                        line.meaning = 'removed'
        gateway = self.create_gateway(wizard)
        self.assertEqual(gateway.account_id, 'x')
        request = self.send_test(gateway, '+32456001122', "Hello there")
        self.assertEqual(parse_qsl(request.body.decode()), [
            ('tag', 'winter'), ('line', "Hello there"), ('to', '+32456001122'), ('code', 'x')])

    def test_new_gateway_without_url(self):
        """The import from the form of a New gateway fills that one."""
        gateway = self.env['sms.gateway'].create({
            'name': "Ours", 'header_ids': [(0, 0, {'key': 'X-Old', 'value': '1'})]})
        opened = {'active_model': 'sms.gateway', 'active_id': gateway.id}
        wizard = self.paste(f'curl "{self.provider.url}?to=+32456001122&text=Hello"', **opened)
        self.assertEqual(wizard.name, "Ours")
        self.assertEqual(self.create_gateway(wizard), gateway)
        self.assertEqual(gateway.base_url, self.provider.url)
        self.assertFalse(gateway.header_ids)
        other = self.create_gateway(self.paste(f'curl "{self.provider.url}?to=+32456001122&text=Hello"', **opened))
        self.assertNotEqual(other, gateway)

    def test_no_secret_is_kept(self):
        """Neither lines nor the wizard hold a credential after the gateway is created; no message names one."""
        command = f"curl {self.provider.url} -u user:{SECRET} -H 'X-Key: {SECRET}2' -d to=+32456001122 -d text=Hi"
        wizard = self.paste(command)
        shown = json.dumps(wizard.line_ids.read(['name', 'sample', 'value'])) + (wizard.notes or '')
        self.assertNotIn(SECRET, shown)
        gateway = self.create_gateway(wizard)
        self.assertFalse(wizard.command or wizard.line_ids)
        self.assertEqual((gateway.password, gateway.api_key), (SECRET, f'{SECRET}2'))
        self.assertNotIn(SECRET, gateway.request_preview)
        for broken in ("'x", "-X PUT", "-d @file", f"--cert {SECRET}", f"-F {SECRET}"):
            with self.assertRaises(UserError) as caught:
                self.paste(f"{command} {broken}")
            self.assertNotIn(SECRET, str(caught.exception))

    def test_every_sentence(self):
        """Each code of the import is worded, and the sentence takes its values."""
        wizard = self.env['sms.gateway.curl'].create({})
        values = dict.fromkeys((
            'limit', 'line', 'delimiter', 'scheme', 'method', 'name', 'type', 'reason', 'text', 'option', 'url',
            'names'), 'x')
        for command, code in REFUSED:
            with self.subTest(code=code):
                with self.assertRaises(CurlError) as caught:
                    import_curl(command)
                self.assertEqual(caught.exception.code, code)
                with self.assertRaises(UserError) as refused:
                    self.paste(command)
                self.assertEqual(str(refused.exception), wizard._explain_error(caught.exception))
        for code, sentence in wizard._get_note_sentences().items():
            with self.subTest(code=code):
                self.assertTrue(sentence % values)

    def test_notes_say_what_is_not_sent(self):
        wizard = self.paste(
            f"curl -k --frobnicate {self.provider.url} -H 'Cookie: a=b' -H 'sec-x: 1' -H 'DNT: 1' -F to=+32456001122 "
            "-F text=Hi | jq .")
        for words in (
                '--frobnicate', 'certificate is always verified', 'Cookies', 'sec-x, DNT', 'URL-encoded', '| jq .'):
            self.assertIn(words, wizard.notes)

    def test_host_to_enter(self):
        """A host that the command leaves open is refused until somebody enters it."""
        self.always_answer(Reply(200, {'id': '1'}))
        wizard = self.paste("curl 'https://{baseUrl}/sms' -d to=+32456001122 -d text=Hello")
        line = wizard.line_ids.filtered(lambda line: not line.is_sure)
        self.assertEqual(line.place, 'host')
        with mute_logger('odoo.sql_db'), self.assertRaises(ValidationError), self.cr.savepoint():
            wizard.action_create_gateway()
        line.value = self.provider.url
        gateway = self.create_gateway(wizard)
        self.assertEqual(self.send_test(gateway, '+32456001122', "Hello").target, '/sms')
