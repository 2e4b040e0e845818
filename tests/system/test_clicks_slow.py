# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A user does not wait for a slow provider or for a rate limit; what was under way is recorded all the same."""
import json
import threading
from itertools import pairwise

from common import CRON, Reply, SendingCase

NUMBERS = [f'+3247000000{index}' for index in range(6)]


class TestSlowClicks(SendingCase):

    def setUp(self):
        super().setUp()
        self.go = threading.Event()
        self.addCleanup(self.go.set)

    def answer_when_told(self, request):
        self.go.wait(60)
        return Reply(200, {'id': f'M{request.index}'})

    def click(self, client, numbers):
        composer, = client.call('sms.composer', 'create', [[{
            'composition_mode': 'numbers', 'numbers': ','.join(numbers), 'body': "Hello"}]])
        client.call('sms.composer', 'action_send_sms', [[composer]])

    def click_at_slow_provider(self, *args):
        """Click with two connections and six SMS; the provider responds after the click only.

        :return: the server
        """
        server = self.start_server(*args)
        client = self.client(server)
        self.make_gateway(client, max_connections=2)
        self.provider.always(self.answer_when_told)
        self.click(client, NUMBERS)
        self.assertFalse(self.go.is_set(), "the user did not wait for the response")
        self.assertEqual(len(self.provider.requests), 2)
        self.wait_until(lambda: self.states() == {'process': 2, 'outgoing': 4})
        self.assertTrue(self.query(
            f"SELECT 1 FROM ir_cron_trigger WHERE cron_id = {CRON} AND call_at <= now() AT TIME ZONE 'UTC'"))
        return server

    def check_all_are_sent_once(self, server):
        self.run_queue(self.client(server))
        self.assertEqual(self.states(), {'pending': 6})
        self.assertEqual(self.arrivals(), dict.fromkeys(NUMBERS, 1))

    def test_slow_provider(self):
        """Requests under way are recorded when their response arrives, the others are sent by the queue."""
        server = self.click_at_slow_provider()
        self.go.set()
        self.wait_until(lambda: self.states() == {'pending': 2, 'outgoing': 4})
        self.check_all_are_sent_once(server)
        self.assert_log_clean(server)

    def test_worker_that_ends_after_the_click(self):
        """Given a worker process that serves one request and ends, as workers do from time to time: it records first
        what it has under way."""
        server = self.click_at_slow_provider('--workers', 1, '--limit-request', 1)
        self.go.set()
        self.wait_until(lambda: self.states() == {'pending': 2, 'outgoing': 4})
        self.check_all_are_sent_once(server)

    def test_stopped(self):
        server = self.click_at_slow_provider()
        threading.Timer(0.5, self.go.set).start()
        server.stop()
        self.assertEqual(self.states(), {'pending': 2, 'outgoing': 4})
        self.check_all_are_sent_once(self.start_server())

    def test_killed(self):
        """What was under way is in doubt, and is not sent again."""
        server = self.click_at_slow_provider()
        server.kill()
        self.go.set()
        self.expire_claims()
        self.run_queue(self.client(self.start_server()))
        self.assertEqual(self.states(), {'pending': 4, 'error': 2})
        self.assertEqual(self.arrivals(), dict.fromkeys(NUMBERS, 1))
        self.assertEqual(
            self.query("SELECT DISTINCT outcome FROM sms_gateway_status WHERE state = 'server_error'"), [('unknown',)])

    def test_slow_provider_with_rate_limit(self):
        """The user waits for the response only a moment. The SMS is sent, and the chatter says so."""
        server = self.start_server()
        client = self.client(server)
        self.make_gateway(client, rate_limit=10)
        held = []

        def answer(request):
            held.append(self.go.wait(4))
            return Reply(200, {'id': f'M{request.index}'})

        self.provider.always(answer)
        contact, = client.call('res.partner', 'create', [[{'name': "Slow", 'phone': NUMBERS[0]}]])
        composer, = client.call('sms.composer', 'create', [[{
            'composition_mode': 'comment', 'res_model': 'res.partner', 'res_id': contact, 'body': "Hello"}]])
        client.call('sms.composer', 'action_send_sms', [[composer]])
        self.assertEqual(held, [], "the user did not wait for the response")
        self.query("DELETE FROM bus_bus")
        self.go.set()
        self.wait_until(lambda: self.states() == {'pending': 1})
        self.assertEqual(self.arrivals(), {NUMBERS[0]: 1})
        status, message = self.query("SELECT notification_status, mail_message_id FROM mail_notification")[0]
        self.assertEqual(status, 'pending')
        def is_shown():
            """the chatter is told that the SMS was sent"""
            payloads = [json.loads(row[0]).get('payload', {}) for row in self.query("SELECT message FROM bus_bus")]
            return any(
                {notification['notification_status'] for notification in payload['mail.notification']} == {'pending'}
                for payload in payloads if {record['id'] for record in payload.get('mail.message', ())} == {message})

        self.wait_until(is_shown)
        self.assert_log_clean(server)

    def test_rate_limit(self):
        """What has no place in the next second is left to the queue."""
        server = self.start_server()
        client = self.client(server)
        self.make_gateway(client, rate_limit=0.5)
        self.click(client, NUMBERS[:3])
        self.assertEqual(self.states(), {'pending': 1, 'outgoing': 2})
        self.run_queue(client)
        self.assertEqual(self.states(), {'pending': 3})
        times = [request.received for request in self.provider.requests]
        self.assertGreater(min(later - earlier for earlier, later in pairwise(times)), 1)
