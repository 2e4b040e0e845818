# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The identifier that is sent to a provider for each attempt to send one SMS.

From the second attempt on, `{uuid}` is a new one, because providers use it to detect duplicates. All attempts of an SMS
share the part that `match_key` returns, so that a report of any of them is found with one indexed look-up, and nothing
has to be stored: the first two of the 32 hexadecimal digits are increased by one for each further attempt.
"""
import re
from collections.abc import Iterable

_UUID = re.compile(r'[0-9a-f]{32}')
# Some providers parse the UUID and format it in their own way: as RFC 9562 or .NET, whole or the first 20 digits.
_SPELLING = re.compile(r'(?:urn:)?(?:uuid:)?[{(]?([0-9a-f-]{20,37})[)}]?', re.IGNORECASE)
_KEY = slice(2, 20)  # ends where {uuid20} ends
ATTEMPTS = 256


def attempt_uuid(uuid: str, attempt: int) -> str:
    """Return the UUID of an attempt; the first attempt is 1. Anything but a UUID of core's is returned unchanged."""
    if not _UUID.fullmatch(uuid):
        return uuid
    return f'{(int(uuid[:2], 16) + attempt - 1) % ATTEMPTS:02x}{uuid[2:]}'


def attempt_of(uuid: str, reported: str) -> int | None:
    """Return the attempt that a reported UUID belongs to, of the SMS with this UUID.

    :param reported: the whole `{uuid}`, or its first 20 digits
    :return: a number from 1 to 256; None if it belongs to another SMS
    """
    if reported == uuid:
        return 1
    uuid, reported = plain_uuid(uuid), plain_uuid(reported)
    if reported == uuid:
        return 1
    if not _UUID.fullmatch(uuid) or len(reported) not in (20, 32) or uuid[2:len(reported)] != reported[2:]:
        return None
    try:
        return (int(reported[:2], 16) - int(uuid[:2], 16)) % ATTEMPTS + 1
    except ValueError:
        return None


def match_key(uuid: str) -> str:
    """Return what all attempts of an SMS have in common; the status rows are indexed by the same part."""
    return plain_uuid(uuid)[_KEY]


def match_keys(uuids: Iterable[str]) -> list[str]:
    """Return the keys of reported UUIDs, also as they are spelled, for SMS whose own UUID is not one of core's."""
    return list({key for uuid in uuids for key in (match_key(uuid), uuid[_KEY])})


def plain_uuid(uuid: str) -> str:
    """Return a UUID as core writes it, 32 digits or their first 20. Anything else is returned unchanged."""
    found = _SPELLING.fullmatch(uuid)
    digits = found[1].replace('-', '').lower() if found else ''
    return digits if len(digits) in (20, 32) else uuid
