# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import itertools
import re
import secrets
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.urls import urljoin

from ..tools import phone
from ..tools.problem import Problem, ProblemError
from ..tools.report.parsing import check_values
from ..tools.request.builder import ConfigError, check_config, preview
from ..tools.request.checks import check_complete

CREDENTIALS = ('api_key', 'token', 'username', 'password')
REGEXES = ('message_id_regex', 'error_code_regex')
STATUS_LISTS = ('success', 'pending', 'error', 'canceled')
# Everything that a request is made from.
REQUEST_FIELDS = (
    'base_url', 'method', 'request_type', 'supports_multiple_recipients', 'multi_recipient_separator',
    'max_recipients', 'number_format', 'sender', 'account_id', 'encoding_gsm', 'encoding_unicode', 'auth_type',
    'body_template', 'delivery_callback_enabled', 'parameter_ids', 'header_ids', *CREDENTIALS,
    *(f'parameter_ids.{name}' for name in ('sequence', 'key', 'value', 'param_type', 'only_for')),
    *(f'header_ids.{name}' for name in ('sequence', 'key', 'value')),
)


class SmsGateway(models.Model):
    _name = 'sms.gateway'
    _description = "SMS Gateway"
    _order = 'sequence, id'

    # General
    name = fields.Char("Gateway Name", required=True)
    sequence = fields.Integer(
        "Priority", default=10,
        help="The lower number has the higher priority. Of gateways with equal numbers the one with the longest "
             "matching prefix is chosen, then the older one.")
    active = fields.Boolean("Active", default=True, help="An archived gateway sends nothing and is hidden.")
    state = fields.Selection(
        [('new', "New"), ('active', "Active"), ('disabled', "Disabled")],
        "State", required=True, default='new', copy=False, help="Only Active gateways send SMS.")
    company_id = fields.Many2one('res.company', "Company", help="Only SMS of this company. Empty: of every company.")
    gateway_documentation_link = fields.Char(
        "Service Doc Link", help="The page of the provider that describes its API.")
    note = fields.Text("Internal Note", help="Where the credentials are found, what to switch on at the provider.")
    is_template = fields.Boolean(
        "Template", readonly=True, copy=False,
        help="Comes with the addon and is brought up to date with it, until somebody changes or activates it.")

    # Request
    base_url = fields.Char(
        "Base URL",
        help="The address of the provider's API, https:// wherever it is offered. It may hold placeholders, for "
             "example https://api.example.com/v1/{account_id}/messages")
    country_prefixes = fields.Char(
        "Country Prefixes",
        help="Enter the prefixes of the numbers that go through this gateway, for example: +1,+92,0091. Numbers that "
             "match no gateway's prefix go through the Default Gateway, or without one through the Active gateway with "
             "the highest priority, whatever its prefixes.")
    method = fields.Selection([('get', "GET"), ('post', "POST")], "HTTP Method", required=True, default='post')
    request_type = fields.Selection(
        [('form', "Form Data"), ('json', "JSON")], "Request Type", required=True, default='form',
        help="How the parameters of a POST are written.")
    supports_multiple_recipients = fields.Boolean(
        "Supports Multiple Recipients", help="Send SMS with the same text in one request.")
    multi_recipient_separator = fields.Char(
        "Recipient Separator", default=',', trim=False, help="What stands between the numbers of {phones}.")
    max_recipients = fields.Integer(
        "Recipients per Request", default=100, help="The most recipients that the provider takes in one request.")
    number_format = fields.Selection(
        [
            ('e164', "E.164: +923001234567"),
            ('international', "International: 923001234567"),
            ('double_zero', "With 00: 00923001234567"),
            ('national', "National: 03001234567"),
            ('significant', "National without trunk prefix: 3001234567"),
            ('raw', "As stored"),
        ],
        "Number Format", required=True, default='e164', help="How the provider wants to read numbers.")
    sender = fields.Char(
        "Sender ID", help="The number or name that the recipient sees; {sender} in URL, parameters, headers and body.")
    account_id = fields.Char(
        "Account ID", help="Account, project or service plan at the provider; {account_id} in URL, parameters, headers "
                           "and body.")
    encoding_gsm = fields.Char(
        "Encoding of GSM Texts",
        help="What {encoding} becomes for a text that fits the GSM 03.38 alphabet. In JSON, __encoding__ with true, "
             "false or a number becomes that value.")
    encoding_unicode = fields.Char("Encoding of Unicode Texts", help="What {encoding} becomes for any other text.")
    parameter_ids = fields.One2many('sms.gateway.parameter', 'gateway_id', "Parameters", copy=True)
    header_ids = fields.One2many('sms.gateway.header', 'gateway_id', "Headers", copy=True)
    body_template = fields.Text(
        "JSON Body Template",
        help="The JSON that the provider wants. A value that is exactly __phone__, __phones_list__, __message__, "
             "__sender__ and the like is replaced by the value; {phone} and the like are replaced inside of texts. "
             "[\"__each__\", X] holds X once for each recipient. Empty: the parameters make one JSON object.")

    # Authentication
    auth_type = fields.Selection(
        [('none', "None"), ('api_key', "API Key"), ('token', "Token"), ('basic', "Basic"), ('custom', "Custom")],
        "Authentication Type", required=True, default='none',
        help="Which credentials the provider wants. Basic sends user name and password as HTTP Basic; the others are "
             "sent where their placeholder stands: {api_key}, {token}, {username}, {password}.")
    api_key = fields.Char("API Key", copy=False, exportable=False, groups='base.group_system')
    token = fields.Char("Token", copy=False, exportable=False, groups='base.group_system')
    username = fields.Char("Username", copy=False, exportable=False, groups='base.group_system')
    password = fields.Char("Password", copy=False, exportable=False, groups='base.group_system')

    # Answer
    message_id_regex = fields.Char(
        "Message ID Regex",
        help="Finds the provider's message id in the answer: the group named id, else the first group, else the whole "
             "match. For several recipients, groups named number and id pair them.")
    error_code_regex = fields.Char(
        "Error Code Regex",
        help="Finds the provider's error code in a failed answer, in the recipient's own part of a JSON answer; "
             "Failure Codes translate it. If a text answers for several recipients, name the groups (?P<code>…) and "
             "(?P<number>…): without number, a code in a text that accepts some of them is ignored.")
    answer_items_path = fields.Char(
        "Items", help="Where a JSON answer lists one item for each recipient, for example messages[]. Empty: the whole "
                      "answer is the one item. The paths below are read inside of an item.")
    answer_number_path = fields.Char("Number", help="The recipient's number in an item.")
    answer_message_id_path = fields.Char("Message ID", help="The provider's message id in an item.")
    answer_status_path = fields.Char("Status", help="The status in an item.")
    answer_error_code_path = fields.Char("Error Code", help="The error code in an item.")
    answer_error_message_path = fields.Char("Error Message", help="The error text in an item.")
    answer_error_values = fields.Char(
        "Refused Values", help="Comma-separated values of the status that mean that this recipient was refused; a "
                               "value that ends in * is a prefix.")
    success_http_codes = fields.Char(
        "Success HTTP Codes", default='200,201,202',
        help="Comma-separated. An answer with another code is an error. Empty: the HTTP code tells nothing.")
    success_substring = fields.Char("Success Substring", help="A text that stands in successful answers only.")
    success_key = fields.Char("Success Key", help="Another text that stands in successful answers only.")
    error_key = fields.Char("Error Key", help="A text that stands in failed answers only, whatever the HTTP code.")
    require_message_id = fields.Boolean(
        "Message ID Required", help="An answer without message id is an error; so is a recipient without one.")
    create_status = fields.Boolean(
        "Track Status", default=True,
        help="Keep one status for each SMS. Without, only delivery reports that carry the UUID find their SMS, and an "
             "SMS that failed may have gone out.")
    sms_status_ids = fields.One2many('sms.gateway.status', 'gateway_id', "SMS Statuses")
    callback_failure_map_ids = fields.One2many(
        'sms.gateway.callback.failure.map', 'gateway_id', "Failure Codes", copy=True)

    # Transport
    max_connections = fields.Integer("Parallel Requests", default=8)
    timeout = fields.Integer("Timeout (s)", default=15, help="How long to wait for an answer, in seconds.")
    rate_limit = fields.Float(
        "SMS per Second", help="The most that the provider takes, over all workers and servers together. 0: no limit.")
    failover = fields.Boolean(
        "Fail Over", default=True,
        help="When this gateway cannot be reached or asks to wait, the next one sends the SMS.")

    # Delivery callbacks
    delivery_callback_enabled = fields.Boolean("Delivery Callback Enabled")
    delivery_callback_token = fields.Char(
        "Callback Token", copy=False, readonly=True, required=True, exportable=False, groups='base.group_system',
        default=lambda self: secrets.token_urlsafe(32))
    delivery_callback_url = fields.Char(
        "Callback URL", compute='_compute_delivery_callback_url', exportable=False, groups='base.group_system',
        help="The address to which the provider sends its delivery reports.")
    delivery_callback_uuid_param = fields.Char("UUID Param", default='uuid')
    delivery_callback_message_id_param = fields.Char("Message ID Param", default='message_id')
    delivery_callback_status_param = fields.Char("Status Param", default='status')
    delivery_callback_error_code_param = fields.Char("Error Code Param")
    delivery_callback_error_message_param = fields.Char("Error Message Param")
    delivery_callback_number_param = fields.Char(
        "Number Param", help="For providers that give one message id to several recipients.")
    delivery_callback_answer = fields.Char("Answer", default='OK', help="What the provider wants to read in return.")
    delivery_callback_status_success = fields.Char("Success Values", default='delivered')
    delivery_callback_status_pending = fields.Char("Pending Values", default='queued,accepted,sent,pending')
    delivery_callback_status_error = fields.Char("Error Values", default='failed,undelivered,rejected,expired')
    delivery_callback_status_canceled = fields.Char("Canceled Values", default='canceled,cancelled')

    # Figures
    resting_until = fields.Datetime(
        "Resting Until", compute='_compute_resting_until',
        help="The provider cannot be reached or asked to wait. Other gateways send meanwhile; it recovers by itself.")
    request_preview = fields.Text("Request Preview", compute='_compute_request_preview')
    sms_count = fields.Integer("Total SMS", compute='_compute_sms_counts')
    sms_sent_count = fields.Integer("Sent SMS", compute='_compute_sms_counts')
    sms_failed_count = fields.Integer("Failed SMS", compute='_compute_sms_counts')
    last_status_ids = fields.Many2many('sms.gateway.status', string="Last SMS", compute='_compute_last_status_ids')

    _delivery_callback_token_unique = models.Constraint(
        'unique(delivery_callback_token)', "Each gateway needs a callback token of its own.")
    _max_recipients_positive = models.Constraint(
        'CHECK(max_recipients > 0)', "Recipients per Request: type a number of at least 1.")
    _max_connections_range = models.Constraint(
        'CHECK(max_connections BETWEEN 1 AND 64)', "Parallel Requests: type a number from 1 to 64.")
    _timeout_range = models.Constraint(
        'CHECK(timeout BETWEEN 1 AND 60)', "Timeout: type a number of seconds from 1 to 60.")
    _rate_limit_positive = models.Constraint(
        # neither what no clock can count nor NaN, which PostgreSQL takes for the largest number
        'CHECK(rate_limit = 0 OR rate_limit BETWEEN 0.001 AND 100000)',
        "SMS per Second: type 0 for no limit, or a number from 0.001 to 100000.")

    # what the checks above allow
    _ranges = {
        'max_recipients': ('_max_recipients_positive', lambda number: number > 0),
        'max_connections': ('_max_connections_range', lambda number: 1 <= number <= 64),
        'timeout': ('_timeout_range', lambda number: 1 <= number <= 60),
        'rate_limit': ('_rate_limit_positive', lambda number: number == 0 or 0.001 <= number <= 100000),
    }

    # === COMPUTE METHODS === #

    @api.depends('delivery_callback_token')
    def _compute_delivery_callback_url(self):
        base_url = self[:1].get_base_url()
        for gateway in self:
            gateway.delivery_callback_url = urljoin(
                base_url, f'/eis_sms/callback/{gateway.delivery_callback_token or ""}')

    @api.depends_context('lang')
    @api.depends(*REQUEST_FIELDS)
    def _compute_request_preview(self):
        for gateway in self:
            try:
                gateway.request_preview = preview(gateway._get_request_config(), gateway._get_sample_recipients())
            except ProblemError as error:
                gateway.request_preview = self.env['sms.gateway.problem']._word(error.problem)

    def _compute_resting_until(self):
        paces = self.env['sms.gateway.throttle'].sudo().search(
            [('gateway_id', 'in', self.ids), ('paused_until', '>', fields.Datetime.now())])
        until = {pace.gateway_id.id: pace.paused_until for pace in paces}
        for gateway in self:
            gateway.resting_until = until.get(gateway._origin.id, False)

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_sms_counts(self):
        counts = {}
        for gateway, state, count in self.env['sms.gateway.status']._read_group(
                [('gateway_id', 'in', self.ids)], ['gateway_id', 'state'], ['__count']):
            counts.setdefault(gateway.id, {})[state] = count
        for gateway in self:
            by_state = counts.get(gateway._origin.id, {})
            gateway.sms_count = sum(by_state.values())
            gateway.sms_sent_count = by_state.get('success', 0)
            gateway.sms_failed_count = by_state.get('error', 0) + by_state.get('server_error', 0)

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_last_status_ids(self):
        for gateway in self:
            gateway.last_status_ids = self.env['sms.gateway.status'].search(
                [('gateway_id', '=', gateway._origin.id)], limit=50)

    # === CONSTRAINT METHODS === #

    def _refuse(self, field_name, reason):
        """
        :param reason: a sentence that says what to enter, or the Problem with the value
        :raise ValidationError: naming the field as the form does
        """
        if isinstance(reason, Problem):
            reason = self.env['sms.gateway.problem']._word(reason)
        label = self._fields[field_name]._description_string(self.env)
        raise ValidationError(self.env._(
            "%(gateway)s, %(field)s: %(reason)s", gateway=self.name, field=label, reason=reason))

    @api.model
    def _check_ranges(self, vals):
        """Refuse numbers before the database does, whose error shows the whole row, credentials included.

        :param dict vals: of `create` or `write`
        :raise ValidationError: with the sentence of the constraint
        """
        for name, (constraint, is_allowed) in self._ranges.items():
            if name in vals and not is_allowed(self._fields[name].convert_to_cache(vals[name], self) or 0):
                raise ValidationError(self.env['ir.model.constraint'].sudo().search(
                    [('name', '=', self._table + constraint)], limit=1).message)

    @api.constrains('country_prefixes')
    def _check_country_prefixes(self):
        for gateway in self:
            try:
                phone.parse_prefixes(gateway.country_prefixes or '')
            except phone.NumberError as error:
                gateway._refuse('country_prefixes', error.problem)

    @api.constrains(*REGEXES)
    def _check_regexes(self):
        for gateway in self:
            for field_name in REGEXES:
                try:
                    re.compile(gateway[field_name] or '')
                except (re.error, OverflowError, RecursionError) as error:
                    gateway._refuse(field_name, self.env._("this is not a regular expression (%s).", error))

    @api.constrains('success_http_codes')
    def _check_success_http_codes(self):
        for gateway in self:
            try:
                gateway._get_success_http_codes()
            except ValueError:
                gateway._refuse('success_http_codes', self.env._(
                    "type three-digit HTTP codes separated by commas, for example 200,201,202."))

    @api.constrains('state', 'base_url', 'method', 'request_type', 'body_template', 'parameter_ids', 'header_ids')
    def _check_request_is_complete(self):
        for gateway in self.filtered(lambda gateway: gateway.state == 'active'):
            try:
                check_complete(gateway._get_request_config())
            except ConfigError as error:
                gateway._refuse(error.field, error.problem)

    @api.constrains(
        'base_url', 'method', 'request_type', 'body_template', 'supports_multiple_recipients',
        'multi_recipient_separator', 'max_recipients', 'auth_type', 'username', 'parameter_ids', 'header_ids')
    def _check_request(self):
        for gateway in self:
            config = gateway._get_request_config()
            if not config.url:  # a gateway may be described in several steps
                config = replace(config, url='https://localhost')
            try:
                check_config(config)
            except ConfigError as error:
                gateway._refuse(error.field, error.problem)

    @api.constrains(*(f'delivery_callback_status_{name}' for name in STATUS_LISTS))
    def _check_status_values(self):
        for gateway in self:
            try:
                check_values(gateway._get_report_rules())
            except ProblemError as error:
                reason = self.env['sms.gateway.problem']._word(error.problem)
                raise ValidationError(self.env._(
                    "%(gateway)s: %(reason)s", gateway=gateway.name, reason=reason)) from error

    # === CRUD METHODS === #

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if 'name' not in (default or {}):
            taken = set(self.with_context(active_test=False).search([('name', '!=', False)]).mapped('name'))
            for gateway, vals in zip(self, vals_list, strict=True):
                names = (gateway._get_copy_name(number) for number in itertools.count(1))
                vals['name'] = next(name for name in names if name not in taken)
                taken.add(vals['name'])
        return vals_list

    def _get_copy_name(self, number):
        """The name of a copy: Twilio (copy), Twilio (copy 2) and so on, of a copy as of the original."""
        def name_copy(name, number):
            if number == 1:
                return self.env._("%s (copy)", name)
            return self.env._("%(name)s (copy %(number)s)", name=name, number=number)

        match = re.fullmatch(r'(.+) \(\D*(\d*)\)', self.name)
        if match and self.name == name_copy(match[1], int(match[2] or 1)):
            return name_copy(match[1], number)
        return name_copy(self.name, number)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = self.env['sms.gateway.status'].sudo().search([('gateway_id', 'in', self.ids)], limit=1)
        if used:
            raise UserError(self.env._(
                "%s has sent SMS and cannot be deleted: archive it, so that their status stays readable.",
                used.gateway_id.display_name))
        sending = self.env['sms.sms'].sudo().search(
            [('gateway_id', 'in', self.ids), ('claimed_until', '!=', False)], limit=1)
        if sending:
            raise UserError(self.env._(
                "%s is sending SMS right now: disable it, and delete it when they are through.",
                sending.gateway_id.display_name))

    # === ACTION METHODS === #

    def action_toggle_state(self):
        """New > Active > Disabled > Active."""
        for gateway in self:
            gateway.state = 'disabled' if gateway.state == 'active' else 'active'

    def action_new_callback_token(self):
        """Replace the token: the old callback URL is unknown from now on."""
        for gateway in self:
            gateway.delivery_callback_token = secrets.token_urlsafe(32)

    def action_open_documentation(self):
        self.ensure_one()
        return {'type': 'ir.actions.act_url', 'url': self.gateway_documentation_link, 'target': 'new'}

    def action_view_sms(self):
        return self._action_view_status([])

    def action_view_sent_sms(self):
        return self._action_view_status([('state', '=', 'success')])

    def action_view_failed_sms(self):
        return self._action_view_status([('state', 'in', ('error', 'server_error'))])

    def _action_view_status(self, domain):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_status_action')
        return dict(action, domain=[('gateway_id', '=', self.id), *domain], context={})
