# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Given providers and proxies that say and do anything: whether an SMS may go again, and that all of it ends."""
import gzip
import io
import os
import socket
import threading
import time
import zlib
from contextlib import suppress
from unittest.mock import patch

import urllib3

from ...sending.http_body import MAX_ANSWER
from ...sending.request_pool import GatewayConnection, RequestPool, _Session, exchange, exchange_in_time
from ...tools.answer.interpretation import AnswerRules, interpret
from ...tools.request.builder import HttpRequest, Recipient
from .raw_server import RawServer, ServerCase

RECIPIENT = Recipient('0' * 32, '+32456001122', "Hello")
BODY = b'to=%2B32456001122&text=Hello'
RULES = AnswerRules(message_id_regex=r'^OK:(\S+)')
TIMEOUT = 0.6  # seconds
GRACE = 1.5  # the same, of a busy machine


def ok(message_id: bytes) -> bytes:
    return b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nOK:%s' % (len(message_id) + 3, message_id)


class ConnectionCase(ServerCase):

    def serve(self, talk, tls=''):
        server = RawServer(talk, tls)
        self.addCleanup(server.close)
        return server

    def serve_answer(self, data, close=True):
        """A server that gives the same answer to each request."""
        def talk(peer):
            while peer.read():
                peer.say(data)
                if close:
                    return
        return self.serve(talk)

    def certificate(self):
        path = self.make_certificate()
        os.environ['REQUESTS_CA_BUNDLE'] = path
        return path

    def use_proxy(self, server, scheme='http'):
        os.environ[f'{scheme}_proxy'] = os.environ[f'{scheme.upper()}_PROXY'] = f'http://127.0.0.1:{server.port}'

    def send(self, url, timeout=TIMEOUT, **kwargs):
        request = HttpRequest('POST', url, (('Content-Type', 'text/plain'),), BODY, (RECIPIENT,))
        return exchange(GatewayConnection(('test', self.id())), request, timeout, **kwargs)

    def send_to(self, server, **kwargs):
        return self.send(f'http://127.0.0.1:{server.port}/sms', **kwargs)

    def read(self, answer, rules=RULES):
        result, = interpret(rules, [RECIPIENT], answer)
        return result

    def assert_unknown(self, answer, failure='broken'):
        self.assertEqual((answer.status, answer.failure), (None, failure), answer)
        result = self.read(answer)
        self.assertEqual((result.state, result.outcome, result.retryable), ('server_error', 'unknown', False), answer)

    def assert_not_taken(self, answer, failure='connect'):
        self.assertEqual((answer.status, answer.failure), (None, failure), answer)
        result = self.read(answer)
        self.assertEqual((result.outcome, result.retryable), ('refused', failure == 'connect'), answer)

    def test_urllib3_is_the_one_that_is_to_be_tested(self):
        self.assertTrue(urllib3.__version__.startswith(os.environ.get('EIS_SMS_URLLIB3', '2.')), urllib3.__version__)


