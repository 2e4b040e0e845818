# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class SmsComposer(models.TransientModel):
    _inherit = 'sms.composer'

    def _action_send_sms(self):
        """Send with the validity of the template."""
        return super(SmsComposer, self.template_id._with_validity(self))._action_send_sms()

    def _prepare_mass_sms_values(self, records):
        """Let the queue check the blacklist again, because numbers can be blacklisted before it sends."""
        values = super()._prepare_mass_sms_values(records)
        if self.use_exclusion_list:
            for sms_values in values.values():
                sms_values['uses_exclusion_list'] = True
        return values
