# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import re
import time
import unittest
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret, match_failure
from . import cases


@dataclass(frozen=True)
class Sms:
    uuid: str
    number: str
    message: str = 'Hello'


ONE = [Sms('u1', '+923001234567')]
TWO = [Sms('u1', '+923001234567'), Sms('u2', '+923007654321')]


def read(status, text='', recipients=ONE, headers=None, **rules):
    return interpret(AnswerRules(**rules), recipients, HttpAnswer(status, text, headers or {}))


def read_one(status, text='', headers=None, **rules):
    [result] = read(status, text, ONE, headers, **rules)
    return result


class TestOrderOfRules(unittest.TestCase):
    """SPEC section 5: the answer is read by six rules, the first that fits decides."""

    def test_rules(self):
        markers = {'success_substring': 'SENT', 'success_key': '"ok":true', 'error_key': 'DENIED'}
        for status, text, rules, state, rule in (
                (500, 'SENT', markers, 'server_error', 1),
                (503, '', {}, 'server_error', 1),
                (500, 'SENT', {**markers, 'success_http_codes': frozenset((500,))}, 'success', 3),
                (200, 'SENT DENIED', markers, 'error', 2),
                (200, 'SENT', markers, 'success', 3),
                (404, 'SENT', markers, 'success', 3),
                (200, '{"ok": true}', markers, 'success', 3),
                (404, 'x', markers, 'error', 4),
                (204, 'x', {}, 'error', 4),
                (302, 'x', {}, 'error', 4),
                (200, 'x', markers, 'pending', 5),
                (201, 'x', {**markers, 'default_success_200': True}, 'success', 5),
                (203, 'x', {**markers, 'default_success_200': True, 'success_http_codes': frozenset((203,))},
                 'pending', 5),
                (200, 'x', {'success_http_codes': frozenset()}, 'pending', 5),
                (200, 'SENT', {**markers, 'success_http_codes': frozenset()}, 'success', 3),
                (400, 'x', {'success_http_codes': frozenset()}, 'error', 4),
                (202, 'x', {}, 'success', 6),
        ):
            with self.subTest(status=status, text=text, rules=rules):
                result = read_one(status, text, **rules)
                self.assertEqual((result.state, result.rule), (state, rule))

    def test_without_an_answer(self):
        for failure, outcome, retryable in (
                ('connect', 'refused', True), ('timeout', 'unknown', False), ('broken', 'unknown', False)):
            with self.subTest(failure=failure):
                [result] = interpret(AnswerRules(), ONE, HttpAnswer(None, failure=failure, duration=12))
                self.assertEqual(
                    (result.state, result.rule, result.outcome, result.retryable, result.failure_type, result.duration),
                    ('server_error', 1, outcome, retryable, 'sms_server', 12))
                self.assertTrue(result.error_message)
        [cut_off] = interpret(AnswerRules(), ONE, HttpAnswer(429, 'half', failure='broken'))
        self.assertEqual((cut_off.state, cut_off.outcome, cut_off.retryable), ('server_error', 'unknown', False))

    def test_the_words_of_the_provider_are_the_reason(self):
        for status, text, rules, expected in (
                (400, 'Missing key from', {}, 'Missing key from'),
                (400, '{"message": ["No such", "number"]}', {'error_message_path': 'message'}, 'No such, number'),
                (404, '', {}, 'HTTP 404 Not Found'),
                (599, '<html>x</html>', {}, 'HTTP 599'),
                (200, 'OK', {}, ''),
        ):
            with self.subTest(status=status, text=text):
                self.assertEqual(read_one(status, text, **rules).error_message, expected)
        self.assertIn('redirects are not followed', read_one(301).error_message)

    def test_nobody_reads_the_number_of_another(self):
        """The reason is shown on each recipient's own document, the answer to administrators only."""
        for result in read(400, 'Bad: +923001234567, 923007654321', TWO):
            self.assertEqual(result.error_message, 'Bad: …, …')
            self.assertIn('923007654321', result.response_text)
        rules = {'items_path': '[]', 'number_path': 'n', 'status_path': 's', 'error_values': ('bad*',)}
        text = '[{"n": "923001234567", "s": "BAD_NUMBER"}, {"n": "923007654321", "s": "no balance"}]'
        first, second = read(200, text, TWO, failure_map=(('*balance*', 'sms_credit'),), **rules)
        self.assertEqual((first.error_message, first.failure_type), ('BAD_NUMBER', 'sms_server'))
        self.assertEqual(second.state, 'success')


