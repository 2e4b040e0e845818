# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reads a provider's response: one result per SMS (doc/behaviour.md sections 4 and 5). Pure: no ORM, nothing is
raised."""
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from http import HTTPStatus

from .. import paths
from ..display import cut
from ..masking import masker
from ..problem import Problem
from .failure_codes import ACCOUNT, AS_USUAL, RESPONSE, TRY_AGAIN, FailureCode, match_failure, match_outcome
from .parts import ItemTexts, find_first, split
from .price import PriceRules, Said, read_said
from .waiting import read_wait
from .words import summarize

MAX_TEXT = 64 * 1024  # characters of a response that are read
MAX_RESPONSE_TEXT = 4096  # bytes of a response that are stored
MAX_WORDS = 500  # characters of the provider's words that are shown as the reason
FAILED = ('error', 'server_error')
NOTHING_SENT = ('connect', 'invalid')
RETRY_LATER = (429, 503)  # RFC 6585 section 4, RFC 9110 section 15.6.4: nothing was accepted
_FIXED = {TRY_AGAIN: 'refused', ACCOUNT: 'refused'}  # outcomes that say more than whether it was accepted
_OF_THE_ACCOUNT = ('sms_acc', 'sms_credit')
_FAILURE_BY_HTTP = {401: 'sms_acc', 403: 'sms_acc', 402: 'sms_credit'}
_NO_RESPONSE = {
    'connect': Problem('unreachable'),
    'invalid': Problem('request_failed'),
    'timeout': Problem('timeout'),
    'broken': Problem('response_lost'),
}
_NOT_NAMED = Problem('recipient_not_named')
_NO_MESSAGE_ID = Problem('no_message_id')
# A byte order mark, also as Latin-1, with white space around it: `^OK` and JSON start after it.
_BEGIN = re.compile(r'\A(?:\s|\ufeff|\u00ef\u00bb\u00bf)+')


@dataclass(frozen=True)
class AnswerRules:
    """How a gateway's responses are read. Paths are those of `paths`; with `items_path` they start at an item."""
    message_id_regex: str = ''
    error_code_regex: str = ''
    items_path: str = ''
    number_path: str = ''
    message_id_path: str = ''
    status_path: str = ''
    error_code_path: str = ''
    error_message_path: str = ''
    price: PriceRules = PriceRules()  # noqa: RUF009 - it is frozen
    error_values: tuple[str, ...] = ()  # status values of refused SMS; case-insensitive, a trailing * makes a prefix
    success_http_codes: frozenset[int] = frozenset((200, 201, 202))  # empty: every 2xx is unclear
    success_substring: str = ''
    success_key: str = ''
    error_key: str = ''
    require_message_id: bool = False
    wait_header: str = ''  # this and the next: see `waiting.read_wait`
    wait_regex: str = ''
    failure_map: tuple[tuple[str, ...], ...] = ()  # see `FailureCode`: provider code, failure type, outcome
    default_success_200: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)  # these and the next two: see `masking.Masker`
    names: tuple[str, ...] = field(default=(), repr=False)
    pairs: tuple[str, ...] = field(default=(), repr=False)
    status_tracked: bool = True

    @cached_property
    def fixed_outcomes(self) -> frozenset[str]:
        """The outcomes that a failure code may fix."""
        return frozenset(FailureCode(*row).outcome for row in self.failure_map) - {AS_USUAL}

    @cached_property
    def no_error_codes(self) -> frozenset[str]:
        """What a response has in the place of an error code when there is no error: 0, or its HTTP code again."""
        listed = {row[0].strip().casefold().removeprefix(f'{RESPONSE}:').strip() for row in self.failure_map}
        return frozenset(('0', *map(str, self.success_http_codes))) - listed


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The response to a request. `failure` is '', or why there is none: 'connect' and 'invalid' (nothing was sent),
    'timeout', 'broken'."""
    status: int | None
    text: str = ''
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case keys
    failure: str = ''
    reason: Problem | None = None  # why `failure`, in more detail
    duration: int = 0  # ms


@dataclass(frozen=True, slots=True)
class SendResult:
    """The result of one SMS.

    `rule` is the rule of doc/behaviour.md section 5 that decided, 0 for the recipient's own part of the response, 7 for
    the outcome of a failure code. `retryable`: the provider certainly accepted nothing; the next gateway, or this one
    after `retry_after` seconds, may send it. `account_refused`: it refuses the account; only the next gateway may send
    it. `problem` says why it failed as we know it, `error_message` in the provider's words; either may be empty.
    `doubtful`: it failed, but the recipient may have received it.
    `sms.gateway.problem` makes one text of these three.
    """
    uuid: str
    state: str  # success, pending, error, server_error
    outcome: str  # did the provider accept it: accepted, refused, unknown
    rule: int
    http_code: int | None = None
    response_text: str = ''
    message_id: str = ''
    error_code: str = ''
    error_message: str = ''
    failure_type: str = ''
    retryable: bool = False
    retry_after: int | None = None
    duration: int = 0
    doubtful: bool = False
    problem: Problem | None = None
    account_refused: bool = False
    price: Decimal | None = None
    price_currency: str = ''
    segment_count: int = 0  # as the provider says it; 0 if it does not


@dataclass(slots=True)  # frozen would take a tenth of the time of reading a response
class _Whole:
    """A response, and what it says about all recipients together: state and number of the rule of doc/behaviour.md
    section 5."""
    mask: Callable[[str], str]  # of what is stored
    mask_identifier: Callable[[str], str]  # of a message ID
    rules: AnswerRules
    answer: HttpAnswer
    body: str
    state: str
    rule: int
    accepted: bool  # or unclear
    is_shared: bool
    texts: ItemTexts
    names_recipients: bool
    shown: str  # the body, masked
    sms_texts: frozenset[str]  # which a response may repeat
    response_text: str
    _words: tuple[str, Problem | None] | None = None

    @property
    def words(self):
        """The provider's words about all recipients, and the problem if these do not explain the failure."""
        if self._words is None:
            words, problem = _words(self)
            if problem and problem.values:
                problem = problem.masked(self.mask)  # a host may contain a credential
            self._words = words, problem
        return self._words

    def text_of(self, part):
        """Return the text about one recipient alone, '' if there is none."""
        return self.texts.own(part) if part.is_item else ''

    def text_of_all(self, part):
        """Return the text about all recipients, '' if it might be about some of them only."""
        if part.is_item:
            return self.texts.rest
        return '' if self.names_recipients and self.accepted else self.body

    def read_said(self, part):
        text = (self.text_of(part) if self.is_shared else self.body) if self.rules.price.regex else ''
        return read_said(self.rules.price, part.price, part.currency, part.segments, text)


