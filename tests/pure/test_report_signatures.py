# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""JSON Web Tokens, Ed25519, signed parameters, two keys, and the time of a call."""
import base64
import hashlib
import hmac
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ...tools.problem import ProblemError
from ...tools.report.authentication import Call, Content, SignatureRule, check_time_is_signed, read_signed
from ...tools.report.verification import check_time, is_genuine, parse_public_key
from ...tools.report.web_token import MAX_LENGTH, read_token
from .common import PureCase
from .made_up import given, st

KEY, OLD_KEY = 'k3y', '0ld-k3y'
NOW = 1_800_000_000
URL = 'https://odoo.example.com/eis_sms/callback/t0ken'
BODY = b'{"id": "1"}'
FORM, JSON = 'application/x-www-form-urlencoded', 'application/json'

# RFC 7515, appendix A.1
RFC_7515_KEY = base64.urlsafe_b64decode(
    'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==')
RFC_7515_TOKEN = (
    'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv'
    'bS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')
RFC_7515_EXPIRY = 1300819380
# RFC 8032, 7.1: for each test the public key, the message, and the signature in two lines
RFC_8032 = """
d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a

e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b
d25bf5f0595bbe24655141438e7a100b
3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c
72
92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c
387b2eaeb4302aeeb00d291612bb0c00
fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025
af82
6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659
4a7c15e9716ed28dc027beceea1ec40a
""".splitlines()[1:]


def encode(content):
    return base64.urlsafe_b64encode(content).decode().rstrip('=')


def make_token(claims, key=KEY, header=None, algorithm='sha256'):
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode()
        for part in ({'typ': 'JWT', 'alg': 'HS256'} if header is None else header, claims)]
    content = '.'.join(map(encode, parts))
    return f'{content}.{encode(hmac.digest(key.encode(), content.encode(), algorithm))}'


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class SignatureCase(PureCase):

    def assert_refused(self, code, function, *args):
        with self.assertRaises(ProblemError) as caught:
            function(*args)
        self.assertEqual(caught.exception.problem.code, code)
        self.assertNotIn(KEY, str(caught.exception))


