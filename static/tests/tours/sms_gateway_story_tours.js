import { registry } from "@web/core/registry";

/** The attempts of an SMS, what was sent and answered, and the document it belongs to. */
registry.category("web_tour.tours").add("eis_sms_apis.story", {
    steps: () => [
        { trigger: ".o_sms_gateway_story li:nth-child(1):contains('Failed over to Second')" },
        { trigger: ".o_sms_gateway_story li:nth-child(2):contains('Accepted')" },
        { trigger: ".o_sms_gateway_story li:nth-child(1) summary:contains('Request')", run: "click" },
        { trigger: ".o_sms_gateway_story details[open] pre:contains('to=+32456001122')" },
        { trigger: ".o_sms_gateway_story li:nth-child(1) summary:contains('Response')", run: "click" },
        { trigger: ".o_sms_gateway_story details[open] pre:contains('Overloaded')" },
        { trigger: ".o_field_widget[name=partner_id]:contains('Jo')" },
        { trigger: "button[name=action_open_document]:contains('Jo')", run: "click" },
        { trigger: ".o-mail-Message:contains('Your order is ready')" },
    ],
});
