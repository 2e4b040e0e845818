# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class SmsGatewayBudgetHold(models.AbstractModel):
    """What an SMS knows of the budget for which it waits: see `sending/store/budgets.py`."""
    _name = 'sms.gateway.budget.hold'
    _description = "SMS That Waits for a Budget"

    budget_id = fields.Many2one(
        'sms.gateway.budget', "Waits for Budget", readonly=True, copy=False, ondelete='set null',
        groups='base.group_system', help="The budget is used up. The SMS goes on next month, or when it is released.")

    _budget_index = models.Index('(budget_id, id) WHERE budget_id IS NOT NULL')
