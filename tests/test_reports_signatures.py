# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports that providers sign with a token, with Ed25519 or in a parameter, and two secrets at a time."""
import base64
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .callback_calls import FORM
from .common import LOGGER, CallbackCase, get_template

KEY, OLD_KEY = 'signing-k3y-of-the-test', 'old-k3y-of-the-test'
JSON = 'application/json'
NUMBER = '+32456001122'


def make_token(claims, key=KEY, algorithm='HS256'):
    parts = ({'typ': 'JWT', 'alg': algorithm}, claims)
    content = '.'.join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip('=') for part in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(key.encode(), content.encode(), 'sha256')).decode().rstrip('=')
    return f'{content}.{signature if algorithm != "none" else ""}'


class SignatureCase(CallbackCase):
    """Given an SMS that is sent, and the rules of a provider's template for its delivery report."""

    template = None

    def setUp(self):
        super().setUp()
        if self.template:
            template = get_template(self.env, self.template)
            names = [name for name in template._fields if name.startswith('delivery_callback_')
                     and template._fields[name].store and template._fields[name].copy]
            self.gateway.write({name: template[name] for name in names})
            self.assertEqual(self.gateway.delivery_callback_check, 'none', "there is no key yet")
        self.sms = self.send_sms(NUMBER)
        self.now = int(time.time())

    def post(self, body=b'', content_type=JSON, query='', path=None, method='POST', **headers):
        path = path or self.path
        return self.url_open(
            f'{path}?{query}' if query else path, data=body or None, method=method,
            headers={'Content-Type': content_type} | {
                name.replace('_', '-'): value for name, value in headers.items()})

    def assert_refused(self, code, **call):
        with self.assertLogs(LOGGER, 'WARNING') as log:
            answer = self.post(**call)
        self.assertEqual((answer.status_code, answer.text), (403, "Forbidden"))
        self.assertIn(f"Webhook authentication failed: {code}", ''.join(log.output))
        for secret in ('k3y', self.sms.uuid, NUMBER, self.gateway.delivery_callback_token):
            self.assertNotIn(secret, ''.join(log.output))
        self.assertEqual(self.state(self.sms), ('success', False, 'pending'))

    def assert_delivered(self, **call):
        self.assertEqual(self.post(**call).status_code, 200)
        self.assertEqual(self.state(self.sms), ('success', True, 'sent'))


@tagged('post_install', '-at_install')
class TestGatewayApi(SignatureCase):
    template = 'gatewayapi'

    def setUp(self):
        super().setUp()
        self.gateway.write({'delivery_callback_check': 'token', 'delivery_callback_check_key': KEY})
        self.claims = {'id': 1, 'msisdn': int(NUMBER[1:]), 'time': 1450000000, 'status': 'DELIVERED', 'error': None,
                       'code': None, 'userref': self.sms.uuid}
        self.body = json.dumps(self.claims).encode()

    def test_token_is_the_report(self):
        self.assertFalse(self.gateway._get_missing_authentication())
        self.assert_refused('signature_missing', body=self.body)
        for algorithm in ('none', 'RS256', 'HS512'):
            code = 'signature_wrong' if algorithm == 'HS512' else 'token_algorithm'
            self.assert_refused(code, body=self.body, X_Gwapi_Signature=make_token(self.claims, algorithm=algorithm))
        self.assert_refused('signature_wrong', body=self.body, X_Gwapi_Signature=make_token(self.claims, OLD_KEY))
        self.assert_refused('token_malformed', body=self.body, X_Gwapi_Signature='token')
        self.assert_refused('token_too_long', body=self.body, X_Gwapi_Signature='a' * 20_000)
        self.assert_refused('signature_expired', X_Gwapi_Signature=make_token({**self.claims, 'exp': self.now - 90}))
        self.assert_delivered(body=self.body, X_Gwapi_Signature=make_token(self.claims))

    def test_body_is_ignored(self):
        other = make_token({**self.claims, 'userref': 'x', 'id': 2})
        self.assertEqual(self.post(body=self.body, X_Gwapi_Signature=other).status_code, 200)
        self.assertEqual(self.state(self.sms), ('success', False, 'pending'))

    def test_two_keys(self):
        self.gateway.delivery_callback_check_old_key = OLD_KEY
        self.assert_delivered(X_Gwapi_Signature=make_token(self.claims, OLD_KEY))
        self.gateway.delivery_callback_check_old_key = False
        with mute_logger(LOGGER):
            answer = self.post(X_Gwapi_Signature=make_token(self.claims, OLD_KEY))
        self.assertEqual(answer.status_code, 403)

    def test_old_key_alone(self):
        """Without the current key, nothing is accepted, as the form warns."""
        self.gateway.write({'delivery_callback_check_old_key': OLD_KEY, 'delivery_callback_check_key': False})
        self.assertEqual(self.gateway._get_missing_authentication(), "Signing Key")
        for key in ('', OLD_KEY):
            self.assert_refused('signature_missing', X_Gwapi_Signature=make_token(self.claims, key))


