# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Parses delivery reports (doc/behaviour.md section 6). Pure. Whatever a call contains, only ReportError is raised."""
from dataclasses import dataclass, field
from functools import cached_property

from .. import paths
from ..answer.failure_codes import REPORT, match_failure, match_value
from ..answer.price import PriceRules, read_said
from ..masking import masker
from ..problem import ProblemError
from ..request.typed_secrets import Secrets
from .body import Form, ReportError, embedded, read_body, read_query

MAX_BODY = 1024 * 1024  # bytes
MAX_REPORTS = 5000  # in one call
MAX_IDENTIFIER = 256  # characters
MAX_WORDS = 1000  # characters
_OPTIONAL = frozenset(('error_code', 'error_message', 'inbound_kind', 'price', 'currency', 'segments'))
_WORDS = frozenset(('error_message',))
QUERY = 'query'
_LISTS = ('success', 'pending', 'error', 'canceled')


@dataclass(frozen=True)
class ReportRules:
    """How a gateway's reports are read: parameter names or dotted paths, and the meaning of status values."""
    uuid_param: str = ''
    message_id_param: str = ''
    status_param: str = ''
    error_code_param: str = ''
    error_message_param: str = ''
    number_param: str = ''
    price_param: str = ''
    currency_param: str = ''
    segments_param: str = ''
    success: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    canceled: tuple[str, ...] = ()
    inbound_kind_param: str = ''  # what tells an inbound SMS from a report
    inbound_kind_values: tuple[str, ...] = ()  # empty: any value
    failure_map: tuple[tuple[str, ...], ...] = ()  # see `FailureCode`; outcomes are for responses only
    secrets: Secrets = Secrets()  # noqa: RUF009 - it is frozen
    price: PriceRules = PriceRules()  # noqa: RUF009 - it is frozen

    def state_of(self, status: str) -> str | None:
        """Return 'success', 'pending', 'error' or 'canceled'; None for a value in no list."""
        return match_value(self._lists, status)

    @cached_property
    def _lists(self):
        return tuple((name, getattr(self, name)) for name in _LISTS)

    def paths(self) -> tuple[tuple[str, str], ...]:
        """Return the configured fields of a report with their paths."""
        names = (
            'uuid', 'message_id', 'status', 'error_code', 'error_message', 'number', 'price', 'currency', 'segments')
        return tuple(
            (name, path) for name in (*names, 'inbound_kind') if (path := getattr(self, f'{name}_param').strip()))


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a provider reports about one SMS. `state` is None for an unknown status; only errors have a failure type.

    `origin` is `QUERY` if we asked for it, '' if the provider called us.
    `price` is a decimal number, of one segment if the gateway says so; '' and 0 segments: the report does not say it.
    """
    uuid: str
    message_id: str
    number: str
    status: str  # the provider's word
    state: str | None
    error_code: str
    error_message: str
    failure_type: str
    price: str = ''
    price_currency: str = ''
    segment_count: int = 0
    origin: str = ''
    received_id: int | None = field(default=None, compare=False)  # of the stored report

    @property
    def reason(self) -> str:
        """Give the provider's words about a failure, or its status and code if it has none; '' for other reports."""
        if self.state != 'error':
            return ''
        return self.error_message or ' '.join(filter(None, [self.status, self.error_code]))


def parse_value_list(text: str) -> tuple[str, ...]:
    """Split comma-separated values; surrounding blanks, empty and repeated values are dropped."""
    values = {}
    for value in (text or '').split(','):
        if value.strip():
            values.setdefault(value.strip().casefold(), value.strip())
    return tuple(values.values())


def check_values(rules: ReportRules) -> None:
    """Check that no status value appears in two lists.

    :raise ProblemError: names the value and both lists
    """
    seen = {}
    for name in _LISTS:
        for value in getattr(rules, name):
            other = seen.setdefault(value.strip().casefold(), name)
            if other != name:
                raise ProblemError(
                    'status_in_two_lists', value=value, field=f'delivery_callback_status_{other}',
                    other_field=f'delivery_callback_status_{name}')


def is_kind(kind_values: tuple[str, ...], value) -> bool:
    """Return whether an item of a call is an inbound SMS.

    :param kind_values: of a gateway; empty: any value
    :param value: what is at the path of the gateway's `Recognized By`, None if there is nothing
    """
    if not kind_values:
        return bool(value)
    return bool(match_value((('inbound', kind_values),), paths.as_text(value)))


