# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The curl command of a gateway gives its request in a shell, and holds no secret: doc/behaviour.md section 2."""
import json
import subprocess

from ...tools.request.builder import Recipient
from ...tools.request.config import Credentials, Parameter, RequestConfig
from ...tools.request.curl import to_curl
from .common import PureCase

SECRETS = {'api_key': "k'1", 'token': 't$2', 'username': 'Ann', 'password': 'p"3'}
RECIPIENT = Recipient('0' * 32, '+12025550123', "It's $HOME `id` \\ \"100%\" {password}")


def arguments(config):
    """The arguments that a shell gives to curl."""
    command = to_curl(config, [RECIPIENT]).replace('curl ', 'printf "%s\\0" ', 1)
    environ = {name.upper(): value for name, value in SECRETS.items()} | {'CALLBACK_TOKEN': 'c4'}
    output = subprocess.run(['/bin/sh', '-c', command], env=environ, capture_output=True, text=True, check=True).stdout
    return output.split('\0')[:-1]


class TestCurl(PureCase):

    def test_json_arrives_as_it_is(self):
        got = arguments(RequestConfig(
            url='https://example.com/{username}/sms?x[]={token}', request_type='json',
            body_template='{"to": "{phone}", "text": __message__, "key": "{api_key}", "cb": "{callback_url}"}',
            callback_url='https://erp.example.com/eis_sms/callback/real-token'))
        self.assertIn('--globoff', got)
        self.assertIn('https://example.com/Ann/sms?x[]=t$2', got)
        body = json.loads(got[got.index('--data-raw') + 1].replace("k'1", 'k1'))
        self.assertEqual(body, {
            'to': '+12025550123', 'text': RECIPIENT.message, 'key': 'k1',
            'cb': 'https://erp.example.com/eis_sms/callback/c4'})

    def test_form_and_headers(self):
        got = arguments(RequestConfig(
            url='https://example.com', parameters=(Parameter('to', type='number'), Parameter('text', type='message')),
            headers=(('X-Key', 'a {api_key}'),)))
        self.assertIn("X-Key: a k'1", got)
        self.assertTrue(got[-1].startswith('to=%2B12025550123&text=It%27s'))

    def test_basic(self):
        got = arguments(RequestConfig(url='https://example.com', auth_type='basic'))
        self.assertEqual(got[got.index('--user') + 1], 'Ann:p"3')

    def test_get_has_no_body(self):
        got = arguments(RequestConfig(
            url='https://example.com', method='get', parameters=(Parameter('to', type='number'),)))
        self.assertIn('https://example.com?to=%2B12025550123', got)
        self.assertNotIn('--data-raw', got)

    def test_no_secret_in_the_command(self):
        command = to_curl(RequestConfig(
            url='https://example.com/{api_key}/{token}', auth_type='basic',
            headers=(('X-User', '{username}'), ('X-Password', '{password}'), ('X-Callback', '{callback_url}')),
            credentials=Credentials('secret-a', 'secret-b', 'secret-c', 'secret-d'),
            callback_url='https://erp.example.com/eis_sms/callback/secret-e'), [RECIPIENT])
        self.assertNotIn('secret', command)
        self.assertNotIn('EisMark', command)

    def test_without_recipient(self):
        self.assertEqual(to_curl(RequestConfig(url='https://example.com'), []), '')
