# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One run of sending: claim, dispatch, settle and save, which overlap."""
import logging
import math
import signal
import threading
import time
from collections import Counter
from dataclasses import replace

import psycopg2

from ..tools.answer.interpretation import interpret
from .breaker import HEALTHY, REFUSING, Breaker, lose_health, read_signal
from .claim_plan import Claim, ClaimPlan
from .dispatch import MAX_PORTION, Dispatcher
from .outcomes import Outcomes
from .pauses import WAITING, Pause, Pauses
from .queued_sms import RENEW_AFTER
from .request_pool import RequestPool
from .retry import RETRY_DELAY, Done, NextGateway, decide, retry_delay
from .store.retry_time import is_outage
from .throttle import SHORT_LEAD, START_LEAD, Throttle

_logger = logging.getLogger(__name__)

MAX_CLAIM = 1000  # SMS claimed at a time
MIN_CLAIM = 100  # minimum claim size, also used for the first claim
MAX_UNANSWERED = 5000  # SMS that are claimed and have no response yet
SAVE_SIZE = 250  # minimum number of results that are saved together
LAST_SAVE_SIZE = 50  # the same while the run only waits for the last responses
MAX_SAVE_SECONDS = 1  # after which results are saved while other requests are in progress
STOP_SECONDS = 10  # for which a stopping server waits for responses
OVERLAP = 10  # maximum seconds before its end in which the next run may start: Odoo runs other actions in between
LOOK_SECONDS = 0.2  # after which a run looks again which of its SMS must not be sent any more
MAX_WAIT = 0.1  # seconds for responses or for free places, until the run looks whether it has to stop


