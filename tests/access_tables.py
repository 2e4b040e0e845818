# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What each role may do with each model and method, for `test_security_access_table`."""

ROLES = ('public', 'portal', 'employee', 'rights', 'administrator')

# Create, read, write and unlink (crwu) for each role.
OPERATIONS = """
    sms.gateway                         - - - - crwu
    sms.gateway.parameter               - - - - crwu
    sms.gateway.header                  - - - - crwu
    sms.gateway.callback.failure.map    - - - - crwu
    sms.gateway.query                   - - - - crwu
    sms.gateway.price                   - - - - crwu
    sms.gateway.sender                  - - - - crwu
    sms.gateway.status                  - - - - ru
    sms.gateway.attempt                 - - - - r
    sms.gateway.cost                    - - - - r
    sms.gateway.throttle                - - - - -
    sms.gateway.flood                   - - - - -
    sms.gateway.release                 - - - - -
    sms.gateway.incident                - - - - r
    sms.gateway.budget                  - - - - crwu
    sms.gateway.quiet                   - - - - crwu
    sms.gateway.budget.month            - - - - r
    sms.gateway.estimate                - - crw crw crw
    sms.gateway.estimate.line           - - crw crw crw
    sms.gateway.early.report            - - - - -
    sms.gateway.received.message        - - - - -
    sms.gateway.received.report         - - - - r
    sms.gateway.inbound                 - - r r rwu
    sms.gateway.inbound.assign          - - crw crw crw
    sms.gateway.conversation            - - crw crw crw
    sms.gateway.test                    - - - - crwu
    sms.gateway.test.value              - - - - crwu
    sms.gateway.sample           - - - - crwu
    sms.gateway.sample.line      - - - - crwu
    sms.gateway.route                   - - - - crwu
    sms.gateway.export                  - - - - crwu
    sms.gateway.import                  - - - - crwu
    sms.gateway.activate                - - - - crwu
    sms.gateway.send.credential         - - - - crwu
    sms.gateway.connect                 - - - - crwu
    sms.gateway.curl                    - - - - crwu
    sms.gateway.curl.line               - - - - crwu
    sms.retry                           - - - - crw
    sms.sms                             - - - - crwu
    sms.tracker                         - - - - crwu
"""

