# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recorded samples of the templates, `providers/<slug>.json`: what a provider documents of its requests, its answers
and its delivery reports.

A file holds one object:

- `provider`: the slug; `values`: what an administrator types after duplicating the template, credentials invented;
- `requests`: {name, source, sms: [{number, text, other fields of sms.sms}],
  expect: [{method, path, query, headers, form | json | body, host}]};
  `headers` are those that matter (null: must not be there), `host` is the one that the template's own URL gives;
- `answers`: {name, source, status, headers, body, request, results: [{state, message_id, failure_type, error_code}]}
  to the first of `requests` or the one that `request` names; a result names fields of the SMS's status row, and of
  `READ`: what only sending sees of the response;
- `reports`: {name, source, method, content_type, query, body, state, failure_type, error_code, error_message, answer,
  sms} after the first answer that accepts everything, or the one that `answer` names; `sms` counts the SMS of the
  request from 1; the state is delivered, failed, pending, canceled, or unknown for a status that says nothing;
- `no_errors`, `no_reports`: why there is none;
- `prices`: {answer | report, amount, currency, segments, source, body}: what is read of one of `answers` or `reports`,
  or of another body in its place; the amount has the digits of the provider, '' and 0 for what it does not say;
- `balance`: {source, method, path, sent, body, amount, currency}: the request for the balance with its query and body,
  and what is read from the response (amount null: none);
- `status`: {source, method, path, sent, message_id | message_ids, number, answers: [{http, body, reports: [{message_id,
  number, state, status, error_code, error_message, failure_type, price, price_currency, segment_count, is_last}]}]}:
  the request for the status of the SMS with these message IDs, and the reports that are read from each response, by
  default about the only SMS and without price and segments; `is_last` if the provider is not asked again. The state is
  one of those of `reports`.

