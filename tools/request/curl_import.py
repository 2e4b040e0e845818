# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From a curl command of a provider's documentation to the request of a gateway.

    imported = import_curl(text)
    imported.parts        # each value of the request, what it was taken for, and whether that is sure
    imported.config()     # the request with placeholders, and the credentials that the command holds
"""
import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote

from .curl_command import Note, PastedRequest, parse_json, read_command, shown
from .curl_names import (
    ACCOUNT,
    API_KEY,
    CALLBACK,
    FIXED,
    MESSAGE,
    NUMBER,
    PASSWORD,
    REMOVED,
    SECRETS,
    SENDER,
    TOKEN,
    USERNAME,
    UUID,
    is_hole,
    is_phone,
    is_placeholder,
    is_report_url,
    is_schedule,
    is_sentence,
    is_url,
    meaning_of_name,
    number_format_of,
    placeholder_name,
    split_phones,
    words_of,
)
from .curl_parts import Address, Part, find_parts, split_url
from .config import Credentials, Parameter, RequestConfig
from .placeholders import EACH, PLACEHOLDERS, TOKENS
from .typed_secrets import is_secret_name, looks_random

_OURS = re.compile(rf'\{{(?:{"|".join(PLACEHOLDERS)})\}}|__(?:{"|".join((*TOKENS, "each"))})__')
_STRONG_NAMES = frozenset('to recipient recipients receiver receivers destination destinations msisdn msisdns dst mobiles'.split())
_NO_TEXTS = frozenset('sms text unicode json plain html auto flash true false gsm ucs2 0 1 2 utf8 utf-8 promotional transactional'.split())
# What calls, where the name may also be the sender's.
_SOURCES = frozenset('api rest http web php python java node nodejs curl sdk app website postman odoo crm'.split())
_SENDER_NAMES = ('senderid', 'sendername', 'from', 'sender', 'originator', 'src', 'source')
_quote = partial(quote, safe="!$()*,/:;@", errors='replace')


@dataclass(frozen=True, repr=False)
class CurlImport:
    """What became of a command.

    :ivar parts: may be replaced by others with another `meaning` or `value`
    :ivar str number_format: one of the gateway's, guessed from the sample
    :ivar bool number_format_sure: whether the sample shows it
    """

    request: PastedRequest
    address: Address
    parts: tuple[Part, ...]
    notes: tuple[Note, ...]
    number_format: str
    number_format_sure: bool

    @property
    def questions(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if not part.sure)

    @property
    def missing(self) -> tuple[str, ...]:
        """Give what every request needs and this one has not: `phone`, `message`."""
        meanings = {part.meaning for part in self.parts}
        return tuple(meaning for meaning in (NUMBER, MESSAGE) if meaning not in meanings)

    @property
    def host(self) -> str:
        return self.address.host

    def config(self) -> RequestConfig:
        return _Builder(self).config()


def import_curl(text: str) -> CurlImport:
    """Read a pasted curl command.

    :raise CurlError: with a code, when it cannot become a gateway
    """
    request = read_command(text)
    address = split_url(request)
    parts = find_parts(request, address)
    decisions = _Decisions(parts)
    decisions.decide()
    samples = [sample for part in parts if part.meaning == NUMBER for sample in part.samples or (part.prefix + part.sample,)]
    sample = next((sample for sample in samples if re.search('[0-9]', sample)), '')
    number_format, sure = number_format_of(re.sub(r'^\w+:', '', sample))
    return CurlImport(request, address, tuple(parts), (*request.notes, *decisions.notes), number_format, sure)


class _Decisions:
    """Gives each part its meaning, out of its name, its shape and the other parts."""

    def __init__(self, parts: list[Part]):
        self.parts = parts
        self.notes: list[Note] = []

    def note(self, code: str, **values: str) -> None:
        self.notes.append(Note(code, values))

    def having(self, *meanings: str) -> list[Part]:
        return [part for part in self.parts if part.meaning in meanings]

    def decide(self) -> None:
        for part in self.parts:
            if not part.is_locked and part.place not in ('host', 'path'):
                self.check_shape(part)
        self.find_number()
        self.find_text()
        self.share_secrets()
        for meaning in (ACCOUNT, SENDER, CALLBACK):
            self.share(meaning)
        self.check_fixed()

    # === EACH PART BY ITSELF === #

    def check_shape(self, part: Part) -> None:
        """Take back what a name promised and a value denies; take a placeholder's name where the name tells nothing."""
        value = part.sample.strip()
        name = part.names[-1] if part.names[-1] != '[]' else part.names[0]
        if part.meaning in (FIXED, UUID) and (is_schedule(name, value) or (
                is_hole(value) and is_schedule(name, '2024-01-01'))):
            part.meaning = REMOVED
            self.note('schedule', name=part.name)
            return
        if part.meaning == FIXED and is_hole(value):
            part.meaning = meaning_of_name((placeholder_name(value),)) or FIXED
        if part.kind in ('boolean', 'null') or not value:
            part.meaning = FIXED
        elif part.meaning == FIXED and words_of(name) in (['url'], ['uri']) and is_report_url(value):
            part.meaning = CALLBACK
        elif part.meaning == SENDER and words_of(name) == ['source'] and value.lower() in _SOURCES:
            part.meaning = FIXED
        elif not _SHAPES.get(part.meaning, lambda part, value: True)(part, value):
            part.meaning = FIXED
        if part.meaning == NUMBER and part.kind == 'text':
            samples, separator = split_phones(part.sample)
            if separator:
                part.samples, part.separator = tuple(samples), separator

    # === RECIPIENT AND TEXT === #

    def find_number(self) -> None:
        numbers = self.having(NUMBER)
        if not numbers:
            candidates = [part for part in self.having(FIXED) if part.kind in ('text', 'number') and _maybe_phone(part)]
            for part in candidates[:1]:
                part.meaning = NUMBER
                part.sure = len(candidates) == 1 and part.sample.strip().startswith('+')
            return
        best = max(map(_number_strength, numbers))
        first = next(part for part in numbers if _number_strength(part) == best)
        for part in numbers:
            if part is first or _same_sample(part, first) or _in_same_list(part, first):
                continue
            if _key_pattern(part) == _key_pattern(first) and part.place == first.place:
                part.meaning = REMOVED
                self.note('one_recipient', name=part.name)
            else:
                part.meaning, part.sure = FIXED, False

    def find_text(self) -> None:
        texts = self.having(MESSAGE)
        if not texts:
            candidates = [part for part in self.having(FIXED) if part.kind == 'text' and is_sentence(part.sample)]
            candidates.sort(key=lambda part: -len(part.sample))
            for part in candidates[:1]:
                part.meaning, part.sure = MESSAGE, len(candidates) == 1
            return
        first = max(texts, key=_text_strength)  # the first of equals
        for part in texts:
            if part is first or _same_sample(part, first) or _in_same_list(part, first):
                continue
            part.meaning = FIXED
            part.sure = part.sample.lower().strip() in _NO_TEXTS

    # === WHAT A GATEWAY HAS ONE FIELD FOR === #

    def share_secrets(self) -> None:
        """Give each different secret a field of its own."""
        if self.having(PASSWORD) and not self.having(USERNAME):
            for part in self.having(FIXED):
                if words_of(part.names[-1])[-1:] in (['email'], ['mail']) and part.kind == 'text':
                    part.meaning = part.named = USERNAME
                    break
        holders: dict[str, Part] = {}
        parts = sorted(self.having(*SECRETS), key=lambda part: not part.is_locked)
        for part in parts:
            if same := next((name for name, holder in holders.items() if _same_value(holder, part)), ''):
                part.meaning = same
            elif part.meaning not in holders:
                holders[part.meaning] = part
            elif free := next((name for name in (API_KEY, TOKEN, PASSWORD) if name not in holders), ''):
                part.meaning = free
                holders[free] = part
            else:
                part.meaning, part.sure = FIXED, False
        secret_segments = [part for part in self.having(ACCOUNT) if part.place == 'path' and part.real and looks_random(part.sample)]
        if not holders and len(secret_segments) == 1 and not re.fullmatch('[A-Z]{2}[0-9a-f]{32}', secret_segments[0].sample):
            secret_segments[0].meaning = API_KEY
        for part in self.having(ACCOUNT, SENDER, FIXED):
            for name, holder in holders.items():
                if part.meaning == ACCOUNT and _same_value(holder, part):
                    part.meaning = name

    def share(self, meaning: str) -> None:
        """Let the most likely part have the field; another value of the same kind stays what it is."""
        parts = self.having(meaning)
        if not parts:
            return
        first = min(parts, key=_sender_rank) if meaning == SENDER else parts[0]
        for part in parts:
            if part is not first and not _same_value(first, part) and not _in_same_list(part, first):
                part.meaning = FIXED
                part.sure = meaning == ACCOUNT and bool(part.real)

    # === WHAT IS LEFT === #

    def check_fixed(self) -> None:
        """Doubt a fixed value that may be something else."""
        has_secret = bool(self.having(*SECRETS))
        for part in self.having(FIXED):
            value = part.sample.strip()
            name = part.names[-1] if part.names[-1] != '[]' else part.names[0]
            if part.place == 'host' or _OURS.search(part.value) or is_hole(value) or is_url(value):
                part.sure = False
            elif part.place != 'header' or name.lower() not in ('accept', 'content-type'):
                ends = words_of(name)[-1:]
                if is_secret_name(name) and part.kind in ('text', 'number') and len(value) >= 4 and ends not in (['id'], ['uuid']):
                    part.sure = False
                elif part.kind == 'text' and looks_random(value) and ends not in (['id'], ['uuid']) and ' ' not in value:
                    part.sure = False
                    if not has_secret:
                        part.meaning = API_KEY
                elif part.kind == 'text' and value.startswith('+') and is_phone(value):
                    part.sure = False


