import { Notification } from "@mail/core/common/notification_model";
import { patch } from "@web/core/utils/patch";

/** Shows what the provider said after core's fixed word for the type of failure. */
patch(Notification.prototype, {
    /** @type {string|undefined} */
    failure_reason: undefined,
    get failureMessage() {
        const message = super.failureMessage;
        if (this.notification_type === "sms" && this.failure_reason) {
            return `${message}: ${this.failure_reason}`;
        }
        return message;
    },
});
