# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import (
    activate,
    connect,
    conversation,
    cost_estimate,
    curl_import,
    gateway_export,
    gateway_import,
    inbound_assign,
    report_sample,
    send_credential,
    sms_composer,
    sms_retry,
    test_sms,
    test_sms_value,
    which_gateway,
)
