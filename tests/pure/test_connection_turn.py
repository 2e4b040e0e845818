# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A request waits for its place under a rate limit with its connection open, and is not written if it is late."""
import threading
import time

from ...sending.places import MAX_LATE
from ...sending.turn import MissedTurnError, Turn
from .raw_server import ConnectionCase, ok

MISSED, ON_TIME = False, True


class PlannedTurn(Turn):
    """A turn that is missed as a test wants.

    :param checks: for each check, whether the request is on time; the last one is for further checks as well
    :param while_waiting: is called at the place
    """

    def __init__(self, *checks, while_waiting=lambda: None):
        super().__init__(time.monotonic(), lambda: False)
        self.checks, self.while_waiting = list(checks), while_waiting

    def wait(self):
        self.while_waiting()

    def check(self):
        if not (self.checks.pop(0) if len(self.checks) > 1 else self.checks[0]):
            raise MissedTurnError


class TestTurn(ConnectionCase):

    def setUp(self):
        super().setUp()
        self.connected = threading.Event()

    def talk(self, peer):
        self.connected.set()  # over TLS, the session tickets are sent by now
        while peer.read():
            peer.say(ok(b'A1'))

    def send_at(self, url, *checks, **kwargs):
        return self.send(url, turn=PlannedTurn(*checks, **kwargs))

    def serve_each(self):
        """Servers that are reached directly, over TLS, and over TLS through a proxy, each with its URL."""
        server = self.serve(self.talk)
        yield server, f'http://127.0.0.1:{server.port}/sms'
        certificate = self.certificate()
        server = self.serve(self.talk, certificate)
        yield server, f'https://localhost:{server.port}/sms'

        def tunnel(peer):
            peer.read()
            peer.say(b'HTTP/1.1 200 Connection established\r\n\r\n')
            self.talk(peer.start_tls(certificate))

        server = self.serve(tunnel)
        self.use_proxy(server, 'https')
        yield server, 'https://localhost:1/sms'

    @staticmethod
    def count_sms(server):
        return sum(request.startswith(b'POST') for request in server.requests)

    def test_connected_before_its_place(self):
        for server, url in self.serve_each():
            with self.subTest(url=url):
                self.use_another_gateway()
                self.connected.clear()

                def check(server=server):
                    self.assertTrue(self.connected.wait(10))
                    self.assertEqual(self.count_sms(server), 0)

                self.assertEqual(self.send_at(url, ON_TIME, while_waiting=check).status, 200)
                self.assertEqual(self.count_sms(server), 1)

    def test_missed(self):
        """Nothing is written, and the next request uses the connection: otherwise a provider that is slow to connect to
        would never get one in time."""
        for server, url in self.serve_each():
            with self.subTest(url=url):
                self.use_another_gateway()
                self.connected.clear()
                for _time in range(2):
                    self.assertIsNone(
                        self.send_at(url, MISSED, while_waiting=lambda: self.assertTrue(self.connected.wait(10))))
                self.assertEqual(self.count_sms(server), 0)
                self.assertEqual(self.send_at(url, ON_TIME).status, 200)
                self.assertEqual(self.send(url).status, 200)
                self.assertEqual((server.connections, self.count_sms(server)), (1, 2))

    def test_missed_at_the_last_moment(self):
        for server, url in self.serve_each():
            with self.subTest(url=url):
                self.use_another_gateway()
                self.assertIsNone(self.send_at(url, ON_TIME, MISSED))
                self.assertEqual(self.send_at(url, ON_TIME).status, 200)
                self.assertEqual(self.count_sms(server), 1)

    def test_closed_while_it_waits(self):
        """A request that is written to a closed connection would have an unknown outcome."""
        server = self.serve(self.talk)
        url = f'http://127.0.0.1:{server.port}/sms'

        def close():
            self.connected.wait(10)
            server.end_connections()

        self.assertIsNone(self.send_at(url, ON_TIME, while_waiting=close))
        self.assertEqual(self.send_at(url, ON_TIME).status, 200)
        self.assertEqual((server.connections, len(server.requests)), (2, 1))

    def test_closed_after_it_was_missed(self):
        server = self.serve(self.talk)
        url = f'http://127.0.0.1:{server.port}/sms'
        self.assertIsNone(self.send_at(url, MISSED, while_waiting=lambda: self.connected.wait(10)))
        server.end_connections()
        self.assertEqual(self.send_at(url, ON_TIME).status, 200)
        self.assertEqual((server.connections, len(server.requests)), (2, 1))

    def test_late(self):
        now = time.monotonic()
        Turn(now + 10, lambda: False).check()
        Turn(now, lambda: False).wait_to_connect()
        for turn in (Turn(now - MAX_LATE - 0.001, lambda: False), Turn(now + 10, lambda: True)):
            with self.assertRaises(MissedTurnError):
                turn.check()
