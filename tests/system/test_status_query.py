# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Providers are asked for the status of SMS by several processes, while they are slow and when a process dies."""
from collections import Counter

from common import Reply, SendingCase, WorkersCase


class Queries:
    """Given a gateway to a provider that tells the status of SMS."""

    def make_asking_gateway(self, client):
        self.make_gateway(client, max_connections=4, timeout=5, query_ids=[[0, 0, {
            'kind': 'status', 'url': '/status/{message_id}', 'status_path': 'status', 'message_id_path': 'id'}]])
        self.provider.always(self.answer)
        self.statuses, self.delay = 'delivered', 0.05

    def answer(self, request):
        """Accept SMS, and tell the status of those that are asked about."""
        if not request.path.startswith('/status'):
            return self.provider.accept(request)
        if isinstance(self.statuses, Reply):
            return self.statuses
        return Reply(body={'id': request.path.rpartition('/')[2], 'status': self.statuses}, delay=self.delay)

    def asked(self):
        return Counter(request.path.rpartition('/')[2] for request in self.provider.requests
                       if request.path.startswith('/status'))

    def make_due(self):
        """Let the time pass until the SMS are due for a question."""
        self.query("""
            UPDATE sms_gateway_status SET query_date = now() AT TIME ZONE 'UTC' - interval '1 minute',
                sent_date = sent_date - interval '20 minutes' WHERE awaits_report
        """)

    def delivered(self):
        return self.query("SELECT count(*) FROM sms_gateway_status WHERE delivered_date IS NOT NULL")[0][0]


class TestStatusQueryOfWorkers(Queries, WorkersCase):

    def setUp(self):
        super().setUp()
        self.make_asking_gateway(self.admin)

    def send(self, count):
        self.queue(count)
        self.drain()
        self.make_due()

    def test_processes_ask_once(self):
        self.send(40)
        self.together([(self.admin, ('ir.actions.server', 'run', [[self.action]])) for _worker in range(3)])
        self.wait_until(lambda: self.delivered() == 40)
        self.assertEqual((len(self.asked()), set(self.asked().values())), (40, {1}))
        self.assertEqual(self.query("SELECT count(*) FROM sms_gateway_status WHERE awaits_report"), [(0,)])
        self.assert_nothing_logged()

    def test_slow_provider_delays_no_sms(self):
        """Given a provider that does not respond to questions: the queue action ends, the next one sends, and no
        transaction is open meanwhile."""
        self.send(4)
        self.statuses = Reply(hang=True)
        self.drain()
        self.wait_until(self.asked)
        self.assertEqual([state for state, _query in self.sessions() if state == 'idle in transaction'], [])
        self.queue(2)
        self.drain()
        self.assertEqual(self.states()['pending'], 6)
        self.wait_until(lambda: self.query("SELECT query_failures FROM sms_gateway_throttle") == [(1,)])
        self.assertEqual(self.query("SELECT paused_until FROM sms_gateway_throttle"), [(None,)])
        self.assertEqual(self.query("SELECT count(*) FROM sms_gateway_status WHERE awaits_report"), [(6,)])

    def test_killed_while_asking(self):
        """Given processes that are killed while a question is in progress: it is asked again after the interval."""
        self.send(1)
        self.statuses = Reply(hang=True)
        self.drain()
        self.wait_until(self.asked)
        self.kill_workers()
        self.statuses = 'delivered'
        self.wait_until(lambda: self.query(
            "SELECT query_date > now() AT TIME ZONE 'UTC' FROM sms_gateway_status") == [(True,)])
        self.admin = self.client(self.server)
        self.drain()
        self.assertEqual(sum(self.asked().values()), 1)
        self.make_due()
        self.drain()
        self.wait_until(lambda: self.delivered() == 1)
        self.assertEqual(sum(self.asked().values()), 2)


class TestStatusQueryStopped(Queries, SendingCase):

    def test_server_stops_while_it_asks(self):
        """Given a server that is stopped while it asks about many SMS: it does not go on until all are asked about, and
        what the provider said is recorded."""
        server = self.start_server(cron_threads=1)
        client = self.client(server)
        self.make_asking_gateway(client)
        self.queue(300)
        self.run_queue(client)
        self.make_due()
        self.delay = 0.3
        self.wake_queue()
        self.wait_until(lambda: len(self.asked()) >= 8)
        server.stop()
        self.assertLess(len(self.asked()), 100)
        self.assertGreaterEqual(self.delivered(), len(self.asked()) - 8)
        self.assert_log_clean(server)
