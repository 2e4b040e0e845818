# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Formats provider texts for display."""
import json


def pretty(text: str) -> str:
    """Return JSON with one value per line, and any other text unchanged."""
    if text.lstrip()[:1] not in ('{', '['):
        return text
    try:
        return json.dumps(json.loads(text), indent=4, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def cut(text: str, size: int) -> str:
    """Truncate a text.

    :param size: maximum number of bytes in UTF-8
    """
    return text if len(text) * 4 <= size else text.encode('utf-8', 'replace')[:size].decode('utf-8', 'ignore')
