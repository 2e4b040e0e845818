# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whatever a stranger sends to the callback URL makes no 500, no traceback and no other SMS."""
import http.client
import json
from importlib.util import find_spec
from unittest import skipUnless
from urllib.parse import urlsplit

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LOGGER, CallbackCase
from .pure.made_up import cases, given, st

ANSWERS = {200, 400, 413}
# names and values that lead deep into the code, between those that are chance
NAMES = st.sampled_from(
    ('uuid', 'message_id', 'status', 'to', 'code', 'words', 'self', 'token', '@root', '#text', '', 'uuid[]', 'a.b')
) | st.text(max_size=8)
VALUES = st.sampled_from(
    ('delivered', 'FAILED', 'sent', 'canceled', '', '0', 'x' * 300, '\0', '\ud800', 'M-1', '9' * 40, '%', "';--")
) | st.text(max_size=20)
ROWS = st.dictionaries(NAMES, VALUES, max_size=6)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12)


def to_form(row):
    return '&'.join(f'{name}={value}' for name, value in row.items()).encode('utf-8', 'surrogatepass')


def to_json(document):
    return json.dumps(document).encode()


def to_xml(row):
    inside = ''.join(f'<{name}>{value}</{name}>' for name, value in row.items())
    return f'<?xml version="1.0"?><report>{inside}</report>'.encode('utf-8', 'surrogatepass')


def to_multipart(row):
    parts = ''.join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in row.items())
    return f'{parts}--x--\r\n'.encode('utf-8', 'surrogatepass')


BODIES = st.one_of(
    st.binary(max_size=200), ROWS.map(to_form), ROWS.map(to_json), st.lists(ROWS, max_size=4).map(to_json),
    DOCUMENTS.map(to_json), ROWS.map(to_xml), ROWS.map(to_multipart),
    st.integers(1, 5000).map(lambda depth: b'[' * depth + b']' * depth),
    st.integers(1, 500).map(lambda depth: b'<a>' * depth + b'</a>' * depth),
)
CONTENT_TYPES = st.sampled_from((
    '', 'application/json', 'application/x-www-form-urlencoded', 'text/xml', 'application/xml; charset=utf-16', ';',
    'multipart/form-data; boundary=x', 'multipart/form-data', 'text/plain; charset=idna', 'text/json; charset=hex',
    'application/x-www-form-urlencoded; charset=utf-7', 'text/xml; charset="',
)) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from((
        'Accept', 'Accept-Language', 'Authorization', 'Cookie', 'Content-Encoding', 'Expect', 'Origin', 'Range',
        'Referer', 'User-Agent', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-HTTP-Method-Override', 'X-Signature')),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20).map(str.strip), max_size=3)
QUERIES = ROWS.map(to_form) | st.binary(max_size=40)
CALLS = (st.sampled_from(('GET', 'POST', 'POST', 'POST')), QUERIES, CONTENT_TYPES, HEADERS, BODIES)



@tagged('post_install', '-at_install')
@skipUnless(find_spec('hypothesis'), "hypothesis, which makes up the calls, is not installed")
class TestCallbackFuzz(CallbackCase):
    """Given sent SMS in several states, whose UUIDs and message ids the stranger does not know."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.write({
            'delivery_callback_error_code_param': 'code', 'delivery_callback_error_message_param': 'words',
            'delivery_callback_number_param': 'to'})

    def test_calls_of_strangers(self):
        all_sms = self.send_sms(*(f'+3245600112{number}' for number in range(4)))
        self.env.flush_all()
        before = self._snapshot()
        self.statuses = set()
        with mute_logger(LOGGER), self.assertNoLogs('odoo', 'ERROR'), self.allow_requests(all_requests=True):
            self._fuzz()
        self.assertLessEqual(self.statuses, ANSWERS)
        self.assertGreaterEqual(self.statuses, {200, 400})
        self.env.invalidate_all()
        self.assertEqual(self._snapshot(), before)
        self.assertEqual(set(all_sms.mapped('state')), {'pending'})

    def _fuzz(self):
        @cases(2000)
        @given(*CALLS)
        def call(method, query, content_type, headers, body):
            status = self._call(method, query, content_type, headers, body)
            self.statuses.add(status)
            self.assertIn(status, ANSWERS)

        call()

    def _call(self, method, query, content_type, headers, body):
        """Below `requests`, which would repair what is wrong.

        :return: the HTTP status
        """
        connection = http.client.HTTPConnection(urlsplit(self.base_url()).netloc, timeout=30)
        try:
            target = f'{self.path}?' + ''.join(chr(byte) if 33 <= byte < 127 else f'%{byte:02x}' for byte in query)
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in {**headers, 'Content-Type': content_type, 'Content-Length': str(len(body))}.items():
                connection.putheader(name, value.encode('latin-1'))
            connection.endheaders(body)
            return connection.getresponse().status
        finally:
            connection.close()

    def _snapshot(self):
        """All that a report could change."""
        return [
            self.env[model].search([], order='id').read()
            for model in ('sms.sms', 'sms.gateway.status', 'sms.tracker', 'mail.notification')]
