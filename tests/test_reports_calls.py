# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A call from a provider finds its gateway with one query, on one connection, and never by outdated settings."""
import io
import socket
import time
from types import SimpleNamespace
from unittest import mock
from urllib.parse import urlsplit

from odoo.tests import tagged

from ..controllers import callback, callback_load
from .common import CallbackCase, DeliveryCase


@tagged('post_install', '-at_install')
class TestCallSettings(DeliveryCase):

    def find(self, token=None):
        self.env.flush_all()
        return self.env['sms.gateway']._find_call_settings(token or self.gateway.delivery_callback_token, False)

    def test_remembered(self):
        settings = self.find()
        self.assertEqual((settings.gateway_id, settings.takes_reports), (self.gateway.id, True))
        with self.assertQueryCount(1):
            self.assertIs(self.find(), settings)

    def test_changed(self):
        """Whatever changes: the gateway, a row of its lists, by the ORM or by SQL."""
        rows = {'key': 'token', 'value': 's3cret-value', 'param_type': 'other', 'gateway_id': self.gateway.id}
        code = self.env['sms.gateway.callback.failure.map'].create(
            {'gateway_id': self.gateway.id, 'provider_code': '7', 'failure_type': 'sms_expired'})
        parameter = self.env['sms.gateway.parameter'].create(rows)
        seen = [self.find()]
        for change in (
                lambda: self.gateway.write({'delivery_callback_check': 'basic'}),
                lambda: self.gateway.write({'delivery_callback_check_username': 'provider'}),
                lambda: parameter.write({'value': 'another-s3cret'}),
                lambda: code.write({'failure_type': 'sms_rejected'}),
                code.unlink,
                lambda: self.env.cr.execute(
                    "UPDATE sms_gateway SET delivery_callback_answer = 'ACK' WHERE id = %s", [self.gateway.id])):
            change()
            self.env.flush_all()
            self.env.invalidate_all()
            settings = self.find()
            self.assertNotIn(settings, seen)
            seen.append(settings)
        self.assertEqual(seen[-1].credentials[0], 'provider')
        self.assertIn('another-s3cret', seen[-1].report_rules.secrets.secrets)
        self.assertEqual([
            [row.failure_type for row in settings.report_rules.failure_map if row.code == '7'] for settings in seen[3:6]
        ], [['sms_expired'], ['sms_rejected'], []])
        self.assertEqual(seen[-1].answers[False], ('ACK', 'text/plain'))

    def test_tokens(self):
        old = self.gateway.delivery_callback_token
        self.gateway.action_rotate_callback_token()
        self.assertEqual({self.find(old).gateway_id, self.find().gateway_id}, {self.gateway.id})
        self.gateway.action_end_rotation()
        self.assertIsNone(self.find(old))
        self.gateway.delivery_callback_enabled = False
        self.assertIsNone(self.find())
        self.assertIsNone(self.find('unknown\0'))
        self.gateway.inbound_enabled = True
        self.env.flush_all()
        self.assertTrue(self.env['sms.gateway']._find_call_settings(self.gateway.inbound_token, True).takes_messages)
        self.assertIsNone(self.env['sms.gateway']._find_call_settings(self.gateway.inbound_token, False))


