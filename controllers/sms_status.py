# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.addons.sms.controllers.main import SmsController
from odoo.http import request, route


class SmsStatusController(SmsController):

    @route()
    def update_sms_status(self, message_statuses):
        """Ignore SMS that were sent through gateways, because core accepts any UUID here and providers know theirs.
        Their reports arrive at the gateway's callback URL."""
        kept = []
        for status in message_statuses:
            self._check_status_values(status['uuids'], status['sms_status'], message_statuses)
            ours = request.env['sms.gateway.status'].sudo()._get_own_uuids(status['uuids'])
            if uuids := [uuid for uuid in status['uuids'] if uuid not in ours]:
                kept.append(dict(status, uuids=uuids))
        return super().update_sms_status(kept)
