# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.tools import SQL, sql

from ..sending.run import SendRun
from ..sending.store.transactions import OwnTransactions, is_in_test, try_statement, try_write
from ..tools.actions import show_notification

SKIP_LOCKED = 'SKIP LOCKED'
CLAIMED = "state = 'process' AND claimed_until IS NOT NULL"
TRACE_INDEX = 'eis_sms_apis_trace_number_index'
# Cancels the notifications and traces that core's trackers cancel, but not if the recipient opened a link or replied. A
# trace of each mailing is returned, to mark the mailing as done. The traces of tests are not part of their mailing. SMS
# that a worker has claimed keep their claim, notifications and traces: it cancels them unless they are on their way.
CANCEL_SQL = """
    WITH queued AS (
        SELECT id FROM sms_sms
        WHERE mailing_id = ANY(%(mailings)s) AND to_delete IS NOT TRUE AND (state = 'outgoing' OR {claimed})
        ORDER BY id FOR UPDATE {lock}
    ), written AS (
        UPDATE sms_sms sms
        SET state = 'canceled', failure_type = NULL, is_held = NULL, budget_id = NULL,
            write_date = clock_timestamp() AT TIME ZONE 'UTC'
        FROM queued WHERE sms.id = queued.id RETURNING sms.uuid, sms.claimed_until
    ), canceled AS (
        SELECT uuid FROM written WHERE claimed_until IS NULL
    ), tracker AS (
        SELECT mail_notification_id, mailing_trace_id FROM sms_tracker JOIN canceled ON canceled.uuid = sms_uuid
    ), notification AS (
        UPDATE mail_notification target
        SET notification_status = 'canceled', failure_type = NULL, failure_reason = NULL
        FROM tracker WHERE target.id = tracker.mail_notification_id AND target.notification_status IN %(notifications)s
        RETURNING target.mail_message_id
    ), canceled_trace AS (
        UPDATE mailing_trace target
        SET trace_status = 'cancel', failure_type = NULL, failure_reason = NULL
        FROM tracker
        WHERE target.id = tracker.mailing_trace_id AND target.trace_status IN %(traces)s
        AND target.is_test_trace IS NOT TRUE
    )
    SELECT (SELECT count(*) FROM canceled), (SELECT array_agg(DISTINCT mail_message_id) FROM notification),
           (SELECT array_agg(id) FROM (
               SELECT min(trace.id) AS id FROM mailing_trace trace JOIN tracker ON tracker.mailing_trace_id = trace.id
               WHERE trace.is_test_trace IS NOT TRUE GROUP BY trace.mass_mailing_id) AS first)
"""


