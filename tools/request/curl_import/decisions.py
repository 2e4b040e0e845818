# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What each part of a pasted request means: out of its name, its shape and the other parts."""
import re

from ..placeholders import PLACEHOLDERS, TOKENS
from ..typed_secrets import is_secret_name, looks_random
from .errors import Note
from .meanings import (
    ACCOUNT,
    API_KEY,
    CALLBACK,
    FIXED,
    MESSAGE,
    NUMBER,
    PASSWORD,
    REMOVED,
    SECRETS,
    SENDER,
    TOKEN,
    USERNAME,
    UUID,
)
from .names import meaning_of_name, words_of
from .parts import ACCOUNT_SID, Part
from .request import is_variable, shown
from .samples import (
    is_hole,
    is_phone,
    is_placeholder,
    is_report_url,
    is_schedule,
    is_sentence,
    is_url,
    placeholder_name,
    split_phones,
)
from .scanner import VARIABLE_START
from .vocabulary import STRONG, words

# What would be filled in a text that is not changed.
OURS = re.compile(rf'\{{(?:{"|".join(PLACEHOLDERS)})\}}|__(?:{"|".join((*TOKENS, "each"))})__')
_STRONG_NAMES = STRONG | {'receiver', 'receivers', 'dst'}
_OTHERS = frozenset(('contact', 'customer', 'client', 'subscriber', 'user'))
# Kinds of a text, not texts.
_NO_TEXTS = words('''
    sms text unicode json plain html auto flash true false gsm ucs2 0 1 2 utf8 utf-8 promotional transactional
''')
_ID_ENDS = ('id', 'uuid', 'guid', 'iden', 'ident', 'identifier')
_COUNTRY_CODES = words('country countrycode dialcode dialingcode phonecode prefix countryprefix areacode isdcode cc')
_SENDER_ID = re.compile('[A-Za-z][A-Za-z0-9 ._-]{2,10}')  # at most 11 characters (GSM 03.40, 9.1.2.5)
# What calls, where the name may also be the sender's.
_SOURCES = words('api rest http web php python java node nodejs curl sdk app website postman odoo crm')
_SENDER_NAMES = ('senderid', 'sendername', 'from', 'sender', 'originator', 'src', 'source')


