# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A refused value names its field and why: doc/behaviour.md section 2."""

from ...tools.request.checks import check_config
from ...tools.request.config import ConfigError, Credentials, Parameter, RequestConfig
from .common import URL, PureCase

HOST_PLACEHOLDERS = '{account_id}, {api_key}, {token}, {username}, {password}'


def json_config(body_template, **kwargs):
    return RequestConfig(**{'url': URL, 'request_type': 'json', 'body_template': body_template, **kwargs})


def shared(**kwargs):
    return RequestConfig(**{'url': URL, 'multiple_recipients': True, **kwargs})


class TestCheckConfig(PureCase):

    def assert_refused(self, config, field, code, **values):
        with self.assertRaises(ConfigError) as refused:
            check_config(config)
        problem = refused.exception.problem
        self.assertEqual((refused.exception.field, problem.code), (field, code))
        self.assertLessEqual(values.items(), dict(problem.values).items())

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
        for url, code, values in (
            ('', 'no_http_url', {}),
            ('api.example.com/sms', 'no_http_url', {}),
            ('ftp://example.com', 'no_http_url', {}),
            ('file:///etc/passwd', 'no_http_url', {}),
            ('{username}://example.com', 'no_http_url', {}),
            ('https://', 'url_without_host', {}),
            ('https:///sms', 'url_without_host', {}),
            ('https://:8080/', 'url_without_host', {}),
            ('https://example.com:port/', 'url_without_host', {}),
            ('https://exa\\mple.com', 'url_without_host', {}),
            ('https://[::1', 'url_without_host', {}),
            ('https://api.{username.com/', 'url_without_host', {}),
            ('https://example.com/a b', 'space_in_url', {}),
            ('https://example.com/a\nb', 'space_in_url', {}),
            ('https://{phone}.example.com', 'placeholder_in_host', {'name': 'phone', 'allowed': HOST_PLACEHOLDERS}),
            ('https://{message}', 'placeholder_in_host', {'name': 'message'}),
            ('https://{region}.example.com', 'placeholder_in_host', {'name': 'region'}),
            ('https://x:{sender}@example.com', 'placeholder_in_host', {'name': 'sender'}),
        ):
            with self.subTest(url):
                self.assert_refused(RequestConfig(url=url), 'base_url', code, **values)

    def test_json_body_template(self):
        for template, code, values in (
            ('{"to": "{phone}"', 'invalid_json', {'line': 1}),
            ('{"to":\n {phone}}', 'invalid_json', {'line': 2}),
            ('{"to": __nobody__}', 'invalid_json', {'error': "Expecting value"}),
            ("{'to': '{phone}'}", 'invalid_json', {}),
            ('{"n": NaN}', 'unsupported_json', {}),
            ('{"n": -Infinity}', 'unsupported_json', {}),
            ('[' * 5000 + ']' * 5000, 'unsupported_json', {}),
            ('[' * 60 + ']' * 60, 'too_deep', {'levels': 50}),
            ('["__each__"]', 'misplaced_each', {}),
            ('["__each__", 1, 2]', 'misplaced_each', {}),
            ('{"messages": "__each__"}', 'misplaced_each', {}),
            ('[1, "__each__"]', 'misplaced_each', {}),
            ('["__each__", {"to": ["__each__", "{phone}"]}]', 'misplaced_each', {}),
        ):
            with self.subTest(template[:60]):
                self.assert_refused(json_config(template), 'body_template', code, **values)

    def test_parameters(self):
        lacking = 'parameter_without_placeholder'
        for parameter, code, values in (
            (Parameter('to', '+92300', 'number'), lacking, {'param_type': 'number', 'placeholder': '{phone}'}),
            (Parameter('to', '{phones}', 'number'), lacking, {'key': 'to', 'placeholder': '{phone}'}),
            (Parameter('to', '{phone}', 'multi_number'), lacking, {'key': 'to', 'placeholder': '{phones}'}),
            (Parameter('text', 'Hello', 'message'), lacking, {'key': 'text', 'placeholder': '{message}'}),
            (Parameter('text', '__message__', 'message'), lacking, {'key': 'text', 'placeholder': '{message}'}),
            (Parameter('key', '', 'auth'), 'auth_without_value', {'key': 'key'}),
            (Parameter(' ', 'x'), 'parameter_without_key', {}),
        ):
            for auth_type in ('none', 'basic', 'custom'):
                with self.subTest(parameter, auth_type=auth_type):
                    config = RequestConfig(url=URL, parameters=(parameter,), auth_type=auth_type)
                    self.assert_refused(config, 'parameter_ids', code, **values)

    def test_a_json_object_contains_a_key_once(self):
        for first, second in (('any', 'any'), ('any', 'gsm'), ('unicode', 'unicode')):
            parameters = (Parameter('a', '1', only_for=first), Parameter('a', '2', only_for=second))
            with self.subTest(first=first, second=second):
                config = RequestConfig(url=URL, request_type='json', parameters=parameters)
                self.assert_refused(config, 'parameter_ids', 'repeated_parameter', key='a')
            check_config(RequestConfig(url=URL, parameters=parameters))

    def test_headers(self):
        for headers, code, key in (
            ((('', 'x'),), 'invalid_header_name', "''"),
            ((('X Key', 'x'),), 'invalid_header_name', "'X Key'"),
            ((('X-Key:', 'x'),), 'invalid_header_name', "'X-Key:'"),
            ((('X-Key\r\nX-Other', 'x'),), 'invalid_header_name', r"'X-Key\r\nX-Other'"),
            ((('{username}', 'x'),), 'invalid_header_name', "'{username}'"),
            ((('X-Schlüssel', 'x'),), 'invalid_header_name', "'X-Schlüssel'"),
            ((('X-Key', 'a\r\nX-Other: b'),), 'line_break_in_header', 'X-Key'),
            ((('X-Key', 'a\u2028b'),), 'line_break_in_header', 'X-Key'),
            ((('X-Key', 'a'), ('x-key', 'b')), 'repeated_header', 'x-key'),
            ((('Content-Length', '1'),), 'computed_header', 'Content-Length'),
        ):
            with self.subTest(headers):
                self.assert_refused(RequestConfig(url=URL, headers=headers), 'header_ids', code, key=key)

    def test_colon_in_a_basic_user_name(self):
        credentials = Credentials(username='key:secret')
        config = RequestConfig(url=URL, auth_type='basic', credentials=credentials)
        self.assert_refused(config, 'username', 'username_with_colon')
        check_config(RequestConfig(url=URL, auth_type='custom', credentials=credentials))

    def test_shared_requests(self):
        """doc/behaviour.md section 3: in a shared request only {phones}, __phones_list__ or __each__ may name
        recipients."""
        number = (Parameter('to', '', 'number'),)
        body, each = 'single_number_in_body', '["__each__", "{phone}"]'
        for config, field, code, values in (
            (shared(url=URL + '/{phone}'), 'base_url', 'single_number_in_url', {}),
            (shared(url=URL + '?to={phone}'), 'base_url', 'single_number_in_url', {}),
            (shared(parameters=number), 'parameter_ids', 'single_number_in_parameter', {'key': 'to'}),
            (shared(parameters=(Parameter('x', 'a{phone}'),)), 'parameter_ids', 'single_number_in_parameter',
             {'key': 'x'}),
            (shared(parameters=(Parameter('x', '__phone__'),), request_type='json'), 'parameter_ids',
             'single_number_in_parameter', {'key': 'x'}),
            (shared(headers=(('X-To', '{phone}'),)), 'header_ids', 'single_number_in_header', {'key': 'X-To'}),
            (json_config('{"to": __phone__}', multiple_recipients=True), 'body_template', body, {}),
            (json_config('{"to": ["{phone}"]}', multiple_recipients=True), 'body_template', body, {}),
            (json_config('{"{phone}": "x"}', multiple_recipients=True), 'body_template', body, {}),
            (json_config(f'{{"a": {each}, "b": "{{phone}}"}}', multiple_recipients=True), 'body_template', body, {}),
            (json_config(each, multiple_recipients=True, parameters=number), 'parameter_ids',
             'single_number_in_parameter', {'key': 'to'}),
            (shared(separator=''), 'multi_recipient_separator', 'no_separator', {}),
            (shared(separator=' 0 '), 'multi_recipient_separator', 'number_in_separator', {}),
            (shared(max_recipients=0), 'max_recipients', 'too_few_recipients', {}),
        ):
            with self.subTest(field=field, code=code, values=values):
                self.assert_refused(config, field, code, **values)

    def test_a_refusal_shows_no_secret(self):
        credentials = Credentials('s3cret-key', 's3cret-token', 'user:s3cret', 's3cret-password')
        config = RequestConfig(url=URL, auth_type='basic', credentials=credentials)
        with self.assertRaises(ConfigError) as refused:
            check_config(config)
        self.assertNotIn('s3cret', str(refused.exception))