class TestOutcomes(unittest.TestCase):
    """SPEC section 4: accepted, certainly refused, unknown; what may be sent again at once."""

    def test_outcome_by_http_code(self):
        for status, outcome, retryable in (
                (200, 'accepted', False), (204, 'unknown', False), (307, 'refused', False), (400, 'refused', False),
                (429, 'refused', True), (500, 'unknown', False), (502, 'unknown', False), (503, 'refused', True)):
            with self.subTest(status=status):
                result = read_one(status)
                self.assertEqual((result.outcome, result.retryable), (outcome, retryable))

    def test_unclear_is_unknown(self):
        self.assertEqual(read_one(200, 'x', success_key='OK').outcome, 'unknown')

    def test_untracked_errors_count_as_unknown(self):
        """SPEC section 2, Track Status off: an error counts as unknown outcome."""
        result = read_one(429, status_tracked=False)
        self.assertEqual((result.state, result.outcome, result.retryable), ('error', 'unknown', True))
        self.assertEqual(read_one(200, status_tracked=False).outcome, 'accepted')

    def test_retry_after(self):
        """RFC 9110 section 10.2.3: seconds or a date; anything else is no time."""
        soon = format_datetime(datetime.now(timezone.utc) + timedelta(minutes=2), usegmt=True)
        past = format_datetime(datetime.now(timezone.utc) - timedelta(minutes=2), usegmt=True)
        self.assertEqual(read_one(429, headers={'retry-after': ' 30 '}).retry_after, 30)
        self.assertAlmostEqual(read_one(503, headers={'retry-after': soon}).retry_after, 120, delta=3)
        self.assertEqual(read_one(503, headers={'retry-after': past}).retry_after, 0)
        for value in ('', '-5', 'soon', '9' * 5000, 'Fri, 99 Foo 9999 99:99:99 GMT', '1.5'):
            with self.subTest(value=value[:20]):
                self.assertIsNone(read_one(429, headers={'retry-after': value}).retry_after)
        self.assertIsNone(read_one(400, headers={'retry-after': '30'}).retry_after)


class TestFailureTypes(unittest.TestCase):
    """SPEC sections 2 and 5: failure type from the failure map, else by HTTP code."""

    def test_order_of_candidates(self):
        failure_map = (
            ('21*', 'sms_rejected'), ('21211', 'sms_number_format'), ('*balance*', 'sms_credit'),
            ('HTTP 402', 'sms_credit'), ('Refused', 'sms_not_allowed'), ('no *', 'unknown'),
            ('no route*', 'sms_server'))
        for candidates, expected in (
                (('21211',), 'sms_number_format'),
                (('21999',), 'sms_rejected'),
                (('21999', 'REFUSED'), 'sms_not_allowed'),
                (('', '', 'http 402', 'x'), 'sms_credit'),
                (('x', 'Low Balance today'), 'sms_credit'),
                (('No route to host',), 'sms_server'),
                (('99', ''), None),
                ((), None)):
            with self.subTest(candidates=candidates):
                self.assertEqual(match_failure(failure_map, *candidates), expected)

    def test_stars_anywhere_in_linear_time(self):
        start = time.monotonic()
        self.assertIsNone(match_failure((('*a' * 50 + 'b', 'unknown'),), 'a' * 4000))
        self.assertLess(time.monotonic() - start, 1)
        for code, text, fits in (
                ('a*c', 'abc', True), ('a*a', 'a', False), ('*', 'x', True), ('a*b*c', 'axxbxc', True)):
            with self.subTest(code=code, text=text):
                self.assertEqual(match_failure(((code, 'unknown'),), text) is not None, fits)

    def test_by_http_code(self):
        for status, expected in (
                (401, 'sms_acc'), (403, 'sms_acc'), (402, 'sms_credit'), (400, 'sms_server'), (500, 'sms_server'),
                (200, '')):
            with self.subTest(status=status):
                self.assertEqual(read_one(status).failure_type, expected)

    def test_codes_of_real_answers(self):
        for status, text, rules, code, failure_type in (
                (400, '{"code": 21211, "message": "Invalid \'To\' Phone Number"}',
                 {'error_code_path': 'code', 'failure_map': (('21211', 'sms_number_format'),)},
                 '21211', 'sms_number_format'),
                (400, '{"errors": [{"code": "40310", "title": "Invalid"}]}',
                 {'error_code_path': 'errors[].code', 'failure_map': (('40310', 'sms_number_format'),)},
                 '40310', 'sms_number_format'),
                (401, '{"requestError": {"serviceException": {"messageId": "UNAUTHORIZED", "text": "x"}}}',
                 {'error_code_path': 'status.name', 'error_code_regex': '"messageId": ?"([^"]+)"',
                  'message_id_regex': '"messageId": ?"([^"]+)"', 'failure_map': (('UNAUTHORIZED', 'sms_acc'),)},
                 'UNAUTHORIZED', 'sms_acc'),
                (403, 'Authorization failed for sendsms',
                 {'failure_map': (('Authorization failed*', 'sms_not_allowed'), ('HTTP 400', 'sms_rejected'))},
                 '', 'sms_not_allowed'),
                (500, 'Error "No route found"',
                 {'error_code_regex': 'Error "(?P<code>[^"]+)"', 'failure_map': (('no route*', 'sms_server'),)},
                 'No route found', 'sms_server'),
                # SendPK and seven answer a bare number with HTTP 200
                (200, '8', {'success_substring': 'OK ID:', 'message_id_regex': r'OK ID:\s*(\w+)',
                            'require_message_id': True, 'error_code_regex': r'^-?\d+$',
                            'failure_map': (('8', 'sms_credit'),)},
                 '8', 'sms_credit'),
        ):
            with self.subTest(text=text):
                result = read_one(status, text, **rules)
                self.assertIn(result.state, ('error', 'server_error'))
                self.assertEqual((result.error_code, result.failure_type), (code, failure_type))
                self.assertEqual(result.message_id, '')


