# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models
from odoo.exceptions import UserError


class ResPartner(models.Model):
    _inherit = 'res.partner'

    # core does not index it, and each inbound SMS looks for its sender
    _sms_number_index = models.Index('(phone_sanitized) WHERE phone_sanitized IS NOT NULL')

    # === ACTION METHODS === #

    def action_view_sms_conversation(self):
        """Open the SMS that were exchanged with the number of a contact."""
        self.ensure_one()
        self.check_access('read')
        if not self.phone_sanitized:
            raise UserError(self.env._("This contact has no valid phone number."))
        return self.env['sms.gateway.conversation']._open(self.phone_sanitized, self)
