# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reports end in the same state in any order, however often they come."""
from itertools import product
from unittest.mock import patch

from odoo.tests import tagged

from ..sending import after_commit
from .common import DeliveryCase
from .provider import Reply

ACCEPTED = 'accepted'
WORDS = ('sent', 'canceled', 'failed', 'delivered')  # status values, each more final than the one before
FINAL = {
    'accepted': ('success', 'pending', 'pending'),
    'sent': ('success', 'pending', 'pending'),
    'canceled': ('canceled', 'canceled', 'canceled'),
    'failed': ('error', 'error', 'exception'),
    'delivered': ('success', 'sent', 'sent'),
}
ANSWERS = [
    "OK", "unclear", "E1", Reply(409, "E2"), "E3", Reply(400, "no"), Reply(401, "no"), Reply(500, "oops"),
    Reply(500, "E1"), Reply(302, "gone"), Reply(drop="before"), Reply(drop="middle")]


def all_orders(length):
    """Every sequence of up to `length` reports, with the answer that accepted the SMS at every place."""
    for count in range(length + 1):
        for reports in product(WORDS, repeat=count):
            for place in range(count + 1):
                yield (*reports[:place], ACCEPTED, *reports[place:])


@tagged('post_install', '-at_install')
class TestDeliveryOrder(DeliveryCase):

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(after_commit, 'COMMIT_SECONDS', 600))  # as long as a busy machine needs

    def test_every_order_ends_in_the_same_state(self):
        self._check_orders()

    def test_every_order_without_track_status(self):
        self.gateway.create_status = False
        self._check_orders()

    def _check_orders(self):
        orders = list(all_orders(4))
        all_sms = self._make_messages(len(orders))
        for step in range(5):
            reports = [
                {'uuid': sms.uuid, 'status': order[step]} for sms, order in zip(all_sms, orders, strict=True)
                if step < len(order) and order[step] != ACCEPTED]
            self.report(*reports)
            all_sms.browse(sms.id for sms, order in zip(all_sms, orders, strict=True) if order[step:step + 1] == (
                ACCEPTED,)).send()
        self._check_states(all_sms, orders)
        before = self.bus_rows()
        for word in WORDS:
            self.report(*(
                {'uuid': sms.uuid, 'status': word} for sms, order in zip(all_sms, orders, strict=True)
                if word in order))
        self._check_states(all_sms, orders)
        self.assertEqual(self.bus_rows(), before, "repetition notifies nobody")
        self.assertFalse(self.kept_reports())

    def test_report_before_and_after_every_answer(self):
        self._check_answers()

    def test_report_before_and_after_every_answer_without_track_status(self):
        self.gateway.create_status = False
        self._check_answers()

    def _check_answers(self):
        """One report for each SMS, before its answer is recorded and after it: the end is the same."""
        self.gateway.write({
            'success_key': 'OK', 'error_code_regex': 'E[0-9]', 'callback_failure_map_ids': [
                (0, 0, {'provider_code': code, 'outcome': outcome})
                for code, outcome in (('E1', 'refused'), ('E2', 'accepted'), ('E3', 'unknown'))]})
        for answer in ANSWERS:
            for word in (*WORDS, 'strange'):
                ends = []
                for is_early in (True, False):
                    self.forget_failures()
                    self.provider.answer(answer)
                    sms = self._make_messages(1)
                    report = {'uuid': sms.uuid, 'status': word, 'code': '9', 'words': "Their words"}
                    if is_early:
                        self.report(report)
                    sms.send()
                    if not is_early:
                        self.report(report)
                    ends.append(self._describe(sms))
                with self.subTest(answer=answer, word=word):
                    self.assertEqual(*ends)
                    self.assertFalse(self.kept_reports())
                    if word == 'delivered':
                        self.assertEqual(ends[0][0], ('sent', False, False))

    def _describe(self, sms):
        self.env.invalidate_all()
        notification, row = sms.sms_tracker_id.mail_notification_id, self.status_of(sms)
        return (
            (sms.state, sms.failure_type, sms.failure_reason),
            (notification.notification_status, notification.failure_type, notification.failure_reason),
            row and (row.state, row.outcome, row.failure_type, row.error_code, row.error_message, row.note,
                     row.awaits_report, bool(row.delivered_date), bool(row.report_date)))

    def _make_messages(self, count):
        message = self.contact.message_post(body="Hello")
        all_sms = self.make_sms(
            *(f'+324560{number:05}' for number in range(count)), mail_message_id=message.id)
        notifications = self.env['mail.notification'].create([{
            'mail_message_id': message.id, 'notification_type': 'sms',
            'sms_id_int': sms.id, 'sms_number': sms.number, 'is_read': True, 'notification_status': 'ready',
            'sms_tracker_ids': [(0, 0, {'sms_uuid': sms.uuid})],
        } for sms in all_sms])
        self.assertEqual(len(notifications), count)
        return all_sms

    def _check_states(self, all_sms, orders):
        self.env.invalidate_all()
        rows = {row.sms_uuid: row for row in self.status_of(all_sms)}
        wrong = []
        for sms, order in zip(all_sms, orders, strict=True):
            expected = FINAL[max(order, key=(ACCEPTED, *WORDS).index)]
            row, notification = rows.get(sms.uuid), sms.sms_tracker_id.mail_notification_id
            seen = row.state if row else expected[0], sms.state, notification.notification_status
            if seen != expected or (row and bool(row.delivered_date) != ('delivered' in order)):
                wrong.append((order, seen))
        self.assertEqual(wrong, [])
