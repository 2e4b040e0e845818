# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import time

from werkzeug.exceptions import RequestEntityTooLarge

from odoo.http import Controller, HttpDispatcher, Response, request, route

from ..tools.delivery_report import MAX_BODY, ReportError, parse_reports

_logger = logging.getLogger(__name__)

LOG_SECONDS = 60  # one line for each gateway and reason in this time
_logged = {}  # {(database, gateway id, reason): time.monotonic() of the last line}


class CallbackDispatcher(HttpDispatcher):
    """Hands the request over as it came: Odoo would read a form and lose the bytes that were signed, and a parameter
    called `self` or `token` would clash with an argument."""
    routing_type = 'eis_sms_callback'

    def dispatch(self, endpoint, args):
        self.request.params = dict(args)
        return self.request.registry['ir.http']._dispatch(endpoint)


class DeliveryCallback(Controller):

    @route('/eis_sms/callback/<string:token>', type='eis_sms_callback', auth='public', methods=['GET', 'POST'],
           save_session=False, max_content_length=MAX_BODY)
    def receive_reports(self, token):
        """Take the delivery reports of a provider. The answers are those of SPEC section 6: they never tell anything
        about the database, the gateway or the SMS."""
        gateway = request.env['sms.gateway'].sudo()._find_by_callback_token(token)
        if not gateway:
            return _answer(404, "Not Found")
        if not gateway._accepts_call(request.httprequest):
            _log_refusal(gateway, "The check of the sender failed.")
            return _answer(403, "Forbidden")
        answer, refusal = gateway.delivery_callback_answer, None
        try:
            reports = _read_reports(gateway._get_report_rules())
        except ReportError as error:
            refusal, reports = error, error.reports
        # the reports are written in a transaction of their own, and this one is not left open beside it
        request.env.cr.commit()
        if reports and not gateway._receive_reports(reports):
            return _answer(503, "Service Unavailable")
        if refusal:
            _log_refusal(gateway, str(refusal))
            return _answer(refusal.status, "Bad Request")
        return _answer(200, answer or '')


def _read_reports(rules):
    http_request = request.httprequest
    try:
        body = http_request.get_data()
    except RequestEntityTooLarge as error:
        raise ReportError("The call is too large.", 413) from error
    return parse_reports(
        rules, http_request.method, http_request.query_string, http_request.headers.get('Content-Type', ''), body)


def _answer(status, text):
    return Response(text, status=status, mimetype='text/plain')


def _log_refusal(gateway, reason):
    """Log why a call was refused, without its content, and not as often as somebody may like to call."""
    key = gateway.env.cr.dbname, gateway.id, reason
    now = time.monotonic()
    if now - _logged.get(key, -LOG_SECONDS) >= LOG_SECONDS:
        _logged[key] = now
        _logger.warning("A delivery callback of gateway %s was refused: %s", gateway.id, reason)
