# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Phone numbers: country prefixes, E.164, and the number formats that providers ask for."""
import re
from collections.abc import Sequence
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat

from .problem import ProblemError

# E.164 (ITU-T) allows 15 digits; no country has numbers of fewer than 7 with their country code.
_INTERNATIONAL = re.compile(r'\+[1-9][0-9]{6,14}')
_PREFIX = re.compile(r'(?:\+|00)?([1-9][0-9]{0,14})')
# Includes the hyphens and invisible direction marks of numbers that are copied from documents.
_PUNCTUATION = re.compile(r'[\s()./\u2010-\u2015\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff-]+')
# What no single number contains and a provider might read as its end: separators, line breaks, quotes, brackets.
_SEVERAL = re.compile(
    '[,;|&"\'\\[\\]{}<>\u060c\u061b\u3001\uff0c\uff1b\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|[0-9][^0-9]*[+]')
_DOUBLE_ZERO = re.compile(r'[^0]*0[^0]*0')
# Inmarsat, GMSS (Iridium, Globalstar), international networks, international premium rate (ITU-T E.164)
_SATELLITE = '+870', '+881', '+882', '+883', '+979'
_NOT_DIGITS = re.compile(r'[^0-9]+')
_PREFIXES = {'e164': '+', 'international': '', 'double_zero': '00'}  # of formats with the country code


class NumberError(ProblemError):
    """A number or prefix that cannot be read. It never contains a recipient's number."""


def parse_prefixes(text: str) -> tuple[str, ...]:
    """Read the Country Prefixes of a gateway; ``+92``, ``0092`` and ``92`` are the same prefix.

    :param str text: comma-separated, such as ``+1, +92,0091``
    :return: the digits of each prefix, without duplicates, in the order of the text
    :raise NumberError: with the first entry that is not a prefix
    """
    prefixes = {}
    for entry in filter(None, map(str.strip, (text or '').split(','))):
        match = _PREFIX.fullmatch(entry)
        if not match:
            raise NumberError('invalid_prefix', entry=entry)
        prefixes[match[1]] = True
    return tuple(prefixes)


def to_e164(number: str, countries: Sequence[str] = ()) -> str | None:
    """Return a number in E.164.

    Of a number with + or 00 only the length is checked: providers know new number ranges before any library does, and
    this path is fast. A trunk prefix after its country code is dropped if the number is valid only without it. Any
    other number is read with the first country in which it is valid, else as an international number without its +,
    which must be valid too: a number that is only possible might belong to somebody else.

    :param str number: as a user entered it
    :param countries: ISO 3166 codes in order of preference: the recipient's, the company's
    :return: for example ``+923001234567``; ``None`` if the number cannot be read
    """
    cleaned = _PUNCTUATION.sub('', number or '')
    if cleaned.startswith('00'):
        cleaned = '+' + cleaned[2:]
        number = _DOUBLE_ZERO.sub('+', number, count=1)
    # The zero of "+44 (0)20 7946 0958" is not dialed from abroad; only the library knows when to drop it.
    if _INTERNATIONAL.fullmatch(cleaned) and '(0' not in number:
        return _drop_trunk_prefix(cleaned) if cleaned.startswith(_trunk_starts(cleaned[:4])) else cleaned
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


@lru_cache(maxsize=1000)  # all there are
def _trunk_starts(start: str) -> tuple[str, ...]:
    """Return how E.164 numbers start that may have a trunk prefix, usually a zero, after the country code.

    :param start: + and the first three digits, of which one to three are the country code
    :return: for example ``('+440',)``; empty for an unknown country code
    """
    code = _country_code(start)
    if not code:
        return ()
    region = phonenumbers.region_code_for_country_code(int(code))
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    trunk = re.compile((metadata and metadata.national_prefix_for_parsing) or '0')
    return tuple(f'+{code}{digit}' for digit in '0123456789' if digit == '0' or trunk.fullmatch(digit))


def _country_code(e164: str) -> str:
    """Return the country code of a number with +, empty if it is unknown."""
    return _find_country_code(e164[:4])


@lru_cache(maxsize=1000)  # all there are
def _find_country_code(start: str) -> str:
    codes = (start[1:end] for end in (2, 3, 4))
    return next((code for code in codes if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), '')


@lru_cache(maxsize=2000)  # numbers of two claims: routing and each limit for countries ask for the same ones
def get_country(e164: str | None) -> str | None:
    """Return the ISO 3166 code of the country of a number in E.164, None if it has none or is not a number."""
    parsed = e164 and _parse(e164)
    return phonenumbers.region_code_for_number(parsed) if parsed else None


