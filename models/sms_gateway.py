# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Fields and state of a gateway: constraints, creation, duplication, deletion."""
import itertools
import re
import secrets
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..tools import phone, secret_log
from ..tools.problem import Problem, ProblemError
from ..tools.report.authentication import check_content, parse_networks
from ..tools.report.parsing import check_values
from ..tools.request.checks import check_complete, check_config
from ..tools.request.config import ConfigError

CREDENTIALS = ('api_key', 'token', 'username', 'password')
REGEXES = ('message_id_regex', 'error_code_regex', 'wait_regex', 'price_regex')
TEXT_CHECKS = {
    'country_prefixes': phone.parse_prefixes, 'delivery_callback_signature_content': check_content,
    'delivery_callback_check_networks': parse_networks}
TOKENS = ('delivery_callback_token', 'inbound_token')  # of the URLs that the provider calls
STATUS_LISTS = ('success', 'pending', 'error', 'canceled')


class SmsGateway(models.Model):
    _name = 'sms.gateway'
    _inherit = [
        'sms.gateway.report.health',
        'sms.gateway.inbound.settings', 'sms.gateway.default', 'sms.gateway.dry.run', 'sms.gateway.opt.out',
        'sms.gateway.replies', 'sms.gateway.guard', 'sms.gateway.webhook.token', 'sms.gateway.pricing',
        'sms.gateway.values', 'sms.gateway.forecast', 'sms.gateway.call.settings', 'sms.gateway.asking',
        'sms.gateway.cheapest']
    _description = "SMS Gateway"
    _order = 'sequence, id'

    # General
    name = fields.Char("Gateway Name", required=True)
    sequence = fields.Integer(
        "Priority", default=10,
        help="Lower numbers have higher priority. Among gateways with equal numbers, the one with the longest matching "
             "prefix is chosen, then the oldest one.")
    weight = fields.Integer(
        "Weight",
        help="Gateways of equal priority and prefix length share the numbers: one with weight 2 gets twice as many as "
             "one with weight 1. A number keeps its gateway. Errors and slow responses reduce the share for some "
             "minutes. With weight 0, a gateway is only used if the others cannot send.")
    active = fields.Boolean("Active", default=True, help="Archived gateways are hidden and send nothing.")
    state = fields.Selection(
        [('new', "New"), ('active', "Active"), ('disabled', "Disabled")],
        "State", required=True, default='new', copy=False, help="Only Active gateways send SMS.")
    company_id = fields.Many2one('res.company', "Company", help="Leave empty to send the SMS of all companies.")
    gateway_documentation_link = fields.Char(
        "Service Doc Link", help="Enter the URL of the provider's API documentation.")
    note = fields.Text(
        "Internal Note", translate=True, help="Where to find the credentials and what to enable at the provider.")
    is_template = fields.Boolean(
        "Template", readonly=True, copy=False,
        help="Comes with the addon and is updated with it until it is changed or activated.")

    # Request
    base_url = fields.Char(
        "Base URL",
        help="Enter the URL of the provider's API, with https:// if the provider offers it. It can contain "
             "placeholders, for example https://api.example.com/v1/{account_id}/messages")
    country_prefixes = fields.Char(
        "Country Prefixes",
        help="Enter the prefixes of the numbers to send through this gateway, for example +1,+92,0091. Numbers that "
             "match no gateway's prefixes go through the Default Gateway or, if there is none, through the Active "
             "gateway with the highest priority, whatever its prefixes.")
    method = fields.Selection([('get', "GET"), ('post', "POST")], "HTTP Method", required=True, default='post')
    request_type = fields.Selection(
        [('form', "Form Data"), ('json', "JSON")], "Request Type", required=True, default='form',
        help="Format of the body of POST requests.")
    supports_multiple_recipients = fields.Boolean(
        "Supports Multiple Recipients", help="Send SMS with the same text in one request.")
    multi_recipient_separator = fields.Char(
        "Recipient Separator", default=',', trim=False, help="Separator between the numbers in {phones}.")
    max_recipients = fields.Integer(
        "Recipients per Request", default=100, help="Maximum number of recipients the provider accepts per request.")
    number_format = fields.Selection(
        [
            ('e164', "E.164: +923001234567"),
            ('international', "International: 923001234567"),
            ('double_zero', "With 00: 00923001234567"),
            ('national', "National: 03001234567"),
            ('significant', "National without trunk prefix: 3001234567"),
            ('raw', "As stored"),
        ],
        "Number Format", required=True, default='e164', help="Format in which the provider expects phone numbers.")
    sender = fields.Char(
        "Sender ID",
        help="Enter the number or name shown to the recipient. Use it as {sender} in the URL, parameters, headers and "
             "body.")
    account_id = fields.Char(
        "Account ID",
        help="Enter the account, project or service plan at the provider. Use it as {account_id} in the URL, "
             "parameters, headers and body.")
    encoding_gsm = fields.Char(
        "Encoding Value (GSM)",
        help="Value of {encoding} for texts in the GSM 03.38 alphabet. In JSON, __encoding__ turns true, false and "
             "numbers into JSON values.")
    encoding_unicode = fields.Char("Encoding Value (Unicode)", help="Value of {encoding} for all other texts.")
    parameter_ids = fields.One2many('sms.gateway.parameter', 'gateway_id', "Parameters", copy=True)
    header_ids = fields.One2many('sms.gateway.header', 'gateway_id', "Headers", copy=True)
    body_template = fields.Text(
        "JSON Body Template",
        help="Enter the JSON that the provider expects. A value that is exactly __phone__, __phones_list__, "
             "__message__, __sender__ and so on is replaced; inside longer strings, use {phone} and so on. "
             "[\"__each__\", X] repeats X for each recipient. Leave empty to build one JSON object from the "
             "parameters.")

    # Authentication
    auth_type = fields.Selection(
        [('none', "None"), ('api_key', "API Key"), ('token', "Token"), ('basic', "Basic"), ('custom', "Custom")],
        "Authentication Type", required=True, default='none',
        help="Select which credentials the provider requires. Basic sends Username and Password as HTTP Basic "
             "authentication. All credentials can be used as {api_key}, {token}, {username} and {password}.")
    api_key = fields.Char("API Key", copy=False, exportable=False, groups='base.group_system')
    token = fields.Char("Token", copy=False, exportable=False, groups='base.group_system')
    username = fields.Char("Username", copy=False, exportable=False, groups='base.group_system')
    password = fields.Char("Password", copy=False, exportable=False, groups='base.group_system')

    # Response
    message_id_regex = fields.Char(
        "Message ID Regex",
        help="Enter a regular expression that finds the provider's message ID in the response: the group named id, "
             "else the first group, else the whole match. For several recipients, pair them with groups named number "
             "and id.")
    error_code_regex = fields.Char(
        "Error Code Regex",
        help="Enter a regular expression that finds the provider's error code in a failed response (JSON: in the "
             "recipient's item). Failure Codes map it to a failure type. If a plain-text response covers several "
             "recipients, name the groups (?P<code>…) and (?P<number>…): without number, an error code in a partly "
             "accepted response is ignored.")
    answer_items_path = fields.Char(
        "Items", help="Enter the path of the list with one item per recipient, for example messages[]. Leave empty if "
                      "the whole response is one item. The paths below are relative to an item.")
    answer_number_path = fields.Char("Number", help="Path of the recipient's number in an item.")
    answer_message_id_path = fields.Char("Message ID", help="Path of the provider's message ID in an item.")
    answer_status_path = fields.Char("Status", help="Path of the status in an item.")
    answer_error_code_path = fields.Char("Error Code", help="Path of the error code in an item.")
    answer_price_path = fields.Char("Price", help="Path of the price of one SMS in an item.")
    answer_currency_path = fields.Char("Currency Path", help="Path of the currency in an item or the whole response.")
    answer_currency = fields.Char("Currency", help="Currency of prices without one, for example EUR.")
    answer_error_message_path = fields.Char("Error Message", help="Path of the error message in an item.")
    answer_error_values = fields.Char(
        "Refused Values",
        help="Enter the status values that mean the recipient was refused, separated by commas. A value that ends in "
             "* is a prefix.")
    success_http_codes = fields.Char(
        "Success HTTP Codes", default='200,201,202',
        help="Enter HTTP codes separated by commas. Responses with other codes are errors. Leave empty to ignore the "
             "HTTP code.")
    success_substring = fields.Char("Success Substring", help="Text that appears only in successful responses.")
    success_key = fields.Char("Success Key", help="Another text that appears only in successful responses.")
    error_key = fields.Char("Error Key", help="Text that appears only in failed responses, whatever the HTTP code.")
    require_message_id = fields.Boolean(
        "Message ID Required", help="Treat a response without a message ID as an error. Each recipient needs one.")
    create_status = fields.Boolean(
        "Track Status", default=True,
        help="Keep one status per SMS. If disabled, delivery reports can only be matched by UUID, and a failed SMS may "
             "have been sent.")
    sms_status_ids = fields.One2many('sms.gateway.status', 'gateway_id', "SMS Statuses")
    callback_failure_map_ids = fields.One2many(
        'sms.gateway.callback.failure.map', 'gateway_id', "Failure Codes", copy=True)

    # Transport
    max_connections = fields.Integer("Parallel Requests", default=8)
    timeout = fields.Integer("Timeout (s)", default=15, help="Seconds to wait for a response.")
    rate_limit = fields.Float(
        "SMS per Second", help="Maximum rate, shared by all workers and servers. Enter 0 for no limit.")
    failover = fields.Boolean(
        "Fail Over", default=True,
        help="If the provider is unreachable or asks to wait, send through the next gateway.")

    # Delivery callbacks
    delivery_callback_enabled = fields.Boolean("Delivery Callback Enabled")
    delivery_callback_token = fields.Char(
        "Callback Token", copy=False, readonly=True, required=True, exportable=False, groups='base.group_system',
        default=lambda self: secrets.token_urlsafe(32))
    delivery_callback_uuid_param = fields.Char("UUID Param", default='uuid')
    delivery_callback_message_id_param = fields.Char("Message ID Param", default='message_id')
    delivery_callback_status_param = fields.Char("Status Param", default='status')
    delivery_callback_error_code_param = fields.Char("Error Code Param")
    delivery_callback_error_message_param = fields.Char("Error Message Param")
    delivery_callback_number_param = fields.Char(
        "Number Param", help="Required if the provider assigns one message ID to several recipients.")
    delivery_callback_answer = fields.Char(
        "Answer", default='OK', help="Enter the text that the provider expects in response to a delivery report.")
    delivery_callback_status_success = fields.Char("Success Values", default='delivered')
    delivery_callback_status_pending = fields.Char("Pending Values", default='queued,accepted,sent,pending')
    delivery_callback_status_error = fields.Char("Error Values", default='failed,undelivered,rejected,expired')
    delivery_callback_status_canceled = fields.Char("Canceled Values", default='canceled,cancelled')

    _delivery_callback_token_unique = models.Constraint(
        'unique(delivery_callback_token)', "The callback token must be unique.")
    _max_recipients_positive = models.Constraint(
        'CHECK(max_recipients > 0)', "Recipients per Request: enter 1 or more.")
    _weight_positive = models.Constraint('CHECK(weight >= 0)', "Weight: enter 0 or more.")
    _max_connections_range = models.Constraint(
        'CHECK(max_connections BETWEEN 1 AND 64)', "Parallel Requests: enter a number from 1 to 64.")
    _timeout_range = models.Constraint(
        'CHECK(timeout BETWEEN 1 AND 60)', "Timeout: enter a number of seconds from 1 to 60.")
    _rate_limit_positive = models.Constraint(
        # the upper bound also refuses NaN, which PostgreSQL sorts above all other numbers
        'CHECK(rate_limit = 0 OR rate_limit BETWEEN 0.001 AND 100000)',
        "SMS per Second: enter 0 for no limit, or a number from 0.001 to 100000.")

    # the same checks in Python, see `_check_ranges`
    _ranges = {
        'max_recipients': ('_max_recipients_positive', lambda number: number > 0),
        'max_connections': ('_max_connections_range', lambda number: 1 <= number <= 64),
        'timeout': ('_timeout_range', lambda number: 1 <= number <= 60),
        'rate_limit': ('_rate_limit_positive', lambda number: number == 0 or 0.001 <= number <= 100000),
    }

    # === CONSTRAINT METHODS === #

    def _refuse(self, field_name, reason):
        """Raise a validation error about one field.

        :param str field_name: field whose label the error contains
        :param reason: a sentence that says what to enter, or the Problem of the value
        :raise ValidationError: always
        """
        if isinstance(reason, Problem):
            reason = self.env['sms.gateway.problem']._word(reason)
        label = self._fields[field_name]._description_string(self.env)
        raise ValidationError(self.env._(
            "%(gateway)s, %(field)s: %(reason)s", gateway=self.name, field=label, reason=reason))

    @api.model
    def _check_ranges(self, vals):
        """Check numbers before the database does, because its error contains the whole row with the credentials.

        :param dict vals: of `create` or `write`
        :raise ValidationError: with the message of the constraint
        """
        for name, (constraint, is_allowed) in self._ranges.items():
            if name in vals and not is_allowed(self._fields[name].convert_to_cache(vals[name], self) or 0):
                raise ValidationError(self.env['ir.model.constraint'].sudo().search(
                    [('name', '=', self._table + constraint)], limit=1).message)

    @api.constrains(*TEXT_CHECKS)
    def _check_texts(self):
        """Check each text with its function, which raises a ProblemError for an invalid one.

        :raise ValidationError: names the field
        """
        for gateway in self:
            for field_name, check in TEXT_CHECKS.items():
                try:
                    check(gateway[field_name] or '')
                except ProblemError as error:
                    gateway._refuse(field_name, error.problem)

    @api.constrains(*REGEXES)
    def _check_regexes(self):
        for gateway in self:
            for field_name in REGEXES:
                try:
                    re.compile(gateway[field_name] or '')
                except (re.error, OverflowError, RecursionError) as error:
                    gateway._refuse(field_name, self.env._("enter a valid regular expression (%s).", error))

    @api.constrains('success_http_codes')
    def _check_success_http_codes(self):
        for gateway in self:
            try:
                gateway._get_success_http_codes()
            except ValueError:
                gateway._refuse('success_http_codes', self.env._(
                    "enter three-digit HTTP codes separated by commas, for example 200,201,202."))

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
            if not config.url:  # a gateway may be saved before it is complete
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

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._remember_secrets(vals)
            self._check_ranges(vals)
        gateways = super().create(vals_list)
        secret_log.remember(*(gateway[name] for gateway in gateways.sudo() for name in TOKENS))
        return gateways

    def write(self, vals):
        self._remember_secrets(vals)
        self._check_ranges(vals)
        result = super().write(vals)
        if 'company_id' in vals:
            # core checks record rules only before writing, so a gateway could be moved to an inaccessible company
            self.check_access('write')
        if vals.keys() - {'sequence', 'inbound_example'}:  # dragging one row of a list also changes the others
            self._make_own()
        return result

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
        """Return the name of a copy: Twilio (copy), Twilio (copy 2) and so on, also for a copy of a copy."""
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
        used = self.env['sms.gateway.status'].sudo().search(
            [('gateway_id', 'in', self.ids), ('is_test', '!=', True)], limit=1
        ) or self.env['sms.gateway.attempt'].sudo().search([('gateway_id', 'in', self.ids)], limit=1)
        if used:
            raise UserError(self.env._(
                "%s has sent SMS and cannot be deleted. Archive it instead to keep their statuses.",
                used.gateway_id.display_name))
        sending = self.env['sms.sms'].sudo().search(
            [('gateway_id', 'in', self.ids), ('claimed_until', '!=', False)], limit=1)
        if sending:
            raise UserError(self.env._(
                "%s is sending SMS. Disable it, and delete it once they are sent.", sending.gateway_id.display_name))

    # === ACTION METHODS === #

    def action_toggle_state(self):
        """Change the state: New > Active > Disabled > Active."""
        for gateway in self:
            gateway.state = 'disabled' if gateway.state == 'active' else 'active'
