# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports update the traces and statistics of campaigns, and end mailings and A/B tests."""
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import DeliveryCase, MarketingCase


@tagged('post_install', '-at_install')
class TestDeliveryMarketing(MarketingCase, DeliveryCase):
    """Given a campaign to four contacts, sent through a gateway whose delivery callbacks are on."""

    def send_campaign(self, answer="ok", **values):
        """:return: the mailing and its traces"""
        self.always_answer(answer)
        mailing = self.make_mailing(sms_force_send=True, **values)
        mailing.action_send_sms()
        self.provider.always(self.provider.accept)
        return mailing, self.traces(mailing)

    def wait_for_reports(self):
        """Answers without the success key are unclear: the SMS stay Processing."""
        self.gateway.success_key = 'queued'

    def uuid(self, trace):
        return trace.sms_tracker_ids.sms_uuid

    def report_all(self, traces, *statuses, **values):
        self.report(*(
            {'uuid': self.uuid(trace), 'status': status, **values}
            for trace, status in zip(traces, statuses, strict=True)))

    # === TRACES AND STATISTICS === #

    def test_traces_and_statistics(self):
        mailing, traces = self.send_campaign()
        self.assertEqual(set(traces.mapped('trace_status')), {'pending'})
        self.report(
            {'uuid': self.uuid(traces[0]), 'status': 'delivered'},
            {'uuid': self.uuid(traces[1]), 'status': 'failed', 'code': '30003', 'words': "Unknown subscriber"},
            {'uuid': self.uuid(traces[2]), 'status': 'failed', 'code': '7', 'words': "Handset off"},
            {'uuid': self.uuid(traces[3]), 'status': 'canceled'})
        self.assertEqual(traces.mapped('trace_status'), ['sent', 'bounce', 'error', 'cancel'])
        self.assertEqual(
            traces.mapped('failure_type'), [False, 'sms_invalid_destination', 'sms_not_delivered', False])
        self.assertEqual(traces.mapped('failure_reason'), [False, "Unknown subscriber", "Handset off", False])
        mailing.invalidate_recordset()
        self.assertEqual(
            (mailing.delivered, mailing.bounced, mailing.failed, mailing.canceled, mailing.pending), (1, 1, 1, 1, 0))

    def test_removed_sms(self):
        """Core's autovacuum removes what was sent: the traces hear of their reports all the same."""
        _mailing, traces = self.send_campaign()
        self.env['sms.sms'].search([('uuid', 'in', traces.sms_tracker_ids.mapped('sms_uuid'))]).unlink()
        self.report_all(traces, 'delivered', 'failed', 'canceled', 'sent')
        self.assertEqual(traces.mapped('trace_status'), ['sent', 'error', 'cancel', 'pending'])

    def test_removed_sms_without_track_status(self):
        """The trace alone tells how far the SMS is: delivered is not undone."""
        self.gateway.create_status = False
        _mailing, traces = self.send_campaign()
        self.env['sms.sms'].search([('uuid', 'in', traces.sms_tracker_ids.mapped('sms_uuid'))]).unlink()
        self.report_all(traces, 'delivered', 'failed', 'failed', 'canceled')
        self.report_all(traces, 'failed', 'delivered', 'canceled', 'failed')
        self.assertEqual(traces.mapped('trace_status'), ['sent', 'sent', 'error', 'error'])

    def test_opened_and_replied_traces_stay(self):
        _mailing, traces = self.send_campaign()
        traces[0].set_opened()
        traces[1].set_replied()
        traces[2].set_opened()
        traces[3].set_replied()
        self.report_all(traces, 'delivered', 'delivered', 'failed', 'canceled', words="Too late")
        self.assertEqual(traces.mapped('trace_status'), ['open', 'reply', 'open', 'reply'])
        self.assertEqual(set(traces.mapped('failure_type') + traces.mapped('failure_reason')), {False})
        rows = {row.sms_uuid: row.state for row in self.env['sms.gateway.status'].search([])}
        self.assertEqual(
            [rows[self.uuid(trace)] for trace in traces], ['success', 'success', 'error', 'canceled'],
            "the status rows say what the provider said")

    def test_recipient_who_opens_after_delivery(self):
        _mailing, traces = self.send_campaign()
        self.report_all(traces, *['delivered'] * 4)
        traces[0].set_opened()
        self.report_all(traces, *['delivered'] * 4)
        self.report_all(traces, *['failed'] * 4)
        self.assertEqual(traces.mapped('trace_status'), ['open', 'sent', 'sent', 'sent'])

    # === THE END OF A MAILING === #

    def test_last_report_finishes_the_mailing(self):
        """While one SMS is Processing the mailing is being sent; whatever its last report says ends it."""
        self.wait_for_reports()
        last_reports = (('delivered', ''), ('failed', '30003'), ('failed', '901'), ('failed', ''), ('canceled', ''))
        for status, code in last_reports:
            with self.subTest(status=status, code=code):
                mailing, traces = self.send_campaign()
                self.assertEqual((mailing.state, set(traces.mapped('trace_status'))), ('sending', {'process'}))
                self.report_all(traces[:3], 'delivered', 'failed', 'delivered')
                self.report_all(traces[3:], 'sent')
                self.assertEqual((mailing.state, traces[3].trace_status), ('sending', 'process'))
                self.report_all(traces[3:], status, code=code)
                self.assertEqual(mailing.state, 'done')

    def test_last_trace_is_opened_before_its_report(self):
        self.wait_for_reports()
        mailing, traces = self.send_campaign()
        traces.set_opened()
        self.assertEqual(mailing.state, 'sending')
        self.report_all(traces, *['delivered'] * 4)
        self.assertEqual((mailing.state, set(traces.mapped('trace_status'))), ('done', {'open'}))

    def test_mailing_without_reports_is_finished_by_the_timeout(self):
        self.wait_for_reports()
        mailing, traces = self.send_campaign()
        traces[0].set_opened()
        self.env['sms.sms']._process_queue()
        self.assertEqual(mailing.state, 'sending', "there is time left")
        self._let_hours_pass(73)
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(mailing.state, 'done')
        self.assertEqual(traces.mapped('trace_status'), ['open', 'pending', 'pending', 'pending'])
        self.report_all(traces, *['delivered'] * 4)
        self.assertEqual(traces.mapped('trace_status'), ['open', 'sent', 'sent', 'sent'], "a late report still counts")

    def _let_hours_pass(self, hours):
        self.env.flush_all()
        then = fields.Datetime.now() - timedelta(hours=hours)
        self.env.cr.execute("UPDATE sms_gateway_status SET sent_date = %s, create_date = %s", [then, then])

    def test_without_track_status_nothing_waits(self):
        """There is no row to time a missing report out, so that an unclear answer counts as Sent."""
        self.wait_for_reports()
        self.gateway.create_status = False
        mailing, traces = self.send_campaign()
        self.assertEqual((mailing.state, set(traces.mapped('trace_status'))), ('done', {'pending'}))
        self.report_all(traces, *['delivered'] * 4)
        self.assertEqual(set(traces.mapped('trace_status')), {'sent'})

    # === A/B TEST === #

    def test_ab_test_chooses_its_winner_once_reports_have_come(self):
        """Given two versions whose SMS are Processing, the test waits; their reports end the wait, and the version
        with more clicks goes to everybody else."""
        self.wait_for_reports()
        everybody = self.contacts + self.env['res.partner'].create([
            {'name': f"More {number}", 'phone': f'+324560000{number:02}'} for number in range(16)])
        version = {
            'ab_testing_enabled': True, 'ab_testing_pc': 20, 'ab_testing_schedule_datetime': fields.Datetime.now(),
            'mailing_domain': repr([('id', 'in', everybody.ids)])}
        mailing, traces = self.send_campaign(**version)
        campaign = mailing.campaign_id
        other, other_traces = self.send_campaign(campaign_id=campaign.id, subject="Winter sale", **version)
        self.assertEqual((len(traces), len(other_traces)), (4, 4))
        self._run_ab_test()
        self.assertFalse(campaign.ab_testing_completed)
        self.report_all(traces, 'delivered', 'delivered', 'failed', 'failed')
        self.report_all(other_traces, 'delivered', 'delivered', 'canceled', 'failed')
        self.assertEqual((mailing.state, other.state), ('done', 'done'))
        link = self.env['link.tracker'].create({'url': 'https://example.com/sale', 'title': "Sale"})
        self.env['link.tracker.click'].create([
            {'link_id': link.id, 'mailing_trace_id': trace.id} for trace in other_traces[:2]])
        self._run_ab_test()
        self.assertTrue(campaign.ab_testing_completed)
        self.assertEqual(campaign.ab_testing_winner_mailing_id.subject, "Winter sale")

    def _run_ab_test(self):
        self.env.flush_all()
        self.env.invalidate_all()
        self.env['utm.campaign']._cron_process_mass_mailing_ab_testing()
