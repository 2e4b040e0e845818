# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Dashboard of a gateway: its last seven days, queue, last success and last failure. Test SMS do not count."""
import json
from datetime import timedelta, timezone

from odoo import api, fields, models
from odoo.tools.misc import format_date

DAYS = 7  # including today
# a list of bars per series, the lowest first
SERIES = ('delivered', 'sent', 'failed')


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    dashboard_graph = fields.Text(compute='_compute_dashboard')
    success_rate = fields.Float(
        "Success Rate", compute='_compute_dashboard',
        help="Share of the SMS of the last seven days that the provider accepted.")
    delivery_rate = fields.Float(
        "Delivery Rate", compute='_compute_dashboard',
        help="Share of the SMS of the last seven days that were delivered.")
    has_week = fields.Boolean(compute='_compute_dashboard', help="SMS were sent in the last seven days.")
    has_reports = fields.Boolean(compute='_compute_dashboard', help="The delivery rate is known.")
    queue_count = fields.Integer(
        "In Queue", compute='_compute_queue_count', help="SMS that wait for this gateway or are being sent.")
    last_success_date = fields.Datetime("Last Success", compute='_compute_last_success_date')
    is_last_failed = fields.Boolean(compute='_compute_is_last_failed', help="No SMS succeeded since the last failure.")

    # === COMPUTE METHODS === #

    @api.depends_context('uid', 'allowed_company_ids', 'tz', 'lang')
    def _compute_dashboard(self):
        """Count by day in the user's time zone, in one query for all gateways."""
        today = fields.Datetime.context_timestamp(self, fields.Datetime.now()).replace(
            hour=0, minute=0, second=0, microsecond=0)
        days = [today.date() - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
        since = (today - timedelta(days=DAYS - 1)).astimezone(timezone.utc).replace(tzinfo=None)
        counts = self._count_days(since)
        for gateway in self:
            by_day = counts.get(gateway._origin.id, {})
            rows = [by_day.get(day, (0, 0, 0, 0)) for day in days]
            sent, delivered, failed, expected = (sum(column) for column in zip(*rows, strict=True))
            gateway.has_week = bool(sent + failed)
            gateway.has_reports = bool(expected)
            gateway.success_rate = sent / (sent + failed) if sent + failed else 0
            gateway.delivery_rate = delivered / expected if expected else 0
            gateway.dashboard_graph = json.dumps(self._draw(days, rows))

    def _count_days(self, since):
        """
        :param datetime since: midnight of the first day, in UTC
        :return: {gateway id: {date: (accepted, delivered, failed, those whose delivery is known)}}
        :rtype: dict
        """
        counts = {}
        statuses = self.env['sms.gateway.status'].with_context(
            tz=self.env.context.get('tz') or self.env.user.tz or 'UTC')
        for gateway, day, *row in statuses._read_group(
                [('gateway_id', 'in', self._origin.ids), ('create_date', '>=', since), ('is_test', '!=', True)],
                ['gateway_id', 'create_date:day'],
                ['sent_count:sum', 'delivered_count:sum', 'failed_count:sum', 'delivery_rate:count']):
            counts.setdefault(gateway.id, {})[day.date()] = row
        return counts

    @api.model
    def _draw(self, days, rows):
        """Return the series for the graph widget."""
        bars = [
            {'delivered': delivered, 'sent': max(sent - delivered, 0), 'failed': failed}
            for sent, delivered, failed, _expected in rows]
        labels = {
            'delivered': self.env._("Delivered"), 'sent': self.env._("Sent"), 'failed': self.env._("Failed")}
        return [
            {
                'key': labels[name],
                'name': name,
                'values': [
                    {'label': format_date(self.env, day, date_format='EEE'), 'value': bar[name]}
                    for day, bar in zip(days, bars, strict=True)],
            }
            for name in SERIES]

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_queue_count(self):
        counts = dict(self.env['sms.sms']._read_group(
            [('gateway_id', 'in', self._origin.ids), ('state', 'in', ('outgoing', 'process')),
             ('to_delete', '!=', True), '|', ('state', '=', 'outgoing'), ('claimed_until', '!=', False)],
            ['gateway_id'], ['__count']))
        for gateway in self:
            gateway.queue_count = counts.get(gateway._origin, 0)

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_last_success_date(self):
        statuses = self.env['sms.gateway.status']
        last = {status.gateway_id.id: status for status in statuses._find_last(self._origin.ids, ('success',))}
        for gateway in self:
            status = last.get(gateway._origin.id, statuses)
            gateway.last_success_date = status.sent_date or status.create_date

    @api.depends('last_error_date', 'last_success_date')
    def _compute_is_last_failed(self):
        for gateway in self:
            success, failure = gateway.last_success_date, gateway.last_error_date
            gateway.is_last_failed = failure and not (success and success > failure)

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_tests(self):
        """Delete the statuses of test SMS; `_unlink_except_used` refuses gateways with any other."""
        self.env['sms.gateway.status'].sudo().search(
            [('gateway_id', 'in', self.ids), ('is_test', '=', True)]).unlink()

    # === ACTION METHODS === #

    def action_view_queue(self):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('sms.sms_sms_action')
        return dict(action, domain=[
            ('gateway_id', '=', self.id), ('state', 'in', ('outgoing', 'process')), ('to_delete', '!=', True)])
