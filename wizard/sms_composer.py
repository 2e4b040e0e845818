# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class SmsComposer(models.TransientModel):
    _inherit = 'sms.composer'

    def _action_send_sms(self):
        """Send with the validity of the template."""
        return super(SmsComposer, self.template_id._with_validity(self))._action_send_sms()
