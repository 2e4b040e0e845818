# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the pure tests share: answers to read and requests to build."""
import json
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import requests

from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from ...tools.request.builder import Credentials, Parameter, Recipient, RequestConfig, build_requests


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
