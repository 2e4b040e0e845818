# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class MailFollowers(models.Model):
    _inherit = 'mail.followers'

    def _get_recipient_data(self, records, message_type, subtype_id, pids=None):
        """Notify followers of an inbound SMS as of an incoming email. Core would send it to them as an SMS."""
        if message_type == 'sms' and self.env.context.get('sms_is_inbound'):
            message_type = 'email'
        return super()._get_recipient_data(records, message_type, subtype_id, pids=pids)
