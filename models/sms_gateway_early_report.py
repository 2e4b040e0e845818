# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
from dataclasses import asdict

from odoo import api, fields, models

from ..tools.attempt import match_key, plain_uuid
from ..tools.report.parsing import DeliveryReport

KEEP_DAYS = 7
KEEP_REPORTS = 10_000  # per gateway


class SmsGatewayEarlyReport(models.Model):
    """A delivery report that arrived before its send was recorded, because providers are often faster than our
    transaction. It is applied as soon as the send is recorded."""
    _name = 'sms.gateway.early.report'
    _description = "Early Delivery Report"
    _log_access = False

    create_date = fields.Datetime("Received On", readonly=True, default=fields.Datetime.now)
    gateway_id = fields.Many2one('sms.gateway', required=True, readonly=True, ondelete='cascade')
    uuid = fields.Char(readonly=True)
    message_id = fields.Char(readonly=True)
    number = fields.Char(readonly=True)
    status = fields.Char(readonly=True)
    state = fields.Char(readonly=True)
    error_code = fields.Char(readonly=True)
    error_message = fields.Char(readonly=True)
    failure_type = fields.Char(readonly=True)
    price = fields.Char(readonly=True)
    price_currency = fields.Char(readonly=True)
    segment_count = fields.Integer(readonly=True)
    origin = fields.Char(readonly=True)
    received_id = fields.Integer(readonly=True, help="ID of the received report.")

    # the same part of the UUID as in tools/attempt.py, which all attempts of an SMS share
    _uuid_index = models.Index('(gateway_id, substr(uuid, 3, 18))')
    _message_id_index = models.Index('(gateway_id, message_id)')

    @api.model
    def _keep(self, gateway, reports):
        """Keep reports of a gateway and remove its oldest ones above the limit, because reports are usually matched
        within seconds.

        :param list[DeliveryReport] reports: at most KEEP_REPORTS
        """
        self.env.cr.execute("SELECT count(*) FROM sms_gateway_early_report WHERE gateway_id = %s", [gateway.id])
        excess = self.env.cr.fetchone()[0] + len(reports) - KEEP_REPORTS
        if excess > 0:
            # remove more than necessary, so that not every call has to search for the oldest
            self.env.cr.execute("""
                DELETE FROM sms_gateway_early_report WHERE id IN (
                    SELECT id FROM sms_gateway_early_report WHERE gateway_id = %s ORDER BY id LIMIT %s)
            """, [gateway.id, max(excess, KEEP_REPORTS // 10)])
        rows = [{**asdict(report), 'gateway_id': gateway.id, 'uuid': plain_uuid(report.uuid)} for report in reports]
        names = ', '.join(rows[0])
        self.env.cr.execute(f"""
            INSERT INTO sms_gateway_early_report (create_date, {names})
            SELECT (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0), {names}
            FROM json_populate_recordset(NULL::sms_gateway_early_report, %s) WITH ORDINALITY ORDER BY ordinality
        """, [json.dumps(rows)])  # pylint: disable=sql-injection
        self.invalidate_model()

    @api.model
    def _take_out(self, gateway, uuids, message_ids):
        """Remove the reports that may belong to these SMS.

        :return: the reports in the order of their arrival
        :rtype: list[DeliveryReport]
        """
        self.env.cr.execute("""
            DELETE FROM sms_gateway_early_report
            WHERE gateway_id = %s AND (substr(uuid, 3, 18) = ANY(%s) OR message_id = ANY(%s))
            RETURNING id, received_id, uuid, message_id, number, status, state, error_code, error_message, failure_type,
                price, price_currency, origin, segment_count
        """, [gateway.id, [match_key(uuid) for uuid in uuids], message_ids])
        rows = sorted(self.env.cr.fetchall())
        self.invalidate_model()
        return [
            DeliveryReport(
                *(value or '' for value in row[2:-2]), segment_count=row[-1] or 0, origin=row[-2] or '',
                received_id=row[1])
            for row in rows]

    @api.autovacuum
    def _gc_reports(self):
        """Remove reports that were never matched."""
        self.env.cr.execute("""
            DELETE FROM sms_gateway_early_report WHERE id IN (
                SELECT id FROM (
                    SELECT id, create_date, row_number() OVER (PARTITION BY gateway_id ORDER BY id DESC) AS position
                    FROM sms_gateway_early_report) AS numbered
                WHERE position > %s OR create_date < (now() AT TIME ZONE 'UTC') - %s * interval '1 day')
        """, [KEEP_REPORTS, KEEP_DAYS])
