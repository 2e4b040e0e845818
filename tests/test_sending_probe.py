# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One SMS tests a gateway whose pause is over: one that is really sent, not one that waits or fails for another
reason."""
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..sending.breaker import FAILING
from ..sending.pauses import Pause
from .common import NUMBERS, GatewayCase

FRENCH, SATELLITE = '+33612345678', '+881612345678'


@tagged('post_install', '-at_install')
class TestProbe(GatewayCase):
    """Given a gateway that was paused because its provider failed, and two SMS of which only the second may go."""

    def pause(self, gateway, seconds):
        """:param seconds: until the pause ends, negative if it has ended"""
        self.env['sms.gateway.throttle']._save_pauses({gateway.id: Pause(FAILING)}, [])
        self.throttle(gateway).paused_until = fields.Datetime.now() + timedelta(seconds=seconds)

    def throttle(self, gateway=None):
        self.env.invalidate_all()
        return self.env['sms.gateway.throttle'].search([('gateway_id', '=', (gateway or self.gateway).id)])

    def send(self, number=NUMBERS[0], other=None, **values):
        self.pause(self.gateway, -1)
        self.provider.clear()
        sms = self.make_sms(number, **values) + self.make_sms(NUMBERS[1], **(other or {}))
        sms.send()
        self.env.invalidate_all()
        return sms

    def assert_tested(self, sms):
        """It was sent, so the gateway works for all again."""
        self.assertEqual((sms.state, self.throttle().failures), ('pending', 0))
        self.assertEqual([number[-9:] for number, _text in self.provider.sms], [sms.number[-9:]])

    def assert_given_back(self, sms):
        """It waits, and tests the gateway next time."""
        self.assertEqual((sms.state, self.throttle().failures, self.provider.sms), ('outgoing', 1, []))
        sms.send()
        self.env.invalidate_all()
        self.assert_tested(sms)

    def test_budget_that_is_used_up(self):
        self.env['sms.gateway.budget'].create({'amount': 1, 'unit': 'segments'})
        self.make_sms(NUMBERS[2]).send()
        other = self.env['res.company'].create({'name': "Other"})
        bulk, sent = self.send(lane='bulk', other={'lane': 'bulk', 'record_company_id': other.id})
        self.assertTrue(bulk.is_held)
        self.assert_tested(sent)

    def test_budget_without_room_for_it(self):
        """Its size is only measured when it is counted."""
        self.env['sms.gateway.budget'].create({'amount': 1, 'unit': 'segments'})
        other = self.env['res.company'].create({'name': "Other"})
        long, waiting = self.send(
            lane='bulk', body="a" * 200, other={'lane': 'bulk', 'record_company_id': other.id})
        self.assertTrue(long.is_held)
        self.assert_given_back(waiting)

    def test_refused(self):
        """Fraud, countries and floods: it fails at once, as it does while the gateway works."""
        self.env.company.sms_country_ids = self.env.ref('base.be')
        for number in (SATELLITE, FRENCH):
            with self.subTest(number=number):
                refused, sent = self.send(number)
                self.assertEqual(refused.state, 'error')
                self.assert_tested(sent)

    def test_flood(self):
        self.env['ir.config_parameter'].set_param('eis_sms_apis.flood_same_text', '1')
        self.make_sms(NUMBERS[0]).send()
        refused, sent = self.send(other={'body': "Other"})
        self.assertEqual(refused.failure_type, 'sms_not_allowed')
        self.assert_tested(sent)

    def test_country_limit(self):
        """Only SMS that are sent count, so this one is refused after it was chosen."""
        self.env['ir.config_parameter'].set_param('eis_sms_apis.flood_country', '1')
        self.make_sms(NUMBERS[2]).send()
        refused, waiting = self.send(other={'is_confirmed': True})
        self.assertEqual(refused.failure_type, 'sms_not_allowed')
        self.assert_given_back(waiting)

    def test_number(self):
        for number in ('', '12'):
            with self.subTest(number=number):
                self.assert_tested(self.send(number)[1])

    def test_number_that_the_gateway_cannot_format(self):
        self.gateway.write({'number_format': 'national', 'country_prefixes': '+32'})
        refused, waiting = self.send(FRENCH)
        self.assertEqual(refused.failure_type, 'sms_number_format')
        self.assert_given_back(waiting)

    def test_rate_limit_without_a_place(self):
        """Given that all places of the next second are taken."""
        self.gateway.rate_limit = 1
        throttles = self.env['sms.gateway.throttle']
        while throttles._reserve(self.gateway.id, [(1, 5)], 1, 0)[0]:
            pass
        first, waiting = self.send()
        self.assertEqual(first.state, 'outgoing')
        self.throttle().places = False
        self.assert_given_back(waiting)

    def test_another_gateway_is_paused(self):
        """Its pause does not delay the SMS that tests this one."""
        self.pause(self.make_gateway("Other", sequence=20, country_prefixes='+33'), 600)
        sent, waiting = self.send()
        self.assertEqual(waiting.state, 'outgoing')
        self.assert_tested(sent)

    def test_others_use_the_next_gateway(self):
        """And wait for its budget, if that is used up."""
        second = self.make_gateway("Second", sequence=20, base_url=f'{self.provider.url}/second')
        budget = self.env['sms.gateway.budget'].create({
            'amount': 1, 'unit': 'segments', 'gateway_id': second.id})
        sms = self.send(lane='bulk', other={'lane': 'bulk'})
        sms += self.make_sms(NUMBERS[2], lane='bulk')
        self.assertEqual(sms[:2].mapped('gateway_id'), self.gateway + second)
        self.pause(self.gateway, -1)
        sms += self.make_sms(NUMBERS[3], lane='bulk')
        sms[2:].send()
        self.env.invalidate_all()
        self.assertEqual((sms[2].gateway_id, sms[3].budget_id), (self.gateway, budget))
