import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** The browser logs entered text, so this must not be the secret that the logs are searched for. */
function refuseSecret({ anchor }) {
    if (anchor.textContent.includes("open-sesame")) {
        throw new Error("A credential is shown.");
    }
}

/** From the settings to an accepted test SMS, with an account at Twilio. */
tours.add("eis_sms_apis.first_gateway", {
    steps: () => [
        { trigger: "#sms_gateways button[name=action_open_sms_gateways]", run: "click" },
        { trigger: ".o_control_panel button:contains('Templates')", run: "click" },
        { trigger: ".o_kanban_record:contains('Twilio') button[name=action_use_template]", run: "click" },
        // the template's note says what goes where
        { trigger: ".o_form_view [name=note] textarea:value('Account SID')" },
        { trigger: ".alert-warning:contains('Username, Password, Sender ID')" },
        { trigger: "[name=sender] input", run: "edit +15005550006" },
        { trigger: ".o_notebook a[name=authentication]", run: "click" },
        { trigger: ".o_notebook .tab-pane.active:not(:has([name=token]))" },
        { trigger: "[name=username] input[type=password]", run: "edit AC123" },
        { trigger: "[name=password] input[type=password]", run: "edit open-sesame" },
        { trigger: ".o_notebook a[name=preview]", run: "click" },
        { trigger: "[name=request_preview]:contains('From=+15005550006')", run: refuseSecret },
        { trigger: "button[name=action_test]", run: "click" },
        { trigger: ".modal [name=number] input", run: "edit +1 202 555 0143" },
        { trigger: ".modal button[name=action_send]:contains('Send')", run: "click" },
        { trigger: ".modal .alert-success:contains('Sent. It becomes Delivered')" },
        { trigger: ".modal [name=message_id]:contains('SM0001')" },
        { trigger: ".modal [name=request]:contains('***')", run: refuseSecret },
        { trigger: ".modal button[special=cancel], .modal button:contains('Close')", run: "click" },
        { trigger: "button[name=action_view_sms]:contains('1')" },
        { trigger: "button[name=action_activate]:contains('Activate')", run: "click" },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains('Active')" },
    ],
});

/** After the provider's delivery report. */
tours.add("eis_sms_apis.delivered", {
    steps: () => [
        { trigger: ".o_data_row:contains('+1 202 555 0143') .o_data_cell[name=number]", run: "click" },
        { trigger: ".o_form_view .ribbon:contains('Delivered')" },
        { trigger: "[name=message_id]:contains('SM0001')" },
    ],
});

const sendFromContact = [
    { trigger: ".o_field_phone:has(.o_field_phone_sms)", run: "hover && click .o_field_phone_sms" },
    { trigger: ".modal .o_sms_count:not(:has(a))" }, // Odoo's prices
    { trigger: ".modal [name=body] textarea", run: "edit Your order is ready" },
    { trigger: ".modal button[name=action_send_sms]", run: "click" },
    { trigger: "body:not(:has(.modal))" },
    { trigger: ".o-mail-Message:contains('Your order is ready') .o-mail-Message-notification", run: "click" },
];

/** From a contact to the provider's words in two clicks on the message. */
tours.add("eis_sms_apis.contact", {
    steps: () => [
        ...sendFromContact,
        { trigger: ".o-mail-MessageNotificationPopover:contains('On the stop list')" },
        { trigger: ".o_sms_gateway_status_link", run: "click" },
        { trigger: ".o_form_view .alert-danger:contains('On the stop list')" },
        { trigger: "button[name=action_open_document]", run: "click" },
        { trigger: ".o-mail-Message:contains('Your order is ready')" },
    ],
});

/** The same for a user who may only send SMS. */
tours.add("eis_sms_apis.plain_user", {
    steps: () => [
        ...sendFromContact,
        { trigger: ".o-mail-MessageNotificationPopover:contains('Account Refused'):contains('On the stop list')" },
        { trigger: "body:not(:has(.o_sms_gateway_status_link))" },
    ],
});

