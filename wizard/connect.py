# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.actions import open_form

STEPS = ('credentials', 'test', 'activate')


class SmsGatewayConnect(models.TransientModel):
    """Connects a provider in three steps: enter credentials, send a test SMS, activate.

    Credentials are fields of the gateway, so this table contains no secrets and closing the dialog keeps them.
    """
    _name = 'sms.gateway.connect'
    _description = "Connect a Provider"
    _rec_name = 'gateway_id'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, readonly=True, ondelete='cascade')
    step = fields.Selection(
        [('credentials', "Credentials"), ('test', "Test"), ('activate', "Activate")], required=True,
        default='credentials', readonly=True)

    # Credentials
    connect_spec = fields.Json(related='gateway_id.connect_spec')
    note = fields.Text(related='gateway_id.note')
    api_key = fields.Char(related='gateway_id.api_key', readonly=False, groups='base.group_system')
    token = fields.Char(related='gateway_id.token', readonly=False, groups='base.group_system')
    username = fields.Char(related='gateway_id.username', readonly=False, groups='base.group_system')
    password = fields.Char(related='gateway_id.password', readonly=False, groups='base.group_system')
    sender = fields.Char(related='gateway_id.sender', readonly=False)
    account_id = fields.Char(related='gateway_id.account_id', readonly=False)
    connect_host = fields.Char(related='gateway_id.connect_host', readonly=False)

    # Test
    number = fields.Char(
        "Number", default=lambda self: self.env.user.phone, help="Enter your own number, with the country code.")
    body = fields.Text("Text", default=lambda self: self.env._("Test from Odoo"))
    test_id = fields.Many2one('sms.gateway.test', readonly=True)
    level = fields.Selection(related='test_id.level')
    result = fields.Char(related='test_id.result')
    http_code = fields.Char(related='test_id.http_code')
    response = fields.Text(related='test_id.response_shown')
    advice = fields.Char("Next Step", compute='_compute_advice')

    # Activation
    country_ids = fields.Many2many(
        'res.country', string="Countries", compute='_compute_country_ids', store=True, readonly=False,
        help="Select the countries to send to through this gateway. Leave empty for all countries without a gateway of "
             "their own.")
    country_prefixes = fields.Char("Country Prefixes", compute='_compute_country_prefixes')
    make_default = fields.Boolean(
        "Make Default Gateway", compute='_compute_make_default', store=True, readonly=False,
        help="Use this gateway for numbers that match no gateway's prefixes.")
    use_iap = fields.Boolean(compute='_compute_use_iap')
    is_untested = fields.Boolean(compute='_compute_is_untested', help="No test SMS was accepted yet.")

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    @api.depends('test_id', 'level')
    def _compute_advice(self):
        for wizard in self:
            status = wizard.test_id.status_id
            wizard.advice = wizard.level == 'danger' and {
                'sms_acc': self.env._("Check the credentials and whether the account may send SMS."),
                'sms_credit': self.env._("Top up your account at the provider."),
                'sms_number_format': self.env._("Enter the number with its country code, for example +32456001122."),
                'sms_number_missing': self.env._("Enter a number."),
                'sms_country_not_supported': self.env._("Enable this country at the provider."),
                'sms_registration_needed': self.env._("Register the sender at the provider."),
                'sms_rejected': self.env._("Check the sender, and whether the country allows it."),
            }.get(status.failure_type, self.env._(
                "Check the credentials, and look up the response in the provider's documentation."))

    @api.depends('gateway_id')
    def _compute_country_ids(self):
        """Select the countries of a provider that does not serve the whole world, or of the prefixes entered."""
        countries = self.env['res.country']
        for wizard in self:
            gateway = wizard.gateway_id
            prefixes = gateway._get_prefixes()
            if prefixes:
                codes = [int(prefix) for prefix in prefixes if prefix.isdigit()]
                wizard.country_ids = countries.search([('phone_code', 'in', codes)])
            elif 'GLOBAL' in (gateway.country_codes or 'GLOBAL'):
                wizard.country_ids = countries
            else:
                wizard.country_ids = gateway.served_country_ids

    @api.depends('country_ids')
    def _compute_country_prefixes(self):
        for wizard in self:
            codes = dict.fromkeys(country.phone_code for country in wizard.country_ids if country.phone_code)
            wizard.country_prefixes = ','.join(f'+{code}' for code in codes)

    @api.depends('gateway_id')
    def _compute_make_default(self):
        for wizard in self:
            company = wizard.gateway_id.company_id or self.env.company
            wizard.make_default = not wizard.gateway_id._get_default_gateway_ids(company)[company.id]

    def _compute_use_iap(self):
        self.use_iap = self.env['sms.gateway']._is_parameter_on('sms.use_iap')

    @api.depends('gateway_id', 'level')
    def _compute_is_untested(self):
        for wizard in self:
            wizard.is_untested = wizard.level not in ('success', 'warning') and not wizard.gateway_id._has_sent()

    # === ACTION METHODS === #

    def action_next(self):
        """Go to the next step, once the credentials are complete."""
        self.ensure_one()
        if self.step == 'credentials':
            self._check_credentials()
        self.step = STEPS[STEPS.index(self.step) + 1]
        return self._open()

    def action_back(self):
        self.ensure_one()
        self.step = STEPS[STEPS.index(self.step) - 1]
        return self._open()

    def action_send(self):
        """Send the test SMS and show the response in this dialog."""
        self.ensure_one()
        if not self.number or not self.body:
            raise UserError(self.env._("Enter a number and a text."))
        self.test_id = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway_id.id, 'number': self.number, 'body': self.body})
        self.test_id.action_send()
        return self._open()

    def action_activate(self):
        """Activate the gateway for the selected countries and open its form."""
        self.ensure_one()
        self.gateway_id.write({'country_prefixes': self.country_prefixes or False, 'state': 'active'})
        if self.make_default:
            self.gateway_id.action_make_default()
        return open_form(self.gateway_id)

    # === BUSINESS METHODS === #

    def _check_credentials(self):
        """
        :raise UserError: names the values that are still missing
        """
        if missing := self.gateway_id._get_missing_labels():
            raise UserError(self.env._("Enter what is missing: %s.", ', '.join(missing)))

    def _open(self):
        return open_form(
            self, name=self.env._("Connect %s", self.gateway_id.name), target='new',
            context={'dialog_size': 'medium'})
