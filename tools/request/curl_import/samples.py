# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the sample of a value tells by its shape."""
import re

import phonenumbers
from phonenumbers import NumberParseException

from .names import words_of
from .scanner import VARIABLE

_SCHEDULE = re.compile(
    r'(?:send|deliver|delivery|schedule|scheduled|scheduling|start|dispatch|submit)?(?:at|time|date|datetime|timestamp|on|'
    r'tosend|for|dateandtime)|schedule\w*|timetosend|stime')
_DATE = re.compile(
    r'\d{4}[-/.]\d\d?[-/.]\d\d?(?:[T ].*)?|\d\d?[-/.]\d\d?[-/.]\d{4}(?:[T ,].*)?|1[0-9]{9}(?:[0-9]{3})?|'
    r'\d{8}(?:T?\d{4,6}Z?)?|\d{12}')
_IN_MARKS = re.compile(
    r'<<?\s*([^<>]{1,80}?)\s*>>?|\{\{\s*([^{}]{1,80}?)\s*\}\}|\$?\{\s*([^{}]{1,80}?)\s*\}|'
    r'\[\s*([^\[\]]{1,80}?)\s*\]|%([A-Za-z_]\w*)%|\$([A-Za-z_]\w*)|:([a-z_]+)|__([A-Za-z_]+)__')
# Written out, so that no word of a text is one: YOUR_API_KEY, my-token, "Enter your key".
_WRITTEN = re.compile(
    r"""(?:the|an?|enter|insert|put|replace|set|add|type|use|provide|paste)?[ _-]*
            (?:your|ur|votre)(?:[ _-]+.*|(?-i:[A-Z]\w*)|
            (?:api|auth|user|pass|key|token|login|account|sender|secret|access|app|name|company|number|phone)\w*)
        |(?:enter|insert|replace|put|paste)[ _-]?(?:the|an?|your|with|this)?[ _-]?[a-z].*
        |my[ _-]?\w*(?:id|key|token|name|number|password|account)
        |\S*[ _-](?:here|goes[ _-]here|placeholder)|\w+[_-]anda|\.{3,}|\S*\.{3}""", re.IGNORECASE | re.VERBOSE)
# The name of a credential in its place.
_BARE_NAME = re.compile(
    r"""(?:(?:api|auth|access|secret|account|user|client|bearer|product|app|project|service|sender|recipient|from|to|phone|
            destination|mobile|sms|jwt|oauth|base64)[ _-]?)*
            (?:key|token|secret|password|username|user|login|sid|id|pass|apikey|credentials?|name|number|msisdn|jwt)
        |(?:base64|encoded|b64)[ _-].*|.*[ _-](?:base64|encoded)|test|example|string|demo|changeme
        |my(?:[ _-].*|(?-i:[A-Z]\w*)|(?:api|auth|user|pass|key|token|login|account|sender|secret)\w*)
        |\w+[ _-](?:api|auth|access|secret)[ _-](?:key|token)""", re.IGNORECASE | re.VERBOSE)
_START_OF_NAME = re.compile(
    r'^(?:(?:enter|insert|put|replace|paste|type|your|the|my|with|votre)[ _-]*)+(?=[a-z])', re.IGNORECASE)
_END_OF_NAME = re.compile(r'[ _-]*(?:goes[ _-]here|here)$', re.IGNORECASE)
_CAPITALS = re.compile(r'[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)+')
_CAPITAL_WORD = re.compile(
    r'(?:^|[_-])(?:YOUR|KEY|TOKEN|ID|SID|NUMBER|PHONE|SECRET|NAME|SENDER|TEXT|MESSAGE|PASSWORD|USER)(?:$|[_-])')
_CROSSED_OUT = re.compile(r'[xX]{4,}|[0-9][xX]{3,}|[*#\u2022\u25cf]{3,}|(?:[xX]{2,}-?){2,}|_{4,}|y{4,}|Y{4,}|\?{4,}')
_GREETING = re.compile(
    r'\b(?:hello|hi|hey|test|testing|message|sms|welcome|dear|your|code|otp|order|this|from|hola|bonjour|hallo|ciao|'
    r'merhaba|ol[aá]|salam|text|world|the|is)\b|[\u0600-\u06ff]', re.IGNORECASE)
_PHONE_SHAPE = re.compile(r'(?:\+|00)?\(?[0-9][0-9 ().-]{5,20}[0-9]')
_MASKED_PHONE = re.compile(
    r'(?:\+|00)?[0-9(][0-9 ().-]*[xXyYzZ*#\u2022_N]{2,}[0-9xXyYzZ*#\u2022 ().N-]*|'
    r'\+[xX*#0-9 -]{6,}|0[0-9 ]*[xX]{4,}[0-9xX]*')