/** What makes a text Unicode, what that costs, and one click against it. */
tours.add("eis_sms_apis.segments", {
    steps: () => [
        { trigger: ".o_field_phone:has(.o_field_phone_sms)", run: "hover && click .o_field_phone_sms" },
        { trigger: ".modal [name=body] textarea", run: `edit [${"a".repeat(100)}` },
        { trigger: ".modal .o_sms_count:contains('102/160'):contains('1 SMS (GSM7)')" },
        { trigger: ".modal [name=body]:not(:has(.o_sms_gateway_cost))" },
        { trigger: ".modal [name=body] textarea", run: `edit ${"€".repeat(81)}` },
        { trigger: ".modal .o_sms_count:contains('162/306'):contains('2 SMS (GSM7)')" },
        // no cheaper without these characters
        { trigger: ".modal [name=body] textarea", run: "edit “Hello”" },
        { trigger: ".modal .o_sms_count:contains('7/70'):contains('1 SMS (UNICODE)')" },
        { trigger: ".modal [name=body]:not(:has(.o_sms_gateway_cost))" },
        // a letter of a name is not replaced
        { trigger: ".modal [name=body] textarea", run: `edit Łukasz, ${"a".repeat(80)}` },
        { trigger: ".modal .o_sms_gateway_cost:contains('Ł makes this text Unicode: 2 segments instead of 1')" },
        { trigger: ".modal .o_sms_gateway_cost:not(:has(button))" },
        {
            trigger: ".modal [name=body] textarea",
            run: "edit “Your parcel” is on its way – it arrives today between 10 and 12 o’clock, as agreed",
        },
        {
            trigger:
                ".modal .o_sms_gateway_cost:contains('“ ” – ’ make this text Unicode: 2 segments instead of 1')",
            run({ anchor }) {
                if (anchor.getBoundingClientRect().right > window.innerWidth) {
                    throw new Error("The line does not fit the screen.");
                }
            },
        },
        { trigger: ".modal .o_sms_gateway_cost button:contains('Replace')", run: "click" },
        { trigger: ".modal [name=body]:not(:has(.o_sms_gateway_cost)) textarea:value('\"Your parcel\" is on')" },
        { trigger: ".modal .o_sms_count:contains('1 SMS (GSM7)')" },
        { trigger: ".modal button[name=action_send_sms]", run: "click" },
        { trigger: "body:not(:has(.modal))" },
        { trigger: ".o-mail-Message:contains('Your parcel')" },
    ],
});

tours.add("eis_sms_apis.wrong_configuration", {
    steps: () => [
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_form_view:not(:has(.alert-warning:visible)) [name=name] input", run: "edit Reseller" },
        { trigger: "[name=base_url] input", run: "edit https://sms.example.com/send" },
        { trigger: "[name=country_prefixes] input", run: "edit +32,abc" },
        { trigger: ".alert-warning li:contains('contains no recipient')" },
        { trigger: ".alert-warning li:contains('contains no text')" },
        { trigger: ".o_form_button_save", run: "click" },
        { trigger: ".modal:contains('Country Prefixes'):contains('abc')" },
        { trigger: ".modal .modal-footer button", run: "click" },
        { trigger: "[name=country_prefixes] input", run: "edit +32" },
        { trigger: "[name=request_type] input", run: "click" },
        { trigger: ".o_select_menu_item:contains('JSON')", run: "click" },
        { trigger: ".alert-warning li:contains('has no body')" },
        { trigger: ".o_notebook a[name=body]", run: "click" },
        {
            trigger: ".o_sms_gateway_json .ace_editor",
            run() {
                window.ace.edit(this.anchor).setValue('{"to": "{phone}", "text": oops}');
            },
        },
        { trigger: ".o_sms_gateway_json .ace_gutter-cell.ace_error" },
        { trigger: ".alert-warning li:contains('is not valid JSON')" },
        { trigger: ".o_form_button_cancel", run: "click" },
        { trigger: ".o_list_view" },
    ],
});

