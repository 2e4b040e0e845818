# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price of an SMS in a provider's response or delivery report."""
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from . import bounded_regex

_NUMBER = re.compile(r'[0-9][0-9.,]*(?:[eE][-+]?[0-9]{1,3}(?![0-9]))?|[.,][0-9]+')
_CURRENCY = re.compile(r'[A-Za-z]{3,10}')
MAX_PRICE = 10 ** 6  # more is not a price
MAX_CURRENCY = 10  # characters
MAX_SEGMENTS = 255  # the length of the header field, 3GPP TS 23.040 section 9.2.3.24.1
_MAX_TEXT = 50


@dataclass(frozen=True)
class PriceRules:
    """Where a provider says what an SMS costs. Paths are relative to an item, as those of `AnswerRules`.

    :param path: of the price
    :param currency_path: in an item or the whole response, as `segments_path`
    :param currency: of prices without one
    :param segments_path: of the number of segments
    :param regex: finds the named groups `price`, `currency` and `segments` in a text, for what has no path
    :param unit_value: what one unit of the price is worth: 0.0001 if 3500 is 0.35, or the price of one credit
    :param is_per_segment: whether the price is that of one segment
    """
    path: str = ''
    currency_path: str = ''
    currency: str = ''
    segments_path: str = ''
    regex: str = ''
    unit_value: Decimal = Decimal(1)
    is_per_segment: bool = False


class Said(NamedTuple):
    """What a provider says about the cost of one SMS.

    :param amount: None if it does not say it; of one segment if the rules say so
    :param segments: 0 if it does not say it
    """
    amount: Decimal | None = None
    currency: str = ''
    segments: int = 0


def read_said(rules: PriceRules, price: str, currency: str, segments: str, text: str = '') -> Said:
    """Return what a provider says about the cost of an SMS.

    :param price: these and the next two are texts, empty if the path has none
    :param text: about this SMS alone, in which the regular expression searches for the rest
    """
    if rules.regex and text and not (price and segments):
        found = bounded_regex.find(rules.regex, text, limit=1)
        row = found.rows[0] if found.rows else ()
        price, currency, segments = (
            known or (row[found.names[name]] or '' if row and name in found.names else '')
            for name, known in (('price', price), ('currency', currency), ('segments', segments)))
    amount, written = read_price(price)
    if amount is not None:
        amount *= rules.unit_value
        if not amount.is_finite() or not 0 <= amount < MAX_PRICE:  # a wrong unit value must not stop saving
            amount = None
    count = int(segments) if segments.isascii() and segments.isdigit() and len(segments) < 4 else 0
    return Said(
        amount,
        '' if amount is None else (written or currency or rules.currency)[:MAX_CURRENCY],
        count if count <= MAX_SEGMENTS else 0)


def read_price(text: str) -> tuple[Decimal | None, str]:
    """Read a price, which some providers write as a negative number or with its currency.

    :param text: such as `0.07`, `-0.00750` or `KES 0.8000`
    :return: the amount with all of its digits, None if there is none, and the currency, empty if the text has none
    """
    text = text[:_MAX_TEXT]
    number, currency = _NUMBER.search(text), _CURRENCY.search(text)
    if not number:
        return None, ''
    amount = Decimal(_normalize(number[0]))
    return (amount if amount < MAX_PRICE else None), currency[0].upper() if currency else ''


def _normalize(number):
    """Return a number with a decimal point and without thousands separators."""
    number = number.rstrip('.,')
    last = max(number.rfind('.'), number.rfind(','))
    if last < 0:
        return number
    whole, fraction = number[:last], number[last + 1:]
    if number[last] in whole:  # 1,234,567
        return re.sub('[.,]', '', number)
    return f"{re.sub('[.,]', '', whole) or '0'}.{fraction}"
