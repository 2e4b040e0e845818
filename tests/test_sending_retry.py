# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Retry, Resend and Send Now say truly how many went, and ask first when an outcome is unknown: doc/behaviour.md
section 4."""
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from .common import GatewayCase
from .provider import Reply

JO, ANN, BO = '+32456001122', '+32456003344', '+32456005566'


@tagged('post_install', '-at_install')
class TestRetry(GatewayCase):

    def make_failed(self, *replies):
        """SMS to Jo, Ann and so on that failed with these answers, one each."""
        self.gateway.max_connections = 1
        self.provider.answer(*replies)
        sms = self.make_sms(*(JO, ANN, BO)[:len(replies)])
        sms.send()
        self.assertEqual(set(sms.mapped('state')), {'error'})
        self.provider.clear()
        return sms

    def assertQueued(self, action, sms, count, total):
        """A notification tells how many of how many, and the queue action is triggered."""
        self.assertEqual((action['tag'], action['params']['type']), ('display_notification', 'success'))
        self.assertIn(f"{count} of {total}", action['params']['message'])
        self.assertEqual(set(sms.mapped('state')), {'outgoing'})
        self.assertFalse(any(sms.mapped('failure_type')) or any(sms.mapped('failure_reason')))
        cron = self.env.ref('sms.ir_cron_sms_scheduler_action')
        now = fields.Datetime.now() + timedelta(seconds=5)
        self.assertTrue(self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id), ('call_at', '<=', now)]))

    def run_queue(self):
        self.env['sms.sms']._process_queue()

    def test_retry_keeps_the_row_and_counts_the_attempt(self):
        sms = self.make_failed(Reply(400, "Blocked"))
        row = self.status_of(sms)
        self.assertQueued(sms.action_retry(), sms, 1, 1)
        self.run_queue()
        self.assertEqual((sms.state, sms.attempt), ('pending', 2))
        self.assertEqual(self.status_of(sms), row)
        self.assertEqual((row.state, row.outcome, row.attempt, row.error_message), ('success', 'accepted', 2, False))

    def test_each_attempt_has_a_uuid_of_its_own(self):
        """The provider would take a repeated UUID for a repetition."""
        self.gateway.parameter_ids = [(0, 0, {'key': 'ref', 'value': '{uuid}'})]
        self.always_answer(400)
        sms = self.make_sms(JO)
        sms.send()
        for _retry in range(2):
            sms.action_retry()
            self.run_queue()
        refs = [request.form()['ref'][0] for request in self.provider.requests]
        self.assertEqual((len(set(refs)), refs[0]), (3, sms.uuid))

    def test_retry_in_form_and_list_is_ours(self):
        for view in ('sms.sms_tsms_view_form', 'sms.sms_sms_view_tree'):
            arch = self.env['sms.sms'].get_view(self.env.ref(view).id)['arch']
            self.assertIn('name="action_retry"', arch)
            self.assertNotIn('name="action_set_outgoing"', arch)

    def test_core_retry_triggers_the_queue(self):
        """`action_set_outgoing`, which other addons call."""
        sms = self.make_failed(Reply(400))
        sms.action_set_outgoing()
        self.run_queue()
        self.assertEqual(sms.state, 'pending')

    def test_unknown_outcome_asks_first(self):
        sms = self.make_failed(Reply(400, "Blocked"), Reply(500, "Oops"), Reply(drop='before'))
        action = sms.action_retry()
        self.assertEqual((action['res_model'], set(sms.mapped('state'))), ('sms.retry', {'error'}))
        wizard = Form(self.env['sms.retry'].with_context(**action['context'])).save()
        self.assertEqual((wizard.count, wizard.doubtful_count), (3, 2))
        self.assertEqual(wizard.doubtful_sms_ids, sms[1:])

        action = wizard.action_send_certain()
        self.assertQueued(action, sms[0], 1, 3)
        self.assertEqual(sms[1:].mapped('state'), ['error'] * 2)
        self.run_queue()
        self.assertEqual(self.provider.sms, [(JO, "Hello")])

    def test_unknown_outcome_may_be_sent_again(self):
        sms = self.make_failed(Reply(500, "Oops"), Reply(400, "Blocked"))
        action = sms.resend_failed()
        wizard = Form(self.env['sms.retry'].with_context(**action['context'])).save()
        self.assertQueued(wizard.action_send_all(), sms, 2, 2)
        self.run_queue()
        self.assertEqual([number for number, _text in self.provider.sms], [JO, ANN])

    def test_two_dialogs(self):
        """What was sent again while a dialog was open is not sent by it."""
        sms = self.make_failed(Reply(500, "Oops"), Reply(500, "Oops"))
        action = sms.action_retry()
        first, second = (Form(self.env['sms.retry'].with_context(**action['context'])).save() for _dialog in range(2))
        first.sms_ids = sms[0]
        first.action_send_all()
        self.run_queue()
        self.assertQueued(second.action_send_all(), sms[1], 1, 2)
        self.run_queue()
        self.assertEqual([number for number, _text in self.provider.sms], [JO, ANN])

    def test_resend_counts_what_went(self):
        failed = self.make_failed(Reply(400), Reply(400))
        sent = self.make_sms(BO)
        sent.send()
        self.assertQueued((failed + sent).resend_failed(), failed, 2, 3)

    def test_resend_of_nothing(self):
        sms = self.make_sms(JO)
        sms.send()
        action = sms.resend_failed()
        self.assertEqual(action['params']['type'], 'danger')
        self.assertEqual(len(self.provider.requests), 1)

    def test_resend_action_of_the_list(self):
        sms = self.make_failed(Reply(400))
        action = self.env.ref('sms.ir_actions_server_sms_sms_resend').with_context(
            active_model='sms.sms', active_ids=sms.ids).run()
        self.assertQueued(action, sms, 1, 1)

    def test_retry_of_cancelled(self):
        sms = self.make_sms(JO)
        sms.action_set_canceled()
        self.assertQueued(sms.action_retry(), sms, 1, 1)

    def test_send_now(self):
        sms = self.make_sms(JO)
        sms.send()
        self.assertEqual((sms.state, self.provider.sms), ('pending', [(JO, "Hello")]))
        sms.send()
        self.assertEqual(len(self.provider.requests), 1)

    def test_send_now_through_a_gateway_that_was_activated_meanwhile(self):
        """The only gateway had asked to wait for an hour: the SMS does not, once another one can take it."""
        self.provider.answer(Reply(429, headers={'Retry-After': '3600'}))
        sms = self.make_sms(JO)
        sms.send()
        self.assertEqual(sms.state, 'outgoing')
        other = self.make_gateway("Other")
        sms.send()
        self.assertEqual((sms.state, sms.gateway_id, sms.send_after), ('pending', other, False))

    def test_cancelled_sms_is_not_sent(self):
        sms = self.make_sms(JO, ANN)
        sms[0].action_set_canceled()
        sms.send()
        self.run_queue()
        self.assertEqual(self.provider.sms, [(ANN, "Hello")])

    def test_lost_claim_fails_and_says_so(self):
        """A worker died between claim and record: never sent again by itself, Retry asks."""
        contact = self.env['res.partner'].create({'name': "Jo", 'phone': JO})
        message = contact._message_sms("Hello", put_in_queue=True)
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        sms.write({'state': 'process', 'gateway_id': self.gateway.id,
                   'claimed_until': fields.Datetime.now() - timedelta(seconds=1)})
        with self.assertLogs('odoo.addons.eis_sms_apis.sending.store.lost_claims', 'WARNING'):
            self.run_queue()
        self.run_queue()
        self.assertFalse(self.provider.requests)
        self.assertEqual((sms.state, sms.claimed_until), ('error', False))
        self.assertIn("may have received this SMS", sms.failure_reason)
        self.assertEqual(message.notification_ids.failure_reason, sms.failure_reason)
        self.assertEqual(sms.action_retry()['res_model'], 'sms.retry')

    def make_failed_message(self, reply, **values):
        self.always_answer(reply)
        message = self.make_contact(**values)._message_sms("Hello")
        self.provider.clear()
        return message

    def test_employee_retries_a_message(self):
        message = self.make_failed_message(Reply(400, "Blocked"))
        user = new_test_user(self.env, 'retry_employee', 'base.group_user,base.group_partner_manager')
        result = message.with_user(user).retry_sms()
        self.assertEqual(result, {'type': 'success', 'message': "SMS queued again."})
        self.assertEqual(message.notification_ids.notification_status, 'ready')
        self.always_answer(Reply(200))
        self.run_queue()
        self.assertEqual(message.notification_ids.notification_status, 'pending')
        self.assertEqual(message.with_user(user).retry_sms()['type'], 'warning')

    def test_employee_is_asked_before_an_sms_is_sent_twice(self):
        message = self.make_failed_message(Reply(500, "Oops"))
        user = new_test_user(self.env, 'retry_employee', 'base.group_user,base.group_partner_manager')
        self.assertEqual(list(message.with_user(user).retry_sms()), ['question'])
        self.assertEqual(message.notification_ids.notification_status, 'exception')
        self.assertEqual(message.with_user(user).retry_sms(confirmed=True)['type'], 'success')
        self.assertEqual(message.notification_ids.notification_status, 'ready')

    def test_message_is_retried_only_with_write_access_to_its_document(self):
        message = self.make_failed_message(Reply(400, "Blocked"))
        for groups in ('base.group_user', 'base.group_portal'):
            user = new_test_user(self.env, f'retry_{groups[-4:]}', groups)
            with self.assertRaises(AccessError):
                message.with_user(user).retry_sms()
        self.assertEqual(message.notification_ids.notification_status, 'exception')

    def test_retry_through_another_gateway(self):
        sms = self.make_failed(Reply(400, "Blocked"), Reply(500, "Oops"))
        other = self.make_gateway("Other", sequence=99, base_url=f'{self.provider.url}/other')
        wizard = Form(self.env['sms.retry'].with_context(**sms.action_retry_through()['context']))
        wizard.gateway_id = other
        wizard = wizard.save()
        self.assertEqual((wizard.count, wizard.doubtful_sms_ids), (2, sms[1]))
        self.assertQueued(wizard.action_send_all(), sms, 2, 2)
        self.run_queue()
        self.assertEqual([request.path for request in self.provider.requests], ['/other'] * 2)
        self.assertEqual((sms.gateway_id, self.status_of(sms).gateway_id), (other, other))

    def test_chosen_gateway_holds_for_one_retry(self):
        self.always_answer(Reply(400, "Blocked"))
        sms = self.make_failed(Reply(400, "Blocked"))
        other = self.make_gateway("Other", sequence=99)
        sms._retry(1, other)
        self.run_queue()
        self.assertEqual(sms.gateway_id, other)
        sms.action_retry()
        self.run_queue()
        self.assertEqual(sms.gateway_id, self.gateway)

    def test_chosen_gateway_that_was_disabled_is_ignored(self):
        sms = self.make_failed(Reply(400, "Blocked"))
        other = self.make_gateway("Other", sequence=99)
        sms._retry(1, other)
        other.state = 'disabled'
        self.run_queue()
        self.assertEqual((sms.state, sms.gateway_id), ('pending', self.gateway))

    def test_chosen_gateway_of_another_company_is_refused(self):
        sms = self.make_failed(Reply(400, "Blocked"))
        other = self.make_gateway("Other", company_id=self.env['res.company'].create({'name': "Other"}).id)
        wizard = self.env['sms.retry'].create({'sms_ids': sms.ids, 'gateway_id': other.id})
        with self.assertRaises(UserError):
            wizard.action_send_all()
        self.assertEqual(sms.state, 'error')

    def test_retry_from_statuses(self):
        sms = self.make_failed(Reply(400, "Blocked"), Reply(400, "Blocked"))
        self.assertQueued(self.status_of(sms).action_retry(), sms, 2, 2)

    def test_status_of_a_queued_message_is_its_sms(self):
        """The only gateway asked to wait: no status yet, but the reason is in the SMS."""
        message = self.make_failed_message(Reply(429, "Slow down", headers={'Retry-After': '3600'}))
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        self.assertEqual(sms.state, 'outgoing')
        action = self.env['sms.gateway.status'].action_open_of_message(message.id)
        self.assertEqual((action['res_model'], action['res_id']), ('sms.sms', sms.id))
        self.assertTrue(sms.failure_reason)
