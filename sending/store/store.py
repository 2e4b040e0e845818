# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The database operations of a run."""
import time
from datetime import timedelta
from functools import partial

from odoo import fields

from ..queued_sms import LEASE, RENEW_AFTER
from . import budgets, claims, quiet, releases, routes
from .fallback import save_without_hooks
from .guard import count_countries, hold_back
from .results import save_results
from .transactions import try_write
from .unwanted import cancel_opted_out, find_unwanted

MAX_SAVED = 500  # results saved together
LOOK_EVERY = 5  # seconds between looks for delivery reports that were not applied
TRIGGER_EVERY = 60  # seconds between triggers of the queue action for status queries
LOOK_SECONDS = 1  # for which such reports are applied; the rest is left to the queue action


class Store:
    """Claims SMS and saves their results.

    :param OwnTransactions transactions: how it writes: in short transactions, or in the caller's
    :param bool unlink_failed: see core's `sms.sms._send`, as `unlink_sent`
    """

    def __init__(self, transactions, unlink_failed=False, unlink_sent=True):
        self._transactions = transactions
        self._options = {
            'unlink_failed': unlink_failed, 'unlink_sent': unlink_sent, 'is_immediate': transactions.is_immediate}
        self._watched_until = 0  # `time.monotonic()` for which the queue action is triggered
        self._next_look = 0  # `time.monotonic()` of the next look for delivery reports that were not applied
        self._next_trigger = 0  # `time.monotonic()` at which it is triggered for questions again
        self._claim_clock = None  # (`claimed_until` of the last claim, `time.monotonic()` at which it was written)

    @property
    def is_immediate(self):
        """Whether the caller needs each result immediately, in its own transaction."""
        return self._transactions.is_immediate

    def claim(self, limit, ids, refused, throttle, reserve_room, bulk_after=None):
        """Claim queued SMS for this run only, and choose their gateways.

        :param int limit: maximum number of SMS
        :param list ids: only these SMS, even if they should wait; None for all that are due
        :param refused: ids of SMS that are not claimed
        :param Throttle throttle: assigns their start times
        :param reserve_room: called with the SMS and the configs; marks those that start immediately
        :param int bulk_after: see `claim_due`
        :return: the claimed SMS by lane, and the GatewayConfig of all Active gateways by id. SMS that are left stay in
            the queue, because the rate limit of their gateway has no place for them, and so do those with a hold or
            quiet hours. SMS with a delay are already queued again, because their gateway is paused. Unwanted
            SMS are already canceled
        :rtype: tuple[list[QueuedSms], dict]
        """
        with self._transactions.begin() as env:
            if ids is None:
                releases.go_on(env)
                quiet.wake(env)
            claimed = claims.claim_due(env, limit, ids, refused, bulk_after)
            cancel_opted_out(env, [sms for sms in claimed if sms.is_unwanted])
            queued = [sms for sms in claimed if not sms.is_unwanted]
            if not self.is_immediate:
                quiet.hold_quiet(env, queued)
                queued = [sms for sms in queued if not sms.quiet]
            known = [] if self.is_immediate else budgets.read_budgets(env)
            chosen = routes.route(env, queued)
            configs = chosen.configs
            limits = env['sms.gateway']._get_flood_limits()
            hold_back(env, queued, configs, limits)
            routes.wait_for_gateways(env, queued, chosen, lambda sms: budgets.is_spent(sms, known))
            budgets.hold_spent(queued, known)
            to_send = [sms for sms in queued if sms.seconds_left > 0 and not (sms.refusal or sms.hold)]
            throttle.assign(to_send, configs, env['sms.gateway.throttle']._reserve)
            count_countries(env, [sms for sms in to_send if not sms.is_left], limits.country)
            if known:
                budgets.count_claimed(env, to_send, known, configs)
                budgets.hold(env, [sms for sms in queued if sms.hold])
            routes.give_back_probes(env, [sms for sms in queued if sms.is_left or not sms.can_be_sent])
            reserve_room(queued, configs)
            claims.write_claims(env, queued)
            if any(not sms.is_left for sms in queued):
                self._watch(env)
        if queued:
            self._claim_clock = queued[0].claimed_until, time.monotonic()
        return claimed, configs

    def find_refused(self, ids, refused):
        """
        :return: id of the SMS that would be claimed next, None if there is none
        :rtype: int | None
        """
        with self._transactions.begin() as env:
            return claims.find_due(env, ids, refused)

    def reserve(self, queued, configs, throttle):
        """Assign SMS their start times at the next gateway.

        :return: whether the database was reachable
        :rtype: bool
        """
        return self._transactions.write(
            lambda env: throttle.assign(queued, configs, env['sms.gateway.throttle']._reserve), len(queued))

    def mark_started(self, queued):
        """
        :return: ids of the SMS that may be sent, because the database has recorded that the provider may receive them
        :rtype: set[int]
        """
        started = set()
        if not self._transactions.write(lambda env: started.update(claims.mark_started(env, queued)), len(queued)):
            started.clear()
        return started

    def find_unwanted(self, queued):
        """
        :return: ids of the SMS that were canceled or deleted, or whose number was blacklisted, after they were claimed;
            none if the database is unreachable
        :rtype: set[int]
        """
        found = set()
        self._transactions.write(
            lambda env: found.update(find_unwanted(env, [sms.id for sms in queued])), len(queued))
        return found

    def renew(self, queued):
        """Extend the claims of this run.

        :return: whether all of them are still valid
        :rtype: bool
        """
        if self.is_immediate or not queued:
            return True  # no other run sees the claims of an uncommitted transaction
        claimed_until, written = self._claim_clock
        claimed_until += timedelta(seconds=time.monotonic() - written)
        lost = set()

        def write(env):
            lost.clear()
            lost.update(claims.renew_claims(env, queued, claimed_until))
            self._watch(env)

        if not self._transactions.write(write, len(queued)):
            return False
        for sms in queued:
            if sms.id not in lost:
                sms.claimed_until = claimed_until
        return not lost

    def _watch(self, env):
        """Trigger the queue action for the time after the current claims expire, in case they are not renewed."""
        until = time.monotonic() + LEASE
        if until > self._watched_until:
            claims.trigger_queue(env, fields.Datetime.now() + timedelta(seconds=LEASE + RENEW_AFTER))
            self._watched_until = until + RENEW_AFTER

    def save(self, finished, requeued, configs):
        """Save results, and queue SMS again.

        :param list[QueuedSms] finished: each with its result
        :param list[QueuedSms] requeued: each with its delay
        """
        self._transactions.write_each(requeued, partial(_requeue, configs=configs))
        if unused := [sms for sms in (*finished, *requeued) if sms.probe]:
            self._write_shared(lambda env: routes.give_back_probes(env, unused))
        for start in range(0, len(finished), MAX_SAVED):
            self._transactions.write_each(
                finished[start:start + MAX_SAVED], partial(save_results, configs=configs, **self._options),
                partial(save_without_hooks, configs=configs, **self._options))
        if any(config.connection.dry_run and config.waits_for_report for config in configs.values()):
            self._transactions.write(claims.trigger_queue, 0)  # which makes the delivery reports
        self._trigger_questions({configs[sms.gateway_id].query_minutes for sms in finished if sms.gateway_id})
        self._apply_left_reports({sms.gateway_id for sms in finished if sms.gateway_id})

    def _trigger_questions(self, minutes):
        """Trigger the queue action for the first questions about the status of SMS (`status_queries.py`).

        :param set minutes: between sending and the first question, 0 if there is none
        """
        if any(minutes) and not self.is_immediate and time.monotonic() >= self._next_trigger:
            self._next_trigger = time.monotonic() + TRIGGER_EVERY
            first = fields.Datetime.now() + timedelta(minutes=min(filter(None, minutes)))
            self._transactions.write(lambda env: claims.trigger_queue(env, first), 0)

    def _apply_left_reports(self, gateway_ids):
        """Apply delivery reports of gateways if the process that received them was interrupted."""
        if self.is_immediate or not gateway_ids or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_EVERY
        left, env = set(), self._transactions.env
        reports = env['sms.gateway.received.report']
        self._transactions.write(lambda own: left.update(own[reports._name]._find_left(gateway_ids)), 0)
        for gateway_id in left:
            reports._drain(env['sms.gateway'].browse(gateway_id), time.monotonic() + LOOK_SECONDS)

    def save_health(self, points):
        """Lower the health of gateways for all workers.

        :param dict points: {gateway id: percent}
        """
        self._write_shared(lambda env: env['sms.gateway.throttle']._lower_health(points))

    def save_pauses(self, paused, recovered, streaks):
        """Save pauses and streaks for all workers, and send the SMS that wait for gateways that have recovered.

        :param dict paused: {gateway id: Pause}
        :param list recovered: ids of gateways
        :param dict streaks: {gateway id: (Streak, Pause that follows if it is long enough)}
        :return: {gateway id: Streak of all workers} and the ids of the gateways that are paused because of it
        :rtype: tuple[dict[int, Streak], list[int]]
        """
        saved = {}, []

        def write(env):
            nonlocal saved
            saved = env['sms.gateway.throttle']._save_pauses(paused, recovered, streaks)
            if paused or saved[1]:
                claims.trigger_queue(env)  # which alerts users, even if nothing is queued

        self._write_shared(write)
        if recovered:
            # in a separate transaction, because claims lock SMS before throttles
            self._transactions.write(lambda env: claims.release_waiting(env, recovered), 0)
        return saved

    def _write_shared(self, write):
        """Write what all workers share. The caller's transaction must not fail because another worker has changed it in
        the meantime, and goes on without."""
        self._transactions.write(
            (lambda env: try_write(env, lambda: write(env))) if self.is_immediate else write, 0)


def _requeue(env, queued, configs):
    taken = claims.requeue(env, queued, configs)
    budgets.give_back(env, [sms for sms in queued if sms.id not in taken])
