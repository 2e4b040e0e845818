# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A provider that fails or refuses the account is paused for all workers, and costs few SMS."""
from dataclasses import replace

from odoo import fields
from odoo.tests import Form, tagged

from ..sending.breaker import SLOW_POINTS, Streak, lose_health
from ..sending.pauses import Pause
from ..tools.answer.interpretation import SendResult
from .common import GatewayCase
from .provider import Reply

MANY = 40


@tagged('post_install', '-at_install')
class TestBreaker(GatewayCase):
    """Given a first gateway whose provider is ill, and a second one where the test says so."""

    def setUp(self):
        super().setUp()
        self.gateway.max_connections = 2
        self.sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(MANY)))

    def add_second(self):
        return self.make_gateway("Second", sequence=20, base_url=f'{self.provider.url}/second')

    def throttle(self):
        self.env.invalidate_all()
        return self.env['sms.gateway.throttle'].sudo().search([('gateway_id', '=', self.gateway.id)])

    def count(self, path='/'):
        return sum(request.path == path for request in self.provider.requests)

    def let_time_pass(self):
        """The pause is over, and what waits may go."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE sms_gateway_throttle SET paused_until = now() AT TIME ZONE 'UTC' - interval '1 s'")
        self.env.cr.execute("UPDATE sms_sms SET send_after = NULL")
        self.env.invalidate_all()

    def run_queue(self):
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()

    def test_the_second_sends_what_the_first_refuses_for_its_account(self):
        second = self.add_second()
        for code in (401, 402, 403):
            with self.subTest(code=code):
                self.provider.clear()
                self.throttle().unlink()
                self.provider.always(Reply(code, "Account suspended"), path='/')
                sms = self.make_sms(*(f'+3245610{index:04d}' for index in range(MANY)))
                sms.send()
                self.assertEqual((set(sms.mapped('state')), sms.gateway_id), ({'pending'}, second))
                self.assertLessEqual(self.count(), 4)
                self.assertEqual((self.throttle().pause_kind, self.throttle().failures), ('account', 1))

    def test_the_second_sends_when_the_first_fails(self):
        self.add_second()
        self.provider.always(Reply(500, "Panic"), path='/')
        self.sms.send()
        failed = self.sms.filtered(lambda sms: sms.state == 'error')
        self.assertEqual({self.status_of(sms).outcome for sms in failed}, {'unknown'})
        self.assertEqual(len(failed), self.count(), "each in doubt was sent, once")
        self.assertLessEqual(len(failed), 4)
        self.assertEqual(set((self.sms - failed).mapped('state')), {'pending'})

    def test_alone_few_fail_and_the_rest_waits(self):
        self.provider.always(Reply(402, "No credit"), path='/')
        self.sms.send()
        failed = self.sms.filtered(lambda sms: sms.state == 'error')
        self.assertEqual((set(failed.mapped('failure_type')), set(failed.mapped('failure_reason'))),
                         ({'sms_credit'}, {"No credit"}))
        self.assertLessEqual(len(failed), 4)
        waiting = self.sms - failed
        self.assertEqual(set(waiting.mapped('state')), {'outgoing'})
        self.assertEqual(set(waiting.mapped('attempt')), {0})
        for sms in waiting[:3]:
            self.assertIn("refuses the account", sms.failure_reason)
            self.assertIn("No credit", sms.failure_reason)
            self.assertNotIn("may have received", sms.failure_reason)

    def test_document_and_mailing_say_why_an_sms_waits(self):
        """As soon as it is claimed, even if it was never tried; not any more once it is sent."""
        self.provider.always(Reply(402, "No credit"), path='/')
        self.sms.send()
        contact = self.env['res.partner'].create({'name': "Contact", 'phone': '+32456000001'})
        message = contact._message_sms("Hello", partner_ids=contact.ids)
        self.run_queue()
        waiting = message.notification_ids
        self.assertEqual(waiting.notification_status, 'ready')
        self.assertIn("Waiting: the provider refuses the account of the gateway.", waiting.failure_reason)
        self.assertIn("No credit", waiting.failure_reason)
        self.provider.always(self.provider.accept, path='/')
        self.let_time_pass()
        self.run_queue()
        self.let_time_pass()
        self.run_queue()
        self.assertEqual((waiting.notification_status, waiting.failure_reason), ('pending', False))

    def test_one_probe_and_growing_pauses(self):
        """When the pause is over, one SMS goes. While it fails, the pause grows and nothing else is risked."""
        self.provider.always(Reply(401, "Authenticate"), path='/')
        self.sms.send()
        pauses = []
        for failures in (2, 3, 4):
            self.let_time_pass()
            self.provider.clear()
            self.run_queue()
            self.assertEqual((self.count(), self.throttle().failures), (1, failures))
            pauses.append((self.throttle().paused_until - fields.Datetime.now()).total_seconds())
        self.assertEqual(pauses, sorted(pauses))
        self.assertGreater(pauses[-1], 2 * pauses[0])

    def test_a_probe_that_succeeds_closes_it(self):
        second = self.add_second()
        self.provider.always(Reply(500, "Panic"), path='/')
        self.sms.send()
        self.provider.always(self.provider.accept, path='/')
        self.let_time_pass()
        more = self.make_sms(*(f'+3245620{index:04d}' for index in range(MANY)))
        more.send()
        self.assertEqual(len(more.filtered(lambda sms: sms.gateway_id == self.gateway)), 1)
        self.assertEqual(len(more.filtered(lambda sms: sms.gateway_id == second)), MANY - 1)
        self.assertEqual((self.throttle().failures, self.throttle().pause_kind), (0, False))
        last = self.make_sms('+32456300000', '+32456300001')
        last.send()
        self.assertEqual(last.gateway_id, self.gateway)

    def test_only_one_worker_probes(self):
        self.provider.always(Reply(401, "Authenticate"), path='/')
        self.sms.send()
        self.let_time_pass()
        throttles = self.env['sms.gateway.throttle'].sudo()
        self.assertEqual(list(throttles._take_probes([self.gateway.id])), [self.gateway.id])
        self.assertFalse(throttles._take_probes([self.gateway.id]))
        self.provider.clear()
        self.run_queue()
        self.assertEqual(self.count(), 0, "another worker has the probe")

    def test_one_refused_text_says_nothing_of_the_account(self):
        self.provider.always(Reply(400, "Bad text"), path='/')
        self.sms.send()
        self.assertEqual((set(self.sms.mapped('state')), self.count()), ({'error'}, MANY))
        self.assertFalse(self.gateway.paused_until)

    def test_try_again_inside_a_success(self):
        second = self.add_second()
        self.gateway.write({'error_code_regex': 'ERR ([0-9]+)', 'callback_failure_map_ids': [
            (0, 0, {'provider_code': '55', 'outcome': 'try_again'})]})
        self.provider.always(Reply(200, "ERR 55 busy", headers={'Retry-After': '120'}), path='/')
        self.sms.send()
        self.assertEqual((set(self.sms.mapped('state')), self.sms.gateway_id), ({'pending'}, second))
        left = (self.gateway.paused_until - fields.Datetime.now()).total_seconds()
        self.assertTrue(100 < left <= 121, left)

    def test_the_form_says_why_and_resumes(self):
        self.provider.always(Reply(401, "Key revoked"), path='/')
        self.sms.send()
        self.env.invalidate_all()
        with Form(self.gateway) as form:
            self.assertTrue(form.paused_until)
            self.assertEqual(form.pause_reason, "The provider refuses the account. Key revoked")
        self.provider.always(self.provider.accept, path='/')
        waiting = self.sms.filtered(lambda sms: sms.state == 'outgoing')
        self.assertTrue(all(waiting.mapped('send_after')))
        self.gateway.action_resume()
        self.env.invalidate_all()
        self.assertFalse(self.gateway.paused_until)
        self.run_queue()
        self.assertEqual(set(waiting.mapped('state')), {'pending'})


@tagged('post_install', '-at_install')
class TestManyRuns(GatewayCase):
    """Given SMS that users send one by one, each in a run of its own."""

    def setUp(self):
        super().setUp()
        self.gateway.write({'timeout': 1, 'balance_user_ids': self.env.ref('base.user_admin')})

    def add_second(self):
        return self.make_gateway("Second", sequence=20, base_url=f'{self.provider.url}/second')

    def send(self, count):
        sms = self.env['sms.sms']
        for index in range(count):
            one = self.make_sms(f'+3245680{index:04d}')
            one.send()
            sms += one
        self.env.invalidate_all()
        return sms

    def throttle(self):
        return self.env['sms.gateway.throttle'].sudo().search([('gateway_id', '=', self.gateway.id)])

    def count(self, path='/'):
        return sum(request.path == path for request in self.provider.requests)

    def reply(self, reply, *others):
        """The first gateway gives these replies, then the last of them again and again."""
        replies = iter((reply, *others))
        last = (reply, *others)[-1]

        def choose(request):
            chosen = next(replies, last)
            return chosen(request) if callable(chosen) else chosen

        self.always_answer(choose, path='/')

    def test_refused_account(self):
        second = self.add_second()
        self.reply(Reply(401, "Wrong password"))
        sms = self.send(8)
        self.assertEqual((set(sms.mapped('state')), sms.gateway_id), ({'pending'}, second))
        self.assertEqual((self.count(), self.count('/second')), (3, 8))
        throttle = self.throttle()
        self.assertEqual((throttle.pause_kind, throttle.pause_words, throttle.failures, throttle.signal_count),
                         ('account', "Wrong password", 1, 0))
        self.assertGreater(self.gateway.paused_until, fields.Datetime.now())

    def test_users_are_alerted_at_once(self):
        """Nothing is queued, but the queue action runs."""
        self.add_second()
        self.reply(Reply(401, "Wrong password"))
        self.send(2)
        sms = self.make_sms('+32456800003')
        triggers = self.env['ir.cron.trigger'].sudo().search([])  # core's create makes some
        sms.send()
        triggered = self.env['ir.cron.trigger'].sudo().search([('call_at', '<=', fields.Datetime.now())]) - triggers
        self.assertEqual(triggered.cron_id, self.env.ref('sms.ir_cron_sms_scheduler_action'))
        self.env['sms.sms']._process_queue()
        incident = self.env['sms.gateway.incident'].search([('gateway_id', '=', self.gateway.id)])
        self.assertEqual((incident.kind, incident.words), ('account', "Wrong password"))
        self.assertTrue(incident.alert_date)
        self.assertEqual(incident.activity_ids.user_id, self.env.ref('base.user_admin'))

    def test_alone(self):
        """Three fail with the provider's words, the others wait."""
        self.reply(Reply(401, "Wrong password"))
        sms = self.send(8)
        self.assertEqual(sms.mapped('state'), ['error'] * 3 + ['outgoing'] * 5)
        self.assertEqual(sms[:3].mapped('failure_reason'), ["Wrong password"] * 3)
        self.assertEqual((set(sms[3:].mapped('attempt')), self.count()), ({0}, 3))
        for one in sms[3:]:
            self.assertIn("refuses the account", one.failure_reason)
            self.assertTrue(one.send_after)

    def test_unknown_outcome(self):
        """HTTP 500, a lost connection or a time-out: three are in doubt, and no more."""
        second = self.add_second()
        for reply in (Reply(500, "Panic"), Reply(drop='before'), Reply(hang=True)):
            with self.subTest(reply=reply):
                self.provider.clear()
                self.throttle().unlink()
                self.reply(reply)
                sms = self.send(6)
                self.assertEqual(sms.mapped('state'), ['error'] * 3 + ['pending'] * 3)
                self.assertEqual(set(self.status_of(sms[:3]).mapped('outcome')), {'unknown'})
                self.assertEqual(sms[3:].gateway_id, second)
                self.assertEqual((self.count(), self.throttle().pause_kind), (3, 'failing'))

    def test_mixed(self):
        """Only the same signal counts, and what is accepted resets it."""
        error, account, refused = Reply(500, "Panic"), Reply(401, "Wrong password"), Reply(400, "Bad number")
        for replies, failures in (
            ((error, error, account, account, error, error), 0),
            ((error, error, self.provider.accept, error, error, self.provider.accept), 0),
            ((error, error, refused, error, error, refused), 0),
            ((refused,) * 6, 0),
            ((account, account, refused, account, refused, refused), 1),
            ((account, error, error, error, error, error), 1),
        ):
            with self.subTest(replies=replies):
                self.provider.clear()
                self.throttle().unlink()
                self.reply(*replies)
                self.send(6)
                self.assertEqual(self.throttle().failures, failures)

    def test_nothing_is_written_while_it_works(self):
        self.send(2)
        self.assertFalse(self.throttle())
        self.reply(Reply(500, "Panic"), self.provider.accept)
        self.send(1)
        self.assertEqual((self.throttle().signal, self.throttle().signal_count), ('failing', 1))
        self.send(1)
        self.assertEqual(self.throttle().signal_count, 0)

    def test_resume(self):
        """The user has corrected the password: the count starts again."""
        self.reply(Reply(401, "Wrong password"))
        self.send(2)
        self.gateway.action_resume()
        sms = self.send(2)
        self.assertEqual((sms.mapped('state'), self.throttle().failures), (['error'] * 2, 0))

    def test_workers_that_count_together(self):
        """Their claims were earlier: each adds its own failure, and the third one pauses the gateway, once."""
        throttles = self.env['sms.gateway.throttle'].sudo()
        streaks = {self.gateway.id: (Streak('failing', 1, True), Pause('failing', "Panic", failures=0))}
        results = [throttles._save_pauses({}, [], streaks) for _worker in range(4)]
        self.assertEqual([counted[self.gateway.id].count for counted, _opened in results], [1, 2, 3, 1])
        self.assertEqual([opened for _counted, opened in results], [[], [], [self.gateway.id], []])
        pause = {self.gateway.id: Pause('failing', "Panic", failures=0)}
        throttles._save_pauses(pause, [])
        self.assertEqual(self.throttle().failures, 1, "another worker has paused it because of the same failures")
        self.assertLess((self.throttle().paused_until - fields.Datetime.now()).total_seconds(), 11)
        throttles._save_pauses({self.gateway.id: Pause('failing', "Panic", failures=1)}, [])
        self.assertEqual(self.throttle().failures, 2)


