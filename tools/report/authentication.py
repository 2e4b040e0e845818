# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Webhook authentication: signature, token, HTTP Basic or network, in addition to the secret URL (doc/behaviour.md
section 6)."""
import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ..problem import ProblemError
from .body import MAX_FIELDS
from .verification import check_time, is_genuine
from .web_token import read_token

_PLACEHOLDER = re.compile(r'\{([^{}]*)\}')
_HEADER_NAME = re.compile(r"header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)")
_FORM_TYPE = 'application/x-www-form-urlencoded'
# Signed headers contain a time stamp or a nonce. With one of these characters (`=` other than as Base64 padding) a
# header might be a piece that was cut off from the body or query string that is signed next to it.
_NOT_IN_SIGNED_HEADERS = re.compile(r'[{}\[\]"<>&]|=(?!=*$)')


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was received.

    :param url: the address that is configured at the provider, with the query string of this call
    :param headers: names in lower case
    :param address: of the sender
    """
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    address: str = ''


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a call that may be read; the others are empty."""
    query: bytes = field(default=b'', repr=False)
    content_type: str = ''
    body: bytes = field(default=b'', repr=False)


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """How a provider signs its calls.

    :param key: a text; for Ed25519 the public key in Base64
    :param algorithm: see `is_genuine`
    :param encoding: hex or base64
    :param prefix: text before the signature, such as `sha256=`
    :param content: what is signed, with placeholders: {body}, {body_md5}, {url}, {url_path} (the URL without its query
        string), {params} (names and values of the form, sorted by name), {method}, {lf} (a line feed),
        {header:X-Timestamp} and the like
    :param old_key: a second key, valid as well while the provider changes to `key`
    :param scheme: `header` (a header contains the signature of `content`), `token` (a header contains a JSON Web
        Token) or `parameters` (a parameter contains the signature of all others)
    :param parameter: the one with the signature
    :param claims: `hashes` of URL and body, or the `report` itself
    :param time: the signed header or parameter with the time of the call, empty if there is none
    :param window: see `check_time`
    """
    header: str
    key: str = field(repr=False)
    algorithm: str = 'sha256'
    encoding: str = 'hex'
    prefix: str = ''
    content: str = '{body}'
    old_key: str = field(default='', repr=False)
    scheme: str = 'header'
    parameter: str = ''
    claims: str = 'hashes'
    time: str = ''
    window: int = 0

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys that are valid now, none without `key`. Nothing is ever signed with an empty key."""
        return tuple(key.encode() for key in (self.key, self.old_key) if key) if self.key else ()


# === SIGNATURE === #


def check_content(content: str) -> None:
    """Check the placeholders of the signed content.

    :raise ProblemError: if one is not known
    """
    for name in _PLACEHOLDER.findall(content):
        if name not in _PARTS and not _HEADER_NAME.fullmatch(name):
            known = ', '.join(f'{{{part}}}' for part in _PARTS)
            raise ProblemError('unknown_signature_placeholder', name=name, known=known)


def covers_reports(content: str) -> bool:
    """Return whether a signature of this content covers any part that may contain a report."""
    return bool({'url', 'body', 'body_md5', 'params'}.intersection(_PLACEHOLDER.findall(content)))


def check_time_is_signed(content: str, time: str) -> None:
    """Check that a header with the time of the call is part of the signed content.

    :raise ProblemError: if it is not: anyone could change it
    """
    headers = {match[1].lower() for match in map(_HEADER_NAME.fullmatch, _PLACEHOLDER.findall(content)) if match}
    if time and time.lower() not in headers:
        raise ProblemError('time_not_signed', name=time)


def may_be_signed(rule: SignatureRule, call: Call) -> bool:
    """Return whether the body of a call is worth reading: it has the header, and the rule is complete."""
    if rule.scheme == 'parameters':
        return bool(rule.keys and rule.parameter)
    return bool(
        rule.keys and rule.header and call.headers.get(rule.header.lower())
        and (rule.scheme == 'token' or covers_reports(rule.content)))


