# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reads how long a provider asks to wait. Pure: no ORM, nothing is raised."""
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from . import bounded_regex

RETRY_AFTER = 'retry-after'  # RFC 9110 section 10.2.3
MILLISECONDS = 'ms'  # name of a group


def read_wait(headers: Mapping[str, str], body: str, header: str = '', pattern: str = '') -> int | None:
    """Return the seconds for which a response asks to wait.

    :param headers: of the response, with lower-case names
    :param header: the provider's own header, read before Retry-After
    :param pattern: regular expression for the body, read last; its first group is a number of seconds, or of
        milliseconds if it is named ms
    :return: None if the response does not say, or says what cannot be a time to wait
    """
    for name in (header.strip().lower(), RETRY_AFTER):
        if (seconds := _read_header(headers.get(name))) is not None:
            return seconds
    return _read_body(body, pattern)


def _read_header(value):
    """Return the seconds of a header that has a number or a date, as Retry-After."""
    value = (value or '').strip()
    if re.fullmatch(r'[0-9]{1,9}', value):
        return int(value)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return max(0, round((moment - datetime.now(timezone.utc)).total_seconds()))
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _read_body(body, pattern):
    found = bounded_regex.find(pattern, body, limit=1)
    if not found.rows or not found.groups:
        return None
    value = found.rows[0][found.names.get(MILLISECONDS, 1)].strip()
    if not re.fullmatch(r'[0-9]{1,9}', value):  # nor a negative number
        return None
    return -(-int(value) // 1000) if MILLISECONDS in found.names else int(value)
