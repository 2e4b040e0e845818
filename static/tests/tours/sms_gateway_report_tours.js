import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const card = ".o_kanban_record:contains('Loopback')";

/** From the menu to an unmatched report, and from a matched one to its SMS. */
tours.add("eis_sms_apis.delivery_reports", {
    steps: () => [
        { trigger: "[data-menu-xmlid='eis_sms_apis.sms_menu']", run: "click" },
        { trigger: "[data-menu-xmlid='eis_sms_apis.sms_menu_report']", run: "click" },
        { trigger: ".o_data_row:contains('SM-unknown'):contains('Failed'):contains('Unmatched')" },
        { trigger: ".o_data_row:contains('delivered'):contains('Matched') [name=status]", run: "click" },
        { trigger: "button[name=action_open_status]", run: "click" },
        { trigger: ".o_form_view [name=number]:contains('+32456001101')" },
    ],
});

/** From the page of a gateway to its reports, and why one has no SMS. */
tours.add("eis_sms_apis.reports_of_gateway", {
    steps: () => [
        { trigger: ".o_notebook a[name=callbacks]", run: "click" },
        { trigger: "button:contains('Delivery Reports')", run: "click" },
        {
            trigger: ".o_data_row:contains('Unmatched') [name=status], .o_kanban_record:contains('Unmatched')",
            run: "click",
        },
        { trigger: ".alert-warning:contains('has this Message ID')" },
    ],
});

/** From the card of a gateway to its reports. */
const reportsOfCard = [
    { trigger: `${card} a:contains('Delivery Reports')`, run: "click" },
    { trigger: ".o_data_row:contains('Unmatched'), .o_kanban_record:contains('Unmatched')" },
];
tours.add("eis_sms_apis.reports_of_card", {
    steps: () => [{ trigger: ".o_switch_view.o_kanban", run: "click" }, ...reportsOfCard],
});
tours.add("eis_sms_apis.reports_of_card_on_phone", { steps: () => reportsOfCard });

/** A pasted report, one that the provider would be refused, and what is wrong with the reports. */
tours.add("eis_sms_apis.read_sample_report", {
    steps: () => [
        { trigger: ".o_notebook a[name=callbacks]", run: "click" },
        { trigger: "[name=report_count]:contains('2')" },
        { trigger: "[name=unmatched_report_count]:contains('1')" },
        { trigger: "button:contains('Read a Sample Report')", run: "click" },
        {
            trigger: ".modal [name=sample] textarea",
            run: `edit {"message_id": "SM-1", "status": "undelivered", "code": "30003"} && press Tab`,
        },
        { trigger: ".modal [name=line_ids]:contains('SM-1'):contains('Failed'):contains('Invalid Destination')" },
        { trigger: ".modal input[data-value=json]:checked, .modal .form-check:contains('JSON') input:checked" },
        { trigger: ".modal [name=sample] textarea", run: `edit {"status": "delivered"} && press Tab` },
        { trigger: ".modal .alert-danger:contains('HTTP 400')" },
        { trigger: ".modal button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ],
});

/** A test SMS without delivery report, which is then simulated. */
tours.add("eis_sms_apis.simulate_delivered", {
    steps: () => [
        { isActive: ["mobile"], trigger: ".o_statusbar_buttons .dropdown-toggle", run: "click" },
        { trigger: "button[name=action_test]", run: "click" },
        { trigger: ".modal [name=number] input", run: "edit +32 456 00 11 22" },
        { trigger: ".modal button[name=action_send]:contains('Send')", run: "click" },
        { trigger: ".modal button[name=action_check_delivery]", run: "click" },
        { trigger: ".modal .alert-info:contains('has not called the Callback URL')" },
        { trigger: ".modal button[name=action_simulate_delivered]", run: "click" },
        { trigger: ".modal .alert-success:contains('Delivered on')" },
        { trigger: ".modal:not(:has(button[name=action_simulate_delivered]))" },
        { trigger: ".modal button[name=action_open_status]", run: "click" },
        { trigger: ".alert-info:contains('simulated')" },
    ],
});

tours.add("eis_sms_apis.reports_on_phone", {
    steps: () => [
        { trigger: ".o_kanban_record:contains('Unmatched')", run: "click" },
        { trigger: ".alert-warning:contains('has this Message ID')" },
    ],
});
