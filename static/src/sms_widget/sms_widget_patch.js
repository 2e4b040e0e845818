import { SmsWidget } from "@sms/components/sms_widget/fields_sms_widget";
import { patch } from "@web/core/utils/patch";
import { areGatewaysUsed } from "../gateways_used";

patch(SmsWidget.prototype, {
    /** Odoo's prices apply to IAP only. */
    get arePricesShown() {
        return !areGatewaysUsed();
    },
});