class TestToken(SignatureCase):

    def read(self, token, key=KEY, window=300):
        return read_token(token, (key.encode(),), NOW, window)

    def test_rfc_7515(self):
        payload, claims = read_token(RFC_7515_TOKEN, (RFC_7515_KEY,), RFC_7515_EXPIRY - 1, 0)
        self.assertEqual(claims, {'iss': 'joe', 'exp': RFC_7515_EXPIRY, 'http://example.com/is_root': True})
        self.assertEqual(json.loads(payload), claims)
        self.assert_refused('signature_expired', read_token, RFC_7515_TOKEN, (RFC_7515_KEY,), RFC_7515_EXPIRY + 60, 0)
        self.assert_refused('signature_wrong', read_token, RFC_7515_TOKEN, (RFC_7515_KEY[1:],), RFC_7515_EXPIRY, 0)
        for index in range(len(RFC_7515_TOKEN) - 1):  # the last character has bits that say nothing
            character = 'A' if RFC_7515_TOKEN[index] != 'A' else 'B'
            with self.assertRaises(ProblemError, msg=index):
                read_token(RFC_7515_TOKEN[:index] + character + RFC_7515_TOKEN[index + 1:], (RFC_7515_KEY,), 0, 0)

    def test_hash_functions(self):
        for name, algorithm in (('HS256', 'sha256'), ('HS384', 'sha384'), ('HS512', 'sha512')):
            self.assertEqual(self.read(make_token({'a': 1}, header={'alg': name}, algorithm=algorithm))[1], {'a': 1})
        self.assert_refused('signature_wrong', self.read, make_token({}, header={'alg': 'HS512'}))

    def test_other_algorithms(self):
        for algorithm in (
                'none', 'None', 'NONE', 'RS256', 'ES256', 'PS256', 'EdDSA', 'HS1', 'hs256', '', None, 1, [], {}):
            token = make_token({'a': 1}, header={'alg': algorithm})
            unsigned = token[:token.rindex('.') + 1]
            for wrong in (token, unsigned):
                self.assert_refused('token_algorithm', self.read, wrong)
        self.assert_refused('token_algorithm', self.read, make_token({}, header={'typ': 'JWT'}))

    def test_unsigned(self):
        self.assert_refused('signature_wrong', self.read, make_token({'a': 1}).rpartition('.')[0] + '.')
        self.assert_refused('signature_wrong', self.read, make_token({'a': 1}, key=''), '')
        self.assert_refused('signature_wrong', read_token, make_token({'a': 1}, key=''), (), NOW, 0)

    def test_malformed(self):
        token = make_token({'a': 1})
        for wrong in (
                '', '.', '..', 'a.b', token.rpartition('.')[0], f'{token}.a', f' {token}', f'{token}=', f'é{token}',
                token.replace('.', '..', 1), make_token({}, header=b'[]'), make_token({}, header=b'{'),
                make_token({}, header=b'[' * 5000), make_token({}, header=b'\xff'), make_token([1]), make_token(b'NaN'),
                make_token(b'{"exp": NaN}'), make_token(b'{"exp": Infinity}'), make_token(b'x'),
                make_token({}, header={'alg': 'HS256', 'crit': ['b64'], 'b64': False}), 'a.' + token.partition('.')[2]):
            self.assert_refused('token_malformed', self.read, wrong)

    def test_length(self):
        self.assertEqual(self.read(make_token({'a': 'x' * 11_000}))[1]['a'], 'x' * 11_000)
        self.assert_refused('token_too_long', self.read, 'a' * (MAX_LENGTH + 1))

    def test_times(self):
        for claims, window, code in (
            ({}, 300, None),
            ({'exp': NOW + 1}, 300, None), ({'exp': NOW - 59}, 300, None),
            ({'exp': NOW - 60}, 300, 'signature_expired'),
            ({'exp': NOW - 60}, 0, 'signature_expired'), ({'exp': 0}, 0, 'signature_expired'),
            ({'nbf': NOW - 9999}, 300, None), ({'nbf': NOW + 60}, 300, None),
            ({'nbf': NOW + 61}, 300, 'signature_early'),
            ({'iat': NOW - 300}, 300, None), ({'iat': NOW - 301}, 300, 'signature_expired'),
            ({'iat': NOW + 300}, 300, None), ({'iat': NOW + 301.5}, 300, 'signature_early'),
            ({'iat': NOW - 301}, 0, None), ({'exp': None}, 300, None),
            *(({name: value}, 300, 'token_malformed') for name in ('exp', 'nbf', 'iat') for value in (
                str(NOW), True, [NOW], {})),
        ):
            with self.subTest(claims=claims, window=window):
                if code:
                    self.assert_refused(code, self.read, make_token(claims), KEY, window)
                else:
                    self.assertEqual(self.read(make_token(claims), KEY, window)[1], claims)

    @given(st.text(max_size=60))
    def test_chance_is_refused(self, text):
        with self.assertRaises(ProblemError):
            self.read(text)


