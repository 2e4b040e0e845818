# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The request of a gateway, compiled once from its configuration and filled for each group of recipients."""
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from urllib.parse import quote

from ..gsm import is_gsm, to_hex
from .config import MESSAGE_VALUES, Parameter, RequestConfig
from .placeholders import VALIDITY, Text, read_json, read_string, walk

percent_encode = partial(quote, safe='', errors='replace')
# What an administrator entered in a URL is kept, except characters that no URL may contain (RFC 3986).
_encode_url = partial(quote, safe="!#$%&'()*+,/:;=?@[]~")
_SITE = re.compile(r'[^/?#]*//[^/?#]*')

_MADE_WHEN_USED = {
    'phones': lambda values: values['separator'].join(values['phones_list']),
    'message_ids': lambda values: values['separator'].join(values['message_ids_list']),
    'message_hex': lambda values: to_hex(values['message']),
    'uuid20': lambda values: values['uuid'][:20],
    'encoding': lambda values: values['encoding_gsm' if is_gsm(values['message']) else 'encoding_unicode'],
}
# What is the same in all requests of a gateway, besides the credentials.
_CONSTANTS = ('sender', 'account_id', 'callback_url', 'encoding_gsm', 'encoding_unicode', 'separator')
_NO_VALUES = dict.fromkeys(MESSAGE_VALUES, '')  # of an SMS that has none
_MESSAGE_NAMES = frozenset(('message', 'message_hex'))


class Values(dict):
    """The values of the placeholders for one request, or for one of its recipients."""

    __slots__ = ()

    def __missing__(self, name):
        value = self[name] = _MADE_WHEN_USED[name](self)
        return value


class EncodedValues(dict):
    """The same values percent-encoded."""

    __slots__ = ('values_',)

    def __init__(self, values: Values, known: Mapping[str, str]):
        super().__init__(known)
        self.values_ = values

    def __missing__(self, name):
        value = self[name] = percent_encode(self.values_[name])
        return value


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter. Its static text is percent-encoded, except in a JSON object made of the parameters."""

    key: Text | str  # with its =; str in JSON
    value: Text | str
    only_for: str = 'any'


class RequestTemplate:
    """The compiled form of a :class:`RequestConfig`.

    :raise ConfigError: when the JSON Body Template cannot be read
    """

    def __init__(self, config: RequestConfig):
        self.config = config
        site, path, query = _split_url(config.url)
        self.url = Text(Text.read(site).pattern + Text.read(path, _encode_url).pattern, Text.read(site + path).names)
        # Values in a segment of the path may change the address.
        self.segments = [text for part in path.split('/') if (text := Text.read(part, _encode_url)).names]
        self.url_rows = [_url_row(piece) for piece in query.split('&') if piece]
        self.headers = [(key, Text.read(value)) for key, value in config.headers]
        self.makes_object = config.sends_json and not config.has_template  # of the parameters
        make_row = _json_row if self.makes_object else _parameter_row
        self.rows = [make_row(parameter, config.auth_type) for parameter in config.parameters]
        self.document = read_json(config.body_template) if config.has_template else None
        self.constants = {
            **dict.fromkeys(('api_key', 'token', 'username', 'password'), ''),
            **_NO_VALUES,
            **config.credentials.values(),
            **{name: getattr(config, name) for name in _CONSTANTS},
        }
        self.encoded_constants = {name: percent_encode(value) for name, value in self.constants.items()}

    def texts(self) -> Iterator[tuple[str, str, Text, bool]]:
        """Yield each text of the request: field of the gateway, key of its row or '', text, inside ``__each__``."""
        yield 'base_url', '', self.url, False
        for row in self.url_rows:
            yield 'base_url', '', row.key, False
            yield 'base_url', '', row.value, False
        for parameter, text in self.parameter_texts():
            yield 'parameter_ids', parameter.key, text, False
        for key, text in self.headers:
            yield 'header_ids', key, text, False
        for text, inside in walk(self.document):
            yield 'body_template', '', text, inside

    def parameter_texts(self) -> Iterator[tuple[Parameter, Text]]:
        """Yield each parameter with its value; in JSON, ``__phones_list__`` and the like are placeholders too."""
        for parameter, row in zip(self.config.parameters, self.rows, strict=True):
            yield parameter, Text.read(row.value) if isinstance(row.value, str) else row.value

    @cached_property
    def takes_different_texts(self) -> bool:
        """Whether SMS with different texts fit in one request: the message appears in ``__each__`` only."""
        places = {inside for _field, _key, text, inside in self.texts() if text.names & _MESSAGE_NAMES}
        return places == {True}

    @cached_property
    def needs_one_encoding(self) -> bool:
        """Whether something outside ``__each__`` depends on the text's encoding."""
        return self.depends_on_encoding or any(
            'encoding' in text.names and not inside for _field, _key, text, inside in self.texts()
        )

    @cached_property
    def needs_one_validity(self) -> bool:
        """Whether something outside ``__each__`` depends on the validity of the SMS."""
        return any(text.names & VALIDITY and not inside for _field, _key, text, inside in self.texts())

    @cached_property
    def needed_values(self) -> frozenset[str]:
        """The names of `MessageValues` that the request contains."""
        return frozenset(MESSAGE_VALUES) & set().union(*(text.names for *_place, text, _inside in self.texts()))

    @cached_property
    def shared_values(self) -> tuple[str, ...]:
        """The names of `MessageValues` outside ``__each__``, which all SMS of a request share."""
        names = set().union(*(text.names for *_place, text, inside in self.texts() if not inside))
        return tuple(name for name in MESSAGE_VALUES if name in names)

    @cached_property
    def depends_on_encoding(self) -> bool:
        return any(parameter.only_for != 'any' for parameter in self.config.parameters)

    def rows_for(self, message: str) -> list[Row]:
        """Return the parameters for a text, without those that are only for the other encoding."""
        if not self.depends_on_encoding:
            return self.rows
        encoding = 'gsm' if is_gsm(message) else 'unicode'
        return [row for row in self.rows if row.only_for in ('any', encoding)]

    def document_for(self, message: str):
        """Return the parsed JSON body for a text: the template, else one object made of the parameters."""
        return {row.key: row.value for row in self.rows_for(message)} if self.makes_object else self.document


def _split_url(url: str) -> tuple[str, str, str]:
    """Return scheme and host, path, query. A fragment is never sent."""
    location, _mark, query = url.strip().partition('#')[0].partition('?')
    match = _SITE.match(location)
    end = match.end() if match else 0
    return location[:end], location[end:], query


def _url_row(piece: str) -> Row:
    key, equals, value = piece.partition('=')
    return Row(Text.read(key + equals, _encode_url), Text.read(value, _encode_url))


def _parameter_row(parameter: Parameter, auth_type: str) -> Row:
    value = Text.read(parameter.template(auth_type), percent_encode)
    # A key has no placeholders: what looks like one is percent-encoded.
    return Row(Text(percent_encode(parameter.key) + '='), value, parameter.only_for)


def _json_row(parameter: Parameter, auth_type: str) -> Row:
    return Row(parameter.key, read_string(parameter.template(auth_type)), parameter.only_for)
