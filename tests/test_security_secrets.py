# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Secrets stand nowhere but in their fields, however talkative the log is."""
import base64
import contextlib
import html
import importlib.util
import itertools
import json
import logging
import re
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote, quote_plus

import psycopg2

from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from .callback_calls import FORM
from .common import SECRET, CallbackCase
from .provider import Reply

OTHERS = {
    'api_key': 'a-s3cret-k3y', 'username': 'u-s3cret-n4me', 'password': "p-s3cret'/+ é",
    'delivery_callback_check_key': 'k-s3cret', 'delivery_callback_check_old_key': 'o-s3cret',
    'delivery_callback_check_password': 'c-s3cret', 'delivery_callback_old_token': 't-s3cret'}
TYPED = 'typed-s3cret'
NUMBER = '+32456998877'
TEXT = "The text of nobody's business"


def spellings(secret):
    """:return: the texts in which a provider may repeat a secret"""
    content = secret.encode()
    as_json = json.dumps(secret)[1:-1]
    php = as_json.replace('/', '\\/').replace('&', '\\u0026')
    return {
        secret, quote(secret, safe=''), re.sub('%..', lambda code: code[0].lower(), quote(secret, safe='')),
        quote(quote(secret, safe=''), safe=''), quote_plus(secret), as_json, php, json.dumps(as_json)[1:-1],
        json.dumps(php)[1:-1], html.escape(secret),
        ''.join(f'&#{ord(character)};' for character in secret), ''.join(f'&#x{ord(char):x};' for char in secret),
        content.hex(), content.hex().upper(), base64.b64encode(content).decode(),
        base64.urlsafe_b64encode(content).decode().rstrip('='), base64.b64encode(b'user:' + content).decode(),
    }


class _Lines(logging.Handler):

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        self.lines.append((record.name, record.levelno, self.format(record)))


