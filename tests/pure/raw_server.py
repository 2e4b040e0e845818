# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A server on loopback that says byte by byte what a test wants."""
import contextlib
import datetime
import itertools
import logging
import os
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ...sending.request_pool import GatewayConnection, exchange
from ...tools.answer.interpretation import AnswerRules, interpret
from ...tools.request.builder import HttpRequest
from .common import RECIPIENT, PureCase

PROXIES = ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE')


_numbers = itertools.count()


class ServerCase(PureCase):
    """Each test has a gateway of its own, so that it meets no connection of others, and no proxy or certificate
    authority of this machine."""

    def setUp(self):
        super().setUp()
        self.use_another_gateway()
        self.start(patch.dict(os.environ))
        # It warns of the odd heads that the tests want, with a traceback.
        self.start(patch.object(logging.getLogger('urllib3.connection'), 'disabled', True))
        for name in PROXIES:
            os.environ.pop(name, None)
            os.environ.pop(name.upper(), None)

    def use_another_gateway(self):
        """Send through a gateway from now on that has no connection yet."""
        self.gateway_key = ('test', f'{self.id()} {next(_numbers)}')

    def connection(self, connections=4, timeout=5):
        return GatewayConnection(self.gateway_key, connections, timeout)

    def assert_threads_end(self):
        """The threads that send for the gateway end."""
        for thread in threading.enumerate():
            if thread.name == f'sms-{self.gateway_key[-1]}':
                thread.join(20)
                self.assertFalse(thread.is_alive())

    def make_certificate(self, **kwargs):
        path = make_certificate(**kwargs)
        self.addCleanup(os.unlink, path)
        return path


class RawServer:
    """Lets a function speak with each connection, in a thread of its own.

    :param talk: gets a `Peer`; when it returns, the connection is closed
    :param tls: path of a certificate with its key: speak TLS from the start
    :ivar list requests: what was read as a request, bytes each
    :ivar int connections: how many there were
    :ivar bool gave_up: whether a client listened for as long as it was spoken to
    """

    def __init__(self, talk: Callable, tls: str = ''):
        self.requests, self.connections, self.gave_up = [], 0, False
        self._talk = talk
        self._context = server_context(tls) if tls else None
        self._open = []
        self._socket = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            self._open.append(connection)
            with connection:
                self._talk(Peer(self, connection))

    def close(self):
        """Let all its threads end."""
        end(self._socket)
        self.end_connections()

    def end_connections(self):
        while self._open:
            end(self._open.pop())


def end(connection):
    """Close a socket that another thread may be waiting for, which closing alone would not tell."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


class Peer:
    """One connection of a server, seen from the server."""

    def __init__(self, server: RawServer, connection):
        self.server, self.connection = server, connection

    def read(self) -> bytes:
        """One request, with its body; b'' when the client has gone."""
        data = b''
        while b'\r\n\r\n' not in data:
            part = self.connection.recv(65536)
            if not part:
                return b''
            data += part
        head, _blank, body = data.partition(b'\r\n\r\n')
        for line in head.lower().split(b'\r\n'):
            if line.startswith(b'content-length:'):
                while len(body) < int(line.partition(b':')[2]):
                    body += self.connection.recv(65536)
        self.server.requests.append(head + b'\r\n\r\n' + body)
        return self.server.requests[-1]

    def say(self, data: bytes):
        self.connection.sendall(data)

    def drip(self, start: bytes, part: bytes, pause: float = 0.1, seconds: float = 30):
        """Say a part again and again, until the client has gone."""
        self.say(start)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(pause)
            self.say(part)
        self.server.gave_up = True

    def reset(self):
        """Close the connection with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.connection.close()

    def start_tls(self, certificate: str) -> 'Peer':
        return Peer(self.server, server_context(certificate).wrap_socket(self.connection, server_side=True))


def server_context(certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def make_certificate(host: str = 'localhost', days: int = 1) -> str:
    """A certificate that nobody but itself vouches for.

    :param days: how long it is valid; negative: it was
    :return: path of a file with certificate and key, which the caller deletes
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9)).not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256()))
    with tempfile.NamedTemporaryFile(suffix='.pem', delete=False) as file:
        path = Path(file.name)
    path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM))
    return str(path)


BODY = b'to=%2B32456001122&text=Hello'
RULES = AnswerRules(message_id_regex=r'^OK:(\S+)')
TIMEOUT = 0.6  # seconds


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
        return exchange(self.connection(), request, timeout, **kwargs)

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
