# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When an SMS was sent, from the formats that providers use. Pure."""
import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

_DIGITS = re.compile(r'[0-9]{9,16}(?:\.[0-9]+)?')
_COMPACT = {8: '%Y%m%d', 12: '%Y%m%d%H%M', 14: '%Y%m%d%H%M%S'}
_ISO = re.compile(
    r'(\d{4})[-/](\d\d?)[-/](\d\d?)[T ]+(\d\d?):(\d\d)(?::(\d\d))?(?:[.,]\d+)?\s*(Z|UTC|GMT|[+-]?\d\d:?\d\d|[+-]\d\d)?',
    re.IGNORECASE)
_FIRST, _LAST = 2000, 2100  # years


def read_time(text: str) -> str:
    """Return a time as `YYYY-MM-DD HH:MM:SS` in UTC; '' if it cannot be read. Without a zone it is UTC.

    :param text: ISO 8601 and similar, RFC 5322, `YYYYMMDDhhmmss`, or seconds, milliseconds or microseconds since 1970
    """
    try:
        moment = _parse(text.strip())
    except (ValueError, TypeError, OverflowError, OSError):
        return ''
    if moment is None or not _FIRST <= moment.year < _LAST:
        return ''
    return moment.strftime('%Y-%m-%d %H:%M:%S')


def _parse(text):
    if text.isascii() and text.isdecimal() and len(text) in _COMPACT and text.startswith('20'):
        return datetime.strptime(text, _COMPACT[len(text)]).replace(tzinfo=timezone.utc)
    if _DIGITS.fullmatch(text):
        seconds = float(text)
        while seconds > 1e11:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, timezone.utc)
    match = _ISO.fullmatch(text)
    if not match:
        moment = parsedate_to_datetime(text) if text else None
        return moment.astimezone(timezone.utc) if moment and moment.tzinfo else moment
    *numbers, zone = match.groups()
    moment = datetime(*(int(number or 0) for number in numbers), tzinfo=timezone.utc)
    return moment - _offset(zone or '')


def _offset(zone):
    """Return the offset of a zone from UTC. A form may have turned its + into a space."""
    digits = re.sub(r'\D', '', zone)
    offset = timedelta(hours=int(digits[:2] or 0), minutes=int(digits[2:4] or 0))
    return -offset if zone.startswith('-') else offset
