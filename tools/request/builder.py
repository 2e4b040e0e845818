# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Makes plain HTTP requests from a gateway's configuration and the SMS to send (doc/behaviour.md section 3)."""
import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import unquote

from ..gsm import is_gsm, well_formed
from ..masking import Masker
from ..problem import Problem
from .config import MASK, Credentials, MessageValues, RenderError, RequestConfig
from .placeholders import VALIDITY, fill_json
from .template import EncodedValues, RequestTemplate, Values, percent_encode
from .typed_secrets import find_secrets, find_typed_secrets, mask_typed

# Control characters (RFC 9110, 5.5), and the line and paragraph separators of Unicode.
_NOT_IN_HEADERS = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]')
MAX_VALIDITY = 36000  # seconds: the maximum of Twilio, the lowest of all providers
MIN_VALIDITY = 60  # of GatewayAPI, the highest of all providers
ENCODED_MASK = percent_encode(MASK)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One SMS: its UUID (32 hexadecimal digits), the number as the provider expects it, the text.

    :ivar valid_for: the seconds that it is valid, 0 without an end
    :ivar valid_until: the same as a moment in UTC
    :ivar values: what it has other than the gateway, None for nothing
    :ivar message_id: the provider's ID of an SMS that was sent, for status queries
    """

    uuid: str
    number: str = field(repr=False)
    message: str = field(repr=False)
    valid_for: int = 0
    valid_until: datetime | None = None
    values: MessageValues | None = None
    message_id: str = ''


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, ready to send. Header values are text, to be sent as UTF-8; ``repr`` shows neither URL nor content."""

    method: str  # GET, POST
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(repr=False)
    recipients: tuple[Recipient, ...]

    def shown(self, mask: Callable[[str], str]) -> 'HttpRequest':
        """Return this request with its URL, header values and body as `mask` returns them."""
        return replace(
            self,
            url=mask(self.url),
            headers=tuple((key, mask(value)) for key, value in self.headers),
            body=None if self.body is None else mask(self.body.decode('utf-8', 'replace')).encode(),
        )

    def as_text(self, body: str | None = None) -> str:
        """Return the start line, the headers and the body, or another text in place of the body."""
        lines = [f'{self.method} {self.url}', *(f'{key}: {value}' for key, value in self.headers)]
        if self.body is not None:
            lines += ['', self.body.decode() if body is None else body]
        return '\n'.join(lines)


def build_requests(
        config: RequestConfig, recipients: Sequence[Recipient],
        refused: list[tuple[Recipient, Problem]] | None = None) -> list[HttpRequest]:
    """Render the requests for some SMS, each SMS in exactly one of them.

    :param refused: receives each SMS that fits in no request, and why; the others are not affected
    :raise ConfigError: when the JSON Body Template cannot be read; :func:`check_config` finds that earlier
    :raise RenderError: when an SMS fits in no request and ``refused`` is not given
    """
    template = RequestTemplate(config)
    requests = []
    for group in _group(template, recipients):
        try:
            requests.append(_render(template, group))
        except RenderError as error:
            if refused is None:
                raise
            if len(group) == 1:
                refused.append((group[0], error.problem))
                continue
            for recipient in group:
                requests += build_requests(config, (recipient,), refused)
    return requests


def build_one(config: RequestConfig, group: Sequence[Recipient]) -> HttpRequest:
    """Render the one request that asks about some SMS.

    :raise ConfigError, RenderError: see :func:`build_requests`
    """
    return _render(RequestTemplate(config), tuple(group))


def shown_request(
        config: RequestConfig, recipients: Sequence[Recipient], credentials: Credentials | None = None,
        callback_token: str = MASK) -> HttpRequest | None:
    """Render the first request without any secret; None without recipients. What is not entered yet is empty.

    Credentials and typed secrets are replaced before rendering, so that a short secret masks nothing else.

    :param credentials: appear in place of the real ones, also in an Authorization header
    :param callback_token: appears in place of the real one
    :raise ConfigError: when the JSON Body Template cannot be read
    :raise RenderError: when two keys of an object are the same
    """
    template, mask = _make_shown(config, credentials, callback_token)
    group = next(_group(template, recipients), None)
    return _render_shown(template, mask, group) if group else None


def preview(config: RequestConfig, recipients: Sequence[Recipient]) -> str:
    """Show the first request as text for people: start line, headers, body, without any secret.

    :raise ConfigError, RenderError: see :func:`shown_request`
    """
    request = shown_request(config, recipients)
    return _readable(config, request) if request else ''