@lru_cache(maxsize=20_000)
def get_prefix_country(prefix: str) -> str | None:
    """Return the ISO 3166 code of the country of a prefix without +, such as `49` or `1876` (Jamaica).

    :return: the main country if several share the prefix; None for unknown and international prefixes
    """
    code = _country_code(f'+{prefix}') if prefix.isdecimal() else ''
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ())
    if len(regions) > 1:  # the area code decides
        metadata = (PhoneMetadata.metadata_for_region(region) for region in regions)
        regions = [
            region.id for region in metadata if region and region.leading_digits
            and re.match(region.leading_digits, prefix[len(code):])] or regions[:1]
    return regions[0] if regions and regions[0] != '001' else None


def is_premium_or_satellite(e164: str) -> bool:
    """Return whether an SMS to a number in E.164 can cost much more than others.

    A hundred times as fast as `phonenumbers.number_type`, with the same metadata.
    """
    if e164.startswith(_SATELLITE):
        return True
    code = _country_code(e164)
    return bool(_premium_pattern(code).fullmatch(e164, 1 + len(code)))


@lru_cache(maxsize=300)
def _premium_pattern(code: str) -> re.Pattern:
    """Return what matches the premium-rate numbers after a country code."""
    patterns = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ()):
        metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
        if metadata and metadata.premium_rate and metadata.premium_rate.national_number_pattern:
            patterns.append(metadata.premium_rate.national_number_pattern)
    return re.compile('|'.join(f'(?:{pattern})' for pattern in patterns) or '(?!)')


def _drop_trunk_prefix(e164: str) -> str:
    """Remove the trunk prefix, which is dialed only within the country.

    Whether there is one depends on the digits: in Italy and in parts of Africa the zero belongs to the number.
    """
    code = _country_code(e164)
    digits = e164[1 + len(code):]
    if phonenumbers.is_valid_number(_as_typed(code, digits)):
        return e164
    # The library knows longer prefixes, such as 06 in Hungary, but not the zero where a country has none.
    for parsed in (_parse(e164), _as_typed(code, digits[1:])):
        if parsed and phonenumbers.is_valid_number(parsed):
            return _e164(parsed)
    return e164


def _as_typed(code: str, digits: str) -> PhoneNumber:
    """Return the library's number with all of its digits; its parser might drop leading zeros."""
    zeros = len(digits) - len(digits.lstrip('0'))
    return PhoneNumber(
        country_code=int(code), national_number=int(digits or 0), italian_leading_zero=bool(zeros) or None,
        number_of_leading_zeros=zeros if zeros > 1 else None)


def format_number(
        number: str, number_format: str, countries: Sequence[str] = (), separator: str = '',
        prefixes: Sequence[str] = (), e164: str | None = None) -> str:
    """Format a number as a provider expects it (doc/behaviour.md section 2, Number Format).

    :param str number: as a user entered it
    :param str number_format: ``e164`` +923001234567, ``international`` 923001234567, ``double_zero`` 00923001234567,
        ``national`` 03001234567 (with the trunk prefix of the country), ``significant`` 3001234567 (without it),
        ``raw`` as stored
    :param countries: see :func:`to_e164`
    :param separator: between the numbers of a request
    :param prefixes: of the countries that the gateway serves, see :func:`parse_prefixes`
    :param e164: the number in E.164, if it is known
    :raise NumberError: if the number cannot be read; for ``raw`` if the provider might read it as several numbers; if
        the format leaves out the country code and the gateway does not serve the country
    """
    if number_format == 'raw':
        if _SEVERAL.search(number) or (separator and separator in number):
            raise NumberError('number_may_be_several')
        return number
    e164 = e164 or to_e164(number, countries)
    if not e164:
        raise NumberError('number_unreadable')
    if number_format in _PREFIXES:
        return _PREFIXES[number_format] + e164[1:]
    if prefixes and not e164[1:].startswith(tuple(prefixes)):
        raise NumberError('number_of_another_country')  # without its country code it is the number of a stranger
    parsed = _parse(e164)
    if not parsed:
        raise NumberError('number_has_no_national_form')
    if number_format == 'national':
        return _NOT_DIGITS.sub('', phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL))
    if number_format == 'significant':
        return phonenumbers.national_significant_number(parsed)
    raise ValueError(f'unknown number format {number_format!r}')


def get_spellings(e164: str) -> list[str]:
    """Return a number and how Odoo formats it in a contact, ``+32 456 00 11 22``, which is what code copies to SMS.

    :param str e164: in E.164; anything else is returned unchanged
    """
    parsed = _parse(e164) if _INTERNATIONAL.fullmatch(e164) else None
    return [e164, phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)] if parsed else [e164]


def _parse(number: str, country: str | None = None):
    """Return the library's number, ``None`` if it is not one. An extension cannot receive an SMS."""
    try:
        parsed = phonenumbers.parse(number, country)
    except NumberParseException:
        return None
    return None if parsed.extension else parsed


def _e164(parsed) -> str:
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
