# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A pasted call, to show how it is read. Pure."""
import re

from ..report.authentication import Content

_URL = re.compile(r'(?:(GET|POST)\s+)?(?:https?://[^\s?]+|/[^\s?]*)?\??(\S*=\S*)?(?:\s+HTTP/[0-9.]+)?', re.IGNORECASE)


def read_example(text: str) -> tuple[str, Content]:
    """Return the method and the content of a pasted call.

    :param text: a body, or a URL or request line with a query string
    """
    text = text.strip()
    match = _URL.fullmatch(text)
    is_url = match and (text[:1] in ('/', '?') or '://' in text[:10] or match[1])
    if is_url:
        return 'GET', Content((match[2] or '').encode())
    return 'POST', Content(body=text.encode())
