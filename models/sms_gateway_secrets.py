# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models

from ..tools import secret_log
from ..tools.request.typed_secrets import Secrets, find_secrets

SECRETS = (
    'api_key', 'token', 'password', 'delivery_callback_token', 'delivery_callback_check_key',
    'delivery_callback_check_password')
# A user name is half a secret: short ones are words that stand everywhere.
SHORTEST_NAME = 8


class SmsGateway(models.Model):
    """What must not be read in logs, previews and answers."""
    _inherit = 'sms.gateway'

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._remember_secrets(vals)
            self._check_ranges(vals)
        gateways = super().create(vals_list)
        secret_log.remember(*gateways.sudo().mapped('delivery_callback_token'))
        return gateways

    # === BUSINESS METHODS === #

    @api.model
    def _remember_secrets(self, vals):
        """From now on no log shows these values, of which a statement or an error of the database may speak."""
        username = vals.get('username') or ''
        secret_log.remember(
            *(vals[name] for name in SECRETS if vals.get(name)),
            username if len(username) >= SHORTEST_NAME else '')

    def _get_secrets(self):
        """What no response, delivery report or log may show: a provider may repeat what it was sent.

        :rtype: Secrets
        """
        self.ensure_one()
        found = find_secrets(self._get_request_config())
        username, password = self.delivery_callback_check_username or '', self.delivery_callback_check_password or ''
        secrets = Secrets(
            secrets=(*found.secrets, *filter(None, (
                self.delivery_callback_token, self.delivery_callback_check_key, password))),
            names=(*found.names, *filter(None, (username,))),
            pairs=(*found.pairs, *((f'{username}:{password}',) if username or password else ())),
        )
        secret_log.remember(
            *secrets.secrets, *(name for name in secrets.names if len(name) >= SHORTEST_NAME),
            *(pair for pair in secrets.pairs if not pair.endswith(':')))
        return secrets
