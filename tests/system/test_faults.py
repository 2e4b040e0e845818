# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""DESIGN, promises: what breaks while SMS are on their way, and what must be true afterwards."""
import contextlib
import http.client
import os
import random
import signal
import threading
import time
from pathlib import Path

from common import LOGGED_ERROR, environment
from sending import CRON, Reply, SendingCase

NUMBER_LIST = [
    [0, 0, {'key': 'to', 'param_type': 'multi_number'}],
    [0, 0, {'key': 'text', 'param_type': 'message'}],
]
# the server dies, its connection to the database does, or the call fails as it should
BROKEN = (OSError, http.client.HTTPException, environment.RpcError)


class FaultCase(SendingCase):
    """Given an Odoo server whose workers are processes (three of them), as in production."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start_workers()

    @classmethod
    def start_workers(cls):
        server = environment.OdooServer(cls.database, '--workers', 3).start()
        cls.addClassCleanup(server.stop)
        return server

    def setUp(self):
        super().setUp()
        self.logged_before = len(self.server.log.read_text(encoding='utf-8'))
        self.admin = self.client(self.server)
        self.action = self.query("SELECT ir_actions_server_id FROM ir_cron WHERE id = " + CRON)[0][0]

    def log(self):
        """:return str: what the server has logged since the test began"""
        return self.server.log.read_text(encoding='utf-8')[self.logged_before:]

    def assert_nothing_logged(self):
        """The server has logged neither an error nor a traceback in this test."""
        self.assertEqual(LOGGED_ERROR.findall(self.log()), [], f'See {self.server.log}.')

    def drain(self):
        """Run core's queue action in one of the workers."""
        self.admin.call('ir.actions.server', 'run', [[self.action]])

    def in_background(self, function, *args):
        """:return: a thread that is over at the end of the test; errors of a broken server are expected in it."""
        def run():
            with contextlib.suppress(*BROKEN):
                function(*args)

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def together(self, calls):
        """Make calls to servers at once, one worker each, and wait for all.

        :param calls: pairs of client and arguments for its `call`
        """
        threads = [threading.Thread(target=client.call, args=arguments) for client, arguments in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def kill_workers(self):
        """SIGKILL to the processes that work; the one above them starts new ones, as after a crash."""
        master = self.server.process.pid
        for pid in Path(f'/proc/{master}/task/{master}/children').read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if b'gevent' not in Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0'):
                    os.kill(int(pid), signal.SIGKILL)

    def make_contacts(self, count):
        """:return list: ids of contacts whose numbers are +32470000001 and so on"""
        return [row[0] for row in self.query("""
            INSERT INTO res_partner (name, complete_name, phone, active)
            SELECT name, name, '+3247' || lpad(n::text, 7, '0'), TRUE
            FROM generate_series(1, %s) AS n, concat('Contact ', n) AS name RETURNING id
        """, count)]

    def busiest_second(self):
        """:return int: the most requests that arrived within any second"""
        times = [request.received for request in self.provider.requests]
        return max(sum(start <= moment < start + 1 for moment in times) for start in times)


class TestFaults(FaultCase):

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
        self.assertTrue(all("may have gone out" in reason for reason in lost))
        return len(lost)

    def test_three_processes_share_a_rate_limit(self):
        """Given 20 SMS per Second and three processes that send at once: the provider never sees more."""
        self.make_gateway(self.admin, max_connections=8, rate_limit=20, timeout=5)
        self.queue(81)
        ids = [row[0] for row in self.query("SELECT id FROM sms_sms ORDER BY id")]
        self.together([(self.admin, ('sms.sms', 'send', [ids[part::3]])) for part in range(3)])
        self.assertEqual(self.states(), {'pending': 81})
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertLessEqual(self.busiest_second(), 21)

    def test_rate_limit_after_a_delay(self):
        """Given three processes that share a limit, of which the first is held up after it took its places in the line:
        what is late goes later than the others', not together with them."""
        self.make_gateway(self.admin, max_connections=8, rate_limit=20, timeout=5)
        self.queue(60)
        ids = [row[0] for row in self.query("SELECT id FROM sms_sms ORDER BY id")]
        other = environment.connect(self.database)
        other.autocommit = False
        with contextlib.closing(other):
            other.cursor().execute("LOCK TABLE sms_sms IN SHARE MODE")  # a claim writes there after all else
            release = threading.Timer(1, other.rollback)
            release.start()
            self.addCleanup(release.join)
            self.together([(self.admin, ('sms.sms', 'send', [ids[part::3]])) for part in range(3)])
        self.assertEqual(self.states(), {'pending': 60})
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertLessEqual(self.busiest_second(), 21)

    def test_two_rate_limits_at_once(self):
        """Given two processes that each need places of the same two gateways, in opposite order: neither waits for the
        other for ever."""
        for prefixes in ('+32456000001,+32456000004', '+32456000002,+32456000003'):
            gateway = self.make_gateway(self.admin, rate_limit=20, country_prefixes=prefixes)
            self.query("INSERT INTO sms_gateway_pace (gateway_id) VALUES (%s)", gateway)
        self.queue(4)
        ids = [row[0] for row in self.query("SELECT id FROM sms_sms ORDER BY id")]
        other = environment.connect(self.database)
        other.autocommit = False
        with contextlib.closing(other):
            other.cursor().execute("SELECT 1 FROM sms_gateway_pace FOR UPDATE")
            sends = [self.in_background(self.admin.call, 'sms.sms', 'send', [part]) for part in (ids[:2], ids[2:])]
            self.wait_until(lambda: self.query("""
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                HAVING count(*) = 2"""))
        for send in sends:
            send.join()
        self.assertEqual(self.states(), {'pending': 4})
        self.assert_nothing_logged()

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
        self.addCleanup(self.provider.always, self.provider.accept)
        self.provider.answer(disable)
        self.drain()
        states = self.states()
        self.assertEqual(states.keys(), {'pending', 'error'})
        self.assertEqual((states['pending'], sum(states.values())), (len(self.arrivals()), 300))
        self.assertEqual(set(self.arrivals().values()), {1})
        reasons = self.query("SELECT DISTINCT failure_reason FROM sms_sms WHERE state = 'error'")
        self.assertEqual(len(reasons), 1)
        self.assertIn("No SMS gateway is Active", reasons[0][0])
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
        other = environment.connect(self.database)
        other.autocommit = False

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
        self.addCleanup(self.provider.always, self.provider.accept)
        self.drain_cut_off('LOCK TABLE sms_gateway_pace IN ACCESS EXCLUSIVE MODE', 'FROM sms_gateway_pace')
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

    # === MANY === #

    def test_user_who_sends_5000(self):
        """Given a user who sends 5,000 SMS from a list: the click sends 100 at most, the queue the rest, all once."""
        self.make_gateway(self.admin, max_connections=4, supports_multiple_recipients=True, parameter_ids=NUMBER_LIST)
        contacts = self.make_contacts(5000)
        composer = self.admin.call('sms.composer', 'create', [[{
            'composition_mode': 'mass', 'mass_force_send': True, 'mass_keep_log': False, 'res_model': 'res.partner',
            'res_ids': repr(contacts), 'body': "Hello"}]])[0]
        self.admin.call('sms.composer', 'action_send_sms', [[composer]])
        self.assertEqual(self.states(), {'pending': 100, 'outgoing': 4900})
        self.assertEqual(len(self.provider.sms), 100)
        self.assertTrue(self.query(f"SELECT 1 FROM ir_cron_trigger WHERE cron_id = {CRON}"), "the queue is woken")
        self.drain()
        self.assertEqual(self.states(), {'pending': 5000})
        self.assertEqual(len(self.arrivals()), 5000)
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assert_nothing_logged()


class TestCampaign(FaultCase):

    # the modules of scripts/test, whose template is there already
    modules = ('contacts', 'mass_mailing_sms', 'sms_twilio', 'test_mail_sms', environment.ADDON)

    def test_six_workers_record_one_campaign(self):
        """Given a campaign and six workers of two servers that send parts of it at once under one rate limit: no
        transaction fails to serialize, the limit holds, and the campaign is done."""
        servers = [self.server, self.start_workers()]
        clients = [self.admin, self.client(servers[1])]
        self.make_gateway(self.admin, max_connections=4, rate_limit=100, timeout=5)
        contacts = self.make_contacts(300)
        mailing = self.admin.call('mailing.mailing', 'create', [[{
            'subject': "Summer sale", 'mailing_type': 'sms', 'body_plaintext': "Sale", 'sms_allow_unsubscribe': False,
            'mailing_model_id': self.query("SELECT id FROM ir_model WHERE model = 'res.partner'")[0][0],
            'mailing_domain': repr([('id', 'in', contacts)])}]])[0]
        self.admin.call('mailing.mailing', 'action_send_sms', [[mailing]])
        ids = [row[0] for row in self.query("SELECT id FROM sms_sms WHERE mailing_id = %s ORDER BY id", mailing)]
        self.assertEqual(len(ids), 300)
        self.together([(clients[part % 2], ('sms.sms', 'send', [ids[part::6]])) for part in range(6)])
        self.assertEqual(self.states(), {'pending': 300})
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertLessEqual(self.busiest_second(), 105)  # on a busy machine some arrive 0.1 s after they were sent
        self.assertEqual(
            self.query("SELECT trace_status, count(*) FROM mailing_trace GROUP BY trace_status"), [('pending', 300)])
        self.assertEqual(self.query("SELECT state FROM mailing_mailing WHERE id = %s", mailing), [('done',)])
        for server in servers:
            self.assert_log_clean(server)
            log = server.log.read_text(encoding='utf-8')
            for words in ('could not serialize', 'SERIALIZATION_FAILURE', 'after a database error'):
                self.assertNotIn(words, log)
