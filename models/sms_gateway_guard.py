# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..sending.store.guard import SAME_TEXT_PER_HOUR, Limits

PARAMETER = 'eis_sms_apis.flood_%s'


class SmsGatewayGuard(models.AbstractModel):
    """What a gateway may send, and the limits of all gateways: see `sending/store/guard.py`."""
    _name = 'sms.gateway.guard'
    _description = "SMS Gateway Limits"

    allowed_country_ids = fields.Many2many(
        'res.country', 'sms_gateway_allowed_country_rel', 'gateway_id', 'country_id', string="Allowed Countries",
        help="The gateway sends to numbers of these countries only. Leave empty to allow all countries.")

    @api.model
    def _get_flood_limits(self):
        """
        :rtype: Limits
        """
        return Limits(
            same_text=self._get_flood_limit('same_text', SAME_TEXT_PER_HOUR),
            number=self._get_flood_limit('number'),
            country=self._get_flood_limit('country'),
            is_premium_allowed=self._is_parameter_on('eis_sms_apis.allow_premium'))

    @api.model
    def _get_flood_limit(self, name, default=0):
        return max(0, self._get_integer_parameter(PARAMETER % name, default))  # a negative one would refuse every SMS

    def _get_allowed_countries(self):
        """Return the ISO codes of the only countries that the gateway sends to, empty for all.

        :rtype: frozenset[str]
        """
        return frozenset(self.allowed_country_ids.mapped('code'))
