# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A success is only certain if the response confirms it, not just its HTTP code."""
import json

from ...tools.answer.doubt import EMPTY, ERROR, PAGE, UNREAD, doubt, looks_like_error
from ...tools.answer.interpretation import AnswerRules
from .. import template_samples
from .common import PureCase, read_one

ERRORS = (
    'ERR:102 Wrong sender', 'Error: no credits', 'ERROR 301', 'Invalid login', 'FAILED', '-4', 'status=failed&id=0',
    '{"error": "Bad"}', '{"errors": ["bad"]}', '{"error": {"code": 1, "message": "x"}}', '{"errorCode": 102}',
    '{"success": false}', '{"status": "InvalidSenderId"}', '{"messages": [{"error-text": "Bad Credentials"}]}',
    '{"data": {"response_status": "NOT_ALLOWED_SENDER"}}', '[{"status": "REJECTED_NOT_ENOUGH_CREDITS"}]',
    '<Response><Status>Failed</Status></Response>', '<r><errorcode>12</errorcode></r>', '{"error": "cut off',
)
NO_ERRORS = (
    'OK: 123', 'OK', '1701|919|id', 'Message queued', 'ERROR=0&id=12', 'success: no errors', '123456',
    '{"id": "1", "error": null, "errors": []}', '{"error_code": 0, "error_message": ""}', '{"errorCode": "ER-00"}',
    '{"status": "queued", "error": {"code": 0, "message": "No Error"}}', '{"to": "Invalid", "text": "failed"}',
    '<r><error>0</error><id>4</id></r>', '[]', '',
)


class TestDoubt(PureCase):

    def doubt(self, text, status=200, **rules):
        return doubt(AnswerRules(**rules), read_one(status, text, **rules), text)

    def test_errors(self):
        for text in ERRORS:
            with self.subTest(text=text):
                self.assertTrue(looks_like_error(text))
                self.assertEqual(self.doubt(text), ERROR)
                self.assertEqual(self.doubt(text, message_id_regex=r'nothing'), ERROR)

    def test_no_errors(self):
        for text in NO_ERRORS:
            with self.subTest(text=text):
                self.assertFalse(looks_like_error(text))

    def test_pages_and_nothing(self):
        self.assertEqual(self.doubt('<!DOCTYPE html><html><body>Login</body></html>'), PAGE)
        self.assertEqual(self.doubt('\n<html lang="en">', message_id_regex='lang="(.*?)"'), PAGE)
        self.assertEqual(self.doubt(' \n', error_key='ERR'), EMPTY)

    def test_described_responses(self):
        """A message ID or a text of the gateway confirms it; so does a description of errors that does not match."""
        self.assertEqual(self.doubt('Falsche Nummer'), UNREAD)
        self.assertEqual(self.doubt('Falsche Nummer', message_id_regex=r'id=(\d+)'), UNREAD)
        self.assertEqual(self.doubt('id=4', message_id_regex=r'id=(\d+)'), '')
        self.assertEqual(self.doubt('Sent, errors: 1', success_substring='Sent'), '')
        self.assertEqual(self.doubt('Sent', error_key='ERR'), '')
        self.assertEqual(self.doubt('Sent', success_key='OK', default_success_200=True), UNREAD)

    def test_failures_are_certain(self):
        self.assertEqual(self.doubt('ERR:1', status=400), '')
        self.assertEqual(self.doubt('ERR:1', success_substring='OK'), '', "It is unclear already.")

    def test_accepted_samples_of_the_templates_look_like_no_error(self):
        count = 0
        for slug in template_samples.sample_slugs():
            for sample in template_samples.load(slug).answers:
                body = sample['body']
                text = body if isinstance(body, str) else json.dumps(body)
                if all(result['state'] in ('success', 'pending') for result in sample['results']):
                    count += 1
                    with self.subTest(provider=slug, sample=sample['name']):
                        self.assertFalse(looks_like_error(text))
        self.assertGreater(count, 50)
