# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who sent an SMS, from a number as providers spell it. Pure."""
import re
from collections.abc import Sequence

import phonenumbers

from ..phone import to_e164

_SCHEME = re.compile(r'(?:tel|sms|smsto):', re.IGNORECASE)
_BLANKS = re.compile(r'[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+')
SHORTEST = 10  # digits of a number without + that is taken for an international one although no library knows it


def read_number(text: str, countries: Sequence[str] = (), is_national: bool = False) -> str:
    """Return the number of a person or of ours in E.164.

    Providers write international numbers, most of them without their +. A blank at the beginning was a + that the
    provider did not encode in a form.

    :param countries: of the company, for numbers in national format
    :param is_national: whether the provider writes numbers in national format
    :return: the number as the provider spells it, without blanks, if it has no E.164: a short code or a name
    """
    stripped = _SCHEME.sub('', text.strip('\r\n\t'), count=1)
    spelled = _BLANKS.sub('', stripped)
    if stripped.startswith(' ') and spelled.isdecimal() and len(spelled) >= SHORTEST:
        spelled = '+' + spelled
    e164 = (is_national and to_e164(spelled, countries)) or to_e164(spelled) or to_e164(spelled, countries)
    return e164 or _guess(spelled) or (spelled if spelled[:1].isdecimal() else stripped.strip())


def _guess(digits):
    """Return digits as an international number if they can be one; '' otherwise."""
    if not (digits.isascii() and digits.isdecimal() and len(digits) >= SHORTEST) or digits.startswith('0'):
        return ''
    try:
        parsed = phonenumbers.parse('+' + digits)
    except phonenumbers.NumberParseException:
        return ''
    return '+' + digits if phonenumbers.is_possible_number(parsed) else ''