class TestHandedOver(ConnectionCase):
    """Without an HTTP status only a request of which nothing was written is certainly not taken."""

    def endings(self):
        """Ways for a server to end a connection after it has read a request: {name: function of a Peer}."""
        return {
            'closes': lambda peer: peer.read(),
            'resets': lambda peer: (peer.read(), peer.reset()),
            'half a status line': lambda peer: (peer.read(), peer.say(b'HTTP/1.1 2')),
            'half a head': lambda peer: (peer.read(), peer.say(b'HTTP/1.1 200 OK\r\nContent-Le')),
            'another protocol': lambda peer: (peer.read(), peer.say(b'220 mail.example.com ESMTP\r\n')),
            'binary': lambda peer: (peer.read(), peer.say(bytes(range(256)))),
            'resets after the head': lambda peer: (
                peer.read(), peer.say(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nOK'), time.sleep(0.1),
                peer.reset()),
            'reads a part': lambda peer: (peer.connection.recv(3), peer.reset()),
        }

    def test_plain(self):
        for name, end in self.endings().items():
            with self.subTest(end=name):
                self.assert_unknown(self.send_to(self.serve(end)))

    def test_tls(self):
        path = self.certificate()
        for name, end in self.endings().items():
            with self.subTest(end=name):
                self.assert_unknown(self.send(f'https://localhost:{self.serve(end, tls=path).port}/'))

    def test_proxy_that_forwards(self):
        """What it reads may be on its way already."""
        for name, end in self.endings().items():
            with self.subTest(end=name):
                proxy = self.serve(end)
                self.use_proxy(proxy)
                self.assert_unknown(self.send('http://provider.invalid/sms'))
                self.assertEqual(proxy.connections, 1, "made once")
                _Session._shared.clear()

    def tunnel(self, then):
        """A proxy that opens a way and lets `then` speak TLS for the provider behind it."""
        path = self.certificate()

        def talk(peer):
            peer.read()
            peer.say(b'HTTP/1.1 200 Connection established\r\n\r\n')
            then(peer.start_tls(path))
        return self.serve(talk)

    def test_provider_behind_connect(self):
        for name, end in self.endings().items():
            with self.subTest(end=name):
                proxy = self.tunnel(end)
                self.use_proxy(proxy, 'https')
                self.assert_unknown(self.send('https://localhost:9/sms'))
                _Session._shared.clear()

    def test_provider_behind_connect_that_answers(self):
        self.use_proxy(self.tunnel(lambda peer: (peer.read(), peer.say(ok(b'A1')))), 'https')
        self.assertEqual(self.read(self.send('https://localhost:9/sms', timeout=5)).message_id, 'A1')

    def test_plain_text_on_a_tls_connection_after_the_request(self):
        path = self.certificate()

        def talk(peer):
            peer.read()
            plain = socket.socket(fileno=os.dup(peer.connection.fileno()))
            plain.sendall(b'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n')
            plain.close()
            time.sleep(0.2)
        self.assert_unknown(self.send(f'https://localhost:{self.serve(talk, tls=path).port}/'))

    def test_connect_that_is_refused(self):
        for status in (b'407 Proxy Authentication Required', b'502 Bad Gateway', b'504 Gateway Timeout', b'403 No'):
            with self.subTest(status=status):
                proxy = self.serve_answer(b'HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n' % status)
                self.use_proxy(proxy, 'https')
                answer = self.send('https://provider.invalid/sms')
                self.assert_not_taken(answer)
                self.assertEqual(answer.reason, f"The proxy refused the connection: HTTP {status[:3].decode()}.")
                _Session._shared.clear()

    def test_proxy_that_ends_instead_of_opening_a_way(self):
        for name, end in self.endings().items():
            if name not in ('resets after the head',):
                with self.subTest(end=name):
                    self.use_proxy(self.serve(end), 'https')
                    self.assert_not_taken(self.send('https://provider.invalid/sms'))
                    _Session._shared.clear()

    def test_nothing_listens(self):
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        for url in (f'http://127.0.0.1:{port}/', f'https://127.0.0.1:{port}/', 'http://provider.invalid/'):
            with self.subTest(url=url):
                answer = self.send(url)
                self.assert_not_taken(answer)
                self.assertIn("cannot be reached", answer.reason)

    def test_no_tls(self):
        """The hello of TLS is no part of the request."""
        for name, end in {'closes': lambda peer: None, 'resets': lambda peer: peer.reset(),
                          'speaks http': lambda peer: (peer.connection.recv(9), peer.say(b'HTTP/1.1 400 No\r\n\r\n')),
                          'is silent': lambda peer: time.sleep(3)}.items():
            with self.subTest(end=name):
                self.assert_not_taken(self.send(f'https://127.0.0.1:{self.serve(end).port}/'))

    def test_first_address_of_several_does_not_answer(self):
        server = self.serve_answer(ok(b'A1'))
        with socket.create_server(('127.0.0.1', 0)) as free:
            closed = free.getsockname()[1]
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, '', ('127.0.0.1', port)) for port in (closed, server.port)]
        real = socket.getaddrinfo

        def look_up(host, port, *args, **kwargs):
            return addresses if host == 'provider.invalid' else real(host, port, *args, **kwargs)

        with patch('socket.getaddrinfo', look_up):
            self.assertEqual(self.send('http://provider.invalid/').status, 200)

    def test_connection_that_died_while_it_was_kept(self):
        """It is not used; and if it dies while the request is written, nobody knows."""
        server = self.serve_answer(ok(b'A1'))
        for _turn in range(3):
            self.assertEqual(self.send_to(server).status, 200)
            time.sleep(0.05)
        self.assertEqual(server.connections, 3)

    def test_requests_that_cannot_be_made(self):
        for url in ('http://', 'http://[::1/', 'ftp://127.0.0.1/', f'http://{"a" * 70}.com/'):
            with self.subTest(url=url):
                self.assert_not_taken(self.send(url), 'invalid')


