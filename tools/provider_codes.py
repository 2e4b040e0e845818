# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Provider words against the lists of a gateway: status values and failure codes (SPEC section 2)."""
from functools import lru_cache

FAILURE_TYPES = (
    'unknown', 'sms_number_missing', 'sms_number_format', 'sms_country_not_supported', 'sms_registration_needed',
    'sms_credit', 'sms_server', 'sms_acc', 'sms_expired', 'sms_invalid_destination', 'sms_not_allowed',
    'sms_not_delivered', 'sms_rejected')


def match_failure(failure_map: tuple[tuple[str, str], ...], *candidates: str) -> str | None:
    """Give the failure type of the first candidate that a code fits, compared without case; None when none fits.

    :param failure_map: codes, in which ``*`` stands for any characters, and their failure types
    :param candidates: in order of priority; an exact match of any beats a pattern, a longer pattern a shorter one
    """
    exact, patterns = _failure_codes(failure_map)
    folded = [text for candidate in candidates if candidate and (text := candidate.strip().casefold())]
    for text in folded:
        if text in exact:
            return exact[text]
    for text in folded:
        for pieces, failure_type in patterns:
            if _fits(pieces, text):
                return failure_type
    return None


@lru_cache(maxsize=256)
def _failure_codes(failure_map):
    codes = [(code.strip().casefold(), failure_type) for code, failure_type in failure_map]
    exact = {code: failure_type for code, failure_type in reversed(codes) if '*' not in code}
    longest_first = sorted(codes, key=lambda code: -len(code[0].replace('*', '')))
    return exact, [(code.split('*'), failure_type) for code, failure_type in longest_first if '*' in code]


def _fits(pieces, text):
    """Whether the pieces between the stars of a pattern stand in a text, in order; linear, as a regex is not."""
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        position = text.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


def match_value(lists: tuple[tuple[str, tuple[str, ...]], ...], text: str) -> str | None:
    """Give the name of the list that holds a status value, compared without case; None when none does.

    A listed value that ends in ``*`` is a prefix; an exact value beats a prefix, a longer prefix a shorter one.

    :param lists: names of lists and their values
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
