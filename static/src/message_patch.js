import { Message } from "@mail/core/common/message";
import { MessageNotificationPopover } from "@mail/core/common/message_notification_popover";
import { patch } from "@web/core/utils/patch";
import { user } from "@web/core/user";
import { session } from "@web/session";

/**
 * Shows what happened to the SMS of a message at its provider.
 *
 * @returns {Promise<boolean>} whether there is something to show
 */
async function openSmsStatus(env, message) {
    const action = await env.services.orm.call("sms.gateway.status", "action_open_of_message", [message.id]);
    if (action) {
        env.services.action.doAction(action);
    }
    return Boolean(action);
}

/** Core leads a click on "Unregistered Account" to an IAP account, which has nothing to do with a gateway's SMS. */
patch(Message.prototype, {
    async onClickNotification(ev) {
        const isAccountFailure =
            this.message.message_type === "sms" &&
            this.message.notification_ids.some(
                (notification) => notification.isFailure && notification.failure_type === "sms_acc"
            );
        if (isAccountFailure && !session.sms_iap_used && user.isSystem) {
            if (await openSmsStatus(this.env, this.message)) {
                return;
            }
        }
        return super.onClickNotification(ev);
    },
});

patch(MessageNotificationPopover.prototype, {
    get hasSmsStatus() {
        const { message } = this.props; // core opens this with the bare record
        return user.isSystem && (message._proxy || message).message_type === "sms";
    },
    async onClickSmsStatus() {
        await openSmsStatus(this.env, this.props.message);
        this.props.close?.();
    },
});
