# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""HTTP requests in parallel over kept-alive connections, within a deadline. No ORM, no transaction: threads only."""
import contextlib
import logging
import queue
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    MaxRetryError,
    NewConnectionError,
)

from .request import HttpRequest
from .response import HttpAnswer
from .secret_log import request_under_way

_logger = logging.getLogger(__name__)

MAX_ANSWER = 64 * 1024  # bytes of an answer that are read
CONNECT_TIMEOUT = 5  # seconds
# A provider may close an idle connection at any time, and a request that is written into the closing one looks as if
# it had been taken. Idle connections are therefore not used again after this many seconds.
KEEP_ALIVE = 4
# A request that is later than this gives up the place that the rate limit gave it: what goes late meets what is on
# time, of this process or of another one, and both together would exceed the limit.
MOST_LATE = 0.05  # seconds
PATIENCE = 0.95  # of the time that a job has: the most of it to wait for an answer, the rest is left to start in
RUNS = 16  # of a process at a time whose connections to one gateway are all kept
POOLS = 4  # hosts of one gateway whose connections are kept: one, unless its URL changes
USER_AGENT = 'eis_sms_apis/19.0.3.0.0 (Odoo)'


@dataclass(frozen=True, slots=True)
class Line:
    """How one gateway is reached.

    :param key: identifies the gateway among all databases of this process; its connections are shared under it
    :param connections: requests in parallel
    :param timeout: seconds to wait for an answer
    """
    key: tuple
    connections: int = 8
    timeout: float = 15


