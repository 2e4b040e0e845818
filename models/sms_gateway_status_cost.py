# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What SMS cost: of a mailing, of a message."""
from odoo import api, models
from odoo.exceptions import AccessError
from odoo.tools.misc import formatLang

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
