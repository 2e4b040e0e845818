# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Any response is read: message IDs, error messages, byte order marks, secrets, large and invalid responses."""
import json
import re

from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from ...tools.problem import Problem
from .common import ONE, TWO, PureCase, Sms, read, read_one
from .made_up import cases, given, st


class TestAnswersWithoutWords(PureCase):
    """A boolean, also one that is spelled as text, does not explain why an SMS failed."""

    def test_answers(self):
        refusal = {'error_values': ('false', 'no'), 'error_code_path': 'code'}
        for text, path, rules, expected in (
                ({'m': [{'ok': False, 'code': 23}]}, '', {'items_path': 'm[]', 'status_path': 'ok'}, '23'),
                ({'m': [{'ok': 'False', 'why': None, 'code': 23}]}, 'why', {'items_path': 'm[]', 'status_path': 'ok'},
                 '23'),
                ({'m': [{'ok': 'no', 'code': 23}]}, '', {'items_path': 'm[]', 'status_path': 'ok'}, 'no'),
                ({'ok': False, 'error': True, 'text': 'Bad number'}, 'error|text', {'status_path': 'ok'}, 'Bad number'),
                ({'ok': False, 'error': 'None', 'text': 'Bad number'}, 'error|text', {'status_path': 'ok'},
                 'Bad number'),
                ({'ok': False, 'errors': [False, 'Bad number']}, 'errors[]', {'status_path': 'ok'}, 'Bad number')):
            with self.subTest(text=text):
                result = read_one(200, json.dumps(text), error_message_path=path, **rules, **refusal)
                self.assertEqual((result.state, result.error_message), ('error', expected))


class TestMessageId(PureCase):
    """doc/behaviour.md section 5: Message ID Regex, its groups and several recipients; paths win over it."""

    def test_groups(self):
        for pattern, expected in (
                (r'"x":"(?:.)"|ID:(\w+)', '29346'), (r'(OK) ID:(?P<id>\w+)', '29346'), (r'\d+', '29346'), ('(', ''),
                ('nothing', ''), ('(x)?OK', '')):
            with self.subTest(pattern=pattern):
                self.assertEqual(read_one(200, 'OK ID:29346', message_id_regex=pattern).message_id, expected)

    def test_several_recipients(self):
        for text, pattern, expected in (
                # Route Mobile: number and id, here in the other order
                ('1701|923007654321|B,1701|923001234567|A', r'1701\|(?P<number>\d+)\|(?P<id>\w+)', ['A', 'B']),
                ('1701|923007654321|B', r'1701\|(?P<number>\d+)\|(?P<id>\w+)', ['', 'B']),
                ('{"ids": ["A", "B"]}', '"([AB])"', ['A', 'B']),
                ('{"id": "A"}', '"([AB])"', ['A', 'A']),
                ('A B A', '[AB]', ['A', 'A']),
                ('', '[AB]', ['', '']),
        ):
            with self.subTest(text=text):
                results = read(200, text, TWO, message_id_regex=pattern)
                self.assertEqual([result.message_id for result in results], expected)

    def test_path_wins_over_regex(self):
        rules = {'message_id_path': 'sid', 'message_id_regex': '"other": "([^"]+)"'}
        self.assertEqual(read_one(201, '{"other": "o", "sid": "SM1"}', **rules).message_id, 'SM1')
        self.assertEqual(read_one(201, '{"other": "o"}', **rules).message_id, 'o')
        self.assertEqual(
            [r.message_id for r in read(202, '{"ids": [7, 8]}', TWO, message_id_path='ids[]')], ['7', '8'])
        self.assertEqual([r.message_id for r in read(200, '{"ids": [7]}', TWO, message_id_path='ids[]')], ['7', '7'])

    def test_words_of_a_refusal_are_no_id(self):
        """MSG91 has the message ID of an accepted SMS and the reason of a refused one in the same place."""
        rules = {'message_id_path': 'message', 'status_path': 'type', 'error_values': ('error',)}
        self.assertEqual(read_one(200, '{"message": "5762", "type": "success"}', **rules).message_id, '5762')
        self.assertEqual(read_one(200, '{"message": "No key", "type": "error"}', **rules).message_id, '')
        taken = {**rules, 'failure_map': (('error', 'sms_rejected', 'accepted'),)}
        self.assertEqual(read_one(200, '{"message": "5762", "type": "error"}', **taken).message_id, '5762')

    def test_codes_of_success_are_no_error_code(self):
        """Taqnyat repeats the HTTP code, seven has true or a number, Vonage one status for each part."""
        rules = {'error_code_path': 'code', 'require_message_id': True}
        for text in ('{"code": 201}', '{"code": "0"}', '{"code": true}', '{"code": null}', '{"code": "false"}'):
            with self.subTest(text=text):
                result = read_one(201, text, **rules)
                self.assertEqual((result.state, result.outcome, result.error_code), ('error', 'unknown', ''))
        for code, failure_map in (('9', ()), ('201', (('201', 'sms_acc'),)), ('0', (('Response:0', 'sms_acc'),))):
            with self.subTest(code=code):
                result = read_one(201, f'{{"code": {code}}}', failure_map=failure_map, **rules)
                self.assertEqual((result.outcome, result.error_code), ('refused', code))
        self.assertEqual(
            read_one(400, '{"m": [{"s": "0"}, {"s": "9"}]}', error_code_path='m[].s').error_code, '9')
        self.assertEqual(read_one(400, '{"a": 0, "b": 7}', error_code_path='a|b').error_code, '7')

    def test_required(self):
        """doc/behaviour.md section 2, Message ID Required: a recipient's part without message id is an error."""
        rules = {'message_id_regex': r'(?P<number>\d+):(?P<id>\w+)', 'require_message_id': True}
        first, second = read(200, '923001234567:A', TWO, **rules)
        self.assertEqual((first.state, first.message_id), ('success', 'A'))
        self.assertEqual((second.state, second.rule, second.outcome), ('error', 0, 'unknown'))
        self.assertEqual((second.problem, second.error_message), (Problem('no_message_id'), ''))
        lacking = read_one(200, 'Accepted', **rules)
        self.assertEqual((lacking.problem, lacking.error_message), (Problem('no_message_id'), 'Accepted'))


