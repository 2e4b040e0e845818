# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One SMS that the database or another addon refuses stops no other, and is not tried forever."""
import signal
import time
from unittest.mock import patch

import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..sending import run as run_module
from ..sending.after_commit import make_run
from ..sending.store import lost_claims, retry_time
from ..sending.store import store as store_module
from ..sending.store.retry_time import RetryTime, is_outage
from ..sending.store.store import Store
from ..sending.store.transactions import OwnTransactions
from .common import DOUBT, GatewayCase
from .provider import Reply

POISON, GOOD = '+32456000666', '+32456000001'
LOGGERS = ('odoo.sql_db', 'odoo.addons.eis_sms_apis.sending')


class IsolationCase(GatewayCase):

    def refuse_in(self, table, condition, when='INSERT OR UPDATE', code='P0001'):
        """A trigger that raises for the rows of one SMS, as another addon or a database administrator makes them."""
        self.env.flush_all()
        self.env.cr.execute(f"""
            CREATE OR REPLACE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {condition} THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse_sms BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_{table}();
        """)

    def make_message(self, number):
        message = self.make_contact()._message_sms("Hello", sms_numbers=[number], put_in_queue=True)
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        return sms, message.notification_ids

    def lose_claims(self, *all_sms):
        """Let a worker die that has claimed these SMS."""
        self.env.flush_all()
        self.env.cr.execute("""
            UPDATE sms_sms SET state = 'process', attempt = 1, gateway_id = %s,
                claimed_until = (now() AT TIME ZONE 'UTC') - interval '1 hour' WHERE id = ANY(%s)
        """, [self.gateway.id, [sms.id for sms in all_sms]])
        self.env.invalidate_all()

    def run_queue(self):
        with mute_logger(*LOGGERS):
            self.env['sms.sms']._process_queue()
        self.env.invalidate_all()