class SendRun:
    """Sends queued SMS until none are left or the deadline is reached.

    :param Store store: the database
    :param float deadline: `time.monotonic()` by which the last response must have arrived
    :param float period: seconds between the start of the job and the deadline
    :param list ids: only these SMS; None for all queued SMS
    :param float start_until: `time.monotonic()` after which nothing more is claimed and no request starts
    """

    _running: set['SendRun'] = set()  # of all databases of this process
    _stopping = threading.Event()

    def __init__(self, store, deadline, period=None, ids=None, start_until=math.inf):
        self.deadline = deadline
        self.outcomes = Outcomes(store.is_immediate)
        self.is_drained = ids is not None and not ids  # whether there is nothing left to claim
        self._is_held = False  # whether most SMS of the last claim are held by quiet hours or budgets
        self.has_left = False  # whether the last claim left SMS in the queue, because a rate limit had no place
        self.done = 0  # SMS with a result
        self.is_ended = False
        self.is_replaceable = threading.Event()  # set at the end, or if the next run should start already
        self._store = store
        self._period = period
        self._ids = ids
        self._start_until = start_until
        self._pauses = Pauses()
        self._breaker = Breaker()
        self._failures = {}  # {gateway id: last result that counts for its circuit breaker}
        self._lost_health = Counter()  # {gateway id: percent} since the last save
        self._active = {}  # GatewayConfig of the Active gateways by id, as of the last claim
        self._max_claim = MAX_CLAIM  # reduced after a claim that the database refused
        self._dispatcher = None
        self._overlap = None  # seconds
        self._refused = []  # ids of SMS that cannot be claimed
        self._last_save = time.monotonic()
        self._next_renewal = time.monotonic() + RENEW_AFTER
        self._next_look = time.monotonic() + LOOK_SECONDS

    @classmethod
    def look_for_unwanted(cls):
        """Let the runs of this process look now which SMS must not be sent any more. Those of others do within
        `LOOK_SECONDS`."""
        for run in list(cls._running):
            run._next_look = 0

    def run(self):
        """
        :return: number of SMS with a result
        :rtype: int
        """
        self._running.add(self)
        try:
            with RequestPool(self.deadline, self._period) as pool:
                is_waited_for = self._ids is not None and not self._store.is_immediate
                self._throttle = Throttle(pool.get_time_to_start, START_LEAD if self._ids is None else SHORT_LEAD)
                self._plan = ClaimPlan(self._throttle)
                self._dispatcher = dispatcher = Dispatcher(
                    pool, self._store, self.outcomes, self._pauses, self._breaker, self._throttle, is_waited_for)
                while self._has_more() or dispatcher.count_requests() or self.outcomes.has_unsaved():
                    self._keep_claims()
                    self._withdraw_unwanted()
                    if self._has_room() and not self._plan.get_wait(self._active):
                        self._refill()
                    dispatcher.start()
                    self._settle(dispatcher.collect(self._get_wait()))
                    if self._is_save_due(pool):
                        self._save()
            self.is_ended = True
        finally:
            self._running.discard(self)
        self.is_replaceable.set()
        return self.done

    @property
    def configs(self):
        """The GatewayConfig of each gateway by id, as of the claims."""
        return self._dispatcher.configs

    # === CLAIM === #

    def _has_more(self):
        return not self.is_drained and not self._dispatcher.is_closed

    def _has_room(self):
        """Return whether the connections will soon be idle. SMS are not claimed earlier, because their outcome is
        unknown if this process is interrupted."""
        return (self._has_more() and self._dispatcher.has_room()
                and len(self._dispatcher.unanswered) < MAX_UNANSWERED)

    def _get_wait(self):
        """Return the seconds to wait for responses before the run can do something else."""
        if self._has_room():
            return min(self._plan.get_wait(self._active), MAX_WAIT)
        return MAX_WAIT if self._dispatcher.count_requests() else 0

    def _refill(self):
        if time.monotonic() >= self.deadline:
            self._dispatcher.is_closed = True
            return
        claim = Claim(len(self._ids)) if self._ids is not None else self._plan.choose(self._get_claim_size())
        limit = min(claim.limit, self._max_claim)
        try:
            queued, configs = self._store.claim(
                limit, self._ids, [*self._refused, *claim.passed], self._throttle, self._dispatcher.start_with_claim,
                claim.bulk_after)
        except Exception as error:
            self._handle_refused_claim(error, replace(claim, limit=limit))
            return
        self._max_claim = MAX_CLAIM
        # updated, not replaced, because requests of a gateway that is no longer Active may still be in progress
        self._dispatcher.configs.update(configs)
        self._active = configs
        self._note_shared(configs)
        self._note_claim(replace(claim, limit=limit), queued)
        for sms in queued:
            if (sms.delay or sms.is_left) and self._store.is_immediate:
                # an immediate run finishes it, although the claim has queued it again
                self.outcomes.requeue(sms, sms.delay, sms.reason)
        self._dispatcher.dispatch([
            sms for sms in queued if not (sms.delay or sms.is_left or sms.is_unwanted or sms.hold or sms.quiet)])

    def _note_shared(self, configs):
        """Take over what other workers know about the gateways, and use those whose pause is over."""
        self._breaker.note_stored({gateway_id: config.shared.streak for gateway_id, config in configs.items()})
        for gateway_id in self._pauses.end({
                gateway_id for gateway_id, config in configs.items() if not config.shared.seconds}):
            self._dispatcher.resume(gateway_id)

    def _note_claim(self, claim, queued):
        left = [sms for sms in queued if sms.is_left]
        self.has_left = bool(left)
        self._is_held = 2 * sum(bool(sms.quiet or sms.hold) for sms in queued) > len(queued)
        if self._ids is not None:
            self.is_drained = len(queued) < claim.limit or claim.limit >= len(self._ids)
            return
        self.is_drained = not self._plan.note(claim, queued)
        if not left:
            return
        time_left = min(self._throttle.get_time_left(self._active[sms.gateway_id]) for sms in left)
        if self._overlap is None:
            self._overlap = min(OVERLAP, time_left / 4)
        if time_left <= 0:
            self._dispatcher.is_closed = True  # the next run sends them
        if time_left <= self._overlap:
            self.is_replaceable.set()

    def _get_claim_size(self):
        """Return the number of SMS for a few seconds. Small claims are expensive, but large ones leave more SMS with an
        unknown outcome if this process is interrupted."""
        if self._is_held:
            return MAX_CLAIM  # most of the next ones are probably held as well
        return min(max(MAX_PORTION * self._dispatcher.count_sms_at_once(), MIN_CLAIM), MAX_CLAIM)

    def _handle_refused_claim(self, error, claim):
        """Find the SMS because of which a claim was refused, for example by a trigger, and claim the others."""
        if not isinstance(error, psycopg2.Error) or is_outage(error) or self._store.is_immediate:
            if not (self._dispatcher.unanswered or self.outcomes.has_unsaved()):
                raise error
            # the results of requests in progress must still be saved
            _logger.warning("No more SMS can be claimed in this run", exc_info=error)
            self.is_drained = True
        elif claim.bulk_after is not None:
            _logger.info("A claim of SMS behind others was refused by the database", exc_info=error)
            self._plan.stop_looking()
        elif claim.limit > 1:
            _logger.info("A claim of %s SMS was refused by the database", claim.limit, exc_info=error)
            self._max_claim = claim.limit // 10 or 1
        else:
            refused = self._store.find_refused(self._ids, self._refused)
            _logger.error("SMS %s cannot be claimed and stays in the queue", refused, exc_info=error)
            self._max_claim = MAX_CLAIM
            if refused:
                self._refused.append(refused)
            else:
                self.is_drained = True

    def _keep_claims(self):
        """Close the run if this process is stopping, and renew the claims regularly. If other runs have taken over some
        of them, because this process was suspended, nothing more is started: they may be sent there."""
        if self._is_ending():
            self._dispatcher.close()
        if time.monotonic() > self._next_renewal:
            self._next_renewal = time.monotonic() + RENEW_AFTER
            claimed = [*self._dispatcher.unanswered.values(), *self.outcomes.finished, *self.outcomes.requeued]
            if not self._store.renew(claimed):
                _logger.warning("Claims of SMS could not be renewed: this run sends no further SMS")
                self._dispatcher.close()

    # === SETTLE === #

    def _settle(self, collected):
        """Decide what follows for the SMS of each request."""
        again = []
        for queued, request, answer in collected:
            if answer is None:
                self._settle_not_started(queued, again)
                continue
            config = self._dispatcher.configs[queued[0].gateway_id]
            results = interpret(config.answer, request.recipients, answer)
            for sms, recipient, result in zip(queued, request.recipients, results, strict=True):
                sms.probe = None
                if result.failure_type:
                    sms.note_failure(result, recipient, len(queued))
                self._settle_result(sms, result, again)
            self._note_signal(config, results)
        if again and not self._store.is_immediate:
            self._dispatcher.note_unwanted(again)  # before the next gateway gets them
        self._dispatcher.dispatch_again(again)

    def _settle_result(self, sms, result, again):
        gateway_id = sms.gateway_id
        if result.retryable:
            delay = retry_delay(sms.attempt, result.retry_after)
            self._pauses.add(gateway_id, delay, result.retry_after, result)
            self._dispatcher.take_back(gateway_id)
        decision = decide(sms, result, self._pauses, time.monotonic() < self.deadline)
        if isinstance(decision, Done):
            self.outcomes.finish(sms, result)
        elif isinstance(decision, NextGateway):
            sms.candidates, sms.reason = decision.candidates, result
            again.append(sms)
        else:
            self.outcomes.requeue(sms, decision.delay, decision.reason)

    def _note_signal(self, config, results):
        """Pause a gateway that fails or refuses the account, because further SMS would fail as well."""
        if config.weight and (points := lose_health(results)):
            self._lost_health[config.gateway_id] += points
        if config.gateway_id in self._pauses:
            return  # the request started before, or it asks to wait
        signal_of = read_signal(results)
        if signal_of in (HEALTHY, REFUSING):
            self._pauses.note_recovery(config.gateway_id)
        else:
            self._failures[config.gateway_id] = replace(results[0], doubtful=False, problem=WAITING[signal_of])
        if self._breaker.note(
                config.gateway_id, signal_of, bool(config.shared.failures), config.connection.key):
            self._pauses.add(config.gateway_id, RETRY_DELAY, None, self._failures[config.gateway_id], signal_of)
            self._stop(config)

    def _stop(self, config):
        """Start no further requests of a paused gateway."""
        self._breaker.restart(config.gateway_id, config.connection.key)
        self._dispatcher.take_back(config.gateway_id)

    def _settle_not_started(self, queued, again):
        """Settle SMS that were not started: the gateway is paused, or they missed their place or the end of the run."""
        gateway_id = queued[0].gateway_id
        self._throttle.give_back(queued)
        for sms in queued:
            sms.attempt -= 1
        if not self._is_ending() and (
                gateway_id in self._pauses or self._dispatcher.can_start_later(gateway_id)):
            self._dispatcher.resume(gateway_id)
            again += queued
            return
        self._dispatcher.is_closed = True  # further claims would not start either
        for sms in queued:
            self.outcomes.requeue(sms, 0, sms.reason)

    def _withdraw_unwanted(self):
        """Do not send SMS that were canceled or deleted since they were claimed, or whose recipient has opted out."""
        now = time.monotonic()
        open_sms = [sms for sms in self._dispatcher.unanswered.values() if not sms.is_unwanted]
        if now < self._next_look or not open_sms or self._store.is_immediate:
            return
        self._next_look = now + LOOK_SECONDS
        if unwanted := self._dispatcher.note_unwanted(open_sms):
            self._dispatcher.withdraw(unwanted)

    # === SAVE === #

    def _is_save_due(self, pool):
        dispatcher = self._dispatcher
        open_requests = dispatcher.count_requests()
        if not open_requests:
            return True
        if self._store.is_immediate:
            return False  # if saving failed, the results of requests in progress would be lost
        size = SAVE_SIZE
        if (not self._has_more() and open_requests <= 2 * dispatcher.count_connections()
                and not pool.has_answers()):
            size = LAST_SAVE_SIZE
        return len(self.outcomes.finished) >= size or time.monotonic() - self._last_save > MAX_SAVE_SECONDS

    def _save(self):
        self._last_save = time.monotonic()
        finished, requeued = self.outcomes.take()
        configs = self._dispatcher.configs
        self._save_pauses(configs)
        if self._lost_health:
            self._store.save_health(self._lost_health)
            self._lost_health.clear()
        self._store.save(finished, requeued, configs)
        if self._ids is None and any(sms.is_left for sms in requeued):
            self.is_drained = False  # the next gateway had no place for them
        self.done += len(finished)

    def _save_pauses(self, configs):
        """Save pauses, recoveries and streaks, and pause gateways that have failed for all workers together."""
        paused, recovered = self._pauses.take_unsaved()
        paused = {
            gateway_id: replace(pause, failures=configs[gateway_id].shared.failures)
            for gateway_id, pause in paused.items()}
        recovered = [gateway_id for gateway_id in recovered if configs[gateway_id].shared.failures]
        streaks = {
            gateway_id: (streak, self._make_pause(configs[gateway_id], streak))
            for gateway_id, streak in self._breaker.take_unsaved().items()}
        if not (paused or recovered or streaks):
            return
        counted, opened = self._store.save_pauses(paused, recovered, streaks)
        self._breaker.note_stored(counted)
        for gateway_id in opened:
            self._pauses.add_saved(gateway_id, RETRY_DELAY, self._failures[gateway_id])
            self._stop(configs[gateway_id])

    def _make_pause(self, config, streak):
        failure = self._failures.get(config.gateway_id)
        return Pause(streak.signal, failure.error_message if failure else '', failures=config.shared.failures)

    # === STOP === #

    def is_limited(self, until):
        """Return whether it waits only for rate limits: for places that are not before a time, or after that time for
        the responses of gateways with a limit. May be called from another thread.

        :param float until: `time.monotonic()`
        :rtype: bool
        """
        unanswered = self._dispatcher.unanswered.copy() if self._dispatcher else {}
        places = [sms.not_before for sms in unanswered.values()]
        return bool(places) and all(places) and (time.monotonic() >= until or min(places) >= until)

    def _is_ending(self):
        return time.monotonic() > self._start_until or self.is_told_to_stop()

    @classmethod
    def is_told_to_stop(cls):
        """Return whether this process is stopping. With workers, Odoo waits until each has finished its job; the signal
        handler, a method of the worker, only sets `alive`."""
        worker = getattr(signal.getsignal(signal.SIGINT), '__self__', None)
        return cls._stopping.is_set() or not getattr(worker, 'alive', True)

    @classmethod
    def stop_all(cls):
        """End the runs of this process and wait for them, because the server is stopping."""
        cls._stopping.set()
        until = time.monotonic() + STOP_SECONDS
        while cls._running and time.monotonic() < until:
            time.sleep(0.05)
