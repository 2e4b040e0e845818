import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");
const openPopover = {
    trigger: ".o-mail-Message:contains('Your order is ready') .o-mail-Message-notification",
    run: "click",
};
const clickRetry = { trigger: ".o_popover:not(:has(.o_sms_gateway_status_link)) .o_sms_gateway_retry", run: "click" };
const isQueued = { trigger: ".o_notification:contains('SMS queued again')" };

/** Two clicks: the failure, Retry. */
tours.add("eis_sms_apis.retry_from_chatter", {
    steps: () => [openPopover, clickRetry, isQueued],
});

/** An employee asks an administrator, who reads what to set. */
tours.add("eis_sms_apis.advice_for_employee", {
    steps: () => [
        openPopover,
        { trigger: ".o_popover:contains('Insufficient Credit: No credit')" },
        { trigger: ".o_popover .o_sms_gateway_advice:contains('Ask your administrator to top up')" },
    ],
});
tours.add("eis_sms_apis.advice_for_administrator", {
    steps: () => [
        openPopover,
        { trigger: ".o_popover .o_sms_gateway_advice:contains('Top up the account at the provider')" },
        { trigger: ".o_popover .o_sms_gateway_status_link" },
    ],
});

/** The recipient may have received the SMS. */
tours.add("eis_sms_apis.retry_asks", {
    steps: () => [
        openPopover,
        clickRetry,
        { trigger: ".modal:contains('may have received this SMS') button:contains('Resend')", run: "click" },
        isQueued,
    ],
});
