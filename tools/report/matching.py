# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Matches delivery reports to SMS: by UUID, else by message ID and number (SPEC section 6). Pure."""
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from ..attempt import attempt_of, match_key
from .parsing import DeliveryReport

TAIL = 7  # digits at the end of a number; the digits before them are written in many ways
_NUMBER = re.compile(r'[+0-9 ().-]+')


@dataclass(slots=True)
class SentSms:
    """An SMS according to its status row, or to its tracker if it has none.

    :param row_id: of the status row; None without Track Status
    :param attempt: the last one; None if it is not known any more
    :param rank: how final its state is
    """
    row_id: int | None
    uuid: str
    message_id: str
    number: str
    attempt: int | None
    rank: int


class SentIndex:
    """The SMS that the reports of one call may be about."""

    def __init__(self, all_sms: Iterable[SentSms]):
        self._by_key, self._by_message_id, self._by_number = {}, {}, {}
        for sms in all_sms:
            self._by_key[match_key(sms.uuid)] = sms
            if sms.message_id:
                self._by_message_id.setdefault(sms.message_id, []).append(sms)
                self._by_number.setdefault((sms.message_id, _digits(sms.number)[-TAIL:]), []).append(sms)

    def find(self, report: DeliveryReport) -> tuple[SentSms | None, int]:
        """Return the SMS of a report and the attempt that it is about; (None, 0) if it is not known (yet)."""
        sms = self._by_key.get(match_key(report.uuid)) if report.uuid else None
        attempt = attempt_of(sms.uuid, report.uuid) if sms else None
        if not attempt:
            sms = self._find_by_message_id(report) if report.message_id else None
            attempt = sms.attempt if sms else 0
        if sms and (sms.attempt is None or attempt <= sms.attempt):
            return sms, attempt
        return None, 0

    def _find_by_message_id(self, report):
        candidates = self._by_message_id.get(report.message_id, [])
        digits = _digits(report.number)
        if digits and (len(candidates) > 1 or (len(digits) >= TAIL and _NUMBER.fullmatch(report.number))):
            candidates = _closest(self._by_number.get((report.message_id, digits[-TAIL:]), []), digits)
        return candidates[0] if len(candidates) == 1 else None


def _digits(number):
    return ''.join(filter(str.isdecimal, number))


def _closest(candidates, digits):
    """Return the candidates whose numbers have the most trailing digits in common with these."""
    common = [_count_common(_digits(sms.number), digits) for sms in candidates]
    return [sms for sms, count in zip(candidates, common, strict=True) if count == max(common)]


def _count_common(left, right):
    pairs = zip(reversed(left), reversed(right), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
