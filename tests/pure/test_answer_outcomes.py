# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An answer means that an SMS was accepted, was certainly refused, or that nobody knows: doc/behaviour.md section 5."""
import json
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from ...tools.answer.failure_codes import match_failure
from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from ...tools.problem import Problem
from .common import ONE, TWO, PureCase, read, read_one


class TestOrderOfRules(PureCase):
    """doc/behaviour.md section 5: the answer is read by six rules, the first that fits decides."""

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
        for failure, outcome, retryable, code in (
                ('connect', 'refused', True, 'unreachable'), ('invalid', 'refused', False, 'request_failed'),
                ('timeout', 'unknown', False, 'timeout'), ('broken', 'unknown', False, 'response_lost')):
            with self.subTest(failure=failure):
                [result] = interpret(AnswerRules(), ONE, HttpAnswer(None, failure=failure, duration=12))
                self.assertEqual(
                    (result.state, result.rule, result.outcome, result.retryable, result.failure_type, result.duration),
                    ('server_error', 1, outcome, retryable, 'sms_server', 12))
                self.assertEqual((result.problem, result.error_message), (Problem(code), ''))
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
        moved = read_one(301, 'Moved', failure_map=(('*redirect*', 'sms_credit'),))
        self.assertEqual((moved.error_message, moved.problem, moved.failure_type), (
            '', Problem('redirect', (('status', 'HTTP 301 Moved Permanently'),)), 'sms_server'))

    def test_failure_codes_are_compared_with_words_of_the_provider_only(self):
        """Not with a sentence of our own, which is another one in each language."""
        for failure, reason in (('timeout', None), ('connect', Problem('proxy_refused', (('status', '403'),)))):
            for code in ('*', '*time*', 'timeout', '*403*'):
                [result] = interpret(
                    AnswerRules(failure_map=((code, 'sms_credit'),)), ONE,
                    HttpAnswer(None, failure=failure, reason=reason))
                self.assertEqual(result.failure_type, 'sms_server')

    def test_our_own_reason_shows_no_secret(self):
        """The name of a host, which may contain a credential, appears in what OpenSSL says."""
        reason = Problem('untrusted_certificate', (('error', "not valid for 's3cret.example.com'"),))
        [result] = interpret(
            AnswerRules(secrets=('s3cret',)), ONE, HttpAnswer(None, failure='connect', reason=reason))
        self.assertEqual(dict(result.problem.values)['error'], "not valid for '***.example.com'")

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


