# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the warnings of a gateway's form are based on."""

from ...tools.request.config import Parameter, RequestConfig
from ...tools.request.usage import RequestUsage, is_local
from .common import PureCase

URL = 'https://api.example.com/sms'


def usage(*parameters, **values):
    return RequestUsage(RequestConfig(**{'url': URL, 'parameters': parameters, **values}))


class TestUsage(PureCase):

    def test_names(self):
        used = usage(Parameter('to', type='number'), headers=(('X-Key', '{api_key}'),), url=f'{URL}?text={{message}}')
        self.assertEqual(used.names, {'phone', 'api_key', 'message'})

    def test_names_of_a_body_that_is_not_json_yet(self):
        used = usage(request_type='json', body_template='{"to": __phone__, "text": "{message}')
        self.assertEqual(used.names, {'phone', 'message'})

    def test_recipients(self):
        self.assertFalse(usage(Parameter('text', type='message')).names_recipients)
        for placeholder, all_of_them in (('{phone}', False), ('{phones}', True)):
            used = usage(Parameter('to', placeholder))
            self.assertEqual((used.names_recipients, used.names_all_recipients), (True, all_of_them))
        body = '{"messages": ["__each__", {"to": "{phone}"}]}'
        self.assertTrue(usage(request_type='json', body_template=body).names_all_recipients)

    def test_shared_uuid(self):
        self.assertTrue(usage(request_type='json', body_template='{"id": "{uuid20}"}').shares_uuid)
        self.assertFalse(usage(request_type='json', body_template='["__each__", {"id": "{uuid}"}]').shares_uuid)

    def test_secret_in_url(self):
        key = Parameter('key', '{api_key}')
        for expected, used in (
                (True, usage(key, method='get')), (False, usage(key)),
                (True, usage(key, request_type='json', body_template='{}')),
                (True, usage(url=f'{URL}/{{token}}')), (False, usage(url=f'{URL}/{{username}}')),
                (True, usage(Parameter('key', type='auth'), method='get', auth_type='token'))):
            self.assertEqual(used.puts_secret_in_url, expected, used.config)

    def test_local(self):
        for url, expected in (('http://localhost:8069', True), ('https://127.0.0.1/x', True), ('http://[::1]/', True),
                              (URL, False), ('', False), (None, False), ('http://[', False)):
            self.assertEqual(is_local(url), expected, url)
