# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Servers share a budget: it is not exceeded, and nothing is lost or sent twice, whatever interrupts them."""
import random

from common import Reply, SendingCase


class TestBudget(SendingCase):

    def make_budget(self, client, amount):
        self.addCleanup(self.query, "DELETE FROM sms_gateway_budget")
        return client.call('sms.gateway.budget', 'create', [{'amount': amount, 'unit': 'segments'}])

    def queue_bulk(self, count):
        self.queue(count)
        self.query("UPDATE sms_sms SET lane = 'bulk' WHERE state = 'outgoing' AND lane IS NULL")

    def spent(self):
        return int(self.query("SELECT spent FROM sms_gateway_budget_month")[0][0])

    def waiting(self):
        return self.query("SELECT count(*) FROM sms_sms WHERE budget_id IS NOT NULL AND send_after > now()")[0][0]

    def test_two_servers(self):
        """Given two servers on one queue and a budget for half of it, and a provider that refuses some SMS: no more are
        accepted than the budget allows, and those that wait go on when it is released."""
        servers = [self.start_server(), self.start_server()]
        clients = [self.client(server) for server in servers]
        self.make_gateway(clients[0], max_connections=8)
        budget = self.make_budget(clients[0], 400)
        self.queue_bulk(1000)
        chance = random.Random(1)
        self.provider.always(lambda request: Reply(400, "no", delay=0.005) if chance.random() < 0.1 else Reply(
            200, {'id': request.index}, delay=0.005))
        self.together([(client, ('ir.actions.server', 'run', [[self.action]])) for client in clients])
        for _ in range(3):  # room of SMS that were refused
            self.run_queue(clients[0])
        states = self.states()
        self.assertEqual(states['pending'], 400)
        self.assertEqual(sum(states.values()), 1000)
        self.assertEqual(states.keys(), {'pending', 'error', 'outgoing'})
        self.assertEqual(self.spent(), 400)
        self.assertEqual(self.waiting(), states['outgoing'])
        self.assertEqual(set(self.arrivals().values()), {1})
        clients[1].call('sms.gateway.budget', 'action_release', [budget])
        self.together([(client, ('ir.actions.server', 'run', [[self.action]])) for client in clients])
        states = self.states()
        self.assertEqual(states.keys(), {'pending', 'error'})
        self.assertEqual(sum(states.values()), 1000)
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertEqual(len(self.arrivals()), 1000)
        self.assertEqual(self.spent(), states['pending'])
        for server in servers:
            self.assert_log_clean(server)

    def test_two_claims_at_the_same_moment(self):
        """Given two servers that read the budget before either has counted its claim."""
        clients = [self.client(self.start_server()) for _ in range(2)]
        self.make_gateway(clients[0], max_connections=8)
        self.make_budget(clients[0], 150)
        self.query("""
            CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END $$
        """)
        self.addCleanup(self.query, "DROP FUNCTION be_slow CASCADE")
        self.query("""
            CREATE TRIGGER be_slow BEFORE UPDATE ON sms_gateway_budget_month
            FOR EACH ROW EXECUTE FUNCTION be_slow()
        """)
        self.queue_bulk(400)
        self.together([(client, ('ir.actions.server', 'run', [[self.action]])) for client in clients])
        self.assertEqual(self.states(), {'pending': 150, 'outgoing': 250})
        self.assertEqual(self.spent(), 150)
        self.assertEqual(self.waiting(), 250)
        self.assertEqual(set(self.arrivals().values()), {1})

    def test_killed(self):
        """Given a server that is killed while it sends: what it had claimed and not started counts no longer."""
        server = self.start_server()
        client = self.client(server)
        self.make_gateway(client, max_connections=2)
        self.make_budget(client, 30)
        self.queue_bulk(100)

        def kill(request):
            server.kill()
            return self.provider.accept(request)

        self.provider.answer(kill)
        with self.assertRaises(OSError):
            self.run_queue(client)
        self.assertEqual(self.spent(), 30)
        self.expire_claims()
        client = self.client(self.start_server())
        for _ in range(3):
            self.run_queue(client)
        states = self.states()
        self.assertEqual(states['pending'] + states['error'], 30)
        self.assertEqual(states['outgoing'], 70)
        self.assertEqual(self.spent(), 30)
        self.assertEqual(set(self.arrivals().values()), {1})
