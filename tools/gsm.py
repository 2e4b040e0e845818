# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Text encodings of SMS, GSM 03.38 (3GPP TS 23.038) and UCS-2, and the segments of a text as networks count them."""
import re
from collections.abc import Iterable
from dataclasses import dataclass

# 3GPP TS 23.038, 6.2.1 default alphabet (without the escape to the extension table) and 6.2.1.1 extension table.
# static/src/sms_widget/segments.js has the same; no national shift tables, which providers rarely support.
_GSM_BASIC = (
    '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?'
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
)
_GSM_EXTENSION = '\f^{}\\[~]|€'
_ESCAPE = 0x1B
_GSM_BASIC_TABLE = _GSM_BASIC[:_ESCAPE] + ' ' + _GSM_BASIC[_ESCAPE:]
_EXTENSIONS = dict(zip((0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65), _GSM_EXTENSION, strict=True))
# regular expressions: several times as fast as sets, and every SMS is read
_is_basic = re.compile(f'[{re.escape(_GSM_BASIC)}]*').fullmatch
_is_gsm = re.compile(f'[{re.escape(_GSM_BASIC + _GSM_EXTENSION)}]*').fullmatch
# septets or UTF-16 code units of a single segment, and of each of several: their header takes 6 of 140 bytes
_SIZES = {'gsm': (160, 153), 'unicode': (70, 67)}


@dataclass(slots=True)  # not frozen, which would take longer than counting
class Segments:
    """The size of a text.

    :ivar str encoding: ``gsm`` or ``unicode`` (UCS-2)
    :ivar int characters: septets of GSM 03.38, in which characters of the extension table take two, or UTF-16 code
        units, of which emojis take two
    """
    encoding: str
    characters: int
    count: int


def is_gsm(text: str) -> bool:
    """Return whether a text fits GSM 03.38 with its extension table. Any other character makes the SMS UCS-2."""
    return bool(_is_gsm(text))


def to_hex(text: str) -> str:
    """Return a text as UTF-16BE in hexadecimal, the format in which binary APIs accept Unicode."""
    return text.encode('utf-16-be').hex().upper()


def from_gsm(septets: bytes) -> str:
    """Return the text of unpacked GSM 03.38, one septet in each byte.

    :param septets: bytes below 128
    """
    characters, is_extension = [], False
    for septet in septets:
        if is_extension:
            characters.append(_EXTENSIONS.get(septet, _GSM_BASIC_TABLE[septet]))
            is_extension = False
        elif septet == _ESCAPE:
            is_extension = True
        else:
            characters.append(_GSM_BASIC_TABLE[septet])
    return ''.join(characters)


def well_formed(text: str) -> str:
    """Make a text encodable as UTF-8: surrogate pairs become their character, lone surrogates U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')
    return text


def count_segments(text: str) -> Segments:
    """Count the segments of a text. Leading and trailing white space is not sent.

    A character that takes two septets or code units is never split between two segments.
    """
    text = text.strip()
    if _is_basic(text):
        encoding, widths, characters = 'gsm', (), len(text)
    elif _is_gsm(text):
        encoding, widths = 'gsm', [2 if char in _GSM_EXTENSION else 1 for char in text]
        characters = sum(widths)
    else:
        encoding, widths = 'unicode', [2 if char > '\uffff' else 1 for char in well_formed(text)]
        characters = sum(widths)
    single, each = _SIZES[encoding]
    if characters <= single:
        count = min(characters, 1)
    elif characters == len(widths) or not widths:
        count = -(-characters // each)
    else:
        count = _fill(widths, each)
    return Segments(encoding, characters, count)


def _fill(widths: Iterable[int], size: int) -> int:
    count, used = 1, 0
    for width in widths:
        used += width
        if used > size:
            count, used = count + 1, width
    return count