class TestBeginOfAnAnswer(PureCase):
    """A byte order mark, blanks before it and both in Latin-1 are no part of what the provider says."""

    def test_a_byte_order_mark(self):
        for mark in ('\ufeff', '\ufeff\ufeff', '\r\n\ufeff \n', '\n ', '\u00ef\u00bb\u00bf'):
            with self.subTest(mark=mark):
                result = read_one(200, mark + 'OK:17', message_id_regex=r'^OK:(\S+)', require_message_id=True)
                self.assertEqual((result.state, result.message_id, result.response_text), ('success', '17', 'OK:17'))
                result = read_one(200, mark + '{"status": "ok"}', success_key='"status":"ok"')
                self.assertEqual((result.state, result.rule), ('success', 3))
                result = read_one(400, mark + '{"code": 5}', error_code_path='code')
                self.assertEqual(result.error_code, '5')
                self.assertEqual(read_one(400, mark + 'ERR 5', error_code_regex='^ERR (.*)').error_code, '5')
                result = read_one(400, mark + '7', failure_map=(('7', 'sms_credit'),))
                self.assertEqual(result.failure_type, 'sms_credit')
                self.assertEqual(read_one(404, mark).error_message, 'HTTP 404 Not Found')


class TestSecretsAndSize(PureCase):
    """doc/behaviour.md section 2: response text cut at 4 KiB; no credential is ever in it."""

    def test_secrets_are_masked_in_every_spelling(self):
        secret = 'p&ss "w/ö'
        text = ' | '.join((secret, 'p%26ss%20%22w%2F%C3%B6', json.dumps(secret), 'p&amp;ss &quot;w/ö'))
        result = read_one(401, f'Bad key {text}', secrets=(secret, '', 'Bad'))
        for shown in (result.response_text, result.error_message):
            self.assertEqual(shown, '*** key *** | *** | "***" | ***')
        self.assertNotIn('hidden', repr(AnswerRules(secrets=('hidden',))))

    def test_secret_on_the_edge_of_the_cut(self):
        result = read_one(200, 'x' * 4094 + 'secret', secrets=('secret',))
        self.assertEqual(result.response_text, 'x' * 4094 + '**')

    def test_cut_in_bytes(self):
        result = read_one(200, 'é' * 5000 + '\0\ud800')
        self.assertEqual(len(result.response_text.encode()), 4096)
        self.assertEqual(read_one(200, 'a\0\ud800').response_text, 'a?')


