# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The gateways as one of Odoo's SMS APIs, next to core's IAP and Twilio."""
import inspect

from odoo.addons.sms.tools import sms_api as core_api

from .answer.interpretation import FAILURE_TYPES

# core has announced to rename SmsApiBase to SmsApi, and today's SmsApi to SmsApiIAP
SmsApiBase = getattr(core_api, 'SmsApiBase', None) or core_api.SmsApi


def sends_through_iap(api_class):
    """Return whether an SMS API is Odoo's paid IAP service, by what it does and not by its name, which changes.

    :param type api_class: what `res.company._get_sms_api_class` of core and other addons returns
    :return: true for the class that contacts IAP to send, and for any other class of core's `sms`; false if another
        addon sends, or decides what to contact
    :rtype: bool
    """
    senders = _get_definers(api_class, '_send_sms_batch')
    contacts = _get_definers(api_class, '_contact_iap')
    if contacts:
        return contacts == senders[:1]
    return bool(senders) and senders[0].__module__.startswith('odoo.addons.sms.')


def is_replaced_by_test(api_class):
    """Return whether a test has mocked what contacts IAP, as core's `mockSMSGateway` does: it expects to see the SMS.

    :rtype: bool
    """
    return any(
        not inspect.isroutine(vars(definer)[name])
        for name in ('_contact_iap', '_send_sms_batch') for definer in _get_definers(api_class, name))


def _get_definers(api_class, name):
    return [definer for definer in api_class.__mro__ if name in vars(definer) and definer is not SmsApiBase]


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
