# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import time
from dataclasses import replace
from functools import partial

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import modules
from odoo.http import Controller, HttpDispatcher, Response, request, route

from ..tools.problem import ProblemError
from ..tools.report.authentication import Content, read_signed
from ..tools.report.body import ReportError
from ..tools.report.parsing import MAX_BODY, parse_reports
from .callback_load import answer_busy, drain_once

_logger = logging.getLogger(__name__)

LOG_SECONDS = 60  # at most one line per gateway and reason in this time
_logged = {}  # {(database, gateway id, reason): time.monotonic() of the last line}


class CallbackDispatcher(HttpDispatcher):
    """Passes on the request unread. Odoo would parse a form and lose the signed bytes, and a parameter named `self` or
    `token` would conflict with an argument."""
    routing_type = 'eis_sms_callback'

    def dispatch(self, endpoint, args):
        self.request.params = dict(args)
        return self.request.registry['ir.http']._dispatch(endpoint)


class DeliveryCallback(Controller):

    @route('/eis_sms/callback/<string:token>', type='eis_sms_callback', auth='public', methods=['GET', 'POST'],
           save_session=False, max_content_length=MAX_BODY)
    def receive_reports(self, token):
        """Receive delivery reports of a provider. Responses reveal nothing about the database, the gateway or the SMS
        (doc/behaviour.md section 6)."""
        gateway = request.env['sms.gateway'].sudo()._find_by_callback_token(token)
        if not gateway:
            return _answer(404, "Not Found")
        answer = gateway.delivery_callback_answer or ''
        if request.httprequest.method not in ('GET', 'POST'):
            return _answer(200, answer)  # HEAD and OPTIONS change nothing (RFC 9110, 9.2.1)
        call = gateway._get_call(request.httprequest, token)
        try:
            gateway._check_before_body(call)
        except ProblemError as error:
            return _answer_stranger(gateway, error)
        rules, signature = gateway._get_report_rules(), gateway._get_signature_rule()
        _release_connection(gateway.env)
        refusal = None
        try:
            content = _read_content(call, signature)
            reports = parse_reports(rules, call.method, content.query, content.content_type, content.body)
        except ReportError as error:
            refusal, reports = error, error.reports
        except ProblemError as error:
            return _answer_stranger(gateway, error)
        if not (reports or refusal) and request.httprequest.query_string and not content.query:
            _log_refusal(gateway, "The query string is not signed, and there is no report in the body.")
        if reports and not _store(gateway, reports):
            return answer_busy()
        if refusal:
            _log_refusal(gateway, str(refusal))
            response = _answer(refusal.status, "Bad Request")
        else:
            response = _answer(200, answer)
        if reports and not modules.module.current_test:
            response.call_on_close(partial(drain_once, (gateway.env.cr.dbname, gateway.id), gateway._drain_reports))
        return response


def _release_connection(env):
    """Return the database connection to the pool: a body may arrive slowly, and reports are stored in a transaction of
    their own. Code that runs after a controller handles a closed cursor."""
    if modules.module.current_test:
        env.cr.commit()  # tests share one connection
    else:
        env.cr.close()
    request.eis_sms_place.free()


def _store(gateway, reports):
    """
    :return: whether the reports are committed
    :rtype: bool
    """
    place = request.eis_sms_place
    try:
        return place.take() and gateway._receive_reports(reports)
    finally:
        place.free()


def _read_content(call, signature):
    """Read the trusted part of a call.

    :param SignatureRule signature: None if calls are not signed
    :rtype: Content
    :raise ReportError: if the body is too large
    :raise ProblemError: if a required signature is missing or wrong
    """
    http_request = request.httprequest
    try:
        body = http_request.get_data()
    except RequestEntityTooLarge as error:
        raise ReportError('report_too_large', 413) from error
    if signature:
        return read_signed(signature, replace(call, body=body), time.time())
    return Content(http_request.query_string, http_request.headers.get('Content-Type', ''), body)


def _answer_stranger(gateway, error):
    _log_refusal(gateway, f"Webhook authentication failed: {error}")
    return _answer(403, "Forbidden")


def _answer(status, text):
    return Response(text, status=status, mimetype='text/plain')


def _log_refusal(gateway, reason):
    """Log why a call was refused, without its content and at a limited rate."""
    key = gateway.env.cr.dbname, gateway.id, reason
    now = time.monotonic()
    if now - _logged.get(key, -LOG_SECONDS) >= LOG_SECONDS:
        _logged[key] = now
        _logger.warning("A delivery callback of gateway %s was refused: %s", gateway.id, reason)
