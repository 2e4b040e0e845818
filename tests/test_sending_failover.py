# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is certainly refused goes to the next gateway or back to the queue, what is unknown never: doc/behaviour.md
section 4."""
import socket
import time
from datetime import timedelta
from itertools import pairwise

from odoo import fields
from odoo.tests import tagged

from ..sending.after_commit import make_run
from .common import NUMBER, GatewayCase
from .provider import Reply


class FailoverCase(GatewayCase):
    """Given `self.gateway`, and on demand `self.second` after it, whose requests go to /second."""

    def add_second(self, **values):
        self.second = self.make_gateway(
            "Second", sequence=20, base_url=f'{self.provider.url}/second', **values)

    def send(self, *replies):
        """Send one SMS; the provider gives these answers to the first gateway's requests."""
        self.provider.answer(*replies, path='/')
        sms = self.make_sms(NUMBER)
        sms.send()
        return sms

    def run_queue_after(self, sms, moment):
        """Run the queue as if so much time had passed for this SMS."""
        sms.flush_recordset()
        self.env.cr.execute(
            "UPDATE sms_sms SET send_after = send_after - %(age)s, first_attempt_date = first_attempt_date - %(age)s"
            " WHERE id = %(id)s", {'age': moment, 'id': sms.id})
        self.env.cr.execute("UPDATE sms_gateway_throttle SET paused_until = paused_until - %s", [moment])
        sms.invalidate_recordset()
        self.env['sms.sms']._process_queue()

    def unreachable(self):
        """A loopback address where nothing listens."""
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            return f'http://127.0.0.1:{free.getsockname()[1]}'

    def assertUnknown(self, sms):
        """Failed, and never sent again by itself."""
        self.assertEqual((sms.state, sms.failure_type), ('error', 'sms_server'))
        self.assertEqual(self.status_of(sms).outcome, 'unknown')
        count = len(self.provider.requests)
        self.env['sms.sms']._process_queue()
        self.assertEqual(len(self.provider.requests), count)
        self.assertTrue(sms.failure_reason)


