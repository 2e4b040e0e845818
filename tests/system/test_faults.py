# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whatever breaks while SMS are on their way, each reaches its provider at most once and none is lost."""
import contextlib
import random
import time

from common import BROKEN, CRON, NUMBER_LIST, Reply, WorkersCase, environment


class TestFaults(WorkersCase):

    # === PROCESSES === #

    def test_killed_at_random_moments(self):
        """Given a send of 1,000 SMS that is killed at ten random moments: every SMS reached the provider at most once,
        and all of them are sent, or failed and say that they may have gone out."""
        self.make_gateway(self.admin, max_connections=8, supports_multiple_recipients=True, max_recipients=5,
                          parameter_ids=NUMBER_LIST)
        self.queue(1000)
        start = time.monotonic()
        self.drain()
        duration = time.monotonic() - start
        outcomes = []
        for _moment in range(10):
            self.query("DELETE FROM sms_gateway_status")
            self.query("DELETE FROM sms_sms")
            self.provider.clear()
            self.queue(1000)
            pause = random.uniform(0, duration)
            drain = self.in_background(self.drain)
            time.sleep(pause)
            self.kill_workers()
            drain.join()
            killed = self.states()
            self.expire_claims()
            self.drain()
            with self.subTest(seconds=pause, killed=killed):
                outcomes.append(self.assert_accounted_for(1000))
        self.assertTrue(any(outcomes), "one of ten kills hits SMS that are under way")

    def assert_accounted_for(self, count):
        """:return int: how many SMS may have gone out"""
        arrivals = self.arrivals()
        rows = self.query("""
            SELECT s.number, s.state, s.failure_reason, status.outcome
            FROM sms_sms s JOIN sms_gateway_status status ON status.sms_uuid = s.uuid
        """)
        self.assertEqual(len(rows), count)
        sent = [number for number, state, _reason, outcome in rows if (state, outcome) == ('pending', 'accepted')]
        lost = [reason for _number, state, reason, outcome in rows if (state, outcome) == ('error', 'unknown')]
        self.assertEqual(len(sent) + len(lost), count, self.states())
        self.assertEqual({arrivals[number] for number in sent}, {1})
        self.assertLessEqual({arrivals[row[0]] for row in rows}, {0, 1})
        self.assertTrue(all("may have received this SMS" in reason for reason in lost))
        return len(lost)

    # === PROVIDERS === #

    def test_provider_misbehaves(self):
        """Given providers that fail in every way there is, each for one of the SMS: each gets the result that it should
        have, and the others theirs."""
        cases = {
            # what the provider does: its reply, states of SMS and status row, outcome
            'hangs': (Reply(hang=True), 'error', 'server_error', 'unknown'),
            'closes before': (Reply(drop='before'), 'error', 'server_error', 'unknown'),
            'closes half way': (Reply(200, {'id': 'x' * 1000}, drop='middle'), 'error', 'server_error', 'unknown'),
            'fails': (Reply(500, "Oops"), 'error', 'server_error', 'unknown'),
            'refuses': (Reply(400, "No"), 'error', 'error', 'refused'),
            'answers garbage': (Reply(200, bytes(range(256)) * 9), 'pending', 'success', 'accepted'),
            'answers 20 MB': (Reply(200, b'x' * 20_000_000), 'pending', 'success', 'accepted'),
            'is well': (Reply(200, {'id': '1'}), 'pending', 'success', 'accepted'),
            'is busy': (Reply(429), 'outgoing', None, None),
            'is busy for 200 s': (Reply(429, headers={'Retry-After': '200'}), 'outgoing', None, None),
        }
        for index, (what, case) in enumerate(cases.items()):
            path = '/' + what.replace(' ', '-')
            self.provider.always(case[0], path=path)
            self.make_gateway(self.admin, name=what, base_url=self.provider.url + path, timeout=2, failover=False,
                              country_prefixes=f'+3247{index}', message_id_regex=False)
            self.query("INSERT INTO sms_sms (uuid, number, body, state, record_company_id) "
                       "VALUES (replace(gen_random_uuid()::text, '-', ''), %s, %s, 'outgoing', 1)",
                       f'+3247{index}000000', what)
        self.drain()
        found = {what: states for what, *states in self.query("""
            SELECT s.body, s.state, status.state, status.outcome
            FROM sms_sms s LEFT JOIN sms_gateway_status status ON status.sms_uuid = s.uuid""")}
        self.assertEqual(found, {what: list(case[1:]) for what, case in cases.items()})
        waits = dict(self.query("SELECT body, EXTRACT(EPOCH FROM send_after - now() AT TIME ZONE 'UTC')::float "
                                "FROM sms_sms WHERE state = 'outgoing'"))
        self.assertTrue(20 < waits['is busy'] <= 60, waits)
        self.assertTrue(170 < waits['is busy for 200 s'] <= 200, waits)
        self.assertLessEqual(self.query("SELECT max(length(response_text)) FROM sms_gateway_status")[0][0], 4096)
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assert_nothing_logged()

    def test_nothing_is_locked_while_a_provider_hangs(self):
        """Given a provider that does not answer: no session of ours is idle in transaction, and the contact of the
        pending SMS can be edited."""
        self.make_gateway(self.admin, timeout=4)
        self.provider.answer(Reply(hang=True))
        contact = self.admin.call('res.partner', 'create', [[{'name': "Jo", 'phone': '+32456009999'}]])[0]
        composer = self.admin.call('sms.composer', 'create', [[{
            'composition_mode': 'comment', 'res_model': 'res.partner', 'res_id': contact, 'body': "Hello"}]])[0]
        send = self.in_background(self.admin.call, 'sms.composer', 'action_send_sms', [[composer]])
        self.assertTrue(self.provider.wait_for(1))
        states = [state for state, _query in self.sessions()]
        self.admin.call('res.partner', 'write', [[contact], {'name': "Joe"}])
        self.assertEqual(self.states(), {'process': 1}, "the provider still hangs")
        self.assertNotIn('idle in transaction', states)
        send.join()
        self.assertEqual(self.states(), {'error': 1})

    def test_gateway_disabled_while_it_sends(self):
        """Given a gateway that an administrator disables while its requests are under way: what it has taken is
        recorded, and the rest fails with a reason that says what to do."""
        self.make_gateway(self.admin, max_connections=2)
        self.queue(300)

        def disable(request):
            self.query("UPDATE sms_gateway SET state = 'disabled'")
            return self.provider.accept(request)

        # slow enough for the next SMS to be claimed while requests are under way
        self.provider.always(lambda request: Reply(200, {'id': request.index}, delay=0.02))
        self.provider.answer(disable)
        self.drain()
        states = self.states()
        self.assertEqual(states.keys(), {'pending', 'error'})
        self.assertEqual((states['pending'], sum(states.values())), (len(self.arrivals()), 300))
        self.assertEqual(set(self.arrivals().values()), {1})
        reasons = self.query("SELECT DISTINCT failure_reason FROM sms_sms WHERE state = 'error'")
        self.assertEqual(len(reasons), 1)
        self.assertIn("No SMS gateway is active", reasons[0][0])
        self.assert_nothing_logged()

    # === DATABASE === #

    def test_connections_cut_during_delivery(self):
        """Given a database that cuts all its connections while requests are under way: all is recorded."""
        self.make_gateway(self.admin, max_connections=4)
        self.queue(12)

        def cut(request):
            self.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE datname = current_database() AND pid <> pg_backend_pid()")
            return self.provider.accept(request)

        self.provider.answer(self.provider.accept, cut)
        with contextlib.suppress(*BROKEN):  # the caller's own transaction may be cut, too
            self.drain()
        self.assertEqual(self.states(), {'pending': 12})
        self.assertEqual(set(self.arrivals().values()), {1})

    def drain_cut_off(self, lock, statement):
        """Run the queue. The first request takes a lock, and the connection that waits for it is cut.

        :param str lock: SQL that takes the lock
        :param str statement: a part of the SQL that waits for it
        """
        other = self.begin()

        def hold_up(request):
            other.cursor().execute(lock)
            return self.provider.accept(request)

        self.provider.answer(hold_up)
        drain = self.in_background(self.drain)
        with contextlib.closing(other):
            self.wait_until(lambda: self.query("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
                AND wait_event_type = 'Lock' AND position(%s IN query) > 0""", statement))
        drain.join()

    def test_connection_cut_during_a_claim(self):
        """Given a connection that is cut while more SMS are claimed: what is under way is recorded, the rest stays in
        the queue, which is woken."""
        self.make_gateway(self.admin, max_connections=2)
        self.queue(150)
        # slow enough for the next SMS to be claimed while requests are under way
        self.provider.always(lambda request: Reply(200, {'id': request.index}, delay=0.02))
        self.drain_cut_off('LOCK TABLE sms_gateway_throttle IN ACCESS EXCLUSIVE MODE', 'FROM sms_gateway_throttle')
        self.assertEqual(self.states(), {'pending': 100, 'outgoing': 50})
        self.assertTrue(self.query(f"SELECT 1 FROM ir_cron_trigger WHERE cron_id = {CRON}"), "the queue is woken")
        self.drain()
        self.assertEqual(self.states(), {'pending': 150})
        self.assertEqual(set(self.arrivals().values()), {1})

    def test_connection_cut_during_recording(self):
        """Given a connection that is cut in the middle of recording: the results are recorded on another one."""
        self.make_gateway(self.admin, max_connections=4)
        self.queue(12)
        self.drain_cut_off('LOCK TABLE sms_gateway_status IN EXCLUSIVE MODE', 'INSERT INTO sms_gateway_status')
        self.assertEqual(self.states(), {'pending': 12})
        self.assertEqual(self.query("SELECT DISTINCT state, attempt FROM sms_gateway_status"), [('success', 1)])
        self.assertEqual(set(self.arrivals().values()), {1})

    def run_code(self, code):
        """Run Python in a request of its own, as a user's click would."""
        model = self.query("SELECT id FROM ir_model WHERE model = 'res.partner'")[0][0]
        action = self.admin.call('ir.actions.server', 'create', [[{
            'name': "Click", 'model_id': model, 'state': 'code', 'code': code}]])[0]
        self.admin.call('ir.actions.server', 'run', [[action]])

    def test_transaction_that_runs_again(self):
        """Given a user's transaction that fails to serialize and is run again by Odoo: one SMS."""
        self.make_gateway(self.admin)
        contact = self.admin.call('res.partner', 'create', [[{'name': "Jo", 'phone': '+32456009999'}]])[0]
        other = environment.connect(self.database)
        with contextlib.closing(other), other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(4711)")
            click = self.in_background(self.run_code, f"""
env['sms.sms'].create({{'number': '+32456009999', 'body': "Once"}}).send()
env.cr.execute("SELECT pg_advisory_xact_lock_shared(4711)")
env['res.partner'].browse({contact}).write({{'name': "Joe"}})
""")
            self.wait_until(lambda: self.query(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"))
            cursor.execute("UPDATE res_partner SET color = 1 WHERE id = %s", [contact])
            cursor.execute("SELECT pg_advisory_unlock(4711)")
        click.join()
        self.assertIn('SERIALIZATION_FAILURE', self.log(), "Odoo has run it again")
        self.assertEqual(self.query("SELECT name FROM res_partner WHERE id = %s", contact), [("Joe",)])
        self.assertEqual(self.states(), {'pending': 1})
        self.assertEqual(dict(self.arrivals()), {'+32456009999': 1})

    def test_transaction_that_is_rolled_back(self):
        """Given a user's transaction that sends and then fails: no SMS."""
        self.make_gateway(self.admin)
        with self.assertRaisesRegex(environment.RpcError, "Not today"):
            self.run_code("""
env['sms.sms'].create({'number': '+32456009999', 'body': "Never"}).send()
raise UserError("Not today")
""")
        self.drain()
        self.assertEqual(self.states(), {})
        self.assertEqual(self.provider.requests, [])