class TestOutcomes(PureCase):
    """doc/behaviour.md section 4: accepted, certainly refused, unknown; what may be sent again at once."""

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
        """doc/behaviour.md section 2, Track Status off: an error counts as unknown outcome."""
        result = read_one(429, status_tracked=False)
        self.assertEqual((result.state, result.outcome, result.retryable), ('error', 'unknown', True))
        self.assertEqual(read_one(200, status_tracked=False).outcome, 'accepted')

    def test_retry_after(self):
        """RFC 9110 section 10.2.3: seconds or a date; anything else is no time."""
        now = datetime.now(timezone.utc)
        past, first, last = (format_datetime(now + timedelta(minutes=m), usegmt=True) for m in (-2, 9, 99999))
        self.assertEqual(read_one(429, headers={'retry-after': ' 30 '}).retry_after, 30)
        waits = [read_one(503, headers={'retry-after': date}).retry_after for date in (first, last)]
        self.assertTrue(0 < waits[0] <= 540 < waits[1] <= 99999 * 60, waits)
        self.assertEqual(read_one(503, headers={'retry-after': past}).retry_after, 0)
        for value in ('', '-5', 'soon', '9' * 5000, 'Fri, 99 Foo 9999 99:99:99 GMT', '1.5'):
            with self.subTest(value=value[:20]):
                self.assertIsNone(read_one(429, headers={'retry-after': value}).retry_after)
        self.assertIsNone(read_one(400, headers={'retry-after': '30'}).retry_after)

    def test_the_providers_own_header(self):
        for headers, wait in (
                ({'x-ratelimit-reset': '7'}, 7), ({'x-ratelimit-reset': '7', 'retry-after': '30'}, 7),
                ({'retry-after': '30'}, 30), ({'x-ratelimit-reset': 'soon', 'retry-after': '30'}, 30),
                ({'x-ratelimit-reset': '-7'}, None), ({'x-ratelimit-reset': '1790000000'}, None), ({}, None)):
            with self.subTest(headers):
                self.assertEqual(read_one(429, headers=headers, wait_header=' X-RateLimit-Reset ').retry_after, wait)

    def test_a_wait_in_the_text(self):
        for pattern, text, wait in (
                (r'wait (\d+)', 'wait 30', 30), (r'wait \[ ?(?P<ms>\d+)', 'please wait [ 250 ] and retry', 1),
                (r'wait (?P<ms>\d+)', 'wait 1000', 1), (r'wait (?P<ms>\d+)', 'wait 1001', 2),
                (r'(wait|pause) for (?P<ms>\d+)', 'pause for 2500', 3), (r'wait (-?\d+)', 'wait -5', None),
                (r'wait (\d+)', 'wait ' + '9' * 50, None), (r'wait (\w+)', 'wait long', None),
                (r'wait \d+', 'wait 30', None), (r'wait (\d+)', 'busy', None), ('', 'wait 30', None), ('(', '(', None)):
            with self.subTest(pattern=pattern, text=text[:30]):
                self.assertEqual(read_one(429, text, wait_regex=pattern).retry_after, wait)
        result = read_one(429, 'wait 30', headers={'retry-after': '7'}, wait_regex=r'wait (\d+)')
        self.assertEqual(result.retry_after, 7, "A header is preferred.")
        self.assertIsNone(read_one(400, 'wait 30', wait_regex=r'wait (\d+)').retry_after, "That is no request to wait.")

    def test_a_long_text_of_which_one_part_is_accepted(self):
        """The error key and a message ID in one response: another gateway would send the accepted part again."""
        rules = {
            'message_id_path': 'parts[].id', 'error_code_path': 'parts[].code', 'error_key': '"code"',
            'failure_map': (('1', 'sms_server', 'try_again'), ('9', 'sms_credit'))}
        for code in (1, 9):
            refused = f'{{"code": {code}}}'
            for parts in (f'{{"id": "a"}}, {refused}', f'{refused}, {{"id": "a"}}'):
                with self.subTest(code=code, parts=parts):
                    result = read_one(200, f'{{"parts": [{parts}]}}', **rules)
                    self.assertEqual(
                        (result.outcome, result.doubtful, result.retryable, result.account_refused),
                        ('unknown', True, False, False))
            result = read_one(200, f'{{"parts": [{refused}, {refused}]}}', **rules)
            self.assertEqual(
                (result.outcome, result.retryable, result.account_refused), ('refused', code == 1, code == 9))


class TestOutcomeOfCodes(PureCase):
    """The Outcome of a failure code: whatever the HTTP code, it tells whether the provider took the SMS."""

    def test_documented_answers(self):
        """A code with an outcome decides in each place of a response in which it can appear."""
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


class TestFailureTypes(PureCase):
    """doc/behaviour.md sections 2 and 5: failure type from the failure map, else by HTTP code."""

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
                self.assertEqual(match_failure(failure_map, *candidates, source='response'), expected)

    def test_stars_anywhere_in_linear_time(self):
        with self.assert_cheap(1):
            self.assertIsNone(match_failure((('*a' * 50 + 'b', 'unknown'),), 'a' * 4000, source='report'))
        for code, text, fits in (
                ('a*c', 'abc', True), ('a*a', 'a', False), ('*', 'x', True), ('a*b*c', 'axxbxc', True)):
            with self.subTest(code=code, text=text):
                self.assertEqual(match_failure(((code, 'unknown'),), text, source='report') is not None, fits)

    def test_codes_of_one_source(self):
        failure_map = (
            ('9', 'unknown'), ('Response: 9', 'sms_credit'), ('report:9', 'sms_expired'), ('response:8*', 'sms_acc'),
            ('report:*', 'sms_server'), ('other:9', 'sms_rejected'))
        for code, response, report in (
                ('9', 'sms_credit', 'sms_expired'), ('80', 'sms_acc', 'sms_server'), ('7', None, 'sms_server'),
                ('other:9', 'sms_rejected', 'sms_rejected'), ('response:9', None, 'sms_server')):
            with self.subTest(code=code):
                self.assertEqual(match_failure(failure_map, code, source='response'), response)
                self.assertEqual(match_failure(failure_map, code, source='report'), report)

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