@tagged('post_install', '-at_install')
class TestCertainlyRefused(FailoverCase):

    def test_next_gateway_gets_the_sms(self):
        """429 and 503: nothing was taken."""
        self.add_second()
        for code in (429, 503):
            self.provider.clear()
            self.env['sms.gateway.throttle'].sudo().search([]).unlink()  # the first one is well again
            sms = self.send(code)
            self.assertEqual((sms.state, sms.gateway_id), ('pending', self.second), code)
            status = self.status_of(sms)
            self.assertEqual((status.gateway_id, status.state, status.attempt), (self.second, 'success', 2))
            self.assertEqual([request.path for request in self.provider.requests], ['/', '/second'])

    def test_next_gateway_when_the_first_cannot_be_reached(self):
        self.add_second()
        self.gateway.base_url = self.unreachable()
        sms = self.send()
        self.assertEqual((sms.state, sms.gateway_id), ('pending', self.second))

    def test_another_refusal_fails_at_once(self):
        """A 4xx answer is the provider's word on this SMS: another one is not asked."""
        self.add_second()
        sms = self.send(Reply(400, "No such sender"))
        self.assertEqual((sms.state, self.status_of(sms).outcome), ('error', 'refused'))
        self.assertEqual(len(self.provider.requests), 1)

    def test_first_gateway_rests_while_it_asks_to_wait(self):
        """What follows goes to the next gateway without asking the first one again."""
        self.add_second()
        self.gateway.max_connections = 1
        self.always_answer(Reply(429, delay=0.1), path='/')
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(30)))
        sms.send()
        self.assertEqual(sms.gateway_id, self.second)
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertLessEqual(
            sum(request.path == '/' for request in self.provider.requests), 2, "the next one may be on its way")

    def test_queue_rests_with_its_only_gateway(self):
        """What waits for a connection when the provider asks to wait stays in the queue, and says why."""
        self.gateway.max_connections = 1
        self.always_answer(Reply(429, "Slow down", {'Retry-After': '600'}, delay=0.1), path='/')
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(30)))
        sms.send()
        self.assertEqual(set(sms.mapped('state')), {'outgoing'})
        self.assertLessEqual(len(self.provider.requests), 2)
        self.assertEqual(set(sms.mapped('failure_reason')), {"Slow down"})
        self.assertTrue(self.gateway.paused_until > fields.Datetime.now() + timedelta(seconds=590))
        waits = [one.send_after - fields.Datetime.now() for one in sms]
        self.assertGreater(min(waits), timedelta(seconds=590))
        self.assertLessEqual(
            set(sms.mapped('attempt')), {0, 1}, "what was never given to a provider is no attempt")

    def test_longest_of_several_rests_counts(self):
        """Given answers that arrive together, one asks for ten minutes and the other names no time."""
        self.gateway.max_connections = 2
        self.provider.answer(
            Reply(429, headers={'Retry-After': '600'}, delay=0.2), Reply(429, delay=0.2), path='/')
        self.make_sms(NUMBER, '+32456001123').send()
        self.assertTrue(self.gateway.paused_until > fields.Datetime.now() + timedelta(seconds=590))

    def test_good_answers_under_way_do_not_end_a_rest(self):
        self.gateway.max_connections = 2
        self.provider.answer(
            Reply(429, headers={'Retry-After': '600'}), Reply(200, {'id': 'm1'}, delay=0.5), path='/')
        sms = self.make_sms(NUMBER, '+32456001123')
        sms.send()
        self.assertEqual(sorted(sms.mapped('state')), ['outgoing', 'pending'])
        self.assertTrue(self.gateway.paused_until > fields.Datetime.now() + timedelta(seconds=590))

    def test_fail_over_off(self):
        self.add_second()
        self.gateway.failover = False
        sms = self.send(503)
        self.assertEqual((sms.state, len(self.provider.requests)), ('outgoing', 1))

    def test_never_iap(self):
        self.env['ir.config_parameter'].sudo().set_param('sms.iap_fallback', True)
        sms = self.send(503)
        self.assertEqual(sms.state, 'outgoing')

    def test_gateway_for_other_countries_is_not_asked(self):
        """Matches of rule 2, the Default Gateway, then gateways without prefixes."""
        self.add_second(country_prefixes='92')
        self.assertEqual(self.send(503).state, 'outgoing')

    def test_back_to_the_queue_until_retry_after(self):
        sms = self.send(Reply(429, "Slow down", {'Retry-After': '600'}))
        self.assertEqual((sms.state, sms.failure_reason), ('outgoing', "Slow down"))
        self.assertFalse(sms.claimed_until)
        wait = sms.send_after - fields.Datetime.now()
        self.assertTrue(timedelta(seconds=590) < wait < timedelta(seconds=610), wait)
        cron = self.env.ref('sms.ir_cron_sms_scheduler_action')
        triggers = self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id), ('call_at', '>=', sms.send_after)])
        self.assertTrue(triggers)

        self.env['sms.sms']._process_queue()
        self.assertEqual(len(self.provider.requests), 1, "it may not go yet")
        self.run_queue_after(sms, timedelta(seconds=601))
        self.assertEqual((sms.state, self.status_of(sms).attempt), ('pending', 2))

    def test_notification_waits_with_the_sms(self):
        contact = self.make_contact()
        self.provider.answer(503, path='/')
        message = contact._message_sms("Hello")
        self.assertEqual(message.notification_ids.notification_status, 'ready')

    def test_growing_delay_without_retry_after(self):
        self.always_answer(503, path='/')
        sms = self.send()
        delays = []
        for _attempt in range(4):
            delay = sms.send_after - fields.Datetime.now()
            delays.append(delay.total_seconds())
            self.run_queue_after(sms, delay + timedelta(seconds=1))
        self.assertTrue(all(later > 1.5 * earlier for earlier, later in pairwise(delays)), delays)

    def test_fails_after_24_hours(self):
        self.always_answer(Reply(503, "Maintenance"), path='/')
        sms = self.send()
        self.run_queue_after(sms, timedelta(hours=23))
        self.assertEqual(sms.state, 'outgoing')
        self.run_queue_after(sms, timedelta(hours=1, minutes=30))
        self.assertEqual((sms.state, sms.failure_type, sms.failure_reason), ('error', 'sms_server', "Maintenance"))
        self.assertEqual(self.status_of(sms).outcome, 'refused')

    def test_fails_when_retry_after_is_later_than_24_hours(self):
        sms = self.send(Reply(429, "Tomorrow", {'Retry-After': '90000'}))
        self.assertEqual((sms.state, sms.failure_reason), ('error', "Tomorrow"))

    def test_request_that_cannot_be_made(self):
        """A URL that only turns out to be none when it is used: refused, and neither sent elsewhere nor again."""
        self.add_second()
        self.gateway.base_url = 'http://*.example.com/sms'
        sms = self.send()
        self.assertEqual((sms.state, self.status_of(sms).outcome), ('error', 'refused'))
        self.assertIn("URL", sms.failure_reason)
        self.assertFalse(self.provider.requests)


