# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send HTTP requests in parallel threads over kept-alive connections, within a deadline. Uses no ORM."""
import contextlib
import math
import queue
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from logging import getLogger

import requests
from urllib3.exceptions import HTTPError, LocationValueError, NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError
from urllib3.util.ssl_match_hostname import CertificateError

from ..tools.answer.interpretation import RETRY_LATER, HttpAnswer
from ..tools.problem import Problem
from ..tools.request.builder import HttpRequest
from ..tools.secret_log import request_under_way
from .breaker import MAX_FAILURES
from .connection import Adapter, TooLongError, attempt
from .gateway_config import GatewayConnection
from .http_body import AnswerError, decode, read_body
from .turn import MissedTurnError, Turn

_logger = getLogger(__name__)

# Seconds after which an idle connection is not reused. A provider may close it at any time, and a request written at
# that moment has an unknown outcome.
KEEP_ALIVE = 4
PATIENCE = 0.95  # maximum share of a job's time to wait for a response; requests can start in the rest
ACCOUNT_STATUS = 401, 402, 403  # HTTP codes with which providers usually refuse the account
RUNS = 16  # parallel runs of a process whose connections to one gateway are all kept
_TIMEOUTS = TimeoutError, Urllib3TimeoutError, requests.exceptions.Timeout
_UNKNOWN = (
    (TooLongError, 'broken', Problem('response_too_long')), (_TIMEOUTS, 'timeout', Problem('timeout')),
    (ssl.SSLError, 'broken', Problem('tls_lost')))
_REFUSED = (
    (LocationValueError, 'invalid', Problem('invalid_host')),
    (NewConnectionError, 'connect', Problem('unreachable')),  # before time-outs, of which it may be a kind
    (_TIMEOUTS, 'connect', Problem('connect_timeout')), (ssl.SSLError, 'connect', Problem('no_tls')))
USER_AGENT = 'eis_sms_apis/19.0.3.0.0 (Odoo)'


class _Session:
    """A `requests` session of one gateway, shared by the threads of this process."""

    _shared: dict[tuple, '_Session'] = {}
    _lock = threading.Lock()

    def __init__(self, connections: int):
        self.connections = connections
        self.used = time.monotonic()
        self._environment: dict[str, dict] = {}
        self._last: tuple = (None, None)
        self._session = requests.Session()
        self._session.auth = lambda request: request  # so that .netrc does not replace the gateway's Authorization
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # `requests` parses Location even if redirects are not followed, which fails for invalid values
        self._session.resolve_redirects = lambda *args, **kwargs: iter(())
        for scheme in ('http://', 'https://'):
            # several runs of this process share it, for example copies of the queue action
            self._session.mount(scheme, Adapter(pool_maxsize=RUNS * connections, max_retries=0))

    @classmethod
    def get(cls, connection: GatewayConnection) -> '_Session':
        """Return the session of a gateway: a new one if it was idle too long or its number of connections changed."""
        with cls._lock:
            session = cls._shared.get(connection.key)
            now = time.monotonic()
            if session is None or session.connections != connection.connections or now - session.used > KEEP_ALIVE:
                # the old one is not closed, because another thread may still read from it
                session = cls._shared[connection.key] = cls(connection.connections)
            session.used = now
            return session

    def send(self, request: HttpRequest, timeout: float) -> requests.Response:
        prepared = self._prepare(request)
        host = prepared.url.split('/', 3)[2]
        if host not in self._environment:
            self._environment[host] = self._session.merge_environment_settings(prepared.url, {}, True, None, None)
        return self._session.send(
            prepared, timeout=timeout, allow_redirects=False, **self._environment[host])

    def _prepare(self, request: HttpRequest) -> requests.PreparedRequest:
        """Prepare a request. URL and headers are prepared once, which saves a sixth of the time of `requests`."""
        head = request.method, request.url, request.headers
        known, template = self._last
        if known != head:
            # http.client encodes text as Latin-1; everything here is UTF-8
            headers = {key: value.encode() for key, value in request.headers}
            template = requests.Request(request.method, request.url, headers=headers).prepare()
            template.headers.setdefault('User-Agent', USER_AGENT)
            self._last = head, template
        prepared = template.copy()
        prepared.prepare_body(request.body, None)
        return prepared


