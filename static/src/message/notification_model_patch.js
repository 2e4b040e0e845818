import { Notification } from "@mail/core/common/notification_model";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { areGatewaysUsed } from "../gateways_used";

/** Shows the provider's error message after core's label of the failure type. */
patch(Notification.prototype, {
    /** @type {string|undefined} */
    failure_reason: undefined,
    get failureMessage() {
        // core's labels, Unregistered Account and Server Error, apply to IAP only
        const labels = { sms_acc: _t("Account Refused"), sms_server: _t("Provider Error") };
        const message = (areGatewaysUsed() && labels[this.failure_type]) || super.failureMessage;
        if (this.notification_type === "sms" && this.failure_reason) {
            return `${message}: ${this.failure_reason}`;
        }
        return message;
    },
});
