# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Dotted paths into a provider's response or delivery report (doc/behaviour.md sections 5 and 6).

``status.name`` goes down two keys, ``results[].status`` takes every item of a list, ``[].type`` those of a list at the
root, ``results.0.status`` one of them, and the empty path is the whole document. ``error.text|message`` names
alternatives: the first one that is not empty counts. ``shortcode?message|body`` takes ``message`` only if there is a
``shortcode``, for providers that give one name two meanings. A key that does not exist as written is looked up
case-insensitively, because several providers spell their own names in two ways. Nothing here recurses deeper than
``MAX_DEPTH``, so that no document can exhaust the stack.
"""
import json
import re
from functools import lru_cache
from operator import itemgetter

EACH = '[]'
OR = '|'
IF = '?'
MAX_DEPTH = 32
_MISSING = object()
_SUBSCRIPT = re.compile(r'''\[(\d+|\*|'[^'\]]*'|"[^"\]]*")\]''')
_ROOT = re.compile(r'\s*\$(?=[.\[])\.*')
_NO_WORDS = frozenset(('true', 'false', 'null', 'none', 'no error'))
# Numbers keep the spelling of the provider (an id of 25 digits, the code 400.010) and no number is too large to read.
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)


class PairingError(ValueError):
    """Values of one row come from lists of different length."""


class TooManyError(ValueError):
    """A list is longer than any that a provider sends."""


def load_json(text):
    """Read a JSON document; numbers come as text, the last one of equal keys wins.

    :param str text: the document, with or without byte order mark
    :raise ValueError: when it is not JSON, or nested too deeply to be read
    """
    try:
        return _DECODER.decode(text.lstrip('\ufeff \t\r\n'))
    except RecursionError as error:
        raise ValueError('JSON is nested too deeply') from error


def decode_at(text, start):
    """Read the JSON value that begins at a place of a text; see `load_json`.

    :return: the value and where it ends
    :rtype: tuple
    :raise ValueError: when there is none
    """
    return _DECODER.raw_decode(text, start)


def clean(text):
    """Make a text storable: PostgreSQL accepts neither NUL characters nor lone surrogates."""
    if '\0' in text:
        text = text.replace('\0', '')
    return text if text.isascii() else text.encode('utf-8', 'replace').decode()


def as_text(value):
    """Return a value of a document as text: ``true`` and ``false`` for booleans, '' for null and for an object.

    An XML element with attributes becomes its text, a list of plain values becomes these values joined by a comma.
    """
    if isinstance(value, str):
        return clean(value).strip()
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, dict):
        return as_text(value['#text']) if isinstance(value.get('#text'), str) else ''
    if isinstance(value, list):
        return ', '.join(filter(None, (as_text(item) for item in value if not isinstance(item, (dict, list)))))
    return str(value)


def as_words(value):
    """Return a value as words for a person, see :func:`as_text`.

    '' for what explains nothing: a boolean or a null, also where it is spelled as text, "No Error" and ``[]``.
    """
    text = as_text(value)
    return '' if text.casefold() in _NO_WORDS or not any(map(str.isalnum, text)) else text


def alternatives(path):
    """Split ``a|b`` into its paths, without their conditions; empty ones are dropped.

    :rtype: list[str]
    """
    return [choice for _condition, choice in choices(path)]


@lru_cache(maxsize=1024)
def choices(path):
    """Split ``a?b|c`` into pairs of condition and path: ``(('a', 'b'), ('', 'c'))``.

    :rtype: tuple[tuple[str, str], ...]
    """
    pieces = (piece.rpartition(IF) for piece in path.split(OR))
    return tuple(
        (condition.strip(), choice.strip()) for condition, _mark, choice in pieces if choice.strip()) or (('', ''),)


def translate_json_path(path):
    """Write JSONPath as a path: ``$.messages[0]['id']`` becomes ``messages.0.id``, and ``messages[*]`` ``messages[]``.

    :return: the path, unchanged if it is one already
    :rtype: str
    """
    return OR.join(_SUBSCRIPT.sub(_translate_subscript, _ROOT.sub('', piece, count=1)).lstrip('.')
                   if _ROOT.match(piece) or _SUBSCRIPT.search(piece) else piece for piece in path.split(OR))


def _translate_subscript(match):
    return EACH if match[1] == '*' else '.' + match[1].strip('\'"')


@lru_cache(maxsize=1024)
def segments(path):
    """Split a path: ``results[].status`` becomes ``('results', '[]', 'status')``.

    :rtype: tuple[str, ...]
    """
    found = []
    for piece in path.strip().split('.'):
        key = piece.strip()
        lists = 0
        while key.endswith(EACH):
            key, lists = key[:-len(EACH)], lists + 1
        found += [key] if key else []
        found += [EACH] * lists
    return tuple(found)


def find(document, path):
    """Return every value at a path, in order; values keep their type.

    A key is looked up in each item of a list, and ``[]`` on anything but a list is that value itself: some providers
    send a single object instead of a list of one.

    :rtype: list
    """
    nodes = []
    for condition, choice in choices(path):
        nodes = []
        if condition and not any(map(as_text, find(document, condition))):
            continue
        nodes = [document]
        for segment in segments(choice):
            nodes = [value for node in nodes for value in _step(node, segment)]
        if any(as_text(node) or (isinstance(node, (dict, list)) and node) for node in nodes):
            break
    return nodes


def items(document, path):
    """Return the items of a list such as ``messages[]``. The brackets are optional; an empty path is the root."""
    return [item for node in find(document, path) for item in _step(node, EACH)]


def all_texts(document, path):
    """Iterate over the values at a path that are not empty, as text; none for an empty path."""
    return filter(None, map(as_text, find(document, path))) if path and document is not None else iter(())


def all_words(document, path):
    """Iterate over the words at all alternatives of a path, see :func:`as_words`; none for an empty path."""
    if path and document is not None:
        for choice in filter(str.strip, path.split(OR)):
            yield from filter(None, map(as_words, find(document, choice)))


def _step(node, segment):
    if segment == EACH:
        if isinstance(node, list):
            return node
        return () if node is None else (node,)
    if isinstance(node, dict):
        value = _lookup(node, segment)
        return () if value is _MISSING else (value,)
    if not isinstance(node, list):
        return ()
    if segment.isdecimal() and len(segment) < 10:
        return node[int(segment):int(segment) + 1]
    values = (_lookup(item, segment) for item in node if isinstance(item, dict))
    return [value for value in values if value is not _MISSING]


def _lookup(mapping, key):
    if key in mapping:
        return mapping[key]
    folded = key.casefold()
    return next((value for name, value in mapping.items() if name.casefold() == folded), _MISSING)


class _Branch:
    """The fields at and below one node of a document."""
    __slots__ = ('children', 'in_order', 'names', 'wanted')

    def __init__(self):
        self.names = []      # fields whose path ends here
        self.children = {}   # key -> _Branch
        self.wanted = set()  # fields whose path ends here or below
        self.in_order = ()   # key, _Branch, and whether it has optional fields only

    def sort(self, optional):
        """Put fields that make rows first: optional ones are added to the rows afterwards."""
        for child in self.children.values():
            child.sort(optional)
        self.in_order = tuple(sorted(
            ((key, child, child.wanted <= optional) for key, child in self.children.items()), key=itemgetter(2)))


@lru_cache(maxsize=256)
def _tree(paths, optional):
    root = _Branch()
    for name, path in _fields(paths):
        branch = root
        branch.wanted.add(name)
        for segment in segments(path):
            if segment != EACH:
                branch = branch.children.setdefault(segment, _Branch())
                branch.wanted.add(name)
        branch.names.append(name)
    root.sort(optional)
    return root


def rows(document, paths, optional=frozenset(), limit=10_000, words=frozenset()):
    """Read several paths together: one row for each item of the lists that they share.

    ``results[].id`` and ``results[].status`` make one row per result; ``id`` next to ``to[].status`` is repeated in
    each row. Sibling lists of the same length are paired item by item; of a list of another length that has optional
    fields only, the first item counts.

    :param tuple paths: pairs of field name and path, none of them empty
    :param frozenset optional: the fields that do not make a row of their own
    :param int limit: items that a list may have
    :param frozenset words: the fields that a person reads, for which alternatives without words are skipped
    :return: dictionaries of the existing fields, with values as in the document
    :raise PairingError: when sibling lists differ in length
    :raise TooManyError: when a list is longer than `limit`
    """
    fields = _fields(paths)
    optional = frozenset(optional).union(
        field for field, _path in fields if isinstance(field, tuple) and (field[0] in optional or field[-1] is IF))
    found = _rows(document, _tree(paths, optional), limit, 0)
    if len(fields) == len(paths):
        return found
    return [chosen for row in found if (chosen := _choose(row, words))]


@lru_cache(maxsize=256)
def _fields(paths):
    """Split the paths: each alternative becomes a field of its own, ``(name, position, condition)``, and so does its
    condition, ``(name, position, condition, IF)``."""
    fields = []
    for name, path in paths:
        pairs = choices(path)
        if len(pairs) == 1 and not pairs[0][0]:
            fields.append((name, pairs[0][1]))
            continue
        for position, (condition, choice) in enumerate(pairs):
            field = (name, position, condition)
            fields += [(field, choice)] + ([((*field, IF), condition)] if condition else [])
    return tuple(fields)


def _choose(row, words):
    """Keep one value for each field of a row: the first alternative that is not empty and whose condition is met."""
    chosen = {}
    for field in sorted(row, key=lambda field: field[1] if isinstance(field, tuple) else 0):
        name, _position, condition = field[:3] if isinstance(field, tuple) else (field, 0, '')
        if (isinstance(field, tuple) and field[-1] is IF) or (condition and not as_text(row.get((*field, IF)))):
            continue
        if name not in chosen or not (as_words if name in words else as_text)(chosen[name]):
            chosen[name] = row[field]
    return chosen


def _rows(node, branch, limit, depth):
    if depth > MAX_DEPTH:
        return []
    if isinstance(node, list):
        if len(node) > limit:
            raise TooManyError('a list is too long')
        indexed = [key for key in branch.children if key.isdecimal() and len(key) < 10 and int(key) < len(node)]
        if not indexed:
            return [row for item in node for row in _rows(item, branch, limit, depth + 1)]
        node = {key: node[int(key)] for key in indexed}
    row = dict.fromkeys(branch.names, node)
    if not isinstance(node, dict):
        return [row] if row else []
    found = [row]
    for key, child, is_optional in branch.in_order:
        value = _lookup(node, key)
        if value is _MISSING:
            continue
        if not child.children and not isinstance(value, list) and depth < MAX_DEPTH:  # most fields of most documents
            for row in found:
                row.update(dict.fromkeys(child.names, value))
        else:
            found = _beside(found, _rows(value, child, limit, depth + 1), is_optional)
    return [row for row in found if row]


def _beside(left, right, is_optional):
    """Combine the rows of two siblings; a single row is combined with each of the other's."""
    if not right:
        return left
    if len(left) == 1:
        if is_optional and len(right) > 1:
            right = right[:1]
        return [{**left[0], **row} for row in right]
    if len(right) == 1 or (is_optional and len(right) != len(left)):
        return [{**row, **right[0]} for row in left]
    if len(left) != len(right):
        raise PairingError('lists of different length')
    return [{**row, **other} for row, other in zip(left, right, strict=True)]
