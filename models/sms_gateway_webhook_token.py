# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import secrets

from odoo import api, models


class SmsGatewayWebhookToken(models.AbstractModel):
    """Tokens in the URLs of a gateway's webhooks, each with a previous one that is valid during a rotation."""
    _name = 'sms.gateway.webhook.token'
    _description = "SMS Gateway Webhook Token"

    def _replace_token(self, name, old_name, keep_old):
        """Make a new token for each gateway.

        :param str name: field of the token
        :param str old_name: field of the previous token
        :param bool keep_old: whether the current token stays valid until the rotation ends
        """
        for gateway in self:
            gateway.write({name: secrets.token_urlsafe(32), old_name: keep_old and gateway[name]})

    @api.model
    def _find_by_token(self, token, name, old_name, enabled_name):
        """Find the gateway of a webhook, also a disabled or archived one, because calls about its SMS still arrive.

        :param str token: as received
        :param str name: field of the token
        :param str old_name: field of the previous token
        :param str enabled_name: field that states whether the webhook is enabled
        :return: the gateway, empty if there is none
        """
        token = token.replace('\0', ' ')  # PostgreSQL refuses NUL
        return self.with_context(active_test=False).search(
            ['|', (name, '=', token), (old_name, '=', token), (enabled_name, '=', True)], limit=1)
