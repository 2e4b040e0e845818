# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One run of sending: claim, render, deliver, interpret, record, each overlapping with the others.

The glue between the ORM, which only the methods of `sms.sms` in `sms_sms_claim.py` and `sms_sms_record.py` touch, and
the pure tools.
"""
import logging
import signal
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import psycopg2

from odoo import fields
from odoo.service.server import CommonServer

from ..sending.request_pool import RequestPool
from ..tools import phone
from ..tools.answer.interpretation import SendResult, interpret
from ..tools.attempt import attempt_uuid
from ..tools.request.builder import Recipient, build_requests
from .sms_recording import (
    RUN_OUTAGE_SECONDS,
    RUN_RETRY_SECONDS,
    RetryTime,
    is_outage,
    record_batch,
    record_isolated,
    record_surely,
)

_logger = logging.getLogger(__name__)

CLAIM_SIZE = 1000  # SMS taken at a time at most
FIRST_CLAIM_SIZE = 100  # the same at least, and while no connection has anything to do yet
CLAIM_REQUESTS = 16  # requests for each connection that one claim is enough for
MAX_UNDER_WAY = 5000  # SMS that are claimed and not recorded at most
STARTED_AT_ONCE = 10  # SMS of a gateway with a rate limit that are marked as started when they are claimed
START_LEAD = 2  # seconds before its time, which a rate limit gives, that a request is marked as started at most
QUICK_START = 0.1  # seconds between two portions of requests; less make the next one larger, four times as many smaller
RECORD_SIZE = 250  # results that are enough to record them
MOST_RECORDED = 500  # results recorded together at most
LAST_RECORD_SIZE = 50  # the same while nothing is left to do but to wait for the last answers
RECORD_SECONDS = 1  # the longest that a result waits to be recorded while others are under way
PACE_LEAD = 0.25  # seconds until the first place that a rate limit gives: it takes some time until requests may start
LEASE = 180  # seconds that a claim lasts. A run renews its claims, so that they end soon after their process has died.
RENEW_AFTER = 60  # seconds between two renewals: what is left must be enough to record in spite of an outage
STOP_SECONDS = 10  # the longest that a server which is to stop waits for answers
RETRY_DELAY = 60  # seconds until an SMS that no gateway could take is tried again; doubled each time
MAX_RETRY_DELAY = 3600
MOST_SILENT = 3  # requests in a row without an answer after which a gateway rests
RETRY_FOR = 24 * 3600  # seconds after the first attempt at which an SMS that no gateway takes fails


@dataclass(slots=True)
class QueuedSms:
    """An SMS that this run alone may send.

    :param token: the value of `claimed_until` that proves the claim
    :param countries: ISO codes of the recipient and the company, to read the number with
    :param candidates: the gateways that may still take it, the current one first
    :param attempt: how often it was given to a provider, this time included
    :param age: seconds since the first attempt
    :param not_before: `time.monotonic()` that the rate limit assigned to it
    :param is_started: whether the database knows that a provider may get it: what does not say so when its process
        dies goes back to the queue
    """
    id: int
    uuid: str
    number: str
    body: str
    company_id: int
    token: datetime | None
    countries: tuple[str, ...] = ()
    attempt: int = 0
    age: float = 0
    candidates: tuple[int, ...] = ()
    not_before: float = 0
    is_started: bool = False
    result: SendResult | None = None
    delay: int = 0
    reason: str = ''

    @property
    def gateway_id(self):
        return self.candidates[0] if self.candidates else False


def refusal(failure_type, message):
    """
    :return: the result of an SMS that was not even given to a provider
    :rtype: SendResult
    """
    return SendResult(
        uuid='', state='error', outcome='refused', rule=0, http_code=None, response_text='', message_id='',
        error_code='', error_message=message, failure_type=failure_type, retryable=False, retry_after=None, duration=0)


class SmsRun:
    """Send what is queued until nothing is left or the deadline has come.

    :param env: an environment with all rights. Outside of tests nothing is queried with its own cursor: every
        transaction is short and has a connection of its own.
    :param deadline: `time.monotonic()` at which the last answer must be there
    :param period: seconds that the whole job has until the deadline
    :param ids: only these SMS; None: whatever is queued
    :param at_once: whether the caller wants to know at once: no SMS goes back to the queue, and results are written
        when all are there, since a transaction that fails before would lose what is under way
    """

    _running: set['SmsRun'] = set()  # of all databases of this process
    _stopping = threading.Event()

    def __init__(self, env, deadline, period=None, ids=None, unlink_failed=False, unlink_sent=True, at_once=False):
        self.model = env['sms.sms']
        self.deadline = deadline
        self.period = period
        self.ids = ids
        self.at_once = at_once
        self.ended = []  # with `at_once`, each QueuedSms with its result
        self.unlink_options = {'unlink_failed': unlink_failed, 'unlink_sent': unlink_sent}
        self.drained = ids is not None and not ids  # whether nothing is left that this run could claim
        self.done = 0
        self._is_over = self.drained or self._is_told_to_stop()  # whether it claims no more
        self.plans = {}
        self._under_way = {}  # {UUID of the attempt: QueuedSms}
        self._waiting = {}  # {gateway id: deque of (line, request, not before), to be marked as started}
        self._submitted = Counter()  # {gateway id: requests that do not wait and are not answered}
        self._portions = {}  # {gateway id: (requests that may be submitted at a time, when they were last)}
        self._not_started = []  # pairs as of `RequestPool.collect`, without an answer
        self._finished = []  # QueuedSms with a result, to be recorded
        self._returned = []  # QueuedSms that go back to the queue
        self._lines = {}  # {line of a gateway that was used: SMS in one request at most}
        self._watched_until = 0  # `time.monotonic()` at which the queue looks after the claims if this process dies
        self._claim_clock = None  # (token of the last claim, `time.monotonic()` at which it was written)
        self._next_renewal = time.monotonic() + RENEW_AFTER
        self._paused = {}  # {gateway id: (seconds after which it may be asked again, why)}
        self._silent = {}  # {gateway id: requests in a row that had no answer}
        self._rests = {}  # {gateway id: seconds that it asked for, or None}, to be recorded
        self._answered = set()  # gateways that answered and do not rest
        self._backlog = {}  # {gateway id: SMS for which its rate limit left no place}
        self._last_record = time.monotonic()
        self._most_claimed = CLAIM_SIZE  # less after a claim that the database refused
        self._refused = []  # ids of SMS that cannot be claimed
        self._retry_time = RetryTime(RUN_RETRY_SECONDS, RUN_OUTAGE_SECONDS)

    def run(self):
        """
        :return: number of SMS that ended, well or not
        :rtype: int
        """
        self._running.add(self)
        try:
            with RequestPool(self.deadline, self.period) as self._delivery:
                self._run()
        finally:
            self._running.discard(self)
        return self.done

    def _run(self):
        delivery = self._delivery
        while True:
            if self._is_told_to_stop():
                self._stop()
            if time.monotonic() > self._next_renewal:
                self._renew_claims()
            if self._has_room():
                self._claim()
            self._start_waiting()
            answers, self._not_started = self._not_started, []
            # while connections have nothing to do the next claim does not wait for answers
            if self._count_open():
                answers += delivery.collect(0 if answers or self._has_room() else 0.1)
            if len(delivery) and time.monotonic() > self.deadline + 1:
                answers += delivery.abandon()
            self._read(answers)
            idle = not self._count_open()
            if idle or (not self.at_once and self._is_record_due()):
                self._record()
            if idle and self._is_over:
                return

    def _stop(self):
        """Start nothing more: what waits goes back to the queue, what is under way is still recorded."""
        self._is_over = True
        for line in self._lines:
            self._take_back(line)

    def _take_back(self, line):
        """Start none of a gateway's requests that wait."""
        waiting = self._waiting.get(line.key[-1])
        while waiting:
            self._submitted[line.key[-1]] += 1
            self._not_started.append((waiting.popleft()[1], None))
        self._delivery.take_back(line)

    def _count_open(self):
        """Requests that wait or are under way."""
        return len(self._delivery) + len(self._not_started) + sum(map(len, self._waiting.values()))

    @classmethod
    def _is_told_to_stop(cls):
        """Whether this process is to end. With workers, Odoo waits until each has finished its job, and tells it by a
        signal whose handler, a method of the worker, only notes that."""
        worker = getattr(signal.getsignal(signal.SIGINT), '__self__', None)
        return cls._stopping.is_set() or not getattr(worker, 'alive', True)

    @classmethod
    def stop_all(cls):
        """Let the runs of this process end, and wait for them, when the server is about to stop."""
        cls._stopping.set()
        until = time.monotonic() + STOP_SECONDS
        while cls._running and time.monotonic() < until:
            time.sleep(0.05)

    def _is_record_due(self):
        size = RECORD_SIZE
        if (self._is_over and self._count_open() <= 2 * self._count_connections()
                and not self._delivery.has_answers()):
            size = LAST_RECORD_SIZE
        return len(self._finished) >= size or time.monotonic() - self._last_record > RECORD_SECONDS

    # === CLAIM === #

    def _count_connections(self):
        return sum(line.connections for line in self._lines)

    def _has_room(self):
        """Whether to claim more: the connections will soon have nothing to do. What is claimed too early is lost with
        this process."""
        return (
            not self._is_over and self._count_open() <= 4 * self._count_connections()
            and len(self._under_way) < MAX_UNDER_WAY)

    def _claim(self):
        if time.monotonic() >= self.deadline:
            self._is_over = True
            return
        limit = min(self._get_claim_size(), self._most_claimed)
        try:
            with self.model._short_transaction() as model:
                claimed, plans = model._claim(
                    LEASE, limit, self.ids, self._delivery.get_time_to_start, self._backlog, self._refused,
                    self._get_room)
                if claimed:
                    self._watch(model)
        except Exception as error:
            if isinstance(error, psycopg2.Error) and not is_outage(error) and not self.at_once:
                self._narrow_claim(limit)
                return
            if not (self._under_way or self._finished or self._returned):
                raise
            # what is under way must be recorded, whatever happens to the rest
            _logger.warning("No more SMS can be claimed in this run", exc_info=True)
            self.drained = self._is_over = True
            return
        self._most_claimed = CLAIM_SIZE
        if claimed:
            self._claim_clock = claimed[0].token, time.monotonic()
        self.plans.update(plans)  # requests of a gateway that is not Active any more may still be under way
        self.drained = self._is_over = len(claimed) < limit or (self.ids is not None and limit >= len(self.ids))
        for sms in claimed:
            if sms.delay and self.at_once:
                self._put_back(sms, sms.delay, sms.reason)  # it ends here, although the claim has put it back
        self._send([sms for sms in claimed if not sms.delay])

    def _narrow_claim(self, limit):
        """A claim was refused, by a trigger for example: find the SMS that causes it, and claim the others."""
        if limit > 1:
            _logger.info("A claim of %s SMS was refused by the database", limit, exc_info=True)
            self._most_claimed = limit // 10 or 1
            return
        with self.model._short_transaction() as model:
            refused = model._find_due(self.ids, self._refused)
        _logger.exception("SMS %s cannot be claimed and stays in the queue", refused)
        if not refused:
            self.drained = self._is_over = True
        self._refused.append(refused)
        self._most_claimed = CLAIM_SIZE

    def _get_claim_size(self):
        """What a few seconds need: a claim has a cost of its own, but what is claimed is in doubt if this process
        dies."""
        if self.ids is not None:
            return len(self.ids)
        at_once = sum(line.connections * recipients for line, recipients in self._lines.items())
        return min(max(CLAIM_REQUESTS * at_once, FIRST_CLAIM_SIZE), CLAIM_SIZE)

    def _watch(self, model):
        """Have the queue woken when the claims that are written now end, if nobody renews them."""
        until = time.monotonic() + LEASE
        if until > self._watched_until:
            model._trigger_queue(fields.Datetime.now() + timedelta(seconds=LEASE + RENEW_AFTER))
            self._watched_until = until + RENEW_AFTER

    def _renew_claims(self):
        """Make the claims last while this process lives. If others have taken some of them over, because it stood
        still, nothing more is started: they may be sent by others."""
        self._next_renewal = time.monotonic() + RENEW_AFTER
        held = [*self._under_way.values(), *self._finished, *self._returned]
        if self.at_once or not held:
            return  # nobody else sees the claims of a transaction that is not committed
        token, written = self._claim_clock
        token += timedelta(seconds=time.monotonic() - written)
        lost = None

        def renew(model):
            nonlocal lost
            lost = model._renew_claims(held, token)
            self._watch(model)

        if record_surely(self.model, renew, len(held), self._retry_time):
            for sms in held:
                sms.token = token if sms.id not in lost else sms.token
        if lost is None or lost:
            _logger.warning("Claims of SMS could not be renewed: no more is sent in this run")
            self._stop()

    # === RENDER AND DELIVER === #

    def _send(self, claimed):
        """Give each SMS to its gateway, whose rate limit it has a place for already."""
        passed_over = [sms for sms in claimed if sms.gateway_id in self._paused]
        self._deliver([sms for sms in claimed if sms.gateway_id not in self._paused and self._prepare(sms)])
        self._send_again(passed_over)

    def _deliver(self, ready):
        by_gateway = {}
        for sms in ready:
            by_gateway.setdefault(sms.gateway_id, []).append(sms)
        for gateway_id, group in by_gateway.items():
            self._submit(self.plans[gateway_id], group)

    def _send_again(self, claimed):
        """Give SMS that a gateway does not take to their next one, within its rate limit."""
        ready = [sms for sms in claimed if self._prepare(sms)]
        for sms in ready:
            sms.not_before = 0
        limited = [sms for sms in ready if self.plans[sms.gateway_id].rate_limit]
        if self.at_once:
            for sms in limited:
                sms.delay = RETRY_DELAY
        elif limited and not record_surely(
                self.model, lambda model: model._apply_rate_limits(
                    ready, self.plans, self._delivery.get_time_to_start, self._backlog), len(ready), self._retry_time):
            for sms in ready:
                sms.delay = RETRY_DELAY
        for sms in ready:
            if sms.delay:
                self._put_back(sms, sms.delay, sms.reason)
        self._deliver([sms for sms in ready if not sms.delay])

    def _prepare(self, sms):
        """
        :return: whether the SMS may be rendered for its gateway; if not, it has its result or goes back to the queue
        """
        if not sms.number.strip():
            self._finish(sms, refusal('sms_number_missing', ''))
        elif not sms.candidates:
            self._finish(sms, refusal('sms_server', self.model.env['sms.gateway']._get_no_gateway_reason()))
        elif all(gateway in self._paused for gateway in sms.candidates):
            delay, reason = min(self._paused[gateway] for gateway in sms.candidates)
            self._put_back(sms, delay, sms.reason or reason)
        else:
            sms.candidates = tuple(gateway for gateway in sms.candidates if gateway not in self._paused)
            if not self._is_left_to_queue(sms):
                return True
            self._put_back(sms, 0, sms.reason)
        return False

    def _is_left_to_queue(self, sms):
        """Whether the provider may take longer to answer than a person waits: given up earlier, a good answer would
        count as none. A caller that needs the result at once accepts the shorter time-out."""
        after_commit = self.ids is not None and not self.at_once
        return after_commit and self._delivery.cuts_timeout(self.plans[sms.gateway_id].connection)

    def _submit(self, plan, group):
        recipients, to_render = [], []
        for sms in group:
            sms.attempt += 1
            try:
                number = phone.format_number(
                    sms.number, plan.number_format, sms.countries, plan.request.separator)
            except phone.NumberError as error:
                self._finish(sms, refusal('sms_number_format', str(error)))
                continue
            recipients.append(Recipient(attempt_uuid(sms.uuid, sms.attempt), number, sms.body))
            to_render.append(sms)
        try:
            config = plan.request
            if plan.rate_limit:
                # a request must not hold more SMS than may go in one second
                config = replace(config, max_recipients=max(1, min(config.max_recipients, int(plan.rate_limit))))
            refused = []
            requests = build_requests(config, recipients, refused)
        except Exception:
            _logger.exception("Gateway %s: the requests could not be made", plan.gateway_id)
            for sms in to_render:
                self._finish(sms, refusal('sms_server', self.model.env._("The gateway's request cannot be made.")))
            return
        self._under_way.update(
            (recipient.uuid, sms) for recipient, sms in zip(recipients, to_render, strict=True))
        for recipient, reason in refused:
            self._finish(self._under_way.pop(recipient.uuid), refusal('sms_server', reason))
        self._lines[plan.connection] = config.max_recipients if config.multiple_recipients else 1
        for request in requests:
            not_before = max(self._under_way[recipient.uuid].not_before for recipient in request.recipients)
            self._waiting.setdefault(plan.gateway_id, deque()).append((plan.connection, request, not_before))

    def _start_waiting(self):
        """Give the connections what they soon need, once the database knows that these SMS may reach a provider. If
        this process dies, only they are in doubt; so this is no more than what about a second takes."""
        starting, now = [], time.monotonic()
        for gateway_id, waiting in self._waiting.items():
            if not waiting:
                continue
            if self._delivery.get_time_to_start(waiting[0][0]) < 0:
                self._take_back(waiting[0][0])
                continue
            ready = self._take_limited(waiting, now) if waiting[0][2] else self._take_portion(gateway_id, waiting, now)
            self._submitted[gateway_id] += len(ready)
            starting += ready
        if starting:
            self._start(starting)

    def _get_room(self, plan):
        """
        :return: requests of a gateway that start as soon as they are claimed
        :rtype: float
        """
        if self.at_once:
            return float('inf')
        busy = self._submitted[plan.gateway_id] + len(self._waiting.get(plan.gateway_id, ()))
        if plan.rate_limit:
            return 0 if busy else STARTED_AT_ONCE
        portion, _last = self._portions.get(plan.gateway_id, (2 * plan.connection.connections, 0))
        return portion - busy

    def _take_limited(self, waiting, now):
        """Requests whose time, which a rate limit gave, comes soon."""
        ready = []
        if waiting[0][2] < now + START_LEAD / 2:
            while waiting and waiting[0][2] < now + START_LEAD:
                ready.append(waiting.popleft())
        return ready

    def _take_portion(self, gateway_id, waiting, now):
        connections = waiting[0][0].connections
        portion, last = self._portions.get(gateway_id, (2 * connections, now))
        if self._submitted[gateway_id] > portion / 2:
            return []
        if last < now - 4 * QUICK_START:
            portion = max(portion // 2, 2 * connections)
        elif now - QUICK_START < last < now:
            portion = min(portion * 2, CLAIM_REQUESTS * connections)
        self._portions[gateway_id] = portion, now
        return [waiting.popleft() for _request in range(min(len(waiting), portion - self._submitted[gateway_id]))]

    def _start(self, starting):
        claimed = {
            id(request): [self._under_way[recipient.uuid] for recipient in request.recipients]
            for _line, request, _not_before in starting}
        new = [sms for group in claimed.values() for sms in group if not sms.is_started]
        started = set()
        if new and not record_surely(
                self.model, lambda model: started.update(model._mark_started(new)), len(new), self._retry_time):
            started.clear()
        for sms in new:
            sms.is_started = sms.id in started
        for line, request, not_before in starting:
            if all(sms.is_started for sms in claimed[id(request)]):
                self._delivery.submit(line, request, not_before)
            else:
                self._not_started.append((request, None))
                self._is_over = True  # the claim is lost, or the database

    # === INTERPRET === #

    def _read(self, answers):
        to_send_again = []
        for request, answer in answers:
            claimed = [self._under_way.pop(recipient.uuid) for recipient in request.recipients]
            gateway_id = claimed[0].gateway_id
            self._submitted[gateway_id] -= 1
            if answer is None:
                self._read_not_started(claimed, to_send_again)
                continue
            plan = self.plans[claimed[0].gateway_id]
            results = interpret(plan.answer, request.recipients, answer)
            for sms, result in zip(claimed, results, strict=True):
                if result.retryable:
                    self._pass_on(sms, result, to_send_again)
                else:
                    self._finish(sms, result)
                    if result.http_code:
                        self._answered.add(sms.gateway_id)
            self._listen(plan.gateway_id, answer, results[0].error_message)
        self._send_again(to_send_again)

    def _read_not_started(self, claimed, to_send_again):
        """The gateway rests meanwhile, or they were too late for their place in its line, or for this run."""
        plan = self.plans[claimed[0].gateway_id]
        for sms in claimed:
            sms.attempt -= 1
        if not self._is_told_to_stop() and (plan.gateway_id in self._paused or (
                plan.rate_limit and self._delivery.get_time_to_start(plan.connection) > PACE_LEAD)):
            to_send_again += claimed
            return
        self._is_over = True  # whatever is claimed now would come back in the same way
        for sms in claimed:
            self._put_back(sms, 0, sms.reason)

    def _listen(self, gateway_id, answer, reason):
        """A provider that has fallen silent gets nothing more: the fate of each further SMS would be unknown, too."""
        if answer.failure not in ('timeout', 'broken'):
            self._silent.pop(gateway_id, None)
            return
        self._silent[gateway_id] = self._silent.get(gateway_id, 0) + 1
        if self._silent[gateway_id] >= MOST_SILENT:
            self._pause(gateway_id, RETRY_DELAY, None, reason)

    def _pass_on(self, sms, result, to_send_again):
        """This gateway certainly did not take the SMS: the next one gets it, or the queue gets it back."""
        growing = min(RETRY_DELAY * 2 ** min(sms.attempt - 1, 10), MAX_RETRY_DELAY)
        delay = growing if result.retry_after is None else max(result.retry_after, 1)
        sms.reason = result.error_message
        self._pause(sms.gateway_id, delay, result.retry_after, result.error_message)
        if len(sms.candidates) > 1 and time.monotonic() < self.deadline:
            sms.candidates = sms.candidates[1:]
            to_send_again.append(sms)
        elif sms.age + delay > RETRY_FOR:
            self._finish(sms, result)
        else:
            self._put_back(sms, delay, result.error_message)

    def _pause(self, gateway_id, delay, asked, reason):
        """Give a gateway nothing more in this run, and let it rest for all.

        :param int delay: seconds after which its SMS may go
        :param int asked: seconds that it asked to rest, None if it did not
        """
        if asked is not None or gateway_id not in self._paused:  # growing, it rests once for what was under way at once
            known = [seconds for seconds in (asked, self._rests.get(gateway_id)) if seconds is not None]
            self._rests[gateway_id] = max(known, default=None)
        self._paused[gateway_id] = max((delay, reason), self._paused.get(gateway_id, (0, '')))
        self._take_back(self.plans[gateway_id].connection)

    def _finish(self, sms, result):
        sms.result = result
        self._finished.append(sms)
        if self.at_once:
            self.ended.append(sms)

    def _put_back(self, sms, delay, reason):
        if self.at_once:
            self._finish(sms, refusal('sms_server', reason or self.model.env._("There was no time left to send it.")))
            return
        sms.delay, sms.reason = delay, reason
        self._returned.append(sms)

    # === RECORD === #

    def _record(self):
        self._last_record = time.monotonic()
        returned, self._returned = self._returned, []
        finished, self._finished = self._finished, []
        rests, self._rests = self._rests, {}
        # what was under way when a gateway began to rest may still be answered well
        answered, self._answered = list(self._answered - self._paused.keys()), set()
        if rests or (answered and any(self.plans[gateway_id].failures for gateway_id in answered)):
            record_surely(self.model, lambda model: model._record_rests(rests, answered), 0, self._retry_time)
        if returned:
            record_isolated(
                self.model, returned, lambda model, part: model._put_back(part), retry_time=self._retry_time)
        for start in range(0, len(finished), MOST_RECORDED):
            batch = finished[start:start + MOST_RECORDED]
            self.done += len(batch)
            record_batch(self.model, batch, self.plans, self._retry_time, **self.unlink_options)


CommonServer.on_stop(SmsRun.stop_all)
