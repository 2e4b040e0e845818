# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Smart encoding: characters that make an SMS Unicode are replaced by those that a reader takes for the same. Pure."""
import functools
import re
import unicodedata

from .gsm import count_segments, is_gsm

OFF, SAVING, ALWAYS = 'off', 'saving', 'always'  # values of `smart_encoding` of `sms.gateway`


def _make_table(*rows: tuple[str, str]) -> dict[int, str]:
    return {ord(char): replacement for characters, replacement in rows for char in characters}


# Typography, the same in static/src/sms_widget/segments.js
_TYPOGRAPHY = _make_table(
    ("\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u02b9\u02bb\u02bc\u00b4`", "'"),  # quotes, primes
    ('\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb', '"'),
    ('\u2010\u2011\u2012\u2013\u2014\u2015\u2212', '-'),  # hyphens, dashes, minus
    ('\u2026', '...'),
    ('\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000', ' '),
    ('\u2028\u2029', '\n'),  # line and paragraph separator
    ('\u00ad\u200b\u2060\ufeff', ''),  # soft hyphen, zero-width space, word joiner, byte order mark
    ('ﬀ', 'ff'), ('ﬁ', 'fi'), ('ﬂ', 'fl'), ('ﬃ', 'ffi'), ('ﬄ', 'ffl'), ('ﬅﬆ', 'st'),
    ('œ', 'oe'), ('Œ', 'OE'), ('ĳ', 'ij'), ('Ĳ', 'IJ'),
)
# Zero-width joiners and marks of direction: they shape Persian, Indic and Arabic texts and emojis, which stay Unicode
_SHAPING = dict.fromkeys(map(ord, '\u200c\u200d\u200e\u200f'), '')
# Latin letters with a stroke and the like, which Unicode does not decompose
_LETTERS = _make_table(
    ('ł', 'l'), ('Ł', 'L'), ('đð', 'd'), ('ĐÐ', 'D'), ('ħ', 'h'), ('Ħ', 'H'), ('ŧ', 't'), ('Ŧ', 'T'), ('ı', 'i'),
    ('ŋ', 'n'), ('Ŋ', 'N'), ('þ', 'th'), ('Þ', 'Th'), ('ẞ', 'SS'), ('ſ', 's'), ('ŉ', "'n"), ('ŀ', 'l'), ('Ŀ', 'L'),
)
_LAST_LATIN = '\u024f'  # end of the block Latin Extended-B
_MARKED = re.compile('(?<=[A-Za-z])[\u0300-\u036f]+')  # combining marks that form no letter with the one before


def replace_typography(text: str) -> str:
    """Replace quotes, dashes, spaces, ligatures and invisible characters that GSM 03.38 lacks; letters keep their
    accents.

    :return: the text, which may still need Unicode
    """
    replaced = unicodedata.normalize('NFC', text).translate(_TYPOGRAPHY)
    if not is_gsm(replaced) and is_gsm(shaped := replaced.translate(_SHAPING)):
        return shaped
    return replaced


def encode(text: str, mode: str) -> str:
    """Return the text to send.

    :param mode: :data:`OFF` changes nothing; :data:`SAVING` replaces typography if the text then fits GSM 03.38 and
        takes fewer segments; :data:`ALWAYS` replaces typography and accents, unless that takes more segments
    """
    if mode not in (SAVING, ALWAYS) or is_gsm(text):
        return text
    replaced = replace_typography(text)
    if mode == ALWAYS:
        replaced = replaced if is_gsm(replaced) else replace_typography(_remove_accents(replaced))
        return replaced if count_segments(replaced).count <= count_segments(text).count else text
    saves = is_gsm(replaced) and count_segments(replaced).count < count_segments(text).count
    return replaced if saves else text


def _remove_accents(text: str) -> str:
    return _MARKED.sub('', ''.join(map(_remove_accent, text)).translate(_LETTERS))


@functools.lru_cache(maxsize=1024)
def _remove_accent(char: str) -> str:
    """Remove one accent after the other, until GSM 03.38 has the letter. Other alphabets keep theirs."""
    letter = char
    while not is_gsm(letter):
        base, *marks = unicodedata.decomposition(letter).split() or ['']
        if not marks or base.startswith('<'):
            return char
        letter = chr(int(base, 16))
    return letter if letter.isalpha() and letter <= _LAST_LATIN else char  # ≠ is = with a mark
