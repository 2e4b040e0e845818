# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.tools import ormcache

from ..tools.inbound.settings import CallSettings

ANSWER_TYPES = {'text': 'text/plain', 'xml': 'text/xml', 'json': 'application/json'}
# A row that was changed, by whatever, is in another place or of another transaction than before.
_ROWS = "(SELECT string_agg(concat_ws('/', id, ctid, xmin), ',' ORDER BY id) FROM {} WHERE gateway_id = gateway.id)"
_VERSION = "concat_ws(' ', ctid, xmin, {})".format(', '.join(map(_ROWS.format, (
    'sms_gateway_parameter', 'sms_gateway_header', 'sms_gateway_callback_failure_map'))))
_FIND = """
    SELECT id, {version} FROM sms_gateway gateway
    WHERE ({prefix}_token = %(token)s OR {prefix}_old_token = %(token)s) AND {prefix}_enabled LIMIT 1
"""
_FIND_BY_TOKEN = {  # by whether it is the URL for inbound SMS
    is_inbound: _FIND.format(version=_VERSION, prefix=prefix)
    for is_inbound, prefix in ((False, 'delivery_callback'), (True, 'inbound'))}


class SmsGatewayCallSettings(models.AbstractModel):
    """Finds the gateway that a provider calls, and how its calls are treated, with one query."""
    _name = 'sms.gateway.call.settings'
    _description = "SMS Gateway Call Settings"

    # === BUSINESS METHODS === #

    @api.model
    def _find_call_settings(self, token, is_inbound_url):
        """Find the gateway of a URL. Disabled and archived gateways still receive the reports of SMS that they sent.

        :param str token: as received
        :param bool is_inbound_url: whether the URL is that for inbound SMS
        :return: None if there is none, or if it does not take these calls
        :rtype: CallSettings or None
        """
        token = token.replace('\0', ' ')  # PostgreSQL refuses NUL
        self.env.cr.execute(_FIND_BY_TOKEN[is_inbound_url], {'token': token})
        found = self.env.cr.fetchone()
        return found and self._get_call_settings(*found)

    @api.model
    @ormcache('gateway_id', 'version')
    def _get_call_settings(self, gateway_id, version):
        """Return how the calls of a gateway's provider are treated. Reading it takes longer than storing a report.

        :param str version: of the rows that contain it, so that nothing outdated is returned
        :rtype: CallSettings
        """
        gateway = self.env['sms.gateway'].sudo().browse(gateway_id)
        return CallSettings(
            gateway_id=gateway_id,
            takes_reports=gateway.delivery_callback_enabled,
            takes_messages=gateway.inbound_enabled,
            report_rules=gateway._get_report_rules(),
            inbound_rules=gateway._get_inbound_rules(),
            check=gateway.delivery_callback_check,
            credentials=(
                gateway.delivery_callback_check_username or '', gateway.delivery_callback_check_password or ''),
            networks=gateway.delivery_callback_check_networks or '',
            signature=gateway._get_signature_rule(),
            answers={
                False: (gateway.delivery_callback_answer or '', 'text/plain'),
                True: (gateway.inbound_answer or '', ANSWER_TYPES[gateway.inbound_answer_type]),
            },
        )
