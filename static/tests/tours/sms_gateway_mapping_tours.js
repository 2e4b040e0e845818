import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** From a test SMS that nothing confirms to a gateway that reads the message ID. */
tours.add("eis_sms_apis.map_response", {
    steps: () => [
        { trigger: "button[name=action_test]", run: "click" },
        { trigger: ".modal [name=number] input", run: "edit +32 456 00 11 22" },
        { trigger: ".modal button[name=action_send]:contains('Send')", run: "click" },
        { trigger: ".modal .alert-warning:contains('Only the HTTP code was checked')" },
        { trigger: ".modal .o_data_row:contains('result.msgid'):contains('A-77'):contains('Message ID')" },
        { trigger: ".modal button[name=action_apply]", run: "click" },
        { trigger: ".modal .alert-success:contains('Sent.')" },
        { trigger: ".modal [name=message_id]:contains('A-77')" },
        { trigger: ".modal button[name=action_map]:contains('Map Response')", run: "click" },
        { trigger: ".modal .o_data_row:contains('result.status'):contains('Status')" },
        { trigger: ".modal button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ],
});

/** From two warnings to a request that is right, with their buttons. */
tours.add("eis_sms_apis.correct_request", {
    steps: () => [
        { trigger: ".alert-warning:contains('Did you mean {sender}?')" },
        { trigger: "button[name=action_fix_placeholders]", run: "click" },
        { trigger: ".alert-warning:not(:has(button[name=action_fix_placeholders]))" },
        { trigger: "button[name=action_add_auth_header]:contains('Authorization')", run: "click" },
        { trigger: ".o_form_view:not(:has(button[name=action_add_auth_header]))" },
    ],
});
