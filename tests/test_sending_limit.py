# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS per Second: what a click and a run of the queue send, and in which order."""
import time
from collections import Counter
from itertools import pairwise
from statistics import median
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..sending.after_commit import make_run
from ..sending.store import claims
from .common import NUMBER
from .provider import Reply
from .test_sending_failover import FailoverCase


@tagged('post_install', '-at_install')
class TestRateLimit(FailoverCase):

    def test_one_sms_a_minute(self):
        """The first goes at once. The others stay in the queue as they are, and the queue is triggered."""
        self.gateway.rate_limit = 1 / 60
        self.env['ir.cron.trigger'].search([]).unlink()
        sms = self.make_sms(*(f'+3245600112{index}' for index in range(3)))
        sms.send()
        self.assertEqual(sms.mapped('state'), ['pending', 'outgoing', 'outgoing'])
        self.assertFalse(any(sms.mapped('send_after')))
        self.assertEqual(sms.mapped('attempt'), [1, 0, 0])
        self.assertEqual(len(self.provider.requests), 1)
        self.assertTrue(self.env['ir.cron.trigger'].search([('call_at', '<=', fields.Datetime.now())]))

    def test_more_than_a_second(self):
        """A click starts what fits into a second, without a bulk SMS that waits longer; the queue sends the rest."""
        self.gateway.rate_limit = 10
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(30)), lane='normal')
        sms.send()
        sent = sms.filtered(lambda one: one.state == 'pending')
        self.assertTrue(5 <= len(sent) <= 10, sent)
        self.assertEqual(sent, sms[:len(sent)], "in their order")
        self.env['sms.sms']._process_queue()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertEqual(len(self.provider.requests), 30)
        self.assertLessEqual(self.provider.busiest_second(), 11)

    def test_the_end_of_a_run(self):
        """A run goes on until its deadline, and then leaves the rest as it is."""
        self.gateway.write({'rate_limit': 10, 'timeout': 1})
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(40)), lane='bulk')
        run = make_run(self.env, time.monotonic() + 3, period=50)
        run.run()
        self.assertFalse(run.is_drained)
        states = Counter(sms.mapped('state'))
        self.assertEqual(states.keys(), {'pending', 'outgoing'})
        self.assertEqual(len(self.provider.requests), states['pending'])
        self.assertFalse(any(sms.mapped('claimed_until')))

    def test_an_urgent_sms_overtakes(self):
        """Given bulk SMS that are being sent: an urgent one that is queued then is sent before most of them."""
        self.gateway.rate_limit = 20
        bulk = self.make_sms(*(f'+3245600{index:04d}' for index in range(60)), lane='bulk')
        claim_due, urgent = claims.claim_due, []

        def claim(env, *args):
            if not urgent and len(self.provider.requests) > 5:
                urgent.append(env['sms.sms'].create({'number': NUMBER, 'body': "Code", 'lane': 'urgent'}))
                env.flush_all()
            return claim_due(env, *args)

        self.startPatcher(patch.object(claims, 'claim_due', claim))
        self.env['sms.sms']._process_queue()
        self.assertEqual({*bulk.mapped('state'), urgent[0].state}, {'pending'})
        numbers = [number for number, _text in self.provider.sms]
        self.assertLess(numbers.index(NUMBER), 30, "it follows those that had a place already")

    def test_sms_behind_those_of_a_full_gateway(self):
        """SMS of other gateways are found behind many others, in each lane."""
        self.add_second(country_prefixes='92')
        self.gateway.write({'rate_limit': 0.001, 'country_prefixes': '32'})
        for lane in ('normal', 'bulk'):
            self.make_sms(*(f'+3245600{index:04d}' for index in range(120)), lane=lane)
        others = self.make_sms(*(f'+92300123{index:04d}' for index in range(120)), lane='normal')
        others += self.make_sms(*(f'+92300124{index:04d}' for index in range(700)), lane='bulk')
        make_run(self.env, time.monotonic() + 20, period=50).run()
        self.assertEqual(set(others.mapped('state')), {'pending'})
        self.assertEqual(sum(request.path == '/' for request in self.provider.requests), 1)

    def test_sms_of_other_gateways_do_not_wait(self):
        self.add_second(country_prefixes='92')
        self.second.rate_limit = 0.001
        sms = self.make_sms('+923001234567', '+923001234568', NUMBER)
        sms.send()
        self.assertEqual(sms.mapped('state'), ['pending', 'outgoing', 'pending'])

    def test_limit_of_the_next_gateway(self):
        """What the first gateway does not take keeps to the limit of the second one, too."""
        self.add_second(rate_limit=10)
        self.always_answer(429, path='/')
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(25)))
        sms.send()
        self.env['sms.sms']._process_queue()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertRateOfSecond(25, 11)

    def assertRateOfSecond(self, count, most):
        """The second gateway got so many requests, and so many in any second at most."""
        self.assertEqual(sum(request.path == '/second' for request in self.provider.requests), count)
        self.assertLessEqual(self.provider.busiest_second('/second'), most)

    def test_limit_of_the_next_gateway_for_later_claims(self):
        """The same for SMS that are claimed while the first gateway has not taken others, but before that is known to
        all."""
        self.add_second(rate_limit=100)
        self.always_answer(429, path='/')
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(200)))
        self.env['sms.sms']._process_queue()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertRateOfSecond(200, 105)

    def test_several_recipients(self):
        """A request with all SMS of a second is followed by the next one in the next second."""
        number = self.gateway.parameter_ids.filtered(lambda line: line.param_type == 'number')
        self.gateway.write({
            'rate_limit': 20, 'supports_multiple_recipients': True, 'max_recipients': 100,
            'parameter_ids': [(1, number.id, {'param_type': 'multi_number'})]})
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(80)))
        self.env['sms.sms']._process_queue()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        times = [request.received for request in self.provider.requests]
        self.assertEqual(len(times), 4)
        # the median: on a busy machine one of them may arrive long after it was sent
        self.assertGreaterEqual(median(later - earlier for earlier, later in pairwise(times)), 1)

    def test_timeout_as_long_as_the_job(self):
        """An answer may take as long as the whole run: the SMS goes all the same."""
        self.gateway.write({'rate_limit': 10, 'timeout': 60})
        sms = self.send()
        self.env['sms.sms']._process_queue()
        self.assertEqual(sms.state, 'pending')

    def test_no_connection_in_time(self):
        """SMS that find no free connection when their time comes get another time."""
        self.gateway.write({'rate_limit': 50, 'max_connections': 1})
        self.always_answer(Reply(200, {'id': 1}, delay=0.1), path='/')
        sms = self.make_sms(*(f'+3245600{index:04d}' for index in range(12)))
        sms.send()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertEqual(set(sms.mapped('attempt')), {1})
        self.assertEqual(len(self.provider.requests), 12)
