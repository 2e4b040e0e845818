import { registerMessageAction } from "@mail/core/common/message_actions";
import { Message } from "@mail/core/common/message_model";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { patch } from "@web/core/utils/patch";

patch(Message.prototype, {
    /** @type {string|undefined} number of the person who sent this SMS to us */
    inbound_sms_number: undefined,
});

registerMessageAction("reply-sms", {
    condition: ({ message, thread }) => message.inbound_sms_number && thread?.hasWriteAccess,
    icon: "fa fa-mobile fa-lg",
    name: _t("Reply by SMS"),
    async onSelected({ message, owner, thread }) {
        const { action, orm } = owner.env.services;
        action.doAction(await orm.call("mail.message", "action_reply_sms", [message.id]), {
            onClose: () => thread.fetchNewMessages(),
        });
    },
    sequence: 5,
});

/** Shows an SMS in the open chatter of its document as soon as it arrives. */
registry.category("services").add("eis_sms_apis.inbound", {
    dependencies: ["bus_service", "mail.store"],
    start(env, { bus_service: bus, "mail.store": store }) {
        const load = ({ model, res_id: id }) => {
            const thread = store.Thread.get({ model, id });
            if (thread?.isLoaded) {
                thread.fetchNewMessages();
            }
        };
        bus.subscribe("eis_sms_apis/inbound", load);
        return { load };
    },
});