def interpret(rules: AnswerRules, recipients: Sequence, answer: HttpAnswer) -> list[SendResult]:
    """Read a response: one result per recipient, in their order. Never raises.

    :param recipients: of the request, each with `uuid`, `number` and `message`
    """
    body = paths.clean(_BEGIN.sub('', answer.text[:MAX_TEXT], count=1))
    verdict = _verdict(rules, answer, body)
    accepted = verdict[0] not in FAILED
    own = taken = split(rules, recipients, body, accepted)
    is_shared = len(recipients) > 1
    if not accepted and ('accepted' in rules.fixed_outcomes or verdict[1] == 2):
        # an SMS that the provider accepted nevertheless, or a part of it, keeps its message ID
        taken = split(rules, recipients, body, accepted=True)
    mask, mask_identifier = _masker(rules, recipients), masker(rules.secrets)
    shown = mask(body)
    if shown == body and not answer.failure:
        mask = mask_identifier = str  # its parts contain no secret either
    whole = _Whole(
        mask=mask, mask_identifier=mask_identifier, rules=rules, answer=answer, body=body, state=verdict[0],
        rule=verdict[1], accepted=accepted, is_shared=is_shared, texts=own.texts,
        names_recipients=own.names_recipients, shown=shown,
        sms_texts=frozenset(getattr(sms, 'message', '') for sms in recipients),
        response_text=cut(shown, MAX_RESPONSE_TEXT))
    results, by_part = [], {}
    for recipient, part, other in zip(recipients, own.parts, taken.parts, strict=True):
        # recipients share a part when the response says the same of them
        known = by_part.get((id(part), id(other)))
        result = replace(known, uuid=recipient.uuid) if known else _result(whole, recipient.uuid, part, other)
        by_part[id(part), id(other)] = result
        results.append(result)
    return results


# === The response as a whole === #

