# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Given SMS or settings that would make another request than the one that was described: refused, never sent."""
import json
import unittest
from urllib.parse import unquote

import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from ..config_check import check_complete, check_config
from ..request import (
    ConfigError,
    Credentials,
    Parameter,
    Recipient,
    RenderError,
    RequestConfig,
    build_requests,
    preview,
)

NUMBER, MESSAGE = Parameter('to', type='number'), Parameter('text', type='message')
NUMBERS = Parameter('to', type='multi_number')


def recipients(*messages, number='+32456001122'):
    return [Recipient(f'{index:032x}', number, message) for index, message in enumerate(messages, 1)]


def json_body(template, **values):
    return RequestConfig('https://api.example.com/sms', request_type='json', body_template=template, **values)


class TestTemplates(unittest.TestCase):

    def assert_refused(self, template, words):
        with self.assertRaises(ConfigError) as caught:
            check_config(json_body(template))
        self.assertEqual(caught.exception.field, 'body_template')
        self.assertIn(words, str(caught.exception))

    def test_numbers_that_json_does_not_have(self):
        for number in ('1e400', '-1e999', '1' + '0' * 400 + '.0', '1.5E+309', 'NaN', 'Infinity', '-Infinity',
                       '1' * 5000):
            for template in (f'{{"a": {number}}}', f'[[{number}]]', f'{{"a": ["__each__", {number}]}}'):
                with self.subTest(template=template[:40]):
                    self.assert_refused(template, "a number or a nesting that JSON does not have")

    def test_numbers_that_it_has(self):
        for number in ('1e308', '-0', '1e-400', '0.1', '12345678901234567890'):
            request, = build_requests(json_body(f'{{"a": {number}, "to": "{{phone}}"}}'), recipients("Hello"))
            self.assertEqual(float(json.loads(request.body)['a']), float(number))
            self.assertNotRegex(request.body, rb'nan|inf')

    def test_keys_that_stand_twice(self):
        for template in (
            '{"to": "{phone}", "to": "x"}', '{"a": {"b": 1, "b": 2}}', '[{"a": [{"b": 1, "b": 1}]}]',
            '{"{phone}": 1, "{phone}": 2}', '{"to": 1, "t\\u006f": 2}', '{"a": ["__each__", {"b": 1, "b": __phone__}]}',
        ):
            with self.subTest(template=template):
                self.assert_refused(template, "twice in one object")

    def test_keys_that_become_the_same(self):
        """The other SMS of the batch go."""
        template = '{"all": ["__each__", {"to": "{phone}", "{message}": 1, "m{message}": 2}]}'
        config = json_body(template, multiple_recipients=True, max_recipients=9)
        refused = []
        sent = build_requests(config, recipients("a", "to", "b", "c"), refused)
        self.assertEqual([(sms.message, failure) for sms, failure, _reason in refused], [("to", 'sms_server')])
        self.assertEqual([sms.message for request in sent for sms in request.recipients], ["a", "b", "c"])
        with self.assertRaises(RenderError):
            build_requests(config, recipients("to"))
        for first, second in (('{phone}', '__phone__'), ('{phone}', '+32456001122'), ('{sender}', '{account_id}')):
            config = json_body(json.dumps({first: 1, second: 2}), sender="x", account_id="x")
            with self.subTest(first=first, second=second), self.assertRaises(RenderError):
                build_requests(config, recipients("Hello"))