class Decisions:
    """Gives each part its meaning, out of its name, its shape and the other parts."""

    def __init__(self, parts: list[Part]):
        self.parts = parts
        self.notes: list[Note] = []
        self.is_national = False  # the country code is not in the number

    def note(self, code: str, **values: str) -> None:
        self.notes.append(Note(code, values))

    def having(self, *meanings: str) -> list[Part]:
        return [part for part in self.parts if part.meaning in meanings]

    def decide(self) -> None:
        for part in self.parts:
            if not part.is_locked and part.place not in ('host', 'path'):
                self.check_shape(part)
        self.find_number()
        self.find_text()
        self.check_sid()
        self.share_secrets()
        for meaning in (ACCOUNT, SENDER, CALLBACK):
            self.share(meaning)
        self.check_fixed()
        self.compare_items()
        self.check_country()
        self.check_types()
        self.check_names()

    # === EACH PART BY ITSELF === #

    def check_shape(self, part: Part) -> None:
        """Take back what a name promised and a value denies; take a placeholder's name where the name tells nothing."""
        value = part.sample.strip()
        if part.meaning in (FIXED, UUID) and is_schedule(part.last_name, value):
            part.meaning = REMOVED
            self.note('schedule', name=part.name)
            return
        if part.meaning == FIXED and is_hole(value):
            part.meaning = meaning_of_name((placeholder_name(value),)) or FIXED
        if part.kind in ('boolean', 'null') or not value:
            part.meaning = FIXED
        elif part.meaning == FIXED and part.words in (['url'], ['uri']) and is_report_url(value):
            part.meaning = CALLBACK
        elif not _has_shape(part, value):
            part.meaning = FIXED
        if part.meaning not in (FIXED, CALLBACK) and VARIABLE_START in value and not is_variable(value):
            part.sure = False
        if part.meaning == NUMBER and part.kind == 'text':
            samples, separator = split_phones(part.sample)
            if separator:
                part.samples, part.separator = tuple(samples), separator

    # === RECIPIENT AND TEXT === #

    def find_number(self) -> None:
        numbers = self.having(NUMBER)
        if not numbers:
            candidates = [part for part in self.having(FIXED) if part.kind in ('text', 'number') and _maybe_phone(part)]
            for part in candidates[:1]:
                part.meaning = NUMBER
                nested = 'phone' in (meaning_of_name((name,)) for name in part.names[:-1])
                part.sure = len(candidates) == 1 and (part.sample.strip().startswith('+') or nested)
            return
        best = max(map(_number_strength, numbers))
        first = next(part for part in numbers if _number_strength(part) == best)
        for part in numbers:
            if part is first or _same_sample(part, first) or _in_same_list(part, first):
                continue
            if _key_pattern(part) == _key_pattern(first) and part.place == first.place:
                part.meaning = REMOVED
                self.note('one_recipient', name=part.name)
            else:
                first.sure = first.sure and _number_strength(part) < best
                part.meaning = FIXED if self.having(SENDER) else SENDER
                part.sure = False

    def find_text(self) -> None:
        texts = self.having(MESSAGE)
        if not texts:
            candidates = [part for part in self.having(FIXED) if part.kind == 'text' and is_sentence(part.sample)]
            candidates.sort(key=lambda part: -len(part.sample))
            for part in candidates[:1]:
                part.meaning, part.sure = MESSAGE, len(candidates) == 1
            return
        first = max(texts, key=_text_strength)  # the first of equals
        first.sure = words_of(placeholder_name(first.sample))[-1:] != ['id']  # of a text that the provider has
        for part in texts:
            if part is first or _same_sample(part, first) or _in_same_list(part, first):
                continue
            part.meaning = FIXED
            part.sure = part.sample.lower().strip() in _NO_TEXTS

    def check_sid(self) -> None:
        """`sid` is the account's to some providers and the sender's to others."""
        for part in self.having(ACCOUNT):
            if part.words == ['sid'] and part.place != 'path' and not self.having(SENDER):
                part.meaning, part.sure = SENDER, bool(_SENDER_ID.fullmatch(part.real))

    # === WHAT A GATEWAY HAS ONE FIELD FOR === #

    def find_user(self) -> None:
        """Tell a user name from an id, and an e-mail address beside a secret from any other."""
        users = self.having(USERNAME)
        names = [part for part in users if part.is_locked or not _ends_in(part, 'id')]
        for part in users:
            if part not in names and part.place != 'path' and (names or not self.having(PASSWORD)):
                part.meaning = part.named = FIXED if part.place == 'json' and part.kind == 'number' else ACCOUNT
        if not self.having(USERNAME):
            places = {part.place for part in self.having(*SECRETS)}
            emails = [part for part in self.having(FIXED) if _ends_in(part, 'email', 'mail') and part.place in places]
            for part in emails[:1]:
                part.meaning = part.named = USERNAME

    def share_secrets(self) -> None:
        """Give each different secret a field of its own."""
        self.find_user()
        holders: dict[str, Part] = {}
        parts = sorted(self.having(*SECRETS), key=lambda part: not part.is_locked)
        for part in parts:
            if same := next((name for name, holder in holders.items() if _same_value(holder, part)), ''):
                part.meaning = same
            elif part.meaning not in holders:
                holders[part.meaning] = part
            elif free := next((name for name in (API_KEY, TOKEN, PASSWORD) if name not in holders), ''):
                part.meaning = free
                holders[free] = part
            else:
                part.meaning, part.sure = FIXED, False
        if not holders:
            self.find_secret_in_path()
        for part in self.having(ACCOUNT, FIXED):
            for name, holder in holders.items():
                is_copy = holder.real == part.sample and len(part.sample) > 5
                if not part.is_locked and (is_copy or (part.meaning == ACCOUNT and _same_value(holder, part))):
                    part.meaning = name

    def find_secret_in_path(self) -> None:
        """Where nothing else is secret, what looks random in the path is the key and not the account."""
        segments = [
            part for part in self.having(ACCOUNT) if part.place == 'path' and part.real and looks_random(part.sample)]
        if len(segments) == 1 and not ACCOUNT_SID.fullmatch(segments[0].sample):
            segments[0].meaning = API_KEY

    def share(self, meaning: str) -> None:
        """Let the most likely part have the field; another value of the same kind stays what it is."""
        parts = self.having(meaning)
        if not parts:
            return
        first = min(parts, key=_sender_rank) if meaning == SENDER else parts[0]
        for part in parts:
            if part is not first and not _same_value(first, part) and not _in_same_list(part, first):
                part.meaning = FIXED
                part.sure = meaning == ACCOUNT and bool(part.real)

    # === WHAT IS LEFT === #

    def compare_items(self) -> None:
        """Doubt a fixed value that differs from item to item of a list of recipients."""
        number = next((part for part in self.parts if part.meaning == NUMBER and part.place == 'json'), None)
        depth = next((end for end, key in enumerate(number.path) if isinstance(key, int)), None) if number else None
        if depth is None:
            return
        values: dict[tuple, set[str]] = {}
        for part in self.parts:
            if part.place == 'json' and part.path[:depth] == number.path[:depth]:
                values.setdefault(part.names, set()).add(part.sample)
        for part in self.having(FIXED):
            if part.place == 'json' and len(values.get(part.names, ())) > 1 and '[]' in part.names:
                part.sure = False

    def check_country(self) -> None:
        """Doubt a country code that is sent beside a number without it."""
        samples = [part.sample for part in self.having(NUMBER)]
        for part in self.having(FIXED):
            code = re.sub(r'^(?:\+|00)', '', part.sample.strip())
            if ''.join(part.words) in _COUNTRY_CODES and re.fullmatch('[1-9][0-9]{0,3}', code):
                self.is_national = not any(re.match(rf'(?:\+|00)?{code}', sample) for sample in samples)
                part.sure = part.sure and not self.is_national

    def check_names(self) -> None:
        """Say which names hold a placeholder: names are sent as they are, or filled if the placeholder is ours."""
        for part in self.parts:
            if any(VARIABLE_START in name or OURS.search(name) for name in part.names):
                self.note('placeholder_in_name', name=shown(part.name))

    def check_types(self) -> None:
        """Say where a JSON number becomes text, as values of placeholders are."""
        filled = [part for part in self.parts if part.place == 'json' and part.meaning not in (FIXED, REMOVED)]
        names = [part.name for part in filled if part.kind == 'number' or part.is_numeric]
        if names:
            self.note('number_as_text', names=', '.join(dict.fromkeys(names)))
        if self.having(CALLBACK):
            self.note('callback')

    def check_fixed(self) -> None:
        """Doubt a fixed value that may be something else."""
        has_secret = bool(self.having(*SECRETS))
        for part in self.having(FIXED):
            value = part.sample.strip()
            if part.place != 'host' and is_report_url(value) and not self.having(CALLBACK):
                part.meaning, part.sure = CALLBACK, False
            elif part.place == 'host' or OURS.search(part.value) or is_hole(value) or is_url(value):
                part.sure = False
            elif part.place == 'header' and part.name.lower() in ('accept', 'content-type'):
                continue
            elif _may_be_secret(part, value):
                part.sure = False
                if not has_secret and not is_secret_name(part.last_name) and not is_phone(value):
                    part.meaning = API_KEY
            elif part.kind == 'text' and value.startswith('+') and is_phone(value):
                part.sure = False