def _verdict(rules, answer, *texts):
    """Apply rules 1 to 6 of doc/behaviour.md section 5 to a response with these texts: state and number of the rule."""
    status, codes = answer.status, rules.success_http_codes
    if answer.failure or status is None or (status >= 500 and status not in codes):
        return 'server_error', 1
    if rules.error_key and any(_contains(text, rules.error_key) for text in texts):
        return 'error', 2
    markers = [marker for marker in (rules.success_substring, rules.success_key) if marker]
    if any(_contains(text, marker) for marker in markers for text in texts):
        return 'success', 3
    if status not in codes and (codes or not 200 <= status < 300):
        return 'error', 4
    if markers or not codes:
        return ('success' if rules.default_success_200 and status in (200, 201, 202) else 'pending'), 5
    return 'success', 6


def _contains(body, marker):
    """Return whether the body contains a marker; white space between JSON tokens is ignored.

    The same provider prints `"status": "ok"` in its documentation and sends `"status":"ok"`.
    """
    if marker in body:
        return True
    return body.lstrip()[:1] in ('{', '[') and _squeeze(marker) in _squeeze(body)


def _squeeze(text):
    # each run of white space is matched once: `\s+(?=...)` would start again at each of its characters
    return re.sub(r'(?<=[]\[{}:,])\s+|(?<!\s)\s+(?=[]\[{}:,])', '', text)


def _outcome(answer, state, rule):
    """Return one of the three outcomes of doc/behaviour.md section 4."""
    if state == 'success':
        return 'accepted'
    if state == 'pending':
        return 'unknown'
    if rule == 1:
        refused = not answer.failure and answer.status == 503
        return 'refused' if refused or answer.failure in NOTHING_SENT else 'unknown'
    return 'refused' if rule == 2 or 300 <= answer.status < 500 else 'unknown'


# === The result === #

def _result(whole, uuid, part, taken):
    """Decide the result of one recipient.

    :param str uuid: of the recipient
    :param Part part: what the response says about the recipient
    :param Part taken: the same if the SMS was accepted although the response as a whole refuses
    """
    rules, answer = whole.rules, whole.answer
    state, rule, outcome, message, problem = _decide(whole, part, taken)
    code = failure_type = ''
    retryable = doubtful = account_refused = False
    failed = state in FAILED
    if failed or rules.fixed_outcomes:
        code = _code(whole, part)
        if rule == 0 and code:
            outcome = 'refused'  # there is an error code instead of a message ID
        if not (message or problem):
            message, problem = _explain(whole, part, code)
        known = code, part.status
        if failed:  # the text of a successful response is not an error message: it may repeat the SMS
            text = whole.text_of(part) or whole.text_of_all(part)
            known += (f'HTTP {answer.status}' if answer.status else '', message, text[:MAX_RESPONSE_TEXT])
        retryable = rule != 0 and (answer.failure == 'connect' or (
            answer.status in RETRY_LATER and answer.status not in rules.success_http_codes))
        if answer.status is not None and not answer.failure and (fixed := match_outcome(rules.failure_map, *known)):
            outcome, rule = _FIXED.get(fixed, fixed), 7
            retryable = retryable or fixed == TRY_AGAIN
            account_refused = fixed == ACCOUNT
            if fixed == 'accepted':
                state, part = 'success', taken
            elif not failed:
                state = 'error'
    if state in FAILED:
        failure_type = match_failure(rules.failure_map, *known, source=RESPONSE) or _FAILURE_BY_HTTP.get(
            answer.status, 'sms_server')
        account_refused = outcome == 'refused' and (account_refused or failure_type in _OF_THE_ACCOUNT)
        retryable = retryable and outcome == 'refused' and not account_refused
        partly = whole.rule == 2 and taken.message_id and (retryable or account_refused)
        # one part of a long text is accepted, another is not: no gateway must send the whole text again
        outcome, retryable, account_refused = (
            ('unknown', False, False) if partly else (outcome, retryable, account_refused))
        doubtful = outcome == 'unknown'
        if not rules.status_tracked:
            outcome = 'unknown'  # of this SMS alone; `retryable` still says what may happen to it right away
    else:
        code = message = ''
        problem = None
        retryable = account_refused = False
    said = whole.read_said(part) if outcome == 'accepted' else Said()
    return SendResult(
        uuid=uuid, state=state, outcome=outcome, rule=rule, http_code=answer.status, response_text=whole.response_text,
        # a username may be a part of it, and the delivery report has the same ID
        message_id=whole.mask_identifier(part.message_id),
        error_code=whole.mask(code)[:MAX_WORDS],
        error_message=whole.mask(message)[:MAX_WORDS],
        failure_type=failure_type, retryable=retryable,
        retry_after=read_wait(answer.headers, whole.body, rules.wait_header, rules.wait_regex) if retryable else None,
        duration=answer.duration,
        doubtful=doubtful, problem=problem, account_refused=account_refused, price=said.amount,
        price_currency=whole.mask(said.currency), segment_count=said.segments)


