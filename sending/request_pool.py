# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""HTTP requests in parallel over kept-alive connections, within a deadline. No ORM, no transaction: threads only."""
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

_logger = getLogger(__name__)

# A provider may close an idle connection at any time, and a request that is written into the closing one looks as if
# it had been taken. Idle connections are therefore not used again after this many seconds.
KEEP_ALIVE = 4
# A request that is later than this gives up the place that the rate limit gave it: what goes late meets what is on
# time, of this process or of another one, and both together would exceed the limit.
MAX_LATE = 0.05  # seconds
PATIENCE = 0.95  # of the time that a job has: the most of it to wait for an answer, the rest is left to start in
RUNS = 16  # of a process at a time whose connections to one gateway are all kept
_TIMEOUTS = TimeoutError, Urllib3TimeoutError, requests.exceptions.Timeout
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
        self._session.auth = lambda request: request  # keeps a .netrc from replacing the gateway's Authorization
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # `requests` looks where a redirect leads even if it is not followed, and an odd Location makes that fail
        self._session.resolve_redirects = lambda *args, **kwargs: iter(())
        for scheme in ('http://', 'https://'):
            # several runs of this process, copies of the queue action for example, share it
            self._session.mount(scheme, Adapter(pool_maxsize=RUNS * connections, max_retries=0))

    @classmethod
    def get(cls, connection: GatewayConnection) -> '_Session':
        """The session of a gateway; a new one when it was idle for long or its number of connections changed."""
        with cls._lock:
            session = cls._shared.get(connection.key)
            now = time.monotonic()
            if session is None or session.connections != connection.connections or now - session.used > KEEP_ALIVE:
                # the old one is not closed here: another thread may still read from it
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
        """What takes `requests` a sixth of its time is the same for all that a gateway posts, the bodies aside."""
        head = request.method, request.url, request.headers
        known, template = self._last
        if known != head:
            # http.client takes text as Latin-1 only; everything here is UTF-8
            headers = {key: value.encode() for key, value in request.headers}
            template = requests.Request(request.method, request.url, headers=headers).prepare()
            template.headers.setdefault('User-Agent', USER_AGENT)
            self._last = head, template
        prepared = template.copy()
        prepared.prepare_body(request.body, None)
        return prepared


def exchange(
        connection: GatewayConnection, request: HttpRequest, timeout: float, deadline: float = math.inf) -> HttpAnswer:
    """Make one request.

    :param timeout: seconds for the answer to begin, and again for it to end
    :param deadline: `time.monotonic()` at which it ends anyway
    :return: the answer, or what is known of its absence; never raises
    """
    start = time.monotonic()

    def answer(**values):
        return HttpAnswer(duration=round((time.monotonic() - start) * 1000), **values)

    with request_under_way(), attempt(min(start + 2 * timeout, deadline)) as state:
        try:
            with _Session.get(connection).send(request, timeout) as response:
                text = decode(read_body(response), response.headers.get('Content-Type', ''))
                return answer(
                    status=response.status_code, text=text,
                    headers={key.lower(): value for key, value in response.headers.items()})
        except Exception as error:
            failure, reason = _explain_unknown(error) if state.written else _explain_refused(error)
            _logger.debug("Request of gateway %s failed: %s", connection.key, failure)
            return answer(status=None, failure=failure, reason=reason)


def exchange_in_time(connection: GatewayConnection, request: HttpRequest) -> HttpAnswer:
    """Make one request while somebody waits: after twice the time-out there is an answer whatever happens, even if the
    host cannot be looked up in time."""
    deadline = time.monotonic() + 2 * connection.timeout
    with RequestPool(deadline) as pool:
        pool.submit(connection, request)
        (_request, answer), = pool.collect(deadline - time.monotonic() + 1) or pool.abandon()
    return answer or HttpAnswer(status=None, failure='connect', reason=Problem('no_time_left'))


def _is_failing(answer: HttpAnswer) -> bool:
    """Tell whether the outcome is unknown whatever the response says about an SMS."""
    return answer.failure in ('timeout', 'broken') or (
        answer.status is not None and answer.status >= 500 and answer.status not in RETRY_LATER)


