# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..tools.gsm import count_segments


class SmsSms(models.Model):
    """What the list and the form of SMS show in addition."""
    _inherit = 'sms.sms'

    text_encoding = fields.Selection(
        [('gsm', "GSM 03.38"), ('unicode', "UCS-2")], "Encoding", compute='_compute_segments',
        help="GSM 03.38 holds 160 characters in one SMS and 153 in each of several; UCS-2 holds 70 and 67.")
    segment_count = fields.Integer(
        "Segments", compute='_compute_segments', help="How many SMS the provider counts for this text.")
    status_id = fields.Many2one(
        'sms.gateway.status', "Status at the Provider", compute='_compute_status_id', groups='base.group_system')

    @api.depends('body')
    def _compute_segments(self):
        for sms in self:
            segments = count_segments(sms.body or '')
            sms.text_encoding = segments.encoding
            sms.segment_count = segments.count

    def _compute_status_id(self):
        rows = self.env['sms.gateway.status'].search([('sms_uuid', 'in', self.mapped('uuid'))])
        by_uuid = {status.sms_uuid: status for status in rows}
        for sms in self:
            sms.status_id = by_uuid.get(sms.uuid)

    def action_open_status(self):
        return self.status_id._get_action()
