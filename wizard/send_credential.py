# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.fields import Command

DEFAULT_NAMES = {
    ('header', 'api_key'): 'X-API-Key', ('header', 'token'): 'Authorization',
    ('parameter', 'api_key'): 'api_key', ('parameter', 'token'): 'token'}


class SmsGatewaySendCredential(models.TransientModel):
    """Adds the API key or token to the request, as a header or parameter with the name that the provider documents."""
    _name = 'sms.gateway.send.credential'
    _description = "Send Credential"
    _rec_name = 'name'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, readonly=True, ondelete='cascade')
    credential = fields.Selection(
        [('api_key', "API Key"), ('token', "Token")], "Credential", required=True, readonly=True)
    place = fields.Selection(
        [('header', "Header"), ('parameter', "Parameter")], "Send As", required=True, default='header',
        help="Select a header if the provider accepts both: parameters of GET requests are part of the URL.")
    name = fields.Char(
        "Name", required=True, compute='_compute_name', store=True, precompute=True, readonly=False,
        help="Enter the name from the provider's documentation.")
    value = fields.Char("Value", compute='_compute_value')

    @api.depends('place', 'credential')
    def _compute_name(self):
        for wizard in self:
            wizard.name = DEFAULT_NAMES.get((wizard.place, wizard.credential))

    @api.depends('place', 'credential', 'name')
    def _compute_value(self):
        for wizard in self:
            is_bearer = wizard.place == 'header' and (wizard.name or '').strip().lower() == 'authorization'
            wizard.value = f'{"Bearer " if is_bearer else ""}{{{wizard.credential}}}'

    def action_apply(self):
        """Add the header or parameter to the gateway."""
        self.ensure_one()
        row = {'key': self.name.strip(), 'value': self.value}
        if self.place == 'header':
            self.gateway_id.header_ids = [Command.create(row)]
        else:
            self.gateway_id.parameter_ids = [Command.create({**row, 'param_type': 'auth'})]
        return {'type': 'ir.actions.act_window_close'}
