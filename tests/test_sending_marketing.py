# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS Marketing sends campaigns and tests through gateways, and traces say what became of them: doc/behaviour.md
sections 4, 5."""
import re
from ast import literal_eval
from datetime import timedelta
from itertools import product
from unittest.mock import patch
from urllib.parse import urlencode

from odoo import fields
from odoo.tests import tagged

from ..sending import dispatch, run
from ..sending.turn import MissedTurnError, Turn
from ..tools.report.parsing import parse_reports
from .common import DOUBT, NUMBERS, SECRET, MarketingCase
from .provider import Reply


@tagged('post_install', '-at_install')
class TestCampaign(MarketingCase):

    def test_traces_are_sent_or_failed_and_say_why(self):
        self.provider.answer(200, Reply(400, "Blocked by the operator"), Reply(402, "No credit"), 200)
        self.mailing.action_send_sms()
        traces = self.traces()
        self.assertEqual(traces.mapped('trace_status'), ['pending', 'error', 'error', 'pending'])
        self.assertEqual(traces.mapped('failure_type'), [False, 'sms_server', 'sms_credit', False])
        self.assertEqual(traces.mapped('failure_reason'), [False, "Blocked by the operator", "No credit", False])
        self.assertTrue(traces[0].sent_datetime)
        self.assertEqual(self.mailing.state, 'done')
        self.assertEqual(
            sorted(text for _number, text in self.provider.sms), [f"Sale for Contact {index}" for index in range(4)])

    def test_queued_campaign(self):
        mailing = self.make_mailing(sms_force_send=False)
        mailing.action_send_sms()
        self.assertEqual(set(self.traces(mailing).mapped('trace_status')), {'outgoing'})
        self.env['sms.sms']._process_queue()
        self.assertEqual(set(self.traces(mailing).mapped('trace_status')), {'pending'})
        self.assertEqual(mailing.state, 'done')

    def test_campaign_whose_sms_all_fail_is_done(self):
        self.always_answer(Reply(400, "No such sender"))
        self.mailing.action_send_sms()
        self.assertEqual(set(self.traces().mapped('trace_status')), {'error'})
        self.assertEqual(self.mailing.state, 'done')

    def test_notes_of_a_mailing_show_no_state(self):
        """The mailing shows the state of each SMS."""
        self.make_mailing(sms_force_send=True, keep_archives=True).action_send_sms()
        notes = self.contacts.message_ids.filtered(lambda message: message.message_type == 'sms')
        self.assertEqual(len(notes), len(self.contacts))
        self.assertFalse(notes.notification_ids)

    def test_no_gateway(self):
        self.gateway.state = 'disabled'
        self.mailing.action_send_sms()
        self.assertEqual(set(self.traces().mapped('trace_status')), {'error'})
        self.assertEqual(
            self.traces()[0].failure_reason, "No SMS gateway is active for this company. Nothing was sent.")
        self.assertEqual(self.mailing.state, 'done')

    def test_unclear_answers_wait_for_their_reports(self):
        """Processing keeps the campaign at Sending; a failed SMS of the same batch does not end it."""
        self.gateway.write({'success_key': 'queued', 'delivery_callback_enabled': True})
        self.provider.answer("?", Reply(400, "Blocked"), "queued", "queued")
        self.mailing.action_send_sms()
        self.assertEqual(self.traces().mapped('trace_status'), ['process', 'error', 'pending', 'pending'])
        self.assertEqual(self.mailing.state, 'sending')

    def test_campaign_ends_when_the_report_never_comes(self):
        self.gateway.write({'success_key': 'queued', 'delivery_callback_enabled': True})
        self.provider.answer("?", "queued", "queued", "queued")
        self.mailing.action_send_sms()
        self.env.cr.execute("UPDATE sms_gateway_status SET sent_date = %s, create_date = %s WHERE gateway_id = %s", [
            fields.Datetime.now() - timedelta(hours=73), fields.Datetime.now() - timedelta(hours=73), self.gateway.id])
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(set(self.traces().mapped('trace_status')), {'pending'})
        self.assertEqual(self.mailing.state, 'done')

    def test_retry_of_failed(self):
        """The campaign's Retry button."""
        self.provider.answer(200, Reply(400, "Blocked"), 200, 200)
        self.mailing.action_send_sms()
        self.provider.clear()
        self.mailing.action_retry_failed()
        self.mailing.action_send_sms()
        self.env['sms.sms']._process_queue()
        self.assertEqual([number for number, _text in self.provider.sms], [NUMBERS[1]])
        self.assertEqual(set(self.traces().mapped('trace_status')), {'pending'})


