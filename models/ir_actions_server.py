# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

from ..sending.lanes import URGENT


class IrActionsServer(models.Model):
    _inherit = 'ir.actions.server'

    is_sms_urgent = fields.Boolean(
        "Urgent SMS", help="Send before all other SMS in the queue. For one-time codes and alarms.")

    def _run_action_sms_multi(self, eval_context=None):
        action = self.with_context(sms_lane=URGENT) if self.is_sms_urgent else self
        return super(IrActionsServer, action)._run_action_sms_multi(eval_context=eval_context)
