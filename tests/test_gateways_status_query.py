# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Providers are asked for the status of SMS whose delivery report is missing: doc/status_queries.md."""
import time
from datetime import timedelta
from itertools import pairwise
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..sending.store import waiting
from .common import NUMBER, NUMBERS, SECRET, DeliveryCase
from .provider import Reply

SEVERAL = {
    'url': '/status?ids={message_ids}', 'ids_per_request': 100, 'message_id_path': '[].id', 'status_path': '[].status'}


class QueryCase(DeliveryCase):
    """Given a gateway without delivery callbacks whose provider is asked 10 minutes after sending."""

    @classmethod
    def get_callback_values(cls):
        return {**super().get_callback_values(), 'delivery_callback_enabled': False, 'query_ids': [(0, 0, {
            'kind': 'status', 'url': '/status/{message_id}?key={token}', 'status_path': 'status',
            'message_id_path': 'id', 'error_code_path': 'code', 'error_message_path': 'words', 'delay_minutes': 10})]}

    def setUp(self):
        super().setUp()
        self.query = self.gateway.query_ids
        self.statuses = {}  # by message ID, what the provider answers
        self.always_answer(self.tell, path=None)

    def tell(self, request):
        """Accept SMS, and tell the status of those that are asked about."""
        if not request.path.startswith('/status'):
            return self.provider.accept(request)
        if reply := self.statuses.get('reply'):
            return reply
        if 'ids' in request.query:
            ids = request.query['ids'][0].split(',')
            return Reply(body=[
                {'id': message_id, 'status': self.statuses[message_id]} for message_id in ids
                if message_id in self.statuses])
        message_id = request.path.rpartition('/')[2]
        if message_id not in self.statuses:
            return Reply(404, {'error': "unknown"})
        status = self.statuses[message_id]
        return Reply(body={'id': message_id, **(status if isinstance(status, dict) else {'status': status})})

    def asked(self):
        return [request.path.rpartition('/')[2] for request in self.provider.requests
                if request.path.startswith('/status')]

    def pass_time(self, minutes):
        """Let everything have happened some minutes earlier."""
        self.env.flush_all()
        self.env.cr.execute("""
            UPDATE sms_gateway_status SET sent_date = sent_date - %(past)s, create_date = create_date - %(past)s,
                query_date = query_date - %(past)s WHERE gateway_id = %(gateway)s
        """, {'past': timedelta(minutes=minutes), 'gateway': self.gateway.id})
        self.env.cr.execute("""
            UPDATE sms_gateway_throttle SET query_paused_until = query_paused_until - %(past)s,
                paused_until = paused_until - %(past)s WHERE gateway_id = %(gateway)s
        """, {'past': timedelta(minutes=minutes), 'gateway': self.gateway.id})
        self.env.invalidate_all()

    def process(self, minutes=0):
        """Run the queue action some minutes later.

        :return: the message IDs that the provider was asked about
        """
        self.pass_time(minutes)
        before = len(self.asked())
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        return self.asked()[before:]


