# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a response says about each recipient: items of a JSON response, message IDs (doc/behaviour.md section 5)."""
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from .. import paths
from . import bounded_regex
from .failure_codes import match_value

_TAIL = 7  # trailing digits that match a number with its country code to one without
_NOT_DIGITS = re.compile('[^0-9]+')
_MASKED = re.compile(r'[*#•…?]+|[xX]{2,}|\.{2,}|_{2,}')
_MAX_TRIES = 200  # brackets of a response at which its first item may start


@dataclass(frozen=True, slots=True)
class Part:
    """The part of the response that is about one recipient. `refused` is None if it is unknown.

    `is_item`: the response has items, so that nothing else is about this recipient.
    """
    message_id: str = ''
    status: str = ''
    error_code: str = ''
    error_message: str = ''
    price: str = ''
    currency: str = ''
    segments: str = ''
    refused: bool | None = False
    is_item: bool = False
    position: int | None = None  # of the item; None without one


# of a recipient that a response with items does not name
_NOBODY = Part(refused=None, is_item=True)


class _Paths(NamedTuple):
    number: str
    message_id: str
    status: str
    error_code: str
    error_message: str
    price: str
    currency: str
    segments: str


class ItemTexts:
    """The text of each item, as the provider wrote it; computed on demand."""

    def __init__(self, rules, body, items):
        self._rules, self._body, self._items = rules, body, items

    @cached_property
    def _spans(self):
        """Start and end of each item in the response; None if one of them is not found."""
        spans, position, tries = [], 0, _MAX_TRIES + len(self._items)
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
        """Return the text about one recipient alone, '' if there is none."""
        if part.position is None or self._spans is None:
            return ''
        return self._body[slice(*self._spans[part.position])]

    @cached_property
    def rest(self):
        """The response without its items, which is about all recipients; '' if the items are not found."""
        pieces, position = [], 0
        for begin, end in self._spans or ():
            pieces += [self._body[position:begin], 'null']
            position = end
        return ''.join([*pieces, self._body[position:]]) if self._spans else ''

    @cached_property
    def whole(self):
        """The `Part` about all recipients, from the response without its items."""
        return _part(_where(self._rules), self._rules, _document(self.rest))


class Split(NamedTuple):
    """What a response says about each recipient, and, without its items, about all."""
    parts: list[Part]  # recipients about which the response says the same share one object
    texts: ItemTexts
    names_recipients: bool  # whether a text without items is about single recipients


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
    """Split a response into the parts of its recipients.

    :param AnswerRules rules:
    :param accepted: whether the response as a whole accepts or is unclear; only then it has message IDs
    """
    where = _where(rules)
    document = _document(body) if any(where) or rules.items_path else None
    items_path = rules.items_path or (_items_path(where) if len(recipients) > 1 else '')
    items = paths.items(document, items_path) if items_path and document is not None else []
    if items:
        parts = _item_parts(_within(where, items_path), rules, recipients, items)
    else:
        parts = _shared_parts(where, rules, recipients, document, accepted)
    if items:
        parts = _with_shared_values(rules.price, parts, document, len(recipients))
    texts = ItemTexts(rules, body, items)
    has_id_path = where.message_id and (items or any(part.message_id for part in parts))
    if accepted and rules.message_id_regex and not has_id_path:
        # the response has IDs for the recipients that it does not refuse
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


def _with_shared_values(rules, parts, document, count):
    """Add the currency of the whole response, and its number of segments if it is about one SMS."""
    currency = next(paths.all_texts(document, rules.currency_path), '')
    segments = next(paths.all_texts(document, rules.segments_path), '') if count == 1 else ''
    if not (currency or segments):
        return parts
    return [
        replace(part, currency=part.currency or (currency if part.price else ''), segments=part.segments or segments)
        for part in parts]


def _where(rules):
    return _Paths(
        rules.number_path, rules.message_id_path, rules.status_path, rules.error_code_path, rules.error_message_path,
        rules.price.path, rules.price.currency_path, rules.price.segments_path)


@lru_cache(maxsize=256)
def _items_path(where):
    """Return the list that the path of message ID or status leads into, `results[]` of `results[].id`: each of its
    items is about one recipient, even if `items_path` is empty."""
    for path in (where.message_id, where.status):
        (_condition, choice), *others = paths.choices(path)
        inner = () if others else paths.segments(choice)
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
    """Return the paths relative to an item; they may be written from the root, `messages[].to` for `messages[]`."""
    prefix = paths.segments(items_path)

    def relative(path):
        inner = paths.segments(path)
        return '.'.join(inner[len(prefix):]) if len(inner) > len(prefix) and inner[:len(prefix)] == prefix else path

    return _Paths(*(
        paths.OR.join(paths.IF.join(filter(None, map(relative, pair))) for pair in paths.choices(path))
        for path in where))


def _part(where, rules, node, position=None):
    status = next(paths.all_texts(node, where.status), '')
    return Part(
        message_id=next(iter(_message_ids(node, where.message_id)), ''),
        status=status,
        error_code=next(
            (code for code in paths.all_words(node, where.error_code) if code not in rules.no_error_codes), ''),
        error_message=next(paths.all_words(node, where.error_message), ''),
        price=next(paths.all_texts(node, where.price), ''),
        currency=next(paths.all_texts(node, where.currency), ''),
        segments=next(paths.all_texts(node, where.segments), ''),
        refused=match_value((('error', rules.error_values),), status) is not None,
        is_item=position is not None,
        position=position)


