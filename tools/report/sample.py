# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports outside of a call: a pasted sample and a simulated report. Pure."""
import json
import re
from typing import NamedTuple

from .. import paths
from .parsing import ReportRules

CONTENT_TYPES = {'form': 'application/x-www-form-urlencoded', 'json': 'application/json', 'xml': 'application/xml'}
_URL = re.compile(r'(?:(?:GET|POST)\s+)?(?:https?://|/)\S*\?|\?', re.IGNORECASE)


class SampleCall(NamedTuple):
    """The arguments of `parse_reports` after the rules."""
    method: str
    query: bytes
    content_type: str
    body: bytes


def guess_kind(text: str) -> str:
    """Return what a pasted sample is: 'query' for a URL or its query string, 'form', 'json' or 'xml'."""
    start = text.lstrip('\ufeff \t\r\n')
    if start[:1] in ('{', '['):
        return 'json'
    if start[:1] == '<':
        return 'xml'
    return 'query' if _URL.match(start) else 'form'


def make_call(kind: str, text: str) -> SampleCall:
    """Return the call that a pasted sample stands for.

    :param kind: see `guess_kind`
    :param text: fields of a form may be on lines of their own, as in documentation
    """
    if kind in ('query', 'form'):
        text = '&'.join(filter(None, (line.strip().strip('&') for line in text.splitlines())))
    if kind == 'query':
        found = _URL.match(text)
        text = text[found.end():] if found else text
        return SampleCall('GET', re.split(r'[#\s]', text, maxsplit=1)[0].encode(), '', b'')
    return SampleCall('POST', b'', CONTENT_TYPES[kind], text.encode('utf-8', 'replace'))


def make_delivered(rules: ReportRules, **identifiers: str) -> SampleCall | None:
    """Return a call that reports an SMS as delivered, in JSON.

    :param identifiers: `uuid`, `message_id` and `number` of the SMS
    :return: None if the gateway has no success value
    """
    if not rules.success:
        return None
    values, document = {**identifiers, 'status': rules.success[0].rstrip('*')}, None
    chosen = [(*paths.choices(path)[0], values[name]) for name, path in rules.paths() if values.get(name)]
    conditions = [(condition, '1') for condition, _path, _value in chosen if condition]
    for path, value in (*conditions, *((path, value) for _condition, path, value in chosen)):
        document = _place(document, paths.segments(path), value)
    return SampleCall('POST', b'', CONTENT_TYPES['json'], json.dumps(document).encode())


def _place(node, segments, value):
    """Put a value at a path of a document, and return the document."""
    if not segments:
        return value
    head, *rest = segments
    if head == paths.EACH or head.isdecimal():
        node, position = node if isinstance(node, list) else [], 0 if head == paths.EACH else min(int(head), 99)
        node += [{} for _item in range(position + 1 - len(node))]
        node[position] = _place(node[position], rest, value)
        return node
    node = node if isinstance(node, dict) else {}
    node[head] = _place(node.get(head), rest, value)
    return node
