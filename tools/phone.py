# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Phone numbers: country prefixes, E.164, and the number formats that providers ask for."""
import re
from collections.abc import Sequence

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

# E.164 (ITU-T) allows 15 digits; no country has numbers of fewer than 7 with their country code.
_INTERNATIONAL = re.compile(r'\+[1-9][0-9]{6,14}')
_PREFIX = re.compile(r'(?:\+|00)?([1-9][0-9]{0,14})')
# With the hyphens and the invisible direction marks that come along when a number is copied from a document.
_PUNCTUATION = re.compile(r'[\s()./\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff-]+')
_DOUBLE_ZERO = re.compile(r'[^0]*0[^0]*0')
_NOT_DIGITS = re.compile(r'[^0-9]+')
_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
_CODES_WITH_8 = frozenset(('7', '370', '375', '993'))  # of countries in which 8 is dialled before an area code
_SUSPECT = re.compile(r'\+(?:[0-9]{1,3}0|[379][0-9]{0,2}8)')  # all that `_may_have_trunk_prefix` is true of, and more


class NumberError(ValueError):
    """A number or prefix that cannot be read. The message never holds a recipient's number: it goes to logs."""


def parse_prefixes(text: str) -> tuple[str, ...]:
    """Read the Country Prefixes of a gateway; ``+92``, ``0092`` and ``92`` are the same prefix.

    :param str text: comma-separated, such as ``+1, +92,0091``
    :return: the digits of each prefix, each once, in the order of the text
    :raise NumberError: names the first entry that is not a prefix
    """
    prefixes = {}
    for entry in filter(None, map(str.strip, (text or '').split(','))):
        match = _PREFIX.fullmatch(entry)
        if not match:
            raise NumberError(f'"{entry}" is not a country prefix: type it like +92, 0092 or 92, separated by commas.')
        prefixes[match[1]] = True
    return tuple(prefixes)


def to_e164(number: str, countries: Sequence[str] = ()) -> str | None:
    """Give a number in E.164.

    A number with + or 00 is only checked for its length, unless a trunk prefix may stand in it: providers know new
    number ranges before any library does, and this path costs next to nothing. Any other number is read with the first
    country in which it is valid, else as an international one that lacks its +, if it is a valid one: a number that is
    merely possible there would reach a stranger abroad.

    :param str number: as a user typed it
    :param countries: ISO 3166 codes in order of preference: the recipient's, the company's
    :return: for example ``+923001234567``; ``None`` when the number cannot be read
    """
    cleaned = _PUNCTUATION.sub('', number or '')
    if cleaned.startswith('00'):
        cleaned = '+' + cleaned[2:]
        number = _DOUBLE_ZERO.sub('+', number, count=1)
    # The zero of "+44 (0)20 7946 0958" is not dialled from abroad; only the library knows when to drop it.
    if _INTERNATIONAL.fullmatch(cleaned) and '(0' not in number:
        return _without_trunk_prefix(cleaned) if _may_have_trunk_prefix(cleaned) else cleaned
    if not cleaned:
        return None
    for country in filter(None, countries):
        parsed = _parse(number, country)
        if parsed and phonenumbers.is_valid_number(parsed):
            return _e164(parsed)
    if cleaned.startswith('+'):
        parsed = _parse(number)
        return _e164(parsed) if parsed and phonenumbers.is_possible_number(parsed) else None
    parsed = _parse('+' + cleaned)
    return _e164(parsed) if parsed and phonenumbers.is_valid_number(parsed) else None


def _may_have_trunk_prefix(e164: str) -> bool:
    if not _SUSPECT.match(e164):
        return False
    for end in (2, 3, 4):
        code = e164[1:end]
        if code in _CODES:
            return e164[end] == '0' or (e164[end] == '8' and code in _CODES_WITH_8)
    return False


def _without_trunk_prefix(e164: str) -> str:
    """Drop what is dialled within a country only, from "+46 0736829291" for example, where the number is valid without
    it and not with it: a zero belongs to numbers of Italy and others."""
    parsed = _parse(e164)  # leaves it out, where the country has one
    if not parsed or not phonenumbers.is_valid_number(parsed):
        return e164
    digits = e164[1 + len(str(parsed.country_code)):]
    typed = phonenumbers.PhoneNumber(parsed.country_code, int(digits))
    zeros = len(digits) - len(digits.lstrip('0'))
    if zeros:
        typed.italian_leading_zero, typed.number_of_leading_zeros = True, zeros
    return e164 if phonenumbers.is_valid_number(typed) else _e164(parsed)


def format_number(number: str, number_format: str, countries: Sequence[str] = ()) -> str:
    """Write a number the way a provider wants it (SPEC section 2, Number Format).

    :param str number: as a user typed it
    :param str number_format: ``e164`` +923001234567, ``international`` 923001234567, ``double_zero`` 00923001234567,
        ``national`` 03001234567 (with the trunk prefix of the country), ``significant`` 3001234567 (without it),
        ``raw`` as stored
    :param countries: see :func:`to_e164`
    :raise NumberError: when the number cannot be read; never for ``raw``
    """
    if number_format == 'raw':
        return number
    e164 = to_e164(number, countries)
    if not e164:
        raise NumberError('The number cannot be read: type it with + and the country code, such as +923001234567.')
    if number_format == 'e164':
        return e164
    if number_format == 'international':
        return e164[1:]
    if number_format == 'double_zero':
        return '00' + e164[1:]
    if number_format == 'national':
        return _national(e164)
    if number_format == 'significant':
        return _significant(e164)
    raise ValueError(f'unknown number format {number_format!r}')


def _national(e164: str) -> str:
    return _NOT_DIGITS.sub('', phonenumbers.format_number(_parse_e164(e164), PhoneNumberFormat.NATIONAL))


def _significant(e164: str) -> str:
    return phonenumbers.national_significant_number(_parse_e164(e164))


def _parse_e164(e164: str):
    parsed = _parse(e164)
    if not parsed:
        raise NumberError('The number has no national form, because its country code is unknown.')
    return parsed


def _parse(number: str, country: str | None = None):
    """Give the library's number, ``None`` for what is none. An extension cannot receive an SMS."""
    try:
        parsed = phonenumbers.parse(number, country)
    except NumberParseException:
        return None
    return None if parsed.extension else parsed


def _e164(parsed) -> str:
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
