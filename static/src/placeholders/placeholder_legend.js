import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** The list of placeholders, for each page of the gateway form on which they can be entered. */
export class PlaceholderLegend extends Component {
    static template = "eis_sms_apis.PlaceholderLegend";
    static props = { ...standardWidgetProps };
}

registry.category("view_widgets").add("sms_gateway_placeholders", { component: PlaceholderLegend });
