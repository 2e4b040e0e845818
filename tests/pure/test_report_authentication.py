# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A call is let in only with the right signature, password and address: doc/behaviour.md section 6."""
import base64
import hashlib
import hmac
from dataclasses import replace
from urllib.parse import urlencode

from ...tools.problem import Problem, ProblemError
from ...tools.report.authentication import (
    Call,
    Content,
    SignatureRule,
    check_content,
    has_basic,
    is_signed,
    is_within,
    parse_networks,
    read_signed,
)
from .common import PureCase
from .made_up import given, st

KEY = 'k3y'
NOW = 1_800_000_000
URL = 'https://odoo.example.com/eis_sms/callback/t0ken'
BODY = b'{"id": "1"}'


def call(body=BODY, url=URL, method='POST', address='192.0.2.7', **headers):
    names = {name.replace('_', '-'): value for name, value in headers.items()}
    return Call(method, url, names, body, address)


def hexadecimal(content, algorithm='sha256', key=KEY):
    return hmac.new(key.encode(), content, algorithm).hexdigest()


def base64_of(content, algorithm='sha256', key=KEY):
    return base64.b64encode(hmac.digest(key.encode(), content, algorithm)).decode()


class TestSignaturesOfProviders(PureCase):
    """The schemes of providers, by their documentation."""

    def test_twilio(self):
        """The example of Twilio's documentation on request validation."""
        rule = SignatureRule('X-Twilio-Signature', '12345', 'sha1', 'base64', '', '{url}{params}')
        body = urlencode({
            'To': '+18005551212', 'CallSid': 'CA1234567890ABCDE', 'Caller': '+14158675309', 'Digits': '1234',
            'From': '+14158675309'}).encode()
        signed = call(
            body, 'https://mycompany.com/myapp.php?foo=1&bar=2', content_type='application/x-www-form-urlencoded',
            x_twilio_signature='RSOYDt4T1cUTdK1PDd93/VVr8B8=')
        self.assertTrue(is_signed(rule, signed))
        self.assertFalse(is_signed(rule, replace(signed, body=body + b'&a=b')))
        self.assertFalse(is_signed(rule, replace(signed, url='https://mycompany.com/myapp.php?foo=1')))
        self.assertFalse(is_signed(replace(rule, key='12346'), signed))

    def test_port_may_be_signed_or_not(self):
        rule = SignatureRule('X-Twilio-Signature', KEY, 'sha1', 'base64', '', '{url}{params}')
        url = 'https://odoo.example.com:8443/x?uuid=1'
        for signed in (url, 'https://odoo.example.com/x?uuid=1'):
            self.assertTrue(is_signed(rule, call(b'', url, x_twilio_signature=base64_of(signed.encode(), 'sha1'))))

    def test_body_alone(self):
        """Termii."""
        rule = SignatureRule('X-Termii-Signature', KEY, 'sha512')
        self.assertTrue(is_signed(rule, call(x_termii_signature=hexadecimal(BODY, 'sha512'))))
        self.assertTrue(is_signed(rule, call(x_termii_signature=hexadecimal(BODY, 'sha512').upper())))
        self.assertFalse(is_signed(rule, call(x_termii_signature=hexadecimal(BODY, 'sha256'))))

    def test_body_and_timestamp(self):
        """Android SMS Gateway."""
        rule = SignatureRule('X-Signature', KEY, content='{body}{header:X-Timestamp}')
        signed = call(x_signature=hexadecimal(BODY + b'1800000000'), x_timestamp='1800000000')
        self.assertTrue(is_signed(rule, signed))
        self.assertFalse(is_signed(rule, replace(signed, headers={**signed.headers, 'x-timestamp': '1800000001'})))

    def test_body_nonce_and_timestamp(self):
        """Sinch."""
        rule = SignatureRule(
            'X-Sinch-Webhook-Signature', KEY, 'sha256', 'base64', '',
            '{body}.{header:X-Sinch-Webhook-Signature-Nonce}.{header:X-Sinch-Webhook-Signature-Timestamp}')
        self.assertTrue(is_signed(rule, call(
            x_sinch_webhook_signature=base64_of(BODY + b'.n1.1800000000'), x_sinch_webhook_signature_nonce='n1',
            x_sinch_webhook_signature_timestamp='1800000000')))

    def test_url_without_query_and_nonce(self):
        """Plivo, V2."""
        rule = SignatureRule(
            'X-Plivo-Signature-V2', KEY, 'sha256', 'base64', '', '{url_path}{header:X-Plivo-Signature-V2-Nonce}')
        self.assertTrue(is_signed(rule, call(
            url=f'{URL}?uuid=1', x_plivo_signature_v2=base64_of(f'{URL}42'.encode()), x_plivo_signature_v2_nonce='42')))

    def test_lines(self):
        """seven."""
        rule = SignatureRule(
            'X-Signature', KEY,
            content='{header:X-Timestamp}{lf}{header:X-Nonce}{lf}{method}{lf}{url}{lf}{body_md5}')
        digest = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
        content = f'1800000000\nn1\nPOST\n{URL}\n{digest}'.encode()
        self.assertTrue(is_signed(rule, call(
            x_signature=hexadecimal(content), x_timestamp='1800000000', x_nonce='n1')))

    def test_prefix_and_several(self):
        rule = SignatureRule('X-Hub-Signature-256', KEY, prefix='sha256=')
        right = f'sha256={hexadecimal(BODY)}'
        self.assertTrue(is_signed(rule, call(x_hub_signature_256=right)))
        self.assertTrue(is_signed(rule, call(x_hub_signature_256=f'sha256={"0" * 64}, {right}')))
        self.assertFalse(is_signed(rule, call(x_hub_signature_256=hexadecimal(BODY))))


