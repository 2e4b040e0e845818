# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What this addon relies on in Odoo although Odoo does not promise it: each name, and why.

`tests/test_core_contract.py` reads it, so that an Odoo that breaks one of them fails there, and sends nothing through
IAP instead of a gateway. What may be called otherwise in another Odoo is recognized here by what it does.
"""
import inspect

from odoo.addons.sms.tools import sms_api as core_api

# (model, name): the parameters that we pass or take, and why.
METHODS = {
    ('res.company', '_get_sms_api_class'): ((), "which API sends a company's SMS: gateways replace IAP here"),
    ('sms.sms', 'send'): (
        ('unlink_failed', 'unlink_sent', 'raise_exception'), "what users and addons call; splits by API"),
    ('sms.sms', '_split_by_api'): ((), "send() asks it which API gets which SMS"),
    ('sms.sms', '_send'): (
        ('unlink_failed', 'unlink_sent', 'raise_exception'),
        "gets the API in the context `sms_api`; we send after commit"),
    ('sms.sms', '_send_with_api'): (
        ('sms_api', 'unlink_failed', 'unlink_sent', 'raise_exception'),
        "writes states, notifications and traces from results; every SMS of every API passes it"),
    ('sms.sms', '_process_queue'): ((), "the queue action calls it"),
    ('sms.sms', '_get_sms_company'): ((), "whose SMS it is"),
    ('sms.sms', '_handle_call_result_hook'): (('results',), "other addons extend it: it is called with our results"),
    ('sms.sms', '_compute_sms_tracker_id'): ((), "core finds the tracker by UUID: not that of a test"),
    ('sms.sms', 'action_set_outgoing'): ((), "Retry"),
    ('sms.sms', 'action_set_error'): (('failure_type',), "an SMS that must not go to IAP"),
    ('sms.sms', 'resend_failed'): ((), "Resend counts deleted SMS"),
    ('sms.tracker', '_action_update_from_sms_state'): (
        ('sms_state', 'failure_type'), "brings notifications and traces to a state"),
    ('sms.tracker', '_action_update_from_provider_error'): (('provider_error',), "the same for delivery errors"),
    ('mail.thread', '_message_sms_with_template'): (
        ('template', 'template_xmlid', 'template_fallback', 'partner_ids'),
        "sends with a template, whose validity the SMS get"),
    ('ir.actions.server', '_run_action_sms_multi'): (('eval_context',), "the action's SMS get its lane"),
    ('res.users', '_bus_send'): (
        ('notification_type', 'message'), "tells a user that SMS are released in the background"),
    ('sms.composer', '_action_send_sms'): ((), "the SMS of the composer get its template's validity"),
    ('mail.followers', '_get_recipient_data'): (
        ('records', 'message_type', 'subtype_id', 'pids'), "an inbound SMS notifies as an email does"),
    ('mail.message', '_to_store_defaults'): (('target',), "the chatter shows which SMS are incoming"),
    ('ir.ui.menu', '_load_menus_blacklist'): ((), "the SMS inbox is shown to responsible users only"),
    ('mail.thread', '_message_sms'): (
        ('body', 'partner_ids', 'sms_numbers', 'sms_pid_to_number'), "replies to inbound SMS"),
    ('phone.blacklist', '_add'): (('numbers', 'message'), "STOP"),
    ('phone.blacklist', '_remove'): (('numbers', 'message'), "START"),
    ('base', '_phone_format'): (('number',), "whether the blacklist takes a number"),
    ('base', '_mail_get_companies'): ((), "an inbound SMS goes to no document of another company"),
    ('base', '_mail_get_partners'): ((), "the contacts of a document"),
    ('sms.composer', '_prepare_body_values'): (('records',), "the text of a reply"),
    ('sms.composer', '_prepare_mass_sms_values'): (('records',), "marks the SMS whose number the queue checks again"),
    ('sms.composer', '_prepare_mass_sms'): (
        ('records', 'sms_record_values'), "the chatter shows the state of each mass SMS"),
    ('ir.cron', '_commit_progress'): (('processed', 'remaining'), "the queue action tells how far it is"),
    ('ir.cron', '_trigger'): (('at',), "wakes the queue action"),
    ('sms.tracker', '_update_sms_mailings'): (
        ('trace_status', 'traces'), "brings traces to a state, see OF_MARKETING"),
    ('sms.tracker', '_register_hook'): ((), "cancels a mailing's SMS with it"),
    ('mailing.mailing', 'action_cancel'): ((), "the same"),
    ('mail.message', '_notify_message_notification_update'): ((), "shows in open chatters what became of an SMS"),
    ('mail.notification', '_to_store_defaults'): (('target',), "the chatter gets our words too"),
    ('res.users', '_get_company_ids'): ((), "for which companies the web client shows our words"),
    ('ir.actions.act_window', '_for_xml_id'): (('full_xml_id',), "opens our lists from buttons"),
    ('ir.qweb', '_render'): (('template', 'values'), "makes HTML of the history of an SMS"),
    ('ir.http', '_dispatch'): (('endpoint',), "runs the callback with the request as it came"),
    ('ir.model.data', '_process_end_unlink_record'): (
        ('record',), "an upgrade removes what the data files gave up: only templates that nobody touched"),
    ('base', '_sms_get_recipients_info'): ((), "a corrected number, for Retry in the chatter"),
    ('base', '_get_view'): (('view_id', 'view_type'), "views of core that speak of IAP"),
    ('base', '_get_view_cache_key'): (('view_id', 'view_type'), "they depend on the companies"),
    ('base', '_load_records'): (('data_list', 'update'), "a mark that uninstalling removes"),
    ('base', '_load_records_write'): (('values',), "an upgrade resets what a template's file no longer names"),
    ('base', '_init_column'): (('column_name',), "gateways that are there before the addon get a token each"),
    ('base', '_read_group'): (('domain', 'groupby', 'aggregates'), "figures of gateways"),
    ('base', '_read_grouping_sets'): (('domain', 'grouping_sets', 'aggregates', 'order'), "sums of costs by currency"),
    ('base', '_read_group_select'): (('aggregate_spec', 'query'), "a median and rates, which core does not know"),
    ('base', '_field_to_sql'): (('alias', 'field_expr', 'query'), "columns of figures, with their access rules"),
    ('base', '_filtered_access'): (('operation',), "whether a person may see the default gateway"),
}
# (model, name): keys that must be there, and why
TABLES = {
    ('sms.sms', 'IAP_TO_SMS_STATE_SUCCESS'): ({'processing', 'success', 'delivered'}, "our results use these words"),
    ('sms.sms', 'DELIVERY_ERRORS'): ({'sms_not_delivered', 'sms_rejected'}, "failure types of delivery reports"),
    ('sms.sms', 'BOUNCE_DELIVERY_ERRORS'): ({'sms_rejected'}, "which delivery errors count as bounced"),
    ('sms.tracker', 'SMS_STATE_TO_NOTIFICATION_STATUS'): (
        {'pending', 'process', 'error', 'sent'}, "what a notification shows, where core's hooks cannot write it"),
    ('sms.tracker', 'SMS_STATE_TO_TRACE_STATUS'): ({'pending', 'process', 'error'}, "the same of a trace"),
}
# those above that only `mass_mailing_sms` brings
OF_MARKETING = {
    ('sms.tracker', '_update_sms_mailings'), ('sms.tracker', 'SMS_STATE_TO_TRACE_STATUS'),
    ('mailing.mailing', 'action_cancel'),
}
# what is imported from core, or defined in a module of core: why
NAMES = {
    'odoo.modules.module.current_test': "within tests nothing is committed, and SMS are sent at once",
    'odoo.service.server.CommonServer.on_stop': "runs end when the server does",
    'odoo.addons.base.models.ir_cron.MIN_TIME_PER_JOB': "how long the queue action may take",
    'odoo.addons.mail.tools.discuss.Store.Attr': "a value for the chatter",
    'odoo.addons.sms.controllers.main.SmsController._check_status_values': "reports of IAP go on",
    'odoo.fields.Selection._description_selection': "the labels of failure types in the reader's language",
    'odoo.fields.Field._description_string': "the label of a field in the reader's language",
    'odoo.http.HttpDispatcher.dispatch': "the callback gets the request as it came",
    'odoo.http.Request._post_init': "chooses the database of a call, which we remember",
    'odoo.http.Request._serve_db': "opens a connection for a call, which we limit",
    'odoo.tools.constants.GC_UNLINK_LIMIT': "how many rows are removed at once",
    'odoo.tools.misc.Callbacks.add': "`cr.postcommit`, `cr.postrollback`: send after commit, forget after rollback",
}
# `_process_queue` of this scheduled action's code is what sends the queue
QUEUE_ACTION = 'sms.ir_cron_sms_scheduler_action'

# ----------------------------------------------------------
# Which of core's APIs is which
# ----------------------------------------------------------

# core has announced to rename SmsApiBase to SmsApi, and today's SmsApi to SmsApiIAP
SmsApiBase = getattr(core_api, 'SmsApiBase', None) or core_api.SmsApi


def sends_through_iap(api_class):
    """Return whether an SMS API is Odoo's paid IAP service, by what it does and not by its name, which changes.

    :param type api_class: what `res.company._get_sms_api_class` of core and other addons returns
    :return: true for the class that contacts IAP to send, and for any other class of core's `sms`; false if another
        addon sends, or decides what to contact
    :rtype: bool
    """
    senders = _get_definers(api_class, '_send_sms_batch')
    contacts = _get_definers(api_class, '_contact_iap')
    if contacts:
        return contacts == senders[:1]
    return bool(senders) and senders[0].__module__.startswith('odoo.addons.sms.')


def is_replaced_by_test(api_class):
    """Return whether a test has mocked what contacts IAP, as core's `mockSMSGateway` does: it expects to see the SMS.

    :rtype: bool
    """
    return any(
        not inspect.isroutine(vars(definer)[name])
        for name in ('_contact_iap', '_send_sms_batch') for definer in _get_definers(api_class, name))


def _get_definers(api_class, name):
    return [definer for definer in api_class.__mro__ if name in vars(definer) and definer is not SmsApiBase]
