# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whatever a stranger sends to the callback URL: no 500, no traceback, no changed SMS."""
import http.client
import os
from importlib.util import find_spec
from unittest import skipUnless
from urllib.parse import urlsplit

from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_reports_callback import LOGGER, CallbackCase

EXAMPLES = 2000 * int(os.environ.get('EIS_SMS_FUZZ') or 1)  # more with `scripts/test --fuzz`
ANSWERS = {200, 400, 413}

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
        from hypothesis import HealthCheck, given, settings

        from .strange_calls import CALLS

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
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
