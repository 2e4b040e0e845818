# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Connections of `requests` that know whether a request was handed over, and that end in time whatever drips.

`urllib3` has a timeout for each byte, not for an answer, and tells by the class of an exception alone what happened,
which is not the same with every proxy, every kind of TLS and both of its major versions. Neither is enough to say
whether an SMS may be sent again, so that these connections note the one fact that decides it.
"""
import functools
import http.client
import io
import re
import socket
import threading
import time
from collections.abc import Callable

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NewConnectionError
from urllib3.util.connection import create_connection

CONNECT_TIMEOUT = 5  # seconds, for each address of a host
MAX_RECEIVED = 256 * 1024  # bytes of an answer, head included, of which `body.MAX_ANSWER` are read at most
POOLS = 4  # hosts of one gateway whose connections are kept: one, unless its URL changes


class TooLongError(OSError):
    """An answer had more than `MAX_RECEIVED` bytes."""


class Attempt:
    """One request and what became of it, while it is made in this thread.

    :param until: `time.monotonic()` at which all of it ends
    :ivar bool written: whether the provider, or a proxy that forwards requests, may have got any byte of the request.
        What opens the way through a proxy to the provider (CONNECT) is no part of it
    """
    __slots__ = 'received', 'until', 'written'

    def __init__(self, until: float):
        self.until = until
        self.written = False
        self.received = 0

    def get_remaining(self) -> float:
        """
        :return: seconds until it ends, more than 0
        :raise TimeoutError: if there are none
        """
        remaining = self.until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("The time of this request is over")
        return remaining

    def hand_over(self, sock, data: bytes) -> None:
        """Write the request.

        :raise OSError: if the connection does not take all of it
        """
        plain = type(sock) is socket.socket
        view = memoryview(data)
        while view:
            _shorten(sock, self.get_remaining())
            # what TLS has written of a record is not known when writing it fails
            self.written = self.written or not plain
            size = sock.send(view)
            self.written = True
            view = view[size:]


_local = threading.local()


class attempt:
    """A context in which requests of this thread are part of one attempt."""

    def __init__(self, until: float):
        self._attempt = Attempt(until)

    def __enter__(self) -> Attempt:
        _local.attempt = self._attempt
        return self._attempt

    def __exit__(self, *args):
        _local.attempt = None


def _shorten(sock, most: float):
    timeout = sock.gettimeout()
    if timeout is None or timeout > most:
        sock.settimeout(most)


class _Incoming(io.RawIOBase):
    """What arrives at a connection, within the time and the size of the attempt that asks for it."""

    def __init__(self, raw, sock):
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._attempt = _local.attempt
        self.ended = False  # whether nothing more is to be read
        self.is_cut = False  # whether the other side has ended it

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
        """Whether TLS has taken more from the connection than was read, which no look at the socket tells."""
        pending = getattr(self._sock, 'pending', None)
        return bool(pending and pending())

    def close(self):
        if not self.closed:
            self._raw.close()
        super().close()


class _Buffer(io.BufferedReader):
    """What of it was not read yet. A connection on which anything is left when an answer has ended is not used again:
    it would be read as the answer to the next request, and an SMS would get the message ID of another one."""

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
        if state and state.written:  # else it is the answer of a proxy to CONNECT
            self._connection.close()

    def begin(self):
        super().begin()
        # RFC 9110 section 15.2: any number of interim answers comes before the final one. http.client knows 100 only
        while 100 <= self.status < 200 and self.status != 101:
            self.headers = self.msg = None
            super().begin()
        if self.fp.raw.is_cut:  # http.client takes the end of a connection for the end of a head
            raise http.client.IncompleteRead(b'')
        lengths = {length.strip() for length in self.headers.get_all('Content-Length', ())}
        if len(lengths) > 1 or not all(re.fullmatch('[0-9]{1,18}', length) for length in lengths):
            # nobody knows where it ends, which is no reason to take it for none (urllib3 would raise)
            del self.headers['Content-Length']
            self.length = None
            self.will_close = True
        elif self.status == 101 or (lengths and self.chunked):
            self.will_close = True


class _Connection:
    """What each class of urllib3's connections gets. Head and body of a request leave together, where urllib3 2 sends
    them one after the other: one packet instead of two, and one turn less to wait for among the threads."""

    _parts = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.response_class = functools.partial(_Response, self)

    def _new_conn(self):
        """Connect to the first address of the host that answers, as urllib3 does, but not beyond the time of the
        attempt: a host may have many addresses."""
        method = super()._new_conn
        if method.__func__ is not HTTPConnection._new_conn:
            return method()  # by SOCKS
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
        self._parts = []
        try:
            super().request(*args, **kwargs)
            whole = b''.join(self._parts)
        finally:
            self._parts = None
        if self.sock is None:
            self.connect()
        _local.attempt.hand_over(self.sock, whole)

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
    return Pool


class Adapter(HTTPAdapter):
    """Has the connections of this module, with and without a proxy, turns the one timeout of a call into separate ones
    to connect and to read, and looks up a host's pool of connections once: proxy and certificates of a session never
    change, and the look-up takes a tenth of a request."""

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
                self._pools.clear()  # urllib3 closes the oldest now
            pool = self._pools[site] = super().get_connection_with_tls_context(request, *args, **kwargs)
        return pool

    def send(self, request, stream=False, timeout=None, **kwargs):
        return super().send(request, stream=stream, timeout=(min(CONNECT_TIMEOUT, timeout), timeout), **kwargs)
