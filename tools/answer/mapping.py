# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Lists the values of a response with their places, guesses what they mean, and makes the settings of a gateway that
read them. Pure: no ORM, nothing is raised."""
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .. import paths
from .doubt import looks_like_error
from .price import read_price

MESSAGE_ID, STATUS, ERROR_CODE, ERROR_TEXT, PRICE = MEANINGS = (
    'message_id', 'status', 'error_code', 'error_message', 'price')
MAX_VALUES = 60
MAX_TEXT = 64 * 1024
_PATH_FIELDS = {meaning: f'answer_{meaning}_path' for meaning in MEANINGS}
_REGEX_FIELDS = {MESSAGE_ID: 'message_id_regex', ERROR_CODE: 'error_code_regex'}
_ELEMENT = re.compile(r'<([A-Za-z_][\w.:-]*)(?:\s[^<>]*)?>\s*([^<>]*?)\s*</\1\s*>')
_PAIR = re.compile(r'([A-Za-z][\w .-]{0,30}?)"?\s*[:=]\s*([^\s,;|&"\']+)')
_WORD_CLASS = r'[^\s,;|:&"\']+'
_WORD = re.compile(_WORD_CLASS)
# names without punctuation, the best ones first
_NAMES = {
    MESSAGE_ID: (
        'messageid', 'messageuuid', 'msgid', 'smsid', 'apimessageid', 'messagesid', 'sid', 'smsmessageid', 'mid',
        'uuid', 'id', 'messageids', 'ids', 'ok',
        'success', 'subid', 'referenceid', 'requestid', 'jobid', 'batchid', 'bulkid', 'transactionid', 'reference'),
    STATUS: (
        'statusgroupname', 'messagestatus', 'deliverystatus', 'smsstatus', 'statusname', 'responsestatus', 'status',
        'state', 'statuscode', 'result'),
    ERROR_CODE: ('errorcode', 'errcode', 'errorno', 'errorid', 'errorname', 'error', 'err', 'code', 'responsecode'),
    ERROR_TEXT: (
        'errormessage', 'errortext', 'errordescription', 'errormsg', 'errmsg', 'errortitle', 'errordetail', 'error',
        'errors', 'statusdescription', 'message', 'text', 'description', 'detail', 'title', 'msg'),
    PRICE: ('messageprice', 'price', 'cost', 'points', 'creditcost'),
}
_ONLY_IN_ERRORS = frozenset((
    'error', 'err', 'code', 'responsecode', 'message', 'text', 'description', 'detail', 'title', 'msg'))
_MARKERS = ('ok', 'success')  # before an ID in a text; a flag in JSON
_NOT_IDS = frozenset(('true', 'false', 'none', 'null', 'ok', 'success'))


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a response.

    :ivar path: where it is, for a person; for JSON the path that reads it
    :ivar regex: the regular expression that reads it from XML or text, '' for JSON
    """
    path: str
    value: str
    regex: str = ''

    @property
    def meanings(self) -> Sequence[str]:
        """What it can be: only JSON has settings for status, error text and price."""
        return tuple(_REGEX_FIELDS) if self.regex else MEANINGS


def list_values(text: str) -> list[Value]:
    """List the values of a JSON, XML or text response, each path once."""
    text = text[:MAX_TEXT].strip('\ufeff \t\r\n')
    if text[:1] in ('{', '['):
        try:
            return _json_values(paths.load_json(text))
        except ValueError:
            return []
    found = _xml_values(text) if text[:1] == '<' else _text_values(text)
    unique = {}
    for value in found:
        unique.setdefault(value.path, value)
    return list(unique.values())[:MAX_VALUES]


def _json_values(document):
    found = {}

    def walk(node, path, depth):
        if len(found) >= MAX_VALUES or depth > paths.MAX_DEPTH:
            return
        if isinstance(node, dict):
            for key, child in node.items():
                # a path cannot name the other keys
                if key.strip() == key and key and not re.search(r'[.|]|\[\]\Z', key):
                    walk(child, f'{path}.{key}' if path else key, depth + 1)
        elif isinstance(node, list):
            for child in node:
                walk(child, path + paths.EACH, depth + 1)
        elif path:
            text = paths.as_text(node)
            if path not in found or (text and not found[path].value):
                found[path] = Value(path, text)

    walk(document, '', 0)
    return list(found.values())


