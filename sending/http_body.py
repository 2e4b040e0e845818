# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Read the body of a response as text, even if its headers are wrong."""
import codecs
import contextlib
import re
import zlib

import requests

from ..tools.problem import ProblemError

MAX_ANSWER = 64 * 1024  # bytes of a response body that are read
_WINDOW_BITS = {'gzip': (31,), 'x-gzip': (31,), 'deflate': (15, -15)}  # some servers send deflate without its header
# Content codings that providers name for uncompressed bodies, such as a charset or an encoding of email.
_NOT_PACKED = frozenset(('', 'identity', 'none', 'utf-8', 'utf8', 'iso-8859-1', '7bit', '8bit', 'binary'))
_MARKS = {codecs.BOM_UTF8: 'utf-8-sig', codecs.BOM_UTF16_LE: 'utf-16', codecs.BOM_UTF16_BE: 'utf-16'}


class AnswerError(ProblemError):
    """A response arrived but cannot be read."""


def read_body(response: requests.Response) -> bytes:
    """Return up to `MAX_ANSWER` bytes of the body, decompressed.

    :raise AnswerError: if it is truncated or cannot be decompressed
    """
    chunks, size, whole = [], 0, True
    for chunk in response.raw.stream(8192, decode_content=False):
        chunks.append(chunk)
        size += len(chunk)
        if size >= MAX_ANSWER:
            whole = False
            break
    expected = response.headers.get('Content-Length', '')
    # urllib3 1.26 does not detect a truncated body
    if whole and expected.isdigit() and size < int(expected) and response.status_code not in (204, 304):
        raise AnswerError('response_lost')
    content = b''.join(chunks)
    coding = response.headers.get('Content-Encoding', '').strip().lower()
    if content and coding not in _NOT_PACKED:
        content = unpack(content, coding, whole)
    return content[:MAX_ANSWER]


def unpack(content: bytes, coding: str, whole: bool) -> bytes:
    """Decompress at most `MAX_ANSWER` bytes, which only the latest versions of urllib3 can do.

    Some providers compress responses although `Accept-Encoding: identity` is sent, unless the gateway has such a
    header.

    :param whole: whether the content is complete
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
    """Return the text of a body; never raises. The charset is that of the byte order mark, else that of the header,
    else UTF-8, because providers send UTF-8 where `requests` assumes Latin-1."""
    for mark, charset in _MARKS.items():
        if content.startswith(mark):
            return content.decode(charset, 'replace')
    named = re.search(r'charset\s*=\s*["\']?\s*([\w.:+-]+)', content_type, re.IGNORECASE | re.ASCII)
    if named:
        # not a charset, or one that cannot replace undecodable bytes, such as `idna`
        with contextlib.suppress(LookupError, ValueError):
            return content.decode(named[1], 'replace')
    return content.decode('utf-8', 'replace')
