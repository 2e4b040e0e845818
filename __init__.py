# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import controllers, models, wizard
from .tools import secret_log

secret_log.watch(__name__)


def uninstall_hook(env):
    """End what only this addon would end, and remove the system parameters that settings and administrators made, which
    no data file knows."""
    env['sms.sms'].with_context(sms_gateway_at_once=True)._end_claims_and_waits()
    env['ir.config_parameter'].search([
        '|', ('key', '=like', 'eis\\_sms\\_apis.%'), ('key', 'in', (
            'sms.use_iap', 'sms.sms_gateway_id', 'sms.iap_fallback', 'sms.default_success_200')),
    ]).unlink()
