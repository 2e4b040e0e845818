# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import time
from dataclasses import replace

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import modules
from odoo.http import Controller, HttpDispatcher, Response, request, route

from ..models import sms_gateway_callback as callback_settings
from ..models import sms_gateway_inbound_settings as inbound_settings
from ..tools.inbound.call import read_call
from ..tools.problem import ProblemError
from ..tools.report.authentication import Content, read_signed
from ..tools.report.body import ReportError
from ..tools.report.parsing import MAX_BODY
from .callback_load import answer_busy, start_drain

_logger = logging.getLogger(__name__)

ANSWER_TYPES = {'text': 'text/plain', 'xml': 'text/xml', 'json': 'application/json'}
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

    @route(f'{callback_settings.PATH}<string:token>', type='eis_sms_callback', auth='public',
           methods=['GET', 'POST'], save_session=False, max_content_length=MAX_BODY)
    def receive_reports(self, token):
        """Receive delivery reports of a provider. Responses reveal nothing about the database, the gateway or the SMS
        (doc/behaviour.md section 6)."""
        gateway = request.env['sms.gateway'].sudo()._find_by_callback_token(token)
        return _receive(gateway, f'{callback_settings.PATH}{token}', False)

    @route(f'{inbound_settings.PATH}<string:token>', type='eis_sms_callback', auth='public',
           methods=['GET', 'POST'], save_session=False, max_content_length=MAX_BODY)
    def receive_messages(self, token):
        """Receive inbound SMS of a gateway (doc/inbound.md)."""
        gateway = request.env['sms.gateway'].sudo()._find_by_inbound_token(token)
        return _receive(gateway, f'{inbound_settings.PATH}{token}', True)


def _receive(gateway, path, is_inbound_url):
    """Store what a call contains, and answer it.

    :param gateway: the gateway of the URL, empty if there is none
    :param str path: of the URL
    :param bool is_inbound_url: whether the URL is that for inbound SMS
    """
    if not gateway:
        return _answer(404, "Not Found")
    answers = {  # by whether they respond to an SMS
        False: (gateway.delivery_callback_answer or '', 'text/plain'),
        True: (gateway.inbound_answer or '', ANSWER_TYPES[gateway.inbound_answer_type]),
    }
    if request.httprequest.method not in ('GET', 'POST'):
        return _answer(200, *answers[is_inbound_url])  # HEAD and OPTIONS change nothing (RFC 9110, 9.2.1)
    call = gateway._get_call(request.httprequest, path)
    try:
        gateway._check_before_body(call)
    except ProblemError as error:
        return _answer_stranger(gateway, error)
    takes_reports, takes_messages = gateway.delivery_callback_enabled, gateway.inbound_enabled
    rules, signature = (gateway._get_report_rules(), gateway._get_inbound_rules()), gateway._get_signature_rule()
    _release_connection(gateway.env)
    try:
        content = _read_content(call, signature)
        received = read_call(*rules, is_inbound_url, call.method, content)
    except ReportError as error:
        return _refuse(gateway, error)
    except ProblemError as error:
        return _answer_stranger(gateway, error)
    stores = [
        (items, store, drain) for is_taken, items, store, drain in (
            (takes_reports, received.reports, gateway._receive_reports, gateway._drain_reports),
            (takes_messages, received.messages, gateway._receive_messages, gateway._drain_messages))
        if is_taken and items]
    if not (stores or received.refusal) and request.httprequest.query_string and not content.query:
        _log_refusal(gateway, "The query string is not signed, and there is nothing in the body.")
    if stores and not _store(stores):
        return answer_busy()
    _start_drains(gateway, [drain for _items, _store_items, drain in stores])
    return _refuse(gateway, received.refusal) if received.refusal else _answer(200, *answers[received.has_inbound])


def _start_drains(gateway, drains):
    """Apply what was stored. The response does not wait for it."""
    if not modules.module.current_test:
        for drain in drains:
            start_drain((gateway.env.cr.dbname, gateway.id, drain.__name__), drain)


def _release_connection(env):
    """Return the database connection to the pool: a body may arrive slowly, and reports are stored in a transaction of
    their own. Code that runs after a controller handles a closed cursor."""
    if modules.module.current_test:
        env.cr.commit()  # tests share one connection
    else:
        env.cr.close()
    request.eis_sms_place.free()


def _store(stores):
    """
    :param list stores: tuples whose first two values are a list and the function that stores it
    :return: whether all of them are committed
    :rtype: bool
    """
    place = request.eis_sms_place
    try:
        return place.take() and all(store(items) for items, store, _drain in stores)
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


def _refuse(gateway, error):
    _log_refusal(gateway, str(error))
    return _answer(error.status, "Bad Request")


def _answer(status, text, mimetype='text/plain'):
    return Response(text, status=status, mimetype=mimetype)


def _log_refusal(gateway, reason):
    """Log why a call was refused, without its content and at a limited rate."""
    key = gateway.env.cr.dbname, gateway.id, reason
    now = time.monotonic()
    if now - _logged.get(key, -LOG_SECONDS) >= LOG_SECONDS:
        _logged[key] = now
        _logger.warning("A delivery callback of gateway %s was refused: %s", gateway.id, reason)
