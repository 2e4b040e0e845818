# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An SMS may go again only where nobody can have got it, wherever a provider or a proxy breaks off."""
import os
import socket
import time
from unittest.mock import patch

import urllib3

from ...tools.problem import Problem
from .common import PureCase
from .raw_server import ConnectionCase, ok


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
                self.use_another_gateway()

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
                self.use_another_gateway()

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
                self.assertEqual(answer.reason, Problem('proxy_refused', (('status', status[:3].decode()),)))
                self.use_another_gateway()

    def test_proxy_that_ends_instead_of_opening_a_way(self):
        for name, end in self.endings().items():
            if name not in ('resets after the head',):
                with self.subTest(end=name):
                    self.use_proxy(self.serve(end), 'https')
                    self.assert_not_taken(self.send('https://provider.invalid/sms'))
                    self.use_another_gateway()

    def test_nothing_listens(self):
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        for url in (f'http://127.0.0.1:{port}/', f'https://127.0.0.1:{port}/', 'http://provider.invalid/'):
            with self.subTest(url=url):
                answer = self.send(url)
                self.assert_not_taken(answer)
                self.assertEqual(answer.reason, Problem('unreachable'))

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


class TestVersionOfUrllib3(PureCase):

    def test_urllib3_is_the_one_that_is_to_be_tested(self):
        self.assertTrue(urllib3.__version__.startswith(os.environ.get('EIS_SMS_URLLIB3', '2.')), urllib3.__version__)
