# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The body of a pasted command: form, JSON, or what a gateway cannot send."""
import json
import re
from typing import Any
from urllib.parse import unquote_plus

from .errors import CurlError
from .request import PastedRequest, decode_pair, is_variable, parse_json, shown
from .scanner import VARIABLE_END, VARIABLE_START

DATA = ('--data', '--data-raw', '--data-binary', '--data-urlencode', '--json')
FORMS = ('--form', '--form-string')
_USUAL_TYPES = {
    'form': re.compile(r'application/x-www-form-urlencoded\s*(?:;\s*charset=utf-8\s*)?', re.IGNORECASE),
    'json': re.compile(r'application/json\s*(?:;\s*charset=utf-8\s*)?', re.IGNORECASE)}
# A placeholder of a page, or a shell variable, where JSON wants a value.
_BARE = re.compile(
    rf'"(?:[^"\\]|\\.)*"|({VARIABLE_START}[^{VARIABLE_END}]*{VARIABLE_END}|<[^<>"\n]+>|\{{\{{[^{{}}"\n]+\}}\}})',
    re.DOTALL)
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|(\s//[^\n]*|/\*.*?\*/)', re.DOTALL)
_TRAILING_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|(,\s*(?:\.\.\.\s*)?)(?=[}\]])', re.DOTALL)
_XML = re.compile(r'\s*(?:<\?xml|<soap|<(\w+)\b[^>]*>.*</\1>\s*$)', re.DOTALL)

Pairs = list[tuple[str, str | None]]


class BodyReader:
    """Reads what the options for data make of a request.

    :param given: options with their values, in order
    :param stdin: the here-document, None without
    """

    def __init__(self, request: PastedRequest, given: list[tuple[str, str]], stdin: str | None):
        self.request = request
        self.stdin = stdin
        self.data = [(name, value) for name, value in given if name in DATA]
        self.forms = [(name, value) for name, value in given if name in FORMS]
        self.in_query = any(name == '--get' for name, _value in given)

    def content_type(self) -> str:
        return next((value for name, value in self.request.headers if name.lower() == 'content-type'), '').lower()

    def read(self) -> None:
        """:raise CurlError: says what a gateway cannot send"""
        request = self.request
        if self.data and self.forms:
            raise CurlError('two_bodies')
        self.add_json_headers()
        if self.forms:
            request.body = 'form'
            request.fields = [self.form_field(name, value) for name, value in self.forms]
            request.headers = [item for item in request.headers if item[0].lower() != 'content-type']
            request.note('multipart')
        elif self.data and self.in_query:
            request.query += self.pairs()
        elif self.data:
            self.read_posted()
        elif request.method == 'POST':
            request.body = 'form'
        if request.method == 'GET' and request.body != 'none':
            self.move_to_query()
        self.drop_usual_type()

    def add_json_headers(self) -> None:
        """`--json` stands for three options."""
        if any(name == '--json' for name, _value in self.data):
            have = {name.lower() for name, _value in self.request.headers}
            self.request.headers += [
                (name, 'application/json') for name in ('Content-Type', 'Accept') if name.lower() not in have]

    def move_to_query(self) -> None:
        request = self.request
        if request.body == 'json':
            raise CurlError('get_with_body')
        request.note('get_with_body')
        request.query, request.fields, request.body = request.query + request.fields, [], 'none'

    def read_posted(self) -> None:
        request, content_type = self.request, self.content_type()
        separator = '' if any(name == '--json' for name, _value in self.data) else '&'
        raw = separator.join(self.content(name, value) for name, value in self.data)
        says_json = 'json' in content_type
        if raw.lstrip()[:1] in ('{', '[') or (says_json and raw.strip() and '=' not in raw):
            if is_variable(raw.strip()):
                raise CurlError('body_variable', name=shown(raw.strip()))
            request.document = self.read_json(raw)
            request.body = 'json'
            if not says_json:
                self.note_type(content_type)
            return
        self.check_form(raw, content_type)
        if says_json:
            request.note('body_not_json')
        request.body = 'form'
        request.fields = self.pairs()

    def note_type(self, content_type: str) -> None:
        if content_type:
            self.request.note('json_not_said', type=content_type)
        else:
            self.request.note('json_assumed')

    def check_form(self, raw: str, content_type: str) -> None:
        """:raise CurlError: for a body that is no form"""
        if 'xml' in content_type or _XML.match(raw):
            raise CurlError('body_type', type='XML')
        if content_type.startswith(('text/', 'application/octet', 'multipart/')) and (
                '=' not in raw or content_type.startswith('multipart/')):
            raise CurlError('body_type', type=content_type)
        if is_variable(raw.strip()):
            raise CurlError('body_variable', name=shown(raw.strip()))

    def content(self, name: str, value: str) -> str:
        """Give the data itself, from the here-document where it reads standard input."""
        if name in ('--data-raw', '--data-urlencode') or not value.startswith('@'):
            return value
        if value in ('@-', '@/dev/stdin') and self.stdin is not None:
            return self.stdin
        raise CurlError('file', name=shown(value[1:]))

    def pairs(self) -> Pairs:
        return [pair for name, value in self.data for pair in self.data_pairs(name, value)]

    def data_pairs(self, name: str, value: str) -> Pairs:
        if name == '--data-urlencode':
            return [encoded_pair(value)]
        value = self.content(name, value)
        if name not in ('--data-raw', '--data-binary'):
            value = value.replace('\n', '')
        return [decode_pair(piece) for piece in value.split('&') if piece]

    @staticmethod
    def form_field(name: str, value: str) -> tuple[str, str]:
        key, equals, content = value.partition('=')
        if not equals:
            raise CurlError('form_field')
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
            reason = str(error)
        try:
            document = parse_json(_repair(raw))
        except ValueError:
            raise CurlError('json', reason=reason[:100]) from None
        self.request.note('json_repaired')
        return document

    def drop_usual_type(self) -> None:
        """Drop the Content-Type that a gateway sends by itself."""
        usual = _USUAL_TYPES.get(self.request.body)
        self.request.headers = [
            (name, value) for name, value in self.request.headers
            if not (usual and name.lower() == 'content-type' and usual.fullmatch(value))]


def encoded_pair(value: str) -> tuple[str, str | None]:
    """Read a value of `--data-urlencode`: the name is encoded already, the content is not.

    :raise CurlError: when it names a file
    """
    key, equals, content = value.partition('=')
    if equals:
        return (unquote_plus(key), content) if key else (content, None)
    _key, at, file = value.partition('@')
    if at:
        raise CurlError('file', name=shown(file))
    return value, None


def _repair(raw: str) -> str:
    """Undo what pages do to JSON: typographic quotes, comments, dots, trailing commas, placeholders without quotes."""
    text = raw.replace('\u201c', '"').replace('\u201d', '"').replace('\\\n', '\n').replace('\u00a0', ' ')
    text = _BARE.sub(lambda match: json.dumps(match[1]) if match[1] else match[0], text)
    for pattern in (_COMMENT, _TRAILING_COMMA):
        text = pattern.sub(lambda match: '' if match[1] else match[0], text)
    return text
