# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Save results: status rows, then states, notifications and traces as core does (doc/behaviour.md section 5)."""
import json
from datetime import timedelta
from functools import partial

from odoo import fields
from odoo.tools import groupby

from ...tools.answer.failure_codes import RESPONSE
from ...tools.gsm import count_segments
from ...tools.phone import get_prefix_country, to_e164
from ...tools.sms_api import SmsApiResults
from . import budgets
from .attempts import show_requests, write_attempts
from .costs import find_costs
from .earlier_costs import COST_UPDATES, convert_earlier
from .origins import get_origin_sql
from .transactions import OwnTransactions, is_in_test
from .wording import word_results

# The web client is notified only once, after the provider's error message is written.
QUIET = {'sms_gateway_words_follow': True, 'sms_skip_msg_notification': True}

RESULT_COLUMNS = (
    'state', 'outcome', 'http_code', 'response_text', 'message_id', 'error_code', 'error_message', 'failure_type')


def save_results(env, queued, configs, unlink_failed=False, unlink_sent=True, lost=False, is_immediate=False):
    """Save the results of claimed SMS.

    :param list[QueuedSms] queued: each with its result
    :param dict configs: GatewayConfig by gateway id
    :param bool unlink_failed: see core's `sms.sms._send`, as `unlink_sent`
    :param bool lost: whether the claims have expired, so that the result is unknown
    :param bool is_immediate: whether this is the caller's transaction, which started before the SMS were sent
    """
    claims = _lock_rows(env, queued, lost)
    # SMS whose claim was closed as lost are saved as well, because the provider's response is more reliable. SMS that
    # another run has claimed since are left to that run.
    valid = () if lost else (None,)
    ours = [sms for sms in queued if claims.get(sms.id) in (*valid, sms.claimed_until)]
    word_results(env, ours)
    awaiting = [sms for sms in ours if _awaits_report(sms, configs)]
    _lock_early_reports(env, awaiting)
    delivered = write_status_rows(
        env, [sms for sms in ours if sms.gateway_id and configs[sms.gateway_id].track_status], configs)
    write_attempts(env, ours, configs)
    existing = [sms for sms in ours if sms.id in claims]
    if existing:
        states = [get_core_state(sms, configs, delivered) for sms in existing]
        _end_claims(env, existing, states, unlink_sent)
        _write_states(env, existing, states, delivered, unlink_failed, unlink_sent)
    _save_deleted(env, [sms for sms in ours if sms.id and sms.id not in claims], configs, delivered)
    env['sms.gateway']._follow_error_codes([
        (env['sms.gateway'].browse(sms.gateway_id), to_e164(sms.number, sms.countries) or sms.number,
         sms.result.error_code)
        for sms in ours if sms.gateway_id and sms.result.error_code], RESPONSE)
    _apply_early_reports(env, awaiting, is_immediate)
    if not lost:  # it stays counted, because it may have been sent
        # not again if this transaction is repeated after it was committed
        budgets.settle(env, [
            sms for sms in ours if claims.get(sms.id, sms.claimed_until) == sms.claimed_until], configs, is_immediate)


def get_core_state(sms, configs, delivered=()):
    """Return a result as a state of core's SMS APIs.

    :param QueuedSms sms: with its result
    :param set delivered: UUIDs of SMS that an earlier attempt has delivered
    """
    if sms.uuid in delivered:
        return 'delivered'
    if sms.result.failure_type:
        return sms.result.failure_type
    config = configs[sms.gateway_id]
    # without a status row, nothing would end the wait for a missing report
    waits = sms.result.state == 'pending' and config.waits_for_report and config.track_status
    return 'processing' if waits else 'success'


