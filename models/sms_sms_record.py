# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import logging
import time
from dataclasses import replace
from functools import partial

from odoo import api, models
from odoo.tools import groupby, split_every

from ..sending.sent_before import recall, remember
from ..tools.sms_api import SmsApiResults
from .sms_recording import RetryTime, is_outage, record_batch, record_isolated
from .sms_run import QueuedSms, SmsRun, refusal

_logger = logging.getLogger(__name__)

LOST_BATCH = 500  # lost claims that are closed together
TEST_SECONDS = 20  # SMS Marketing's Test button waits so long at most


class SmsSms(models.Model):
    """The short transactions of sending, after an answer: every statement here is one for a whole batch."""
    _inherit = 'sms.sms'

    # === RECORD === #

    @api.model
    def _record(self, claimed, plans, unlink_failed=False, unlink_sent=True, lost=False):
        """Write the results of claimed SMS: status rows, then states, notifications and traces the way core does.

        :param claimed: list of QueuedSms with a result
        :param dict plans: plans of the gateways by id
        :param bool lost: whether nothing is known but that the claim has expired
        """
        # in the order of ids, so that two transactions never wait for each other crosswise
        self.env.cr.execute(f"""
            SELECT id, claimed_until FROM sms_sms WHERE id = ANY(%s) ORDER BY id
            FOR UPDATE {'SKIP LOCKED' if lost else ''}
        """, [[sms.id for sms in claimed]])
        tokens = dict(self.env.cr.fetchall())
        # a claim that was closed as lost is recorded all the same: what the provider answered is the truth. One that
        # somebody else took over since is his.
        known = () if lost else (None,)
        mine = [sms for sms in claimed if tokens.get(sms.id) in (*known, sms.token)]
        self._say_doubts(mine)
        awaiting = [sms for sms in mine if self._awaits_report(sms, plans)]
        for gateway_id in {sms.gateway_id for sms in awaiting}:
            # see `sms.gateway._take_reports`: a report is either kept before this, or it waits for these rows
            self.env.cr.execute(
                "SELECT pg_advisory_xact_lock_shared(%s, %s)",
                [self.env['sms.gateway']._get_lock_class(), gateway_id])
        delivered = self._write_status_rows(
            [sms for sms in mine if sms.gateway_id and plans[sms.gateway_id].track_status], plans)
        existing = [sms for sms in mine if sms.id in tokens]
        if existing:
            states = [self._get_result_state(sms, plans, delivered) for sms in existing]
            self._record_claims(existing, states, unlink_sent)
            self._record_states(existing, states, delivered, unlink_failed, unlink_sent)
        self._record_deleted([sms for sms in mine if sms.id and sms.id not in tokens], plans, delivered)
        self._apply_early_reports(awaiting)

    @api.model
    def _say_doubts(self, claimed):
        """Begin the reason of each failed SMS whose outcome is unknown with a warning that the recipient may have
        received it, in the language of the user who made the SMS: he reads it. A second call changes nothing.
        """
        doubtful = [sms for sms in claimed if sms.result.doubtful]
        if not doubtful:
            return
        self.env.cr.execute("""
            SELECT s.id, p.lang FROM sms_sms s
            JOIN res_users u ON u.id = s.create_uid JOIN res_partner p ON p.id = u.partner_id WHERE s.id = ANY(%s)
        """, [[sms.id for sms in doubtful]])
        languages = dict(self.env.cr.fetchall())
        installed = dict(self.env['res.lang'].get_installed())
        for sms in doubtful:
            lang = languages.get(sms.id)
            env = self.with_context(lang=lang).env if lang in installed else self.env
            sms.result = replace(sms.result, doubtful=False, error_message=env._(
                "Outcome unknown: the recipient may have received this SMS. %s", sms.result.error_message).strip())

    @api.model
    def _awaits_report(self, sms, plans):
        """Whether the provider may report on an SMS: also on one that its answer refuses."""
        return bool(sms.gateway_id and plans[sms.gateway_id].waits_for_report)

    @api.model
    def _apply_early_reports(self, claimed):
        for gateway_id, group in groupby(claimed, key=lambda sms: sms.gateway_id):
            self.env['sms.gateway'].browse(gateway_id)._apply_early_reports(
                [sms.uuid for sms in group], [sms.result.message_id for sms in group if sms.result.message_id])

    @api.model
    def _record_claims(self, claimed, states, unlink_sent):
        """End the claims, and write already what core will write of SMS that were taken: it finds nothing to change
        then. The ORM's own UPDATE, with a list of values, would take most of the time of a whole record.

        :param list states: result of each, in the words of core's APIs
        """
        self.env.cr.execute("""
            UPDATE sms_sms s
            SET claimed_until = NULL, gateway_id = v.gateway_id, attempt = v.attempt,
                failure_reason = NULLIF(v.reason, ''), state = COALESCE(v.state, s.state),
                failure_type = CASE WHEN v.state IS NULL THEN s.failure_type END,
                to_delete = CASE WHEN %s AND v.state IS NOT NULL THEN TRUE ELSE s.to_delete END,
                write_uid = %s, write_date = %s
            FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::text[])
                AS v(id, gateway_id, attempt, reason, state)
            WHERE s.id = v.id
        """, [
            unlink_sent,
            self.env.uid,
            self.env.cr.now(),
            [sms.id for sms in claimed],
            [sms.gateway_id or None for sms in claimed],
            [sms.attempt for sms in claimed],
            [sms.result.error_message for sms in claimed],
            [self.IAP_TO_SMS_STATE_SUCCESS.get(state) for state in states],
        ])
        self.env.invalidate_all(flush=False)
        self.browse([sms.id for sms in claimed]).modified([
            'claimed_until', 'gateway_id', 'attempt', 'failure_reason', 'state', 'failure_type', 'to_delete'])

    @api.model
    def _record_states(self, claimed, states, delivered, unlink_failed, unlink_sent):
        """
        :param list states: result of each, in the words of core's APIs
        :param set delivered: UUIDs of SMS that an earlier attempt has delivered already
        """
        # without the provider's words, which core would log, and by which it would make groups of one
        results = [{'uuid': sms.uuid, 'state': state} for sms, state in zip(claimed, states, strict=True)]
        all_sms = self.browse([sms.id for sms in claimed]).with_context(
            sms_gateway_words_follow=True, sms_skip_msg_notification=True)
        for gateway_id, group in groupby(claimed, key=lambda sms: sms.gateway_id):
            # core reads these trackers, too: no query more
            all_sms.browse([sms.id for sms in group]).sms_tracker_id.gateway_id = gateway_id
        all_sms._send_with_api(
            SmsApiResults(self.env, results), unlink_failed=unlink_failed, unlink_sent=unlink_sent)
        self.env.flush_all()
        failed = [sms for sms in claimed if sms.result.failure_type and sms.uuid not in delivered]
        self._write_failure_reasons({sms.uuid: sms.result.error_message for sms in failed})
        self.env['sms.tracker']._search_by_uuid([sms.uuid for sms in failed])._finish_mailings()
        self.browse([sms.id for sms in claimed]).mail_message_id._notify_message_notification_update()

    @api.model
    def _record_deleted(self, claimed, plans, delivered):
        """Bring notifications and traces of SMS up to date whose rows somebody deleted while their requests were under
        way: core's `_send_with_api` finds only what still has its row."""
        trackers = self.env['sms.tracker'].with_context(
            sms_gateway_words_follow=True, sms_skip_msg_notification=True)._search_by_uuid(
            [sms.uuid for sms in claimed])
        if not trackers:
            return
        by_state = {}
        for sms in claimed:
            by_state.setdefault(self._get_result_state(sms, plans, delivered), set()).add(sms.uuid)
        for state, uuids in by_state.items():
            own = trackers.filtered(lambda tracker, uuids=uuids: tracker.sms_uuid in uuids)
            if success := self.IAP_TO_SMS_STATE_SUCCESS.get(state):
                own._filter_open()._action_update_from_sms_state(success)
            else:
                own._filter_open()._action_update_from_sms_state('error', failure_type=state)
        trackers._finish_mailings()
        self.env.flush_all()
        self._write_failure_reasons({
            sms.uuid: sms.result.error_message for sms in claimed
            if sms.result.failure_type and sms.uuid not in delivered})
        trackers.mail_notification_id.mail_message_id.with_context(
            sms_gateway_words_follow=False)._notify_message_notification_update()

    @api.model
    def _get_result_state(self, sms, plans, delivered):
        """A result in the words of core's APIs, SPEC section 5."""
        if sms.uuid in delivered:
            return 'delivered'
        if sms.result.failure_type:
            return sms.result.failure_type
        plan = plans[sms.gateway_id]
        # without a status row nothing could end the wait when no report comes
        waits = sms.result.state == 'pending' and plan.waits_for_report and plan.track_status
        return 'processing' if waits else 'success'

    @api.model
    def _write_failure_reasons(self, reasons):
        """Write what providers said to notifications and SMS Marketing traces, in one statement each.

        :param dict reasons: {UUID: words}
        """
        reasons = {uuid: reason for uuid, reason in reasons.items() if reason}
        if not reasons:
            return
        parameters = [list(reasons), list(reasons.values())]
        tracker = self.env['sms.tracker']
        targets = [('mail_notification', 'mail_notification_id', 'TRUE')]
        if 'mailing_trace_id' in tracker._fields:
            targets.append(('mailing_trace', 'mailing_trace_id', 'target.is_test_trace IS NOT TRUE'))
        for table, column, condition in targets:
            self.env.cr.execute(f"""
                UPDATE {table} target SET failure_reason = v.reason
                FROM unnest(%s::text[], %s::text[]) AS v(uuid, reason) JOIN sms_tracker t ON t.sms_uuid = v.uuid
                WHERE target.id = t.{column} AND {condition}
            """, parameters)  # pylint: disable=sql-injection
        self.env.invalidate_all(flush=False)

    @api.model
    def _write_status_rows(self, claimed, plans):
        """One row for each SMS; a retry keeps the row and counts the attempt.

        :return: the UUIDs of SMS whose earlier attempt was reported as delivered meanwhile: they stay delivered
        :rtype: set[str]
        """
        if not claimed:
            return set()
        rows = [{
            'gateway_id': sms.gateway_id,
            'company_id': sms.company_id,
            'sms_id_int': sms.id,
            'sms_uuid': sms.uuid,
            'number': sms.number,
            'attempt': sms.attempt,
            'state': sms.result.state,
            'outcome': sms.result.outcome,
            'http_code': sms.result.http_code,
            'response_text': sms.result.response_text or None,
            'message_id': sms.result.message_id or None,
            'error_code': sms.result.error_code or None,
            'error_message': sms.result.error_message or None,
            'failure_type': sms.result.failure_type or None,
            'duration': sms.result.duration,
            'awaits_report': self._awaits_report(sms, plans) and not sms.result.failure_type,
        } for sms in claimed]
        names = ', '.join(rows[0])
        kept = ('state', 'outcome', 'error_code', 'error_message', 'failure_type', 'awaits_report')
        updates = ', '.join(
            f'{name} = CASE WHEN status.delivered_date IS NULL THEN EXCLUDED.{name} ELSE status.{name} END'
            if name in kept else f'{name} = EXCLUDED.{name}'
            for name in rows[0] if name != 'sms_uuid')
        # one JSON text: PostgreSQL reads thousands of values in it faster than in the statement
        self.env.cr.execute(f"""
            INSERT INTO sms_gateway_status AS status
                ({names}, sent_date, create_date, write_date)
            SELECT {names}, CASE WHEN outcome = 'accepted' THEN clock END, clock, clock
            FROM json_populate_recordset(NULL::sms_gateway_status, %s),
                 (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0) AS clock) AS now
            ON CONFLICT (sms_uuid) DO UPDATE SET {updates}, sent_date = EXCLUDED.sent_date, report_date = NULL,
                note = NULL, write_date = EXCLUDED.write_date
            RETURNING sms_uuid, delivered_date
        """, [json.dumps(rows)])  # pylint: disable=sql-injection
        delivered = {uuid for uuid, delivered_date in self.env.cr.fetchall() if delivered_date}
        self.env['sms.gateway.status'].invalidate_model()
        return delivered

    # === WHAT CANNOT BE RECORDED === #

    @api.model
    def _settle(self, sms, plans, unlink_failed=False, unlink_sent=True, lost=False):
        """Write the result of an SMS that `_record` cannot write, because a trigger or another addon's hook raises: by
        SQL that calls no hook, and each table by itself. What still fails is left out.

        :param QueuedSms sms: with its result
        """
        self._say_doubts([sms])
        state = self._get_result_state(sms, plans, ())
        success = self.IAP_TO_SMS_STATE_SUCCESS.get(state)
        claim = [sms.id, sms.token]
        condition = "id = %s AND claimed_until = %s" if lost else (
            "id = %s AND (claimed_until IS NULL OR claimed_until = %s)")
        self.env.cr.execute(f"SELECT 1 FROM sms_sms WHERE {condition} FOR UPDATE", claim)  # pylint: disable=sql-injection
        if not self.env.cr.rowcount:
            return
        if not self._try_statement("""
            UPDATE sms_sms SET claimed_until = NULL, state = %s, failure_type = %s, failure_reason = %s,
                gateway_id = %s, attempt = %s, to_delete = %s
            WHERE id = %s
        """, [
            success or 'error', sms.result.failure_type or None, sms.result.error_message or None,
            sms.gateway_id or None, sms.attempt, unlink_sent if success else unlink_failed, sms.id,
        ]):
            self._try_statement("UPDATE sms_sms SET claimed_until = NULL WHERE id = %s", [sms.id])
        if sms.gateway_id and plans[sms.gateway_id].track_status:
            self._try(lambda: self._write_status_rows([sms], plans))
        self._settle_trackers(sms.uuid, success or 'error', sms.result.failure_type, sms.result.error_message)
        self.env.invalidate_all(flush=False)

    @api.model
    def _settle_trackers(self, uuid, state, failure_type=None, reason=None):
        """Write the state of an SMS to what waits for it, its notification and its SMS Marketing trace, by SQL.

        :param str state: of `sms.sms`
        """
        tracker = self.env['sms.tracker']
        self._try_statement("""
            UPDATE mail_notification target
            SET notification_status = %s, failure_type = %s, failure_reason = %s
            FROM sms_tracker t WHERE t.sms_uuid = %s AND target.id = t.mail_notification_id
            AND target.notification_status IN ('ready', 'process', 'pending')
        """, [tracker.SMS_STATE_TO_NOTIFICATION_STATUS[state], failure_type or None, reason or None, uuid])
        if 'mailing_trace_id' in tracker._fields:
            self._try_statement("""
                UPDATE mailing_trace target
                SET trace_status = %s, failure_type = %s, failure_reason = %s
                FROM sms_tracker t WHERE t.sms_uuid = %s AND target.id = t.mailing_trace_id
                AND target.trace_status IN ('outgoing', 'process', 'pending') AND target.is_test_trace IS NOT TRUE
            """, [tracker.SMS_STATE_TO_TRACE_STATUS[state], failure_type or None, reason or None, uuid])
            self.env.invalidate_all(flush=False)
            self._try(lambda: tracker._search_by_uuid([uuid])._finish_mailings())

    @api.model
    def _try_statement(self, statement, parameters):
        return self._try(lambda: self.env.cr.execute(statement, parameters, log_exceptions=False))

    @api.model
    def _try(self, write):
        """
        :param write: writes to the database
        :return: whether it did. If not, this transaction can go on.
        :rtype: bool
        """
        try:
            with self.env.cr.savepoint():
                write()
            return True
        except Exception as error:
            if is_outage(error):
                raise
            _logger.warning("A part of an SMS's result cannot be recorded: %s", type(error).__name__)
            return False

    @api.model
    def _try_each(self, batch, write, settle):
        """In this transaction, what `record_isolated` does in transactions of its own."""
        if not self._try(lambda: write(batch)):
            for one in batch:
                if not self._try(lambda one=one: write([one])):
                    settle(one)

    # === LOST CLAIMS === #

    @api.model
    def _recover_lost_claims(self, deadline):
        """Close the claims whose worker died on the way. Those whose request was not started go back to the queue. Of
        the others nobody can know whether they went out, so they fail and say so; Retry sends them again.

        :param float deadline: `time.monotonic()` at which no further batch is begun
        :return: number of SMS
        :rtype: int
        """
        done, last_id, retry_time = 0, 0, RetryTime()
        with self.sudo()._short_transaction() as model:
            unstarted = model._find_unstarted_claims()
        record_isolated(
            self.sudo(), unstarted, lambda own, part: own._return_unstarted(part),
            settle=lambda own, sms_id: own._try_statement(
                "UPDATE sms_sms SET not_started = FALSE WHERE id = %s", [sms_id]), retry_time=retry_time)
        while time.monotonic() < deadline:
            with self.sudo()._short_transaction() as model:
                claimed, plans = model._find_lost_claims(last_id)
            if not claimed:
                break
            last_id = claimed[-1].id
            _logger.warning("%s SMS were interrupted while they were sent and may have gone out", len(claimed))
            record_batch(self.sudo(), claimed, plans, retry_time, lost=True)
            if retry_time.is_outage:
                break
            done += len(claimed)
        return done

    @api.model
    def _find_unstarted_claims(self):
        """
        :return: ids of SMS whose claim has expired before their request was started
        :rtype: list[int]
        """
        self.env.cr.execute("""
            SELECT id FROM sms_sms
            WHERE claimed_until < clock_timestamp() AT TIME ZONE 'UTC' AND not_started ORDER BY id
        """)
        return [row[0] for row in self.env.cr.fetchall()]

    @api.model
    def _return_unstarted(self, ids):
        """Put SMS back in the queue whose claim has expired before their request was started."""
        self.env.cr.execute("""
            UPDATE sms_sms
            SET state = 'outgoing', claimed_until = NULL, not_started = NULL, attempt = GREATEST(attempt - 1, 0),
                first_attempt_date = CASE WHEN attempt > 1 THEN first_attempt_date END
            WHERE id IN (
                SELECT id FROM sms_sms
                WHERE id = ANY(%s) AND claimed_until < clock_timestamp() AT TIME ZONE 'UTC' AND not_started
                ORDER BY id FOR UPDATE SKIP LOCKED)
        """, [list(ids)])
        self.env.invalidate_all(flush=False)

    @api.model
    def _find_lost_claims(self, last_id):
        """
        :param int last_id: only SMS with a higher id
        :return: the SMS with their result, at most LOST_BATCH in the order of ids, and the plans of their gateways
        :rtype: tuple[list[QueuedSms], dict]
        """
        self.env.cr.execute("""
            SELECT s.id, s.uuid, s.number, s.body, COALESCE(m.record_company_id, s.record_company_id),
                   s.claimed_until, s.attempt, s.gateway_id
            FROM sms_sms s LEFT JOIN mail_message m ON m.id = s.mail_message_id
            WHERE s.claimed_until < clock_timestamp() AT TIME ZONE 'UTC' AND s.not_started IS NOT TRUE AND s.id > %s
            ORDER BY s.id LIMIT %s
        """, [last_id, LOST_BATCH])
        result = replace(
            refusal('sms_server', self.env._("Sending was interrupted.")),
            state='server_error', outcome='unknown', doubtful=True)
        claimed = [
            QueuedSms(
                id=sms_id, uuid=uuid, number=number or '', body=body or '', company_id=company_id, token=token,
                attempt=attempt or 1, candidates=(gateway_id,) if gateway_id else (), result=result)
            for sms_id, uuid, number, body, company_id, token, attempt, gateway_id in self.env.cr.fetchall()]
        gateways = self.env['sms.gateway'].sudo().browse({sms.gateway_id for sms in claimed if sms.gateway_id})
        return claimed, gateways._get_plans()

    @api.model
    def _end_claims_and_waits(self):
        """Before the addon is uninstalled, in the caller's transaction: an SMS that is Processing would stay so
        forever. A claimed one fails, because it may have gone out; one that waits for its delivery report becomes
        Sent."""
        self.env.flush_all()
        self.env.cr.execute("""
            UPDATE sms_sms SET claimed_until = (now() AT TIME ZONE 'UTC') - interval '1 day'
            WHERE claimed_until IS NOT NULL
        """)
        self.env.invalidate_all()
        self._try(lambda: self._return_unstarted(self._find_unstarted_claims()))
        claimed, plans = self._find_lost_claims(0)
        while claimed:
            self._try_each(
                claimed, partial(self._record, plans=plans, lost=True), partial(self._settle, plans=plans, lost=True))
            claimed, plans = self._find_lost_claims(claimed[-1].id)
        gateways = self.env['sms.gateway']
        waiting = self.env['sms.gateway.status'].sudo().search([('awaits_report', '=', True)]).ids
        for ids in split_every(LOST_BATCH, waiting):
            self._try_each(ids, gateways._close_missing_reports, gateways._settle_missing_report)

    # === AT ONCE === #

    def _send_now(self, messages, company):
        """Send within the caller's transaction and tell him at once: SMS Marketing's Test button.

        :param list messages: see core's `SmsApi._send_sms_batch`
        :param company: the `res.company` whose gateways send
        :return: one result for each SMS, with the state `success` when the provider took it
        :rtype: list[dict]
        """
        # What is sent is the row's text: core leaves out the opt-out line here. What it passes tells a repetition: the
        # link of that line is another one each time.
        contents = {number['uuid']: message['content'] for message in messages for number in message['numbers']}
        model = self.with_company(company).with_context(sms_gateway_at_once=True)
        all_sms = model.search([('uuid', 'in', list(contents)), ('state', '=', 'outgoing')])
        keys = {sms.uuid: (company.id, sms.number, contents[sms.uuid]) for sms in all_sms}
        renamed = all_sms._record_sent_before(keys)
        uuids = [renamed.get(uuid, uuid) for uuid in contents]
        run = SmsRun(
            model.env, time.monotonic() + TEST_SECONDS, ids=all_sms.filtered(lambda sms: sms.state == 'outgoing').ids,
            unlink_failed=True, at_once=True)
        try:
            run.run()
        finally:
            for sms in run.ended:
                remember(self.env.cr, keys[sms.uuid], (sms, run.plans))
        by_uuid = {sms.uuid: sms for sms in model.search([('uuid', 'in', uuids)])}
        labels = dict(self._fields['failure_type']._description_selection(self.env))
        results = []
        for uuid in uuids:
            sms = by_uuid.get(uuid, self.browse())
            if sms.state in ('pending', 'process', 'sent'):
                results.append({'uuid': uuid, 'state': 'success'})
            else:
                results.append({
                    'uuid': uuid,
                    'state': sms.failure_type or 'server_error',
                    'failure_reason': sms.failure_reason or labels.get(sms.failure_type),
                })
        return results

    def _record_sent_before(self, keys):
        """Write the results of these SMS that were sent already, in a transaction that Odoo had to roll back. They get
        the UUID with which they were sent, by which delivery reports find them, and the text.

        :param dict keys: {UUID: what tells that an SMS is the same}
        :return: {their UUID: the one with which they were sent}
        :rtype: dict[str, str]
        """
        renamed = {}
        for sms in self:
            sent = recall(self.env.cr, keys[sms.uuid])
            if sent:
                claimed, plans = sent
                renamed[sms.uuid] = claimed.uuid
                self.env['sms.tracker'].search([('sms_uuid', '=', sms.uuid)]).sms_uuid = claimed.uuid
                sms.write({'uuid': claimed.uuid, 'body': claimed.body})
                with self._short_transaction() as own:
                    own._record([replace(claimed, id=sms.id, token=None)], plans, unlink_failed=True)
        return renamed
