# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class SmsRetry(models.TransientModel):
    """Asks for confirmation before resending SMS that their recipients may have received already."""
    _name = 'sms.retry'
    _description = "Resend SMS"

    sms_ids = fields.Many2many('sms.sms', 'sms_retry_sms_rel', string="SMS", readonly=True)
    doubtful_sms_ids = fields.Many2many('sms.sms', 'sms_retry_doubtful_rel', string="Outcome Unknown", readonly=True)
    count = fields.Integer(compute='_compute_counts')
    doubtful_count = fields.Integer(compute='_compute_counts')

    @api.depends('sms_ids', 'doubtful_sms_ids')
    def _compute_counts(self):
        for wizard in self:
            wizard.count = len(wizard.sms_ids)
            wizard.doubtful_count = len(wizard.doubtful_sms_ids)

    def action_send_all(self):
        return self._close_with(self.sms_ids)

    def action_send_certain(self):
        return self._close_with(self.sms_ids - self.doubtful_sms_ids)

    def _close_with(self, sms):
        notification = sms._retry(self.count)
        notification['params']['next'] = {'type': 'ir.actions.act_window_close'}
        return notification