class TestSignature(PureCase):
    """An attacker's calls."""

    def test_nothing_is_signed_with_an_empty_key(self):
        rule = SignatureRule('X-Signature', '')
        self.assertFalse(is_signed(rule, call(x_signature=hexadecimal(BODY, key=''))))

    def test_header_is_needed(self):
        self.assertFalse(is_signed(SignatureRule('X-Signature', KEY), call()))
        self.assertFalse(is_signed(SignatureRule('', KEY), call(x_signature=hexadecimal(BODY))))

    def test_placeholder_in_a_value_is_no_placeholder(self):
        rule = SignatureRule('X-Signature', KEY, content='{header:X-Timestamp}{body}')
        self.assertFalse(is_signed(rule, call(b'', x_timestamp='{url}', x_signature=hexadecimal(URL.encode()))))

    def test_form_with_too_many_fields(self):
        rule = SignatureRule('X-Signature', KEY, content='{params}')
        self.assertFalse(is_signed(rule, call(
            b'&'.join([b'a=1'] * 2000), content_type='application/x-www-form-urlencoded', x_signature='00')))

    @given(st.binary(max_size=40), st.text(max_size=40), st.sampled_from(('hex', 'base64')), st.text(max_size=6),
           st.sampled_from(('{body}', '{url}{params}', '{header:X-A}{lf}{body_md5}', 'x')))
    def test_chance_never_signs(self, body, given_signature, encoding, prefix, content):
        rule = SignatureRule('X-Signature', KEY, encoding=encoding, prefix=prefix, content=content)
        self.assertFalse(is_signed(rule, call(
            body, x_signature=given_signature, content_type='application/x-www-form-urlencoded')))

    def test_content_is_checked(self):
        check_content('{header:X-Timestamp}.{body}')
        for wrong in ('{boddy}', '{header:}', '{header:X Y}', '{}'):
            with self.assertRaises(ProblemError) as caught:
                check_content(wrong)
            values = dict(caught.exception.problem.values)
            self.assertEqual(f'{{{values["name"]}}}', wrong)
            self.assertIn('{body}, {body_md5}', values['known'])

    def test_repr_shows_no_secret(self):
        shown = repr(SignatureRule('X-Signature', KEY)) + repr(call(authorization='s3cret'))
        for secret in (KEY, 't0ken', 's3cret'):
            self.assertNotIn(secret, shown)


