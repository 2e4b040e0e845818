# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Match delivery reports to SMS, by UUID, else by message ID and number, and decide what they change
(doc/behaviour.md section 6)."""
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile

from ..attempt import attempt_of, match_key
from .parsing import DeliveryReport

TAIL = 7  # digits at the end of a number; the digits before them are written in many ways
_NUMBER = re.compile(r'[+0-9 ().-]+')
# The order of states: only a higher one is written, because core's trackers also go back. A pending report changes
# nothing after a response that accepted the SMS. After a server error the outcome is unknown: every final one counts.
RANK = {'success': 1, 'pending': 2, 'server_error': 2, 'canceled': 3, 'error': 4, 'delivered': 5}


@dataclass(slots=True)
class SentSms:
    """An SMS according to its status row, or to its tracker if it has none.

    :param row_id: of the status row; None without Track Status
    :param attempt: the last one; None if it is not known any more
    :param rank: how final its state is
    :param awaits_report: whether it has no final report yet
    :param is_accepted: whether the response accepted it
    """
    row_id: int | None
    uuid: str
    message_id: str
    number: str
    attempt: int | None
    rank: int
    awaits_report: bool = True
    is_accepted: bool = True


class SentIndex:
    """The SMS that the reports of one batch may be about."""

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
            sms = self.find_by_message_id(report) if report.message_id else None
            attempt = sms.attempt if sms else 0
        if sms and (sms.attempt is None or attempt <= sms.attempt):
            return sms, attempt
        return None, 0

    def find_by_message_id(self, report: DeliveryReport) -> SentSms | None:
        """Return the SMS with the message ID of a report, and with its number if several have it; None if unclear."""
        candidates = self._by_message_id.get(report.message_id, [])
        digits = _digits(report.number)
        if digits and (len(candidates) > 1 or (len(digits) >= TAIL and _NUMBER.fullmatch(report.number))):
            candidates = _closest(self._by_number.get((report.message_id, digits[-TAIL:]), []), digits)
        return candidates[0] if len(candidates) == 1 else None


@dataclass(slots=True)
class Effects:
    """What the reports of one batch change.

    :param early: reports whose SMS is not known (yet)
    :param changed: by UUID, the SMS that get a final state and the report that decides it
    :param noticed: by row id (None without Track Status), every SMS that has a report, with its unknown status or ''
    :param priced: by row id, the last report with a price or segments
    :param elsewhere: other reports with a price or segments, which may be about an earlier attempt
    :param outdated: row ids whose earlier note no longer applies, for example that the report is missing
    """
    early: list[DeliveryReport] = field(default_factory=list)
    changed: dict[str, tuple[SentSms, DeliveryReport]] = field(default_factory=dict)
    noticed: dict[int | None, str] = field(default_factory=dict)
    outdated: set[int | None] = field(default_factory=set)
    priced: dict[int, DeliveryReport] = field(default_factory=dict)
    elsewhere: list[DeliveryReport] = field(default_factory=list)


def find_effects(all_sms: Iterable[SentSms], reports: Iterable[DeliveryReport]) -> Effects:
    """Match the reports of one batch with SMS, and let them change states in the order of `RANK`.

    :param all_sms: their rank is raised, and `awaits_report` ends
    """
    sent, effects = SentIndex(all_sms), Effects()
    for report in reports:
        sms, attempt = sent.find(report)
        if (report.price or report.segment_count) and (sms is None or (sms.row_id and attempt != sms.attempt)):
            effects.elsewhere.append(report)
        if sms is None:
            effects.early.append(report)
            continue
        effects.noticed[sms.row_id] = (
            effects.noticed.get(sms.row_id, '') if report.state else report.status)
        if attempt == sms.attempt:
            _note_price(effects.priced, sms, report)
        if sms.attempt and attempt < sms.attempt and report.state != 'success':
            continue  # the failure of an earlier attempt; delivered counts for every attempt
        state = 'delivered' if report.state == 'success' else report.state
        if state and RANK[state] > sms.rank:
            sms.rank = RANK[state]
            if state != 'pending':
                effects.changed[sms.uuid] = (sms, report)
                if not sms.awaits_report:
                    effects.outdated.add(sms.row_id)
                    effects.noticed[sms.row_id] = ''
                sms.awaits_report = False
    return effects


def find_earlier(attempts: list[SentSms], reports: Iterable[DeliveryReport]) -> dict[int, DeliveryReport]:
    """Match reports with a price or segments to earlier attempts, several of which may be of one SMS.

    :param attempts: each with its id as `row_id`, its own message ID and number
    :return: by id, the last report
    """
    by_uuid, index, priced = {}, SentIndex(attempts), {}
    for sent in attempts:
        by_uuid.setdefault(match_key(sent.uuid), []).append(sent)
    for report in reports:
        same = by_uuid.get(match_key(report.uuid), []) if report.uuid else []
        found = next((sent for sent in same if attempt_of(sent.uuid, report.uuid) == sent.attempt), None)
        if not found and not same and report.message_id:
            found = index.find_by_message_id(report)
        if found:
            _note_price(priced, found, report)
    return priced


def _note_price(priced, sms, report):
    known = priced.get(sms.row_id)
    if sms.row_id and (report.price or (report.segment_count and not (known and known.price))):
        priced[sms.row_id] = report


def _digits(number):
    return ''.join(filter(str.isdecimal, number or ''))


def _closest(candidates, digits):
    """Return the candidates whose numbers have the most trailing digits in common with these."""
    common = [_count_common(_digits(sms.number), digits) for sms in candidates]
    return [sms for sms, count in zip(candidates, common, strict=True) if count == max(common)]


def _count_common(left, right):
    pairs = zip(reversed(left), reversed(right), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
