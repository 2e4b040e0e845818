# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL

from ..sending.store.earlier_costs import OWN_COSTS
from .sms_gateway_status import AGGREGATES, OUTCOMES, PRICE_SOURCES

SUMS = ('cost:sum', 'price:sum', 'segment_count:sum', '__count')
CURRENCIES, CONVERTED = 'company_currency_id:array_agg_distinct', 'cost:sum_currency'
# of the SMS, whatever the attempt
SHARED = ('number', 'country_code', 'sms_template_id', 'document_model', 'mailing_name', 'campaign_name', 'is_test')
CHARGES = tuple(OWN_COSTS)


class SmsGatewayCost(models.Model):
    """What each attempt to send an SMS cost, at the gateway that sent it, as its provider's invoice says: the last
    attempt of each SMS, and earlier ones that a provider charges."""
    _name = 'sms.gateway.cost'
    _description = "SMS Cost"
    _auto = False
    _order = 'id desc'
    _rec_name = 'number'
    _depends = {
        'sms.gateway.status': [
            'gateway_id', 'company_id', 'sent_date', 'create_date', 'create_uid', 'attempt', 'outcome', 'sms_uuid',
            'earlier_cost', 'earlier_segment_count', *SHARED, *CHARGES],
        'sms.gateway.attempt': ['gateway_id', 'company_id', 'date', 'attempt', 'sms_uuid', 'outcome', *CHARGES]}

    status_id = fields.Many2one('sms.gateway.status', "SMS Status", readonly=True)
    gateway_id = fields.Many2one('sms.gateway', "Gateway", readonly=True)
    company_id = fields.Many2one('res.company', "Company", readonly=True)
    date = fields.Datetime("Date", readonly=True)
    number = fields.Char("Number", readonly=True)
    attempt = fields.Integer("Attempt", readonly=True, aggregator=None)
    outcome = fields.Selection(OUTCOMES, "Outcome", readonly=True)
    country_code = fields.Selection('_get_countries', "Country", readonly=True)
    sms_template_id = fields.Many2one('sms.template', "SMS Template", readonly=True)
    document_model = fields.Selection('_get_document_models', "Document Type", readonly=True)
    mailing_name = fields.Char("Mailing", readonly=True)
    campaign_name = fields.Char("Campaign", readonly=True)
    user_id = fields.Many2one('res.users', "User", readonly=True)
    is_test = fields.Boolean("Test", readonly=True)
    segment_count = fields.Integer("Segments", readonly=True)
    price = fields.Float("Price", digits=(16, 6), readonly=True)
    price_currency = fields.Char("Price Currency", readonly=True)
    price_source = fields.Selection(PRICE_SOURCES, "Price Source", readonly=True)
    cost = fields.Monetary("Cost", currency_field='company_currency_id', readonly=True)
    company_currency_id = fields.Many2one('res.currency', "Company Currency", readonly=True)

    @property
    def _table_query(self):
        shared = ', '.join(f'status.{name}' for name in SHARED)
        # segments are known as well of an SMS that the provider refused, which is not charged
        own = ', '.join(f'{expression} AS {name}' for name, expression in {
            **OWN_COSTS,
            'segment_count': f"""CASE WHEN status.outcome <> 'refused' OR status.price_source IS NOT NULL
                THEN {OWN_COSTS['segment_count']} ELSE 0 END""",
        }.items())
        earlier = ', '.join(f'attempt.{name}' for name in OWN_COSTS)
        return SQL(f"""
            SELECT 2 * status.id::bigint AS id, status.id AS status_id, status.gateway_id, status.company_id,
                   COALESCE(status.sent_date, status.create_date) AS date, status.create_uid AS user_id, status.attempt,
                   status.outcome, {shared}, {own}
            FROM sms_gateway_status status
            UNION ALL
            SELECT 2 * attempt.id::bigint + 1, status.id, attempt.gateway_id, attempt.company_id,
                   attempt.date, status.create_uid, attempt.attempt, attempt.outcome, {shared}, {earlier}
            FROM sms_gateway_attempt attempt JOIN sms_gateway_status status USING (sms_uuid)
            WHERE attempt.attempt < status.attempt
            AND (attempt.outcome = 'accepted' OR attempt.price_source IS NOT NULL)
        """)  # pylint: disable=sql-injection

    # === SELECTIONS === #

    @api.model
    def _get_countries(self):
        return self.env['sms.gateway.status']._get_countries()

    @api.model
    def _get_document_models(self):
        return self.env['sms.gateway.status']._get_document_models()

    # === ACTION METHODS === #

    def action_open_status(self):
        return self.status_id._get_action()

    # === BUSINESS METHODS === #

    def _read_group_select(self, aggregate_spec, query):
        if aggregate_spec != CURRENCIES:
            return super()._read_group_select(aggregate_spec, query)
        return SQL(AGGREGATES[CURRENCIES], company_currency_id=self._field_to_sql(
            self._table, 'company_currency_id', query))

    @api.model
    def _read_group(self, domain, groupby=(), aggregates=(), having=(), offset=0, limit=None, order=None):
        """Let PostgreSQL hash the rows. It has no statistics of a union, expects many groups, and would sort a million
        rows to make a few of them."""
        self.env.cr.execute("SET LOCAL enable_sort = off")
        groups = super()._read_group(domain, groupby, aggregates, having, offset, limit, order)
        self.env.cr.execute("SET LOCAL enable_sort TO DEFAULT")
        return groups

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        """Read the groups by currency, and convert and add up the sums instead of a million rows. PostgreSQL computes
        GROUPING SETS, which core uses, in one process."""
        specs = {spec for groupby in grouping_sets for spec in groupby}
        if order or 'company_currency_id' in specs or not {*SUMS, CURRENCIES, CONVERTED}.issuperset(aggregates):
            return super()._read_grouping_sets(domain, grouping_sets, aggregates, order)
        finest = max(grouping_sets, key=len)
        rows = self._read_by_currency(domain, finest)
        rates = self.env['res.currency'].union(*(row[len(finest)] for row in rows))._get_rates(
            self.env.company, fields.Date.context_today(self))
        return [
            _roll_up(rows, finest, groupby, aggregates, rates) if groupby == finest[:len(groupby)]
            else _roll_up(self._read_by_currency(domain, groupby), groupby, groupby, aggregates, rates)
            for groupby in grouping_sets]

    @api.model
    def _read_by_currency(self, domain, groupby):
        order = ', '.join(groupby) or '__count'  # by default also by currency, for which its table would be joined
        return self._read_group(domain, [*groupby, 'company_currency_id'], SUMS, order=order)


def _roll_up(rows, specs, groupby, aggregates, rates):
    """Make the groups of a grouping of those of a finer one.

    :param list[tuple] rows: of `_read_by_currency`, sorted
    :param list specs: what the rows are grouped by, apart from the currency
    :param list groupby: the first of these
    :param dict rates: {currency id: units for one of the user's company}
    """
    groups = {} if groupby else {(): []}
    for row in rows:
        currency, *sums = row[len(specs):]
        figures = dict(zip(SUMS, (value or 0 for value in sums), strict=True))
        figures[CURRENCIES] = currency.ids
        figures[CONVERTED] = figures['cost:sum'] / rates.get(currency.id, 1)
        groups.setdefault(row[:len(groupby)], []).append(figures)
    return [
        (*key, *(
            sorted({item for one in figures for item in one[name]}) if name == CURRENCIES
            else sum(one[name] for one in figures)
            for name in aggregates))
        for key, figures in groups.items()]
