# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.constants import GC_UNLINK_LIMIT

from ..sending.store.claims import trigger_queue
from ..sending.store.transactions import OwnTransactions
from ..tools.report.parsing import DeliveryReport

BATCH = 1000  # reports that are applied in one transaction
MAX_TRIES = 5
KEEP_DAYS = 7
COLUMNS = ('uuid', 'message_id', 'number', 'status', 'state', 'error_code', 'error_message', 'failure_type')


class SmsGatewayReceivedReport(models.Model):
    """A delivery report as it was received. A call is answered as soon as its reports are stored here, and the reports
    of all calls are applied together."""
    _name = 'sms.gateway.received.report'
    _description = "Received Delivery Report"
    _log_access = False

    create_date = fields.Datetime("Received On", readonly=True, default=fields.Datetime.now)
    gateway_id = fields.Many2one('sms.gateway', required=True, readonly=True, ondelete='cascade')
    uuid = fields.Char(readonly=True)
    message_id = fields.Char(readonly=True)
    number = fields.Char(readonly=True)
    status = fields.Char(readonly=True)
    state = fields.Char(readonly=True)
    error_code = fields.Char(readonly=True)
    error_message = fields.Char(readonly=True)
    failure_type = fields.Char(readonly=True)
    applied_date = fields.Datetime(readonly=True)
    tries = fields.Integer(readonly=True, default=0, help="How often it could not be applied.")

    _pending_index = models.Index('(gateway_id, id) WHERE applied_date IS NULL')
    _gateway_index = models.Index('(gateway_id, id)')

    @api.model
    def _store(self, gateway, reports):
        """Store the reports of a call, in one statement.

        :param list[DeliveryReport] reports: in the order of the call
        """
        names = ', '.join(COLUMNS)
        arrays = ', '.join(['%s::text[]'] * len(COLUMNS))
        self.env.cr.execute(f"""
            INSERT INTO sms_gateway_received_report (create_date, gateway_id, tries, {names})
            SELECT (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0), %s, 0, {names}
            FROM unnest({arrays}) WITH ORDINALITY AS v({names}, position) ORDER BY position
        """, [gateway.id, *([getattr(report, name) for report in reports] for name in COLUMNS)])

    # === APPLYING === #

    @api.model
    def _drain(self, gateway, deadline, max_tries=1):
        """Apply what a gateway has received, in batches with a transaction each. If another process is doing so, leave
        it to that one.

        :param float deadline: `time.monotonic()` after which the rest is left to the queue action
        :param int max_tries: reports that could not be applied as often as this are left out
        """
        transactions, limit, singles, taken, failed = OwnTransactions(self.env), BATCH, 0, [], []

        def apply(env):
            taken.clear()
            env[self._name]._apply_next(env['sms.gateway'].browse(gateway.id), limit, max_tries, taken, failed)

        while time.monotonic() < deadline:
            is_applied = transactions.write(apply, len(taken))
            if not taken or transactions.retry_time.is_outage:
                return  # nothing is left, or another one drains; after an outage, the next call or the queue action
            if not is_applied and limit > 1:
                limit, singles = 1, len(taken)  # one of them cannot be applied
                continue
            if not is_applied:
                failed += taken
                transactions.write(lambda env: env[self._name]._put_off(taken), 1)
            singles -= 1
            if singles <= 0:
                limit = BATCH
        transactions.write(trigger_queue, 1)

    @api.model
    def _drain_all(self, deadline):
        """Apply what all gateways have received and what the process that received it did not apply.

        :param float deadline: `time.monotonic()`
        """
        with OwnTransactions(self.env).begin() as env:
            env.cr.execute("""
                SELECT DISTINCT gateway_id FROM sms_gateway_received_report WHERE applied_date IS NULL AND tries < %s
            """, [MAX_TRIES])
            gateway_ids = [row[0] for row in env.cr.fetchall()]
        for gateway_id in gateway_ids:
            self._drain(self.env['sms.gateway'].browse(gateway_id), deadline, MAX_TRIES)

    @api.model
    def _apply_next(self, gateway, limit, max_tries, taken, failed=()):
        """Apply the oldest reports of a gateway, in this transaction.

        The lock is only tried. Its holder finds the reports of those who did not get it, because it looks again after
        each commit.

        :param list taken: filled with the ids of these reports; empty if none is left or another transaction has the
            lock
        :param list failed: ids of reports to leave out
        """
        self.env.cr.execute("""
            SELECT pg_try_advisory_xact_lock(%s, %s) WHERE EXISTS (
                SELECT FROM sms_gateway_received_report WHERE gateway_id = %s AND applied_date IS NULL AND tries < %s
                AND id <> ALL(%s::int[]))
        """, [self._get_lock_class(), gateway.id, gateway.id, max_tries, list(failed)])
        if self.env.cr.fetchone() != (True,):
            return
        self.env.cr.execute(f"""
            SELECT id, {', '.join(COLUMNS)} FROM sms_gateway_received_report
            WHERE gateway_id = %s AND applied_date IS NULL AND tries < %s AND id <> ALL(%s::int[])
            ORDER BY id LIMIT %s
        """, [gateway.id, max_tries, list(failed), limit])
        rows = self.env.cr.fetchall()
        taken.extend(row[0] for row in rows)
        if rows:
            gateway._apply_or_keep([DeliveryReport(*row[1:]) for row in rows])
            self.env.cr.execute("""
                UPDATE sms_gateway_received_report
                SET applied_date = (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0) WHERE id = ANY(%s)
            """, [taken])

    @api.model
    def _get_lock_class(self):
        """Return the first key of the advisory locks of draining, which differ from those of early reports."""
        return int.from_bytes(b'eir', 'big')

    @api.model
    def _put_off(self, ids):
        """Leave reports that cannot be applied to the queue action, because the cause may be temporary."""
        self.env.cr.execute("UPDATE sms_gateway_received_report SET tries = tries + 1 WHERE id = ANY(%s)", [ids])
        trigger_queue(self.env, fields.Datetime.now() + timedelta(minutes=1))

    # === AUTOVACUUM === #

    @api.autovacuum
    def _gc_received_reports(self):
        """Remove reports that were received more than `eis_sms_apis.report_retention_days` ago; 0 keeps all. Those that
        were not applied yet stay until they have failed too often."""
        days = self.env['sms.gateway']._get_integer_parameter('eis_sms_apis.report_retention_days', KEEP_DAYS)
        if days <= 0:
            return 0, 0
        self.env.cr.execute("""
            DELETE FROM sms_gateway_received_report WHERE id IN (
                SELECT id FROM sms_gateway_received_report
                WHERE create_date < (now() AT TIME ZONE 'UTC') - %s * interval '1 day'
                AND (applied_date IS NOT NULL OR tries >= %s) ORDER BY id LIMIT %s)
        """, [days, MAX_TRIES, GC_UNLINK_LIMIT])
        done = self.env.cr.rowcount
        return done, done == GC_UNLINK_LIMIT
