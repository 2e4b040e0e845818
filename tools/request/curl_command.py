# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The HTTP request of a pasted curl command (curl's manual page, version 8)."""
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_plus

from .curl_shell import VARIABLE_END, VARIABLE_START, CurlError, Pasted, split_command

# Options with a value, which change nothing of the request.
_WITH_VALUE = frozenset('''
    -o --output -m --max-time --connect-timeout -w --write-out --retry --retry-delay --retry-max-time -D --dump-header
    --limit-rate -c --cookie-jar --stderr --trace --trace-ascii -y --speed-time -Y --speed-limit --max-redirs --resolve
    --connect-to --cacert --capath --interface --proto --proto-default --proto-redir --ciphers --curves --tls-max
    --tls13-ciphers --expect100-timeout --keepalive-time --keepalive-cnt --dns-servers --happy-eyeballs-timeout-ms
    --output-dir --rate --max-filesize --parallel-max --alt-svc --hsts --noproxy --libcurl -z --time-cond --variable
    --create-file-mode --dns-interface --local-port --doh-url --crlfile --pinnedpubkey --etag-save --etag-compare
'''.split())
_WITHOUT_VALUE = frozenset('''
    -s --silent -S --show-error -i --include --show-headers -v --verbose -L --location --location-trusted -f --fail
    --fail-with-body --fail-early -# --progress-bar --compressed --http1.0 -0 --http1.1 --http2 --http2-prior-knowledge
    --http3 --http3-only --tlsv1 -1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 --sslv2 --sslv3 -2 -3 -N --no-buffer -g
    --globoff -4 --ipv4 -6 --ipv6 --basic --anyauth --ssl-no-revoke --ssl-reqd --ssl --ssl-allow-beast --ssl-revoke-best-effort
    --no-keepalive --path-as-is --raw --tcp-nodelay --tcp-fastopen -q --disable -Z --parallel -O --remote-name -J
    --remote-header-name -R --remote-time --remove-on-error --no-progress-meter --progress-meter --tr-encoding --post301
    --post302 --post303 --styled-output -a --append --create-dirs --retry-connrefused --retry-all-errors --no-alpn
    --no-sessionid --compressed-ssh --junk-session-cookies -j --suppress-connect-headers --trace-time --trace-ids
    --false-start --no-npn --cert-status --no-clobber --skip-existing
'''.split())
# What a gateway cannot send: option, what to call it.
_IMPOSSIBLE = {
    **dict.fromkeys(('-E', '--cert', '--key', '--cert-type', '--key-type', '--pass'), 'client_certificate'),
    **dict.fromkeys(('-T', '--upload-file', '-K', '--config'), 'file'),
    **dict.fromkeys(('--digest', '--ntlm', '--ntlm-wb', '--negotiate', '--aws-sigv4', '--delegation'), 'signed'),
    **dict.fromkeys(('--unix-socket', '--abstract-unix-socket'), 'socket'),
}
_IMPOSSIBLE_FLAGS = frozenset(('--digest', '--ntlm', '--ntlm-wb', '--negotiate'))
_SAID = {
    '-k': 'insecure', '--insecure': 'insecure', '-x': 'proxy', '--proxy': 'proxy', '--proxy-user': 'proxy',
    '-U': 'proxy', '--socks5': 'proxy', '--socks5-hostname': 'proxy', '--socks4': 'proxy', '-A': 'user_agent',
    '--user-agent': 'user_agent', '-b': 'cookie', '--cookie': 'cookie', '-e': 'referer', '--referer': 'referer'}
_SAID_FLAGS = frozenset(('-k', '--insecure'))
_LONG = {
    '-X': '--request', '-H': '--header', '-d': '--data', '--data-ascii': '--data', '-F': '--form', '-u': '--user',
    '-G': '--get', '-I': '--head'}
_DATA = ('--data', '--data-raw', '--data-binary', '--data-urlencode', '--json')
_VALUES = frozenset((*_DATA, '--request', '--header', '--form', '--form-string', '--user', '--url', '--url-query',
                     '--oauth2-bearer'))
_FLAGS = frozenset(('--get', '--head', '--next', '-:'))
_METHODS = ('GET', 'POST')
# Headers of the browser or the connection, which say nothing to an SMS provider.
_DROPPED = re.compile(
    r'(?:sec-.*|user-agent|accept-(?:encoding|language|charset)|cookie|origin|referer|dnt|priority|pragma|cache-control|'
    r'connection|keep-alive|upgrade-insecure-requests|postman-token|x-requested-with|te|host|expect|if-.*|'
    r'content-length|transfer-encoding|content-encoding)', re.IGNORECASE)
