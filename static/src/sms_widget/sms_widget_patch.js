import { SmsWidget } from "@sms/components/sms_widget/fields_sms_widget";
import { patch } from "@web/core/utils/patch";
import { session } from "@web/session";

patch(SmsWidget.prototype, {
    /** Whether Odoo's prices mean anything here. */
    get isIapUsed() {
        return session.sms_iap_used;
    },
});
