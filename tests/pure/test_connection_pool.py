# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests leave in parallel and in time, over connections that are kept."""
import socket
import threading
import time
from contextlib import suppress
from unittest.mock import patch

from ...sending import request_pool, turn
from ...sending.request_pool import GatewayConnection, RequestPool
from ...tools.request.builder import HttpRequest
from .common import RECIPIENT
from .raw_server import ServerCase, end

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'


class Server:
    """Answers what it reads in one go, and remembers it; the answers wait for `go`.

    :ivar list reads: the bytes of each read
    :ivar int most: requests that were under way at once
    """

    def __init__(self):
        self.reads, self.most, self.connections = [], 0, 0
        self.go = threading.Event()
        self.go.set()
        self._under_way, self._lock = 0, threading.Lock()
        self._socket = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.url = f'http://127.0.0.1:{self._socket.getsockname()[1]}/sms'
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _address = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with suppress(OSError), connection:
            while read := connection.recv(65536):
                with self._lock:
                    self.reads.append(read)
                    self._under_way += 1
                    self.most = max(self.most, self._under_way)
                self.go.wait(10)
                with self._lock:
                    self._under_way -= 1
                connection.sendall(ANSWER)

    def close(self):
        self.go.set()
        end(self._socket)


class Clock:
    """A time that stands still until a test lets it go on, in the place of the module `time`.

    It waits until a given number of threads sleep, so that the state of other threads is known when time goes on.
    """

    def __init__(self):
        self._now, self._sleepers, self._changed = time.monotonic(), 0, threading.Condition()

    def monotonic(self):
        return self._now

    def sleep(self, seconds):
        with self._changed:
            end = self._now + seconds
            self._sleepers += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._now >= end)
            self._sleepers -= 1
            self._changed.notify_all()  # who waits for fewer sleepers

    def advance(self, seconds, sleepers=0):
        """Let time go on as soon as so many threads sleep."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._sleepers == sleepers, 20), self._sleepers
            self._now += seconds
            self._changed.notify_all()


class TestRequestPool(ServerCase):

    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.close)

    def request(self, number=0):
        return HttpRequest('POST', self.server.url, (), b'to=%d' % number, (RECIPIENT,))

    def use_clock(self):
        clock = Clock()
        for module in (request_pool, turn):
            self.start(patch.object(module, 'time', clock))
        return clock

    def collect_all(self, pool):
        collected = []
        end = time.monotonic() + 10
        while len(pool) and time.monotonic() < end:
            collected += pool.collect(0.1)
        self.assertFalse(len(pool), "all are collected")
        return collected

    def wait_for_reads(self, count):
        end = time.monotonic() + 10
        while len(self.server.reads) < count and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(len(self.server.reads), count)

    def test_runs_of_one_process_keep_their_connections(self):
        """Copies of the queue action send through one gateway at once: none of their connections is thrown away."""
        line = self.connection(connections=8)
        deliveries = [RequestPool(time.monotonic() + 30) for _copy in range(3)]
        self.server.go.clear()
        with self.assertNoLogs('urllib3.connectionpool', 'WARNING'):
            for pool in deliveries:
                for _sms in range(16):
                    pool.submit(line, HttpRequest('POST', self.server.url, (), b'sms', (RECIPIENT,)))
            self.wait_for_reads(24)
            self.server.go.set()
            for pool in deliveries:
                with pool:
                    while len(pool):
                        self.assertTrue(pool.collect(10))
        self.assertEqual(self.server.most, 24)

    def test_all_are_sent_once_over_kept_connections(self):
        requests = [self.request(number) for number in range(40)]
        with RequestPool(time.monotonic() + 10) as pool:
            for request in requests:
                pool.submit(self.connection(), request)
            collected = self.collect_all(pool)
        self.assertEqual({id(request) for request, _answer in collected}, set(map(id, requests)))
        self.assertEqual([answer.status for _request, answer in collected], [200] * 40)
        bodies = sorted(int(read.rpartition(b'to=')[2]) for read in self.server.reads)
        self.assertEqual(bodies, list(range(40)))
        self.assertLessEqual(self.server.connections, 4)

    def test_head_and_body_leave_together(self):
        with RequestPool(time.monotonic() + 10) as pool:
            pool.submit(self.connection(), self.request(7))
            self.collect_all(pool)
        read, = self.server.reads
        self.assertTrue(read.startswith(b'POST /sms HTTP/1.1\r\n'), read)
        self.assertTrue(read.endswith(b'\r\n\r\nto=7'), read)

    def test_no_more_at_once_than_connections(self):
        self.server.go.clear()
        with RequestPool(time.monotonic() + 10) as pool:
            for number in range(9):
                pool.submit(self.connection(connections=3), self.request(number))
            self.wait_for_reads(3)
            self.server.go.set()
            self.assertEqual(len(self.collect_all(pool)), 9)
        self.assertEqual(self.server.most, 3)

    def test_not_before(self):
        clock = self.use_clock()
        with RequestPool(clock.monotonic() + 1000) as pool:
            pool.submit(self.connection(), self.request(), not_before=clock.monotonic() + 3)
            clock.advance(2.9, sleepers=1)
            self.assertEqual(self.server.reads, [])
            clock.advance(0.1, sleepers=1)
            self.collect_all(pool)
        self.assertEqual(len(self.server.reads), 1)

    def test_what_would_be_too_late_does_not_start(self):
        """A request starts only while a whole timeout fits before the deadline."""
        start = time.monotonic()
        request = self.request()
        with RequestPool(start + 1) as pool:
            pool.submit(self.connection(timeout=0.5), request, not_before=start + 0.9)
            self.assertEqual(self.collect_all(pool), [(request, None)])
        self.assertEqual(self.server.reads, [])

    def test_late_for_its_place(self):
        """A request without a connection when its time comes is not sent later: another process is on time then."""
        clock = self.use_clock()
        start = clock.monotonic()
        on_time, late, later = (self.request(number) for number in range(3))
        self.server.go.clear()
        with RequestPool(start + 1000) as pool:
            pool.submit(self.connection(connections=1), on_time, not_before=start + 1)
            pool.submit(self.connection(connections=1), late, not_before=start + 2)
            pool.submit(self.connection(connections=1), later, not_before=start + 8)
            clock.advance(1, sleepers=1)
            self.wait_for_reads(1)
            clock.advance(3)
            self.server.go.set()
            clock.advance(4, sleepers=1)
            collected = {id(request): answer for request, answer in self.collect_all(pool)}
        self.assertEqual([collected[id(request)] is None for request in (on_time, late, later)], [False, True, False])
        self.assertEqual(len(self.server.reads), 2)

    def test_timeout_as_long_as_the_job(self):
        """It leaves a part of the job to start in; what is left of a job that began earlier is not cut again."""
        now = self.use_clock().monotonic()
        with RequestPool(now + 20) as pool:
            self.assertAlmostEqual(pool.get_time_to_start(self.connection(timeout=20)), 1, places=6)
            self.assertAlmostEqual(pool.get_time_to_start(self.connection(timeout=15)), 5, places=6)
        with RequestPool(now + 3, 20) as pool:
            self.assertAlmostEqual(pool.get_time_to_start(self.connection(timeout=15)), -12, places=6)
            pool.submit(self.connection(timeout=15), self.request())
            self.assertEqual([answer for _request, answer in self.collect_all(pool)], [None])
        self.assertEqual(self.server.reads, [])

    def test_taken_back(self):
        """What waits for a connection is not sent, and is collected without an answer; what is under way goes on."""
        self.server.go.clear()
        requests = [self.request(number) for number in range(5)]
        with RequestPool(time.monotonic() + 10) as pool:
            for request in requests:
                pool.submit(self.connection(connections=2), request)
            self.wait_for_reads(2)
            pool.take_back(self.connection())
            pool.take_back(GatewayConnection(('test', "never used")))
            self.server.go.set()
            collected = {id(request): answer for request, answer in self.collect_all(pool)}
            pool.submit(self.connection(), self.request(9))
            self.assertEqual(len(self.collect_all(pool)), 1, "it may be used again")
        self.assertEqual([collected[id(request)] is None for request in requests], [False, False, True, True, True])
        self.assertEqual(len(self.server.reads), 3)

    def test_taken_back_before_its_time(self):
        clock = self.use_clock()
        start = clock.monotonic()
        requests = [self.request(number) for number in range(3)]
        with RequestPool(start + 1000) as pool:
            for place, request in enumerate(requests):
                pool.submit(self.connection(connections=2), request, not_before=start + 2 + place)
            clock.advance(1, sleepers=2)
            pool.take_back(self.connection())
            clock.advance(2, sleepers=2)
            later = self.request(9)
            pool.submit(self.connection(connections=2), later, not_before=start + 6)
            clock.advance(3, sleepers=1)
            collected = {id(request): answer for request, answer in self.collect_all(pool)}
        self.assertEqual([collected[id(request)] for request in requests], [None] * 3)
        self.assertEqual(collected[id(later)].status, 200, "it may be used again")
        self.assertEqual(len(self.server.reads), 1)

    def test_abandoned(self):
        """Nobody knows what became of a request that is given up, and its late answer is not collected."""
        self.server.go.clear()
        request = self.request()
        with RequestPool(time.monotonic() + 10) as pool:
            pool.submit(self.connection(), request)
            self.wait_for_reads(1)
            (lost, answer), = pool.abandon()
            self.assertIs(lost, request)
            self.assertEqual((answer.status, answer.failure), (None, 'timeout'))
            self.server.go.set()
            self.assertEqual(pool.collect(0.5), [])

    def test_what_waits_at_the_end_is_dropped(self):
        """Given a sender that fails while requests wait: they are not sent behind its back, and its threads end."""
        self.server.go.clear()
        with suppress(ZeroDivisionError), RequestPool(time.monotonic() + 10) as pool:
            for number in range(9):
                pool.submit(self.connection(connections=2), self.request(number))
            self.wait_for_reads(2)
            raise ZeroDivisionError
        self.server.go.set()
        self.assert_threads_end()
        self.assertEqual(len(self.server.reads), 2)
