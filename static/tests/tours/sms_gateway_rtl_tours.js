import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const rtl = "body.o_rtl";

/** Numbers and URLs keep their own direction. */
function assertOwnDirection({ anchor }) {
    if (getComputedStyle(anchor).unicodeBidi !== "plaintext") {
        throw new Error("A number is not shown in its own direction.");
    }
}

/** In Arabic: a template, credentials, a test SMS, activation. */
tours.add("eis_sms_apis.rtl_connect", {
    steps: () => [
        { trigger: `${rtl} .o_kanban_record:contains('Twilio') button[name=action_connect]`, run: "click" },
        { trigger: ".modal [name=username] input", run: "edit SK123" },
        { trigger: ".modal [name=password] input", run: "edit open-sesame" },
        { trigger: ".modal [role=alert]" },
        { trigger: ".modal [name=username] input", run: "edit AC0123456789abcdef0123456789abcdef" },
        { trigger: ".modal [name=sender] input", run: "edit +15005550006" },
        { trigger: ".modal .o_sms_gateway_credentials:not(:has([role=alert]))" },
        { trigger: ".modal [name=sender] input", run: assertOwnDirection },
        { trigger: ".modal button[name=action_next]:visible", run: "click" },
        { trigger: ".modal [name=number] input", run: "edit +1 202 555 0143" },
        { trigger: ".modal button[name=action_send]:visible", run: "click" },
        { trigger: ".modal .alert-success" },
        { trigger: ".modal [name=response]:contains('SM0001')" },
        { trigger: ".modal button[name=action_next]:visible", run: "click" },
        { trigger: ".modal button[name=action_activate]", run: "click" },
        { trigger: `${rtl} .o_form_view [name=base_url] input`, run: assertOwnDirection },
    ],
});

/** In Arabic: the failure in the chatter, Retry. */
tours.add("eis_sms_apis.rtl_retry", {
    steps: () => [
        {
            trigger: `${rtl} .o-mail-Message:contains('Your order is ready') .o-mail-Message-notification`,
            run: "click",
        },
        { trigger: ".o_popover .o_sms_gateway_advice" },
        { trigger: ".o_popover .o_sms_gateway_retry", run: "click" },
        { trigger: ".o_notification" },
    ],
});

/** In Arabic: the cards of gateways, and the form of one. */
tours.add("eis_sms_apis.rtl_dashboard", {
    steps: () => [
        {
            trigger: `${rtl} .o_switch_view.o_kanban, ${rtl} .o_kanban_renderer`,
            run({ anchor }) {
                if (anchor.matches(".o_switch_view")) {
                    anchor.click();
                }
            },
        },
        { trigger: ".o_kanban_record:contains('Loopback') .o_dashboard_graph canvas" },
        { trigger: ".o_kanban_record:contains('Loopback') span:contains('+32')", run: assertOwnDirection },
        { trigger: ".o_kanban_record:contains('Loopback')", run: "click" },
        { trigger: ".o_form_view [name=country_prefixes] input", run: assertOwnDirection },
    ],
});
