# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Form, list and cards: preview, figures, dashboard, and actions that mend a request or open other views."""
import json
from datetime import timedelta, timezone

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools.misc import format_date

from ..sending.store.claims import release_waiting
from ..tools.actions import open_form
from ..tools.problem import ProblemError
from ..tools.request.builder import preview
from ..tools.request.curl import to_curl
from ..tools.request.spelling import correct, find_misspelled
from ..tools.request.usage import RequestUsage
from .sms_gateway import CREDENTIALS
from .sms_gateway_status import FAILED

# the credentials that an authentication type requires, whatever the request contains
REQUIRED = {'api_key': {'api_key'}, 'token': {'token'}, 'basic': {'username', 'password'}, 'custom': set(CREDENTIALS)}
USED = (*CREDENTIALS, 'sender', 'account_id', 'encoding')
# the header that Add Header adds if the request does not use the credential
AUTH_HEADERS = {'token': ('Authorization', 'Bearer {token}'), 'api_key': ('X-API-Key', '{api_key}')}
FAILING_HOURS = 24
DAYS = 7  # on the dashboard, including today
SERIES = ('delivered', 'sent', 'failed')  # bars of the dashboard, the lowest first
LAST_SMS = 50
# everything that a request is built from
REQUEST_FIELDS = (
    'base_url', 'method', 'request_type', 'supports_multiple_recipients', 'multi_recipient_separator',
    'max_recipients', 'number_format', 'sender', 'account_id', 'encoding_gsm', 'encoding_unicode', 'auth_type',
    'smart_encoding', 'dlt_entity_id', 'message_type_transactional', 'message_type_promotional', 'body_template',
    'delivery_callback_enabled', 'parameter_ids', 'header_ids', *CREDENTIALS,
    *(f'parameter_ids.{name}' for name in ('sequence', 'key', 'value', 'param_type', 'only_for')),
    *(f'header_ids.{name}' for name in ('sequence', 'key', 'value')),
    *(f'sender_ids.{name}' for name in ('country_id', 'company_id', 'sender')),
)


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    warnings = fields.Html("Warnings", compute='_compute_warnings', sanitize=False)
    request_preview = fields.Text("Request Preview", compute='_compute_request_preview')
    request_curl = fields.Text(
        "curl Command", compute='_compute_request_curl',
        help="The same request as a shell command. Secrets are replaced by environment variables, for example $TOKEN.")
    uses_api_key = fields.Boolean(compute='_compute_uses')
    uses_token = fields.Boolean(compute='_compute_uses')
    uses_username = fields.Boolean(compute='_compute_uses')
    uses_password = fields.Boolean(compute='_compute_uses')
    uses_sender = fields.Boolean(compute='_compute_uses')
    uses_account_id = fields.Boolean(compute='_compute_uses')
    uses_encoding = fields.Boolean(compute='_compute_uses')

    paused_until = fields.Datetime(
        "Paused Until", compute='_compute_paused_until',
        help="No SMS are sent through this gateway until then. Sending resumes automatically.")
    pause_reason = fields.Char(
        "Pause Reason", compute='_compute_paused_until', help="Why the gateway is paused, and what the provider said.")
    sms_count = fields.Integer("Total SMS", compute='_compute_sms_counts')
    sms_sent_count = fields.Integer("Sent SMS", compute='_compute_sms_counts')
    sms_failed_count = fields.Integer("Failed SMS", compute='_compute_sms_counts')
    last_status_ids = fields.Many2many('sms.gateway.status', string="Last SMS", compute='_compute_last_status_ids')
    sent_today_count = fields.Integer("Sent Today", compute='_compute_today_counts')
    failed_today_count = fields.Integer("Failed Today", compute='_compute_today_counts')
    last_error = fields.Char("Last Error", compute='_compute_last_error')
    last_error_date = fields.Datetime("Last Error On", compute='_compute_last_error')
    is_failing = fields.Boolean(
        "Failing", compute='_compute_is_failing', search='_search_is_failing',
        help="Active, with more failed than accepted SMS in the last 24 hours, test SMS not counted.")

    is_misspelled = fields.Boolean(compute='_compute_mistakes')
    is_token_unused = fields.Boolean(compute='_compute_mistakes')
    is_api_key_unused = fields.Boolean(compute='_compute_mistakes')

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

    # === COMPUTE METHODS - REQUEST === #

    @api.depends_context('lang')
    @api.depends(lambda self: (
        *REQUEST_FIELDS, 'state', 'active', 'is_template', 'sequence', 'country_prefixes', 'company_id',
        'create_status', 'message_id_regex', 'query_ids.kind', 'inbound_enabled', 'delivery_callback_check',
        'delivery_callback_signature_header', 'delivery_callback_signature_algorithm',
        'delivery_callback_signature_key', 'delivery_callback_signature_content', 'delivery_callback_check_key',
        'delivery_callback_check_username', 'delivery_callback_check_password', 'delivery_callback_check_networks',
        *(name for name in self._fields if name.endswith(('_path', '_param'))),
        *(f'query_ids.{name}' for name in self.env['sms.gateway.query']._fields if name.endswith('_path'))))
    def _compute_warnings(self):
        for gateway in self:
            sentences = [] if gateway.is_template else self.env['sms.gateway.warning']._get_warnings(gateway)
            items = Markup().join(Markup("<li>%s</li>") % sentence for sentence in sentences)
            gateway.warnings = sentences and Markup('<ul class="mb-0 ps-3">%s</ul>') % items

    @api.depends_context('lang')
    @api.depends(*REQUEST_FIELDS)
    def _compute_request_preview(self):
        for gateway in self:
            try:
                gateway.request_preview = preview(gateway._get_request_config(), gateway._get_sample_recipients())
            except ProblemError as error:
                gateway.request_preview = self.env['sms.gateway.problem']._word(error.problem)

    @api.depends(*REQUEST_FIELDS)
    def _compute_request_curl(self):
        for gateway in self:
            try:
                gateway.request_curl = to_curl(gateway._get_request_config(), gateway._get_sample_recipients())
            except ValueError:
                gateway.request_curl = False  # Request Preview shows the error

    @api.depends(*REQUEST_FIELDS)
    def _compute_uses(self):
        for gateway in self:
            needed = RequestUsage(gateway._get_request_config()).names | REQUIRED.get(gateway.auth_type, set())
            for name in USED:
                has_value = any(gateway[field] for field in (name, f'{name}_gsm') if field in self._fields)
                gateway[f'uses_{name}'] = name in needed or has_value

    @api.depends(*REQUEST_FIELDS)
    def _compute_mistakes(self):
        for gateway in self:
            gateway.is_misspelled = bool(find_misspelled(gateway._get_request_texts()))
            unused = gateway._get_unused_credential(RequestUsage(gateway._get_request_config()).names)
            gateway.is_token_unused = unused == 'token'
            gateway.is_api_key_unused = unused == 'api_key'

    # === COMPUTE METHODS - FIGURES === #

    @api.depends_context('lang')
    def _compute_paused_until(self):
        throttles = self.env['sms.gateway.throttle'].sudo().search(
            [('gateway_id', 'in', self.ids), ('paused_until', '>', fields.Datetime.now())])
        by_gateway = throttles.grouped('gateway_id')
        for gateway in self:
            throttle = by_gateway.get(gateway._origin, throttles.browse())
            gateway.paused_until = throttle.paused_until
            gateway.pause_reason = throttle and throttle._get_reason()

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_sms_counts(self):
        counts = self.env['sms.gateway.status']._count_by_gateway([('gateway_id', 'in', self.ids)])
        for gateway in self:
            gateway.sms_count, gateway.sms_sent_count, gateway.sms_failed_count = counts.get(
                gateway._origin.id, (0, 0, 0))

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_last_status_ids(self):
        for gateway in self:
            gateway.last_status_ids = self.env['sms.gateway.status'].search(
                [('gateway_id', '=', gateway._origin.id)], limit=LAST_SMS)

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_today_counts(self):
        """Count since midnight in the user's time zone."""
        now = fields.Datetime.context_timestamp(self, fields.Datetime.now())
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(timezone.utc).replace(tzinfo=None)
        counts = self.env['sms.gateway.status']._count_by_gateway(
            [('create_date', '>=', midnight), ('is_test', '!=', True)])
        for gateway in self:
            _all, gateway.sent_today_count, gateway.failed_today_count = counts.get(gateway._origin.id, (0, 0, 0))

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_last_error(self):
        statuses = self.env['sms.gateway.status']
        failed = {status.gateway_id.id: status for status in statuses._find_last(self.ids, FAILED)}
        for gateway in self:
            status = failed.get(gateway._origin.id, statuses)
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

    @api.model
    def _get_failing_ids(self):
        since = fields.Datetime.now() - timedelta(hours=FAILING_HOURS)
        counts = self.env['sms.gateway.status']._count_by_gateway(
            [('create_date', '>=', since), ('is_test', '!=', True)])
        suspects = [gateway_id for gateway_id, (_all, sent, failed) in counts.items() if failed > sent]
        return set(self.search([*self._get_sending_domain(), ('id', 'in', suspects)]).ids)

    # === COMPUTE METHODS - DASHBOARD === #

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

    def action_test(self):
        """Open Send Test SMS for this gateway."""
        self.ensure_one()
        return open_form(
            self.env['sms.gateway.test'], name=self.env._("Send Test SMS"), target='new',
            context={'default_gateway_id': self.id})

    def action_resume(self):
        """End the pause, and send the SMS that wait for it."""
        self.check_access('write')
        self.env['sms.gateway.throttle'].sudo()._end_pauses(self.ids)
        release_waiting(self.sudo().env, self.ids)

    def action_which_gateway(self):
        return self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_route_action')

    def action_open_documentation(self):
        self.ensure_one()
        return {'type': 'ir.actions.act_url', 'url': self.gateway_documentation_link, 'target': 'new'}

    def action_view_sms(self):
        return self._action_view_status([])

    def action_view_sent_sms(self):
        return self._action_view_status([('state', '=', 'success')])

    def action_view_failed_sms(self):
        return self._action_view_status([('state', 'in', ('error', 'server_error'))])

    def _action_view_status(self, domain):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_status_action')
        return dict(action, domain=[('gateway_id', '=', self.id), *domain], context={})

    def action_view_queue(self):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('sms.sms_sms_action')
        return dict(action, domain=[
            ('gateway_id', '=', self.id), ('state', 'in', ('outgoing', 'process')), ('to_delete', '!=', True)])

    def action_fix_placeholders(self):
        """Replace misspelled placeholders with those that they resemble."""
        self.ensure_one()
        for name in ('base_url', 'body_template'):
            self[name] = correct(self[name] or '') or False
        for rows in (self.parameter_ids, self.header_ids):
            for row in rows:
                row.value = correct(row.value or '') or False

    def action_add_auth_header(self):
        """Add the usual header for a credential that the request does not use."""
        self.ensure_one()
        key, value = AUTH_HEADERS[self.auth_type]
        self.header_ids = [Command.create({'key': key, 'value': value})]

    def action_send_credential(self):
        """Ask for the name of the header or parameter that sends a credential which the request does not use."""
        self.ensure_one()
        return open_form(
            self.env['sms.gateway.send.credential'], name=self.env._("Send Credential"), target='new', context={
                'default_gateway_id': self.id, 'default_credential': self.auth_type, 'dialog_size': 'medium'})

    # === BUSINESS METHODS === #

    def _get_request_texts(self):
        texts = (
            self.base_url, self.body_template, *self.parameter_ids.mapped('value'), *self.header_ids.mapped('value'))
        return [text for text in texts if text]

    def _get_unused_credential(self, names):
        """Return the credential of the Authentication Type if the request does not send it.

        :param names: placeholders of the request
        """
        name = self.auth_type
        is_unused = self.base_url and name in AUTH_HEADERS and name not in names
        return name if is_unused else ''
