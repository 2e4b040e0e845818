# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

from ..tools.answer import failure_codes

LABELS = {
    'unknown': "Unknown error",
    'sms_number_missing': "Missing Number",
    'sms_number_format': "Wrong Number Format",
    'sms_country_not_supported': "Country Not Supported",
    'sms_registration_needed': "Country-specific Registration Required",
    'sms_credit': "Insufficient Credit",
    'sms_server': "Provider Error",
    'sms_acc': "Account Refused",
    'sms_expired': "Expired",
    'sms_invalid_destination': "Invalid Destination",
    'sms_not_allowed': "Not Allowed",
    'sms_not_delivered': "Not Delivered",
    'sms_rejected': "Rejected",
}
FAILURE_TYPES = [(code, LABELS[code]) for code in failure_codes.FAILURE_TYPES]
DELIVERY_FAILURE_TYPES = [(code, LABELS[code]) for code in failure_codes.DELIVERY_FAILURE_TYPES]


class SmsGatewayCallbackFailureMap(models.Model):
    _name = 'sms.gateway.callback.failure.map'
    _description = "SMS Gateway Failure Code"
    _inherit = ['sms.gateway.row']
    _order = 'provider_code, id'
    _rec_name = 'provider_code'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, ondelete='cascade', index=True)
    provider_code = fields.Char(
        "Provider Code", required=True,
        help="Enter a code that the provider documents. It is compared, case-insensitively, with the error code, then "
             "the status value, then the HTTP code (HTTP 402), then the error message of responses and delivery "
             "reports. * matches any characters, and exact codes take precedence. If a code means something else in "
             "responses than in delivery reports, start it with response: or report:, for example response:9.")
    failure_type = fields.Selection(FAILURE_TYPES, "Failure Type", required=True, default='unknown')
    outcome = fields.Selection(
        [
            ('as_usual', "As Usual"),
            ('refused', "Not Accepted"),
            ('try_again', "Try Again"),
            ('account', "Account Refused"),
            ('accepted', "Accepted"),
            ('unknown', "Unknown"),
        ],
        "Outcome", required=True, default='as_usual',
        help="Select what this code in a response means for the SMS, whatever the HTTP code. As Usual: the other "
             "settings decide. Not Accepted: the provider did not accept the SMS. Try Again: the provider is busy, as "
             "with HTTP 429; the next gateway sends the SMS, or this one later. Account Refused: the provider refuses "
             "every SMS of the account; the next gateway sends the SMS, and this one is paused after three of them. "
             "Accepted: the provider accepted the SMS, for example in an earlier request. Unknown: the recipient may "
             "have received the SMS. Applies to responses only, not to delivery reports. In a successful response, "
             "only the error code and the status value are compared.")

    _provider_code_unique = models.Constraint(
        'unique(gateway_id, provider_code)',
        "This provider code is already in the list. Change its failure type there.",
    )
