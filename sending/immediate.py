# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send while the caller's transaction waits for the result: SMS Marketing's Test button and Send Test SMS."""
import time
import uuid
from dataclasses import replace

from ..tools import phone
from ..tools.answer.interpretation import interpret
from ..tools.request.builder import Recipient, build_requests
from ..tools.request.checks import check_config
from .queued_sms import QueuedSms
from .request_pool import exchange_all_in_time
from .run import SendRun
from .sent_before import recall, remember
from .store.results import save_results
from .store.store import Store
from .store.transactions import CallersTransaction

MAX_SECONDS = 20  # maximum time that a caller waits


def send_in_transaction(env, contents):
    """Send queued SMS within the caller's transaction and return the results.

    If Odoo retries the transaction, for example after a serialization failure, SMS that were already sent are not sent
    again.

    :param env: with the company whose gateways send
    :param dict contents: {UUID of an SMS: text that identifies a repetition}; the text of the row itself may contain
        another link each time
    :return: one result per UUID, as core's `SmsApi._send_sms_batch` returns them; `success` if the SMS was accepted
    :rtype: list[dict]
    """
    model = env['sms.sms']
    queued = model.search([('uuid', 'in', list(contents)), ('state', '=', 'outgoing')])
    keys = {sms.uuid: (env.company.id, sms.number, contents[sms.uuid]) for sms in queued}
    transaction = CallersTransaction(env)
    renamed = _save_sent_before(transaction, queued, keys)
    ids = queued.filtered(lambda sms: sms.state == 'outgoing').ids
    run = SendRun(Store(transaction, unlink_failed=True), time.monotonic() + MAX_SECONDS, ids=ids)
    try:
        run.run()
    finally:
        for sms in run.outcomes.ended:
            remember(env.cr, keys[sms.uuid], (sms, run.configs))
    uuids = [renamed.get(uuid, uuid) for uuid in contents]
    by_uuid = {sms.uuid: sms for sms in model.search([('uuid', 'in', uuids)])}
    shown = {sms.uuid: sms.shown_reason for sms in run.outcomes.ended}
    return [_get_result(uuid, by_uuid.get(uuid, model), shown.get(uuid)) for uuid in uuids]


def _get_result(uuid, sms, reason):
    if sms.state in ('pending', 'process', 'sent'):
        return {'uuid': uuid, 'state': 'success'}
    labels = dict(sms._fields['failure_type']._description_selection(sms.env))
    return {
        'uuid': uuid,
        'state': sms.failure_type or 'server_error',
        'failure_reason': reason or sms.failure_reason or labels.get(sms.failure_type),
    }


def _save_sent_before(transaction, queued, keys):
    """Save the results of SMS that were already sent in a transaction that Odoo rolled back. Their UUID and text are
    replaced with those that were sent, because delivery reports are matched by UUID.

    :param dict keys: {UUID: key that identifies the same SMS}
    :return: {UUID of the row: UUID that was sent}
    :rtype: dict[str, str]
    """
    renamed = {}
    for sms in queued:
        if before := recall(sms.env.cr, keys[sms.uuid]):
            sent, configs = before
            renamed[sms.uuid] = sent.uuid
            sms.env['sms.tracker'].search([('sms_uuid', '=', sms.uuid)]).sms_uuid = sent.uuid
            sms.write({'uuid': sent.uuid, 'body': sent.body})
            with transaction.begin() as env:
                save_results(
                    env, [replace(sent, id=sms.id, claimed_until=None)], configs, unlink_failed=True,
                    is_immediate=True)
    return renamed


def build_test(config, number, text, countries, company_id=0, dlt_template_id='', message_type=''):
    """Return the request for an SMS that is not in the queue.

    :param GatewayConfig config: of the gateway
    :param str number: as entered by a user
    :param countries: ISO codes, to read the number with
    :param int company_id: whose sender and DLT entity it has
    :param str message_type: see `MessageRules.get_values`
    :rtype: HttpRequest
    :raise NumberError, ConfigError, RenderError: if no request can be built
    """
    check_config(config.request)
    formatted = phone.format_number(
        number, config.number_format, countries, config.request.separator, config.prefixes)
    values = config.message_rules and config.message_rules.get_values(
        company_id, phone.to_e164(number, countries), dlt_template_id=dlt_template_id, message_type=message_type)
    request, = build_requests(
        config.request, [Recipient(uuid.uuid4().hex, formatted, config.encode(text.strip()), values=values)])
    return request


def send_tests(config, requests):
    """Send requests of one gateway in parallel, outside of the queue.

    :return: the HttpAnswers in the order of the requests
    """
    return exchange_all_in_time(config.connection, requests)


def read_test(config, number, text, company_id, request, answer):
    """Return the result of a test SMS as a queued SMS that can be saved.

    :rtype: QueuedSms
    """
    recipient, = request.recipients
    result, = interpret(config.answer, [recipient], answer)
    queued = QueuedSms(
        id=0, uuid=recipient.uuid, number=number, body=text.strip(), company_id=company_id, claimed_until=None,
        attempt=1, candidates=(config.gateway_id,), result=result)
    if result.failure_type:
        queued.note_failure(result, recipient)
    return queued
