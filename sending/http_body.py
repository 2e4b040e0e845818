# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The body of an answer as text, whatever its headers say of it."""
import codecs
import contextlib
import re
import zlib

import requests

from ..tools.problem import ProblemError

MAX_ANSWER = 64 * 1024  # bytes of an answer that are read
_WINDOW_BITS = {'gzip': (31,), 'x-gzip': (31,), 'deflate': (15, -15)}  # of zlib; some send deflate without its head
# What providers name as coding of a body that is not packed: their charset, or what mail calls so.
_NOT_PACKED = frozenset(('', 'identity', 'none', 'utf-8', 'utf8', 'iso-8859-1', '7bit', '8bit', 'binary'))
_MARKS = {codecs.BOM_UTF8: 'utf-8-sig', codecs.BOM_UTF16_LE: 'utf-16', codecs.BOM_UTF16_BE: 'utf-16'}


class AnswerError(ProblemError):
    """A response that arrived and cannot be read."""


def read_body(response: requests.Response) -> bytes:
    """Up to `MAX_ANSWER` bytes of the body, unpacked.

    :raise AnswerError: if it is cut off or cannot be unpacked
    """
    chunks, size, whole = [], 0, True
    for chunk in response.raw.stream(8192, decode_content=False):
        chunks.append(chunk)
        size += len(chunk)
        if size >= MAX_ANSWER:
            whole = False
            break
    expected = response.headers.get('Content-Length', '')
    # urllib3 1.26 does not tell a short body from a whole one
    if whole and expected.isdigit() and size < int(expected) and response.status_code not in (204, 304):
        raise AnswerError('response_lost')
    content = b''.join(chunks)
    coding = response.headers.get('Content-Encoding', '').strip().lower()
    if content and coding not in _NOT_PACKED:
        content = unpack(content, coding, whole)
    return content[:MAX_ANSWER]


def unpack(content: bytes, coding: str, whole: bool) -> bytes:
    """Unpack no more than `MAX_ANSWER` bytes, which urllib3 does in its latest versions only.

    A provider packs an answer without having been asked to: `Accept-Encoding: identity` is sent, unless the gateway has
    such a header.

    :param whole: whether all of it is there
    """
    try:
        for bits in _WINDOW_BITS[coding]:
            unpacker = zlib.decompressobj(bits)
            with contextlib.suppress(zlib.error):
                unpacked = unpacker.decompress(content, MAX_ANSWER)
                if unpacker.eof or len(unpacked) >= MAX_ANSWER or not whole:
                    return unpacked
    except KeyError:
        pass
    raise AnswerError('response_undecodable')


def decode(content: bytes, content_type: str) -> str:
    """Give the text of a body. The charset is the one that its byte order mark tells, else the one that the header
    names, else UTF-8 (`requests` assumes Latin-1, providers send UTF-8); never raises."""
    for mark, charset in _MARKS.items():
        if content.startswith(mark):
            return content.decode(charset, 'replace')
    named = re.search(r'charset\s*=\s*["\']?\s*([\w.:+-]+)', content_type, re.IGNORECASE | re.ASCII)
    if named:
        # not a charset, or one that cannot replace what it does not know, as `idna`
        with contextlib.suppress(LookupError, ValueError):
            return content.decode(named[1], 'replace')
    return content.decode('utf-8', 'replace')
