# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class SmsGatewayRow(models.AbstractModel):
    """A row of one of a gateway's lists. It has a `gateway_id`, and changing it changes the gateway."""
    _name = 'sms.gateway.row'
    _description = "SMS Gateway Row"

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._check_gateways(vals_list)
        rows = super().create(vals_list)
        rows.gateway_id._make_own()
        return rows

    def write(self, vals):
        self._check_gateways([vals])
        gateways = self.gateway_id
        result = super().write(vals)
        (gateways | self.gateway_id)._make_own()
        return result

    def unlink(self):
        self.gateway_id._make_own()
        return super().unlink()

    # === BUSINESS METHODS === #

    @api.model
    def _check_gateways(self, vals_list):
        """Check access to the gateways that rows are added to. Core checks its rules on the values before writing, and
        on the new ones only after our constraints, whose errors would show what the other gateway contains.

        :raise AccessError: for the gateway of a company that the user cannot access
        """
        gateway_ids = {vals['gateway_id'] for vals in vals_list if vals.get('gateway_id')}
        self.env['sms.gateway'].browse(gateway_ids).check_access('write')
