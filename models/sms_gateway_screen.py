# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta, timezone

from odoo import api, fields, models
from odoo.tools import SQL

FAILED = ('error', 'server_error')
FAILING_HOURS = 24


class SmsGateway(models.Model):
    """Figures of lists and cards, and the buttons of the screens."""
    _inherit = 'sms.gateway'

    sent_today_count = fields.Integer("Sent Today", compute='_compute_today_counts')
    failed_today_count = fields.Integer("Failed Today", compute='_compute_today_counts')
    last_error = fields.Char("Last Error", compute='_compute_last_error')
    last_error_date = fields.Datetime("Last Error On", compute='_compute_last_error')
    is_failing = fields.Boolean(
        "Failing", compute='_compute_is_failing', search='_search_is_failing',
        help="Active, and of its SMS of the last 24 hours more failed than were accepted.")

    # === COMPUTE METHODS === #

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_today_counts(self):
        """Since midnight where the user is."""
        now = fields.Datetime.context_timestamp(self, fields.Datetime.now())
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        counts = self._count_since(midnight.astimezone(timezone.utc).replace(tzinfo=None))
        for gateway in self:
            gateway.sent_today_count, gateway.failed_today_count = counts.get(gateway._origin.id, (0, 0))

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_last_error(self):
        statuses = self.env['sms.gateway.status']
        statuses.flush_model()
        # by _search, which leaves out the SMS of companies that the user does not see
        failed = statuses._search([('state', 'in', FAILED)], order='id desc', limit=1)
        failed.add_where(SQL("%s = gateway.id", statuses._field_to_sql(statuses._table, 'gateway_id')))
        rows = self.env.execute_query(SQL(
            "SELECT gateway.id, failed.id FROM unnest(%s::int[]) AS gateway(id) CROSS JOIN LATERAL (%s) AS failed",
            self.ids, failed.select())) if self.ids else []
        failed = {gateway_id: self.env['sms.gateway.status'].browse(status_id) for gateway_id, status_id in rows}
        for gateway in self:
            status = failed.get(gateway._origin.id, self.env['sms.gateway.status'])
            gateway.last_error = status._get_reason()
            gateway.last_error_date = status.write_date

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_is_failing(self):
        failing = self._get_failing_ids()
        for gateway in self:
            gateway.is_failing = gateway._origin.id in failing

    @api.model
    def _search_is_failing(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return [('id', 'in' if True in value else 'not in', list(self._get_failing_ids()))]

    # === ACTION METHODS === #

    def action_test(self):
        """Ask for a number and a text, and send them through this gateway."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Send Test SMS"),
            'res_model': 'sms.gateway.test',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_gateway_id': self.id},
        }

    def action_use_template(self):
        """Make a gateway of the user's own of a template, under the template's name if that is free."""
        self.ensure_one()
        taken = self.with_context(active_test=False).search_count(
            [('name', '=', self.name), ('is_template', '=', False)], limit=1)
        gateway = self.copy({} if taken else {'name': self.name})
        return {
            'type': 'ir.actions.act_window',
            'res_model': self._name,
            'res_id': gateway.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }

    def action_open_templates(self):
        return self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_template_action')

    def action_which_gateway(self):
        return self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_route_action')

    # === BUSINESS METHODS === #

    @api.model
    def _count_since(self, date):
        """Of the SMS that the user may see: a gateway of no company sends for others, too.

        :param datetime date: in UTC
        :return: {gateway id: (accepted or delivered, failed)}
        :rtype: dict[int, tuple[int, int]]
        """
        counts = {}
        for gateway, state, count in self.env['sms.gateway.status']._read_group(
                [('create_date', '>=', date)], ['gateway_id', 'state'], ['__count']):
            sent, failed = counts.get(gateway.id, (0, 0))
            counts[gateway.id] = (
                sent + (count if state == 'success' else 0), failed + (count if state in FAILED else 0))
        return counts

    @api.model
    def _get_failing_ids(self):
        counts = self._count_since(fields.Datetime.now() - timedelta(hours=FAILING_HOURS))
        suspects = [gateway_id for gateway_id, (sent, failed) in counts.items() if failed > sent]
        return set(self.search([*self._get_sending_domain(), ('id', 'in', suspects)]).ids)
