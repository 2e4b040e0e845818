# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Calls of strangers to the callback URL, made up by hypothesis, which Odoo does not bring along: the tests import this
module only where it is installed."""
import json

from hypothesis import strategies as st

# names and values that lead deep into the code, between those that are chance
NAMES = st.sampled_from(
    ('uuid', 'message_id', 'status', 'to', 'code', 'words', 'self', 'token', '@root', '#text', '', 'uuid[]', 'a.b')
) | st.text(max_size=8)
VALUES = st.sampled_from(
    ('delivered', 'FAILED', 'sent', 'canceled', '', '0', 'x' * 300, '\0', '\ud800', 'M-1', '9' * 40, '%', "';--")
) | st.text(max_size=20)
ROWS = st.dictionaries(NAMES, VALUES, max_size=6)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12)


def to_form(row):
    return '&'.join(f'{name}={value}' for name, value in row.items()).encode('utf-8', 'surrogatepass')


def to_json(document):
    return json.dumps(document).encode()


def to_xml(row):
    inside = ''.join(f'<{name}>{value}</{name}>' for name, value in row.items())
    return f'<?xml version="1.0"?><report>{inside}</report>'.encode('utf-8', 'surrogatepass')


def to_multipart(row):
    parts = ''.join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in row.items())
    return f'{parts}--x--\r\n'.encode('utf-8', 'surrogatepass')


BODIES = st.one_of(
    st.binary(max_size=200), ROWS.map(to_form), ROWS.map(to_json), st.lists(ROWS, max_size=4).map(to_json),
    DOCUMENTS.map(to_json), ROWS.map(to_xml), ROWS.map(to_multipart),
    st.integers(1, 5000).map(lambda depth: b'[' * depth + b']' * depth),
    st.integers(1, 500).map(lambda depth: b'<a>' * depth + b'</a>' * depth),
)
CONTENT_TYPES = st.sampled_from((
    '', 'application/json', 'application/x-www-form-urlencoded', 'text/xml', 'application/xml; charset=utf-16', ';',
    'multipart/form-data; boundary=x', 'multipart/form-data', 'text/plain; charset=idna', 'text/json; charset=hex',
    'application/x-www-form-urlencoded; charset=utf-7', 'text/xml; charset="',
)) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
HEADERS = st.dictionaries(
    st.sampled_from((
        'Accept', 'Accept-Language', 'Authorization', 'Cookie', 'Content-Encoding', 'Expect', 'Origin', 'Range',
        'Referer', 'User-Agent', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-HTTP-Method-Override', 'X-Signature')),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20).map(str.strip), max_size=3)
QUERIES = ROWS.map(to_form) | st.binary(max_size=40)
CALLS = (st.sampled_from(('GET', 'POST', 'POST', 'POST')), QUERIES, CONTENT_TYPES, HEADERS, BODIES)
