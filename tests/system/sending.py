# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Given a real Odoo, a gateway and a provider on loopback: what the tests of sending share."""
import contextlib
from collections import Counter

from common import SystemCase, environment
from provider import Provider, Reply

__all__ = ['CRON', 'Reply', 'SendingCase']

CRON = "(SELECT res_id FROM ir_model_data WHERE module = 'sms' AND name = 'ir_cron_sms_scheduler_action')"


class SendingCase(SystemCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = Provider()
        cls.provider.__enter__()
        cls.addClassCleanup(cls.provider.__exit__, None, None, None)

    def setUp(self):
        super().setUp()
        self.provider.clear()
        self.query("DELETE FROM sms_gateway_status")
        self.query("DELETE FROM sms_sms")
        self.query("DELETE FROM ir_cron_trigger")
        self.query("DELETE FROM sms_gateway_pace")
        self.query("UPDATE sms_gateway SET state = 'disabled'")

    def make_gateway(self, client, **values):
        return client.call('sms.gateway', 'create', [[{
            'name': "Loopback", 'state': 'active', 'base_url': self.provider.url,
            'message_id_regex': r'"id":\s*"([^"]+)"',
            'parameter_ids': [
                [0, 0, {'key': 'to', 'param_type': 'number'}],
                [0, 0, {'key': 'text', 'param_type': 'message'}],
            ],
            **values,
        }]])[0]

    def queue(self, count, body="Hello"):
        """Put SMS to different numbers in the queue, without waking it."""
        self.query("""
            INSERT INTO sms_sms (uuid, number, body, state, record_company_id)
            SELECT replace(gen_random_uuid()::text, '-', ''), '+324560' || lpad(n::text, 5, '0'), %s, 'outgoing', 1
            FROM generate_series(1, %s) AS n
        """, body, count)

    def run_queue(self, client):
        """Run core's queue action in the server's HTTP worker, as its Run Manually button does."""
        cron_id = self.query(f"SELECT {CRON}")[0][0]
        client.call('ir.cron', 'method_direct_trigger', [[cron_id]])

    def wake_queue(self, *crons):
        """Make the queue action due, or these scheduled actions, and tell the cron workers of running servers."""
        for cron in crons or self.query(f"SELECT {CRON}")[0]:
            self.query("INSERT INTO ir_cron_trigger (cron_id, call_at) VALUES (%s, now() AT TIME ZONE 'UTC')", cron)
        with contextlib.closing(environment.connect()) as connection:  # they listen in another database
            connection.cursor().execute("SELECT pg_notify('cron_trigger', %s)", [self.database])

    def expire_claims(self):
        """Let the time pass after which a claim counts as lost."""
        self.query("UPDATE sms_sms SET claimed_until = now() - interval '1 day' WHERE claimed_until IS NOT NULL")

    def states(self):
        """:return dict: number of SMS by state."""
        return dict(self.query("SELECT state, count(*) FROM sms_sms GROUP BY state"))

    def arrivals(self):
        """:return Counter: how often each number reached the provider."""
        return Counter(number for number, _text in self.provider.sms)
