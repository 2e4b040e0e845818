# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an answer says about each recipient of its request: items of a JSON answer, message ids (SPEC section 5)."""
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from .. import paths
from . import bounded_regex
from .failure_codes import match_value

_TAIL = 7  # digits at the end of a number by which one with and one without country code find each other
_NOT_DIGITS = re.compile('[^0-9]+')
_MASKED = re.compile(r'[*#•…?]+|[xX]{2,}|\.{2,}|_{2,}')
_MOST_TRIES = 200  # brackets of an answer at which its first item may begin


@dataclass(frozen=True, slots=True)
class Part:
    """The part of one recipient. `refused` is None when nothing tells whether he is refused.

    `is_item`: the answer has items, so that nothing but `text`, his own, is about him.
    """
    message_id: str = ''
    status: str = ''
    error_code: str = ''
    error_message: str = ''
    refused: bool | None = False
    is_item: bool = False
    position: int | None = None  # of the item; None when he has none


# of a recipient whom an answer with items does not name
_NOBODY = Part(refused=None, is_item=True)


class _Paths(NamedTuple):
    number: str
    message_id: str
    status: str
    error_code: str
    error_message: str


class ItemTexts:
    """The text of each item, as the provider wrote it; made when somebody asks for it."""

    def __init__(self, rules, body, items):
        self._rules, self._body, self._items = rules, body, items

    @cached_property
    def _spans(self):
        """Begin and end of each item in the answer, None from the first one on that is not found."""
        spans, position, tries = [], 0, _MOST_TRIES + len(self._items)
        for item in self._items:
            span = None
            while span is None and tries and (position := _begin(self._body, item, position)) >= 0:
                tries -= 1
                end = _end(self._body, item, position)
                span = (position, end) if end else None
                position = end or position + 1
            if span is None:
                return None
            spans.append(span)
        return spans

    def own(self, part):
        """Give the text about one recipient alone, '' when there is none."""
        if part.position is None or self._spans is None:
            return ''
        return self._body[slice(*self._spans[part.position])]

    @cached_property
    def rest(self):
        """The answer without its items, as the text that is about everybody; '' when it is not known where they are."""
        pieces, position = [], 0
        for begin, end in self._spans or ():
            pieces += [self._body[position:begin], 'null']
            position = end
        return ''.join([*pieces, self._body[position:]]) if self._spans else ''

    @cached_property
    def whole(self):
        """The `Part` about everybody that stands beside the items."""
        return _part(_where(self._rules), self._rules.error_values, _document(self.rest))


class Split(NamedTuple):
    """What an answer says of each recipient, and without its items of all."""
    parts: list[Part]  # recipients of whom the answer says the same have the same object
    texts: ItemTexts
    names_recipients: bool  # whether a text without items says something else of each


def _begin(body, item, position):
    if isinstance(item, dict):
        return body.find('{', position)
    return body.find('[' if isinstance(item, list) else paths.as_text(item) or 'null', position)


def _end(body, item, position):
    if not isinstance(item, (dict, list)):
        return position + len(paths.as_text(item) or 'null')
    try:
        value, end = paths.decode_at(body, position)
        return end if value == item else None
    except (ValueError, RecursionError):
        return None


def split(rules, recipients: Sequence, body: str, accepted: bool) -> Split:
    """Give each recipient his part of an answer.

    :param AnswerRules rules:
    :param accepted: whether the answer as a whole accepts or is unclear; message ids are looked for only then
    """
    where = _where(rules)
    document = _document(body) if any(where) or rules.items_path else None
    items_path = rules.items_path or (_items_path(where) if len(recipients) > 1 else '')
    items = paths.items(document, items_path) if items_path and document is not None else []
    if items:
        parts = _item_parts(_within(where, items_path), rules.error_values, recipients, items)
    else:
        parts = _shared_parts(where, rules.error_values, recipients, document, accepted)
    texts = ItemTexts(rules, body, items)
    has_id_path = where.message_id and (items or any(part.message_id for part in parts))
    if accepted and rules.message_id_regex and not has_id_path:
        # ids stand in the answer for those that it does not refuse
        taken = [index for index, part in enumerate(parts) if part.refused is not True]
        found = _ids_by_regex(
            rules.message_id_regex, [recipients[index] for index in taken], body,
            [parts[index] for index in taken] if items and len(recipients) > 1 else [], texts)
        for index, message_id in zip(taken, found, strict=True):
            parts[index] = replace(parts[index], message_id=message_id)
    names_recipients = not items and len(recipients) > 1 and _names_one(recipients, body)
    if rules.error_code_regex and not items and len(recipients) > 1:
        codes = _codes_by_regex(rules.error_code_regex, recipients, body, parts, accepted, names_recipients)
        parts = [
            part if part.error_code or not code else replace(part, error_code=code)
            for part, code in zip(parts, codes, strict=True)]
    return Split(parts, texts, names_recipients)