def read_signed(rule: SignatureRule, call: Call, now: float) -> Content:
    """Return what the signature of a call covers.

    The rest might come from an attacker who saw one call: it must decide neither the SMS nor its state.

    :param now: seconds since 1970
    :raise ProblemError: if the call is refused
    """
    if not may_be_signed(rule, call):
        raise ProblemError('signature_missing')
    return _READERS[rule.scheme](rule, call, now)


def _read_with_header(rule, call, now):
    if not is_signed(rule, call):
        raise ProblemError('signature_wrong')
    if rule.time:
        check_time(call.headers.get(rule.time.lower(), ''), now, rule.window)
    names = set(_PLACEHOLDER.findall(rule.content))
    query = _get_query(call) if 'url' in names else b''
    if names & {'body', 'body_md5'}:
        return Content(query, call.headers.get('content-type', ''), call.body)
    if 'params' in names:
        # what was signed, not the bytes: another content type or charset would change their meaning
        return Content(query, _FORM_TYPE, urlencode(_read_form(call)).encode())
    return Content(query)


def is_signed(rule: SignatureRule, call: Call) -> bool:
    """Return whether a header of a call has the right signature of the content."""
    given = call.headers.get(rule.header.lower(), '')
    if not rule.header or not given:
        return False
    signatures = [_decode(rule, piece) for piece in given.split(',')[:10]]
    for url in _spellings(call.url):
        try:
            content = _fill(rule.content, call, url)
        except ValueError:
            return False
        if is_genuine(rule.algorithm, rule.keys, content, signatures):
            return True
    return False


def _get_query(call):
    return call.url.partition('?')[2].encode('latin-1', 'replace')


def _spellings(url):
    """Return the URL, and the URL without its port: providers differ in what they sign."""
    parts = urlsplit(url)
    host, colon, _port = parts.netloc.rpartition(':')
    if colon and not host.endswith(':') and ']' not in _port:
        return url, urlunsplit(parts._replace(netloc=host))
    return (url,)


def _decode(rule, text):
    text = text.strip()
    if rule.prefix:
        if not text.startswith(rule.prefix):
            return b''
        text = text[len(rule.prefix):]
    try:
        if rule.encoding == 'hex':
            return bytes.fromhex(text)
        return base64.b64decode(text.encode(), altchars=b'-_' if set(text) & set('-_') else None, validate=True)
    except (ValueError, binascii.Error):
        return b''


def _fill(content, call, url):
    """Return the bytes that are signed. One pass: nothing of the call is read as a placeholder.

    :raise ValueError: if the form or a header of the call cannot be what a provider signs
    """
    pieces, end = [], 0
    for match in _PLACEHOLDER.finditer(content):
        header = _HEADER_NAME.fullmatch(match[1])
        pieces += [
            content[end:match.start()].encode(),
            _signed_header(call.headers.get(header[1].lower(), '')) if header
            else _PARTS[match[1]](call, url)]
        end = match.end()
    return b''.join([*pieces, content[end:].encode()])


def _signed_header(value):
    if _NOT_IN_SIGNED_HEADERS.search(value):
        raise ValueError("a piece of the report")
    return value.encode('utf-8', 'surrogateescape')


def _read_form(call):
    """Return the fields of the form, sorted.

    :raise ValueError: if there are too many, or two values of one name, whose order is not signed
    """
    if call.headers.get('content-type', '').partition(';')[0].strip().lower() != _FORM_TYPE:
        return []
    return _parse_form(call.body.decode('utf-8', 'replace'))


def _parse_form(text):
    fields = sorted(set(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)))
    if len(dict(fields)) < len(fields):
        raise ValueError("two values of one name")
    return fields


def _form(call, _url):
    """Concatenate names and values of the form, sorted by name (Twilio); a repeated value counts once."""
    return ''.join(name + value for name, value in _read_form(call)).encode()


_PARTS = {
    'body': lambda call, _url: call.body,
    'body_md5': lambda call, _url: hashlib.md5(call.body, usedforsecurity=False).hexdigest().encode(),
    'url': lambda _call, url: url.encode(),
    'url_path': lambda _call, url: url.partition('?')[0].encode(),
    'params': _form,
    'method': lambda call, _url: call.method.upper().encode(),
    'lf': lambda _call, _url: b'\n',
}


# === TOKEN === #


