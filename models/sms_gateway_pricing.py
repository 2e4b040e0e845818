# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class SmsGatewayPricing(models.AbstractModel):
    """What the SMS of a gateway cost."""
    _name = 'sms.gateway.pricing'
    _description = "SMS Gateway Pricing"

    # === ACTION METHODS === #

    def action_view_prices(self):
        """Open the price list of the gateway."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_price_action')
        return dict(action, domain=[('gateway_id', '=', self.id)], context={'default_gateway_id': self.id})