def _maybe_phone(part: Part) -> bool:
    name = words_of(part.names[-1])[-1:]
    return is_phone(part.sample) and name not in (['id'], ['date'], ['time'], ['at'], ['timestamp']) and len(
        re.sub('[^0-9xX]', '', part.sample)) >= 9 and '-' not in part.sample[1:5]


def _shape_number(part: Part, value: str) -> bool:
    if part.kind == 'list' or is_phone(value) or is_hole(value) or is_placeholder(value):
        return True
    return bool(split_phones(value)[1]) or not re.fullmatch(r'[0-9]{1,3}|true|false', value)


def _shape_text(part: Part, value: str) -> bool:
    return part.kind == 'text'


def _shape_callback(_part: Part, value: str) -> bool:
    return is_url(value) or is_hole(value)


def _shape_uuid(part: Part, value: str) -> bool:
    return part.kind == 'text' and not is_url(value)


def _shape_secret(part: Part, value: str) -> bool:
    return part.kind in ('text', 'number') and not is_url(value)


def _shape_account(part: Part, value: str) -> bool:
    return part.kind in ('text',) and not is_url(value) or (part.kind == 'number' and part.place != 'json')


_SHAPES: dict[str, Callable[[Part, str], bool]] = {
    NUMBER: _shape_number, MESSAGE: _shape_text, CALLBACK: _shape_callback, UUID: _shape_uuid, ACCOUNT: _shape_account,
    SENDER: lambda part, value: part.kind in ('text', 'number') and not is_url(value),
    **dict.fromkeys(SECRETS, _shape_secret)}


