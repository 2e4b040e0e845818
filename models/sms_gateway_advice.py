# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a gateway's form tells before anything is sent: which fields matter, and what will not work."""
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from markupsafe import Markup

from odoo import api, fields, models

from ..tools import phone
from ..tools.problem import Problem
from ..tools.request.checks import check_config
from ..tools.request.config import ConfigError
from ..tools.request.curl import to_curl
from ..tools.request.placeholders import Text
from ..tools.request.template import RequestTemplate
from ..tools.request.typed_secrets import find_typed_secrets
from .sms_gateway import CREDENTIALS, REQUEST_FIELDS

# Which credentials an authentication type wants, wherever their placeholders stand.
WANTED = {'api_key': {'api_key'}, 'token': {'token'}, 'basic': {'username', 'password'}, 'custom': set(CREDENTIALS)}
USED = (*CREDENTIALS, 'sender', 'account_id', 'encoding')


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    uses_api_key = fields.Boolean(compute='_compute_uses')
    uses_token = fields.Boolean(compute='_compute_uses')
    uses_username = fields.Boolean(compute='_compute_uses')
    uses_password = fields.Boolean(compute='_compute_uses')
    uses_sender = fields.Boolean(compute='_compute_uses')
    uses_account_id = fields.Boolean(compute='_compute_uses')
    uses_encoding = fields.Boolean(compute='_compute_uses')
    request_curl = fields.Text(
        "curl Command", compute='_compute_request_curl',
        help="The same request as a command for a shell. Secrets are left out: they are read from variables, "
             "TOKEN for example.")
    warnings = fields.Html("Warnings", compute='_compute_warnings', sanitize=False)

    # === COMPUTE METHODS === #

    @api.depends(*REQUEST_FIELDS)
    def _compute_uses(self):
        for gateway in self:
            needed = gateway._get_used_names() | WANTED.get(gateway.auth_type, set())
            for name in USED:
                has_value = any(gateway[field] for field in (name, f'{name}_gsm') if field in self._fields)
                gateway[f'uses_{name}'] = name in needed or has_value

    @api.depends(*REQUEST_FIELDS)
    def _compute_request_curl(self):
        for gateway in self:
            try:
                gateway.request_curl = to_curl(gateway._get_request_config(), gateway._get_sample_recipients())
            except ValueError:
                gateway.request_curl = False  # Request Preview says why

    @api.depends_context('lang')
    @api.depends(
        *REQUEST_FIELDS, 'state', 'active', 'is_template', 'sequence', 'country_prefixes', 'company_id',
        'create_status', 'message_id_regex', 'answer_message_id_path', 'delivery_callback_uuid_param',
        'delivery_callback_message_id_param', 'delivery_callback_check_missing')
    def _compute_warnings(self):
        for gateway in self:
            sentences = [] if gateway.is_template else gateway._get_warnings()
            items = Markup().join(Markup("<li>%s</li>") % sentence for sentence in sentences)
            gateway.warnings = sentences and Markup('<ul class="mb-0 ps-3">%s</ul>') % items

    # === BUSINESS METHODS === #

    def _get_template(self):
        """
        :return: the request, read as far as it can be; a body that is being typed is no JSON yet
        :rtype: RequestTemplate
        """
        config = self._get_request_config()
        try:
            return RequestTemplate(config)
        except ConfigError:
            return RequestTemplate(replace(config, body_template=''))

    def _get_used_names(self):
        """
        :return: every placeholder and token in the request
        :rtype: set[str]
        """
        self.ensure_one()
        names = set().union(*(text.names for _field, _label, text, _inside in self._get_template().texts()))
        if self.method == 'post' and self.request_type == 'json':
            names |= Text.read(self.body_template or '', tokens=True).names
        return names

    def _get_warnings(self):
        """
        :return: what will not work, or not as somebody may expect
        :rtype: list[str]
        """
        self.ensure_one()
        if not self.base_url:
            # a form that was just opened is nobody's mistake
            is_new = not self._origin and self.state != 'active'
            return [] if is_new else [self.env._("Base URL is empty: nothing can be sent through this gateway.")]
        names = self._get_used_names()
        return [
            *self._get_request_warnings(names),
            *self._get_credential_warnings(names),
            *self._get_routing_warnings(),
            *self._get_callback_warnings(names),
        ]

    def _get_request_warnings(self, names):
        config, problems = self._get_request_config(), self.env['sms.gateway.problem']
        if config.sends_json and not config.has_template and not config.parameters:
            yield self.env._("There is no body: type a JSON Body Template, or parameters that make one.")
            return
        try:
            check_config(config)
        except ConfigError as error:
            yield problems._word(error.problem)
            return
        if config.multiple_recipients:
            shared = any(
                text.names & {'phones', 'phones_list'} or (inside and 'phone' in text.names)
                for _field, _label, text, inside in self._get_template().texts())
            if not shared:
                yield self.env._(
                    "Supports Multiple Recipients is on, but the request names no recipients: put {phones} into a "
                    "parameter, or __phones_list__ or __each__ into the JSON Body Template.")
            uuids = [
                label for _field, label, text, inside in self._get_template().texts()
                if text.names & {'uuid', 'uuid20'} and not inside]
            if uuids:
                yield self.env._(
                    "{uuid} belongs to no single SMS in a request for several recipients, so that no delivery report "
                    "finds its SMS by it: put it into [\"__each__\", ...], or read the message ID from the answer.")
        elif not names & {'phone', 'phones', 'phones_list'}:
            yield problems._word(Problem('no_recipient'))
        if not names & {'message', 'message_hex'}:
            yield problems._word(Problem('no_message'))

    def _get_credential_warnings(self, names):
        wanted = names | (WANTED['basic'] if self.auth_type == 'basic' else set())
        missing = [
            self._fields[name]._description_string(self.env)
            for name in (*CREDENTIALS, 'account_id', 'sender') if name in wanted and not self[name]
        ]
        if missing:
            yield self.env._("The request uses what is still empty: %s.", ', '.join(missing))
        if self._puts_secret_in_url():
            yield self.env._("A credential stands in the URL, which servers and proxies keep in their logs. Put it "
                             "into a header or the body if the provider takes it there.")
        if names & set(CREDENTIALS) and self.base_url.lower().startswith('http://') and not _is_local(self.base_url):
            yield self.env._("Credentials go out unencrypted: use https:// if the provider offers it.")
        places = {
            name or self._fields[field]._description_string(self.env)
            for field, name, _secret in find_typed_secrets(self._get_request_config())}
        if places:
            yield self.env._(
                "A secret seems to be typed where everybody who sees the gateway reads it, and where a copy takes it "
                "along: %s. Type it on the page Authentication and put {token} or the like in its place.",
                ', '.join(sorted(places)))

    def _puts_secret_in_url(self):
        """Whether a parameter of type Authentication, or one with a secret, goes to the query string."""
        config = self._get_request_config()
        in_query = config.method == 'get' or config.has_template
        secrets = {'api_key', 'token', 'password'}
        return any(
            parameter.type == 'auth' or text.names & secrets
            for parameter, text in self._get_template().parameter_texts() if in_query
        ) or bool(Text.read(config.url).names & secrets)

    def _get_routing_warnings(self):
        if self.state == 'active' and self._get_parameter('sms.use_iap'):
            yield self.env._("Use IAP is on in the settings: no gateway is used.")
        if self.state == 'active' and self.country_prefixes and self._takes_what_nobody_matches(self.company_id):
            yield self.env._(
                "No Default Gateway is set, and this gateway has the highest priority: numbers that match no gateway's "
                "prefix are sent through it, too. Set a Default Gateway in the settings to decide otherwise.")
        covering = self._get_covering_gateways()
        if covering:
            yield self.env._(
                "Every number with these Country Prefixes goes to %s first, whose priority is higher. Drag this "
                "gateway above it, or change the prefixes.", ', '.join(covering.mapped('name')))

    def _get_covering_gateways(self):
        """
        :return: Active gateways that together take every number of this one's prefixes before it; empty if they do not
        """
        try:
            own = phone.parse_prefixes(self.country_prefixes or '')
        except phone.NumberError:
            return self.browse()
        others = self.search([
            *self._get_sending_domain(self.company_id), ('id', '!=', self._origin.id),
            ('country_prefixes', '!=', False)])
        prefixes = [
            (prefix, other) for other in others for prefix in other._get_prefixes()]
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
                "No delivery report can find its SMS: read the message id from the answer (Message ID Regex) and "
                "track the status, or send {uuid} where the provider's reports repeat it.")
        if self.delivery_callback_check_missing:
            yield self.env._(
                "Every delivery report is refused: Check of the Sender needs %s.",
                self.delivery_callback_check_missing)
        if _is_local(self.delivery_callback_url) and not _is_local(self.base_url):
            yield self.env._(
                "Providers cannot reach the Callback URL: it leads to this machine only. Set the system parameter "
                "web.base.url to the public address of Odoo.")


def _is_local(url):
    """Whether an address leads to this machine."""
    try:
        host = urlsplit(url).hostname or ''
        return host == 'localhost' or ip_address(host).is_loopback
    except ValueError:
        return False