@tagged('post_install', '-at_install')
class TestUnknownOutcome(FailoverCase):
    """The provider may have taken the SMS: nobody may receive it twice."""

    def setUp(self):
        super().setUp()
        self.add_second()

    def test_time_out(self):
        self.gateway.timeout = 1
        self.assertUnknown(self.send(Reply(hang=True)))

    def test_connection_closed_without_answer(self):
        self.assertUnknown(self.send(Reply(drop='before')))

    def test_answer_cut_off_half_way(self):
        self.assertUnknown(self.send(Reply(body={'id': 'm1', 'text': 'x' * 1000}, drop='middle')))

    def test_other_server_errors(self):
        for code in (500, 502, 504):
            self.assertUnknown(self.send(code))

    def test_error_without_track_status(self):
        """Without status rows nothing tells a refusal from a lost answer: Retry asks."""
        self.gateway.create_status = False
        sms = self.send(400)
        self.assertEqual(sms._filter_unknown_outcome(), sms)

    def test_one_lost_answer_touches_only_its_own_sms(self):
        self.gateway.max_connections = 1
        self.provider.answer(200, Reply(drop='before'), 200, 500, 200, path='/')
        sms = self.make_sms(*(f'+3245600112{index}' for index in range(5)))
        sms.send()
        self.assertEqual(sms.mapped('state'), ['pending', 'error', 'pending', 'error', 'pending'])
        self.assertEqual(len(self.provider.requests), 5)


@tagged('post_install', '-at_install')
class TestSilence(FailoverCase):
    """Given a provider that answers nothing any more: three SMS show it, and the fate of the others stays known."""

    def setUp(self):
        super().setUp()
        self.gateway.max_connections = 1
        self.always_answer(Reply(drop='before', delay=0.1), path='/')
        self.sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(30)))

    def assertThreeUnknown(self, state):
        """The others have this state."""
        self.sms.send()
        asked = [request for request in self.provider.requests if request.path == '/']
        self.assertIn(len(asked), (3, 4), "the fourth may be on its way")
        failed = self.sms.filtered(lambda sms: sms.state == 'error')
        self.assertEqual(len(failed), len(asked))
        self.assertEqual({self.status_of(sms).outcome for sms in failed}, {'unknown'})
        self.assertEqual(set((self.sms - failed).mapped('state')), {state})
        self.assertTrue(self.gateway.paused_until)

    def test_others_stay_in_the_queue(self):
        self.assertThreeUnknown('outgoing')
        waiting = self.sms.filtered(lambda sms: sms.state == 'outgoing')
        self.assertTrue(all(waiting.mapped('send_after')))
        self.assertEqual(set(waiting.mapped('attempt')), {0})
        # and when the provider is well again, one shows it, and the others follow
        self.provider.always(self.provider.accept, path='/')
        waiting.flush_recordset()
        self.env.cr.execute("UPDATE sms_sms SET send_after = now() AT TIME ZONE 'UTC' - interval '1 s'")
        self.env.cr.execute("UPDATE sms_gateway_throttle SET paused_until = now() AT TIME ZONE 'UTC' - interval '1 s'")
        waiting.invalidate_recordset()
        self.env['sms.sms']._process_queue()
        self.assertEqual(sorted(waiting.mapped('state')), ['outgoing'] * (len(waiting) - 1) + ['pending'])
        self.assertFalse(any(waiting.mapped('send_after')))
        self.env['sms.sms']._process_queue()
        self.assertEqual(set(waiting.mapped('state')), {'pending'})
        self.assertFalse(self.gateway.paused_until)

    def test_others_go_through_the_next_gateway(self):
        self.add_second()
        self.assertThreeUnknown('pending')
        self.assertEqual(self.sms.filtered(lambda sms: sms.state == 'pending').gateway_id, self.second)

    def test_an_answer_in_between(self):
        """Single lost answers do not make a gateway rest."""
        self.provider.always(self.provider.accept, path='/')
        lost = Reply(drop='before')
        self.provider.answer(lost, lost, 200, lost, lost, 400, lost, lost, path='/')
        self.sms.send()
        self.assertEqual(len(self.provider.requests), 30)
        self.assertFalse(self.gateway.paused_until)


@tagged('post_install', '-at_install')
class TestDeadline(FailoverCase):

    def test_no_time_left(self):
        """Given a gateway whose answers may take longer than the rest of a job: what cannot start stays in the queue,
        and the run ends instead of claiming it again and again."""
        self.gateway.write({'timeout': 1, 'max_connections': 1})
        self.always_answer(Reply(200, {'id': 1}, delay=0.05), path='/')
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(200)))
        run = make_run(self.env, time.monotonic() + 1.3, period=50)
        done = run.run()
        self.assertFalse(run.is_drained, "there is more to claim")
        self.assertTrue(0 < done < 20, done)
        waiting = sms.filtered(lambda one: one.state == 'outgoing')
        self.assertEqual(len(waiting), 200 - done)
        self.assertEqual(set(waiting.mapped('attempt')), {0})
        self.assertFalse(any(waiting.mapped('send_after')))
        self.assertEqual(len(self.provider.requests), done)
        cron = self.env.ref('sms.ir_cron_sms_scheduler_action')
        self.assertTrue(self.env['ir.cron.trigger'].search(
            [('cron_id', '=', cron.id), ('call_at', '<=', fields.Datetime.now())]))