def exchange(
        connection: GatewayConnection, request: HttpRequest, timeout: float, deadline: float = math.inf,
        turn: Turn | None = None) -> HttpAnswer | None:
    """Make one request. Never raises.

    :param timeout: seconds to wait for the start of the response, and again for its end
    :param deadline: `time.monotonic()` at which the exchange ends in any case
    :param turn: its place under a rate limit, None without one
    :return: the response, or why there is none; None if it missed its turn and was not written
    """
    if connection.dry_run:
        return connection.dry_run.answer(request)
    start = max(time.monotonic(), turn.place if turn else 0)

    def answer(**values):
        return HttpAnswer(duration=max(0, round((time.monotonic() - start) * 1000)), **values)

    with request_under_way(), attempt(min(start + 2 * timeout, deadline), turn) as state:
        try:
            with _Session.get(connection).send(request, timeout) as response:
                text = decode(read_body(response), response.headers.get('Content-Type', ''))
                return answer(
                    status=response.status_code, text=text,
                    headers={key.lower(): value for key, value in response.headers.items()})
        except MissedTurnError:
            return None
        except Exception as error:
            failure, reason = _explain_unknown(error) if state.written else _explain_refused(error)
            _logger.debug("Request of gateway %s failed: %s", connection.key, failure)
            return answer(status=None, failure=failure, reason=reason)


def exchange_in_time(connection: GatewayConnection, request: HttpRequest) -> HttpAnswer:
    """Make one request while a user waits: it ends after twice the timeout, even if the DNS lookup takes longer."""
    return exchange_all_in_time(connection, [request])[0]


def exchange_all_in_time(connection: GatewayConnection, requests: list[HttpRequest]) -> list[HttpAnswer]:
    """Make requests while a user waits: together they end after twice the timeout.

    :return: the responses in the order of the requests
    """
    deadline = time.monotonic() + 2 * connection.timeout
    answers = {}
    with RequestPool(deadline) as pool:
        for request in requests:
            pool.submit(connection, request)
        while len(pool):
            collected = pool.collect(deadline - time.monotonic() + 1) or pool.abandon()
            answers |= {id(request): answer for request, answer in collected}
    not_sent = HttpAnswer(status=None, failure='connect', reason=Problem('no_time_left'))
    return [answers[id(request)] or not_sent for request in requests]


def _is_failing(answer: HttpAnswer) -> bool:
    """Return whether the provider fails, so that the outcome of all SMS is unknown, or probably refuses the account."""
    return answer.failure in ('timeout', 'broken') or answer.status in ACCOUNT_STATUS or (
        answer.status is not None and answer.status >= 500 and answer.status not in RETRY_LATER)


def _explain_unknown(error: Exception) -> tuple[str, Problem]:
    """Explain why there is no response to a request that was written, without the error's text, because URLs may
    contain credentials.

    :return: `HttpAnswer.failure` and the problem
    """
    causes = _get_causes(error)
    if isinstance(error, AnswerError):
        return 'broken', error.problem
    return _find_kind(causes, _UNKNOWN) or ('broken', Problem('response_lost'))


def _explain_refused(error: Exception) -> tuple[str, Problem]:
    """Explain why no byte of a request was written; returns the same as `_explain_unknown`."""
    causes = _get_causes(error)
    for cause in causes:
        if refused := re.match(r'Tunnel connection failed: ([0-9]{3})', str(cause)):
            return 'connect', Problem('proxy_refused', (('status', refused[1]),))
        if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
            words = str(getattr(cause, 'verify_message', cause))
            return 'connect', Problem('untrusted_certificate', (('error', words),))
    if isinstance(error, requests.exceptions.ProxyError):
        return 'connect', Problem('proxy_unreachable')
    if kind := _find_kind(causes, _REFUSED):
        return kind
    if isinstance(error, (requests.exceptions.ConnectionError, HTTPError, HTTPException)):
        return 'connect', Problem('connection_lost')
    # for example an invalid URL or header
    return 'invalid', Problem('invalid_request', (('error', type(error).__name__),))


