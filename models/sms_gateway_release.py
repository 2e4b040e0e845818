# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import SUPERUSER_ID, api, fields, models

from ..sending.store.releases import start_release


class SmsGatewayRelease(models.Model):
    """SMS that waited for a budget, or for quiet hours if there is none, and may go on: see
    `sending/store/releases.py`."""
    _name = 'sms.gateway.release'
    _description = "Release of Waiting SMS"
    _log_access = False

    budget_id = fields.Many2one('sms.gateway.budget', index=True, ondelete='cascade')
    next_id = fields.Integer(required=True)  # the SMS before are released
    last_id = fields.Integer(required=True)

    # === BUSINESS METHODS === #

    @api.model
    def _start(self, budgets=()):
        """Let SMS go on. If there are many, the user is told that this takes a while.

        :param budgets: for which they wait; none for quiet hours
        """
        if not start_release(self.sudo().env, [budget.id for budget in budgets]):
            self._tell_user()

    @api.model
    def _tell_user(self):
        if self.env.uid != SUPERUSER_ID:  # the queue action
            self.env.user._bus_send('simple_notification', {
                'type': 'info',
                'message': self.env._(
                    "Many SMS are waiting. They are released in batches in the background."),
            })
