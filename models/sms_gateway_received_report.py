# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..tools.report.parsing import DeliveryReport


class SmsGatewayReceivedReport(models.Model):
    _name = 'sms.gateway.received.report'
    _inherit = ['sms.gateway.inbox']
    _description = "Received Delivery Report"
    _log_access = False
    _inbox_columns = ('uuid', 'message_id', 'number', 'status', 'state', 'error_code', 'error_message', 'failure_type')
    _inbox_lock = b'eir'

    uuid = fields.Char(readonly=True)
    message_id = fields.Char(readonly=True)
    number = fields.Char(readonly=True)
    status = fields.Char(readonly=True)
    state = fields.Char(readonly=True)
    error_code = fields.Char(readonly=True)
    error_message = fields.Char(readonly=True)
    failure_type = fields.Char(readonly=True)

    # === BUSINESS METHODS === #

    @api.model
    def _apply_rows(self, gateway, rows, is_last_try):
        gateway._apply_or_keep([DeliveryReport(*row) for row in rows])

    # === AUTOVACUUM === #

    @api.autovacuum
    def _gc_received_reports(self):
        return self._remove_old_rows()