class TestOutcomeOfCodes(unittest.TestCase):
    """The Outcome of a failure code: whatever the HTTP code, it tells whether the provider took the SMS."""

    def test_documented_answers(self):
        """Codes whose provider says what became of the SMS, each where it may stand in an answer."""
        for name, status, text, rules, code, expected in (
                ('Route Mobile', 200, '1715|923001234567',
                 {'error_code_regex': r'(?:^|,)\s*(?!1701)(\d{4})\b', 'require_message_id': True},
                 ('1715', 'sms_server', 'unknown'), ('error', 'unknown', '', '1715')),
                ('Android SMS Gateway', 409, '{"id": "x1", "message": "already exists"}', {'message_id_path': 'id'},
                 ('HTTP 409', 'unknown', 'accepted'), ('success', 'accepted', 'x1', '')),
                ('Semaphore', 500, '["Your current balance is not sufficient."]', {},
                 ('*balance is not sufficient*', 'sms_credit', 'refused'), ('server_error', 'refused', '', '')),
                ('GatewayAPI', 500, '{"code": "0x0213", "message": "No credit"}', {'error_code_path': 'code'},
                 ('0x0213', 'sms_credit', 'refused'), ('server_error', 'refused', '', '0x0213')),
                ('Jasmin', 500, 'Error "Cannot send submit_sm, check SMPPClientManager log file for details"',
                 {'error_code_regex': 'Error "(?P<code>[^"]+)"'}, ('Cannot send submit_sm*', 'sms_server', 'refused'),
                 ('server_error', 'refused', '',
                  'Cannot send submit_sm, check SMPPClientManager log file for details')),
                ('Taqnyat', 200, '{"statusCode": 2, "messageId": 7}',
                 {'status_path': 'statusCode', 'message_id_path': 'messageId'},
                 ('2', 'sms_rejected', 'refused'), ('error', 'refused', '7', '')),
        ):
            with self.subTest(name):
                result = read_one(status, text, failure_map=(('HTTP 500', 'sms_server'), code), **rules)
                self.assertEqual((result.state, result.outcome, result.message_id, result.error_code), expected)
                failed = result.state != 'success'
                self.assertEqual(result.failure_type, code[1] if failed and name != 'Semaphore' else (
                    'sms_server' if failed else ''))
                self.assertEqual((result.rule, result.doubtful, bool(result.error_message)),
                                 (7, result.outcome == 'unknown', failed))
                self.assertFalse(result.retryable)

    def test_every_http_code(self):
        for status in (200, 204, 302, 400, 401, 409, 429, 500, 502, 503):
            for outcome in ('refused', 'accepted', 'unknown'):
                with self.subTest(status=status, outcome=outcome):
                    usual = read_one(status)
                    result = read_one(
                        status, '{"c": 7}', error_code_path='c', failure_map=(('7', 'sms_rejected', outcome),))
                    state = 'success' if outcome == 'accepted' else (
                        usual.state if usual.failure_type else 'error')
                    self.assertEqual((result.state, result.outcome), (state, outcome))
                    # what comes back to the queue by itself is what always did
                    self.assertEqual(result.retryable, outcome == 'refused' and status in (429, 503))

    def test_only_what_is_an_error_code_in_an_answer_that_accepts(self):
        """Its text may repeat the SMS, and the HTTP code speaks of the whole anyway."""
        codes = (('*', 'unknown', 'refused'), ('HTTP 200', 'unknown', 'unknown'), ('low balance', 'unknown', 'refused'))
        self.assertEqual(read_one(200, 'low balance', failure_map=codes).state, 'success')
        self.assertEqual(read_one(200, 'low balance', failure_map=codes, success_key='OK').state, 'pending')
        for rules in ({'error_code_regex': 'low.*'}, {'success_key': 'OK', 'error_code_regex': '.+'}):
            result = read_one(200, 'low balance', failure_map=codes, **rules)
            self.assertEqual((result.state, result.outcome), ('error', 'refused'))

    def test_the_code_that_fits_best(self):
        for codes, expected in (
                ((('21*', 'unknown', 'refused'), ('211', 'unknown')), 'unknown'),  # an exception, as usual
                ((('21*', 'unknown', 'refused'), ('HTTP 500', 'unknown')), 'refused'),
                ((('2*', 'unknown', 'unknown'), ('21*', 'unknown', 'refused')), 'refused'),
                ((('2*', 'unknown', 'refused'), ('HTTP 500', 'unknown', 'accepted')), 'accepted'),
                ((('2*', 'unknown', 'refused'), ('*text*', 'unknown', 'accepted')), 'refused'),
                ((('3*', 'unknown', 'refused'),), 'unknown')):
            with self.subTest(codes=codes):
                result = read_one(500, '{"c": 211, "m": "some text"}', error_code_path='c', failure_map=codes)
                self.assertEqual(result.outcome, expected)

    def test_several_recipients(self):
        """An item's code speaks for its recipient alone, a code of the whole answer for all."""
        rules = {
            'items_path': 'm[]', 'number_path': 'to', 'message_id_path': 'id', 'error_code_path': 'code|error.code',
            'failure_map': (('5', 'sms_credit', 'refused'), ('6', 'unknown', 'unknown'), ('7', 'unknown', 'accepted'))}
        first, second = {'to': '923001234567', 'id': 'A'}, {'to': '923007654321', 'id': 'B'}
        for status, text, expected in (
                (200, {'m': [{**first, 'code': 5}, second]}, [('refused', 'A'), ('accepted', 'B')]),
                (200, {'m': [second, {**first, 'code': 6}]}, [('unknown', 'A'), ('accepted', 'B')]),
                (400, {'m': [{**first, 'code': 7}, {**second, 'code': 6}]}, [('accepted', 'A'), ('unknown', 'B')]),
                (500, {'m': [{**first, 'code': 5}, second]}, [('refused', 'A'), ('unknown', 'B')]),
                (500, {'error': {'code': 5}}, [('refused', '')] * 2),
                (400, {'error': {'code': 6}}, [('unknown', '')] * 2),
        ):
            with self.subTest(status=status, text=text):
                results = read(status, json.dumps(text), TWO, **rules)
                self.assertEqual([(result.outcome, result.message_id) for result in results], expected)
        text = '1701|923001234567|A,1715|923007654321'
        results = read(
            200, text, TWO, message_id_regex=r'1701\|(?P<number>\d+)\|(?P<id>\w+)', require_message_id=True,
            error_code_regex=r'(?:^|,)(?!1701)(\d{4})', failure_map=(('1715', 'sms_server', 'unknown'),))
        self.assertEqual([(r.state, r.outcome) for r in results], [('success', 'accepted'), ('error', 'unknown')])

    def test_no_answer_says_nothing(self):
        codes = (('*', 'unknown', 'refused'),)
        for answer in (HttpAnswer(None, failure='timeout'), HttpAnswer(500, '{"c": 7', failure='broken')):
            [result] = interpret(AnswerRules(failure_map=codes), ONE, answer)
            self.assertEqual((result.state, result.outcome), ('server_error', 'unknown'))

    def test_without_track_status(self):
        codes = (('*', 'unknown', 'refused'),)
        self.assertEqual(read_one(400, 'x', failure_map=codes, status_tracked=False).outcome, 'unknown')


