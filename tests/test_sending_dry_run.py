# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A dry-run gateway sends nothing, and the last digit of the number decides the result."""
from odoo.tests import tagged

from ..sending.dry_run import LATE_SECONDS
from .common import GatewayCase


@tagged('post_install', '-at_install')
class TestDryRun(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.write({'is_dry_run': True, 'delivery_callback_enabled': True})

    def send(self, digit, prefix='+32456000'):
        sms = self.make_sms(f'{prefix}00{digit}')
        sms.send()
        self.env.invalidate_all()
        return sms

    def let_reports_arrive(self):
        self.env['sms.sms']._process_queue()
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()

    def test_results(self):
        """State of the SMS, failure type and whether it is delivered."""
        for digit, state, failure_type, delivered in (
                (0, 'sent', False, True), (1, 'error', 'sms_number_format', False), (3, 'pending', False, False),
                (5, 'error', 'sms_not_delivered', False), (9, 'sent', False, True)):
            with self.subTest(digit=digit):
                sms = self.send(digit)
                self.let_reports_arrive()
                self.assertEqual((sms.state, sms.failure_type), (state, failure_type))
                status = self.status_of(sms)
                self.assertEqual(bool(status.delivered_date), delivered)
                self.assertTrue(status.is_dry_run)
                self.assertIn("Nothing was sent", status.response_text)
        self.assertFalse(self.provider.requests)

    def test_no_response(self):
        sms = self.send(6)
        self.assertEqual((sms.state, self.status_of(sms).outcome), ('error', 'unknown'))

    def test_asked_to_wait(self):
        sms = self.send(2)
        self.assertEqual(sms.state, 'outgoing')
        self.assertTrue(self.gateway.paused_until)
        self.env.cr.execute("UPDATE sms_sms SET send_after = NULL")
        self.env.cr.execute("UPDATE sms_gateway_throttle SET paused_until = now() AT TIME ZONE 'UTC' - interval '1 s'")
        self.env.invalidate_all()
        self.let_reports_arrive()
        self.assertEqual(sms.state, 'sent')

    def test_late_report(self):
        sms = self.send(4)
        self.let_reports_arrive()
        self.assertEqual(sms.state, 'pending')
        self.env.cr.execute(
            "UPDATE sms_gateway_status SET sent_date = sent_date - %s * interval '1 second'", [LATE_SECONDS + 1])
        self.env.invalidate_all()
        self.let_reports_arrive()
        self.assertEqual(sms.state, 'sent')

    def test_sms_that_were_really_sent(self):
        self.gateway.is_dry_run = False
        sms = self.send(0)
        self.gateway.is_dry_run = True
        self.assertTrue(self.status_of(sms).awaits_report)
        self.let_reports_arrive()
        self.assertFalse(self.status_of(sms).delivered_date)

    def test_rows_without_date_or_number(self):
        """Rows of earlier versions must not stop the queue."""
        late, other = self.send(4), self.send(0)
        self.env.cr.execute(
            "UPDATE sms_gateway_status SET sent_date = NULL WHERE sms_uuid = %s", [late.uuid])
        self.env.cr.execute("UPDATE sms_gateway_status SET number = NULL WHERE sms_uuid = %s", [other.uuid])
        self.env.invalidate_all()
        self.let_reports_arrive()
        self.assertEqual((late + other).mapped('state'), ['pending', 'sent'])

    def test_no_reports_without_callback(self):
        self.gateway.delivery_callback_enabled = False
        sms = self.send(0)
        self.let_reports_arrive()
        self.assertEqual(sms.state, 'pending')

    def test_no_fail_over_either_way(self):
        real = self.make_gateway("Real", sequence=20, country_prefixes='+33')
        sms = self.send(2)
        self.assertEqual((sms.state, sms.gateway_id), ('outgoing', self.gateway))
        self.assertFalse(self.provider.requests)
        real.base_url = 'http://127.0.0.1:9'
        french = self.make_sms('+33612345678')
        french.send()
        self.assertEqual((french.state, french.gateway_id), ('outgoing', real))

    def test_shared_request(self):
        """Each recipient has an own result."""
        number = self.gateway.parameter_ids.filtered(lambda row: row.key == 'to')
        self.gateway.write({
            'supports_multiple_recipients': True,
            'parameter_ids': [(1, number.id, {'param_type': 'multi_number'})]})
        sms = self.make_sms('+32456000010', '+32456000011', '+32456000013')
        sms.send()
        self.let_reports_arrive()
        self.assertEqual(sms.mapped('state'), ['sent', 'error', 'pending'])

    def test_copy_is_a_dry_run_too(self):
        self.assertTrue(self.gateway.copy().is_dry_run)
