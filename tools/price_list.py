# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a provider charges for an SMS to a number, by prefix and date."""
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Price(NamedTuple):
    """The price of one segment.

    :param currency: ISO 4217 code
    """
    amount: Decimal
    currency: str


class PriceList:
    """The prices of one gateway. Empty lists are false.

    :param rows: prefix as digits, empty for all other numbers; first day; price
    """

    def __init__(self, rows: Iterable[tuple[str, date, Price]] = ()):
        self._by_prefix = {}
        for prefix, valid_from, price in sorted(rows, key=lambda row: row[:2]):
            days, prices = self._by_prefix.setdefault(prefix, ([], []))
            days.append(valid_from)
            prices.append(price)
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)

    def __bool__(self):
        return bool(self._by_prefix)

    def get_currencies(self) -> set[str]:
        """Return the currencies of all prices."""
        return {price.currency for _days, prices in self._by_prefix.values() for price in prices}

    def find(self, e164: str, on: date) -> Price | None:
        """Return the price of one segment: that of the longest prefix with a price on this day, the latest one.

        :param e164: such as `+32456001122`
        :param on: day on which the SMS is sent, in UTC
        :return: None if no price applies
        """
        digits = e164.removeprefix('+')
        for length in self._lengths:
            days, prices = self._by_prefix.get(digits[:length], ((), ()))
            if position := bisect_right(days, on):
                return prices[position - 1]
        return None


NO_PRICES = PriceList()
