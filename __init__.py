# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import controllers, models, wizard
from .tools import secret_log

secret_log.watch(__name__)


def uninstall_hook(env):
    """Remove the system parameters that settings and administrators made, which no data file knows."""
    env['ir.config_parameter'].search([
        '|', ('key', '=like', 'eis\\_sms\\_apis.%'), ('key', 'in', (
            'sms.use_iap', 'sms.sms_gateway_id', 'sms.iap_fallback', 'sms.default_success_200')),
    ]).unlink()