def preview_one(config: RequestConfig, group: Sequence[Recipient]) -> str:
    """Show the request of :func:`build_one` as :func:`preview` does.

    :raise ConfigError, RenderError: see :func:`shown_request`
    """
    template, mask = _make_shown(config)
    return _readable(config, _render_shown(template, mask, tuple(group)))


def preview_each(config: RequestConfig, recipients: Sequence[Recipient]) -> list[str]:
    """Show a request for each recipient alone, as :func:`preview` does, in a tenth of the time.

    :raise ConfigError, RenderError: see :func:`shown_request`
    """
    template, mask = _make_shown(config)
    return [_readable(config, _render_shown(template, mask, (recipient,))) for recipient in recipients]


# === GROUPS: which SMS share a request === #


def _group(template: RequestTemplate, recipients: Sequence[Recipient]) -> Iterator[tuple[Recipient, ...]]:
    if not template.config.multiple_recipients:
        yield from ((recipient,) for recipient in recipients)
        return
    size = max(1, template.config.max_recipients)
    groups = {}
    occurrences = {}
    for recipient in recipients:
        # A number appears once in a request: providers drop or refuse duplicates, and responses are matched by number.
        occurrence = occurrences[recipient.number] = occurrences.get(recipient.number, 0) + 1
        validity = recipient.valid_until if template.needs_one_validity else None
        values = recipient.values and tuple(getattr(recipient.values, name) for name in template.shared_values)
        groups.setdefault(
            (occurrence, _shared_part(template, recipient.message), validity, values), []).append(recipient)
    for group in groups.values():
        for start in range(0, len(group), size):
            yield tuple(group[start:start + size])


def _shared_part(template: RequestTemplate, message: str) -> str | bool:
    """Return what the SMS of one request must have in common."""
    if not template.takes_different_texts:
        return message
    return is_gsm(message) if template.needs_one_encoding else True


# === RENDERING === #


def _render(template: RequestTemplate, group: tuple[Recipient, ...], checked: bool = True) -> HttpRequest:
    config = template.config
    values, each = _values(template, group)
    encoded = EncodedValues(values, _get_encoded_constants(template, group[0].values))
    if checked:
        for recipient in group:
            _check_values(template, recipient.values)
        _check_path(template, encoded)
    message = values['message']
    query = list(_fill_rows(template.url_rows, encoded))
    parameters = [] if template.makes_object else list(_fill_rows(template.rows_for(message), encoded))
    body, content_type = None, ''
    if config.sends_json:
        document = fill_json(template.document_for(message), values, each)
        body = json.dumps(document, ensure_ascii=False).encode('utf-8', 'replace')
        content_type = 'application/json'
    elif config.method == 'post':
        body, parameters = '&'.join(parameters).encode(), []
        content_type = 'application/x-www-form-urlencoded; charset=UTF-8'
    query += parameters
    url = template.url.fill(encoded)
    if query:
        url = f'{url}?{"&".join(query)}'
    headers = tuple(_fill_headers(template, values, content_type))
    url, userinfo = _split_userinfo(url)
    if userinfo and all(key.lower() != 'authorization' for key, _value in headers):
        headers += (('Authorization', f'Basic {userinfo}'),)
    return HttpRequest(config.method.upper(), url, headers, body, group)


def _get_encoded_constants(template: RequestTemplate, own: MessageValues | None) -> dict[str, str]:
    """Return the constants of the gateway that an SMS does not replace, percent-encoded."""
    if not own:
        return template.encoded_constants
    given = own.given()
    return {name: value for name, value in template.encoded_constants.items() if name not in given}


def _check_values(template: RequestTemplate, own: MessageValues | None) -> None:
    """Refuse an SMS that lacks a value that its request contains.

    :raise RenderError: if it does
    """
    needed = template.needed_values
    if not own or not needed:
        return
    if own.needs_dlt and 'dlt_entity_id' in needed and not own.dlt_entity_id:
        raise RenderError('dlt_entity_missing')
    if own.needs_dlt and 'dlt_template_id' in needed and not own.dlt_template_id:
        raise RenderError('dlt_template_missing')
    if 'message_type' in needed and not own.message_type:
        raise RenderError('message_type_missing')


def _check_path(template: RequestTemplate, encoded: EncodedValues) -> None:
    """Refuse values that would change the address: `requests` and servers remove the segments . and .. from a path
    (RFC 3986, 5.2.4), many servers after decoding %2F and %5C, and some remove empty segments.

    :raise RenderError: if there is one
    """
    for segment in template.segments:
        text = segment.fill(encoded)
        if not text:
            raise RenderError('path_value_empty')
        while (decoded := unquote(text)) != text:
            text = decoded
        # some servers remove path parameters, such as ..;x, before they read a segment
        if any(piece.partition(';')[0].strip() in ('.', '..') for piece in re.split(r'[/\\]', text)):
            raise RenderError('path_value_dots')


