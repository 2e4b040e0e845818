# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class IapAccount(models.Model):
    _inherit = 'iap.account'

    @api.model
    def get_credits_url(self, service_name, account_token=None):
        """Return the URL of the gateways while they send the SMS, because core would create an IAP account."""
        if service_name == 'sms' and self.env.company._uses_sms_gateways():
            return '/odoo/action-eis_sms_apis.sms_gateway_action'
        return super().get_credits_url(service_name, account_token)
