# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import api, fields, models

LOOK_BACK_DAYS = 7
MAX_DAYS = 999  # more is no forecast


class SmsGatewayForecast(models.AbstractModel):
    """How long the balance of a gateway lasts, by what its SMS of the last days cost."""
    _name = 'sms.gateway.forecast'
    _description = "SMS Gateway Forecast"

    balance_spending = fields.Float(
        "Spent per Day", digits=(16, 4), readonly=True, copy=False,
        help="Average price of the SMS of the last 7 days per day, in the currency of the balance.")
    balance_days_threshold = fields.Integer(
        "Minimum Days", copy=False,
        help="If the balance lasts for fewer days, the responsible users are alerted as well. Enter 0 for no alert.")
    balance_forecast = fields.Char(
        "Forecast", compute='_compute_balance_forecast',
        help="How long the balance lasts if as much is spent per day as in the last 7 days. Empty if the price of the "
             "SMS is not known in the currency of the balance.")

    @api.depends('balance', 'balance_spending')
    @api.depends_context('lang')
    def _compute_balance_forecast(self):
        for gateway in self:
            days = gateway._get_balance_days()
            if days is None:
                gateway.balance_forecast = False
            elif days < 1:
                gateway.balance_forecast = self.env._("Lasts less than a day")
            elif days < 2:
                gateway.balance_forecast = self.env._("Lasts about a day")
            else:
                gateway.balance_forecast = self.env._("Lasts about %s days", int(min(days, MAX_DAYS)))

    def _get_balance_days(self):
        """Return for how many days the balance lasts.

        :return: None if it is not known
        :rtype: float or None
        """
        self.ensure_one()
        if self.balance_spending <= 0:
            return None
        return max(0, self.balance) / self.balance_spending

    def _update_spending(self):
        """Read what the SMS of the last days cost per day, or since the first of them if that is later."""
        self.ensure_one()
        now = fields.Datetime.now()
        since = now - timedelta(days=LOOK_BACK_DAYS)
        self.env['sms.gateway.status'].flush_model()
        self.env.cr.execute("""
            SELECT COALESCE(sum(price), 0)::float + (
                SELECT COALESCE(sum(earlier.price), 0)::float
                FROM sms_gateway_attempt earlier JOIN sms_gateway_status last USING (sms_uuid)
                WHERE earlier.date >= %(since)s AND earlier.gateway_id = %(gateway)s
                AND upper(earlier.price_currency) = upper(%(currency)s) AND earlier.attempt < last.attempt
            ), min(create_date) FROM sms_gateway_status
            WHERE create_date >= %(since)s AND gateway_id = %(gateway)s AND upper(price_currency) = upper(%(currency)s)
        """, {'since': since, 'gateway': self.id, 'currency': self.balance_currency or ''})
        spent, first = self.env.cr.fetchone()
        days = max(1, (now - first) / timedelta(days=1)) if first else LOOK_BACK_DAYS
        self.balance_spending = spent / min(days, LOOK_BACK_DAYS)
