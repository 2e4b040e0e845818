# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The values of a pasted request: those that differ from SMS to SMS or from account to account, and the others."""
import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from ..placeholders import MAX_DEPTH
from ..typed_secrets import looks_random
from .meanings import ACCOUNT, API_KEY, FIXED, NUMBER, SECRETS, SENDER
from .names import meaning_of_name, words_of
from .request import PastedRequest, decode_pair, shown
from .samples import is_hole, is_phone, is_placeholder, placeholder_name
from .scanner import VARIABLE_END, VARIABLE_START

_HOLE = re.compile(
    VARIABLE_START + '[^' + VARIABLE_END + ']*' + VARIABLE_END + r'|<[^<>]+>|\{\{[^{}]*\}\}|\{[^{}]*\}|\[[A-Za-z_ ]+\]')
_URL = re.compile(r'([A-Za-z][\w+.-]*://)((?:<[^<>]*>|\{+[^{}]*\}+|[^/?#])*)([^?#]*)(?:\?(.*))?', re.DOTALL)
_SCHEME = re.compile(r'(?:[A-Za-z][\w-]*(?: |:\s)\s*)?(?:[A-Za-z][\w-]*=)?"?(?=[^\s"])')
_AUTHORIZATION = re.compile(r'(?:x-)?(?:proxy-)?auth(?:ori[sz]ation|entication)?', re.IGNORECASE)
_BASIC = re.compile(r'Basic\s+(\S.*)', re.IGNORECASE | re.DOTALL)
_PAIR_NAME = re.compile(r'(?i).*(?:base64|encoded|b64|credentials?|user.*pass|:|id.*secret).*|.*\)')
_ENCODE = re.compile(r'''echo\s+(?:-n\s+)?['"]?([^'"|\s]+?:[^'"|\s]*)['"]?\s*\|\s*(?:openssl\s+)?base64''')
_PREFIX = re.compile(r'(?:tel|sms|smsto|phone)(?::|%3A)(?=\+|%2B|[0-9]|\{)', re.IGNORECASE)
# A two-letter kind and a hexadecimal number, as accounts and their objects are often called.
ACCOUNT_SID = re.compile('[A-Z]{2}[0-9a-fA-F]{32}')
_CONTAINER = re.compile(
    r'(?:sub)?(?:accounts?|users?|projects?|services?|workspaces?|organi[sz]ations?|applications?|apps?|channels?|plans?|'
    r'customers?|tenants?|clients?|service[-_]?plans?|campaigns?|profiles?|instances?|devices?)', re.IGNORECASE)
_ROUTE = re.compile(
    r'v?[0-9.]{1,4}|v[0-9][\w.]*|sms|mms|messages?|send\w*|text\w*|api|rest|json|me|~|self|batch\w*|bulk|simple|single|outbound|'
    r'balance|transactional\w*|\w*\.(?:json|php|aspx?|xml|do|ashx|jsp|html?)|requests?|http|v[0-9]+', re.IGNORECASE)


@dataclass(slots=True, repr=False)
class Part:
    """A value of the request, where it is, and what it means.

    :ivar str place: `host`, `path`, `query`, `form`, `json`, `header` or `user`
    :ivar tuple path: what finds it there: a position, or the keys and positions of a JSON value
    :ivar names: the names that lead to it, for people and for recognition
    :ivar sample: its value in the command
    :ivar str kind: `text`, or what JSON has in its place: `number`, `boolean`, `null`, `list`
    :ivar prefix: what of the value stays in front of the placeholder: `Bearer `, `tel:`
    :ivar samples: the numbers, when the sample is a list
    :ivar separator: what separates them in a text
    :ivar value: what is sent for a fixed value
    """

    place: str
    path: tuple
    names: tuple[str, ...]
    sample: str
    kind: str = 'text'
    prefix: str = ''
    suffix: str = ''
    meaning: str = FIXED
    sure: bool = True
    samples: tuple[str, ...] = ()
    separator: str = ''
    value: str = ''
    is_numeric: bool = False  # a list of JSON numbers
    named: str = ''  # the meaning that its names have
    is_locked: bool = False  # its place decides, such as a user name of HTTP Basic

    @property
    def last_name(self) -> str:
        return next((name for name in reversed(self.names) if name != '[]'), '')

    @property
    def words(self) -> list[str]:
        return words_of(self.last_name)

    @property
    def name(self) -> str:
        """Give the name that people see: `messages[].to`."""
        name = ''
        for piece in self.names:
            name += piece if piece == '[]' else f'.{piece}' if name else piece
        return name

    @property
    def shown_sample(self) -> str:
        """Give the sample for people, without a secret."""
        if self.meaning in SECRETS and not is_placeholder(self.sample):
            return '***'
        return shown(self.sample)

    @property
    def shown_value(self) -> str:
        """Give what is sent if the value is fixed, without a secret."""
        return '' if self.meaning in SECRETS else shown(self.value)

    @property
    def real(self) -> str:
        """Give the sample if it is a value, empty if it only holds its place."""
        is_sentence = self.meaning in SECRETS and self.meaning != 'password' and ' ' in self.sample.strip()
        return '' if is_sentence or is_placeholder(self.sample) else self.sample


