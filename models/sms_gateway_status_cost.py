# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What SMS cost: by country and document type, of a mailing, of a message."""
from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools.misc import formatLang

SUMS = ('cost:sum', 'price:sum', 'segment_count:sum', '__count')
CURRENCIES, CONVERTED = 'company_currency_id:array_agg_distinct', 'cost:sum_currency'
MESSAGE_DIGITS = 4  # an SMS costs less than a cent in some countries


class SmsGatewayStatus(models.Model):
    _inherit = 'sms.gateway.status'

    # === SELECTIONS === #

    @api.model
    def _get_countries(self):
        countries = self.env['res.country'].sudo().search([('code', '!=', False)], order='name')
        return [(country.code, country.name) for country in countries]

    @api.model
    def _get_document_models(self):
        document_models = self.env['ir.model'].sudo().search([('is_mail_thread', '=', True)], order='name')
        return [(model.model, model.name) for model in document_models]

    # === BUSINESS METHODS === #

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

    @api.model
    def get_mailing_cost(self, mailing_id):
        """Return what the SMS of a mailing have cost so far, for users who may read the mailing.

        :param int mailing_id: of a `mailing.mailing`
        :return: an amount for each currency, such as `€ 12.34`; empty if the cost is not known
        :rtype: str
        :raise AccessError: the user may not read the mailing
        """
        if 'mailing.mailing' not in self.env:
            raise AccessError(self.env._("SMS Marketing is not installed."))
        self.env['mailing.mailing'].browse(mailing_id).check_access('read')
        costs = self.sudo()._sum_costs([('mailing_id_int', '=', mailing_id)])
        return ', '.join(formatLang(self.env, cost, currency_obj=currency) for currency, cost in costs)

    @api.model
    def get_message_cost(self, message_id):
        """Return what the SMS of a message in a chatter have cost, for users who may read their statuses.

        :param int message_id: of a `mail.message`
        :return: as `get_mailing_cost`
        :rtype: str
        :raise AccessError: the user may not read statuses
        """
        self.check_access('read')
        trackers = self.env['sms.tracker'].sudo().search([('mail_notification_id.mail_message_id', '=', message_id)])
        costs = self._sum_costs([('sms_uuid', 'in', trackers.mapped('sms_uuid'))])
        return ', '.join(f'{formatLang(self.env, cost, MESSAGE_DIGITS)} {currency.name}' for currency, cost in costs)

    @api.model
    def _sum_costs(self, domain):
        """
        :return: currency and cost of the SMS in it
        :rtype: list[tuple]
        """
        return self._read_group(
            [*domain, ('company_currency_id', '!=', False)], ['company_currency_id'], ['cost:sum'])


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
