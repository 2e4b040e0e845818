# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import time
from dataclasses import replace

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import modules
from odoo.http import Controller, HttpDispatcher, Response, request, route
from odoo.tools.urls import urljoin

from ..models import sms_gateway_callback as callback_settings
from ..models import sms_gateway_inbound_settings as inbound_settings
from ..sending.store.transactions import RequestTransaction
from ..tools.inbound.call import read_call
from ..tools.problem import ProblemError
from ..tools.report.authentication import Call, Content, read_signed
from ..tools.report.body import ReportError
from ..tools.report.parsing import MAX_BODY
from .callback_load import answer_busy, is_body_here, start_drain

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

    @route(f'{callback_settings.PATH}<string:token>', type='eis_sms_callback', auth='public',
           methods=['GET', 'POST'], save_session=False, max_content_length=MAX_BODY)
    def receive_reports(self, token):
        """Receive delivery reports of a provider. Responses reveal nothing about the database, the gateway or the SMS
        (doc/behaviour.md section 6)."""
        return _receive(token, callback_settings.PATH, False)

    @route(f'{inbound_settings.PATH}<string:token>', type='eis_sms_callback', auth='public',
           methods=['GET', 'POST'], save_session=False, max_content_length=MAX_BODY)
    def receive_messages(self, token):
        """Receive inbound SMS of a gateway (doc/inbound.md)."""
        return _receive(token, inbound_settings.PATH, True)


def _receive(token, path, is_inbound_url):
    """Store what a call contains, and answer it.

    :param str token: of the URL
    :param str path: of the URL, without the token
    :param bool is_inbound_url: whether the URL is that for inbound SMS
    """
    gateways = request.env['sms.gateway'].sudo()
    settings = gateways._find_call_settings(token, is_inbound_url)
    if not settings:
        return _answer(404, "Not Found")
    http_request, gateway = request.httprequest, gateways.browse(settings.gateway_id)
    if http_request.method not in ('GET', 'POST'):
        return _answer(200, *settings.answers[is_inbound_url])  # HEAD and OPTIONS change nothing (RFC 9110, 9.2.1)
    try:
        call = _check_before_body(settings, gateway, f'{path}{token}')
        if not is_body_here(http_request):
            _release_connection(gateway.env)
        content = _read_content(call, settings.signature)
        received = read_call(
            settings.report_rules, settings.inbound_rules, is_inbound_url, http_request.method, content)
    except ReportError as error:
        return _refuse(gateway, error)
    except ProblemError as error:
        return _answer_stranger(gateway, error)
    stores = [
        (items, store, drain) for is_taken, items, store, drain in (
            (settings.takes_reports, received.reports, gateway._receive_reports, gateway._drain_reports),
            (settings.takes_messages, received.messages, gateway._receive_messages, gateway._drain_messages))
        if is_taken and items]
    if not (stores or received.refusal) and http_request.query_string and not content.query:
        _log_refusal(gateway, "The query string is not signed, and there is nothing in the body.")
    if stores and not _store(stores, RequestTransaction(gateway.env)):
        return answer_busy()
    _start_drains(gateway, [drain for _items, _store_items, drain in stores])
    if received.refusal:
        return _refuse(gateway, received.refusal)
    return _answer(200, *settings.answers[received.has_inbound])


def _check_before_body(settings, gateway, path):
    """Check what can be checked before the body is read.

    :param CallSettings settings: of the gateway
    :param str path: of the URL, as the caller wrote it
    :return: the call without its body; None if nothing is checked
    :rtype: Call
    :raise ProblemError: if the call is refused
    """
    if settings.check == 'none':
        return None
    http_request = request.httprequest
    # the URL that the provider knows and signs, which a reverse proxy may have rewritten
    url = urljoin(gateway.get_base_url(), path)
    query = http_request.query_string.decode('latin-1')
    call = Call(
        method=http_request.method,
        url=f'{url}?{query}' if query else url,
        headers={key.lower(): value for key, value in http_request.headers.items()},
        body=b'',
        address=http_request.remote_addr or '',
    )
    settings.check_before_body(call)
    return call


def _start_drains(gateway, drains):
    """Apply what was stored. The response does not wait for it."""
    if not modules.module.current_test:
        for drain in drains:
            start_drain((gateway.env.cr.dbname, gateway.id, drain.__name__), drain)


def _release_connection(env):
    """Return the database connection to the pool, because the body may arrive slowly. Code that runs after a controller
    handles a closed cursor."""
    if modules.module.current_test:
        env.cr.commit()  # tests share one connection
    else:
        env.cr.close()
    request.eis_sms_place.free()


def _store(stores, transactions):
    """
    :param list stores: tuples whose first two values are a list and the function that stores it
    :param OwnTransactions transactions: in which to store them
    :return: whether all of them are committed
    :rtype: bool
    """
    place = request.eis_sms_place
    try:
        return place.take() and all(store(items, transactions) for items, store, _drain in stores)
    finally:
        place.free()


def _read_content(call, signature):
    """Read the trusted part of a call.

    :param Call call: None if nothing is checked
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
