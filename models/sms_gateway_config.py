# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Configuration as plain data: what sending, routing and reading reports need, for code that does not use the ORM."""
import logging
from dataclasses import replace

from odoo import api, fields, models
from odoo.tools import str2bool

from ..sending import routing
from ..sending.dry_run import ANSWER_RULES as DRY_RUN_RULES
from ..sending.dry_run import DryRun
from ..sending.gateway_config import GatewayConfig, GatewayConnection
from ..sending.pauses import WORKING
from ..sending.routing import Route
from ..tools import phone, secret_log
from ..tools.answer.failure_codes import FailureCode
from ..tools.answer.interpretation import AnswerRules
from ..tools.problem import Problem
from ..tools.report.parsing import ReportRules, parse_value_list
from ..tools.request.config import Credentials, RequestConfig
from ..tools.request.typed_secrets import Secrets, find_secrets
from ..tools.smart_encoding import ALWAYS, OFF, SAVING
from .sms_gateway import CREDENTIALS, STATUS_LISTS

_logger = logging.getLogger(__name__)

SECRETS = (
    'api_key', 'token', 'password', 'delivery_callback_token', 'delivery_callback_old_token',
    'delivery_callback_check_key', 'delivery_callback_check_old_key', 'delivery_callback_check_password')
MIN_SECRET_NAME = 8  # characters; shorter usernames can be common words


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    wait_header = fields.Char(
        "Wait Header",
        help="Enter the response header in which the provider says how many seconds to wait before the next request, "
             "for example x-ratelimit-reset. Leave empty if it is Retry-After, which is always read.")
    wait_regex = fields.Char(
        "Wait Regex",
        help="Enter a regular expression that finds in a response how long to wait before the next request: the first "
             "group is a number of seconds, or of milliseconds if it is named ms: wait (?P<ms>[0-9]+). Only read if no "
             "header says it.")
    smart_encoding = fields.Selection(
        [(OFF, "Off"), (SAVING, "When it saves a segment"), (ALWAYS, "Always")],
        "Smart Encoding", required=True, default=OFF,
        help="Replaces characters that make an SMS Unicode, which fits 70 instead of 160 characters: typographic "
             "quotes, dashes and spaces, and with Always also accents (Ł becomes L). Odoo keeps the original text.")

    # === BUSINESS METHODS - SYSTEM PARAMETERS === #

    @api.model
    def _is_parameter_on(self, key):
        """Read a system parameter as a boolean, as Odoo reads text.

        :rtype: bool
        """
        return str2bool(self.env['ir.config_parameter'].sudo().get_param(key, ''), default=False)

    @api.model
    def _get_integer_parameter(self, key, default):
        """Read a system parameter as a number.

        :return: the number, or the default if the parameter is not one
        :rtype: int
        """
        try:
            return int(self.env['ir.config_parameter'].sudo().get_param(key, default))
        except ValueError:
            return default

    # === BUSINESS METHODS - ROUTING === #

    @api.model
    def _get_sending_domain(self, *companies):
        """Return the domain of the gateways that may send. It names `active` because core searches with
        active_test=False in places, which would otherwise find archived gateways.

        :param companies: records of `res.company`: find their gateways and those without company; none: find all
        :rtype: list
        """
        domain = [('active', '=', True), ('state', '=', 'active')]
        if companies:
            domain.append(('company_id', 'in', [False, *(company.id for company in companies)]))
        return domain

    @api.model
    def _is_iap_used(self, company):
        """Return whether Odoo IAP sends the SMS of a company: Use IAP is on, or IAP Fallback without any gateway.

        :rtype: bool
        """
        if self._is_parameter_on('sms.use_iap'):
            return True
        return self._is_parameter_on('sms.iap_fallback') and not self.sudo().search_count(
            self._get_sending_domain(company), limit=1)

    def _get_prefixes(self):
        """Return the Country Prefixes. Invalid ones, which the form refuses but a database of another product may
        contain, are ignored: one gateway must not stop the others.

        :rtype: tuple[str, ...]
        """
        try:
            return phone.parse_prefixes(self.country_prefixes or '')
        except phone.NumberError as error:
            _logger.warning("The Country Prefixes of gateway %s are not used: %s", self.id, error)
            return ()

    @api.model
    def _get_routes(self, states=None):
        """Return every gateway that may send.

        :param dict states: see `sms.gateway.throttle._get_states`
        :rtype: list[Route]
        """
        throttles = self.env['sms.gateway.throttle'].sudo()
        states = throttles._get_states() if states is None else states
        health = throttles._get_health()
        return [
            Route(
                gateway_id=gateway.id,
                sequence=gateway.sequence,
                prefixes=gateway._get_prefixes(),
                company_id=gateway.company_id.id or None,
                failover=gateway.failover,
                paused=gateway.id in states and states[gateway.id].seconds > 0,
                is_dry_run=gateway.is_dry_run,
                countries=gateway._get_allowed_countries(),
                weight=gateway.weight,
                health=health.get(gateway.id, 100),
            )
            for gateway in self.sudo().search(self._get_sending_domain())
        ]

    # === BUSINESS METHODS - SENDING === #

    def _get_configs(self, states=None):
        """Return everything that sending needs. The number of queries does not depend on the number of gateways.

        :param dict states: see `sms.gateway.throttle._get_states`
        :return: {gateway id: GatewayConfig}
        :rtype: dict[int, GatewayConfig]
        """
        states = self.env['sms.gateway.throttle'].sudo()._get_states() if states is None else states
        default_success = self._is_parameter_on('sms.default_success_200')
        prices = self.env['sms.gateway.price'].sudo()._get_price_lists(self.ids)
        minutes = self._get_query_minutes()
        return {
            gateway.id: GatewayConfig(
                gateway_id=gateway.id,
                name=gateway.name,
                connection=GatewayConnection(
                    (self.env.cr.dbname, gateway.id), gateway.max_connections, gateway.timeout,
                    DryRun(gateway.id in states and states[gateway.id].failures > 0) if gateway.is_dry_run else None),
                request=gateway._get_request_config(),
                answer=gateway._get_answer_rules(default_success),
                number_format=gateway.number_format,
                rate_limit=gateway.rate_limit,
                track_status=gateway.create_status,
                waits_for_report=gateway.delivery_callback_enabled or gateway.id in minutes,
                prefixes=gateway._get_prefixes(),
                countries=gateway._get_allowed_countries(),
                weight=gateway.weight,
                shared=states.get(gateway.id, WORKING),
                smart_encoding=gateway.smart_encoding,
                prices=prices[gateway.id],
                message_rules=gateway._get_message_rules(),
                query_minutes=minutes.get(gateway.id, 0),
            )
            for gateway in self.sudo()
        }

    def _get_request_config(self):
        """Return what requests are built from, also for a gateway that is still being edited.

        :rtype: RequestConfig
        """
        self.ensure_one()
        headers = self.header_ids.sorted(lambda row: (row.sequence, row._origin.id))
        parameters = self.parameter_ids.sorted(lambda row: (row.sequence, row._origin.id))
        return RequestConfig(
            url=self.base_url or '',
            **self._get_texts(
                'body_template', 'sender', 'account_id', 'encoding_gsm', 'encoding_unicode'),
            method=self.method or 'post',
            request_type=self.request_type or 'form',
            parameters=parameters.filtered('key')._to_parameters(),
            headers=tuple((row.key, row.value or '') for row in headers if row.key),
            multiple_recipients=self.supports_multiple_recipients,
            separator=self.multi_recipient_separator or '',
            max_recipients=self.max_recipients,
            auth_type=self.auth_type or 'none',
            credentials=Credentials(**self._get_texts(*CREDENTIALS)),
            callback_url=self.delivery_callback_url if self.delivery_callback_enabled else '',
        )

    # === BUSINESS METHODS - RESPONSES AND REPORTS === #

    def _get_success_http_codes(self):
        """Read Success HTTP Codes.

        :rtype: frozenset[int]
        :raise ValueError: if one of them is not an HTTP code
        """
        codes = frozenset(int(code) for code in (self.success_http_codes or '').split(',') if code.strip())
        if any(not 100 <= code <= 599 for code in codes):
            raise ValueError(self.success_http_codes)
        return codes

    def _get_usable_http_codes(self):
        """Return Success HTTP Codes, or the default if they are invalid: one gateway must not stop the others."""
        try:
            return self._get_success_http_codes()
        except ValueError:
            return AnswerRules.success_http_codes

    def _get_texts(self, *names, prefix='', suffix=''):
        """Return the texts of fields for a dataclass whose fields have the same names without prefix.

        :rtype: dict[str, str]
        """
        return {f'{name}{suffix}': self[f'{prefix}{name}{suffix}'] or '' for name in names}

    def _get_failure_map(self):
        return tuple(
            FailureCode(row.provider_code, row.failure_type, row.outcome) for row in self.callback_failure_map_ids)

    def _get_answer_rules(self, default_success):
        """Return how to read responses.

        :param bool default_success: whether an unclear response with HTTP 200, 201 or 202 counts as success
        :rtype: AnswerRules
        """
        self.ensure_one()
        if self.is_dry_run:
            return replace(DRY_RUN_RULES, status_tracked=self.create_status)
        secrets = self._get_secrets()
        return AnswerRules(
            **self._get_texts(
                'message_id_regex', 'error_code_regex', 'success_substring', 'success_key', 'error_key', 'wait_header',
                'wait_regex'),
            **self._get_texts(
                'items', 'number', 'message_id', 'status', 'error_code', 'error_message', prefix='answer_',
                suffix='_path'),
            price=self._get_price_rules(),
            error_values=parse_value_list(self.answer_error_values),
            success_http_codes=self._get_usable_http_codes(),
            require_message_id=self.require_message_id,
            failure_map=self._get_failure_map(),
            default_success_200=default_success,
            secrets=secrets.secrets,
            names=secrets.names,
            pairs=secrets.pairs,
            status_tracked=self.create_status,
        )

    def _get_report_rules(self):
        """Return how to read delivery reports.

        :rtype: ReportRules
        """
        self.ensure_one()
        return ReportRules(
            **self._get_texts(
                'uuid', 'message_id', 'status', 'error_code', 'error_message', 'number', 'price', 'currency',
                'segments', prefix='delivery_callback_', suffix='_param'),
            price=self._get_price_rules(),
            inbound_kind_param=self.inbound_kind_param or '',
            inbound_kind_values=parse_value_list(self.inbound_kind_values),
            failure_map=self._get_failure_map(),
            secrets=self._get_secrets(),
            **{name: parse_value_list(self[f'delivery_callback_status_{name}']) for name in STATUS_LISTS},
        )

    # === BUSINESS METHODS - SECRETS === #

    @api.model
    def _remember_secrets(self, vals):
        """Mask secrets in all logs from now on, because a failing SQL statement would reveal them.

        :param dict vals: of `create` or `write`
        """
        username = vals.get('username') or ''
        secret_log.remember(
            *(vals[name] for name in SECRETS if vals.get(name)),
            username if len(username) >= MIN_SECRET_NAME else '')

    def _get_secrets(self):
        """Return what to mask in responses, delivery reports and logs, because providers may echo what they received.

        :rtype: Secrets
        """
        self.ensure_one()
        found = find_secrets(self._get_request_config())
        username, password = self.delivery_callback_check_username or '', self.delivery_callback_check_password or ''
        secrets = Secrets(
            secrets=(*found.secrets, *filter(None, (
                self.delivery_callback_token, self.delivery_callback_old_token, self.inbound_token,
                self.inbound_old_token, self.delivery_callback_check_key, self.delivery_callback_check_old_key,
                password))),
            names=(*found.names, *filter(None, (username,))),
            pairs=(*found.pairs, *((f'{username}:{password}',) if username or password else ())),
        )
        secret_log.remember(
            *secrets.secrets, *(name for name in secrets.names if len(name) >= MIN_SECRET_NAME),
            *(pair for pair in secrets.pairs if not pair.endswith(':')))
        return secrets

    # === BUSINESS METHODS - ROUTING EXPLAINED === #

    @api.model
    def explain_route(self, number, company_id=None):
        """Return which gateway would send to a number, and why.

        :param str number: a phone number as entered by a user
        :param int company_id: the company of the SMS, by default the current one
        :return: {'gateway': [id, name] or False, 'number': E.164 or False, 'reason': str, 'next': [[id, name], ...]}
        :rtype: dict
        :raise AccessError: if the user cannot access the gateways of the company
        """
        self.check_access('read')
        company = self.env['res.company'].browse(company_id) if company_id else self.env.company
        if company not in self.env.companies:
            # a company of the user that is not selected in the company switcher; core refuses all others
            return self.with_context(allowed_company_ids=company.ids).explain_route(number)
        e164 = phone.to_e164(number or '', [code for code in [company.country_id.code] if code])
        routes, default_ids = self._get_routes(), self._get_default_gateway_ids(company)[company.id]
        cheapest = self._get_cheapest(company, [route.gateway_id for route in routes]).get(company.id)
        candidates = routing.RoutingTable(routes, company.id, default_ids, cheapest).candidates(e164)
        pairs = [[gateway.id, gateway.name] for gateway in self.browse([c.gateway_id for c in candidates])]
        if self._is_iap_used(company):
            reason, pairs = self.env._("Sent through Odoo IAP. See Use IAP and IAP Fallback in the settings."), []
        elif not candidates:
            reason = self.env['sms.gateway.problem']._word(Problem('no_gateway'))
        else:
            available = [replace(route, paused=False) for route in routes]
            table = routing.RoutingTable(available, company.id, default_ids, cheapest)
            first = table.candidates(e164)[0]
            reason = self._explain_candidate(first, company)
            if (price := table.find_price(e164)) is not None:
                reason = self.env._(
                    "%(reason)s Among equal gateways, it has the lowest price: %(price)s per segment.", reason=reason,
                    price=f'{price:.4f} {company.currency_id.name}')
            if first.gateway_id != candidates[0].gateway_id:
                reason = self.env._(
                    "%s has priority but is paused: the provider is unreachable or asked to wait.",
                    self.browse(first.gateway_id).name)
        return {'gateway': pairs[0] if pairs else False, 'number': e164 or False, 'reason': reason, 'next': pairs[1:]}

    @api.model
    def _explain_candidate(self, candidate, company):
        if candidate.rule == routing.DEFAULT and candidate.gateway_id == company.sudo().sms_gateway_id.id:
            return self.env._("No prefix matches, and it is the Default Gateway of %s.", company.name)
        if candidate.rule in (routing.FIRST, routing.SPARE):  # of equal ones, either may come first
            return self.env._(
                "No prefix matches and no Default Gateway is set, so the Active gateway with the highest priority "
                "is used, whatever its prefixes.")
        return {
            routing.PREFIX: self.env._("Its prefix +%s is the best match.", candidate.prefix),
            routing.DEFAULT: self.env._("No prefix matches, and it is the Default Gateway."),
        }[candidate.rule]
