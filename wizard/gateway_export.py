# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64
import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.gateway_file import GatewayFileError, write
from .gateway_rules import get_masked_labels, get_rules, get_values


class SmsGatewayExport(models.TransientModel):
    """Writes gateways as one JSON document without credentials. Nothing of it is stored."""
    _name = 'sms.gateway.export'
    _description = "Export SMS Gateways"
    _rec_name = 'file_name'

    gateway_ids = fields.Many2many(
        'sms.gateway', 'sms_gateway_export_rel', string="Gateways", required=True, readonly=True,
        context={'active_test': False}, default=lambda self: self._get_default_gateways())
    document = fields.Text("Document", compute='_compute_document')
    masked = fields.Text("Masked Secrets", compute='_compute_document')
    file = fields.Binary("File", compute='_compute_file')
    file_name = fields.Char("File Name", compute='_compute_file')

    @api.model
    def _get_default_gateways(self):
        context = self.env.context
        return self.env['sms.gateway'].browse(
            context.get('active_ids', ()) if context.get('active_model') == 'sms.gateway' else ())

    # === COMPUTE METHODS === #

    @api.depends('gateway_ids')
    def _compute_document(self):
        for export in self:
            # in the order of the list
            gateways = export.gateway_ids._origin.sorted()
            values = [get_values(gateway) for gateway in gateways]
            export.document = export._write(values)
            export.masked = '\n'.join(
                f'{gateway.name}: {", ".join(labels)}' for gateway, one in zip(gateways, values, strict=True)
                if (labels := get_masked_labels(gateway, one))) or False

    @api.depends('gateway_ids')
    def _compute_file(self):
        for export in self:
            export.file = base64.b64encode((export.document or '').encode())
            gateways = export.gateway_ids
            name = re.sub(r'[^\w-]+', '_', gateways.name or '').strip('_') if len(gateways) == 1 else ''
            export.file_name = f'{name or "sms_gateways"}.json'

    # === ACTION METHODS === #

    def action_download(self):
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_url',
            'url': f'/web/content/{self._name}/{self.id}/file?filename_field=file_name&download=true',
            'target': 'download',
        }

    # === BUSINESS METHODS === #

    def _write(self, values):
        try:
            return write(values, get_rules(self.env))
        except GatewayFileError as error:
            raise UserError(self.env._(
                "The file would be larger than %s MiB. Select fewer gateways.",
                error.values['limit'] // 1024 ** 2)) from error