@dataclass(slots=True, repr=False)
class Address:
    """A URL in pieces, each as typed.

    :ivar path: segments, the first is empty
    """

    scheme: str
    host: str
    path: list[str]
    query: list[tuple[str, str | None]] = field(default_factory=list)


def split_url(request: PastedRequest) -> Address:
    """Take the URL apart; `user:password@` becomes the user of HTTP Basic."""
    scheme, host, path, query = _URL.fullmatch(request.url).groups()
    userinfo, _at, host = host.rpartition('@')
    if userinfo and not request.user:
        username, _colon, password = userinfo.partition(':')
        request.user = unquote(username), unquote(password)
    pairs = [decode_pair(piece) for piece in (query or '').split('&') if piece]
    return Address(scheme, host, path.split('/'), pairs + request.query)


def find_parts(request: PastedRequest, address: Address) -> list[Part]:
    """Give the parts of a request in the order in which people read it. Meanings are by name only.

    HTTP Basic in a header becomes the user of the request.
    """
    _take_basic(request)
    parts = list(_user_parts(request))
    parts += _host_parts(address)
    parts += _path_parts(address, request)
    for place, pairs in (('query', address.query), ('form', request.fields)):
        parts += (
            _pair_part(place, index, key, value) for index, (key, value) in enumerate(pairs) if value is not None)
    if request.body == 'json':
        parts += _json_parts(request.document, (), ())
    parts += (_header_part(index, key, value) for index, (key, value) in enumerate(request.headers))
    return parts


# === HTTP BASIC === #


def _take_basic(request: PastedRequest) -> None:
    """Make the user of the request out of a header with HTTP Basic, if nothing is lost by that."""
    for index, (key, value) in enumerate(request.headers):
        match = _BASIC.fullmatch(value) if key.lower() == 'authorization' else None
        pair = match and _basic_pair(match[1].strip())
        if pair and not request.user:
            request.user = pair
            del request.headers[index]
            return


def _basic_pair(value: str) -> tuple[str, str] | None:
    if found := _ENCODE.search(value):
        username, _colon, password = found[1].partition(':')
        return _as_variable(username), _as_variable(password)
    name = placeholder_name(value) or (value if is_hole(value) else '')
    if name:
        return ('', '') if _PAIR_NAME.fullmatch(name) else None
    try:
        pair = base64.b64decode(value.encode(), validate=True).decode()
    except ValueError:
        return ('', '') if _PAIR_NAME.fullmatch(value) else None
    username, colon, password = pair.partition(':')
    if not colon or not pair.isprintable() or base64.b64encode(pair.encode()).decode() != value:
        return None
    return username, password


def _as_variable(text: str) -> str:
    name = re.fullmatch(r'\$\{?(\w+)\}?', text)
    return f'{VARIABLE_START}{name[1]}{VARIABLE_END}' if name else text


def _user_parts(request: PastedRequest) -> Iterator[Part]:
    if request.user:
        for index, (name, value) in enumerate(zip(('username', 'password'), request.user, strict=True)):
            yield Part('user', (index,), (name,), value, meaning=name, named=name, is_locked=True)


# === URL === #


def _host_parts(address: Address) -> Iterator[Part]:
    match = _HOLE.search(address.host) or re.search(r'(?<![^.])[xX*]{3,}(?=\.)|(?<![^.])YOUR[\w-]*', address.host)
    if match:
        is_label = match.end() < len(address.host) or match.start() > 0
        yield Part(
            'host', (), ('host',), match[0], prefix=address.host[:match.start()], suffix=address.host[match.end():],
            meaning=ACCOUNT if is_label else FIXED, sure=is_label, value=match[0])


def _path_parts(address: Address, request: PastedRequest) -> Iterator[Part]:
    segments = address.path
    for index, segment in enumerate(segments):
        if not segment:
            continue
        before = unquote(segments[index - 1]) if index else ''
        part = _path_part(index, segment, before, index == len(segments) - 1, request)
        if part:
            yield part