class TestCallWithToken(SignatureCase):
    """MessageBird: hashes. GatewayAPI: the report."""

    def read(self, claims, rule='hashes', url=f'{URL}?q=1', body=BODY, **token):
        return read_signed(
            SignatureRule('X-Jwt', KEY, scheme='token', claims=rule, window=300),
            Call('POST', url, {'x-jwt': make_token(claims, **token), 'content-type': JSON}, body), NOW)

    def test_hashes(self):
        url, body = {'url_hash': sha256(f'{URL}?q=1'.encode())}, {'payload_hash': sha256(BODY)}
        self.assertEqual(self.read({**url, **body}), Content(b'q=1', JSON, BODY))
        self.assertEqual(self.read(url), Content(b'q=1'))
        self.assertEqual(self.read(body), Content(b'', JSON, BODY))
        self.assertEqual(self.read(url, body=b''), Content(b'q=1'))
        for changed in ({'body': b''}, {'body': BODY + b' '}, {'url': URL}, {'url': f'{URL}?q=2'}, {'key': OLD_KEY}):
            self.assert_refused('signature_wrong', lambda changed=changed: self.read({**url, **body}, **changed))
        for hashed in ('', 1, True, [], 'a' * 64, sha256(b'')):
            for name in ('url_hash', 'payload_hash'):
                self.assert_refused('signature_wrong', self.read, {**url, **body, name: hashed})
        self.assert_refused('token_without_hash', self.read, {'status': 'delivered'})

    def test_port_of_the_url(self):
        for signed in ('https://odoo.example.com/x?a=1', 'https://odoo.example.com:8443/x?a=1'):
            claims = {'url_hash': sha256(signed.encode())}
            self.assertEqual(self.read(claims, url='https://odoo.example.com:8443/x?a=1'), Content(b'a=1'))

    def test_report_in_the_token(self):
        """The example of a client for GatewayAPI (nickdnk/gatewayapi-php), signed with `secret`."""
        token = (
            'eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpZCI6MjM4MTcwMywibXNpc2RuIjo0NTQyNjA5MDQ1LCJ0aW1lIjoxNTIyNzY0MDYyLCJz'
            'dGF0dXMiOiJERUxJVkVSRUQiLCJlcnJvciI6ImVycm9yIHRleHQiLCJjb2RlIjoiZXJyb3IgY29kZSIsImNvdW50cnlfcHJlZml4Ijo0NSwi'
            'Y291bnRyeV9jb2RlIjoiREsiLCJjaGFyZ2Vfc3RhdHVzIjoiQVVUSE9SSVpFRCIsInVzZXJyZWYiOiJhIHJlZmVyZW5jZSJ9.LgbbsxAj61SQ'
            'hDA0A3dGlcT8OZN2UJsTgBiifNHEeh8')
        rule = SignatureRule('X-Gwapi-Signature', 'secret', scheme='token', claims='report', window=300)
        call = Call('POST', f'{URL}?status=x', {'x-gwapi-signature': token, 'content-type': FORM}, b'status=x')
        content = read_signed(rule, call, NOW)
        self.assertEqual((content.query, content.content_type), (b'', JSON))
        report = json.loads(content.body)
        self.assertEqual((report['id'], report['status'], report['userref']), (2381703, 'DELIVERED', 'a reference'))
        self.assert_refused('signature_wrong', read_signed, replace(rule, key='Secret'), call, NOW)

    def test_prefix(self):
        rule = SignatureRule('Authorization', KEY, prefix='Bearer', scheme='token', claims='report')
        call = Call('POST', URL, {'authorization': f'Bearer {make_token({"a": 1})}'}, b'')
        self.assertEqual(read_signed(rule, call, NOW).body, b'{"a": 1}')
        self.assert_refused('token_malformed', read_signed, replace(rule, prefix='Token'), call, NOW)

    def test_no_token(self):
        rule = SignatureRule('X-Jwt', KEY, scheme='token')
        self.assert_refused('signature_missing', read_signed, rule, Call('POST', URL, {}, b''), NOW)
        self.assert_refused('signature_missing', read_signed, replace(rule, key=''), Call('POST', URL, {
            'x-jwt': make_token({}, key='')}, b''), NOW)


class TestEd25519(SignatureCase):
    """Telnyx."""

    RULE = SignatureRule(
        'telnyx-signature-ed25519', algorithm='ed25519', encoding='base64', content='{header:telnyx-timestamp}|{body}',
        time='telnyx-timestamp', window=300, key='')

    def setUp(self):
        super().setUp()
        self.private, self.other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        self.rule = replace(self.RULE, key=self.public(self.private))

    def public(self, private):
        return base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def call(self, private, body=BODY, time=NOW):
        return Call('POST', f'{URL}?uuid=1', {
            'telnyx-timestamp': str(time), 'content-type': JSON,
            'telnyx-signature-ed25519': base64.b64encode(private.sign(f'{time}|'.encode() + body)).decode()}, body)

    def test_rfc_8032(self):
        for index in range(0, len(RFC_8032), 4):
            public, content, *parts = map(bytes.fromhex, RFC_8032[index:index + 4])
            key, signed = base64.b64encode(public), b''.join(parts)
            self.assertTrue(is_genuine('ed25519', [key], content, [signed]))
            self.assertFalse(is_genuine('ed25519', [key], content + b'\0', [signed]))
            for place in range(len(signed)):
                changed = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1:]
                self.assertFalse(is_genuine('ed25519', [key], content, [changed]), place)

    def test_call(self):
        call = self.call(self.private)
        self.assertEqual(read_signed(self.rule, call, NOW), Content(b'', JSON, BODY))
        for wrong in (
                self.call(self.other), replace(call, body=BODY + b' '),
                replace(call, headers={**call.headers, 'telnyx-timestamp': str(NOW - 1)}),
                replace(call, headers={**call.headers, 'telnyx-signature-ed25519': 'AAAA'})):
            self.assert_refused('signature_wrong', read_signed, self.rule, wrong, NOW)

    def test_replayed(self):
        call = self.call(self.private)
        for now, code in (
                (NOW + 300, None), (NOW + 301, 'signature_expired'), (NOW - 300, None), (NOW - 301, 'signature_early')):
            if code:
                self.assert_refused(code, read_signed, self.rule, call, now)
            else:
                self.assertTrue(read_signed(self.rule, call, now))
        self.assertTrue(read_signed(replace(self.rule, window=0), call, NOW + 10 ** 6))

    def test_two_keys(self):
        rule = replace(self.rule, key=self.public(self.other), old_key=self.public(self.private))
        for private in (self.private, self.other):
            self.assertTrue(read_signed(rule, self.call(private), NOW))
        self.assert_refused('signature_wrong', read_signed, replace(rule, old_key=''), self.call(self.private), NOW)

    def test_what_is_no_key(self):
        for key in ('', 'x', 'AAAA', 'é', base64.b64encode(bytes(33)).decode(), bytes(32).hex()):
            self.assertIsNone(parse_public_key(key.encode()), key)
            self.assertFalse(is_genuine('ed25519', [key.encode()], b'', [bytes(64)]))
        self.assertTrue(parse_public_key(f' {self.public(self.private)}\n'.encode()))


