# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reads the responses to status queries as delivery reports (doc/status_queries.md). Pure; nothing is raised."""
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from .. import paths
from ..answer.bounded_regex import find
from ..answer.failure_codes import match_value
from ..problem import Problem
from .body import ReportError, read_body
from .parsing import MAX_REPORTS, QUERY, DeliveryReport, ReportRules, make_report, read_rows

UNKNOWN_SMS = frozenset((404, 410))  # HTTP codes of a provider that does not know an SMS (yet)
_FIELDS = (
    'message_id', 'number', 'status', 'error_code', 'error_message', 'price', 'currency', 'segments')


@dataclass(frozen=True, slots=True)
class StatusRules:
    """How the response to a status query is read.

    :param report: the meaning of status values and codes, as in delivery reports, with the paths of the response
    :param regex: finds the status in the text instead of the paths: the group `status` if named, else the first group;
        the groups `id`, `number`, `code`, `error`, `price`, `currency` and `segments` are optional
    :param final_values: status values that the provider does not change any more, although they say nothing final
    """
    report: ReportRules
    regex: str = ''
    final_values: tuple[str, ...] = ()

    def is_last(self, report: DeliveryReport) -> bool:
        """Return whether the provider will not report more than this."""
        return bool(match_value((('final', self.final_values),), report.status))


@dataclass(slots=True)
class StatusAnswer:
    """What a response to a status query says.

    :ivar reports: about SMS that were asked about
    :ivar problem: why there are none
    :ivar is_failure: whether the provider should not be asked for a while
    """
    reports: list[DeliveryReport] = field(default_factory=list)
    problem: Problem | None = None
    is_failure: bool = False


def read_answer(
        rules: StatusRules, status: int, content_type: str, text: str, asked: Sequence[str]) -> StatusAnswer:
    """Read a response.

    :param status: its HTTP code
    :param asked: the message IDs that the request asked about. Others are ignored, and so is a status without message
        ID if there are several
    """
    if not 200 <= status < 300:
        return StatusAnswer(
            problem=Problem('query_refused', (('status', status),)), is_failure=status not in UNKNOWN_SMS)
    try:
        rows = _find_rows(rules, text) if rules.regex else _read_rows(rules.report, content_type, text)
    except (ReportError, paths.PairingError, paths.TooManyError):
        rows = []
    known = {message_id.casefold(): message_id for message_id in asked}
    named = []
    for row in rows:
        message_id = row.get('message_id', '')
        if not message_id and len(known) == 1 and not _names_id(rules):
            message_id, = known
        if own := known.get(message_id.casefold()):
            named.append({**row, 'message_id': own})
    if not named:
        return StatusAnswer(problem=Problem('no_status'))
    # without a status, the provider knows the SMS but nothing about its delivery
    return StatusAnswer([_make_report(rules.report, row) for row in named if row.get('status')])


def _make_report(rules, row):
    """Return what a row says. Until an SMS has a final state, a price of 0 means that the price is not known yet."""
    report = replace(make_report(rules, row), origin=QUERY)
    if report.price and report.state in (None, 'pending') and not Decimal(report.price):
        return replace(report, price='', price_currency='')
    return report


def _names_id(rules):
    """Return whether a response contains message IDs."""
    if rules.regex:
        return '(?P<id>' in rules.regex
    return bool(rules.report.message_id_param.strip())


def _read_rows(rules, content_type, text):
    wanted = tuple((name, path) for name, path in rules.paths() if name in _FIELDS)
    if not rules.status_param.strip():
        return [{'status': paths.clean(text).strip()}] if text.strip() else []
    return read_rows(read_body(content_type, text.encode('utf-8', 'replace'), wanted), wanted)


def _find_rows(rules, text):
    found = find(rules.regex, text, MAX_REPORTS)
    groups = {
        name: found.names[group] for name, group in (
            ('message_id', 'id'), ('number', 'number'), ('error_code', 'code'), ('error_message', 'error'),
            ('price', 'price'), ('currency', 'currency'), ('segments', 'segments'))
        if group in found.names}
    groups['status'] = found.names.get('status', min(found.groups, 1))
    return [{name: paths.clean(row[group]).strip() for name, group in groups.items()} for row in found.rows]
