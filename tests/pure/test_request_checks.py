# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SPEC section 2: a refused value names its field and says what to type."""
import unittest

from ...tools.request.builder import ConfigError, Credentials, Parameter, RequestConfig, check_config

URL = 'https://api.example.com/sms'


def json_config(body_template, **kwargs):
    return RequestConfig(**{'url': URL, 'request_type': 'json', 'body_template': body_template, **kwargs})


def shared(**kwargs):
    return RequestConfig(**{'url': URL, 'multiple_recipients': True, **kwargs})


class TestCheckConfig(unittest.TestCase):

    def assert_refused(self, config, field, *words):
        with self.assertRaises(ConfigError) as refused:
            check_config(config)
        self.assertEqual(refused.exception.field, field)
        message = str(refused.exception)
        for word in words:
            self.assertIn(word, message)
        self.assertTrue(message.endswith('.'), message)
        self.assertGreater(len(message.split()), 5, message)

    def test_accepted(self):
        for name, config in {
            'nothing but a URL': RequestConfig(url=URL),
            'a URL with query, port and placeholders': RequestConfig(url='http://10.0.0.1:13013/{username}/s?a={phone}'),
            'an account host': RequestConfig(url='https://{account_id}.api.example.com/sms/{sender}'),
            'an IPv6 host': RequestConfig(url='http://[::1]:8080/sms'),
            'typed credentials': RequestConfig(url='https://{username}:{password}@example.com'),
            'other braces in the path': RequestConfig(url=URL + '/{country}'),
            'defaults of every row type': RequestConfig(url=URL, auth_type='token', parameters=(
                Parameter('to', '', 'number'), Parameter('all', '', 'multi_number'), Parameter('text', '', 'message'),
                Parameter('key', '', 'auth'), Parameter('x', ''))),
            'placeholders inside values': RequestConfig(url=URL, auth_type='custom', parameters=(
                Parameter('to', 'tel:{phone}', 'number'), Parameter('text', '{message} STOP', 'message'),
                Parameter('hex', '{message_hex}', 'message'), Parameter('key', '{username}', 'auth'))),
            'headers': RequestConfig(url=URL, headers=(('X-Api-Key', '{api_key}'), ('Accept', '*/*'))),
            'unquoted tokens': json_config('{"to": __phones_list__, "text": __message__, "u": __encoding__}'),
            'each at the root': json_config('["__each__", {"to": "{phone}"}]', multiple_recipients=True),
            'one key for each encoding': RequestConfig(url=URL, request_type='json', parameters=(
                Parameter('type', '0', only_for='gsm'), Parameter('type', '2', only_for='unicode'))),
            'a list of numbers from a parameter': RequestConfig(url=URL, request_type='json', parameters=(
                Parameter('to', '__phones_list__', 'multi_number'),)),
            'a body template that is not used': RequestConfig(url=URL, body_template='{'),
            'a shared request': shared(parameters=(Parameter('to', '', 'multi_number'),), separator=' '),
            'one recipient': RequestConfig(url=URL, separator='', max_recipients=0),
        }.items():
            with self.subTest(name):
                check_config(config)

    def test_base_url(self):
        for url, *words in (
            ('', 'http:// or https://'),
            ('api.example.com/sms', 'http:// or https://'),
            ('ftp://example.com', 'http:// or https://'),
            ('file:///etc/passwd', 'http:// or https://'),
            ('{username}://example.com', 'http:// or https://'),
            ('https://', 'host'),
            ('https:///sms', 'host'),
            ('https://:8080/', 'host'),
            ('https://example.com:port/', 'host'),
            ('https://exa\\mple.com', 'host'),
            ('https://[::1', 'host'),
            ('https://api.{username.com/', 'host'),
            ('https://example.com/a b', 'space'),
            ('https://example.com/a\nb', 'line break'),
            ('https://{phone}.example.com', '{phone}', '{account_id}'),
            ('https://{message}', '{message}', '{account_id}'),
            ('https://{region}.example.com', '{region}', '{account_id}'),
            ('https://x:{sender}@example.com', '{sender}'),
        ):
            with self.subTest(url):
                self.assert_refused(RequestConfig(url=url), 'base_url', *words)

    def test_json_body_template(self):
        for template, *words in (
            ('{"to": "{phone}"', 'line 1', 'double quotes'),
            ('{"to":\n {phone}}', 'line 2', '"{message}"'),
            ('{"to": __nobody__}', 'double quotes'),
            ("{'to': '{phone}'}", 'double quotes'),
            ('{"n": NaN}', 'double quotes'),
            ('{"n": -Infinity}', 'double quotes'),
            ('[' * 5000 + ']' * 5000, 'JSON Body Template'),
            ('[' * 60 + ']' * 60, '50 levels'),
            ('["__each__"]', '["__each__", {"to": "{phone}"'),
            ('["__each__", 1, 2]', '["__each__", {"to": "{phone}"'),
            ('{"messages": "__each__"}', '["__each__", {"to": "{phone}"'),
            ('[1, "__each__"]', '["__each__", {"to": "{phone}"'),
            ('["__each__", {"to": ["__each__", "{phone}"]}]', 'outside any other'),
        ):
            with self.subTest(template[:60]):
                self.assert_refused(json_config(template), 'body_template', *words)

    def test_parameters(self):
        for parameter, *words in (
            (Parameter('to', '+92300', 'number'), '"to"', 'type {phone}'),
            (Parameter('to', '{phones}', 'number'), '"to"', 'type {phone}'),
            (Parameter('to', '{phone}', 'multi_number'), '"to"', 'type {phones}'),
            (Parameter('text', 'Hello', 'message'), '"text"', 'type {message}'),
            (Parameter('text', '__message__', 'message'), '"text"', 'type {message}'),
            (Parameter('key', '', 'auth'), '"key"', '{api_key}, {token}, {username} or {password}'),
            (Parameter(' ', 'x'), 'key'),
        ):
            for auth_type in ('none', 'basic', 'custom'):
                with self.subTest(parameter, auth_type=auth_type):
                    config = RequestConfig(url=URL, parameters=(parameter,), auth_type=auth_type)
                    self.assert_refused(config, 'parameter_ids', *words)

    def test_a_json_object_holds_a_key_once(self):
        for first, second in (('any', 'any'), ('any', 'gsm'), ('unicode', 'unicode')):
            parameters = (Parameter('a', '1', only_for=first), Parameter('a', '2', only_for=second))
            with self.subTest(first=first, second=second):
                config = RequestConfig(url=URL, request_type='json', parameters=parameters)
                self.assert_refused(config, 'parameter_ids', '"a"', 'JSON Body Template')
            check_config(RequestConfig(url=URL, parameters=parameters))

    def test_headers(self):
        for headers, *words in (
            ((('', 'x'),), 'letters, digits and hyphens'),
            ((('X Key', 'x'),), "'X Key'"),
            ((('X-Key:', 'x'),), "'X-Key:'"),
            ((('X-Key\r\nX-Other', 'x'),), 'header name'),
            ((('{username}', 'x'),), 'header name'),
            ((('X-Schlüssel', 'x'),), 'header name'),
            ((('X-Key', 'a\r\nX-Other: b'),), '"X-Key"', 'one line'),
            ((('X-Key', 'a\u2028b'),), 'one line'),
            ((('X-Key', 'a'), ('x-key', 'b')), 'twice'),
            ((('Content-Length', '1'),), 'Remove'),
        ):
            with self.subTest(headers):
                self.assert_refused(RequestConfig(url=URL, headers=headers), 'header_ids', *words)

    def test_colon_in_a_basic_user_name(self):
        credentials = Credentials(username='key:secret')
        config = RequestConfig(url=URL, auth_type='basic', credentials=credentials)
        self.assert_refused(config, 'username', 'colon', 'Password')
        check_config(RequestConfig(url=URL, auth_type='custom', credentials=credentials))

    def test_shared_requests(self):
        """SPEC 3: in a shared request only {phones}, __phones_list__ or __each__ may name recipients."""
        number = (Parameter('to', '', 'number'),)
        for config, field, *words in (
            (shared(url=URL + '/{phone}'), 'base_url', 'The Base URL', '{phones}'),
            (shared(url=URL + '?to={phone}'), 'base_url', 'The Base URL', '{phones}'),
            (shared(parameters=number), 'parameter_ids', '"to"', 'Several Numbers'),
            (shared(parameters=(Parameter('x', 'a{phone}'),)), 'parameter_ids', '"x"', 'Several Numbers'),
            (shared(parameters=(Parameter('x', '__phone__'),), request_type='json'), 'parameter_ids', '"x"'),
            (shared(headers=(('X-To', '{phone}'),)), 'header_ids', '"X-To"'),
            (json_config('{"to": __phone__}', multiple_recipients=True), 'body_template', '__each__'),
            (json_config('{"to": ["{phone}"]}', multiple_recipients=True), 'body_template', '__phones_list__'),
            (json_config('{"{phone}": "x"}', multiple_recipients=True), 'body_template', '__phones_list__'),
            (json_config('{"a": ["__each__", "{phone}"], "b": "{phone}"}', multiple_recipients=True), 'body_template'),
            (json_config('["__each__", "{phone}"]', multiple_recipients=True, parameters=number), 'parameter_ids'),
            (shared(separator=''), 'multi_recipient_separator', 'comma'),
            (shared(max_recipients=0), 'max_recipients', '1 or more'),
        ):
            with self.subTest(field=field, words=words):
                self.assert_refused(config, field, *words)

    def test_a_refusal_shows_no_secret(self):
        credentials = Credentials('s3cret-key', 's3cret-token', 'user:s3cret', 's3cret-password')
        config = RequestConfig(url=URL, auth_type='basic', credentials=credentials)
        with self.assertRaises(ConfigError) as refused:
            check_config(config)
        self.assertNotIn('s3cret', str(refused.exception))
