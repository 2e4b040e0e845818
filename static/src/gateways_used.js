import { user } from "@web/core/user";
import { session } from "@web/session";

/** Whether gateways send the SMS of the current company: neither Odoo's IAP nor another addon. */
export function areGatewaysUsed() {
    return session.sms_gateway_company_ids?.includes(user.activeCompany?.id) ?? false;
}
