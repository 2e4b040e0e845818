# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS that are canceled or deleted while a worker has claimed them: only what is on its way goes out."""
from unittest.mock import patch

from odoo.tests import tagged

from ..sending import run as run_module
from ..sending.queued_sms import not_sent
from ..tools.answer.interpretation import SendResult
from .common import NUMBERS, GatewayCase, MarketingCase
from .provider import Reply

ACCEPTED = SendResult(uuid='', state='success', outcome='accepted', rule=6)


class CancelCase(GatewayCase):

    def run_queue(self):
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()

    def send_and(self, act, sms):
        """Send SMS, and do something as soon as the first response has arrived."""
        def read(*parameters):
            results = interpret(*parameters)
            if not done:
                done.append(True)
                act()
                self.env.flush_all()
            return results

        interpret, done = run_module.interpret, []
        with patch.object(run_module, 'interpret', read):
            sms.send()
        self.env.invalidate_all()
        self.assertTrue(done)


@tagged('post_install', '-at_install')
class TestCancelOfClaimed(CancelCase):

    def test_queued_again(self):
        """By a worker, whatever the reason. Budgets take back what was counted."""
        budget = self.env['sms.gateway.budget'].create({'amount': 10, 'unit': 'segments'})
        sms = self.make_sms(*NUMBERS[:2])
        queued, configs, store = self.claim(sms, starts=1)
        self.env.invalidate_all()
        self.assertEqual(budget.spent, 2)
        sms.action_set_canceled()
        self.env.flush_all()
        self.assertEqual(store.mark_started(queued[1:]), set())
        self.assertTrue(store.renew(queued), "no other run has taken them")
        for one in queued:
            one.delay, one.reason = 60, not_sent('sms_server')
        store.save([], queued, configs)
        self.env.invalidate_all()
        self.assertEqual([(one.state, one.claimed_until) for one in sms], [('canceled', False)] * 2)
        self.assertEqual(budget.spent, 0)
        self.run_queue()
        self.assertFalse(self.provider.sms)

    def test_next_gateway(self):
        """Neither it nor a later attempt sends what was canceled, deleted or opted out while the first one refused."""
        self.make_gateway("Second", sequence=20, base_url=f'{self.provider.url}/second')
        self.always_answer(Reply(503, "Busy"), path='/')
        for name in ('canceled', 'deleted', 'opted out'):
            with self.subTest(name):
                self.provider.clear()
                self.forget_failures()
                sms = self.make_sms(NUMBERS[0], uses_exclusion_list=True)
                self.send_and({
                    'canceled': sms.action_set_canceled,
                    'deleted': sms.unlink,
                    'opted out': lambda: self.env['phone.blacklist'].create({'number': NUMBERS[0]}),
                }[name], sms)
                self.assertEqual([request.path for request in self.provider.requests], ['/'])
                self.run_queue()
                self.assertEqual(sms.exists().mapped('state'), [] if name == 'deleted' else ['canceled'])
                self.assertEqual(len(self.provider.requests), 1)

    def test_others_of_the_run(self):
        """They are sent, in the same run."""
        self.gateway.max_connections = 1
        sms = self.make_sms(*(f'+32456000{index:03}' for index in range(40)))
        canceled, deleted = sms[30:35], sms[35:]
        uuids = deleted.mapped('uuid')

        def act():
            canceled.action_set_canceled()
            deleted.unlink()

        self.send_and(act, sms)
        self.assertEqual(sms[:30].mapped('state'), ['pending'] * 30)
        self.assertEqual(canceled.mapped('state'), ['canceled'] * 5)
        self.assertEqual(len(self.provider.sms), 30)
        self.assertFalse(self.env['sms.gateway.status'].search([('sms_uuid', 'in', uuids)]))

    def test_on_its_way(self):
        """It is shown as sent, because it was."""
        contact = self.make_contact()
        message = contact._message_sms("Hello", partner_ids=contact.ids, put_in_queue=True)
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        self.send_and(sms.action_set_canceled, sms)
        self.assertEqual((sms.state, message.notification_ids.notification_status), ('pending', 'pending'))

    def test_sent_in_the_meantime(self):
        """Given a form that still shows them as queued: those that were sent stay so, and Retry does not send them."""
        sent, queued = self.make_sms(*NUMBERS[:2])
        sent.send()
        for state in ('pending', 'process', 'sent'):
            sent.state = state
            (sent + queued).action_set_canceled()
            self.assertEqual((sent + queued).mapped('state'), [state, 'canceled'])
        (sent + queued).action_retry()
        self.run_queue()
        self.assertEqual([number for number, _text in self.provider.sms], list(NUMBERS[:2]))

    def test_retry_while_it_is_on_its_way(self):
        """No other run sends it as well."""
        sms = self.make_sms(NUMBERS[0])
        queued, configs, store = self.claim(sms, starts=1)
        sms.action_set_canceled()
        sms.action_set_outgoing()
        self.run_queue()
        self.assertFalse(self.provider.sms)
        queued[0].attempt, queued[0].result = 1, ACCEPTED
        store.save(queued, [], configs)
        self.env.invalidate_all()
        self.assertEqual(sms.state, 'pending')

    def test_retry_before_it_is_queued_again(self):
        sms = self.make_sms(NUMBERS[0])
        queued, configs, store = self.claim(sms)
        sms.action_set_canceled()
        sms.action_set_outgoing()
        self.env.flush_all()
        store.save([], queued, configs)
        self.run_queue()
        self.assertEqual((sms.state, len(self.provider.sms)), ('pending', 1))

    def test_interrupted_worker(self):
        """What it had not started stays canceled. The outcome of the other is unknown."""
        sms = self.make_sms(*NUMBERS[:2])
        self.claim(sms, starts=1, lease=-1)
        sms.action_set_canceled()
        self.run_queue()
        self.assertEqual(sms.mapped('state'), ['error', 'canceled'])
        self.assertFalse(self.provider.sms)