def _may_be_secret(part: Part, value: str) -> bool:
    if part.kind not in ('text', 'number') or _ends_in(part, *_ID_ENDS) or ' ' in value:
        return False
    return (is_secret_name(part.last_name) and len(value) >= 4) or (part.kind == 'text' and looks_random(value))


def _ends_in(part: Part, *ends: str) -> bool:
    last = part.words[-1] if part.words else ''
    return last in ends or (len(last) > 4 and last.endswith(ends))


def _maybe_phone(part: Part) -> bool:
    digits = re.sub('[^0-9xX]', '', part.sample)
    return (
        is_phone(part.sample) and len(digits) >= 9 and '-' not in part.sample[1:5]
        and part.words[-1:] not in (['id'], ['date'], ['time'], ['at'], ['timestamp']))


def _has_shape(part: Part, value: str) -> bool:
    """Tell whether a value can be what its name promises."""
    meaning = part.meaning
    if meaning == NUMBER:
        known = part.kind == 'list' or is_phone(value) or is_placeholder(value) or bool(split_phones(value)[1])
        return known or not re.fullmatch('-?[0-9]{1,3}', value)
    if meaning == CALLBACK:
        return is_url(value) or is_hole(value)
    if meaning in (FIXED, REMOVED):
        return True
    if is_url(value) and meaning != MESSAGE:
        return False
    if meaning == SENDER and part.words == ['source'] and value.lower() in _SOURCES:
        return False
    if meaning == UUID and is_sentence(value):
        return False
    return part.kind in ('text', 'list') or meaning in (SENDER, *SECRETS)


def _number_strength(part: Part) -> tuple:
    names = [name for name in part.names if name != '[]']
    words = {''.join(words_of(name)) for name in names} | set(part.words)
    return (
        bool(part.samples), bool(words & _STRONG_NAMES), bool(words & _OTHERS),
        is_phone(part.sample) or bool(part.samples) or is_hole(part.sample))


def _text_strength(part: Part) -> tuple:
    return (
        part.sample.lower().strip() not in _NO_TEXTS, is_sentence(part.sample), is_hole(part.sample),
        ' ' in part.sample.strip())


def _sender_rank(part: Part) -> int:
    name = ''.join(part.words)
    return next((rank for rank, known in enumerate(_SENDER_NAMES) if name.endswith(known)), len(_SENDER_NAMES))


def _same_sample(part: Part, other: Part) -> bool:
    return part.sample == other.sample


def _same_value(part: Part, other: Part) -> bool:
    """Tell whether two samples hold the same value, such as the account in the URL and the user name."""
    if part.named != other.named and {part.named, other.named} <= set(SECRETS):
        return False
    if part.sample == other.sample and (part.real or part.named == other.named):
        return True
    name, other_name = (''.join(words_of(placeholder_name(item.sample))) for item in (part, other))
    return min(len(name), len(other_name)) >= 3 and (name.endswith(other_name) or other_name.endswith(name))


def _in_same_list(part: Part, other: Part) -> bool:
    """Tell whether two JSON values are the same member of two items of a list."""
    return part.place == other.place == 'json' and part.names == other.names and '[]' in part.names


def _key_pattern(part: Part) -> str:
    return re.sub('[0-9]+', '', part.name)
