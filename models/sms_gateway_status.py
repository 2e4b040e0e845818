# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fields and screens of the status of an SMS at its gateway."""
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.actions import open_form
from .sms_gateway_callback_failure_map import FAILURE_TYPES

# 1 or 0, NULL if the gateway gets no delivery reports.
IS_DELIVERED = """CASE
    WHEN %(delivered_date)s IS NOT NULL THEN 1.0
    WHEN %(state)s != 'success' OR %(awaits_report)s OR %(note)s IS NOT NULL THEN 0.0 END"""
# Figures of graphs and pivots, which the database computes per group of rows.
AGGREGATES = {
    'sent_count:sum': "COUNT(*) FILTER (WHERE %(state)s = 'success')",
    'failed_count:sum': "COUNT(*) FILTER (WHERE %(state)s IN ('error', 'server_error'))",
    'delivered_count:sum': "COUNT(%(delivered_date)s)",
    'delivery_rate:avg': f'AVG({IS_DELIVERED})',
    'delivery_rate:count': f'COUNT({IS_DELIVERED})',
    'delivery_seconds:median': """percentile_cont(0.5) WITHIN GROUP (
        ORDER BY EXTRACT(EPOCH FROM %(delivered_date)s - %(sent_date)s)::float)""",
    # Views only ask whether there are several. DISTINCT would sort all rows in one process.
    'company_currency_id:array_agg_distinct': """array_remove(ARRAY[
        MIN(%(company_currency_id)s), NULLIF(MAX(%(company_currency_id)s), MIN(%(company_currency_id)s))], NULL)""",
}
FAILED = ('error', 'server_error')
OUTCOMES = [('accepted', "Accepted"), ('refused', "Not Accepted"), ('unknown', "Unknown")]
RETENTION_DAYS = 180
PRICE_SOURCES = [('response', "Response"), ('report', "Delivery Report"), ('price_list', "Price List")]
ENCODINGS = [('gsm', "GSM 03.38"), ('unicode', "UCS-2")]
COLUMNS = ('state', 'sent_date', 'delivered_date', 'awaits_report', 'note', 'company_currency_id')