def _where(rules):
    return _Paths(
        rules.number_path, rules.message_id_path, rules.status_path, rules.error_code_path, rules.error_message_path)


@lru_cache(maxsize=256)
def _items_path(where):
    """The list into which the paths of message id or status lead, `results[]` of `results[].id`: its items are about
    one recipient each, also where nobody said so."""
    for path in (where.message_id, where.status):
        inner = paths.segments(path) if paths.OR not in path else ()
        if paths.EACH in inner[:-1]:
            last = len(inner) - 1 - inner[-2::-1].index(paths.EACH)
            return '.'.join(inner[:last])
    return ''


def _document(body):
    if body.lstrip('\ufeff \t\r\n')[:1] in ('{', '['):
        try:
            return paths.load_json(body)
        except ValueError:
            return None
    return None


@lru_cache(maxsize=256)
def _within(where, items_path):
    """Paths from an item; they may also be written from the root, `messages[].to` below `messages[]`."""
    prefix = paths.segments(items_path)

    def relative(path):
        inner = paths.segments(path)
        return '.'.join(inner[len(prefix):]) if len(inner) > len(prefix) and inner[:len(prefix)] == prefix else path

    return _Paths(*(paths.OR.join(map(relative, paths.alternatives(path))) for path in where))


def _part(where, error_values, node, position=None):
    status = paths.first_text(node, where.status)
    return Part(
        message_id=next(iter(_message_ids(node, where.message_id)), ''),
        status=status,
        error_code=paths.first_text(node, where.error_code),
        error_message=paths.first_words(node, where.error_message),
        refused=match_value((('error', error_values),), status) is not None,
        is_item=position is not None,
        position=position)


def _message_ids(node, path):
    """Ids as text; 'None' and 'null' are how some providers spell a missing one."""
    if not path or node is None:
        return []
    texts = (paths.as_text(value) for value in paths.find(node, path))
    return [text for text in texts if text not in ('', 'None', 'null')]


def _shared_parts(where, error_values, recipients, document, accepted):
    shared = _part(where, error_values, document)
    if not accepted:
        # an id in an answer that refuses all is that of the error or of the request
        return [replace(shared, message_id='')] * len(recipients)
    ids = _message_ids(document, where.message_id) if len(recipients) > 1 else []
    if len(ids) == len(recipients) > 1:
        return [replace(shared, message_id=message_id) for message_id in ids]
    if len(set(ids)) > 1:
        shared = replace(shared, message_id='')
    return [shared] * len(recipients)


def _item_parts(where, error_values, recipients, items):
    parts = [_part(where, error_values, item, position) for position, item in enumerate(items)]
    numbers = [paths.first_text(item, where.number) for item in items]
    if any(numbers) and not len(parts) == len(recipients) == 1:
        return [part or _NOBODY for part in _pair_by_number(recipients, numbers, parts)]
    if len(parts) == 1:
        return parts * len(recipients)
    if len(parts) == len(recipients) or len(recipients) == 1:
        return parts[:len(recipients)]
    # which item is whose is not told; if all are refused and nobody can be without one, all recipients are
    if len(parts) > len(recipients) and all(part.refused for part in parts):
        same = {replace(part, position=None) for part in parts}
        return [same.pop() if len(same) == 1 else replace(_NOBODY, refused=True)] * len(recipients)
    return [_NOBODY] * len(recipients)


def _ids_by_regex(pattern, recipients, body, parts, texts):
    """
    :param parts: of the recipients, in a shared answer with items: each has the id in his own, else that beside them
    """
    found = bounded_regex.find(pattern, body)
    ids = _group(found, 'id')
    if 'id' in found.names and 'number' in found.names:
        numbers = [row[found.names['number']] for row in found.rows]
        return [message_id or '' for message_id in _pair_by_number(recipients, numbers, ids)]
    if parts:
        beside = _first_id(pattern, texts.rest) if ids else ''
        own = {part: _first_id(pattern, texts.own(part)) if ids else '' for part in {*parts} - {_NOBODY}}
        return [own.get(part) or (beside if part.position is not None else '') for part in parts]
    if len(ids) == len(recipients):
        return ids
    return (ids[:1] or ['']) * len(recipients)


