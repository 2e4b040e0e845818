# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports that come at the same moment, or too early, are all recorded, by real connections."""
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.parse import urlsplit

from common import SendingCase, environment
from provider import report_delivery

PARAMETERS = [
    [0, 0, {'key': 'to', 'param_type': 'number'}],
    [0, 0, {'key': 'text', 'param_type': 'message'}],
    [0, 0, {'key': 'ref', 'value': '{uuid}', 'param_type': 'other'}],
    [0, 0, {'key': 'callback', 'value': '{callback_url}', 'param_type': 'other'}],
]


class CallbackCase(SendingCase):

    def setUp(self):
        super().setUp()
        self.query("DELETE FROM sms_gateway_early_report")
        self.query("DELETE FROM sms_gateway_received_report")
        self.query("DELETE FROM sms_tracker")
        self.query("DELETE FROM mail_notification WHERE notification_type = 'sms'")

    def start(self, *args, **values):
        """Given a server and a gateway whose delivery callbacks are on."""
        self.server = self.start_server(*args)
        self.rpc = self.client(self.server)
        values = {'delivery_callback_enabled': True, 'delivery_callback_error_message_param': 'words', **values}
        self.gateway = self.make_gateway(self.rpc, **values)
        token = self.query("SELECT delivery_callback_token FROM sms_gateway WHERE id = %s", self.gateway)[0][0]
        self.callback = f'{self.server.url}/eis_sms/callback/{token}'

    def uuids(self):
        return [uuid for uuid, in self.query("SELECT uuid FROM sms_sms ORDER BY id")]

    def send(self, count):
        self.queue(count)
        self.run_queue(self.rpc)
        self.assertEqual(self.states(), {'pending': count})
        return self.uuids()

    def send_message(self):
        """An SMS in the chatter of a contact. :return: its UUID"""
        partner = self.rpc.call('res.partner', 'create', [[{'name': "Jo", 'phone': '+32456001122'}]])
        composer = self.rpc.call('sms.composer', 'create', [[{
            'composition_mode': 'comment', 'res_model': 'res.partner', 'res_id': partner[0], 'body': "Hello"}]])
        self.rpc.call('sms.composer', 'action_send_sms', [composer])
        return self.uuids()[-1]

    def call_at_once(self, reports):
        """One connection for each report, all of them in the same moment. :return: the HTTP statuses"""
        barrier = threading.Barrier(len(reports))
        statuses = []

        def call(report):
            barrier.wait()
            statuses.append(self.call_surely(report))

        threads = [threading.Thread(target=call, args=(report,)) for report in reports]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    def wait_for_reports(self):
        """Reports are applied after the call was answered."""
        self.wait_until(lambda: self.unapplied() == 0, 60)

    def unapplied(self):
        return self.query("SELECT count(*) FROM sms_gateway_received_report WHERE applied_date IS NULL")[0][0]

    def hold_row(self, uuid):
        """Lock the status row of an SMS. :return: the connection that holds it"""
        other = self.begin()
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM sms_gateway_status WHERE sms_uuid = %s FOR UPDATE", [uuid])
        return other

    def report_before_the_answer(self, choose_statuses):
        """Let the provider call back before it accepts an SMS.

        :param choose_statuses: gives the status values of a request
        :return list: the HTTP statuses of the callback's answers
        """
        answers = []

        def report_and_accept(request):
            document = request.document()
            callback = self.server.url + urlsplit(document['callback'][0]).path
            for status in choose_statuses(request):
                answers.append(report_delivery(callback, uuid=document['ref'][0], status=status))
            return self.provider.accept(request)

        self.provider.always(report_and_accept)
        return answers

    def call_surely(self, report):
        """Call again when the server's queue of connections is full, as a provider does."""
        while True:
            try:
                return report_delivery(self.callback, **report)
            except HTTPError as error:
                return error.code
            except OSError:
                time.sleep(random.random())

    def answer_to(self, uuid):
        """:return: HTTP status and Retry-After"""
        try:
            return report_delivery(self.callback, uuid=uuid, status='delivered'), None
        except HTTPError as error:
            return error.code, error.headers['Retry-After']

    def restart(self):
        """Start another server after the first was killed."""
        path = urlsplit(self.callback).path
        self.server = self.start_server()
        self.rpc = self.client(self.server)
        self.callback = self.server.url + path

    def assert_nothing_is_open(self):
        states = [state for state, _query in self.sessions()]
        self.assertNotIn('idle in transaction', states)
        self.assertNotIn('idle in transaction (aborted)', states)


