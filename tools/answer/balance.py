# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Read the balance of an account from the response of a provider."""
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ..paths import all_texts, load_json
from .bounded_regex import find

MAX_DIGITS = 15  # before the decimal point; more cannot be an amount


@dataclass(frozen=True, slots=True)
class BalanceRules:
    """Where a response contains the balance.

    :param amount_path: dotted path of a JSON response; empty for the whole response
    :param amount_regex: finds the amount in the text at the path: the group `amount` if named, else the first group;
        a group `currency` is the currency
    :param divisor: number of units of the response that make one of the currency
    :param currency: used if the response contains none
    """
    amount_path: str = ''
    amount_regex: str = ''
    divisor: int = 1
    currency_path: str = ''
    currency: str = ''


@dataclass(frozen=True, slots=True)
class Balance:
    amount: float
    currency: str


def read_balance(rules: BalanceRules, text: str) -> Balance | None:
    """Return the balance, None if the response contains none."""
    document = _load(text) if rules.amount_path or rules.currency_path else None
    amount = next(all_texts(document, rules.amount_path), '') if rules.amount_path else text
    currency = next(all_texts(document, rules.currency_path), '')
    if rules.amount_regex:
        found = find(rules.amount_regex, amount, 2)
        if not found.rows:
            return None
        row = found.rows[0]
        currency = currency or (row[found.names['currency']] if 'currency' in found.names else '')
        amount = row[found.names.get('amount', min(found.groups, 1))]
    number = _read_number(amount)
    return None if number is None else Balance(float(number / (rules.divisor or 1)), currency or rules.currency)


def _load(text):
    try:
        return load_json(text)
    except ValueError:
        return None


def _read_number(text):
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < MAX_DIGITS else None