class TestParameters(SignatureCase):
    """Vonage."""

    RULE = SignatureRule('', 'secret', 'md5_hash', scheme='parameters', parameter='sig', time='timestamp', window=300)
    # of the tests of the vonage package for Python
    FIELDS = {'a': '1', 'b': '2', 'timestamp': '1461605396', 'sig': '6af838ef94998832dbfc29020b564830'}
    TIME = 1461605396

    def call(self, fields, kind='query'):
        text = urlencode(fields)
        if kind == 'query':
            return Call('GET', f'{URL}?{text}', {}, b'')
        if kind == 'form':
            return Call('POST', URL, {'content-type': f'{FORM}; charset=utf-8'}, text.encode())
        return Call('POST', URL, {'content-type': JSON}, json.dumps(fields).encode())

    def sign(self, fields, algorithm='sha256', key='secret'):
        content = ''.join(
            f'&{name}={fields[name].replace("&", "_").replace("=", "_")}' for name in sorted(fields)).encode()
        digest = hashlib.md5(content + key.encode(), usedforsecurity=False).digest() if algorithm == 'md5_hash' else (
            hmac.digest(key.encode(), content, algorithm))
        return {**fields, 'sig': digest.hex().upper()}

    def test_documented_example(self):
        for kind in ('query', 'form', 'json'):
            content = read_signed(self.RULE, self.call(self.FIELDS, kind), self.TIME + 300)
            self.assertEqual(content, Content(b'a=1&b=2&timestamp=1461605396'), kind)
            self.assert_refused(
                'signature_expired', read_signed, self.RULE, self.call(self.FIELDS, kind), self.TIME + 301)
            self.assert_refused(
                'signature_early', read_signed, self.RULE, self.call(self.FIELDS, kind), self.TIME - 301)
            for changed in ({'a': '2'}, {'c': '3'}, {'timestamp': '1461605397'}, {'sig': '0' * 32}, {'sig': 'é'}):
                self.assert_refused(
                    'signature_wrong', read_signed, self.RULE, self.call({**self.FIELDS, **changed}, kind), self.TIME)
            for left_out, code in (
                    ('a', 'signature_wrong'), ('timestamp', 'signature_wrong'), ('sig', 'signature_missing')):
                fields = {name: value for name, value in self.FIELDS.items() if name != left_out}
                self.assert_refused(code, read_signed, self.RULE, self.call(fields, kind), self.TIME)

    def test_algorithms_and_keys(self):
        fields = {'text': 'a&b=c', 'ö': 'é €', 'empty': '', 'timestamp': str(NOW)}
        for algorithm in ('md5_hash', 'md5', 'sha1', 'sha256', 'sha512'):
            rule = replace(self.RULE, algorithm=algorithm, key='new', old_key='secret')
            for key in ('new', 'secret'):
                content = read_signed(rule, self.call(self.sign(fields, algorithm, key)), NOW)
                read = parse_qs(content.query.decode(), keep_blank_values=True)
                self.assertEqual(read, {'text': ['a_b_c'], 'ö': ['é €'], 'empty': [''], 'timestamp': [str(NOW)]})
            for wrong in (replace(rule, old_key=''), replace(rule, algorithm='sha384')):
                self.assert_refused('signature_wrong', read_signed, wrong, self.call(self.sign(fields, algorithm)), NOW)

    def test_time_is_missing(self):
        for time in ({}, {'timestamp': ''}, {'timestamp': '2020-01-01'}, {'timestamp': f'-{NOW}'}, {'timestamp': '١٢'}):
            call = self.call(self.sign({'a': '1', **time}, 'md5_hash'))
            self.assert_refused('signature_time_missing', read_signed, self.RULE, call, NOW)
            self.assertTrue(read_signed(replace(self.RULE, window=0), call, NOW))

    def test_several_parameters_in_one(self):
        """A name may contain what separates the others; nothing but the signed parameters is read."""
        signed = self.sign({'id': '1', 'status': 'failed', 'timestamp': str(NOW)}, 'md5_hash')
        self.assertTrue(read_signed(self.RULE, self.call(signed), NOW))
        joined = {'id=1&status': 'failed', 'timestamp': str(NOW), 'sig': signed['sig']}
        for kind in ('query', 'form', 'json'):
            self.assert_refused('signature_wrong', read_signed, self.RULE, self.call(joined, kind), NOW)
        with_query = replace(self.call(signed, 'form'), url=f'{URL}?status=delivered')
        self.assertNotIn(b'delivered', read_signed(self.RULE, with_query, NOW).query)

    def test_what_is_not_plain(self):
        sig = self.sign({'a': '1'}, 'md5_hash')['sig']
        rule = replace(self.RULE, time='')
        numbers = f'{{"a": 1, "sig": "{sig}"}}'.encode()
        self.assertEqual(read_signed(rule, Call('POST', URL, {'content-type': JSON}, numbers), NOW), Content(b'a=1'))
        for body in (
                f'{{"a": 1, "a": 1, "sig": "{sig}"}}', f'{{"a": ["1"], "sig": "{sig}"}}',
                f'{{"a": true, "sig": "{sig}"}}', f'{{"a": null, "sig": "{sig}"}}',
                f'[["a", "1"], ["sig", "{sig}"]]', f'{{"a": "1", "sig": ["{sig}"]}}',
                f'{{"a": {{"b": "1"}}, "sig": "{sig}"}}', f'{{"\\ud800": "1", "sig": "{sig}"}}', '[' * 100_000, '{',
                '1'):
            call = Call('POST', URL, {'content-type': JSON}, body.encode())
            self.assert_refused('signature_wrong', read_signed, rule, call, NOW)
        for query in (f'a=1&a=2&sig={sig}', f'a=1&sig={sig}&sig={sig.lower()}', '&'.join(['a=1'] * 2000)):
            self.assert_refused('signature_wrong', read_signed, rule, Call('GET', f'{URL}?{query}', {}, b''), NOW)

    @given(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=4),
           st.sampled_from(('query', 'form', 'json')))
    def test_chance_is_refused(self, fields, kind):
        with self.assertRaises(ProblemError):
            read_signed(self.RULE, self.call(fields, kind), NOW)