def _xml_values(text):
    for match in _ELEMENT.finditer(text):
        name = match[1]
        yield Value(name.rpartition(':')[2], match[2], rf'<{re.escape(name)}(?:\s[^<>]*)?>\s*([^<>]*?)\s*</')


def _text_values(text):
    """Yield `name: value` pairs, else the words of the first line, each behind the ones before."""
    pairs = [(match[1].strip(), match[2]) for match in _PAIR.finditer(text)]
    for name, value in pairs:
        yield Value(name, value, rf'\b{re.escape(name)}"?\s*[:=]\s*([^\s,;|&"\']+)')
    line = text.partition('\n')[0]
    if not pairs:
        before, end = '', 0
        for number, match in enumerate(itertools.islice(_WORD.finditer(line), MAX_VALUES), 1):
            separator = line[end:match.start()]
            # words that are the same in each response, such as OK, stay as they are
            before += re.escape(separator)
            yield Value(f'#{number}', match[0], f'^{before}({_WORD_CLASS})')
            before += re.escape(match[0]) if match[0].isalpha() else _WORD_CLASS
            end = match.end()


def guess(values: Sequence[Value], number: str = '', text: str = '', failed: bool = False) -> dict[str, str]:
    """Guess what values mean.

    :param number: of the recipient, and `text` of the SMS, which a response may repeat
    :param failed: whether the response is known to be an error
    :return: {path: meaning}, each meaning at most once
    """
    digits = re.sub('[^0-9]', '', number)
    usable = [
        value for value in values
        if not (text and value.value == text) and not (digits and re.sub('[^0-9]', '', value.value) == digits)]
    found = {}
    for meaning in MEANINGS:
        if meaning in (MESSAGE_ID, PRICE) and failed:
            continue
        ranked = [
            (rank, len(value.path), value.path) for value in usable
            if meaning in value.meanings and value.path not in found
            and (rank := _rank(value, meaning, failed)) is not None]
        if ranked:
            found[min(ranked)[2]] = meaning
    return found


def _rank(value, meaning, failed):
    words = [re.sub('[^a-z0-9]', '', word.casefold()) for word in value.path.replace(paths.EACH, '').split('.')]
    own, both = words[-1], ''.join(words[-2:])
    if value.regex:  # `OK ID: 1`
        own = re.sub('[^a-z0-9]', '', value.path.casefold().split()[-1])
    if meaning == MESSAGE_ID and (not value.value.strip('0') or value.value.casefold() in _NOT_IDS):
        return None
    if meaning == PRICE and read_price(value.value)[0] is None:
        return None
    if value.path.startswith('#'):
        return _rank_word(value, meaning, failed)
    if 'error' in ''.join(words[:-1]) or 'exception' in ''.join(words[:-1]):
        own, both = f'error{own}' if not own.startswith('err') else own, own
        if meaning in (MESSAGE_ID, STATUS):
            return None
    if own in _MARKERS and not (value.regex and len(value.value) >= 4):
        return None
    names = _NAMES[meaning]
    ranks = [names.index(name) for name in (both, own) if name in names and (failed or name not in _ONLY_IN_ERRORS)]
    return min(ranks, default=None)


def _rank_word(value, meaning, failed):
    """Rank a word of a text: an ID is long, an error code is short."""
    if meaning == MESSAGE_ID:
        return -len(value.value) if len(value.value) >= 5 and re.search('[0-9]', value.value) else None
    is_code = failed and meaning == ERROR_CODE and re.fullmatch(r'-?[0-9]{1,5}', value.value)
    return 0 if is_code else None


def is_failed(text: str, state: str) -> bool:
    """Return whether a response is to be mapped as an error.

    :param state: of the SMS as the gateway's settings read it
    """
    return state != 'success' or looks_like_error(text)


def make_settings(values: Sequence[Value], meanings: Mapping[str, str]) -> dict[str, str | bool]:
    """Return the values of `sms.gateway` that read a response so. A meaning without a value is left as it is.

    :param meanings: {path: meaning}
    """
    settings = {}
    for value in values:
        meaning = meanings.get(value.path)
        if meaning not in value.meanings:
            continue
        if value.regex:
            settings |= {_REGEX_FIELDS[meaning]: value.regex, _PATH_FIELDS[meaning]: False}
        else:
            settings[_PATH_FIELDS[meaning]] = value.path
            if meaning in _REGEX_FIELDS:
                settings[_REGEX_FIELDS[meaning]] = False
    return settings
