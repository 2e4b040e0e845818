# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The secrets of a gateway: those in the credential fields, and those that an administrator entered elsewhere in the
request."""
import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from urllib.parse import unquote, unquote_plus

from ..masking import Masker, masker
from .config import MASK, RequestConfig
from .placeholders import quote_tokens

SHORTEST = 4  # shorter values are probably switches
SHORTEST_NUMBER = 5  # shorter numbers appear in many responses
# Placeholders, also mistyped ones, which Request Preview must show as they are.
_FILLED_IN = re.compile(r'\{[A-Za-z_]+(?:20)?\}|__[a-z_]+__')
_WORD = re.compile(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z][^\W\d_]*')
# How names of secrets end, apart from _USUAL_END: `X-Auth-Token`, `apiKey`, `PIN code`, `user_password_value`.
_SECRET_ENDS = frozenset((
    'pass', 'password', 'passwd', 'passphrase', 'passcode', 'pwd', 'pw', 'psw', 'pswd', 'passw', 'secret', 'token',
    'key', 'auth', 'authorization', 'authorisation', 'authentication', 'signature', 'sign', 'sig', 'hash', 'hmac',
    'digest', 'pin', 'mpin', 'tpin', 'cookie', 'session', 'sessionid', 'jwt', 'bearer', 'credential', 'cred', 'creds',
    'private', 'salt', 'license', 'licence', 'access', 'accesscode', 'sk', 'ak', 'security', 'mdp', 'passe',
    'motdepasse', 'senha', 'clave', 'contrasena', 'contraseña', 'kennwort', 'passwort', 'wachtwoord', 'parola', 'sifre',
    'şifre', 'haslo', 'hasło', 'heslo', 'пароль'))
_USER_ENDS = frozenset((
    'login', 'user', 'username', 'usr', 'uname', 'userid', 'uid', 'client', 'clientid', 'usuario', 'utilisateur',
    'benutzer', 'kullanici'))
_USUAL_END = frozenset(('id', 'name', 'value', 'code', 'no', 'number', 's', 'hex', 'string', 'header'))
_SECRET_WORD_END = re.compile(
    r'(?:pass|password|passwd|passphrase|passcode|pwd|secret|token|key|signature|hash|hmac|cookie|authorization|pin|'
    r'credentials?)$')
_NO_SECRET_WORD = frozenset(('spin', 'shipping', 'mapping', 'monkey', 'hotkey', 'bypass', 'compass'))
# What may follow such a segment of a path: `/token/s3cret/send`.
_SECRET_SEGMENT = re.compile(r'(?:api|auth|access)?[-_]?(?:key|token|secret|pass|password|pin)', re.IGNORECASE)
_NO_SECRETS = frozenset((
    'true', 'false', 'null', 'none', 'yes', 'no', 'on', 'off', 'basic', 'bearer', 'digest', 'json', 'text', 'plain',
    'md5', 'sha1', 'sha256', 'sha512', 'hmac', 'application/json'))
_ASSIGNMENT = re.compile(r'[\w-]+\s*=\s*"?([^",;\s]+)')
_RUN = re.compile(r'[A-Za-z0-9]+')
_SITE = re.compile(r'(\s*(?:[\w+.-]+://)?)(?:([^/?#]*)@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?', re.DOTALL)
_PAIR = re.compile(r'"([^"\\]+)"\s*:\s*"((?:[^"\\]|\\.)+)"')
_ELEMENT = re.compile(r'(<(?:\w+:)?(\w+)[^<>]*>\s*)([^<>]+?)(?=\s*<)')
_CDATA = re.compile(r'(<(?:\w+:)?(\w+)[^<>]*>\s*<!\[CDATA\[)(.+?)(?=\]\]>)', re.DOTALL)
_FORM = re.compile(r'[\w.\[\]-]+=[^&\s]*(?:&[\w.\[\]-]+=[^&\s]*)*')
_SCHEME = re.compile(r'(?:bearer|basic)\s', re.IGNORECASE)
_ATTRIBUTE = re.compile(r'''(([\w-]+)\s*=\s*["'])([^"'<>]+)(?=["'])''')
_NAMES = frozenset(('name', 'key', 'param', 'parameter', 'field', 'header'))

See = Callable[[str, str, str], str]


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The secrets of a gateway. See :class:`.masking.Masker` for the three kinds."""
    secrets: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()

    def masker(self) -> Masker:
        return masker(self.secrets, self.names, self.pairs)


@lru_cache(maxsize=128)
def find_secrets(config: RequestConfig) -> Secrets:
    """Find everything secret in the requests of a gateway: credentials, typed secrets, and what they become in the
    header Authorization."""
    credentials = config.credentials
    secrets = [credentials.api_key, credentials.token, credentials.password]
    names, pairs = [credentials.username], [f'{credentials.username}:{credentials.password}']
    for _field, name, value in find_typed_secrets(config):
        (names if _last_word(name) in _USER_ENDS else secrets).append(value)
    for value in _authorizations(config):
        secrets.append(value)
        pair = _decode_pair(value)
        if pair:
            username, _colon, password = pair.partition(':')
            secrets.append(password)
            names.append(username)
            pairs.append(pair)
    pairs += _userinfos(config)
    # every recipient sees the sender
    names = [name for name in names if name != config.sender]
    return Secrets(_unique(secrets), _unique(names), tuple(pair for pair in _unique(pairs) if pair != ':'))


