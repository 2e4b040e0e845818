# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from ..sending.store.quiet import WEEKDAYS, make_rule
from ..tools.problem import ProblemError
from ..tools.quiet_hours import parse_dates


class SmsGatewayQuiet(models.Model):
    """Hours and days on which bulk SMS wait, by the clock of each recipient. Urgent and normal SMS do not wait."""
    _name = 'sms.gateway.quiet'
    _description = "SMS Quiet Hours"
    _order = 'company_id, id'

    name = fields.Char("Name", required=True, default=lambda self: self.env._("Quiet Hours"), translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company', "Company", ondelete='cascade', help="Only SMS of this company wait. Leave empty for all.")
    country_ids = fields.Many2many(
        'res.country', 'sms_gateway_quiet_country_rel', 'quiet_id', 'country_id', string="Countries",
        help="Only SMS to numbers of these countries wait. Leave empty for all. Quiet hours of a country replace those "
             "of all countries.")
    start_hour = fields.Float(
        "From", required=True, default=21, help="Enter the time on the recipient's clock at which quiet hours begin.")
    end_hour = fields.Float(
        "Until", required=True, default=8,
        help="Enter the time at which they end; on the next day, if it is earlier than From. Enter the same time as "
             "From if only days off count.")
    spread_minutes = fields.Integer(
        "Spread Over (Minutes)", required=True, default=30,
        help="The SMS that waited are sent over these minutes after the end, so that not all go at once.")
    monday = fields.Boolean("Monday")
    tuesday = fields.Boolean("Tuesday")
    wednesday = fields.Boolean("Wednesday")
    thursday = fields.Boolean("Thursday")
    friday = fields.Boolean("Friday")
    saturday = fields.Boolean("Saturday")
    sunday = fields.Boolean("Sunday")
    off_dates = fields.Text(
        "Days Off",
        help="Enter the dates on which no bulk SMS are sent, such as 2026-12-24, or 12-25 for every year, separated by "
             "commas or line breaks.")

    _spread_range = models.Constraint(
        'CHECK(spread_minutes BETWEEN 0 AND 720)', "Spread Over: enter 0 to 720 minutes.")
    _hours_range = models.Constraint(
        'CHECK(start_hour >= 0 AND start_hour < 24 AND end_hour >= 0 AND end_hour <= 24)',
        "From and Until: enter times from 00:00 to 24:00.")

    # === CONSTRAINT METHODS === #

    @api.constrains('off_dates')
    def _check_off_dates(self):
        for hours in self:
            try:
                parse_dates(hours.off_dates or '')
            except ProblemError as error:
                raise ValidationError(self.env['sms.gateway.problem']._word(error.problem)) from None

    @api.constrains('start_hour', 'end_hour', *WEEKDAYS)
    def _check_is_ever_loud(self):
        for hours in self:
            rule = make_rule(
                hours.start_hour, hours.end_hour, 0, None, '', [hours[day] for day in WEEKDAYS], ())
            if len(rule.weekdays) == len(WEEKDAYS) or (rule.start, rule.end) == (0, 24 * 60):
                raise ValidationError(self.env._(
                    "With these quiet hours, no bulk SMS would ever be sent. Shorten them, or leave out a weekday."))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        self._clear_rules()
        return super().create(vals_list)

    def write(self, vals):
        """Let SMS that wait be decided anew, because the hours may have become shorter."""
        self._clear_rules()
        result = super().write(vals)
        self._reconsider()
        return result

    def unlink(self):
        self._clear_rules()
        result = super().unlink()
        self._reconsider()
        return result

    # === BUSINESS METHODS === #

    @api.model
    @ormcache()
    def _get_rules(self):
        """
        :return: all quiet hours. Cached, so that each claim may ask
        :rtype: tuple[QuietHours, ...]
        """
        return tuple(
            make_rule(
                hours.start_hour, hours.end_hour, hours.spread_minutes, hours.company_id.id, hours.off_dates,
                [hours[day] for day in WEEKDAYS], hours.country_ids.mapped('code'))
            for hours in self.sudo().search([]))

    @api.model
    def _clear_rules(self):
        """Read the rules again, and once more after the commit: until then, claims read the old ones."""
        self.env.registry.clear_cache()
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    @api.model
    def _reconsider(self):
        """Let the next claims decide on all SMS that wait for quiet hours."""
        self.env['sms.gateway.release']._start()
