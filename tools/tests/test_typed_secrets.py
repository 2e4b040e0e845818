# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Given secrets typed where they do not belong: they are found, and shown nowhere."""
import base64
import unittest

from ..curl import to_curl
from ..request import Credentials, Parameter, Recipient, RequestConfig, build_requests, preview
from ..typed_secrets import find_typed_secrets

ONE = [Recipient('0' * 32, '+32456001122', "Hello")]


class TestTypedSecrets(unittest.TestCase):

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
            for text in (preview(config, ONE), to_curl(config, ONE)):
                self.assertNotIn('s3cret', text)
                self.assertNotIn(base64.b64encode(b'me:url-s3cret').decode(), text)
        self.assertIn('X-Shop: shop', preview(self.CONFIG, ONE))
        self.assertIn('from=Shop', preview(self.CONFIG, ONE))

    def test_placeholders_and_plain_values_are_no_secrets(self):
        config = RequestConfig(
            'https://{username}:{password}@api.example.com/?key={api_key}&page=1', 'get',
            parameters=(Parameter('token', '{token}'), Parameter('keyword', 'spring'), Parameter('pin', '1234')),
            headers=(('Authorization', 'App {api_key}'), ('Accept', 'application/json'), ('X-Token', '')))
        self.assertEqual(find_typed_secrets(config), ())

    def test_what_cannot_be_read_is_no_error(self):
        for url in ('http://[::1', '', 'x', 'https://a:b@', '?key='):
            find_typed_secrets(RequestConfig(url, body_template='{"a": '))


class TestUserinfo(unittest.TestCase):
    """A user name and password in front of the host are HTTP Basic, in UTF-8, and leave the URL."""

    def send(self, url='https://{username}:{password}@api.example.com:8443/a@b?c=d@e', **values):
        config = RequestConfig(url, 'get', credentials=Credentials(username='Ā:me', password='p@ß/?#'), **values)
        return build_requests(config, ONE)[0]

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