def find_typed_secrets(config: RequestConfig) -> tuple[tuple[str, str, str], ...]:
    """Find literal texts in places of secrets.

    :return: for each the field of ``sms.gateway``, the name that the request gives it, '' in a URL's path, and the
        secret
    """
    found = {}

    def see(field_name, name, value):
        if len(value) >= (SHORTEST_NUMBER if value.isdecimal() else SHORTEST):
            found[field_name, name, value] = None
        return value

    _rewrite(config, see)
    return tuple(found)


def mask_typed(config: RequestConfig) -> RequestConfig:
    """Replace each typed secret of a configuration by :data:`MASK`, even those too short to be found in a request."""
    return _rewrite(config, lambda _field, _name, _value: MASK)


def is_secret_name(name: str) -> bool:
    """Return whether a parameter, header or key of this name contains a secret or a username."""
    last = _last_word(name)
    return last in _SECRET_ENDS or last in _USER_ENDS or (
        last not in _NO_SECRET_WORD and bool(_SECRET_WORD_END.search(last)))


def _last_word(name):
    """Return the significant word of a name: `key` of `X-Api-Key`, `pin` of `pinCode`, `user` of `user_id`."""
    words = [word.lower() for word in _WORD.findall(name)] or ['']
    while len(words) > 1 and (words[-1] in _USUAL_END or words[-1] == 'v' or words[-1].isdecimal()):
        words.pop()
    last = words[-1]
    if words[-2:] == ['pass', 'word']:
        return 'pass'  # `Pass-Word`
    return last if last.endswith('pass') or last in _SECRET_ENDS else last.removesuffix('s')


def looks_random(text: str) -> bool:
    """Return whether a text, such as a segment of a URL, looks generated, unlike a word or a version."""
    if re.fullmatch(r'[0-9]{10,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}', text):
        return True
    if re.search(r'[0-9]{5}:.{4}|:(?=.*[0-9]).{6}', text):
        return True  # `id:secret`
    for run in _RUN.findall(text):
        changes = len(re.findall(r'(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])', run))
        if len(run) >= 16 and changes:
            return True
        # not the case of CamelCase
        if len(run) >= 12 and len(re.findall(r'(?<![a-z])[a-z](?![a-z])', run)) >= 3:
            return True
        # web2sms, sms4all and v1beta are words
        if len(run) >= 5 and changes >= 2 and not re.fullmatch(
                r'[A-Za-z]+[24][A-Za-z]+|[vV][0-9]+[A-Za-z]+[0-9]*', run):
            return True
    return False


# === WHERE SECRETS ARE TYPED === #


def _rewrite(config: RequestConfig, see: See) -> RequestConfig:
    """Replace each typed secret of a configuration by what `see` returns for it."""
    see_parameter, see_header = partial(see, 'parameter_ids'), partial(see, 'header_ids')
    return replace(
        config,
        url=_rewrite_url(config.url, partial(see, 'base_url')),
        parameters=tuple(
            replace(parameter, value=(
                _see_value(see_parameter, parameter.key, parameter.value)
                if parameter.type == 'auth' or is_secret_name(parameter.key)
                else _rewrite_text(parameter.value, see_parameter)))
            for parameter in config.parameters),
        headers=tuple(
            (key, _see_header(see_header, key, value)
             if is_secret_name(key) or _SCHEME.match(value) or looks_random(_FILLED_IN.sub('', value))
             else _rewrite_text(value, see_header))
            for key, value in config.headers),
        body_template=_rewrite_json(config.body_template, partial(see, 'body_template')),
    )


def _rewrite_text(text, see):
    """Rewrite a value that is a document itself."""
    start = text.lstrip()[:1]
    if start == '<':
        for pattern in (_CDATA, _ELEMENT, _ATTRIBUTE):
            text = pattern.sub(lambda match: match[1] + (
                _see_value(see, match[2], match[3]) if is_secret_name(match[2]) else match[3]), text)
        return text
    if re.match(r'\s*https?://', text):
        return _rewrite_url(text, see)
    if _FORM.fullmatch(text):
        return '&'.join(_rewrite_field(piece, see) for piece in text.split('&'))
    return _rewrite_json(text, see) if start in ('{', '[') and not _FILLED_IN.match(text.lstrip()) else text


def _see_value(see, name, value):
    """Return what `see` returns for a value, or for the pieces between placeholders that look generated."""
    if not value or value.lower() in _NO_SECRETS:
        return value
    if not _FILLED_IN.search(value):
        return see(name, value)
    pieces = _FILLED_IN.split(value)
    seen = [see(name, piece) if looks_random(piece) else piece for piece in pieces]
    marks = _FILLED_IN.findall(value)
    return ''.join(piece + mark for piece, mark in zip(seen, [*marks, ''], strict=True))


