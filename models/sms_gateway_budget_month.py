# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import format_date


class SmsGatewayBudgetMonth(models.Model):
    """What was spent of a budget in one month. Claims and saves of SMS count it: see `sending/store/budgets.py`."""
    _name = 'sms.gateway.budget.month'
    _description = "SMS Budget of a Month"
    _order = 'month desc, id desc'
    _rec_name = 'name'
    _log_access = False

    budget_id = fields.Many2one('sms.gateway.budget', required=True, readonly=True, ondelete='cascade')
    name = fields.Char("Month", compute='_compute_name')
    month = fields.Date("First Day", required=True, readonly=True)
    spent = fields.Float("Amount", digits=(16, 6), required=True, readonly=True)

    spent_text = fields.Char("Spent", compute='_compute_spent_text')

    _month_unique = models.Constraint('unique(budget_id, month)', "There is one counter per budget and month.")

    # === COMPUTE METHODS === #

    @api.depends('month')
    @api.depends_context('lang')
    def _compute_name(self):
        for counter in self:
            counter.name = format_date(self.env, counter.month, date_format='MMMM yyyy')

    @api.depends('spent', 'budget_id.unit')
    @api.depends_context('lang')
    def _compute_spent_text(self):
        for counter in self:
            counter.spent_text = counter.budget_id._word_amount(counter.spent)
