# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class SmsComposer(models.TransientModel):
    _inherit = 'sms.composer'

    def _action_send_sms(self):
        """Send with the validity and lane of the template."""
        composer = self.template_id._with_sending_options(self)
        if self.composition_mode == 'mass':
            composer = composer.with_context(sms_is_mass=True)
        return super(SmsComposer, composer)._action_send_sms()

    def _prepare_mass_sms_values(self, records):
        """Let the queue check the blacklist again, because numbers can be blacklisted before it sends."""
        values = super()._prepare_mass_sms_values(records)
        if self.use_exclusion_list:
            for sms_values in values.values():
                sms_values['uses_exclusion_list'] = True
        return values
