# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models


class IrModelData(models.Model):
    _inherit = 'ir.model.data'

    @api.model
    def _process_end_unlink_record(self, record):
        """Keep gateways that the data files no longer contain, which Odoo would remove at the end of an upgrade. Only
        unchanged templates are removed: the others belong to the user, or to another product with the same technical
        name."""
        is_row = isinstance(record, self.pool['sms.gateway.row'])
        gateway = record.gateway_id if is_row else record
        if gateway._name != 'sms.gateway' or (gateway.is_template and not gateway.sms_count):
            return super()._process_end_unlink_record(record)
        self.search([('model', '=', record._name), ('res_id', '=', record.id)]).noupdate = True
        return None
