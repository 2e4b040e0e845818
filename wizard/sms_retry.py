# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class SmsRetry(models.TransientModel):
    """Asks before SMS are sent again: for confirmation if their recipients may have received them already, and for the
    gateway."""
    _name = 'sms.retry'
    _description = "Resend SMS"

    sms_ids = fields.Many2many('sms.sms', 'sms_retry_sms_rel', string="SMS", readonly=True)
    doubtful_sms_ids = fields.Many2many('sms.sms', 'sms_retry_doubtful_rel', string="Outcome Unknown", readonly=True)
    is_gateway_chosen = fields.Boolean(readonly=True)
    gateway_id = fields.Many2one(
        'sms.gateway', "Gateway", domain=[('state', '=', 'active'), ('is_template', '=', False)], ondelete='cascade',
        help="The SMS are sent through this gateway only.")
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
        sms = sms._filter_retryable()  # others may have been sent again while the dialog was open
        self._check_companies(sms)
        notification = sms._retry(self.count, self.gateway_id)
        notification['params']['next'] = {'type': 'ir.actions.act_window_close'}
        return notification

    def _check_companies(self, sms):
        company = self.gateway_id.company_id
        if company and any(one._get_sms_company() != company for one in sms):
            raise UserError(self.env._(
                "%(gateway)s only sends SMS of %(company)s.", gateway=self.gateway_id.name, company=company.name))