@tagged('post_install', '-at_install')
class TestTestButton(MarketingCase):

    def press(self, *numbers):
        wizard = self.env['mailing.sms.test'].create({'mailing_id': self.mailing.id, 'numbers': '\n'.join(numbers)})
        wizard.action_send_sms()
        return self.mailing.message_ids[0].body

    def test_missed_its_place_under_a_rate_limit(self):
        """It gets another place, for example because the connection took long."""
        self.gateway.rate_limit = 10
        check = Turn.check
        missed = iter([True, True])

        def check_later(turn):
            if next(missed, False):
                raise MissedTurnError
            check(turn)

        self.startPatcher(patch.object(Turn, 'check', check_later))
        self.assertIn("successfully sent", self.press(NUMBERS[0]))
        self.assertEqual(len(self.provider.sms), 1)

    def test_sends_exactly_once_even_after_the_queue_has_run(self):
        said = self.press(NUMBERS[0])
        self.assertIn(f"Test SMS successfully sent to {NUMBERS[0]}", said)
        for _run in range(2):
            self.env['sms.sms']._process_queue()
        self.assertEqual([number for number, _text in self.provider.sms], [NUMBERS[0]])
        sms = self.env['sms.sms'].search([('number', '=', NUMBERS[0])], limit=1)
        self.assertEqual((sms.state, sms.gateway_id), ('pending', self.gateway))
        self.assertEqual(self.status_of(sms).state, 'success')

    def test_numbers_as_people_type_them(self):
        self.env.company.country_id = self.env.user.country_id = self.env.ref('base.be')
        said = self.press('0456 00 11 22', '0032456003344', 'nonsense')
        self.assertEqual(sorted(number for number, _text in self.provider.sms), ['+32456001122', '+32456003344'])
        self.assertIn("nonsense", said)

    def test_failure_shows_the_words_of_the_provider(self):
        self.provider.answer(Reply(402, "Your balance is too low"))
        said = self.press(NUMBERS[0])
        self.assertIn(f"could not be sent to {NUMBERS[0]}: Your balance is too low", said)
        self.env['sms.sms']._process_queue()
        self.assertEqual(len(self.provider.requests), 1)

    def test_provider_that_asks_to_wait(self):
        """The button tells at once, and nothing is left for the queue to send later."""
        self.provider.answer(Reply(503, "Maintenance"))
        said = self.press(NUMBERS[0])
        self.assertIn("Maintenance", said)
        self.env['sms.sms']._process_queue()
        self.assertEqual(len(self.provider.requests), 1)

    def test_gateway_that_cannot_send_now(self):
        """It rests, or its rate limit leaves no place: the button tells so, and nothing is sent later."""
        self.gateway.rate_limit = 0.01
        self.press(NUMBERS[0])
        said = self.press(NUMBERS[1])
        self.assertIn(f"could not be sent to {NUMBERS[1]}", said)
        self.gateway.rate_limit = 0
        self.env['sms.gateway.throttle'].sudo().search([]).unlink()
        self.provider.clear()
        self.env.cr.execute("UPDATE sms_sms SET send_after = NULL")
        self.env['sms.sms']._process_queue()
        self.assertFalse(self.provider.requests)

    def test_one_failure_among_several(self):
        self.provider.answer(200, Reply(400, "Blocked"), 200)
        said = self.press(*NUMBERS[:3])
        self.assertEqual(said.count("successfully sent"), 2)
        self.assertIn(f"could not be sent to {NUMBERS[1]}: Blocked", said)

    def test_no_gateway(self):
        self.gateway.state = 'disabled'
        said = self.press(NUMBERS[0])
        self.assertIn("No SMS gateway is active for this company.", said)
        self.assertNotIn("Activate", said)

    def test_no_secret_is_shown(self):
        self.provider.answer(Reply(401, f"Token {SECRET} is wrong"))
        said = self.press(NUMBERS[0])
        self.assertIn("is wrong", said)
        self.assertNotIn(SECRET, said)

    def test_failed_test_leaves_nothing_to_retry(self):
        self.provider.answer(Reply(400, "Blocked"))
        self.press(NUMBERS[0])
        shown = literal_eval(self.env.ref('sms.sms_sms_action').domain)
        self.assertFalse(self.env['sms.sms'].search([('number', '=', NUMBERS[0]), *shown]))
        self.assertEqual(self.env['sms.gateway.status'].search([('number', '=', NUMBERS[0])]).error_message, "Blocked")


