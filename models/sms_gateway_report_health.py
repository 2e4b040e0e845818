# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether a gateway's delivery reports arrive and match its SMS; simulates one for a test SMS."""
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..sending.store.transactions import OwnTransactions
from ..tools.attempt import attempt_uuid
from ..tools.report.parsing import parse_reports
from ..tools.report.sample import make_delivered

DAYS = 7
MAX_ROWS = 10_000  # of the last reports and SMS that are read
MAX_DELIVERED = 1000  # of the last delivered SMS, for the median
PATIENCE = timedelta(minutes=15)  # the time in which an SMS is not expected to have a report


class SmsGatewayReportHealth(models.AbstractModel):
    _name = 'sms.gateway.report.health'
    _description = "Health of Delivery Reports"

    last_report_date = fields.Datetime("Last Report", compute='_compute_report_health')
    report_count = fields.Integer(
        "Reports in 7 Days", compute='_compute_report_health', help="At most the last 10,000 are counted.")
    unmatched_report_count = fields.Integer(
        "Unmatched in 7 Days", compute='_compute_report_health', help="Delivery reports that match no SMS.")
    has_report_rate = fields.Boolean(compute='_compute_report_health')
    report_rate = fields.Float(
        "SMS with Final Report", compute='_compute_report_health',
        help="Share of the SMS accepted in the last 7 days, at most the last 10,000, that were reported as delivered "
             "or failed. Test SMS are not counted.")
    median_delivery_seconds = fields.Float(
        "Median Time to Delivery (s)", digits=(16, 1), compute='_compute_report_health',
        help="From sent to delivered, for the last 1,000 delivered SMS. Test SMS are not counted.")
    report_hint = fields.Char(compute='_compute_report_health')

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    @api.depends('delivery_callback_enabled', 'query_ids.kind')
    def _compute_report_health(self):
        since = fields.Datetime.now() - timedelta(days=DAYS)
        for gateway in self:
            last, reports, unmatched = gateway._count_reports(since)
            accepted, final, median, expected, last_noted = gateway._count_reported_sms(since)
            if gateway.has_status_query:
                last_noted = None  # a response to a query may have set it
            gateway.last_report_date = max(filter(None, (last, last_noted)), default=False)
            gateway.report_count = reports
            gateway.unmatched_report_count = unmatched
            gateway.has_report_rate = bool(accepted)
            gateway.report_rate = final / accepted if accepted else 0
            gateway.median_delivery_seconds = median or 0
            gateway.report_hint = gateway.delivery_callback_enabled and gateway._get_report_hint(
                since, expected, reports, unmatched)

    # === BUSINESS METHODS === #

    def _count_reports(self, since):
        """
        :param datetime since: in UTC
        :return: the time of the last report, how many arrived since then, and how many of these match no SMS
        :rtype: tuple
        """
        self.env['sms.gateway.received.report'].flush_model()
        self.env.cr.execute("""
            SELECT (SELECT create_date FROM sms_gateway_received_report
                    WHERE gateway_id = %(gateway)s AND origin IS DISTINCT FROM 'query' ORDER BY id DESC LIMIT 1),
                   (SELECT count(*) FROM (
                        SELECT create_date FROM sms_gateway_received_report
                        WHERE gateway_id = %(gateway)s AND origin IS DISTINCT FROM 'query'
                        ORDER BY id DESC LIMIT %(limit)s) AS last
                    WHERE create_date >= %(since)s),
                   (SELECT count(*) FROM (
                        SELECT create_date FROM sms_gateway_received_report
                        WHERE gateway_id = %(gateway)s AND result = 'unmatched' AND origin IS DISTINCT FROM 'query'
                        ORDER BY id DESC LIMIT %(limit)s) AS last
                    WHERE create_date >= %(since)s)
        """, {'gateway': self._origin.id or 0, 'limit': MAX_ROWS, 'since': since})
        return self.env.cr.fetchone()

    def _count_reported_sms(self, since):
        """Read the last SMS that were accepted, and those that failed, because a report may have said so.

        :param datetime since: in UTC
        :return: how many SMS were accepted, how many of them have a final report, the median of seconds to delivery,
            how many should have a report, test SMS included, and the time of the last report
        :rtype: tuple
        """
        self.env['sms.gateway.status'].flush_model()
        self.env.cr.execute("""
            WITH sent AS (
                SELECT id, create_date, sent_date, delivered_date, report_date, is_test
                FROM sms_gateway_status
                WHERE gateway_id = %(gateway)s AND state = 'success' ORDER BY id DESC LIMIT %(limit)s
            ), failed AS (
                SELECT id, create_date, report_date, outcome, is_test
                FROM sms_gateway_status
                WHERE gateway_id = %(gateway)s AND state IN ('error', 'server_error') ORDER BY id DESC LIMIT %(limit)s
            ), edge AS ( -- the same period for both
                SELECT GREATEST(
                    %(since)s,
                    (SELECT min(create_date) FROM sent HAVING count(*) = %(limit)s),
                    (SELECT min(create_date) FROM failed HAVING count(*) = %(limit)s)) AS start
            ), recent AS (
                SELECT delivered_date IS NOT NULL AS is_final, sent_date, create_date, is_test FROM sent
                UNION ALL
                SELECT TRUE, NULL, create_date, is_test FROM failed
                WHERE outcome = 'accepted' AND report_date IS NOT NULL
            )
            SELECT count(*) FILTER (WHERE is_test IS NOT TRUE),
                   count(*) FILTER (WHERE is_test IS NOT TRUE AND is_final),
                   (SELECT percentile_cont(0.5) WITHIN GROUP (
                        ORDER BY EXTRACT(EPOCH FROM delivered_date - sent_date)::float)
                    FROM (
                        SELECT sent_date, delivered_date FROM sent
                        WHERE delivered_date IS NOT NULL AND is_test IS NOT TRUE
                        ORDER BY id DESC LIMIT %(delivered)s) AS delivered),
                   count(*) FILTER (WHERE COALESCE(sent_date, create_date) < %(expected)s),
                   (SELECT max(report_date) FROM (
                        SELECT report_date FROM sent UNION ALL SELECT report_date FROM failed) AS noted)
            FROM recent WHERE create_date >= (SELECT start FROM edge)
        """, {
            'gateway': self._origin.id or 0, 'limit': MAX_ROWS, 'since': since, 'delivered': MAX_DELIVERED,
            'expected': fields.Datetime.now() - PATIENCE})
        return self.env.cr.fetchone()

    def _get_report_hint(self, since, expected, reports, unmatched):
        """Return what is wrong with the delivery reports, and what to check."""
        if expected and not reports and not (self.last_report_date and self.last_report_date >= since):
            return self.env._(
                "The provider accepted SMS in the last 7 days, but no delivery report arrived. Check that the provider "
                "has the Callback URL and can reach it from the internet.")
        if unmatched * 2 > reports:
            return self.env._(
                "More than half of the delivery reports match no SMS. Check UUID Param, Message ID Param and the "
                "Message ID Regex of the response.")
        return False

    def _simulate_delivered(self, status):
        """Read and apply a report that an SMS was delivered, in a transaction of its own.

        :param status: of an SMS of this gateway
        :raise UserError: if such a report is not read as delivered, or does not match the SMS
        """
        self.ensure_one()
        rules = self._get_report_rules()
        uuid, message_id = attempt_uuid(status.sms_uuid, status.attempt), status.message_id or ''
        by_message_id = message_id and rules.message_id_param
        call = make_delivered(
            rules, uuid='' if by_message_id else uuid, message_id=message_id, number=status.number or '')
        reports = parse_reports(rules, *call) if call else []
        if not any(report.state == 'success' for report in reports):
            raise UserError(self.env._(
                "No delivery report could be read. Enter the Status Param, the Success Values, and the Message ID "
                "Param or UUID Param on the Delivery Callbacks page."))
        unmatched = []

        def apply(env):
            unmatched[:] = env['sms.gateway.status']._apply_reports(env['sms.gateway'].browse(self.id), reports)
            if not unmatched:
                env['sms.gateway.status'].browse(status.id).note = self.env._("The delivery report was simulated.")

        if not OwnTransactions(self.env).write(apply, 1) or unmatched:
            raise UserError(self.env._(
                "The simulated delivery report matches no SMS. Check the message ID of the SMS status."))
