# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import hmac
import secrets

from odoo import api, fields, models
from odoo.tools.urls import urljoin

from ..sending.lanes import LANES
from ..sending.store.queue_figures import count_queued, find_oldest_queued
from .sms_gateway_incident import BUDGET

PATH = '/eis_sms/health/'
URL_PARAMETER = 'eis_sms_apis.health_token'
TOKEN_BYTES = 32
LAST_ROWS = 5_000  # the figures read at most so many rows, and are therefore fast whatever the size of the tables
MINUTES = 15


class SmsGatewayHealth(models.AbstractModel):
    """Figures for monitoring systems: queue, results and reports of the last minutes, pauses. No personal data."""
    _name = 'sms.gateway.health'
    _description = "SMS Gateway Health"

    @api.model
    def _get_url(self):
        """Return the URL for monitoring systems. It contains a secret.

        :return: empty if there is none yet
        :rtype: str
        """
        token = self.env['ir.config_parameter'].sudo().get_param(URL_PARAMETER)
        return urljoin(self.get_base_url(), f'{PATH}{token}') if token else ''

    @api.model
    def _make_token(self):
        """Replace the token, which invalidates the previous URL."""
        self.env['ir.config_parameter'].sudo().set_param(URL_PARAMETER, secrets.token_urlsafe(TOKEN_BYTES))

    @api.model
    def _is_token(self, token):
        """Compare a token in constant time.

        :rtype: bool
        """
        known = self.env['ir.config_parameter'].sudo().get_param(URL_PARAMETER) or ''
        return bool(known) and hmac.compare_digest(known.encode(), token.encode())

    @api.model
    def _get_figures(self):
        """
        :return: `queue` by lane, `gateways` and `is_healthy`. Counts stop at `LAST_ROWS`
        :rtype: dict
        """
        now = fields.Datetime.now()
        counts, oldest = count_queued(self.env, LAST_ROWS), find_oldest_queued(self.env)
        queue = {
            lane: {
                'length': counts[lane],
                'oldest_seconds': int((now - oldest[lane]).total_seconds()) if lane in oldest else 0,
            } for lane in LANES}
        gateways = self._get_gateway_figures(now)
        incidents = self.env['sms.gateway.incident'].search_count(
            # a budget that is used up is no fault
            [('end_date', '=', False), ('alert_date', '!=', False), ('kind', '!=', BUDGET)], limit=LAST_ROWS)
        return {'is_healthy': not incidents, 'incidents': incidents, 'queue': queue, 'gateways': gateways}

    def _get_gateway_figures(self, now):
        gateways = self.env['sms.gateway'].search(self.env['sms.gateway']._get_sending_domain())
        self.env.cr.execute("""
            SELECT gateway_id, count(*) FILTER (WHERE state = 'success'),
                   count(*) FILTER (WHERE state IN ('error', 'server_error'))
            FROM (SELECT gateway_id, state, create_date FROM sms_gateway_status ORDER BY id DESC LIMIT %s) last
            WHERE create_date >= %s - %s * interval '1 minute' GROUP BY gateway_id
        """, [LAST_ROWS, now, MINUTES])
        results = {gateway_id: counts for gateway_id, *counts in self.env.cr.fetchall()}
        self.env.cr.execute("""
            SELECT gateway_id, count(*)
            FROM (SELECT gateway_id, create_date FROM sms_gateway_received_report ORDER BY id DESC LIMIT %s) last
            WHERE create_date >= %s - %s * interval '1 minute' GROUP BY gateway_id
        """, [LAST_ROWS, now, MINUTES])
        reports = dict(self.env.cr.fetchall())
        # of a gateway from which SMS fail over, the attempts are the only trace
        self.env.cr.execute("""
            SELECT gateway_id, count(*) FILTER (WHERE outcome IS DISTINCT FROM 'accepted')
            FROM (SELECT gateway_id, outcome FROM sms_gateway_attempt
                  WHERE date >= %s - %s * interval '1 minute' ORDER BY date DESC LIMIT %s) last
            GROUP BY gateway_id
        """, [now, MINUTES, LAST_ROWS])
        attempts = dict(self.env.cr.fetchall())
        paused = self.env['sms.gateway.throttle']._get_pauses()
        return [
            {
                'id': gateway.id,
                'name': gateway.name,
                'sent': results.get(gateway.id, (0, 0))[0],
                'failed': results.get(gateway.id, (0, 0))[1],
                'failed_attempts': attempts.get(gateway.id, 0),
                'reports': reports.get(gateway.id, 0),
                'paused_seconds': max(0, round(paused[gateway.id][0])) if gateway.id in paused else 0,
            } for gateway in gateways]
