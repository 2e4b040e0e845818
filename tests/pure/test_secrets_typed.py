# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Secrets that are typed where they do not belong are found, and shown nowhere."""
import base64
import json
import re
from pathlib import Path

from ...tools.request.builder import build_requests, preview
from ...tools.request.config import Credentials, Parameter, RequestConfig
from ...tools.request.curl import to_curl
from ...tools.request.placeholders import EACH, PLACEHOLDERS, TOKENS
from ...tools.request.typed_secrets import find_secrets, find_typed_secrets
from .common import RECIPIENT, PureCase


class TestTypedSecrets(PureCase):

    CONFIG = RequestConfig(
        'https://me:url-s3cret@api.example.com/sms?apikey=query%2Fs3cret&from=Shop', 'post', 'json',
        parameters=(Parameter('who', 'auth-s3cret', 'auth'), Parameter('password', 'param-s3cret'),
                    Parameter('to', type='number'), Parameter('sms_token', '{token}')),
        headers=(('Authorization', 'Bearer header-s3cret'), ('X-Api-Key', 'key-s3cret'), ('X-Shop', 'shop')),
        body_template='{"login": {"secret": "body-s3cret"}, "token": "__token__", "text": "{message}"}',
        auth_type='custom', credentials=Credentials(token='t0ken'))

    def test_found(self):
        found = {(field, secret) for field, _name, secret in find_typed_secrets(self.CONFIG)}
        self.assertEqual(found, {
            ('base_url', 'url-s3cret'), ('base_url', base64.b64encode(b'me:url-s3cret').decode()),
            ('base_url', 'query/s3cret'), ('parameter_ids', 'auth-s3cret'), ('parameter_ids', 'param-s3cret'),
            ('header_ids', 'header-s3cret'), ('header_ids', 'key-s3cret'), ('body_template', 'body-s3cret')})

    def test_shown_nowhere(self):
        for config in (self.CONFIG, RequestConfig(
                'https://me:url-s3cret@api.example.com/', 'get', parameters=(Parameter('to', type='number'),))):
            for text in (preview(config, [RECIPIENT]), to_curl(config, [RECIPIENT])):
                self.assertNotIn('s3cret', text)
                self.assertNotIn(base64.b64encode(b'me:url-s3cret').decode(), text)
        self.assertIn('X-Shop: shop', preview(self.CONFIG, [RECIPIENT]))
        self.assertIn('from=Shop', preview(self.CONFIG, [RECIPIENT]))

    def test_placeholders_and_plain_values_are_no_secrets(self):
        config = RequestConfig(
            'https://{username}:{password}@api.example.com/?key={api_key}&page=1', 'get',
            parameters=(Parameter('token', '{token}'), Parameter('keyword', 'spring'), Parameter('pin', '1234')),
            headers=(('Authorization', 'App {api_key}'), ('Accept', 'application/json'), ('X-Token', '')))
        self.assertEqual(find_typed_secrets(config), ())

    def test_what_cannot_be_read_is_no_error(self):
        for url in ('http://[::1', '', 'x', 'https://a:b@', '?key='):
            find_typed_secrets(RequestConfig(url, body_template='{"a": '))
        find_typed_secrets(RequestConfig('https://a', body_template='[' * 5000 + ']' * 5000))


