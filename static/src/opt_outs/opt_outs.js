import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** How many recipients answered a mailing with STOP. A widget, because mailings have no field for it. */
export class SmsOptOuts extends Component {
    static template = "eis_sms_apis.OptOuts";
    static props = { ...standardWidgetProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.state = useState({ count: 0 });
        useRecordObserver(async (record) => {
            const domain = this.getDomain(record.resId);
            this.state.count = record.resId ? await this.orm.searchCount("mailing.trace", domain) : 0;
        });
    }

    getDomain(mailingId) {
        return [
            ["mass_mailing_id", "=", mailingId],
            ["failure_type", "=", "sms_optout"],
            // the others got no SMS: they opted out before
            ["trace_status", "in", ["process", "pending", "sent", "open", "reply"]],
        ];
    }

    async open() {
        const { resId } = this.props.record;
        const traces = await this.orm.call("mailing.mailing", "action_view_traces_sent", [[resId]]);
        await this.action.doAction({
            ...traces,
            display_name: _t("Opted Out"),
            domain: this.getDomain(resId),
            context: {},
        });
    }
}

registry.category("view_widgets").add("eis_sms_opt_outs", { component: SmsOptOuts });