def _find_kind(causes: list, kinds: tuple) -> tuple[str, Problem] | None:
    return next((
        (failure, problem) for kind, failure, problem in kinds
        if any(isinstance(cause, kind) for cause in causes)), None)


def _get_causes(error: BaseException) -> list:
    """Return an error and all its causes, however `requests`, urllib3 and Python nest them."""
    found, waiting = [], [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            waiting += [*cause.args, getattr(cause, 'reason', None), cause.__cause__, cause.__context__]
    return found


class _WorkerThreads:
    """The threads of one gateway, at most one per connection, and the requests that wait for them.

    Between a response and the next request, while a connection is idle, they cost less time than a pool of
    `concurrent.futures`. As daemons they do not delay the end of the process.
    """

    def __init__(self, name: str, work: Callable):
        self._name = name
        self._work = work
        self._waiting: queue.SimpleQueue = queue.SimpleQueue()
        self._threads = 0

    def give(self, job: tuple, most: int):
        """Let a thread run `work(*job)`.

        :param most: maximum number of threads
        """
        self._waiting.put(job)
        if self._threads < most:
            self._threads += 1
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self):
        while job := self._waiting.get():
            self._work(*job)

    def take_back(self) -> list[tuple]:
        """Remove and return the waiting jobs."""
        jobs = []
        with contextlib.suppress(queue.Empty):
            while True:
                jobs.append(self._waiting.get_nowait())
        return jobs

    def dismiss(self):
        """Drop the waiting jobs, and end the threads after their current job."""
        self.take_back()
        for _thread in range(self._threads):
            self._waiting.put(None)