class TestCallbacks(CallbackCase):

    def test_two_reports_for_one_sms_at_once(self):
        """Delivered wins over failed, whichever comes first; the chatter and the status row agree."""
        self.start()
        for _ in range(10):
            uuid = self.send_message()
            statuses = self.call_at_once([
                {'uuid': uuid, 'status': status, 'words': "Handset off"}
                for status in ('failed', 'delivered', 'failed', 'sent')])
            self.assertEqual(statuses, [200] * 4)
            self.wait_for_reports()
            self.assertEqual(self.query("""
                SELECT s.state, s.failure_reason, n.notification_status, n.failure_type, n.failure_reason, r.state,
                       r.failure_type
                FROM sms_sms s JOIN sms_tracker t ON t.sms_uuid = s.uuid
                JOIN mail_notification n ON n.id = t.mail_notification_id
                JOIN sms_gateway_status r ON r.sms_uuid = s.uuid WHERE s.uuid = %s
            """, uuid), [('sent', None, 'sent', None, None, 'success', None)])
        self.assert_nothing_is_open()
        self.assert_log_clean(self.server)

    def test_two_reports_for_one_sms_at_once_without_track_status(self):
        self.start(create_status=False)
        for _ in range(10):
            uuid = self.send_message()
            self.assertEqual(self.call_at_once([
                {'uuid': uuid, 'status': status, 'words': "Handset off"}
                for status in ('failed', 'delivered', 'failed', 'canceled')]), [200] * 4)
            self.wait_for_reports()
            self.assertEqual(self.query("""
                SELECT s.state, n.notification_status, n.failure_reason FROM sms_sms s
                JOIN sms_tracker t ON t.sms_uuid = s.uuid JOIN mail_notification n ON n.id = t.mail_notification_id
                WHERE s.uuid = %s
            """, uuid), [('sent', 'sent', None)])
        self.assert_log_clean(self.server)

    def test_200_calls_at_once(self):
        """Reports for 200 SMS by 200 connections, more than Odoo has database connections: each arrives, and nothing
        is left open."""
        self.start()
        uuids = self.send(200)
        statuses = self.call_at_once([{'uuid': uuid, 'status': 'delivered'} for uuid in uuids])
        self.assertEqual(statuses, [200] * 200)
        self.wait_for_reports()
        self.assertEqual(self.states(), {'sent': 200})
        self.assertEqual(self.query(
            "SELECT count(*) FROM sms_gateway_status WHERE state = 'success' AND delivered_date IS NOT NULL"), [(200,)])
        self.assert_nothing_is_open()
        self.assert_log_clean(self.server)

    def slow_call(self, headers='', body=b'uuid='):
        """Begin a call whose body does not come. :return: the socket"""
        parts = urlsplit(self.callback)
        call = socket.create_connection((parts.hostname, parts.port), timeout=30)
        self.addCleanup(call.close)
        call.sendall(f'POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 100\r\n'
                     f'Content-Type: application/x-www-form-urlencoded\r\n{headers}\r\n'.encode() + body)
        return call

    def test_slow_bodies_hold_no_connection(self):
        """80 calls whose bodies do not come, more than Odoo has database connections."""
        self.start()
        uuid, = self.send(1)
        calls = []
        for _batch in range(8):  # each looks its gateway up on a connection, and gives it back
            calls += [self.slow_call() for _ in range(10)]
            quiet = 0
            while quiet < 5:  # in a row: a call that was not accepted yet holds nothing either
                time.sleep(0.05)
                busy = self.query("""
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
                """) != [(0,)]
                quiet = 0 if busy else quiet + 1
        self.assertEqual(report_delivery(self.callback, uuid=uuid, status='delivered'), 200)
        self.wait_for_reports()
        self.assertEqual(self.states(), {'sent': 1})
        for call in calls:
            call.sendall(b'x' * 95)
            self.assertIn(b' 200 ', call.recv(100))
        self.assert_log_clean(self.server)

    def test_sender_is_checked_before_the_body(self):
        self.start(delivery_callback_check='networks', delivery_callback_check_networks='192.0.2.0/24')
        self.assertIn(b' 403 ', self.slow_call().recv(100))
        self.rpc.call('sms.gateway', 'write', [[self.gateway], {
            'delivery_callback_check': 'basic', 'delivery_callback_check_username': 'provider',
            'delivery_callback_check_password': 'p-s3cret'}])
        self.assertIn(b' 403 ', self.slow_call(headers='Authorization: Basic eDp5\r\n').recv(100))

    def test_waiting_report_leaves_no_transaction_open(self):
        """While a report waits for a row that somebody else holds, only its own short transaction is open."""
        self.start()
        uuid, = self.send(1)
        other = self.hold_row(uuid)
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(report_delivery, self.callback, uuid=uuid, status='delivered')
            self.wait_until(lambda: self.query("""
                SELECT 1 FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s
            """, '%sms_gateway_status%'))
            idle = self.query("""
                SELECT query FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> %s
            """, other.get_backend_pid())
            self.assertEqual(call.result(), 200, "the provider does not wait for the row")
            other.rollback()
            self.wait_for_reports()
        self.assertEqual(idle, [])

    def test_report_before_the_answer(self):
        """The provider calls back before it answers the request: the reports are kept, and applied with the answer."""
        self.start('--workers=4', parameter_ids=PARAMETERS)
        statuses = self.report_before_the_answer(
            lambda request: ('sent', 'delivered' if request.index % 2 else 'failed'))
        self.queue(60)
        self.run_queue(self.rpc)
        self.assertEqual(statuses, [200] * 120)
        self.wait_for_reports()
        self.assertEqual(self.states(), {'sent': 30, 'error': 30})
        self.assertEqual(self.query("SELECT count(*) FROM sms_gateway_early_report"), [(0,)])
        self.assert_log_clean(self.server)

    def test_reports_while_sends_are_recorded(self):
        """Reports race with the transaction that records the send: none is lost between the two."""
        self.start('--workers=4')
        calls = []

        def accept_and_report(request):
            reply = self.provider.accept(request)
            calls.append(pool.submit(
                report_delivery, self.callback, request.index % 5 / 100, message_id=reply.body['id'],
                status='delivered'))
            return reply

        self.provider.always(accept_and_report)
        self.queue(600)
        with ThreadPoolExecutor(16) as pool:
            self.run_queue(self.rpc)
        self.assertEqual({call.result() for call in calls}, {200})
        self.wait_for_reports()
        self.assertEqual(self.states(), {'sent': 600})
        self.assertEqual(self.query("SELECT count(*) FROM sms_gateway_early_report"), [(0,)])
        self.assert_log_clean(self.server)

    def test_report_that_cannot_be_applied_yet(self):
        """Given a row that somebody else holds: the report is stored, and the queue action applies it later."""
        self.query(f'ALTER DATABASE "{self.database}" SET lock_timeout = 50')
        self.addCleanup(self.query, f'ALTER DATABASE "{self.database}" RESET lock_timeout')
        self.start()
        uuid, other_uuid = self.send(2)
        other = self.hold_row(uuid)
        self.assertEqual(report_delivery(self.callback, uuid=uuid, status='delivered'), 200)
        self.assertEqual(report_delivery(self.callback, uuid=other_uuid, status='delivered'), 200)
        self.wait_until(lambda: self.query("SELECT tries FROM sms_gateway_received_report ORDER BY id") == [(1,), (0,)])
        self.wait_until(lambda: self.states() == {'pending': 1, 'sent': 1})
        other.rollback()
        self.run_queue(self.rpc)
        self.assertEqual(self.states(), {'sent': 2})
        self.assertEqual(self.unapplied(), 0)

    def test_reports_that_cannot_be_stored(self):
        """503: the provider should call again. Given an inbox that somebody else has locked."""
        self.query(f'ALTER DATABASE "{self.database}" SET lock_timeout = 50')
        self.addCleanup(self.query, f'ALTER DATABASE "{self.database}" RESET lock_timeout')
        self.start()
        uuid, = self.send(1)
        other = self.begin()
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE sms_gateway_received_report")
        with self.assertRaises(HTTPError) as raised:
            report_delivery(self.callback, uuid=uuid, status='delivered')
        error = raised.exception
        self.assertEqual((error.code, error.read()), (503, b"Service Unavailable"))
        self.assertTrue(error.headers['Retry-After'].isdecimal())
        other.rollback()
        self.assertEqual(report_delivery(self.callback, uuid=uuid, status='delivered'), 200)
        self.wait_for_reports()
        self.assertEqual(self.states(), {'sent': 1})

    def test_killed_in_the_middle(self):
        """Given a server that is killed three times among 600 reports: what it has acknowledged is applied once."""
        self.start()
        acknowledged = []
        for _kill in range(3):
            known = set(self.uuids())
            self.queue(200)
            self.run_queue(self.rpc)
            uuids = [uuid for uuid in self.uuids() if uuid not in known]
            server, victim = self.server, uuids[100]

            def call(uuid, server=server, victim=victim):
                try:
                    if report_delivery(self.callback, uuid=uuid, status='delivered') == 200:
                        acknowledged.append(uuid)
                except OSError:
                    return  # not acknowledged
                if uuid == victim:
                    server.kill()

            with ThreadPoolExecutor(8) as pool:
                list(pool.map(call, uuids))
            self.restart()
        self.assertGreaterEqual(len(acknowledged), 3 * (100 - 8))  # each kill interrupts up to eight calls
        self.run_queue(self.rpc)
        self.assertEqual(self.unapplied(), 0)
        delivered = {uuid for uuid, in self.query(
            "SELECT sms_uuid FROM sms_gateway_status WHERE delivered_date IS NOT NULL")}
        self.assertLessEqual(set(acknowledged), delivered)
        self.assertEqual(self.query("""
            SELECT count(*) FROM sms_sms s JOIN sms_gateway_status r ON r.sms_uuid = s.uuid
            WHERE (s.state = 'sent') IS DISTINCT FROM (r.delivered_date IS NOT NULL)
        """), [(0,)])

    def test_no_database_connection_left(self):
        """503 with Retry-After, not a traceback. Given a pool whose connections are all in use."""
        self.start('--db_maxconn=4')
        uuid, = self.send(1)
        other = self.begin()
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE sms_gateway IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(40) as pool:
            calls = [pool.submit(self.answer_to, uuid) for _ in range(40)]
            self.wait_until(lambda: any(call.done() for call in calls))
            statuses = [call.result() for call in calls if call.done()]
            other.rollback()
            late = {call.result()[0] for call in calls}
        self.assertEqual({status for status, _retry_after in statuses}, {503})
        self.assertTrue(all(retry_after.isdecimal() for _status, retry_after in statuses))
        self.assertLessEqual(late, {200, 503})
        self.assertEqual(report_delivery(self.callback, uuid=uuid, status='delivered'), 200)
        self.wait_for_reports()
        self.assertEqual(self.states(), {'sent': 1})
        self.assert_log_clean(self.server)


class TestCallbacksOfTestButton(CallbackCase):
    modules = ('mass_mailing_sms', environment.ADDON)

    def test_report_before_the_answer(self):
        """SMS Marketing's Test button sends within its own transaction, which cannot see the reports that come
        meanwhile: they are applied as soon as it is over."""
        self.start('--workers=4', parameter_ids=PARAMETERS)
        answers = self.report_before_the_answer(lambda request: ['delivered'])
        model = self.query("SELECT id FROM ir_model WHERE model = 'res.partner'")[0][0]
        mailing = self.rpc.call('mailing.mailing', 'create', [[{
            'subject': "Sale", 'mailing_type': 'sms', 'body_plaintext': "Sale", 'mailing_model_id': model}]])
        wizard = self.rpc.call('mailing.sms.test', 'create', [[{
            'mailing_id': mailing[0], 'numbers': '+32456001122'}]])
        self.rpc.call('mailing.sms.test', 'action_send_sms', [wizard])
        self.assertEqual(answers, [200])
        self.wait_for_reports()
        self.assertEqual(self.states(), {'sent': 1})
        self.assertEqual(self.query("SELECT count(*) FROM sms_gateway_early_report"), [(0,)])
        self.assert_log_clean(self.server)
