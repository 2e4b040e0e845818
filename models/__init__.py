# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import sms_gateway_row  # first, because the models of rows inherit it

# isort: split
from . import (
    base,
    iap_account,
    ir_http,
    ir_model_data,
    ir_model_fields,
    mail_message,
    mail_notification,
    mail_thread,
    res_company,
    res_config_settings,
    sms_gateway,
    sms_gateway_callback,
    sms_gateway_callback_failure_map,
    sms_gateway_config,
    sms_gateway_dashboard,
    sms_gateway_early_report,
    sms_gateway_form,
    sms_gateway_header,
    sms_gateway_parameter,
    sms_gateway_problem,
    sms_gateway_received_report,
    sms_gateway_status,
    sms_gateway_status_report,
    sms_gateway_template,
    sms_gateway_throttle,
    sms_sms,
    sms_template,
    sms_tracker,
)
