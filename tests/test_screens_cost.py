# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What SMS cost, in a real browser: a budget and its release, the balance, the estimate of a mailing."""
from odoo.tests import HttpCase, tagged

from .common import MarketingCase
from .test_cost_estimate import EstimateCase
from .test_gateways_balance import BalanceCase
from .test_sending_budget import BudgetCase

ACTION = '/odoo/action-eis_sms_apis.'


@tagged('post_install', '-at_install')
class TestBudgetTour(BudgetCase, HttpCase):

    def test_budget(self):
        self.env['sms.gateway.budget'].search([]).unlink()
        self.start_tour(f'{ACTION}sms_gateway_budget_action', 'eis_sms_apis.budget', login='admin')
        budget = self.env['sms.gateway.budget'].search([])
        self.assertEqual((budget.amount, budget.unit, budget.warn_percent), (2, 'segments', 80))
        sms = self.send(3)
        self.assertEqual(sms[2].state, 'outgoing')
        self.start_tour(f'{ACTION}sms_gateway_budget_action', 'eis_sms_apis.budget_release', login='admin')
        self.run_queue()
        self.assertEqual(sms[2].state, 'pending')


@tagged('post_install', '-at_install')
class TestBalanceTour(BalanceCase, HttpCase):

    def test_balance(self):
        self.spend(20, days=2)
        self.answer_balance('50')
        self.start_tour(f'{ACTION}sms_gateway_action/{self.gateway.id}', 'eis_sms_apis.balance', login='admin')
        self.assertEqual(self.gateway.balance_days_threshold, 7)


@tagged('post_install', '-at_install')
class TestEstimateTour(MarketingCase, EstimateCase, HttpCase):

    def test_estimate(self):
        self.add_price(0.1)
        self.env['sms.gateway.budget'].create({'amount': 3, 'unit': 'segments'})
        self.start_tour(
            f'/odoo/action-mass_mailing_sms.mailing_mailing_action_sms/{self.mailing.id}', 'eis_sms_apis.estimate',
            login='admin')
