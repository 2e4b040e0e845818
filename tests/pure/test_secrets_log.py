# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""No record of the watched loggers shows a secret, at any level."""
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest.mock import patch
from urllib.parse import quote

import requests

from ...sending.request_pool import GatewayConnection, exchange
from ...tools import secret_log
from ...tools.request.builder import HttpRequest
from .common import PureCase

SECRET = 'pl4nted s3cret/+é'
TOKEN = 'DAq3HvQ0Yy7'


class _Handler(logging.Handler):
    """Keeps the formatted records, as a file would."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


class _Provider(BaseHTTPRequestHandler):

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *args):
        """Silent."""


class TestSecretLog(PureCase):

    def setUp(self):
        self.handler = _Handler()
        secret_log.watch('eis.test')
        root = logging.getLogger()
        self.addCleanup(root.setLevel, root.level)
        root.setLevel(logging.DEBUG)
        # Instead of those of the runner, for which an error in the log is one of the test.
        self.start(patch.object(root, 'handlers', [self.handler]))

    @property
    def log(self):
        return '\n'.join(self.handler.lines)

    def assert_hidden(self, *secrets):
        self.assertTrue(self.handler.lines)
        for secret in secrets:
            self.assertNotIn(secret, self.log)

    def test_request_of_ours(self):
        """urllib3 logs each request with its path and query."""
        server = HTTPServer(('127.0.0.1', 0), _Provider)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_port}/send/{TOKEN}/it's?key={quote(SECRET)}&to=%2B32456001122"
        answer = exchange(GatewayConnection(('test', 'log')), HttpRequest('GET', url, (), None, ()), 5)
        self.assertEqual(answer.status, 200)
        self.assert_hidden(TOKEN, quote(SECRET), 's3cret', '32456001122')
        self.assertIn('/*** HTTP/1.1', self.log)
        self.assertIn(f'127.0.0.1:{server.server_port}', self.log)

    def test_others_requests_are_left_alone(self):
        logging.getLogger('urllib3.connectionpool').debug('%s "GET %s HTTP/1.1"', 'http://host', '/path?a=b')
        self.assertIn('/path?a=b', self.log)

    def test_failed_request(self):
        url = f'http://127.0.0.1:1/send/{TOKEN}?key={quote(SECRET)}'
        answer = exchange(GatewayConnection(('test', 'failed')), HttpRequest('GET', url, (), None, ()), 2)
        self.assertEqual(answer.failure, 'connect')
        for text in (self.log, str(answer.reason), repr(answer)):
            self.assertNotIn(TOKEN, text)
            self.assertNotIn('s3cret', text)

    def test_warning_of_urllib3_with_the_url(self):
        with secret_log.request_under_way():
            logging.getLogger('urllib3.connectionpool').warning(
                'Failed to parse headers (url=%s): %s', f'https://user:{TOKEN}@host:443/x?key={TOKEN}', 'bad')
        self.assert_hidden(TOKEN)
        self.assertIn('https://host:443/***', self.log)

    def test_known_secret_in_message_and_traceback(self):
        secret_log.remember(SECRET)
        logger = logging.getLogger('eis.test.module')
        secret_log.watch('eis.test')
        logger.debug('%s and %s', SECRET, {'a': SECRET})
        try:
            raise requests.exceptions.InvalidURL(f'no URL: https://host/?key={quote(SECRET, safe="")}')
        except requests.exceptions.InvalidURL:
            logger.exception('failed')
        self.assert_hidden('s3cret')
        self.assertIn('InvalidURL', self.log)

    def test_our_urls_in_the_access_log(self):
        for name in ('callback', 'inbound', 'health'):
            logging.getLogger('werkzeug').info(
                '%s - - "%s" %s', '127.0.0.1', f'POST /eis_sms/{name}/{TOKEN}?uuid=1&to=32456001122 HTTP/1.1', 200)
            self.assertIn(f'"POST /eis_sms/{name}/*** HTTP/1.1" 200', self.log)
        self.assert_hidden(TOKEN, '32456001122')

    def test_statements(self):
        for statement in (
            f'''INSERT INTO "sms_gateway" ("name", "api_key") VALUES ('A', '{TOKEN}')''',
            f'''UPDATE "sms_gateway_header" SET "value" = E'it\\'s {TOKEN}' WHERE id = 1''',
            f'''SELECT id FROM sms_gateway WHERE delivery_callback_token = '{TOKEN}' ''',
            f'''UPDATE t SET "inbound_old_token" = '{TOKEN}' WHERE id = 1''',
            f'''INSERT INTO "ir_default" ("field_id", "json_value") VALUES (1, '"{TOKEN}"')''',
            f'''INSERT INTO "ir_filters" VALUES ('sms.gateway', '[(''token'', ''='', ''{TOKEN}'')] ')''',
            f'''UPDATE "base_import_import" SET "file" = '{TOKEN}' WHERE id = 1''',
            f'''b\'INSERT INTO "sms_gateway" VALUES (\\'{TOKEN}\\')\'
ERROR: new row violates check constraint
DETAIL:  Failing row contains (1, {TOKEN},
{TOKEN}).''',
        ):
            logging.getLogger('odoo.sql_db').debug('query: %s', statement)
            logging.getLogger('odoo.sql_db').error('bad query: %s', statement)
        logging.getLogger('odoo.sql_db').debug('query: %s', "SELECT 1 FROM sms_sms WHERE number = '+32456001122'")
        self.assert_hidden(TOKEN)
        self.assertIn('+32456001122', self.log, "other statements stay readable")

    def test_calls_of_administrators(self):
        logging.getLogger('odoo.service.model').debug(
            'call %s.%s(%s)', 'sms.gateway()', 'create',
            f"""[{{'name': 'A', 'api_key': '{TOKEN}', 'header_ids': [[0, 0, {{'value': "it's {TOKEN}"}}]]}}]""")
        self.assert_hidden(TOKEN)
        self.assertIn("'name': 'A'", self.log)

    def test_every_shape_of_a_call(self):
        """As `odoo.service.model` logs calls: the arguments by `repr`, then those with a name."""
        for call in (
            f"sms.gateway().load(['name', 'token'], [['A', {TOKEN!r}]])",
            f"sms.gateway().search_read([('token', '=', {TOKEN!r})], ['name'])",
            f"sms.gateway().search_count(domain=['|', ['token', 'in', [{TOKEN!r}]], ('api_key', 'ilike', {TOKEN!r})])",
            f"sms.gateway().web_search_read(domain=[['header_ids.value', '=', {TOKEN!r}]], specification={{}})",
            f"sms.gateway().formatted_read_group([('token', '=', {TOKEN!r})], ['state'], ['__count'])",
            f"sms.gateway().name_search(domain=[('token', '=', {TOKEN!r})], name='A')",
            f"sms.gateway().name_create({TOKEN!r})",
            f"sms.gateway(1).update_field_translations('token', {{'en_US': {TOKEN!r}}})",
            f"sms.gateway(1).web_save({{'token': {TOKEN!r}, 'parameter_ids': [[1, 2, {{'value': {TOKEN!r}}}]]}})",
            f"sms.gateway(1).onchange({{'token': {TOKEN!r}, 'other': {TOKEN!r}}}, ['token'], {{'token': {{}}}})",
            f"sms.gateway().create([{{'note': {TOKEN!r}, 'default_value': {TOKEN.encode()!r}}}])",
            f"sms.gateway().default_get(['token'], context={{'default_token': {TOKEN!r}, 'lang': 'en_US'}})",
            f"sms.gateway(1).copy({{'password': {TOKEN!r}}})",
            f"sms.gateway.header(1).write({{'value': 'Bearer {TOKEN}'}})",
            f"ir.default().set('sms.gateway', 'token', {TOKEN!r})",
            f"ir.default(1).write({{'json_value': '\"{TOKEN}\"'}})",
            f"ir.filters().create({{'model_id': 'sms.gateway', 'domain': \"[('token', '=', '{TOKEN}')]\"}})",
            f"base_import.import(1).write({{'file': {TOKEN!r}}})",
        ):
            logging.getLogger('odoo.service.model').debug('call %s', call)
        logging.getLogger('odoo.service.model').debug(
            "call %s", "sms.gateway().create({'password': 98765, 'x': [('token', '=', 98765), ('pin', 'in', [1])]})")
        logging.getLogger('odoo.domains').warning('The domain condition %r is odd.', ('token', 'in', TOKEN))
        logging.getLogger('werkzeug').info(
            '"%s" 200', f"GET /json/1/sms.gateway?domain=[('token'%2C'='%2C'{TOKEN}')]&limit=1 HTTP/1.1")
        self.assert_hidden(TOKEN, '98765')
        self.assertEqual(len(self.handler.lines), 21)
        for shown in ("load(['name', 'token']", "name='A'", "'lang': 'en_US'", '&limit=1 HTTP/1.1" 200'):
            self.assertIn(shown, self.log)

    def test_calls_of_others_are_left_alone(self):
        logging.getLogger('odoo.service.model').debug('call %s', "res.partner().create([{'token': 'abcd'}])")
        logging.getLogger('odoo.domains').warning('The domain condition %r is odd.', ('name', 'in', 'abcd'))
        self.assertEqual(self.log.count("'abcd'"), 2)

    def test_traceback_of_an_import(self):
        """`load` logs what PostgreSQL says of a row."""
        try:
            raise ValueError(f'violates a constraint of "sms_gateway"\nDETAIL:  Failing row contains (1, {TOKEN}).')
        except ValueError:
            logging.getLogger('odoo.models').debug("Error while loading record", exc_info=True)
        self.assert_hidden(TOKEN)

    def test_short_ones_and_no_texts_are_not_remembered(self):
        secret_log.remember('abc', '', None, 12345, False)
        self.assertEqual(secret_log.mask('abc 12345 None'), 'abc 12345 None')
