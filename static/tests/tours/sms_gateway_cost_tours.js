// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("eis_sms_apis.budget", {
    steps: () => [
        { trigger: ".o_control_panel button.o_list_button_add", run: "click" },
        { trigger: ".o_form_view [name=amount] input", run: "edit 2" },
        { trigger: ".o_form_view [name=unit] input", run: "click" },
        { trigger: ".o_select_menu_item:contains('Segments')", run: "click" },
        { trigger: ".o_form_view .o_form_button_save", run: "click" },
        { trigger: ".o_form_view .o_arrow_button_current:contains('Within Budget')" },
        { trigger: ".o_form_view [name=spent_text]:contains('0 segments')" },
    ],
});

tours.add("eis_sms_apis.budget_release", {
    steps: () => [
        { trigger: ".o_data_row [name=state]:contains('Used Up')" },
        { trigger: ".o_data_row [name=spent_text]", run: "click" },
        { trigger: ".o_form_view .alert:contains('bulk SMS wait')" },
        { trigger: ".o_form_view button[name=action_view_waiting]:contains('1')" },
        { trigger: ".o_form_view button[name=action_release]", run: "click" },
        { trigger: ".modal .modal-footer .btn-primary", run: "click" },
        { trigger: ".o_form_view .o_arrow_button_current:contains('Released')" },
        { trigger: ".o_form_view [name=month_ids] [name=spent_text]:contains('2 segments')" },
        { trigger: ".o_form_view button[name=action_end_release]" },
    ],
});

tours.add("eis_sms_apis.balance", {
    steps: () => [
        { trigger: ".o_form_view .o_statusbar_buttons button[name=action_check_balance]", run: "click" },
        { trigger: ".o_notification:contains('50 EUR')" },
        { trigger: ".oe_stat_button[name=action_check_balance]:contains('Lasts about 5 days')" },
        { trigger: ".o_notebook a[name=balance]", run: "click" },
        { trigger: "[name=balance_forecast]:contains('Lasts about 5 days')" },
        { trigger: "[name=balance_days_threshold] input", run: "edit 7" },
        { trigger: ".o_form_view .o_form_button_save", run: "click" },
        { trigger: ".o_form_view .o_form_saved" },
    ],
});

tours.add("eis_sms_apis.estimate", {
    steps: () => [
        { trigger: ".o_form_view .o_statusbar_buttons button:contains('Estimate Cost')", run: "click" },
        { trigger: ".modal .modal-title:contains('Estimated Cost')" },
        { trigger: ".modal [name=summary]:contains('4 recipients, 4 segments')" },
        { trigger: ".modal [name=note]:contains('has room for 3 segments')" },
        { trigger: ".modal .o_data_row:contains('Belgium')" },
        { trigger: ".modal .modal-footer button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ],
});

/** From the price list of a gateway to what its SMS cost. */
tours.add("eis_sms_apis.costs", {
    steps: () => [
        { trigger: "button[name=action_view_prices]", run: "click" },
        { trigger: ".o_list_view .o_data_row [name=country_id]:contains('Belgium')" },
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_selected_row [name=prefix] input", run: "edit +49" },
        { trigger: ".o_selected_row [name=price] input", run: "edit 0.0695" },
        { trigger: ".o_list_button_save", run: "click" },
        { trigger: ".o_data_row [name=country_id]:contains('Germany')" },
        { trigger: ".o_menu_sections button:contains('SMS')", run: "click" },
        { trigger: ".dropdown-item:contains('Costs')", run: "click" },
        { trigger: ".o_pivot .o_pivot_cell_value:contains('0.15')" },
        { trigger: ".o_switch_view.o_graph", run: "click" },
        { trigger: ".o_graph_view canvas" },
    ],
});
