# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keep what a status row does not show: earlier failed attempts, and the request of a failed SMS."""
import json
import time
from datetime import timedelta

from odoo import fields

from ...tools.display import cut
from ...tools.masking import masker
from ...tools.problem import ProblemError
from ...tools.request.builder import preview_each
from .transactions import try_write
from .wording import find_wordings

MAX_REQUEST = 4096  # bytes of a request that are stored
RESULT_COLUMNS = (
    'outcome', 'http_code', 'response_text', 'message_id', 'error_code', 'error_message', 'failure_type', 'duration')


def write_attempts(env, queued, configs, is_requeued=False):
    """Keep the failed attempts of SMS, except those that the status rows show, in one statement. If the database
    refuses them, the results are saved nevertheless.

    :param list[QueuedSms] queued: with their results, or queued again
    :param dict configs: GatewayConfig by gateway id
    :param bool is_requeued: whether they are queued again
    """
    pairs = [
        (sms, failure) for sms in queued for failure in sms.failures
        if configs[failure.gateway_id].track_status and (is_requeued or failure is not sms.own_failure)]
    if pairs:
        try_write(env, lambda: _insert(env, pairs, configs, is_requeued))


def _insert(env, pairs, configs, is_requeued):
    wordings = find_wordings(env, {sms.id for sms, _failure in pairs})
    requests = show_requests(env, [failure for _sms, failure in pairs], configs)
    now, clock = fields.Datetime.now(), time.monotonic()
    rows = []
    for sms, failure in pairs:
        is_last = failure is sms.failures[-1]
        until = now + timedelta(seconds=sms.wait) if is_requeued and is_last and sms.delay else None
        rows.append({
            'sms_uuid': sms.uuid,
            'company_id': sms.company_id,
            'gateway_id': failure.gateway_id,
            'attempt': failure.number,
            'date': str(now - timedelta(seconds=clock - failure.ended)),
            'recipient_count': failure.count,
            'request_text': requests[failure],
            **{name: getattr(failure.result, name) or None for name in RESULT_COLUMNS},
            'error_message': wordings[sms.id]._word_result(failure.result) or None,
            'next_step': _get_next_step(sms, failure, is_requeued and is_last),
            'next_date': until and str(until),
        })
    names = ', '.join(rows[0])
    # a transaction may be repeated after it was committed, if the connection was lost
    env.cr.execute(f"""
        INSERT INTO sms_gateway_attempt ({names})
        SELECT {names} FROM json_populate_recordset(NULL::sms_gateway_attempt, %s)
        ON CONFLICT (sms_uuid, attempt) DO NOTHING
    """, [json.dumps(rows)])
    env['sms.gateway.attempt'].invalidate_model()


def _get_next_step(sms, failure, is_requeued):
    if is_requeued:
        return 'requeue'
    # an SMS that expired before its next attempt has none
    return 'failover' if failure.number < sms.attempt else None


def show_requests(env, failures, configs):
    """Return the requests of failed attempts without secrets, each for its own recipient only, because the other
    recipients may belong to other companies.

    :return: {FailedAttempt: text}
    :rtype: dict
    """
    by_gateway, shown = {}, {}
    for failure in failures:
        by_gateway.setdefault(failure.gateway_id, []).append(failure)
    for gateway_id, group in by_gateway.items():
        config = configs[gateway_id]
        try:
            texts = preview_each(config.request, [failure.recipient for failure in group])
        except ProblemError as error:  # with masked secrets, two keys can be the same
            texts = [env['sms.gateway.problem']._word(error.problem)] * len(group)
        # the text of an SMS may contain a secret
        mask = masker(config.answer.secrets, pairs=config.answer.pairs)
        shown.update((failure, cut(mask(text), MAX_REQUEST)) for failure, text in zip(group, texts, strict=True))
    return shown