def _explain_unknown(error: Exception) -> tuple[str, Problem]:
    """Tell why there is no response to a request that was handed over, without any of its texts: URLs carry
    credentials.

    :return: `HttpAnswer.failure` and the problem
    """
    causes = _get_causes(error)
    if isinstance(error, AnswerError):
        return 'broken', error.problem
    if any(isinstance(cause, TooLongError) for cause in causes):
        return 'broken', Problem('response_too_long')
    if any(isinstance(cause, _TIMEOUTS) for cause in causes):
        return 'timeout', Problem('timeout')
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return 'broken', Problem('tls_lost')
    return 'broken', Problem('response_lost')


def _explain_refused(error: Exception) -> tuple[str, Problem]:
    """Tell why nothing of a request was handed over. Returns the same as `_explain_unknown`."""
    causes = _get_causes(error)
    for cause in causes:
        if refused := re.match(r'Tunnel connection failed: ([0-9]{3})', str(cause)):
            return 'connect', Problem('proxy_refused', (('status', refused[1]),))
        if isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
            words = str(getattr(cause, 'verify_message', cause))
            return 'connect', Problem('untrusted_certificate', (('error', words),))
    if isinstance(error, requests.exceptions.ProxyError):
        return 'connect', Problem('proxy_unreachable')
    if any(isinstance(cause, LocationValueError) for cause in causes):
        return 'invalid', Problem('invalid_host')
    if any(isinstance(cause, NewConnectionError) for cause in causes):  # before time-outs, of which it may be a kind
        return 'connect', Problem('unreachable')
    if any(isinstance(cause, _TIMEOUTS) for cause in causes):
        return 'connect', Problem('connect_timeout')
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return 'connect', Problem('no_tls')
    if isinstance(error, (requests.exceptions.ConnectionError, HTTPError, HTTPException)):
        return 'connect', Problem('connection_lost')
    # bad URL, bad header and the like
    return 'invalid', Problem('invalid_request', (('error', type(error).__name__),))


def _get_causes(error: BaseException) -> list:
    """An error and all that are told as its cause, in whatever way `requests`, urllib3 and Python nest them."""
    found, waiting = [], [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            waiting += [*cause.args, getattr(cause, 'reason', None), cause.__cause__, cause.__context__]
    return found


class _WorkerThreads:
    """The threads of one connection, at most as many as it has connections, and the requests that wait for them.

    Threads that take one request after the other cost less between an answer and the next request, when a connection
    stands idle, than a pool of `concurrent.futures`; and as daemons they do not hold up the end of the process.
    """

    def __init__(self, name: str, work: Callable):
        self._name = name
        self._work = work
        self._waiting: queue.SimpleQueue = queue.SimpleQueue()
        self._threads = 0

    def give(self, job: tuple, most: int):
        """Let a thread do `work(*job)`.

        :param most: threads that there may be
        """
        self._waiting.put(job)
        if self._threads < most:
            self._threads += 1
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self):
        while job := self._waiting.get():
            self._work(*job)

    def take_back(self) -> list[tuple]:
        """The jobs that still wait; no thread will do them."""
        jobs = []
        with contextlib.suppress(queue.Empty):
            while True:
                jobs.append(self._waiting.get_nowait())
        return jobs

    def dismiss(self):
        """Drop what waits, and let the threads end when they are done with what they are at."""
        self.take_back()
        for _thread in range(self._threads):
            self._waiting.put(None)