def _split_userinfo(url: str) -> tuple[str, str]:
    """Split `user:password@` off the URL, as HTTP Basic in UTF-8; `requests` would use Latin-1."""
    scheme, mark, rest = url.partition('://')
    end = re.search('[/?#]|$', rest).start()
    userinfo, at, host = rest[:end].rpartition('@')
    if not at:
        return url, ''
    return f'{scheme}{mark}{host}{rest[end:]}', base64.b64encode(unquote(userinfo).encode()).decode()


def _values(template: RequestTemplate, group: tuple[Recipient, ...]) -> tuple[Values, list[Values]]:
    """Return the values of the request, and those of each recipient for ``__each__``."""
    numbers = [recipient.number for recipient in group]
    message_ids = [recipient.message_id for recipient in group]
    each = []
    for recipient in group:
        values = Values(template.constants)
        values['phones_list'] = numbers
        values['phone'] = recipient.number
        values['message'] = well_formed(recipient.message)
        values['uuid'] = recipient.uuid
        values['message_id'] = recipient.message_id
        values['message_ids_list'] = message_ids
        values.update(_validity(recipient))
        if recipient.values:
            values.update(recipient.values.given())
        each.append(values)
    if len(group) == 1:
        return each[0], each
    shared = Values(each[0])
    # Never a single recipient's number or UUID: the others would count as sent, and reports would match that one.
    shared['phone'] = shared['phones']
    shared['uuid'] = hashlib.sha256('\n'.join(one.uuid for one in group).encode()).hexdigest()[:32]
    return shared, each


def _validity(recipient: Recipient) -> dict[str, str]:
    """Return the placeholders of the validity, empty without one or if it is longer than providers accept."""
    if not 0 < recipient.valid_for <= MAX_VALIDITY:
        return dict.fromkeys(VALIDITY, '')
    seconds = max(recipient.valid_for, MIN_VALIDITY)
    return {
        'validity_seconds': str(seconds),
        'validity_minutes': str(-(-seconds // 60)),
        'valid_until': f'{recipient.valid_until:%Y-%m-%dT%H:%M:%SZ}',
    }


def _fill_rows(rows: Iterable, encoded: EncodedValues) -> Iterator[str]:
    for row in rows:
        if not row.value.is_left_out(encoded):
            yield row.key.fill(encoded) + row.value.fill(encoded)


def _fill_headers(template: RequestTemplate, values: Values, content_type: str) -> Iterator[tuple[str, str]]:
    named = {key.lower() for key, _text in template.headers}
    if content_type and 'content-type' not in named:
        yield 'Content-Type', content_type
    if template.config.auth_type == 'basic' and 'authorization' not in named and (basic := _basic(values)):
        yield 'Authorization', f'Basic {basic}'
    for key, text in template.headers:
        if not text.is_left_out(values):
            yield key, _header_value(text.fill(values))


def _basic(credentials) -> str:
    """Return the user-pass of HTTP Basic (RFC 7617, in UTF-8), empty if neither is set."""
    username, password = credentials['username'], credentials['password']
    return base64.b64encode(f'{username}:{password}'.encode()).decode() if username or password else ''


def _header_value(value: str) -> str:
    return _NOT_IN_HEADERS.sub('', value).strip()


# === WHAT PEOPLE MAY SEE === #


def _make_shown(
        config: RequestConfig, credentials: Credentials | None = None,
        callback_token: str = MASK) -> tuple[RequestTemplate, Masker]:
    """Return a template without secrets, and the masker of what it renders; see :func:`shown_request`."""
    shown = mask_typed(replace(
        config, credentials=credentials or config.credentials.masked(),
        callback_url=config.callback_url and f'{config.callback_url.rpartition("/")[0]}/{callback_token}'))
    typed = (secret for _field, _name, secret in find_typed_secrets(config))
    kept = {f'{credentials.username}:{credentials.password}'} if credentials else ()
    return RequestTemplate(shown), Masker(typed, pairs=set(find_secrets(shown).pairs).difference(kept))


def _render_shown(template: RequestTemplate, mask: Masker, group: tuple[Recipient, ...]) -> HttpRequest:
    return _render(template, group, checked=False).shown(lambda text: mask(text.replace(ENCODED_MASK, MASK)))


def _readable(config: RequestConfig, request: HttpRequest) -> str:
    return request.as_text(_readable_body(config, request.body.decode()) if request.body else None)


def _readable_body(config: RequestConfig, body: str) -> str:
    if config.sends_json:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    return '\n'.join(map(unquote, body.split('&')))