@tagged('post_install', '-at_install')
class TestStatusQuery(QueryCase):

    def test_delivered(self):
        sms, notification = self.send_message()
        row = self.status_of(sms)
        self.assertTrue(row.awaits_report)
        self.statuses[row.message_id] = 'DELIVERED'
        self.assertEqual(self.process(9), [], "The first question comes after ten minutes.")
        self.assertEqual(self.process(1), [row.message_id])
        request = self.provider.requests[-1]
        self.assertEqual((request.method, request.query), ('GET', {'key': [SECRET]}))
        self.assertTrue(row.delivered_date)
        self.assertFalse(row.awaits_report)
        self.assertEqual((sms.state, notification.notification_status), ('sent', 'sent'))
        self.assertEqual(self.process(600), [], "Nothing is left to ask.")
        self.assertFalse(self.gateway.status_query_error)
        self.assertTrue(self.gateway.status_query_date)

    def test_failed_as_in_a_report(self):
        sms, notification = self.send_message()
        row = self.status_of(sms)
        self.statuses[row.message_id] = {'status': 'undelivered', 'code': 30003, 'words': "Handset off"}
        self.process(10)
        self.assertEqual(
            (row.state, row.failure_type, row.error_code, row.error_message),
            ('error', 'sms_invalid_destination', '30003', "Handset off"))
        self.assertEqual(sms.state, 'error')
        self.assertEqual(notification.notification_status, 'bounce')
        report, = self.env['sms.gateway.received.report'].search([('gateway_id', '=', self.gateway.id)])
        self.assertEqual((report.status, report.state, report.result), ('undelivered', 'error', 'matched'))

    def test_growing_intervals(self):
        """The interval doubles, up to six hours, and the SMS is asked about until its report counts as missing."""
        sms = self.send_sms()
        row = self.status_of(sms)
        self.statuses[row.message_id] = 'queued'
        ages = []
        while row.awaits_report:
            minutes = int((row.query_date - fields.Datetime.now()).total_seconds() // 60)
            self.assertEqual(self.process(minutes - 1), [], "It is not due yet.")
            if self.process(2):
                ages.append((fields.Datetime.now() - row.sent_date).total_seconds() / 60)
        self.assertAlmostEqual(ages[0], 10, delta=1)
        for first, second in pairwise(ages):
            self.assertAlmostEqual(second, min(2 * first, first + 360), delta=3)
        self.assertLess(ages[-1], 72 * 60)
        self.assertGreater(ages[-1], 66 * 60)
        self.assertFalse(row.awaits_report)
        self.assertEqual(row.note, "No delivery report.")
        self.assertEqual(
            self.env['sms.gateway.received.report'].search_count([('gateway_id', '=', self.gateway.id)]), 1,
            "Only the first pending report is kept.")

    def test_report_ends_the_questions(self):
        self.gateway.delivery_callback_enabled = True
        row = self.status_of(self.send_sms())
        self.report(message_id=row.message_id, status='delivered')
        self.assertTrue(row.delivered_date)
        self.assertEqual(self.process(60), [])
        row = self.status_of(self.send_sms())
        self.statuses[row.message_id] = 'delivered'
        self.assertEqual(self.process(60), [row.message_id], "The report is missing.")
        self.report(message_id=row.message_id, status='failed')
        self.assertEqual(row.state, 'success', "Delivered is more than failed.")

    def test_queries_do_not_hide_missing_reports(self):
        """Responses to queries are no delivery reports: they do not show that the Callback URL works."""
        self.gateway.delivery_callback_enabled = True
        rows = self.status_of(self.send_sms(*NUMBERS, NUMBER))
        self.statuses = {row.message_id: 'delivered' for row in rows}
        self.process(24 * 60)
        self.assertEqual([bool(row.delivered_date) for row in rows], [True] * 5)
        self.assertFalse(self.gateway.last_report_date or self.gateway.report_count)
        self.assertIn("no delivery report arrived", self.gateway.report_hint)
        self.assertTrue(self.env['sms.gateway.incident']._are_reports_missing(
            self.gateway, fields.Datetime.now() + timedelta(minutes=1)))
        self.assertIn("Status query", rows[0].story)
        self.assertNotIn("Delivery report", rows[0].story)
        self.report(message_id=rows[0].message_id, status='delivered')
        self.assertEqual(self.gateway.report_count, 1)
        self.assertFalse(self.gateway.report_hint)
        self.assertFalse(self.env['sms.gateway.incident']._are_reports_missing(
            self.gateway, fields.Datetime.now() + timedelta(minutes=1)))

    def test_several_in_one_request(self):
        self.query.write({**SEVERAL, 'ids_per_request': 3})
        rows = self.status_of(self.send_sms(*NUMBERS))
        for row, status in zip(rows, ('delivered', 'failed', 'queued', 'x'), strict=True):
            self.statuses[row.message_id] = status
        self.assertEqual(len(self.process(10)), 2)
        sizes = [len(request.query['ids'][0].split(',')) for request in self.provider.requests[-2:]]
        self.assertEqual(sorted(sizes), [1, 3])
        self.assertEqual([row.state for row in rows], ['success', 'error', 'success', 'success'])
        self.assertEqual([bool(row.delivered_date) for row in rows], [True, False, False, False])
        self.assertIn("Unknown delivery status: x", rows[3].note)

    def test_unknown_sms(self):
        """A provider that does not know an SMS yet is asked again, and so it is about the others."""
        rows = self.status_of(self.send_sms(*NUMBERS[:2]))
        self.statuses[rows[1].message_id] = 'delivered'
        self.assertEqual(len(self.process(10)), 2)
        self.assertEqual([bool(row.delivered_date) for row in rows], [False, True])
        self.assertFalse(self.gateway.status_query_paused_until)
        self.assertIn("404", self.gateway.status_query_error)
        self.statuses[rows[0].message_id] = 'delivered'
        self.assertEqual(self.process(11), [rows[0].message_id])
        self.assertTrue(rows[0].delivered_date)
        self.assertFalse(self.gateway.status_query_error)

    def test_asks_to_wait(self):
        """Questions wait as long as the provider asks, and SMS are sent meanwhile."""
        row = self.status_of(self.send_sms())
        self.statuses['reply'] = Reply(429, headers={'Retry-After': '1800'})
        self.process(10)
        self.assertTrue(self.gateway.status_query_paused_until)
        self.assertFalse(self.gateway.paused_until)
        self.statuses.pop('reply')
        self.statuses[row.message_id] = 'delivered'
        other = self.send_sms(NUMBERS[1])
        self.assertEqual(self.status_of(other).state, 'success')
        self.assertEqual(self.process(29), [])
        self.assertIn(row.message_id, self.process(2))
        self.assertTrue(row.delivered_date)
        self.assertFalse(self.gateway.status_query_paused_until)

    def test_pause_grows_with_failures(self):
        self.status_of(self.send_sms())
        self.statuses['reply'] = Reply(500)
        throttles = self.env['sms.gateway.throttle']
        for failures, minutes in ((1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60)):
            self.env.cr.execute("UPDATE sms_gateway_status SET query_date = now() - interval '1 minute'")
            self.assertEqual(len(self.process(61)), 1)
            throttle = throttles.search([('gateway_id', '=', self.gateway.id)])
            self.assertEqual(throttle.query_failures, failures)
            seconds = (throttle.query_paused_until - fields.Datetime.now()).total_seconds()
            self.assertAlmostEqual(seconds / 60, minutes, delta=1)

    def test_garbage(self):
        sms = self.send_sms()
        for reply in (
                Reply(body='<html>Maintenance</html>'), Reply(body='{"status": {"a": []}}'), Reply(body=b'\xff\x00'),
                Reply(body='[' * 5000), Reply(body={'id': 'another', 'status': 'delivered'}), Reply(drop='before'),
                Reply(301, headers={'Location': 'http://127.0.0.1:1/'})):
            self.statuses['reply'] = reply
            self.env.cr.execute("UPDATE sms_gateway_status SET query_date = now() - interval '1 minute'")
            self.assertEqual(len(self.process(61)), 1, reply)
            row = self.status_of(sms)
            self.assertEqual((row.state, row.awaits_report, sms.state), ('success', True, 'pending'), reply)
            self.assertTrue(self.gateway.status_query_error, reply)
        self.assertFalse(self.kept_reports(), "A status of another SMS is ignored.")

    def test_last_status(self):
        """After a value that the provider does not change any more, it is not asked again."""
        self.query.final_values = 'sent'
        row = self.status_of(self.send_sms())
        self.statuses[row.message_id] = 'Sent'
        self.process(10)
        self.assertFalse(row.awaits_report or row.delivered_date or row.note)
        self.assertEqual(row.state, 'success')
        self.assertEqual(self.process(600), [])

    def test_gateways_that_are_not_asked(self):
        self.send_sms()
        for values in ({'state': 'disabled'}, {'active': False}, {'is_dry_run': True}):
            with self.subTest(values):
                self.gateway.write(values)
                self.assertEqual(self.process(10), [])
                self.gateway.write({'state': 'active', 'active': True, 'is_dry_run': False})
        self.env.cr.execute("""
            INSERT INTO sms_gateway_throttle (gateway_id, paused_until)
            VALUES (%s, now() AT TIME ZONE 'UTC' + interval '2 hours')
            ON CONFLICT (gateway_id) DO UPDATE SET paused_until = EXCLUDED.paused_until""", [self.gateway.id])
        self.assertEqual(self.process(), [], "Its sending is paused.")
        self.assertEqual(len(self.process(121)), 1)

    def test_only_with_message_id_and_status_row(self):
        self.gateway.create_status = False
        self.send_sms()
        self.assertEqual(self.process(60), [])
        self.gateway.write({'create_status': True, 'message_id_regex': False})
        row = self.status_of(self.send_sms())
        self.assertFalse(row.message_id)
        self.assertEqual(self.process(60), [])

    def test_failure_of_queries_stops_no_sms(self):
        self.send_sms()
        self.pass_time(10)
        sms = self.make_sms(NUMBERS[1])
        with patch.object(type(self.query), '_get_status_query', side_effect=ZeroDivisionError), \
                self.assertLogs('odoo.addons.eis_sms_apis.models.sms_gateway_query_status', 'ERROR'):
            self.env['sms.sms']._process_queue()
        self.assertEqual(self.status_of(sms).state, 'success')

    def test_rate_limit(self):
        """Questions take places under the rate limit, a quarter of them."""
        self.gateway.rate_limit = 8
        self.send_sms(*NUMBERS)
        began = time.time()
        self.assertEqual(len(self.process(10)), 4)
        times = [request.received for request in self.provider.requests if request.path.startswith('/status')]
        self.assertGreaterEqual(times[3] - times[0], 1)
        self.assertGreaterEqual(times[0], began)

    def test_claimed_by_one_worker(self):
        """What a worker asks about is not due for the others, also if it is interrupted."""
        self.send_sms(*NUMBERS[:2])
        self.pass_time(10)
        query, env = self.query._get_status_query(), self.env(su=True)
        first = waiting.claim_waiting(env, query, 1, 72)
        second = waiting.claim_waiting(env, query, 5, 72)
        self.assertEqual((len(first), len(second)), (1, 1))
        self.assertNotEqual(first[0].id, second[0].id)
        self.assertEqual(waiting.claim_waiting(env, query, 5, 72), [])
        waiting.put_back(env, first)
        self.assertEqual([sms.id for sms in waiting.claim_waiting(env, query, 5, 72)], [first[0].id])

    def test_nothing_starts_after_the_deadline(self):
        self.send_sms()
        self.pass_time(10)
        self.env['sms.gateway.query']._ask_all_statuses(time.monotonic() - 1)
        self.assertEqual(self.asked(), [])
        self.assertEqual(len(self.process()), 1, "It is still due.")

    def test_next_question_triggers_the_queue(self):
        self.send_sms()
        triggers = self.env['ir.cron.trigger'].search([])
        self.process(5)
        new = self.env['ir.cron.trigger'].search([]) - triggers
        due = self.status_of(self.env['sms.sms'].search([], limit=1, order='id desc')).query_date
        self.assertTrue([trigger for trigger in new if due <= trigger.call_at <= due + timedelta(minutes=2)])

    def test_sending_triggers_the_queue(self):
        triggers = self.env['ir.cron.trigger'].search([])
        due = self.status_of(self.send_sms()).query_date
        self.assertTrue([
            trigger for trigger in self.env['ir.cron.trigger'].search([]) - triggers
            if due <= trigger.call_at <= due + timedelta(minutes=2)])


@tagged('post_install', '-at_install')
class TestPriceOfStatusQuery(QueryCase):
    """Given a provider that only says what an SMS costs if it is asked, as Twilio."""

    def setUp(self):
        super().setUp()
        self.query.write({'price_path': 'price', 'currency_path': 'unit', 'segments_path': 'parts'})

    def get_price(self, row):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT price::text, price_currency, price_source, segment_count FROM sms_gateway_status WHERE id = %s",
            [row.id])
        return self.env.cr.fetchone()

    def answer_price(self, row, price, status='delivered'):
        self.statuses[row.message_id] = {'status': status, 'price': price, 'unit': 'USD', 'parts': '2'}

    def test_price(self):
        row = self.status_of(self.send_sms())
        self.assertEqual(self.get_price(row), (None, None, None, 1))
        self.answer_price(row, '-0.00750')
        self.process(10)
        self.assertEqual(self.get_price(row), ('0.00750', 'USD', 'report', 2))
        report, = self.env['sms.gateway.received.report'].search([('gateway_id', '=', self.gateway.id)])
        self.assertEqual((report.origin, report.price, report.segment_count), ('query', '0.00750', 2))

    def test_null_keeps_the_price(self):
        row = self.status_of(self.send_sms())
        self.env.cr.execute("""
            UPDATE sms_gateway_status SET price = 0.1, price_currency = 'EUR', price_source = 'response' WHERE id = %s
        """, [row.id])
        self.answer_price(row, None)
        self.process(10)
        self.assertTrue(row.delivered_date)
        self.assertEqual(self.get_price(row), ('0.1', 'EUR', 'response', 2))

    def test_price_of_a_later_pending_status(self):
        """The price is often known after the first status, and some SMS never get a final one."""
        row = self.status_of(self.send_sms())
        for price, known, count in ((None, None, 1), ('0', None, 1), ('-0.01', '0.01', 2), ('-0.01', '0.01', 2)):
            self.answer_price(row, price, 'queued')
            self.assertEqual(len(self.process(600)), 1)
            self.assertEqual(self.get_price(row)[0], known)
            self.assertEqual(
                self.env['sms.gateway.received.report'].search_count([('gateway_id', '=', self.gateway.id)]), count)
        self.assertTrue(row.awaits_report)

    def test_without_paths(self):
        """The parameters of delivery reports are not those of the query."""
        self.gateway.write({'delivery_callback_price_param': 'price', 'delivery_callback_segments_param': 'parts'})
        self.query.write({'price_path': False, 'currency_path': False, 'segments_path': False})
        row = self.status_of(self.send_sms())
        self.answer_price(row, '-0.00750')
        self.process(10)
        self.assertTrue(row.delivered_date)
        self.assertEqual(self.get_price(row), (None, None, None, 1))

    def test_button_after_the_report(self):
        """Nothing asks about an SMS whose report has arrived, but a person can."""
        row = self.status_of(self.send_sms())
        self.report(message_id=row.message_id, status='delivered')
        self.answer_price(row, '-0.00750')
        self.assertEqual(self.process(60), [])
        self.assertEqual(self.get_price(row)[0], None)
        row.action_ask_provider()
        self.env.invalidate_all()
        self.assertEqual(self.get_price(row)[:3], ('0.00750', 'USD', 'report'))