@tagged('post_install', '-at_install')
class TestTestButtonWithOptOutLink(MarketingCase):
    """Core makes a trace for each test SMS of a mailing whose "Include opt-out link" is on."""

    REPLIES = (200, Reply(400, "Blocked"), Reply(500, "Panic"), Reply(429, "Later"), "?", Reply(drop='before'))

    def setUp(self):
        super().setUp()
        self.mailing.sms_allow_unsubscribe = True
        self.gateway.write({'delivery_callback_enabled': True, 'success_key': '"id"'})

    def press(self):
        self.env['mailing.sms.test'].create({'mailing_id': self.mailing.id, 'numbers': NUMBERS[0]}).action_send_sms()
        return self.env['sms.sms'].search([('number', '=', NUMBERS[0])], order='id desc', limit=1)

    def seen(self):
        """All that somebody sees of the mailing."""
        self.env.invalidate_all()
        traces = self.traces()
        return self.mailing.read([
            'state', 'schedule_date', 'schedule_type', 'sent_date', 'kpi_mail_required', 'scheduled', 'sent', 'pending',
            'process', 'delivered', 'failed', 'bounced', 'canceled', 'received_ratio',
        ]), [trace.read(['trace_status', 'failure_type', 'failure_reason', 'sent_datetime']) for trace in traces]

    def test_mailing_is_left_alone_whatever_becomes_of_the_test(self):
        """A draft stays one, a schedule stays, a mailing that was sent is not done again; its figures tell nothing of a
        test. That holds for the answer, for what is retried by hand, and for delivery reports."""
        soon = fields.Datetime.now() + timedelta(days=1)
        states = {'state': 'draft'}, {'state': 'in_queue', 'schedule_type': 'scheduled', 'schedule_date': soon}
        reports = (False, {'status': 'failed'}, {'status': 'delivered'}, {'status': 'canceled'})
        for values, reply, report in product(states, self.REPLIES, reports):
            with self.subTest(reply=reply, report=report, **values), self.env.cr.savepoint() as savepoint:
                self.mailing.write(values)
                before = self.seen()[0][0]
                self.provider.answer(reply)
                sms = self.press()
                # core counts the trace, which is there for the link of the test only
                before['scheduled'] = 1
                (after,), traces = self.seen()
                self.assertEqual(after, before)
                self.assertEqual([trace[0]['trace_status'] for trace in traces], ['outgoing'])
                if report:
                    self.gateway._receive_reports(parse_reports(
                        self.gateway._get_report_rules(), 'GET', urlencode({'uuid': sms.uuid, **report}).encode(), '',
                        b''))
                    self.assertEqual(self.seen()[0], [before])
                if sms.state == 'error':
                    sms._retry(1)
                    self.env['sms.sms']._process_queue()
                    self.assertEqual(self.seen()[0], [before])
                savepoint.rollback()

    def test_lost_claim_and_missing_report(self):
        sms = self.press()
        before = self.seen()
        sms.write({'state': 'process', 'claimed_until': fields.Datetime.now() - timedelta(hours=1)})
        with self.assertLogs('odoo.addons.eis_sms_apis.sending.store.lost_claims', 'WARNING'):
            self.env['sms.sms']._process_queue()
        self.assertEqual(self.seen(), before)
        self.env.cr.execute("""
            UPDATE sms_gateway_status SET awaits_report = TRUE, state = 'pending', sent_date = '2020-01-01'
            WHERE sms_uuid = %s""", [sms.uuid])
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.seen(), before)

    def test_text_is_that_of_the_campaign(self):
        self.press()
        self.mailing.mailing_domain = repr([('id', '=', self.contacts[1].id)])
        self.mailing.action_send_sms()
        (_number, tested), (_number, sent) = self.provider.sms
        self.assertIn("STOP SMS: ", tested)
        name = self.env['res.partner'].search([], limit=1).name
        without_code = [re.sub(r'(?<=/)[\w-]+$', 'CODE', text) for text in (tested, sent)]
        self.assertEqual(
            without_code[0].replace(f"Sale for {name}", "Sale"),
            without_code[1].replace(f"Sale for {self.contacts[1].name}", "Sale"))


