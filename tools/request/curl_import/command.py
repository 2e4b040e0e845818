# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The HTTP request of a pasted curl command (curl's manual page, version 8)."""
import re

from .body import DATA, FORMS, BodyReader, encoded_pair
from .errors import CurlError
from .request import PastedRequest, is_variable, shown
from .scanner import VARIABLE_START
from .shell import Pasted, split_command
from .vocabulary import words

# Options with a value, which change nothing of the request.
_WITH_VALUE = words('''
    -o --output -m --max-time --connect-timeout -w --write-out --retry --retry-delay --retry-max-time -D --dump-header
    --limit-rate -c --cookie-jar --stderr --trace --trace-ascii -y --speed-time -Y --speed-limit --max-redirs --resolve
    --connect-to --cacert --capath --interface --proto --proto-default --proto-redir --ciphers --curves --tls-max
    --tls13-ciphers --expect100-timeout --keepalive-time --keepalive-cnt --dns-servers --happy-eyeballs-timeout-ms
    --output-dir --rate --max-filesize --parallel-max --alt-svc --hsts --noproxy --libcurl -z --time-cond --variable
    --create-file-mode --dns-interface --local-port --doh-url --crlfile --pinnedpubkey --etag-save --etag-compare
''')
_WITHOUT_VALUE = words('''
    -s --silent -S --show-error -i --include --show-headers -v --verbose -L --location --location-trusted -f --fail
    --fail-with-body --fail-early -# --progress-bar --compressed --http1.0 -0 --http1.1 --http2 --http2-prior-knowledge
    --http3 --http3-only --tlsv1 -1 --tlsv1.0 --tlsv1.1 --tlsv1.2 --tlsv1.3 --sslv2 --sslv3 -2 -3 -N --no-buffer -g
    --globoff -4 --ipv4 -6 --ipv6 --basic --anyauth --ssl-no-revoke --ssl-reqd --ssl --ssl-allow-beast
    --ssl-revoke-best-effort
    --no-keepalive --path-as-is --raw --tcp-nodelay --tcp-fastopen -q --disable -Z --parallel -O --remote-name -J
    --remote-header-name -R --remote-time --remove-on-error --no-progress-meter --progress-meter --tr-encoding --post301
    --post302 --post303 --styled-output -a --append --create-dirs --retry-connrefused --retry-all-errors --no-alpn
    --no-sessionid --compressed-ssh --junk-session-cookies -j --suppress-connect-headers --trace-time --trace-ids
    --false-start --no-npn --cert-status --no-clobber --skip-existing
''')
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
_VALUES = frozenset((
    *DATA, *FORMS, '--request', '--header', '--user', '--url', '--url-query', '--oauth2-bearer'))
_FLAGS = frozenset(('--get', '--head', '--next', '-:'))
_METHODS = ('GET', 'POST')
# Headers of the browser or the connection, which say nothing to an SMS provider.
_DROPPED = re.compile(
    r'(?:sec-.*|user-agent|accept-(?:encoding|language|charset)|cookie|origin|referer|dnt|priority|pragma|cache-control|'
    r'connection|keep-alive|upgrade-insecure-requests|postman-token|x-requested-with|te|host|expect|if-.*|'
    r'content-length|transfer-encoding|content-encoding)', re.IGNORECASE)
_SIGNED_SCHEME = re.compile(
    r'^\s*(?:AWS4|[\w-]*HMAC[\w-]*|MAC|Digest|OAuth|Signature|TC3[\w-]*|hawk)\s|\b(?:signature|hmac)\b', re.IGNORECASE)