statuses = st.none() | st.integers(-1, 1000) | st.sampled_from((200, 201, 400, 429, 500, 503))
patterns = st.sampled_from(('', '(', r'\d+', r'"id": ?"?(\w+)', r'(?P<number>\d+)\D+(?P<id>\w+)?', '(x)?', r'(a)|(b)'))
some_path = st.sampled_from(('', 'a', 'a[]', 'a[].b', '[]', '[].b', 'b', 'a.0.b', '.'))
numbers = st.sampled_from(('+923001234567', '03001234567', '12', '', 'abc', '00923001234567'))
texts = st.text(max_size=40) | st.binary(max_size=40).map(lambda content: content.decode('utf-8', 'surrogateescape'))
answers = texts | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | numbers | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from('ab'), inner), max_leaves=12,
).map(json.dumps)


class TestAnyAnswer(PureCase):
    """doc/behaviour.md section 4: one bad answer never touches another SMS; every SMS gets exactly one result."""

    @cases(2000)
    @given(st.data())
    def test_one_result_each(self, data):
        rules = AnswerRules(
            message_id_regex=data.draw(patterns), error_code_regex=data.draw(patterns), items_path=data.draw(some_path),
            number_path=data.draw(some_path), message_id_path=data.draw(some_path), status_path=data.draw(some_path),
            error_code_path=data.draw(some_path), error_message_path=data.draw(some_path),
            error_values=tuple(data.draw(st.lists(st.sampled_from(('*', '1*', 'true', '')), max_size=2))),
            success_http_codes=data.draw(st.frozensets(st.sampled_from((200, 503, 302)))),
            success_substring=data.draw(st.text(max_size=1)), success_key=data.draw(st.text(max_size=1)),
            error_key=data.draw(st.text(max_size=1)), require_message_id=data.draw(st.booleans()),
            failure_map=tuple(
                (code, 'unknown', data.draw(st.sampled_from(('as_usual', 'refused', 'accepted', 'unknown'))))
                for code in data.draw(st.lists(st.text('a*1', max_size=4), max_size=3))),
            default_success_200=data.draw(st.booleans()), status_tracked=data.draw(st.booleans()),
            secrets=tuple(data.draw(st.lists(st.text(max_size=3), max_size=2))))
        recipients = [Sms(str(index), number) for index, number in enumerate(data.draw(st.lists(numbers, max_size=4)))]
        answer = HttpAnswer(
            data.draw(statuses), data.draw(answers), {'retry-after': data.draw(st.text(max_size=8))},
            failure=data.draw(st.sampled_from(('', '', 'connect', 'timeout', 'broken'))))
        results = interpret(rules, recipients, answer)
        self.assertEqual([result.uuid for result in results], [sms.uuid for sms in recipients])
        for result in results:
            failed = result.state in ('error', 'server_error')
            self.assertIn(result.state, ('success', 'pending', 'error', 'server_error'))
            self.assertIn(result.outcome, ('accepted', 'refused', 'unknown'))
            self.assertEqual(failed, bool(result.failure_type))
            self.assertEqual(result.outcome == 'accepted', result.state == 'success')
            self.assertLessEqual(len(result.response_text.encode()), 4096)
            self.assertFalse(result.retryable and result.outcome == 'accepted')

    def test_hostile_answers(self):
        rules = {'items_path': 'a[]', 'message_id_path': 'id', 'message_id_regex': r'"id":"(\w+)"'}
        for text in (
                '[' * 60000, '{"a":' * 12000, '{"id": ' + '9' * 60000 + '}', '\x00' * 70000, '{"a": [null, 1, "x"]}'):
            with self.subTest(text=text[:10]):
                self.assertEqual(read_one(200, text, **rules).state, 'success')

    def test_speed(self):
        """Ten thousand answers take well under a second; the bound is loose for slow machines."""
        text = '{"messages": [{"to": "923001234567", "message-id": "0A0000000123ABCD1", "status": "0"}]}'
        rules = AnswerRules(
            items_path='messages[]', number_path='to', message_id_path='message-id', status_path='status',
            error_values=('1*', '2*'), secrets=('secret' * 3,))
        with self.assert_cheap(3):
            for _ in range(10000):
                interpret(rules, ONE, HttpAnswer(200, text))
        many = [Sms(str(index), f'+92300{index:07}') for index in range(1000)]
        big = json.dumps([{'n': re.sub(r'\D', '', sms.number), 'i': sms.uuid} for sms in many])
        rules = AnswerRules(items_path='[]', number_path='n', message_id_path='i')
        with self.assert_cheap(1):
            results = interpret(rules, many, HttpAnswer(200, big))
        self.assertEqual([result.message_id for result in results], [sms.uuid for sms in many])
