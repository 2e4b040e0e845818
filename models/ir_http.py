# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class IrHttp(models.AbstractModel):
    _inherit = 'ir.http'

    def session_info(self):
        """Add the companies of the user in which gateways send, where the web client must not mention IAP."""
        return dict(super().session_info(), sms_gateway_company_ids=self._get_sms_gateway_company_ids())

    def _get_sms_gateway_company_ids(self):
        companies = self.env['res.company'].sudo().browse(self.env.user._get_company_ids())
        return [company.id for company in companies if company._uses_sms_gateways()]