class TestInterimAnswers(ConnectionCase):

    def test_final_answer_is_the_one_that_is_read(self):
        """Given SMS one after the other on one connection, and interim answers before each answer."""
        hint = b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
        numbers = iter(range(1, 99))

        def talk(peer):
            while peer.read():
                for interim in (hint, b'HTTP/1.1 100 Continue\r\n\r\n', b'HTTP/1.1 102 Processing\r\n\r\n', hint):
                    peer.say(interim)
                    time.sleep(0.02)
                peer.say(ok(b'M%d' % next(numbers)))
        server = self.serve(talk)
        ids = [self.read(self.send_to(server, timeout=5)).message_id for _turn in range(3)]
        self.assertEqual(ids, ['M1', 'M2', 'M3'])
        self.assertEqual(server.connections, 1)

    def test_another_protocol_is_none_of_ours(self):
        def talk(peer):
            if peer.read():
                peer.say(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n')
                time.sleep(0.1)
                with suppress(OSError):
                    peer.say(ok(b'M1'))
                    peer.read()
                    peer.say(ok(b'M2'))
        server = self.serve(talk)
        self.assertEqual(self.send_to(server).status, 101)
        self.assertEqual(self.read(self.send_to(server)).outcome, 'unknown')
        self.assertEqual(server.connections, 2)

    def test_interim_answers_without_end(self):
        for pause in (0, 0.05):
            with self.subTest(pause=pause):
                hints = b'HTTP/1.1 103 Early Hints\r\n\r\n' * (1 if pause else 999)
                server = self.serve(lambda peer, hints=hints, pause=pause: (
                    peer.read(), peer.drip(b'', hints, pause, 5)))
                start = time.monotonic()
                self.assert_unknown(self.send_to(server), 'timeout' if pause else 'broken')
                self.assertLess(time.monotonic() - start, 2 * TIMEOUT + GRACE)


class TestKeptConnections(ConnectionCase):
    """An answer is never read as that to the next request."""

    def test_what_is_left_on_a_connection(self):
        late = ok(b'LATE')
        for name, answer in {
            'two answers': ok(b'A') + late,
            'too long a body': b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nOK:A' + late,
            'a body where there is none': b'HTTP/1.1 204 No Content\r\n\r\n' + late,
            'after the last chunk': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
                                    b'4\r\nOK:A\r\n0\r\n\r\n' + late,
            'length and chunks': b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n'
                                 b'4\r\nOK:A\r\n0\r\n\r\n',
            'a line break': ok(b'A') + b'\r\n',
            'longer than is read': b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nOK:A' + b' ' * 99996,
        }.items():
            def talk(peer, first=answer):
                if peer.read():
                    peer.say(first)
                    while peer.read():
                        peer.say(ok(b'B'))

            with self.subTest(name):
                server = self.serve(talk)
                first = self.read(self.send_to(server, timeout=5))
                self.assertNotEqual(first.message_id, 'LATE')
                self.assertEqual(first.outcome, 'accepted' if b'204' not in answer else first.outcome)
                self.send_to(server, timeout=5)
                self.assertEqual(server.connections, 2, "not used again")
                _Session._shared.clear()

    def test_what_is_left_in_a_tls_record(self):
        certificate = self.certificate()
        head = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % 8151
        whole = head + b'OK:A'.ljust(8151)  # what is read at once, while a record has up to 16 KiB
        self.assertEqual(len(whole), io.DEFAULT_BUFFER_SIZE)

        def talk(peer):
            if peer.read():
                peer.say(whole + ok(b'LATE'))
                while peer.read():
                    peer.say(ok(b'B'))

        server = self.serve(talk, certificate)
        url = f'https://localhost:{server.port}/sms'
        self.assertEqual(self.read(self.send(url, timeout=5)).message_id, 'A')
        self.assertNotEqual(self.read(self.send(url, timeout=5)).message_id, 'LATE')
        self.assertEqual(server.connections, 2, "not used again")

    def test_whole_answers_keep_the_connection(self):
        for answer in (
            ok(b'A'), b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', b'HTTP/1.1 204 No Content\r\n\r\n',
            b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nOK:A\r\n0\r\nX-Trailer: 1\r\n\r\n',
            b'HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno',
        ):
            with self.subTest(answer=answer):
                server = self.serve_answer(answer, close=False)
                for _turn in range(3):
                    self.assertTrue(self.send_to(server, timeout=5).status)
                self.assertEqual(server.connections, 1)
                _Session._shared.clear()


class TestOddAnswers(ConnectionCase):
    """An answer that came is never taken for a request that was not made."""

    def answer(self, head=b'', body=b'OK:A', status=b'200 OK', length=True):
        length = b'Content-Length: %d\r\n' % len(body) if length else b''
        return self.send_to(self.serve_answer(b'HTTP/1.1 %s\r\n%s%s\r\n%s' % (status, length, head, body)), timeout=5)

    def test_charsets(self):
        for charset in ('undefined', 'idna', 'punycode', 'rot13', 'base64', 'zip', 'no-such', '"utf-8"', '', ';',
                        'utf\x008', 'mbcs', 'unicode_escape', 'UTF-8; charset=idna', 'utf-16', 'a' * 500):
            with self.subTest(charset=charset):
                answer = self.answer(b'Content-Type: text/plain; charset=%s\r\n' % charset.encode())
                self.assertEqual(answer.status, 200)
                if charset not in ('utf-16', 'punycode'):
                    self.assertEqual(self.read(answer).message_id, 'A')

    def test_charset_is_the_one_that_is_named_or_utf_8(self):
        for content_type, charset in (('text/plain', 'utf-8'), ('text/plain; charset=ISO-8859-1', 'latin-1'),
                                      ("text/html;charset='windows-1251'", 'cp1251'), ('application/json', 'utf-8')):
            with self.subTest(content_type=content_type):
                text = "Не" if charset == 'cp1251' else "Überlänge"
                answer = self.answer(b'Content-Type: %s\r\n' % content_type.encode(), text.encode(charset))
                self.assertEqual(answer.text, text)

    def test_byte_order_marks(self):
        for charset in ('utf-8-sig', 'utf-16'):
            for content_type in ('text/plain', 'text/plain; charset=utf-8', 'text/plain; charset=iso-8859-1'):
                with self.subTest(charset=charset, content_type=content_type):
                    answer = self.answer(b'Content-Type: %s\r\n' % content_type.encode(), 'OK:A'.encode(charset))
                    self.assertEqual(self.read(answer).message_id, 'A')

    def test_lengths(self):
        for head in (b'Content-Length: 4\r\nContent-Length: 9\r\n', b'Content-Length: 4, 4\r\n',
                     b'Content-Length: x\r\n', b'Content-Length: -4\r\n', b'Content-Length:\r\n',
b'Content-Length: +4\r\n',
                     b'Content-Length: 4\r\nContent-Length: 4\r\n', b'Content-Length: \xb2\r\n',
                     b'Content-Length: ' + b'0' * 5000 + b'4\r\n'):
            with self.subTest(head=head):
                answer = self.answer(head, length=False)
                self.assertEqual((answer.status, self.read(answer).message_id), (200, 'A'))

    def test_heads(self):
        for head in (b'Location: http://[::1\r\n', b'\xff\xfe: \xff\r\n', b'Set-Cookie: \xff=;;;=\r\n', b'X\r\n',
                     b': x\r\n', b'Content-Type: \xff\r\n', b'Content-Encoding: \xff\r\n', b'Retry-After: \xff\r\n',
                     b'Transfer-Encoding: nonsense\r\n', b'Connection: \xff\r\n', b' folded\r\n'):
            for status in (b'200 OK', b'302 Found', b'200', b'200 \xff\xfe'):
                with self.subTest(head=head, status=status):
                    answer = self.answer(head, status=status)
                    self.assertIn(self.read(answer).outcome, ('accepted', 'unknown') if b'302' not in status
                                  else ('refused', 'unknown'), answer)
                    self.assertNotEqual(answer.failure, 'invalid')

    def test_sizes_of_heads(self):
        for head in (b'X: ' + b'x' * 70000 + b'\r\n', b'X: x\r\n' * 200, (b'X: ' + b'x' * 60000 + b'\r\n') * 90):
            with self.subTest(size=len(head)):
                self.assert_unknown(self.answer(head))

    def test_chunks(self):
        for chunks in (b'nonsense\r\nOK:A\r\n', b'-4\r\nOK:A\r\n', b'4\r\nOK', b'4\r\nOK:A\r\nx', b'\r\n', b'4',
                       b'4' * 70000, b'4;' + b'x' * 400000, b'FFFFFFFFFFFFFFFFFF\r\nOK:A'):
            with self.subTest(chunks=chunks[:20]):
                self.assert_unknown(self.answer(b'Transfer-Encoding: chunked\r\n', chunks, length=False))

    def test_body_that_is_cut_off(self):
        self.assert_unknown(self.answer(b'Content-Length: 9\r\n', length=False))

    def test_long_body_is_read_in_part(self):
        answer = self.answer(body=b'OK:A ' + b'x' * 500_000)
        self.assertEqual((answer.status, len(answer.text)), (200, MAX_ANSWER))

    def test_packed_bodies(self):
        raw = zlib.compressobj(wbits=-15)
        packed = gzip.compress(b'OK:A')
        for coding, body in (('gzip', packed), ('x-gzip', packed), ('GZIP', packed), ('gzip', packed + b'xx'),
                             ('identity', b'OK:A'), ('UTF-8', b'OK:A'), ('none', b'OK:A'), ('binary', b'OK:A'),
                             ('deflate', zlib.compress(b'OK:A')),
                             ('deflate', raw.compress(b'OK:A') + raw.flush())):
            with self.subTest(coding=coding):
                answer = self.answer(b'Content-Encoding: %s\r\n' % coding.encode(), body)
                self.assertEqual(self.read(answer).message_id, 'A')

    def test_packed_bodies_that_are_broken(self):
        whole = gzip.compress(b'OK:A' * 50)
        for coding, body in (('gzip', b'OK:A'), ('gzip', whole[:20]), ('deflate', b'\xff\xff'), ('br', b'\1\2'),
                             ('gzip, gzip', gzip.compress(whole)), ('nonsense', b'OK:A'), ('gzip',
                              whole[:-3] + b'abc')):
            with self.subTest(coding=coding, body=body):
                answer = self.answer(b'Content-Encoding: %s\r\n' % coding.encode(), body)
                self.assert_unknown(answer)
                self.assertEqual(answer.reason, "The answer cannot be decoded.")

    def test_bomb(self):
        """Given an answer of 50 KB that unpacks to 50 MB: no more is unpacked than is read of any other."""
        answer = self.answer(b'Content-Encoding: gzip\r\n', gzip.compress(b'OK:A ' + b' ' * 50_000_000))
        self.assertEqual((answer.status, len(answer.text)), (200, MAX_ANSWER))


class TestTime(ConnectionCase):
    """Whatever drips: all of it ends after twice the time-out."""

    def assert_ends(self, talk, unknown=True, url='http://127.0.0.1:{}/', tls='', proxy=''):
        server = self.serve(talk, tls)
        if proxy:
            self.use_proxy(server, proxy)
        start = time.monotonic()
        answer = self.send(url.format(server.port))
        self.assertLess(time.monotonic() - start, 2 * TIMEOUT + GRACE)
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
                _Session._shared.clear()

    def test_request_that_is_not_read(self):
        """A part of it may be with the provider."""
        for tls in '', self.certificate():
            server = self.serve(lambda peer: time.sleep(4), tls)
            url = f'{"https" if tls else "http"}://localhost:{server.port}/'
            request = HttpRequest('POST', url, (), b'x' * 20_000_000, (RECIPIENT,))
            start = time.monotonic()
            self.assert_unknown(exchange(GatewayConnection(('test', tls)), request, TIMEOUT), 'timeout')
            self.assertLess(time.monotonic() - start, 2 * TIMEOUT + GRACE)

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
            start = time.monotonic()
            with patch('socket.getaddrinfo', lambda host, *args: addresses if host == 'provider.invalid' else [
                    (socket.AF_INET, socket.SOCK_STREAM, 6, '', (host, args[0]))]):
                self.assert_not_taken(self.send('http://provider.invalid/'))
            self.assertLess(time.monotonic() - start, 2 * TIMEOUT + GRACE)
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
        begin = time.monotonic()
        with RequestPool(begin + 1) as pool:
            pool.submit(GatewayConnection(('test', self.id()), timeout=0.8), request)
            (_request, answer), = pool.collect(5)
            self.assert_unknown(answer, 'timeout')
        self.assertLess(time.monotonic() - begin, 1 + GRACE)
        while any(thread.name == f'sms-{self.id()}' for thread in threading.enumerate()):
            self.assertLess(time.monotonic() - begin, 1 + GRACE)
            time.sleep(0.01)


class TestAbandoned(ConnectionCase):

    def test_host_that_cannot_be_looked_up_in_time(self):
        """Send Test SMS ends all the same."""
        go = threading.Event()
        self.addCleanup(go.set)
        start = time.monotonic()
        with patch('socket.getaddrinfo', lambda *args: go.wait(10) and []):
            request = HttpRequest('POST', 'http://provider.invalid/', (), BODY, (RECIPIENT,))
            answer = exchange_in_time(GatewayConnection(('test', self.id()), timeout=TIMEOUT), request)
            self.assertLess(time.monotonic() - start, 2 * TIMEOUT + 1 + GRACE)
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
        line = GatewayConnection(('test', self.id()), connections=2, timeout=0.2)
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
