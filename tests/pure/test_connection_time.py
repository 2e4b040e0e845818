# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A request ends when its time is over, however slow its provider is."""
import gzip
import socket
import threading
import time
from contextlib import suppress
from unittest.mock import patch

from ...sending.request_pool import RequestPool, exchange, exchange_in_time
from ...tools.request.builder import HttpRequest
from .common import RECIPIENT
from .raw_server import BODY, TIMEOUT, ConnectionCase, ok


class TestTime(ConnectionCase):
    """Whatever drips: all of it ends after twice the time-out."""

    def assert_ends(self, talk, unknown=True, url='http://127.0.0.1:{}/', tls='', proxy=''):
        server = self.serve(talk, tls)
        if proxy:
            self.use_proxy(server, proxy)
        answer = self.send(url.format(server.port))
        self.assertFalse(server.gave_up, "the request ends first")
        if unknown:
            self.assert_unknown(answer, 'timeout')
        else:
            self.assert_not_taken(answer)

    ANSWERS = {
        'nothing': (b'', b''),
        'status line': (b'HTTP/1.1 2', b'0'),
        'header': (b'HTTP/1.1 200 OK\r\nX: ', b'x'),
        'headers': (b'HTTP/1.1 200 OK\r\n', b'X: x\r\n'),
        'interim answers': (b'', b'HTTP/1.1 100 Continue\r\n\r\n'),
        'header of an interim answer': (b'HTTP/1.1 100 Continue\r\nX: ', b'x'),
        'body': (b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n', b'x'),
        'body up to the end of the connection': (b'HTTP/1.1 200 OK\r\n\r\n', b'x'),
        'chunk size': (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', b'0'),
        'chunk extension': (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;', b'x'),
        'chunk': (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFF\r\n', b'x'),
        'chunks': (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', b'1\r\nx\r\n'),
        'trailer': (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ', b'x'),
        'trailers': (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n', b'X: x\r\n'),
        'gzip': (b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n' + gzip.compress(b'x')[:12], b'\0'),
    }

    def test_answers(self):
        for name, (start, part) in self.ANSWERS.items():
            with self.subTest(name):
                self.assert_ends(lambda peer, s=start, p=part: (peer.read(), peer.drip(s, p)))

    def test_answers_over_tls(self):
        path = self.certificate()
        for name in 'nothing', 'header', 'body', 'trailer':
            start, part = self.ANSWERS[name]
            with self.subTest(name):
                self.assert_ends(lambda peer, s=start, p=part: (peer.read(), peer.drip(s, p)),
                                 url='https://localhost:{}/', tls=path)

    def test_tls_handshake(self):
        self.assert_ends(
            lambda peer: (peer.connection.recv(9999), peer.drip(b'\x16\x03\x03\x40\x00\x02\x00\x3f', b'\0')),
            unknown=False, url='https://127.0.0.1:{}/')

    def test_connect(self):
        for start, part in ((b'', b''), (b'HTTP/1.1 2', b'0'), (b'HTTP/1.1 200 OK\r\nX: ', b'x'),
                            (b'HTTP/1.1 200 OK\r\n', b'X: x\r\n')):
            with self.subTest(start=start):
                self.assert_ends(lambda peer, s=start, p=part: (peer.read(), peer.drip(s, p)),
                                 unknown=False, url='https://provider.invalid/', proxy='https')
                self.use_another_gateway()

    def test_request_that_is_not_read(self):
        """A part of it may be with the provider."""
        done = threading.Event()
        self.addCleanup(done.set)
        for tls in '', self.certificate():
            server = self.serve(lambda peer: done.wait(30), tls)
            url = f'{"https" if tls else "http"}://localhost:{server.port}/'
            request = HttpRequest('POST', url, (), b'x' * 20_000_000, (RECIPIENT,))
            self.use_another_gateway()
            self.assert_unknown(exchange(self.connection(), request, TIMEOUT), 'timeout')

    def test_many_addresses_that_are_silent(self):
        """All of them are within the time of the request."""
        with socket.create_server(('127.0.0.1', 0), backlog=0) as full:
            port = full.getsockname()[1]
            waiting = [socket.socket() for _number in range(4)]
            for client in waiting:
                client.setblocking(False)
                with suppress(BlockingIOError):
                    client.connect(('127.0.0.1', port))
            addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, '', ('127.0.0.1', port, n)) for n in range(9)]
            tried = []

            def look_up(host, port, *args):
                if host == 'provider.invalid':
                    return addresses
                tried.append(host)
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, '', (host, port))]

            with patch('socket.getaddrinfo', look_up):
                self.assert_not_taken(self.send('http://provider.invalid/'))
            self.assertIn(len(tried), (1, 2, 3), "for each there is up to half of the time")
            for client in waiting:
                client.close()

    def test_no_time_left(self):
        """Nothing is handed over that nobody waits for."""
        server = self.serve_answer(ok(b'A'))
        self.assert_not_taken(self.send_to(server, deadline=time.monotonic() - 1))
        self.assertEqual(server.requests, [])

    def test_deadline_of_a_delivery(self):
        """Given an answer that drips: its thread ends with the run."""
        start, part = self.ANSWERS['body']
        server = self.serve(lambda peer: (peer.read(), peer.drip(start, part)))
        request = HttpRequest('POST', f'http://127.0.0.1:{server.port}/', (), BODY, (RECIPIENT,))
        with RequestPool(time.monotonic() + 1) as pool:
            pool.submit(self.connection(timeout=0.8), request)
            (_request, answer), = pool.collect(25)
            self.assert_unknown(answer, 'timeout')
        self.assert_threads_end()
        self.assertFalse(server.gave_up, "the thread ends first")


class TestAbandoned(ConnectionCase):

    def test_host_that_cannot_be_looked_up_in_time(self):
        """Send Test SMS ends all the same."""
        go = threading.Event()
        self.addCleanup(go.set)
        gave_up = threading.Event()

        def look_up(*args):
            if not go.wait(30):
                gave_up.set()
            return []

        with patch('socket.getaddrinfo', look_up):
            request = HttpRequest('POST', 'http://provider.invalid/', (), BODY, (RECIPIENT,))
            answer = exchange_in_time(self.connection(timeout=TIMEOUT), request)
            self.assertFalse(gave_up.is_set(), "the request ends first")
            go.set()
        self.assert_unknown(answer, 'timeout')

    def test_what_did_not_start_may_go_again(self):
        """Given two connections whose host cannot be looked up in time, and many requests that wait for them."""
        looked_up, go = threading.Semaphore(0), threading.Event()
        self.addCleanup(go.set)
        server = self.serve_answer(ok(b'A'), close=False)

        def look_up(host, port, *args):
            looked_up.release()
            go.wait(10)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, '', ('127.0.0.1', server.port))]

        requests = [HttpRequest('POST', 'http://provider.invalid/', (), BODY, (RECIPIENT,)) for _number in range(12)]
        line = self.connection(connections=2, timeout=0.2)
        with patch('socket.getaddrinfo', look_up), RequestPool(time.monotonic() + 0.3) as pool:
            for request in requests[:11]:
                pool.submit(line, request)
            pool.submit(line, requests[11], time.monotonic() + 0.05)
            for _thread in range(2):
                looked_up.acquire(timeout=5)
            answers = {id(request): answer for request, answer in pool.abandon()}
            self.assertEqual(len(answers), 12)
            started = [answer for answer in answers.values() if answer]
            self.assertEqual([answer.failure for answer in started], ['timeout'] * 2)
            time.sleep(0.4)
            go.set()  # its time is over
            time.sleep(0.2)
            self.assertEqual(pool.collect(0), [])
        self.assertEqual(server.requests, [], "nothing is sent behind the back of the run")
