import { Component, toRaw } from "@odoo/owl";
import { Message } from "@mail/core/common/message";
import { usePopover } from "@web/core/popover/popover_hook";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { markEventHandled } from "@web/core/utils/misc";
import { patch } from "@web/core/utils/patch";
import { areGatewaysUsed } from "../gateways_used";

/** Core's popover of a notification, with a link to the status of the SMS at its provider. */
export class SmsNotificationPopover extends Component {
    static template = "eis_sms_apis.SmsNotificationPopover";
    static props = ["message", "Popover", "close?"];

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
    }

    async onClickStatus() {
        const action = await this.orm.call("sms.gateway.status", "action_open_of_message", [this.props.message.id]);
        this.props.close?.();
        this.action.doAction(action);
    }
}

/** Opens the SMS status: for a refused account, core would open the IAP account, which gateways do not use. */
patch(Message.prototype, {
    setup() {
        super.setup(...arguments);
        this.smsPopover = usePopover(SmsNotificationPopover, { position: "top" });
    },
    onClickNotification(ev) {
        if (this.message.message_type !== "sms" || !areGatewaysUsed() || !user.isSystem) {
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