_SIGNED_SCHEME = re.compile(r'\s*(?:AWS4|[\w-]*HMAC[\w-]*|MAC|Digest|OAuth|Signature|TC3[\w-]*|hawk)\s', re.IGNORECASE)
_SIGNED_HEADER = re.compile(r'(?:x-.*-)?(?:hmac|(?:content-|request-)?signature)', re.IGNORECASE)
_USUAL_TYPES = {
    'form': re.compile(r'application/x-www-form-urlencoded\s*(?:;\s*charset=utf-8\s*)?', re.IGNORECASE),
    'json': re.compile(r'application/json\s*(?:;\s*charset=utf-8\s*)?', re.IGNORECASE)}
_PLUS = re.compile(r'(?:^|(?<=[,;|:]))\+(?=[0-9])')
# A placeholder of a page, or a shell variable, where JSON wants a value.
_BARE = re.compile(
    rf'"(?:[^"\\]|\\.)*"|({VARIABLE_START}[^{VARIABLE_END}]*{VARIABLE_END}|<[^<>"\n]+>|\{{\{{[^{{}}"\n]+\}}\}})', re.DOTALL)
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|(\s//[^\n]*|/\*.*?\*/)', re.DOTALL)
_TRAILING_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|(,\s*(?:\.\.\.\s*)?)(?=[}\]])', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say about a command that is no error. The wizard words it by its code."""

    code: str
    values: dict[str, str] = field(default_factory=dict)


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


def read_command(text: str) -> PastedRequest:
    """Read a pasted command.

    :raise CurlError: says what a gateway cannot do, or what is wrong with the text
    """
    return _Reader(split_command(text)).read()