@tagged('post_install', '-at_install')
class TestSecrets(CallbackCase):

    @contextlib.contextmanager
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

    def test_calls(self):
        """Whatever an administrator's client calls."""
        gateways = self.env['sms.gateway']
        secrets = (f'unkn0wn-s3cret-{number}' for number in itertools.count())  # what is once created is known
        for model, method, arguments, keywords in (
            (gateways, 'load', [['name', 'token', 'base_url'], [["Import", next(secrets), 'http://127.0.0.1']]], {}),
            (gateways, 'load', [['name', 'token'], [["No URL", next(secrets)]]], {}),
            (gateways, 'search_read', [[('token', '=', next(secrets))], ['name']], {}),
            (gateways, 'web_search_read', [[['token', 'ilike', next(secrets)]], {'name': {}}], {}),
            (gateways, 'formatted_read_group', [[('token', 'in', next(secrets))], ['state'], ['__count']], {}),
            (gateways, 'update_field_translations', [self.gateway.ids, 'token', {'en_US': next(secrets)}], {}),
            (gateways, 'name_create', [next(secrets)], {}),
            (gateways, 'web_save', [self.gateway.ids, {'note': next(secrets)}], {'specification': {}}),
            (gateways, 'onchange', [[], {'token': next(secrets)}, ['token'], {'token': {}}], {}),
            (self.env['ir.default'], 'set', ['sms.gateway', 'token', next(secrets)], {}),
            (self.env['ir.filters'], 'create', [{
                'name': "Mine", 'model_id': 'sms.gateway', 'user_ids': [],
                'domain': f"[('token', '=', '{next(secrets)}')]"}], {}),
        ):
            with self.subTest(method=method), self.whole_log() as lines:
                with contextlib.suppress(Exception), self.env.cr.savepoint():  # what it raises is not the point
                    call_kw(model, method, arguments, keywords)
                self.assertTrue([line for line in lines if line[0] == 'odoo.service.model'])
                self.assert_no_secret(text for _name, _level, text in lines)

    def test_errors_of_the_database(self):
        """PostgreSQL repeats the whole row in the error of a constraint."""
        gateway = self.make_secret_gateway()
        self.env.flush_all()
        with self.assertLogs('odoo.sql_db', 'ERROR') as log, self.assertRaises(psycopg2.errors.CheckViolation), \
                self.env.cr.savepoint():
            self.env.cr.execute("UPDATE sms_gateway SET timeout = 0 WHERE id = %s", [gateway.id])
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
        with self.assertLogs('odoo.addons.eis_sms_apis.sending.dispatch', 'ERROR') as log:
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

    def test_what_a_provider_repeats(self):
        """Every employee reads what is written beside a document."""
        gateway = self.make_secret_gateway(country_prefixes='+32')
        pair = f"{OTHERS['username']}:{OTHERS['password']}".encode()
        told = [f'Basic {base64.b64encode(pair).decode()}', gateway.delivery_callback_url]
        for secret in (SECRET, TYPED, gateway.delivery_callback_token, *OTHERS.values()):
            told += spellings(secret)
        for text in told:
            with self.subTest(text=text):
                self.provider.answer(Reply(400, json.dumps({'error': f'Bad <{text}> given'})))
                message = self.make_contact()._message_sms("Hello")
                sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
                notification = message.notification_ids
                shown = [
                    sms.failure_reason, notification.failure_reason, notification.format_failure_reason(),
                    *self.status_of(sms).mapped('response_text'), *self.status_of(sms).mapped('error_message')]
                for words in shown:
                    self.assertIn("Bad <", words)
                    self.assert_masked(words, text)

    @mute_logger('odoo.addons.eis_sms_apis.controllers.callback')
    def test_what_a_report_repeats(self):
        """Words and code of a failure, a status that no list has, and a report that comes before its SMS."""
        gateway = self.make_secret_gateway(country_prefixes='+32', delivery_callback_error_message_param='words')
        path = gateway.delivery_callback_url.removeprefix(gateway.get_base_url())
        secrets = (SECRET, TYPED, gateway.delivery_callback_token, *OTHERS.values())
        for text in [gateway.delivery_callback_url, *(text for secret in secrets for text in spellings(secret))]:
            with self.subTest(text=text):
                sms = self.make_sms(NUMBER)
                sms.send()
                for report in (
                        {'uuid': sms.uuid, 'status': f'unknown {text}'},
                        {'uuid': sms.uuid, 'status': 'failed', 'error_code': text, 'words': f'Bad <{text}> given'},
                        {'uuid': '0' * 32, 'status': f'early {text}', 'words': text, 'error_code': text}):
                    self.call('POST', '', 'application/json', json.dumps(report).encode(), path=path)
                row = self.status_of(sms)
                early = self.env['sms.gateway.early.report'].search([], order='id desc', limit=1)
                self.assertRegex(row.error_message, r'^Bad <.*\*\*\*> given$')
                self.assertEqual(row.error_message, sms.failure_reason)
                self.assertTrue(early.status)
                for words in (
                        row.error_message, row.note, row.error_code, early.status, early.error_message,
                        early.error_code):
                    self.assert_masked(words or '', text)

    def test_what_was_stored_before(self):
        """An upgrade masks what earlier versions left in the database."""
        gateway = self.make_secret_gateway(country_prefixes='+32')
        self.provider.answer(Reply(400, 'Bad words'))
        message = self.make_contact()._message_sms("Hello")
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        row, notification = self.status_of(sms), message.notification_ids
        self.env.flush_all()
        told = f"Bad {base64.b64encode(SECRET.encode()).decode()} %s"
        for table, record, columns in (
                ('sms_gateway_status', row, ('response_text', 'error_message', 'error_code', 'note')),
                ('sms_sms', sms, ('failure_reason',)), ('mail_notification', notification, ('failure_reason',))):
            for column in columns:
                self.env.cr.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [told % column, record.id])
        self.env['sms.gateway.early.report'].create({
            'gateway_id': gateway.id, 'status': 'x', 'error_message': told % 'early', 'error_code': '1'})
        script = Path(__file__).parents[1] / 'migrations' / '19.0.3.0.0' / 'post-mask_secrets.py'
        specification = importlib.util.spec_from_file_location('post_mask_secrets', script)
        migration = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(migration)
        self.env.flush_all()
        with patch.object(migration, 'BATCH', 1):
            migration.migrate(self.env.cr, '19.0.2.0.0')
        self.env.invalidate_all()
        self.assertEqual(
            [row.response_text, row.error_message, row.error_code, row.note, sms.failure_reason,
             notification.failure_reason],
            [f'Bad *** {name}' for name in (
                'response_text', 'error_message', 'error_code', 'note', 'failure_reason', 'failure_reason')])
        early = self.env['sms.gateway.early.report'].search([('gateway_id', '=', gateway.id)])
        self.assertEqual((early.status, early.error_message, early.error_code), ('x', 'Bad *** early', '1'))

    def assert_masked(self, shown, text):
        self.assertNotIn('s3cret', shown)
        self.assertNotIn(text, html.unescape(shown))
        self.assertNotIn(json.dumps(text)[1:-1], shown)

    @mute_logger('odoo.addons.eis_sms_apis.controllers.callback')
    def test_answers_of_the_callback(self):
        gateway = self.make_secret_gateway()
        path = gateway.delivery_callback_url.removeprefix(gateway.get_base_url())
        for body in (b'', b'{"status": ', b'status=delivered', b'uuid=x&status=delivered'):
            answer = self.call('POST', '', FORM, body, path=path)
            self.assert_no_secret([answer.text, answer.headers], gateway)
            for name in ("Secrets", self.env.cr.dbname, 'sms', str(gateway.id), 'Traceback', 'psycopg'):
                self.assertNotIn(name, answer.text)
