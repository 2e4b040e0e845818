# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The URL for inbound SMS from outside: what it accepts, and how it responds (doc/inbound.md)."""
import base64
import hashlib
import hmac
import json
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..controllers import callback
from ..sending.store.transactions import OwnTransactions
from ..tools.report.parsing import MAX_BODY
from .callback_calls import FORM, GARBAGE
from .common import LOGGER, NUMBER, CallbackCase, get_template
from .inbound_calls import CALLS, UNICODE
from .inbound_calls_others import OTHERS

CONFIG = {
    'inbound_enabled': True, 'inbound_message_id_param': 'id', 'inbound_number_param': 'from',
    'inbound_recipient_param': 'to', 'inbound_text_param': 'text', 'inbound_kind_param': 'text',
}


@tagged('post_install', '-at_install')
class TestInboundRoute(CallbackCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.write(CONFIG)
        cls.inbound_path = urlsplit(cls.gateway.inbound_url).path

    def send_in(self, method='POST', query='', content_type=FORM, body=b'', path=None, **fields):
        fields = {key.rstrip('_'): value for key, value in fields.items()}
        return self.call(
            method, query, content_type, body or urlencode(fields).encode(), path or self.inbound_path)

    def rows(self):
        self.env.invalidate_all()
        return self.env['sms.gateway.inbound'].search([('gateway_id', '=', self.gateway.id)], order='id')

    # === ANSWERS === #

    def test_message_is_answered_and_recorded(self):
        answer = self.send_in(id='M1', from_='32456001122', to='8850', text=UNICODE)
        self.assertEqual((answer.status_code, answer.content), (200, b''))
        self.assertNotIn('Set-Cookie', answer.headers)
        row = self.rows()
        self.assertEqual(
            (row.message_id, row.number, row.recipient, row.body), ('M1', NUMBER, '8850', UNICODE))

    def test_get(self):
        self.send_in('GET', 'id=M1&from=+32456001122&text=Gr%C3%BC%C3%9Fe', '', b'')
        self.assertEqual(self.rows().mapped('body'), ["Grüße"])

    def test_answers(self):
        """Of its own, also on the URL for delivery reports, whose text would be sent to the person."""
        self.gateway.delivery_callback_answer = "OK"
        for path in (self.inbound_path, self.path):
            self.assertEqual(self.send_in(path=path, from_=NUMBER, text="Hello").content, b'')
        self.gateway.write({'inbound_answer': '<Response/>', 'inbound_answer_type': 'xml'})
        for path in (self.inbound_path, self.path):
            answer = self.send_in(path=path, from_=NUMBER, text="Again")
            self.assertEqual(answer.content, b'<Response/>')
            self.assertEqual(answer.headers['Content-Type'], 'text/xml; charset=utf-8')
        self.assertEqual(self.rows().mapped('body'), ["Hello", "Again"])
        self.assertEqual(self.call('POST', '', FORM, b'a=b').text, "OK")
        self.gateway.inbound_answer_type = 'json'
        self.assertEqual(self.send_in().headers['Content-Type'], 'application/json')

    def test_calls_that_cannot_be_used_are_answered(self):
        """Or the provider repeats them for days. Names and short codes are kept as they are."""
        for fields in (
                {}, {'text': "Hello"}, {'from_': '', 'text': "Hello"}, {'from_': NUMBER, 'text': ''}, {'a': 'b'}):
            with self.subTest(fields=fields):
                self.assertEqual(self.send_in(**fields).status_code, 200)
        self.assertFalse(self.rows())
        self.gateway.inbound_kind_param = False
        self.send_in(from_=NUMBER, text='')
        self.send_in(from_='Bank 24', text="Your code")
        self.send_in(from_='12345', text="Short")
        self.assertEqual([(row.number, row.state) for row in self.rows()], [
            (NUMBER, 'ignored'), ('Bank 24', 'unassigned'), ('12345', 'unassigned')])

    def test_methods(self):
        for method, status in (('HEAD', 200), ('OPTIONS', 200), ('PUT', 405), ('DELETE', 405)):
            self.assertEqual(self.send_in(method, 'from=1&text=x').status_code, status)
        self.assertFalse(self.rows())

    def test_unknown_token_and_disabled_gateways_look_the_same(self):
        token = self.gateway.delivery_callback_token
        self.gateway.inbound_enabled = False
        answers = [self.send_in(path=path, from_=NUMBER, text="Hello") for path in (
            self.inbound_path, '/eis_sms/inbound/unknown', '/eis_sms/inbound/%00', f'/eis_sms/inbound/{token}')]
        self.assertEqual({(answer.status_code, answer.content) for answer in answers}, {(404, b"Not Found")})
        self.assertFalse(self.rows())

    def test_rotation(self):
        self.gateway.action_rotate_inbound_token()
        new_path = urlsplit(self.gateway.inbound_url).path
        for path, text in ((self.inbound_path, "old"), (new_path, "new")):
            self.assertEqual(self.send_in(path=path, from_=NUMBER, text=text).status_code, 200)
        self.gateway.action_end_inbound_rotation()
        self.assertEqual(self.send_in(from_=NUMBER, text="late").status_code, 404)
        self.assertEqual(self.rows().mapped('body'), ["old", "new"])

    @mute_logger(LOGGER)
    def test_garbage(self):
        for method, query, content_type, body in GARBAGE:
            with self.subTest(body=body):
                self.assertEqual(self.send_in(method, query, content_type, body.encode()).status_code, 400)
        self.assertEqual(self.send_in(body=b'x=' + b'y' * MAX_BODY).status_code, 413)
        self.assertFalse(self.rows())

    def test_not_stored(self):
        with patch.object(OwnTransactions, 'write', return_value=False):
            answer = self.send_in(from_=NUMBER, text="Hello")
        self.assertEqual(answer.status_code, 503)
        self.assertTrue(answer.headers['Retry-After'].isdecimal())

    def test_names_are_no_arguments(self):
        for name in ('self', 'token', 'db', 'debug', 'csrf_token', 'session_id'):
            body = urlencode({name: '1', 'from': NUMBER, 'text': name}).encode()
            self.assertEqual(self.send_in(body=body).status_code, 200)
        self.assertEqual(len(self.rows()), 6)

    # === ONE URL FOR BOTH === #

    def test_one_url_for_both(self):
        """Reports and SMS on either URL, also in one call."""
        sms = self.send_sms(NUMBER, '+32456001123')
        self.gateway.write({
            'inbound_kind_param': '[].type', 'inbound_kind_values': 'mo_*', 'inbound_number_param': '[].from',
            'inbound_text_param': '[].text', 'inbound_message_id_param': '[].id',
            'delivery_callback_uuid_param': '[].ref', 'delivery_callback_status_param': '[].status'})
        for index, path in enumerate((self.path, self.inbound_path)):
            body = json.dumps([
                {'type': 'mo_text', 'from': NUMBER, 'text': "In", 'id': f'M{index}', 'status': 'delivered'},
                {'type': 'report', 'ref': sms[index].uuid, 'status': 'delivered', 'from': 'us'}]).encode()
            self.assertEqual(self.send_in(content_type='application/json', body=body, path=path).status_code, 200)
        self.assertEqual(self.rows().mapped('message_id'), ['M0', 'M1'])
        self.assertEqual(sms.mapped('state'), ['sent', 'sent'])

    def test_message_is_no_report_while_inbound_is_off(self):
        """A message that looks like a report, as Telnyx sends them."""
        sms = self.send_sms()
        self.gateway.write({'inbound_enabled': False, 'inbound_kind_param': 'type', 'inbound_kind_values': 'inbound'})
        answer = self.call(query=f'type=inbound&uuid={sms.uuid}&status=delivered&from=1&text=x')
        self.assertEqual((answer.status_code, answer.content, sms.state), (200, b'', 'pending'))
        self.assertFalse(self.rows())

    def test_reports_are_ignored_while_they_are_off(self):
        sms = self.send_sms()
        self.gateway.delivery_callback_enabled = False
        self.assertEqual(self.send_in(uuid=sms.uuid, status='delivered').status_code, 200)
        self.assertEqual(sms.state, 'pending')

    # === CHECKS OF THE SENDER === #

    @mute_logger(LOGGER)
    def test_signature_covers_the_own_url(self):
        self.gateway.write({
            'delivery_callback_check': 'signature', 'delivery_callback_check_key': 'signing-key',
            'delivery_callback_signature_header': 'X-Signature', 'delivery_callback_signature_algorithm': 'sha1',
            'delivery_callback_signature_encoding': 'base64', 'delivery_callback_signature_content': '{url}{params}'})
        body = urlencode({'from': NUMBER, 'text': "Hello"})
        signed = f'{self.gateway.inbound_url}from{NUMBER}textHello'.encode()
        digest = base64.b64encode(hmac.new(b'signing-key', signed, hashlib.sha1).digest()).decode()
        url = self.base_url() + self.inbound_path
        for signature, status in ((digest, 200), (digest.swapcase(), 403), ('', 403)):
            headers = {'Content-Type': FORM, **({'X-Signature': signature} if signature else {})}
            answer = self.url_open(url, method='POST', data=body.encode(), headers=headers)
            self.assertEqual((answer.status_code, len(self.rows())), (status, 1))

    @mute_logger(LOGGER)
    def test_networks(self):
        self.gateway.write({
            'delivery_callback_check': 'networks', 'delivery_callback_check_networks': '192.0.2.0/24'})
        self.assertEqual(self.send_in(from_=NUMBER, text="Hello").status_code, 403)
        self.gateway.delivery_callback_check_networks = '127.0.0.1'
        self.assertEqual(self.send_in(from_=NUMBER, text="Hello").status_code, 200)
        self.assertEqual(len(self.rows()), 1)

    # === PROVIDERS === #

    def test_providers(self):
        """The documented calls of each provider, over HTTP."""
        for slug, calls in CALLS.items():
            template = get_template(self.env, slug)
            self.gateway = template.copy({'delivery_callback_check': 'none'})
            path = urlsplit(self.gateway.inbound_url).path
            for (method, query, content_type, body), expected in calls:
                with self.subTest(slug=slug, body=body, query=query):
                    self.rows().unlink()
                    answer = self.call(method, query, content_type, body.encode(), path)
                    self.assertEqual((answer.status_code, answer.text), (200, template.inbound_answer or ''))
                    self.assertEqual(
                        [(row.message_id or '', row.body or '') for row in self.rows()],
                        [(values['message_id'], values['text']) for values in expected])
                    self.assertTrue(all(row.number.startswith('+') or len(row.number) == 10 for row in self.rows()))

    def test_calls_of_other_systems(self):
        """As they send them, with ID, number, text and time."""
        for slug in {slug for slug, _call, _expected in OTHERS}:
            template = get_template(self.env, slug)
            self.gateway = template.copy({'delivery_callback_check': 'none'})
            path = urlsplit(self.gateway.inbound_url).path
            for call, expected in ((call, expected) for name, call, expected in OTHERS if name == slug):
                method, query, content_type, body = call
                with self.subTest(slug=slug, call=call):
                    self.rows().unlink()
                    answer = self.call(
                        method, query, content_type, body.encode() if isinstance(body, str) else body, path)
                    self.assertEqual((answer.status_code, answer.text), (200, template.inbound_answer or ''))
                    self.assertEqual([
                        (row.message_id or '', row.number, row.body or '', str(row.sent_date or ''))
                        for row in self.rows()], expected)

    def test_refusals_are_logged(self):
        with self.assertLogs(callback.__name__, 'WARNING') as logs:
            self.send_in(content_type='application/json', body=b'{')
        self.assertIn('report_not_json', logs.output[0])
        self.assertNotIn(self.gateway.inbound_token, logs.output[0])