def parse_reports(
        rules: ReportRules, method: str, query_string: bytes, content_type: str, body: bytes) -> list[DeliveryReport]:
    """Parse the reports of a call: any number of them.

    What the body lacks is taken from the query string, since our own webhook URL may contain the UUID. The content
    type is only a hint, because many providers send a wrong one or none.

    :raise ReportError: if the call is too large or cannot be read, or a report has a status but no identifier
    """
    if len(body) > MAX_BODY or len(query_string) > MAX_BODY:
        raise ReportError('report_too_large', 413)
    wanted = rules.paths()
    try:
        in_query = read_rows(read_query(query_string, wanted), wanted)
        given = in_query[0] if in_query else {}
        in_body = []
        if method.upper() not in ('GET', 'HEAD'):
            in_body = _read_body_rows(content_type or '', body, wanted, 'status' in given)
    except paths.PairingError as error:
        raise ReportError('report_lists_differ') from error
    except paths.TooManyError as error:
        raise ReportError('report_too_many_items', 413) from error
    fields = [{**given, **row} for row in in_body] or in_query
    if len(fields) == 1:
        fields = _by_comma(fields[0])
    if len(fields) > MAX_REPORTS:
        raise ReportError('report_too_many_items', 413)
    if rules.inbound_kind_param.strip():
        fields = [row for row in fields if not is_kind(rules.inbound_kind_values, row.get('inbound_kind'))]
    reports = [make_report(rules, row) for row in fields if row.get('status')]
    named = [report for report in reports if report.uuid or report.message_id]
    if len(named) < len(reports):
        raise ReportError('report_without_id', reports=named)
    return named


def _read_body_rows(content_type, body, wanted, has_report):
    try:
        return read_rows(read_body(content_type, body, wanted), wanted)
    except ReportError:
        if has_report:  # in the query string: some callers send anything as body
            return []
        raise


def read_rows(document, wanted: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    """Return the fields of each report in a document as text, without empty ones.

    :param document: of `read_body`
    :param wanted: field names and paths
    :raise paths.PairingError, paths.TooManyError: if its lists are not those of reports
    """
    if document is None or not wanted:
        return []
    found = [
        {name: text for name, value in row.items() if (text := paths.as_text(value))}
        for row in paths.rows(document, wanted, _OPTIONAL, MAX_REPORTS, _WORDS)]
    found = [row for row in found if row]
    if not found and isinstance(document, Form) and len(document) == 1:
        return read_rows(embedded(*document.values()), wanted)
    if len(found) > 1 and _is_shared(dict(wanted)):
        found = [{name: text for name, text in row.items() if name != 'price'} for row in found]
    return found


def _is_shared(wanted):
    """Return whether a price is outside the list of the SMS, because nothing says how it is divided."""
    def depth(name):
        return max((path.count(paths.EACH) for path in paths.alternatives(wanted.get(name, ''))), default=0)

    return depth('price') < max(map(depth, ('uuid', 'message_id', 'number', 'status')))


def _by_comma(row):
    """Split several reports in one form (SMSAPI): `MsgId=1,2&status=DELIVERED,FAILED`."""
    status = row.get('status', '')
    size = status.count(',') + 1
    identifiers = [row[name] for name in ('uuid', 'message_id') if name in row]
    if not 1 < size <= MAX_REPORTS or not identifiers or any(value.count(',') != size - 1 for value in identifiers):
        return [row]
    split = {name: [piece.strip() for piece in value.split(',')] for name, value in row.items()}
    return [
        {name: pieces[index] if len(pieces) == size else row[name] for name, pieces in split.items()
         if len(pieces) == size or name != 'price'}  # nothing says how one price is divided
        for index in range(size)]


def make_report(rules: ReportRules, row: dict[str, str]) -> DeliveryReport:
    """Return what the fields of a report say, without secrets."""
    status, code, message = row['status'], row.get('error_code', ''), paths.as_words(row.get('error_message', ''))
    state = rules.state_of(status)
    failure_type = ''
    if state == 'error':
        failure_type = match_failure(
            rules.failure_map, code, status, message[:MAX_WORDS], source=REPORT) or 'sms_not_delivered'
    said = read_said(rules.price, *(row.get(name, '') for name in ('price', 'currency', 'segments')))
    # A username in an identifier is not masked: the response contained the same identifier.
    mask, mask_identifier = rules.secrets.masker(), masker(rules.secrets.secrets)
    return DeliveryReport(
        **{name: _shown(mask_identifier, row.get(name, ''), MAX_IDENTIFIER)
           for name in ('uuid', 'message_id', 'number')},
        status=_shown(mask, status, MAX_IDENTIFIER),
        state=state,
        error_code=_shown(mask, code, MAX_IDENTIFIER),
        error_message=_shown(mask, message, MAX_WORDS),
        failure_type=failure_type,
        price='' if said.amount is None else str(said.amount),
        price_currency=mask(said.currency),
        segment_count=said.segments)


def _shown(mask, text, size):
    """Mask before cutting, or half of a secret would remain. Text far beyond the cut is ignored."""
    return text and mask(text[:16 * size])[:size]
