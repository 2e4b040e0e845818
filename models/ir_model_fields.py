# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class IrModelFields(models.Model):
    _inherit = 'ir.model.fields'

    @api.model
    def get_field_selection(self, model_name, field_name):
        """Replace the label of `sms_acc`, because core's label is about IAP accounts."""
        selection = super().get_field_selection(model_name, field_name)
        if field_name != 'failure_type' or not self.env.company._uses_sms_gateways():
            return selection
        return [(value, self.env._("Account Refused") if value == 'sms_acc' else label) for value, label in selection]
