# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..tools.inbound.message import InboundMessage


class SmsGatewayReceivedMessage(models.Model):
    _name = 'sms.gateway.received.message'
    _inherit = ['sms.gateway.inbox']
    _description = "Received Inbound SMS"
    _log_access = False
    _inbox_columns = (
        'message_id', 'number', 'recipient', 'text', 'sent_at', 'reply_reference', 'optout', 'part_reference',
        'part_number', 'part_total')
    _inbox_lock = b'eim'

    message_id = fields.Char(readonly=True)
    number = fields.Char(readonly=True)
    recipient = fields.Char(readonly=True)
    text = fields.Char(readonly=True, trim=False)
    sent_at = fields.Char(readonly=True)
    reply_reference = fields.Char(readonly=True)
    optout = fields.Char(readonly=True)
    part_reference = fields.Char(readonly=True)
    part_number = fields.Integer(readonly=True)
    part_total = fields.Integer(readonly=True)

    # === BUSINESS METHODS === #

    @api.model
    def _apply_rows(self, gateway, rows, is_last_try):
        self.env['sms.gateway.inbound']._record(gateway, [InboundMessage(*row[1:]) for row in rows], is_last_try)

    # === AUTOVACUUM === #

    @api.autovacuum
    def _gc_received_messages(self):
        return self._remove_old_rows()
