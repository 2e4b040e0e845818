# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import api, fields, models

from ..sending.dry_run import LATE, LATE_SECONDS, read_report
from ..sending.store.claims import trigger_queue
from ..tools.attempt import attempt_uuid
from ..tools.report.parsing import DeliveryReport

LAST_SMS = 1000  # whose reports are made in one run


class SmsGatewayDryRun(models.AbstractModel):
    """A gateway that sends nothing, for staging and tests."""
    _name = 'sms.gateway.dry.run'
    _description = "SMS Gateway Dry Run"

    is_dry_run = fields.Boolean(
        "Dry Run",
        help="Requests are built, but not sent. The last digit of the number decides the result: 1 refused, 2 asked to "
             "wait, 3 accepted without a delivery report, 4 delivered after a minute, 5 not delivered, 6 no response, "
             "any other delivered. Delivery reports require Delivery Callback Enabled. Other gateways never fail over "
             "to this one, nor this one to them.")

    @api.model
    def _report_dry_runs(self):
        """Make the delivery reports of SMS that dry-run gateways accepted. Called by the queue action."""
        gateways = self.env['sms.gateway'].sudo().search(
            [('is_dry_run', '=', True), ('delivery_callback_enabled', '=', True)])
        if not gateways:
            return
        until = fields.Datetime.now() - timedelta(seconds=LATE_SECONDS)
        waiting = self.env['sms.gateway.status'].sudo().search(
            [('gateway_id', 'in', gateways.ids), ('awaits_report', '=', True), ('state', '=', 'success')],
            limit=LAST_SMS
        ).filtered(  # not those that were sent before the gateway became a dry run, see `dry_run.DryRun`
            lambda status: status.message_id == attempt_uuid(status.sms_uuid, status.attempt))
        early = waiting.filtered(lambda status: (status.number or '')[-1:] == LATE and (
            status.sent_date or status.create_date) > until)
        for gateway, statuses in (waiting - early).grouped('gateway_id').items():
            reports = [
                DeliveryReport(
                    uuid=status.sms_uuid, message_id='', number='', state=state, error_code='', error_message='',
                    status='delivered' if state == 'success' else 'undelivered',
                    failure_type='' if state == 'success' else 'sms_not_delivered')
                for status in statuses if (state := read_report(status.number or ''))]
            if reports:
                self.env['sms.gateway.received.report']._store(gateway, reports)
        if early:
            trigger_queue(self.env, fields.Datetime.now() + timedelta(seconds=LATE_SECONDS))
