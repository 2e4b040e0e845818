# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import api, fields, models

MESSAGE_TYPES = [('transactional', "Transactional"), ('promotional', "Promotional")]


class SmsSmsValues(models.AbstractModel):
    """What an SMS has from its SMS template, see `sending/message_rules.py`."""
    _name = 'sms.sms.values'
    _description = "SMS Values"

    # read when the SMS is sent, so that Retry uses what was entered in the template in the meantime
    sms_template_id = fields.Many2one('sms.template', "SMS Template", readonly=True, ondelete='set null')
    dlt_template_id = fields.Char(
        "DLT Template ID", help="India: ID of the text in the DLT registry. Leave empty to use the one of the SMS "
                                "template.")
    message_type = fields.Selection(
        MESSAGE_TYPES, "Message Type",
        help="Leave empty to use the one of the SMS template or, without one, the lane: bulk SMS are promotional.")

    # === BUSINESS METHODS === #

    @api.model
    def _get_template_values(self):
        """Return the values of new SMS that come from their SMS template, by the context.

        :rtype: dict
        """
        minutes = self.env.context.get('sms_validity_minutes')
        return {
            'valid_until': fields.Datetime.now() + timedelta(minutes=minutes) if minutes else False,
            'sms_template_id': self.env.context.get('sms_template_id', False),
        }