class TestCovered(PureCase):
    """Of a signed call only what is signed is read."""

    FORM = 'application/x-www-form-urlencoded'

    def read(self, content, signed, body=b'a=1&b=%C3%B6', query='q=1', content_type=FORM, **headers):
        rule = SignatureRule('X-Signature', KEY, content=content)
        try:
            return read_signed(rule, call(
                body, f'{URL}?{query}' if query else URL, content_type=content_type, x_signature=hexadecimal(signed),
                **headers), NOW)
        except ProblemError as error:
            self.assertIn(error.problem.code, ('signature_missing', 'signature_wrong'))
            return None

    def test_what_is_read(self):
        body, url = b'a=1&b=%C3%B6', f'{URL}?q=1'.encode()
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        for content, signed, expected in (
            ('{body}', body, Content(b'', self.FORM, body)),
            ('{url}{body}', url + body, Content(b'q=1', self.FORM, body)),
            ('{url}', url, Content(b'q=1')),
            ('{params}', 'a1bö'.encode(), Content(b'', self.FORM, body)),
            ('{url}{params}', url + 'a1bö'.encode(), Content(b'q=1', self.FORM, body)),
            ('{body_md5}', digest.encode(), Content(b'', self.FORM, body)),
            ('{url_path}', URL.encode(), None), ('{method}', b'POST', None), ('x', b'x', None), ('', b'', None),
        ):
            with self.subTest(content=content):
                self.assertEqual(self.read(content, signed), expected)
                self.assertIsNone(self.read(content, signed + b'x'))

    def test_body_that_is_no_form_is_not_signed_by_its_fields(self):
        for content_type in ('application/json', 'text/plain', '', 'multipart/form-data; boundary=x', f'{self.FORM}x'):
            self.assertEqual(
                self.read('{url}{params}', f'{URL}?q=1'.encode(), b'{"a": 1}', content_type=content_type),
                Content(b'q=1', self.FORM, b''))

    def test_charset_changes_nothing_that_is_signed(self):
        content = self.read('{params}', 'a1bö'.encode(), content_type=f'{self.FORM}; charset=utf-16')
        self.assertEqual(content, Content(b'', self.FORM, b'a=1&b=%C3%B6'))

    def test_field_with_two_values(self):
        self.assertIsNone(self.read('{params}', b'a1a2', b'a=1&a=2'))
        self.assertEqual(self.read('{params}', b'a1', b'a=1&a=1').body, b'a=1')

    def test_header_is_no_piece_of_the_body(self):
        rule = '{body}{header:X-Timestamp}'
        for body, stamp, is_read in (
                (b'{"a": 1}', '1800000000', True), (b'{"a": 1', '}1800000000', False), (b'[1', ']18', False),
                (b'a=1', '&b=218', False), (b'a', '=118', False), (b'<a>', '</a>18', False),
                (b'a=1', 'bm9uY2U=', True), (b'a=1', 'Thu, 24 Aug 2023 05:01:45 +0000', True)):
            found = self.read(rule, body + stamp.encode(), body, x_timestamp=stamp)
            self.assertEqual(found is not None, is_read, stamp)


class TestBasic(PureCase):

    def basic(self, text):
        return call(authorization=f'Basic {base64.b64encode(text.encode()).decode()}')

    def test_right_one_only(self):
        self.assertTrue(has_basic('odoo', 'pä:ss', self.basic('odoo:pä:ss')))
        for wrong in ('odoo:pass', 'odoo:', ':pä:ss', 'odoo', ''):
            self.assertFalse(has_basic('odoo', 'pä:ss', self.basic(wrong)), wrong)
        self.assertFalse(has_basic('odoo', 'x', call()))
        self.assertFalse(has_basic('odoo', 'x', call(authorization='Basic !')))
        self.assertFalse(has_basic('odoo', 'x', call(authorization='Bearer b2Rvbzp4')))
        self.assertTrue(has_basic('odoo', 'x', call(authorization='basic b2Rvbzp4')))

    def test_empty_password_is_never_right(self):
        self.assertFalse(has_basic('', '', self.basic(':')))
        self.assertFalse(has_basic('odoo', '', self.basic('odoo:')))


class TestNetworks(PureCase):

    def test_inside_and_outside(self):
        networks = parse_networks('192.0.2.7, 198.51.100.0/24,2001:db8::/32\n')
        for address, inside in (
            ('192.0.2.7', True), ('192.0.2.8', False), ('198.51.100.255', True), ('2001:db8::1', True),
            ('2001:db9::1', False), ('::ffff:192.0.2.7', True), ('fe80::1%eth0', False), ('', False),
            ('unknown', False),
        ):
            self.assertEqual(is_within(networks, call(address=address)), inside, address)

    def test_no_network_lets_nobody_in(self):
        self.assertFalse(is_within((), call()))

    def test_wrong_one_is_named(self):
        for wrong in ('192.0.2', '192.0.2.1/24', 'example.com', '192.0.2.1/33'):
            with self.assertRaises(ProblemError) as caught:
                parse_networks(f'192.0.2.7, {wrong}')
            self.assertEqual(caught.exception.problem, Problem('invalid_network', (('network', wrong),)))
