import { cookie } from "@web/core/browser/cookie";
import { getCustomColor } from "@web/core/colors/colors";
import { registry } from "@web/core/registry";
import {
    JournalDashboardGraphField,
    journalDashboardGraphField,
} from "@web/views/fields/journal_dashboard_graph/journal_dashboard_graph_field";

const COLORS = {
    delivered: ["#28a745", "#1d8a37"],
    sent: ["#a3d9b0", "#5c9e6c"],
    failed: ["#dc3545", "#c02b3a"],
};

/** Core's bar chart of a dashboard card, with several series on top of each other. */
export class SmsGatewayGraphField extends JournalDashboardGraphField {
    getBarChartConfig() {
        const config = super.getBarChartConfig();
        config.data.datasets = this.data.map(({ key, name, values }) => ({
            label: key,
            data: values.map(({ value }) => value),
            backgroundColor: getCustomColor(cookie.get("color_scheme"), ...COLORS[name]),
        }));
        config.options.plugins.tooltip.mode = "index";
        config.options.scales.x.stacked = true;
        config.options.scales.y.stacked = true;
        return config;
    }
}

registry.category("fields").add("sms_gateway_graph", {
    ...journalDashboardGraphField,
    component: SmsGatewayGraphField,
});
