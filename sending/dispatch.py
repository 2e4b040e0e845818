# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Build requests from claimed SMS and submit them once the database has recorded that they may reach a provider."""
import logging
import math
import time
from collections import Counter, deque
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from ..tools import phone
from ..tools.attempt import attempt_uuid
from ..tools.problem import Problem
from ..tools.request.builder import HttpRequest, Recipient, build_requests
from ..tools.request.config import MessageValues
from .breaker import Breaker
from .gateway_config import GatewayConfig, GatewayConnection
from .outcomes import Outcomes
from .pauses import Pauses
from .queued_sms import QueuedSms, group_by_gateway, not_sent
from .request_pool import RequestPool
from .retry import RETRY_DELAY
from .throttle import START_LEAD, Throttle

_logger = logging.getLogger(__name__)

MIN_PORTION = 2  # minimum number of requests per connection that are marked as started together, also the initial one
MAX_PORTION = 16  # maximum of the same
QUICK_START = 0.1  # seconds between two portions: after less, the next one is larger; after four times as many, smaller


class Dispatcher:
    """The open requests of a run.

    If this process is interrupted, the outcome of SMS that are marked as started is unknown. Therefore only as many are
    marked as can be sent in about a second.

    :param store: marks SMS as started, and reserves places at the next gateway
    :param is_waited_for: whether a user waits for this run, which then leaves slow providers to the queue
    """

    def __init__(self, pool: RequestPool, store, outcomes: Outcomes, pauses: Pauses, breaker: Breaker,
                 throttle: Throttle, is_waited_for: bool = False):
        self.configs: dict[int, GatewayConfig] = {}
        self.is_closed = False  # whether claiming has ended because nothing more could be started
        self._pool = pool
        self._store = store
        self._outcomes = outcomes
        self._pauses = pauses
        self._breaker = breaker
        self._throttle = throttle
        self._is_waited_for = is_waited_for
        self.unanswered: dict[str, QueuedSms] = {}  # by the UUID of the attempt
        self._waiting: dict[int, deque] = {}  # {gateway id: (request, not before), to be marked as started}
        self._submitted = Counter()  # {gateway id: requests in the pool}
        self._portions: dict[int, tuple[int, float]] = {}  # {gateway id: (size, time.monotonic() of the last one)}
        self._not_started: list[tuple] = []  # pairs as in `RequestPool.collect`, without a response
        self._connections: dict[GatewayConnection, int] = {}  # {connection: maximum SMS per request}

    # === FIGURES === #

    def count_requests(self) -> int:
        """Count the requests that are waiting or in progress."""
        return len(self._pool) + len(self._not_started) + sum(map(len, self._waiting.values()))

    def count_connections(self) -> int:
        return sum(connection.connections for connection in self._connections)

    def has_room(self) -> bool:
        """Return whether the connections will soon be idle. Requests with a place under a rate limit do not count."""
        unlimited = [config for config in self.configs.values() if not config.rate_limit]
        requests = sum(
            self._submitted[config.gateway_id] + len(self._waiting.get(config.gateway_id, ())) for config in unlimited)
        return requests <= 4 * sum(
            config.connection.connections for config in unlimited if config.connection in self._connections)

    def count_sms_at_once(self) -> int:
        """Count the SMS that all connections together can send at a time."""
        return sum(connection.connections * recipients for connection, recipients in self._connections.items())

    # === DISPATCH === #

    def dispatch(self, queued: list[QueuedSms]):
        """Build the requests of claimed SMS, which already have their places under rate limits."""
        paused = [sms for sms in queued if sms.gateway_id in self._pauses]
        self._make_requests([sms for sms in queued if sms.gateway_id not in self._pauses and self._is_ready(sms)])
        self.dispatch_again(paused)

    def dispatch_again(self, queued: list[QueuedSms]):
        """Build the requests of SMS for their next gateway, within its rate limit."""
        for sms in queued:
            sms.not_before, sms.place, sms.is_left = 0, 0, False
        ready = [sms for sms in queued if self._is_ready(sms)]
        limited = [sms for sms in ready if self.configs[sms.gateway_id].rate_limit]
        if limited and self._store.is_immediate:
            for sms in limited:
                if sms.gateway_id not in self._submitted:  # its throttle would be locked until the caller commits
                    sms.delay = RETRY_DELAY
        if any(not sms.delay for sms in limited) and not self._store.reserve(ready, self.configs, self._throttle):
            for sms in ready:
                sms.delay = RETRY_DELAY
        for sms in ready:
            if sms.delay or sms.is_left:
                self._outcomes.requeue(sms, sms.delay, sms.reason)
        # the place at this gateway may be too late for the SMS
        self._make_requests([
            sms for sms in ready
            if not (sms.delay or sms.is_left) and (not sms.not_before or self._is_ready(sms))])

    def _is_ready(self, sms: QueuedSms) -> bool:
        """Return whether a request can be built. If not, the SMS is finished or queued again."""
        if sms.is_unwanted:
            self._outcomes.requeue(sms, 0, sms.reason)  # canceled then, or by the next claim
        elif not sms.number.strip():
            self._outcomes.finish(sms, not_sent('sms_number_missing'))
        elif sms.refusal:
            failure_type, problem = sms.refusal
            self._outcomes.finish(sms, not_sent(failure_type, problem))
        elif sms.seconds_left <= 0:
            self._outcomes.finish(
                sms, not_sent('sms_expired', Problem('expired'), sms.reason.error_message if sms.reason else ''))
        elif not sms.candidates:
            self._outcomes.finish(sms, not_sent('sms_server', Problem('no_gateway')))
        elif all(gateway_id in self._pauses for gateway_id in sms.candidates):
            delay, reason = self._pauses.find_earliest(sms.candidates)
            self._outcomes.requeue(sms, delay, sms.reason or reason)
        else:
            sms.candidates = tuple(gateway_id for gateway_id in sms.candidates if gateway_id not in self._pauses)
            if not (self._is_waited_for and self._pool.cuts_timeout(self.configs[sms.gateway_id].connection)):
                return True
            # cut short, a late success would count as an unknown outcome
            self._outcomes.requeue(sms, 0, sms.reason)
        return False

    def _make_requests(self, queued: list[QueuedSms]):
        for gateway_id, group in group_by_gateway(queued).items():
            config = self.configs[gateway_id]
            # SMS with different places share no request, because a request starts at once
            for _place, part in groupby(group, attrgetter('not_before')):
                self._make_gateway_requests(config, list(part))

    def _make_gateway_requests(self, config: GatewayConfig, group: list[QueuedSms]):
        request_config = config.request
        if config.rate_limit:
            # a request must not contain more SMS than the limit allows in one second
            request_config = replace(
                request_config, max_recipients=max(1, min(request_config.max_recipients, int(config.rate_limit))))
        recipients = self._make_recipients(config, group)
        try:
            refused = []
            requests = build_requests(request_config, list(recipients.values()), refused)
        except Exception:
            _logger.exception("Gateway %s: the requests could not be built", config.gateway_id)
            for sms in group:
                if sms.id in recipients:
                    self._outcomes.finish(sms, not_sent('sms_server', Problem('request_failed')))
            return
        self.unanswered.update((recipients[sms.id].uuid, sms) for sms in group if sms.id in recipients)
        for recipient, problem in refused:
            self._outcomes.finish(self.unanswered.pop(recipient.uuid), not_sent('sms_server', problem))
        self._connections[config.connection] = (
            request_config.max_recipients if request_config.multiple_recipients else 1)
        waiting = self._waiting.setdefault(config.gateway_id, deque())
        for request in requests:
            waiting.append((request, max(sms.not_before for sms in self._get_sms(request))))

    def _make_recipients(self, config: GatewayConfig, group: list[QueuedSms]) -> dict[int, Recipient]:
        """Return the recipient of each SMS by id. SMS with an invalid number are finished instead."""
        recipients = {}
        for sms in group:
            sms.attempt += 1
            try:
                number = phone.format_number(
                    sms.number, config.number_format, sms.countries, config.request.separator, config.prefixes,
                    sms.e164)
            except phone.NumberError as error:
                self._outcomes.finish(sms, not_sent('sms_number_format', error.problem))
                continue
            recipients[sms.id] = Recipient(
                attempt_uuid(sms.uuid, sms.attempt), number, config.encode(sms.body),
                valid_for=0 if sms.valid_until is None else max(1, int(sms.seconds_left)),
                valid_until=sms.valid_until, values=_get_values(config, sms))
        return recipients

    def _get_sms(self, request: HttpRequest) -> list[QueuedSms]:
        return [self.unanswered[recipient.uuid] for recipient in request.recipients]

    # === START === #

    def start_with_claim(self, queued: list[QueuedSms], configs: dict[int, GatewayConfig]):
        """Mark the claimed SMS whose requests can start immediately, so that the claim needs no second statement."""
        by_gateway = group_by_gateway(sms for sms in queued if not (sms.delay or sms.is_left))
        for gateway_id in by_gateway.keys() & configs.keys():
            room, share, texts = self._get_room(configs[gateway_id]), 1 / configs[gateway_id].recipients, set()
            for sms in by_gateway[gateway_id]:
                room -= share if sms.body in texts else 1
                if room < 0:
                    break
                texts.add(sms.body)
                sms.is_started = True

    def _get_room(self, config: GatewayConfig) -> float:
        """Return how many requests of a gateway can start as soon as they are claimed."""
        if self._store.is_immediate:
            return math.inf
        room = self._breaker.get_room(config.gateway_id, config.connection.key)
        if config.rate_limit:
            portion = math.inf
        else:
            portion, _last = self._portions.get(config.gateway_id, (MIN_PORTION * config.connection.connections, 0))
        busy = self._submitted[config.gateway_id] + len(self._waiting.get(config.gateway_id, ()))
        return min(portion, room) - busy

    def start(self):
        """Submit the requests that the connections soon need, once the database has recorded that they may be sent."""
        starting, now = [], time.monotonic()
        for gateway_id, waiting in self._waiting.items():
            if not waiting:
                continue
            if self._pool.get_time_to_start(self.configs[gateway_id].connection) < 0:
                self.take_back(gateway_id)
                continue
            room = self._breaker.get_room(
                gateway_id, self.configs[gateway_id].connection.key) - self._submitted[gateway_id]
            # with a place under a rate limit, which is in the next second, portions are not needed
            if room > 0 and not waiting[0][1]:
                room = min(room, self._get_portion(gateway_id, now))
            ready = [waiting.popleft() for _request in range(max(0, min(len(waiting), room)))]
            self._submitted[gateway_id] += len(ready)
            starting += ready
        if starting:
            self._submit(starting)

    def _get_portion(self, gateway_id: int, now: float) -> int:
        """Return how many requests are marked as started together."""
        connections = self.configs[gateway_id].connection.connections
        portion, last = self._portions.get(gateway_id, (MIN_PORTION * connections, now))
        if self._submitted[gateway_id] > portion / 2:
            return 0
        if last < now - 4 * QUICK_START:
            portion = max(portion // 2, MIN_PORTION * connections)
        elif now - QUICK_START < last < now:
            portion = min(portion * 2, MAX_PORTION * connections)
        self._portions[gateway_id] = portion, now
        return portion - self._submitted[gateway_id]

    def _submit(self, starting: list[tuple[HttpRequest, float]]):
        new = [sms for request, _not_before in starting for sms in self._get_sms(request) if not sms.is_started]
        started = self._store.mark_started(new) if new else ()
        for sms in new:
            sms.is_started = sms.id in started
        if stopped := [sms for sms in new if not sms.is_started]:
            self.note_unwanted(stopped)
        for request, not_before in starting:
            queued = self._get_sms(request)
            if any(sms.seconds_left <= 0 or sms.is_unwanted for sms in queued):
                self._not_started.append((request, None))  # the others are sent without those
            elif all(sms.is_started for sms in queued):
                self._pool.submit(self.configs[queued[0].gateway_id].connection, request, not_before)
            else:
                self._not_started.append((request, None))
                self.is_closed = True  # the claim or the database is lost

    # === RESPONSES === #

    def collect(self, wait: float) -> list[tuple]:
        """Return the requests that have ended or will not start.

        :param wait: seconds to wait for the first one
        :return: triples of SMS, request and HttpAnswer; None instead of a response if the request was never started
        """
        pairs, self._not_started = self._not_started, []
        pairs += self._pool.collect(0 if pairs else wait)
        if len(self._pool) and time.monotonic() > self._pool.deadline + 1:
            pairs += self._pool.abandon()
        collected = []
        for request, answer in pairs:
            queued = [self.unanswered.pop(recipient.uuid) for recipient in request.recipients]
            self._submitted[queued[0].gateway_id] -= 1
            collected.append((queued, request, answer))
        return collected

    def can_start_later(self, gateway_id: int) -> bool:
        """Return whether a request that was not started can still start in this run: it missed its place under a rate
        limit, or the pool stopped because of failures that do not pause the gateway."""
        return not self.is_closed and self._pool.get_time_to_start(self.configs[gateway_id].connection) > START_LEAD

    def resume(self, gateway_id: int):
        """Let the pool start requests of a gateway again."""
        self._pool.resume(self.configs[gateway_id].connection)

    def note_unwanted(self, queued: list[QueuedSms]) -> list[QueuedSms]:
        """Find out which SMS must not be sent any more."""
        found = self._store.find_unwanted(queued)
        unwanted = [sms for sms in queued if sms.id in found]
        for sms in unwanted:
            sms.is_unwanted = True
        return unwanted

    def withdraw(self, unwanted: list[QueuedSms]):
        """Do not start requests with these SMS: they are collected without a response."""
        for gateway_id in {sms.gateway_id for sms in unwanted}:
            waiting = self._waiting.pop(gateway_id, ())
            withdrawn = [request for request, _not_before in waiting if self._is_unwanted(request)]
            self._waiting[gateway_id] = deque(pair for pair in waiting if not self._is_unwanted(pair[0]))
            self._submitted[gateway_id] += len(withdrawn)
            self._not_started += [(request, None) for request in withdrawn]
        self._pool.withdraw(self._is_unwanted)

    def _is_unwanted(self, request: HttpRequest) -> bool:
        return any(sms.is_unwanted for sms in self._get_sms(request))

    def take_back(self, gateway_id: int):
        """Do not start the waiting requests of a gateway: they are collected without a response."""
        waiting = self._waiting.get(gateway_id)
        while waiting:
            self._submitted[gateway_id] += 1
            self._not_started.append((waiting.popleft()[0], None))
        self._pool.take_back(self.configs[gateway_id].connection)

    def close(self):
        """Start no further requests: waiting SMS are queued again, and those in progress are still saved."""
        self.is_closed = True
        for gateway_id in self._waiting:
            self.take_back(gateway_id)


def _get_values(config: GatewayConfig, sms: QueuedSms) -> MessageValues | None:
    """Return what an SMS has other than its gateway, None for nothing."""
    if config.message_rules:
        return config.message_rules.get_values(
            sms.company_id, sms.e164, dlt_template_id=sms.dlt_template_id,
            message_type=sms.message_type, lane=sms.lane, sender=sms.sender)
    return MessageValues(sender=sms.sender) if sms.sender else None
