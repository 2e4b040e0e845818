# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.fields import Command

from ..models.sms_gateway_callback_failure_map import FAILURE_TYPES
from ..models.sms_gateway_received_report import STATES
from ..tools.report.body import ReportError
from ..tools.report.parsing import parse_reports
from ..tools.report.sample import guess_kind, make_call

MAX_LINES = 100


class SmsGatewayReportSample(models.TransientModel):
    """Shows how a gateway reads a pasted delivery report. Nothing is stored or applied."""
    _name = 'sms.gateway.sample'
    _description = "Read a Sample Report"
    _rec_name = 'gateway_id'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, readonly=True, ondelete='cascade')
    sample = fields.Text(
        "Sample", store=False, help="Paste what the provider sends: the URL that it calls or its query string, or the "
                                    "body of the request.")
    kind = fields.Selection(
        [
            ('query', "Query String (GET)"),
            ('form', "Form (POST)"),
            ('json', "JSON (POST)"),
            ('xml', "XML (POST)"),
        ],
        "Format", required=True, default='query')
    line_ids = fields.One2many(
        'sms.gateway.sample.line', 'sample_id', "Delivery Reports", compute='_compute_line_ids')
    problem = fields.Char("Problem", compute='_compute_line_ids')
    hint = fields.Char("Hint", compute='_compute_line_ids')

    # === COMPUTE METHODS === #

    @api.depends('gateway_id', 'sample', 'kind')
    @api.depends_context('lang')
    def _compute_line_ids(self):
        for wizard in self:
            reports, problem, hint = wizard._read() if (wizard.sample or '').strip() else ([], '', '')
            wizard.line_ids = [Command.clear(), *(
                Command.create({name: getattr(report, name) for name in (
                    'uuid', 'message_id', 'number', 'status', 'state', 'error_code', 'error_message', 'failure_type')})
                for report in reports[:MAX_LINES])]
            wizard.problem, wizard.hint = problem, hint

    # === ONCHANGE METHODS === #

    @api.onchange('sample')
    def _onchange_sample(self):
        self.kind = guess_kind(self.sample or '')

    # === BUSINESS METHODS === #

    def _read(self):
        """
        :return: the reports, why a call like this is refused, and what to check otherwise
        :rtype: tuple[list[DeliveryReport], str, str]
        """
        rules = self.gateway_id._get_report_rules()
        try:
            reports = parse_reports(rules, *make_call(self.kind, self.sample))
        except ReportError as error:
            return error.reports, self.env._(
                "The provider would get HTTP %(status)s: %(reason)s", status=error.status,
                reason=self.env['sms.gateway.problem']._word(error.problem)), ''
        if not reports:
            return [], '', self.env._(
                "The provider would get HTTP 200, but there is no delivery report: nothing was found at the Status "
                "Param, %s. Enter the name or path of the status.", rules.status_param or '""')
        if unknown := sorted({report.status for report in reports if not report.state}):
            return reports, '', self.env._(
                "Unknown delivery status: %s. Add it to one of the gateway's status lists.", ', '.join(unknown))
        return reports, '', ''


class SmsGatewayReportSampleLine(models.TransientModel):
    _name = 'sms.gateway.sample.line'
    _description = "Sample Delivery Report"

    sample_id = fields.Many2one('sms.gateway.sample', required=True, ondelete='cascade')
    uuid = fields.Char("UUID", readonly=True)
    message_id = fields.Char("Message ID", readonly=True)
    number = fields.Char("Number", readonly=True)
    status = fields.Char("Status", readonly=True)
    state = fields.Selection(STATES, "Meaning", readonly=True)
    error_code = fields.Char("Error Code", readonly=True)
    error_message = fields.Char("Error Message", readonly=True)
    failure_type = fields.Selection(FAILURE_TYPES, "Failure Type", readonly=True)
