# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
from collections import Counter
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import str2bool

from ..models.sms_sms_values import MESSAGE_TYPES
from ..sending.immediate import build_test, read_test, send_tests
from ..sending.sent_before import recall, remember
from ..sending.store.results import save_results
from ..sending.store.transactions import OwnTransactions
from ..sending.store.wording import word_results
from ..tools.actions import open_form
from ..tools.answer import doubt, mapping
from ..tools.answer.interpretation import HttpAnswer, interpret
from ..tools.display import pretty
from ..tools.problem import ProblemError
from ..tools.request.builder import Recipient, shown_request
from ..tools.request.config import RenderError

MAX_NUMBERS = 10


def split_numbers(text):
    """Return the numbers of a text, each once. A plus begins the next one: an input field drops pasted line breaks.

    :rtype: list[str]
    """
    numbers = [number.strip() for number in re.split(r'[,;\n]|(?<=\d)\s*(?=\+)', text or '')]
    return list(dict.fromkeys(filter(None, numbers)))


class SmsGatewayTest(models.TransientModel):
    """Sends one SMS through a gateway in any state, bypassing the queue, and shows request and response."""
    _name = 'sms.gateway.test'
    _description = "Send Test SMS"
    _rec_name = 'number'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, readonly=True, ondelete='cascade')
    number = fields.Char(
        "Number", required=True, default=lambda self: self.env.user.phone,
        help="Enter a number with its country code, or up to 10 numbers separated by commas.")
    body = fields.Text("Text", required=True, default=lambda self: self.env._("Test from Odoo"))

    uses_dlt = fields.Boolean(related='gateway_id.uses_dlt')
    uses_message_type = fields.Boolean(related='gateway_id.uses_message_type')
    dlt_template_id = fields.Char(
        "DLT Template ID", help="For numbers of India: enter the ID under which the text is registered with DLT.")
    message_type = fields.Selection(MESSAGE_TYPES, "Message Type", default='transactional')

    parent_id = fields.Many2one('sms.gateway.test', "All Numbers", readonly=True, ondelete='cascade', index=True)
    line_ids = fields.One2many('sms.gateway.test', 'parent_id', "Results", readonly=True)

    # Result
    sms_uuid = fields.Char(readonly=True)
    level = fields.Selection(
        [('success', "Accepted"), ('warning', "Unclear"), ('danger', "Failed")], readonly=True)
    result = fields.Char("Result", readonly=True, help="What happens to an SMS with this response.")
    verdict = fields.Char("Interpretation", readonly=True)
    http_code = fields.Char("HTTP Code", readonly=True)
    duration = fields.Integer("Duration (ms)", readonly=True)
    message_id = fields.Char("Message ID", readonly=True)
    request = fields.Text("Request", readonly=True)
    response = fields.Text("Raw Response", readonly=True)
    response_shown = fields.Text("Response", compute='_compute_response_shown')
    value_ids = fields.One2many('sms.gateway.test.value', 'test_id', "Values of the Response")
    is_mapping = fields.Boolean(readonly=True, help="Show the values of the response.")
    # not stored, because the row is written in a separate transaction
    status_id = fields.Many2one('sms.gateway.status', "Status", compute='_compute_status_id')
    segment_count = fields.Integer(related='status_id.segment_count', related_sudo=False)
    text_encoding = fields.Selection(related='status_id.text_encoding', related_sudo=False)
    is_text_replaced = fields.Boolean(related='status_id.is_text_replaced', related_sudo=False)
    delivered_date = fields.Datetime(related='status_id.delivered_date', related_sudo=False)
    waits_for_report = fields.Boolean(related='status_id.awaits_report', related_sudo=False)
    report_failure = fields.Char(compute='_compute_report_failure')
    delivery_note = fields.Char(readonly=True, help="Why there is no delivery report.")

    # === COMPUTE METHODS === #

    def _compute_status_id(self):
        for test in self:
            test.status_id = test.sms_uuid and self.env['sms.gateway.status'].search(
                [('sms_uuid', '=', test.sms_uuid)], limit=1)

    @api.depends('status_id')
    def _compute_report_failure(self):
        for test in self:
            status = test.status_id
            is_failed = status.report_date and not status.awaits_report and status.state in ('error', 'canceled')
            labels = dict(status._fields['state']._description_selection(self.env))
            test.report_failure = is_failed and (status._get_reason() or labels[status.state])

    @api.depends('response')
    def _compute_response_shown(self):
        for test in self:
            test.response_shown = pretty(test.response or '')

    # === ACTION METHODS === #

    def action_send(self):
        self.ensure_one()
        self.gateway_id.check_access('read')  # the following code bypasses access rights
        if str2bool(self.env['ir.config_parameter'].sudo().get_param('database.is_neutralized') or '', default=False):
            raise UserError(self.env._("This database is neutralized and sends no SMS."))
        numbers = split_numbers(self.number)
        if len(numbers) > MAX_NUMBERS:
            raise UserError(self.env._("Enter at most %s numbers.", MAX_NUMBERS))
        self.line_ids.unlink()
        if len(numbers) > 1:
            lines = self.create([
                {
                    'parent_id': self.id, 'gateway_id': self.gateway_id.id, 'number': number, 'body': self.body,
                    'dlt_template_id': self.dlt_template_id, 'message_type': self.message_type,
                }
                for number in numbers])
            lines._send()
            self._show_lines()
        else:
            self.number = ''.join(numbers)
            self._send()
        return self.action_refresh()

    def action_refresh(self):
        """Show this dialog again, updated from the delivery report if there is one."""
        return open_form(self, name=self.env._("Send Test SMS"), target='new')

    def action_open_all(self):
        """Return to the results of all numbers."""
        return self.parent_id.action_refresh()

    def action_check_delivery(self):
        """Show the delivery report, or say what arrived instead."""
        self.ensure_one()
        self.delivery_note = self.waits_for_report and self._explain_missing_report()
        return self.action_refresh()

    def action_simulate_delivered(self):
        """Apply a delivery report as if the provider had sent it."""
        self.ensure_one()
        self.status_id.action_simulate_delivered()
        return self.action_refresh()

    def action_map(self):
        """Show the values of the response."""
        self.ensure_one()
        self.is_mapping = True
        return self.action_refresh()

    def action_apply(self):
        """Save on the gateway how its responses are read, and read this one again."""
        self.ensure_one()
        chosen = {line.path: line.meaning for line in self.value_ids if line.meaning}
        labels = dict(self.value_ids._fields['meaning']._description_selection(self.env))
        values = mapping.list_values(self.response or '')
        for meaning, count in Counter(chosen.values()).items():
            if count > 1:
                raise UserError(self.env._("Only one value can be the %s.", labels[meaning]))
        for value in values:
            if (meaning := chosen.get(value.path)) and meaning not in value.meanings:
                raise UserError(self.env._(
                    "The %s can only be read from a JSON response. Leave the meaning empty.", labels[meaning]))
        settings = mapping.make_settings(values, chosen)
        if not settings:
            raise UserError(self.env._("Select the meaning of at least one value."))
        self.gateway_id.write(settings)
        config = replace(self.gateway_id._get_configs()[self.gateway_id.id], track_status=True)
        answer = HttpAnswer(int(self.http_code), self.response, duration=self.duration)
        result, = interpret(config.answer, [Recipient(self.sms_uuid, self.number, self.body)], answer)
        self._show_result(config, replace(result, error_message=self.env['sms.gateway.problem']._word_result(result)))
        self.is_mapping = False
        return self.action_refresh()

    def action_open_status(self):
        return self.status_id._get_action()

    # === BUSINESS METHODS === #

    def _send(self):
        """Send these tests of one gateway, each in a request of its own, and show their results."""
        gateway = self.gateway_id
        config = replace(gateway._get_configs()[gateway.id], track_status=True)
        company = gateway.company_id or self.env.company
        sent = {test: recall(self.env.cr, test._get_key()) for test in self}
        requests = {test: request for test in self if not sent[test] and (request := test._build(config, company))}
        answers = send_tests(config, list(requests.values()))
        for (test, request), answer in zip(requests.items(), answers, strict=True):
            sent[test] = request, answer
            remember(self.env.cr, test._get_key(), sent[test])
        queued = {
            test: read_test(config, test.number, test.body, company.id, *pair) for test, pair in sent.items() if pair}
        if not queued:
            return
        word_results(self.env, list(queued.values()))
        OwnTransactions(self.env).write(lambda env: self._save(env, list(queued.values()), config), len(queued))
        for test, one in queued.items():
            test._show(config, sent[test][0], one.result)

    def _get_key(self):
        return self._name, self.gateway_id.id, self.number, self.body

    def _build(self, config, company):
        """
        :return: the HttpRequest; None if there is none for this number, which the line says
        :raise UserError: if this test has no other number; says what to enter
        """
        country = company.country_id.code
        try:
            return build_test(
                config, self.number, self.body, [country] if country else [], company.id, self.dlt_template_id or '',
                self.message_type or '')
        except ProblemError as error:
            reason = self.env['sms.gateway.problem']._word(error.problem)
            if not self.parent_id:
                raise UserError(reason) from error
            self.write({'level': 'danger', 'result': reason})
            return None

    def _save(self, env, queued, config):
        """Create status rows, as for every SMS, so that delivery reports can be matched."""
        save_results(env, queued, {config.gateway_id: config})
        env['sms.gateway.status'].search([('sms_uuid', 'in', [sms.uuid for sms in queued])]).is_test = True

    def _show_lines(self):
        """Sum up the results of several numbers."""
        levels = self.line_ids.mapped('level')
        self.write({
            'level': next(level for level in ('danger', 'warning', 'success') if level in levels),
            'result': self.env._(
                "%(accepted)s of %(count)s SMS accepted.", accepted=levels.count('success'), count=len(levels)),
            'response': False,
            'value_ids': [Command.clear()],
            'is_mapping': False,
            'sms_uuid': False,
        })

    def _show(self, config, request, result):
        self.write({
            'sms_uuid': request.recipients[0].uuid,
            'delivery_note': False,
            'duration': result.duration,
            'request': self._show_request(config, request),
            'response': result.response_text or result.error_message,
        })
        self._show_result(config, result)
        self._list_values(result)

    def _show_result(self, config, result):
        uncertain = doubt.doubt(config.answer, result, result.response_text)
        level = {'success': 'success', 'pending': 'warning'}.get(result.state, 'danger')
        self.write({
            'level': 'warning' if uncertain else level,
            'result': self._explain_doubt(uncertain) if uncertain else self._explain_result(config, result),
            'verdict': self._explain_rule(config, result),
            'http_code': str(result.http_code or '') or self.env._("No response"),
            'message_id': result.message_id,
        })

    def _list_values(self, result):
        """List the values of the response, with what the gateway reads already, else with a guess."""
        gateway = self.gateway_id
        values = mapping.list_values(result.response_text) if result.http_code else []
        failed = mapping.is_failed(result.response_text, result.state)
        known = {
            gateway[f'answer_{meaning}_path']: meaning for meaning in mapping.MEANINGS
            if gateway[f'answer_{meaning}_path']}
        described = {*known.values(), *(
            meaning for meaning in ('message_id', 'error_code') if gateway[f'{meaning}_regex'] and result.message_id)}
        guessed = {
            path: meaning for path, meaning in mapping.guess(values, self.number, self.body, failed).items()
            if meaning not in described}
        meanings = guessed | {value.path: known[value.path] for value in values if value.path in known}
        self.write({
            'value_ids': [Command.clear(), *(
                Command.create({'path': value.path, 'value': value.value, 'meaning': meanings.get(value.path)})
                for value in values)],
            'is_mapping': bool(values) and self.level != 'success' and not result.message_id,
        })

    def _show_request(self, config, request):
        try:
            shown = shown_request(config.request, request.recipients)
        except RenderError as error:  # with masked secrets, two keys can be the same
            return self.env['sms.gateway.problem']._word(error.problem)
        return shown.as_text(shown.body and pretty(shown.body.decode()))

    def _explain_result(self, config, result):
        """Explain what happens to an SMS with this result (doc/behaviour.md section 5)."""
        if result.state == 'success':
            if config.waits_for_report:
                return self.env._("Sent. It becomes Delivered when the delivery report arrives.")
            return self.env._("Sent.")
        if result.state == 'pending':
            if config.waits_for_report:
                return self.env._("Processing until a delivery report arrives.")
            return self.env._("Sent, although the response does not confirm it.")
        if result.retryable:
            return self.env._("Failed: %s", result.error_message)
        failure = dict(self.env['sms.gateway.status']._fields['failure_type']._description_selection(self.env)).get(
            result.failure_type, result.failure_type)
        return self.env._("Failed (%(failure)s): %(reason)s", failure=failure, reason=result.error_message)

    def _explain_missing_report(self):
        """Explain what arrived since the SMS was sent, if not its final delivery report."""
        status = self.status_id
        if status.note:
            return status.note
        if status.report_date:
            return self.env._("The provider reported that the SMS is on its way. The final delivery report is missing.")
        sent_date = status.sent_date or status.create_date
        reports = self.env['sms.gateway.received.report'].search(
            [('gateway_id', '=', self.gateway_id.id)], limit=100).filtered(
                lambda report: report.create_date >= sent_date)
        if 'unmatched' in reports.mapped('result'):
            return self.env._(
                "No delivery report for this SMS yet, but reports arrived that match no SMS. Check UUID Param and "
                "Message ID Param, and compare with Delivery Reports.")
        if reports:
            return self.env._("No delivery report for this SMS yet. Reports for other SMS are arriving.")
        return self.env._(
            "No delivery report yet. The provider has not called the Callback URL since the SMS was sent.")

    def _explain_doubt(self, uncertain):
        """Explain why the response does not confirm that the SMS was sent."""
        return {
            doubt.EMPTY: self.env._("Only the HTTP code was checked: the response is empty."),
            doubt.PAGE: self.env._(
                "Only the HTTP code was checked, and the response is a web page. Check the Base URL."),
            doubt.ERROR: self.env._(
                "Only the HTTP code was checked, and the response looks like an error. Check whether the SMS arrives."),
            doubt.UNREAD: self.env._(
                "Only the HTTP code was checked: no setting of the gateway reads the response."),
        }[uncertain]

    def _explain_rule(self, config, result):
        """Explain which rule of doc/behaviour.md section 5 applied, with the labels of the form."""
        rules = config.answer
        codes = ', '.join(map(str, sorted(rules.success_http_codes)))
        markers = ', '.join(filter(None, (rules.success_substring, rules.success_key)))
        return {
            0: self.env._("The recipient's item in the response decides (JSON Response, Message ID Required)."),
            1: self.env._("There is no response, or its HTTP code is 5xx and not in Success HTTP Codes."),
            2: self.env._("The response contains the Error Key: %s", rules.error_key),
            3: self.env._("The response contains the Success Substring or Success Key: %s", markers),
            4: self.env._("The HTTP code is not in Success HTTP Codes: %s", codes),
            5: self.env._("The response is unclear: it contains no success text, or Success HTTP Codes is empty."),
            6: self.env._("The HTTP code is in Success HTTP Codes: %s", codes),
            7: self.env._("The response contains one of the Failure Codes, whose Outcome applies."),
        }[result.rule]