class _Adapter(HTTPAdapter):
    """Turns the one timeout of a call into separate ones to connect and to read, and looks up a host's pool of
    connections once: proxy and certificates of a session never change, and the look-up takes a tenth of a request."""

    def __init__(self, **kwargs):
        super().__init__(pool_connections=POOLS, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {'http': _HttpPool, 'https': _HttpsPool}
        self._pools = {}

    def get_connection_with_tls_context(self, request, *args, **kwargs):
        site = tuple(request.url.split('/', 3)[:3])
        pool = self._pools.get(site)
        if pool is None:
            if len(self._pools) >= POOLS:
                self._pools.clear()  # urllib3 closes the oldest now
            pool = self._pools[site] = super().get_connection_with_tls_context(request, *args, **kwargs)
        return pool

    def send(self, request, stream=False, timeout=None, **kwargs):
        return super().send(request, stream=stream, timeout=(min(CONNECT_TIMEOUT, timeout), timeout), **kwargs)


class _AtOnce:
    """A connection that sends head and body of a request together, where urllib3 2 sends them one after the other: one
    packet instead of two, and one turn less to wait for among the threads."""

    _parts = None

    def request(self, *args, **kwargs):
        self._parts = []
        try:
            super().request(*args, **kwargs)
            whole = b''.join(self._parts)
        finally:
            self._parts = None
        self.send(whole)

    def send(self, data):
        if self._parts is None:
            super().send(data)
        else:
            self._parts.append(data)


class _HttpPool(HTTPConnectionPool):

    class ConnectionCls(_AtOnce, HTTPConnectionPool.ConnectionCls):
        pass


class _HttpsPool(HTTPSConnectionPool):

    class ConnectionCls(_AtOnce, HTTPSConnectionPool.ConnectionCls):
        pass


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
        for scheme in ('http://', 'https://'):
            # several runs of this process, copies of the queue action for example, share it
            self._session.mount(scheme, _Adapter(pool_maxsize=RUNS * connections, max_retries=0))

    @classmethod
    def get(cls, line: Line) -> '_Session':
        """The session of a line; a new one when it was idle for long or its number of connections changed."""
        with cls._lock:
            session = cls._shared.get(line.key)
            now = time.monotonic()
            if session is None or session.connections != line.connections or now - session.used > KEEP_ALIVE:
                # the old one is not closed here: another thread may still read from it
                session = cls._shared[line.key] = cls(line.connections)
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


def exchange(line: Line, request: HttpRequest, timeout: float) -> HttpAnswer:
    """Make one request.

    :param timeout: seconds for the answer to begin, and again for it to end
    :return: the answer, or what is known of its absence; never raises
    """
    start = time.monotonic()

    def answer(**values):
        return HttpAnswer(duration=round((time.monotonic() - start) * 1000), **values)

    try:
        with request_under_way(), _Session.get(line).send(request, timeout) as response:
            content, complete = _read(response, start + 2 * timeout)
            if not complete:
                return answer(status=None, failure='broken', reason="The connection was lost while the answer arrived.")
            return answer(
                status=response.status_code,
                text=content.decode(response.encoding or 'utf-8', 'replace') if _known_charset(response)
                else content.decode('utf-8', 'replace'),
                headers={key.lower(): value for key, value in response.headers.items()})
    except Exception as error:
        failure, reason = _explain(error)
        _logger.debug("Request of gateway %s failed: %s", line.key, failure)
        return answer(status=None, failure=failure, reason=reason)


def _known_charset(response: requests.Response) -> bool:
    """Whether the answer names its charset: `requests` assumes Latin-1 for text otherwise, providers send UTF-8."""
    if 'charset=' not in response.headers.get('Content-Type', '').lower():
        return False
    try:
        ''.encode(response.encoding or '')
    except LookupError:
        return False
    return True


def _read(response: requests.Response, until: float) -> tuple[bytes, bool]:
    """Up to `MAX_ANSWER` bytes of the body, and whether it was not cut off."""
    chunks, size = [], 0
    for chunk in response.iter_content(8192):
        chunks.append(chunk)
        size += len(chunk)
        if size >= MAX_ANSWER:
            return b''.join(chunks)[:MAX_ANSWER], True
        if time.monotonic() > until:
            return b''.join(chunks), False
    expected = response.headers.get('Content-Length', '')
    # urllib3 1.26 does not tell a short body from a whole one
    complete = response.status_code == 204 or not expected.isdigit() or response.raw.tell() >= int(expected)
    return b''.join(chunks), complete


def _explain(error: Exception) -> tuple[str, str]:
    """What kind of failure it is, in words that hold nothing of the request (URLs carry credentials)."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    if isinstance(error, requests.exceptions.ProxyError):
        return 'connect', "The proxy cannot be reached."
    if isinstance(error, requests.exceptions.SSLError):
        return _explain_tls(cause)
    if isinstance(cause, NewConnectionError):  # before the next one, of which it may be a kind
        return 'connect', "The server cannot be reached: is the host of the URL right?"
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(cause, ConnectTimeoutError):
        return 'connect', "The server does not answer to a connection."
    if isinstance(error, requests.exceptions.Timeout):
        return 'timeout', "No answer in time."
    if isinstance(error, LocationValueError):
        return 'invalid', "The request cannot be made: check the host of the URL."
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError, HTTPError)):
        return 'broken', "The connection was lost before the answer was complete."
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return 'broken', "The answer cannot be decoded."
    # bad URL, bad header and the like: refused before a connection was made
    return 'invalid', f"The request cannot be made ({type(error).__name__}): check the URL and the headers."


def _explain_tls(cause) -> tuple[str, str]:
    inner = cause
    while inner is not None and not isinstance(inner, ssl.SSLError):
        inner = inner.args[0] if getattr(inner, 'args', None) and isinstance(inner.args[0], Exception) else None
    if isinstance(inner, ssl.SSLCertVerificationError):
        return 'connect', f"The server's certificate is not accepted: {inner.verify_message}."
    reason = getattr(inner, 'reason', None) or ''
    if any(word in reason for word in ('HANDSHAKE', 'VERSION', 'PROTOCOL', 'CERTIFICATE', 'HTTP_REQUEST')):
        return 'connect', "No TLS connection: does the server speak https on this port?"
    return 'broken', "The TLS connection was lost."


class _Crew:
    """The threads of one line, at most as many as it has connections, and the requests that wait for them.

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


class Delivery:
    """Requests under way. Used by one thread, which submits requests and collects the answers as they arrive.

    :param deadline: `time.monotonic()` at which the last answer must be there. A request starts only while a whole
        timeout of its gateway still fits; one that cannot start any more is collected without an answer.
    :param period: seconds that the whole job has until the deadline, if it did not begin just now. A timeout that is
        longer than most of it is cut.
    """

    def __init__(self, deadline: float, period: float | None = None):
        self.deadline = deadline
        self._patience = PATIENCE * (period or deadline - time.monotonic())
        self._crews: dict[tuple, _Crew] = {}
        self._answers: queue.SimpleQueue = queue.SimpleQueue()
        self._under_way: dict[int, HttpRequest] = {}
        self._taken_back: dict[tuple, float] = {}  # when a line's requests were taken back for the last time

    def __enter__(self):
        return self

    def __exit__(self, *args):
        for crew in self._crews.values():
            crew.dismiss()

    def __len__(self):
        """Requests whose answer was not collected yet."""
        return len(self._under_way)

    def _get_timeout(self, line: Line) -> float:
        return min(line.timeout, self._patience)

    def get_time_to_start(self, line: Line) -> float:
        """Seconds that are left for a gateway's requests to start."""
        return self.deadline - self._get_timeout(line) - time.monotonic()

    def submit(self, line: Line, request: HttpRequest, not_before: float = 0):
        """Send a request as soon as a connection of its gateway is free.

        :param not_before: `time.monotonic()` that is its place in a line: it starts neither earlier nor much later, if
            there is no connection for it then. 0: it has no such place
        """
        crew = self._crews.get(line.key)
        if crew is None:
            crew = self._crews[line.key] = _Crew(f'sms-{line.key[-1]}', self._run)
        self._under_way[id(request)] = request
        crew.give((line, request, not_before), min(line.connections, len(self._under_way)))

    def take_back(self, line: Line):
        """Start none of a gateway's requests that wait for a connection or for their time: they are collected without
        an answer."""
        self._taken_back[line.key] = time.monotonic()
        if line.key in self._crews:
            for _line, request, _not_before in self._crews[line.key].take_back():
                self._answers.put((request, None))

    def _run(self, line: Line, request: HttpRequest, not_before: float):
        started = self._wait_for_turn(line, not_before)
        self._answers.put((request, exchange(line, request, self._get_timeout(line)) if started else None))

    def _wait_for_turn(self, line: Line, not_before: float) -> bool:
        """
        :return: whether the request may start now
        """
        began = time.monotonic()
        wait = max(not_before - began, 0)
        if wait > self.get_time_to_start(line):
            return False
        if not not_before:
            return True
        time.sleep(wait)
        return self._taken_back.get(line.key, 0) < began and time.monotonic() <= not_before + MOST_LATE

    def collect(self, wait: float) -> list[tuple[HttpRequest, HttpAnswer | None]]:
        """The answers that are there, after waiting up to so many seconds for the first one.

        :return: pairs; None instead of an answer means that the request never started
        """
        collected = []
        try:
            pair = self._answers.get(timeout=max(wait, 0))
            while True:
                if self._under_way.pop(id(pair[0]), None) is not None:
                    collected.append(pair)
                pair = self._answers.get_nowait()
        except queue.Empty:
            return collected

    def has_answers(self) -> bool:
        """Whether answers wait to be collected."""
        return not self._answers.empty()

    def abandon(self) -> list[tuple[HttpRequest, HttpAnswer]]:
        """Give up on what did not answer in spite of its timeout (an answer may trickle for ever)."""
        lost = [
            (request, HttpAnswer(status=None, failure='timeout', reason="No answer in time."))
            for request in self._under_way.values()
        ]
        self._under_way.clear()
        return lost
