# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Finds secrets in a text, however they are encoded, and replaces them by :data:`MASK`. Pure.

A provider may repeat what it received literally, percent-encoded, in JSON, in JSON within JSON, with HTML entities, as
Base64 or as hexadecimal digits, or nested in several of these. Therefore escapes are undone layer by layer, and what is
found in a layer is masked at its position in the original text.

Used for requests, responses, delivery reports and logs, before a text is stored or logged.
"""
import base64
import html
import re
import sys
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache, reduce

from .request.config import MASK

IGNORED = 2  # characters of secrets that are not masked: they protect nothing and appear in nearly every text
WHOLE = 5  # characters of secrets that are masked as whole words only, not as parts of other words
SHORTEST_NAME = 4  # shorter usernames are common words
WHOLE_NAME = 7
SHORTEST_BASE64 = 6  # characters; shorter ones appear in other Base64 texts by chance
SHORTEST_HEXADECIMAL = 8
LAYERS = 6  # of escapes

# Starts with a set of characters, so that `re` skips the others quickly.
_ESCAPE = re.compile(r'''[%\\&] (?:
    (?P<bytes> (?<=%) [0-9a-f]{2} (?:%[0-9a-f]{2})* | (?<=\\) x[0-9a-f]{2} (?:\\x[0-9a-f]{2})* )
    | (?<=\\) (?P<octal> [0-3][0-7]{2} (?:\\[0-3][0-7]{2})* )
    | (?<=\\) (?: u\{ (?P<braced> 0{0,8}[0-9a-f]{1,6} ) \} | (?-i:U) (?P<long> 00[0-9a-f]{6} ) )
    | (?<=\\) u (?P<pair> d[89ab][0-9a-f]{2} \\u d[c-f][0-9a-f]{2} )
    | (?<=[\\%]) u (?P<unit> [0-9a-f]{4} )
    | (?<=\\) (?P<character> [^\n] )
    | (?<=&) (?P<entity> (?: \#0{0,30}[0-9]{1,7} | \#x0{0,30}[0-9a-f]{1,6} | [a-z][a-z0-9]{1,30} ) ;? )
)''', re.IGNORECASE | re.VERBOSE)
_CONTROL = {'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f'}
_NOT_IN_HEADERS = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]')
# A whole run: next to a secret it contains the rest of `user:password`.
_BASE64_RUN = re.compile('[A-Za-z0-9+/_-]+={0,2}')
_LONG_RUN = re.compile(r'(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{12,}={0,2}')


class Masker:
    """Masks some secrets; cheap for a text without any.

    :param secrets: secret texts
    :param names: usernames: masked like secrets, unless they are short
    :param pairs: `user:password` of HTTP Basic, of which only the encoded forms are masked
    """

    def __init__(self, secrets: Iterable[str], names: Iterable[str] = (), pairs: Iterable[str] = ()):
        secrets = tuple(secrets)
        anywhere, words, encoded, wholes = {}, {}, {}, {}
        for texts, ignored, whole in ((secrets, IGNORED, WHOLE), (names, SHORTEST_NAME - 1, WHOLE_NAME)):
            for text in texts:
                for form in _plain_forms(text):
                    if len(form) > ignored and form.strip('*'):
                        (anywhere if len(form) > whole else words)[form] = None
                encoded.update(dict.fromkeys(_encoded_forms(text)))
                anywhere.update(dict.fromkeys(_hexadecimal_forms(text)))
                if len(text) > ignored:
                    wholes.update(dict.fromkeys(_encoded_whole(text)))
        for pair in pairs:
            wholes.update(dict.fromkeys(_encoded_whole(pair)))
            encoded.update(dict.fromkeys(_encoded_forms(pair)))
            anywhere.update(dict.fromkeys(_hexadecimal_forms(pair)))
        self._anywhere, self._words, self._encoded = map(tuple, (anywhere, words, encoded))
        self._wholes = frozenset(wholes)
        # characters of Base64 that contains a secret; the many message IDs of a response are usually shorter
        self._least = min((len(secret) * 4 // 3 for secret in secrets if len(secret) > WHOLE), default=float('inf'))
        self._is_idle = not (anywhere or words or encoded or wholes)

    def __call__(self, text: str) -> str:
        if self._is_idle or not text:
            return text
        spans = self._find_all(text)
        return _cover(text, spans) if spans else text

    def _find_all(self, text, is_decoded=False):
        return self._find(text, is_decoded) + self._find_escaped(text, is_decoded)

    def _find_escaped(self, text, is_decoded):
        spans, layers = [], []
        for _layer in range(LAYERS):
            if not ('%' in text or '\\' in text or '&' in text):
                break
            text, marks = _undo_escapes(text)
            if not marks:
                break
            layers.append(marks)
            spans += [reduce(_locate, reversed(layers), span) for span in self._find(text, is_decoded)]
        return spans

    def _find(self, text, is_decoded):
        spans = []
        for form in self._anywhere:
            if form in text:
                spans += _occurrences(form, text)
        for form in self._words:
            if form in text:
                spans += [
                    (start, end) for start, end in _occurrences(form, text)
                    if not (start and form[0].isalnum() and text[start - 1].isalnum())
                    and not (form[-1].isalnum() and text[end:end + 1].isalnum())]
        encoded = [form for form in self._encoded if form in text]
        if encoded or any(form in text for form in self._wholes):
            spans += [
                run.span() for run in _BASE64_RUN.finditer(text)
                if run[0].rstrip('=') in self._wholes or any(form in run[0] for form in encoded)]
        if not is_decoded and len(text) >= self._least:
            # Base64 of Base64, of JSON, of UTF-16 and the like
            spans += [
                run.span() for run in _LONG_RUN.finditer(text)
                if run.end() - run.start() >= self._least and any(
                    self._find_all(content, is_decoded=True) for content in _decode(run[0], self._least))]
        return spans


@lru_cache(maxsize=256)
def masker(secrets: tuple[str, ...], names: tuple[str, ...] = (), pairs: tuple[str, ...] = ()) -> Masker:
    """Return the masker of these secrets, which is cached."""
    return Masker(secrets, names, pairs)


# === FORMS OF A SECRET === #


@lru_cache(maxsize=4096)
def _plain_forms(secret: str) -> tuple[str, ...]:
    """Return the text itself, as in a header, with collapsed white space, as in a form, as in an SQL statement, and
    without what only looks like an escape, since that is undone together with real ones."""
    storable = secret.encode('utf-8', 'replace').decode()
    forms = {secret, storable}
    for _layer in range(3):
        forms |= {_undo_escapes(form)[0] for form in forms}
    forms |= {form for known in forms for form in (
        _NOT_IN_HEADERS.sub('', known).strip(), known.strip(), ' '.join(known.split()))}
    forms |= {form.replace(' ', '+') for form in forms} | {form.replace("'", "''") for form in forms}
    # a trailing backslash escapes what follows, and is lost when that is undone
    forms |= {form.rstrip('\\') for form in forms}
    return tuple(sorted(forms - {''}, key=len, reverse=True))


@lru_cache(maxsize=4096)
def _encoded_forms(secret: str) -> tuple[str, ...]:
    """Return the Base64 of the text at each offset in other bytes, without the characters that depend on these."""
    content = secret.encode('utf-8', 'replace')
    forms = set()
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        size = (offset + len(content)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(encode(bytes(offset) + content).decode()[first:size])
    return tuple(form for form in forms if len(form) >= SHORTEST_BASE64)


@lru_cache(maxsize=4096)
def _hexadecimal_forms(secret: str) -> tuple[str, ...]:
    digits = secret.encode('utf-8', 'replace').hex()
    return (digits, digits.upper()) if len(digits) >= SHORTEST_HEXADECIMAL else ()


def _encoded_whole(text):
    content = text.encode('utf-8', 'replace')
    return {encode(content).decode().rstrip('=') for encode in (base64.b64encode, base64.urlsafe_b64encode)}


def _decode(run, least):
    """Yield the texts that a run of letters and digits may encode as Base64 or hexadecimal digits.

    :param least: characters of the Base64 of the shortest secret; hexadecimal digits are half as many again
    """
    digits = run.rstrip('=')
    decoders = [_decode_base64]
    if len(digits) >= 1.5 * least:
        decoders.append(bytes.fromhex)
    for decode in decoders:
        try:
            # UTF-16 of ASCII has a zero in every second byte
            yield decode(digits).decode().replace('\0', '')
        except ValueError:
            continue


def _decode_base64(digits):
    return base64.b64decode(digits.replace('-', '+').replace('_', '/') + '=' * (-len(digits) % 4), validate=True)


# === PLACES IN A TEXT === #


def _occurrences(form, text):
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _cover(text, spans):
    pieces, done = [], 0
    for start, end in sorted(spans):
        if start >= done:
            pieces += (text[done:start], MASK)
        done = max(done, end)
    return ''.join((*pieces, text[done:]))


# === ESCAPES === #


def _undo_escapes(text: str) -> tuple[str, list[tuple[int, int, int]]]:
    """Undo one layer of escapes.

    :return: the text, and for each character that was escaped its position, and its original start and end
    """
    pieces, marks, size, end = [], [], 0, 0
    for match in _ESCAPE.finditer(text):
        characters = _read_escape(match)
        if characters:
            pieces.append(text[end:match.start()])
            size += match.start() - end
            for character, start, stop in characters:
                pieces.append(character)
                marks.append((size, start, stop))
                size += 1
            end = marks[-1][2]
    pieces.append(text[end:])
    return ''.join(pieces), marks


def _read_escape(match):
    """Return the characters of an escape, each with its start and end in the text; none if it is not an escape."""
    start, end = match.span()
    kind, found = match.lastgroup, match[match.lastgroup]
    if kind == 'bytes':
        content = bytes.fromhex(re.sub(r'%|\\x', '', match[0], flags=re.IGNORECASE))
        return _read_bytes(content, start, 3 if match[0][0] == '%' else 4)
    if kind == 'octal':
        return _read_bytes(bytes(int(digits, 8) for digits in found.split('\\')), start, 4)
    if kind in ('braced', 'long'):
        code = int(found, 16)
        return [(chr(code), start, end)] if code <= sys.maxunicode else ()
    if kind == 'pair':
        high, low = int(found[:4], 16), int(found[6:], 16)
        return [(chr(0x10000 + ((high - 0xd800) << 10) + low - 0xdc00), start, end)]
    if kind == 'unit':
        return [(chr(int(found, 16)), start, end)]
    if kind == 'character':
        return [(_CONTROL.get(found, found), start, end)]
    character = html.unescape(match[0])
    # `&ampx` without semicolon is an ampersand and an x
    return [(character[0], start, end - len(character) + 1)] if character and character != match[0] else ()


def _read_bytes(content, start, step):
    """Return the characters of escaped bytes, each with its start and end in the text.

    :param int step: characters of the text per byte
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode('latin-1')
        return [(character, start + step * index, start + step * (index + 1)) for index, character in enumerate(text)]
    characters = []
    for character in text:
        end = start + step * len(character.encode())
        characters.append((character, start, end))
        start = end
    return characters


def _locate(span, marks):
    """Return the position of a piece of a text before its escapes were undone."""
    start, end = span
    return _origin(marks, start)[0], _origin(marks, end - 1)[1]


def _origin(marks, position):
    index = bisect_right(marks, position, key=lambda mark: mark[0]) - 1
    if index < 0:
        return position, position + 1
    place, start, end = marks[index]
    if place == position:
        return start, end
    return end + position - place - 1, end + position - place
