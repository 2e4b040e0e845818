# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From a provider's answer to one result per SMS (SPEC sections 4 and 5). Pure: no ORM, nothing is raised."""
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote, quote_plus

from . import bounded_regex, paths
from .provider_codes import FAILURE_TYPES, fixed_outcomes, match_failure, match_outcome
from .recipient_parts import split

__all__ = ['FAILURE_TYPES', 'AnswerRules', 'HttpAnswer', 'SendResult', 'interpret', 'match_failure']

MAX_TEXT = 64 * 1024  # characters of an answer that are looked at
MAX_RESPONSE_TEXT = 4096  # bytes of an answer that are kept
MAX_WORDS = 500  # characters of the provider's words that are shown as the reason
MASK = '***'
FAILED = ('error', 'server_error')
NOTHING_SENT = ('connect', 'invalid')
RETRY_LATER = (429, 503)  # RFC 6585 section 4, RFC 9110 section 15.6.4: nothing was taken
_FAILURE_BY_HTTP = {401: 'sms_acc', 403: 'sms_acc', 402: 'sms_credit'}
_NO_ANSWER = {
    'connect': "No connection to the provider.",
    'invalid': "The request cannot be made: check the URL and the headers.",
    'timeout': "The provider did not answer in time.",
    'broken': "The connection was lost before the answer was complete.",
}


@dataclass(frozen=True)
class AnswerRules:
    """How a gateway's answers are read. Paths are those of `paths`, from an item where there is `items_path`."""
    message_id_regex: str = ''
    error_code_regex: str = ''
    items_path: str = ''
    number_path: str = ''
    message_id_path: str = ''
    status_path: str = ''
    error_code_path: str = ''
    error_message_path: str = ''
    error_values: tuple[str, ...] = ()  # status values that refuse; compared without case, a trailing * is a prefix
    success_http_codes: frozenset[int] = frozenset((200, 201, 202))  # empty: every 2xx is unclear
    success_substring: str = ''
    success_key: str = ''
    error_key: str = ''
    require_message_id: bool = False
    failure_map: tuple[tuple[str, ...], ...] = ()  # see `FailureCode`: provider code, failure type, outcome
    default_success_200: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    status_tracked: bool = True


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. `failure` is '' or why nothing did: 'connect' and
    'invalid' (nothing was sent), 'timeout', 'broken'."""
    status: int | None
    text: str = ''
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case keys
    failure: str = ''
    reason: str = ''  # words for `failure`, without secrets
    duration: int = 0  # ms


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one SMS.

    `rule` is the rule of SPEC section 5 that decided, 0 for the recipient's own part of the answer, 7 for the outcome
    of a failure code. `retryable`: the provider certainly took nothing, another gateway or this one may take it after
    `retry_after` seconds. `doubtful`: it failed, but the recipient may have received it, which `error_message` does
    not say yet.
    """
    uuid: str
    state: str  # success, pending, error, server_error
    outcome: str  # accepted, refused, unknown: may the provider have taken it?
    rule: int
    http_code: int | None
    response_text: str
    message_id: str
    error_code: str
    error_message: str
    failure_type: str
    retryable: bool
    retry_after: int | None
    duration: int
    doubtful: bool = False


def interpret(rules: AnswerRules, recipients: Sequence, answer: HttpAnswer) -> list[SendResult]:
    """Read an answer: one result per recipient, in their order. Never raises.

    :param recipients: those of the request, with `uuid` and `number`
    """
    body = paths.clean(answer.text[:MAX_TEXT])
    verdict = _verdict(rules, answer, body)
    accepted = verdict[0] in ('success', 'pending')
    parts = taken = split(rules, recipients, body, accepted)
    if not accepted and 'accepted' in fixed_outcomes(rules.failure_map):
        # of an SMS that the provider has taken all the same, says a failure code, the message id counts
        taken = split(rules, recipients, body, accepted=True)
    shown = _mask(rules.secrets, body)
    response_text = _cut(shown, MAX_RESPONSE_TEXT)
    words = _words(answer, shown, is_shared=len(recipients) > 1)
    results = {}
    keys = [(id(part), id(own)) for part, own in zip(parts, taken, strict=True)]
    for key, part, own in zip(keys, parts, taken, strict=True):
        # recipients share a part when the answer says the same of them
        if key not in results:
            # what stands elsewhere in an answer may be about another recipient
            is_own = part.is_item or (len(recipients) > 1 and part.message_id)
            whole = '' if is_own else body
            results[key] = _result(rules, answer, whole, response_text, words, verdict, part, own)
    return [replace(results[key], uuid=recipient.uuid) for recipient, key in zip(recipients, keys, strict=True)]


# === The answer as a whole === #

def _verdict(rules, answer, body):
    """Rules 1 to 6 of SPEC section 5: state and number of the rule."""
    status, codes = answer.status, rules.success_http_codes
    if answer.failure or status is None or (status >= 500 and status not in codes):
        return 'server_error', 1
    if rules.error_key and _contains(body, rules.error_key):
        return 'error', 2
    markers = [marker for marker in (rules.success_substring, rules.success_key) if marker]
    if any(_contains(body, marker) for marker in markers):
        return 'success', 3
    if status not in codes and (codes or not 200 <= status < 300):
        return 'error', 4
    if markers or not codes:
        return ('success' if rules.default_success_200 and status in (200, 201, 202) else 'pending'), 5
    return 'success', 6


def _contains(body, marker):
    """Whether a marker is in the body; blanks between the tokens of a JSON answer make no difference.

    The same provider prints `"status": "ok"` in its documentation and sends `"status":"ok"`.
    """
    if marker in body:
        return True
    return body.lstrip()[:1] in ('{', '[') and _squeeze(marker) in _squeeze(body)


