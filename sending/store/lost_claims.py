# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Close claims whose process was interrupted.

SMS whose request was not started are queued again. The outcome of the others is unknown: they fail with that reason,
and can be sent again with Retry.
"""
import logging
import time
from dataclasses import replace
from functools import partial

from odoo.tools import split_every

from ...tools.problem import Problem
from ..queued_sms import QueuedSms, not_sent
from .budgets import give_back_unstarted
from .claims import record_canceled
from .fallback import save_without_hooks
from .results import save_results
from .transactions import OwnTransactions, try_each, try_statement, try_write

_logger = logging.getLogger(__name__)

LOST_BATCH = 500  # lost claims that are closed together


def recover_lost_claims(env, deadline):
    """Close the claims that have expired.

    :param float deadline: `time.monotonic()` after which no further batch starts
    :return: number of SMS that failed
    :rtype: int
    """
    transactions = OwnTransactions(env)
    with transactions.begin() as own:
        unstarted = _find_unstarted_claims(own)
    transactions.write_each(unstarted, _return_unstarted, _forget_unstarted)
    done, last_id = 0, 0
    while time.monotonic() < deadline:
        with transactions.begin() as own:
            lost, configs = _find_lost_claims(own, last_id)
        if not lost:
            break
        last_id = lost[-1].id
        _logger.warning("%s SMS were interrupted while being sent and may have been sent", len(lost))
        transactions.write_each(
            lost, partial(save_results, configs=configs, lost=True),
            partial(save_without_hooks, configs=configs, lost=True))
        if transactions.retry_time.is_outage:
            break
        done += len(lost)
    return done


def end_claims_and_waits(env):
    """End claims and waits for delivery reports in the caller's transaction before the addon is uninstalled. Otherwise
    these SMS would stay Processing forever. Claimed SMS fail, because they may have been sent; SMS that wait for a
    delivery report become Sent."""
    env.flush_all()
    env.cr.execute("""
        UPDATE sms_sms SET claimed_until = (now() AT TIME ZONE 'UTC') - interval '1 day'
        WHERE claimed_until IS NOT NULL
    """)
    env.invalidate_all()
    try_write(env, lambda: _return_unstarted(env, _find_unstarted_claims(env)))
    lost, configs = _find_lost_claims(env, 0)
    while lost:
        try_each(
            env, lost, partial(save_results, configs=configs, lost=True, is_immediate=True),
            partial(save_without_hooks, configs=configs, lost=True))
        lost, configs = _find_lost_claims(env, lost[-1].id)
    waiting = env['sms.gateway.status'].sudo().search([('awaits_report', '=', True)]).ids
    for ids in split_every(LOST_BATCH, waiting):
        try_each(
            env, ids, lambda own, part: own['sms.gateway.status']._close_missing_reports(part),
            lambda own, row_id: own['sms.gateway.status']._settle_missing_report(row_id))


def _find_unstarted_claims(env):
    """
    :return: ids of SMS whose claim expired before their request was started
    :rtype: list[int]
    """
    env.cr.execute("""
        SELECT id FROM sms_sms
        WHERE claimed_until < clock_timestamp() AT TIME ZONE 'UTC' AND not_started ORDER BY id
    """)
    return [sms_id for sms_id, in env.cr.fetchall()]


def _return_unstarted(env, ids):
    """Queue SMS again whose claim expired before their request was started, unless they were canceled."""
    env.cr.execute("""
        UPDATE sms_sms
        SET state = CASE WHEN state = 'canceled' THEN state ELSE 'outgoing' END,
            claimed_until = NULL, not_started = NULL, attempt = GREATEST(attempt - 1, 0),
            first_attempt_date = CASE WHEN attempt > 1 THEN first_attempt_date END
        WHERE id IN (
            SELECT id FROM sms_sms
            WHERE id = ANY(%s) AND claimed_until < clock_timestamp() AT TIME ZONE 'UTC' AND not_started
            ORDER BY id FOR UPDATE SKIP LOCKED)
        RETURNING id, uuid, state = 'canceled'
    """, [list(ids)])
    rows = env.cr.fetchall()
    record_canceled(env, rows)
    give_back_unstarted(env, [sms_id for sms_id, _uuid, _is_canceled in rows])
    env.invalidate_all(flush=False)


def _forget_unstarted(env, sms_id):
    """Treat an SMS that cannot be queued again as lost."""
    try_statement(env, "UPDATE sms_sms SET not_started = FALSE WHERE id = %s", [sms_id])


def _find_lost_claims(env, last_id):
    """
    :param int last_id: only SMS with a higher id
    :return: the SMS with their result, at most LOST_BATCH in the order of ids, and the GatewayConfig of their gateways
    :rtype: tuple[list[QueuedSms], dict]
    """
    env.cr.execute("""
        SELECT s.id, s.uuid, s.number, s.body, COALESCE(m.record_company_id, s.record_company_id),
               s.claimed_until, s.attempt, s.gateway_id
        FROM sms_sms s LEFT JOIN mail_message m ON m.id = s.mail_message_id
        WHERE s.claimed_until < clock_timestamp() AT TIME ZONE 'UTC' AND s.not_started IS NOT TRUE AND s.id > %s
        ORDER BY s.id LIMIT %s
    """, [last_id, LOST_BATCH])
    result = replace(
        not_sent('sms_server', Problem('interrupted')),
        state='server_error', outcome='unknown', doubtful=True)
    lost = [
        QueuedSms(
            id=sms_id, uuid=uuid, number=number or '', body=body or '', company_id=company_id,
            claimed_until=claimed_until, attempt=attempt or 1, candidates=(gateway_id,) if gateway_id else (),
            result=result)
        for sms_id, uuid, number, body, company_id, claimed_until, attempt, gateway_id in env.cr.fetchall()]
    gateways = env['sms.gateway'].sudo().browse({sms.gateway_id for sms in lost if sms.gateway_id})
    return lost, gateways._get_configs()
