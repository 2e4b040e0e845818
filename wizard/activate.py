# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

from ..tools.actions import open_form


class SmsGatewayActivate(models.TransientModel):
    """Asks for confirmation before activating a gateway that probably cannot send."""
    _name = 'sms.gateway.activate'
    _description = "Activate Gateway"
    _rec_name = 'gateway_id'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, readonly=True, ondelete='cascade')
    missing = fields.Char("Missing", readonly=True)
    reasons = fields.Text("Reasons", readonly=True)

    # === ACTION METHODS === #

    def action_activate(self):
        """Activate the gateway despite the warnings."""
        self.ensure_one()
        self.gateway_id.state = 'active'
        return {'type': 'ir.actions.act_window_close'}

    def action_connect(self):
        """Ask for what is missing."""
        return self.gateway_id.action_connect()

    def action_test(self):
        """Send a test SMS first."""
        return self.gateway_id.action_test()

    # === BUSINESS METHODS === #

    def _open(self):
        return open_form(
            self, name=self.env._("Activate %s?", self.gateway_id.name), target='new',
            context={'dialog_size': 'medium'})
