# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real HTTP answers become states: doc/behaviour.md section 5, each rule by its number, and several recipients of one
request."""
from odoo.tests import Form, tagged

from .common import DOUBT, SECRET, GatewayCase
from .provider import Reply, redirect

NUMBERS = tuple(f'+3245600112{digit}' for digit in range(5))


class AnswerCase(GatewayCase):

    def send(self, *replies, number='+32456001122', **values):
        """Send one SMS through the gateway, changed to these values, to a provider that answers so."""
        self.gateway.write(values)
        self.forget_failures()
        self.provider.answer(*replies)
        sms = self.make_sms(number)
        sms.send()
        return sms

    def assertResult(self, sms, state, row_state, outcome, failure_type=False):
        status = self.status_of(sms)
        self.assertEqual(
            (sms.state, status.state, status.outcome, sms.failure_type, status.failure_type),
            (state, row_state, outcome, failure_type, failure_type))
        return status

    def share_requests(self, **values):
        self.gateway.write({
            'supports_multiple_recipients': True,
            'parameter_ids': [
                (5, 0), (0, 0, {'key': 'to', 'param_type': 'multi_number'}),
                (0, 0, {'key': 'text', 'param_type': 'message'})],
            **values,
        })


@tagged('post_install', '-at_install')
class TestRules(AnswerCase):

    def test_rule_1_server_error(self):
        """5xx that is not in Success HTTP Codes."""
        sms = self.send(Reply(500, "Oops"))
        status = self.assertResult(sms, 'error', 'server_error', 'unknown', 'sms_server')
        self.assertEqual((status.http_code, status.response_text, sms.failure_reason), (500, "Oops", f"{DOUBT} Oops"))

    def test_rule_1_not_for_a_code_that_means_success(self):
        self.assertResult(self.send(500, success_http_codes='200,500'), 'pending', 'success', 'accepted')

    def test_rule_2_error_key(self):
        """It counts before success markers and whatever the HTTP code."""
        sms = self.send({'status': 'OK', 'error': "No credit"}, error_key='"error"', success_key='OK')
        self.assertResult(sms, 'error', 'error', 'refused', 'sms_server')
        self.assertIn("No credit", sms.failure_reason)

    def test_rule_2_error_key_in_the_item_of_the_only_recipient(self):
        """The HTTP code still tells what becomes of the SMS: with 429 it goes back to the queue."""
        values = {'error_key': 'rejected', 'answer_items_path': 'messages[]', 'answer_status_path': 'status'}
        for code in (200, 400, 402):
            sms = self.send(Reply(code, {'messages': [{'status': 'rejected'}]}), **values)
            self.assertEqual(self.status_of(sms).outcome, 'refused')
        sms = self.send(Reply(429, {'messages': [{'status': 'rejected'}]}), **values)
        self.assertEqual((sms.state, bool(self.status_of(sms))), ('outgoing', False))

    def test_rule_2_error_key_counts_while_its_page_is_hidden(self):
        sms = self.send("ERR 12", error_key='ERR', create_status=False)
        self.assertEqual(sms.state, 'error')
        self.assertFalse(self.status_of(sms))

    def test_rule_3_success_marker(self):
        """Substring or key found: success even with another HTTP code."""
        for values in ({'success_substring': 'queued'}, {'success_key': 'queued'},
                       {'success_substring': 'nowhere', 'success_key': 'queued'}):
            with self.subTest(**values):
                sms = self.send(Reply(409, {'state': 'queued'}), **{
                    'success_substring': False, 'success_key': False, **values})
                self.assertResult(sms, 'pending', 'success', 'accepted')

    def test_rule_3_blanks_in_json_make_no_difference(self):
        self.assertResult(
            self.send('{"status":0}', success_substring='"status": 0'), 'pending', 'success', 'accepted')

    def test_rule_4_http_code(self):
        for code, failure_type in ((400, 'sms_server'), (401, 'sms_acc'), (402, 'sms_credit'), (403, 'sms_acc'),
                                   (404, 'sms_server'), (422, 'sms_server')):
            with self.subTest(code=code):
                self.assertResult(self.send(Reply(code, "no")), 'error', 'error', 'refused', failure_type)

    def test_rule_4_code_that_is_not_in_the_list(self):
        self.assertEqual(self.send(201, success_http_codes='200').state, 'error')

    def test_rule_5_unclear(self):
        """A marker is set and none found: pending, or success with `sms.default_success_200` and 200, 201 or 202."""
        parameters = self.env['ir.config_parameter'].sudo()
        self.gateway.success_http_codes = '200,201,202,204'
        for text, code, row_state in (
            (False, 200, 'pending'), ('False', 200, 'pending'), ('false', 201, 'pending'), ('0', 200, 'pending'),
            ('', 202, 'pending'), ('True', 200, 'success'), ('true', 201, 'success'), ('1', 202, 'success'),
            ('True', 204, 'pending'),
        ):
            parameters.set_param('sms.default_success_200', text)
            with self.subTest(text=text, code=code):
                sms = self.send(Reply(code), success_substring='queued')
                outcome = 'accepted' if row_state == 'success' else 'unknown'
                self.assertResult(sms, 'pending', row_state, outcome)

    def test_rule_5_unclear_waits_for_its_report(self):
        """Processing with delivery callbacks, otherwise Sent."""
        sms = self.send("Thank you", success_key='queued', delivery_callback_enabled=True)
        self.assertResult(sms, 'process', 'pending', 'unknown')
        self.assertFalse(sms.claimed_until)

    def test_rule_5_without_success_codes_every_2xx_is_unclear(self):
        self.assertResult(self.send(202, success_http_codes=False), 'pending', 'pending', 'unknown')

    def test_rule_6_otherwise_success(self):
        for code in (200, 201, 202):
            self.assertResult(self.send(code), 'pending', 'success', 'accepted')


@tagged('post_install', '-at_install')
class TestWhatIsKept(AnswerCase):

    def test_message_id(self):
        for regex, expected in (
            (r'ref=(?P<id>\w+)-(\d+)', 'abc'), (r'ref=(\w+)', 'abc'), (r'[a-c]{3}', 'abc'), (r'no(thing)', False),
        ):
            sms = self.send("OK ref=abc-1", message_id_regex=regex)
            self.assertEqual(self.status_of(sms).message_id, expected, regex)

    def test_message_id_required(self):
        sms = self.send("OK", require_message_id=True)
        self.assertEqual(sms.state, 'error')
        self.assertIn("No message ID", sms.failure_reason)

    def test_failure_map(self):
        """Error code, HTTP code and error text are translated; an exact code beats a pattern."""
        codes = {
            '21*': 'sms_rejected', '21211': 'sms_number_format', 'HTTP 418': 'sms_not_allowed',
            '*expired*': 'sms_expired',
        }
        self.gateway.write({
            'error_code_regex': r'"code": (\d+)',
            'callback_failure_map_ids': [
                (0, 0, {'provider_code': code, 'failure_type': failure_type}) for code, failure_type in codes.items()],
        })
        for reply, failure_type in (
            (Reply(400, {'code': 21211}), 'sms_number_format'), (Reply(400, {'code': 21999}), 'sms_rejected'),
            (Reply(418, "teapot"), 'sms_not_allowed'), (Reply(400, "It has EXPIRED today"), 'sms_expired'),
            (Reply(400, {'code': 7}), 'sms_server'),
        ):
            sms = self.send(reply)
            self.assertEqual((sms.failure_type, self.status_of(sms).failure_type), (failure_type, failure_type))

    def test_outcome_of_a_failure_code(self):
        """It decides whatever the HTTP code: for one SMS, its status row and whether Retry asks first."""
        self.gateway.write({
            'error_code_regex': r'"code": (\d+)',
            'callback_failure_map_ids': [
                (0, 0, {'provider_code': code, 'failure_type': failure_type, 'outcome': outcome})
                for code, failure_type, outcome in (
                    ('1', 'sms_credit', 'refused'), ('2', 'sms_expired', 'unknown'), ('3', 'unknown', 'accepted'))],
        })
        for code, status, expected in (
                (1, 200, ('error', 'error', 'refused', 'sms_credit')),
                (1, 500, ('error', 'server_error', 'refused', 'sms_credit')),
                (2, 200, ('error', 'error', 'unknown', 'sms_expired')),
                (2, 400, ('error', 'error', 'unknown', 'sms_expired')),
                (3, 409, ('pending', 'success', 'accepted', False)),
                (4, 200, ('pending', 'success', 'accepted', False)),
        ):
            with self.subTest(code=code, status=status):
                sms = self.send(Reply(status, {'code': code, 'id': 'M1'}))
                row = self.assertResult(sms, *expected)
                self.assertEqual(bool(row.sent_date), row.outcome == 'accepted')
                self.assertEqual((sms.failure_reason or '').startswith(DOUBT), row.outcome == 'unknown')
                self.assertEqual(row.message_id, 'M1' if status in (200, 409) else False)

    def test_outcome_of_a_failure_code_in_the_form(self):
        """It is set in the list, copied with the gateway, and Send Test SMS names it."""
        with Form(self.gateway) as form, form.callback_failure_map_ids.new() as code:
            code.provider_code = 'HTTP 409'
            self.assertEqual(code.outcome, 'as_usual')
            code.outcome = 'accepted'
        self.assertEqual(self.gateway.copy().callback_failure_map_ids.outcome, 'accepted')
        self.provider.answer(Reply(409, "already accepted"))
        test = self.env['sms.gateway.test'].create({'gateway_id': self.gateway.id, 'number': '+32456001122'})
        test.action_send()
        self.assertEqual(test.level, 'success')
        self.assertIn("Outcome", test.verdict)

    def test_answer_is_cut_and_holds_no_secret(self):
        sms = self.send(Reply(400, f"Bad token {SECRET} " + "é" * 5000))
        status = self.status_of(sms)
        self.assertLessEqual(len(status.response_text.encode()), 4096)
        for text in (status.response_text, status.error_message, sms.failure_reason):
            self.assertNotIn(SECRET, text)
            self.assertIn("Bad token ***", text)

    def test_row(self):
        sms = self.send({'id': 'm1'})
        status = self.status_of(sms)
        self.assertEqual((status.gateway_id, status.company_id), (self.gateway, self.env.company))
        self.assertEqual((status.number, status.message_id, status.http_code), ('+32456001122', 'm1', 200))
        self.assertTrue(status.sent_date and status.create_date)
        self.assertFalse(status.delivered_date or status.report_date)

    def test_redirect_is_not_followed(self):
        sms = self.send(redirect(f'{self.provider.url}/elsewhere'))
        self.assertResult(sms, 'error', 'error', 'refused', 'sms_server')
        self.assertIn("redirects are not followed", sms.failure_reason)
        self.assertEqual(len(self.provider.requests), 1)

    def test_html_instead_of_json(self):
        """It touches its own SMS only, and no page's source is shown as the reason."""
        self.gateway.write({'answer_items_path': 'messages[]', 'answer_message_id_path': 'id'})
        self.provider.answer(
            {'messages': [{'id': 'm1'}]}, Reply(502, "<html><body>Bad <b>gateway</b></body></html>"),
            "<!DOCTYPE html><html>Welcome</html>", '{"messages": [{"id": ')
        self.gateway.max_connections = 1
        sms = self.make_sms(*NUMBERS)
        sms.send()
        self.assertEqual(sms.mapped('state'), ['pending', 'error', 'pending', 'pending', 'pending'])
        self.assertEqual(sms[1].failure_reason, f"{DOUBT} HTTP 502 Bad Gateway")
        self.assertEqual(len(self.status_of(sms)), 5)