def _see_header(see, key, value):
    if 'cookie' in key.lower() and not _FILLED_IN.search(value):
        return '; '.join(
            f'{name}={see(key, text)}' if text else see(key, name)
            for name, _equals, text in (piece.strip().partition('=') for piece in value.split(';')))
    scheme, blank, rest = value.partition(' ')
    # Bearer, Basic, App and the like are not secrets
    if not blank:
        return _see_value(see, key, value)
    seen = _see_value(see, key, rest)
    if not _FILLED_IN.search(rest):
        for match in _ASSIGNMENT.finditer(rest):
            see(key, match[1])
    return f'{scheme} {seen}'


def _rewrite_url(url, see):
    scheme, userinfo, host, path, query, fragment = _SITE.fullmatch(url).groups()
    if userinfo:
        username, colon, password = userinfo.partition(':')
        if password and not _FILLED_IN.search(password):
            pair = f'{unquote(username)}:{unquote(password)}'
            if not _FILLED_IN.search(username):
                see(unquote(username), base64.b64encode(pair.encode('utf-8', 'replace')).decode())
            password = see(unquote(username), unquote(password))
        if not password:
            username = _see_value(see, '', unquote(username))  # an API key
        userinfo = f'{username}{colon}{password}@'
    segments = path.split('/')
    path = '/'.join(
        _see_value(see, '', segment) if _is_secret_segment(before, segment) else segment
        for before, segment in zip(['', *segments], segments, strict=False))
    if query:
        query = '&'.join(_rewrite_field(piece, see) for piece in query.split('&'))
    return (f'{scheme}{userinfo or ""}{host}{path}'
            f'{"" if query is None else "?" + query}{fragment or ""}')


def _is_secret_segment(before, segment):
    segment = _FILLED_IN.sub('', unquote(segment))
    if looks_random(segment):
        return True
    return bool(_SECRET_SEGMENT.fullmatch(before) and re.search('[0-9]', segment) and len(segment) >= SHORTEST)


def _rewrite_field(piece, see):
    key, equals, value = piece.partition('=')
    if not equals:
        return see('', unquote_plus(key)) if looks_random(key) else key
    if not is_secret_name(unquote_plus(key)):
        return piece
    return f'{key}={_see_value(see, unquote_plus(key), unquote_plus(value))}'


class _Object(list):
    """The members of a JSON object in their order, including repeated names."""


def _rewrite_json(template, see):
    """Return a JSON template rewritten as JSON; the template itself if nothing changes."""
    changed = []

    def read(node, name, is_secret):
        if isinstance(node, _Object):
            named = _named(node)
            if named is not None:
                return {
                    key: value if key.lower() in _NAMES else read(value, named, is_secret or is_secret_name(named))
                    for key, value in node}
            return {key: read(value, key, is_secret or is_secret_name(key)) for key, value in node}
        if isinstance(node, list):
            return [read(value, name, is_secret) for value in node]
        if is_secret and isinstance(node, (str, int, float)):
            text = node if isinstance(node, str) else json.dumps(node)
            seen = _see_value(see, name, text)
            if seen != text:
                changed.append(seen)
                return seen
        elif isinstance(node, str):
            seen = _rewrite_text(node, see)
            if seen != node:
                changed.append(seen)
            return seen
        return node

    try:
        rewritten = read(json.loads(quote_tokens(template), object_pairs_hook=_Object), '', False)
    except (ValueError, RecursionError):
        # Request Preview says that it is not JSON; secrets in it are secrets nevertheless
        return _PAIR.sub(lambda match: match[0].replace(
            match[2], _see_value(see, match[1], match[2])) if is_secret_name(match[1]) else match[0],
            template)
    return json.dumps(rewritten, ensure_ascii=False) if changed else template


def _named(node):
    """Return the name in an object such as `{"name": "apikey", "value": "s3cret"}`, None for others."""
    members = {key.lower(): value for key, value in node}
    name = next((members[key] for key in _NAMES if isinstance(members.get(key), str)), None)
    return name if 'value' in members else None


# === WHAT IS MADE OF THEM === #


def _authorizations(config: RequestConfig) -> Iterator[str]:
    """Yield the secrets of headers with the credentials filled in, except those that differ by recipient."""
    values = {**config.credentials.values(), 'sender': config.sender, 'account_id': config.account_id}
    for key, value in config.headers:
        filled = _fill(value, values)
        if is_secret_name(key) and filled != value and not _FILLED_IN.search(filled):
            yield filled.partition(' ')[2] or filled


def _userinfos(config):
    """Return `user:password` before the host."""
    return [unquote(_fill(_SITE.fullmatch(config.url)[2] or '', config.credentials.values()))]


def _fill(text, values):
    return _FILLED_IN.sub(lambda match: values.get(match[0].strip('{}_'), match[0]), text)


def _decode_pair(value):
    """Return `user:password` of a header of HTTP Basic, empty if it is not one."""
    try:
        pair = base64.b64decode(value.encode(), validate=True).decode()
    except ValueError:
        return ''
    return pair if ':' in pair and pair.isprintable() else ''


def _unique(texts):
    return tuple(dict.fromkeys(filter(None, texts)))
