# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The price of an SMS in a provider's response."""
import re

_NUMBER = re.compile(r'[-+]?[0-9]*[.,]?[0-9]+')
_CURRENCY = re.compile(r'[A-Za-z]{3,10}')
MAX_PRICE = 1e6  # more is not a price


def read_price(text: str) -> tuple[float | None, str]:
    """Read a price, which some providers write as a negative number or with its currency.

    :param text: such as `0.07`, `-0.00750` or `KES 0.8000`
    :return: the amount, None if there is none, and the currency, empty if the text has none
    """
    number, currency = _NUMBER.search(text), _CURRENCY.search(text)
    if not number:
        return None, ''
    amount = abs(float(number[0].replace(',', '.')))
    return (amount if amount < MAX_PRICE else None), currency[0].upper() if currency else ''
