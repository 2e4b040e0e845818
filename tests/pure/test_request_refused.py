# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS or settings that would make another request than the one that was described are refused, never sent."""
import json
from dataclasses import replace

import requests
from urllib3.util import parse_url

from ...tools.problem import Problem
from ...tools.request.builder import Recipient, build_requests, preview
from ...tools.request.checks import check_complete, check_config
from ...tools.request.config import ConfigError, RenderError, RequestConfig
from .common import MESSAGE, NUMBER, URL, PureCase
from .made_up import given, st


def recipients(*messages, number='+32456001122'):
    return [Recipient(f'{index:032x}', number, message) for index, message in enumerate(messages, 1)]


def json_body(template, **values):
    return RequestConfig('https://api.example.com/sms', request_type='json', body_template=template, **values)


class TestBodyTemplates(PureCase):

    def assert_refused(self, template, code):
        with self.assertRaises(ConfigError) as caught:
            check_config(json_body(template))
        self.assertEqual((caught.exception.field, caught.exception.problem.code), ('body_template', code))

    def test_numbers_that_json_does_not_have(self):
        for number in ('1e400', '-1e999', '1' + '0' * 400 + '.0', '1.5E+309', 'NaN', 'Infinity', '-Infinity',
                       '1' * 5000):
            for template in (f'{{"a": {number}}}', f'[[{number}]]', f'{{"a": ["__each__", {number}]}}'):
                with self.subTest(template=template[:40]):
                    self.assert_refused(template, 'unsupported_json')

    def test_numbers_that_it_has(self):
        for number in ('1e308', '-0', '1e-400', '0.1', '12345678901234567890'):
            request, = build_requests(json_body(f'{{"a": {number}, "to": "{{phone}}"}}'), recipients("Hello"))
            self.assertEqual(float(json.loads(request.body)['a']), float(number))
            self.assertNotRegex(request.body, rb'nan|inf')

    def test_keys_that_stand_twice(self):
        for template in (
            '{"to": "{phone}", "to": "x"}', '{"a": {"b": 1, "b": 2}}', '[{"a": [{"b": 1, "b": 1}]}]',
            '{"{phone}": 1, "{phone}": 2}', '{"{phone}": 1, __phone__: 2}', '{"to": 1, "t\\u006f": 2}',
            '{"a": ["__each__", {"b": 1, "b": __phone__}]}',
        ):
            with self.subTest(template=template):
                self.assert_refused(template, 'repeated_key')

    def test_keys_that_become_the_same(self):
        """The other SMS of the batch go."""
        template = '{"all": ["__each__", {"to": "{phone}", "{message}": 1, "m{message}": 2}]}'
        config = json_body(template, multiple_recipients=True, max_recipients=9)
        refused = []
        sent = build_requests(config, recipients("a", "to", "b", "c"), refused)
        self.assertEqual(
            [(sms.message, problem) for sms, problem in refused], [("to", Problem('repeated_key_for_sms'))])
        self.assertEqual([sms.message for request in sent for sms in request.recipients], ["a", "b", "c"])
        with self.assertRaises(RenderError):
            build_requests(config, recipients("to"))
        for first, second in (('{phone}', '+32456001122'), ('{sender}', '{account_id}')):
            config = json_body(json.dumps({first: 1, second: 2}), sender="x", account_id="x")
            with self.subTest(first=first, second=second), self.assertRaises(RenderError):
                build_requests(config, recipients("Hello"))