class TestComplete(unittest.TestCase):

    def test_request_without_number_or_text(self):
        url = 'https://api.example.com/'
        for config, field, words in (
            (RequestConfig(url), 'parameter_ids', "no recipient"),
            (RequestConfig(url, parameters=(MESSAGE,)), 'parameter_ids', "no recipient"),
            (RequestConfig(url, parameters=(NUMBER,)), 'parameter_ids', "no text"),
            (json_body('{"to": __phone__}'), 'body_template', "no text"),
            (json_body('{"text": "{message}"}'), 'body_template', "no recipient"),
            (json_body('{"to": "phone", "text": "message"}'), 'body_template', "no recipient"),
        ):
            with self.subTest(config=config, url=config.url), self.assertRaises(ConfigError) as caught:
                check_complete(config)
            self.assertEqual(caught.exception.field, field)
            self.assertIn(words, str(caught.exception))
        for config in (
            RequestConfig(url, parameters=(NUMBER, MESSAGE)), RequestConfig(f'{url}{{phone}}?t={{message_hex}}'),
            RequestConfig(url, headers=(('X-To', '{phones}'), ('X-Text', '{message}'))),
            json_body('{"to": __phones_list__, "text": __message__}'),
            json_body('{"l": ["__each__", {"to": "{phone}", "text": "{message}"}]}'),
        ):
            check_complete(config)


class TestPaths(unittest.TestCase):
    """Whatever a value is, the request goes to the path that the administrator typed."""

    URLS = ('https://api.example.com/api/send/{message}/{phone}', 'https://api.example.com/{sender}/x?{message}',
            'https://api.example.com/a.{message}/b', 'https://api.example.com/.{message}/b',
            'https://api.example.com/%2e{message}/b', 'https://api.example.com/{account_id}{message}/..{sender}/b')

    def path(self, url):
        """As it leaves, after the libraries had their hands on it."""
        prepared = requests.Request('GET', url).prepare()
        return parse_url(prepared.url).path

    @given(st.sampled_from(URLS), *[st.text(st.sampled_from('./\\%2eE5cC\0 a?#é'), max_size=6)] * 3)
    def test_steps_stay(self, url, message, sender, account):
        config = RequestConfig(url, 'get', sender=sender, account_id=account)
        steps = len(url.partition('?')[0].split('/')[3:])
        for request in build_requests(config, recipients(message), []):
            path = self.path(request.url)
            self.assertEqual(len(path.split('/')[1:]), steps, path)
            self.assertNotIn('', path.split('/')[1:])
            self.assertFalse({'.', '..'} & set(map(unquote, path.split('/'))), path)

    def test_dots_are_refused_alone(self):
        config = RequestConfig(self.URLS[0], 'get')
        refused = []
        sent = build_requests(config, recipients("a", "..", ".", "", "...", "../x", "%2e%2e"), refused)
        self.assertEqual(
            [sms.message for request in sent for sms in request.recipients], ["a", "...", "../x", "%2e%2e"])
        self.assertEqual([sms.message for sms, _failure, _reason in refused], ["..", ".", ""])
        for _sms, _failure, reason in refused:
            self.assertIn("{message} is part of the path", reason)

    def test_preview_of_what_is_not_filled_in_yet(self):
        config = RequestConfig('https://api.example.com/{account_id}/sms', 'get', parameters=(NUMBER,))
        self.assertIn('https://api.example.com//sms', preview(config, recipients("Hello")))


class TestSeparators(unittest.TestCase):
    """Given numbers in the format Raw: none of them becomes two recipients."""

    def test_number_that_holds_the_separator(self):
        for separator, number in ((',', '+1,+2'), (', ', '+1,+2'), (';', '1;2'), ('\n', '+1\n+2'), (' ', '+1 2'),
                                  ('|', '|')):
            config = RequestConfig(
                'https://api.example.com/', parameters=(NUMBERS, MESSAGE), multiple_recipients=True, max_recipients=9,
                separator=separator)
            sms = [*recipients("Hi", number='1'), *recipients("Hi", number=number), *recipients("Hi", number='3')]
            refused = []
            sent = build_requests(config, sms, refused)
            with self.subTest(separator=separator, number=number):
                self.assertEqual([one.number for request in sent for one in request.recipients], ['1', '3'])
                (alone, failure, reason), = refused
                self.assertEqual((alone.number, failure), (number, 'sms_number_format'))
                self.assertNotIn(number, reason)

    def test_gateway_for_one_recipient(self):
        config = RequestConfig(
            'https://api.example.com/', parameters=(NUMBER, MESSAGE), credentials=Credentials(), separator=',')
        self.assertEqual(len(build_requests(config, recipients("Hi", number='1,2'))), 1)