def _decide(whole, part, taken):
    """The response as a whole and a recipient's part of it together: state, rule, outcome, the provider's words, our
    problem."""
    rules, state, rule = whole.rules, whole.state, whole.rule
    outcome = ''
    if whole.is_shared and rule in (2, 3):
        if part.is_item and not whole.texts.rest:
            state, rule = 'pending', 5  # the markers may be about another recipient
        elif part.is_item:
            state, rule = _verdict(rules, whole.answer, whole.text_of(part), whole.text_of_all(part))
        if whole.rule == 2 and not part.refused and (
                rule != 2 or (whole.names_recipients and taken.message_id)):
            # the error key appears in another recipient's part
            state, rule = 'error', 2
            refused = 300 <= whole.answer.status < 500 and whole.answer.status not in rules.success_http_codes
            outcome = 'refused' if refused else 'unknown'
    outcome = outcome or _outcome(whole.answer, state, rule)
    if state not in FAILED:
        if part.refused:
            return 'error', 0, 'refused', part.error_message, None
        if rules.require_message_id and not part.message_id:
            outcome = 'refused' if part.error_code or part.error_message else 'unknown'
            if part.error_message:
                return 'error', 0, outcome, part.error_message, None
            return 'error', 0, outcome, _words_for(whole, part)[0], _NO_MESSAGE_ID
        if part.refused is None:
            return 'pending', 0, 'unknown', '', None
        return state, rule, outcome, '', None
    return state, rule, outcome, part.error_message, None


def _code(whole, part):
    """Return the error code of a recipient, else that of a response that refuses all."""
    pattern = whole.rules.error_code_regex
    if part.error_code or not part.is_item:
        # the regex has been read for each of several recipients already
        return part.error_code or ('' if whole.is_shared else find_first(pattern, whole.body, 'code'))
    code = find_first(pattern, whole.text_of(part), 'code')
    if not code and not whole.accepted:
        code = whole.texts.whole.error_code or find_first(pattern, whole.texts.rest, 'code')
    return code


def _explain(whole, part, code):
    """Return what explains the failure of a recipient without an error message: see `_words_for`."""
    words = part.is_item and (paths.as_words(part.status) or code)
    return (words, None) if words else _words_for(whole, part)


def _words_for(whole, part):
    """Return the provider's words about a recipient without an error message, and the problem if there are none:
    nothing of another recipient's part."""
    if part.position is not None and not whole.is_shared:
        return whole.words
    if not part.is_item:
        return ('', _NOT_NAMED) if whole.names_recipients and whole.accepted else whole.words
    text = '' if whole.accepted else whole.texts.whole.error_message
    text = text or whole.text_of(part) or ('' if whole.accepted else whole.texts.rest)
    if text or not whole.accepted:
        return summarize(whole.mask(text), whole.sms_texts, is_shared=True) or _phrase(whole.answer), None
    return '', _NOT_NAMED


def _words(whole):
    """Return the provider's words, else the name of the HTTP code, and the problem if these do not explain the
    failure."""
    answer = whole.answer
    if answer.failure or answer.status is None:
        return '', answer.reason or _NO_RESPONSE.get(answer.failure, _NO_RESPONSE['broken'])
    if 300 <= answer.status < 400:
        return '', Problem('redirect', (('status', _phrase(answer)),))
    return summarize(whole.shown, whole.sms_texts, whole.is_shared) or _phrase(answer), None


def _phrase(answer):
    try:
        return f'HTTP {answer.status} {HTTPStatus(answer.status).phrase}'
    except ValueError:
        return f'HTTP {answer.status}'


def _masker(rules, recipients):
    """Return the masker of a response. A username that is the number or in the text of an SMS is not masked."""
    names = tuple(
        name for name in rules.names
        if not any(name.lstrip('+0') == sms.number.lstrip('+0') or name in getattr(sms, 'message', '')
                   for sms in recipients))
    return masker(rules.secrets, names, rules.pairs)
