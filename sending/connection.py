# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Connections for `requests` that record whether a request was written, and that limit the time of a whole exchange.

The timeouts of `urllib3` apply to each read, not to a whole response, and its exceptions differ between proxies, TLS
implementations and major versions. They do not show reliably whether an SMS may be sent again, so these connections
record the fact that decides it: whether a byte was written.
"""
import contextlib
import functools
import http.client
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NewConnectionError
from urllib3.util.connection import create_connection

from .turn import MissedTurnError, Turn

CONNECT_TIMEOUT = 5  # seconds, for each address of a host
MAX_RECEIVED = 256 * 1024  # bytes of a response, including headers; `http_body.MAX_ANSWER` limits the body
POOLS = 4  # hosts per gateway whose connections are kept; usually one, unless the URL changes


class TooLongError(OSError):
    """A response has more than `MAX_RECEIVED` bytes."""


class Attempt:
    """The state of one request of this thread.

    :param until: `time.monotonic()` at which the exchange must end
    :param turn: its place under a rate limit, None without one
    :ivar unused: the connection of a request that missed its turn; the next one uses it
    :ivar bool written: whether the provider, or a proxy that forwards requests, may have received any byte of the
        request. A CONNECT request to a proxy does not count
    """
    __slots__ = 'received', 'turn', 'until', 'unused', 'written'

    def __init__(self, until: float, turn: Turn | None = None):
        self.until = until
        self.turn = turn
        self.unused = None
        self.written = False
        self.received = 0

    def get_remaining(self) -> float:
        """
        :return: seconds that are left, more than 0
        :raise TimeoutError: if no time is left
        """
        remaining = self.until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("The time limit of this request was reached")
        return remaining

    def wait_for_turn(self, connection) -> None:
        """Wait until the request may be written.

        :raise MissedTurnError: if it must not be written now
        """
        if not self.turn:
            return
        self.turn.wait()
        if not _is_open(connection.sock):  # closed in the meantime
            raise MissedTurnError
        self.unused = connection
        self.turn.check()
        self.unused = None

    def hand_over(self, sock, data: bytes) -> None:
        """Write the request.

        :raise OSError: if not all of it can be written
        :raise MissedTurnError: if it must not be written any more
        """
        if self.turn:
            self.turn.check()
        plain = type(sock) is socket.socket
        view = memoryview(data)
        while view:
            _shorten(sock, self.get_remaining())
            # if writing over TLS fails, part of a record may have been written
            self.written = self.written or not plain
            size = sock.send(view)
            self.written = True
            view = view[size:]


_local = threading.local()


class attempt:
    """A context in which all requests of this thread belong to one attempt."""

    def __init__(self, until: float, turn: Turn | None = None):
        self._attempt = Attempt(until, turn)

    def __enter__(self) -> Attempt:
        _local.attempt = self._attempt
        return self._attempt

    def __exit__(self, *args):
        _local.attempt = None


def _get_unused():
    state = getattr(_local, 'attempt', None)
    return state and state.unused


def _is_open(sock) -> bool:
    """Return whether an idle connection is still open. `urllib3` would take TLS 1.3 session tickets, which arrive
    before the first response, for data of the provider."""
    timeout = sock.gettimeout()
    sock.settimeout(0)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    finally:
        sock.settimeout(timeout)
    return False


def _shorten(sock, most: float):
    timeout = sock.gettimeout()
    if timeout is None or timeout > most:
        sock.settimeout(most)


class _Incoming(io.RawIOBase):
    """The incoming data of a connection, limited by the time and size of the current attempt."""

    def __init__(self, raw, sock):
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._attempt = _local.attempt
        self.ended = False  # whether reading has finished
        self.is_cut = False  # whether the other side closed the connection

    def readable(self):
        return True

    def readinto(self, buffer):
        if self.ended:
            return 0
        _shorten(self._sock, self._attempt.get_remaining())
        size = self._raw.readinto(buffer)
        self._attempt.received += size or 0
        if self._attempt.received > MAX_RECEIVED:
            raise TooLongError
        self.is_cut = size == 0
        return size

    def has_more(self):
        """Return whether TLS has buffered data that was not read, which the socket does not show."""
        pending = getattr(self._sock, 'pending', None)
        return bool(pending and pending())

    def close(self):
        if not self.closed:
            self._raw.close()
        super().close()


class _Buffer(io.BufferedReader):
    """A buffer that discards a connection with unread data after the end of a response. Otherwise the data would be
    read as the response to the next request, and an SMS would receive the message ID of another one."""

    def __init__(self, incoming: _Incoming, spoil: Callable):
        super().__init__(incoming)
        self._spoil = spoil

    def close(self):
        if not self.closed:
            self.raw.ended = True
            if self.peek(1) or self.raw.has_more():
                self._spoil()
        super().close()


class _Response(http.client.HTTPResponse):

    def __init__(self, connection, sock, *args, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self._connection = connection
        self.fp = _Buffer(_Incoming(self.fp.detach(), sock), self._spoil)

    def _spoil(self):
        state = getattr(_local, 'attempt', None)
        if state and state.written:  # else it is a proxy's response to CONNECT
            self._connection.close()

    def begin(self):
        super().begin()
        # RFC 9110 section 15.2: any number of interim responses may precede the final one; http.client skips only 100
        while 100 <= self.status < 200 and self.status != 101:
            self.headers = self.msg = None
            super().begin()
        if self.fp.raw.is_cut:  # http.client treats a closed connection as the end of the headers
            raise http.client.IncompleteRead(b'')
        lengths = {length.strip() for length in self.headers.get_all('Content-Length', ())}
        if len(lengths) > 1 or not all(re.fullmatch('[0-9]{1,18}', length) for length in lengths):
            # the length is unknown, but there is a response; urllib3 would raise
            del self.headers['Content-Length']
            self.length = None
            self.will_close = True
        elif self.status == 101 or (lengths and self.chunked):
            self.will_close = True


class _Connection:
    """A mixin for urllib3's connection classes. It sends the headers and body of a request together, which urllib3 2
    sends separately: one packet instead of two, and one thread switch less."""

    _parts = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.response_class = functools.partial(_Response, self)

    def _new_conn(self):
        """Connect to the first address of the host that accepts a connection, as urllib3 does, but within the time of
        the attempt, because a host may have many addresses."""
        method = super()._new_conn
        if method.__func__ is not HTTPConnection._new_conn:
            return method()  # SOCKS
        host = getattr(self, '_dns_host', self.host)
        try:
            addresses = socket.getaddrinfo(host.strip('[]'), self.port, 0, socket.SOCK_STREAM)
        except OSError as error:
            raise NewConnectionError(self, "Failed to resolve the host") from error
        except UnicodeError:
            raise LocationParseError(host) from None
        error = None
        for address in dict.fromkeys(address[4] for address in addresses):
            try:
                return create_connection(
                    address[:2], min(self.timeout, _local.attempt.get_remaining()), source_address=self.source_address,
                    socket_options=self.socket_options)
            except OSError as failure:
                error = failure
        if isinstance(error, TimeoutError):
            raise ConnectTimeoutError(self, "Connection timed out") from error
        raise NewConnectionError(self, "Failed to establish a new connection") from error

    def request(self, *args, **kwargs):
        if self.sock is None:
            self.connect()
        _local.attempt.wait_for_turn(self)
        self._parts = []
        try:
            super().request(*args, **kwargs)
            whole = b''.join(self._parts)
        finally:
            self._parts = None
        _local.attempt.hand_over(self.sock, whole)

    def close(self):
        if _get_unused() is not self:
            super().close()

    def send(self, data):
        if self._parts is None:  # CONNECT
            super().send(data)
        else:
            self._parts.append(data)


@functools.cache
def _with_our_connections(pool_class: type) -> type:
    class Pool(pool_class):
        class ConnectionCls(_Connection, pool_class.ConnectionCls):
            pass

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self._unused = []  # connections of requests that missed their turn

        def _get_conn(self, *args, **kwargs):
            while self._unused:
                with contextlib.suppress(IndexError):  # another thread was faster
                    connection = self._unused.pop()
                    if _is_open(connection.sock):
                        return connection
                    connection.close()
            return super()._get_conn(*args, **kwargs)

        def _put_conn(self, conn):
            if unused := _get_unused():
                self._unused.append(unused)
            else:
                super()._put_conn(conn)
    return Pool


class Adapter(HTTPAdapter):
    """An adapter that uses the connections of this module, with and without a proxy, and splits the timeout of a call
    into one for connecting and one for reading. It looks up the connection pool of a host only once, because the proxy
    and certificates of a session never change and the lookup takes a tenth of the time of a request."""

    def __init__(self, **kwargs):
        super().__init__(pool_connections=POOLS, **kwargs)
        self._give_connections(self.poolmanager)
        self._pools = {}

    @staticmethod
    def _give_connections(manager):
        manager.pool_classes_by_scheme = {
            scheme: _with_our_connections(pool_class) for scheme, pool_class in manager.pool_classes_by_scheme.items()}

    def proxy_manager_for(self, proxy, **kwargs):
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            self._give_connections(manager)
        return manager

    def get_connection_with_tls_context(self, request, *args, **kwargs):
        site = tuple(request.url.split('/', 3)[:3])
        pool = self._pools.get(site)
        if pool is None:
            if len(self._pools) >= POOLS:
                self._pools.clear()  # because urllib3 closes the oldest pool
            pool = self._pools[site] = super().get_connection_with_tls_context(request, *args, **kwargs)
        return pool

    def send(self, request, stream=False, timeout=None, **kwargs):
        return super().send(request, stream=stream, timeout=(min(CONNECT_TIMEOUT, timeout), timeout), **kwargs)