class RequestPool:
    """The requests in progress. One thread submits requests and collects the responses as they arrive.

    :param deadline: `time.monotonic()` by which the last response must have arrived. A request starts only if the whole
        timeout of its gateway fits before it; otherwise it is collected without a response
    :param period: seconds between the start of the job and the deadline, if the job did not start just now. Timeouts
        that are longer than most of it are shortened
    """

    def __init__(self, deadline: float, period: float | None = None):
        self.deadline = deadline
        self._patience = PATIENCE * (period or deadline - time.monotonic())
        self._workers: dict[tuple, _WorkerThreads] = {}
        self._answers: queue.SimpleQueue = queue.SimpleQueue()
        self._under_way: dict[int, HttpRequest] = {}
        self._started: set[int] = set()
        self._is_abandoned = False
        self._taken_back: dict[tuple, float] = {}  # {connection key: when its requests were last taken back}
        self._unwanted: set[int] = set()  # ids of requests that must not start
        self._failures = Counter()  # {connection key: consecutive failures of the provider}
        self._lock = threading.Lock()  # of the failures

    def __enter__(self):
        return self

    def __exit__(self, *args):
        for workers in self._workers.values():
            workers.dismiss()

    def __len__(self):
        """Return the number of requests that were not collected yet."""
        return len(self._under_way)

    def _get_timeout(self, connection: GatewayConnection) -> float:
        return min(connection.timeout, self._patience)

    def cuts_timeout(self, connection: GatewayConnection) -> bool:
        """Return whether the job is shorter than the timeout of the gateway."""
        return self._get_timeout(connection) < connection.timeout

    def get_time_to_start(self, connection: GatewayConnection) -> float:
        """Return the seconds in which requests of a gateway can still start."""
        return self.deadline - self._get_timeout(connection) - time.monotonic()

    def submit(self, connection: GatewayConnection, request: HttpRequest, not_before: float = 0):
        """Send a request as soon as a connection of its gateway is free.

        :param not_before: `time.monotonic()` of its place under a rate limit, 0 without one. The request starts neither
            earlier nor much later
        """
        workers = self._workers.get(connection.key)
        if workers is None:
            workers = self._workers[connection.key] = _WorkerThreads(f'sms-{connection.key[-1]}', self._run)
        self._under_way[id(request)] = request
        workers.give((connection, request, not_before), min(connection.connections, len(self._under_way)))

    def take_back(self, connection: GatewayConnection):
        """Do not start the requests of a gateway that wait for a connection or for their place: they are collected
        without a response."""
        self._taken_back[connection.key] = time.monotonic()
        if connection.key in self._workers:
            for _connection, request, _not_before in self._workers[connection.key].take_back():
                self._answers.put((request, None))

    def withdraw(self, is_unwanted: Callable):
        """Do not start these requests, as long as they wait: they are collected without a response."""
        self._unwanted = {key for key, request in self._under_way.items() if is_unwanted(request)}

    def resume(self, connection: GatewayConnection):
        """Start requests of a gateway again, although the last ones have failed."""
        self._failures[connection.key] = 0

    def _run(self, connection: GatewayConnection, request: HttpRequest, not_before: float):
        answer = None
        began = time.monotonic()
        turn = Turn(not_before, lambda: self._is_withdrawn(connection, request, began)) if not_before else None
        if self._wait_to_connect(connection, turn):
            # in this order, so that `abandon` sees that it has started, or it sees that the pool was abandoned
            self._started.add(id(request))
            if not self._is_withdrawn(connection, request, began):
                answer = exchange(connection, request, self._get_timeout(connection), self.deadline, turn)
        # before the failure is counted, so that the run sees it before the requests that it stops
        self._answers.put((request, answer))
        if answer:
            with self._lock:
                self._failures[connection.key] = self._failures[connection.key] + 1 if _is_failing(answer) else 0

    def _wait_to_connect(self, connection: GatewayConnection, turn: Turn | None) -> bool:
        """
        :return: whether the request may start
        """
        left = self.get_time_to_start(connection)
        if left < 0 or (turn and turn.place > time.monotonic() + left):
            return False
        try:
            if turn:
                turn.wait_to_connect()
                if connection.dry_run:
                    turn.wait()
                    turn.check()
        except MissedTurnError:
            return False
        return True

    def _is_withdrawn(self, connection: GatewayConnection, request: HttpRequest, began: float) -> bool:
        """Return whether a request that a thread has taken must not start. Failures count here too, because requests
        that start before the run sees them would fail as well."""
        return (self._is_abandoned or id(request) in self._unwanted or self._failures[connection.key] >= MAX_FAILURES
                or self._taken_back.get(connection.key, 0) >= began)

    def collect(self, wait: float) -> list[tuple[HttpRequest, HttpAnswer | None]]:
        """Return the requests that have ended or will not start.

        :param wait: seconds to wait for the first one
        :return: pairs of request and HttpAnswer; None instead of a response if the request was never started
        """
        collected = []
        try:
            pair = self._answers.get(timeout=max(wait, 0))
            while True:
                if self._under_way.pop(id(pair[0]), None) is not None:
                    self._started.discard(id(pair[0]))
                    collected.append(pair)
                pair = self._answers.get_nowait()
        except queue.Empty:
            return collected

    def has_answers(self) -> bool:
        """Return whether responses are waiting to be collected."""
        return not self._answers.empty()

    def abandon(self) -> list[tuple[HttpRequest, HttpAnswer | None]]:
        """Give up on requests that exceed their time, because DNS lookups cannot be interrupted.

        :return: pairs as in `collect`: None for requests that were never started
        """
        self._is_abandoned = True
        lost = [
            (request, HttpAnswer(status=None, failure='timeout', reason=Problem('timeout'))
             if key in self._started else None)
            for key, request in self._under_way.items()
        ]
        self._under_way.clear()
        return lost
