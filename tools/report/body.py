# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The body of a callback as a document: form, JSON or XML, whatever its content type says (doc/behaviour.md
section 6)."""
import re
from urllib.parse import parse_qsl
from xml.parsers import expat

from .. import paths
from ..problem import ProblemError

MAX_FIELDS = 1000  # of a form
MAX_ELEMENTS = 50_000  # of an XML document
# Python's other codecs are slow (punycode) or not charsets (hex), and a sender may name any of them.
_CHARSET = re.compile(r'charset="?(utf-?8|utf-16(?:le|be)?|us-ascii|iso-8859-\d{1,2}|windows-125\d)\b', re.IGNORECASE)

_KEYS = re.compile(r'\[([^\[\]]*)\]')


class ReportError(ProblemError):
    """A call that cannot be read.

    :ivar int status: the HTTP code to respond with, 400 or 413
    :ivar list reports: the reports of the call that could be read nevertheless
    """

    def __init__(self, code: str, status: int = 400, reports=()):
        super().__init__(code)
        self.status = status
        self.reports = list(reports)


class Form(dict):
    """Fields of a form or a query string; a repeated field has a list of values."""


def read_query(query_string: bytes, wanted, charset: str = '') -> Form:
    """Read a query string. Arguments and errors: see `read_body`."""
    charset = charset or 'utf-8'
    return _form(query_string.decode(charset, 'replace'), charset, wanted)


def read_body(content_type: str, body: bytes, wanted: tuple[tuple[str, str], ...], charset: str = ''):
    """Parse a body of any format into a document for `paths`; None for an empty one.

    :param wanted: field names and paths; JSON in a field of a form is parsed if a path leads into it
    :param charset: of forms whose content type names none
    :raise ReportError: if the body cannot be read
    """
    body = body.removeprefix(b'\xef\xbb\xbf').strip()
    kind = content_type.partition(';')[0].strip().lower()
    named = _CHARSET.search(content_type)
    charset = named[1].lower() if named else charset or 'utf-8'
    if not body:
        return None
    if kind.startswith('multipart/'):
        return _multipart(content_type, body, charset, wanted)
    text = _decode(body, charset).lstrip('\ufeff \t\r\n')
    start = text[:1]
    looks_like_form = re.match(r'[^\s={}<>"]{1,200}=', text)
    if start == '<' or (kind.endswith('xml') and start not in ('{', '[') and not looks_like_form):
        return _xml(body)
    if start in ('{', '[') or (kind.endswith('json') and not looks_like_form):
        return _json(text)
    if kind == 'application/x-www-form-urlencoded' or looks_like_form:
        return _form(text, charset, wanted)
    raise ReportError('report_unknown_format')


def _decode(body, charset):
    try:
        return body.decode(charset, 'replace')
    except LookupError:  # iso-8859-12 and the like
        return body.decode('utf-8', 'replace')


def _json(text):
    try:
        return paths.load_json(text)
    except ValueError as error:
        raise ReportError('report_not_json') from error


def _form(text, charset, wanted):
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, encoding=charset, errors='replace')
    except LookupError:
        return _form(text, 'utf-8', wanted)
    except ValueError as error:
        raise ReportError('report_too_many_fields') from error
    return _fields(pairs, wanted)


def _fields(pairs, wanted):
    form = Form()
    for key, value in pairs:
        _add(form, key.removesuffix('[]'), value)
    for one in (one for _name, path in wanted for pair in paths.choices(path) for one in pair):
        head, *below = paths.segments(one) or ('',)
        if below and head not in form and any(name.startswith(f'{head}[') for name in form):
            form[head] = _nest(form, head)
        if below and isinstance(form.get(head), str):
            form[head] = embedded(form[head])
    return form


def _nest(form, head):
    """Return the fields named such as ``head[key][key]``, as PHP writes them, as a document."""
    document = {}
    for name, value in list(form.items()):
        keys = _KEYS.findall(name) if name.startswith(f'{head}[') else ()
        node = document
        for key in keys[:-1]:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                break
        else:
            if keys:
                node[keys[-1]] = value
    return document


def embedded(value):
    """Return the JSON document in a field of a form; the field itself if it is not JSON."""
    if isinstance(value, str) and value.lstrip('\ufeff \t\r\n')[:1] in ('{', '['):
        try:
            return paths.load_json(value)
        except ValueError:
            return value
    return value


def _multipart(content_type, body, charset, wanted):
    """Return the fields of a multipart form (RFC 7578) without its files."""
    boundary = re.search(r'boundary=(?:"([^"]{1,70})"|([^\s;,]{1,70}))', content_type)
    delimiter = b'--' + (boundary[1] or boundary[2]).encode('utf-8', 'replace') if boundary else b''
    if not boundary or not body.startswith(delimiter):
        raise ReportError('report_form_without_boundary')
    parts = body.split(delimiter)[1:]
    if len(parts) > MAX_FIELDS:
        raise ReportError('report_too_many_fields')
    pairs = []
    for part in parts:
        head, separator, value = part.partition(b'\r\n\r\n')
        head = _decode(head, charset)
        name = re.search(r'[;\s]name="([^"]*)"', head)
        if separator and name and 'filename' not in head:
            pairs.append((name[1], _decode(value.removesuffix(b'\r\n'), charset)))
    return _fields(pairs, wanted)


def _add(mapping, key, value):
    """Add a value under a key; several values of one key become a list."""
    if key not in mapping:
        mapping[key] = value
    elif isinstance(mapping[key], list):
        mapping[key].append(value)
    else:
        mapping[key] = [mapping[key], value]


def _xml(body):
    """Parse XML without a document type, hence without internal or external entities and their expansion.

    Children become keys, repeated ones lists, attributes `@name`, and the text of an element with children or
    attributes `#text`. `@root` is the name of the root element. Namespace prefixes are removed. A text keeps the blanks
    around it, which a person may have written.
    """
    stack, roots = [], []
    elements = 0

    def start(name, attributes):
        nonlocal elements
        elements += 1
        if elements > MAX_ELEMENTS or len(stack) >= paths.MAX_DEPTH:
            raise ReportError('report_too_many_elements')
        stack.append((_local(name), {f'@{_local(key)}': value for key, value in attributes.items()}, []))

    def end(_name):
        name, node, texts = stack.pop()
        text = ''.join(texts)
        if text.strip() and (node or not stack):
            node['#text'] = text.strip()
        if stack:
            _add(stack[-1][1], name, node or (text.strip() and text))
        else:
            roots.append({**node, '@root': name})

    def character_data(text):
        stack[-1][2].append(text)

    def refuse(*_args):
        raise ReportError('report_with_doctype')

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = character_data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except ReportError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise ReportError('report_not_xml') from error
    return roots[0]


def _local(name):
    return name.rpartition(':')[2]
