# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS whose server dies on the way are sent by another one, or fail and say that they may have gone out."""
import contextlib
import time

from common import CRON, Reply, SendingCase, environment


class TestCrash(SendingCase):

    def test_killed_between_claim_and_record(self):
        """Given a server that is killed while the provider has the request: nothing is lost, nothing sent twice; the
        SMS fail with a reason that says that they may have gone out, and Retry sends them again."""
        server = self.start_server()
        self.make_gateway(self.client(server), max_connections=4)
        self.queue(20)

        def kill(request):
            server.kill()
            return self.provider.accept(request)

        self.provider.answer(kill)
        with self.assertRaises(OSError):
            self.run_queue(self.client(server))
        self.assertEqual(self.states(), {'process': 20})
        server = self.start_server()
        client = self.client(server)
        self.run_queue(client)
        self.assertEqual(self.states(), {'process': 20}, "a claim that may still be alive is not touched")
        self.expire_claims()
        self.query("UPDATE sms_sms SET not_started = FALSE")  # the others go back to the queue, see below
        self.run_queue(client)
        self.assertEqual(self.states(), {'error': 20})
        self.assertEqual(max(self.arrivals().values()), 1)
        reasons = self.query("SELECT DISTINCT failure_reason, failure_type FROM sms_sms")
        self.assertEqual(len(reasons), 1)
        self.assertIn("may have received this SMS", reasons[0][0])
        self.assertEqual(
            self.query("SELECT DISTINCT state, outcome FROM sms_gateway_status"), [('server_error', 'unknown')])

        ids = [row[0] for row in self.query("SELECT id FROM sms_sms")]
        question = client.call('sms.sms', 'action_retry', [ids])
        self.assertEqual(question['res_model'], 'sms.retry', "asks first, the recipients may have got them")
        client.call('sms.sms', 'action_set_outgoing', [ids])
        self.run_queue(client)
        self.assertEqual(self.states(), {'pending': 20})
        self.assertEqual(self.query("SELECT DISTINCT state, attempt FROM sms_gateway_status"), [('success', 2)])
        self.assertEqual(len(self.arrivals()), 20)
        self.assert_log_clean(server)

    def test_killed_while_a_claim_waits(self):
        """Given a server that is killed when few of the SMS that it has claimed have reached the slow provider: those
        that were not started are sent by the next one, the others are in doubt, and none is sent twice."""
        server = self.start_server(cron_threads=1)
        self.make_gateway(self.client(server), max_connections=4)
        self.queue(100)
        self.provider.always(lambda request: Reply(200, {'id': request.index}, delay=0.5))
        self.wake_queue()
        self.assertTrue(self.provider.wait_for(12))
        server.kill()
        self.assertGreater(self.states()['process'], 60, "the claim was larger than what was started")
        arrived = len(self.arrivals())
        self.provider.always(self.provider.accept)
        self.expire_claims()
        self.run_queue(self.client(self.start_server()))
        states = self.states()
        self.assertLess(states['error'], 25)
        self.assertEqual(states['pending'] + states['error'], 100)
        self.assertGreaterEqual(len(self.arrivals()), 100 - states['error'])
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertLess(arrived, 40)

    def check_stop(self, *args):
        """Stop a server in the middle of a queue, as for an update: what the provider has taken is recorded, the rest
        goes when a server runs again, and no SMS is in doubt."""
        server = self.start_server(*args, cron_threads=1)
        self.make_gateway(self.client(server), max_connections=4)
        self.queue(300)
        self.provider.always(lambda request: Reply(200, {'id': request.index}, delay=0.2))
        self.wake_queue()
        self.assertTrue(self.provider.wait_for(10))
        server.stop()
        states = self.states()
        self.assertEqual(states, {'pending': len(self.arrivals()), 'outgoing': 300 - len(self.arrivals())})
        self.assertLess(states['pending'], 100, "it is not the whole claim")
        self.assertTrue(self.query(
            f"SELECT 1 FROM ir_cron_trigger WHERE cron_id = {CRON} AND call_at <= now() AT TIME ZONE 'UTC'"))
        self.provider.always(self.provider.accept)
        self.run_queue(self.client(self.start_server()))
        self.assertEqual(self.states(), {'pending': 300})
        self.assertEqual(set(self.arrivals().values()), {1})

    def test_stopped_while_it_sends(self):
        """Given a server with threads."""
        self.check_stop()

    def test_workers_stopped_while_they_send(self):
        """Given workers that are processes: the one that sends is told, and does not go on until the queue is empty."""
        self.check_stop('--workers', 1)

    def test_lease_of_a_killed_server(self):
        """Given a server whose jobs may take hours and that is killed: its SMS are not in doubt for hours."""
        server = self.start_server('--limit-time-real-cron', 7200, cron_threads=1)
        self.make_gateway(self.client(server), max_connections=4)
        self.queue(50)
        self.provider.always(Reply(hang=True))
        self.wake_queue()
        self.assertTrue(self.provider.wait_for(1))
        server.kill()
        self.assertTrue(self.states().get('process'))
        longest, = self.query("SELECT EXTRACT(EPOCH FROM max(claimed_until) - now() AT TIME ZONE 'UTC')::float "
                              "FROM sms_sms")[0]
        self.assertLess(longest, 200)
        woken = self.query(f"SELECT EXTRACT(EPOCH FROM call_at - now() AT TIME ZONE 'UTC')::float "
                           f"FROM ir_cron_trigger WHERE cron_id = {CRON}")
        self.assertTrue(any(longest < seconds < 400 for seconds, in woken), (longest, woken))

    def test_database_away_while_it_sends(self):
        """Given a PostgreSQL server that ends all connections and takes none for some seconds, as when it restarts:
        every answer that was there is recorded, and the queue goes on by itself."""
        server = self.start_server(cron_threads=1)
        self.make_gateway(self.client(server), max_connections=4)
        self.queue(150)
        self.provider.always(lambda request: Reply(200, {'id': request.index}, delay=0.1))
        self.wake_queue()
        self.assertTrue(self.provider.wait_for(10))
        with contextlib.closing(environment.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{self.database}" ALLOW_CONNECTIONS false')
            try:
                for _second in range(8):
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.database])
                    time.sleep(1)
            finally:
                cursor.execute(f'ALTER DATABASE "{self.database}" ALLOW_CONNECTIONS true')
        self.wait_until(lambda: self.states() == {'pending': 150}, 150)
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertEqual(len(self.arrivals()), 150)

    def test_killed_before_claim(self):
        """Given a server that is killed before it claims: the SMS are still In Queue and are sent once."""
        server = self.start_server()
        self.make_gateway(self.client(server))
        self.queue(5)
        server.kill()
        self.assertEqual(self.states(), {'outgoing': 5})
        self.run_queue(self.client(self.start_server()))
        self.assertEqual(self.states(), {'pending': 5})
        self.assertEqual(set(self.arrivals().values()), {1})

    def test_killed_between_commit_and_claim(self):
        """Given a server that is killed when a user's SMS are committed and not claimed yet: they are In Queue, and the
        queue is woken within minutes."""
        server = self.start_server()
        client = self.client(server)
        self.make_gateway(client)
        contact = client.call('res.partner', 'create', [[{'name': "Jo", 'phone': '+32456009999'}]])[0]
        composer = client.call('sms.composer', 'create', [[{
            'composition_mode': 'comment', 'res_model': 'res.partner', 'res_id': contact, 'body': "Hello"}]])[0]
        with contextlib.closing(self.begin()) as other:
            other.cursor().execute("LOCK TABLE sms_gateway_throttle IN ACCESS EXCLUSIVE MODE")  # a claim reads it
            click = self.in_background(client.call, 'sms.composer', 'action_send_sms', [[composer]])
            self.wait_until(lambda: self.query("""
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                AND position('FROM sms_gateway_throttle' IN query) > 0"""))
            server.kill()
            click.join()
        self.wait_until(lambda: self.states() == {'outgoing': 1})
        self.assertEqual(self.provider.requests, [])
        self.assertTrue(self.query(f"""
            SELECT 1 FROM ir_cron_trigger WHERE cron_id = {CRON}
            AND call_at < now() AT TIME ZONE 'UTC' + interval '5 minutes'"""))
        self.run_queue(self.client(self.start_server()))
        self.assertEqual(self.states(), {'pending': 1})
        self.assertEqual(dict(self.arrivals()), {'+32456009999': 1})

    def test_database_lost_while_recording(self):
        """Given connections that the database cuts while the provider works: the results are recorded on new ones."""
        server = self.start_server()
        client = self.client(server)
        self.make_gateway(client, max_connections=4)
        self.queue(12)

        def cut(request):
            self.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'")
            return Reply(200, {'id': request.index})

        self.provider.answer(cut)
        contact = client.call('res.partner', 'create', [[{'name': "Jo", 'phone': '+32456009999'}]])[0]
        composer = client.call('sms.composer', 'create', [[{
            'composition_mode': 'comment', 'res_model': 'res.partner', 'res_id': contact, 'body': "Hello"}]])[0]
        client.call('sms.composer', 'action_send_sms', [[composer]])
        self.wait_until(lambda: self.query("SELECT state FROM sms_gateway_status") == [('success',)])
        self.assertEqual(self.arrivals()['+32456009999'], 1)