class TestTime(SignatureCase):

    def test_window(self):
        for time, window, code in (
            (str(NOW), 1, None), (str(NOW - 300), 300, None), (str(NOW - 301), 300, 'signature_expired'),
            (str(NOW + 300), 300, None), (str(NOW + 301), 300, 'signature_early'), ('', 0, None), ('x', 0, None),
            ('', 300, 'signature_time_missing'), ('1.8e9', 300, 'signature_time_missing'),
            ('9' * 400, 300, 'signature_time_missing'), (f'{NOW}000', 300, 'signature_time_missing'),
        ):
            if code:
                self.assert_refused(code, check_time, time, NOW, window)
            else:
                check_time(time, NOW, window)

    def test_time_is_part_of_what_is_signed(self):
        for content, time, is_signed in (
                ('{header:X-Time}|{body}', 'x-time', True), ('{body}', '', True), ('{body}', 'X-Time', False),
                ('{header:X-Nonce}{body}', 'X-Time', False), ('X-Time{body}', 'X-Time', False)):
            if is_signed:
                check_time_is_signed(content, time)
            else:
                self.assert_refused('time_not_signed', check_time_is_signed, content, time)

    def test_two_keys_of_a_header(self):
        rule = SignatureRule('X-Signature', KEY, old_key=OLD_KEY)
        for key, is_right in ((KEY, True), (OLD_KEY, True), ('other', False), ('', False)):
            call = Call('POST', URL, {'x-signature': hmac.new(key.encode(), BODY, 'sha256').hexdigest()}, BODY)
            if is_right:
                self.assertEqual(read_signed(rule, call, NOW).body, BODY)
            else:
                self.assert_refused('signature_wrong', read_signed, rule, call, NOW)

    def test_repr_shows_no_key(self):
        self.assertNotIn('k3y', repr(SignatureRule('X-Signature', KEY, old_key=OLD_KEY)))
