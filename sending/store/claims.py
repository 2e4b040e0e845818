# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Claim queued SMS for one run, with one statement or a few for a whole batch.

A claim marks SMS as Processing and sets `claimed_until`. SMS that are neither saved nor queued again by then count as
lost, because their process was interrupted.
"""
import math
import time
from datetime import timedelta
from operator import attrgetter

from odoo import fields

from ..lanes import BULK, BULK_EVERY, order_by_lane
from ..queued_sms import LEASE, QueuedSms
from .attempts import write_attempts
from .wording import find_wordings

# the expression of the index `_lane_index`; SMS of earlier versions have no lane
LANE_SQL = "COALESCE(s.lane, 'normal')"
MAX_COUNTED = 10_000  # SMS that are counted in the queue

# === CLAIM === #

def claim_due(env, limit, ids=None, refused=(), bulk_after=None):
    """Lock and read queued SMS of gateways. `write_claims` changes them. Urgent SMS are claimed before
    normal and bulk ones, but a tenth of a claim is for bulk SMS. The limits are constants, because PostgreSQL plans for
    a tenth of all rows if it does not know them.

    :param int limit: maximum number of SMS
    :param list ids: only these SMS, even if they should wait; None for all that are due
    :param refused: ids of SMS that are not claimed
    :param int bulk_after: of bulk SMS, only as many as the limit with higher ids
    :return: the SMS in the order in which they are sent
    :rtype: list[QueuedSms]
    """
    columns = f"""
        s.id, s.uuid, s.number, s.body, s.attempt, s.first_attempt_date, s.partner_id, s.valid_until,
        s.forced_gateway_id, s.forced_sender, s.uses_exclusion_list, {LANE_SQL} AS lane, md5(s.body) AS text_hash,
        s.is_confirmed, s.ignores_quiet, s.sms_template_id, s.dlt_template_id, s.message_type,
        COALESCE(m.record_company_id, s.record_company_id, %(company)s) AS company_id
    """
    if bulk_after is None:
        after, others = '', "s.id NOT IN (SELECT id FROM bulk)"
        limits = {'bulk_limit': limit // BULK_EVERY, 'due_limit': limit}
    else:
        after, others = 'AND s.id > %(bulk_after)s', f"{LANE_SQL} > %(bulk)s"
        limits = {'bulk_limit': limit, 'due_limit': 2 * limit, 'bulk_after': bulk_after}
    env.cr.execute(f"""
        WITH now AS (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS clock), bulk AS (
            SELECT {columns} {_due_sql(ids)} AND {LANE_SQL} = %(bulk)s {after} ORDER BY s.id LIMIT %(bulk_limit)s
            FOR UPDATE OF s SKIP LOCKED
        ), first AS (
            SELECT {columns} {_due_sql(ids)} AND {others}
            ORDER BY {LANE_SQL} DESC, s.id LIMIT %(limit)s
            FOR UPDATE OF s SKIP LOCKED
        ), due AS (SELECT * FROM bulk UNION ALL SELECT * FROM first LIMIT %(due_limit)s)
        SELECT due.id, due.uuid, due.number, due.body, due.company_id,
               now.clock + %(lease)s * interval '1 second', due.attempt,
               COALESCE(EXTRACT(EPOCH FROM now.clock - due.first_attempt_date), 0)::float,
               due.valid_until, EXTRACT(EPOCH FROM due.valid_until - now.clock)::float,
               due.forced_gateway_id, due.forced_sender,
               due.uses_exclusion_list IS TRUE AND EXISTS (
                   SELECT FROM phone_blacklist WHERE active AND phone_blacklist.number = due.number),
               due.lane, due.text_hash, due.is_confirmed, due.first_attempt_date IS NULL,
               COALESCE(NULLIF(due.dlt_template_id, ''), template.dlt_template_id, ''),
               COALESCE(due.message_type, template.message_type, ''), due.ignores_quiet IS TRUE,
               partner_country.code, company_country.code
        FROM now CROSS JOIN due
        LEFT JOIN sms_template template ON template.id = due.sms_template_id
        LEFT JOIN res_partner partner ON partner.id = due.partner_id
        LEFT JOIN res_country partner_country ON partner_country.id = partner.country_id
        LEFT JOIN res_company company ON company.id = due.company_id
        LEFT JOIN res_partner company_partner ON company_partner.id = company.partner_id
        LEFT JOIN res_country company_country ON company_country.id = company_partner.country_id
    """, {
        **_due_parameters(env, ids, refused), 'limit': limit, 'lease': LEASE, 'bulk': BULK, **limits})
    now = time.monotonic()
    return order_by_lane(
        QueuedSms(
            id=sms_id, uuid=uuid, number=number or '', body=(body or '').strip(), company_id=company_id,
            claimed_until=claimed_until, countries=tuple(filter(None, countries)), attempt=attempt or 0, age=age,
            valid_until=valid_until, expires=math.inf if left is None else now + left,
            forced_gateway_id=forced_gateway_id, forced_sender=forced_sender or '', is_unwanted=is_opted_out,
            lane=lane, text_hash=text_hash, is_confirmed=bool(is_confirmed),
            is_new=is_new, dlt_template_id=dlt_template_id, message_type=message_type, ignores_quiet=ignores_quiet)
        for (sms_id, uuid, number, body, company_id, claimed_until, attempt, age, valid_until, left, forced_gateway_id,
             forced_sender, is_opted_out, lane, text_hash, is_confirmed, is_new, dlt_template_id, message_type,
             ignores_quiet, *countries) in env.cr.fetchall()
    )


def write_claims(env, queued):
    """Write claims to the locked rows, with the gateway and attempt that are most likely, so that each row is written
    only once.

    :param list[QueuedSms] queued: those with a delay are queued again
    """
    queued = [sms for sms in queued if not (sms.is_left or sms.hold)]
    if not queued:
        return
    env.cr.execute("""
        UPDATE sms_sms s
        SET state = 'process', not_started = v.not_started, claimed_until = %s, gateway_id = v.gateway_id,
            attempt = COALESCE(s.attempt, 0) + 1, send_after = NULL, budget_id = NULL, is_held = NULL,
            first_attempt_date = COALESCE(s.first_attempt_date, clock_timestamp() AT TIME ZONE 'UTC')
        FROM unnest(%s::int[], %s::int[], %s::bool[]) AS v(id, gateway_id, not_started) WHERE s.id = v.id
    """, [
        queued[0].claimed_until, [sms.id for sms in queued], [sms.gateway_id or None for sms in queued],
        [not sms.is_started for sms in queued]])
    requeue(env, [sms for sms in queued if sms.delay])


def find_due(env, ids, refused):
    """
    :return: id of the SMS that would be claimed next, None if there is none
    :rtype: int | None
    """
    env.cr.execute(
        f"SELECT s.id {_due_sql(ids)} ORDER BY {LANE_SQL} DESC, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED",
        _due_parameters(env, ids, refused))
    return next((sms_id for sms_id, in env.cr.fetchall()), None)


def count_due(env):
    """Count the SMS of gateways that are queued and may be sent now, up to MAX_COUNTED, because the next job waits."""
    env.flush_all()
    env.cr.execute(
        f"SELECT count(*) FROM (SELECT 1 {_due_sql(None)} LIMIT {MAX_COUNTED}) AS due", _due_parameters(env, None, ()))
    return env.cr.fetchone()[0]


def _due_sql(ids):
    # selected SMS, for example with Send Now, are sent even if the provider asked to wait
    condition = 's.id = ANY(%(ids)s)' if ids is not None else (
        # the predicate of `_lane_index`: a million held SMS must not delay claims
        "s.is_held IS NOT TRUE AND (s.send_after IS NULL OR s.send_after <= clock_timestamp() AT TIME ZONE 'UTC')")
    # CASE, because PostgreSQL assumes that an equality of expressions holds for few rows, and sorts the whole queue
    return f"""
        FROM sms_sms s LEFT JOIN mail_message m ON m.id = s.mail_message_id
        WHERE s.state = 'outgoing' AND s.to_delete IS NOT TRUE
        AND s.claimed_until IS NULL -- canceled and queued again by a user while a run may be sending it
        AND CASE WHEN COALESCE(m.record_company_id, s.record_company_id, %(company)s) = ANY(%(companies)s)
                 THEN TRUE ELSE FALSE END
        AND s.id <> ALL(%(refused)s::int[]) AND {condition}
    """


def _due_parameters(env, ids, refused):
    return {
        'company': env.company.id,
        'companies': env['res.company']._get_sms_gateway_companies().ids,
        'ids': ids,
        'refused': list(refused),
    }


# === WHILE REQUESTS ARE IN PROGRESS === #

def mark_started(env, queued):
    """Record that a provider may receive these SMS from now on.

    :return: the ids of those whose claim is still valid and that were not canceled; others must not be sent
    :rtype: set[int]
    """
    queued = sorted(queued, key=attrgetter('id'))  # consistent lock order, to avoid deadlocks
    env.cr.execute("""
        UPDATE sms_sms s SET not_started = FALSE
        FROM unnest(%s::int[], %s::timestamp[]) AS v(id, claimed_until)
        WHERE s.id = v.id AND s.claimed_until = v.claimed_until AND s.state <> 'canceled' RETURNING s.id
    """, [[sms.id for sms in queued], [sms.claimed_until for sms in queued]])
    return {sms_id for sms_id, in env.cr.fetchall()}


def renew_claims(env, queued, claimed_until):
    """Extend claims.

    :param list[QueuedSms] queued: with their previous claims, even if this call is repeated
    :param datetime claimed_until: the new end, in UTC
    :return: ids of SMS that another run has claimed, saved or queued again since
    :rtype: set[int]
    """
    env.cr.execute("""
        SELECT s.id, s.claimed_until IN (v.claimed_until, %s) IS TRUE
        FROM sms_sms s JOIN unnest(%s::int[], %s::timestamp[]) AS v(id, claimed_until) ON v.id = s.id
        ORDER BY s.id FOR UPDATE OF s
    """, [claimed_until, [sms.id for sms in queued], [sms.claimed_until for sms in queued]])
    is_ours = dict(env.cr.fetchall())
    env.cr.execute("UPDATE sms_sms SET claimed_until = %s WHERE id = ANY(%s)", [
        claimed_until, [sms_id for sms_id, ours in is_ours.items() if ours]])
    return {sms_id for sms_id, ours in is_ours.items() if not ours}


# === QUEUE AGAIN === #

def requeue(env, queued, configs=None):
    """Queue claimed SMS again, to be sent after their delay, and trigger the queue action for that time. Those that
    were canceled in the meantime stay canceled.

    :param dict configs: GatewayConfig by gateway id, for the failed attempts of the SMS
    :return: ids of those that were not queued again, because another run has claimed them since
    :rtype: set[int]
    """
    if not queued:
        return set()
    queued = sorted(queued, key=attrgetter('id'))  # consistent lock order, to avoid deadlocks
    delayed = [sms for sms in queued if sms.reason]
    wordings = find_wordings(env, [sms.id for sms in delayed]) if delayed else {}
    reasons = {sms.id: wordings[sms.id]._word_result(sms.reason) for sms in delayed}
    env.cr.execute("""
        UPDATE sms_sms s
        SET state = CASE WHEN s.state = 'canceled' THEN s.state ELSE 'outgoing' END, claimed_until = NULL,
            attempt = v.attempt, failure_reason = COALESCE(NULLIF(v.reason, ''), s.failure_reason),
            send_after = CASE WHEN v.delay > 0
                THEN (clock_timestamp() AT TIME ZONE 'UTC') + v.delay * interval '1 second' END
        FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::timestamp[])
            AS v(id, attempt, delay, reason, claimed_until)
        WHERE s.id = v.id AND s.claimed_until = v.claimed_until
        RETURNING s.id, s.uuid, s.state = 'canceled'
    """, [
        [sms.id for sms in queued],
        [sms.attempt for sms in queued],
        [sms.wait for sms in queued],
        [reasons.get(sms.id, '') for sms in queued],
        [sms.claimed_until for sms in queued],
    ])
    rows = env.cr.fetchall()
    left = {sms_id for sms_id, _uuid, _is_canceled in rows}
    env['sms.tracker']._write_failure_reasons({
        sms.uuid: wordings[sms.id]._word_result(sms.reason, advice=False) for sms in delayed})
    record_canceled(env, rows)
    write_attempts(env, [sms for sms in queued if sms.id in left], configs, is_requeued=True)
    others = [sms for sms in queued if sms.id not in left]
    taken = _cancel_deleted(env, others) if others else set()
    now = fields.Datetime.now()
    trigger_queue(env, *{now + timedelta(seconds=sms.wait) for sms in queued if sms.delay})
    if any(not sms.delay for sms in queued):
        trigger_queue(env)
    return taken


def record_canceled(env, rows):
    """Cancel the notifications and traces of SMS that were canceled while a run had claimed them.

    :param list[tuple] rows: id and UUID of each SMS, and whether it was canceled
    """
    if uuids := [uuid for _id, uuid, is_canceled in rows if is_canceled]:
        env['sms.tracker']._search_by_uuid(uuids)._filter_open()._record_canceled()


def _cancel_deleted(env, queued):
    """Cancel the notifications and traces of SMS that were deleted in the meantime, because nothing sends them.

    :return: ids of the others
    """
    existing = env['sms.sms'].browse([sms.id for sms in queued]).exists()
    env['sms.tracker']._search_by_uuid(
        [sms.uuid for sms in queued if sms.id not in existing.ids])._record_canceled()
    return set(existing.ids)


def trigger_queue(env, *times):
    """Trigger core's queue action.

    :param datetime times: when, in UTC, rounded to minutes; as soon as possible if none is given
    """
    cron = env.ref('sms.ir_cron_sms_scheduler_action', raise_if_not_found=False)
    if not cron:
        return
    if not times:
        cron.sudo()._trigger()
        return
    minutes = {at.replace(second=0, microsecond=0) + timedelta(minutes=1) for at in times}
    minutes -= set(env['ir.cron.trigger'].sudo().search(
        [('cron_id', '=', cron.id), ('call_at', 'in', list(minutes))]).mapped('call_at'))
    if minutes:
        cron.sudo()._trigger(minutes)


def release_waiting(env, gateway_ids):
    """Send the SMS that wait for paused gateways now."""
    env.cr.execute("""
        UPDATE sms_sms SET send_after = NULL WHERE id IN (
            SELECT id FROM sms_sms
            WHERE state = 'outgoing' AND is_held IS NOT TRUE AND gateway_id = ANY(%s)
            AND send_after > clock_timestamp() AT TIME ZONE 'UTC'
            ORDER BY id FOR UPDATE SKIP LOCKED)
    """, [list(gateway_ids)])
    if env.cr.rowcount:
        env['sms.sms'].invalidate_model(['send_after'])
        trigger_queue(env)
