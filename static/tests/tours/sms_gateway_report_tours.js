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

tours.add("eis_sms_apis.reports_on_phone", {
    steps: () => [
        { trigger: ".o_kanban_record:contains('Unmatched')", run: "click" },
        { trigger: ".alert-warning:contains('has this Message ID')" },
    ],
});
