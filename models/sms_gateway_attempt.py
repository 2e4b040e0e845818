# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL

from ..sending.store.earlier_costs import OWN_COSTS
from .sms_gateway_callback_failure_map import FAILURE_TYPES
from .sms_gateway_status import OUTCOMES, PRICE_SOURCES, RETENTION_DAYS

# columns that a status row has as well
COLUMNS = (
    'sms_uuid', 'company_id', 'gateway_id', 'attempt', 'outcome', 'http_code', 'request_text', 'response_text',
    'message_id', 'error_code', 'error_message', 'failure_type', 'duration')


class SmsGatewayAttempt(models.Model):
    """An attempt to send an SMS that was followed by another. The last attempt is the status row."""
    _name = 'sms.gateway.attempt'
    _inherit = ['sms.gateway.retention']
    _description = "SMS Attempt"
    _order = 'sms_uuid, attempt'
    _rec_name = 'attempt'
    _log_access = False

    sms_uuid = fields.Char("SMS UUID", required=True, readonly=True)
    company_id = fields.Many2one('res.company', "Company", readonly=True, ondelete='set null')
    gateway_id = fields.Many2one(
        'sms.gateway', "Gateway", required=True, readonly=True, index=True, ondelete='restrict')
    attempt = fields.Integer("Attempt", required=True, readonly=True, aggregator=None)
    date = fields.Datetime("Date", required=True, readonly=True)
    recipient_count = fields.Integer(
        "Recipients", readonly=True, aggregator=None, help="Number of SMS in the same request.")
    request_text = fields.Text("Request", readonly=True)
    response_text = fields.Text("Response", readonly=True)
    outcome = fields.Selection(OUTCOMES, "Outcome", readonly=True)
    http_code = fields.Integer("HTTP Code", readonly=True, aggregator=None)
    duration = fields.Integer("Duration (ms)", readonly=True, aggregator='avg')
    message_id = fields.Char("Message ID", readonly=True)
    error_code = fields.Char("Error Code", readonly=True)
    error_message = fields.Char("Error Message", readonly=True)
    failure_type = fields.Selection(FAILURE_TYPES, "Failure Type", readonly=True)
    price = fields.Float("Price", digits=(16, 6), readonly=True, aggregator=None)
    price_currency = fields.Char("Price Currency", readonly=True)
    price_source = fields.Selection(PRICE_SOURCES, "Price Source", readonly=True)
    cost = fields.Monetary("Cost", currency_field='company_currency_id', readonly=True)
    company_currency_id = fields.Many2one('res.currency', "Company Currency", readonly=True, ondelete='restrict')
    segment_count = fields.Integer("Segments", readonly=True, aggregator=None)
    next_step = fields.Selection(
        [('failover', "Failed Over"), ('requeue', "Queued Again"), ('retry', "Retried by a User")],
        "Next Step", readonly=True, help="Reason for the next attempt.")
    next_date = fields.Datetime("Next Step On", readonly=True)
    user_id = fields.Many2one('res.users', "Retried by", readonly=True, ondelete='set null')

    _attempt_unique = models.Constraint('unique(sms_uuid, attempt)', "An attempt is recorded once.")
    _date_index = models.Index('(date)')
    # those that a late delivery report can be about, which are few; see `sending/store/reported_costs.py`
    _message_id_index = models.Index("(gateway_id, message_id) WHERE outcome <> 'refused'")
    _match_index = models.Index("(gateway_id, substr(sms_uuid, 3, 18)) WHERE outcome <> 'refused'")

    # === BUSINESS METHODS === #

    @api.model
    def _keep_before_retry(self, uuids):
        """Keep the last attempt of SMS, whose status rows the next attempt will change.

        :param list[str] uuids: of SMS that the user retries
        """
        names, costs = ', '.join(COLUMNS), ', '.join(OWN_COSTS)
        self.env['sms.gateway.status'].flush_model()
        self.env.cr.execute(f"""
            INSERT INTO sms_gateway_attempt ({names}, {costs}, date, next_step, next_date, user_id)
            SELECT {names}, {', '.join(OWN_COSTS.values())}, COALESCE(sent_date, write_date, create_date), 'retry',
                   (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0), %s
            FROM sms_gateway_status status WHERE sms_uuid = ANY(%s) AND attempt IS NOT NULL
            ON CONFLICT (sms_uuid, attempt) DO UPDATE SET
                next_step = EXCLUDED.next_step, next_date = EXCLUDED.next_date, user_id = EXCLUDED.user_id,
                ({costs}) = ROW({', '.join(f'EXCLUDED.{name}' for name in OWN_COSTS)})
        """, [self.env.uid, uuids])
        self.invalidate_model()

    # === AUTOVACUUM === #

    @api.autovacuum
    def _gc_old_attempts(self):
        """Remove attempts whose SMS has no status row any more. Those of queued SMS are removed after the same time."""
        return self._remove_old('eis_sms_apis.status_retention_days', RETENTION_DAYS, 'date', SQL(
            "NOT EXISTS (SELECT FROM sms_gateway_status status WHERE status.sms_uuid = sms_gateway_attempt.sms_uuid)"))
