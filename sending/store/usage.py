# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What SMS use before they are sent: their segments, and their cost by the price list."""
from dataclasses import dataclass
from decimal import Decimal

from ...tools.budget import Usage
from ...tools.gsm import count_segments
from .costs import Charge, Rates, find_listed


@dataclass(frozen=True, slots=True)
class Text:
    """What is measured: the text of an SMS and who sends it.

    :param number: in E.164, None if it cannot be read
    """
    company_id: int
    gateway_id: int | bool
    number: str | None
    body: str


def measure(env, configs, texts, has_costs):
    """Measure what SMS use; nothing in a dry run.

    :param dict configs: GatewayConfig by gateway id
    :param list[Text] texts:
    :param bool has_costs: whether their cost by the price list is needed
    :rtype: list[Usage]
    """
    known, pairs = {}, []  # each text is counted once, because those of a mailing are often the same
    day = env.cr.now().date()
    for text in texts:
        config = configs.get(text.gateway_id)
        if not config or config.connection.dry_run:
            pairs.append((0, Charge()))
            continue
        key = text.gateway_id, text.body
        if key not in known:
            known[key] = count_segments(config.encode(text.body)).count
        charge = find_listed(config.prices, text.number, day, known[key]) if has_costs else Charge()
        pairs.append((known[key], charge))
    if not has_costs:
        return [Usage(segments) for segments, _charge in pairs]
    rates = Rates(env, day, {
        (text.company_id, charge.currency) for text, (_segments, charge) in zip(texts, pairs, strict=True)})
    costs = [rates.get_values(text.company_id, charge)['cost'] for text, (_, charge) in zip(texts, pairs, strict=True)]
    return [
        Usage(segments, None if cost is None else Decimal(cost))
        for (segments, _charge), cost in zip(pairs, costs, strict=True)]
