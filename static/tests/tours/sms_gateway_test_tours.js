import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("eis_sms_apis.several_numbers", {
    steps: () => [
        { trigger: ".o_kanban_record:contains('Loopback')", run: "click" },
        { trigger: ".o_form_view [name=success_substring]" },
        { trigger: ".o_notebook .tab-pane.active [name=error_key] input:value('never')" },
        { isActive: ["mobile"], trigger: ".o_statusbar_buttons .dropdown-toggle", run: "click" },
        { trigger: "button[name=action_test]:contains('Send Test SMS')", run: "click" },
        { trigger: ".modal [name=number] input", run: "edit +32456001122, +447400123456" },
        { trigger: ".modal button[name=action_send]:contains('Send')", run: "click" },
        { trigger: ".modal .alert-danger:contains('1 of 2 SMS accepted')" },
        { trigger: ".modal [name=line_ids] .o_data_row:contains('+32456001122'):contains('Sent.')" },
        {
            trigger: ".modal [name=line_ids] .o_data_row:contains('+447400123456') button[name=action_refresh]",
            run: "click",
        },
        { trigger: ".modal [name=response_shown]:contains('Unknown number')" },
        { trigger: ".modal button[name=action_open_all]", run: "click" },
        { trigger: ".modal .alert-danger:contains('1 of 2 SMS accepted')" },
        { trigger: ".modal .modal-footer button:contains('Close')", run: "click" },
        { trigger: "body:not(:has(.modal))" },
    ],
});