class _Reader:

    def __init__(self, pasted: Pasted):
        self.pasted = pasted
        self.request = PastedRequest()
        self.given: list[tuple[str, str]] = []  # options with what they mean to the request, in order
        self.urls: list[str] = []

    def note(self, code: str, **values: str) -> None:
        note = Note(code, {name: shown(value)[:100] for name, value in values.items()})
        if note not in self.request.notes:
            self.request.notes.append(note)

    def read(self) -> PastedRequest:
        request = self.request
        for code, text in (('before', self.pasted.before), ('after', self.pasted.after)):
            if text:
                self.note(code, text=' '.join(text.split()))
        self.read_words(list(self.pasted.words))
        given = self.given
        if any(name == '--head' for name, _value in given):
            raise CurlError('method', method='HEAD')
        self.read_url()
        for name, value in given:
            if name == '--header':
                self.read_header(value)
            elif name == '--oauth2-bearer':
                request.headers.append(('Authorization', f'Bearer {value}'))
            elif name == '--user':
                username, _colon, password = value.partition(':')
                request.user = (username, password)
            elif name == '--url-query':
                request.query += self.read_data('--data-urlencode', value)
        data = [(name, value) for name, value in given if name in _DATA]
        forms = [(name, value) for name, value in given if name in ('--form', '--form-string')]
        self.read_method(bool(data or forms))
        self.read_body(data, forms)
        self.check_headers()
        return request

    # === OPTIONS === #

    def read_words(self, words: list[str]) -> None:
        while words:
            word = words.pop(0)
            if word == '--':
                self.urls += words
                return
            if word.startswith('--'):
                self.read_long(word, words)
            elif word.startswith('-') and len(word) > 1:
                self.read_cluster(word[1:], words)
            elif word and word != '\\':
                self.urls.append(word)

    def read_long(self, word: str, words: list[str]) -> None:
        name, equals, value = word.partition('=')
        if equals and self.takes_value(name):
            words.insert(0, value)
            word = name
        if not self.apply(word, words):
            self.unknown(word, words)

    def read_cluster(self, letters: str, words: list[str]) -> None:
        """Read `-sSL`, `-XPOST` and the like: the first letter that takes a value takes the rest as its value."""
        while letters:
            name, letters = f'-{letters[0]}', letters[1:]
            if letters and self.takes_value(name):
                words.insert(0, letters.removeprefix('=') if name == '-X' else letters)
                letters = ''
            if not self.apply(name, words):
                self.unknown(name + letters, words)
                return

    def takes_value(self, name: str) -> bool:
        return (
            _LONG.get(name, name) in _VALUES or name in _WITH_VALUE
            or (name in _IMPOSSIBLE and name not in _IMPOSSIBLE_FLAGS) or (name in _SAID and name not in _SAID_FLAGS))

    def apply(self, name: str, words: list[str]) -> bool:
        """Take one option, with its value from the words. Tell whether it is known."""
        plain = name.replace('--no-', '--', 1)
        if name in _WITHOUT_VALUE or plain in _WITHOUT_VALUE:
            return True
        value = words.pop(0) if self.takes_value(name) and words else ''
        if name in _IMPOSSIBLE:
            raise CurlError(_IMPOSSIBLE[name], name=shown(value) or name)
        if name in _SAID:
            self.note(_SAID[name])
            return True
        name = _LONG.get(name, name)
        if name in ('--next', '-:'):
            self.note('next')
            words.clear()
            return True
        if name in _VALUES or name in _FLAGS:
            self.given.append((name, value))
            return True
        return name in _WITH_VALUE

    def unknown(self, name: str, words: list[str]) -> None:
        """Note an option that this does not know; what follows and is no URL is rather its value."""
        value = ''
        if words and not words[0].startswith('-') and '://' not in words[0] and (
                self.urls or any(re.match(r'https?:', word) for word in words)):
            value = words.pop(0)
        self.note('unknown_option', option=f'{name} {value}'.strip())

    # === URL, METHOD, HEADERS === #

    def read_url(self) -> None:
        urls = [value for name, value in self.given if name == '--url']
        found = next((url for url in self.urls if re.match(r'https?://', url, re.IGNORECASE)), None)
        if not urls:
            urls = [found if found is not None else self.urls[0]] if self.urls else []
        for leftover in [url for url in self.urls if url not in urls] + urls[1:]:
            self.note('leftover', text=leftover)
        if not urls:
            raise CurlError('no_url')
        url = urls[0].strip()
        scheme, mark, _rest = url.partition('://')
        if not mark:
            host = re.split('[/?#]', url, maxsplit=1)[0]
            if not re.search(r'[.:{<\[]|localhost', host) and VARIABLE_START not in host:
                raise CurlError('no_url')
            if not _is_variable(host):
                self.note('scheme', url=f'https://{host}')
            url = f'https://{url}'
        elif scheme.lower() not in ('http', 'https'):
            raise CurlError('scheme', scheme=shown(scheme))
        self.request.url = url.partition('#')[0] if not re.search('<[^>]*#', url) else url

    def read_header(self, header: str) -> None:
        name, colon, value = header.partition(':')
        if not colon:
            if not header.endswith(';'):
                self.note('leftover', text=f'-H {header}')
            return
        name, value = name.strip(), value.strip()
        if not value:
            return
        if _DROPPED.fullmatch(name):
            self.note('cookie' if name.lower() == 'cookie' else 'dropped_header', name=name)
            return
        if name.lower() == 'accept' and value == '*/*':
            return
        same = [index for index, (key, _value) in enumerate(self.request.headers) if key.lower() == name.lower()]
        if same:
            self.note('repeated_header', name=name)
            del self.request.headers[same[0]]
        self.request.headers.append((name, value))

    def read_method(self, has_data: bool) -> None:
        methods = [value.strip().upper() for name, value in self.given if name == '--request']
        in_query = any(name == '--get' for name, _value in self.given)
        method = methods[-1] if methods else 'POST' if has_data and not in_query else 'GET'
        if method not in _METHODS:
            raise CurlError('method', method=shown(method)[:20])
        self.request.method = method

    def check_headers(self) -> None:
        """:raise CurlError: when a signature is computed for each request"""
        names = {name.lower() for name, _value in self.request.headers}
        for name, value in self.request.headers:
            if _SIGNED_HEADER.fullmatch(name) or (
                    name.lower() in ('authorization', 'x-authorization') and _SIGNED_SCHEME.match(value)):
                raise CurlError('signed', name=name)
        if 'x-amz-date' in names or re.search(r'[?&]X-Amz-(?:Signature|Credential)=|[?&]Signature=', self.request.url):
            raise CurlError('signed', name='Signature')

    # === BODY === #

    def content_type(self) -> str:
        return next((value for name, value in self.request.headers if name.lower() == 'content-type'), '')

    def read_body(self, data: list[tuple[str, str]], forms: list[tuple[str, str]]) -> None:
        request = self.request
        if data and forms:
            raise CurlError('two_bodies')
        in_query = any(name == '--get' for name, _value in self.given)
        if any(name == '--json' for name, _value in data):
            have = {name.lower() for name, _value in request.headers}
            request.headers += [(name, 'application/json') for name in ('Content-Type', 'Accept') if name.lower() not in have]
        if forms:
            request.body = 'form'
            request.fields = [self.read_form(name, value) for name, value in forms]
            request.headers = [item for item in request.headers if item[0].lower() != 'content-type']
            self.note('multipart')
        elif data and in_query:
            request.query += [pair for name, value in data for pair in self.read_data(name, value)]
        elif data:
            self.read_posted(data)
        elif request.method == 'POST':
            request.body = 'form'
        if request.method == 'GET' and request.body != 'none':
            if request.body == 'json':
                raise CurlError('get_with_body')
            self.note('get_with_body')
            request.query, request.fields, request.body = request.query + request.fields, [], 'none'
        self.drop_usual_type()

    def read_posted(self, data: list[tuple[str, str]]) -> None:
        request = self.request
        content_type = self.content_type().lower()
        pieces = [self.file_of(name, value) for name, value in data]
        raw = ('' if any(name == '--json' for name, _value in data) else '&').join(pieces)
        says_json = 'json' in content_type
        if raw.lstrip()[:1] in ('{', '[') or (says_json and raw.strip() and '=' not in raw):
            request.document = self.read_json(raw)
            request.body = 'json'
            if not says_json:
                self.note('json_assumed' if not content_type else 'json_not_said', type=content_type)
            return
        if 'xml' in content_type or raw.lstrip().startswith(('<?xml', '<soap')) or re.match(r'\s*<(\w+)\b[^>]*>.*</\1>\s*$', raw, re.DOTALL):
            raise CurlError('body_type', type='XML')
        if content_type.startswith(('text/', 'application/octet')) and '=' not in raw:
            raise CurlError('body_type', type=content_type)
        if content_type.startswith('multipart/'):
            raise CurlError('body_type', type=content_type)
        if _is_variable(raw.strip()):
            raise CurlError('body_variable', name=shown(raw.strip()))
        if says_json:
            self.note('body_not_json')
        request.body = 'form'
        request.fields = [pair for name, value in data for pair in self.read_data(name, value)]

    def file_of(self, name: str, value: str) -> str:
        """Give the data itself, from the here-document where it reads standard input."""
        if name in ('--data-raw', '--data-urlencode') or not value.startswith('@'):
            return value
        if value in ('@-', '@/dev/stdin') and self.pasted.stdin is not None:
            return self.pasted.stdin
        raise CurlError('file', name=shown(value[1:]))

    def read_data(self, name: str, value: str) -> list[tuple[str, str | None]]:
        value = self.file_of(name, value)
        if name == '--data-urlencode':
            key, equals, content = value.partition('=')
            if not equals:
                key, at, content = value.partition('@')
                if at:
                    raise CurlError('file', name=shown(content))
                return [(value, None)]
            return [(unquote_plus(key), content)] if key else [(content, None)]
        if name not in ('--data-raw', '--data-binary'):
            value = value.replace('\r', '').replace('\n', '')
        return [decode_pair(piece) for piece in value.split('&') if piece]

    def read_form(self, name: str, value: str) -> tuple[str, str | None]:
        key, equals, content = value.partition('=')
        if not equals:
            raise CurlError('form_field', field=shown(value)[:50])
        if name == '--form-string':
            return key, content
        if content[:1] in ('@', '<') and not re.match('<[^<>]+>', content):
            raise CurlError('file', name=shown(content[1:]))
        content = re.sub(r';\s*(?:type|headers|encoder|filename)=[^;]*$', '', content)
        if len(content) > 1 and content[0] == content[-1] == '"':
            content = re.sub(r'\\(["\\])', r'\1', content[1:-1])
        return key, content

    def read_json(self, raw: str) -> Any:
        """Read a JSON body; what pages do to one is repaired and said.

        :raise CurlError: when it is no JSON all the same
        """
        try:
            return parse_json(raw)
        except ValueError as error:
            first = str(error)
        repaired = raw.replace('\u201c', '"').replace('\u201d', '"').replace('\\\n', '\n')
        repaired = _BARE.sub(lambda match: json.dumps(match[1]) if match[1] else match[0], repaired)
        repaired = _COMMENT.sub(lambda match: '' if match[1] else match[0], repaired)
        repaired = _TRAILING_COMMA.sub(lambda match: '' if match[1] else match[0], repaired)
        try:
            document = parse_json(repaired)
        except ValueError:
            raise CurlError('json', reason=shown(first)[:100]) from None
        self.note('json_repaired')
        return document

    def drop_usual_type(self) -> None:
        """Drop the Content-Type that a gateway sends by itself."""
        usual = _USUAL_TYPES.get(self.request.body)
        self.request.headers = [
            (name, value) for name, value in self.request.headers
            if not (usual and name.lower() == 'content-type' and usual.fullmatch(value))]


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


def decode_segment(segment: str) -> str:
    return unquote(segment)


def shown(text: str) -> str:
    """Give a text as people write it, shell variables with their dollar sign."""
    return re.sub(
        f'{VARIABLE_START}([^{VARIABLE_END}]*){VARIABLE_END}',
        lambda match: match[1] if match[1].startswith('$') else f'${match[1]}', text)


def _is_variable(text: str) -> bool:
    return bool(re.fullmatch(f'{VARIABLE_START}[^{VARIABLE_END}]*{VARIABLE_END}', text))
