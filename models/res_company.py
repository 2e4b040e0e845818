# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models
from odoo.addons.sms.tools.sms_api import SmsApi

from ..tools.sms_api import SmsApiGateway


class ResCompany(models.Model):
    _inherit = 'res.company'

    def _get_sms_api_class(self):
        """Gateways replace IAP and nothing else: a company with another SMS provider keeps it."""
        api_class = super()._get_sms_api_class()
        if api_class is SmsApi and not self.env['sms.gateway']._is_iap_used(self):
            return SmsApiGateway
        return api_class

    def _uses_sms_gateways(self):
        """
        :return: whether gateways send the SMS of this company, neither Odoo's IAP nor another addon
        :rtype: bool
        """
        return issubclass(self._get_sms_api_class(), SmsApiGateway)

    def _get_other_sms_provider(self):
        """
        :return: who sends the SMS of this company if it is neither a gateway nor Odoo's IAP, else an empty text
        :rtype: str
        """
        api_class = self._get_sms_api_class()
        if api_class is SmsApi or issubclass(api_class, SmsApiGateway):
            return ''
        if 'sms_provider' in self._fields:  # of core's `sms_twilio`
            labels = dict(self._fields['sms_provider']._description_selection(self.env))
            return labels.get(self.sms_provider) or api_class.__name__
        return api_class.__name__
