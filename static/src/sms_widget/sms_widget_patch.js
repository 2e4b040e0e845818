import { SmsWidget } from "@sms/components/sms_widget/fields_sms_widget";
import { patch } from "@web/core/utils/patch";
import { areGatewaysUsed } from "../gateways_used";

patch(SmsWidget.prototype, {
    /** Whether Odoo's prices mean anything here. */
    get arePricesShown() {
        return !areGatewaysUsed();
    },
});