def write_status_rows(env, queued, configs):
    """Write one status row for each SMS; a retry keeps the row and counts the attempt.

    :return: the UUIDs of SMS whose earlier attempt was reported as delivered in the meantime; they stay delivered
    :rtype: set[str]
    """
    if not queued:
        return set()
    texts = {  # each text once, because those of a mailing are the same
        (gateway_id, body): _describe_text(body, configs[gateway_id])
        for gateway_id, body in {(sms.gateway_id, sms.body) for sms in queued}}
    requests = show_requests(env, [sms.own_failure for sms in queued if sms.own_failure], configs)
    counts = [
        sms.result.segment_count or texts[sms.gateway_id, sms.body]['segment_count'] for sms in queued]
    costs = find_costs(env, queued, configs, counts)
    rows = [{
        'gateway_id': sms.gateway_id,
        'company_id': sms.company_id,
        'sms_id_int': sms.id,
        'sms_uuid': sms.uuid,
        'number': sms.number,
        'attempt': sms.attempt,
        'duration': sms.result.duration,
        'request_text': requests.get(sms.own_failure),
        **{name: getattr(sms.result, name) or None for name in RESULT_COLUMNS},
        'awaits_report': _awaits_report(sms, configs) and not sms.result.failure_type,
        **texts[sms.gateway_id, sms.body],
        'segment_count': count,
        # the longest prefix that tells countries apart has 7 digits: the Isle of Man
        'country_code': get_prefix_country(sms.e164[1:8]) if sms.e164 else None,
        **cost,
    } for sms, count, cost in zip(queued, counts, costs, strict=True)]
    for row, sms in zip(rows, queued, strict=True):
        row['query_date'] = _get_query_date(row, configs[sms.gateway_id])
    kept = ('state', 'outcome', 'error_code', 'error_message', 'failure_type', 'awaits_report')
    updates = ', '.join(
        f'{name} = CASE WHEN status.delivered_date IS NULL THEN EXCLUDED.{name} ELSE status.{name} END'
        if name in kept else f'{name} = EXCLUDED.{name}'
        for name in rows[0] if name != 'sms_uuid' and name not in COST_UPDATES)
    updates += ''.join(f', {name} = {expression}' for name, expression in COST_UPDATES.items())
    origin, joins = get_origin_sql(env)
    values = ', '.join([*(f'v.{name}' for name in rows[0]), *origin.values()])
    # a deleted SMS does not tell any more
    updates += ''.join(f', {name} = COALESCE(EXCLUDED.{name}, status.{name})' for name in origin)
    convert_earlier(env, 'status.sms_uuid', [sms.uuid for sms in queued if sms.attempt > 1])
    # PostgreSQL reads thousands of values faster from one JSON text than from the statement
    env.cr.execute(f"""
        INSERT INTO sms_gateway_status AS status
            ({', '.join([*rows[0], *origin])}, sent_date, create_date, write_date)
        SELECT {values}, CASE WHEN v.outcome = 'accepted' THEN now.clock END, now.clock, now.clock
        FROM (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0) AS clock) AS now,
             json_populate_recordset(NULL::sms_gateway_status, %s) AS v {joins}
        ON CONFLICT (sms_uuid) DO UPDATE SET {updates}, sent_date = EXCLUDED.sent_date, report_date = NULL,
            note = NULL, write_date = EXCLUDED.write_date
        RETURNING sms_uuid, delivered_date
    """, [json.dumps(rows)])
    delivered = {uuid for uuid, delivered_date in env.cr.fetchall() if delivered_date}
    env['sms.gateway.status'].invalidate_model()
    return delivered


def _get_query_date(row, config):
    """Return when the provider is asked for the status of an SMS for the first time, in UTC; None if it is not."""
    if not (config.query_minutes and row['awaits_report'] and row['message_id']):
        return None
    return fields.Datetime.to_string(fields.Datetime.now() + timedelta(minutes=config.query_minutes))


def _describe_text(body, config):
    """Tell what the request contained, which smart encoding makes of the text: the provider charges for that."""
    text = config.encode(body)
    segments = count_segments(text)
    return {
        'text_encoding': segments.encoding,
        'segment_count': segments.count,
        'is_text_replaced': text != body,
    }


# === LOCKS === #

def _lock_rows(env, queued, lost):
    """Lock the SMS in ID order: consistent lock order, to avoid deadlocks.

    :return: {id: `claimed_until`} of the SMS that still exist
    """
    env.cr.execute(f"""
        SELECT id, claimed_until FROM sms_sms WHERE id = ANY(%s) ORDER BY id
        FOR UPDATE {'SKIP LOCKED' if lost else ''}
    """, [[sms.id for sms in queued]])
    return dict(env.cr.fetchall())


def _lock_early_reports(env, awaiting):
    """Lock early reports: a report is either kept before this, or it waits for the rows of this transaction."""
    for gateway_id in {sms.gateway_id for sms in awaiting}:
        env.cr.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, %s)", [env['sms.gateway']._get_lock_class(), gateway_id])


# === SMS, NOTIFICATIONS, TRACES === #

