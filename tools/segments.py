# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many SMS a text makes, counted as core's composer counts (`sms/static/src/components/sms_widget`), so that both
show the same: GSM 03.38 without its extension table, a line break as two characters, UTF-16 units (3GPP TS 23.038)."""
from dataclasses import dataclass

_GSM = frozenset(
    '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿'
    'abcdefghijklmnopqrstuvwxyzäöñüà')
_SIZES = {'gsm': (160, 153), 'unicode': (70, 67)}  # characters of a single SMS, and of each of several


@dataclass(frozen=True, slots=True)
class Segments:
    """``encoding`` is ``gsm`` or ``unicode`` (UCS-2)."""
    encoding: str
    characters: int
    count: int


def count_segments(text: str) -> Segments:
    """Count a text as it is sent, without white space around it."""
    text = text.strip()
    encoding = 'gsm' if _GSM.issuperset(text) else 'unicode'
    characters = len(text.encode('utf-16-le', 'surrogatepass')) // 2 + text.count('\n')
    single, each = _SIZES[encoding]
    count = min(characters, 1) if characters <= single else -(-characters // each)
    return Segments(encoding, characters, count)
