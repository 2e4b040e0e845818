# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json

from odoo.http import Controller, Response, request, route

from ..models.sms_gateway_health import PATH
from ..tools.prometheus import CONTENT_TYPE, to_prometheus


class Health(Controller):

    @route(f'{PATH}<string:token>', type='http', auth='public', methods=['GET'], save_session=False, readonly=True)
    def get_health(self, token, output='', **_others):
        """Return figures for a monitoring system, as JSON or in Prometheus' text format.

        :param str output: `json` or `prometheus`; empty to choose by the Accept header
        """
        health = request.env['sms.gateway.health'].sudo()
        if not health._is_token(token):
            return Response("Not Found", status=404, mimetype='text/plain')
        figures = health._get_figures()
        accepted = request.httprequest.headers.get('Accept', '')
        if output == 'prometheus' or (not output and ('openmetrics' in accepted or 'version=0.0.4' in accepted)):
            return Response(to_prometheus(figures), content_type=CONTENT_TYPE)
        return Response(json.dumps(figures), content_type='application/json; charset=utf-8')