@tagged('post_install', '-at_install')
class TestBodyIsHere(DeliveryCase):

    def setUp(self):
        super().setUp()
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.stream = self.ours.makefile('rb')
        self.addCleanup(self.stream.close)

    def look(self, length, **environ):
        environ = {'wsgi.input': self.stream, 'werkzeug.socket': self.ours, **environ}
        return callback_load.is_body_here(SimpleNamespace(content_length=length, _HTTPRequest__environ=environ))

    def test_arrived(self):
        self.assertTrue(self.look(None))
        self.assertTrue(self.look(0))
        self.theirs.sendall(b'uuid=1')
        self.assertTrue(self.look(6))
        self.assertEqual(self.stream.read(6), b'uuid=1')

    def test_not_arrived(self):
        """It looks without waiting, and the body can still be read afterwards."""
        start = time.monotonic()
        self.assertFalse(self.look(6))
        self.theirs.sendall(b'uuid')
        self.assertFalse(self.look(6))
        self.assertFalse(self.look(None, HTTP_TRANSFER_ENCODING='chunked'))
        self.assertLess(time.monotonic(), start + 30)
        self.theirs.sendall(b'=1')
        self.assertEqual(self.stream.read(6), b'uuid=1')

    def test_other_server(self):
        self.assertFalse(self.look(6, **{'werkzeug.socket': None}))
        self.assertFalse(self.look(6, **{'wsgi.input': io.StringIO()}))
        self.assertFalse(callback_load.is_body_here(SimpleNamespace(content_length=6)))


@tagged('post_install', '-at_install')
class TestRememberedDatabase(DeliveryCase):

    def setUp(self):
        super().setUp()
        self.patch(callback_load, '_databases', {})
        self.listed = []

    def post_init(self, path='/eis_sms/callback/x', host='a', cookies=(), header=None):
        """:return: the database, and whether the databases were listed"""
        environ = {'HTTP_HOST': host, **({callback_load.DATABASE_HEADER: header} if header else {})}

        def odoo_post_init(request):
            name = environ.get(callback_load.DATABASE_HEADER)
            request.db = name or 'only'
            self.listed.append(name is None)

        request = SimpleNamespace(
            httprequest=SimpleNamespace(path=path, environ=environ, cookies=dict(cookies)), db=None)
        callback_load._remember_database(callback_load._limit_connections(odoo_post_init))(request)
        self.assertEqual(environ.get(callback_load.DATABASE_HEADER), header)
        return request.db, self.listed[-1]

    def test_remembered(self):
        self.assertEqual(self.post_init(), ('only', True))
        self.assertEqual(self.post_init(), ('only', False))
        self.assertEqual(self.post_init(path='/eis_sms/inbound/x'), ('only', False))
        self.assertEqual(self.post_init(host='b'), ('only', True))
        with mock.patch.object(callback_load, 'DATABASE_SECONDS', 0):
            callback_load._databases.clear()
            self.post_init()
            self.assertEqual(self.post_init(), ('only', True))

    def test_not_remembered(self):
        """Odoo chooses for all other requests, and if the caller names a session or a database."""
        self.post_init()
        self.assertEqual(self.post_init(path='/web/login'), ('only', True))
        self.assertEqual(self.post_init(cookies={'session_id': 'x'}), ('only', True))
        self.assertEqual(self.post_init(header='other'), ('other', False))
        self.assertEqual(self.post_init(), ('only', False))

    def test_few_hosts(self):
        for number in range(3 * callback_load.MAX_HOSTS):
            self.post_init(host=str(number))
        self.assertLessEqual(len(callback_load._databases), callback_load.MAX_HOSTS)


@tagged('post_install', '-at_install')
class TestCompleteCall(CallbackCase):

    def test_one_connection(self):
        """A call that has arrived completely keeps its connection until it is stored."""
        sms, address = self.send_sms(), urlsplit(self.base_url())
        body = f'uuid={sms.uuid}&status=delivered'
        seen = []
        look, release = callback.is_body_here, mock.Mock()
        self.patch(callback, 'is_body_here', lambda request: seen.append(look(request)) or seen[-1])
        self.patch(callback, '_release_connection', release)
        with self.allow_requests(all_requests=True), socket.create_connection(
                (address.hostname, address.port), timeout=30) as client:
            client.sendall((
                f'POST {self.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n'
                f'Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}').encode())
            self.assertIn(b' 200 ', client.recv(100))
        self.env.invalidate_all()
        self.assertEqual((seen, release.called), ([True], False))
        self.assertEqual(self.state(sms), ('success', True, 'sent'))
