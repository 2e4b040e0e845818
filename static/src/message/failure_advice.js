import { _t } from "@web/core/l10n/translation";

/**
 * What the reader can do about a failed SMS: an administrator sets something, others ask one.
 *
 * @param {string} failureType of the notification
 * @param {boolean} isSystem whether the reader is a Settings administrator
 * @returns {string} empty if there is nothing to do
 */
export function getFailureAdvice(failureType, isSystem) {
    switch (failureType) {
        case "sms_number_missing":
        case "sms_number_format":
        case "sms_invalid_destination":
            return _t("Correct the number of the contact and retry, or write a new SMS.");
        case "sms_credit":
            return isSystem
                ? _t("Top up the account at the provider and retry.")
                : _t("Ask your administrator to top up the SMS account.");
        case "sms_acc":
            return isSystem
                ? _t("Check the credentials of the gateway, and at the provider whether the account may send SMS.")
                : _t("Ask your administrator to check the SMS account.");
        case "sms_country_not_supported":
            return isSystem
                ? _t("Enable the country at the provider, or add a gateway for it.")
                : _t("Ask your administrator to enable SMS to this country.");
        case "sms_registration_needed":
            return isSystem
                ? _t("Register the sender for this country at the provider.")
                : _t("Ask your administrator to register the sender for this country.");
        case "sms_rejected":
            return isSystem
                ? _t("Check whether the country allows the sender and the text.")
                : _t("Change the text, or ask your administrator to check the sender.");
        case "sms_not_allowed":
            return _t("The recipient may have blocked SMS from this sender. Contact them in another way.");
        case "sms_not_delivered":
            return _t("The phone may be turned off. Retry later.");
        case "sms_expired":
            return _t("Retry to send it now.");
        case "sms_server":
        case "unknown":
            return isSystem
                ? _t("Look up the response in the SMS status, or retry through another gateway.")
                : _t("Retry later. If it fails again, ask your administrator.");
    }
    return "";
}
