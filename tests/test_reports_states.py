# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A delivery report finds its SMS and brings it to its state: doc/behaviour.md section 6, from inside."""
from datetime import timedelta
from itertools import product
from uuid import UUID, uuid4

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from ..models.sms_gateway_early_report import KEEP_REPORTS
from ..tools.attempt import attempt_uuid
from .common import NUMBER, DeliveryCase
from .provider import Reply


@tagged('post_install', '-at_install')
class TestReportedStates(DeliveryCase):

    # === WHAT A REPORT CHANGES === #

    def test_delivered(self):
        sms, notification = self.send_message()
        self.assertEqual(notification.notification_status, 'pending')
        self.report(uuid=sms.uuid, status='delivered')
        row = self.status_of(sms)
        self.assertEqual((sms.state, notification.notification_status), ('sent', 'sent'))
        self.assertEqual((row.state, row.outcome, row.awaits_report), ('success', 'accepted', False))
        self.assertTrue(row.delivered_date)
        self.assertTrue(row.report_date)

    def test_failed_with_the_words_of_the_provider(self):
        for code, status, failure_type, trouble in (
                ('30003', 'failed', 'sms_invalid_destination', 'bounce'),
                ('901', 'failed', 'sms_credit', 'exception'),
                ('7', 'undelivered', 'sms_not_delivered', 'exception')):
            with self.subTest(code=code):
                sms, notification = self.send_message()
                self.report(uuid=sms.uuid, status=status, code=code, words="Handset off")
                row = self.status_of(sms)
                self.assertEqual(
                    (sms.state, sms.failure_type, sms.failure_reason, sms.to_delete),
                    ('error', failure_type, "Handset off", False))
                self.assertEqual((notification.notification_status, notification.failure_type), (trouble, failure_type))
                self.assertEqual(notification.failure_reason, "Handset off")
                self.assertIn("Handset off", notification.format_failure_reason())
                self.assertEqual((row.state, row.failure_type), ('error', failure_type))
                self.assertEqual((row.error_code, row.error_message), (code, "Handset off"))

    def test_failed_without_words_shows_status_and_code(self):
        sms, notification = self.send_message()
        self.report(uuid=sms.uuid, status='undelivered', code='77')
        self.assertEqual(notification.failure_reason, "undelivered 77")

    def test_canceled(self):
        sms, notification = self.send_message()
        self.report(uuid=sms.uuid, status='Cancelled')
        self.assertEqual((sms.state, notification.notification_status), ('canceled', 'canceled'))
        self.assertEqual(self.status_of(sms).state, 'canceled')

    def test_delivered_after_a_failure_leaves_no_trace_of_it(self):
        sms, notification = self.send_message()
        self.report(uuid=sms.uuid, status='failed', code='30003', words="Handset off")
        self.report(uuid=sms.uuid, status='delivered')
        row = self.status_of(sms)
        self.assertEqual((sms.state, notification.notification_status, row.state), ('sent', 'sent', 'success'))
        for record in (sms, notification, row):
            self.assertFalse(record.failure_type)
        self.assertFalse(sms.failure_reason or notification.failure_reason or row.error_code or row.error_message)

    def test_unknown_status_is_noted_only(self):
        sms, notification = self.send_message()
        for _ in range(2):
            self.report(uuid=sms.uuid, status='teleported')
        row = self.status_of(sms)
        self.assertEqual((sms.state, notification.notification_status, row.state), ('pending', 'pending', 'success'))
        self.assertIn('teleported', row.note)
        self.assertTrue(row.awaits_report)
        self.report(uuid=sms.uuid, status='delivered')
        self.assertEqual(sms.state, 'sent')

    def test_report_settles_a_lost_answer(self):
        """Given an answer that never came, nobody knows whether the SMS went out, until the provider reports."""
        for status, words, state, failure_type in (
                ('delivered', "", 'sent', False), ('failed', "Handset off", 'error', 'sms_not_delivered')):
            with self.subTest(status=status):
                self.provider.answer(Reply(drop='before'))
                sms, notification = self.send_message()
                self.assertEqual((sms.state, self.status_of(sms).outcome), ('error', 'unknown'))
                self.report(uuid=sms.uuid, status='queued')
                self.assertEqual(self.status_of(sms).outcome, 'unknown')
                self.report(uuid=sms.uuid, status=status, words=words)
                self.assertEqual((sms.state, sms.failure_type), (state, failure_type))
                self.assertEqual((notification.failure_type, notification.failure_reason or ""), (failure_type, words))
                self.assertEqual(self.status_of(sms).outcome, 'accepted')

    def test_repetition_changes_nothing_and_notifies_nobody(self):
        for status in ('delivered', 'failed', 'canceled', 'sent', 'teleported'):
            with self.subTest(status=status):
                sms, notification = self.send_message()
                before = self.bus_rows()
                self.report(uuid=sms.uuid, status=status, words="Why")
                once = self.bus_rows()
                self.assertEqual(once - before, int(status in ('delivered', 'failed', 'canceled')))
                records = [sms, notification, self.status_of(sms)]
                snapshot = self.read_stored(records)
                with freeze_time(fields.Datetime.now() + timedelta(hours=1)):
                    for _ in range(3):
                        self.report(uuid=sms.uuid, status=status, words="Why")
                    self.report(*[{'uuid': sms.uuid, 'status': status, 'words': "Why"}] * 3)
                self.env.invalidate_all()
                self.assertEqual(self.read_stored(records), snapshot)
                self.assertEqual(self.bus_rows(), once)

    def read_stored(self, records):
        """Without computed fields, of which the history lists repeated reports as well."""
        return [record.read([name for name, field in record._fields.items() if field.store]) for record in records]

    # === WHICH SMS === #

    def test_uuid_in_every_spelling(self):
        """Hyphenated, in braces, in capitals or as URN, before and after the send, with and without Track Status."""
        for tracked, is_early, spelling, digits in product(
                (True, False), (True, False), ('%s', '{%s}', 'urn:uuid:%s'), (slice(None), slice(23))):
            self.gateway.create_status = tracked
            sms = self.make_sms(NUMBER, body=uuid4().hex)  # a number gets each text only so often
            reported = spelling % str(UUID(sms.uuid)).upper()[digits]
            with self.subTest(tracked=tracked, is_early=is_early, reported=reported):
                if not is_early:
                    sms.send()
                self.report(uuid=reported, status='delivered')
                if is_early:
                    sms.send()
                self.assertEqual(sms.state, 'sent')
                self.assertFalse(self.kept_reports())

    def test_uuid20(self):
        """Providers that take 20 characters at most get {uuid20}."""
        sms = self.send_sms()
        self.report(uuid=sms.uuid[:20], status='delivered')
        self.assertEqual(sms.state, 'sent')

    def test_message_id(self):
        sms = self.send_sms()
        self.report(message_id=self.status_of(sms).message_id, status='delivered')
        self.assertEqual(sms.state, 'sent')

    def test_number_param_tells_the_sms_of_one_message_id_apart(self):
        number = self.gateway.parameter_ids.filtered(lambda row: row.param_type == 'number')
        self.gateway.write({
            'delivery_callback_number_param': 'to', 'supports_multiple_recipients': True,
            'message_id_regex': r'"batch":"([^"]+)"',
            'parameter_ids': [(1, number.id, {'param_type': 'multi_number'})]})
        self.provider.answer('{"batch":"B1"}')
        all_sms = self.send_sms('+32456001122', '+32456001123', '+32456001124')
        self.assertEqual(len(self.provider.requests), 1)
        self.assertEqual(set(self.status_of(all_sms).mapped('message_id')), {'B1'})
        self.report(
            {'message_id': 'B1', 'to': '32456001123', 'status': 'delivered'},
            {'message_id': 'B1', 'to': '0456 00 11 24', 'status': 'failed'},
            {'message_id': 'B1', 'to': '+32456999999', 'status': 'delivered'},
            {'message_id': 'B1', 'status': 'delivered'})
        self.assertEqual(all_sms.mapped('state'), ['pending', 'sent', 'error'])

    def test_other_gateways_sms_are_refused(self):
        """Neither message id nor UUID of another gateway's SMS counts."""
        other = self.make_gateway("Other", sequence=99, **self.get_callback_values())
        sms, notification = self.send_message()
        row = self.status_of(sms)
        self.assertEqual(row.gateway_id, self.gateway)
        for identifiers in ({'uuid': sms.uuid}, {'uuid': sms.uuid[:20]}, {'message_id': row.message_id}):
            self.report(gateway=other, status='delivered', **identifiers)
        self.assertEqual((sms.state, notification.notification_status), ('pending', 'pending'))
        self.assertFalse(row.report_date)

    def test_removed_sms(self):
        """Core removes sent SMS: notification and status row tell the truth all the same."""
        for status, expected in (('delivered', 'sent'), ('failed', 'exception'), ('canceled', 'canceled')):
            with self.subTest(status=status):
                sms, notification = self.send_message()
                row = self.status_of(sms)
                sms.unlink()
                self.report(message_id=row.message_id, status=status)
                self.assertEqual(notification.notification_status, expected)
                self.assertTrue(row.report_date)

    def test_sms_of_another_company(self):
        company = self.env['res.company'].create({'name': "Elsewhere"})
        sms = self.send_sms(record_company_id=company.id)
        self.assertEqual(self.status_of(sms).company_id, company)
        self.report(uuid=sms.uuid, status='delivered')
        self.assertEqual(sms.state, 'sent')

    # === RETRIES === #

    def test_older_attempt_counts_only_if_delivered(self):
        for status, expected in (('failed', 'pending'), ('canceled', 'pending'), ('delivered', 'sent')):
            with self.subTest(status=status):
                sms, notification = self._fail_and_retry()
                self.assertEqual(self.status_of(sms).attempt, 2)
                self.report(uuid=sms.uuid, status=status)
                self.assertEqual((sms.state, notification.notification_status), (expected, expected))
                self.report(uuid=attempt_uuid(sms.uuid, 2), status='delivered')
                self.assertEqual((sms.state, notification.notification_status), ('sent', 'sent'))

    def test_latest_attempt_fails(self):
        sms, notification = self._fail_and_retry()
        self.report(uuid=attempt_uuid(sms.uuid, 2)[:20], status='failed', code='30003', words="Again")
        self.assertEqual((sms.state, sms.failure_reason), ('error', "Again"))
        self.assertEqual((notification.notification_status, notification.failure_reason), ('bounce', "Again"))

    def test_delivered_while_the_retry_waits_in_the_queue(self):
        """The first attempt arrived after all: the SMS is not sent again."""
        sms, _notification = self._fail_and_retry(send=False)
        self.report(uuid=sms.uuid, status='delivered')
        self.provider.clear()
        sms.send()
        self.assertEqual((sms.state, self.provider.sms), ('sent', []))

    def _fail_and_retry(self, send=True):
        sms, notification = self.send_message()
        self.report(uuid=sms.uuid, status='failed')
        self.assertEqual(sms.state, 'error')
        sms.action_set_outgoing()
        if send:
            sms.send()
        return sms, notification

    # === EARLY REPORTS === #

    def test_report_before_the_send_is_recorded(self):
        for status, expected in (('delivered', 'sent'), ('failed', 'error'), ('sent', 'pending')):
            with self.subTest(status=status):
                sms = self.make_sms(NUMBER)
                self.report(uuid=sms.uuid, status=status)
                self.assertEqual((sms.state, self.kept_reports()), ('outgoing', 1))
                sms.send()
                self.assertEqual((sms.state, self.kept_reports()), (expected, 0))

    def test_early_report_by_message_id(self):
        self.provider.answer(Reply(body={'id': 'M1'}))
        self.report(message_id='M1', status='delivered')
        self.assertEqual(self.send_sms().state, 'sent')

    def test_what_never_finds_its_sms(self):
        """It is kept for 7 days, and the newest 10,000 of a gateway."""
        reports = [{'message_id': f'M{number}', 'status': 'sent'} for number in range(KEEP_REPORTS + 200)]
        for start in range(0, len(reports), 5000):
            self.report(*reports[start:start + 5000])
        self.assertLessEqual(self.kept_reports(), KEEP_REPORTS)
        self.provider.answer(Reply(body={'id': reports[-1]['message_id']}))
        self.assertTrue(self.status_of(self.send_sms()).report_date)
        self.report(uuid=uuid4().hex, status='delivered')
        self.env['sms.gateway.early.report'].search([], limit=2).create_date = fields.Datetime.now() - timedelta(days=8)
        self.env.flush_all()
        before = self.kept_reports()
        self.env['sms.gateway.early.report']._gc_reports()
        self.assertEqual(self.kept_reports(), before - 2)
