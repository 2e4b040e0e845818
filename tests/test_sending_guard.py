# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS that look like a fault or a fraud are held back: floods, premium and satellite numbers, other countries."""
from datetime import timedelta

from odoo.tests import tagged

from .common import GatewayCase
from .provider import Reply

NUMBER, OTHER, FRENCH = '+32456000001', '+32456000002', '+33612345678'


@tagged('post_install', '-at_install')
class TestFloodGuard(GatewayCase):

    def setUp(self):
        super().setUp()
        self.env['ir.config_parameter'].set_param('eis_sms_apis.flood_same_text', False)  # the default again

    def limit(self, **limits):
        for name, value in limits.items():
            self.env['ir.config_parameter'].set_param(f'eis_sms_apis.flood_{name}', str(value))

    def send(self, *numbers, **values):
        sms = self.make_sms(*numbers, **values)
        sms.send()
        self.env.invalidate_all()
        return sms

    def assert_held_back(self, sms, words):
        self.assertEqual((sms.state, sms.failure_type), ('error', 'sms_not_allowed'))
        self.assertIn("Held back", sms.failure_reason)
        self.assertIn(words, sms.failure_reason)
        self.assertFalse(self.status_of(sms))

    def test_same_text(self):
        """20 times by default, in one transaction or in several."""
        sms = self.send(*[NUMBER] * 15)
        sms += self.send(*[NUMBER] * 10)
        self.assertEqual(sms.mapped('state'), ['pending'] * 20 + ['error'] * 5)
        self.assert_held_back(sms[20], "20 times")
        self.assertEqual(len(self.provider.sms), 20)
        self.assertEqual(set(self.send(NUMBER, body="Other").mapped('state')), {'pending'})
        self.assertEqual(set(self.send(OTHER).mapped('state')), {'pending'})

    def test_an_hour_later(self):
        self.limit(same_text=2)
        first = self.send(NUMBER, NUMBER)
        first.first_attempt_date = first[0].first_attempt_date - timedelta(minutes=61)
        self.assertEqual(self.send(NUMBER).state, 'pending')

    def test_failed_sms_do_not_count(self):
        self.limit(same_text=2)
        self.send(NUMBER, NUMBER).state = 'error'
        self.assertEqual(self.send(NUMBER).state, 'pending')

    def test_retry_releases(self):
        self.limit(same_text=1)
        self.send(NUMBER)
        held = self.send(NUMBER)
        self.assert_held_back(held, "Retry")
        held.action_retry()
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(held.state, 'pending')

    def test_number(self):
        self.limit(number=2)
        sms = self.send(NUMBER, body="One") + self.send(NUMBER, body="Two") + self.send(NUMBER, body="Three")
        self.assertEqual(sms.mapped('state'), ['pending', 'pending', 'error'])
        self.assert_held_back(sms[2], "2 SMS")

    def test_country(self):
        self.limit(country=3)
        sms = self.send(NUMBER, OTHER)
        sms += self.send('+32456000003', '+32456000004', FRENCH)
        self.assertEqual(sms.mapped('state'), ['pending', 'pending', 'pending', 'error', 'pending'])
        self.assert_held_back(sms[3], "BE")
        self.assertEqual(self.env['sms.gateway.flood'].search([('country', '=', 'BE')]).count, 3)
        self.assertEqual(self.send('+32456000005').state, 'error')
        self.env['sms.gateway.flood'].search([('country', '=', 'BE')]).day -= timedelta(days=1)
        self.assertEqual(self.send('+32456000006').state, 'pending')

    def test_country_of_an_sms_that_is_queued_again(self):
        """It counts once: after the provider asked to wait, and after a pause that it was claimed in."""
        self.limit(country=2)
        self.provider.answer(Reply(429, headers={'Retry-After': '60'}))
        sms = self.send(NUMBER)
        self.assertEqual(sms.state, 'outgoing')
        sms += self.make_sms(OTHER)
        self.env['sms.sms']._process_queue()
        self.assertEqual(sms.mapped('state'), ['outgoing', 'outgoing'])
        self.env['sms.gateway.throttle'].search([]).paused_until -= timedelta(minutes=2)
        sms.send_after = False
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(sms.mapped('state'), ['pending', 'pending'])
        self.assertEqual(self.env['sms.gateway.flood'].search([('country', '=', 'BE')]).count, 2)

    def test_country_of_a_paused_gateway(self):
        """An SMS above the limit fails at once and is not queued again, because no limit would apply then."""
        self.limit(country=1)
        self.provider.answer(Reply(429, headers={'Retry-After': '60'}))
        self.assertEqual(self.send(NUMBER).state, 'outgoing')
        later = self.make_sms(OTHER)
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assert_held_back(later, "BE")

    def test_no_limit(self):
        self.limit(same_text=0)
        self.assertEqual(set(self.send(*[NUMBER] * 25).mapped('state')), {'pending'})
        self.assertFalse(self.env['sms.gateway.flood'].search([]))

    def test_mass_sms(self):
        """A user has confirmed it."""
        self.limit(country=1)
        contacts = self.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': f'+3245600001{index}'} for index in range(5)])
        sms = self.env['sms.composer'].with_context(active_model='res.partner', active_ids=contacts.ids).create({
            'body': "Sale", 'composition_mode': 'mass', 'mass_force_send': True})._action_send_sms()
        self.env.invalidate_all()
        self.assertEqual(set(sms.mapped('state')), {'pending'})

    def test_premium_and_satellite(self):
        for number in ('+3290012345', '+881612345678', '+19005551234'):
            self.assert_held_back(self.send(number), "premium")
        self.env['ir.config_parameter'].set_param('eis_sms_apis.allow_premium', 'True')
        self.assertEqual(self.send('+881612345679').state, 'pending')

    def test_countries_of_the_company(self):
        self.env.company.sms_country_ids = self.env.ref('base.be')
        sms = self.send(NUMBER, FRENCH)
        self.assertEqual(sms.mapped('state'), ['pending', 'error'])
        self.assertEqual(sms[1].failure_type, 'sms_country_not_supported')
        self.assertIn("FR", sms[1].failure_reason)

    def test_countries_of_the_gateway(self):
        """Another gateway that may send to the country does."""
        self.gateway.allowed_country_ids = self.env.ref('base.be')
        sms = self.send(NUMBER, FRENCH)
        self.assertEqual(sms.mapped('state'), ['pending', 'error'])
        self.assertIn("no gateway", sms[1].failure_reason)
        second = self.make_gateway("Second", sequence=20)
        self.assertEqual(self.send(FRENCH).gateway_id, second)
        self.assertEqual(self.send(NUMBER).gateway_id, self.gateway)

    def test_negative_limits_are_none(self):
        self.limit(same_text=-1, number=-1, country=-1)
        self.assertEqual(self.send(NUMBER).state, 'pending')

    def test_settings(self):
        settings = self.env['res.config.settings'].create({})
        self.assertEqual((settings.sms_flood_same_text, settings.sms_flood_country), (20, 0))
        settings.write({'sms_flood_same_text': 0, 'sms_flood_country': 1})
        settings.execute()
        self.assertEqual(self.env['res.config.settings'].create({}).sms_flood_same_text, 0)
        self.assertEqual(self.send(NUMBER, OTHER).mapped('state'), ['pending', 'error'])
