# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

from ..sending.lanes import URGENT
from .sms_sms_values import MESSAGE_TYPES


class SmsTemplate(models.Model):
    _inherit = 'sms.template'

    is_urgent = fields.Boolean(
        "Urgent", help="Send before all other SMS in the queue. For one-time codes and alarms.")
    validity_minutes = fields.Integer(
        "Valid for (Minutes)",
        help="Enter after how many minutes an SMS is useless, such as 10 for a one-time code. If it could not be sent "
             "by then, it is not sent and fails as Expired. Leave at 0 to retry for 24 hours.")

    message_type = fields.Selection(
        MESSAGE_TYPES, "Message Type",
        help="Select what providers are told if they distinguish transactional from promotional SMS. Leave empty for "
             "the usual: mailings and mass SMS are promotional, all others transactional.")
    dlt_template_id = fields.Char(
        "DLT Template ID",
        help="India: enter the ID under which this text is registered with DLT. Numbers of other countries do not "
             "need it. Use one SMS template per language, because each text has an ID of its own.")

    _validity_minutes_not_negative = models.Constraint(
        'CHECK (validity_minutes >= 0)', "Enter 0 or more minutes as validity.")

    def _with_sending_options(self, records):
        """Return the records with this template, its validity and lane in their context, for SMS that they create."""
        template = self.sudo()
        context = {'sms_template_id': template.id} if template else {}
        if template.validity_minutes:
            context['sms_validity_minutes'] = template.validity_minutes
        if template.is_urgent:
            context['sms_lane'] = URGENT
        return records.with_context(**context)
