# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Parses the SMS in a call of a provider (doc/inbound.md). Pure. Whatever a call contains, only ReportError
is raised."""
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from .. import paths
from ..masking import masker
from ..report.body import Form, ReportError, embedded, read_body, read_query
from ..report.parsing import MAX_BODY, MAX_IDENTIFIER, MAX_REPORTS, is_kind
from ..request.typed_secrets import Secrets
from .encoding import BYTES, PERCENT, PLAIN, decode_text
from .message import InboundMessage
from .moment import read_time

MAX_TEXT = 40_000  # characters: 255 parts of a long SMS
SHORTEST_SECRET = 8  # characters of secrets that are masked in what a person wrote
_FIELDS = (
    'number', 'text', 'message_id', 'recipient', 'time', 'reply', 'optout', 'part_reference', 'part_number',
    'part_total', 'encoding', 'kind')
_OPTIONAL = frozenset(_FIELDS) - {'number', 'text'}
_OPTOUTS = {
    'stop': ('stop', 'optout', 'opt-out', 'opt_out', 'unsubscribe', 'unsubscribed', 'true'),
    'start': ('start', 'optin', 'opt-in', 'opt_in', 'unstop', 'subscribe'),
    'help': ('help', 'info'),
}
_OPTOUT_BY_WORD = {word: meaning for meaning, words in _OPTOUTS.items() for word in words}


@dataclass(frozen=True)
class InboundRules:
    """How a gateway's inbound SMS are read: parameter names or dotted paths."""
    number_param: str = ''
    text_param: str = ''
    message_id_param: str = ''
    recipient_param: str = ''
    time_param: str = ''
    reply_param: str = ''
    optout_param: str = ''
    part_reference_param: str = ''
    part_number_param: str = ''
    part_total_param: str = ''
    encoding_param: str = ''
    kind_param: str = ''  # what tells an SMS from a delivery report
    kind_values: tuple[str, ...] = ()  # empty: any value
    encoding: str = PLAIN
    secrets: Secrets = Secrets()  # noqa: RUF009 - it is frozen

    def paths(self) -> tuple[tuple[str, str], ...]:
        """Return the configured fields of a message with their paths."""
        return tuple((name, path) for name in _FIELDS if (path := getattr(self, f'{name}_param').strip()))


@dataclass(frozen=True)
class InboundCall:
    """The SMS in a call.

    :ivar has_any: True also if there are only such as cannot be used
    :ivar others: what has sender and text, but is not recognized by `kind_param`
    """
    messages: tuple[InboundMessage, ...] = ()
    has_any: bool = False
    others: tuple[InboundMessage, ...] = ()


def parse_messages(
        rules: InboundRules, method: str, query_string: bytes, content_type: str, body: bytes) -> InboundCall:
    """Parse the SMS of a call: any number of them. Without `kind_param`, everything with a sender is one.

    What the body lacks is taken from the query string. The content type is only a hint.

    :raise ReportError: if the call is too large or cannot be read
    """
    if len(body) > MAX_BODY or len(query_string) > MAX_BODY:
        raise ReportError('report_too_large', 413)
    if rules.encoding == PERCENT and body.removeprefix(b'\xef\xbb\xbf').lstrip()[:1] not in (b'{', b'['):
        rules = replace(rules, encoding=BYTES)  # a form is percent-encoded itself
    wanted = rules.paths()
    try:
        in_query = _rows(read_query(query_string, wanted, _get_charset(rules, query_string)), wanted)
        given = in_query[0] if in_query else {}
        in_body = []
        if method.upper() not in ('GET', 'HEAD'):
            try:
                in_body = _rows(read_body(content_type or '', body, wanted, _get_charset(rules, body)), wanted)
            except ReportError:
                if not given.get('number'):  # some callers send an SMS in the query string and anything as body
                    raise
    except paths.PairingError as error:
        raise ReportError('report_lists_differ') from error
    except paths.TooManyError as error:
        raise ReportError('report_too_many_items', 413) from error
    rows = [{**given, **row} for row in in_body] or in_query
    if len(rows) > MAX_REPORTS:
        raise ReportError('report_too_many_items', 413)
    others = []
    if rules.kind_param.strip():
        others = [row for row in rows if row.get('text') and not is_kind(rules.kind_values, row.get('kind'))]
        rows = [row for row in rows if is_kind(rules.kind_values, row.get('kind'))]
    else:
        rows = [row for row in rows if row.get('number')]
    return InboundCall(_messages(rules, rows), bool(rows), _messages(rules, others))


def _get_charset(rules, content):
    """Return the character set of a form or document that names none: several providers send Western texts so."""
    if rules.encoding == BYTES:
        return 'latin-1'
    try:
        unquote_to_bytes(content).decode()
    except UnicodeDecodeError:
        return 'windows-1252'
    return ''


def _rows(document, wanted):
    """Return the fields of each message in a document, with their values as they are, without empty ones."""
    if document is None or not wanted:
        return []
    if isinstance(document, Form):  # a form is one message, even if the provider repeats its fields: the last counts
        document = Form({
            name: _plain(value[::-1]) if isinstance(value, list) and all(isinstance(one, str) for one in value)
            else value for name, value in document.items()})
    found = [
        {name: value for name, value in row.items() if not _is_empty(value)}
        for row in paths.rows(document, wanted, _OPTIONAL, MAX_REPORTS)]
    found = [row for row in found if row]
    if not found and isinstance(document, Form) and len(document) == 1:
        return _rows(embedded(*document.values()), wanted)
    return found


def _is_empty(value):
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _messages(rules, rows):
    messages = (_message(rules, row) for row in rows)
    return tuple(message for message in messages if message.number)


def _message(rules, row):
    mask = masker(rules.secrets.secrets)
    texts = {name: _plain(row.get(name)) for name in _FIELDS}
    text = paths.clean(decode_text(texts['text'][:16 * MAX_TEXT], rules.encoding, texts['encoding']))
    mask_text = masker(tuple(secret for secret in rules.secrets.secrets if len(secret) >= SHORTEST_SECRET))
    short = {
        name: mask(paths.clean(value)[:16 * MAX_IDENTIFIER])[:MAX_IDENTIFIER] for name, value in texts.items()
        if name != 'text'}
    return InboundMessage(
        message_id=short['message_id'].strip(),
        number=short['number'] if short['number'].strip() else '',
        recipient=short['recipient'],
        text=mask_text(text)[:MAX_TEXT],
        sent_at=read_time(short['time']),
        reply_reference=short['reply'].strip(),
        optout=_OPTOUT_BY_WORD.get(short['optout'].strip().casefold(), ''),
        part_reference=short['part_reference'].strip(),
        part_number=_integer(short['part_number']),
        part_total=_integer(short['part_total']))


def _plain(value):
    """Return a value as text, with its white space; of a list the first that is not empty."""
    if isinstance(value, list):
        return next(filter(None, map(_plain, value)), '')
    if isinstance(value, str):
        return value
    return paths.as_text(value)


def _integer(text):
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 6 else 0
