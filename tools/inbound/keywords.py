# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Recognize STOP, START and HELP in inbound SMS.

Only a whole text counts, so that "please stop by" and "nonstop" opt nobody out.
"""
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

STOP, START, HELP = 'stop', 'start', 'help'
LONGEST = 80  # characters of a text that can be a keyword, with code, punctuation and emoji

# The keywords of the FCC rule of April 2025 (47 CFR 64.1200) and of carriers (CTIA), and French ARRET.
DEFAULTS = {
    STOP: (
        'STOP', 'STOPALL', 'STOP ALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT', 'OPT OUT',
        'REMOVE', 'ARRET'),
    START: ('START', 'UNSTOP'),
    HELP: ('HELP', 'INFO'),
}
# More keywords, by ISO 639 code of the language. They are not used until they are added to a company's keywords.
LANGUAGES = {
    'ar': {STOP: ('قف', 'توقف', 'إيقاف', 'إلغاء', 'إلغاء الاشتراك'), START: ('ابدأ', 'اشتراك'), HELP: ('مساعدة',)},
    'da': {STOP: ('STOP', 'AFMELD', 'FRAMELD'), START: ('START', 'TILMELD'), HELP: ('HJÆLP',)},
    'de': {
        STOP: ('STOP', 'STOPP', 'ABMELDEN', 'ABBESTELLEN', 'AUSTRAGEN'), START: ('START', 'ANMELDEN'),
        HELP: ('HILFE',)},
    'el': {STOP: ('ΣΤΟΠ', 'ΔΙΑΓΡΑΦΗ', 'ΔΙΑΚΟΠΗ'), START: ('ΕΝΑΡΞΗ',), HELP: ('ΒΟΗΘΕΙΑ',)},
    'es': {
        STOP: ('STOP', 'BAJA', 'PARAR', 'ALTO', 'DETENER', 'CANCELAR SUSCRIPCION'), START: ('ALTA', 'INICIAR'),
        HELP: ('AYUDA',)},
    'fi': {STOP: ('STOP', 'SEIS', 'LOPETA', 'PERU TILAUS'), START: ('ALOITA',), HELP: ('OHJE', 'APUA')},
    'fr': {
        STOP: ('STOP', 'ARRET', 'ARRETER', 'DESABONNER', 'DESINSCRIRE', 'DESABONNEMENT'), START: ('REPRENDRE',),
        HELP: ('AIDE',)},
    'he': {STOP: ('הסר', 'הסירו', 'עצור', 'להסרה'), START: ('התחל',), HELP: ('עזרה',)},
    'hi': {STOP: ('रोकें', 'बंद करें'), START: ('शुरू करें',), HELP: ('मदद', 'सहायता')},
    'it': {
        STOP: ('STOP', 'FERMA', 'DISISCRIVI', 'CANCELLAMI', 'DISATTIVA'), START: ('RIATTIVA', 'INIZIA'),
        HELP: ('AIUTO',)},
    'ja': {STOP: ('停止', '配信停止', 'ストップ', '解除'), START: ('再開',), HELP: ('ヘルプ',)},
    'ko': {STOP: ('중지', '수신거부', '수신 거부'), START: ('시작',), HELP: ('도움말',)},
    'nb': {STOP: ('STOPP', 'AVSLUTT', 'MELD AV', 'AVMELD'), START: ('START',), HELP: ('HJELP',)},
    'nl': {STOP: ('STOP', 'AFMELDEN', 'UITSCHRIJVEN', 'STOPPEN'), START: ('AANMELDEN',), HELP: ('HULP',)},
    'pl': {STOP: ('STOP', 'WYPISZ', 'REZYGNUJE', 'ANULUJ'), START: ('WZNOW',), HELP: ('POMOC',)},
    'pt': {
        STOP: ('PARE', 'PARAR', 'SAIR', 'CANCELAR', 'REMOVER', 'DESCADASTRAR'), START: ('INICIAR', 'VOLTAR'),
        HELP: ('AJUDA',)},
    'ro': {STOP: ('STOP', 'DEZABONARE', 'OPRESTE'), START: ('ABONARE',), HELP: ('AJUTOR',)},
    'ru': {STOP: ('СТОП', 'ОТПИСАТЬСЯ', 'ОТПИСКА', 'ОТМЕНА ПОДПИСКИ'), START: ('СТАРТ',), HELP: ('ПОМОЩЬ',)},
    'sv': {STOP: ('STOPP', 'AVSLUTA', 'AVREGISTRERA'), START: ('STARTA',), HELP: ('HJÄLP',)},
    'tr': {STOP: ('DUR', 'RET', 'IPTAL', 'ABONELIKTEN CIK'), START: ('BASLA',), HELP: ('YARDIM',)},
    'ur': {STOP: ('بند', 'روکیں', 'بند کریں'), START: ('شروع',), HELP: ('مدد',)},
    'zh': {
        STOP: ('退订', '停止', '取消订阅', '退訂', '取消訂閱', 'TD'), START: ('订阅', '訂閱'),
        HELP: ('帮助', '幫助')},
}


@dataclass(frozen=True, slots=True)
class Keywords:
    """Keywords of one company, as `normalize` returns them.

    :param codes: the words that may follow a STOP keyword, for a number that several brands share
    """
    stop: frozenset[str] = frozenset()
    start: frozenset[str] = frozenset()
    help: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()


def read_list(text: str) -> tuple[str, ...]:
    """Return the entries of a list of keywords, separated by commas, semicolons or line breaks."""
    for separator in ';\n،、，':
        text = (text or '').replace(separator, ',')
    return tuple(filter(None, map(str.strip, text.split(','))))


@lru_cache(maxsize=256)  # companies
def make_keywords(stop: str = '', start: str = '', help_: str = '', codes: str = '') -> Keywords:
    """Read the lists of a company. Entries that consist of punctuation only are ignored."""
    return Keywords(*(frozenset(filter(None, map(normalize, read_list(text)))) for text in (stop, start, help_, codes)))


def recognize(text: str, keywords: Keywords) -> str:
    """Return which keyword the whole text is.

    :return: STOP, START or HELP; empty if it is none. A word in several lists counts as the first of these
    """
    if len(text or '') > LONGEST:
        return ''
    text = normalize(text)
    if not text:
        return ''
    if text in keywords.stop or _has_code(text, keywords):
        return STOP
    if text in keywords.start:
        return START
    return HELP if text in keywords.help else ''


def _has_code(text: str, keywords: Keywords) -> bool:
    return any(
        text == f'{keyword} {code}' for code in keywords.codes if text.endswith(f' {code}')
        for keyword in keywords.stop)


def normalize(text: str) -> str:
    """Return a text without case, accents, emoji and outer punctuation. Hyphens count as spaces.

    :param str text: such as ``"« Arrêt ! » 🛑"``
    :return: such as ``arret``
    """
    text = unicodedata.normalize('NFKC', text or '').casefold()
    # in Devanagari and others, combining class 0 marks vowels, which are letters of the word
    text = ''.join(
        ' ' if unicodedata.category(character) == 'Pd' else character
        for character in unicodedata.normalize('NFD', text)
        if character.isspace() or not (
            unicodedata.combining(character) or unicodedata.category(character) in ('Cf', 'Cc')))
    return ' '.join(unicodedata.normalize('NFC', _strip(text)).split())


def _strip(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_outer(text[start]):
        start += 1
    while end > start and _is_outer(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_outer(character: str) -> bool:
    """Return whether a character is space, punctuation, an emoji or a part of one."""
    return unicodedata.category(character)[0] in 'PSZC' or '\ufe00' <= character <= '\ufe0f' or character == '\u20e3'


def join(words: Iterable[str]) -> str:
    """Return words as the text of a list, each of them once."""
    seen = {}
    for word in words:
        seen.setdefault(normalize(word), word)
    return ', '.join(seen.values())
