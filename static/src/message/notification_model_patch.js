import { Notification } from "@mail/core/common/notification_model";
import { _t } from "@web/core/l10n/translation";
import { patch } from "@web/core/utils/patch";
import { areGatewaysUsed } from "../gateways_used";

/** Shows the provider's error message after core's label of the failure type. */
patch(Notification.prototype, {
    /** @type {string|undefined} */
    failure_reason: undefined,
    get failureMessage() {
        // core's label, Unregistered Account, applies to IAP only
        const isAccount = this.failure_type === "sms_acc" && areGatewaysUsed();
        const message = isAccount ? _t("Account Refused") : super.failureMessage;
        if (this.notification_type === "sms" && this.failure_reason) {
            return `${message}: ${this.failure_reason}`;
        }
        return message;
    },
});
