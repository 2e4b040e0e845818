# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports: applied to status row, SMS, notification and SMS Marketing trace; missing reports."""
import logging
import time

from odoo import api, models
from odoo.tools import SQL

from ..sending.store.budgets import add_reported
from ..sending.store.reported_costs import write_earlier_costs, write_reported_costs
from ..sending.store.reported_states import write_reported_states
from ..sending.store.transactions import OwnTransactions, try_statement, try_write
from ..tools.answer.failure_codes import REPORT
from ..tools.attempt import match_keys
from ..tools.report.matching import RANK, SentSms, find_effects

_logger = logging.getLogger(__name__)

# the states of SMS, notification and SMS Marketing trace, for SMS without status row
UNTRACKED_STATES = {
    'canceled': 'canceled', 'cancel': 'canceled', 'error': 'error', 'exception': 'error', 'bounce': 'error',
    'sent': 'delivered',
}
TIMEOUT_BATCH = 1000
TIMEOUT_HOURS = 72
MAX_TIMEOUT_HOURS = 24 * 365 * 10  # an interval that PostgreSQL can represent, which infinity is not


class SmsGatewayStatus(models.Model):
    _inherit = 'sms.gateway.status'

    # === BUSINESS METHODS - MATCHING REPORTS === #

    @api.model
    def _get_own_uuids(self, uuids):
        """Return those UUIDs whose SMS went through gateways.

        :rtype: set[str]
        """
        own = set(self.search([('sms_uuid', 'in', uuids)]).mapped('sms_uuid'))
        for model, field_name in (('sms.tracker', 'sms_uuid'), ('sms.sms', 'uuid')):
            records = self.env[model].search([(field_name, 'in', uuids), ('gateway_id', '!=', False)])
            own.update(records.mapped(field_name))
        return own

    @api.model
    def _apply_reports(self, gateway, reports):
        """Apply delivery reports of a gateway, in this transaction.

        :return: the reports whose SMS is not known (yet)
        :rtype: list[DeliveryReport]
        """
        effects = find_effects(self._find_sent_sms(gateway, reports), reports)
        changed_rows = [(sms, report) for sms, report in effects.changed.values() if sms.row_id]
        self._write_reported_rows(changed_rows, effects)
        for sms, _report in changed_rows:
            del effects.noticed[sms.row_id]
        effects.noticed.pop(None, None)
        self._note_reports(effects.noticed)
        cost_changes = write_reported_costs(
            self.env, gateway, effects.priced, [sms.row_id for sms, _report in changed_rows if not sms.is_accepted])
        cost_changes += write_earlier_costs(self.env, gateway, effects.elsewhere)
        if effects.changed:
            write_reported_states(self.env, {uuid: report for uuid, (_sms, report) in effects.changed.items()})
            gateway._follow_error_codes([
                (gateway, sms.number or report.number, report.error_code)
                for sms, report in effects.changed.values()], REPORT)
        add_reported(self.env, gateway.id, cost_changes)
        return effects.early

    @api.model
    def _find_sent_sms(self, gateway, reports):
        """Find and lock the SMS of a whole batch, in one query for those with status rows.

        :rtype: list[SentSms]
        """
        keys = match_keys(report.uuid for report in reports if report.uuid)
        message_ids = list({report.message_id for report in reports if report.message_id})
        # Without empty arrays: PostgreSQL would replace "= ANY('{}')" with a scan of some partial index.
        conditions = SQL(" OR ").join([
            *([SQL("substr(sms_uuid, 3, 18) = ANY(%s)", keys)] if keys else []),
            *([SQL("message_id = ANY(%s)", message_ids)] if message_ids else [])])
        self.env.cr.execute(SQL(
            """
            SELECT id, sms_uuid, message_id, number, attempt,
                   CASE WHEN delivered_date IS NOT NULL THEN 'delivered' ELSE state END, awaits_report IS TRUE,
                   outcome = 'accepted'
            FROM sms_gateway_status WHERE gateway_id = %s AND (%s) ORDER BY id FOR UPDATE
            """, gateway.id, conditions or SQL("FALSE")))
        sent = [
            SentSms(
                row_id, uuid, message_id or '', number or '', attempt or 1, RANK[state], awaits_report,
                bool(is_accepted))
            for row_id, uuid, message_id, number, attempt, state, awaits_report, is_accepted in self.env.cr.fetchall()
        ]
        if not gateway.create_status and keys:
            tracked = {sms.uuid for sms in sent}  # sent while Track Status was on
            sent += [sms for sms in self._find_untracked_sms(gateway, keys) if sms.uuid not in tracked]
        return sent

    @api.model
    def _find_untracked_sms(self, gateway, keys):
        """Find SMS of a gateway without Track Status: by UUID, in their records and trackers. SMS that are being sent
        are left out, because their response is recorded first.

        :rtype: list[SentSms]
        """
        parameters = {'gateway': gateway.id, 'keys': keys}
        self.env.cr.execute("""
            SELECT uuid, attempt, claimed_until IS NOT NULL FROM sms_sms
            WHERE gateway_id = %(gateway)s AND substr(uuid, 3, 18) = ANY(%(keys)s) ORDER BY id FOR UPDATE
        """, parameters)
        all_sms = {uuid: (attempt, is_claimed) for uuid, attempt, is_claimed in self.env.cr.fetchall()}
        self.env.cr.execute("""
            SELECT sms_uuid FROM sms_tracker
            WHERE gateway_id = %(gateway)s AND substr(sms_uuid, 3, 18) = ANY(%(keys)s) ORDER BY id FOR UPDATE
        """, parameters)
        uuids = {uuid for uuid, in self.env.cr.fetchall()} | all_sms.keys()
        sent = []
        # read after locking, because another report may have changed them in the meantime
        for uuid, states in self.env['sms.tracker']._get_states(uuids).items():
            attempt, is_claimed = all_sms.get(uuid, (None, False))
            if not is_claimed:
                rank = max(RANK[UNTRACKED_STATES.get(state, 'success')] for state in states)
                sent.append(SentSms(None, uuid, '', '', attempt, rank))
        return sent

    # === BUSINESS METHODS - WRITING REPORTS === #

    @api.model
    def _note_reports(self, noticed):
        """Date the first report of an SMS, and note an unknown status. Repeated reports write nothing.

        :param dict noticed: {row id: the unknown status or ''}
        """
        if not noticed:
            return
        self.env.cr.execute("""
            UPDATE sms_gateway_status status
            SET note = COALESCE(NULLIF(v.note, ''), status.note),
                report_date = COALESCE(report_date, (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0))
            FROM unnest(%s::int[], %s::text[]) AS v(id, note)
            WHERE status.id = v.id AND (report_date IS NULL OR v.note NOT IN ('', COALESCE(status.note, '')))
        """, [list(noticed), [self._word_note(status) for status in noticed.values()]])
        self.invalidate_model()

    @api.model
    def _word_note(self, status):
        return status and self.env._(
            "Unknown delivery status: %s. Add it to one of the gateway's status lists.", status)

    @api.model
    def _write_reported_rows(self, rows, effects):
        """Write the final state of status rows, and their notes.

        :param list rows: pairs of SentSms and the DeliveryReport that changes its state
        :param Effects effects: of all reports
        """
        if not rows:
            return
        self.flush_model()
        self.env.cr.execute("""
            UPDATE sms_gateway_status status
            SET state = v.state, outcome = 'accepted',
                delivered_date = CASE WHEN v.state = 'success' THEN now.clock ELSE delivered_date END,
                failure_type = NULLIF(v.failure_type, ''), error_code = NULLIF(v.error_code, ''),
                error_message = NULLIF(v.error_message, ''),
                note = COALESCE(NULLIF(v.note, ''), CASE WHEN NOT v.is_outdated THEN status.note END),
                awaits_report = FALSE, report_date = now.clock, write_date = now.clock
            FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[])
                     AS v(id, state, failure_type, error_code, error_message, note, is_outdated),
                 (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0) AS clock) AS now
            WHERE status.id = v.id
        """, [
            [sms.row_id for sms, _report in rows],
            [report.state for _sms, report in rows],
            [report.failure_type for _sms, report in rows],
            [report.error_code for _sms, report in rows],
            [report.reason for _sms, report in rows],
            [self._word_note(effects.noticed[sms.row_id]) for sms, _report in rows],
            [sms.row_id in effects.outdated for sms, _report in rows],
        ])
        self.invalidate_model()

    # === BUSINESS METHODS - MISSING REPORTS === #

    @api.model
    def _close_all_missing_reports(self, deadline):
        """Close every overdue delivery report, in batches with a transaction each.

        :param float deadline: `time.monotonic()` after which no further batch starts
        """
        last_id, transactions = 0, OwnTransactions(self.env)
        while time.monotonic() < deadline and not transactions.retry_time.is_outage:
            with transactions.begin() as env:
                ids = env['sms.gateway.status']._find_missing_reports(last_id)
            if not ids:
                break
            last_id = ids[-1]
            transactions.write_each(
                ids, lambda env, part: env['sms.gateway.status']._close_missing_reports(part),
                lambda env, row_id: env['sms.gateway.status']._settle_missing_report(row_id))

    @api.model
    def _find_missing_reports(self, last_id):
        """Find status rows whose delivery report is overdue.

        :param int last_id: only rows with a higher id
        :return: their ids in ascending order, at most TIMEOUT_BATCH
        :rtype: list[int]
        """
        self.env.cr.execute("""
            SELECT id FROM sms_gateway_status
            WHERE awaits_report AND id > %s
            AND COALESCE(sent_date, create_date) < (now() AT TIME ZONE 'UTC') - %s * interval '1 hour'
            ORDER BY id LIMIT %s
        """, [last_id, self._get_report_timeout(), TIMEOUT_BATCH])
        return [row[0] for row in self.env.cr.fetchall()]

    @api.model
    def _close_missing_reports(self, ids, has_note=True):
        """Note that a delivery report is missing, and change Processing SMS to Sent, so that no campaign waits forever.
        A late report still counts.

        :param list ids: of status rows; locked ones and those that have their report by now are left unchanged
        :param bool has_note: whether the report is missing, and not just the last one that the provider sends
        """
        rows = self._end_wait_for_reports(ids, has_note)
        processing = [uuid for uuid, state in rows if state == 'pending']
        if processing:
            self.env['sms.tracker']._search_by_uuid(processing)._record_report('pending')
            self.env['sms.sms'].search([('uuid', 'in', processing), ('state', '=', 'process')]).write(
                {'state': 'pending', 'to_delete': True})
        self.invalidate_model()

    @api.model
    def _end_wait_for_reports(self, ids, has_note=True):
        """Mark status rows as waiting no longer.

        :return: UUID and state of each status row that waited
        :rtype: list[tuple[str, str]]
        """
        self.env.cr.execute("""
            UPDATE sms_gateway_status SET awaits_report = FALSE, note = COALESCE(note, %s)
            WHERE id IN (
                SELECT id FROM sms_gateway_status WHERE id = ANY(%s) AND awaits_report
                ORDER BY id FOR UPDATE SKIP LOCKED)
            RETURNING sms_uuid, state
        """, [self.env._("No delivery report.") if has_note else None, list(ids)])
        return self.env.cr.fetchall()

    @api.model
    def _settle_missing_report(self, row_id):
        """Close a missing report if a trigger or a hook of another addon raises: without hooks, one table at a time.

        :param int row_id: of the status row
        """
        self.env.cr.execute("SELECT sms_uuid, state FROM sms_gateway_status WHERE id = %s AND awaits_report", [row_id])
        for uuid, state in self.env.cr.fetchall():
            try_write(self.env, lambda: self._end_wait_for_reports([row_id]))
            if state == 'pending':
                try_statement(self.env, """
                    UPDATE sms_sms SET state = 'pending', to_delete = TRUE WHERE uuid = %s AND state = 'process'
                """, [uuid])
                self.env['sms.tracker']._write_state_without_hooks(uuid, 'pending')
        self.env.invalidate_all(flush=False)

    @api.model
    def _get_report_timeout(self):
        """Return the number of hours after which a delivery report counts as missing.

        :rtype: float
        """
        value = self.env['ir.config_parameter'].sudo().get_param('eis_sms_apis.report_timeout_hours')
        try:
            hours = float(value or TIMEOUT_HOURS)
            if not 0 <= hours <= MAX_TIMEOUT_HOURS:
                raise ValueError(value)
            return hours
        except ValueError:
            _logger.warning(
                "eis_sms_apis.report_timeout_hours is not a number of hours. Using %s hours.", TIMEOUT_HOURS)
            return TIMEOUT_HOURS