class SmsTracker(models.Model):
    _inherit = 'sms.tracker'

    gateway_id = fields.Many2one(
        'sms.gateway', "Gateway", readonly=True, ondelete='set null',
        help="Gateway that sent the SMS. Only its delivery reports count.")

    # the same part of the UUID as in tools/attempt.py, for gateways without Track Status
    _match_index = models.Index('(gateway_id, substr(sms_uuid, 3, 18)) WHERE gateway_id IS NOT NULL')

    @api.model
    def _search_by_uuid(self, uuids):
        """Find the trackers of SMS, without those of SMS Marketing's Test button, which must not change the mailing."""
        return self.search([('sms_uuid', 'in', list(uuids))])._filter_no_tests()

    def _filter_no_tests(self):
        if 'mailing_trace_id' not in self._fields:
            return self
        return self.filtered(lambda tracker: not tracker.mailing_trace_id.is_test_trace)

    def _filter_open(self):
        """Leave out those whose recipient opened a link or replied, which core's trackers would overwrite."""
        if 'mailing_trace_id' not in self._fields:
            return self
        return self.filtered(lambda tracker: tracker.mailing_trace_id.trace_status not in ('open', 'reply'))

    def _finish_mailings(self):
        """Mark mailings as done. Core does not do so after a provider's error or for an opened trace, and either can
        be the case for the last SMS of a mailing. A canceled mailing is a draft again, and stays one."""
        if 'mailing_trace_id' not in self._fields:
            return
        if traces := self.mailing_trace_id.filtered(lambda trace: trace.mass_mailing_id.state != 'draft'):
            self._update_sms_mailings('error', traces)

    @api.model
    def _get_states(self, uuids):
        """Collect the states of SMS from their records, notifications and SMS Marketing traces.

        :return: {UUID: set of states, each as its model names it}
        :rtype: dict[str, set]
        """
        states = {sms.uuid: {sms.state} for sms in self.env['sms.sms'].search([('uuid', 'in', list(uuids))])}
        for tracker in self._search_by_uuid(uuids):
            known = states.setdefault(tracker.sms_uuid, set())
            known.add(tracker.mail_notification_id.notification_status)
            if 'mailing_trace_id' in self._fields:
                known.add(tracker.mailing_trace_id.trace_status)
        return states

    # === INDEX OF TRACES === #

    @api.private
    def init(self):
        """Index the numbers of traces, to find the mailings to a number. Their model cannot be inherited, because SMS
        Marketing may not be installed. It extends trackers, so that this is called when it is installed later."""
        self.pool.post_init(self._index_traces)
        return super().init()

    @api.model
    def _index_traces(self):
        if sql.column_exists(self.env.cr, 'mailing_trace', 'sms_number'):
            self.env.cr.execute(SQL(
                "CREATE INDEX IF NOT EXISTS %s ON mailing_trace (sms_number, id) WHERE sms_number IS NOT NULL",
                SQL.identifier(TRACE_INDEX)))

    # === CANCELED MAILINGS === #

    def _register_hook(self):
        """Cancel a mailing's queued SMS with it. Its model cannot be inherited, because SMS Marketing may not be
        installed."""
        super()._register_hook()
        if 'mailing_trace_id' not in self._fields:
            return
        model = self.env.registry['mailing.mailing']
        action_cancel = model.action_cancel

        def action_cancel_with_sms(mailings):
            mailings.env['sms.tracker']._cancel_queued_sms(mailings)
            return action_cancel(mailings)

        if action_cancel.__name__ != action_cancel_with_sms.__name__:
            model.action_cancel = action_cancel_with_sms

    @api.model
    def _cancel_queued_sms(self, mailings):
        """Cancel the SMS of mailings, except those on their way to the provider. In one statement, because a mailing
        may have hundreds of thousands: workers would claim some of them while the ORM writes the others.

        :param mailings: `mailing.mailing`
        :return: a notification with the number of canceled SMS
        :rtype: dict
        """
        mailings.check_access('write')
        count = self._cancel_queued(mailings.ids)
        if not is_in_test():
            # A claim may leave SMS that it has locked in the queue, for example because of quiet hours, and a worker
            # may queue those again that it has claimed. To wait for them would fail in this transaction, which is
            # REPEATABLE READ.
            ids, transactions = mailings.ids, OwnTransactions(self.env)
            self.env.cr.postcommit.add(
                lambda: transactions.write(lambda own: own[self._name]._cancel_queued(ids, is_again=True), 0))
            self.env.cr.postcommit.add(SendRun.look_for_unwanted)
        return show_notification(self.env._("%s SMS canceled.", count), 'success' if count else 'info')

    @api.model
    def _cancel_queued(self, mailing_ids, is_again=False):
        """
        :param bool is_again: whether to wait for SMS that were locked, and to cancel those that a worker has claimed.
            The mailing may be a draft again, and stays one
        :return: the number of canceled SMS, without those that were claimed
        :rtype: int
        """
        self.env.flush_all()
        self.env.cr.execute(CANCEL_SQL.format(
                lock='' if is_again else SKIP_LOCKED, claimed=CLAIMED if is_again else 'FALSE'), {
            'mailings': mailing_ids,
            'notifications': ('ready', 'exception', 'bounce'), 'traces': ('outgoing', 'error', 'bounce')
        })  # pylint: disable=sql-injection
        count, message_ids, trace_ids = self.env.cr.fetchone()
        self.env.invalidate_all(flush=False)
        own = self.sudo()
        own.env['mail.message'].browse(message_ids or ())._notify_message_notification_update()
        traces = own.env['mailing.trace'].browse(trace_ids or ())
        if is_again:
            traces = traces.filtered(lambda trace: trace.mass_mailing_id.state != 'draft')
        if traces:
            own._update_sms_mailings('cancel', traces)
        return count

    # === BY SQL === #

    @api.model
    def _write_failure_reasons(self, reasons):
        """Write failure reasons to notifications and SMS Marketing traces, in one statement each.

        :param dict reasons: {UUID: failure reason, empty to remove an old one}
        """
        if not reasons:
            return
        parameters = [list(reasons), list(reasons.values())]
        targets = [('mail_notification', 'mail_notification_id', 'TRUE')]
        if 'mailing_trace_id' in self._fields:
            targets.append(('mailing_trace', 'mailing_trace_id', 'target.is_test_trace IS NOT TRUE'))
        for table, column, condition in targets:
            self.env.cr.execute(f"""
                UPDATE {table} target SET failure_reason = NULLIF(v.reason, '')
                FROM unnest(%s::text[], %s::text[]) AS v(uuid, reason) JOIN sms_tracker t ON t.sms_uuid = v.uuid
                WHERE target.id = t.{column} AND {condition}
            """, parameters)  # pylint: disable=sql-injection
        self.env.invalidate_all(flush=False)

    @api.model
    def _write_state_without_hooks(self, uuid, state, failure_type=None, reason=None):
        """Write the state of an SMS to its notification and SMS Marketing trace if a trigger or a hook of another addon
        raises. Statements that still fail are skipped.

        :param str state: of `sms.sms`
        """
        try_statement(self.env, """
            UPDATE mail_notification target
            SET notification_status = %s, failure_type = %s, failure_reason = %s
            FROM sms_tracker t WHERE t.sms_uuid = %s AND target.id = t.mail_notification_id
            AND target.notification_status IN ('ready', 'process', 'pending')
        """, [self.SMS_STATE_TO_NOTIFICATION_STATUS[state], failure_type or None, reason or None, uuid])
        if 'mailing_trace_id' in self._fields:
            try_statement(self.env, """
                UPDATE mailing_trace target
                SET trace_status = %s, failure_type = %s, failure_reason = %s
                FROM sms_tracker t WHERE t.sms_uuid = %s AND target.id = t.mailing_trace_id
                AND target.trace_status IN ('outgoing', 'process', 'pending') AND target.is_test_trace IS NOT TRUE
            """, [self.SMS_STATE_TO_TRACE_STATUS[state], failure_type or None, reason or None, uuid])
            self.env.invalidate_all(flush=False)
            try_write(self.env, lambda: self._search_by_uuid([uuid])._finish_mailings())

    # === DELIVERY REPORTS === #

    def _record_report(self, state, failure_type=None):
        """Write the state of a delivery report to notifications and SMS Marketing traces.

        :param str state: success, error or canceled; pending if no report has arrived in time
        :param str failure_type: of an error
        """
        changeable = self._filter_open()
        if state == 'error':
            changeable._record_error(failure_type)
        elif state == 'canceled':
            changeable._record_canceled()
        else:
            changeable._action_update_from_sms_state('sent' if state == 'success' else state)
        (self - changeable)._finish_mailings()

    def _record_error(self, failure_type):
        if failure_type in self.env['sms.sms'].DELIVERY_ERRORS:
            self._action_update_from_provider_error(failure_type.removeprefix('sms_'))
        else:
            self._action_update_from_sms_state('error', failure_type=failure_type)
        # core does not update what has failed before, nor its failure type
        for field_name in {'mail_notification_id', 'mailing_trace_id'} & self._fields.keys():
            self[field_name].filtered(lambda record: record.failure_type != failure_type).failure_type = failure_type
        self._finish_mailings()

    def _record_blacklisted(self):
        """Cancel SMS that were not sent. Core's notifications have no failure type for the blacklist."""
        self._action_update_from_sms_state('canceled')
        if 'mailing_trace_id' in self._fields:
            self.mailing_trace_id.failure_type = 'sms_blacklist'

    def _record_canceled(self):
        """Write directly, because core's trackers never cancel what was sent."""
        values = {'failure_type': False, 'failure_reason': False}
        self.mail_notification_id.write({'notification_status': 'canceled', **values})
        if 'mailing_trace_id' in self._fields:
            self.mailing_trace_id.write({'trace_status': 'cancel', **values})
        self._finish_mailings()
