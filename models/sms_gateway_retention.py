# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.tools import SQL
from odoo.tools.constants import GC_UNLINK_LIMIT


class SmsGatewayRetention(models.AbstractModel):
    """Rows that the autovacuum removes after a number of days."""
    _name = 'sms.gateway.retention'
    _description = "SMS Gateway Retention"

    @api.model
    def _remove_old(self, parameter, default, date='create_date', condition=None):
        """Remove old rows, at most as many as the autovacuum removes at a time.

        :param str parameter: system parameter with the number of days; 0 keeps all rows
        :param int default: days without the parameter
        :param str date: the column of their age, in UTC
        :param SQL condition: of the rows that may be removed; all without it
        :return: how many were removed, and whether there may be more
        :rtype: tuple[int, bool]
        """
        days = self.env['sms.gateway']._get_integer_parameter(parameter, default)
        if days <= 0:
            return 0, False
        self.env.cr.execute(SQL(
            "SELECT id FROM %s WHERE %s < (now() AT TIME ZONE 'UTC') - %s * interval '1 day' AND %s LIMIT %s",
            SQL.identifier(self._table), SQL.identifier(date), days, condition or SQL('TRUE'), GC_UNLINK_LIMIT))
        ids = [row_id for row_id, in self.env.cr.fetchall()]
        self._delete_rows(ids)
        return len(ids), len(ids) == GC_UNLINK_LIMIT

    @api.model
    def _delete_rows(self, ids):
        """Delete rows without loading them.

        :param list[int] ids: of this model
        """
        self.env.cr.execute(SQL("DELETE FROM %s WHERE id = ANY(%s)", SQL.identifier(self._table), ids))
