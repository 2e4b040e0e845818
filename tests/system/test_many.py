# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Several processes and servers share a queue, a campaign or a rate limit."""
import contextlib
import threading

from common import CRON, NUMBER_LIST, Reply, WorkersCase, environment


class TestMany(WorkersCase):

    def drain_together(self, count):
        """Run the queue action in so many workers at once, as copies of it do."""
        self.together([(self.admin, ('ir.actions.server', 'run', [[self.action]])) for _worker in range(count)])

    def call_in_lock_order(self, low, high, *call):
        """Make a call while the throttle of one gateway is locked. Fails if it holds that of the other meanwhile."""
        with contextlib.closing(self.begin()) as other:
            other.cursor().execute("SELECT 1 FROM sms_gateway_throttle WHERE gateway_id = %s FOR UPDATE", [low])
            caller = self.in_background(self.admin.call, *call)
            self.wait_until(lambda: self.query("""
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""))
            self.query("SELECT 1 FROM sms_gateway_throttle WHERE gateway_id = %s FOR UPDATE NOWAIT", high)
        caller.join()

    def test_three_processes_share_a_rate_limit(self):
        """Given 20 SMS per Second and three processes that send at once: the provider never sees more."""
        self.make_gateway(self.admin, max_connections=8, rate_limit=20, timeout=5)
        self.queue(81)
        self.drain_together(3)
        self.assertEqual(self.states(), {'pending': 81})
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertLessEqual(self.provider.busiest_second(), 21)

    def test_rate_limit_after_a_delay(self):
        """Given three processes that share a limit, of which the first is held up after it took its places in the line:
        what is late goes later than the others', not together with them."""
        self.make_gateway(self.admin, max_connections=8, rate_limit=20, timeout=5)
        self.queue(60)
        other = self.begin()
        other.cursor().execute("LOCK TABLE sms_sms IN SHARE MODE")  # a claim writes there after all else
        release = threading.Timer(1, other.rollback)
        release.start()
        self.addCleanup(release.join)
        self.drain_together(3)
        self.assertEqual(self.states(), {'pending': 60})
        self.assertEqual(set(self.arrivals().values()), {1})
        self.assertLessEqual(self.provider.busiest_second(), 21)

    def test_two_rate_limits_at_once(self):
        """Given two processes that each need places of the same two gateways, in opposite order: neither waits for the
        other for ever."""
        for prefixes in ('+32456000001,+32456000004', '+32456000002,+32456000003'):
            gateway = self.make_gateway(self.admin, rate_limit=20, country_prefixes=prefixes)
            self.query("INSERT INTO sms_gateway_throttle (gateway_id) VALUES (%s)", gateway)
        self.queue(4)
        ids = [row[0] for row in self.query("SELECT id FROM sms_sms ORDER BY id")]
        with contextlib.closing(self.begin()) as other:
            other.cursor().execute("SELECT 1 FROM sms_gateway_throttle FOR UPDATE")
            sends = [self.in_background(self.admin.call, 'sms.sms', 'send', [part]) for part in (ids[:2], ids[2:])]
            self.wait_until(lambda: self.query("""
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                HAVING count(*) = 2"""))
        for send in sends:
            send.join()
        self.wait_until(lambda: self.states() == {'pending': 4})  # the users did not wait for the limits
        self.assert_nothing_logged()

    def test_probe_and_rate_limit(self):
        """Given a claim that probes one gateway and needs a place of another, whose throttle is locked: it locks them
        in the order of their IDs, as claims without a probe do, so it does not hold the second while it waits."""
        low, high = (self.make_gateway(self.admin, rate_limit=20, country_prefixes=f'+3245600000{number}')
                     for number in (1, 2))
        self.query("INSERT INTO sms_gateway_throttle (gateway_id) VALUES (%s)", low)
        self.query("INSERT INTO sms_gateway_throttle (gateway_id, failures, pause_kind, paused_until) "
                   "VALUES (%s, 1, 'failing', now() AT TIME ZONE 'UTC' - interval '1 minute')", high)
        self.queue(2)
        ids = [row[0] for row in self.query("SELECT id FROM sms_sms ORDER BY id")]
        self.call_in_lock_order(low, high, 'sms.sms', 'send', [ids])
        self.wait_until(lambda: self.states() == {'pending': 2})  # the user did not wait for the limit
        self.assertEqual(self.query("SELECT failures FROM sms_gateway_throttle WHERE gateway_id = %s", high), [(0,)])
        self.assert_nothing_logged()

    def test_probes_of_two_gateways_that_are_not_sent(self):
        """Given a run that gives back the probes of two gateways, the first of which is locked: it does not hold the
        second while it waits."""
        low, high = self.make_gateway(self.admin), self.make_gateway(self.admin)
        for gateway in (high, low):
            self.query("INSERT INTO sms_gateway_throttle (gateway_id, paused_until) VALUES (%s, '2040-01-01')", gateway)
        action = self.admin.call('ir.actions.server', 'create', [[{
            'name': "Give back", 'state': 'code',
            'model_id': self.query("SELECT id FROM ir_model WHERE model = 'sms.gateway.throttle'")[0][0],
            'code': "until = datetime.datetime(2040, 1, 1)\n"
                    f"env['sms.gateway.throttle']._give_back_probes({{{high}: until, {low}: until}})"}]])
        self.call_in_lock_order(low, high, 'ir.actions.server', 'run', [action])
        self.assertEqual(
            self.query("SELECT count(*) FROM sms_gateway_throttle WHERE paused_until < '2040-01-01'"), [(2,)])
        self.assert_nothing_logged()

    def test_workers_that_count_together(self):
        """Given two servers with users who send one SMS each through a provider that fails: three are risked."""
        clients = [self.admin, self.client(self.start_workers())]
        self.make_gateway(self.admin)
        self.provider.always(Reply(500, "Panic"))
        self.queue(12)
        ids = [row[0] for row in self.query("SELECT id FROM sms_sms ORDER BY id")]
        for number, sms_id in enumerate(ids[:3]):
            clients[number % 2].call('sms.sms', 'send', [[sms_id]])
            self.wait_until(lambda done=number + 1: self.states().get('error') == done)
        self.together([(clients[index % 2], ('sms.sms', 'send', [[sms_id]])) for index, sms_id in enumerate(ids[3:])])
        self.assertEqual(self.states(), {'error': 3, 'outgoing': 9})
        self.assertEqual(len(self.provider.requests), 3)
        self.assertEqual(self.query("SELECT failures, pause_kind FROM sms_gateway_throttle"), [(1, 'failing')])

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


class TestCampaignOfSeveralWorkers(WorkersCase):

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
        self.assertEqual(self.query("SELECT count(*) FROM sms_sms WHERE mailing_id = %s", mailing), [(300,)])
        self.together([(clients[part % 2], ('ir.actions.server', 'run', [[self.action]])) for part in range(6)])
        self.assertEqual(self.states(), {'pending': 300})
        self.assertEqual(set(self.arrivals().values()), {1})
        # on a busy machine some arrive 0.1 s after they were sent
        self.assertLessEqual(self.provider.busiest_second(), 105)
        self.assertEqual(
            self.query("SELECT trace_status, count(*) FROM mailing_trace GROUP BY trace_status"), [('pending', 300)])
        self.assertEqual(self.query("SELECT state FROM mailing_mailing WHERE id = %s", mailing), [('done',)])
        for server in servers:
            self.assert_log_clean(server)
            log = server.log.read_text(encoding='utf-8')
            for words in ('could not serialize', 'SERIALIZATION_FAILURE', 'after a database error'):
                self.assertNotIn(words, log)
