# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Servers drain one queue together, and nothing that is slow or locked stops the rest."""
import threading
import time

from common import CRON, Reply, SendingCase


class TestQueue(SendingCase):

    def test_one_locked_row_stops_no_other(self):
        """Given 1,200 queued SMS of which another session has locked one: one run of the action sends 1,199."""
        server = self.start_server()
        client = self.client(server)
        self.make_gateway(client, max_connections=32)
        self.queue(1200)
        other = self.begin()
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM sms_sms WHERE number = '+32456000600' FOR UPDATE")
            self.run_queue(client)
        self.assertEqual(self.states(), {'pending': 1199, 'outgoing': 1})
        other.rollback()
        self.assertTrue(self.query("SELECT 1 FROM ir_cron_trigger"), "the queue is woken for the locked one")
        self.run_queue(client)
        self.assertEqual(self.states(), {'pending': 1200})
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertLessEqual(self.provider.connections, 64, "connections are kept alive")
        self.assert_log_clean(server)

    def test_two_servers_drain_one_queue(self):
        """Given two servers on one database, both at work: each SMS goes out once."""
        servers = [self.start_server(), self.start_server()]
        clients = [self.client(server) for server in servers]
        self.make_gateway(clients[0], max_connections=8)
        self.queue(1500)
        self.provider.always(lambda request: Reply(200, {'id': request.index}, delay=0.005))
        # the action itself may not run twice at once; copies of it may (doc/operating.md, high volume)
        self.together([(client, ('ir.actions.server', 'run', [[self.action]])) for client in clients])
        self.assertEqual(self.states(), {'pending': 1500})
        self.assertEqual(len(self.arrivals()), 1500)
        self.assertEqual(set(self.arrivals().values()), {1})
        for server in servers:
            self.assert_log_clean(server)

    def test_no_transaction_is_open_while_a_provider_is_slow(self):
        """Given a provider that takes its time, no session of ours is idle in transaction."""
        server = self.start_server()
        client = self.client(server)
        self.make_gateway(client, max_connections=2)
        self.queue(2)
        seen = []

        def look(request):
            seen.extend(state for state, query in self.sessions() if 'ir_cron' not in query)
            return Reply(200, {'id': request.index}, delay=0.2)

        self.provider.answer(look, look)
        self.run_queue(client)
        self.assertTrue(seen)
        self.assertNotIn('idle in transaction', seen)
        self.assertEqual(self.states(), {'pending': 2})

    def test_rate_limit_holds_over_two_servers(self):
        """Given SMS per Second on a gateway and two servers: the provider never sees more in any second."""
        clients = [self.client(self.start_server()) for _ in range(2)]
        self.make_gateway(clients[0], max_connections=8, rate_limit=20)
        self.queue(60)
        self.together([(client, ('ir.actions.server', 'run', [[self.action]])) for client in clients])
        self.assertEqual(len(self.provider.requests), 60)
        self.assertLessEqual(self.provider.busiest_second(), 21)

    def test_copies_of_the_action_share_the_queue(self):
        """doc/operating.md, high volume: given a copy of the queue action and two cron workers, both send at once, each
        SMS once."""
        # autovacuum would delete SMS that were sent
        self.query(f"UPDATE ir_cron SET nextcall = nextcall + interval '1 day' WHERE id <> {CRON}")
        server = self.start_server('--workers', 1, cron_threads=2)
        client = self.client(server)
        self.make_gateway(client, max_connections=2)
        original = self.query(f"SELECT {CRON}")[0][0]
        copy = client.call('ir.cron', 'copy', [[original]])[0]
        self.addCleanup(self.query, "DELETE FROM ir_cron WHERE id = %s", copy)
        client.call('ir.cron', 'write', [[copy], {'active': True, 'interval_number': 1, 'interval_type': 'minutes'}])
        self.queue(500)
        under_way, most, lock = 0, 0, threading.Lock()

        def answer(request):
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
            time.sleep(0.02)
            with lock:
                under_way -= 1
            return self.provider.accept(request)

        self.provider.always(answer)
        self.wake_queue(original, copy)
        self.wait_until(lambda: self.states() == {'pending': 500}, 30)
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertEqual(most, 4, "two connections of each of two workers")
        self.assert_log_clean(server)