@tagged('post_install', '-at_install')
class TestIsolation(IsolationCase):

    def check_lost_claims(self, prepare, notification_status='exception', poison_row=True):
        """:param prepare: called with the SMS, its notification; refuses what concerns this SMS"""
        poison, notification = self.make_message(POISON)
        good, good_notification = self.make_message(GOOD)
        prepare(poison, notification)
        self.lose_claims(poison, good)
        waiting = self.make_sms('+32456000002')
        self.run_queue()
        self.assertEqual((waiting.state, good.state, poison.state), ('pending', 'error', 'error'))
        self.assertFalse(poison.claimed_until)
        self.assertIn(DOUBT, poison.failure_reason)
        self.assertEqual(good_notification.notification_status, 'exception')
        self.assertEqual(notification.notification_status, notification_status)
        self.assertTrue(self.status_of(good))
        self.assertEqual(bool(self.status_of(poison)), poison_row)
        with patch.object(lost_claims, 'save_results') as save:
            self.run_queue()
        save.assert_not_called()

    def test_lost_claim_whose_status_row_is_refused(self):
        self.check_lost_claims(lambda _sms, _notification: self.refuse_in(
            'sms_gateway_status', f"NEW.number = '{POISON}'"), poison_row=False)

    def test_lost_claim_whose_notification_is_refused(self):
        self.check_lost_claims(lambda _sms, notification: self.refuse_in(
            'mail_notification', f"NEW.id = {notification.id}"), notification_status='ready')

    def test_lost_claim_whose_tracker_is_refused(self):
        self.check_lost_claims(lambda sms, _notification: self.refuse_in('sms_tracker', f"NEW.sms_uuid = '{sms.uuid}'"))

    def test_lost_claim_that_fails_as_on_a_full_disk(self):
        """An error that may pass, by its kind, is none of the whole database."""
        pauses = []
        with patch('time.sleep', pauses.append):
            self.check_lost_claims(lambda _sms, _notification: self.refuse_in(
                'sms_gateway_status', f"NEW.number = '{POISON}'", code='53100'), poison_row=False)
        self.assertTrue(0 < sum(pauses) < 60, pauses)

    def test_lost_claim_of_which_an_addon_raises(self):
        model = type(self.env['sms.sms'])

        def raise_for_poison(sms, _results):
            if POISON in sms.mapped('number'):
                raise ValueError("of another addon")

        with patch.object(model, '_handle_call_result_hook', raise_for_poison):
            self.check_lost_claims(lambda _sms, _notification: None)

    def test_lost_claim_whose_failure_is_refused(self):
        """Even where the state cannot be written, the claim ends."""
        poison, good = self.make_sms(POISON), self.make_sms(GOOD)
        self.lose_claims(poison, good)
        self.refuse_in('sms_sms', f"NEW.number = '{POISON}' AND NEW.state = 'error'", 'UPDATE')
        self.run_queue()
        self.assertEqual((good.state, poison.state, poison.claimed_until), ('error', 'process', False))

    def test_answer_whose_status_row_is_refused(self):
        """What the provider said is written at once, where it can be, not after the lease."""
        for reply, state, shown in ((200, 'pending', 'pending'), (Reply(400, "No"), 'error', 'exception')):
            with self.subTest(state=state):
                self.refuse_in('sms_gateway_status', f"NEW.number = '{POISON}'")
                self.addCleanup(self.env.cr.execute, "DROP TRIGGER IF EXISTS refuse_sms ON sms_gateway_status")
                poison, notification = self.make_message(POISON)
                good, _notification = self.make_message(GOOD)
                self.always_answer(reply)
                self.run_queue()
                self.assertEqual((poison.state, poison.claimed_until, good.state), (state, False, state))
                self.assertEqual(notification.notification_status, shown)
                self.env.cr.execute("DROP TRIGGER refuse_sms ON sms_gateway_status")

    def test_return_to_the_queue_that_is_refused(self):
        poison, good = self.make_sms(POISON), self.make_sms(GOOD)
        self.refuse_in('sms_sms', f"NEW.number = '{POISON}' AND NEW.state = 'outgoing' AND OLD.state = 'process'",
                       'UPDATE')
        self.always_answer(429)
        self.run_queue()
        self.assertEqual((poison.state, good.state), ('process', 'outgoing'))

    def test_missing_report_that_is_refused(self):
        self.gateway.success_key = 'queued'
        self.always_answer("?")
        for table in ('mail_notification', 'sms_sms', 'sms_tracker'):
            with self.subTest(table=table):
                self.gateway.delivery_callback_enabled = True
                (poison, notification), (good, good_notification) = self.make_message(POISON), self.make_message(GOOD)
                (poison + good).send()
                self.assertEqual((poison.state, good.state), ('process', 'process'))
                self.env.cr.execute("UPDATE sms_gateway_status SET create_date = create_date - interval '100 hours', "
                                    "sent_date = sent_date - interval '100 hours'")
                self.refuse_in(table, {
                    'mail_notification': f"NEW.id = {notification.id}", 'sms_sms': f"NEW.id = {poison.id}",
                    'sms_tracker': f"NEW.sms_uuid = '{poison.uuid}'"}[table], 'UPDATE')
                waiting = self.make_sms('+32456000002')
                self.run_queue()
                self.env.cr.execute(f"DROP TRIGGER refuse_sms ON {table}")
                self.assertNotEqual(waiting.state, 'outgoing')
                self.assertEqual((good.state, good_notification.notification_status), ('pending', 'pending'))
                self.assertEqual(poison.state, 'process' if table == 'sms_sms' else 'pending')
                self.assertFalse(self.status_of(poison).awaits_report, "not tried again")

    def test_claim_that_is_refused(self):
        """One SMS that cannot even be claimed keeps no other in the queue."""
        good = self.make_sms(*[f'+3245610{index:04d}' for index in range(30)])
        poison = self.make_sms(POISON)
        good += self.make_sms(*[f'+3245611{index:04d}' for index in range(30)])
        self.refuse_in('sms_sms', f"NEW.number = '{POISON}' AND NEW.state = 'process'", 'UPDATE')
        self.run_queue()
        self.assertEqual((set(good.mapped('state')), poison.state), ({'pending'}, 'outgoing'))
        self.assertEqual(len(self.provider.sms), 60)

    def test_claim_that_is_refused_of_a_user(self):
        self.refuse_in('sms_sms', f"NEW.number = '{POISON}' AND NEW.state = 'process'", 'UPDATE')
        both = self.make_sms(GOOD, POISON)
        with mute_logger(*LOGGERS):
            both.send()
        self.assertEqual(both.mapped('state'), ['pending', 'outgoing'])


@tagged('post_install', '-at_install')
class TestRetryTime(IsolationCase):
    """The time that failed writes may take, all together."""

    def setUp(self):
        super().setUp()
        self.slept = 0
        patcher = patch.object(retry_time.time, 'sleep', self.sleep)
        patcher.start()
        self.addCleanup(patcher.stop)

    def sleep(self, seconds):
        self.slept += seconds

    def fail_to_write(self, error, budget, count=100):
        """:return: how often each of many SMS was tried"""
        tries = []

        def fail(_own, part):
            tries.append(len(part))
            raise error

        with mute_logger(*LOGGERS):
            OwnTransactions(self.env, budget).write_each(list(range(count)), fail)
        return tries

    def test_errors_that_may_pass_share_one_budget(self):
        class DiskFull(psycopg2.OperationalError):
            pgcode = '53100'

        tries = self.fail_to_write(DiskFull(), RetryTime(5, 5))
        self.assertLessEqual(self.slept, 5)
        self.assertGreater(tries.count(100), 1, "the whole batch is tried again first")
        self.assertGreaterEqual(tries.count(1), 100, "and each by itself, even with no time left")

    def test_an_outage_is_waited_for_and_no_sms_blamed(self):
        error = psycopg2.OperationalError("server closed the connection unexpectedly")
        tries = self.fail_to_write(error, RetryTime(5, 30))
        self.assertTrue(20 < self.slept <= 30, self.slept)
        self.assertEqual(tries.count(1), 0)

    def test_kinds_of_errors(self):
        def coded(pgcode):
            return type('Coded', (psycopg2.OperationalError,), {'pgcode': pgcode})()

        outages = [
            psycopg2.DatabaseError("server closed the connection unexpectedly\n"),
            psycopg2.InterfaceError("connection already closed"),
            psycopg2.pool.PoolError("The Connection Pool Is Full"),
            psycopg2.OperationalError("FATAL:  the database system is starting up\n"),
            *map(coded, ('57P01', '57P02', '57P03', '08006', '08001', '53300')),
        ]
        others = [
            *map(coded, ('40001', '40P01', '53100', '55P03', '57014')), ValueError(), psycopg2.DataError()]
        self.assertEqual([error for error in outages if not is_outage(error)], [])
        self.assertEqual([error for error in others if is_outage(error)], [])


