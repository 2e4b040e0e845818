# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    sms_use_iap = fields.Boolean(
        "Use IAP", config_parameter='sms.use_iap',
        help="Send every SMS through Odoo's paid service; gateways are ignored.")
    sms_gateway_id = fields.Many2one(
        'sms.gateway', "Default Gateway", config_parameter='sms.sms_gateway_id', domain=[('state', '=', 'active')],
        help="Sends to the numbers that no gateway's prefixes match.")
    sms_iap_fallback = fields.Boolean(
        "IAP Fallback", config_parameter='sms.iap_fallback',
        help="While no gateway is Active for a company, send its SMS through Odoo's paid service instead of failing.")
    sms_gateway_warning = fields.Char(compute='_compute_sms_gateway_warning')
    sms_other_providers = fields.Char(compute='_compute_sms_other_providers')

    @api.model
    def default_get(self, fields):
        """Core's settings take any text of a system parameter for true, `False` too; sending does not."""
        values = super().default_get(fields)
        for name in ('sms_use_iap', 'sms_iap_fallback'):
            if name in values:
                values[name] = self.env['sms.gateway']._get_parameter(self._fields[name].config_parameter)
        return values

    @api.depends('sms_use_iap', 'sms_iap_fallback', 'sms_gateway_id')
    def _compute_sms_gateway_warning(self):
        for settings in self:
            settings.sms_gateway_warning = settings._get_sms_gateway_warning()

    def _get_sms_gateway_warning(self):
        """
        :return: what keeps SMS from being sent as set here, or False
        """
        gateway = self.sms_gateway_id
        if self.sms_use_iap:
            return False
        if gateway and (gateway.state != 'active' or not gateway.active):
            return self.env._("The Default Gateway %s is not Active any more, so it is not used.", gateway.name)
        if self.company_id._get_other_sms_provider():
            return False
        if not self.sms_iap_fallback and not self.env['sms.gateway'].search_count(
                [('state', '=', 'active'), ('company_id', 'in', (False, self.env.company.id))], limit=1):
            return self.env._("No SMS can be sent: activate a gateway, or turn on IAP Fallback or Use IAP.")
        return False

    def _compute_sms_other_providers(self):
        """The companies of the user whose SMS another addon sends."""
        others = [
            self.env._("%(company)s sends its SMS through another provider: %(provider)s.",
                       company=company.name, provider=provider)
            for company in self.env.user.company_ids if (provider := company._get_other_sms_provider())
        ]
        for settings in self:
            settings.sms_other_providers = ' '.join(others)

    def set_values(self):
        gateway = self.sms_gateway_id
        stored = self.env['sms.gateway']._get_default_gateway_id()
        if gateway.id != stored and gateway and (gateway.state != 'active' or not gateway.active):
            raise ValidationError(self.env._("Default Gateway: %s is not Active. Activate it first.", gateway.name))
        return super().set_values()

    def action_open_sms_gateways(self):
        return self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_action')

    def action_which_sms_gateway(self):
        return self.env['sms.gateway'].action_which_gateway()
