# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Choose the gateway for an SMS and the ones to try next (doc/behaviour.md section 4). Pure: independent of Odoo."""
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from ..tools.phone import get_country
from .cheapest import Cheapest

MIN_HEALTH = 5  # percent of its share that an unhealthy gateway keeps, which shows when it recovers
PREFIX, DEFAULT, FIRST, SPARE = 'prefix', 'default', 'first', 'spare'


@dataclass(frozen=True, slots=True)
class Route:
    """An Active, unarchived gateway as routing sees it.

    :param prefixes: country prefixes as digits, without + or 00
    :param company_id: the company that it serves, None for every company
    :param paused: whether it is paused; it is skipped while another gateway can send the SMS
    :param countries: ISO codes of the only countries that it sends to, empty for all
    :param weight: its share of the numbers among gateways of equal priority and prefix; with 0 it is a spare one
    :param health: percent of its share that it gets, less after errors and slow responses
    :param is_dry_run: whether it sends nothing, so that it is not used for fail over, and no other is after it
    """
    gateway_id: int
    sequence: int = 10
    prefixes: tuple[str, ...] = ()
    company_id: int | None = None
    failover: bool = True
    paused: bool = False
    is_dry_run: bool = False
    countries: frozenset[str] = frozenset()
    weight: int = 0
    health: float = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """A gateway for one SMS and the rule that selects it: its `prefix` matches, it is the `default` or the `first`
    Active one, or it is a `spare` one without prefixes that is only used for fail over."""
    gateway_id: int
    rule: str
    prefix: str = ''


