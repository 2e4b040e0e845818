# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the tests without a database share: their case, answers to read, requests to build.

They need no Odoo: `scripts/test pure` runs them with Python alone. Odoo's runner finds them among the addon's tests.
"""
import contextlib
import json
import time
import unittest
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import requests

from ...tools.answer import bounded_regex
from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from ...tools.request.builder import Recipient, build_requests
from ...tools.request.config import Credentials, Parameter, RequestConfig

if __name__.startswith('odoo.addons.'):
    from odoo.tests import BaseCase, tagged
else:
    BaseCase = unittest.TestCase

    def tagged(*tags):
        return lambda test_class: test_class

send_for_real = requests.Session.send  # before Odoo's tests replace it


@tagged('-at_install', 'post_install', 'eis_sms_pure')
class PureCase(BaseCase):
    """A test that needs neither a database nor Odoo."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(bounded_regex.stop)  # Odoo's tests warn of processes that stay

    @classmethod
    def _request_handler(cls, session, request, /, **kwargs):
        """In Odoo's tests: leave requests alone. They go to servers of this machine that are meant to be slow, and to
        hosts of the domain `invalid`, which nobody has."""
        return send_for_real(session, request, **kwargs)

    def start(self, patcher):
        """Patch until the test ends."""
        patcher.start()
        self.addCleanup(patcher.stop)

    @contextlib.contextmanager
    def assert_cheap(self, seconds, message=None):
        """Fail when what is done takes far more work than it needs, as where time grows by the square of the size.

        :param seconds: of the processor for this thread, which other work on the machine does not stretch
        """
        start = time.thread_time()
        yield
        self.assertLess(time.thread_time() - start, seconds, message)


@dataclass(frozen=True)
class Sms:
    uuid: str
    number: str
    message: str = 'Hello'


ONE = [Sms('u1', '+923001234567')]
TWO = [Sms('u1', '+923001234567'), Sms('u2', '+923007654321')]


def read(status, text='', recipients=ONE, headers=None, **rules):
    return interpret(AnswerRules(**rules), recipients, HttpAnswer(status, text, headers or {}))


def read_one(status, text='', headers=None, **rules):
    [result] = read(status, text, ONE, headers, **rules)
    return result


RECIPIENT = Recipient('0' * 32, '+32456001122', "Hello")
URL = 'https://api.example.com/sms'
CREDENTIALS = Credentials('key-K3Y', 'token-T0K', 'user-U53', 'pass-P455"word')
NUMBER = Parameter('to', '', 'number')
NUMBERS = Parameter('to', '', 'multi_number')
MESSAGE = Parameter('text', '', 'message')
HARD_TEXTS = (
    'He said "hi" and \'bye\'',
    'line one\nline two\r\nline three\ttab',
    'braces {x} {} }{ {{phone}} %s %(a)s $a \\n \\',
    'literal {password} {message} {phone} {api_key} {callback_url}',
    'literal __token__ __message__ __phones_list__ __each__',
    '😀 👩‍👩‍👧 \U0010ffff',
    'مرحبا، رمزك هو ١٢٣',
    'a=b&c=d?e#f+g%20h;i/j',
    '["__each__", {"to": "{phone}"}]',
    '</script>\u2028\u2029\u0000\u0007',
    ' leading and trailing ',
)


def recipient(index=0, message='Hello', number=None):
    return Recipient(f'{index:032x}', number or f'+92300{index:07d}', message)


def form(*parameters, **kwargs):
    return RequestConfig(**{'url': URL, 'parameters': parameters, 'credentials': CREDENTIALS, **kwargs})


def get(*parameters, **kwargs):
    return form(*parameters, method='get', **kwargs)


def json_body(template, **kwargs):
    template = template if isinstance(template, str) else json.dumps(template)
    return RequestConfig(**{
        'url': URL, 'request_type': 'json', 'body_template': template, 'credentials': CREDENTIALS, **kwargs,
    })


def one(config, *recipients):
    request, = build_requests(config, recipients or (recipient(),))
    return request


def received(request):
    """What a server reads after the HTTP client had its hands on the request: path, query, headers, body."""
    prepared = requests.Request(request.method, request.url, dict(request.headers), data=request.body).prepare()
    url = urlsplit(prepared.url)
    body = request.body and request.body.decode()
    if body and body[0] in '{[':
        body = json.loads(body)
    elif body is not None:
        body = parse_qsl(body, keep_blank_values=True)
    return url.path, parse_qsl(url.query, keep_blank_values=True), dict(prepared.headers), body