class TestComplete(PureCase):

    def test_request_without_number_or_text(self):
        url = 'https://api.example.com/'
        for config, field, code in (
            (RequestConfig(url), 'parameter_ids', 'no_recipient'),
            (RequestConfig(url, parameters=(MESSAGE,)), 'parameter_ids', 'no_recipient'),
            (RequestConfig(url, parameters=(NUMBER,)), 'parameter_ids', 'no_message'),
            (RequestConfig(url, parameters=(replace(NUMBER, only_for='gsm'), MESSAGE)), 'parameter_ids',
             'no_recipient'),
            (RequestConfig(url, parameters=(NUMBER, replace(MESSAGE, only_for='unicode'))), 'parameter_ids',
             'no_message'),
            (json_body('{"to": __phone__}'), 'body_template', 'no_message'),
            (json_body('{"text": "{message}"}'), 'body_template', 'no_recipient'),
            (json_body('{"to": "phone", "text": "message"}'), 'body_template', 'no_recipient'),
        ):
            with self.subTest(config=config, url=config.url), self.assertRaises(ConfigError) as caught:
                check_complete(config)
            self.assertEqual((caught.exception.field, caught.exception.problem.code), (field, code))
        for config in (
            RequestConfig(url, parameters=(NUMBER, MESSAGE)),
            RequestConfig(url, parameters=(
                NUMBER, replace(MESSAGE, only_for='gsm'), replace(MESSAGE, only_for='unicode'))),
            RequestConfig(f'{url}{{phone}}?t={{message_hex}}'),
            RequestConfig(url, headers=(('X-To', '{phones}'), ('X-Text', '{message}'))),
            json_body('{"to": __phones_list__, "text": __message__}'),
            json_body('{"l": ["__each__", {"to": "{phone}", "text": "{message}"}]}'),
        ):
            check_complete(config)


def recipient(message="Hello"):
    return recipients(message)[0]


def get(*parameters, url=URL, **values):
    return RequestConfig(url, 'get', parameters=parameters, **values)


class TestAddress(PureCase):
    """No text, sender, account or number leads to another address than the one that the administrator entered."""

    HOSTILE = (
        '.', '..', '%2E%2E', '%2e.', '%252E%252e', '../admin', 'a/../../b', '..\\admin', 'a\\..', '%2e%2e%2fadmin',
        '..;x', ' .. ', '..\n', '')

    def assert_refused(self, config, sms):
        with self.assertRaisesRegex(RenderError, 'path_value_(empty|dots)'):
            build_requests(config, [sms])

    def path(self, url):
        """As it leaves, after the libraries had their hands on it."""
        return parse_url(requests.Request('GET', url).prepare().url).path

    def test_value_in_the_path(self):
        for value in self.HOSTILE:
            for name in ('message', 'phone', 'phones', 'sender', 'account_id'):
                config = get(url=f'https://api.example.com/api/{{{name}}}/send', sender=value, account_id=value)
                with self.subTest(value=value, name=name):
                    sms = Recipient('0' * 32, value, value)
                    self.assert_refused(config, sms)

    def test_dots_made_together_with_neighbours(self):
        for path, text in (
            ('{sender}.{message}', ''), ('.{message}', ''), ('.{message}', '.'), ('{message}.', '.'),
            ('%2E{message}', '.'), ('{message}{sender}', ''), ('{message}/..{sender}', ''),
            ('x%2F{message}', '..'), ('{sender}{message}', '..'),
        ):
            with self.subTest(path, text=text):
                config = get(url=f'https://api.example.com/api/{path}/send')
                self.assert_refused(config, recipient(text))

    def test_value_elsewhere(self):
        for config in (
            RequestConfig(URL, parameters=(MESSAGE,)), get(MESSAGE), get(url=f'{URL}?a={{message}}&b={{sender}}'),
            json_body('{"a": "{message}"}'),
            RequestConfig(URL, headers=(('X-Text', '{message}'),)), get(url='https://example.com/a/../b?x={message}'),
        ):
            for value in self.HOSTILE:
                build_requests(config, [recipient(value)])

    @given(st.text(alphabet='./\\%2eEFf5cC;a ', max_size=9), st.text(alphabet='.%/a', max_size=3))
    def test_path_is_what_was_entered(self, text, sender):
        config = get(url='https://api.example.com/api/{sender}{message}/{phone}', sender=sender)
        for request in build_requests(config, [recipient(text)], []):
            path = self.path(request.url)
            self.assertTrue(path.startswith('/api/'), path)
            self.assertEqual(len(path.split('/')), 4, path)
            self.assertTrue(path.endswith('/%2B32456001122'), path)

    def test_only_its_own_sms_is_refused(self):
        refused = []
        sent = build_requests(get(url=URL + '/{message}'), recipients("..", "Hi"), refused)
        self.assertEqual([sms.message for sms, _problem in refused], [".."])
        self.assertEqual([request.url for request in sent], [URL + '/Hi'])

    def test_preview_of_what_is_not_filled_in_yet(self):
        config = get(NUMBER, url='https://api.example.com/{account_id}/sms')
        self.assertIn('https://api.example.com//sms', preview(config, recipients("Hello")))
