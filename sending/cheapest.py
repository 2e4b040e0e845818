# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The cheapest of equal gateways, unless it delivers worse than the others (doc/cost.md). Pure: independent of Odoo."""
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ..tools.phone import get_country
from ..tools.price_list import PriceList

MIN_KNOWN = 50  # SMS whose delivery is known; of fewer, a rate says little
ALL = ''  # key of the delivery rate of all countries


@dataclass(frozen=True, slots=True)
class DeliveryRate:
    """
    :param percent: delivered SMS among those whose delivery is known
    :param known: number of SMS whose delivery is known
    """
    percent: float
    known: int


@dataclass(frozen=True)
class Cheapest:
    """How a company chooses among gateways of equal priority and prefix length.

    :param points: percentage points by which a delivery rate may be below the best one
    :param prices: {gateway id: its price list}
    :param rates: {ISO 4217 code: factor to the currency of the company}; what is missing cannot be compared
    :param delivery: {gateway id: {ISO code of a country, or ALL: DeliveryRate}}
    :param day: whose prices apply, in UTC
    """
    points: int
    prices: Mapping[int, PriceList]
    rates: Mapping[str, Decimal]
    delivery: Mapping[int, Mapping[str, DeliveryRate]] = field(default_factory=dict)
    day: date = date.min

    def find_prices(self, gateway_ids: Iterable[int], e164: str | None) -> dict[int, Decimal]:
        """Return what a segment to a number costs at those of the gateways that may be chosen for their price.

        :param e164: the number with +, None if it is invalid
        :return: in the currency of the company; empty if the number is invalid or no price is known
        """
        if not e164:
            return {}
        gateway_ids = list(gateway_ids)
        prices = {}
        for gateway_id in gateway_ids:
            price = self.prices[gateway_id].find(e164, self.day) if gateway_id in self.prices else None
            if price and price.currency in self.rates:
                prices[gateway_id] = price.amount * self.rates[price.currency]
        if len(prices) < 2 or not self.delivery:
            return prices
        country = get_country(e164)
        percents = {gateway_id: self._find_percent(gateway_id, country) for gateway_id in gateway_ids}
        best = max((percent for percent in percents.values() if percent is not None), default=0)
        return {
            gateway_id: price for gateway_id, price in prices.items()
            if percents[gateway_id] is None or percents[gateway_id] >= best - self.points}

    def _find_percent(self, gateway_id: int, country: str | None) -> float | None:
        """Return the delivery rate in a country, else in all; None if too few SMS are known."""
        rates = self.delivery.get(gateway_id, {})
        found = (rates[key] for key in (country or ALL, ALL) if key in rates)
        return next((rate.percent for rate in found if rate.known >= MIN_KNOWN), None)
