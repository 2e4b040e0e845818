# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
from dataclasses import replace

from odoo import api, models
from odoo.tools import str2bool

from ..sending import routing
from ..tools import phone
from ..tools.problem import Problem

_logger = logging.getLogger(__name__)


class SmsGateway(models.Model):
    """Which gateway sends an SMS, SPEC section 4."""
    _inherit = 'sms.gateway'

    @api.model
    def _get_parameter(self, key):
        """
        :return: whether a system parameter is on, read as Odoo reads texts as booleans
        :rtype: bool
        """
        return str2bool(self.env['ir.config_parameter'].sudo().get_param(key, ''), default=False)

    @api.model
    def _get_number_parameter(self, key, default):
        """
        :return: a system parameter as a number; the default when it is none
        :rtype: int
        """
        try:
            return int(self.env['ir.config_parameter'].sudo().get_param(key, default))
        except ValueError:
            return default

    @api.model
    def _get_sending_domain(self, *companies):
        """Names `active` too: in a context with active_test=False, which core has in places, a search would otherwise
        find archived gateways.

        :param companies: records of `res.company`, whose gateways and those of no company are found; none: all are
        :return: a domain of the gateways that may send
        :rtype: list
        """
        domain = [('active', '=', True), ('state', '=', 'active')]
        if companies:
            domain.append(('company_id', 'in', [False, *(company.id for company in companies)]))
        return domain

    @api.model
    def _is_iap_used(self, company):
        """Whether Odoo's IAP sends the SMS of a company: Use IAP, or IAP Fallback and no gateway at all."""
        if self._get_parameter('sms.use_iap'):
            return True
        return self._get_parameter('sms.iap_fallback') and not self.sudo().search_count(
            self._get_sending_domain(company), limit=1)

    @api.model
    def _get_default_gateway_id(self):
        """
        :return: id of the Default Gateway of the settings, read as core's settings read it; 0 without one
        :rtype: int
        """
        return self._get_number_parameter('sms.sms_gateway_id', 0)

    @api.model
    def _is_default_readable(self):
        """Whether the user may see the Default Gateway of the settings; True without one."""
        default = self.browse(self._get_default_gateway_id()).sudo().exists().sudo(False)
        return default == default._filtered_access('read')

    def _get_prefixes(self):
        """
        :return: the Country Prefixes; none where they cannot be read, which a form refuses and another product's
            database may hold: one gateway must not stop the others
        :rtype: tuple[str, ...]
        """
        try:
            return phone.parse_prefixes(self.country_prefixes or '')
        except phone.NumberError as error:
            _logger.warning("The Country Prefixes of gateway %s are not used: %s", self.id, error)
            return ()

    @api.model
    def _get_routes(self):
        """
        :return: every gateway that may send
        :rtype: list[routing.Route]
        """
        paused = self.env['sms.gateway.throttle'].sudo()._get_pauses()
        return [
            routing.Route(
                gateway_id=gateway.id,
                sequence=gateway.sequence,
                prefixes=gateway._get_prefixes(),
                company_id=gateway.company_id.id or None,
                failover=gateway.failover,
                paused=gateway.id in paused,
            )
            for gateway in self.sudo().search(self._get_sending_domain())
        ]

    def _takes_what_nobody_matches(self, company):
        """
        :param company: the `res.company` whose SMS it is, empty for SMS of any company
        :return: whether rule 3 gives this gateway the numbers that no prefix matches, for want of a Default Gateway
        :rtype: bool
        """
        companies = company or self.env['res.company'].sudo().search([('active', '=', True)])
        routes = [replace(route, paused=False) for route in self._get_routes()]
        default_id = self._get_default_gateway_id()
        for one in companies:
            candidates = routing.RoutingTable(routes, one.id, default_id).candidates(None)
            if candidates and candidates[0].rule == routing.FIRST and candidates[0].gateway_id == self._origin.id:
                return True
        return False

    @api.model
    def explain_route(self, number, company_id=None):
        """Tell which gateway would take a number, and why.

        :param str number: a phone number as a person types it
        :param int company_id: the company of the SMS, by default the current one
        :return: {'gateway': [id, name] or False, 'number': E.164 or False, 'reason': str, 'next': [[id, name], ...]}
        :rtype: dict
        :raise AccessError: when the user may not see the gateways of the company
        """
        self.check_access('read')
        company = self.env['res.company'].browse(company_id) if company_id else self.env.company
        if company not in self.env.companies:
            # a company of the user that is not selected in the switcher; core refuses others
            return self.with_context(allowed_company_ids=company.ids).explain_route(number)
        e164 = phone.to_e164(number or '', [code for code in [company.country_id.code] if code])
        routes, default_id = self._get_routes(), self._get_default_gateway_id()
        candidates = routing.RoutingTable(routes, company.id, default_id).candidates(e164)
        pairs = [[gateway.id, gateway.name] for gateway in self.browse([c.gateway_id for c in candidates])]
        if self._is_iap_used(company):
            reason, pairs = self.env._("Odoo's IAP sends it: see Use IAP and IAP Fallback in the settings."), []
        elif not candidates:
            reason = self._get_no_gateway_reason()
        else:
            awake = [replace(route, paused=False) for route in routes]
            first = routing.RoutingTable(awake, company.id, default_id).candidates(e164)[0]
            reason = self._explain_candidate(first)
            if first.gateway_id != candidates[0].gateway_id:
                reason = self.env._(
                    "%s comes first, but it rests: its provider cannot be reached or asked to wait.",
                    self.browse(first.gateway_id).name)
        return {'gateway': pairs[0] if pairs else False, 'number': e164 or False, 'reason': reason, 'next': pairs[1:]}

    @api.model
    def _explain_candidate(self, candidate):
        return {
            routing.PREFIX: self.env._("Its prefix +%s is the best match.", candidate.prefix),
            routing.DEFAULT: self.env._("No prefix matches, and it is the Default Gateway."),
            routing.FIRST: self.env._(
                "No prefix matches and no Default Gateway is set: the Active gateway with the highest priority sends "
                "it, whatever its prefixes."),
        }[candidate.rule]

    @api.model
    def _get_no_gateway_reason(self):
        return self.env['sms.gateway.problem']._word(Problem('no_gateway'))
