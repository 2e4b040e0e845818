# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import api, fields, models

KEEP_DAYS = 7


class SmsGatewayFlood(models.Model):
    """The number of SMS to one country in one day (UTC), counted only while there is a limit."""
    _name = 'sms.gateway.flood'
    _description = "SMS per Country and Day"
    _log_access = False

    country = fields.Char(required=True)
    day = fields.Date(required=True)
    count = fields.Integer(required=True)

    _country_unique = models.Constraint('unique(country, day)', "There is one count per country and day.")

    @api.model
    def _count(self, country, number, limit):
        """Count SMS that are about to be sent. Those above the limit are not counted.

        :return: the count that they would reach
        :rtype: int
        """
        self.env.cr.execute("""
            WITH day AS (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS today),
            known AS (
                INSERT INTO sms_gateway_flood AS flood (country, day, count)
                SELECT %(country)s, today, 0 FROM day
                ON CONFLICT (country, day) DO UPDATE SET count = flood.count RETURNING id, count)
            SELECT id, count FROM known
        """, {'country': country})
        flood_id, count = self.env.cr.fetchone()  # the row is locked now
        total = count + number
        self.env.cr.execute(
            "UPDATE sms_gateway_flood SET count = %s WHERE id = %s", [max(count, min(total, limit)), flood_id])
        return total

    @api.autovacuum
    def _gc_floods(self):
        self.search([('day', '<', fields.Date.today() - timedelta(days=KEEP_DAYS))]).unlink()
