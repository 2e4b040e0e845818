# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A call that does not pass the check of a gateway is answered with 403 and changes nothing."""
import base64
import hashlib
import hmac
import json
from unittest.mock import patch
from urllib.parse import parse_qsl, unquote

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from .callback_calls import FORM
from .common import LOGGER, CallbackCase, get_template

KEY = 'signing-k3y-of-the-test'


@tagged('post_install', '-at_install')
class TestCallbackCheck(CallbackCase):

    def setUp(self):
        super().setUp()
        self.sms = self.send_sms()
        self.body = f'uuid={self.sms.uuid}&status=delivered'.encode()

    def post(self, body=None, query='', path=None, **headers):
        path = path or self.path
        return self.url_open(f'{path}?{query}' if query else path, data=self.body if body is None else body, headers={
            'Content-Type': FORM, **{name.replace('_', '-'): value for name, value in headers.items()}})

    def assert_refused(self, answer, sms=None):
        self.assertEqual((answer.status_code, answer.text), (403, "Forbidden"))
        self.assertEqual(self.state(sms or self.sms), ('success', False, 'pending'))
        self.assertFalse(self.status_of(sms or self.sms).report_date)
        self.assertFalse(self.env['sms.gateway.early.report'].search([]))

    def assert_taken(self, answer, sms=None):
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(self.state(sms or self.sms), ('success', True, 'sent'))

    def sign(self, content, algorithm='sha256'):
        return hmac.new(KEY.encode(), content, algorithm).hexdigest()

    # === SIGNATURE === #

    def check_signature(self, **values):
        self.gateway.write({
            'delivery_callback_check': 'signature', 'delivery_callback_signature_header': 'X-Signature',
            'delivery_callback_check_key': KEY, **values})

    def test_signature(self):
        self.check_signature()
        with mute_logger(LOGGER):
            self.assert_refused(self.post())
            self.assert_refused(self.post(X_Signature=self.sign(b'another body')))
            self.assert_refused(self.post(X_Signature=''))
        self.assert_taken(self.post(X_Signature=self.sign(self.body)))

    def test_signature_without_key_lets_nobody_in(self):
        self.check_signature(delivery_callback_check_key=False)
        with mute_logger(LOGGER):
            self.assert_refused(self.post(X_Signature=hmac.new(b'', self.body, 'sha256').hexdigest()))
        self.assertIn("Signing Key", self.gateway.warnings)

    def test_signature_of_what_is_no_report(self):
        """Garbage and an empty call are not even read."""
        self.check_signature()
        with mute_logger(LOGGER):
            for body in (b'{"status": ', b'', b'a=b'):
                self.assertEqual(self.post(body=body).status_code, 403)

    def test_refusal_is_logged_without_content(self):
        self.check_signature()
        with self.assertLogs(LOGGER, 'WARNING') as log:
            self.post()
        self.assertIn("Webhook authentication failed", ''.join(log.output))
        self.assertNotIn(self.sms.uuid, ''.join(log.output))

    def test_twilio(self):
        """The template as it is, with credentials typed in: the URL with its query and the sorted form."""
        twilio = get_template(self.env, 'twilio').copy({'base_url': self.provider.url, 'state': 'active'})
        twilio.write({'username': 'AC1', 'password': KEY, 'sender': '+12025550100'})
        self.assertEqual(twilio.delivery_callback_check, 'signature')
        self.assertFalse(twilio._get_missing_authentication())
        url = f'{twilio.delivery_callback_url}?uuid={self.sms.uuid}'
        fields = {'MessageSid': 'SM1', 'MessageStatus': 'delivered', 'To': '+32456001122'}
        content = url + ''.join(name + fields[name] for name in sorted(fields))
        signature = base64.b64encode(hmac.digest(KEY.encode(), content.encode(), 'sha1')).decode()
        path, query = twilio.delivery_callback_url.removeprefix(twilio.get_base_url()), f'uuid={self.sms.uuid}'
        body = b'To=%2B32456001122&MessageSid=SM1&MessageStatus=delivered'
        with mute_logger(LOGGER):
            for wrong in ({'body': body + b'&a=b'}, {'body': body, 'query': 'uuid=1'}):
                self.assertEqual(self.post(**{
                    'query': query, 'path': path, 'X_Twilio_Signature': signature, **wrong}).status_code, 403)
        answer = self.post(body=body, query=query, path=path, X_Twilio_Signature=signature)
        self.assertEqual(answer.status_code, 200)

    def test_templates_name_a_scheme_that_can_be_filled_in(self):
        checked = self.env['sms.gateway'].search([('delivery_callback_signature_header', '!=', False)])
        self.assertEqual(set(checked.mapped('name')), {
            'Twilio', 'Sinch', 'seven', 'Termii', 'Android SMS Gateway', 'GatewayAPI', 'MessageBird', 'Telnyx'})

    # === WHAT A SIGNATURE DOES NOT COVER === #

    # Signed content, and where a report is then read.
    SCHEMES = (
        ('{body}', 'body'), ('{method}{lf}{body_md5}', 'body'), ('{body}{header:X-Timestamp}', 'body'),
        ('{url_path}{body}', 'body'), ('{params}', 'body'), ('{url}', 'query'), ('{method}{url}', 'query'),
        ('{url}{params}', 'body'), ('{url}{params}', 'query'), ('{url}{body}', 'body'), ('{url}{body}', 'query'),
        ('{url_path}{header:X-Timestamp}', None), ('{header:X-Timestamp}', None), ('{method}', None), ('v1', None),
    )

    def signed_call(self, content, query='', body=b''):
        """A call as the provider makes it."""
        url = f'{self.gateway.delivery_callback_url}?{query}' if query else self.gateway.delivery_callback_url
        form = ''.join(sorted(unquote(body.decode()).replace('=', '').split('&')))
        signed = content
        for name, value in (
                ('body', body.decode()), ('body_md5', hashlib.md5(body, usedforsecurity=False).hexdigest()),
                ('url', url), ('url_path', url.partition('?')[0]), ('params', form), ('method', 'POST'), ('lf', '\n'),
                ('header:X-Timestamp', '1800000000')):
            signed = signed.replace(f'{{{name}}}', value)
        return {'method': 'POST', 'query': query, 'body': body, 'headers': {
            'Content-Type': FORM, 'X-Timestamp': '1800000000', 'X-Signature': self.sign(signed.encode())}}

    def make(self, call):
        query = call['query']
        return self.url_open(
            f'{self.path}?{query}' if query else self.path, method=call['method'], data=call['body'] or None,
            headers=call['headers'])

    def forgeries(self, call, report):
        """What somebody makes of a call that he saw, for a report of his own."""
        document, form = json.dumps(dict(parse_qsl(report))).encode(), report.encode()
        multipart = b''.join(
            b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value.encode())
            for name, value in parse_qsl(report)) + b'--x--'
        queries = (report, f'{call["query"]}&{report}', f'{report}&{call["query"]}')
        for query in queries:
            yield {**call, 'query': query}
            yield {**call, 'query': query, 'body': b''}
            yield {**call, 'query': query, 'body': b'', 'method': 'GET'}
            yield {**call, 'query': query, 'body': b'', 'method': 'HEAD'}
            yield {**call, 'query': query, 'body': b'', 'method': 'OPTIONS'}
        for content_type, body in (
                (FORM, form), (FORM, call['body'] + b'&' + form), (FORM, form + b'&' + call['body']),
                ('application/json', document), (FORM, document), ('text/plain', form), ('', form),
                (f'{FORM}; charset=utf-16', report.encode('utf-16')), ('multipart/form-data; boundary=x', multipart),
                ('application/xml', f'<r>{form.decode()}</r>'.encode()), (f'{FORM}-not', form)):
            yield {**call, 'body': body, 'headers': {**call['headers'], 'Content-Type': content_type}}

    def test_only_what_is_signed_is_read(self):
        for content, place in self.SCHEMES:
            self.check_signature(delivery_callback_signature_content=content)
            report = f'uuid={self.sms.uuid}&status=failed'
            own, = self.make_sms('+32456001199')
            own.send()
            own_report = f'uuid={own.uuid}&status=delivered'
            seen = self.signed_call(content, **(
                {'query': own_report} if place == 'query' else {'body': own_report.encode()}))
            for call in (seen, self.signed_call(content)):
                for forgery in self.forgeries(call, report):
                    with self.subTest(content=content, forgery=forgery), mute_logger(LOGGER):
                        self.make(forgery)
                        self.assertEqual(self.state(self.sms), ('success', False, 'pending'))
                        self.assertFalse(self.status_of(self.sms).report_date)
            with self.subTest(content=content), mute_logger(LOGGER):
                own.invalidate_recordset()
                before = self.state(own)
                answer = self.make(seen)
                self.assertEqual(
                    (answer.status_code, self.state(own)),
                    (200, ('success', True, 'sent')) if place else (403, before))
                self.assertEqual(bool(self.gateway._get_missing_authentication()), not place)

    def test_body_ends_where_the_provider_ended_it(self):
        """A signature of body and time stamp does not tell where the one ends and the other begins."""
        self.check_signature(delivery_callback_signature_content='{body}{header:X-Timestamp}')
        body, stamp = f'uuid={self.sms.uuid}&status=delivered&reason=0', '1800000000'
        signature = self.sign((body + stamp).encode())
        for size in (len('&reason=0'), len('=0')):
            with mute_logger(LOGGER):
                self.assert_refused(self.post(
                    body[:-size].encode(), X_Signature=signature, X_Timestamp=body[-size:] + stamp))

    def test_repeated_field_of_a_form(self):
        """Sorted values do not tell which status belongs to which SMS."""
        self.check_signature(delivery_callback_signature_content='{params}')
        other = self.send_sms('+32456001123')
        signed = ''.join(sorted((
            f'uuid{self.sms.uuid}', f'uuid{other.uuid}', 'statusdelivered', 'statusfailed'))).encode()
        for first, second in ((self.sms, other), (other, self.sms)):
            with mute_logger(LOGGER):
                self.assert_refused(self.post(
                    f'uuid={first.uuid}&uuid={second.uuid}&status=delivered&status=failed'.encode(),
                    X_Signature=self.sign(signed)))

    # === HTTP BASIC === #

    def test_basic(self):
        self.gateway.write({
            'delivery_callback_check': 'basic', 'delivery_callback_check_username': 'provider',
            'delivery_callback_check_password': KEY})

        def basic(text):
            return f'Basic {base64.b64encode(text.encode()).decode()}'

        with mute_logger(LOGGER):
            self.assert_refused(self.post())
            self.assert_refused(self.post(Authorization=basic('provider:')))
            self.assert_refused(self.post(Authorization=f'Bearer {KEY}'))
        self.assert_taken(self.post(Authorization=basic(f'provider:{KEY}')))

    # === NETWORKS === #

    def test_networks(self):
        self.gateway.write({
            'delivery_callback_check': 'networks', 'delivery_callback_check_networks': '192.0.2.0/24'})
        with mute_logger(LOGGER):
            self.assert_refused(self.post())
            self.assert_refused(self.post(X_Forwarded_For='192.0.2.1', X_Forwarded_Host='127.0.0.1'))
        self.gateway.delivery_callback_check_networks = '127.0.0.0/8, ::1'
        self.assert_taken(self.post())

    def test_networks_behind_a_proxy(self):
        """Odoo believes X-Forwarded-For in proxy mode only, and the last address in it."""
        self.gateway.write({
            'delivery_callback_check': 'networks', 'delivery_callback_check_networks': '192.0.2.0/24'})
        with patch.dict(config.options, proxy_mode=True):
            with mute_logger(LOGGER):
                self.assert_refused(self.post(
                    X_Forwarded_For='192.0.2.1, 198.51.100.1', X_Forwarded_Host='127.0.0.1'))
            self.assert_taken(self.post(X_Forwarded_For='192.0.2.1', X_Forwarded_Host='127.0.0.1'))

    # === SETTINGS === #

    def test_what_cannot_be_is_refused_when_saved(self):
        with self.assertRaisesRegex(ValidationError, "Provider Networks.*example.com"):
            self.gateway.delivery_callback_check_networks = 'example.com'
        with self.assertRaisesRegex(ValidationError, "Signed Content.*boddy"):
            self.gateway.delivery_callback_signature_content = '{boddy}'

    def test_copy_keeps_the_scheme_and_no_secret(self):
        self.check_signature(delivery_callback_check_username='provider', delivery_callback_check_password=KEY)
        copy = self.gateway.copy()
        self.assertEqual(copy.delivery_callback_check, 'signature')
        self.assertEqual(copy.delivery_callback_signature_header, 'X-Signature')
        for name in ('key', 'username', 'password'):
            self.assertFalse(copy[f'delivery_callback_check_{name}'])