/** From a command of a provider's documentation to a gateway, with one value that has to be selected. */
tours.add("eis_sms_apis.import_curl", {
    steps: () => [
        { trigger: ".o_control_panel button:contains('Import')", run: "click" },
        { trigger: ".modal [name=command] textarea", run: "edit hello" },
        { trigger: ".modal button[name=action_read]", run: "click" },
        { trigger: ".modal:contains('starts with curl') .modal-footer button:contains('Close')", run: "click" },
        {
            trigger: ".modal [name=command] textarea",
            run:
                "edit curl -X POST https://api.example.com/v1/sms -u 'open:open-sesame' -H 'Content-Type: application/json' " +
                '-d \'{"to": "+15551234567", "from": "Shop", "text": "Your order is ready", "campaign": "<CAMPAIGN>"}\'',
        },
        { trigger: ".modal button[name=action_read]", run: "click" },
        { trigger: ".modal [name=name] input:value('Example')" },
        { trigger: ".modal .alert-warning:contains('Check the highlighted values: 1')" },
        { trigger: ".modal .o_data_row:contains('+15551234567') [name=meaning]:contains('Recipient Number')" },
        { trigger: ".modal .o_data_row:contains('password'):contains('***')", run: refuseSecret },
        { trigger: ".modal .o_data_row.text-warning:contains('<CAMPAIGN>') [name=value]", run: "click" },
        { trigger: ".modal .o_data_row [name=value] input", run: "edit winter" },
        { trigger: ".modal [name=name] input", run: "edit Example SMS" },
        { trigger: ".modal:not(:has(.alert-warning:visible))" },
        { trigger: ".modal button[name=action_create_gateway]:contains('Create Gateway')", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_form_view [name=name] textarea:value('Example SMS'), body:not(:has(.modal)) .o_form_view [name=name] input:value('Example SMS')" },
        { trigger: ".o_notebook a[name=preview]", run: "click" },
        { trigger: "[name=request_preview]:contains('winter')", run: refuseSecret },
    ],
});

tours.add("eis_sms_apis.settings", {
    steps: () => [
        { trigger: "#sms_gateway_settings .alert-warning:contains('No SMS can be sent')" },
        { trigger: "#sms:not(:has(.o_buy_credits)):not(:contains('Buy credits'))" },
        { trigger: "#sms_default_gateway" },
        { trigger: "#sms_use_iap input", run: "click" },
        { trigger: "#sms_gateway_settings:not(:has(#sms_default_gateway)):not(:has(#sms_iap_fallback))" },
        { trigger: "#sms_gateway_settings:not(:has(.alert-warning:visible))" },
        { trigger: "#sms_use_iap input", run: "click" },
        { trigger: "#sms_iap_fallback input", run: "click" },
        { trigger: "#sms_gateway_settings:not(:has(.alert-warning:visible))" },
        { trigger: ".o_form_button_save", run: "click", expectUnloadPage: true },
        { trigger: "#sms_iap_fallback input:checked" },
    ],
});

/** The menu of the Settings app, without developer mode. */
tours.add("eis_sms_apis.menu", {
    steps: () => [
        { trigger: "#sms_gateways button[name=action_open_active_sms_gateways]:contains('1 active gateway')" },
        { trigger: "#sms_gateways button[name=action_open_failing_sms_gateways]:contains('1 failing')", run: "click" },
        { trigger: ".o_facet_value:contains('Failing')" },
        { trigger: ".o_data_row:contains('Loopback')" },
        { trigger: ".o_menu_sections button:contains('SMS')", run: "click" },
        { trigger: ".o-dropdown-item:contains('Failed')", run: "click" },
        { trigger: ".o_facet_value:contains('Failed')" },
        { trigger: ".o_data_row:contains('On the stop list')" },
        { trigger: ".o_menu_sections button:contains('SMS')", run: "click" },
        { trigger: ".o-dropdown-item:contains('Templates')", run: "click" },
        { trigger: ".o_searchview_input", run: "edit no such provider" },
        { trigger: ".o_searchview_input", run: "press Enter" },
        { trigger: ".o_view_nocontent:contains('No template found')" },
    ],
});

tours.add("eis_sms_apis.which_gateway", {
    steps: () => [
        { trigger: ".o_control_panel button:contains('Which Gateway?')", run: "click" },
        { trigger: ".modal [name=number] input", run: "edit 0032 456 00 11 22" },
        { trigger: ".modal .modal-title", run: "click" },
        { trigger: ".modal [name=read_as]:contains('+32456001122')" },
        { trigger: ".modal [name=gateway_id]:contains('Belgium')" },
        { trigger: ".modal [name=reason]:contains('+32')" },
        { trigger: ".modal [name=next_ids] .o_data_row:contains('Loopback')" },
        { trigger: ".modal [name=number] input", run: "edit +1 202 555 0143" },
        { trigger: ".modal .modal-title", run: "click" },
        { trigger: ".modal [name=gateway_id]:contains('Loopback')" },
        { trigger: ".modal .modal-footer button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ],
});

let gatewayFile;

/** Keep a gateway as text, and make another one of it. */
tours.add("eis_sms_apis.gateway_file", {
    steps: () => [
        { trigger: ".o_data_row .o_data_cell[name=name]:contains('Loopback')", run: "click" },
        { trigger: ".o_form_view .o_cp_action_menus button:has(.fa-cog)", run: "click" },
        { trigger: ".o-dropdown-item:contains('Export to File')", run: "click" },
        { trigger: ".modal .alert-warning:contains('Headers (X-Api-Key)')" },
        {
            trigger: ".modal [name=document]:contains('eis_sms_apis.gateway')",
            run: refuseSecret,
        },
        {
            trigger: ".modal button[name=action_download]",
            async run({ click }) {
                const { open } = browser;
                // a new tab would put this one to sleep
                const opened = new Promise((resolve) => {
                    browser.open = (url) => {
                        resolve(url);
                        return { closed: false };
                    };
                });
                await click();
                const response = await fetch(await opened);
                browser.open = open;
                gatewayFile = await response.text();
            },
        },
        { trigger: ".modal .modal-footer button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_breadcrumb .breadcrumb-item a, .o_back_button", run: "click" },
        { trigger: ".o_list_view .o_control_panel button:contains('Import')", run: "click" },
        { trigger: ".modal .modal-footer button:contains('Import from File')", run: "click" },
        { trigger: ".modal .modal-footer:not(:has(button[name=action_import]:visible))" },
        { trigger: ".modal [name=document] textarea", run: "edit [1]" },
        { trigger: ".modal .modal-title", run: "click" },
        { trigger: ".modal .alert-danger:contains('contain SMS gateways')" },
        {
            trigger: ".modal [name=document] textarea",
            run({ anchor }) {
                // pasted: typing all of it takes a minute
                anchor.value = gatewayFile.replace("Loopback", "From a File");
                anchor.dispatchEvent(new InputEvent("input", { bubbles: true }));
                anchor.dispatchEvent(new Event("change", { bubbles: true }));
            },
        },
        { trigger: ".modal .modal-title", run: "click" },
        { trigger: ".modal [name=preview]:contains('From a File'):contains('Enter the secrets')" },
        { trigger: ".modal button[name=action_import]", run: "click" },
        { trigger: ".o_form_view [name=name] input:value('From a File')" },
        { trigger: ".o_statusbar_status .o_arrow_button_current:contains('New')" },
    ],
});