@tagged('post_install', '-at_install')
class TestDeletedRows(MarketingCase):
    """Given SMS whose rows somebody deletes while their requests are under way, the answers reach what is left."""

    def setUp(self):
        super().setUp()
        # the provider deletes rows with the cursor of the test, which the run must not use meanwhile
        self.startPatcher(patch.object(run, 'MAX_SAVE_SECONDS', 600))
        self.startPatcher(patch.object(dispatch, 'MIN_PORTION', 100))

    def delete_and_answer(self, reply):
        """The row goes while the provider has the request."""
        def script(request):
            self.env.cr.execute("DELETE FROM sms_sms WHERE number = %s", [self.provider.extract(request)[0][0]])
            return reply if isinstance(reply, Reply) else self.provider.accept(request)
        return script

    def test_campaign(self):
        replies = (200, Reply(400, "Blocked"), Reply(402, "No credit"), Reply(500, "Panic"))
        self.provider.answer(*map(self.delete_and_answer, replies))
        self.mailing.action_send_sms()
        self.env.invalidate_all()
        traces = self.traces()
        self.assertEqual(traces.mapped('trace_status'), ['pending', 'error', 'error', 'error'])
        self.assertEqual(traces.mapped('failure_type'), [False, 'sms_server', 'sms_credit', 'sms_server'])
        self.assertEqual(
            traces.mapped('failure_reason'), [False, "Blocked", "No credit", f"{DOUBT} Panic"])
        self.assertEqual((self.mailing.state, self.mailing.pending, self.mailing.failed), ('done', 1, 3))

    def test_chatter(self):
        for reply, expected in (
                (200, ('pending', False, False)), (Reply(400, "No"), ('exception', 'sms_server', "No"))):
            with self.subTest(reply=reply):
                self.provider.answer(self.delete_and_answer(reply))
                message = self.contacts[0]._message_sms("Hello")
                self.env.invalidate_all()
                notification = message.notification_ids
                self.assertEqual(
                    (notification.notification_status, notification.failure_type, notification.failure_reason),
                    expected)

    def test_deleted_before_its_provider_took_it(self):
        """Nobody sends it any more, so it does not stay Ready for ever."""
        self.provider.answer(self.delete_and_answer(Reply(429, "Later")))
        message = self.contacts[0]._message_sms("Hello")
        self.env.invalidate_all()
        self.assertEqual(message.notification_ids.notification_status, 'canceled')

    def test_message_deleted_with_it(self):
        def script(request):
            self.env.cr.execute("DELETE FROM mail_message WHERE id = (SELECT max(id) FROM mail_message)")
            self.env.cr.execute("DELETE FROM sms_sms WHERE number = %s", [NUMBERS[0]])
            return self.provider.accept(request)
        self.provider.answer(script)
        self.contacts[0]._message_sms("Hello")
        self.env.invalidate_all()
        self.assertEqual(
            self.env['sms.gateway.status'].search([('number', '=', NUMBERS[0])]).mapped('state'), ['success'])
