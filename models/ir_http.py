# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class IrHttp(models.AbstractModel):
    _inherit = 'ir.http'

    def session_info(self):
        """Tell the web client whether Odoo's IAP sends SMS, so that it names IAP only then."""
        return dict(super().session_info(), sms_iap_used=self.env['sms.gateway']._is_iap_used(self.env.company))