class RequestPool:
    """Requests under way. Used by one thread, which submits requests and collects the answers as they arrive.

    :param deadline: `time.monotonic()` at which the last answer must be there. A request starts only while a whole
        timeout of its gateway still fits; one that cannot start any more is collected without an answer.
    :param period: seconds that the whole job has until the deadline, if it did not begin just now. A timeout that is
        longer than most of it is cut.
    """

    def __init__(self, deadline: float, period: float | None = None):
        self.deadline = deadline
        self._patience = PATIENCE * (period or deadline - time.monotonic())
        self._workers: dict[tuple, _WorkerThreads] = {}
        self._answers: queue.SimpleQueue = queue.SimpleQueue()
        self._under_way: dict[int, HttpRequest] = {}
        self._started: set[int] = set()
        self._is_abandoned = False
        self._taken_back: dict[tuple, float] = {}  # when requests of a connection were taken back last
        self._failures = Counter()  # {connection: responses in a row that leave the outcome unknown}

    def __enter__(self):
        return self

    def __exit__(self, *args):
        for workers in self._workers.values():
            workers.dismiss()

    def __len__(self):
        """Requests whose answer was not collected yet."""
        return len(self._under_way)

    def _get_timeout(self, connection: GatewayConnection) -> float:
        return min(connection.timeout, self._patience)

    def cuts_timeout(self, connection: GatewayConnection) -> bool:
        """Whether the whole job has less time than the gateway's provider."""
        return self._get_timeout(connection) < connection.timeout

    def get_time_to_start(self, connection: GatewayConnection) -> float:
        """Seconds that are left for a gateway's requests to start."""
        return self.deadline - self._get_timeout(connection) - time.monotonic()

    def submit(self, connection: GatewayConnection, request: HttpRequest, not_before: float = 0):
        """Send a request as soon as a connection of its gateway is free.

        :param not_before: `time.monotonic()` of its place under a rate limit. It starts neither earlier nor much later.
            0: there is no rate limit
        """
        workers = self._workers.get(connection.key)
        if workers is None:
            workers = self._workers[connection.key] = _WorkerThreads(f'sms-{connection.key[-1]}', self._run)
        self._under_way[id(request)] = request
        workers.give((connection, request, not_before), min(connection.connections, len(self._under_way)))

    def take_back(self, connection: GatewayConnection):
        """Start none of a gateway's requests that wait for a connection or for their time: they are collected without
        an answer."""
        self._taken_back[connection.key] = time.monotonic()
        if connection.key in self._workers:
            for _connection, request, _not_before in self._workers[connection.key].take_back():
                self._answers.put((request, None))

    def resume(self, connection: GatewayConnection):
        """Start a gateway's requests again although the last ones have failed."""
        self._failures[connection.key] = 0

    def _run(self, connection: GatewayConnection, request: HttpRequest, not_before: float):
        answer = None
        if self._wait_for_turn(connection, not_before):
            # in this order: either it is seen to have started, or it sees that nobody waits for it any more
            self._started.add(id(request))
            # here too, because every request that starts until the run knows of the failures is in doubt as well
            if not self._is_abandoned and self._failures[connection.key] < MAX_FAILURES:
                answer = exchange(connection, request, self._get_timeout(connection), self.deadline)
                self._failures[connection.key] = self._failures[connection.key] + 1 if _is_failing(answer) else 0
        self._answers.put((request, answer))

    def _wait_for_turn(self, connection: GatewayConnection, not_before: float) -> bool:
        """
        :return: whether the request may start now
        """
        began = time.monotonic()
        wait = max(not_before - began, 0)
        if wait > self.get_time_to_start(connection):
            return False
        if not not_before:
            return True
        time.sleep(wait)
        return self._taken_back.get(connection.key, 0) < began and time.monotonic() <= not_before + MAX_LATE

    def collect(self, wait: float) -> list[tuple[HttpRequest, HttpAnswer | None]]:
        """The answers that are there, after waiting up to so many seconds for the first one.

        :return: pairs; None instead of an answer means that the request never started
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
        """Whether answers wait to be collected."""
        return not self._answers.empty()

    def abandon(self) -> list[tuple[HttpRequest, HttpAnswer | None]]:
        """Give up on what has not ended although its time is over (looking up a host cannot be interrupted).

        :return: pairs as of `collect`: None for what did not start, and will not
        """
        self._is_abandoned = True
        lost = [
            (request, HttpAnswer(status=None, failure='timeout', reason=Problem('timeout'))
             if key in self._started else None)
            for key, request in self._under_way.items()
        ]
        self._under_way.clear()
        return lost
