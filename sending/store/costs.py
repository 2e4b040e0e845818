# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an SMS costs: the provider's price, else that of the price list, in the currency of the company."""
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

RESPONSE, REPORT, PRICE_LIST = 'response', 'report', 'price_list'
# Costs are not rounded to cents, so that their sum is: 100,000 of them are exact to a thousandth of a cent.
_COST = Decimal('1e-10')
_ROUNDING = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one SMS costs.

    :param price: in the provider's currency, of all segments; None if unknown
    :param currency: ISO 4217 code, or another unit such as `credits`; may be empty
    :param source: where the price comes from, empty without one
    """
    price: Decimal | None = None
    currency: str = ''
    source: str = ''


class Rates:
    """The exchange rates of the companies of a batch, in Odoo's own tables.

    :param day: date of the rates
    :param pairs: company ids and currency codes; what is no currency of Odoo has no rate
    """

    def __init__(self, env, day: date, pairs):
        self._rates, self._currency_ids = {}, {}
        codes_by_company = {}
        for company_id, code in pairs:
            if code:
                codes_by_company.setdefault(company_id, set()).add(code)
        env = env(su=True)
        companies = env['res.company'].browse(codes_by_company)
        codes = set().union(*codes_by_company.values()) - set(companies.currency_id.mapped('name'))
        foreign = env['res.currency'].with_context(active_test=False).search([('name', 'in', sorted(codes))])
        for company in companies:
            own = company.currency_id
            self._currency_ids[company.id] = own.id
            self._rates[company.id, own.name] = Decimal(1)
            wanted = (foreign | companies.currency_id).filtered(
                lambda currency, company=company: currency.name in codes_by_company[company.id]) - own
            if wanted := self._filter_rated(wanted, company):
                rates = (wanted | own)._get_rates(company, day)
                for currency in wanted:
                    # the shortest text of a float is the number that was entered
                    self._rates[company.id, currency.name] = _ROUNDING.divide(
                        Decimal(repr(rates[own.id])), Decimal(repr(rates[currency.id])))

    def _filter_rated(self, currencies, company):
        """Return the currencies that have rates: of any other, Odoo takes 1 as the rate."""
        if not currencies:
            return currencies
        domain = [('currency_id', 'in', currencies.ids), ('company_id', 'in', (False, company.root_id.id))]
        rated = currencies.env['res.currency.rate']._read_group(domain, ['currency_id'])
        return currencies.browse(currency.id for currency, in rated)

    def has(self, company_id: int, code: str) -> bool:
        """Return whether prices in this currency can be converted to that of a company."""
        return (company_id, code) in self._rates

    def get_factor(self, company_id: int, code: str) -> Decimal | None:
        """Return the price in the currency of a company of one unit of a currency, None if it has no rate."""
        return self._rates.get((company_id, code))

    def get_values(self, company_id: int, charge: Charge) -> dict:
        """Return the values of a status row for what an SMS costs, with numbers as text: JSON has binary floats only.

        The cost is empty if the price or the rate of its currency is not known.
        """
        values = {
            'price': None if charge.price is None else str(charge.price),
            'price_currency': charge.currency or None,
            'price_source': charge.source or None,
            'cost': None,
            'company_currency_id': None,
        }
        rate = self._rates.get((company_id, charge.currency))
        if charge.price is not None and rate is not None:
            cost = _ROUNDING.quantize(_ROUNDING.multiply(charge.price, rate), _COST)
            values['cost'], values['company_currency_id'] = f'{cost.normalize():f}', self._currency_ids[company_id]
        return values


def find_costs(env, queued, configs, segment_counts):
    """Return what SMS cost that their provider accepted. A price in a currency without rate, such as credits, only
    counts if the price list has none.

    :param list[QueuedSms] queued: with their results
    :param dict configs: GatewayConfig by gateway id
    :param list[int] segment_counts: of each SMS, 0 if it is not known
    :return: the values of each status row
    :rtype: list[dict]
    """
    day = env.cr.now().date()
    pairs = []  # of each SMS, its price in the response and in the price list
    for sms, segment_count in zip(queued, segment_counts, strict=True):
        said = listed = Charge()
        config = configs[sms.gateway_id]
        if sms.result.outcome == 'accepted' and not config.connection.dry_run:
            if sms.result.price is not None:
                factor = segment_count if config.answer.price.is_per_segment else 1
                said = Charge(sms.result.price * factor, sms.result.price_currency, RESPONSE)
            listed = find_listed(config.prices, sms.e164, day, segment_count)
        pairs.append((said, listed))
    rates = Rates(env, day, {
        (sms.company_id, charge.currency) for sms, pair in zip(queued, pairs, strict=True) for charge in pair})
    return [
        rates.get_values(sms.company_id, choose(rates, sms.company_id, *pair, is_final=False))
        for sms, pair in zip(queued, pairs, strict=True)]


def find_listed(prices, number, day, segment_count):
    """Return what the segments of an SMS cost according to a price list.

    :param str number: in E.164; None if it cannot be read
    :rtype: Charge
    """
    price = prices.find(number, day) if number and prices else None
    return Charge(price.amount * segment_count, price.currency, PRICE_LIST) if price else Charge()


def choose(rates, company_id, said, listed, is_final=True):
    """Return the price that the provider said, or the listed one if only that can be converted.

    :param bool is_final: whether 0 is a price: in a response, it often means that the price is not known yet
    """
    is_usable = said.price is not None and rates.has(company_id, said.currency) and (said.price or is_final)
    return listed if listed.price is not None and not is_usable else said
