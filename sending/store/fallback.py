# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Save a result if a trigger or a hook of another addon raises: with SQL that calls no hook, one table at a time."""
from .attempts import write_attempts
from .results import get_core_state, write_status_rows
from .transactions import try_statement, try_write
from .wording import word_results


def save_without_hooks(env, sms, configs, unlink_failed=False, unlink_sent=True, lost=False, **_options):
    """Write the result of an SMS that `save_results` cannot save. Statements that still fail are skipped.

    :param QueuedSms sms: with its result; see `save_results` for the options
    """
    word_results(env, [sms])
    state = get_core_state(sms, configs)
    success = env['sms.sms'].IAP_TO_SMS_STATE_SUCCESS.get(state)
    condition = "id = %s AND claimed_until = %s" if lost else (
        "id = %s AND (claimed_until IS NULL OR claimed_until = %s)")
    env.cr.execute(f"SELECT 1 FROM sms_sms WHERE {condition} FOR UPDATE", [sms.id, sms.claimed_until])
    if not env.cr.rowcount:
        return
    if not try_statement(env, """
        UPDATE sms_sms SET claimed_until = NULL, state = %s, failure_type = %s, failure_reason = %s,
            gateway_id = %s, attempt = %s, to_delete = %s
        WHERE id = %s
    """, [
        success or 'error', sms.result.failure_type or None, sms.result.error_message or None,
        sms.gateway_id or None, sms.attempt, unlink_sent if success else unlink_failed, sms.id,
    ]):
        try_statement(env, "UPDATE sms_sms SET claimed_until = NULL WHERE id = %s", [sms.id])
    if sms.gateway_id and configs[sms.gateway_id].track_status:
        try_write(env, lambda: write_status_rows(env, [sms], configs))
    write_attempts(env, [sms], configs)
    env['sms.tracker']._write_state_without_hooks(
        sms.uuid, success or 'error', sms.result.failure_type, sms.shown_reason)
    env.invalidate_all(flush=False)
