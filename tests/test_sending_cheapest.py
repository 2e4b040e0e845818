# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The cheapest of equal gateways sends, for companies that want it."""
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..models import sms_gateway_cheapest
from .common import GatewayCase

FRENCH, BELGIAN = '+33612345678', '+32456001122'


@tagged('post_install', '-at_install')
class TestCheapest(GatewayCase):
    """Given two equal gateways: the first is cheaper for France, the second for Belgium."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['sms.gateway'].search([('state', '=', 'active')]).state = 'disabled'
        cls.first, cls.second = cls.make_gateway("First"), cls.make_gateway("Second")
        for gateway, french, belgian in ((cls.first, 0.04, 0.09), (cls.second, 0.05, 0.07)):
            cls.env['sms.gateway.price'].create([
                {'gateway_id': gateway.id, 'prefix': '33', 'price': french},
                {'gateway_id': gateway.id, 'prefix': '32', 'price': belgian}])
        cls.company = cls.env.company
        cls.company.sms_is_cheapest_first = True

    def send(self, *numbers, **values):
        sms = self.make_sms(*numbers, **values)
        sms.send()
        self.env.invalidate_all()
        return sms.gateway_id if len(sms) == 1 else sms.mapped('gateway_id.name')

    def add_statuses(self, gateway, delivered, failed, hours=2, **values):
        rows = self.env['sms.gateway.status'].create([{
            'gateway_id': gateway.id, 'sms_uuid': f'{gateway.id}-{hours}-{number}-{values}', 'number': FRENCH,
            'state': 'success' if number < delivered else 'error',
            'delivered_date': fields.Datetime.now() if number < delivered else False, **values,
        } for number in range(delivered + failed)])
        self.env.flush_all()
        self.env.cr.execute("UPDATE sms_gateway_status SET create_date = %s WHERE id = ANY(%s)", [
            fields.Datetime.now() - timedelta(hours=hours), rows.ids])
        self.env.invalidate_all()

    def refresh(self):
        self.env['ir.config_parameter'].set_param(sms_gateway_cheapest.PARAMETER, False)
        self.env['sms.gateway']._refresh_delivery_rates()

    def test_the_price_for_the_country(self):
        self.assertEqual(self.send(FRENCH), self.first)
        self.assertEqual(self.send(BELGIAN), self.second)

    def test_only_for_companies_that_want_it(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.assertEqual(self.send(BELGIAN, record_company_id=other.id), self.first)
        self.company.sms_is_cheapest_first = False
        self.assertEqual(self.send(BELGIAN, body="2"), self.first)

    def test_priority_comes_first(self):
        self.second.sequence = 20
        self.assertEqual(self.send(BELGIAN), self.first)

    def test_currencies_are_compared(self):
        currency = self.env['res.currency'].create({'name': 'XTA', 'symbol': 'X'})
        self.env['res.currency.rate'].create({
            'currency_id': currency.id, 'name': '2020-01-01', 'company_id': self.company.root_id.id, 'rate': 0.1})
        self.env['sms.gateway.price'].search(
            [('gateway_id', '=', self.second.id), ('prefix', '=', '32')]).currency_id = currency  # ten times as much
        self.assertEqual(self.send(BELGIAN), self.first)

    def test_bad_delivery(self):
        self.add_statuses(self.first, 80, 20)
        self.add_statuses(self.second, 99, 1)
        self.refresh()
        self.assertEqual(self.send(FRENCH), self.second)
        self.company.sms_cheapest_points = 20
        self.assertEqual(self.send(FRENCH, body="2"), self.first)

    def test_old_and_very_recent_sms_do_not_count(self):
        self.add_statuses(self.first, 0, 100, hours=24 * 4)
        self.add_statuses(self.first, 0, 100, hours=0)
        self.add_statuses(self.first, 0, 100, hours=3, is_test=True)
        self.add_statuses(self.first, 60, 0)
        self.add_statuses(self.second, 100, 0)
        self.refresh()
        self.assertEqual(self.first.delivery_rates[''][0], 100)
        self.assertEqual(self.send(FRENCH), self.first)

    def test_rates_are_computed_every_hour_and_only_if_needed(self):
        self.add_statuses(self.first, 10, 10)
        statuses = type(self.env['sms.gateway.status'])
        with patch.object(statuses, '_read_group', side_effect=AssertionError("computed again")):
            self.env['ir.config_parameter'].set_param(
                sms_gateway_cheapest.PARAMETER, fields.Datetime.to_string(fields.Datetime.now()))
            self.env['sms.gateway']._refresh_delivery_rates()
            self.company.sms_is_cheapest_first = False
            self.env['res.company'].search([]).sms_is_cheapest_first = False
            self.refresh()
        self.company.sms_is_cheapest_first = True
        self.refresh()
        self.assertEqual(self.first.delivery_rates[''], [50, 20])
        self.assertFalse(self.second.delivery_rates)

    def test_the_queue_action_computes_them(self):
        self.add_statuses(self.first, 10, 10)
        self.env['ir.config_parameter'].set_param(sms_gateway_cheapest.PARAMETER, False)
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertTrue(self.first.delivery_rates)

    def test_a_template_stays_a_template(self):
        template = self.env.ref('eis_sms_apis.gateway_twilio')
        self.add_statuses(template, 10, 10)
        before = template.write_date, template.is_template
        self.refresh()
        self.env.invalidate_all()
        self.assertTrue(template.delivery_rates)
        self.assertEqual((template.write_date, template.is_template), before)

    def test_which_gateway_says_why(self):
        route = self.env['sms.gateway'].explain_route(BELGIAN)
        self.assertEqual(route['gateway'][1], "Second")
        self.assertIn("lowest price: 0.0700", route['reason'])
        self.company.sms_is_cheapest_first = False
        self.assertNotIn("price", self.env['sms.gateway'].explain_route(BELGIAN)['reason'])

    def test_which_gateway_explains_gateways_that_share_by_weight(self):
        self.company.sms_is_cheapest_first = False
        (self.first + self.second).weight = 1
        chosen = {self.env['sms.gateway'].explain_route(f'+3361234567{number}')['gateway'][1] for number in range(10)}
        self.assertEqual(chosen, {"First", "Second"})

    def test_settings(self):
        self.env['res.config.settings'].create({
            'sms_is_cheapest_first': False, 'sms_cheapest_points': 7}).execute()
        self.assertEqual((self.company.sms_is_cheapest_first, self.company.sms_cheapest_points), (False, 7))
