# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Asks the provider for the status of SMS whose delivery report is missing (doc/status_queries.md)."""
import time

from odoo import api, fields, models

from ..sending.status_queries import ask_now, select_reports
from ..sending.status_query import Question, WaitingSms
from ..sending.store.transactions import OwnTransactions, is_in_test
from ..tools.actions import show_notification

SECONDS = 10  # for which reports are applied while a user waits


class SmsGatewayAsking(models.AbstractModel):
    _name = 'sms.gateway.asking'
    _description = "Status Queries of a Gateway"

    has_status_query = fields.Boolean(compute='_compute_has_status_query')
    status_query_date = fields.Datetime("Last Status Query", compute='_compute_status_query')
    status_query_error = fields.Char("Last Query Error", compute='_compute_status_query')
    status_query_paused_until = fields.Datetime("Queries Paused Until", compute='_compute_status_query')

    # === COMPUTE METHODS === #

    @api.depends('query_ids.kind')
    def _compute_has_status_query(self):
        for gateway in self:
            gateway.has_status_query = 'status' in gateway.query_ids.mapped('kind')

    def _compute_status_query(self):
        throttles = self.env['sms.gateway.throttle'].sudo().search([('gateway_id', 'in', self._origin.ids)])
        by_gateway = throttles.grouped('gateway_id')
        now = fields.Datetime.now()
        for gateway in self:
            throttle = by_gateway.get(gateway._origin, throttles.browse())
            until = throttle.query_paused_until
            gateway.status_query_date = throttle.query_date
            gateway.status_query_error = throttle.query_words
            gateway.status_query_paused_until = until if until and until > now else False

    # === ACTION METHODS === #

    def action_ask_provider(self):
        """Ask the provider about the SMS that has waited longest for its delivery report, to test the query."""
        self.ensure_one()
        self.check_access('write')
        statuses = self.env['sms.gateway.status']
        domain = [('gateway_id', '=', self.id), ('message_id', '!=', False)]
        status = (
            statuses.search([*domain, ('awaits_report', '=', True)], order='query_date, id', limit=1)
            or statuses.search([*domain, ('state', '=', 'success')], order='id desc', limit=1))
        if not status:
            return show_notification(self.env._(
                "No SMS of this gateway has a message ID yet. Send a test SMS, then ask for its status."), 'warning')
        return self._ask_provider(status)

    # === BUSINESS METHODS === #

    @api.model
    def _get_query_minutes(self):
        """Return the minutes between sending and the first question, by gateway. Dry runs have no provider to ask.

        :rtype: dict[int, int]
        """
        queries = self.env['sms.gateway.query'].sudo().search_fetch(
            [('kind', '=', 'status'), ('gateway_id.is_dry_run', '!=', True)], ['gateway_id', 'delay_minutes'])
        return {query.gateway_id.id: query.delay_minutes for query in queries}

    def _ask_provider(self, status):
        """Ask for the status of an SMS while a user waits, apply the response, and say what it was.

        :param status: an `sms.gateway.status` of this gateway
        :return: a notification
        :rtype: dict
        """
        self.ensure_one()
        query = self.query_ids.filtered(lambda query: query.kind == 'status')
        if refusal := self._get_question_refusal(query, status):
            return show_notification(refusal, 'warning')
        question = Question(query._get_status_query(), [WaitingSms(
            status.id, status.message_id, status.number or '', status.sms_uuid, status.attempt or 1, False)])
        answer = ask_now(question)
        if answer.reports:
            self._store_answers(self.id, [(question, answer)], time.monotonic() + SECONDS)
        if not answer.is_failure:
            OwnTransactions(self.env).write(lambda env: env['sms.gateway.throttle']._note_questions(
                self.id, answer.problem, False, None), 0)
        if answer.problem:
            words, kind = self.env['sms.gateway.problem']._word(answer.problem), 'danger'
        elif not answer.reports:
            words, kind = self.env._("The provider knows the SMS, but has no status for it yet."), 'info'
        else:
            words, kind = self._word_answer(answer.reports), 'success'
        return show_notification(words, kind, self.env._("Status of %s", status.number or status.message_id))

    def _get_question_refusal(self, query, status):
        """Return why the provider cannot be asked about an SMS, '' if it can."""
        if not query:
            return self.env._(
                "This gateway cannot ask for the status of SMS. Add a query of the kind Delivery Status on the Queries "
                "page.")
        if not status.message_id:
            return self.env._("This SMS has no message ID, so its provider cannot be asked about it.")
        if self.is_dry_run:
            return self.env._("This gateway is a dry run, so there is no provider to ask.")
        return ''

    def _word_answer(self, reports):
        meanings = dict(self.env['sms.gateway.received.report']._fields['state']._description_selection(self.env))
        return ', '.join(
            f'{meanings.get(report.state) or self.env._("Unknown status")} ({report.status})' for report in reports)

    @api.model
    def _store_answers(self, gateway_id, answers, deadline):
        """Store the responses to status queries as delivery reports, and apply them, in transactions of their own.

        :param list answers: pairs of Question and StatusAnswer, of one gateway
        :param float deadline: `time.monotonic()` after which reports are left to the queue action
        """
        gateway = self.env['sms.gateway'].browse(gateway_id)
        reports, ended = select_reports(answers)
        if reports and gateway._receive_reports(reports) and not is_in_test():
            gateway._drain_reports(deadline)
        if ended:
            OwnTransactions(self.env).write(
                lambda env: env['sms.gateway.status']._close_missing_reports(ended, has_note=False), len(ended))