class SmsGatewayStatus(models.Model):
    """The status of one SMS at its gateway. It outlives the `sms.sms`, which core removes after sending."""
    _name = 'sms.gateway.status'
    _inherit = ['sms.gateway.retention']
    _description = "SMS Status"
    _order = 'id desc'
    _rec_name = 'number'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, readonly=True, ondelete='restrict')
    company_id = fields.Many2one('res.company', "Company", readonly=True, ondelete='set null')
    sms_id_int = fields.Integer(
        "SMS ID", readonly=True, aggregator=None, help="ID of the SMS record, which Odoo deletes after sending.")
    sms_uuid = fields.Char("SMS UUID", required=True, readonly=True)
    number = fields.Char("Number", readonly=True)
    state = fields.Selection(
        [
            ('success', "Success"),
            ('pending', "Pending"),
            ('error', "Error"),
            ('server_error', "Server Error"),
            ('canceled', "Cancelled"),
        ],
        "State", required=True, readonly=True,
        help="Success: the provider accepted the SMS. Delivered On is set once the SMS is delivered.")
    outcome = fields.Selection(
        OUTCOMES, "Outcome", readonly=True,
        help="Did the provider accept the SMS? Unknown: without a clear response, the recipient may have received it.")
    http_code = fields.Integer("HTTP Code", readonly=True, aggregator=None)
    response_text = fields.Text("Response", readonly=True, help="The provider's response, truncated to 4 KiB.")
    request_text = fields.Text(
        "Request", readonly=True, help="The request of a failed SMS, without secrets, truncated to 4 KiB.")
    message_id = fields.Char("Message ID", readonly=True, help="The provider's ID of the SMS.")
    error_code = fields.Char("Error Code", readonly=True)
    error_message = fields.Char("Error Message", readonly=True)
    failure_type = fields.Selection(FAILURE_TYPES, "Failure Type", readonly=True)
    sent_date = fields.Datetime("Sent On", readonly=True)
    delivered_date = fields.Datetime("Delivered On", readonly=True)
    report_date = fields.Datetime("Last Report On", readonly=True)
    duration = fields.Integer(
        "Duration (ms)", readonly=True, aggregator='avg', help="Response time of the provider.")
    query_date = fields.Datetime(
        "Next Status Query", readonly=True, help="When the provider is asked for the status of the SMS.")
    awaits_report = fields.Boolean(readonly=True, help="No final delivery report has arrived yet.")
    text_encoding = fields.Selection(ENCODINGS, "Encoding", readonly=True, help="Encoding of the text as it was sent.")
    segment_count = fields.Integer("Segments", readonly=True, help="Number of SMS that the provider charges for.")
    price = fields.Float(
        "Price", digits=(16, 6), readonly=True, help="Price of all segments in the currency of the provider.")
    price_currency = fields.Char("Price Currency", readonly=True)
    price_source = fields.Selection(
        PRICE_SOURCES, "Price Source", readonly=True, help="Where the price comes from.")
    # Raw SQL writes it, because the ORM would round it to cents.
    cost = fields.Monetary(
        "Cost", currency_field='company_currency_id', readonly=True,
        help="Price in the currency of the company, at the rate of the day on which the SMS was sent, and the cost of "
             "earlier attempts. Empty if the price or the rate is not known.")
    earlier_cost = fields.Monetary(
        "Cost of Earlier Attempts", currency_field='company_currency_id', readonly=True, aggregator=None,
        help="Contained in the cost: the provider also charges for an SMS that it accepted before Retry.")
    earlier_segment_count = fields.Integer("Segments of Earlier Attempts", readonly=True, aggregator=None)
    company_currency_id = fields.Many2one('res.currency', "Company Currency", readonly=True, ondelete='restrict')
    # Where the SMS comes from, see `sending/store/origins.py`; `create_uid` is the user
    country_code = fields.Selection('_get_countries', "Country", readonly=True)
    sms_template_id = fields.Many2one('sms.template', "SMS Template", readonly=True, ondelete='set null')
    document_model = fields.Selection('_get_document_models', "Document Type", readonly=True)
    mailing_id_int = fields.Integer("Mailing ID", readonly=True, aggregator=None)
    mailing_name = fields.Char("Mailing", readonly=True)
    campaign_name = fields.Char("Campaign", readonly=True)
    is_text_replaced = fields.Boolean(
        "Characters Replaced", readonly=True,
        help="Smart Encoding replaced characters of the text. Odoo keeps the original text.")
    note = fields.Char("Note", readonly=True)
    attempt = fields.Integer(
        "Attempt", readonly=True, default=1, aggregator=None, help="Number of times the SMS was sent to a provider.")
    is_dry_run = fields.Boolean(related='gateway_id.is_dry_run')
    is_test = fields.Boolean("Test", readonly=True, help="Sent with Send Test SMS.")

    sent_count = fields.Integer("Sent", compute='_compute_figures', aggregator='sum')
    failed_count = fields.Integer("Failed", compute='_compute_figures', aggregator='sum')
    delivered_count = fields.Integer("Delivered", compute='_compute_figures', aggregator='sum')
    delivery_rate = fields.Float(
        "Delivery Rate", compute='_compute_figures', aggregator='avg',
        help="Share of SMS that were delivered, not counting gateways without delivery reports.")
    delivery_seconds = fields.Float(
        "Median Time to Delivery (s)", compute='_compute_figures', aggregator='median')
    sms_id = fields.Many2one('sms.sms', "SMS", compute='_compute_sms_id')
    mail_message_id = fields.Many2one('mail.message', "Message", compute='_compute_mail_message_id')
    partner_id = fields.Many2one('res.partner', "Recipient", compute='_compute_document')
    document_name = fields.Char("Document", compute='_compute_document')
    can_ask = fields.Boolean(compute='_compute_can_ask', help="The provider can be asked for the status.")
    story = fields.Html("History", compute='_compute_story', sanitize=False)

    _sms_uuid_unique = models.Constraint('unique(sms_uuid)', "An SMS can have only one status.")
    _message_id_index = models.Index('(gateway_id, message_id) WHERE message_id IS NOT NULL')
    # the same part of the UUID as in tools/attempt.py, which all attempts share; also used to find a gateway's rows
    _match_index = models.Index('(gateway_id, substr(sms_uuid, 3, 18))')
    _awaits_report_index = models.Index('(COALESCE(sent_date, create_date)) WHERE awaits_report')
    _query_index = models.Index('(gateway_id, query_date) WHERE awaits_report AND query_date IS NOT NULL')
    _create_date_index = models.Index('(create_date)')
    _success_index = models.Index("(gateway_id, id) WHERE state = 'success'")
    _number_index = models.Index('(number, id)')
    _mailing_index = models.Index('(mailing_id_int) WHERE mailing_id_int IS NOT NULL')
    _failed_index = models.Index("(gateway_id, id) WHERE state IN ('error', 'server_error')")

    # === COMPUTE METHODS === #

    @api.depends('state', 'sent_date', 'delivered_date')
    def _compute_figures(self):
        for status in self:
            delivered, sent = status.delivered_date, status.sent_date
            status.sent_count = status.state == 'success'
            status.failed_count = status.state in FAILED
            status.delivered_count = status.delivery_rate = bool(delivered)
            status.delivery_seconds = (delivered - sent).total_seconds() if delivered and sent else 0

    def _compute_sms_id(self):
        by_uuid = {
            sms.uuid: sms.id for sms in self.env['sms.sms'].search([('uuid', 'in', self.mapped('sms_uuid'))])}
        for status in self:
            status.sms_id = by_uuid.get(status.sms_uuid)

    def _compute_mail_message_id(self):
        trackers = self.env['sms.tracker'].sudo().search([('sms_uuid', 'in', self.mapped('sms_uuid'))])
        by_uuid = {tracker.sms_uuid: tracker.mail_notification_id.mail_message_id for tracker in trackers}
        for status in self:
            status.mail_message_id = by_uuid.get(status.sms_uuid)

    def _compute_can_ask(self):
        asked = set(self.gateway_id.sudo()._get_query_minutes())
        for status in self:
            status.can_ask = bool(status.message_id) and status.gateway_id.id in asked

    def _compute_document(self):
        trackers = self.env['sms.tracker'].sudo().search([('sms_uuid', 'in', self.mapped('sms_uuid'))])
        by_uuid = {tracker.sms_uuid: tracker for tracker in trackers}
        for status in self:
            tracker = by_uuid.get(status.sms_uuid, trackers.browse())
            document = status._find_document(tracker)
            status.document_name = document.sudo().display_name if document else False
            status.partner_id = (
                tracker.mail_notification_id.res_partner_id.id or status.sms_id.partner_id.id
                or (document is not None and document._name == 'res.partner' and document.id))

    @api.depends_context('lang', 'tz', 'uid')
    def _compute_story(self):
        for status in self:
            status.story = self.env['sms.gateway.story']._render(status.sms_uuid, status)

    # === CRUD METHODS === #

    def unlink(self):
        attempts = self.env['sms.gateway.attempt'].sudo().search([('sms_uuid', 'in', self.mapped('sms_uuid'))])
        result = super().unlink()
        attempts.unlink()
        return result

    # === ACTION METHODS === #

    def action_open_sms(self):
        self.ensure_one()
        return open_form(self.sms_id)

    def action_open_document(self):
        """Open the document that the SMS is about."""
        self.ensure_one()
        tracker = self.env['sms.tracker'].sudo().search([('sms_uuid', '=', self.sms_uuid)], limit=1)
        document = self._find_document(tracker)
        if document is None:
            raise UserError(self.env._("The document of this SMS was deleted, or you cannot read it."))
        return open_form(document)

    def action_retry(self):
        """See `sms.sms.action_retry`."""
        return self.sms_id._filter_retryable()._ask_or_retry(len(self))

    def action_retry_through(self):
        """See `sms.sms.action_retry_through`."""
        return self.sms_id.action_retry_through()

    def action_simulate_delivered(self):
        """Apply a report that a test SMS was delivered, as if the provider had sent it."""
        self.ensure_one()
        self.gateway_id.check_access('write')
        if not self.is_test:
            raise UserError(self.env._("Delivery can be simulated for test SMS only."))
        self.gateway_id._simulate_delivered(self)
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    def action_ask_provider(self):
        """Ask the provider for the status of this SMS."""
        self.ensure_one()
        self.gateway_id.check_access('write')
        return self.gateway_id._ask_provider(self)

    @api.model
    def action_open_of_message(self, message_id):
        """Open the statuses of a message's SMS.

        :param int message_id: of a `mail.message` in a chatter
        :return: an action that shows the statuses, or a notification that there are none
        :rtype: dict
        """
        self.check_access('read')
        trackers = self.env['sms.tracker'].sudo().search([('mail_notification_id.mail_message_id', '=', message_id)])
        uuids = trackers.mapped('sms_uuid')
        if statuses := self.search([('sms_uuid', 'in', uuids)]):
            return statuses._get_action()
        # a queued SMS has no status yet, but may have been refused before
        if sms := self.env['sms.sms'].search([('uuid', 'in', uuids)], limit=1):
            return open_form(sms)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {'type': 'info', 'message': self.env._("No gateway has recorded a status for this SMS.")},
        }

    def _get_action(self):
        action = self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_status_action')
        if len(self) == 1:
            return dict(action, res_id=self.id, views=[(False, 'form')])
        return dict(action, domain=[('id', 'in', self.ids)], context={})

    # === BUSINESS METHODS === #

    @api.model
    def _find_document(self, tracker):
        """Return the document whose chatter contains an SMS, or the recipient of a mailing.

        :param tracker: the `sms.tracker` of the SMS, or none
        :return: a record that the user can read; None if there is none
        """
        source = tracker.mail_notification_id.mail_message_id
        if not source and 'mailing_trace_id' in tracker._fields:
            source = tracker.mailing_trace_id
        if not source.model or source.model not in self.env or not source.res_id:
            return None
        document = self.env[source.model].browse(source.res_id).exists()
        return document if document and document.has_access('read') else None

    def _get_reason(self):
        """Return why the SMS failed, in the provider's words if there are any.

        :return: False if it did not fail
        :rtype: str or bool
        """
        labels = dict(self._fields['failure_type']._description_selection(self.env))
        return self.error_message or labels.get(self.failure_type) or False

    @api.model
    def _count_by_gateway(self, domain):
        """Count SMS that the user may see: a gateway without company also sends for other companies.

        :return: {gateway id: (all, accepted or delivered, failed)}
        :rtype: dict[int, tuple[int, int, int]]
        """
        counts = {}
        for gateway, state, count in self._read_group(domain, ['gateway_id', 'state'], ['__count']):
            total, sent, failed = counts.get(gateway.id, (0, 0, 0))
            counts[gateway.id] = (
                total + count, sent + (count if state == 'success' else 0), failed + (count if state in FAILED else 0))
        return counts

    @api.model
    def _find_last(self, gateway_ids, states):
        """Find the last SMS of each gateway in one of the states that the user may see, without test SMS.

        :param list[int] gateway_ids: of saved gateways
        :param states: those of an index
        """
        if not gateway_ids:
            return self.browse()
        self.flush_model()
        # _search applies the record rules
        last = self._search([('state', 'in', states), ('is_test', '!=', True)], order='id desc', limit=1)
        last.add_where(SQL("%s = gateway.id", self._field_to_sql(self._table, 'gateway_id')))
        rows = self.env.execute_query(SQL(
            "SELECT last.id FROM unnest(%s::int[]) AS gateway(id) CROSS JOIN LATERAL (%s) AS last",
            gateway_ids, last.select()))
        return self.browse(row[0] for row in rows)

    @api.model
    def _read_group_select(self, aggregate_spec, query):
        """Add figures that are not columns, and the median, which is not among Odoo's aggregates."""
        if aggregate_spec not in AGGREGATES:
            return super()._read_group_select(aggregate_spec, query)
        columns = {name: self._field_to_sql(self._table, name, query) for name in COLUMNS}
        return SQL(AGGREGATES[aggregate_spec], **columns)

    # === AUTOVACUUM === #

    @api.autovacuum
    def _gc_old_status(self):
        """Remove rows older than `eis_sms_apis.status_retention_days`; 0 keeps all."""
        return self._remove_old('eis_sms_apis.status_retention_days', RETENTION_DAYS)

    @api.model
    def _delete_rows(self, ids):
        self.env.cr.execute("""
            DELETE FROM sms_gateway_attempt WHERE sms_uuid IN (
                SELECT sms_uuid FROM sms_gateway_status WHERE id = ANY(%s))
        """, [ids])
        return super()._delete_rows(ids)