@tagged('post_install', '-at_install')
class TestLease(IsolationCase):
    """How long others leave the SMS alone that a run has claimed."""

    def read_claims(self, sms):
        self.env.cr.execute("SELECT claimed_until FROM sms_sms WHERE id = ANY(%s) ORDER BY id", [sms.ids])
        return [claimed_until for claimed_until, in self.env.cr.fetchall()]

    def test_claims_are_renewed_while_the_run_lives(self):
        sms = self.make_sms('+32456000001', '+32456000002')
        queued, _configs, store = self.claim(sms)
        before = queued[0].claimed_until
        with patch.object(store_module.time, 'monotonic', return_value=time.monotonic() + 50):
            self.assertTrue(store.renew(queued))
        stored = set(self.read_claims(sms))
        self.assertEqual({one.claimed_until for one in queued}, stored)
        (renewed,) = stored
        self.assertTrue(49 < (renewed - before).total_seconds() < 55)

    def test_claims_that_others_took_over_are_not_renewed(self):
        sms = self.make_sms('+32456000001', '+32456000002')
        queued, _configs, store = self.claim(sms)
        self.env.cr.execute("UPDATE sms_sms SET claimed_until = NULL, state = 'error' WHERE id = %s", [sms[0].id])
        self.assertFalse(store.renew(queued))
        taken, renewed = self.read_claims(sms)
        self.assertIsNone(taken, "it stays as the others left it")
        self.assertEqual(renewed, queued[1].claimed_until)

    def test_a_run_whose_claims_others_took_over_starts_nothing_more(self):
        """Given a run that stood still while its SMS were claimed by another one, only what was under way is sent."""
        self.gateway.max_connections = 1
        sms = self.make_sms(*[f'+32456000{index:03d}' for index in range(40)])
        with mute_logger(*LOGGERS), patch.object(run_module, 'RENEW_AFTER', -1), \
                patch.object(Store, 'renew', lambda _store, queued: not queued):
            make_run(self.env, time.monotonic() + 60, ids=sms.ids).run()
        self.assertTrue(self.provider.sms)
        self.assertLess(len(self.provider.sms), 40)
        self.assertEqual(sms.filtered(lambda one: one.state == 'outgoing').mapped('attempt'),
                         [0] * (40 - len(self.provider.sms)))

    def test_a_claim_that_never_started_goes_back_to_the_queue(self):
        """Given a worker that was interrupted: what it had not given to the provider is sent, the rest is in doubt."""
        sms = self.make_sms(*[f'+3245600001{index}' for index in range(4)])
        self.claim(sms, starts=1, lease=-1)
        self.assertEqual(set(sms.mapped('state')), {'process'})
        self.run_queue()
        self.assertEqual(sms.mapped('state'), ['error', 'pending', 'pending', 'pending'])
        self.assertEqual(sms.mapped('attempt'), [1, 1, 1, 1])
        self.assertEqual(len(self.provider.sms), 3)

    def test_a_claim_that_others_took_over_is_not_started(self):
        sms = self.make_sms('+32456000001', '+32456000002')
        queued, _configs, store = self.claim(sms)
        self.env.cr.execute("UPDATE sms_sms SET claimed_until = NULL, state = 'outgoing' WHERE id = %s", [sms[0].id])
        self.assertEqual(store.mark_started(queued), {sms[1].id})

    def test_a_worker_that_is_told_to_stop_claims_no_more(self):
        """Odoo's handler of the signal is a method of the worker, which notes it in `alive`."""
        class Worker:
            alive = False

            def handle(self, _signal, _frame):
                """As Odoo's."""

        sms = self.make_sms('+32456000001')
        with patch.object(signal, 'getsignal', return_value=Worker().handle):
            self.env['sms.sms']._process_queue()
        self.assertEqual((sms.state, self.provider.requests), ('outgoing', []))
