# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models

# The failure types that SMS, notification and SMS Marketing trace all know, once `sms.sms` has the last five.
FAILURE_TYPES = [
    ('unknown', "Unknown error"),
    ('sms_number_missing', "Missing Number"),
    ('sms_number_format', "Wrong Number Format"),
    ('sms_country_not_supported', "Country Not Supported"),
    ('sms_registration_needed', "Country-specific Registration Required"),
    ('sms_credit', "Insufficient Credit"),
    ('sms_server', "Server Error"),
    ('sms_acc', "Account Refused"),
    ('sms_expired', "Expired"),
    ('sms_invalid_destination', "Invalid Destination"),
    ('sms_not_allowed', "Not Allowed"),
    ('sms_not_delivered', "Not Delivered"),
    ('sms_rejected', "Rejected"),
]


class SmsGatewayCallbackFailureMap(models.Model):
    _name = 'sms.gateway.callback.failure.map'
    _description = "SMS Gateway Failure Code"
    _order = 'provider_code, id'
    _rec_name = 'provider_code'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, ondelete='cascade', index=True)
    provider_code = fields.Char(
        "Provider Code", required=True,
        help="Compared, without case, with the error code, then the status value, then the HTTP code (HTTP 402), then "
             "the error text, of answers and of delivery reports. * stands for any characters; an exact code is "
             "preferred to one with *. If the provider uses the same code with different meanings, start it with "
             "response: or report: (response:9).")
    failure_type = fields.Selection(FAILURE_TYPES, "Failure Type", required=True, default='unknown')
    outcome = fields.Selection(
        [('as_usual', "As Usual"), ('refused', "Not Taken"), ('accepted', "Taken"), ('unknown', "Unknown")],
        "Outcome", required=True, default='as_usual',
        help="Select what this code in a response means for the SMS, whatever the HTTP code. As Usual: the other "
             "settings decide. Not Taken: the provider did not accept the SMS. Taken: the provider accepted the SMS, "
             "for example in an earlier request. Unknown: the recipient may have received the SMS. Only applies to "
             "responses, not to delivery reports; in a successful response only the error code and the status value "
             "are compared.")

    _provider_code_unique = models.Constraint(
        'unique(gateway_id, provider_code)',
        "This provider code is in the list already: change its failure type there.",
    )
