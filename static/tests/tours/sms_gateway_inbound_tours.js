import { registry } from "@web/core/registry";
import { rpc } from "@web/core/network/rpc";

const tours = registry.category("web_tour.tours");

/** A customer answers while the contact is open. The answer appears, and is answered from there. */
tours.add("eis_sms_apis.inbound_reply", {
    steps: () => [
        {
            trigger: ".o-mail-Message:contains('Is Friday fine?')",
            async run() {
                const inbound = odoo.__WOWL_DEBUG__.root.env.services["eis_sms_apis.inbound"];
                // the test lets the gateway receive an SMS; without websockets, it returns what is sent to the client
                const received = await rpc("/web/dataset/call_kw/sms.gateway/action_test", {
                    model: "sms.gateway",
                    method: "action_test",
                    args: [[]],
                    kwargs: {},
                });
                inbound.load(received);
            },
        },
        { trigger: ".o-mail-Message:contains('Yes, Friday') .o_sms_inbound:contains('Incoming SMS')" },
        {
            trigger: ".o-mail-Message:contains('Yes, Friday')",
            run: "hover && click .o-mail-Message:contains('Yes, Friday') button[name='reply-sms']",
        },
        { trigger: ".modal [name=recipient_single_number_itf]:contains('+32456001122')" },
        { trigger: ".modal [name=body] textarea", run: "edit See you then" },
        { trigger: ".modal button[name=action_send_sms]", run: "click" },
        { trigger: "body:not(:has(.modal))" },
        { trigger: ".o-mail-Message:contains('See you then')" },
    ],
});

/** An administrator pastes an example on the page Inbound SMS and sees how it is read. */
tours.add("eis_sms_apis.inbound_example", {
    steps: () => [
        { trigger: ".o_notebook a[name=inbound]", run: "click" },
        { trigger: "[name=inbound_enabled] input", run: "click" },
        { trigger: "[name=inbound_url]:contains('/eis_sms/inbound/')" },
        { trigger: "[name=inbound_number_param] input", run: "edit from" },
        { trigger: "[name=inbound_text_param] input", run: "edit body" },
        {
            trigger: "[name=inbound_example] textarea",
            run: "edit from=%2B32456001122&text=Hello && press Tab",
        },
        { trigger: "[name=inbound_example_result]:contains('Sender: +32456001122'):not(:contains('Hello'))" },
        { trigger: "[name=inbound_text_param] input", run: "edit text && press Tab" },
        { trigger: "[name=inbound_example_result]:contains('Text: Hello')" },
        { trigger: ".o_form_button_save", run: "click" },
        { trigger: ".o_form_saved" },
    ],
});

/** The responsible user assigns an SMS of an unknown number to a new contact. */
tours.add("eis_sms_apis.inbound_assign", {
    steps: () => [
        { trigger: ".o_data_row:contains('Who are you?') .o_data_cell[name=body]", run: "click" },
        { trigger: ".o_form_view button[name=action_assign]", run: "click" },
        { trigger: ".modal [name=partner_id] input", run: "edit Kim New" },
        { trigger: ".ui-autocomplete .o_m2o_dropdown_option_create", run: "click" },
        { trigger: ".modal [name=partner_id] input:value('Kim New')" },
        { trigger: ".modal button[name=action_assign]", run: "click" },
        { trigger: "body:not(:has(.modal))" },
        { trigger: ".o_form_view [name=state]:contains('Assigned')" },
        { trigger: "button[name=action_open_document]", run: "click" },
        { trigger: ".o-mail-Message:contains('Who are you?') .o_sms_inbound" },
        { trigger: "button[name=action_view_sms_conversation]", run: "click" },
        { trigger: ".modal .o_sms_received:contains('Who are you?')" },
        { trigger: ".modal [name=body] textarea", run: "edit Your bank" },
        { trigger: ".modal button[name=action_send]", run: "click" },
        { trigger: ".modal .o_sms_sent:contains('Your bank')" },
        { trigger: ".modal button[special=cancel]", run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ],
});

/** A mailing shows how many recipients answered with STOP, and who. */
tours.add("eis_sms_apis.mailing_opt_outs", {
    steps: () => [
        { trigger: ".o_sms_opt_outs .o_stat_value:contains('1')" },
        { trigger: ".o_sms_opt_outs:contains('Opted Out')", run: "click" },
        { trigger: ".o_breadcrumb:contains('Opted Out')" },
        { trigger: ".o_data_row [name=failure_type]:contains('Opted Out')" },
        { trigger: ".o_list_view:not(:has(.o_data_row:nth-child(2) .o_data_cell))" },
    ],
});

/** The conversation with a contact shows a mailing, although it is in no chatter. */
tours.add("eis_sms_apis.mailing_in_conversation", {
    steps: () => [
        { trigger: "button[name=action_view_sms_conversation]", run: "click" },
        { trigger: ".modal .o_sms_received:contains('STOP')" },
        { trigger: ".modal .o_sms_sent:contains('Sale for Contact 1'):contains('Summer sale'):contains('Sent')" },
    ],
});