_REPORT_URL = re.compile('status|callback|webhook|dlr|deliver|notif|report|hook|receipt', re.IGNORECASE)
_URL = re.compile(r'(?:https?|ftp)://\S+|www\.\S+', re.IGNORECASE)


def is_schedule(name: str, value: str) -> bool:
    """Tell whether this is a date of sending: a sample's is past, or would delay every SMS."""
    joined = ''.join(words_of(name))
    return bool(_SCHEDULE.fullmatch(joined)) and (is_hole(value) or bool(_DATE.fullmatch(value.strip())))


def is_hole(value: str) -> bool:
    """Tell whether a sample only holds a place, whatever its name: `$TOKEN`, `<YOUR_KEY>`, `{{key}}`, `xxxx`."""
    value = value.strip()
    if not value:
        return False
    if VARIABLE.search(value) or _IN_MARKS.fullmatch(value) or _WRITTEN.fullmatch(value) or _CROSSED_OUT.search(value):
        return True
    return bool(_CAPITALS.fullmatch(value) and _CAPITAL_WORD.search(value))


def is_placeholder(value: str) -> bool:
    """Tell the same of a sample where a credential, a sender or an account belongs: also `username` and `API_KEY`."""
    value = value.strip()
    return is_hole(value) or bool(value and (_BARE_NAME.fullmatch(value) or _CAPITALS.fullmatch(value)))


def placeholder_name(value: str) -> str:
    """Give what a placeholder is called, `TOKEN` for `$TOKEN` or `{{TOKEN}}`; empty for a value that is none."""
    value = value.strip()
    match = VARIABLE.fullmatch(value) or _IN_MARKS.fullmatch(value)
    if match:
        value = next(filter(None, match.groups()), '')
    elif not (_WRITTEN.fullmatch(value) or _CAPITALS.fullmatch(value) or _BARE_NAME.fullmatch(value)):
        return ''
    return _END_OF_NAME.sub('', _START_OF_NAME.sub('', value))


def is_phone(value: str) -> bool:
    value = value.strip()
    if _MASKED_PHONE.fullmatch(value) and re.search('[0-9]', value):
        return True
    return bool(_PHONE_SHAPE.fullmatch(value)) and 7 <= len(re.sub('[^0-9]', '', value)) <= 17


def split_phones(value: str) -> tuple[list[str], str]:
    """Split a list of numbers, or of placeholders for them.

    :return: the numbers and what separates them; one or none when it is no list
    """
    for separator in (',', ';', '|', '\n', ' '):
        pieces = [piece.strip() for piece in value.strip().split(separator)]
        pieces = [piece for piece in pieces if piece] if pieces[0] else []
        if len(pieces) > 1 and all(_is_one_of_several(piece, separator) for piece in pieces):
            return pieces, separator
    return [value], ''


def _is_one_of_several(piece: str, separator: str) -> bool:
    if separator == ' ':  # also within a number
        return is_phone(piece) and bool(re.match(r'\+|00|[0-9]{9}', piece))
    return is_phone(piece) or is_placeholder(piece)


def is_url(value: str) -> bool:
    return bool(_URL.fullmatch(value.strip()))


def is_report_url(value: str) -> bool:
    """Tell whether a sample's URL looks like one for delivery reports."""
    return is_url(value) and bool(_REPORT_URL.search(value))


def is_sentence(value: str) -> bool:
    """Tell whether a value reads like the text of an SMS."""
    return bool(re.search(r'\S\s+\S', value.strip())) and bool(_GREETING.search(value))


def number_format_of(sample: str) -> tuple[str, bool]:
    """Guess how a provider wants numbers from one in its sample, and tell whether that is sure."""
    value = re.sub(r'[\s().-]', '', sample.strip())
    if not re.search('[0-9]', value) or (is_placeholder(sample) and not is_phone(sample)):
        return 'e164', False
    if value.startswith('+'):
        return 'e164', True
    if value.startswith('00'):
        return 'double_zero', True
    if value.startswith('0'):
        return 'national', True
    digits = re.sub('[^0-9]', '0', value)
    if len(digits) >= 11 or _is_valid(digits):
        return 'international', True
    # Indian mobile numbers begin so
    return 'significant' if len(digits) <= 10 and digits[0] in '6789' else 'international', False


def _is_valid(digits: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(f'+{digits}', None))
    except NumberParseException:
        return False
