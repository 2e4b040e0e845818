# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A response becomes a list of values, and these become settings that read the next response."""
import json
import re

from ...tools.answer.mapping import guess, list_values, make_settings
from ...tools.answer.price import PriceRules
from .. import template_samples
from .common import PureCase, read_one

FIELDS = {
    'answer_message_id_path': 'message_id_path', 'message_id_regex': 'message_id_regex',
    'answer_error_code_path': 'error_code_path', 'error_code_regex': 'error_code_regex',
    'answer_error_message_path': 'error_message_path', 'answer_status_path': 'status_path',
}


class TestMapping(PureCase):

    def read(self, text, status=200, failed=False, **known):
        """Read a response with the settings that were guessed from it."""
        values = list_values(text)
        settings = make_settings(values, guess(values, failed=failed, **known))
        rules = {FIELDS[name]: value for name, value in settings.items() if value and name in FIELDS}
        rules['price'] = PriceRules(settings.get('answer_price_path') or '')
        return read_one(status, text, **rules)

    def test_values(self):
        for text, expected in (
                ('{"a": {"b": 1.50, "c": null}, "d": [{"e": "x"}, {"e": "y"}]}',
                 [('a.b', '1.50'), ('a.c', ''), ('d[].e', 'x')]),
                ('[["x"], {"id": true}]', [('[][]', 'x'), ('[].id', 'true')]),
                ('{"a.b": 1, "c|d": 2, "e[]": 3, "": 4}', []),
                ('<r a="1"><n:id x="2"> 7 </n:id><id>8</id><s/></r>', [('id', '7')]),
                ('OK 12345', [('#1', 'OK'), ('#2', '12345')]),
                ('id=55&status=ok', [('id', '55'), ('status', 'ok')]),
                ('ERR:102 Wrong sender', [('ERR', '102')]),
                ('{"cut": ', []), ('', []), ('"', []),
        ):
            with self.subTest(text=text):
                self.assertEqual([(value.path, value.value) for value in list_values(text)], expected)

    def test_large_responses(self):
        self.assertEqual(len(list_values(json.dumps({f'k{index}': 1 for index in range(1000)}))), 60)
        self.assertEqual(list_values('[' * 5000), [])
        self.assertEqual(list_values('{"a":' * 500 + '1' + '}' * 500), [])
        with self.assert_cheap(0.5):
            list_values('<a>' * 20_000)
            list_values('a ' * 30_000)

    def test_message_ids(self):
        for text, expected in (
                ('{"messages": [{"id": "9", "message-id": "A1"}]}', 'A1'),
                ('{"id": "7", "to": "1", "status": "ok"}', '7'),
                ('OK 12345', '12345'), ('OK: 12345', '12345'), ('OK ID:29346', '29346'), ('uuid=7;id=12345', '7'),
                ('1701|abc-12345', 'abc-12345'), ('Success "0703-44"', '0703-44'),
                ('<r><code>0</code><MessageId>7788</MessageId></r>', '7788'),
                ('{"id": 0}', ''), ('{"success": "true"}', ''), ('OK', ''),
        ):
            with self.subTest(text=text):
                self.assertEqual(self.read(text).message_id, expected)

    def test_number_and_text_are_no_values(self):
        self.assertEqual(self.read('{"id": "32456001122"}', number='+32 456 00 11 22').message_id, '')
        text = '{"message": "Hello"}'
        self.assertEqual(guess(list_values(text), text="Hello", failed=True), {})

    def test_errors(self):
        for text, code, words in (
                ('ERR:102 Wrong sender', '102', 'ERR:102 Wrong sender'),
                ('{"error": {"code": 12, "message": "No credit"}}', '12', 'No credit'),
                ('{"requestError": {"serviceException": {"messageId": "X", "text": "Invalid login"}}}', '',
                 'Invalid login'),
                ('{"code": 21211, "message": "Bad number", "status": 400}', '21211', 'Bad number'),
                ('<r><ErrorCode>5</ErrorCode></r>', '5', '<r><ErrorCode>5</ErrorCode></r>'),
        ):
            with self.subTest(text=text):
                result = self.read(text, 400, failed=True)
                self.assertEqual((result.error_code, result.error_message, result.message_id), (code, words, ''))

    def test_meaning_replaces_the_other_way_to_read_it(self):
        values = list_values('{"id": "1"}')
        self.assertEqual(
            make_settings(values, {'id': 'message_id'}), {'answer_message_id_path': 'id', 'message_id_regex': False})
        values = list_values('id=1')
        settings = make_settings(values, {'id': 'message_id'})
        self.assertFalse(settings['answer_message_id_path'])
        self.assertEqual(re.search(settings['message_id_regex'], 'uid=3&id=2')[1], '2')
        self.assertEqual(make_settings(values, {'id': 'status', 'other': 'message_id'}), {})

    def test_samples_of_the_templates(self):
        """The message ID is found in the samples of nearly all templates without a question."""
        right, wrong = 0, []
        for slug in template_samples.sample_slugs():
            for sample in template_samples.load(slug).answers:
                body, results = sample['body'], sample['results']
                expected = results[0].get('message_id', '')
                if len(results) > 1 or results[0]['state'] != 'success' or not expected or '$' in expected:
                    continue
                text = body if isinstance(body, str) else json.dumps(body)
                if self.read(text, number='919999999999').message_id == expected:
                    right += 1
                else:
                    wrong.append(slug)
        self.assertGreater(right, 30)
        self.assertLess(len(wrong), right / 10, wrong)
