# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Form, list and cards: warnings, preview, figures, explanation of routing, and actions that open other views."""
from dataclasses import replace
from datetime import timedelta, timezone

from markupsafe import Markup

from odoo import api, fields, models

from ..sending import routing
from ..sending.store.claims import release_waiting
from ..tools import phone
from ..tools.actions import open_form
from ..tools.problem import Problem, ProblemError
from ..tools.request.builder import Recipient, preview
from ..tools.request.checks import check_config
from ..tools.request.config import ConfigError
from ..tools.request.curl import to_curl
from ..tools.request.typed_secrets import find_typed_secrets
from ..tools.request.usage import RequestUsage, is_local
from ..tools.smart_encoding import encode
from .sms_gateway import CREDENTIALS
from .sms_gateway_status import FAILED

# the credentials that an authentication type requires, whatever the request contains
REQUIRED = {'api_key': {'api_key'}, 'token': {'token'}, 'basic': {'username', 'password'}, 'custom': set(CREDENTIALS)}
USED = (*CREDENTIALS, 'sender', 'account_id', 'encoding')
FAILING_HOURS = 24
LAST_SMS = 50
# everything that a request is built from
REQUEST_FIELDS = (
    'base_url', 'method', 'request_type', 'supports_multiple_recipients', 'multi_recipient_separator',
    'max_recipients', 'number_format', 'sender', 'account_id', 'encoding_gsm', 'encoding_unicode', 'auth_type',
    'smart_encoding', 'body_template', 'delivery_callback_enabled', 'parameter_ids', 'header_ids', *CREDENTIALS,
    *(f'parameter_ids.{name}' for name in ('sequence', 'key', 'value', 'param_type', 'only_for')),
    *(f'header_ids.{name}' for name in ('sequence', 'key', 'value')),
)


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    warnings = fields.Html("Warnings", compute='_compute_warnings', sanitize=False)
    request_preview = fields.Text("Request Preview", compute='_compute_request_preview')
    request_curl = fields.Text(
        "curl Command", compute='_compute_request_curl',
        help="The same request as a shell command. Secrets are replaced by environment variables, for example $TOKEN.")
    uses_api_key = fields.Boolean(compute='_compute_uses')
    uses_token = fields.Boolean(compute='_compute_uses')
    uses_username = fields.Boolean(compute='_compute_uses')
    uses_password = fields.Boolean(compute='_compute_uses')
    uses_sender = fields.Boolean(compute='_compute_uses')
    uses_account_id = fields.Boolean(compute='_compute_uses')
    uses_encoding = fields.Boolean(compute='_compute_uses')

    paused_until = fields.Datetime(
        "Paused Until", compute='_compute_paused_until',
        help="No SMS are sent through this gateway until then. Sending resumes automatically.")
    pause_reason = fields.Char(
        "Pause Reason", compute='_compute_paused_until', help="Why the gateway is paused, and what the provider said.")
    sms_count = fields.Integer("Total SMS", compute='_compute_sms_counts')
    sms_sent_count = fields.Integer("Sent SMS", compute='_compute_sms_counts')
    sms_failed_count = fields.Integer("Failed SMS", compute='_compute_sms_counts')
    last_status_ids = fields.Many2many('sms.gateway.status', string="Last SMS", compute='_compute_last_status_ids')
    sent_today_count = fields.Integer("Sent Today", compute='_compute_today_counts')
    failed_today_count = fields.Integer("Failed Today", compute='_compute_today_counts')
    last_error = fields.Char("Last Error", compute='_compute_last_error')
    last_error_date = fields.Datetime("Last Error On", compute='_compute_last_error')
    is_failing = fields.Boolean(
        "Failing", compute='_compute_is_failing', search='_search_is_failing',
        help="Active, with more failed than accepted SMS in the last 24 hours, test SMS not counted.")

    # === COMPUTE METHODS - REQUEST === #

    @api.depends_context('lang')
    @api.depends(
        *REQUEST_FIELDS, 'state', 'active', 'is_template', 'sequence', 'country_prefixes', 'company_id',
        'create_status', 'message_id_regex', 'answer_message_id_path', 'delivery_callback_uuid_param',
        'delivery_callback_message_id_param', 'delivery_callback_check', 'delivery_callback_signature_header',
        'delivery_callback_signature_param', 'delivery_callback_signature_algorithm',
        'delivery_callback_signature_key', 'delivery_callback_signature_content', 'delivery_callback_check_key',
        'delivery_callback_check_username', 'delivery_callback_check_password', 'delivery_callback_check_networks')
    def _compute_warnings(self):
        for gateway in self:
            sentences = [] if gateway.is_template else gateway._get_warnings()
            items = Markup().join(Markup("<li>%s</li>") % sentence for sentence in sentences)
            gateway.warnings = sentences and Markup('<ul class="mb-0 ps-3">%s</ul>') % items

    @api.depends_context('lang')
    @api.depends(*REQUEST_FIELDS)
    def _compute_request_preview(self):
        for gateway in self:
            try:
                gateway.request_preview = preview(gateway._get_request_config(), gateway._get_sample_recipients())
            except ProblemError as error:
                gateway.request_preview = self.env['sms.gateway.problem']._word(error.problem)

    @api.depends(*REQUEST_FIELDS)
    def _compute_request_curl(self):
        for gateway in self:
            try:
                gateway.request_curl = to_curl(gateway._get_request_config(), gateway._get_sample_recipients())
            except ValueError:
                gateway.request_curl = False  # Request Preview shows the error

    @api.depends(*REQUEST_FIELDS)
    def _compute_uses(self):
        for gateway in self:
            needed = RequestUsage(gateway._get_request_config()).names | REQUIRED.get(gateway.auth_type, set())
            for name in USED:
                has_value = any(gateway[field] for field in (name, f'{name}_gsm') if field in self._fields)
                gateway[f'uses_{name}'] = name in needed or has_value

    # === COMPUTE METHODS - FIGURES === #

    @api.depends_context('lang')
    def _compute_paused_until(self):
        throttles = self.env['sms.gateway.throttle'].sudo().search(
            [('gateway_id', 'in', self.ids), ('paused_until', '>', fields.Datetime.now())])
        by_gateway = throttles.grouped('gateway_id')
        for gateway in self:
            throttle = by_gateway.get(gateway._origin, throttles.browse())
            gateway.paused_until = throttle.paused_until
            gateway.pause_reason = throttle and throttle._get_reason()

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_sms_counts(self):
        counts = self.env['sms.gateway.status']._count_by_gateway([('gateway_id', 'in', self.ids)])
        for gateway in self:
            gateway.sms_count, gateway.sms_sent_count, gateway.sms_failed_count = counts.get(
                gateway._origin.id, (0, 0, 0))

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_last_status_ids(self):
        for gateway in self:
            gateway.last_status_ids = self.env['sms.gateway.status'].search(
                [('gateway_id', '=', gateway._origin.id)], limit=LAST_SMS)

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_today_counts(self):
        """Count since midnight in the user's time zone."""
        now = fields.Datetime.context_timestamp(self, fields.Datetime.now())
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(timezone.utc).replace(tzinfo=None)
        counts = self.env['sms.gateway.status']._count_by_gateway(
            [('create_date', '>=', midnight), ('is_test', '!=', True)])
        for gateway in self:
            _all, gateway.sent_today_count, gateway.failed_today_count = counts.get(gateway._origin.id, (0, 0, 0))

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_last_error(self):
        statuses = self.env['sms.gateway.status']
        failed = {status.gateway_id.id: status for status in statuses._find_last(self.ids, FAILED)}
        for gateway in self:
            status = failed.get(gateway._origin.id, statuses)
            gateway.last_error = status._get_reason()
            gateway.last_error_date = status.write_date

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_is_failing(self):
        failing = self._get_failing_ids()
        for gateway in self:
            gateway.is_failing = gateway._origin.id in failing

    @api.model
    def _search_is_failing(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return [('id', 'in' if True in value else 'not in', list(self._get_failing_ids()))]

    @api.model
    def _get_failing_ids(self):
        since = fields.Datetime.now() - timedelta(hours=FAILING_HOURS)
        counts = self.env['sms.gateway.status']._count_by_gateway(
            [('create_date', '>=', since), ('is_test', '!=', True)])
        suspects = [gateway_id for gateway_id, (_all, sent, failed) in counts.items() if failed > sent]
        return set(self.search([*self._get_sending_domain(), ('id', 'in', suspects)]).ids)

    # === ACTION METHODS === #

    def action_test(self):
        """Open Send Test SMS for this gateway."""
        self.ensure_one()
        return open_form(
            self.env['sms.gateway.test'], name=self.env._("Send Test SMS"), target='new',
            context={'default_gateway_id': self.id})

    def action_resume(self):
        """End the pause, and send the SMS that wait for it."""
        self.check_access('write')
        self.env['sms.gateway.throttle'].sudo()._end_pauses(self.ids)
        release_waiting(self.sudo().env, self.ids)

    def action_which_gateway(self):
        return self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_route_action')

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

    # === BUSINESS METHODS - WARNINGS === #

    def _get_sample_recipients(self):
        """Return sample recipients for the preview, two if the gateway supports several.

        :rtype: list[Recipient]
        """
        numbers = ['+12025550123', '+12025550124'][:2 if self.supports_multiple_recipients else 1]
        return [
            Recipient(
                uuid=f'{index:032x}',
                number=phone.format_number(number, self.number_format or 'e164'),
                message=encode(self.env._("Hello from Odoo"), self.smart_encoding),
            )
            for index, number in enumerate(numbers, 1)
        ]

    def _get_warnings(self):
        """Return what will not work, or not as expected.

        :rtype: list[str]
        """
        self.ensure_one()
        if not self.base_url:
            is_new = not self._origin and self.state != 'active'  # the form was just opened
            return [] if is_new else [self.env._("Base URL is empty, so this gateway cannot send. Enter a Base URL.")]
        usage = RequestUsage(self._get_request_config())
        return [
            *self._get_request_warnings(usage),
            *self._get_credential_warnings(usage),
            *self._get_routing_warnings(),
            *self._get_callback_warnings(usage.names),
        ]

    def _get_request_warnings(self, usage):
        config, problems = usage.config, self.env['sms.gateway.problem']
        if config.sends_json and not config.has_template and not config.parameters:
            yield self.env._("The request has no body. Enter a JSON Body Template, or add parameters to build one.")
            return
        try:
            check_config(config)
        except ConfigError as error:
            yield problems._word(error.problem)
            return
        if config.multiple_recipients:
            if not usage.names_all_recipients:
                yield self.env._(
                    "Supports Multiple Recipients is on, but the request contains no list of numbers. Add {phones} to "
                    "a parameter, or __phones_list__ or __each__ to the JSON Body Template.")
            if usage.shares_uuid:
                yield self.env._(
                    "In a request for several recipients, {uuid} does not identify one SMS, so delivery reports cannot "
                    "be matched by it. Move it into [\"__each__\", ...], or read the message ID from the response.")
        elif not usage.names_recipients:
            yield problems._word(Problem('no_recipient'))
        if not usage.names & {'message', 'message_hex'}:
            yield problems._word(Problem('no_message'))

    def _get_credential_warnings(self, usage):
        needed = usage.names | (REQUIRED['basic'] if self.auth_type == 'basic' else set())
        missing = [
            self._fields[name]._description_string(self.env)
            for name in (*CREDENTIALS, 'account_id', 'sender') if name in needed and not self[name]
        ]
        if missing:
            yield self.env._("Missing: %s. The request uses it.", ', '.join(missing))
        if usage.puts_secret_in_url:
            yield self.env._("The URL contains a credential, which servers and proxies write to their logs. Move it to "
                             "a header or the body if the provider accepts it there.")
        url = usage.config.url
        if usage.names & set(CREDENTIALS) and url.lower().startswith('http://') and not is_local(url):
            yield self.env._("Credentials are sent unencrypted. Use https:// if the provider offers it.")
        places = {
            name or self._fields[field]._description_string(self.env)
            for field, name, _secret in find_typed_secrets(usage.config)}
        if places:
            yield self.env._(
                "These values seem to contain secrets, which are visible on the form and copied with the gateway: %s. "
                "Enter the secrets on the Authentication page and use placeholders such as {token} instead.",
                ', '.join(sorted(places)))

    def _get_routing_warnings(self):
        if self.number_format in ('national', 'significant') and not self.country_prefixes:
            yield self.env._(
                "Numbers of other countries would reach strangers because the Number Format leaves out the country "
                "code. Enter the Country Prefixes that the provider serves.")
        if self.state == 'active' and self._is_parameter_on('sms.use_iap'):
            yield self.env._("Use IAP is on in the settings, so gateways are not used.")
        if self.state == 'active' and self.country_prefixes and self._receives_unmatched_numbers():
            yield self.env._(
                "No Default Gateway is set and this gateway has the highest priority, so it also sends to numbers that "
                "match no gateway's prefixes. Set a Default Gateway in the settings to change this.")
        covering = self._get_covering_gateways()
        if covering:
            yield self.env._(
                "All Country Prefixes of this gateway are covered by gateways with a higher priority: %s. Drag this "
                "gateway above them, or change the prefixes.", ', '.join(covering.mapped('name')))

    def _receives_unmatched_numbers(self):
        """Return whether rule 3 routes unmatched numbers to this gateway, because there is no Default Gateway.

        :rtype: bool
        """
        companies = self.company_id or self.env['res.company'].sudo().search([('active', '=', True)])
        routes = [replace(route, paused=False) for route in self._get_routes()]
        default_id = self._get_default_gateway_id()
        for company in companies:
            candidates = routing.RoutingTable(routes, company.id, default_id).candidates(None)
            if candidates and candidates[0].rule == routing.FIRST and candidates[0].gateway_id == self._origin.id:
                return True
        return False

    def _get_covering_gateways(self):
        """Return Active gateways that together cover all prefixes of this one with a higher priority.

        :return: empty if at least one prefix is left to this gateway
        """
        try:
            own = phone.parse_prefixes(self.country_prefixes or '')
        except phone.NumberError:
            return self.browse()
        others = self.search([
            *self._get_sending_domain(self.company_id), ('id', '!=', self._origin.id),
            ('country_prefixes', '!=', False)])
        prefixes = [(prefix, other) for other in others for prefix in other._get_prefixes()]
        covering = self.browse()
        for prefix in own:
            rank = (self.sequence, -len(prefix), self._origin.id or float('inf'))
            first = next((other for start, other in prefixes if prefix.startswith(start)
                          and (other.sequence, -len(start), other.id) < rank), None)
            if first is None:
                return self.browse()
            covering |= first
        return covering

    def _get_callback_warnings(self, names):
        if not self.delivery_callback_enabled:
            return
        by_uuid = self.delivery_callback_uuid_param and names & {'uuid', 'uuid20'}
        by_message_id = (
            self.create_status and self.delivery_callback_message_id_param
            and (self.message_id_regex or self.answer_message_id_path))
        if not by_uuid and not by_message_id:
            yield self.env._(
                "Delivery reports cannot be matched to their SMS. Read the message ID from the response (Message ID "
                "Regex) with Track Status on, or send {uuid} where the provider's reports repeat it.")
        if missing := self._get_missing_authentication():
            yield self.env._("All delivery reports are refused. Webhook Authentication requires %s.", missing)
        if is_local(self.delivery_callback_url) and not is_local(self.base_url):
            yield self.env._(
                "Providers cannot reach the Callback URL because it points to this machine. Set the system parameter "
                "web.base.url to the public URL of Odoo.")
