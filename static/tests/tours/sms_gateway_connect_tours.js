import { registry } from "@web/core/registry";

/** From the apps menu through the gallery to a sent test SMS in six clicks, then activation. */
registry.category("web_tour.tours").add("eis_sms_apis.connect", {
    steps: () => [
        { trigger: ".o_navbar_apps_menu button, .o_menu_toggle", run: "click" },
        { trigger: ".o_app[data-menu-xmlid='base.menu_administration']", run: "click" },
        { trigger: "#sms_gateways button[name=action_open_sms_gateways]", run: "click" },
        { trigger: ".o_kanban_record:contains('Twilio'):contains('Account SID'):contains('Delivery reports')" },
        { trigger: ".o_kanban_record:contains('Twilio') button[name=action_connect]", run: "click" },
        { trigger: ".modal label:contains('Account SID')" },
        { trigger: ".modal [name=username] input", run: "edit SK123" },
        { trigger: ".modal [name=password] input", run: "edit open-sesame" },
        { trigger: ".modal [role=alert]:contains('Unexpected format for Account SID')" },
        { trigger: ".modal [name=username] input", run: "edit AC0123456789abcdef0123456789abcdef" },
        { trigger: ".modal [name=sender] input", run: "edit +15005550006" },
        { trigger: ".modal .o_sms_gateway_credentials:not(:has([role=alert]))" },
        { trigger: ".modal a[href='https://console.twilio.com'][target=_blank]" },
        { trigger: ".modal button[name=action_next]:visible", run: "click" },
        { trigger: ".modal [name=number] input", run: "edit +1 202 555 0143" },
        { trigger: ".modal button[name=action_send]:contains('Send Test SMS')", run: "click" },
        { trigger: ".modal .alert-success:contains('Sent. It becomes Delivered')" },
        { trigger: ".modal [name=response]:contains('SM0001')" },
        { trigger: ".modal button[name=action_next]:contains('Next')", run: "click" },
        { trigger: ".modal [name=country_ids] input", run: "edit Germany" },
        { trigger: ".o-autocomplete--dropdown-item:contains('Germany')", run: "click" },
        { trigger: ".modal [name=country_prefixes]:contains('+49')" },
        { trigger: ".modal button[name=action_activate]", run: "click" },
        { trigger: ".o_form_view .o_statusbar_status .o_arrow_button_current:contains('Active')" },
        { trigger: ".o_sms_gateway_credentials label:contains('Auth Token')" },
    ],
});
