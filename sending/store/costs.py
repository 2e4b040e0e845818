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
        self._rates, self._currency_ids, self._values = {}, {}, {}
        wanted = {}
        for company_id, own_id, currency_id, code in self._find_currencies(env, {pair for pair in pairs if pair[1]}):
            self._currency_ids[company_id] = own_id
            if currency_id == own_id:
                self._rates[company_id, code] = Decimal(1)
            else:
                wanted.setdefault((company_id, own_id), {})[currency_id] = code
        for (company_id, own_id), codes in wanted.items():
            company = env['res.company'].sudo().browse(company_id)
            rates = env['res.currency'].sudo().browse([own_id, *codes])._get_rates(company, day)
            for currency_id, code in codes.items():
                # the shortest text of a float is the number that was entered
                self._rates[company_id, code] = _ROUNDING.divide(
                    Decimal(repr(rates[own_id])), Decimal(repr(rates[currency_id])))

    @staticmethod
    def _find_currencies(env, pairs):
        """Find the currencies that are those of the companies or have rates: of any other, Odoo takes 1 as the rate.

        :return: company id, ids of its currency and the other one, and code of the latter
        :rtype: list[tuple]
        """
        if not pairs:
            return []
        for name in ('res.company', 'res.currency', 'res.currency.rate'):
            env[name].flush_model()
        env.cr.execute("""
            SELECT company.id, company.currency_id, currency.id, currency.name
            FROM unnest(%s::int[], %s::text[]) AS v(company_id, code)
            JOIN res_company company ON company.id = v.company_id
            JOIN res_currency currency ON currency.name = v.code
            WHERE currency.id = company.currency_id OR EXISTS (
                SELECT FROM res_currency_rate rate WHERE rate.currency_id = currency.id
                AND (rate.company_id IS NULL OR rate.company_id = split_part(company.parent_path, '/', 1)::int))
        """, [[company_id for company_id, _code in pairs], [code for _company_id, code in pairs]])
        return env.cr.fetchall()

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
        if (company_id, charge) not in self._values:  # most SMS of a batch cost the same
            self._values[company_id, charge] = self._make_values(company_id, charge)
        return self._values[company_id, charge]

    def _make_values(self, company_id, charge):
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
