# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models
from odoo.addons.mail.tools.discuss import Store


class MailNotification(models.Model):
    _inherit = 'mail.notification'

    # an inbound SMS is matched with the last SMS to its number
    _sms_number_index = models.Index("(sms_number, id) WHERE notification_type = 'sms'")

    def _to_store_defaults(self, target):
        """Send the failure reason of an SMS to the web client, which core does not."""
        return [*super()._to_store_defaults(target), Store.Attr(
            'failure_reason', predicate=lambda notification: (
                notification.notification_type == 'sms' and notification.failure_reason))]

    def format_failure_reason(self):
        reason = super().format_failure_reason()
        if self.notification_type == 'sms' and self.failure_type != 'unknown':
            # core uses the label of the field, which is not translated and not the one of `get_field_selection`
            labels = dict(self._fields['failure_type']._description_selection(self.env))
            reason = labels.get(self.failure_type, reason)
        if self.notification_type == 'sms' and self.failure_reason and self.failure_reason not in reason:
            return f'{reason}: {self.failure_reason}'
        return reason
