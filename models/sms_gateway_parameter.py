# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..tools.request.config import Parameter


class SmsGatewayParameter(models.Model):
    _name = 'sms.gateway.parameter'
    _description = "SMS Gateway Parameter"
    _inherit = ['sms.gateway.row']
    _order = 'sequence, id'
    _rec_name = 'key'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, ondelete='cascade', index=True)
    sequence = fields.Integer(default=10)
    key = fields.Char("Key", required=True, help="Name of the parameter, as the provider documents it.")
    value = fields.Char(
        "Value",
        help="Enter a fixed value, or text with placeholders such as {sender}. Leave empty to use the default of the "
             "parameter type.")
    param_type = fields.Selection(
        [
            ('number', "Number"),
            ('multi_number', "Several Numbers"),
            ('message', "Message"),
            ('auth', "Authentication"),
            ('other', "Other"),
        ],
        "Parameter Type", required=True, default='other',
        help="Determines what is sent if Value is empty: {phone} for Number, {phones} for Several Numbers, {message} "
             "for Message, the credential of the Authentication Type (API Key or Token) for Authentication, and an "
             "empty text for Other.")
    only_for = fields.Selection(
        [('any', "Any Text"), ('gsm', "GSM 03.38 Texts"), ('unicode', "Unicode Texts")],
        "Only For", required=True, default='any',
        help="Send the parameter only with texts in the GSM 03.38 alphabet, or only with other texts.")

    # === CONSTRAINT METHODS === #

    @api.constrains('key', 'value', 'param_type')
    def _check_row(self):
        self.gateway_id._check_request()

    # === BUSINESS METHODS === #

    def _to_parameters(self):
        """Return the rows as plain data.

        :rtype: tuple[Parameter, ...]
        """
        return tuple(Parameter(row.key, row.value or '', row.param_type, row.only_for) for row in self)