def _number_strength(part: Part) -> tuple:
    names = [name for name in part.names if name != '[]']
    words = {''.join(words_of(name)) for name in names} | set(words_of(names[-1] if names else ''))
    return bool(part.samples), bool(words & _STRONG_NAMES), is_phone(part.sample) or bool(part.samples) or is_hole(part.sample)


def _text_strength(part: Part) -> tuple:
    return (
        part.sample.lower().strip() not in _NO_TEXTS, is_sentence(part.sample), is_hole(part.sample),
        ' ' in part.sample.strip())


def _sender_rank(part: Part) -> int:
    name = ''.join(words_of([name for name in part.names if name != '[]'][-1]))
    return next((rank for rank, known in enumerate(_SENDER_NAMES) if name.endswith(known)), len(_SENDER_NAMES))


def _same_sample(part: Part, other: Part) -> bool:
    return part.sample == other.sample


def _same_value(part: Part, other: Part) -> bool:
    """Tell whether two samples hold the same value, such as the account in the URL and the user name."""
    if part.named != other.named and {part.named, other.named} <= set(SECRETS):
        return False
    if part.sample == other.sample and (part.real or part.named == other.named):
        return True
    name, other_name = (''.join(words_of(placeholder_name(item.sample))) for item in (part, other))
    return min(len(name), len(other_name)) >= 3 and (name.endswith(other_name) or other_name.endswith(name))


