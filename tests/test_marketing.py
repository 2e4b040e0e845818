# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS Marketing through gateways (SPEC sections 4 and 5): campaigns with their traces, and the Test button."""
from datetime import timedelta
from unittest import SkipTest

from odoo import fields
from odoo.tests import tagged

from .common import SECRET, GatewayCase
from .provider import Reply

NUMBERS = tuple(f'+3245600112{index}' for index in range(4))


class MarketingCase(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if 'mailing.mailing' not in cls.env or 'mailing.sms.test' not in cls.env:
            raise SkipTest("SMS Marketing (mass_mailing_sms) is not installed in this database")
        cls.contacts = cls.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': number} for index, number in enumerate(NUMBERS)])
        cls.mailing = cls.make_mailing(sms_force_send=True)
        cls.gateway.max_connections = 1  # answers are given in the order of the contacts

    @classmethod
    def make_mailing(cls, **values):
        return cls.env['mailing.mailing'].create({
            'subject': "Summer sale", 'mailing_type': 'sms', 'body_plaintext': "Sale for {{ object.name }}",
            'mailing_model_id': cls.env['ir.model']._get_id('res.partner'),
            'mailing_domain': repr([('id', 'in', cls.contacts.ids)]), 'sms_allow_unsubscribe': False, **values})

    def traces(self, mailing=None):
        return (mailing or self.mailing).mailing_trace_ids.sorted('res_id')


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

    def test_no_gateway(self):
        self.gateway.state = 'disabled'
        self.mailing.action_send_sms()
        self.assertEqual(set(self.traces().mapped('trace_status')), {'error'})
        self.assertIn("to activate one", self.traces()[0].failure_reason)
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
        self.env['sms.gateway.pace'].sudo().search([]).unlink()
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
        self.assertIn("to activate one", self.press(NUMBERS[0]))

    def test_no_secret_is_shown(self):
        self.provider.answer(Reply(401, f"Token {SECRET} is wrong"))
        said = self.press(NUMBERS[0])
        self.assertIn("is wrong", said)
        self.assertNotIn(SECRET, said)

    def test_unsubscribe_link(self):
        """The text that the button makes is sent, and its trace is marked."""
        self.mailing.sms_allow_unsubscribe = True
        self.press(NUMBERS[0])
        self.assertEqual(len(self.provider.sms), 1)