_SIGNED_HEADER = re.compile(r'(?:x-.*-)?(?:hmac|(?:content-|request-)?signature)', re.IGNORECASE)


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

    def read(self) -> PastedRequest:
        request = self.request
        for code, text in (('before', self.pasted.before), ('after', self.pasted.after)):
            if text:
                request.note(code, text=' '.join(text.split()))
        self.read_arguments(list(self.pasted.words))
        self.read_url()
        for name, value in self.given:
            self.read_option(name, value)
        self.read_method()
        BodyReader(request, self.given, self.pasted.stdin).read()
        self.check_headers()
        return request

    def read_option(self, name: str, value: str) -> None:
        request = self.request
        if name == '--head':
            raise CurlError('method', method='HEAD')
        if name == '--header':
            self.read_header(value)
        elif name == '--oauth2-bearer':
            request.headers.append(('Authorization', f'Bearer {value}'))
        elif name == '--user':
            username, _colon, password = value.partition(':')
            request.user = (username, password)
        elif name == '--url-query':
            request.query.append(encoded_pair(value))

    # === OPTIONS === #

    def read_arguments(self, arguments: list[str]) -> None:
        while arguments:
            word = arguments.pop(0)
            if word == '--':
                self.urls += arguments
                return
            if word.startswith('--'):
                self.read_long(word, arguments)
            elif word.startswith('-') and len(word) > 1:
                self.read_cluster(word[1:], arguments)
            elif word and word != '\\':
                self.urls.append(word)

    def read_long(self, word: str, arguments: list[str]) -> None:
        name, equals, value = word.partition('=')
        if equals and self.takes_value(name):
            arguments.insert(0, value)
            word = name
        if not self.apply(word, arguments):
            self.unknown(word, arguments)

    def read_cluster(self, letters: str, arguments: list[str]) -> None:
        """Read `-sSL`, `-XPOST` and the like: the first letter that takes a value takes the rest as its value."""
        while letters:
            name, letters = f'-{letters[0]}', letters[1:]
            if letters and self.takes_value(name):
                arguments.insert(0, letters.removeprefix('=') if name == '-X' else letters)
                letters = ''
            if not self.apply(name, arguments):
                self.unknown(name + letters, arguments)
                return

    def takes_value(self, name: str) -> bool:
        return (
            _LONG.get(name, name) in _VALUES or name in _WITH_VALUE
            or (name in _IMPOSSIBLE and name not in _IMPOSSIBLE_FLAGS) or (name in _SAID and name not in _SAID_FLAGS))

    def apply(self, name: str, arguments: list[str]) -> bool:
        """Take one option, with its value from the arguments. Tell whether it is known."""
        plain = name.replace('--no-', '--', 1)
        if name in _WITHOUT_VALUE or plain in _WITHOUT_VALUE:
            return True
        value = arguments.pop(0) if self.takes_value(name) and arguments else ''
        if name in _IMPOSSIBLE:
            raise CurlError(_IMPOSSIBLE[name], name=name)
        if name in _SAID:
            self.request.note(_SAID[name])
            return True
        name = _LONG.get(name, name)
        if name in ('--next', '-:'):
            self.request.note('next')
            arguments.clear()
            return True
        if name in _VALUES or name in _FLAGS:
            self.given.append((name, value))
            return True
        return name in _WITH_VALUE

    def unknown(self, name: str, arguments: list[str]) -> None:
        """Note an option that this does not know; what follows and is no URL is rather its value."""
        if arguments and not arguments[0].startswith('-') and '://' not in arguments[0] and (
                self.urls or any(re.match(r'https?:', word) for word in arguments)):
            arguments.pop(0)
        self.request.note('unknown_option', option=name)

    # === URL, METHOD, HEADERS === #

    def read_url(self) -> None:
        urls = [value for name, value in self.given if name == '--url']
        found = next((url for url in self.urls if re.match(r'https?://', url, re.IGNORECASE)), None)
        if not urls:
            urls = [found if found is not None else self.urls[0]] if self.urls else []
        for leftover in [url for url in self.urls if url not in urls] + urls[1:]:
            self.request.note('leftover', text=leftover)
        if not urls:
            raise CurlError('no_url')
        url = urls[0].strip()
        scheme, mark, _rest = url.partition('://')
        if not mark:
            host = re.split('[/?#]', url, maxsplit=1)[0]
            if not re.search(r'[.:{<\[]|localhost', host) and VARIABLE_START not in host:
                raise CurlError('no_url')
            if not is_variable(host):
                self.request.note('scheme', url=f'https://{host}')
            url = f'https://{url}'
        elif scheme.lower() not in ('http', 'https'):
            raise CurlError('scheme', scheme=shown(scheme))
        self.request.url = url.partition('#')[0] if not re.search('<[^>]*#', url) else url

    def read_header(self, header: str) -> None:
        name, colon, value = header.partition(':')
        if not colon:
            if not header.endswith(';'):
                self.request.note('leftover', text=f'-H {header.split()[0]}' if header.strip() else '-H')
            return
        name, value = name.strip(), value.strip()
        if not value:
            return
        if _DROPPED.fullmatch(name):
            self.request.note('cookie' if name.lower() == 'cookie' else 'dropped_header', name=name)
            return
        if name.lower() == 'accept' and value == '*/*':
            return
        same = [index for index, (key, _value) in enumerate(self.request.headers) if key.lower() == name.lower()]
        if same:
            self.request.note('repeated_header', name=name)
            del self.request.headers[same[0]]
        self.request.headers.append((name, value))

    def read_method(self) -> None:
        has_data = any(name in (*DATA, *FORMS) for name, _value in self.given)
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
                    name.lower() in ('authorization', 'x-authorization') and _SIGNED_SCHEME.search(value)):
                raise CurlError('signed', name=name)
        if 'x-amz-date' in names or re.search(r'[?&]X-Amz-(?:Signature|Credential)=|[?&]Signature=', self.request.url):
            raise CurlError('signed', name='Signature')
