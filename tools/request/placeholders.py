# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The template language of requests (doc/behaviour.md section 3): placeholders in text, typed tokens and ``__each__``
in JSON.

A template is parsed once and filled many times. Filling is one pass over the template, never over a value, so an SMS
that says ``{password}`` sends exactly that. JSON is parsed before it is filled, so no text can break it.
"""
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .config import ConfigError, RenderError

PLACEHOLDERS = (
    'phone', 'phones', 'message', 'message_hex', 'api_key', 'token', 'username', 'password', 'sender', 'account_id',
    'uuid', 'uuid20', 'callback_url', 'encoding', 'validity_seconds', 'validity_minutes', 'valid_until',
    'dlt_entity_id', 'dlt_template_id', 'message_type', 'message_id', 'message_ids',
)
# of a status query only
MESSAGE_IDS = frozenset(('message_id', 'message_ids'))
TOKENS = (
    'phone', 'phones_list', 'message', 'api_key', 'token', 'username', 'password', 'sender', 'uuid', 'callback_url',
    'encoding', 'validity_seconds', 'validity_minutes', 'dlt_entity_id', 'dlt_template_id', 'message_type',
)
VALIDITY = frozenset(('validity_seconds', 'validity_minutes', 'valid_until'))
DLT = frozenset(('dlt_entity_id', 'dlt_template_id'))
EACH = '__each__'
MAX_DEPTH = 50

_PLACEHOLDER = rf'\{{({"|".join(PLACEHOLDERS)})\}}'
_TOKEN = rf'__({"|".join(TOKENS)})__'
_IN_TEXT = re.compile(_PLACEHOLDER)
_IN_JSON = re.compile(f'{_PLACEHOLDER}|{_TOKEN}')
_STRING_OR_TOKEN = re.compile(rf'"(?:[^"\\]|\\.)*"|{_TOKEN}|{EACH}', re.DOTALL)
_NUMBER = re.compile(r'-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?')
_LEFT_OUT = object()
_OMITTED_IF_EMPTY = VALIDITY | DLT | {'callback_url'}  # with the text around them
_NUMERIC = ('encoding', 'validity_seconds', 'validity_minutes', 'message_type')


@dataclass(frozen=True, slots=True)
class Text:
    """A string with placeholders for ``str.format_map``: static text is escaped, only known names are in braces.

    :ivar frozenset names: the placeholders and tokens in it
    :ivar str sole: the name if the string is a single placeholder and nothing else, else empty
    :ivar bool typed: whether that is a token (``__encoding__``), whose value keeps its JSON type
    """

    pattern: str
    names: frozenset[str] = frozenset()
    sole: str = ''
    typed: bool = False

    @classmethod
    def read(cls, template: str, static: Callable[[str], str] = str, tokens: bool = False) -> 'Text':
        """Parse a template.

        :param static: encodes the text between placeholders for its destination (percent-encoding)
        :param tokens: whether ``__phone__`` and the like are placeholders, as in JSON
        """
        pattern, names, end, match = [], [], 0, None
        for match in (_IN_JSON if tokens else _IN_TEXT).finditer(template):
            name = match[match.lastindex]
            pattern += (_literal(static(template[end:match.start()])), '{', _TEXT_NAMES.get(name, name), '}')
            names.append(name)
            end = match.end()
        pattern.append(_literal(static(template[end:])))
        sole = names[0] if match and match[0] == template else ''
        return cls(''.join(pattern), frozenset(names), sole, bool(sole) and template.startswith('__'))

    def fill(self, values: Mapping[str, str]) -> str:
        return self.pattern.format_map(values)

    def is_left_out(self, values: Mapping[str, str]) -> bool:
        """Return whether the parameter, header or key with this text is omitted (doc/behaviour.md section 3): a single
        placeholder that is empty, a callback URL while callbacks are disabled, or the validity or DLT identifiers of
        an SMS without them."""
        return bool(
            (self.sole and not values[self.sole])
            or any(not values[name] for name in self.names & _OMITTED_IF_EMPTY)
        )


# Within a longer string the list becomes text.
_TEXT_NAMES = {'phones_list': 'phones'}


def _literal(text: str) -> str:
    return text.replace('{', '{{').replace('}', '}}')


@dataclass(frozen=True, slots=True)
class Each:
    """``["__each__", item]``: a list that repeats the item for each recipient."""

    item: Any


def read_json(template: str) -> Any:
    """Parse a JSON Body Template into dicts, lists, scalars, :class:`Text` and :class:`Each`.

    :raise ConfigError: if it is not JSON, or not what a template may be
    """
    try:
        document = json.loads(
            quote_tokens(template), parse_constant=_read_float, parse_float=_read_float,
            object_pairs_hook=_read_object)
    except ConfigError:
        raise
    except json.JSONDecodeError as error:
        raise ConfigError('body_template', 'invalid_json', line=error.lineno, error=error.msg) from None
    except (ValueError, RecursionError):
        raise ConfigError('body_template', 'unsupported_json') from None
    return _read_node(document)


def quote_tokens(template: str) -> str:
    """Put each token of a JSON Body Template in double quotes, which makes it JSON."""
    return _STRING_OR_TOKEN.sub(lambda match: match[0] if match[0].startswith('"') else f'"{match[0]}"', template)


def _read_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):  # 1e400, which would be sent as Infinity
        raise ValueError(digits)
    return number


def _read_object(pairs: list) -> dict:
    seen = set()
    for key, _value in pairs:
        pattern = Text.read(key, tokens=True).pattern  # {phone} and __phone__ are the same key
        if pattern in seen:
            raise ConfigError('body_template', 'repeated_key', key=key)
        seen.add(pattern)
    return dict(pairs)


def _read_node(node: Any, depth: int = 0, inside: bool = False) -> Any:
    if depth > MAX_DEPTH:
        raise ConfigError('body_template', 'too_deep', levels=MAX_DEPTH)
    if isinstance(node, dict):
        return {
            read_string(key): _read_node(value, depth + 1, inside)
            for key, value in node.items()
        }
    if isinstance(node, list):
        if node and node[0] == EACH:
            if len(node) != 2 or inside:
                raise ConfigError('body_template', 'misplaced_each')
            return Each(_read_node(node[1], depth + 1, inside=True))
        return [_read_node(value, depth + 1, inside) for value in node]
    if node == EACH:
        raise ConfigError('body_template', 'misplaced_each')
    return read_string(node) if isinstance(node, str) else node


def read_string(string: str) -> str | Text:
    """Parse a string of a JSON document; one without placeholders is returned unchanged."""
    text = Text.read(string, tokens=True)
    return text if text.names else string


def walk(node: Any, inside: bool = False) -> Iterator[tuple[Text, bool]]:
    """Yield every text of a parsed template and whether it is inside ``__each__``."""
    if isinstance(node, Text):
        yield node, inside
    elif isinstance(node, Each):
        yield from walk(node.item, True)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from walk(key, inside)
            yield from walk(value, inside)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value, inside)


def fill_json(document: Any, values: Mapping[str, Any], each: Sequence[Mapping[str, Any]]) -> Any:
    """Fill a parsed template.

    :param values: of the placeholders in this request
    :param each: of the placeholders for each of its recipients
    :raise RenderError: if two keys of an object are the same
    """
    filled = _fill_node(document, values, each)
    return {} if filled is _LEFT_OUT else filled


def _fill_node(node: Any, values: Mapping[str, Any], each: Sequence[Mapping[str, Any]]) -> Any:
    """Fill one node. An object or a list that becomes empty is omitted itself."""
    if isinstance(node, Text):
        return _LEFT_OUT if node.is_left_out(values) else _json_value(node, values)
    if isinstance(node, dict):
        filled = _fill_object(node, values, each)
    elif isinstance(node, list):
        filled = _fill_list(node, values, each)
    elif isinstance(node, Each):
        filled = [value for one in each if (value := _fill_node(node.item, one, ())) is not _LEFT_OUT]
    else:
        return node
    return filled if filled or not node else _LEFT_OUT


def _fill_object(node: dict, values: Mapping[str, Any], each: Sequence[Mapping[str, Any]]) -> dict:
    filled = {}
    for key, child in node.items():
        value = _fill_node(child, values, each)
        if value is _LEFT_OUT:
            continue
        name = key if isinstance(key, str) else key.fill(values)
        if name in filled:
            raise RenderError('repeated_key_for_sms')
        filled[name] = value
    return filled


def _fill_list(node: list, values: Mapping[str, Any], each: Sequence[Mapping[str, Any]]) -> list:
    filled = [_fill_node(child, values, each) for child in node]
    if all(value is _LEFT_OUT for value in filled):
        return []
    # An empty text among others is kept, because the position in a list may matter.
    return [
        '' if value is _LEFT_OUT else value
        for child, value in zip(node, filled, strict=True)
        if value is not _LEFT_OUT or isinstance(child, Text)
    ]


def _json_value(text: Text, values: Mapping[str, Any]) -> Any:
    if not text.typed:
        return text.fill(values)
    value = values[text.sole]
    if text.sole in _NUMERIC and (value in ('true', 'false') or _NUMBER.fullmatch(value)):
        return json.loads(value)
    return value