class TestNoWords(unittest.TestCase):
    """A boolean, also one that is spelled as text, explains nothing to whoever reads why an SMS failed."""

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


class TestMessageId(unittest.TestCase):
    """SPEC section 5: Message ID Regex, its groups and several recipients; paths win over it."""

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

    def test_required(self):
        """SPEC section 2, Message ID Required: a recipient's part without message id is an error."""
        rules = {'message_id_regex': r'(?P<number>\d+):(?P<id>\w+)', 'require_message_id': True}
        first, second = read(200, '923001234567:A', TWO, **rules)
        self.assertEqual((first.state, first.message_id), ('success', 'A'))
        self.assertEqual((second.state, second.rule, second.outcome), ('error', 0, 'unknown'))
        self.assertIn('message ID', second.error_message)


class TestJsonItems(unittest.TestCase):
    """SPEC section 2, JSON Answer: one refused recipient in an HTTP 200 is an error and the others are not."""

    CLICKATELL = {
        'success_http_codes': frozenset((202, 207)), 'items_path': 'messages[]', 'number_path': 'to',
        'message_id_path': 'apiMessageId', 'status_path': 'accepted', 'error_code_path': 'error.code',
        'error_message_path': 'error.description', 'error_values': ('false',),
        'failure_map': (('23', 'sms_number_format'),)}

    def test_one_refused(self):
        text = json.dumps({'messages': [
            {'error': {'code': 23, 'description': 'Invalid to'}, 'accepted': False, 'to': '923007654321'},
            {'apiMessageId': 'A', 'accepted': True, 'to': '923001234567'}], 'error': None})
        first, second = read(207, text, TWO, **self.CLICKATELL)
        self.assertEqual((first.uuid, first.state, first.rule, first.message_id), ('u1', 'success', 6, 'A'))
        self.assertEqual((second.uuid, second.state, second.rule, second.outcome), ('u2', 'error', 0, 'refused'))
        self.assertEqual(
            (second.error_code, second.error_message, second.failure_type), ('23', 'Invalid to', 'sms_number_format'))
        self.assertFalse(second.retryable)

    def test_paths_from_the_root_and_from_the_item(self):
        rules = {**self.CLICKATELL, 'number_path': 'messages[].to', 'message_id_path': 'messages[].apiMessageId'}
        text = json.dumps({'messages': [
            {'apiMessageId': 'B', 'to': '923007654321'}, {'apiMessageId': 'A', 'to': '923001234567'}]})
        self.assertEqual([r.message_id for r in read(202, text, TWO, **rules)], ['A', 'B'])

    def test_an_answer_without_items_is_read_as_a_whole(self):
        result = read_one(401, '{"error": {"code": 1, "description": "Invalid key"}}', **self.CLICKATELL)
        self.assertEqual((result.error_code, result.error_message, result.rule), ('1', 'Invalid key', 4))

    def test_refusals_inside_http_200(self):
        vonage = {
            'items_path': 'messages[]', 'status_path': 'status', 'message_id_path': 'message-id',
            'error_code_path': 'status', 'error_message_path': 'error-text',
            'error_values': tuple(f'{digit}*' for digit in range(1, 10)), 'failure_map': (('9', 'sms_credit'),)}
        turbosms = {
            'items_path': 'response_result[]', 'number_path': 'phone', 'message_id_path': 'message_id',
            'status_path': 'response_code', 'error_code_path': 'response_code',
            'error_message_path': 'response_status', 'error_values': ('1*', '2*', '3*', '4*', '5*', '9*'),
            'failure_map': (('406', 'sms_country_not_supported'), ('103', 'sms_acc'))}
        for text, rules, state, failure_type in (
                ('{"messages": [{"status": "0", "message-id": "x"}]}', vonage, 'success', ''),
                ('{"messages": [{"status": "9", "error-text": "Quota"}]}', vonage, 'error', 'sms_credit'),
                ('{"response_result": [{"phone": "923001234567", "response_code": 406, "message_id": null}]}',
                 turbosms, 'error', 'sms_country_not_supported'),
                ('{"response_code": 103, "response_result": null}', turbosms, 'error', 'sms_acc'),
                ('{"return": false, "message": "Invalid"}', {'status_path': 'return', 'error_values': ('FALSE',)},
                 'error', 'sms_server'),
                ('[{"id": "1", "status": {"type": "ACCEPTED"}}]',
                 {'items_path': '[]', 'status_path': 'status.type', 'error_values': ('failed',)}, 'success', ''),
        ):
            with self.subTest(text=text):
                result = read_one(200, text, **rules)
                self.assertEqual((result.state, result.failure_type), (state, failure_type))

    def test_a_shared_request_without_numbers(self):
        rules = {'items_path': 'list[]', 'status_path': 's', 'message_id_path': 'id', 'error_values': ('no',)}
        in_order = read(200, '{"list": [{"s": "ok", "id": 1}, {"s": "no", "id": 2}]}', TWO, **rules)
        self.assertEqual([(r.state, r.message_id) for r in in_order], [('success', '1'), ('error', '2')])
        one_for_all = read(200, '{"list": [{"s": "ok", "id": 1}]}', TWO, **rules)
        self.assertEqual([(r.state, r.message_id) for r in one_for_all], [('success', '1')] * 2)
        not_told = read(200, '{"list": [{"s": "ok"}, {"s": "no"}, {"s": "ok"}]}', TWO, **rules)
        self.assertEqual([(r.state, r.outcome) for r in not_told], [('pending', 'unknown')] * 2)
        all_refused = read(200, '{"list": [{"s": "no"}, {"s": "no"}, {"s": "no"}]}', TWO, **rules)
        self.assertEqual([r.state for r in all_refused], ['error'] * 2)

    def test_numbers_are_paired_by_digits(self):
        rules = {'items_path': '[]', 'number_path': 'n', 'message_id_path': 'id'}
        for numbers, expected in (
                (['00923007654321', '92 300 1234567'], ['2', '1']),
                (['3007654321', '03001234567'], ['2', '1']),
                ([923007654321], ['', '1']),
                (['92300*****67', '923007654321'], ['1', '2']),
        ):
            with self.subTest(numbers=numbers):
                text = json.dumps([{'n': number, 'id': index + 1} for index, number in enumerate(numbers)])
                self.assertEqual([r.message_id for r in read(200, text, TWO, **rules)], expected)
        twice = [Sms('u1', '+923001234567'), Sms('u2', '+923001234567')]
        text = json.dumps([{'n': '923001234567', 'id': 1}, {'n': '923001234567', 'id': 2}])
        self.assertEqual([r.message_id for r in read(200, text, twice, **rules)], ['1', '2'])

    def test_a_regex_gives_no_id_of_somebody_else(self):
        rules = {
            'items_path': 'r[]', 'number_path': 'n', 'status_path': 's', 'error_values': ('no',),
            'message_id_regex': '"id": "(AT[^"]+)"'}
        text = '{"r": [{"n": "923001234567", "s": "no", "id": "None"}, {"n": "923007654321", "s": "ok", "id": "AT2"}]}'
        self.assertEqual([(r.state, r.message_id) for r in read(200, text, TWO, **rules)],
                         [('error', ''), ('success', 'AT2')])

    def test_an_error_key_of_one_recipient_leaves_the_others_unknown(self):
        rules = {**self.CLICKATELL, 'error_key': '"accepted": false'}
        text = ('{"messages": [{"apiMessageId": "A", "accepted": true, "to": "923001234567"}, '
                '{"accepted": false, "to": "923007654321"}]}')
        self.assertEqual([(r.state, r.outcome) for r in read(202, text, TWO, **rules)],
                         [('error', 'unknown'), ('error', 'refused')])


