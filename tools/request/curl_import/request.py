# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A pasted command as an HTTP request, and how its texts are decoded."""
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from ..typed_secrets import looks_random
from .errors import Note
from .scanner import VARIABLE

_PLUS = re.compile(r'(?:^|(?<=[,;|:]))\+(?=[0-9])')
_SHOWN = 100  # characters of a text in a note


@dataclass(slots=True, repr=False)
class PastedRequest:
    """A request as the command makes it. Texts may hold shell variables between the marks of `curl_shell`.

    :ivar str body: `none`, `form` or `json`
    :ivar fields: the form body, names and values decoded; a value of None has no = in front
    :ivar document: the JSON body, parsed
    :ivar user: user name and password of HTTP Basic
    """

    url: str = ''
    method: str = ''
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = 'none'
    fields: list[tuple[str, str | None]] = field(default_factory=list)
    query: list[tuple[str, str | None]] = field(default_factory=list)
    document: Any = None
    user: tuple[str, str] | None = None
    notes: list[Note] = field(default_factory=list)

    def note(self, code: str, **values: str) -> None:
        """Note something once. Texts are cut, and what looks like a secret is masked."""
        note = Note(code, {name: _mask(shown(value))[:_SHOWN] for name, value in values.items()})
        if note not in self.notes:
            self.notes.append(note)


def _mask(text: str) -> str:
    return re.sub(r'[^\s=:"\',;&?/]+', lambda match: '***' if looks_random(match[0]) else match[0], text)


def parse_json(text: str) -> Any:
    """:raise ValueError: for what is no JSON, has an object with a repeated key, or is nested too deeply"""
    def unique(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError('repeated key')
        return dict(pairs)

    def refuse(name):
        raise ValueError(name)

    try:
        return json.loads(text, strict=False, object_pairs_hook=unique, parse_constant=refuse)
    except RecursionError:
        raise ValueError('nested too deeply') from None


def decode_pair(piece: str) -> tuple[str, str | None]:
    """Decode a field of a form or query. An unencoded + in front of a number is one: pages rarely encode it."""
    key, equals, value = piece.partition('=')
    return unquote_plus(key), unquote_plus(_PLUS.sub('%2B', value)) if equals else None


def shown(text: str) -> str:
    """Give a text as people write it, shell variables with their dollar sign."""
    return VARIABLE.sub(lambda match: match[1] if match[1].startswith('$') else f'${match[1]}', text)


def is_variable(text: str) -> bool:
    return bool(VARIABLE.fullmatch(text))
