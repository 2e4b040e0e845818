# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Finds and corrects misspelled placeholders of a request. Pure: no ORM, nothing is raised."""
import re
from collections.abc import Iterable
from difflib import get_close_matches

from .placeholders import MESSAGE_IDS, PLACEHOLDERS

SIMILARITY = 0.75
_SUGGESTED = [name for name in PLACEHOLDERS if name not in MESSAGE_IDS]
_BRACES = re.compile(r'\{([A-Za-z_]{3,20})\}')


def find_misspelled(texts: Iterable[str]) -> dict[str, str]:
    """Return the unknown placeholders of texts that resemble a known one, with that one: `{'{sendr}': '{sender}'}`."""
    found = {}
    for text in texts:
        for name in _BRACES.findall(text):
            if name not in PLACEHOLDERS and (close := get_close_matches(name.lower(), _SUGGESTED, 1, SIMILARITY)):
                found[f'{{{name}}}'] = f'{{{close[0]}}}'
    return found


def correct(text: str) -> str:
    """Return a text with its misspelled placeholders replaced."""
    for wrong, right in find_misspelled([text]).items():
        text = text.replace(wrong, right)
    return text
