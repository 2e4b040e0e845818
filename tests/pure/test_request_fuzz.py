# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Any configuration that can be saved makes valid HTTP and JSON, with every text intact and once."""
import json
import re
from urllib.parse import parse_qsl, urlsplit

import requests
from urllib3.util import parse_url

from ...tools.gsm import well_formed
from ...tools.request.builder import HttpRequest, Recipient, build_requests, preview
from ...tools.request.checks import check_config
from ...tools.request.config import ConfigError, Credentials, Parameter, RenderError, RequestConfig
from ...tools.request.curl import to_curl
from ...tools.request.placeholders import PLACEHOLDERS, TOKENS
from .common import PureCase
from .made_up import cases, given, reject, st

NASTY = st.sampled_from('aé€ب😀"\\{}[]%&=+;#?/<>\'\r\n\t\0\ud800\u2028 ')
TEXTS = st.text(NASTY | st.characters(exclude_categories=['Cs']), max_size=8) | st.sampled_from(
    [f'{{{name}}}' for name in PLACEHOLDERS] + [f'__{name}__' for name in TOKENS] + ['__each__', ''])
STORED = TEXTS.map(lambda text: text.replace('\ud800', '').replace('\0', ''))  # PostgreSQL takes neither
NUMBERS = st.from_regex(r'\+?[0-9]{1,15}', fullmatch=True) | TEXTS.filter(bool)
# what an administrator types: placeholders among any text
VALUES = st.lists(
    st.sampled_from([f'{{{name}}}' for name in PLACEHOLDERS]) | STORED, max_size=3).map(''.join)
KEYS = st.sampled_from(('to', 'from', 'a[]', 'a b', 'é', 'x=y', 'x&y', 'key', 'Token')) | STORED.filter(str.strip)
HEADERS = st.dictionaries(
    st.sampled_from(('X-A', 'Authorization', 'X-B', 'Content-Type', 'Host', 'X-C')), VALUES, max_size=2)
URLS = st.sampled_from((
    'https://api.example.com', 'https://api.example.com/sms', 'http://127.0.0.1:8080/a/b?c=d',
    'https://api.example.com/{account_id}/{uuid}?to={phones}&key={api_key}', 'https://{username}.example.com/x?y=%20#z',
    'https://{username}:{password}@example.com/é{sender}', 'https://api.example.com/{message}?{message}={message}#{phones}'))
TYPES = st.sampled_from((
    ('number', ''), ('multi_number', '{phones}'), ('multi_number', ''), ('message', '{message}'), ('message', ''),
    ('auth', '{token}'), ('other', ''), ('other', ''))) | st.just(('number', '{phone}'))
PARAMETERS = st.builds(
    lambda key, kind, value, only_for: Parameter(key, value + kind[1] if kind[1] else '', kind[0], only_for)
    if kind[0] != 'other' else Parameter(key, value, 'other', only_for),
    KEYS, TYPES, VALUES, st.sampled_from(('any', 'any', 'any', 'gsm', 'unicode')))
LEAVES = st.sampled_from([f'__{name}__' for name in TOKENS]) | VALUES | st.integers() | st.booleans() | st.none()
BODIES = st.just('') | st.recursive(
    LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3)
    | inner.filter(lambda item: '__each__' not in str(item)).map(lambda item: ['__each__', item]),
    max_leaves=5).map(json.dumps)
CONFIGS = st.builds(
    RequestConfig, URLS, st.sampled_from(('get', 'post')), st.sampled_from(('form', 'json')),
    st.lists(PARAMETERS, max_size=3).map(tuple), HEADERS.map(lambda headers: tuple(headers.items())), BODIES,
    st.booleans(),
    st.sampled_from((',', ';', ' ', '<')), st.integers(1, 3),
    st.sampled_from(('none', 'api_key', 'token', 'basic', 'custom')),
    st.builds(Credentials, STORED, STORED, STORED, STORED), STORED, STORED, st.sampled_from(('', '0', 'true', 'x')),
    st.sampled_from(('', '1', 'false', 'é')), st.sampled_from(('', 'https://odoo.example.com/eis_sms/callback/t0k')))