@tagged('post_install', '-at_install')
class TestMessageBird(SignatureCase):
    template = 'messagebird'

    def setUp(self):
        super().setUp()
        self.gateway.write({'delivery_callback_check': 'token', 'delivery_callback_check_key': KEY})
        self.query = urlencode({
            'id': 'm1', 'reference': self.sms.uuid, 'recipient': NUMBER[1:], 'status': 'delivered',
            'statusErrorCode': ''})

    def sign(self, query=None, body=b'', url=None, key=KEY, **claims):
        url = f'{url or self.gateway.delivery_callback_url}?{query or self.query}'
        return make_token({
            'iss': 'MessageBird', 'nbf': self.now - 1, 'exp': self.now + 60, 'jti': '1',
            'url_hash': hashlib.sha256(url.encode()).hexdigest(),
            **({'payload_hash': hashlib.sha256(body).hexdigest()} if body else {}), **claims}, key)

    def call(self, token, query=None, body=b''):
        return {'method': 'POST' if body else 'GET', 'query': query or self.query, 'body': body,
                'content_type': FORM if body else '', 'MessageBird_Signature_JWT': token}

    def test_hashes(self):
        self.assertFalse(self.gateway._get_missing_authentication())
        other = self.query.replace('delivered', 'expired')
        self.assert_refused('signature_wrong', **self.call(self.sign(key=OLD_KEY)))
        self.assert_refused('signature_wrong', **self.call(self.sign(), query=other))
        self.assert_refused('signature_wrong', **self.call(self.sign(body=b'a=b'), body=b'a=c'))
        self.assert_refused('signature_wrong', **self.call(self.sign(body=b'a=b')))
        self.assert_refused('signature_expired', **self.call(self.sign(exp=self.now - 90)))
        self.assert_refused('signature_early', **self.call(self.sign(nbf=self.now + 90)))
        self.assert_refused('token_without_hash', **self.call(make_token({'iss': 'MessageBird'})))
        self.assert_delivered(**self.call(self.sign()))

    def test_body_that_is_not_signed(self):
        """It is not read next to a query string that is."""
        query = urlencode({'id': 'm2', 'reference': 'x', 'status': 'delivered'})
        answer = self.post(**self.call(self.sign(query), query=query, body=self.query.encode()))
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(self.state(self.sms), ('success', False, 'pending'))

    def test_previous_url_is_signed(self):
        old_url = self.gateway.delivery_callback_url
        self.gateway.action_rotate_callback_token()
        self.assertNotEqual(self.gateway.delivery_callback_url, old_url)
        self.assert_refused('signature_wrong', **self.call(self.sign()))
        self.assert_delivered(**self.call(self.sign(url=old_url)))


