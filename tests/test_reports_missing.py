# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An SMS whose delivery report never comes, or late, does not wait forever: doc/behaviour.md section 6."""
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import DeliveryCase
from .provider import Reply

HOURS = 'eis_sms_apis.report_timeout_hours'


@tagged('post_install', '-at_install')
class TestMissingReport(DeliveryCase):

    def let_hours_pass(self, hours):
        """Let time pass, then the queue run as it does once a day at least."""
        self.env.flush_all()
        self.env.cr.execute("""
            UPDATE sms_gateway_status
            SET sent_date = sent_date - %(hours)s * interval '1 hour',
                create_date = create_date - %(hours)s * interval '1 hour'
        """, {'hours': hours})
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()

    def send_unclear(self):
        """An SMS of which nobody knows yet whether the provider took it."""
        self.gateway.success_key = 'queued'
        self.provider.answer("?")
        return self.send_message()

    def test_note_after_72_hours(self):
        sms, notification = self.send_message()
        row = self.status_of(sms)
        self.let_hours_pass(71)
        self.assertFalse(row.note)
        self.let_hours_pass(2)
        self.assertEqual((row.note, row.state), ("No delivery report.", 'success'))
        self.assertEqual((sms.state, notification.notification_status), ('pending', 'pending'))

    def test_processing_becomes_sent(self):
        sms, notification = self.send_unclear()
        self.assertEqual((sms.state, notification.notification_status), ('process', 'process'))
        before = self.bus_rows()
        self.let_hours_pass(73)
        self.assertEqual((sms.state, notification.notification_status), ('pending', 'pending'))
        self.assertEqual(self.bus_rows(), before + 1)
        self.let_hours_pass(73)
        self.assertEqual(self.bus_rows(), before + 1, "once")

    def test_late_report_still_counts(self):
        for status, state in (('delivered', 'sent'), ('failed', 'error'), ('canceled', 'canceled')):
            with self.subTest(status=status):
                sms, _notification = self.send_unclear()
                self.let_hours_pass(73)
                self.report(uuid=sms.uuid, status=status)
                self.assertEqual(sms.state, state)
                self.assertFalse(self.status_of(sms).note)

    def test_report_in_time(self):
        sms, _notification = self.send_message()
        self.report(uuid=sms.uuid, status='delivered')
        self.let_hours_pass(73)
        self.assertFalse(self.status_of(sms).note)

    def test_unknown_status_stays_the_note(self):
        sms, _notification = self.send_unclear()
        self.report(uuid=sms.uuid, status='teleported')
        self.let_hours_pass(73)
        self.assertIn('teleported', self.status_of(sms).note)
        self.assertEqual(sms.state, 'pending')

    def test_nobody_waits_where_no_report_can_come(self):
        refused, _notification = self._send(Reply(400))
        self.gateway.delivery_callback_enabled = False
        silent, _notification = self._send(200)
        unclear, _notification = self.send_unclear()
        self.assertEqual((refused.state, silent.state, unclear.state), ('error', 'pending', 'pending'))
        self.let_hours_pass(73)
        self.assertFalse(any(self.status_of(refused + silent + unclear).mapped('note')))

    def _send(self, answer):
        self.provider.answer(answer)
        return self.send_message()

    def test_hours_are_a_system_parameter(self):
        self.env['ir.config_parameter'].set_param(HOURS, '2')
        sms, _notification = self.send_message()
        self.let_hours_pass(3)
        self.assertTrue(self.status_of(sms).note)

    @mute_logger('odoo.addons.eis_sms_apis.models.sms_gateway_status_report')
    def test_hours_that_are_no_number_stop_no_queue(self):
        self.env['ir.config_parameter'].set_param(HOURS, 'three days')
        queued = self.make_sms('+32456001122')
        sms, _notification = self.send_message()
        self.let_hours_pass(73)
        self.assertTrue(self.status_of(sms).note)
        self.assertEqual(queued.state, 'pending')

    def test_many_at_once(self):
        """More than one batch ends in one run of the queue."""
        sms = self.send_sms()
        self.env.flush_all()
        self.env.cr.execute("""
            INSERT INTO sms_gateway_status (gateway_id, sms_uuid, state, outcome, awaits_report, create_date, attempt)
            SELECT %s, 'old-' || n, 'success', 'accepted', TRUE, %s, 1 FROM generate_series(1, 2500) AS n
        """, [self.gateway.id, fields.Datetime.now() - timedelta(days=4)])
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.env['sms.gateway.status'].search([('awaits_report', '=', True)]), self.status_of(sms))
