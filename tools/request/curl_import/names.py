# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a value of a request means, by the names that lead to it. Nothing here knows a provider."""
import re
from collections.abc import Sequence

from .meanings import ACCOUNT, API_KEY, CALLBACK, MESSAGE, NUMBER, PASSWORD, SENDER, TOKEN, USERNAME, UUID
from .vocabulary import (
    ACCOUNT_ALONE,
    ACCOUNT_WORDS,
    CALLBACK_WORDS,
    FROM,
    ID_WORDS,
    KEYS,
    PASSWORDS,
    PHONE,
    PHONE_ALONE,
    PLAIN,
    REFERENCE,
    SENDER_NAMES,
    STRONG,
    TEXT,
    TO,
    TOKENS,
    URL_WORDS,
    USERS,
)

_WORD = re.compile(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+')
_REFERENCE_ID = re.compile(
    r'(?:sms|msg|message|mess|trx|transaction|request|req|order|unique|external|correlation|tracking|track)u?u?id$')
_PLAIN_USERS = frozenset(('username', 'user', 'login', 'usuario'))
# Whose number it may be, and what else the name of a number ends in.
_OWNERS = frozenset(('sms', 'list', 'my', 'the', 'user', 'customer', 'client'))
_NUMBER_ENDS = PHONE | {'value', 'e', '164'}


def words_of(name: str) -> list[str]:
    """Give the words of a name in lower case: `X-Api-Key` and `apiKey` end in `api`, `key`."""
    return [word.lower() for word in _WORD.findall(name)]


def meaning_of_name(path: Sequence[str]) -> str:
    """Tell what a value means by the names that lead to it, `('from', 'phoneNumber')` for a nested one.

    :return: one of :data:`MEANINGS`, empty when the names do not tell
    """
    words = words_of(path[-1]) if path else []
    if not words:
        return ''
    parents = [word for name in path[:-1] for word in words_of(name)]
    joined = ''.join(word for word in words if word not in ('x', 'http'))
    for rule in (_reference, _callback, _secret, _account, _sender, _number, _text):
        if meaning := rule(words, joined, parents):
            return meaning
    return ''


def _reference(words, joined, _parents):
    if joined in REFERENCE and joined != 'uid':
        return UUID
    if len(words) > 1 and words[-1] in ('reference', 'ref') and words[0] != 'template':
        return UUID
    if words[-1] in ('id', 'uid', 'uuid') or joined.endswith('id'):
        return UUID if _REFERENCE_ID.search(joined) and not {'template', 'campaign', 'profile'} & set(words) else ''
    return UUID if words[-2:] == ['idempotency', 'key'] else ''


def _callback(words, joined, parents):
    known = CALLBACK_WORDS.intersection(words)
    if joined in CALLBACK_WORDS and joined not in ('delivery', 'report', 'reports', 'status', 'dlr', 'reply'):
        return CALLBACK
    if 'reply' in words or 'inbound' in words or 'mo' in words:
        return ''
    if words[-1] in URL_WORDS or joined.endswith(('url', 'uri')):
        return CALLBACK if known or CALLBACK_WORDS.intersection(parents) else ''
    return ''


def _secret(words, joined, parents):
    last = words[-1]
    if joined in ('public', 'shortcode') or last in ('template', 'route'):
        return ''
    for known, meaning in ((PASSWORDS, PASSWORD), (KEYS, API_KEY), (TOKENS, TOKEN), (USERS, USERNAME)):
        if joined in known:
            return '' if meaning == USERNAME and TO.union(FROM).intersection(parents) else meaning
    for known, meaning in (
            (PASSWORDS - {'hash', 'pin'}, PASSWORD), (KEYS - {'api'}, API_KEY),
            (TOKENS - {'access', 'session'}, TOKEN), (_PLAIN_USERS, USERNAME)):
        if last in known or ''.join(words[-2:]) in known:
            return meaning
    return ''


def _account(words, joined, _parents):
    if joined in ACCOUNT_ALONE:
        return ACCOUNT
    if joined == 'messagingservicesid':  # a pool of senders
        return SENDER
    if FROM.union(TO, ('template', 'entity', 'campaign')).intersection(words):
        return ''
    return ACCOUNT if words[-1] in ('id', 'sid', 'uid') and ACCOUNT_WORDS.intersection(words[:-1]) else ''


def _sender(words, joined, parents):
    tail = set(words[-1:])
    if tail & PLAIN or {'reply', 'dlr'} & set(words) or joined.endswith(('type', 'ton', 'npi')):
        return ''
    if joined in SENDER_NAMES:
        return SENDER
    if TO.intersection(words):
        return ''
    if joined.startswith(('sender', 'from', 'originat', 'source')):
        return SENDER
    ends = ID_WORDS | PHONE | {'value'}
    if FROM.intersection(words) and tail & (FROM | ends | {'header', 'title', 'alias', 'brand'}):
        return SENDER
    return SENDER if FROM.intersection(parents[-2:]) and tail & (ends | {'alphanumeric'}) else ''


def _number(words, joined, parents):
    last = words[-1]
    to_somebody = bool(TO.intersection(words))
    if last in PLAIN or (last in ('id', 'list') and not to_somebody) or 'country' in words or words[0] == 'message':
        return ''
    if joined in TO or joined in PHONE_ALONE or (last in STRONG and 'reply' not in words):
        return NUMBER
    if to_somebody or joined.startswith(('recipient', 'destination', 'receiver', 'tonumber', 'tophone', 'tomobile')):
        rest = set(words) - TO - _OWNERS
        return NUMBER if words[0] == 'to' or rest <= _NUMBER_ENDS | ID_WORDS else ''
    if last in PHONE_ALONE or ''.join(words[-2:]) in PHONE or joined.endswith('identifiervalue'):
        return NUMBER
    nested = (TO | PHONE | {'identities', 'identifiers'}).intersection(parents[-2:])
    return NUMBER if nested and last in _NUMBER_ENDS | {'id', 'identifier', 'identity'} else ''


def _text(words, joined, parents):
    last = words[-1]
    if joined in TEXT:
        return MESSAGE
    if last in PLAIN | ID_WORDS or {'template', 'callback', 'flash'}.intersection(words):
        return ''
    if last in TEXT - {'sms', 'messages', 'ud'} or words[-2:] == ['short', 'message']:
        return MESSAGE
    parts = {'message', 'content', 'text', 'body', 'sms', 'msg', 'outbound'}
    return MESSAGE if last in ('payload', 'value', 'data', 'plain') and parts.intersection(parents[-2:]) else ''