class TestPlaces(PureCase):
    """Where administrators typed secrets, one at a time."""

    URL = 'https://api.example.com/sms'

    def assert_found(self, config, *secrets):
        self.assertEqual({secret for _field, _name, secret in find_typed_secrets(config)}, set(secrets))
        for text in (preview(config, [RECIPIENT]), to_curl(config, [RECIPIENT])):
            for secret in secrets:
                self.assertNotIn(secret, text)
        for secret in secrets:
            self.assertEqual(find_secrets(config).masker()(f'Bad {secret}!'), 'Bad ***!')

    def test_path(self):
        for secret in (
                '4f2d9c8b7a6e5d4c', 'bot123456:AAEabcDEFghi9', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', '1234567890123',
                'AbCdEfGhIjKlMnOp', 's3cret-w1th-d1g1ts', 'T024BE7LD', 'sk_live_51HvX9yz'):
            self.assert_found(RequestConfig(f'https://api.example.com/v1/{secret}/send', 'get'), secret)
        self.assert_found(RequestConfig('https://api.example.com/token/lemon4/send?4f2d9c8b7a6e5d4c', 'get'),
                          'lemon4', '4f2d9c8b7a6e5d4c')

    def test_documents_in_values(self):
        for text in (
                'from=shop&password=lemon-tree&to=1', 'https://api.example.com/hook?token=lemon-tree',
                'https://api.example.com/?to=me&auth[password]=lemon-tree', '{"password": "lemon-tree"}',
                '<a><password><![CDATA[lemon-tree]]></password></a>'):
            with self.subTest(text=text):
                self.assert_found(RequestConfig(self.URL, parameters=(Parameter('data', text),)), 'lemon-tree')
                self.assert_found(RequestConfig(self.URL, headers=(('X-Data', text),)), 'lemon-tree')
                self.assert_found(RequestConfig(
                    self.URL, 'post', 'json', body_template=json.dumps({'data': text})), 'lemon-tree')
        for text in ('a=b', 'https://api.example.com/hook?page=1', 'x = y', '[Shop] {message}', 'password: see below'):
            with self.subTest(text=text):
                self.assert_found(RequestConfig(self.URL, parameters=(Parameter('data', text),)))

    def test_key_without_password(self):
        for userinfo in ('lemon-tree', 'lemon-tree:'):
            self.assert_found(RequestConfig(f'https://{userinfo}@api.example.com/sms'), 'lemon-tree')
        self.assert_found(RequestConfig('https://{api_key}@api.example.com/sms'))

    def test_scheme_in_any_header(self):
        self.assert_found(RequestConfig(self.URL, headers=(('X-Any', 'Bearer lemon-tree'),)), 'lemon-tree')

    def test_words_in_a_path(self):
        for path in (
                '2010-04-01/Accounts/{account_id}/Messages.json', 'v1beta1/sendTextMessageToMany', 'api/oauth2/token',
                'textmessaging-v2/messages:send', 'web2sms/sendsms.php', 'cgi-bin/sendsms', 'smsapi_2022_07/send',
                'token/send', 'rest/mtsms', '3rdparty/v1/messages', 'messagedispatcher', 'bulksms/bulkV2'):
            self.assert_found(RequestConfig(f'https://api.example.com/{path}', 'get'))

    NAMES = (
        'hash', 'pin', 'login', 'privatekey', 'X-Client', 'PIN', 'pin_code', 'pinCode', 'apiHash', 'private_key', 'psw',
        'client_id', 'clientSecret', 'X-API-Pin', 'userLogin', 'Login', 'passphrase', 'accessKey', 'access-token',
        'APIKEY', 'apikey', 'smspassword', 'usr', 'mdp', 'senha', 'passwort', 'X-Signature', 'hmac', 'salt', 'auth',
        'password2', 'key1', 'api_key_v2', 'X-Token-2', 'Pass-Word', 'pass_word', 'pswd', 'accesscode', 'sk')

    def test_names(self):
        for name in self.NAMES:
            with self.subTest(name=name):
                self.assert_found(RequestConfig(f'{self.URL}?{name}=lemon-tree', 'get'), 'lemon-tree')
                self.assert_found(RequestConfig(self.URL, 'get', headers=((name, 'lemon-tree'),)), 'lemon-tree')
                self.assert_found(
                    RequestConfig(self.URL, parameters=(Parameter(name, 'lemon-tree'),)), 'lemon-tree')
                self.assert_found(
                    RequestConfig(self.URL, 'post', 'json', body_template=f'{{"{name}": "lemon-tree"}}'), 'lemon-tree')

    def test_other_names(self):
        for name in ('keyword', 'spin', 'shipping', 'hashtag', 'from', 'sender', 'type', 'text', 'to', 'route', 'class',
                     'entity_id', 'template_id', 'encoding', 'monkey', 'sid', 'line2', 'v2', '2'):
            with self.subTest(name=name):
                self.assert_found(RequestConfig(
                    f'{self.URL}?{name}=lemon-tree', 'post', 'json', headers=((name, 'lemon-tree'),),
                    parameters=(Parameter(name, 'lemon-tree'),), body_template=f'{{"{name}": "lemon-tree"}}'))

    def test_headers(self):
        for key, value, *secrets in (
                ('Cookie', 'session=lemon-tree; lang=en', 'lemon-tree'),
                ('Cookie', 'lemon-tree', 'lemon-tree'),
                ('X-Whatever', '9f8e7d6c5b4a39281706', '9f8e7d6c5b4a39281706'),
                ('X-Whatever', 'Key 9f8e7d6c5b4a39281706', '9f8e7d6c5b4a39281706'),
                ('Authorization', 'App lemon-tree', 'lemon-tree'),
                ('Proxy-Authorization', 'Basic bGVtb246dHJlZQ==', 'bGVtb246dHJlZQ=='),
                ('Authorization', '{token}:9f8e7d6c5b4a', ':9f8e7d6c5b4a'),
                ('Authorization', 'Bearer {token}'), ('Authorization', '{api_key}'),
                ('Content-Type', 'application/json; charset=utf-8'), ('Accept-Language', 'en-US,en;q=0.5'),
                ('User-Agent', 'Odoo/19.0 (X11; Linux x86_64)'), ('X-Mistyped-Token', '{tokn}')):
            with self.subTest(key=key, value=value):
                self.assert_found(RequestConfig(self.URL, 'get', headers=((key, value),)), *secrets)

    def test_json(self):
        for body, *secrets in (
                ('{"pin": 987654}', '987654'),
                ('{"auth": ["lemon-tree", {"a": "apple-tree"}]}', 'lemon-tree', 'apple-tree'),
                ('{"login": {"user": {"name": "lemon-tree"}}}', 'lemon-tree'),
                (r'{"password": "lemon\"tree\\s"}', 'lemon"tree\\s'),
                ('[{"name": "apikey", "value": "lemon-tree"}, {"Key": "to", "Value": "{phone}"}]', 'lemon-tree'),
                ('{"key": "lemon-tree", "token": "{token}", "hash": __api_key__, "pin": null, "auth": true}',
                 'lemon-tree'),
                ('{"text": "{message}", "amount": 12345678, "to": __phones_list__}',)):
            with self.subTest(body=body):
                config = RequestConfig(self.URL, 'post', 'json', body_template=body, credentials=Credentials(token='t'))
                self.assert_found(config, *secrets)
                json.loads(preview(config, [RECIPIENT]).partition('\n\n')[2])

    def test_documents_in_parameters(self):
        for value in ('{"key": "lemon-tree", "text": "{message}"}', '<a><pass x="1">lemon-tree</pass>{message}</a>',
                      '<sms:Password>\n lemon-tree </sms:Password>', '<account login="lemon-tree">{message}</account>'):
            with self.subTest(value=value):
                config = RequestConfig(self.URL, parameters=(Parameter('data', value),))
                self.assert_found(config, 'lemon-tree')


