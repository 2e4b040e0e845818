# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.service.server import CommonServer

from . import controllers, models, wizard
from .models.sms_tracker import TRACE_INDEX
from .sending.run import SendRun
from .sending.store.lost_claims import end_claims_and_waits
from .tools import secret_log

secret_log.watch(__name__)
CommonServer.on_stop(SendRun.stop_all)


def uninstall_hook(env):
    """End claims and waits of SMS, and remove the index on another table and system parameters that no data file
    created."""
    end_claims_and_waits(env)
    env.cr.execute(f"DROP INDEX IF EXISTS {TRACE_INDEX}")  # pylint: disable=sql-injection
    env['ir.config_parameter'].search([
        '|', ('key', '=like', 'eis\\_sms\\_apis.%'), ('key', 'in', (
            'sms.use_iap', 'sms.sms_gateway_id', 'sms.iap_fallback', 'sms.default_success_200')),
    ]).unlink()
