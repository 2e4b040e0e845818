# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class MailMessage(models.Model):
    _inherit = 'mail.message'

    def _notify_message_notification_update(self):
        """Wait for the provider's error message: core would notify the web client before it is written."""
        if not self.env.context.get('sms_gateway_words_follow'):
            return super()._notify_message_notification_update()
        return None