@tagged('post_install', '-at_install')
class TestTelnyx(SignatureCase):
    template = 'telnyx'

    def setUp(self):
        super().setUp()
        self.private = Ed25519PrivateKey.generate()
        self.gateway.write({
            'delivery_callback_check': 'signature', 'delivery_callback_check_key': self.public(self.private)})
        self.status_of(self.sms).message_id = 'm1'
        self.body = json.dumps({'data': {
            'event_type': 'message.finalized', 'payload': {'id': 'm1', 'to': [{'status': 'delivered'}]}}}).encode()

    def public(self, private):
        return base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def call(self, seconds=0, body=None, private=None):
        stamp = self.now + seconds
        signature = (private or self.private).sign(f'{stamp}|'.encode() + self.body)
        return {'body': body or self.body, 'query': f'uuid={self.sms.uuid}&status=x', 'telnyx_timestamp': str(stamp),
                'telnyx_signature_ed25519': base64.b64encode(signature).decode()}

    def test_ed25519(self):
        self.assertFalse(self.gateway._get_missing_authentication())
        other = Ed25519PrivateKey.generate()
        self.assert_refused('signature_missing', body=self.body)
        self.assert_refused('signature_wrong', **self.call(private=other))
        self.assert_refused('signature_wrong', **self.call(body=self.body.replace(b'delivered', b'expired')))
        self.assert_refused('signature_wrong', **{**self.call(), 'telnyx_timestamp': str(self.now + 1)})
        self.assert_refused('signature_expired', **self.call(-330))
        self.assert_refused('signature_early', **self.call(330))
        self.assert_delivered(**self.call(-200))

    def test_no_window(self):
        self.gateway.delivery_callback_replay_window = 0
        self.assert_delivered(**self.call(-10 ** 6))

    def test_two_keys(self):
        new = Ed25519PrivateKey.generate()
        self.gateway.write({
            'delivery_callback_check_key': self.public(new),
            'delivery_callback_check_old_key': self.public(self.private)})
        self.assert_delivered(**self.call())
        self.assertEqual(self.post(**self.call(private=new)).status_code, 200)

    def test_what_is_no_public_key(self):
        self.gateway.delivery_callback_check_key = KEY
        self.assertIn("Ed25519 public key", self.gateway.warnings)
        self.assertNotIn('k3y', self.gateway.warnings)
        self.assert_refused('signature_wrong', **self.call())


@tagged('post_install', '-at_install')
class TestVonage(SignatureCase):
    template = 'vonage'

    def setUp(self):
        super().setUp()
        self.gateway.write({'delivery_callback_check': 'parameters', 'delivery_callback_check_key': KEY})

    def sign(self, key=KEY, algorithm=None, **changed):
        fields = {
            'msisdn': NUMBER[1:], 'messageId': 'm1', 'status': 'delivered', 'err-code': '0',
            'client-ref': self.sms.uuid, 'price': '0.0333', 'timestamp': str(self.now), 'nonce': 'a&b=c', **changed}
        content = ''.join(
            f'&{name}={fields[name].replace("&", "_").replace("=", "_")}' for name in sorted(fields)).encode()
        digest = hmac.digest(key.encode(), content, algorithm) if algorithm else hashlib.md5(
            content + key.encode(), usedforsecurity=False).digest()
        return {**fields, 'sig': digest.hex()}

    def calls(self, fields):
        yield {'method': 'GET', 'query': urlencode(fields), 'content_type': ''}
        yield {'body': urlencode(fields).encode(), 'content_type': FORM}
        yield {'body': json.dumps(fields).encode(), 'content_type': JSON}

    def test_signed_parameters(self):
        self.assertFalse(self.gateway._get_missing_authentication())
        signed = self.sign()
        for fields, code in (
                ({**signed, 'status': 'failed'}, 'signature_wrong'), ({**signed, 'x': ''}, 'signature_wrong'),
                ({**signed, 'sig': ''}, 'signature_missing'), (self.sign(OLD_KEY), 'signature_wrong'),
                (self.sign(algorithm='sha256'), 'signature_wrong'),
                (self.sign(timestamp=str(self.now - 330)), 'signature_expired'),
                (self.sign(timestamp=str(self.now + 330)), 'signature_early'),
                (self.sign(timestamp='now'), 'signature_time_missing')):
            for call in self.calls(fields):
                self.assert_refused(code, **call)
        for call in self.calls(signed):
            self.assert_delivered(**call)

    def test_hmac(self):
        self.gateway.write({
            'delivery_callback_signature_algorithm': 'sha512', 'delivery_callback_check_old_key': OLD_KEY})
        self.assert_delivered(**next(self.calls(self.sign(OLD_KEY, 'sha512'))))

    def test_query_next_to_a_signed_body(self):
        other = self.sign(**{'client-ref': 'x', 'messageId': 'm2'})
        report = urlencode({'client-ref': self.sms.uuid, 'status': 'delivered'})
        _query, *calls = self.calls(other)
        for call in calls:
            self.assertEqual(self.post(query=report, **call).status_code, 200)
            self.assertEqual(self.state(self.sms), ('success', False, 'pending'))

    def test_what_is_missing(self):
        self.gateway.delivery_callback_signature_param = False
        self.assertIn("Signature Param", self.gateway.warnings)
        self.assert_refused('signature_missing', **next(self.calls(self.sign())))