def _read_with_token(rule, call, now):
    token = call.headers[rule.header.lower()].strip()
    if not token.startswith(rule.prefix):
        raise ProblemError('token_malformed')
    payload, claims = read_token(token.removeprefix(rule.prefix).strip(), rule.keys, now, rule.window)
    if rule.claims == 'report':
        return Content(b'', 'application/json', payload)
    return _read_hashed(claims, call)


def _read_hashed(claims, call):
    """Return the query string and the body, as far as the claims have the SHA-256 of the URL and of the body."""
    url_hash, body_hash = claims.get('url_hash'), claims.get('payload_hash')
    if url_hash is None and body_hash is None:
        raise ProblemError('token_without_hash')
    is_url_right = url_hash is None or any(_is_hash(url_hash, url.encode()) for url in _spellings(call.url))
    if not is_url_right or (body_hash is not None and not _is_hash(body_hash, call.body)):
        raise ProblemError('signature_wrong')
    query = b'' if url_hash is None else _get_query(call)
    if body_hash is None:
        return Content(query)
    return Content(query, call.headers.get('content-type', ''), call.body)


def _is_hash(claim, content):
    return isinstance(claim, str) and claim.lower() == hashlib.sha256(content).hexdigest()


# === PARAMETERS === #


def _read_with_parameters(rule, call, now):
    try:
        fields = _read_parameters(call)
        signature = fields.pop(rule.parameter, '')
        # as Vonage signs them; a name with one of these characters might be several parameters
        if any(set(name) & set('&=') for name in fields):
            raise ValueError("an ambiguous name")
        signed = {name: re.sub('[&=]', '_', fields[name]) for name in sorted(fields)}
        content = ''.join(f'&{name}={value}' for name, value in signed.items()).encode()
    except (ValueError, RecursionError):
        raise ProblemError('signature_wrong') from None
    if not signature:
        raise ProblemError('signature_missing')
    if not is_genuine(rule.algorithm, rule.keys, content, [_decode(rule, signature)]):
        raise ProblemError('signature_wrong')
    if rule.time:
        check_time(signed.get(rule.time, ''), now, rule.window)
    return Content(urlencode(signed).encode())


def _read_parameters(call):
    """Return the parameters of a call by name: of the body, or of the query string of a call without body.

    :raise ValueError: if they are no plain texts, each with one name
    """
    if not call.body:
        return dict(_parse_form(_get_query(call).decode()))
    if call.headers.get('content-type', '').partition(';')[0].strip().lower() == _FORM_TYPE:
        return dict(_read_form(call))
    # numbers as they are written, because that is what is signed
    fields = json.loads(call.body.decode(), object_pairs_hook=_get_unique, parse_int=str, parse_float=str)
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise ValueError("no plain texts")
    return fields


def _get_unique(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("two values of one name")
    return dict(pairs)


_READERS = {'header': _read_with_header, 'token': _read_with_token, 'parameters': _read_with_parameters}


# === HTTP BASIC, NETWORKS === #


def has_basic(username: str, password: str, call: Call) -> bool:
    """Return whether a call has this username and password (RFC 7617). An empty password is never right."""
    scheme, _space, value = call.headers.get('authorization', '').strip().partition(' ')
    try:
        given = base64.b64decode(value.strip().encode(), validate=True)
    except (ValueError, binascii.Error):
        given = b''
    expected = f'{username}:{password}'.encode()
    return hmac.compare_digest(expected, given) and scheme.lower() == 'basic' and bool(password)


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read addresses and networks separated by commas, such as `192.0.2.7, 198.51.100.0/24, 2001:db8::/32`.

    :raise ProblemError: names the first piece that is neither
    """
    networks = []
    for piece in filter(None, map(str.strip, text.replace('\n', ',').split(','))):
        try:
            networks.append(ip_network(piece))
        except ValueError:
            raise ProblemError('invalid_network', network=piece) from None
    return tuple(networks)


def is_within(networks: tuple[IPv4Network | IPv6Network, ...], call: Call) -> bool:
    """Return whether a call comes from one of these networks."""
    try:
        address = ip_address(call.address.partition('%')[0])
    except ValueError:
        return False
    address = getattr(address, 'ipv4_mapped', None) or address
    return any(address in network for network in networks if network.version == address.version)
