# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class SmsGatewayTestValue(models.TransientModel):
    """A value of the response to a test SMS, and what it means."""
    _name = 'sms.gateway.test.value'
    _description = "Value of a Response"
    _rec_name = 'path'
    _order = 'id'

    test_id = fields.Many2one('sms.gateway.test', "Test", required=True, ondelete='cascade', index=True)
    path = fields.Char("Path", required=True, readonly=True)
    value = fields.Char("Value", readonly=True)
    meaning = fields.Selection(
        [
            ('message_id', "Message ID"),
            ('status', "Status"),
            ('error_code', "Error Code"),
            ('error_message', "Error Message"),
            ('price', "Price"),
        ],
        "Meaning", help="Select what the value is. Leave empty to ignore it.")
