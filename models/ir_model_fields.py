# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class IrModelFields(models.Model):
    _inherit = 'ir.model.fields'

    @api.model
    def get_field_selection(self, model_name, field_name):
        """Replace core's labels that apply to IAP only: its accounts, and its server as the cause of every error."""
        selection = super().get_field_selection(model_name, field_name)
        if field_name != 'failure_type' or not self.env.company._uses_sms_gateways():
            return selection
        labels = {'sms_acc': self.env._("Account Refused"), 'sms_server': self.env._("Provider Error")}
        return [(value, labels.get(value, label)) for value, label in selection]
