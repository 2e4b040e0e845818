import { Component, onWillStart, toRaw } from "@odoo/owl";
import { Message } from "@mail/core/common/message";
import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { _t } from "@web/core/l10n/translation";
import { usePopover } from "@web/core/popover/popover_hook";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { markEventHandled } from "@web/core/utils/misc";
import { patch } from "@web/core/utils/patch";
import { areGatewaysUsed } from "../gateways_used";
import { getFailureAdvice } from "./failure_advice";

/** Core's popover of a notification, with Retry, and for administrators a link to the status of the SMS. */
export class SmsNotificationPopover extends Component {
    static template = "eis_sms_apis.SmsNotificationPopover";
    static props = ["message", "Popover", "close?"];

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.notification = useService("notification");
        this.isSystem = user.isSystem;
        this.cost = "";
        onWillStart(async () => {
            if (this.isSystem) {
                this.cost = await this.orm.call("sms.gateway.status", "get_message_cost", [this.props.message.id]);
            }
        });
    }

    get canRetry() {
        const { failureNotifications, thread } = this.props.message;
        // not known outside of the chatter; the server checks it in any case
        const hasWriteAccess = thread?.hasWriteAccess !== false;
        return hasWriteAccess && failureNotifications.some((failure) => failure.notification_type === "sms");
    }

    /** What the user can do about failed SMS. */
    get advice() {
        const types = this.props.message.failureNotifications
            .filter((one) => one.notification_type === "sms")
            .map((one) => getFailureAdvice(one.failure_type, this.isSystem));
        return this.canRetry || this.isSystem ? [...new Set(types)].filter(Boolean) : [];
    }

    /** Why SMS were not sent yet. */
    get waitingReasons() {
        const waiting = this.props.message.notification_ids.filter(
            (one) => one.notification_type === "sms" && one.failure_reason && !one.isFailure);
        return [...new Set(waiting.map((one) => one.failure_reason))];
    }

    async onClickRetry() {
        const { message, close } = this.props;
        const retry = (confirmed) => this.env.services.orm.call("mail.message", "retry_sms", [message.id, confirmed]);
        const notify = (result) => this.notification.add(result.message, { type: result.type });
        const result = await retry(false);
        close?.();
        if (!result.question) {
            notify(result);
            return;
        }
        this.dialog.add(ConfirmationDialog, {
            title: _t("Resend SMS?"),
            body: result.question,
            confirmLabel: _t("Resend"),
            confirm: async () => notify(await retry(true)),
            cancel: () => {},
        });
    }

    async onClickStatus() {
        const action = await this.orm.call("sms.gateway.status", "action_open_of_message", [this.props.message.id]);
        this.props.close?.();
        this.action.doAction(action);
    }
}

/** For a refused account, core would open the IAP account, which gateways do not use. */
patch(Message.prototype, {
    setup() {
        super.setup(...arguments);
        this.smsPopover = usePopover(SmsNotificationPopover, { position: "top" });
    },
    onClickNotification(ev) {
        if (this.message.message_type !== "sms" || !areGatewaysUsed() || !user.isInternalUser) {
            return super.onClickNotification(ev);
        }
        const message = toRaw(this.message);
        if (message.failureNotifications.length > 0) {
            markEventHandled(ev, "Message.ClickFailure");
        }
        // not imported: an addon may have replaced it
        this.smsPopover.open(ev.target, { message, Popover: this.constructor.components.Popover });
    },
});
