# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Text encodings of SMS, GSM 03.38 (3GPP TS 23.038) and UCS-2, and the number of segments of a text."""
from dataclasses import dataclass

# 3GPP TS 23.038, 6.2.1 default alphabet (without the escape to the extension table) and 6.2.1.1 extension table.
_GSM_BASIC = (
    '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?'
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
)
_GSM_EXTENSION = '\f^{}\\[~]|€'
_GSM = frozenset(_GSM_BASIC + _GSM_EXTENSION)
_GSM_IN_CORE = frozenset(_GSM_BASIC)  # core's composer counts the extension table as Unicode
_SIZES = {'gsm': (160, 153), 'unicode': (70, 67)}  # characters of a single segment, and of each of several


@dataclass(frozen=True, slots=True)
class Segments:
    """The size of a text: ``encoding`` is ``gsm`` or ``unicode`` (UCS-2)."""
    encoding: str
    characters: int
    count: int


def is_gsm(text: str) -> bool:
    """Return whether a text fits GSM 03.38 with its extension table. Any other character makes the SMS UCS-2."""
    return _GSM.issuperset(text)


def to_hex(text: str) -> str:
    """Return a text as UTF-16BE in hexadecimal, the format in which binary APIs accept Unicode."""
    return text.encode('utf-16-be').hex().upper()


def well_formed(text: str) -> str:
    """Make a text encodable as UTF-8: surrogate pairs become their character, lone surrogates U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')
    return text


def count_segments(text: str) -> Segments:
    """Count the segments of a text as core's composer does (``sms/static/src/components/sms_widget``).

    A line break counts as two characters, other characters count as UTF-16 code units, and leading and trailing white
    space is not sent.
    """
    text = text.strip()
    encoding = 'gsm' if _GSM_IN_CORE.issuperset(text) else 'unicode'
    characters = len(text.encode('utf-16-le', 'surrogatepass')) // 2 + text.count('\n')
    single, each = _SIZES[encoding]
    count = min(characters, 1) if characters <= single else -(-characters // each)
    return Segments(encoding, characters, count)
