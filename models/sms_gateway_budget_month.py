# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import fields, models


class SmsGatewayBudgetMonth(models.Model):
    """What was spent of a budget in one month. Claims and saves of SMS count it: see `sending/store/budgets.py`."""
    _name = 'sms.gateway.budget.month'
    _description = "SMS Budget of a Month"
    _order = 'month desc, id desc'
    _rec_name = 'month'
    _log_access = False

    budget_id = fields.Many2one('sms.gateway.budget', required=True, readonly=True, ondelete='cascade')
    month = fields.Date("Month", required=True, readonly=True, help="The first day of the month.")
    spent = fields.Float("Spent", digits=(16, 6), required=True, readonly=True)

    _month_unique = models.Constraint('unique(budget_id, month)', "There is one counter per budget and month.")