def _end_claims(env, queued, states, unlink_sent):
    """End the claims, and write what core will write to accepted SMS, so that core finds nothing to change: the
    UPDATE of the ORM would take most of the time of saving.

    :param list states: the state of core's SMS APIs for each SMS
    """
    success = env['sms.sms'].IAP_TO_SMS_STATE_SUCCESS
    env.cr.execute("""
        UPDATE sms_sms s
        SET claimed_until = NULL, gateway_id = v.gateway_id, attempt = v.attempt,
            failure_reason = NULLIF(v.reason, ''), state = COALESCE(v.state, s.state),
            failure_type = CASE WHEN v.state IS NULL THEN s.failure_type END,
            to_delete = CASE WHEN %s AND v.state IS NOT NULL THEN TRUE ELSE s.to_delete END,
            write_uid = %s, write_date = %s
        FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::text[])
            AS v(id, gateway_id, attempt, reason, state)
        WHERE s.id = v.id
    """, [
        unlink_sent,
        env.uid,
        env.cr.now(),
        [sms.id for sms in queued],
        [sms.gateway_id or None for sms in queued],
        [sms.attempt for sms in queued],
        [sms.result.error_message for sms in queued],
        [success.get(state) for state in states],
    ])
    env.invalidate_all(flush=False)
    env['sms.sms'].browse([sms.id for sms in queued]).modified([
        'claimed_until', 'gateway_id', 'attempt', 'failure_reason', 'state', 'failure_type', 'to_delete'])


def _write_states(env, queued, states, delivered, unlink_failed, unlink_sent):
    # without error messages, which core would log and by which it would group the SMS
    results = [{'uuid': sms.uuid, 'state': state} for sms, state in zip(queued, states, strict=True)]
    all_sms = env['sms.sms'].browse([sms.id for sms in queued])
    quiet = all_sms.with_context(**QUIET)
    for gateway_id, group in groupby(queued, key=lambda sms: sms.gateway_id):
        # core reads these trackers as well, so this takes no additional query
        quiet.browse([sms.id for sms in group]).sms_tracker_id.gateway_id = gateway_id
    quiet._send_with_api(SmsApiResults(env, results), unlink_failed=unlink_failed, unlink_sent=unlink_sent)
    env.flush_all()
    failed = [sms for sms in queued if sms.result.failure_type and sms.uuid not in delivered]
    waited = {sms.uuid: '' for sms in queued if sms.age}  # they have the reason for it
    env['sms.tracker']._write_failure_reasons(waited | {sms.uuid: sms.shown_reason for sms in failed})
    env['sms.tracker']._search_by_uuid([sms.uuid for sms in failed])._finish_mailings()
    all_sms.mail_message_id._notify_message_notification_update()


def _save_deleted(env, queued, configs, delivered):
    """Update notifications and traces of SMS that were deleted while their requests were in progress, because core's
    `_send_with_api` finds only SMS that still exist."""
    trackers = env['sms.tracker'].with_context(**QUIET)._search_by_uuid([sms.uuid for sms in queued])
    if not trackers:
        return
    by_state = {}
    for sms in queued:
        by_state.setdefault(get_core_state(sms, configs, delivered), set()).add(sms.uuid)
    for state, uuids in by_state.items():
        own = trackers.filtered(lambda tracker, uuids=uuids: tracker.sms_uuid in uuids)
        if success := env['sms.sms'].IAP_TO_SMS_STATE_SUCCESS.get(state):
            own._filter_open()._action_update_from_sms_state(success)
        else:
            own._filter_open()._action_update_from_sms_state('error', failure_type=state)
    trackers._finish_mailings()
    env.flush_all()
    env['sms.tracker']._write_failure_reasons({
        sms.uuid: sms.shown_reason for sms in queued
        if sms.result.failure_type and sms.uuid not in delivered})
    trackers.mail_notification_id.mail_message_id.with_context(
        sms_gateway_words_follow=False)._notify_message_notification_update()


# === DELIVERY REPORTS === #

def _awaits_report(sms, configs):
    """Return whether the provider may send a report for an SMS, even for one that its response refuses."""
    return bool(sms.gateway_id and configs[sms.gateway_id].waits_for_report)


def _apply_early_reports(env, queued, is_immediate):
    for gateway_id, group in groupby(queued, key=lambda sms: sms.gateway_id):
        uuids = [sms.uuid for sms in group]
        message_ids = [sms.result.message_id for sms in group if sms.result.message_id]

        def apply(own, gateway_id=gateway_id, uuids=uuids, message_ids=message_ids):
            own['sms.gateway'].browse(gateway_id)._apply_early_reports(uuids, message_ids)

        if is_immediate and not is_in_test():
            # reports that were kept since this transaction started are visible only to a later one
            env.cr.postcommit.add(partial(OwnTransactions(env).write, apply, len(uuids)))
        else:
            apply(env)
