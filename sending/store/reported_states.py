# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Write the final states of delivery reports to SMS, notifications and SMS Marketing traces: one statement per table.

The statements write what core's trackers would write. The hooks are called afterwards and find nothing to change, so
that other addons that extend them keep working. Rows are locked in ID order, to avoid deadlocks.
"""
from collections import defaultdict

from .web_clients import notify_after_commit

# values of `sms.sms` by the state of the report
SMS_VALUES = {
    'success': {'state': 'sent', 'to_delete': True},
    'error': {'state': 'error', 'to_delete': False},
    'canceled': {'state': 'canceled'},
}
NOTIFICATION_STATUS = {'success': 'sent', 'error': 'exception', 'canceled': 'canceled'}
TRACE_STATUS = {'success': 'sent', 'error': 'error', 'canceled': 'cancel'}


def write_reported_states(env, changed):
    """Write final states. Core may have removed the SMS; its tracker stays.

    :param dict changed: {UUID: DeliveryReport}
    """
    # the web client is notified only once, after everything is written
    quiet = env(context={**env.context, 'sms_gateway_words_follow': True, 'sms_skip_msg_notification': True})
    env.flush_all()
    sms_ids = _write_sms(env, changed)
    notifications, traces = _find_targets(env, changed)
    if notifications:
        _write_notifications(env, changed, notifications)
    if traces:
        _write_traces(env, changed, traces)
    env.invalidate_all(flush=False)
    all_sms, trackers = env['sms.sms'].browse(sms_ids), quiet['sms.tracker']._search_by_uuid(changed)
    all_sms.modified(['state', 'to_delete', 'failure_type', 'failure_reason'])
    env['mail.notification'].browse(list(notifications.values())).modified(
        ['notification_status', 'failure_type', 'failure_reason'])
    if traces:
        env['mailing.trace'].browse(list(traces.values())).modified(
            ['trace_status', 'sent_datetime', 'failure_type', 'failure_reason'])
    _call_hooks(all_sms, trackers, changed)
    trackers._finish_mailings()
    env.flush_all()
    notify_after_commit(env['mail.message'].browse(trackers.mail_notification_id.mail_message_id.ids))


# === STATEMENTS === #

def _write_sms(env, changed):
    """
    :return: ids of the SMS that still exist
    :rtype: list[int]
    """
    env.cr.execute(
        "SELECT id, uuid FROM sms_sms WHERE uuid = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(changed)])
    found = dict(env.cr.fetchall())
    reports = [changed[uuid] for uuid in found.values()]
    values = [SMS_VALUES[report.state] for report in reports]
    env.cr.execute("""
        UPDATE sms_sms s
        SET state = v.state, to_delete = COALESCE(v.to_delete, s.to_delete), failure_type = NULLIF(v.failure_type, ''),
            failure_reason = NULLIF(v.reason, ''), write_uid = %s, write_date = %s
        FROM unnest(%s::int[], %s::text[], %s::boolean[], %s::text[], %s::text[])
            AS v(id, state, to_delete, failure_type, reason)
        WHERE s.id = v.id
    """, [
        env.uid,
        env.cr.now(),
        list(found),
        [value['state'] for value in values],
        [value.get('to_delete') for value in values],
        [report.failure_type for report in reports],
        [report.reason for report in reports],
    ])
    return list(found)


def _find_targets(env, changed):
    """Find the notifications and traces of SMS. Not in the statements that write them: if the statistics of PostgreSQL
    are out of date, it could compare each row of each table with each report.

    :return: {UUID: id of the notification}, {UUID: id of the trace}; not those of SMS Marketing's Test button, or whose
        recipient opened a link or replied
    :rtype: tuple[dict[str, int], dict[str, int]]
    """
    has_traces = 'mailing_trace_id' in env['sms.tracker']._fields
    env.cr.execute(f"""
        SELECT sms_uuid, mail_notification_id, {'mailing_trace_id' if has_traces else 'NULL'}
        FROM sms_tracker WHERE sms_uuid = ANY(%s)
    """, [list(changed)])  # pylint: disable=sql-injection
    trackers = env.cr.fetchall()
    traces = {uuid: trace_id for uuid, _notification_id, trace_id in trackers if trace_id}
    left_alone = set()
    if traces:
        env.cr.execute("""
            SELECT id FROM mailing_trace
            WHERE id = ANY(%s) AND (is_test_trace OR trace_status IN ('open', 'reply'))
        """, [list(traces.values())])
        left_alone.update(trace_id for trace_id, in env.cr.fetchall())
    notifications = {
        uuid: notification_id for uuid, notification_id, trace_id in trackers
        if notification_id and trace_id not in left_alone}
    return notifications, {uuid: trace_id for uuid, trace_id in traces.items() if trace_id not in left_alone}


def _write_notifications(env, changed, notifications):
    """
    :param dict notifications: {UUID: id}
    """
    env.cr.execute("SELECT FROM mail_notification WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [
        list(notifications.values())])
    env.cr.execute("""
        UPDATE mail_notification n
        SET notification_status = CASE WHEN v.status = 'bounce' AND n.notification_status = 'sent' THEN 'sent'
                                       ELSE v.status END,
            failure_type = NULLIF(v.failure_type, ''), failure_reason = NULLIF(v.reason, '')
        FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS v(id, status, failure_type, reason)
        WHERE n.id = v.id
    """, _get_parameters(env, changed, notifications, NOTIFICATION_STATUS))


def _write_traces(env, changed, traces):
    """
    :param dict traces: {UUID: id}
    """
    env.cr.execute("SELECT FROM mailing_trace WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [
        list(traces.values())])
    env.cr.execute("""
        UPDATE mailing_trace trace
        SET trace_status = v.status, failure_reason = NULLIF(v.reason, ''),
            failure_type = CASE WHEN v.status = 'sent' AND trace.failure_type = 'sms_optout' THEN trace.failure_type
                                ELSE NULLIF(v.failure_type, '') END, -- STOP was faster than the report
            sent_datetime = CASE WHEN v.status IN ('sent', 'bounce') AND trace.trace_status <> v.status
                                 THEN COALESCE(trace.sent_datetime, %s) ELSE trace.sent_datetime END,
            write_uid = %s, write_date = %s
        FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS v(id, status, failure_type, reason)
        WHERE trace.id = v.id
    """, [env.cr.now(), env.uid, env.cr.now(), *_get_parameters(env, changed, traces, TRACE_STATUS)])


def _get_parameters(env, changed, targets, statuses):
    """Return IDs, statuses, failure types and reasons. Some delivery errors count as bounced."""
    bounces = env['sms.sms'].BOUNCE_DELIVERY_ERRORS
    reports = [changed[uuid] for uuid in targets]
    return [
        list(targets.values()),
        ['bounce' if report.failure_type in bounces else statuses[report.state] for report in reports],
        [report.failure_type for report in reports],
        [report.reason for report in reports],
    ]


# === HOOKS === #

def _call_hooks(all_sms, trackers, changed):
    """Call the methods that other addons extend, with the values already written."""
    # read first, because the ORM would write again what is not in its cache
    all_sms.fetch(['uuid', 'state', 'to_delete', 'failure_type', 'write_uid', 'write_date'])
    trackers.mail_notification_id.fetch(['notification_status', 'failure_type', 'failure_reason'])
    if 'mailing_trace_id' in trackers._fields:
        trackers.mailing_trace_id.fetch(['trace_status', 'failure_type', 'failure_reason', 'write_uid', 'write_date'])
    for group, (state, failure_type) in _group(all_sms, 'uuid', changed):
        group.write({**SMS_VALUES[state], 'failure_type': failure_type or False})
    for group, (state, failure_type) in _group(trackers, 'sms_uuid', changed):
        group._record_report(state, failure_type)


def _group(records, field_name, changed):
    groups = defaultdict(list)
    for record in records:
        report = changed[record[field_name]]
        groups[report.state, report.failure_type].append(record.id)
    return [(records.browse(ids), effect) for effect, ids in groups.items()]
