# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The request of a gateway, with placeholders, out of the parts of a pasted one."""
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from ..config import Credentials, Parameter, RequestConfig
from ..placeholders import EACH
from .decisions import OURS
from .meanings import ACCOUNT, API_KEY, FIXED, MESSAGE, NUMBER, REMOVED, SECRETS, SENDER, TOKEN
from .parts import Address, Part
from .request import PastedRequest, parse_json, shown

_quote = partial(quote, safe='!$()*,/:;@', errors='replace')
_GONE = object()


class Builder:
    """Writes a request with placeholders.

    :param parts: with the meanings that the request is to have
    """

    def __init__(self, request: PastedRequest, address: Address, parts: Sequence[Part]):
        self.request = request
        self.address = address
        self.parts = parts
        self.by_place = {(part.place, part.path): part for part in parts}
        self.each = self.find_each()

    def config(self) -> RequestConfig:
        request = self.request
        is_json = request.body == 'json'
        query = list(self.fields('query', self.address.query))
        # With a form the parameters make the body, so what the URL has stays there, as does what has no =.
        in_url = request.method == 'POST' and not is_json
        rows = list(self.fields('form', request.fields)) if in_url else [row for row in query if row[2] is not None]
        url = self.url(query if in_url else [row for row in query if row[2] is None])
        document = self.node(request.document, ()) if is_json else None
        return RequestConfig(
            url=url,
            method=request.method.lower(),
            request_type='json' if is_json else 'form',
            parameters=tuple(_parameter(*row) for row in rows),
            headers=tuple(self.headers()),
            body_template=json.dumps(document, ensure_ascii=False, indent=4) if is_json else '',
            multiple_recipients=self.shows_several(),
            separator=next((part.separator for part in self.parts if part.meaning == NUMBER and part.separator), ','),
            auth_type=self.auth_type(),
            credentials=Credentials(**{name: self.sample_of(name) for name in SECRETS}),
            sender=self.sample_of(SENDER),
            account_id=self.sample_of(ACCOUNT),
        )

    def sample_of(self, meaning: str) -> str:
        return next((shown(part.real) for part in self.parts if part.meaning == meaning and part.real), '')

    def auth_type(self) -> str:
        if self.request.user:
            return 'basic'
        used = {part.meaning for part in self.parts if part.meaning in SECRETS}
        if not used:
            return 'none'
        return {(API_KEY,): 'api_key', (TOKEN,): 'token'}.get(tuple(used), 'custom')

    def shows_several(self) -> bool:
        """Tell whether the sample has several recipients, and no place for a single one."""
        numbers = [part for part in self.parts if part.meaning == NUMBER]
        each = self.each is not None and len(self.at(self.each)) > 1
        single = any(not part.samples and not self.is_in_each(part) for part in numbers)
        return not single and (each or any(len(part.samples) > 1 for part in numbers))

    def is_in_each(self, part: Part) -> bool:
        return self.each is not None and part.place == 'json' and part.path[:len(self.each)] == self.each

    def is_repeated(self, part: Part) -> bool:
        """Tell whether a part is in another item of the list that has an item for each recipient than the first."""
        return self.is_in_each(part) and part.path[len(self.each)] > 0

    # === URL, FIELDS, HEADERS === #

    @staticmethod
    def text(part: Part) -> str | None:
        """Give what a part becomes, None for one that is left out."""
        if part.meaning == REMOVED:
            return None
        if part.meaning == FIXED:
            return shown(part.value)
        name = 'phones' if part.meaning == NUMBER and part.samples else part.meaning
        return f'{shown(part.prefix)}{{{name}}}{shown(part.suffix)}'

    def url(self, fields: Iterable[tuple[Part | None, str, str | None]]) -> str:
        address = self.address
        part = self.by_place.get(('host', ()))
        host = address.host
        if part:
            host = part.prefix + part.value + part.suffix if part.meaning == FIXED else self.text(part) or ''
        # somebody may enter the address in place of a variable such as $BASE_URL
        site = shown(host).rstrip('/') if '://' in host else address.scheme + shown(host)
        segments = []
        for index, segment in enumerate(address.path):
            part = self.by_place.get(('path', (index,)))
            text = self.text(part) if part else shown(segment)
            if text is not None:
                segments.append(text.replace(' ', '%20'))
        query = '&'.join(
            _encode(key) if value is None else f'{_encode(key)}={_encode(value)}' for _part, key, value in fields)
        return f'{site}{"/".join(segments)}{"?" if query else ""}{query}'

    def fields(
            self, place: str, pairs: Iterable[tuple[str, str | None]]) -> Iterator[tuple[Part | None, str, str | None]]:
        for index, (key, value) in enumerate(pairs):
            part = self.by_place.get((place, (index,)))
            text = self.text(part) if part else value
            if not part or text is not None:
                yield part, shown(key), text

    def headers(self) -> Iterator[tuple[str, str]]:
        for index, (key, value) in enumerate(self.request.headers):
            part = self.by_place.get(('header', (index,)))
            text = self.text(part) if part else shown(value)
            if text is not None:
                yield shown(key), text

    # === JSON === #

    def find_each(self) -> tuple | None:
        """Find the list that has an item for each recipient: one of which the sample has several items, else the
        outermost with number and text, else the innermost with the number."""
        number = next((part for part in self.parts if part.place == 'json' and part.meaning == NUMBER), None)
        if not number:
            return None
        lists = [
            number.path[:end] for end, key in enumerate(number.path)
            if isinstance(key, int) and self.has_recipients(number.path[:end], number)]
        several = [path for path in lists if len(self.at(path)) > 1]
        if len(number.samples) > 1:
            lists = several
        texts = [part.path for part in self.parts if part.place == 'json' and part.meaning == MESSAGE]
        with_text = [path for path in lists if any(text[:len(path)] == path for text in texts)]
        return next(iter([*several, *with_text, *lists[-1:]]), None)

    def has_recipients(self, path: tuple, number: Part) -> bool:
        """Tell whether each item of a list is an object with the number in the same place."""
        items = self.at(path)
        found = {
            part.path[len(path)] for part in self.parts
            if part.place == 'json' and part.names == number.names and part.path[:len(path)] == path}
        return all(isinstance(item, dict) and index in found for index, item in enumerate(items))

    def at(self, path: tuple) -> Any:
        node = self.request.document
        for key in path:
            node = node[key]
        return node

    def node(self, node: Any, path: tuple, inside: bool = False) -> Any:
        part = self.by_place.get(('json', path))
        if part:
            return self.leaf(part, node, inside)
        if isinstance(node, dict):
            children = ((shown(key), self.node(value, (*path, key), inside)) for key, value in node.items())
            return {key: value for key, value in children if value is not _GONE}
        if isinstance(node, list):
            if path == self.each:
                return [EACH, self.node(node[0], (*path, 0), True)]
            children = (self.node(value, (*path, index), inside) for index, value in enumerate(node))
            return [value for value in children if value is not _GONE]
        return node

    def leaf(self, part: Part, node: Any, inside: bool) -> Any:
        if part.meaning == REMOVED:
            return _GONE
        if part.meaning == FIXED:
            return _typed(part, node)
        if part.kind == 'list':
            return '__phones_list__' if part.meaning == NUMBER and not inside else [f'{{{part.meaning}}}']
        return self.text(part)


def _typed(part: Part, node: Any) -> Any:
    """Give a fixed value with the type that it had in the sample, if it can still have it."""
    if part.kind == 'list' or (part.kind != 'text' and part.value == part.sample):
        return node
    if part.kind in ('number', 'boolean', 'null'):
        with suppress(ValueError):
            return parse_json(part.value)
    return shown(part.value)


def _parameter(part: Part | None, key: str, value: str | None) -> Parameter:
    value = value or ''
    if not part or part.meaning in (FIXED, REMOVED):
        return Parameter(key, value)
    if part.meaning == NUMBER:
        kind = 'multi_number' if part.samples else 'number'
        return Parameter(key, '' if value in ('{phone}', '{phones}') else value, kind)
    if part.meaning == MESSAGE:
        return Parameter(key, '' if value == '{message}' else value, 'message')
    return Parameter(key, value, 'auth' if part.meaning in SECRETS else 'other')


def _encode(text: str) -> str:
    """Percent-encode a piece of a query, its placeholders excepted."""
    pieces, end = [], 0
    for match in OURS.finditer(text):
        pieces += (_quote(text[end:match.start()]), match[0])
        end = match.end()
    return ''.join([*pieces, _quote(text[end:])])
