# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The identifier that a provider gets for each attempt to send one SMS.

From the second attempt on `{uuid}` is a new one, because providers use it to recognize repetitions. All attempts of an
SMS share the part that `match_key` cuts out, so that a report of any of them is found with one indexed look-up and
nothing has to be kept: the first two of the 32 hexadecimal digits count the attempts on.
"""
import re
from collections.abc import Iterable

_UUID = re.compile(r'[0-9a-f]{32}')
# as RFC 9562 and .NET write it, whole or the first 20 digits: some providers read it and write it in their own way
_SPELLING = re.compile(r'(?:urn:)?(?:uuid:)?[{(]?([0-9a-f-]{20,37})[)}]?', re.IGNORECASE)
_KEY = slice(2, 20)  # ends where {uuid20} ends
ATTEMPTS = 256


def attempt_uuid(uuid: str, attempt: int) -> str:
    """The UUID of an attempt, the first being number 1. A UUID that is not one of core's stays as it is."""
    if not _UUID.fullmatch(uuid):
        return uuid
    return f'{(int(uuid[:2], 16) + attempt - 1) % ATTEMPTS:02x}{uuid[2:]}'


def attempt_of(uuid: str, reported: str) -> int | None:
    """Which attempt a reported UUID names, of the SMS with this UUID.

    :param reported: the whole `{uuid}`, or its first 20 digits
    :return: a number from 1 to 256, None when it names another SMS
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
    """What all attempts of an SMS have in common; the index of the status rows holds the same cut."""
    return plain_uuid(uuid)[_KEY]


def match_keys(uuids: Iterable[str]) -> list[str]:
    """The keys of UUIDs that were reported, for SMS whose own UUID is not one of core's also as they are spelled."""
    return list({key for uuid in uuids for key in (match_key(uuid), uuid[_KEY])})


def plain_uuid(uuid: str) -> str:
    """A UUID as core writes it, whatever its spelling: 32 digits, or their first 20. Anything else stays as it is."""
    found = _SPELLING.fullmatch(uuid)
    digits = found[1].replace('-', '').lower() if found else ''
    return digits if len(digits) in (20, 32) else uuid