def _message_ids(node, path):
    """Return the IDs as text; some providers write 'None' or 'null' for a missing one."""
    return [text for text in paths.all_texts(node, path) if text not in ('None', 'null')]


def _shared_parts(where, rules, recipients, document, accepted):
    shared = _part(where, rules, document)
    if len(recipients) > 1:
        shared = replace(shared, price='', segments='')  # those of all together
    if not accepted or (shared.refused and 'accepted' not in rules.fixed_outcomes):
        # the ID in a response that refuses all is that of the error or of the request
        return [replace(shared, message_id='')] * len(recipients)
    ids = _message_ids(document, where.message_id) if len(recipients) > 1 else []
    if len(ids) == len(recipients) > 1:
        return [replace(shared, message_id=message_id) for message_id in ids]
    if len(set(ids)) > 1:
        shared = replace(shared, message_id='')
    return [shared] * len(recipients)


def _item_parts(where, rules, recipients, items):
    parts = [_part(where, rules, item, position) for position, item in enumerate(items)]
    numbers = [next(paths.all_texts(item, where.number), '') for item in items]
    if any(numbers) and not len(parts) == len(recipients) == 1:
        return [part or _NOBODY for part in _pair_by_number(recipients, numbers, parts)]
    if len(parts) == 1:
        return parts * len(recipients)
    if len(parts) == len(recipients) or len(recipients) == 1:
        return parts[:len(recipients)]
    # items and recipients cannot be matched; if all items are refused and there are enough, all recipients are
    if len(parts) > len(recipients) and all(part.refused for part in parts):
        same = {replace(part, position=None) for part in parts}
        return [same.pop() if len(same) == 1 else replace(_NOBODY, refused=True)] * len(recipients)
    return [_NOBODY] * len(recipients)


def _ids_by_regex(pattern, recipients, body, parts, texts):
    """Return the message ID of each recipient, '' for none.

    :param parts: of the recipients, in a shared response with items: an ID in the item beats one outside the items
    """
    found = bounded_regex.find(pattern, body)
    ids = _group(found, 'id')
    if 'id' in found.names and 'number' in found.names:
        numbers = [row[found.names['number']] for row in found.rows]
        return [message_id or '' for message_id in _pair_by_number(recipients, numbers, ids)]
    if parts:
        beside = find_first(pattern, texts.rest, 'id') if ids else ''
        own = {part: find_first(pattern, texts.own(part), 'id') if ids else '' for part in {*parts} - {_NOBODY}}
        return [own.get(part) or (beside if part.position is not None else '') for part in parts]
    if len(ids) == len(recipients):
        return ids
    return (ids[:1] or ['']) * len(recipients)


def find_first(pattern: str, text: str, name: str) -> str:
    """Return the group of this name in the first match, see `_group`; '' without a match."""
    return next(iter(_group(bounded_regex.find(pattern, text, limit=1), name)), '')


def _group(found, name):
    """Return the group of this name in each match, else the first group, else the whole match."""
    return [row[found.names.get(name, min(found.groups, 1))].strip() for row in found.rows]


def _codes_by_regex(pattern, recipients, body, parts, accepted, names_recipients):
    """Return the error code of each recipient in a text without items, '' if it might be another recipient's."""
    found = bounded_regex.find(pattern, body)
    codes = _group(found, 'code')
    if 'code' in found.names and 'number' in found.names:
        numbers = [row[found.names['number']] for row in found.rows]
        if any(numbers):
            return [code or '' for code in _pair_by_number(recipients, numbers, codes)]
    if accepted and (names_recipients or any(part.message_id for part in parts)):
        return [''] * len(recipients)  # it may be another recipient's
    if len(codes) == len(recipients):
        return codes
    return ('' if accepted and len(set(codes)) != 1 else codes[0] if codes else '',) * len(recipients)


def _names_one(recipients, body):
    """Return whether a text contains the number of a recipient."""
    digits = re.sub('[ ().+-]', '', body)
    return any(len(number) >= _TAIL and number[-_TAIL:] in digits for number in (
        _digits(recipient.number) for recipient in recipients))


def _digits(number):
    """Return a number without +, 00, trunk zero and punctuation."""
    return _NOT_DIGITS.sub('', number).lstrip('0')


def _pair_by_number(recipients, numbers, things):
    """Return for each recipient the thing with the same number, None if there is none.

    Repeated numbers are paired in order; a single thing counts for all of them if they were sent the same text. A
    number that only differs by its country code, or that is masked, matches if it matches a single recipient. Things
    without number are paired in order if there is one thing per recipient and none of them has an unknown number.
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
    """Return the pairs of numbers of which one ends in the other, if neither matches a third."""
    by_tail = {}
    for number in offered:
        by_tail.setdefault(number[-_TAIL:], []).append(number)
    pairs = [
        (mine, number) for mine in wanted for number in by_tail.get(mine[-_TAIL:], ())
        if min(len(mine), len(number)) >= _TAIL and (number.endswith(mine) or mine.endswith(number))]
    left, right = Counter(mine for mine, _number in pairs), Counter(number for _mine, number in pairs)
    return [(mine, number) for mine, number in pairs if left[mine] == right[number] == 1]


def _pair_vague(recipients, lost, vague):
    """Pair recipients with things whose numbers are masked or missing: in order if no digit contradicts, else by the
    digits that are left."""
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
    """Return whether a text with masked digits, `92300*****67`, may be this number."""
    begin, *middle = [re.sub('[^0-9]', '', piece) for piece in _MASKED.split(text)]
    digits = _digits(number)
    return not middle or (begin.lstrip('0') in digits and digits.endswith(middle[-1]))