@tagged('post_install', '-at_install')
class TestCancelOfMailing(MarketingCase, CancelCase):
    """Given a mailing of which a worker has claimed all SMS, started two, and has the response for one."""

    def setUp(self):
        super().setUp()
        self.mailing = self.make_mailing(sms_force_send=False)
        self.mailing.action_send_sms()
        self.sms = self.env['sms.sms'].search([('mailing_id', '=', self.mailing.id)], order='id')
        self.queued, self.configs, self.store = self.claim(self.sms, starts=2)
        self.cancel()

    def cancel(self):
        with patch.object(type(self.env['sms.tracker']), '_cancel_queued_sms', lambda *_args: None):
            self.mailing.action_cancel()
        self.count = self.env['sms.tracker']._cancel_queued(self.mailing.ids, is_again=True)

    def test_claimed(self):
        self.assertEqual(self.count, 0, "the worker may still send them")
        self.assertEqual(set(self.traces(self.mailing).mapped('trace_status')), {'outgoing'})
        self.assertEqual(self.store.mark_started(self.queued[2:]), set())
        sent, *others = self.queued
        sent.attempt, sent.result = 1, ACCEPTED
        self.store.save([], others, self.configs)
        self.env.invalidate_all()
        self.assertEqual(self.mailing.state, 'draft')
        self.assertEqual(self.sms.mapped('state'), ['canceled'] * len(self.sms))
        self.store.save([sent], [], self.configs)
        self.env.invalidate_all()
        self.assertEqual(self.sms.mapped('state'), ['pending', *['canceled'] * len(others)])
        self.assertFalse(any(self.sms.mapped('claimed_until')))
        self.assertEqual(
            self.sms.sms_tracker_id.mailing_trace_id.mapped('trace_status'), ['pending', *['cancel'] * len(others)])
        self.run_queue()
        self.assertFalse(self.provider.sms)

    def test_run_that_ends(self):
        """Given that the run cannot start what it has claimed: the next one does not send it either."""
        for one in self.queued:
            one.delay = 0
        self.store.save([], self.queued, self.configs)
        self.run_queue()
        self.assertFalse(self.provider.sms)
        self.assertEqual(set(self.traces(self.mailing).mapped('trace_status')), {'cancel'})

    def test_what_no_worker_has_claimed(self):
        """An SMS that waits for a delivery report, or that IAP sends, is left alone."""
        self.sms.write({'state': 'process', 'claimed_until': False})
        self.cancel()
        self.assertEqual(set(self.sms.mapped('state')), {'process'})
