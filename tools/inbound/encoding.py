# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The text of an SMS, from the encodings that providers use. Pure. A text that is not encoded as declared stays as it
is, because a message that is hard to read is better than none."""
import base64
import codecs
import re
from urllib.parse import unquote_to_bytes

from ..gsm import from_gsm

PLAIN, HEX, PERCENT, BASE64, BYTES = 'plain', 'hex', 'percent', 'base64', 'bytes'
SHORTEST_BASE64 = 40  # characters; shorter ones may be words
# Data codings of SMPP (5.2.19) and names of character sets. Others are guessed: a sender may name any codec.
_CODINGS = {
    '0': 'gsm', 'gsm': 'gsm', 'gsm7': 'gsm', '7bit': 'gsm', '1': 'ascii', 'ascii': 'ascii', 'us-ascii': 'ascii',
    '3': 'latin-1', 'latin1': 'latin-1', 'latin-1': 'latin-1', 'iso-8859-1': 'latin-1', 'iso8859-1': 'latin-1',
    'iso-8859-15': 'iso-8859-15', 'windows-1252': 'cp1252', 'cp1252': 'cp1252', '8': 'utf-16-be', 'ucs2': 'utf-16-be',
    'ucs-2': 'utf-16-be', 'utf-16be': 'utf-16-be', 'utf16be': 'utf-16-be', 'utf-16': 'utf-16-be',
    'unicode': 'utf-16-be', 'utf-8': 'utf-8', 'utf8': 'utf-8',
}
_HEX = re.compile(r'(?:[0-9A-Fa-f]{2})+')
_BASE64 = re.compile(r'[A-Za-z0-9+/]+={0,2}')


def decode_text(text: str, encoding: str, coding: str = '') -> str:
    """Return the text of an SMS.

    :param text: as received; for `bytes`, each character is a byte
    :param encoding: `plain`, `hex` (of bytes), `percent` (percent-encoded bytes, if the coding is another than UTF-8),
        `base64` (if it is long and a text) or `bytes`
    :param coding: the data coding or character set that the provider gives, or ''
    """
    codec = _find_codec(coding.strip().casefold())
    if encoding == HEX:
        digits = re.sub(r'\s', '', text)
        return _decode(bytes.fromhex(digits), codec or 'utf-16-be') if _HEX.fullmatch(digits) else text
    if encoding == PERCENT and codec not in ('', 'utf-8') and text.isascii():
        return _decode(unquote_to_bytes(text.replace('+', ' ')), codec)
    if encoding == BASE64:
        return _decode_base64(text)
    if encoding == BYTES:
        try:
            return _decode(text.encode('latin-1'), codec)
        except UnicodeEncodeError:  # JSON or XML, which have texts
            return text
    return text


def _find_codec(coding):
    """Return the name of a codec, '' if it must be guessed."""
    number = int(coding) if coding.isascii() and coding.isdecimal() and len(coding) < 4 else 0
    if number < 0x10:
        return _CODINGS.get(coding, '')
    if number > 0xFF:
        return ''
    # data coding schemes of GSM (3GPP TS 23.038 section 4): message classes, compressed and automatically deleted SMS
    if number >= 0xF0:
        return '' if number & 0x04 else 'gsm'
    return ('gsm', '', 'utf-16-be', '')[number >> 2 & 0x03] if number < 0x80 else ''


def _decode(content, codec):
    if codec == 'gsm' and max(content, default=0) < 0x80:
        return from_gsm(content)
    if codec == 'utf-16-be':
        return content.decode('utf-16-be', 'replace').removeprefix('\ufeff')
    for choice in (codec if codec not in ('', 'gsm') else 'utf-8', 'utf-8'):
        try:
            return content.decode(choice)
        except UnicodeDecodeError:
            continue
    return content.decode('latin-1')


def _decode_base64(text):
    stripped = re.sub(r'[\r\n]', '', text).strip()
    if len(stripped) < SHORTEST_BASE64 or len(stripped) % 4 or not _BASE64.fullmatch(stripped):
        return text
    try:
        # a provider cuts it at a length, which may be within a character
        decoded = codecs.getincrementaldecoder('utf-8')().decode(base64.b64decode(stripped, validate=True))
    except ValueError:
        return text
    return decoded if all(char.isprintable() or char in '\r\n\t' for char in decoded) else text
