# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is queued, and must not be sent any more: to numbers that were blacklisted since, and of canceled mailings."""
from unittest.mock import patch

from lxml import etree

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..models import sms_tracker
from .common import NUMBERS, GatewayCase, MarketingCase


@tagged('post_install', '-at_install')
class TestOptOut(GatewayCase):

    def setUp(self):
        super().setUp()
        self.contacts = self.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': number} for index, number in enumerate(NUMBERS)])

    def send_mass(self, **values):
        """Queue a mass SMS, let one recipient opt out, and send the queue."""
        sms = self.env['sms.composer'].with_context(active_model='res.partner', active_ids=self.contacts.ids).create({
            'body': "Sale", 'composition_mode': 'mass', 'mass_keep_log': True, 'mass_force_send': False,
            **values})._action_send_sms()
        self.env['phone.blacklist'].create({'number': NUMBERS[0]})
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        return sms

    def numbers(self):
        return sorted(number for number, _text in self.provider.sms)

    def test_mass_sms(self):
        sms = self.send_mass()
        self.assertEqual(self.numbers(), sorted(NUMBERS[1:]))
        first = sms.filtered(lambda one: one.number == NUMBERS[0])
        self.assertEqual((first.state, first.failure_type), ('canceled', 'sms_blacklist'))
        self.assertFalse(self.status_of(first))

    def test_exclusion_list_is_not_used(self):
        self.send_mass(use_exclusion_list=False)
        self.assertEqual(self.numbers(), sorted(NUMBERS))

    def test_removed_from_the_blacklist(self):
        self.env['phone.blacklist'].create({'number': NUMBERS[1]}).active = False
        self.send_mass()
        self.assertEqual(self.numbers(), sorted(NUMBERS[1:]))

    def test_single_sms_is_sent(self):
        self.env['phone.blacklist'].create({'number': NUMBERS[0]})
        self.make_sms(NUMBERS[0]).send()
        self.assertEqual(self.numbers(), [NUMBERS[0]])


@tagged('post_install', '-at_install')
class TestOptOutOfMailing(MarketingCase):

    def test_mailing(self):
        mailing = self.make_mailing(sms_force_send=False)
        mailing.action_send_sms()
        self.env['phone.blacklist'].create({'number': NUMBERS[0]})
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(self.traces(mailing).mapped('trace_status'), ['cancel', 'pending', 'pending', 'pending'])
        self.assertEqual(self.traces(mailing)[0].failure_type, 'sms_blacklist')
        self.assertEqual(mailing.state, 'done')


