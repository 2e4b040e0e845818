# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import formatLang

from ..sending.store.budgets import read_budgets, release_fitting
from ..tools.actions import show_notification
from ..tools.budget import MONEY, SEGMENTS, get_month, get_next_month, get_zone

WARN_PERCENT = 80
OPEN, WARNED, USED, RELEASED = 'open', 'warned', 'used', 'released'


class SmsGatewayBudget(models.Model):
    """What a company may spend on SMS in a month. When it is used up, bulk SMS wait until the next month, or until it
    is raised or released; urgent and normal SMS go on."""
    _name = 'sms.gateway.budget'
    _description = "SMS Budget"
    _order = 'company_id, gateway_id, id'
    _rec_name = 'name'
    _rec_names_search = ['company_id', 'gateway_id']

    name = fields.Char("Name", compute='_compute_name')
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company', "Company", required=True, ondelete='cascade', default=lambda self: self.env.company,
        help="SMS of this company count.")
    gateway_id = fields.Many2one(
        'sms.gateway', "Gateway", ondelete='cascade', index=True, check_company=True,
        domain="[('is_template', '=', False)]", help="Only SMS of this gateway count. Leave empty to count all.")
    unit = fields.Selection(
        [(MONEY, "Money"), (SEGMENTS, "Segments")], "Counted In", required=True, default=MONEY,
        help="Money is counted in the currency of the company. SMS whose price is not known do not count.")
    currency_id = fields.Many2one(related='company_id.currency_id')
    amount = fields.Float(
        "Budget per Month", required=True, help="When it is used up, bulk SMS wait. Urgent and normal SMS go on.")
    warn_percent = fields.Integer(
        "Alert at (%)", required=True, default=WARN_PERCENT,
        help="The users are alerted once a month when this part of the budget is spent.")
    user_ids = fields.Many2many(
        'res.users', 'sms_gateway_budget_user_rel', 'budget_id', 'user_id', string="Alert",
        default=lambda self: self.env.user.filtered(lambda user: user.id != SUPERUSER_ID),
        help="Users who are alerted.")
    month_ids = fields.One2many('sms.gateway.budget.month', 'budget_id', "Months", readonly=True)
    released_month = fields.Date(readonly=True, copy=False)
    warned_month = fields.Date(readonly=True, copy=False)
    spent = fields.Float("Spent This Month", compute='_compute_spent', help="With what is being sent.")
    spent_text = fields.Char("Spent", compute='_compute_spent', help="This month, with what is being sent.")
    spent_percent = fields.Float("Spent (%)", compute='_compute_spent')
    waiting_count = fields.Integer("Waiting SMS", compute='_compute_waiting_count')
    state = fields.Selection(
        [(OPEN, "Within Budget"), (WARNED, "Almost Used Up"), (USED, "Used Up"), (RELEASED, "Released")],
        "State", compute='_compute_spent')

    _amount_positive = models.Constraint(
        # the upper bound also refuses NaN, which PostgreSQL sorts above all other numbers
        'CHECK(amount > 0 AND amount < 1e15)', "Budget per Month: enter more than 0.")
    _warn_percent_valid = models.Constraint(
        'CHECK(warn_percent BETWEEN 1 AND 100)', "Alert at (%): enter 1 to 100.")
    _subject_unique = models.UniqueIndex(
        '(company_id, COALESCE(gateway_id, 0), unit) WHERE active',
        "There is a budget of this company, gateway and unit already.")

    # === COMPUTE METHODS === #

    @api.depends('company_id', 'gateway_id')
    def _compute_name(self):
        for budget in self:
            budget.name = ', '.join(filter(None, (budget.company_id.name, budget.gateway_id.name)))

    @api.depends('month_ids.spent', 'amount', 'unit', 'company_id', 'warn_percent', 'released_month')
    @api.depends_context('lang')
    def _compute_spent(self):
        for budget in self:
            month = budget._get_month()
            spent = sum(budget.month_ids.filtered(lambda one, month=month: one.month == month).mapped('spent'))
            budget.spent = spent
            budget.spent_text = budget._word_amount(spent)
            budget.spent_percent = 100 * spent / budget.amount if budget.amount else 0
            if budget.released_month == month:
                budget.state = RELEASED
            elif budget.spent_percent >= 100 or budget.waiting_count:  # the next SMS may cost more than what is left
                budget.state = USED
            else:
                budget.state = WARNED if budget.spent_percent >= budget.warn_percent else OPEN

    def _compute_waiting_count(self):
        counts = dict(self.env['sms.sms']._read_group(
            [('budget_id', 'in', self.ids), ('state', '=', 'outgoing')], ['budget_id'], ['__count']))
        for budget in self:
            budget.waiting_count = counts.get(budget, 0)

    # === CONSTRAINT METHODS === #

    @api.constrains('company_id', 'gateway_id')
    def _check_gateway_company(self):
        for budget in self:
            if budget.gateway_id.company_id not in (budget.company_id, self.env['res.company']):
                raise ValidationError(self.env._(
                    "%(gateway)s belongs to another company. Select a gateway that sends for %(company)s.",
                    gateway=budget.gateway_id.name, company=budget.company_id.name))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        budgets = super().create(vals_list)
        for budget in budgets:
            budget._count_again()
        return budgets

    def write(self, vals):
        result = super().write(vals)
        is_changed = bool({'company_id', 'gateway_id', 'unit'} & vals.keys())
        if is_changed or vals.get('active'):  # an archived one does not count
            for budget in self:
                budget._count_again()
        if is_changed:
            self._release()
        elif {'amount', 'active'} & vals.keys():
            self._release_fitting()
        return result

    def unlink(self):
        self._release()
        return super().unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_very_many_wait(self):
        if self.env['sms.gateway.release'].sudo().search_count([('budget_id', 'in', self.ids)], limit=1):
            raise UserError(self.env._(
                "Too many SMS wait for this budget to delete it at once. Archive it: the SMS are released in the "
                "background, and you can delete it afterwards."))

    # === ACTION METHODS === #

    def action_release(self):
        """Let bulk SMS go on although the budget of this month is used up."""
        self.check_access('write')
        for budget in self:
            budget.released_month = budget._get_month()
        self._release()

    def action_end_release(self):
        """Let bulk SMS wait again if the budget of this month is used up."""
        self.check_access('write')
        self.released_month = False

    def action_view_waiting(self):
        """Open the SMS that wait for the budget."""
        action = self.env['ir.actions.act_window']._for_xml_id('sms.sms_sms_action')
        return dict(action, domain=[('budget_id', 'in', self.ids), ('state', '=', 'outgoing')], context={})

    # === BUSINESS METHODS === #

    def _get_month(self):
        self.ensure_one()
        return get_month(fields.Datetime.now(), self.company_id.sudo().partner_id.tz)

    def _count_again(self):
        """Count what the SMS of this month have used so far."""
        self.ensure_one()
        month, zone = self._get_month(), self.company_id.sudo().partner_id.tz
        # the last moment of the month before
        start = get_next_month((month - timedelta(days=1)).replace(day=1), get_zone(zone).key)
        costs = self.env['sms.gateway.cost'].sudo()
        of_gateway = [('gateway_id', '=', self.gateway_id.id)] if self.gateway_id else []
        (spent,), = costs._read_group([
            ('date', '>=', start), ('company_id', '=', self.company_id.id),
            ('outcome', 'in', ('accepted', 'unknown')), *of_gateway,
        ], [], ['cost:sum' if self.unit == MONEY else 'segment_count:sum'])
        self.env.cr.execute("""
            INSERT INTO sms_gateway_budget_month (budget_id, month, spent) VALUES (%s, %s, %s)
            ON CONFLICT (budget_id, month) DO UPDATE SET spent = EXCLUDED.spent
        """, [self.id, month, spent or 0])
        self.env['sms.gateway.budget.month'].invalidate_model()
        self.invalidate_recordset(['month_ids', 'spent', 'spent_percent', 'state'])

    def _release(self):
        """Let all SMS that wait for these budgets go on."""
        if self:
            self.env['sms.gateway.release']._start(self)

    def _release_fitting(self):
        """Let as many SMS that wait for these budgets go on as they may."""
        self.env.flush_all()
        known = {budget.id: budget for budget in read_budgets(self.env)}
        for budget in self:
            gateway = budget.gateway_id
            is_used = not gateway or (  # otherwise others may send them
                gateway.active and gateway.state == 'active' and gateway.company_id <= budget.company_id)
            if not (budget.active and is_used) or known[budget.id].is_released:
                budget._release()
            elif not release_fitting(self.env, known[budget.id]):
                self.env['sms.gateway.release']._tell_user()

    @api.model
    def _release_of_mailings(self, mailings):
        """Release the budgets for which SMS of mailings wait.

        :param mailings: `mailing.mailing`
        :return: a notification
        :rtype: dict
        """
        self.check_access('write')
        groups = self.env['sms.sms']._read_group([
            ('mailing_id', 'in', mailings.ids), ('budget_id', '!=', False), ('state', '=', 'outgoing')], ['budget_id'])
        budgets = self.union(*(budget for budget, in groups))._filtered_access('write')
        budgets.action_release()
        return show_notification(
            self.env._("Released for this month: %s.", ', '.join(budgets.mapped('name'))) if budgets
            else self.env._("No SMS of this mailing waits for a budget."), 'success' if budgets else 'info')

    # === ALERTS === #

    @api.model
    def _check_all(self):
        """Alert users of budgets that are almost used up, and let SMS go on whose budget has room again, because others
        were not sent. Called with the check of incidents."""
        known = {budget.id: budget for budget in read_budgets(self.env)}
        for budget in self.browse(known):
            if known[budget.id].spent >= known[budget.id].warn_at and budget.warned_month != known[budget.id].month:
                budget.warned_month = known[budget.id].month
                budget._alert(self._word_warning)
        (self._find_waiting() - self.env['sms.gateway.release'].sudo().search(
            [('budget_id', '!=', False)]).budget_id)._release_fitting()

    @api.model
    def _has_any(self):
        """Return whether a company has a budget, so that SMS may wait for it.

        :rtype: bool
        """
        return bool(self.sudo().search_count([], limit=1))

    @api.model
    def _find_waiting(self):
        """Return the budgets for which SMS wait."""
        self.env.cr.execute("""
            SELECT id FROM sms_gateway_budget b
            WHERE EXISTS (SELECT FROM sms_sms s WHERE s.budget_id = b.id AND s.state = 'outgoing')
        """)
        return self.browse(budget_id for budget_id, in self.env.cr.fetchall())

    def _get_users(self):
        """Return the users to alert who can open the budget."""
        return self.user_ids.filtered(lambda user: user.active and self.with_user(user).has_access('read'))

    def _alert(self, word):
        self.ensure_one()
        self.env['sms.gateway.incident']._alert_users(
            self._get_users(), lambda env: word(self.with_env(env)), has_activity=False)

    @api.model
    def _word_warning(self, budget):
        env = budget.env
        return env._("SMS budget almost used up: %s", budget.name), env._(
            "%(spent)s of %(amount)s were spent this month (%(percent)s %%). When the budget is used up, bulk SMS wait "
            "until next month. Urgent and normal SMS go on.",
            spent=budget._word_amount(budget.spent), amount=budget._word_amount(budget.amount),
            percent=int(budget.spent_percent))

    def _word_amount(self, amount):
        """Return an amount in the unit of the budget.

        :rtype: str
        """
        if self.unit == MONEY:
            return formatLang(self.env, amount, currency_obj=self.currency_id)
        return self.env._("%s segments", f'{amount:,.0f}')
