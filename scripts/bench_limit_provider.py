# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The provider of `scripts/bench limit`: one thread that records when the kernel received each SMS, so that neither the
load of the machine nor this process adds to the times."""
import contextlib
import heapq
import selectors
import socket
import struct
import threading
import time
from urllib.parse import parse_qs

RESPONSE_SECONDS = 0.05
RESPONSE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"id": "M1"}'
TIMESTAMPS = 35  # SO_TIMESTAMPNS of Linux


class Provider:
    """Accepts every SMS after `RESPONSE_SECONDS`; a context manager.

    :ivar list arrived: pairs of `time.monotonic()` and number
    """

    def __init__(self):
        self.arrived = []
        self._listening = socket.create_server(('127.0.0.1', 0), backlog=256)
        self._listening.setblocking(False)
        self.server_port = self._listening.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._due = []  # (time, number, socket) of responses
        self._parts = {}  # {socket: start of a request}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._is_over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _serve(self):
        while not self._is_over.is_set():
            wait = self._due[0][0] - time.monotonic() if self._due else RESPONSE_SECONDS
            for key, _events in self._selector.select(max(0, min(wait, RESPONSE_SECONDS))):
                if key.fileobj is self._listening:
                    connection, _address = self._listening.accept()
                    connection.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._selector.register(connection, selectors.EVENT_READ)
                else:
                    self._read(key.fileobj)
            while self._due and self._due[0][0] <= time.monotonic():
                with contextlib.suppress(OSError):
                    heapq.heappop(self._due)[2].sendall(RESPONSE)

    def _read(self, connection):
        try:
            data, ancillary, _flags, _address = connection.recvmsg(65536, 256)
        except OSError:
            data, ancillary = b'', ()
        if not data:
            self._selector.unregister(connection)
            self._parts.pop(connection, None)
            connection.close()
            return
        received = time.monotonic()
        for _level, kind, value in ancillary:
            if kind == TIMESTAMPS:
                seconds, nanoseconds = struct.unpack('qq', value)
                received -= time.time() - (seconds + nanoseconds / 1e9)
        data = self._parts.pop(connection, b'') + data
        head, _blank, body = data.partition(b'\r\n\r\n')
        length = next((int(line.partition(b':')[2]) for line in head.lower().split(b'\r\n')
                       if line.startswith(b'content-length:')), None)
        if length is None or len(body) < length:
            self._parts[connection] = data
            return
        self.arrived.append((received, parse_qs(body.decode())['to'][0]))
        heapq.heappush(self._due, (received + RESPONSE_SECONDS, len(self.arrived), connection))