class RoutingTable:
    """The order of gateways for each number, for the SMS of one company.

    :param routes: every Active gateway; those of other companies are left out here
    :param company_id: the company of the SMS
    :param default_ids: the Default Gateways, that of the company first; those that are not among the routes are ignored
    :param cheapest: how the company chooses among equal gateways, None if their prices do not count
    """

    def __init__(
            self, routes: Iterable[Route], company_id: int | None, default_ids: Iterable[int] = (),
            cheapest: Cheapest | None = None):
        allowed = [route for route in routes if route.company_id in (None, company_id)]
        self._routes = sorted(allowed, key=lambda route: (route.sequence, route.gateway_id))
        self._company_id = company_id
        self._cheapest = cheapest
        self._has_countries = any(route.countries for route in self._routes)
        self._by_country: dict[str | None, RoutingTable] = {}
        self._by_id = {route.gateway_id: route for route in self._routes}
        self._defaults = [gateway_id for gateway_id in default_ids if gateway_id in self._by_id]
        self._by_prefix: dict[str, list[Route]] = {}
        for route in self._routes:
            for prefix in route.prefixes:
                self._by_prefix.setdefault(prefix, []).append(route)
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)
        self._known: dict[str, tuple[tuple[Candidate, ...], ...]] = {}

    def has(self, gateway_id: int | None) -> bool:
        """Return whether this gateway may send for the company, whatever the number."""
        return gateway_id in self._by_id

    def candidates(self, e164: str | None) -> tuple[Candidate, ...]:
        """Return the gateways that may send to a number, in the order in which they are tried.

        :param e164: the number in E.164 with +, None if it is invalid (rule 3)
        :return: the chosen gateway first; empty if there is none (rule 4)
        """
        if self._has_countries:
            return self._get_table_of_country(get_country(e164)).candidates(e164)
        digits = (e164 or '').lstrip('+')
        head = digits[:self._lengths[0]] if self._lengths else ''
        if head not in self._known:
            ordered = self._order(head)
            equal = self._find_equal(ordered)
            self._known[head] = ordered, equal, self._apply_pauses(self._separate_dry_runs(ordered))
        ordered, equal, usable = self._known[head]
        if not equal:
            return usable
        prices = self._find_prices(equal, e164)
        shared = (
            *sorted(equal, key=lambda candidate: self._rank(candidate, digits, prices)), *ordered[len(equal):])
        return self._apply_pauses(self._separate_dry_runs(shared))

    def find_price(self, e164: str | None) -> Decimal | None:
        """Return the price for which a gateway is chosen, in the currency of the company.

        :return: None if the first candidate is not chosen for its price
        """
        if self._has_countries:
            return self._get_table_of_country(get_country(e164)).find_price(e164)
        candidates = self.candidates(e164)
        _ordered, equal, _usable = self._known[(e164 or '').lstrip('+')[:self._lengths[0]] if self._lengths else '']
        prices = self._find_prices(equal, e164)
        return prices.get(candidates[0].gateway_id) if candidates and len(prices) > 1 else None

    def _find_prices(self, equal: tuple[Candidate, ...], e164: str | None) -> dict[int, Decimal]:
        """Return the prices of equal gateways that may be chosen for them. Spare gateways never are."""
        if not self._cheapest:
            return {}
        has_weight = any(self._by_id[candidate.gateway_id].weight for candidate in equal)
        return self._cheapest.find_prices((
            candidate.gateway_id for candidate in equal
            if self._by_id[candidate.gateway_id].weight or not has_weight), e164)

    def _get_table_of_country(self, country: str | None) -> 'RoutingTable':
        """Return the order of the gateways that may send to a country."""
        if country not in self._by_country:
            self._by_country[country] = RoutingTable(
                [replace(route, countries=frozenset()) for route in self._routes
                 if not route.countries or country in route.countries], self._company_id, self._defaults,
                self._cheapest)
        return self._by_country[country]

    def _find_equal(self, ordered: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """Return the first gateways that share numbers: of equal priority and prefix length.

        :return: empty if none of them has a weight, unless their prices count
        """
        def get_kind(candidate):
            route = self._by_id[candidate.gateway_id]
            is_general = candidate.rule in (FIRST, SPARE) and not route.prefixes
            return SPARE if is_general else candidate.rule, route.sequence, len(candidate.prefix)

        kinds = [get_kind(candidate) for candidate in ordered]
        count = next((place for place, kind in enumerate(kinds) if kind != kinds[0]), len(kinds))
        equal = ordered[:count] if count > 1 else ()
        return equal if self._cheapest or any(self._by_id[candidate.gateway_id].weight for candidate in equal) else ()

    def _rank(self, candidate: Candidate, digits: str, prices: dict[int, Decimal]) -> tuple[float, float]:
        """Return the place of a gateway for one number: by its price, then by weighted rendezvous hashing, by which a
        number keeps its gateway, and few numbers move when a share changes."""
        return prices.get(candidate.gateway_id, math.inf), self._rank_by_weight(candidate, digits)

    def _rank_by_weight(self, candidate: Candidate, digits: str) -> float:
        route = self._by_id[candidate.gateway_id]
        if not route.weight:
            return math.inf
        digest = hashlib.blake2b(f'{digits} {route.gateway_id}'.encode(), digest_size=8).digest()
        chance = (int.from_bytes(digest, 'big') + 1) / (2 ** 64 + 1)
        return -math.log(chance) / (route.weight * max(route.health, MIN_HEALTH))

    def _order(self, head: str) -> tuple[Candidate, ...]:
        ordered = self._matches(head)
        ordered += [Candidate(gateway_id, DEFAULT) for gateway_id in self._defaults]
        if not ordered and self._routes:
            ordered.append(Candidate(self._routes[0].gateway_id, FIRST))
        ordered += [Candidate(route.gateway_id, SPARE) for route in self._routes if not route.prefixes]
        first_places: dict[int, Candidate] = {}
        for candidate in ordered:
            first_places.setdefault(candidate.gateway_id, candidate)
        return tuple(first_places.values())

    def _separate_dry_runs(self, ordered: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """Never fail over between dry-run gateways and others: an SMS is either sent or simulated."""
        if ordered and self._by_id[ordered[0].gateway_id].is_dry_run:
            return ordered[:1]
        return tuple(candidate for candidate in ordered if not self._by_id[candidate.gateway_id].is_dry_run)

    def _matches(self, head: str) -> list[Candidate]:
        """Apply rule 2: the lowest sequence first, then the longest prefix, then the older gateway."""
        found: dict[int, str] = {}
        for length in self._lengths:  # longest first, so that a gateway keeps its longest prefix
            prefix = head[:length]
            if len(prefix) == length:
                for route in self._by_prefix.get(prefix, ()):
                    found.setdefault(route.gateway_id, prefix)

        def rank(item):
            gateway_id, prefix = item
            return self._by_id[gateway_id].sequence, -len(prefix), gateway_id

        return [Candidate(gateway_id, PREFIX, prefix) for gateway_id, prefix in sorted(found.items(), key=rank)]

    def _apply_pauses(self, ordered: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """Remove paused gateways unless all are paused. A gateway without Fail Over is the last."""
        usable = []
        for candidate in ordered:
            route = self._by_id[candidate.gateway_id]
            if not route.paused:
                usable.append(candidate)
            if not route.failover:
                break
        return tuple(usable) or ordered[:1]
