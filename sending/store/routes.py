# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Choose the gateways of claimed SMS, and let those wait whose gateways are paused."""
from dataclasses import dataclass, replace

from ..gateway_config import GatewayConfig
from ..pauses import WAITING
from ..queued_sms import Probe, QueuedSms, not_sent
from ..retry import RETRY_FOR
from ..routing import Route, RoutingTable

PROBE_DELAY = 5  # seconds that SMS are delayed while another SMS tests their gateway


@dataclass(frozen=True, slots=True)
class Routes:
    """What candidates are chosen from.

    :param configs: of all Active gateways by id
    :param routes: the same gateways as routing sees them
    :param default_ids: ids of the Default Gateways by company id
    :param cheapest: Cheapest by company id
    """
    configs: dict[int, GatewayConfig]
    routes: list[Route]
    default_ids: dict[int, list]
    cheapest: dict

    @property
    def half_open(self) -> set[int]:
        return {gateway_id for gateway_id, config in self.configs.items() if config.shared.is_half_open}

    def without(self, gateway_ids: set[int]) -> 'Routes':
        """Return the same with these gateways paused."""
        return replace(self, routes=[
            replace(route, paused=route.paused or route.gateway_id in gateway_ids) for route in self.routes])

    def set_candidates(self, queued: list[QueuedSms]):
        tables = {
            company_id: RoutingTable(
                self.routes, company_id, self.default_ids[company_id], self.cheapest.get(company_id))
            for company_id in {sms.company_id for sms in queued}}
        for sms in queued:
            table = tables[sms.company_id]
            if table.has(sms.forced_gateway_id):
                sms.candidates = (sms.forced_gateway_id,)
            else:
                sms.candidates = tuple(candidate.gateway_id for candidate in table.candidates(sms.e164))


def route(env, queued):
    """Set the candidates of each SMS.

    :param list[QueuedSms] queued: locked
    :rtype: Routes
    """
    gateways = env['sms.gateway'].sudo()
    companies = env['res.company'].browse({sms.company_id for sms in queued})
    states = env['sms.gateway.throttle']._get_states()
    routes, default_ids = gateways._get_routes(states), gateways._get_default_gateway_ids(companies)
    gateway_ids = [route.gateway_id for route in routes]
    chosen = Routes(
        gateways.browse(gateway_ids)._get_configs(states), routes, default_ids,
        gateways._get_cheapest(companies, gateway_ids))
    chosen.set_candidates(queued)
    return chosen


def wait_for_gateways(env, queued, routes, is_held):
    """Set the delay of the SMS whose candidates are paused. One SMS tests whether a half open gateway works again.

    :param list[QueuedSms] queued: locked, with their candidates and refusals
    :param Routes routes: of `route`
    :param is_held: returns whether an SMS has to wait, whatever the state of its gateway. It is no test then
    """
    if half_open := routes.half_open:
        _probe(env, queued, routes, half_open, is_held)
    if any(route.paused for route in routes.routes):
        _wait_for_pauses(env, queued)


def _probe(env, queued, routes, half_open, is_held):
    """Let one SMS test each half open gateway, and treat it as paused for the others."""
    testers = {}
    for sms in queued:
        if (sms.gateway_id in half_open and sms.gateway_id not in testers and sms.can_be_sent and not is_held(sms)
                and (sms.e164 or routes.configs[sms.gateway_id].number_format == 'raw')):
            testers[sms.gateway_id] = sms
    if testers:
        throttles = env['sms.gateway.throttle']
        # all at once: this claim may reserve places of any rate limit afterwards
        throttles._lock(testers.keys() | {
            gateway_id for gateway_id, config in routes.configs.items() if config.rate_limit})
        for gateway_id, until in throttles._take_probes(testers).items():
            testers[gateway_id].probe = Probe(gateway_id, until)
    others = [sms for sms in queued if not sms.probe and half_open.intersection(sms.candidates)]
    routes.without(half_open).set_candidates(others)
    for sms in others:
        if sms.gateway_id in half_open and _can_wait(sms) and not is_held(sms):  # no other gateway can send it
            sms.delay = PROBE_DELAY


def give_back_probes(env, queued):
    """Let another SMS test the gateways of those that were to test them, and were not sent.

    :param list[QueuedSms] queued: with or without a probe
    """
    probes = [sms.probe for sms in queued if sms.probe]
    if probes:
        env['sms.gateway.throttle']._give_back_probes({probe.gateway_id: probe.until for probe in probes})


def _wait_for_pauses(env, queued):
    """Delay SMS whose first candidate is paused, because then all are paused; but not forever."""
    pauses = env['sms.gateway.throttle']._get_pauses()
    for sms in queued:
        if sms.gateway_id in pauses and not sms.probe and _can_wait(sms):
            seconds, pause = pauses[sms.gateway_id]
            sms.delay = max(1, round(seconds))
            sms.reason = not_sent('', WAITING[pause.kind], pause.words)


def _can_wait(sms):
    return sms.age < RETRY_FOR and sms.seconds_left > 0
