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

/** The recipient may have received the SMS. */
tours.add("eis_sms_apis.retry_asks", {
    steps: () => [
        openPopover,
        clickRetry,
        { trigger: ".modal:contains('may have received this SMS') button:contains('Resend')", run: "click" },
        isQueued,
    ],
});