@tagged('post_install', '-at_install')
class TestHealth(GatewayCase):
    """Errors and slow responses reduce a gateway's share of the numbers, for all workers and for some minutes."""

    def setUp(self):
        super().setUp()
        self.gateway.write({'weight': 1, 'max_connections': 1})
        self.second = self.make_gateway("Second", weight=1, base_url=f'{self.provider.url}/second')
        self.throttles = self.env['sms.gateway.throttle'].sudo()

    def send(self, count=60):
        sms = self.make_sms(*(f'+324561{index:05d}' for index in range(count)))
        sms.send()
        self.env.invalidate_all()
        return sms

    def test_share(self):
        sms = self.send()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertGreater(len(sms.filtered(lambda one: one.gateway_id == self.gateway)), 15)
        self.assertGreater(len(sms.filtered(lambda one: one.gateway_id == self.second)), 15)
        self.assertFalse(self.throttles._get_health())

    def test_errors(self):
        self.always_answer(Reply(500, "Panic"), path='/')
        self.send()
        health = self.throttles._get_health()
        self.assertEqual(set(health), {self.gateway.id})
        self.assertLess(health[self.gateway.id], 75)
        self.env.cr.execute("UPDATE sms_gateway_throttle SET health_date = health_date - interval '2 minutes'")
        self.assertAlmostEqual(self.throttles._get_health()[self.gateway.id], health[self.gateway.id] + 20, delta=1)
        self.env.cr.execute("UPDATE sms_gateway_throttle SET health_date = health_date - interval '20 minutes'")
        self.assertEqual(self.throttles._get_health(), {self.gateway.id: 100})

    def test_slow_responses(self):
        results = [SendResult(uuid='', state='success', outcome='accepted', rule=6, duration=6000)]
        self.assertEqual(lose_health(results), SLOW_POINTS)
        self.assertEqual(lose_health([replace(results[0], duration=300)]), 0)

    def test_gateways_without_weight(self):
        (self.gateway + self.second).weight = 0
        self.always_answer(Reply(500, "Panic"), path='/')
        self.send()
        self.assertFalse(self.throttles._get_health())
