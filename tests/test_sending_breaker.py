# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A provider that fails or refuses the account is paused for all workers, and costs few SMS."""
from dataclasses import replace

from odoo import fields
from odoo.tests import Form, tagged

from ..sending.breaker import SLOW_POINTS, lose_health
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
        self.assertEqual(throttles._take_probes([self.gateway.id]), {self.gateway.id})
        self.assertEqual(throttles._take_probes([self.gateway.id]), set())
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