@tagged('post_install', '-at_install')
class TestRotation(SignatureCase):

    def report(self, path=None):
        return self.post(f'uuid={self.sms.uuid}&status=delivered'.encode(), FORM, path=path)

    def answers(self, *paths):
        return [self.report(path).status_code for path in paths]

    def path_now(self):
        return urlsplit(self.gateway.delivery_callback_url).path

    def test_both_urls_until_the_rotation_ends(self):
        self.gateway.action_rotate_callback_token()
        self.assertNotEqual(self.path_now(), self.path)
        self.assertEqual(self.report().status_code, 200)
        self.assertEqual(self.sms.state, 'sent')
        self.assertEqual(self.report(self.path_now()).status_code, 200)
        self.gateway.action_end_rotation()
        self.assertEqual(self.report().status_code, 404)
        self.assertEqual(self.report(self.path_now()).status_code, 200)

    def test_new_token_ends_a_rotation(self):
        self.gateway.action_rotate_callback_token()
        second = self.path_now()
        self.gateway.action_new_callback_token()
        self.assertEqual(self.answers(self.path, second, self.path_now()), [404, 404, 200])

    def test_only_two_urls(self):
        self.gateway.action_rotate_callback_token()
        second = self.path_now()
        self.gateway.action_rotate_callback_token()
        self.assertEqual(self.answers(self.path, second, self.path_now()), [404, 200, 200])

    def test_disabled_callback_is_unknown_by_both(self):
        self.gateway.action_rotate_callback_token()
        self.gateway.delivery_callback_enabled = False
        answers = [self.report(path) for path in (self.path, self.path_now(), '/eis_sms/callback/unknown')]
        self.assertEqual({(answer.status_code, answer.content) for answer in answers}, {(404, b"Not Found")})

    def test_each_gateway_has_its_own(self):
        other = self.make_gateway("Other", delivery_callback_enabled=True)
        self.assertFalse(other.delivery_callback_old_token)
        (self.gateway + other).action_rotate_callback_token()
        tokens = (self.gateway + other).mapped('delivery_callback_token')
        old_tokens = (self.gateway + other).mapped('delivery_callback_old_token')
        self.assertEqual(len({*tokens, *old_tokens}), 4)
        self.assertFalse(self.gateway.copy().delivery_callback_old_token)


@tagged('post_install', '-at_install')
class TestSettings(SignatureCase):

    def test_what_cannot_be_is_refused_when_saved(self):
        for window in (-1, 86401):
            with self.assertRaisesRegex(ValidationError, "Replay Window.*from 0 to 86400"):
                self.gateway.delivery_callback_replay_window = window
        with self.assertRaisesRegex(ValidationError, "Timestamp Name.*X-Time.*not signed"):
            self.gateway.write({'delivery_callback_check': 'signature', 'delivery_callback_signature_time': 'X-Time'})
        self.gateway.write({
            'delivery_callback_check': 'signature', 'delivery_callback_signature_time': 'X-Time',
            'delivery_callback_signature_content': '{header:x-time}{body}', 'delivery_callback_replay_window': 86400})

    def test_defaults(self):
        """What an upgrade gives to a gateway: no time, so the window changes nothing, and no second secret."""
        values = self.gateway.default_get([
            'delivery_callback_signature_time', 'delivery_callback_replay_window',
            'delivery_callback_signature_claims'])
        self.assertEqual(values, {
            'delivery_callback_replay_window': 300, 'delivery_callback_signature_claims': 'hashes'})

    def test_copy_keeps_the_scheme_and_no_secret(self):
        self.gateway.write({
            'delivery_callback_check': 'parameters', 'delivery_callback_signature_param': 'sig',
            'delivery_callback_signature_time': 'timestamp', 'delivery_callback_replay_window': 60,
            'delivery_callback_check_key': KEY, 'delivery_callback_check_old_key': OLD_KEY})
        copy = self.gateway.copy()
        self.assertEqual(
            (copy.delivery_callback_check, copy.delivery_callback_signature_param,
             copy.delivery_callback_signature_time, copy.delivery_callback_replay_window),
            ('parameters', 'sig', 'timestamp', 60))
        self.assertFalse(copy.delivery_callback_check_key or copy.delivery_callback_check_old_key)
