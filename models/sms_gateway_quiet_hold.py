# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class SmsGatewayQuietHold(models.AbstractModel):
    """What an SMS knows of the quiet hours for which it waits: see `sending/store/quiet.py`."""
    _name = 'sms.gateway.quiet.hold'
    _description = "SMS That Waits for Quiet Hours"

    # without defaults, which would rewrite a large table on upgrade
    is_held = fields.Boolean(
        "Held", readonly=True, copy=False, help="The SMS waits for the end of quiet hours, or for a budget.")
    ignores_quiet = fields.Boolean(
        "Ignores Quiet Hours", readonly=True, copy=False, help="A user sent it with Send Now.")

    _held_index = models.Index("(send_after) WHERE is_held AND state = 'outgoing'")
    _quiet_index = models.Index("(id) WHERE is_held AND state = 'outgoing' AND budget_id IS NULL")

    # === ACTION METHODS === #

    def action_send_now(self):
        """Send SMS that are in the queue, also during quiet hours."""
        self.filtered(lambda sms: sms.state == 'outgoing').ignores_quiet = True
        return self.send()
