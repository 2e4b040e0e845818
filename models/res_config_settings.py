# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..sending.store.guard import SAME_TEXT_PER_HOUR
from ..tools.inbound.keywords import HELP, LANGUAGES, START, STOP, join, read_list

LANGUAGE_NAMES = {
    'ar': "Arabic", 'da': "Danish", 'de': "German", 'el': "Greek", 'es': "Spanish", 'fi': "Finnish", 'fr': "French",
    'he': "Hebrew", 'hi': "Hindi", 'it': "Italian", 'ja': "Japanese", 'ko': "Korean", 'nb': "Norwegian", 'nl': "Dutch",
    'pl': "Polish", 'pt': "Portuguese", 'ro': "Romanian", 'ru': "Russian", 'sv': "Swedish", 'tr': "Turkish",
    'ur': "Urdu", 'zh': "Chinese",
}


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    sms_use_iap = fields.Boolean(
        "Use IAP", config_parameter='sms.use_iap',
        help="Send every SMS through Odoo's paid service and ignore gateways.")
    sms_gateway_id = fields.Many2one(
        'sms.gateway', "Default Gateway", config_parameter='sms.sms_gateway_id', domain=[('state', '=', 'active')],
        help="Select the gateway for numbers that match no gateway's prefixes.")
    sms_company_gateway_id = fields.Many2one(
        related='company_id.sms_gateway_id', string="Default Gateway of the Company", readonly=False,
        domain="[('state', '=', 'active'), ('company_id', 'in', [False, company_id])]",
        help="Select the gateway of this company for numbers that match no gateway's prefixes. It is used before the "
             "Default Gateway of all companies.")
    sms_iap_fallback = fields.Boolean(
        "IAP Fallback", config_parameter='sms.iap_fallback',
        help="If no gateway is Active for a company, send its SMS through Odoo's paid service instead of failing.")
    sms_gateway_warning = fields.Char(compute='_compute_sms_gateway_warning')
    sms_other_providers = fields.Char(compute='_compute_sms_other_providers')
    sms_country_ids = fields.Many2many(related='company_id.sms_country_ids', readonly=False)
    sms_is_cheapest_first = fields.Boolean(related='company_id.sms_is_cheapest_first', readonly=False)
    sms_cheapest_points = fields.Integer(related='company_id.sms_cheapest_points', readonly=False)
    sms_dlt_entity_id = fields.Char(related='company_id.sms_dlt_entity_id', readonly=False)
    sms_flood_same_text = fields.Integer(
        "Same Text per Number and Hour", config_parameter='eis_sms_apis.flood_same_text', default=SAME_TEXT_PER_HOUR,
        help="Further SMS with the same text to the same number are held back. Enter 0 for no limit.")
    sms_flood_number = fields.Integer(
        "SMS per Number and Hour", config_parameter='eis_sms_apis.flood_number',
        help="Further SMS to the same number are held back. Enter 0 for no limit.")
    sms_flood_country = fields.Integer(
        "SMS per Country and Day", config_parameter='eis_sms_apis.flood_country',
        help="Further SMS to the same country are held back, but not mailings and mass SMS. Enter 0 for no limit.")
    sms_allow_premium = fields.Boolean(
        "Allow Premium and Satellite Numbers", config_parameter='eis_sms_apis.allow_premium',
        help="SMS to premium-rate and satellite numbers can be very expensive, and are often a sign of fraud.")
    sms_health_url = fields.Char(
        "Monitoring URL", compute='_compute_sms_health_url',
        help="A monitoring system reads the queue, results, delivery reports and pauses here, as JSON or for "
             "Prometheus.")
    sms_active_gateways = fields.Char(compute='_compute_sms_gateway_counts')
    sms_failing_gateways = fields.Char(compute='_compute_sms_gateway_counts')
    sms_answer_days = fields.Integer(
        "Answered Within", config_parameter='eis_sms_apis.answer_days', default=7,
        help="An inbound SMS goes to the document of the last SMS to its number if that is not older. Later, it goes "
             "to the contact.")
    sms_stop_keywords = fields.Char(related='company_id.sms_stop_keywords', readonly=False)
    sms_start_keywords = fields.Char(related='company_id.sms_start_keywords', readonly=False)
    sms_help_keywords = fields.Char(related='company_id.sms_help_keywords', readonly=False)
    sms_stop_codes = fields.Char(related='company_id.sms_stop_codes', readonly=False)
    sms_stop_reply = fields.Text(related='company_id.sms_stop_reply', readonly=False)
    sms_start_reply = fields.Text(related='company_id.sms_start_reply', readonly=False)
    sms_help_reply = fields.Text(related='company_id.sms_help_reply', readonly=False)
    sms_keyword_language = fields.Selection(
        [(code, LANGUAGE_NAMES[code]) for code in sorted(LANGUAGES, key=LANGUAGE_NAMES.get)], "Add Keywords",
        help="Add the keywords of a language to the lists. Remove those that your recipients use with another meaning.")

    @api.model
    def default_get(self, fields):
        """Read booleans as sending does. Core's settings treat any text of a system parameter as true, even `False`."""
        values = super().default_get(fields)
        gateways = self.env['sms.gateway']
        for name in ('sms_use_iap', 'sms_iap_fallback'):
            if name in values:
                values[name] = gateways._is_parameter_on(self._fields[name].config_parameter)
        if values.get('sms_gateway_id') and not gateways._is_default_readable():
            # it belongs to another company, and reading its name would break the whole page
            values['sms_gateway_id'] = False
        return values

    @api.depends('sms_use_iap', 'sms_iap_fallback', 'sms_gateway_id', 'sms_company_gateway_id')
    def _compute_sms_gateway_warning(self):
        for settings in self:
            warnings = [] if settings.sms_use_iap else settings._get_sms_gateway_warnings()
            settings.sms_gateway_warning = ' '.join(warnings)

    def _get_sms_gateway_warnings(self):
        """Return what prevents SMS from being sent, or from being sent as expected, the most severe first."""
        gateways = self.env['sms.gateway']
        active = gateways.search(gateways._get_sending_domain(self.env.company))
        if not active and not self.sms_iap_fallback and not self.company_id._get_other_sms_provider():
            yield self.env._("No SMS can be sent. Activate a gateway, or turn on IAP Fallback or Use IAP.")
        own, default = self.sms_company_gateway_id, self.sms_gateway_id
        for gateway in own | default:
            if gateway.state != 'active' or not gateway.active:
                yield self.env._("The Default Gateway %s is no longer Active, so it is not used.", gateway.name)
        if default.company_id and default.company_id != self.env.company:
            yield self.env._(
                "The Default Gateway %(gateway)s is only used for SMS of %(company)s.", gateway=default.name,
                company=default.company_id.name)
        elif not own and not default and not gateways._is_default_readable():
            yield self.env._("The Default Gateway belongs to another company, so it is not used for this company.")
        if active[:1].country_prefixes and not active & (own | default):
            yield self.env._(
                "SMS to numbers that match no gateway's prefixes are sent through %s, because it has the highest "
                "priority. Set a Default Gateway to change this.", active[:1].name)

    @api.depends_context('lang', 'allowed_company_ids')
    def _compute_sms_gateway_counts(self):
        gateways = self.env['sms.gateway']
        active = gateways.search_count(gateways._get_sending_domain())
        failing = len(gateways._get_failing_ids())
        self.sms_active_gateways = self.env._("1 active gateway") if active == 1 else self.env._(
            "%s active gateways", active)
        self.sms_failing_gateways = self.env._("%s failing", failing) if failing else False

    def _compute_sms_health_url(self):
        self.sms_health_url = self.env['sms.gateway.health']._get_url()

    @api.onchange('sms_keyword_language')
    def _onchange_sms_keyword_language(self):
        words = LANGUAGES.get(self.sms_keyword_language)
        if words:
            for name in (STOP, START, HELP):
                self[f'sms_{name}_keywords'] = join([*read_list(self[f'sms_{name}_keywords']), *words[name]])
            self.sms_keyword_language = False

    def _compute_sms_other_providers(self):
        """Name the user's companies whose SMS another addon sends."""
        others = [
            self.env._("%(company)s sends its SMS through another provider: %(provider)s.",
                       company=company.name, provider=provider)
            for company in self.env.user.company_ids if (provider := company._get_other_sms_provider())
        ]
        for settings in self:
            settings.sms_other_providers = ' '.join(others)

    def set_values(self):
        for name in ('sms_flood_same_text', 'sms_flood_number', 'sms_flood_country', 'sms_answer_days'):
            if self[name] < 0:
                raise ValidationError(self.env._(
                    "%s: enter 0 or more.", self._fields[name]._description_string(self.env)))
        gateway, gateways = self.sms_gateway_id, self.env['sms.gateway']
        stored = gateways._get_default_gateway_id()
        if gateway.id != stored and gateway and (gateway.state != 'active' or not gateway.active):
            raise ValidationError(self.env._("Default Gateway: %s is not Active. Activate it first.", gateway.name))
        keeps = not gateway and not gateways._is_default_readable()
        result = super().set_values()
        # core removes parameters that are 0, which would bring the defaults back
        parameters = self.env['ir.config_parameter'].sudo()
        parameters.set_param('eis_sms_apis.flood_same_text', str(self.sms_flood_same_text))
        parameters.set_param('eis_sms_apis.answer_days', str(self.sms_answer_days))
        if keeps:  # the page did not show it, so the user did not clear it
            parameters.set_param('sms.sms_gateway_id', str(stored))
        return result

    def action_open_sms_gateways(self):
        """Open the gateways, or the templates if there is no gateway yet."""
        gateways = self.env['sms.gateway']
        if not gateways.sudo().with_context(active_test=False).search_count([('is_template', '=', False)], limit=1):
            return gateways.action_open_templates()
        return self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_action')

    def action_open_active_sms_gateways(self):
        return dict(self.action_open_sms_gateways(), context={'search_default_state_active': 1})

    def action_open_failing_sms_gateways(self):
        return dict(self.action_open_sms_gateways(), context={'search_default_failing': 1})

    def action_new_sms_health_url(self):
        """Create or replace the URL for monitoring. The old one becomes invalid."""
        self.check_access('write')
        self.env['sms.gateway.health']._make_token()
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    def action_which_sms_gateway(self):
        return self.env['sms.gateway'].action_which_gateway()
