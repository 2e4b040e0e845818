# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The gateways as one of Odoo's SMS APIs, next to core's IAP and Twilio."""
from .answer.failure_codes import FAILURE_TYPES
from .core_contract import SmsApiBase


class SmsApiGateway(SmsApiBase):
    """The class that `res.company._get_sms_api_class` returns while gateways send the SMS of a company.

    Its results have Odoo's failure types as states, so that they need no mapping.
    """
    PROVIDER_TO_SMS_FAILURE_TYPE = {
        **SmsApiBase.PROVIDER_TO_SMS_FAILURE_TYPE, **{failure_type: failure_type for failure_type in FAILURE_TYPES}}

    def _send_sms_batch(self, messages, delivery_reports_url=False):
        """Send at once, in the caller's transaction: what SMS Marketing's Test button does. See core's `SmsApi`.

        The rows with the same UUIDs are marked in this transaction, so that the queue does not send them again.
        Everything else is sent by `sms.sms.send`, after commit.
        """
        return self.env['sms.sms'].sudo()._send_now(messages, self.company or self.env.company)


class SmsApiResults(SmsApiGateway):
    """Returns results that exist already, so that core's `_send_with_api` records them."""

    def __init__(self, env, results):
        super().__init__(env)
        self.results = results

    def _send_sms_batch(self, messages, delivery_reports_url=False):
        return self.results