def _squeeze(text):
    # a blank run is matched once, as a whole: `\s+(?=...)` would begin anew at each of its blanks
    return re.sub(r'(?<=[]\[{}:,])\s+|(?<!\s)\s+(?=[]\[{}:,])', '', text)


def _outcome(answer, state, rule):
    """The three outcomes of SPEC section 4."""
    if state == 'success':
        return 'accepted'
    if state == 'pending':
        return 'unknown'
    if rule == 1:
        refused = not answer.failure and answer.status == 503
        return 'refused' if refused or answer.failure in NOTHING_SENT else 'unknown'
    return 'refused' if rule == 2 or 300 <= answer.status < 500 else 'unknown'


# === The result === #

def _result(rules, answer, whole, response_text, words, verdict, part, taken):
    """
    :param str whole: the text of the answer, as far as it is about the recipient
    :param Part part: what the answer says of the recipient
    :param Part taken: the same if a failure code says that the SMS was taken
    """
    state, rule, outcome, message = _decide(rules, answer, words, *verdict, part)
    code = failure_type = ''
    retryable = doubtful = False
    failed = state in FAILED
    if failed or fixed_outcomes(rules.failure_map):
        code = part.error_code or _error_code(rules.error_code_regex, whole)
        if rule == 0 and code:
            outcome = 'refused'  # an error code stands where the message id should
        message = message or (part.is_item and (part.status or code)) or words
        known = code, part.status
        if failed:  # the text of an answer that accepts is none of an error: it may repeat the SMS
            known += (f'HTTP {answer.status}' if answer.status else '', message, whole[:MAX_RESPONSE_TEXT])
        retryable = rule != 0 and (answer.failure == 'connect' or (
            answer.status in RETRY_LATER and answer.status not in rules.success_http_codes))
        if answer.status is not None and not answer.failure and (
                fixed := match_outcome(rules.failure_map, *known)):
            outcome, rule = fixed, 7
            if fixed == 'accepted':
                state, part = 'success', taken
            elif not failed:
                state = 'error'
    if state in FAILED:
        failure_type = match_failure(rules.failure_map, *known) or _FAILURE_BY_HTTP.get(answer.status, 'sms_server')
        retryable = retryable and outcome == 'refused'
        doubtful = outcome == 'unknown'
        if not rules.status_tracked:
            outcome = 'unknown'  # of this SMS alone; `retryable` still says what may happen to it right away
    else:
        code = message = ''
        retryable = False
    return SendResult(
        uuid='', state=state, outcome=outcome, rule=rule, http_code=answer.status, response_text=response_text,
        message_id=part.message_id,
        error_code=_mask(rules.secrets, code)[:MAX_WORDS],
        error_message=_mask(rules.secrets, message)[:MAX_WORDS],
        failure_type=failure_type, retryable=retryable,
        retry_after=_retry_after(answer.headers.get('retry-after')) if retryable else None,
        duration=answer.duration,
        doubtful=doubtful)


def _decide(rules, answer, words, state, rule, part):
    """The answer as a whole and a recipient's part of it together: state, rule, outcome, the provider's words."""
    outcome = _outcome(answer, state, rule)
    if state in ('success', 'pending'):
        if part.refused:
            return 'error', 0, 'refused', part.error_message
        if rules.require_message_id and not part.message_id:
            outcome = 'refused' if part.error_code or part.error_message else 'unknown'
            return 'error', 0, outcome, part.error_message or f"No message ID in the answer: {words}"
        if part.refused is None:
            return 'pending', 0, 'unknown', ''
        return state, rule, outcome, ''
    if rule == 2 and part.is_item and part.status and not part.refused:
        outcome = 'unknown'  # the error key may stand in another recipient's part
    return state, rule, outcome, part.error_message


def _error_code(pattern, body):
    found = bounded_regex.find(pattern, body, limit=1)
    return found.rows[0][found.names.get('code', min(found.groups, 1))].strip() if found.rows else ''


def _words(answer, shown, is_shared):
    """What the provider says, else what its HTTP code says.

    In the answer to a shared request numbers are left out: each recipient's document shows these words.
    """
    if answer.failure or answer.status is None:
        return answer.reason or _NO_ANSWER.get(answer.failure, _NO_ANSWER['broken'])
    try:
        standard = f'HTTP {answer.status} {HTTPStatus(answer.status).phrase}'
    except ValueError:
        standard = f'HTTP {answer.status}'
    if 300 <= answer.status < 400:
        return f"{standard}: redirects are not followed. Type the address that it leads to as Base URL."
    text = ' '.join(shown[:2 * MAX_RESPONSE_TEXT].split())
    if is_shared:
        text = re.sub(r'\+?[0-9]{7,}', '…', text)
    return standard if not text or '<html' in text[:500].lower() else text


def _retry_after(value):
    """Seconds of a Retry-After header (RFC 9110 section 10.2.3): a number of seconds or a date."""
    value = (value or '').strip()
    if re.fullmatch(r'[0-9]{1,9}', value):
        return int(value)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return max(0, round((moment - datetime.now(timezone.utc)).total_seconds()))
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _mask(secrets, text):
    pattern = _secret_pattern(secrets)
    return pattern.sub(MASK, text) if pattern and text else text


@lru_cache(maxsize=64)
def _secret_pattern(secrets):
    spellings = {
        spelling
        for secret in filter(None, secrets)
        for spelling in (secret, quote(secret, safe='', errors='replace'), quote_plus(secret, errors='replace'),
                         json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret))}
    longest_first = sorted(spellings, key=len, reverse=True)
    return re.compile('|'.join(map(re.escape, longest_first))) if longest_first else None


def _cut(text, size):
    return text if len(text) * 4 <= size else text.encode('utf-8')[:size].decode('utf-8', 'ignore')