def _path_part(index: int, segment: str, before: str, is_last: bool, request: PastedRequest) -> Part | None:
    text = unquote(segment)
    tail = re.search(r'\.(?:json|xml|php)$', text)
    suffix = tail[0] if tail else ''
    bare = text.removesuffix(suffix)
    hole = _HOLE.search(bare)
    part = Part('path', (index,), (f'/{before}' if before else '/',), bare, suffix=suffix, value=segment)
    if hole and hole[0] != bare:
        part.sample, part.prefix, part.suffix = hole[0], bare[:hole.start()], bare[hole.end():] + suffix
    if request.user and bare and bare in request.user:
        part.meaning = 'username' if bare == request.user[0] else 'password'
    elif hole or is_hole(bare):
        part.meaning = meaning_of_name((before, placeholder_name(part.sample) or before)) or ACCOUNT
        name = placeholder_name(part.sample)
        part.sure = part.meaning != ACCOUNT or bool(meaning_of_name((name,)) or _CONTAINER.fullmatch(before)) or (
            words_of(name)[-1:] in (['id'], ['sid'], ['uuid']))
    elif (match := _PREFIX.match(text)) and is_phone(text[match.end():]):
        part.prefix, part.sample = quote(match[0], safe='' if '%3' in segment else ':'), text[match.end():]
        part.meaning = 'sender' if before.lower() in ('outbound', 'senders') else 'phone'
    elif ACCOUNT_SID.fullmatch(bare) or (not _ROUTE.fullmatch(bare) and (
            looks_random(bare) or (_CONTAINER.fullmatch(before) and not is_last and re.search('[0-9_A-Z-]', bare)))):
        part.meaning = ACCOUNT
    else:
        return None
    part.named = part.meaning
    return part


# === FIELDS AND HEADERS === #


def _pair_part(place: str, index: int, key: str, value: str) -> Part:
    names = tuple(name for name in re.split(r'[\[\].]+', key) if name and not name.isdecimal()) or (key,)
    return _named(Part(place, (index,), (key,), value, value=value), names)


def _named(part: Part, names: Sequence[str]) -> Part:
    if match := _PREFIX.match(part.sample):
        part.prefix, part.sample = match[0], part.sample[match.end():]
    part.named = part.meaning = meaning_of_name(names) or FIXED
    return part


def _header_part(index: int, key: str, value: str) -> Part:
    part = Part('header', (index,), (key,), value, value=value)
    if _AUTHORIZATION.fullmatch(key):
        match = _SCHEME.match(value) if not is_hole(value) or ' ' in value else None
        # "Your API key" is no scheme with a key
        if match and match[0] and match.end() < len(value) and not re.match('(?i)(?:your|enter|my)[ _-]', value):
            quote = '"' if match[0].endswith('"') and value.endswith('"') else ''
            part.prefix, part.suffix = match[0], quote
            part.sample = value[match.end():len(value) - len(quote)]
        scheme = re.sub(r'[^a-z]', '', part.prefix.lower())
        part.named = 'token' if scheme in ('bearer', 'token', 'authtoken', 'jwt', 'oauth') else API_KEY
        wanted = meaning_of_name((placeholder_name(part.sample),))
        part.meaning = wanted if wanted in SECRETS else part.named
    elif key.lower() in ('accept', 'content-type'):
        part.named = FIXED
    else:
        part.named = part.meaning = meaning_of_name((key,)) or FIXED
        if part.named in SECRETS and (match := re.match(r'(?:Bearer|Token|Key|App|Basic)\s+(?=\S)', value)):
            part.prefix, part.sample = match[0], value[match.end():]
    return part


# === JSON === #


def _json_parts(node: Any, path: tuple, names: tuple[str, ...]) -> Iterator[Part]:
    if len(path) > MAX_DEPTH:
        return
    if isinstance(node, dict):
        pair = _named_value(node)
        for key, value in node.items():
            yield from _json_parts(value, (*path, key), (*names, pair if pair and key.lower() == 'value' else key))
    elif not isinstance(node, list):
        yield _json_leaf(node, path, names)
    elif part := _list_part(node, path, names):
        yield part
    else:
        for index, item in enumerate(node):
            yield from _json_parts(item, (*path, index), (*names, '[]'))


def _list_part(node: list, path: tuple, names: tuple[str, ...]) -> Part | None:
    """Give the part that a list of numbers is as a whole, None for another list."""
    if not node or not all(isinstance(item, (str, int)) and not isinstance(item, bool) for item in node):
        return None
    samples = tuple(map(str, node))
    meaning = meaning_of_name([name for name in names if name != '[]'])
    if meaning not in (NUMBER, SENDER) and not all(map(is_phone, samples)):
        return None
    meaning = SENDER if meaning == SENDER else NUMBER
    return Part(
        'json', path, names, ', '.join(samples), 'list', meaning=meaning, named=meaning, samples=samples,
        is_numeric=any(isinstance(item, int) for item in node))


def _named_value(node: dict) -> str:
    """Give the name in an object such as `{"name": "apikey", "value": "…"}`."""
    names = [value for key, value in node.items() if key.lower() in ('name', 'key') and isinstance(value, str)]
    return names[0] if names and len(node) <= 3 and any(key.lower() == 'value' for key in node) else ''


def _json_leaf(node: Any, path: tuple, names: tuple[str, ...]) -> Part:
    if node is None or isinstance(node, bool):
        kind, sample = 'null' if node is None else 'boolean', 'null' if node is None else str(node).lower()
    else:
        kind, sample = 'text' if isinstance(node, str) else 'number', str(node)
    part = Part('json', path, names or ('JSON',), sample, kind, value=sample)
    return _named(part, [name for name in names if name != '[]'])
