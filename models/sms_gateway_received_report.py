# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.actions import show_notification
from ..tools.attempt import match_keys
from ..tools.report.parsing import QUERY, DeliveryReport
from .sms_gateway_callback_failure_map import FAILURE_TYPES
from .sms_gateway_early_report import KEEP_DAYS
from .sms_gateway_inbox import MAX_TRIES

STATES = [('success', "Delivered"), ('pending', "Pending"), ('error', "Failed"), ('canceled', "Cancelled")]


class SmsGatewayReceivedReport(models.Model):
    _name = 'sms.gateway.received.report'
    _inherit = ['sms.gateway.inbox']
    _description = "Delivery Report"
    _log_access = False
    _order = 'id desc'
    _rec_name = 'status'
    _inbox_columns = (
        'uuid', 'message_id', 'number', 'status', 'state', 'error_code', 'error_message', 'failure_type', 'price',
        'price_currency', 'segment_count', 'origin')
    _inbox_lock = b'eir'

    uuid = fields.Char("UUID", readonly=True)
    message_id = fields.Char("Message ID", readonly=True)
    number = fields.Char("Number", readonly=True)
    status = fields.Char("Status", readonly=True, help="The status value as the provider sent it.")
    state = fields.Selection(
        STATES, "Meaning", readonly=True,
        help="Meaning of the status value. Empty if it is in none of the gateway's lists.")
    error_code = fields.Char("Error Code", readonly=True)
    error_message = fields.Char("Error Message", readonly=True)
    failure_type = fields.Selection(FAILURE_TYPES, "Failure Type", readonly=True)
    price = fields.Char("Price", readonly=True, help="As the provider reported it.")
    price_currency = fields.Char("Price Currency", readonly=True)
    segment_count = fields.Integer("Segments", readonly=True, aggregator=None)
    origin = fields.Selection(
        [(QUERY, "Status Query")], "Origin", readonly=True,
        help="Status Query if Odoo asked the provider. Empty if the provider sent the report.")
    result = fields.Selection(
        [('matched', "Matched"), ('unmatched', "Unmatched")], "Result", readonly=True,
        help="Whether the SMS of the report was found. Empty until the report is applied.")
    explanation = fields.Char("Explanation", compute='_compute_explanation')

    _unmatched_index = models.Index("(gateway_id, id) WHERE result = 'unmatched'")
    # rows are in the order of their dates, and this index costs an insert almost nothing
    _create_date_index = models.Index('USING brin (create_date) WITH (autosummarize = on)')
    # for the history of an SMS; the same part of the UUID as in tools/attempt.py
    _uuid_index = models.Index("(gateway_id, substr(uuid, 3, 18)) WHERE uuid != ''")
    _message_id_index = models.Index("(gateway_id, message_id) WHERE message_id != ''")

    # === COMPUTE METHODS === #

    @api.depends('applied_date', 'result', 'tries')
    @api.depends_context('lang')
    def _compute_explanation(self):
        for report in self:
            report.explanation = report._explain()

    # === ACTION METHODS === #

    def action_open_status(self):
        """Open the status of the SMS that the report is about."""
        self.ensure_one()
        self.check_access('read')
        self.env.cr.execute("""
            SELECT id FROM sms_gateway_status
            WHERE gateway_id = %s AND (substr(sms_uuid, 3, 18) = ANY(%s) OR message_id = %s) LIMIT 100
        """, [self.gateway_id.id, match_keys([self.uuid] if self.uuid else []), self.message_id or None])
        if rows := self.env.cr.fetchall():
            return self.env['sms.gateway.status'].browse(row[0] for row in rows)._get_action()
        return show_notification(self.env._("No gateway has recorded a status for this SMS."))

    # === BUSINESS METHODS === #

    def _explain(self):
        """Return why the report changed no SMS so far; '' if it was matched.

        :rtype: str
        """
        if not self.applied_date and self.tries >= MAX_TRIES:
            return self.env._(
                "The report could not be applied %s times and is not tried again. The log contains the errors.",
                self.tries)
        if not self.applied_date and self.tries:
            return self.env._(
                "The report could not be applied. The queue action will try again. The log contains the error.")
        if not self.applied_date:
            return self.env._("The report has not been applied yet.")
        if self.result != 'unmatched':
            return ''
        if not self.gateway_id.create_status and not self.uuid:
            return self.env._(
                "The report contains no UUID, and without Track Status no message ID is known. Turn on Track Status, "
                "or enter the UUID Param.")
        names = [self._fields[name]._description_string(self.env) for name in ('uuid', 'message_id') if self[name]]
        return self.env._(
            "No SMS of this gateway has this %(name)s. If one is recorded within %(days)s days, the report is applied "
            "to it.", name=self.env._(" or ").join(names), days=KEEP_DAYS)

    @api.model
    def _apply_rows(self, gateway, rows, is_last_try):
        unmatched = gateway._apply_or_keep([DeliveryReport(*row[1:], received_id=row[0]) for row in rows])
        return SQL(
            "result = CASE WHEN id = ANY(%s::int[]) THEN 'unmatched' ELSE 'matched' END",
            [report.received_id for report in unmatched])

    @api.model
    def _note_match(self, ids):
        """Mark early reports as matched: their SMS have now been recorded.

        :param ids: of received reports; None is ignored
        """
        self.env.cr.execute(
            "UPDATE sms_gateway_received_report SET result = 'matched' WHERE id = ANY(%s::int[])", [list(ids)])
        self.invalidate_model()

    # === AUTOVACUUM === #

    @api.autovacuum
    def _gc_received_reports(self):
        return self._remove_old_rows()
