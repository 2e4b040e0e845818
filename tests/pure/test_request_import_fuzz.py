# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Any text is refused or imported, and what `to_curl` writes is imported as the same request."""
import json
import unittest
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

from ...tools.request.builder import Recipient, build_requests
from ...tools.request.checks import check_config
from ...tools.request.config import ConfigError, Credentials, RenderError
from ...tools.request.curl import to_curl
from ...tools.request.curl_import import CurlError, import_curl
from ...tools.request.curl_import.decisions import OURS
from ...tools.request.curl_import.request import shown
from .made_up import cases, given, reject, st
from .test_request_fuzz import CONFIGS, TEXTS

PIECES = st.sampled_from((
    'curl ', "curl 'https://api.example.com/sms' ", '-d ', '-H ', '-u ', '-X ', '-F ', '--json ', '-G ', '-sSL ',
    '--data-raw ', '--url ', '@-', '<<EOF\n', '\nEOF\n', '$(', ')', '$TOKEN', '${X}', '%X%', '$env:T', '`\n', '^\n',
    '\\\n', "$'", "'", '"', '""', '\\"', '{"to": "+32456001122", "text": "Hello"}', 'to=+32456001122&text=Hi',
    'https://user:pw@example.com/{x}/a?b=c', '<KEY>', '{{key}}', 'Authorization: Basic dXNlcjpwYXNz',
    'Authorization: Bearer x', '[', ']', '{', '}', ':', ',', '|', ';', '&', '>', '#', '\n', ' ', '=',
    '\u201c', '\u201d', '\u2019', '\u2014', 'curl.exe ', '[["__each__", {"a": [{"to": 1}]}]]'))
# Notes that say what of the command is sent in another way.
SAID = {'one_recipient', 'schedule', 'number_as_text', 'placeholder_in_name'}
CREDENTIALS = Credentials('$API_KEY', '$TOKEN', '$USERNAME', '$PASSWORD')


def replay(imported):
    """The request that an imported gateway sends for the sample's recipient and text, with the sample's credentials."""
    samples = {}
    for part in imported.parts:
        samples.setdefault(part.meaning, shown(part.samples[0] if part.samples else part.sample))
    credentials = {name: samples.get(name, '') for name in ('api_key', 'token', 'username', 'password')}
    config = replace(
        imported.config(), sender=samples.get('sender', ''), account_id=samples.get('account_id', ''),
        callback_url=samples.get('callback_url', ''), credentials=Credentials(**credentials))
    recipient = Recipient(samples.get('uuid', ''), samples.get('phone', ''), samples.get('message', ''))
    return build_requests(config, [recipient])[0]


def readable(request):
    """What a request says, however it is encoded."""
    url = urlsplit(request.url)
    headers = {key.lower(): value for key, value in request.headers if value and key.lower() != 'host'}
    body = (request.body or b'').decode()
    if 'json' in headers.get('content-type', '') or body[:1] in ('{', '['):
        body = json.loads(body)
    elif body:
        body = parse_qsl(body, keep_blank_values=True)
    return {
        'method': request.method, 'site': url.netloc, 'path': unquote(url.path),
        'query': parse_qsl(url.query, keep_blank_values=True), 'headers': headers, 'body': body}


def repeats_number(imported):
    """A list with the same number twice becomes one with each recipient once."""
    return any(len(part.samples) > len(set(part.samples)) for part in imported.parts)


class TestCurlFuzz(unittest.TestCase):

    @cases(400)
    @given(st.lists(PIECES | TEXTS, max_size=12).map(''.join))
    def test_any_text(self, text):
        try:
            imported = import_curl(text)
        except CurlError as error:
            self.assertTrue(error.code)
            return
        imported.config()
        self.assertLessEqual(len(imported.questions), len(imported.rows))

    @cases(400)
    @given(CONFIGS, st.sampled_from(('+32456001122', '32456001122', '0032456001122')), TEXTS)
    def test_round_trip(self, config, number, text):
        callback_url = config.callback_url and 'https://o.example.com/eis_sms/callback/x'
        config = replace(config, credentials=CREDENTIALS, callback_url=callback_url)
        recipient = Recipient('0' * 32, number, text)
        try:
            check_config(config)
            request = build_requests(config, [recipient])[0]
        except (ConfigError, RenderError):
            reject()
        command = to_curl(config, [recipient])
        # Placeholders as literals cannot be sent; typed secrets are masked in a command; curl sends no empty header.
        if OURS.search(unquote(command)) or '***' in command or "Content-Type: '" in command or (
                request.body is not None and 'Content-Type' not in command):
            reject()
        imported = import_curl(command)
        if SAID.intersection(note.code for note in imported.notes) or repeats_number(imported):
            return
        if readable(replay(imported)) != readable(request):
            self.assertTrue(imported.questions, command)
