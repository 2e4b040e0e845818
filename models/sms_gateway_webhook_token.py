# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import secrets

from odoo import models


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