In expected requests and in reports stand for what no file can know: $UUID, $UUID20 (its first 20 characters) and
$NUMBER (as the provider got it) of the first SMS, of the second $UUID2, $UUID20_2, $NUMBER2 and so on; $BATCH and
$BATCH20, the {uuid} and {uuid20} of a request for several SMS; $CALLBACK, the gateway's callback URL; in reports
$MESSAGE_ID, the message id of the answer. In a query or a form of a report they are percent-encoded.
"""
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import quote

from .provider import Reply, Request

ADDON = Path(__file__).resolve().parent.parent
TEMPLATES = ADDON / 'data' / 'gateways'
SAMPLES = Path(__file__).resolve().parent / 'providers'
FORM = 'application/x-www-form-urlencoded'
READ = ('retryable', 'account_refused', 'retry_after')
STATES = {'delivered': 'success', 'failed': 'error', 'pending': 'pending', 'canceled': 'canceled', 'unknown': None}

Tokens = Mapping[tuple[str, int], str]

_TOKEN = re.compile(r'\$(UUID20|UUID|NUMBER|BATCH20|BATCH|CALLBACK|MESSAGE_ID)(?:_?(\d+))?')
_KEYS = {
    'requests': {'name', 'source', 'sms', 'expect'},
    'answers': {'name', 'source', 'status', 'headers', 'body', 'request', 'results'},
    'reports': {
        'name', 'source', 'method', 'content_type', 'query', 'body', 'state', 'failure_type', 'error_code',
        'error_message', 'answer', 'sms'},
    'prices': {'answer', 'report', 'amount', 'currency', 'segments', 'source', 'body'},
}
_REQUIRED = {
    'requests': {'name', 'source', 'sms', 'expect'},
    'answers': {'name', 'source', 'status', 'body', 'results'},
    'reports': {'name', 'source', 'state'},
    'prices': {'amount', 'currency', 'segments'},
}
_EXPECT_KEYS = {'method', 'path', 'query', 'headers', 'form', 'json', 'body', 'host'}


@dataclass(frozen=True)
class Samples:
    """The file of one provider."""
    provider: str
    values: Mapping
    requests: Sequence[Mapping] = ()
    answers: Sequence[Mapping] = ()
    reports: Sequence[Mapping] = ()
    no_errors: str = ''
    no_reports: str = ''
    prices: Sequence[Mapping] = ()
    balance: Mapping = field(default_factory=dict)
    status: Mapping = field(default_factory=dict)

    def request(self, name: str = '') -> Mapping:
        """:raise StopIteration: no request has that name."""
        return next(sample for sample in self.requests if name in ('', sample['name']))

    def accepted(self, name: str = '') -> Mapping:
        """The answer after which reports come.

        :raise StopIteration: there is none
        """
        return next(sample for sample in self.answers if (sample['name'] == name if name else accepts(sample)))

    def missing(self) -> list[str]:
        """What this file owes, one sentence each."""
        kinds = (
            ('a request', self.requests, ''),
            ('an answer that accepts', [sample for sample in self.answers if accepts(sample)], ''),
            ('an answer that refuses, or `no_errors`',
             [sample for sample in self.answers if not accepts(sample)], self.no_errors),
            ('a delivery report that says delivered, or `no_reports`',
             [sample for sample in self.reports if sample['state'] == 'delivered'], self.no_reports),
        )
        return [f'It lacks {kind}.' for kind, found, excuse in kinds if not found and not excuse]


def accepts(answer: Mapping) -> bool:
    return all(result['state'] == 'success' for result in answer['results'])


def template_slugs() -> list[str]:
    return sorted(path.stem for path in TEMPLATES.glob('*.xml'))


def sample_slugs() -> list[str]:
    return sorted(path.stem for path in SAMPLES.glob('*.json'))


def load(slug: str) -> Samples:
    """Read the file of one provider.

    :raise ValueError: it is not what the head of this module says; OSError: there is none
    """
    document = json.loads((SAMPLES / f'{slug}.json').read_text(encoding='utf-8'))
    _check_keys(slug, document, {field.name for field in fields(Samples)}, {'provider', 'values', 'requests'})
    if document['provider'] != slug:
        raise ValueError(f"{slug}: `provider` is {document['provider']}.")
    for kind, allowed in _KEYS.items():
        for sample in document.get(kind, ()):
            where = f"{slug}, {kind}, {sample.get('name')}"
            _check_keys(where, sample, allowed, _REQUIRED[kind])
            if not sample.get('source', kind == 'prices'):
                raise ValueError(f'{where}: `source` is empty.')
            for expected in sample.get('expect', ()):
                _check_keys(where, expected, _EXPECT_KEYS, {'method', 'path'})
            if sample.get('state', 'pending') not in STATES:
                raise ValueError(f'{where}: `state` is none of {", ".join(STATES)}.')
    return Samples(**document)


def _check_keys(where, mapping, allowed, required):
    if unknown := set(mapping) - allowed:
        raise ValueError(f'{where}: unknown {", ".join(sorted(unknown))}.')
    if missing := required - set(mapping):
        raise ValueError(f'{where}: no {", ".join(sorted(missing))}.')


def fill(document, tokens: Tokens, encode=str):
    """Replace the tokens in a text, or in every text of a JSON document.

    :param tokens: values by name and number of the SMS, 1 for what is not of one SMS
    :param encode: applied to each value
    """
    def value(match):
        return encode(tokens[match[1], int(match[2] or 1)])

    if isinstance(document, str):
        return _TOKEN.sub(value, document)
    if isinstance(document, list):
        return [fill(item, tokens, encode) for item in document]
    if isinstance(document, dict):
        return {fill(key, tokens, encode): fill(item, tokens, encode) for key, item in document.items()}
    return document


def expected_request(expected: Mapping, tokens: Tokens) -> dict:
    """An item of `expect` with its tokens filled, as :func:`seen_request` shows what arrived."""
    filled = fill({key: value for key, value in expected.items() if key != 'host'}, tokens)
    for kind in ('query', 'form'):
        if kind in filled:
            filled[kind] = {
                key: value if isinstance(value, list) else [value] for key, value in filled[kind].items()}
    body = {} if 'form' in filled or 'json' in filled else {'body': ''}
    return {'query': {}, 'headers': {}, **body, **filled}


def seen_request(request: Request, expected: Mapping) -> dict:
    """What arrived, in the shape in which a sample expects it; a body that cannot be read so stays text."""
    seen = {
        'method': request.method,
        'path': request.path,
        'query': request.query,
        'headers': {name: request.headers.get(name.lower()) for name in expected.get('headers', ())},
    }
    if 'json' in expected:
        try:
            return {**seen, 'json': request.json()}
        except ValueError:
            return {**seen, 'body': request.body.decode(errors='replace')}
    if 'form' in expected and request.headers.get('content-type', '').startswith(FORM):
        return {**seen, 'form': request.form()}
    return {**seen, 'body': request.body.decode(errors='replace')}


def texts_in(document) -> set[str]:
    """Every text and number of a JSON document, as a person would read it."""
    if isinstance(document, (list, dict)):
        values = document.values() if isinstance(document, dict) else document
        return set().union(*map(texts_in, values))
    return {str(document)}


def turn_keys(document):
    """The same JSON document with the keys of each object in the opposite order."""
    if isinstance(document, dict):
        return {key: turn_keys(value) for key, value in reversed(document.items())}
    return [turn_keys(item) for item in document] if isinstance(document, list) else document


def document_of(answer: Mapping):
    """The object or the list of an answer in JSON, None for another answer."""
    body = answer['body']
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return None
    return body if isinstance(body, (dict, list)) else None


def reply_of(answer: Mapping) -> Reply:
    return Reply(answer['status'], answer['body'], answer.get('headers') or {})


def call_of(report: Mapping, tokens: Tokens) -> tuple[str, bytes, str, bytes]:
    """Method, query string, content type and body of the provider's call."""
    body = report.get('body', '')
    content_type = report.get('content_type', '')
    if not isinstance(body, str):
        body, content_type = json.dumps(fill(body, tokens), ensure_ascii=False), content_type or 'application/json'
    elif body:
        content_type = content_type or FORM
        body = fill(body, tokens, _percent_encode if content_type.startswith(FORM) else str)
    method = report.get('method') or ('POST' if body else 'GET')
    return method, fill(report.get('query', ''), tokens, _percent_encode).encode(), content_type, body.encode()


def _percent_encode(text):
    return quote(text, safe='')
