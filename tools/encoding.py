# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Text encodings of SMS: GSM 03.38 (3GPP TS 23.038) and UCS-2."""

# 3GPP TS 23.038, 6.2.1 default alphabet (without the escape to the extension table) and 6.2.1.1 extension table.
_GSM_BASIC = (
    '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?'
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
)
_GSM_EXTENSION = '\f^{}\\[~]|€'
_GSM = frozenset(_GSM_BASIC + _GSM_EXTENSION)


def is_gsm(text: str) -> bool:
    """Tell whether a text fits GSM 03.38, extension table included. One other character makes the whole SMS UCS-2."""
    return _GSM.issuperset(text)


def to_hex(text: str) -> str:
    """Give a text as UTF-16BE in hexadecimal, the form in which binary APIs take Unicode."""
    return text.encode('utf-16-be').hex().upper()


def well_formed(text: str) -> str:
    """Give a text that UTF-8 can encode: surrogate pairs become their character, lone surrogates U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')
    return text