class TestBeginOfAnAnswer(unittest.TestCase):
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


class TestNobodySpeaksForAnother(unittest.TestCase):
    """SPEC section 5: a recipient gets nothing of another's item, and is unknown when he has none of his own."""

    NUMBERS = ('+923001234567', '+923007654321', '+4915112345678')
    THREE = [Sms(f'u{index}', number) for index, number in enumerate(NUMBERS)]
    RULES = {
        'items_path': 'm[]', 'number_path': 'to', 'message_id_path': 'id', 'status_path': 's',
        'error_values': ('no',), 'error_code_path': 'c', 'require_message_id': True}
    UNKNOWN = ('unknown', '', '')

    def check(self, recipients, text, expected, status=200, **rules):
        with self.subTest(text=text, rules=rules):
            text = text if isinstance(text, str) else json.dumps(text)
            results = read(status, text, recipients, **{**self.RULES, **rules})
            self.assertEqual([(r.outcome, r.error_code, r.message_id) for r in results], expected)
            return results

    def test_a_recipient_without_an_item(self):
        one = {'m': [{'to': '923001234567', 'id': 'M1', 'note': 'E4'}]}
        for rules in ({'error_code_path': '', 'error_code_regex': r'E\d+'}, {'error_code_path': 'note'}, {}):
            _first, second = self.check(TWO, one, [('accepted', '', 'M1'), self.UNKNOWN], **rules)
            self.assertNotIn('M1', second.error_message)
            self.check(TWO, one, [('accepted', '', 'M1'), self.UNKNOWN], **rules, require_message_id=False)
        refused = {'m': [{'to': '923001234567', 's': 'no', 'c': 'E4', 'note': 'bad number'}]}
        codes = (('*bad number*', 'sms_number_format'), ('E4', 'sms_rejected', 'refused'))
        for rules in ({}, {'error_code_path': '', 'error_code_regex': r'E\d+'}, {'failure_map': codes}):
            second = self.check(TWO, refused, [('refused', 'E4', ''), self.UNKNOWN], **rules)[1]
            self.assertEqual(second.failure_type, 'sms_server')
            self.assertNotRegex(second.error_message, 'E4|bad')

    def test_fewer_and_more_items_than_recipients(self):
        two = [{'s': 'no', 'c': '4'}, {'id': 'B', 's': 'no', 'c': '5'}]
        self.check(self.THREE, {'m': two}, [self.UNKNOWN] * 3)
        self.check(self.THREE, {'m': [{'id': 'A'}, {'id': 'B'}]}, [self.UNKNOWN] * 3)
        self.check(TWO, {'m': [*two, {'s': 'no', 'c': '5'}]}, [('refused', '', '')] * 2)
        self.check(TWO, {'m': [*two, {'id': 'C'}]}, [self.UNKNOWN] * 2)
        named = [{'to': number, 'id': number[-1]} for number in self.NUMBERS]
        self.check(TWO, {'m': named}, [('accepted', '', '7'), ('accepted', '', '1')])
        self.check(self.THREE, {'m': named[:2]}, [('accepted', '', '7'), ('accepted', '', '1'), self.UNKNOWN])

    def test_numbers_in_every_form(self):
        first, second, third = (number[1:] for number in self.NUMBERS)
        for numbers, expected in (
                ([second, None], '10'), ([None, second], '01'), ([None, None], '01'),
                ([second, second], '-0'), ([first], '0-'), ([third, first], '1-'), ([third, second], '-1'),
                (['92300*****21', '92300*****67'], '10'), (['92300*****67', '92300*****21'], '01'),
                (['92300****', '92300****'], '01'), (['*******21', third], '--'), ([first, '****21'], '01'),
                ([first, '****99'], '0-'), (['03007654321', '03001234567'], '10'), (['3001234567'], '0-'),
                ([third, '49300xxxx321'], '--'), (['contact-a', 'contact-b'], '01'),
        ):
            items = [{'to': number, 'id': f'M{index}'} for index, number in enumerate(numbers)]
            self.check(TWO, {'m': items}, [
                self.UNKNOWN if place == '-' else ('accepted', '', f'M{place}') for place in expected])
        # a number without country code that two recipients have
        abroad = [Sms('u1', '+923001234567'), Sms('u2', '+443001234567')]
        self.check(abroad, {'m': [{'to': '03001234567', 'id': 'A'}]}, [self.UNKNOWN] * 2)
        self.check(abroad, {'m': [{'to': '443001234567', 'id': 'B'}, {'to': '3001234567', 'id': 'A'}]},
                   [('accepted', '', 'A'), ('accepted', '', 'B')])

    def test_the_same_number_twice(self):
        for texts, items, expected in (
                ('aa', ['A', 'B'], ['A', 'B']), ('ab', ['A', 'B'], ['A', 'B']),
                ('aa', ['A'], ['A', 'A']), ('ab', ['A'], ['A', ''])):
            for number in ('923001234567', '03001234567'):
                recipients = [Sms(str(index), '+923001234567', text) for index, text in enumerate(texts)]
                self.check(recipients, {'m': [{'to': number, 'id': item} for item in items]}, [
                    ('accepted', '', item) if item else self.UNKNOWN for item in expected])

    def test_one_recipient_is_whom_the_answer_is_about(self):
        for number in ('923001234567', '4915112345678', 'contact', None):
            self.check(ONE, {'m': [{'to': number, 'id': 'A'}]}, [('accepted', '', 'A')])

    def test_a_text_about_several(self):
        rules = {
            'message_id_path': '', 'error_code_path': '', 'status_path': '', 'items_path': '', 'number_path': '',
            'message_id_regex': r'OK (?P<number>\d+) (?P<id>\w+)', 'error_code_regex': r'E\d+'}
        by_number = {**rules, 'error_code_regex': r'(?P<code>E\d+) (?P<number>\d+)'}
        both = 'OK 923001234567 A, E4 923007654321'
        second = self.check(TWO, both, [('accepted', '', 'A'), self.UNKNOWN], **rules)[1]
        self.assertNotIn('A', second.error_message.replace('No message ID', ''))
        self.check(TWO, both, [('accepted', '', 'A'), ('refused', 'E4', '')], **by_number)
        self.check(TWO, 'OK 923001234567 E7', [('accepted', '', 'E7'), self.UNKNOWN], **rules)
        self.check(TWO, 'E3', [('refused', 'E3', '')] * 2, **rules)
        self.check(TWO, 'E3,E4', [('refused', 'E3', ''), ('refused', 'E4', '')], **rules)
        self.check(self.THREE, 'E3,E4', [self.UNKNOWN] * 3, **rules)
        self.check(TWO, 'E3 +92 300 1234567', [('refused', 'E3', '')] * 2, status=400, **rules)
        self.check(TWO, both, [('unknown', '', ''), ('refused', 'E4', '')], **by_number, error_key='E4')

    def test_lists_without_an_items_path(self):
        rules = {'items_path': '', 'number_path': '', 'message_id_path': 'm[].id', 'status_path': 'm[].s',
                 'error_code_path': 'm[].c'}
        self.check(TWO, {'m': [{'id': 'A', 's': 'ok'}, {'s': 'no', 'c': '4'}]},
                   [('accepted', '', 'A'), ('refused', '4', '')], **rules)
        self.check(self.THREE, {'m': [{'id': 'A', 's': 'ok'}, {'s': 'no', 'c': '4'}]}, [self.UNKNOWN] * 3, **rules)
        self.check(self.THREE, {'ids': ['A', 'B']}, [self.UNKNOWN] * 3, items_path='', message_id_path='ids[]')

    def test_markers_in_an_item(self):
        """An Error Key or a Success Key in an item is about its recipient alone."""
        items = [{'to': '923001234567', 'id': 'A', 's': 'ok'}, {'to': '923007654321', 'id': 'B', 's': 'rejected'}]
        rules = {'error_values': (), 'require_message_id': False}
        for text, keys, expected in (
                ({'m': items}, {'error_key': 'rejected'}, [('error', 'unknown'), ('error', 'refused')]),
                ({'m': items, 'x': 'rejected'}, {'error_key': 'rejected'}, [('error', 'refused')] * 2),
                ({'m': items[:1], 'x': 'rejected'}, {'error_key': 'rejected'}, [('error', 'refused')] * 2),
                ({'m': items}, {'success_key': '"s":"ok"'}, [('success', 'accepted'), ('pending', 'unknown')]),
                ({'m': items, 's': 'ok'}, {'success_key': '"s":"ok"'}, [('success', 'accepted')] * 2),
                ({'m': items[:1]}, {'success_key': '"s":"ok"'}, [('success', 'accepted'), ('pending', 'unknown')]),
        ):
            with self.subTest(text=text, keys=keys):
                results = read(200, json.dumps(text), TWO, **{**self.RULES, **rules, **keys})
                self.assertEqual([(r.state, r.outcome) for r in results], expected)

    def test_an_error_key_in_the_item_of_the_only_recipient(self):
        """It refuses, as the HTTP code does, and with 429 the queue gets the SMS back."""
        for status, retryable in ((200, False), (400, False), (402, False), (429, True)):
            for text in ('{"messages": [{"status": "rejected"}]}', '{"messages": [{"x": "rejected"}]}'):
                result = read_one(
                    status, text, error_key='rejected', items_path='messages[]', status_path='status')
                self.assertEqual((result.state, result.outcome, result.retryable), ('error', 'refused', retryable))
        two = '{"messages": [{"status": "rejected"}, {"status": "ok"}]}'
        for result in read(429, two, TWO, error_key='rejected', items_path='messages[]', status_path='status'):
            self.assertEqual((result.outcome, result.retryable), ('refused', True))

    def test_an_error_code_regex_reads_the_item(self):
        rules = {'items_path': 'messages[]', 'number_path': 'to', 'error_code_regex': r'"code": ?(\d+)'}
        for text in ('{"messages":[{"code":17}]}', '{"messages": [ {"text": "{", "code": 17} ]}',
                     '{"a": [{}, {"b": {"x": 1}}], "messages": {"code": 17}, "code": 18}'):
            self.assertEqual(read_one(400, text, **rules).error_code, '17')
        text = '{"code": 9, "messages": [{"to": "923007654321", "code": 17}, {"to": "923001234567"}]}'
        self.assertEqual([r.error_code for r in read(400, text, TWO, **rules)], ['9', '17'])
        self.assertEqual([r.error_code for r in read(200, text, TWO, **rules, require_message_id=True)], ['', '17'])
        hostile = '{"messages": [' + '{"a":' * 9000 + '}' * 9000 + ']}'
        self.assertEqual(read_one(400, hostile, **rules).state, 'error')

    def test_a_message_id_regex_reads_the_item(self):
        rules = {'message_id_path': '', 'message_id_regex': r'"id": "(\w+)"'}
        first, second = {'to': '923001234567'}, {'to': '923007654321'}
        for text, expected in (
                ({'m': [{**first, 'id': 'A'}]}, ['A', '']), ({'m': [{**second, 'id': 'B'}, first]}, ['', 'B']),
                ({'m': [{**second, 'id': 'B'}, {**first, 'id': 'A'}]}, ['A', 'B']),
                ({'id': 'X', 'm': [first, {**second, 'id': 'B'}]}, ['X', 'B']), ({'id': 'X', 'm': [first]}, ['X', '']),
                ({'m': [{'id': 'X'}]}, ['X', 'X']), ({'id': 'X'}, ['X', 'X'])):
            self.check(TWO, text, [('accepted', '', item) if item else self.UNKNOWN for item in expected], **rules)

    def test_words_of_the_whole_answer(self):
        text = '{"message": "Bad sender", "messages": [{"to": "923001234567"}, {"to": "923007654321", "m": "Mine"}]}'
        rules = {'items_path': 'messages[]', 'number_path': 'to', 'error_message_path': 'm|message'}
        self.assertEqual([r.error_message for r in read(400, text, TWO, **rules)], ['Bad sender', 'Mine'])

    @cases(1000)
    @given(st.data())
    def test_whatever_the_answer(self, data):
        """Each item has words of its own, `w` marks those about all: nobody gets what is another's."""
        recipients = data.draw(st.permutations(self.THREE))[:data.draw(st.integers(2, 3))]
        items, owners = [], []
        for index in data.draw(st.lists(st.integers(0, 2), max_size=4, unique=data.draw(st.booleans()))):
            item = {'to': data.draw(st.sampled_from((self.NUMBERS[index], '00' + self.NUMBERS[index][1:])))}
            for key, word in (('id', 'ID'), ('c', 'E'), ('w', 'words'), ('x', 'bad')):
                if data.draw(st.booleans()):
                    item[key] = f'{word}-{"abc"[index]}'
            item['s'] = data.draw(st.sampled_from(('ok', 'no')))
            items.append(item)
            owners.append(index)
        about_all = data.draw(st.fixed_dictionaries({}, optional={'c': st.just('E-w'), 'w': st.just('words-w')}))
        text = json.dumps(
            {**about_all, 'm': items}, indent=data.draw(st.sampled_from((None, 2))))
        status = data.draw(st.sampled_from((200, 207, 400, 429, 500)))
        codes = tuple((code, 'unknown', data.draw(st.sampled_from(('as_usual', 'refused', 'accepted', 'unknown'))))
                      for code in data.draw(st.sets(st.sampled_from(('E-a', 'E-b', 'E-w', '*bad-c*')))))
        rules = {
            **self.RULES, 'error_message_path': data.draw(st.sampled_from(('', 'w'))),
            'error_code_path': data.draw(st.sampled_from(('', 'c'))),
            'error_code_regex': data.draw(st.sampled_from(('', r'E-\w', r'"c": "(?P<code>[^"]+)"'))),
            'items_path': data.draw(st.sampled_from(('m', 'm[]'))),
            'message_id_path': data.draw(st.sampled_from(('', 'id'))),
            'message_id_regex': data.draw(st.sampled_from(
                ('', r'ID-\w', r'"to": "(?P<number>[^"]+)",\s+"id": "(?P<id>[^"]+)"'))),
            'require_message_id': data.draw(st.booleans()), 'failure_map': codes,
            'error_key': data.draw(st.sampled_from(('', 'bad', '"no"'))),
            'success_key': data.draw(st.sampled_from(('', '"ok"')))}
        for sms, result in zip(recipients, read(status, text, recipients, **rules), strict=True):
            index = self.NUMBERS.index(sms.number)
            mine = 'abc'[index]
            for field in (result.error_code, result.message_id, result.error_message):
                found = set(re.findall(r'(?:ID|E|words|bad)-(\w)', field))
                self.assertLessEqual(found, {mine, 'w'}, (field, text))
            if status == 200 and items and index not in owners and not (rules['error_key'] and about_all):
                self.assertEqual((result.outcome, result.message_id), ('unknown', ''), text)


class TestSecretsAndSize(unittest.TestCase):
    """SPEC section 2: response text cut at 4 KiB; no credential is ever in it."""

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


class TestAnything(unittest.TestCase):
    """SPEC section 4: one bad answer never touches another SMS; every SMS gets exactly one result."""

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
        start = time.process_time()
        for _ in range(10000):
            interpret(rules, ONE, HttpAnswer(200, text))
        self.assertLess(time.process_time() - start, 3)
        many = [Sms(str(index), f'+92300{index:07}') for index in range(1000)]
        big = json.dumps([{'n': re.sub(r'\D', '', sms.number), 'i': sms.uuid} for sms in many])
        start = time.process_time()
        rules = AnswerRules(items_path='[]', number_path='n', message_id_path='i')
        results = interpret(rules, many, HttpAnswer(200, big))
        self.assertLess(time.process_time() - start, 1)
        self.assertEqual([result.message_id for result in results], [sms.uuid for sms in many])
