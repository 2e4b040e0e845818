# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports in a real browser: the list of what was received, from its menu and from a gateway; samples
and simulated reports."""
from odoo.tests import HttpCase, tagged

from .common import DeliveryCase


@tagged('post_install', '-at_install')
class TestReportScreens(DeliveryCase, HttpCase):
    browser_size = '1440x900'

    def setUp(self):
        super().setUp()
        sms = self.send_sms('+32456001101')
        self.report(
            {'uuid': sms.uuid, 'status': 'delivered'},
            {'message_id': 'SM-unknown', 'status': 'failed', 'code': '30003', 'words': "Unreachable"})

    def test_list(self):
        self.start_tour('/odoo/settings', 'eis_sms_apis.delivery_reports', login='admin')

    def test_from_a_gateway(self):
        self.start_tour(
            f'/odoo/action-eis_sms_apis.sms_gateway_action/{self.gateway.id}', 'eis_sms_apis.reports_of_gateway',
            login='admin')

    def test_from_a_card(self):
        self.start_tour('/odoo/action-eis_sms_apis.sms_gateway_action', 'eis_sms_apis.reports_of_card', login='admin')

    def test_sample(self):
        self.start_tour(
            f'/odoo/action-eis_sms_apis.sms_gateway_action/{self.gateway.id}', 'eis_sms_apis.read_sample_report',
            login='admin')

    def test_simulated_report(self):
        self.env['sms.gateway.received.report'].search([]).unlink()
        self.start_tour(
            f'/odoo/action-eis_sms_apis.sms_gateway_action/{self.gateway.id}', 'eis_sms_apis.simulate_delivered',
            login='admin')


@tagged('post_install', '-at_install')
class TestReportScreensOnPhone(TestReportScreens):
    allow_inherited_tests_method = True  # all tours of the other size
    browser_size = '390x844'
    touch_enabled = True

    def test_list(self):
        """A phone shows the menu in another way."""
        self.start_tour(
            '/odoo/action-eis_sms_apis.sms_gateway_received_report_action', 'eis_sms_apis.reports_on_phone',
            login='admin')

    def test_from_a_card(self):
        """A phone opens the cards at once."""
        self.start_tour(
            '/odoo/action-eis_sms_apis.sms_gateway_action', 'eis_sms_apis.reports_of_card_on_phone', login='admin')
