# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class SmsGatewayHeader(models.Model):
    _name = 'sms.gateway.header'
    _description = "SMS Gateway Header"
    _inherit = ['sms.gateway.row']
    _order = 'sequence, id'
    _rec_name = 'key'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, ondelete='cascade', index=True)
    sequence = fields.Integer(default=10)
    key = fields.Char("Key", required=True, help="Name of the HTTP header, for example Authorization.")
    value = fields.Char("Value", help="Enter the value, with placeholders if needed, for example Bearer {token}.")

    @api.constrains('key', 'value')
    def _check_row(self):
        self.gateway_id._check_request()