@tagged('post_install', '-at_install')
class TestCanceledMailing(MarketingCase):

    def setUp(self):
        super().setUp()
        self.mailing = self.make_mailing(sms_force_send=False)
        self.mailing.action_send_sms()
        self.other = self.make_mailing(sms_force_send=False)
        self.other.action_send_sms()

    def assert_canceled(self):
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(set(self.traces().mapped('trace_status')), {'cancel'})
        self.assertEqual(set(self.traces(self.other).mapped('trace_status')), {'pending'})
        self.assertEqual(len(self.provider.sms), len(self.contacts))

    def test_cancel_of_the_mailing(self):
        self.mailing.action_cancel()
        self.assertEqual(self.mailing.state, 'draft')
        self.assert_canceled()

    def test_button(self):
        marketer = new_test_user(self.env, 'marketer', 'base.group_user,mass_mailing.group_mass_mailing_user')
        view = self.env['mailing.mailing'].with_user(marketer).get_view(view_type='form')
        button, = etree.fromstring(view['arch']).xpath("//button[@type='action'][contains(@string, 'Queued')]")
        action = self.env['ir.actions.server'].browse(int(button.get('name')))
        result = action.with_user(marketer).with_context(
            active_model='mailing.mailing', active_id=self.mailing.id, active_ids=self.mailing.ids).run()
        self.assertIn(str(len(self.contacts)), result['params']['message'])
        self.assert_canceled()
        self.assertEqual(self.mailing.state, 'done')

    def cancel(self, mailings):
        """:return: the number of queries"""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.env['sms.tracker']._cancel_queued_sms(mailings)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_claim_that_leaves_them(self):
        """What a claim has locked meanwhile, and leaves in the queue, is canceled after the commit."""
        with (patch.object(sms_tracker, 'SKIP_LOCKED', 'SKIP LOCKED LIMIT 1'),
              patch.object(sms_tracker, 'is_in_test', return_value=False)):
            self.mailing.action_cancel()
        sms = self.env['sms.sms'].search([('mailing_id', '=', self.mailing.id)], order='id')
        self.assertEqual(sms.mapped('state'), ['canceled', *['outgoing'] * (len(sms) - 1)])
        sms[1].state = 'process'  # that one was claimed
        self.env.cr.postcommit.run()
        self.env.invalidate_all()
        self.assertEqual(sms.mapped('state'), ['canceled', 'process', *['canceled'] * (len(sms) - 2)])
        self.assertEqual(self.mailing.state, 'draft')

    def test_many(self):
        """As many queries as for a few."""
        contacts = self.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': f'+3245611{index:04d}'} for index in range(250)])
        mailing = self.make_mailing(sms_force_send=False, mailing_domain=repr([('id', 'in', contacts.ids)]))
        mailing.action_send_sms()
        self.cancel(self.other)  # what is read once
        few, many = self.cancel(self.mailing), self.cancel(mailing)
        self.assertEqual(many, few)
        self.assertEqual(self.traces(mailing).mapped('trace_status'), ['cancel'] * 250)
        self.assertEqual(
            set(self.env['sms.sms'].search([('mailing_id', '=', mailing.id)]).mapped('state')), {'canceled'})

    def test_only_what_is_queued(self):
        """Not what a worker has claimed, what failed before, or what was opened. Chatters follow."""
        contact = self.env['res.partner'].create({'name': "Contact", 'phone': '+32456119999'})
        message = contact._message_sms("Hello", put_in_queue=True)
        noted = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        noted.mailing_id = self.mailing
        claimed, failed, opened, queued = self.env['sms.sms'].search(
            [('mailing_id', '=', self.mailing.id), ('id', '!=', noted.id)])
        claimed.state, failed.state = 'process', 'error'
        traces = [sms.sms_tracker_id.mailing_trace_id for sms in (claimed, failed, opened, queued)]
        for trace, status in zip(traces, ('process', 'error', 'open', 'error'), strict=True):
            trace.trace_status = status
        with patch.object(type(message), '_notify_message_notification_update', autospec=True) as notify:
            self.cancel(self.mailing)
        self.assertEqual([call.args[0] for call in notify.call_args_list], [message])
        self.assertEqual(message.notification_ids.notification_status, 'canceled')
        self.assertEqual(
            [sms.state for sms in (claimed, failed, opened, queued, noted)],
            ['process', 'error', 'canceled', 'canceled', 'canceled'])
        self.assertEqual([trace.trace_status for trace in traces], ['process', 'error', 'open', 'cancel'])
        self.assertNotEqual(self.mailing.state, 'done', "a worker still sends one")

    def test_view_without_the_action(self):
        """An administrator may delete it."""
        self.env.ref('eis_sms_apis.action_cancel_queued_sms').unlink()
        view = self.env['mailing.mailing'].get_view(view_type='form')
        self.assertNotIn("Cancel Queued", view['arch'])

    def test_who_may_not(self):
        employee = new_test_user(self.env, 'employee', 'base.group_user')
        action = self.env.ref('eis_sms_apis.action_cancel_queued_sms').with_user(employee).with_context(
            active_model='mailing.mailing', active_ids=self.mailing.ids)
        with self.assertRaises(AccessError):
            action.run()
        self.assertEqual(set(self.traces().mapped('trace_status')), {'outgoing'})
