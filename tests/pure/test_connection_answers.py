# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An answer is read in every shape that HTTP allows or forbids, and never as that to another request."""
import gzip
import io
import time
import zlib
from contextlib import suppress

from ...sending.http_body import MAX_ANSWER
from ...tools.problem import Problem
from .raw_server import ConnectionCase, ok


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
                    peer.read(), peer.drip(b'', hints, pause)))
                self.assert_unknown(self.send_to(server), 'timeout' if pause else 'broken')
                self.assertFalse(server.gave_up, "the request ends first")


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
                self.use_another_gateway()

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
                self.use_another_gateway()


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
                self.assertEqual(answer.reason, Problem('response_undecodable'))

    def test_bomb(self):
        """Given an answer of 50 KB that unpacks to 50 MB: no more is unpacked than is read of any other."""
        answer = self.answer(b'Content-Encoding: gzip\r\n', gzip.compress(b'OK:A ' + b' ' * 50_000_000))
        self.assertEqual((answer.status, len(answer.text)), (200, MAX_ANSWER))