@tagged('post_install', '-at_install')
class TestSeveralRecipients(AnswerCase):
    """SMS of one request: each gets exactly one result, whatever the answer looks like."""

    def send_together(self, reply, **values):
        self.share_requests(**values)
        self.provider.answer(reply)
        sms = self.make_sms(*NUMBERS[:3])
        sms.send()
        self.assertEqual(len(self.provider.requests), 1)
        self.assertEqual(len(self.status_of(sms)), 3)
        return sms, [self.status_of(one).message_id for one in sms]

    def test_ids_pair_by_number(self):
        reply = ";".join(f"{number[1:]}:id{index}" for index, number in reversed(list(enumerate(NUMBERS[:3]))))
        _sms, ids = self.send_together(reply, message_id_regex=r'(?P<number>\d+):(?P<id>\w+)')
        self.assertEqual(ids, ['id0', 'id1', 'id2'])

    def test_ids_pair_in_order(self):
        _sms, ids = self.send_together({'ids': ['a1', 'a2', 'a3']}, message_id_regex=r'"(a\d)"')
        self.assertEqual(ids, ['a1', 'a2', 'a3'])

    def test_one_id_serves_all(self):
        _sms, ids = self.send_together({'batch': 'b7'}, message_id_regex=r'"batch": "(\w+)"')
        self.assertEqual(ids, ['b7', 'b7', 'b7'])

    def test_items_refuse_one(self):
        sms, ids = self.send_together(
            {'messages': [
                {'to': NUMBERS[2], 'status': 'ok', 'id': 'c2'},
                {'to': NUMBERS[1], 'status': 'REJECTED', 'code': 9, 'text': "Blocked number"},
                {'to': NUMBERS[0], 'status': 'ok', 'id': 'c0'}]},
            message_id_regex=False, answer_items_path='messages[]', answer_number_path='to',
            answer_message_id_path='id', answer_status_path='status', answer_error_code_path='code',
            answer_error_message_path='text', answer_error_values='rejected,undeliv*',
            callback_failure_map_ids=[(0, 0, {'provider_code': '9', 'failure_type': 'sms_not_allowed'})])
        self.assertEqual(sms.mapped('state'), ['pending', 'error', 'pending'])
        self.assertEqual((sms[1].failure_type, sms[1].failure_reason), ('sms_not_allowed', "Blocked number"))
        self.assertEqual(ids, ['c0', False, 'c2'])

    def test_items_without_one_of_the_recipients(self):
        """He is unknown, Retry asks first, and he gets neither code nor words of another."""
        sms, ids = self.send_together(
            {'m': [
                {'to': NUMBERS[0], 'id': 'M1', 'note': "E4"}, {'to': NUMBERS[1], 'note': "E5 Blocked"}]},
            message_id_regex=False, answer_items_path='m[]', answer_number_path='to', answer_message_id_path='id',
            require_message_id=True, error_code_regex=r'E\d+',
            callback_failure_map_ids=[(0, 0, {'provider_code': 'E5', 'failure_type': 'sms_not_allowed'})])
        self.assertEqual(ids, ['M1', False, False])
        rows = [self.status_of(one) for one in sms]
        self.assertEqual(
            [(row.state, row.outcome, row.error_code, row.failure_type) for row in rows], [
                ('success', 'accepted', False, False), ('error', 'refused', 'E5', 'sms_not_allowed'),
                ('error', 'unknown', False, 'sms_server')])
        self.assertIn("E5 Blocked", sms[1].failure_reason)
        self.assertTrue(sms[2].failure_reason.startswith(DOUBT))
        for word in ("M1", "E4", "E5", "Blocked"):
            self.assertNotIn(word, sms[2].failure_reason)

    def test_outcome_of_an_item_is_its_own(self):
        sms, _ids = self.send_together(
            {'m': [{'to': number, 'id': f'M{code}', 'code': code} for code, number in enumerate(NUMBERS[:3])]},
            answer_items_path='m[]', answer_number_path='to', answer_error_code_path='code',
            callback_failure_map_ids=[
                (0, 0, {'provider_code': '1', 'outcome': 'refused'}),
                (0, 0, {'provider_code': '2', 'outcome': 'unknown'})])
        self.assertEqual([self.status_of(one).outcome for one in sms], ['accepted', 'refused', 'unknown'])

    def test_answer_that_is_not_what_was_configured(self):
        for reply in (
                "<html>Hi</html>", '', '[]', '{"messages": []}', '{"messages": {"to": 1}}', b'\xff\xfe\x00', 'null'):
            with self.subTest(reply=reply):
                self.provider.clear()
                sms, _ids = self.send_together(reply, answer_items_path='messages[]', answer_number_path='to')
                self.assertEqual(set(sms.mapped('state')), {'pending'})

    def test_refusal_of_the_whole_request(self):
        sms, ids = self.send_together(Reply(402, "Top up"))
        self.assertEqual(sms.mapped('failure_type'), ['sms_credit'] * 3)
        self.assertEqual((set(sms.mapped('failure_reason')), ids), ({"Top up"}, [False] * 3))

    def test_one_bad_number_touches_only_its_own_sms(self):
        self.share_requests()
        sms = self.make_sms(NUMBERS[0], 'abc', NUMBERS[1], '', '+1')
        sms.send()
        self.assertEqual(sms.mapped('state'), ['pending', 'error', 'pending', 'error', 'error'])
        self.assertEqual([number for number, _text in self.provider.sms], [NUMBERS[0], NUMBERS[1]])

    def test_different_texts_do_not_share_a_request(self):
        self.share_requests(max_recipients=2)
        sms = self.make_sms(*NUMBERS[:3]) + self.make_sms(NUMBERS[3], body="Bye")
        sms.send()
        self.assertEqual(sorted(len(self.provider.extract(request)) for request in self.provider.requests), [1, 1, 2])
        self.assertEqual(sorted(self.provider.sms), sorted((one.number, one.body) for one in sms))
