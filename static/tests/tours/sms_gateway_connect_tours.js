import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** From the apps menu through the gallery to a sent test SMS in six clicks, then activation. */
tours.add("eis_sms_apis.connect", {
    steps: () => [
        { trigger: ".o_navbar_apps_menu button, .o_menu_toggle", run: "click" },
        { trigger: ".o_app[data-menu-xmlid='base.menu_administration']", run: "click" },
        { trigger: "#sms_gateways button[name=action_open_sms_gateways]", run: "click" },
        { trigger: ".o_kanban_record:contains('Twilio'):contains('Account SID'):contains('Two-way'):contains('Well documented')" },
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

/** Providers are found by the countries that they serve, and grouped by region. */
tours.add("eis_sms_apis.gallery", {
    steps: () => [
        { trigger: ".o_kanban_record:contains('SendPK') img[alt=PK]" },
        { trigger: ".o_searchview_input", run: "edit Germany" },
        { trigger: ".o_searchview_autocomplete .o-dropdown-item:contains('Provider or Country')", run: "click" },
        { trigger: ".o_searchview_facet:contains('Germany')" },
        { trigger: ".o_kanban_renderer:not(:contains('SendPK')) .o_kanban_record:contains('LOX24')" },
        { trigger: ".o_kanban_record:contains('Twilio') .fa-globe" },
        { trigger: ".o_searchview_dropdown_toggler", run: "click" },
        { trigger: ".o_filter_menu .o_menu_item:contains('Local Providers')", run: "click" },
        { trigger: ".o_kanban_renderer:not(:contains('Twilio')) .o_kanban_record:contains('LOX24')" },
        { trigger: ".o_filter_menu .o_menu_item:contains('Local Providers')", run: "click" },
        { trigger: ".o_searchview_facet .o_facet_remove", run: "click" },
        { trigger: ".o_kanban_record:contains('SendPK')" },
        { trigger: "body:not(:has(.o_group_by_menu)) .o_searchview_dropdown_toggler", run: "click" },
        { trigger: ".o_group_by_menu .o_menu_item:contains('Region')", run: "click" },
        { trigger: ".o_kanban_group:contains('Asia') .o_kanban_record:contains('SendPK')" },
        { trigger: ".o_searchview_input", run: "edit no such provider" },
        { trigger: ".o_searchview_autocomplete .o-dropdown-item:contains('Provider or Country')", run: "click" },
        { trigger: ".o_view_nocontent:contains('No template found'), .o_kanban_renderer:not(:has(.o_kanban_record))" },
    ],
});

/** On a phone: the host of an account, and closing the dialog half way. */
tours.add("eis_sms_apis.connect_host", {
    steps: () => [
        { trigger: ".o_kanban_record:contains('Infobip') button[name=action_connect]", run: "click" },
        { trigger: ".modal [role=alert]:contains('Unexpected format for Base URL')" },
        { trigger: ".modal [name=connect_host] input", run: "edit abc12.api.infobip.com" },
        { trigger: ".modal [name=api_key] input[type=password]", run: "edit open-sesame" },
        { trigger: ".modal [name=sender] input", run: "edit Shop" },
        { trigger: ".modal .o_sms_gateway_credentials:not(:has([role=alert]))" },
        { trigger: ".modal button[name=action_next]:visible", run: "click" },
        { trigger: ".modal [name=number] input" },
        { trigger: ".modal .modal-footer button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ],
});

/** Activate asks while a credential is missing and no test SMS was accepted, and leads to both. */
tours.add("eis_sms_apis.activate", {
    steps: () => [
        { trigger: "button[name=action_activate]:contains('Activate')", run: "click" },
        { trigger: ".modal [name=reasons]:contains('Missing: Token'):contains('not accepted an SMS')" },
        { trigger: ".modal button:contains('Cancel')", run: "click" },
        { trigger: ".o_form_view:not(:has(.modal)) .o_sms_gateway_credentials [name=token] input", run: "edit open" },
        { trigger: "button[name=action_activate]:contains('Activate')", run: "click" },
        { trigger: ".modal [name=reasons]:not(:contains('Missing'))" },
        { trigger: ".modal button[name=action_test]", run: "click" },
        { trigger: ".modal [name=number] input", run: "edit +1 202 555 0143" },
        { trigger: ".modal button[name=action_send]:contains('Send')", run: "click" },
        { trigger: ".modal .alert-success:contains('Sent.')" },
        { trigger: ".modal .modal-footer button:contains('Close')", run: "click" },
        { trigger: "button[name=action_activate]:contains('Activate')", run: "click" },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains('Active')" },
    ],
});
