# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Webhook authentication: signature, HTTP Basic or network, in addition to the secret URL (SPEC section 6)."""
import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ..problem import ProblemError
from .body import MAX_FIELDS

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
    """How a provider signs: HMAC of the content with the key, in a header.

    :param encoding: hex or base64
    :param prefix: text before the signature, such as `sha256=`
    :param content: what is signed, with placeholders: {body}, {body_md5}, {url}, {url_path} (the URL without its query
        string), {params} (names and values of the form, sorted by name), {method}, {lf} (a line feed),
        {header:X-Timestamp} and the like
    """
    header: str
    key: str = field(repr=False)
    algorithm: str = 'sha256'
    encoding: str = 'hex'
    prefix: str = ''
    content: str = '{body}'


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


def may_be_signed(rule: SignatureRule, call: Call) -> bool:
    """Return whether the body of a call is worth reading: it has the header, and the rule is complete."""
    return bool(rule.key and rule.header and call.headers.get(rule.header.lower()) and covers_reports(rule.content))


def read_signed(rule: SignatureRule, call: Call) -> Content | None:
    """Return what the signature of a call covers, None for a call that is not signed.

    The rest might come from an attacker who saw one call: it must decide neither the SMS nor its state.
    """
    if not may_be_signed(rule, call) or not is_signed(rule, call):
        return None
    names = set(_PLACEHOLDER.findall(rule.content))
    query = call.url.partition('?')[2].encode('latin-1', 'replace') if 'url' in names else b''
    if names & {'body', 'body_md5'}:
        return Content(query, call.headers.get('content-type', ''), call.body)
    if 'params' in names:
        # what was signed, not the bytes: another content type or charset would change their meaning
        return Content(query, _FORM_TYPE, urlencode(_read_form(call)).encode())
    return Content(query)


def is_signed(rule: SignatureRule, call: Call) -> bool:
    """Return whether a call has the right signature. Nothing is ever signed with an empty key."""
    given = call.headers.get(rule.header.lower(), '')
    if not rule.key or not rule.header or not given:
        return False
    signatures = [_decode(rule, piece) for piece in given.split(',')[:10]]
    for url in _spellings(call.url):
        try:
            content = _fill(rule.content, call, url)
        except ValueError:
            return False
        expected = hmac.digest(rule.key.encode(), content, rule.algorithm)
        # `any` over a list: all are compared, whichever matches
        if any([hmac.compare_digest(expected, signature) for signature in signatures]):  # noqa: C419
            return True
    return False


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
    fields = sorted(set(parse_qsl(
        call.body.decode('utf-8', 'replace'), keep_blank_values=True, max_num_fields=MAX_FIELDS)))
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