def _first_id(pattern, text):
    return next(iter(_group(bounded_regex.find(pattern, text, limit=1), 'id')), '')


def _group(found, name):
    """The group of this name in each match, else the first group, else the whole match."""
    return [row[found.names.get(name, min(found.groups, 1))].strip() for row in found.rows]


def _codes_by_regex(pattern, recipients, body, parts, accepted, names_recipients):
    """The error code of each recipient in a text without items, '' where it is not certain whose it is."""
    found = bounded_regex.find(pattern, body)
    codes = _group(found, 'code')
    if 'code' in found.names and 'number' in found.names:
        numbers = [row[found.names['number']] for row in found.rows]
        if any(numbers):
            return [code or '' for code in _pair_by_number(recipients, numbers, codes)]
    if accepted and (names_recipients or any(part.message_id for part in parts)):
        return [''] * len(recipients)  # it may appear in the part of another
    if len(codes) == len(recipients):
        return codes
    return ('' if accepted and len(set(codes)) != 1 else codes[0] if codes else '',) * len(recipients)


def _names_one(recipients, body):
    """Whether a text contains the number of a recipient."""
    digits = re.sub('[ ().+-]', '', body)
    return any(len(number) >= _TAIL and number[-_TAIL:] in digits for number in (
        _digits(recipient.number) for recipient in recipients))


def _digits(number):
    """A number without +, 00, trunk zero and punctuation."""
    return _NOT_DIGITS.sub('', number).lstrip('0')


def _pair_by_number(recipients, numbers, things):
    """Give each recipient the thing that has his number, None when there is none.

    The same number twice takes its things in order; one thing serves all of them if they got the same text. A number
    that only differs by its country code, or that is masked, fits when it fits one recipient's number only. What has
    no number is paired in order when there is one thing per recipient, and nothing is left that is somebody else's.
    """
    wanted, offered, vague = {}, {}, []
    for index, recipient in enumerate(recipients):
        wanted.setdefault(_digits(recipient.number), []).append(index)
    for number, thing in zip(numbers, things, strict=True):
        if _MASKED.search(number) or not _digits(number):
            vague.append((number, thing))
        else:
            offered.setdefault(_digits(number), []).append(thing)
    found = {}
    for number in wanted.keys() & offered.keys():
        _deal(recipients, wanted.pop(number), offered.pop(number), found)
    for mine, number in _pairs_by_tail(wanted, offered):
        _deal(recipients, wanted.pop(mine), offered.pop(number), found)
    lost = sorted(index for indexes in wanted.values() for index in indexes)
    if len(vague) == len(lost) and not offered and len(things) == len(recipients):
        found.update(_pair_vague(recipients, lost, vague))
    return [found.get(index) for index in range(len(recipients))]


def _deal(recipients, indexes, things, found):
    for turn, index in enumerate(indexes):
        if turn < len(things):
            found[index] = things[turn]
        elif len({recipients[other].message for other in indexes}) == 1:
            found[index] = things[-1]


def _pairs_by_tail(wanted, offered):
    """The numbers that end in each other, if each of both fits no other."""
    by_tail = {}
    for number in offered:
        by_tail.setdefault(number[-_TAIL:], []).append(number)
    pairs = [
        (mine, number) for mine in wanted for number in by_tail.get(mine[-_TAIL:], ())
        if min(len(mine), len(number)) >= _TAIL and (number.endswith(mine) or mine.endswith(number))]
    left, right = Counter(mine for mine, _number in pairs), Counter(number for _mine, number in pairs)
    return [(mine, number) for mine, number in pairs if left[mine] == right[number] == 1]


def _pair_vague(recipients, lost, vague):
    """Pair recipients with things whose numbers are masked or missing: as the digits say that are left, else in order
    if none of them contradicts."""
    fits = {
        index: [place for place, (number, _thing) in enumerate(vague) if _may_mean(number, recipients[index].number)]
        for index in lost}
    if all(place in fits[index] for place, index in enumerate(lost)):
        places = dict(zip(lost, range(len(lost)), strict=True))
    else:
        places = {index: fitting[0] for index, fitting in fits.items() if len(fitting) == 1}
    times = Counter(places.values())
    return {index: vague[place][1] for index, place in places.items() if times[place] == 1}


def _may_mean(text, number):
    """Whether a text with masked digits, `92300*****67`, may be this number."""
    begin, *middle = [re.sub('[^0-9]', '', piece) for piece in _MASKED.split(text)]
    digits = _digits(number)
    return not middle or (begin.lstrip('0') in digits and digits.endswith(middle[-1]))
