# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo.addons.sms.controllers.main import SmsController
from odoo.http import request, route


class SmsStatusController(SmsController):

    @route()
    def update_sms_status(self, message_statuses):
        """Core believes any UUID here, and providers know ours: those of SMS that went through gateways are left out,
        their reports come by the callback of the gateway."""
        kept = []
        for status in message_statuses:
            self._check_status_values(status['uuids'], status['sms_status'], message_statuses)
            ours = request.env['sms.gateway'].sudo()._filter_own_uuids(status['uuids'])
            if uuids := [uuid for uuid in status['uuids'] if uuid not in ours]:
                kept.append(dict(status, uuids=uuids))
        return super().update_sms_status(kept)