RECIPIENTS = st.lists(st.tuples(NUMBERS, TEXTS), min_size=1, max_size=4).map(lambda rows: [
    Recipient(f'{index:032x}', number, text) for index, (number, text) in enumerate(rows, 1)])
EACH = '{"rows": ["__each__", {"to": "{phone}", "text": "__message__", "again": "<{message}>"}]}'
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class TestRequestFuzz(PureCase):

    def assert_http(self, request: HttpRequest):
        self.assertIn(request.method, ('GET', 'POST'))
        self.assertRegex(request.url, r'\Ahttps?://[!-~]+\Z')
        self.assertTrue(urlsplit(request.url).hostname)
        for key, value in request.headers:
            self.assertTrue(TOKEN.fullmatch(key))
            self.assertIsNone(re.search('[\0\r\n]', value))
            value.encode()
        self.assertEqual(request.body is None, request.method == 'GET')
        content_types = [value for key, value in request.headers if key.lower() == 'content-type']
        self.assertLessEqual(len(content_types), 1)
        headers = {key: value.encode() for key, value in request.headers}
        requests.Request(request.method, request.url, headers=headers, data=request.body).prepare()

    @cases(1200)
    @given(CONFIGS, RECIPIENTS)
    def test_whatever_can_be_saved(self, config, recipients):
        try:
            check_config(config)
        except ConfigError:
            reject()
        refused = []
        sent = build_requests(config, recipients, refused)
        alone = [sms for sms, _reason in refused]
        self.assertCountEqual([*alone, *(sms for request in sent for sms in request.recipients)], recipients)
        for sms in alone:
            with self.assertRaises(RenderError):
                build_requests(config, [sms])
        steps = len(urlsplit(config.url.replace('{', '').replace('}', '')).path.split('/'))
        for request in sent:
            try:
                self.assert_http(request)
                self.assertEqual(len((parse_url(request.url).path or '').split('/')), steps, "same path")
            except requests.exceptions.InvalidURL:
                # a credential that is no host name; sending says so and sends nothing
                self.assertIn('{username}', config.url)
            if config.sends_json:
                json.loads(request.body.decode())
            elif request.body:
                self.assertRegex(request.body, rb'\A[!-~]*\Z')
        for show in (preview, to_curl):
            try:
                show(config, recipients)
            except RenderError as error:
                # keys that differ by values that are masked, or not entered yet
                self.assertEqual(error.problem.code, 'repeated_key_for_sms')

    @cases(800)
    @given(CONFIGS, RECIPIENTS)
    def test_texts_arrive_intact(self, config, recipients):
        """Whatever stands around it, the recipient gets what was written to him, in each way to send."""
        for method, request_type, body in (
                ('get', 'form', ''), ('post', 'form', ''), ('post', 'json', ''),
                ('post', 'json', EACH)):
            simple = RequestConfig(
                'https://api.example.com', method, request_type,
                () if body else (Parameter('to', type='number'), Parameter('text', '<{message}>', 'message')),
                body_template=body, credentials=config.credentials, sender=config.sender,
                multiple_recipients=bool(body), max_recipients=config.max_recipients)
            check_config(simple)
            arrived = []
            refused = []
            for request in build_requests(simple, recipients, refused):
                arrived += self.read(simple, request)
            self.assertEqual(refused, [])
            wanted = [(sms.number, f'<{well_formed(sms.message)}>') for sms in recipients]
            encoded = [(number.encode('utf-8', 'replace').decode(), text) for number, text in wanted]
            self.assertCountEqual(arrived, encoded)

    def read(self, config, request):
        """Number and text of each SMS, as a provider reads them."""
        if config.has_template:
            rows = json.loads(request.body)['rows']
            for row in rows:
                self.assertEqual(row.get('again', '<>'), f'<{row.get("text", "")}>')
            return [(row['to'], row.get('again', '<>')) for row in rows]
        if config.sends_json:
            row = json.loads(request.body)
        else:
            text = request.body.decode() if request.body is not None else urlsplit(request.url).query
            row = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))
        return [(row['to'], row['text'])]
