# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from dataclasses import replace

from odoo import api, models

from ..tools import secret_log
from ..tools.typed_secrets import find_typed_secrets

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
        gateways = super().create(vals_list)
        secret_log.remember(*gateways.sudo().mapped('delivery_callback_token'))
        return gateways

    def write(self, vals):
        self._remember_secrets(vals)
        return super().write(vals)

    # === BUSINESS METHODS === #

    @api.model
    def _remember_secrets(self, vals):
        """From now on no log shows these values, of which a statement or an error of the database may speak."""
        username = vals.get('username') or ''
        secret_log.remember(
            *(vals[name] for name in SECRETS if vals.get(name)),
            username if len(username) >= SHORTEST_NAME else '')

    def _get_typed_secrets(self):
        return tuple(secret for _field, _name, secret in find_typed_secrets(self._get_request_config()))

    def _get_answer_rules(self, default_success):
        """A provider may repeat in its answer what it was sent."""
        rules = super()._get_answer_rules(default_success)
        self._remember_secrets({name: self[name] for name in (*SECRETS, 'username')})
        typed = self._get_typed_secrets()
        secret_log.remember(*typed)
        return replace(rules, secrets=(*rules.secrets, *typed))

    def _get_credential_warnings(self, names):
        yield from super()._get_credential_warnings(names)
        places = {name for _field, name, _secret in find_typed_secrets(self._get_request_config())}
        if places:
            yield self.env._(
                "A secret seems to be typed where everybody who sees the gateway reads it, and where a copy takes it "
                "along: %s. Type it on the page Authentication and put {token} or the like in its place.",
                ', '.join(sorted(places)))
