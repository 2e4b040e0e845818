# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Servers share the queue during quiet hours: nothing is lost or sent twice, and urgent SMS do not wait."""
from common import Reply, SendingCase


class TestQuietHours(SendingCase):

    def make_hours(self, client):
        """Quiet hours all day but for one minute, which was twelve hours ago."""
        self.addCleanup(self.query, "DELETE FROM sms_gateway_quiet")
        minute = self.query(
            "SELECT (EXTRACT(HOUR FROM t) * 60 + EXTRACT(MINUTE FROM t))::int"
            " FROM (SELECT now() AT TIME ZONE 'Europe/Brussels' - interval '12 hours') AS past(t)")[0][0]
        return client.call('sms.gateway.quiet', 'create', [{
            'start_hour': (minute + 1) % 1440 / 60, 'end_hour': minute / 60, 'spread_minutes': 10}])

    def held(self):
        return self.query("SELECT count(*) FROM sms_sms WHERE is_held AND send_after > now() AT TIME ZONE 'UTC'")[0][0]

    def run_both(self, clients):
        self.together([(client, ('ir.actions.server', 'run', [[self.action]])) for client in clients])

    def test_two_servers(self):
        servers = [self.start_server(), self.start_server()]
        clients = [self.client(server) for server in servers]
        self.make_gateway(clients[0], max_connections=8)
        hours = self.make_hours(clients[0])
        self.queue(1000)
        self.query("UPDATE sms_sms SET lane = CASE WHEN id %% 10 = 0 THEN 'urgent' ELSE 'bulk' END"
                   " WHERE state = 'outgoing'")
        urgent = self.query("SELECT count(*) FROM sms_sms WHERE lane = 'urgent' AND state = 'outgoing'")[0][0]
        self.provider.always(lambda request: Reply(200, {'id': request.index}, delay=0.005))
        self.run_both(clients)
        self.assertEqual(self.states(), {'pending': urgent, 'outgoing': 1000 - urgent})
        self.assertEqual(self.held(), 1000 - urgent)
        self.run_both(clients)
        self.assertEqual(len(self.arrivals()), urgent)
        clients[1].call('sms.gateway.quiet', 'unlink', [[hours]])
        self.run_both(clients)
        self.assertEqual(self.states(), {'pending': 1000})
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertEqual(len(self.arrivals()), 1000)
        for server in servers:
            self.assert_log_clean(server)

    def test_killed(self):
        """Given a server that is killed while it sends: what it holds stays held, and nothing is sent twice."""
        server = self.start_server()
        client = self.client(server)
        self.make_gateway(client, max_connections=2)
        self.make_hours(client)
        self.queue(200)
        self.query("UPDATE sms_sms SET lane = CASE WHEN id %% 2 = 0 THEN 'normal' ELSE 'bulk' END"
                   " WHERE state = 'outgoing'")

        def kill(request):
            server.kill()
            return self.provider.accept(request)

        self.provider.answer(kill)
        with self.assertRaises(OSError):
            self.run_queue(client)
        self.expire_claims()
        client = self.client(self.start_server())
        for _ in range(2):
            self.run_queue(client)
        states = self.states()
        self.assertEqual((states['outgoing'], self.held()), (100, 100))
        self.assertEqual(states.get('pending', 0) + states.get('error', 0), 100)
        self.assertEqual(set(self.arrivals().values()), {1})
