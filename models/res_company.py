# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models, modules
from odoo.exceptions import ValidationError

from ..tools.core_contract import is_replaced_by_test, sends_through_iap
from ..tools.inbound.keywords import DEFAULTS, HELP, START, STOP, join, make_keywords
from ..tools.sms_api import SmsApiGateway


class ResCompany(models.Model):
    _inherit = 'res.company'

    # not prefetched: companies are read in every request, even before the addon is upgraded
    sms_gateway_id = fields.Many2one(
        'sms.gateway', "Default SMS Gateway", ondelete='set null', prefetch=False, copy=False,
        groups='base.group_system',
        help="Select the gateway for numbers that match no gateway's prefixes. Leave empty to use the Default Gateway "
             "of all companies.")

    sms_stop_keywords = fields.Char(
        "Stop Keywords", default=join(DEFAULTS[STOP]), prefetch=False,
        help="Enter the texts, separated by commas, that put the sender of an SMS on the blacklist. Only a whole text "
             "counts; case, accents, emoji and punctuation around it are ignored.")
    sms_start_keywords = fields.Char(
        "Start Keywords", default=join(DEFAULTS[START]), prefetch=False,
        help="Enter the texts that remove a number from the blacklist, unless a user added it.")
    sms_help_keywords = fields.Char(
        "Help Keywords", default=join(DEFAULTS[HELP]), prefetch=False,
        help="Enter the texts that are answered with the Help Reply.")
    sms_stop_codes = fields.Char(
        "Stop Codes", prefetch=False,
        help="Enter the words that may follow a stop keyword, for example SHOP, if recipients of a number that several "
             "senders share are told to write STOP SHOP.")
    sms_stop_reply = fields.Text(
        "Stop Reply", translate=True, prefetch=False,
        help="Leave empty to send no confirmation, or if the provider sends its own.")
    sms_start_reply = fields.Text(
        "Start Reply", translate=True, prefetch=False, help="Leave empty to send no confirmation.")
    sms_help_reply = fields.Text(
        "Help Reply", translate=True, prefetch=False, help="Leave empty to send no reply.")
    sms_country_ids = fields.Many2many(
        'res.country', 'res_company_sms_country_rel', 'company_id', 'country_id', string="Allowed SMS Countries",
        help="SMS of this company are sent to numbers of these countries only. Leave empty to allow all countries.")

    sms_is_cheapest_first = fields.Boolean(
        "Cheapest Gateway First", prefetch=False,
        help="Among gateways of equal priority and prefix length, the one with the lowest price for the number in its "
             "price list sends the SMS.")
    sms_cheapest_points = fields.Integer(
        "Tolerated Delivery Rate", default=5, prefetch=False,
        help="Enter by how many percentage points the delivery rate of the last three days may be below the best one. "
             "A gateway that delivers worse is not chosen for its price.")
    sms_dlt_entity_id = fields.Char(
        "DLT Entity ID", prefetch=False,
        help="India: enter the ID of your principal entity in the DLT registry. SMS to Indian numbers contain it if "
             "the gateway's provider asks for it.")

    @api.constrains('sms_gateway_id')
    def _check_sms_gateway(self):
        for company in self.sudo():
            gateway = company.sms_gateway_id
            if gateway and (gateway.state != 'active' or not gateway.active):
                raise ValidationError(self.env._(
                    "Default Gateway: %s is not Active. Activate it first.", gateway.name))
            if gateway.company_id and gateway.company_id != company:
                raise ValidationError(self.env._(
                    "Default Gateway: %(gateway)s only sends SMS of %(company)s.", gateway=gateway.name,
                    company=gateway.company_id.name))

    def _get_sms_api_class(self):
        """Replace IAP with gateways. A company with another SMS provider keeps it."""
        api_class = super()._get_sms_api_class()
        if sends_through_iap(api_class) and not self.env['sms.gateway']._is_iap_used(self):
            if modules.module.current_test and is_replaced_by_test(api_class):
                return api_class
            return SmsApiGateway
        return api_class

    def _uses_sms_gateways(self):
        """Return whether gateways send the SMS of this company, not Odoo IAP or another addon.

        :rtype: bool
        """
        return issubclass(self._get_sms_api_class(), SmsApiGateway)

    @api.model
    def _get_sms_gateway_companies(self):
        """
        :return: the companies whose SMS are sent through gateways, archived ones included
        """
        return self.sudo().search([('active', 'in', (True, False))]).filtered(
            lambda company: company._uses_sms_gateways())

    @api.model
    def _get_allowed_sms_countries(self):
        """
        :return: {company id: ISO codes of the only countries that its SMS go to}
        :rtype: dict[int, set[str]]
        """
        companies = self.sudo().search([('active', 'in', (True, False)), ('sms_country_ids', '!=', False)])
        return {company.id: set(company.sms_country_ids.mapped('code')) for company in companies}

    def _get_other_sms_provider(self):
        """Return the name of the provider that sends the SMS of this company.

        :return: empty if gateways or Odoo IAP send them
        :rtype: str
        """
        api_class = self._get_sms_api_class()
        if sends_through_iap(api_class) or issubclass(api_class, SmsApiGateway):
            return ''
        if 'sms_provider' in self._fields:  # core's `sms_twilio`
            labels = dict(self._fields['sms_provider']._description_selection(self.env))
            return labels.get(self.sms_provider) or api_class.__name__
        return api_class.__name__

    def _get_sms_keywords(self):
        """Return the keywords that recipients of this company's SMS can send.

        :rtype: Keywords
        """
        self.ensure_one()
        return make_keywords(
            self.sms_stop_keywords or '', self.sms_start_keywords or '', self.sms_help_keywords or '',
            self.sms_stop_codes or '')