class TestUserinfo(PureCase):
    """A user name and password in front of the host are HTTP Basic, in UTF-8, and leave the URL."""

    def send(self, url='https://{username}:{password}@api.example.com:8443/a@b?c=d@e', **values):
        config = RequestConfig(url, 'get', credentials=Credentials(username='Ā:me', password='p@ß/?#'), **values)
        return build_requests(config, [RECIPIENT])[0]

    def test_userinfo(self):
        request = self.send()
        self.assertEqual(request.url, 'https://api.example.com:8443/a@b?c=d@e')
        expected = base64.b64encode('Ā:me:p@ß/?#'.encode()).decode()
        self.assertEqual(dict(request.headers)['Authorization'], f'Basic {expected}')

    def test_header_row_wins(self):
        request = self.send(headers=(('authorization', 'Bearer x'),))
        self.assertEqual(request.headers, (('authorization', 'Bearer x'),))
        self.assertNotIn('@api', request.url)

    def test_no_userinfo(self):
        request = self.send('https://api.example.com/a@b')
        self.assertEqual((request.url, request.headers), ('https://api.example.com/a@b', ()))


class TestNeutralize(PureCase):
    """A neutralized copy keeps placeholders, and replaces what is between them."""

    def test_it_knows_each_placeholder(self):
        sql = (Path(__file__).parents[2] / 'data' / 'neutralize.sql').read_text(encoding='utf-8')
        body = re.search(r'eis_placeholder\(\).*?\$\$(.*?)\$\$', sql, re.DOTALL)[1]
        known = re.compile(''.join(re.findall("'([^']*)'", body)))
        for text in (*(f'{{{name}}}' for name in PLACEHOLDERS), *(f'__{name}__' for name in TOKENS), EACH):
            self.assertTrue(known.fullmatch(text), text)
        self.assertFalse(known.fullmatch('{secret}'))
