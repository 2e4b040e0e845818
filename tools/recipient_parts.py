# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an answer says about each recipient of its request: items of a JSON answer, message ids (SPEC section 5)."""
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from . import bounded_regex, paths
from .provider_codes import match_value

_TAIL = 7  # digits at the end of a number by which one with and one without country code find each other


@dataclass(frozen=True, slots=True)
class Part:
    """The part of one recipient. `refused` is None when the answer refuses somebody and does not tell whom."""
    message_id: str = ''
    status: str = ''
    error_code: str = ''
    error_message: str = ''
    refused: bool | None = False
    is_item: bool = False


class _Paths(NamedTuple):
    number: str
    message_id: str
    status: str
    error_code: str
    error_message: str


def split(rules, recipients: Sequence, body: str, accepted: bool) -> list[Part]:
    """Give each recipient its part of an answer.

    Recipients of whom the answer says the same get the same object.

    :param AnswerRules rules:
    :param accepted: whether the answer as a whole accepts or is unclear; message ids are looked for only then
    """
    where = _Paths(
        rules.number_path, rules.message_id_path, rules.status_path, rules.error_code_path, rules.error_message_path)
    document = _document(body) if any(where) or rules.items_path else None
    items = paths.items(document, rules.items_path) if rules.items_path and document is not None else []
    if items:
        parts = _item_parts(_within(where, rules.items_path), rules.error_values, recipients, items)
    else:
        parts = _shared_parts(where, rules.error_values, recipients, document, accepted)
    has_id_path = where.message_id and (items or any(part.message_id for part in parts))
    if accepted and rules.message_id_regex and not has_id_path:
        # ids stand in the answer for those that it does not refuse
        taken = [index for index, part in enumerate(parts) if part.refused is not True]
        found = _ids_by_regex(rules.message_id_regex, [recipients[index] for index in taken], body)
        for index, message_id in zip(taken, found, strict=True):
            parts[index] = replace(parts[index], message_id=message_id)
    return parts


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


def _part(where, error_values, node, is_item=False):
    status = paths.first_text(node, where.status)
    return Part(
        message_id=next(iter(_message_ids(node, where.message_id)), ''),
        status=status,
        error_code=paths.first_text(node, where.error_code),
        error_message=paths.first_text(node, where.error_message),
        refused=match_value((('error', error_values),), status) is not None,
        is_item=is_item)


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
    return [shared] * len(recipients)


def _item_parts(where, error_values, recipients, items):
    parts = [_part(where, error_values, item, is_item=True) for item in items]
    numbers = [paths.first_text(item, where.number) for item in items]
    if any(numbers):
        return [part or Part() for part in _pair_by_number(recipients, numbers, parts)]
    if len(parts) == 1:
        return parts * len(recipients)
    if len(parts) == len(recipients) or len(recipients) == 1:
        return parts[:len(recipients)]
    refusals = {part.refused for part in parts}
    unknown = parts[0] if refusals == {True} else Part(refused=None if True in refusals else False)
    return [unknown] * len(recipients)


def _ids_by_regex(pattern, recipients, body):
    found = bounded_regex.find(pattern, body)
    ids = [row[found.names.get('id', min(found.groups, 1))].strip() for row in found.rows]
    if 'id' in found.names and 'number' in found.names:
        numbers = [row[found.names['number']] for row in found.rows]
        return [message_id or '' for message_id in _pair_by_number(recipients, numbers, ids)]
    if len(ids) == len(recipients):
        return ids
    return (ids[:1] or ['']) * len(recipients)


def _digits(number):
    """A number without +, 00, trunk zero and punctuation."""
    return re.sub('[^0-9]', '', number).lstrip('0')


def _pair_by_number(recipients, numbers, things):
    """Give each recipient the thing that has its number, None when there is none.

    The same number twice takes its things in order. A number that only differs by its country code fits when no other
    does; what is left over then is paired in order when there is one thing per recipient (some answers mask numbers).
    """
    by_number = {}
    for number, thing in zip(numbers, things, strict=True):
        by_number.setdefault(_digits(number), []).append(thing)
    unnamed = by_number.pop('', [])
    found, claimed = {}, {}
    for index, recipient in enumerate(recipients):
        number = _digits(recipient.number)
        if number in by_number:
            turn = claimed[number] = claimed.get(number, -1) + 1
            found[index] = by_number[number][min(turn, len(by_number[number]) - 1)]
    free = {number: group for number, group in by_number.items() if number not in claimed}
    lost = [index for index in range(len(recipients)) if index not in found]
    if lost and free:
        by_tail = {}
        for number in free:
            by_tail.setdefault(number[-_TAIL:], []).append(number)
        for index in lost:
            mine = _digits(recipients[index].number)
            fitting = [
                number for number in by_tail.get(mine[-_TAIL:], ())
                if min(len(mine), len(number)) >= _TAIL and (number.endswith(mine) or mine.endswith(number))]
            if len(fitting) == 1:
                found[index] = free[fitting[0]][0]
                claimed[fitting[0]] = 0
    lost = [index for index in lost if index not in found]
    if lost and len(things) == len(recipients):
        rest = unnamed + [thing for number, group in free.items() if number not in claimed for thing in group]
        if len(rest) == len(lost):
            found.update(zip(lost, rest, strict=True))
    return [found.get(index) for index in range(len(recipients))]
