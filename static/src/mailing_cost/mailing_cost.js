import { Component, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** What the SMS of a mailing have cost. A widget, because mailings have no field for it. */
export class SmsMailingCost extends Component {
    static template = "eis_sms_apis.MailingCost";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ cost: "" });
        useRecordObserver(async (record) => {
            this.state.cost = record.resId
                ? await this.orm.call("sms.gateway.status", "get_mailing_cost", [record.resId])
                : "";
        });
    }
}

registry.category("view_widgets").add("eis_sms_mailing_cost", { component: SmsMailingCost });
