import { user } from "@web/core/user";
import { session } from "@web/session";

/** Returns whether gateways send the SMS of the current company, not Odoo's IAP or another addon. */
export function areGatewaysUsed() {
    return session.sms_gateway_company_ids?.includes(user.activeCompany?.id) ?? false;
}
