import { registry } from "@web/core/registry";

const card = ".o_kanban_record:contains('Loopback')";

/** The cards of gateways, and the queue of one. */
registry.category("web_tour.tours").add("eis_sms_apis.dashboard", {
    steps: () => [
        { trigger: ".o_switch_view.o_kanban", run: "click" },
        {
            trigger: `${card} .o_dashboard_graph canvas`,
            run({ anchor }) {
                const labels = window.Chart.getChart(anchor).data.datasets.map(({ label }) => label);
                if (labels.join() !== "Delivered,Sent,Failed") {
                    throw new Error(`The graph shows ${labels}.`);
                }
            },
        },
        { trigger: `${card}:contains('75% accepted')` },
        { trigger: `${card} .text-danger:contains('Bad number')` },
        { trigger: ".o_kanban_record:contains('Unused'):not(:has(canvas))" },
        { trigger: `${card} a:contains('1 in queue')`, run: "click" },
        { trigger: ".o_list_view .o_data_row:contains('+32456001198')" },
    ],
});
