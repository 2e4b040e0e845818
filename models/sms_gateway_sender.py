# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools.problem import ProblemError
from ..tools.sender_id import check_sender


class SmsGatewaySender(models.Model):
    """The Sender ID of a gateway for the numbers of a country, the SMS of a company, or both."""
    _name = 'sms.gateway.sender'
    _description = "SMS Gateway Sender ID"
    _inherit = ['sms.gateway.row']
    _order = 'country_id, company_id, id'
    _rec_name = 'sender'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, ondelete='cascade', index=True)
    country_id = fields.Many2one(
        'res.country', "Country", ondelete='cascade',
        help="Select the country of the recipient's number. Leave empty for all countries.")
    company_id = fields.Many2one(
        'res.company', "Company", ondelete='cascade',
        help="Select the company that sends the SMS. Leave empty for all companies.")
    sender = fields.Char(
        "Sender ID", required=True,
        help="Enter the number or name that recipients see, as the provider expects it: a name has at most 11 "
             "characters.")

    _row_unique = models.UniqueIndex(
        '(gateway_id, COALESCE(country_id, 0), COALESCE(company_id, 0))',
        "Sender IDs: a country and company can appear only once.")

    # === CONSTRAINT METHODS === #

    @api.constrains('country_id', 'company_id')
    def _check_scope(self):
        for row in self:
            if not row.country_id and not row.company_id:
                raise ValidationError(self.env._(
                    "Select a country or a company for the Sender ID %s, or enter it as Sender ID of the gateway.",
                    row.sender))
            if row.gateway_id.company_id and row.company_id and row.company_id != row.gateway_id.company_id:
                raise ValidationError(self.env._(
                    "The gateway only sends SMS of %(company)s. Select this company for the Sender ID %(sender)s, or "
                    "none.", company=row.gateway_id.company_id.name, sender=row.sender))

    @api.constrains('sender')
    def _check_sender(self):
        for row in self:
            try:
                check_sender(row.sender)
            except ProblemError as error:
                row.gateway_id._refuse('sender', error.problem)
