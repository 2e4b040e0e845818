# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import re
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..sending.status_queries import ask_aside, trigger_next
from ..sending.status_query import StatusQuery
from ..sending.store.waiting import find_next_questions
from ..tools.report.parsing import parse_value_list
from ..tools.report.query import StatusRules
from ..tools.request.builder import Recipient

_logger = logging.getLogger(__name__)

MAX_IDS = 1000  # in one request
MAX_MINUTES = 7 * 24 * 60
# fields of ReportRules by field of the query
PATHS = {
    'message_id_param': 'message_id_path', 'number_param': 'number_path', 'status_param': 'status_path',
    'error_code_param': 'error_code_path', 'error_message_param': 'error_message_path',
    'price_param': 'price_path', 'currency_param': 'currency_path', 'segments_param': 'segments_path'}


class SmsGatewayQueryStatus(models.AbstractModel):
    """What is only for queries for the status of SMS whose delivery report is missing (doc/status_queries.md)."""
    _name = 'sms.gateway.query.status'
    _description = "SMS Gateway Status Query"

    delay_minutes = fields.Integer(
        "Ask After (min)", default=15, required=True,
        help="Enter how many minutes after sending the provider is asked for the first time if no final delivery "
             "report has arrived. Each interval is twice as long as the one before, up to six hours.")
    ids_per_request = fields.Integer(
        "IDs per Request", default=1, required=True,
        help="Enter how many SMS the provider accepts in one query. If it is more than 1, use {message_ids} instead of "
             "{message_id}.")
    id_separator = fields.Char("ID Separator", default=',', help="Separator between the IDs in {message_ids}.")
    message_id_path = fields.Char(
        "Message ID Path",
        help="Enter the path of the message ID in the response, for example [].id. Leave empty if the response does "
             "not repeat it.")
    number_path = fields.Char(
        "Number Path",
        help="Enter the path of the recipient's number, for example messages[].to, if the SMS of one request share a "
             "message ID.")
    status_path = fields.Char(
        "Status Path",
        help="Enter the path of the status, for example messages[].status. Its values are those of the Delivery "
             "Callbacks page. Leave empty if the whole response is the status.")
    error_code_path = fields.Char("Error Code Path", help="Enter the path of the error code of a failed SMS.")
    error_message_path = fields.Char("Error Message Path", help="Enter the path of the error message of a failed SMS.")
    price_path = fields.Char(
        "Price Path",
        help="Enter the path of the price of the SMS, for example messages[].price. It replaces the price in the "
             "response to sending.")
    segments_path = fields.Char(
        "Segments Path", help="Enter the path of the number of segments, for example messages[].parts.")
    status_regex = fields.Char(
        "Status Regex",
        help="Enter a regular expression that finds the status in a response without paths: the group named status, "
             "or the first group. Groups named id, number, code, error, price, currency and segments find the rest.")
    final_values = fields.Char(
        "Last Status Values",
        help="Enter status values after which the provider reports nothing more, although the SMS is neither delivered "
             "nor failed, for example Sent. Add them to the Pending Values too. The provider is then not asked again.")

    _ids_positive = models.Constraint(
        f'CHECK(ids_per_request BETWEEN 1 AND {MAX_IDS})', f"IDs per Request: enter a number from 1 to {MAX_IDS}.")
    _delay_positive = models.Constraint(
        f'CHECK(delay_minutes BETWEEN 1 AND {MAX_MINUTES})',
        f"Ask After: enter a number of minutes from 1 to {MAX_MINUTES}.")

    # === CONSTRAINT METHODS === #

    @api.constrains(
        'kind', 'ids_per_request', 'message_id_path', 'status_path', 'status_regex', 'final_values')
    def _check_status_paths(self):
        for query in self.filtered(lambda query: query.kind == 'status'):
            try:
                pattern = re.compile(query.status_regex or '')
            except (re.error, OverflowError, RecursionError) as error:
                raise ValidationError(self.env._(
                    "Status Regex: enter a valid regular expression (%s).", error)) from error
            if query.status_regex and (query.status_path or query.message_id_path):
                raise ValidationError(self.env._("Enter either the paths or the Status Regex, not both."))
            if query.status_regex and not pattern.groups:
                raise ValidationError(self.env._(
                    "Status Regex: put the part that is the status in parentheses, for example status=(\\w+)."))
            has_id = 'id' in pattern.groupindex if query.status_regex else query.message_id_path
            if query.ids_per_request > 1 and not has_id:
                raise ValidationError(self.env._(
                    "The query asks about several SMS. Enter the Message ID Path, which says which SMS a status is "
                    "about, or enter 1 as IDs per Request."))

    # === BUSINESS METHODS - REQUEST === #

    def _get_status_sample(self):
        """Return what the preview asks about.

        :rtype: list[Recipient]
        """
        return [
            Recipient(recipient.uuid, recipient.number, '', message_id=f'ID-{index}')
            for index, recipient in enumerate(
                self.gateway_id._get_sample_recipients()[:1] * min(2, max(1, self.ids_per_request)), 1)]

    def _get_status_query(self):
        """Return everything that asking needs.

        :rtype: StatusQuery
        """
        self.ensure_one()
        gateway = self.gateway_id
        gateway._get_secrets()  # are masked in the log from now on
        config = gateway._get_configs()[gateway.id]
        paths = {param: self[name] or '' for param, name in PATHS.items()}
        return StatusQuery(
            gateway_id=gateway.id,
            connection=config.connection,
            request=self._get_request_config(),
            rules=StatusRules(
                report=replace(gateway._get_report_rules(), uuid_param='', inbound_kind_param='', **paths),
                regex=self.status_regex or '',
                final_values=parse_value_list(self.final_values)),
            ids_per_request=self.ids_per_request,
            delay=60 * self.delay_minutes,
            number_format=gateway.number_format,
            rate_limit=gateway.rate_limit,
            wait_header=gateway.wait_header or '',
            wait_regex=gateway.wait_regex or '')

    # === BUSINESS METHODS - QUEUE === #

    @api.model
    def _ask_all_statuses(self, deadline):
        """Ask providers for the status of SMS that are due, beside the queue action, which is triggered for the next
        ones. Whatever fails, SMS are sent.

        :param float deadline: `time.monotonic()` by which the last response must have arrived
        """
        try:
            with self.env.cr.savepoint():
                self._start_questions(deadline)
        except Exception:
            _logger.exception("Providers could not be asked for the status of SMS")

    @api.model
    def _start_questions(self, deadline):
        queries = self.sudo().search([('kind', '=', 'status'), ('gateway_id', 'any', [
            *self.env['sms.gateway']._get_sending_domain(), ('is_dry_run', '=', False)])])
        if not queries:
            return
        gateway_ids = queries.gateway_id.ids
        self.env.flush_all()
        waits = find_next_questions(self.env, gateway_ids)
        due = queries.filtered(lambda query: waits.get(query.gateway_id.id, 1) <= 0)
        if due:
            ask_aside(self.env, [query._get_status_query() for query in due], gateway_ids, deadline)
        else:
            trigger_next(self.env, waits)
