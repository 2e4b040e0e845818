# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Matches a provider's words with the lists of a gateway: status values and failure codes (doc/behaviour.md
section 2)."""
import fnmatch
import glob
import itertools
import re
from functools import lru_cache
from typing import NamedTuple

# What core gives to notifications and SMS Marketing traces, but not to `sms.sms`.
DELIVERY_FAILURE_TYPES = (
    'sms_expired', 'sms_invalid_destination', 'sms_not_allowed', 'sms_not_delivered', 'sms_rejected')
FAILURE_TYPES = (
    'unknown', 'sms_number_missing', 'sms_number_format', 'sms_country_not_supported', 'sms_registration_needed',
    'sms_credit', 'sms_server', 'sms_acc', *DELIVERY_FAILURE_TYPES)
AS_USUAL = 'as_usual'
TRY_AGAIN = 'try_again'
ACCOUNT = 'account'
RESPONSE, REPORT = SOURCES = ('response', 'report')


class FailureCode(NamedTuple):
    """A provider's code, what it means for Odoo, and whether the provider accepted the SMS.

    A code that starts with ``response:`` or ``report:`` counts only there, before those without: some providers number
    the errors of their responses and those of their delivery reports independently.
    `outcome` is `AS_USUAL` if the rest of the response decides, else 'refused', 'accepted', 'unknown', `TRY_AGAIN` (not
    accepted now) or `ACCOUNT` (not accepted, whatever the SMS).
    """
    code: str
    failure_type: str
    outcome: str = AS_USUAL


def match_failure(failure_map: tuple[tuple[str, ...], ...], *candidates: str, source: str) -> str | None:
    """Return the failure type of the first candidate that matches a code, case-insensitive; None if none does.

    :param failure_map: codes, in which ``*`` matches any characters, as `FailureCode` or its values
    :param candidates: in order of priority; an exact match of any beats a pattern, a longer pattern a shorter one
    :param source: where they come from, `RESPONSE` or `REPORT`
    """
    exact, patterns = _failure_codes(failure_map, source)
    folded = _fold(candidates)
    for text in folded:
        if text in exact:
            return exact[text].failure_type
    for text in folded:
        for fits, row in patterns:
            if fits(text):
                return row.failure_type
    return None


def match_outcome(failure_map: tuple[tuple[str, ...], ...], *candidates: str) -> str | None:
    """Return the outcome that the codes fix for these candidates of a response; None if the rest of it decides.

    For each candidate the best matching code counts. One with `AS_USUAL` is ignored, so that it hides no other
    candidate; among the others an exact match beats a pattern, then the first candidate counts.
    """
    exact, patterns = _failure_codes(failure_map, RESPONSE)
    by_pattern = None
    for text in _fold(candidates):
        if text in exact:
            if exact[text].outcome != AS_USUAL:
                return exact[text].outcome
        elif by_pattern is None:
            outcome = next((row.outcome for fits, row in patterns if fits(text)), AS_USUAL)
            by_pattern = outcome if outcome != AS_USUAL else None
    return by_pattern


def _fold(candidates):
    return [text for candidate in candidates if candidate and (text := candidate.strip().casefold())]


@lru_cache(maxsize=256)
def _failure_codes(failure_map, source):
    own, common = [], []
    for row in itertools.starmap(FailureCode, failure_map):
        code = row.code.strip().casefold()
        prefix, colon, rest = code.partition(':')
        if not colon or prefix not in SOURCES:
            common.append(row._replace(code=code))
        elif prefix == source:
            own.append(row._replace(code=rest.strip()))
    codes = own + common
    exact = {row.code: row for row in reversed(codes) if '*' not in row.code}
    longest_first = sorted(codes, key=lambda row: -len(row.code.replace('*', '')))
    return exact, [(_compile(row.code), row) for row in longest_first if '*' in row.code]


def _compile(code):
    """Return a function that matches a text with a code that contains ``*``; `fnmatch` does not backtrack over them."""
    return re.compile(fnmatch.translate('*'.join(map(glob.escape, code.split('*'))))).match


def match_value(lists: tuple[tuple[str, tuple[str, ...]], ...], text: str) -> str | None:
    """Return the name of the list that contains a status value, case-insensitive; None if none does.

    A listed value that ends in ``*`` is a prefix; an exact value beats a prefix, a longer prefix a shorter one.

    :param lists: names of the lists, each with its values
    """
    folded = text.strip().casefold()
    if not folded:
        return None
    exact, prefixes = _values(lists)
    if folded in exact:
        return exact[folded]
    return next((name for prefix, name in prefixes if folded.startswith(prefix)), None)


@lru_cache(maxsize=256)
def _values(lists):
    folded = [(value.strip().casefold(), name) for name, values in lists for value in values]
    exact = {value: name for value, name in reversed(folded) if value}
    prefixes = sorted(((value[:-1], name) for value, name in folded if value.endswith('*')), key=lambda v: -len(v[0]))
    return exact, prefixes
