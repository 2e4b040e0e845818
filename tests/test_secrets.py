# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Given planted secrets and a log at the most talkative level: they stand nowhere but in their fields."""
import logging
from contextlib import contextmanager

import psycopg2

from odoo.tests import tagged
from odoo.tools import mute_logger

from .callback_calls import FORM
from .common import SECRET
from .provider import Reply
from .test_callback import CallbackCase

OTHERS = {
    'api_key': 'a-s3cret-k3y', 'username': 'u-s3cret-n4me', 'password': "p-s3cret'/+ é",
    'delivery_callback_check_key': 'k-s3cret', 'delivery_callback_check_password': 'c-s3cret'}
TYPED = 'typed-s3cret'
NUMBER = '+32456998877'
TEXT = "The text of nobody's business"


class _Lines(logging.Handler):

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append((record.name, record.levelno, self.format(record)))


@tagged('post_install', '-at_install')
class TestSecrets(CallbackCase):

    @contextmanager
    def whole_log(self):
        """:return: context manager of the lines of all loggers at debug level, as (logger, level, text)"""
        handler, root = _Lines(), logging.getLogger()
        loggers = [root, *(logging.getLogger(name) for name in list(root.manager.loggerDict))]
        levels = {logger: logger.level for logger in loggers if logger.level}
        shown = {other: other.level for other in root.handlers}
        for other in shown:
            other.setLevel(max(other.level, logging.WARNING))  # the log of the tests stays readable
        root.addHandler(handler)
        for logger in levels:
            logger.setLevel(logging.DEBUG)
        try:
            yield handler.lines
        finally:
            root.removeHandler(handler)
            for logger, level in [*levels.items(), *shown.items()]:
                logger.setLevel(level)

    def make_secret_gateway(self, **values):
        return self.make_gateway(
            "Secrets", delivery_callback_enabled=True, **OTHERS,
            header_ids=[(0, 0, {'key': 'Authorization', 'value': f'Bearer {TYPED}'})], **values)

    def assert_no_secret(self, texts, gateway=None):
        text = '\n'.join(map(str, texts))
        self.assertTrue(text)
        for secret in (SECRET, 's3cret', gateway and gateway.delivery_callback_token):
            if secret:
                position = text.find(secret)
                self.assertLess(position, 0, text[max(0, position - 300):position + 50])

    def test_logs(self):
        """An administrator sets a gateway up, an SMS is sent in the URL, it fails, its report comes."""
        with self.whole_log() as lines:
            gateway = self.make_secret_gateway(country_prefixes='+32', method='get')
            gateway.write({'api_key': 'a-s3cret-new'})
            self.env.flush_all()
            gateway.action_new_callback_token()
            self.env.flush_all()
            self.provider.answer(Reply(400, f'token={SECRET} number={NUMBER} {TYPED}'))
            sms = self.make_sms(NUMBER, NUMBER, body=TEXT)
            sms.send()
            path = gateway.delivery_callback_url.removeprefix(gateway.get_base_url())
            self.call('POST', f'secret={SECRET}', FORM, f'uuid={sms[1].uuid}&status=delivered'.encode(), path=path)
            self.call('GET', path=f'{path}x')
            _text = gateway.request_preview, gateway.request_curl, gateway.warnings
        self.assertIn("GET /*** HTTP/1.1", '\n'.join(text for _name, _level, text in lines), "requests are logged")
        # what a test's own client logs is not ours
        ours = [line for line in lines if '/eis_sms/callback' not in line[2] or line[0] == 'werkzeug']
        for logger in ('werkzeug', 'odoo.sql_db', 'urllib3.connectionpool'):
            self.assertTrue([line for line in lines if line[0] == logger], logger)
        self.assert_no_secret((text for _name, _level, text in ours), gateway)
        for name, level, text in ours:
            if level > logging.DEBUG:
                self.assertNotIn(NUMBER, text, name)
                self.assertNotIn(TEXT, text, name)

    def test_errors_of_the_database(self):
        """PostgreSQL repeats the whole row in the error of a constraint."""
        with self.assertLogs('odoo.sql_db', 'ERROR') as log, self.assertRaises(psycopg2.errors.CheckViolation), \
                self.env.cr.savepoint():
            self.make_secret_gateway(timeout=0)
        self.assertIn('bad query', log.output[0])
        self.assert_no_secret(log.output)

    def test_tracebacks(self):
        gateway = self.make_secret_gateway(request_type='json')
        self.gateway.state = 'disabled'
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sms_gateway SET body_template = %s WHERE id = %s",
            [f'{{"password": "{TYPED}", {{token}}', gateway.id])
        self.env.invalidate_all()
        with self.assertLogs('odoo.addons.eis_sms_apis.models.sms_run', 'ERROR') as log:
            self.make_sms(NUMBER).send()
        self.assertIn("Traceback", log.output[0])
        self.assert_no_secret(log.output, gateway)

    def test_what_people_see(self):
        gateway = self.make_secret_gateway(country_prefixes='+32')
        for text in (gateway.request_preview, gateway.request_curl, gateway.warnings, gateway.display_name):
            self.assert_no_secret([text], gateway)
        self.assertIn("Authorization", gateway.warnings, "a typed secret is told")
        self.provider.answer(Reply(400, f"{SECRET} {TYPED} {OTHERS['api_key']}: bad"))
        message = self.make_contact()._message_sms("Hello")
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        rows = self.env['sms.gateway.status'].search([('gateway_id', '=', gateway.id)])
        for records in (sms, rows, message.notification_ids, message):
            self.assert_no_secret([records.read()], gateway)
        test = self.env['sms.gateway.test'].create({
            'gateway_id': gateway.id, 'number': NUMBER, 'body': f"Hello {TYPED}"})
        test.action_send()
        self.assert_no_secret([test.request, test.response, test.result], gateway)
        self.assertFalse(gateway._fields.get('message_ids'), "no chatter that tracks values")

    @mute_logger('odoo.addons.eis_sms_apis.controllers.callback')
    def test_answers_of_the_callback(self):
        gateway = self.make_secret_gateway()
        path = gateway.delivery_callback_url.removeprefix(gateway.get_base_url())
        for body in (b'', b'{"status": ', b'status=delivered', b'uuid=x&status=delivered'):
            answer = self.call('POST', '', FORM, body, path=path)
            self.assert_no_secret([answer.text, answer.headers], gateway)
            for name in ("Secrets", self.env.cr.dbname, 'sms', str(gateway.id), 'Traceback', 'psycopg'):
                self.assertNotIn(name, answer.text)