# What a public method does for each role: `yes` it works; `no` access is denied; `page` it only describes a page, which
# does not open without the rights to its model.
METHODS = """
    sms.gateway         action_toggle_state          no   no   no   no   yes
    sms.gateway         action_view_prices           page page page page yes
    sms.gateway         action_new_callback_token    no   no   no   no   yes
    sms.gateway         action_resume                no   no   no   no   yes
    sms.gateway         action_make_default          no   no   no   no   yes
    sms.gateway         action_send_credential       no   no   no   no   yes
    sms.gateway         action_activate              no   no   no   no   yes
    sms.gateway         action_rotate_callback_token no   no   no   no   yes
    sms.gateway         action_end_rotation          no   no   no   no   yes
    sms.gateway         action_new_inbound_token     no   no   no   no   yes
    sms.gateway         action_rotate_inbound_token  no   no   no   no   yes
    sms.gateway         action_end_inbound_rotation  no   no   no   no   yes
    sms.gateway         action_use_template          no   no   no   no   yes
    sms.gateway         action_connect               no   no   no   no   yes
    sms.gateway         action_fix_placeholders      no   no   no   no   yes
    sms.gateway         action_add_auth_header       no   no   no   no   yes
    sms.gateway         action_open_documentation    no   no   no   no   yes
    sms.gateway         action_check_balance         no   no   no   no   yes
    sms.gateway         action_ask_provider          no   no   no   no   yes
    sms.gateway         action_test                  page page page page yes
    sms.gateway         action_view_sms              page page page page yes
    sms.gateway         action_view_sent_sms         page page page page yes
    sms.gateway         action_view_failed_sms       page page page page yes
    sms.gateway         action_view_queue            page page page page yes
    sms.gateway         action_open_templates        page page page page yes
    sms.gateway         action_which_gateway         page page page page yes
    sms.gateway         explain_route                no   no   no   no   yes
    sms.gateway         create                       no   no   no   no   yes
    sms.gateway         write                        no   no   no   no   yes
    sms.gateway         copy                         no   no   no   no   yes
    sms.gateway         copy_data                    no   no   no   no   yes
    sms.gateway         read                         no   no   no   no   yes
    sms.gateway         web_read                     no   no   no   no   yes
    sms.gateway         web_search_read              no   no   no   no   yes
    sms.gateway         formatted_read_group         no   no   no   no   yes
    sms.gateway         name_search                  no   no   no   no   yes
    sms.gateway         search_count                 no   no   no   no   yes
    sms.gateway         export_data                  no   no   no   no   yes
    sms.gateway         onchange                     no   no   no   no   yes
    sms.gateway         action_archive               no   no   no   no   yes
    sms.gateway         unlink                       no   no   no   no   yes
    sms.gateway.budget  action_release               no   no   no   no   yes
    sms.gateway.budget  action_end_release           no   no   no   no   yes
    sms.gateway.budget  action_view_waiting          page page page page yes
    sms.gateway.quiet   create                       no   no   no   no   yes
    sms.gateway.quiet   write                        no   no   no   no   yes
    sms.gateway.quiet   unlink                       no   no   no   no   yes
    sms.gateway.budget  create                       no   no   no   no   yes
    sms.gateway.budget  write                        no   no   no   no   yes
    sms.gateway.budget  unlink                       no   no   no   no   yes
    sms.gateway.incident action_release              no   no   no   no   yes
    sms.gateway.parameter               create       no   no   no   no   yes
    sms.gateway.parameter               write        no   no   no   no   yes
    sms.gateway.parameter               unlink       no   no   no   no   yes
    sms.gateway.header                  create       no   no   no   no   yes
    sms.gateway.header                  write        no   no   no   no   yes
    sms.gateway.header                  unlink       no   no   no   no   yes
    sms.gateway.callback.failure.map    create       no   no   no   no   yes
    sms.gateway.callback.failure.map    write        no   no   no   no   yes
    sms.gateway.callback.failure.map    unlink       no   no   no   no   yes
    sms.gateway.price                   create       no   no   no   no   yes
    sms.gateway.price                   write        no   no   no   no   yes
    sms.gateway.price                   unlink       no   no   no   no   yes
    sms.gateway.price                   get_import_templates yes yes yes yes yes
    sms.gateway.sender                  create       no   no   no   no   yes
    sms.gateway.sender                  write        no   no   no   no   yes
    sms.gateway.sender                  unlink       no   no   no   no   yes
    sms.gateway.query                   create       no   no   no   no   yes
    sms.gateway.query                   write        no   no   no   no   yes
    sms.gateway.query                   unlink       no   no   no   no   yes
    sms.gateway.cost    action_open_status           no   no   no   no   yes
    sms.gateway.status  action_open_sms              no   no   no   no   yes
    sms.gateway.status  action_open_document         no   no   no   no   yes
    sms.gateway.status  action_open_of_message       no   no   no   no   yes
    sms.gateway.status  get_message_cost             no   no   no   no   yes
    sms.gateway.status  action_retry                 no   no   no   no   yes
    sms.gateway.status  action_retry_through         no   no   no   no   yes
    sms.gateway.status  action_simulate_delivered    no   no   no   no   yes
    sms.gateway.status  action_ask_provider          no   no   no   no   yes
    sms.gateway.status  read                         no   no   no   no   yes
    sms.gateway.status  write                        no   no   no   no   no
    sms.gateway.status  create                       no   no   no   no   no
    sms.gateway.status  unlink                       no   no   no   no   yes
    sms.gateway.status  search_count                 no   no   no   no   yes
    sms.gateway.status  formatted_read_group         no   no   no   no   yes
    sms.gateway.early.report search_count            no   no   no   no   no
    sms.gateway.received.message search_count        no   no   no   no   no
    sms.gateway.inbound read                         no   no   no   no   yes
    sms.gateway.inbound write                        no   no   no   no   yes
    sms.gateway.inbound create                       no   no   no   no   no
    sms.gateway.received.report search_count         no   no   no   no   yes
    sms.gateway.received.report read                 no   no   no   no   yes
    sms.gateway.received.report write                no   no   no   no   no
    sms.gateway.received.report create               no   no   no   no   no
    sms.gateway.received.report action_open_status   no   no   no   no   yes
    sms.gateway.inbound search_count                 no   no   yes  yes  yes
    sms.gateway.inbound action_mark_read             no   no   no   no   yes
    sms.gateway.inbound action_assign                no   no   no   no   yes
    sms.gateway.inbound action_open_document         no   no   no   no   yes
    sms.gateway.inbound action_view_conversation     no   no   no   no   yes
    sms.gateway.inbound.assign action_assign         no   no   no   no   yes
    sms.gateway.conversation action_send             no   no   yes  no   yes
    sms.gateway         action_view_inbound          no   no   page page yes
    mail.message        action_reply_sms             no   no   yes  no   yes
    res.partner         action_view_sms_conversation no   no   yes  yes  yes
    sms.gateway.throttle search_count                 no   no   no   no   no
    sms.gateway.test    action_send                  no   no   no   no   yes
    sms.gateway.test    action_refresh               page page page page yes
    sms.gateway.test    action_check_delivery        no   no   no   no   yes
    sms.gateway.test    action_simulate_delivered    no   no   no   no   yes
    sms.gateway.test    action_open_status           no   no   no   no   yes
    sms.gateway.test    action_open_all              no   no   no   no   yes
    sms.gateway.test    action_map                   no   no   no   no   yes
    sms.gateway.test    action_apply                 no   no   no   no   yes
    sms.gateway.sample create                 no   no   no   no   yes
    sms.gateway.sample onchange               no   no   no   no   yes
    sms.gateway.route   create                       no   no   no   no   yes
    sms.gateway.route   onchange                     no   no   no   no   yes
    sms.gateway.export  action_download              no   no   no   no   yes
    sms.gateway.export  create                       no   no   no   no   yes
    sms.gateway.export  read                         no   no   no   no   yes
    sms.gateway.import  action_import                no   no   no   no   yes
    sms.gateway.import  create                       no   no   no   no   yes
    sms.gateway.import  onchange                     no   no   no   no   yes
    sms.gateway.activate action_activate             no   no   no   no   yes
    sms.gateway.activate action_connect              no   no   no   no   yes
    sms.gateway.activate action_test                 no   no   no   no   yes
    sms.gateway.activate create                      no   no   no   no   yes
    sms.gateway.send.credential action_apply         no   no   no   no   yes
    sms.gateway.send.credential create               no   no   no   no   yes
    sms.gateway.connect action_next                  no   no   no   no   yes
    sms.gateway.connect action_back                  no   no   no   no   yes
    sms.gateway.connect action_send                  no   no   no   no   yes
    sms.gateway.connect action_activate              no   no   no   no   yes
    sms.gateway.connect create                       no   no   no   no   yes
    sms.gateway.curl    action_read                  no   no   no   no   yes
    sms.gateway.curl    action_back                  no   no   no   no   yes
    sms.gateway.curl    action_create_gateway        no   no   no   no   yes
    sms.retry           action_send_all              no   no   no   no   yes
    sms.retry           action_send_certain          no   no   no   no   yes
    sms.retry           create                       no   no   no   no   yes
    sms.sms             action_set_outgoing          no   no   no   no   yes
    sms.sms             action_set_canceled          no   no   no   no   yes
    sms.sms             action_retry                 no   no   no   no   yes
    sms.sms             action_retry_through         no   no   no   no   yes
    sms.sms             resend_failed                no   no   no   no   yes
    sms.sms             action_open_status           no   no   no   no   yes
    sms.sms             create                       no   no   no   no   yes
    sms.sms             send                         no   no   no   no   yes
    sms.sms             action_send_now              no   no   no   no   yes
    mail.message        retry_sms                    no   no   yes  no   yes
    res.config.settings action_open_sms_gateways     page page page page yes
    res.config.settings action_open_active_sms_gateways  page page page page yes
    res.config.settings action_open_failing_sms_gateways page page page page yes
    res.config.settings action_which_sms_gateway     page page page page yes
    res.config.settings action_new_sms_health_url    no   no   no   no   yes
    sms.gateway.incident read                        no   no   no   no   yes
    sms.gateway.incident write                       no   no   no   no   no
    sms.gateway.incident search_count                no   no   no   no   yes
    res.config.settings create                       no   no   no   no   yes
"""
# Public methods of ours that extend core's, and tell or change nothing of gateways for those who may call them.
CORE_METHODS = {
    'iap.account': {'get_credits_url'},
    'ir.http': {'session_info'},
    'ir.model.fields': {'get_field_selection'},
    'phone.blacklist': {'create', 'write'},
    'mail.notification': {'format_failure_reason'},
    'res.config.settings': {'default_get', 'set_values'},  # in a transient record, which only administrators create
    'sms.gateway.asking': {'action_ask_provider'},  # abstract
    'sms.gateway.default': {'action_make_default'},  # abstract
    'sms.gateway.inbound.settings': {  # abstract
        'action_new_inbound_token', 'action_rotate_inbound_token', 'action_end_inbound_rotation'},
    'sms.gateway.pricing': {'action_view_prices'},  # abstract
    'sms.gateway.quiet.hold': {'action_send_now'},  # abstract
    'sms.gateway.replies': {'action_view_inbound'},  # abstract
    'sms.gateway.status': {'get_mailing_cost'},  # of a mailing that the user may read
    'sms.gateway.row': {'create', 'write', 'unlink'},  # abstract
    'sms.gateway.price': {'load'},  # core checks the rights to create rows
}
