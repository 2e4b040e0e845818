# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price of an SMS in a provider's response or delivery report."""
import re
from decimal import Decimal

_NUMBER = re.compile(r'[0-9][0-9.,]*(?:[eE][-+]?[0-9]{1,3}(?![0-9]))?|[.,][0-9]+')
_CURRENCY = re.compile(r'[A-Za-z]{3,10}')
MAX_PRICE = 10 ** 6  # more is not a price
_MAX_TEXT = 50


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