def _in_same_list(part: Part, other: Part) -> bool:
    """Tell whether two JSON values are the same member of two items of a list."""
    return part.place == other.place == 'json' and part.names == other.names and '[]' in part.names


def _key_pattern(part: Part) -> str:
    return re.sub('[0-9]+', '', part.name)


class _Builder:
    """Writes a request with placeholders."""

    def __init__(self, imported: CurlImport):
        self.imported = imported
        self.request = imported.request
        self.parts = {(part.place, part.path): part for part in imported.parts}

    def config(self) -> RequestConfig:
        imported, request = self.imported, self.request
        is_json = request.body == 'json'
        query = list(self.pairs('query', imported.address.query))
        # With a form the parameters make the body, so what the URL has stays there.
        in_url = request.method == 'POST' and not is_json
        parameters = [self.parameter(part, key, value) for part, key, value in (
            list(self.pairs('form', request.fields)) if in_url else [item for item in query if item[2] is not None])]
        rest = query if in_url else [item for item in query if item[2] is None]
        several = [part for part in imported.parts if part.meaning == NUMBER and len(part.samples) > 1]
        document = self.document() if is_json else None
        body = json.dumps(document, ensure_ascii=False, indent=4) if is_json else ''
        shares = bool(several or self.each_count > 1)
        url = self.url(rest)
        headers = tuple(self.headers())
        if '{phone}' in url + ''.join(value for _key, value in headers) or any(
                part.meaning == NUMBER and part.place != 'json' and not part.samples for part in imported.parts) or self.single_number:
            shares = False
        separator = next((part.separator for part in several if part.separator), ',')
        return RequestConfig(
            url=url, method=request.method.lower(), request_type='json' if is_json else 'form', parameters=tuple(parameters),
            headers=headers, body_template=body, multiple_recipients=shares, separator=separator, auth_type=self.auth_type(),
            credentials=Credentials(**{name: self.sample_of(name) for name in SECRETS}),
            sender=self.sample_of(SENDER), account_id=self.sample_of(ACCOUNT))

    def sample_of(self, meaning: str) -> str:
        return next((part.real for part in self.imported.parts if part.meaning == meaning and part.real), '')

    def auth_type(self) -> str:
        if self.request.user:
            return 'basic'
        used = {part.meaning for part in self.imported.parts if part.meaning in SECRETS}
        return {(): 'none', (API_KEY,): 'api_key', (TOKEN,): 'token'}.get(tuple(used), 'custom')

    # === URL, FIELDS, HEADERS === #

    def text(self, part: Part) -> str | None:
        """Give what a part becomes, None for one that is left out."""
        if part.meaning == REMOVED:
            return None
        if part.meaning == FIXED:
            return shown(part.prefix + part.value + part.suffix if part.place in ('host',) else part.value)
        name = 'phones' if part.meaning == NUMBER and part.samples else part.meaning
        return f'{part.prefix}{{{name}}}{part.suffix}'

    def url(self, rest: Iterable[tuple[Part | None, str, str | None]]) -> str:
        address = self.imported.address
        host_part = self.parts.get(('host', ()))
        host = address.host if not host_part else self.text(host_part) or ''
        scheme, mark, after = host.partition('://')
        base = host.rstrip('/') if mark and after else address.scheme + host
        segments = []
        for index, segment in enumerate(address.path):
            part = self.parts.get(('path', (index,)))
            text = segment if not part else self.text(part)
            if text is not None:
                segments.append(text)
        query = '&'.join(
            _encode(shown(key)) if value is None else f'{_encode(shown(key))}={_encode(value)}' for _part, key, value in rest)
        return f'{base}{"/".join(segments)}{"?" if query else ""}{query}'

    def pairs(self, place: str, pairs: Iterable[tuple[str, str | None]]) -> Iterable[tuple[Part | None, str, str | None]]:
        for index, (key, value) in enumerate(pairs):
            part = self.parts.get((place, (index,)))
            if not part:
                yield None, key, value
            elif (text := self.text(part)) is not None:
                yield part, key, text

    def parameter(self, part: Part | None, key: str, value: str | None) -> Parameter:
        key = shown(key)
        if not part or part.meaning in (FIXED, REMOVED):
            return Parameter(key, value or '')
        if part.meaning == NUMBER:
            kind = 'multi_number' if part.samples else 'number'
            return Parameter(key, '' if value in ('{phone}', '{phones}') else value or '', kind)
        if part.meaning == MESSAGE:
            return Parameter(key, '' if value == '{message}' else value or '', 'message')
        return Parameter(key, value or '', 'auth' if part.meaning in SECRETS else 'other')

    def headers(self) -> Iterable[tuple[str, str]]:
        for index, (key, value) in enumerate(self.request.headers):
            part = self.parts.get(('header', (index,)))
            text = self.text(part) if part else shown(value)
            if text is not None:
                yield shown(key), text

    # === JSON === #

    each_count = 0
    single_number = False

    def document(self) -> Any:
        each = self.each_path()
        return self.node(self.request.document, (), each)

    def each_path(self) -> tuple | None:
        """Find the list that has an item for each recipient: the outermost that has the number, and the text if any list
        has both."""
        number = next((part for part in self.imported.parts if part.place == 'json' and part.meaning == NUMBER), None)
        if not number:
            return None
        lists = [number.path[:end] for end, key in enumerate(number.path) if isinstance(key, int)]
        if len(number.samples) > 1:
            lists = [path for path in lists if len(self.at(path)) > 1]
        if not lists:
            return None
        texts = [part.path for part in self.imported.parts if part.place == 'json' and part.meaning == MESSAGE]
        with_text = [path for path in lists if any(text[:len(path)] == path and len(text) > len(path) for text in texts)]
        several = [path for path in lists if len(self.at(path)) > 1]
        return next((path for path in [*several, *with_text, *lists[-1:]]), None)

    def at(self, path: tuple) -> Any:
        node = self.request.document
        for key in path:
            node = node[key]
        return node

    def node(self, node: Any, path: tuple, each: tuple | None, inside: bool = False) -> Any:
        part = self.parts.get(('json', path))
        if part:
            return self.leaf(part, node, inside)
        if isinstance(node, dict):
            children = ((shown(key), self.node(value, (*path, key), each, inside)) for key, value in node.items())
            return {key: value for key, value in children if value is not _GONE}
        if isinstance(node, list):
            if path == each:
                self.each_count = max(self.each_count, len(node))
                return [EACH, self.node(node[0], (*path, 0), each, True)]
            children = (self.node(value, (*path, index), each, inside) for index, value in enumerate(node))
            return [value for value in children if value is not _GONE]
        return node

    @staticmethod
    def typed(part: Part) -> Any:
        """Give a fixed value with the type that it had, as far as the text still has it."""
        if part.kind in ('number', 'boolean', 'null'):
            with suppress(ValueError):
                return parse_json(part.value)
        return shown(part.value)

    def leaf(self, part: Part, node: Any, inside: bool) -> Any:
        if part.meaning == REMOVED:
            return _GONE
        if part.kind == 'list' and part.meaning == NUMBER:
            if inside:
                return ['{phone}']
            return '__phones_list__'
        if part.meaning == FIXED:
            return node if part.kind in ('list',) or part.value == str(node) else self.typed(part)
        if part.meaning == NUMBER and not part.samples and not inside:
            self.single_number = True
        return self.text(part)


_GONE = object()


def _encode(text: str) -> str:
    """Percent-encode a piece of a query, its placeholders excepted."""
    pieces, end = [], 0
    for match in _OURS.finditer(text):
        pieces += (_quote(text[end:match.start()]), match[0])
        end = match.end()
    return ''.join([*pieces, _quote(text[end:])])


def with_meaning(part: Part, meaning: str, value: str | None = None) -> Part:
    """Give a part with the meaning that a person chose."""
    part = replace(part, meaning=meaning, sure=True)
    return part if value is None else replace(part, value=value)
