# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import time

from odoo import api, models

from ..sending.store.transactions import OwnTransactions, try_statement, try_write
from ..tools.attempt import match_keys
from ..tools.report.matching import SentIndex, SentSms

_logger = logging.getLogger(__name__)

# The order of states: only a higher one is written, whatever core's trackers would do. A report that an SMS is on its
# way changes nothing after the answer that accepted it; after a server error nobody knew, so every final one counts.
RANK = {'success': 1, 'pending': 2, 'server_error': 2, 'canceled': 3, 'error': 4, 'delivered': 5}
# what SMS, notification and SMS Marketing trace tell where there is no status row
UNTRACKED_STATES = {
    'canceled': 'canceled', 'cancel': 'canceled', 'error': 'error', 'exception': 'error', 'bounce': 'error',
    'sent': 'delivered',
}
# what becomes of an SMS by the state of its report
SMS_VALUES = {
    'success': {'state': 'sent', 'to_delete': True},
    'error': {'state': 'error', 'to_delete': False},
    'canceled': {'state': 'canceled'},
}
TIMEOUT_BATCH = 1000
TIMEOUT_HOURS = 72
MOST_TIMEOUT_HOURS = 24 * 365 * 10  # more, infinity for example, is no interval of PostgreSQL


class SmsGateway(models.Model):
    """Delivery reports: from the callback to SMS, notification, SMS Marketing trace and status row."""
    _inherit = 'sms.gateway'

    @api.model
    def _find_by_callback_token(self, token):
        """
        :return: the gateway whose delivery callbacks are on, empty otherwise. A Disabled or archived one still gets
            the reports of what it sent.
        """
        return self.with_context(active_test=False).search([
            # whoever calls chooses the text, and PostgreSQL takes no NUL
            ('delivery_callback_token', '=', token.replace('\0', ' ')),
            ('delivery_callback_enabled', '=', True),
        ], limit=1)

    @api.model
    def _filter_own_uuids(self, uuids):
        """
        :return: those of SMS that went through gateways
        :rtype: set[str]
        """
        own = set(self.env['sms.gateway.status'].search([('sms_uuid', 'in', uuids)]).mapped('sms_uuid'))
        for model, field_name in (('sms.tracker', 'sms_uuid'), ('sms.sms', 'uuid')):
            records = self.env[model].search([(field_name, 'in', uuids), ('gateway_id', '!=', False)])
            own.update(records.mapped(field_name))
        return own

    def _receive_reports(self, reports):
        """Apply delivery reports of this gateway; what arrives before its send is recorded is kept.

        :param list[DeliveryReport] reports: at least one, in the order of the call
        :return: whether they are written; if not, the provider should call again
        :rtype: bool
        """
        self.ensure_one()
        return OwnTransactions(self.env).write(
            lambda env: env['sms.gateway'].browse(self.id)._take_reports(reports), len(reports))

    def _take_reports(self, reports):
        early = self._apply_reports(reports)
        if not self.create_status:
            early = [report for report in early if report.uuid]  # a message id finds nothing without status rows
        if not early:
            return
        # Whoever records a send holds this lock shared until he commits: after it either he sees the kept reports,
        # or this transaction sees his rows.
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [self._get_lock_class(), self.id])
        early = self._apply_reports(early)
        if early:
            self.env['sms.gateway.report']._keep(self, early)

    @api.model
    def _get_lock_class(self):
        """The first of two keys of our advisory locks, so that they meet no other addon's."""
        return int.from_bytes(b'eis', 'big')

    def _apply_early_reports(self, uuids, message_ids):
        """Apply the kept reports of SMS whose send was just recorded, in this transaction.

        :param list uuids: of `sms.sms`
        :param list message_ids: the provider's ids of the same SMS
        """
        self.env.flush_all()
        reports = self.env['sms.gateway.report']._take_out(self, uuids, message_ids)
        early = self._apply_reports(reports) if reports else []
        if early:
            # one message id of several numbers: the others are not recorded yet
            self.env['sms.gateway.report']._keep(self, early)

    # === MATCHING === #

    def _apply_reports(self, reports):
        """
        :return: the reports whose SMS is not known (yet)
        :rtype: list[DeliveryReport]
        """
        sent = SentIndex(self._find_sent_sms(reports))
        early, changed, noticed = [], {}, {}
        for report in reports:
            sms, attempt = sent.find(report)
            if sms is None:
                early.append(report)
                continue
            noticed[sms.row_id] = noticed.get(sms.row_id, '') if report.state else report.status
            if sms.attempt and attempt < sms.attempt and report.state != 'success':
                continue  # the failure of an earlier attempt; delivered counts whichever attempt it was
            effect = 'delivered' if report.state == 'success' else report.state
            if effect and RANK[effect] > sms.rank:
                sms.rank = RANK[effect]
                if effect != 'pending':
                    changed[sms.uuid] = (sms, report)
        changed_rows = {sms.row_id for sms, _report in changed.values()}
        self._write_noticed_rows({
            row_id: status for row_id, status in noticed.items() if row_id and (status or row_id not in changed_rows)})
        if changed:
            self._write_reported_rows([(sms, report) for sms, report in changed.values() if sms.row_id])
            self._write_reported_states({uuid: report for uuid, (_sms, report) in changed.items()})
        return early

    def _find_sent_sms(self, reports):
        """The SMS of a whole call, locked: one query for those with status rows, more for gateways without.

        :rtype: list[SentSms]
        """
        keys = match_keys(report.uuid for report in reports if report.uuid)
        message_ids = list({report.message_id for report in reports if report.message_id})
        self.env.cr.execute("""
            SELECT id, sms_uuid, message_id, number, attempt,
                   CASE WHEN delivered_date IS NOT NULL THEN 'delivered' ELSE state END
            FROM sms_gateway_status
            WHERE gateway_id = %(gateway)s
            AND (substr(sms_uuid, 3, 18) = ANY(%(keys)s) OR message_id = ANY(%(message_ids)s))
            ORDER BY id FOR UPDATE
        """, {'gateway': self.id, 'keys': keys, 'message_ids': message_ids})
        sent = [
            SentSms(row_id, uuid, message_id or '', number or '', attempt or 1, RANK[state])
            for row_id, uuid, message_id, number, attempt, state in self.env.cr.fetchall()
        ]
        if not self.create_status and keys:
            tracked = {sms.uuid for sms in sent}  # Track Status was on when they were sent
            sent += [sms for sms in self._find_untracked_sms(keys) if sms.uuid not in tracked]
        return sent

    def _find_untracked_sms(self, keys):
        """The SMS of a gateway without Track Status: by UUID, from what is left of them. One that is being sent is
        not known yet: what its answer says comes first."""
        parameters = {'gateway': self.id, 'keys': keys}
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
        # read after the locks: another report may have changed them while this one waited
        for uuid, states in self.env['sms.tracker']._get_states(uuids).items():
            attempt, is_claimed = all_sms.get(uuid, (None, False))
            if not is_claimed:
                rank = max(RANK[UNTRACKED_STATES.get(state, 'success')] for state in states)
                sent.append(SentSms(None, uuid, '', '', attempt, rank))
        return sent

    # === RECORDING === #

    def _write_noticed_rows(self, noticed):
        """Date the first report of an SMS, and note a status that no list has. A repetition writes nothing.

        :param dict noticed: {row id: the unknown status or ''}
        """
        if not noticed:
            return
        notes = [
            status and self.env._("The delivery report has a status that no list of the gateway has: %s", status)
            for status in noticed.values()
        ]
        self.env.cr.execute("""
            UPDATE sms_gateway_status status
            SET note = COALESCE(NULLIF(v.note, ''), status.note),
                report_date = COALESCE(report_date, (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0))
            FROM unnest(%s::int[], %s::text[]) AS v(id, note)
            WHERE status.id = v.id AND (report_date IS NULL OR v.note NOT IN ('', COALESCE(status.note, '')))
        """, [list(noticed), notes])
        self.env['sms.gateway.status'].invalidate_model()

    def _write_reported_rows(self, rows):
        """
        :param rows: pairs of SentSms and the DeliveryReport that changes its state
        """
        if not rows:
            return
        self.env['sms.gateway.status'].flush_model()
        self.env.cr.execute("""
            UPDATE sms_gateway_status status
            SET state = v.state, outcome = 'accepted',
                delivered_date = CASE WHEN v.state = 'success' THEN now.clock ELSE delivered_date END,
                failure_type = NULLIF(v.failure_type, ''), error_code = NULLIF(v.error_code, ''),
                error_message = NULLIF(v.error_message, ''),
                note = CASE WHEN awaits_report THEN note END, -- else it says that there is no report
                awaits_report = FALSE, report_date = now.clock, write_date = now.clock
            FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
                     AS v(id, state, failure_type, error_code, error_message),
                 (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0) AS clock) AS now
            WHERE status.id = v.id
        """, [
            [sms.row_id for sms, _report in rows],
            [report.state for _sms, report in rows],
            [report.failure_type for _sms, report in rows],
            [report.error_code for _sms, report in rows],
            [_words(report) for _sms, report in rows],
        ])
        self.env['sms.gateway.status'].invalidate_model()

    def _write_reported_states(self, changed):
        """Tell core what became of the SMS, whose records may be gone already: their trackers stay.

        :param dict changed: {UUID: DeliveryReport}
        """
        context = {'sms_gateway_words_follow': True, 'sms_skip_msg_notification': True}
        trackers = self.env['sms.tracker'].with_context(**context)._search_by_uuid(changed)
        all_sms = self.env['sms.sms'].search([('uuid', 'in', list(changed))])
        effects = {}
        for uuid, report in changed.items():
            effects.setdefault((report.state, report.failure_type), set()).add(uuid)
        for (state, failure_type), uuids in effects.items():
            own_sms = all_sms.filtered(lambda sms, uuids=uuids: sms.uuid in uuids)
            own_sms.write({**SMS_VALUES[state], 'failure_type': failure_type or False})
            for sms in own_sms:
                sms.failure_reason = _words(changed[sms.uuid]) or False
            trackers.filtered(lambda tracker, uuids=uuids: tracker.sms_uuid in uuids)._record_report(
                state, failure_type)
        self.env.flush_all()
        self.env['sms.tracker']._write_failure_reasons({
            uuid: _words(changed[uuid]) for uuid in trackers._filter_open().mapped('sms_uuid')})
        trackers.mail_notification_id.mail_message_id.with_context(
            sms_gateway_words_follow=False)._notify_message_notification_update()

    # === NO REPORT === #

    @api.model
    def _close_all_missing_reports(self, deadline):
        """
        :param float deadline: `time.monotonic()` at which no further batch is begun
        """
        last_id, transactions = 0, OwnTransactions(self.env)
        while time.monotonic() < deadline and not transactions.retry_time.is_outage:
            with transactions.begin() as env:
                ids = env['sms.gateway']._find_missing_reports(last_id)
            if not ids:
                break
            last_id = ids[-1]
            transactions.write_each(
                ids, lambda env, part: env['sms.gateway']._close_missing_reports(part),
                lambda env, row_id: env['sms.gateway']._settle_missing_report(row_id))

    @api.model
    def _find_missing_reports(self, last_id):
        """
        :param int last_id: only status rows with a higher id
        :return: ids of status rows whose delivery report is overdue, at most TIMEOUT_BATCH
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
    def _close_missing_reports(self, ids):
        """Note that a delivery report is missing, and let an SMS that is Processing become Sent, so that nobody and no
        campaign waits for ever. A late report still counts.

        :param list ids: of status rows; those that are locked or got their report meanwhile stay as they are
        """
        rows = self._end_wait_for_reports(ids)
        processing = [uuid for uuid, state in rows if state == 'pending']
        if processing:
            self.env['sms.tracker']._search_by_uuid(processing)._record_sent()
            self.env['sms.sms'].search([('uuid', 'in', processing), ('state', '=', 'process')]).write(
                {'state': 'pending', 'to_delete': True})
        self.env['sms.gateway.status'].invalidate_model()

    @api.model
    def _end_wait_for_reports(self, ids):
        """
        :return: UUID and state of each status row that waited
        :rtype: list[tuple]
        """
        self.env.cr.execute("""
            UPDATE sms_gateway_status SET awaits_report = FALSE, note = COALESCE(note, %s)
            WHERE id IN (
                SELECT id FROM sms_gateway_status WHERE id = ANY(%s) AND awaits_report
                ORDER BY id FOR UPDATE SKIP LOCKED)
            RETURNING sms_uuid, state
        """, [self.env._("No delivery report."), list(ids)])
        return self.env.cr.fetchall()

    @api.model
    def _settle_missing_report(self, row_id):
        """The same for one that cannot be closed, because a trigger or another addon's hook raises: without hooks, and
        each table by itself."""
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
        """
        :return: hours after which a delivery report counts as missing
        :rtype: float
        """
        value = self.env['ir.config_parameter'].sudo().get_param('eis_sms_apis.report_timeout_hours')
        try:
            hours = float(value or TIMEOUT_HOURS)
            if not 0 <= hours <= MOST_TIMEOUT_HOURS:
                raise ValueError(value)
            return hours
        except ValueError:
            _logger.warning("eis_sms_apis.report_timeout_hours is no number: %s hours are used", TIMEOUT_HOURS)
            return TIMEOUT_HOURS


def _words(report):
    """What the provider said of a failure; its bare status value where it said no more. Nothing of another report."""
    if report.state != 'error':
        return ''
    return report.error_message or ' '.join(filter(None, [report.status, report.error_code]))
