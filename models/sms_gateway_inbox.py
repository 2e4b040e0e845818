# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, ormcache

from ..sending.store.claims import trigger_queue
from ..sending.store.transactions import OwnTransactions, is_in_test
from ..sending.store.web_clients import collect, notify

BATCH = 1000  # rows that are applied in one transaction
MAX_TRIES = 5
MAX_MESSAGES = 10_000  # whose web clients are notified after a backlog is applied
KEEP_DAYS = 7
TEST_SECONDS = 60
LEFT_AFTER = 10  # seconds after which the process that stored a row should have begun to apply it


class SmsGatewayInbox(models.AbstractModel):
    """What providers sent, as it was received. A call is answered as soon as its rows are stored here, and the rows of
    all calls are applied together."""
    _name = 'sms.gateway.inbox'
    _inherit = ['sms.gateway.retention']
    _description = "SMS Gateway Inbox"
    _inbox_columns = ()  # texts and numbers; attributes of what `_store` gets have the same names
    _inbox_lock = b''  # the first key of the advisory locks of applying, at most four bytes

    create_date = fields.Datetime("Received On", readonly=True, default=fields.Datetime.now)
    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, readonly=True, ondelete='cascade')
    applied_date = fields.Datetime("Applied On", readonly=True)
    tries = fields.Integer(
        "Failed Tries", readonly=True, default=0, aggregator=None, help="How often it could not be applied.")

    _pending_index = models.Index('(gateway_id, id) WHERE applied_date IS NULL')
    _gateway_index = models.Index('(gateway_id, id)')

    # === BUSINESS METHODS - HOOKS === #

    @api.model
    def _apply_rows(self, gateway, rows, is_last_try):
        """Apply rows of a gateway, in this transaction.

        :param list[tuple] rows: the id and the values of `_inbox_columns`, in the order of arrival
        :param bool is_last_try: whether the rows are given up if this fails
        :return: what else to set in these rows, as an assignment; None for nothing
        :rtype: SQL
        """
        raise NotImplementedError

    # === BUSINESS METHODS === #

    @api.model
    def _receive(self, gateway, items, transactions=None):
        """Store what a call contains. It is applied afterwards, with `_drain`.

        :param list items: at least one, in the order of the call, with the attributes of `_inbox_columns`
        :param OwnTransactions transactions: in which to store them; by default a separate one
        :return: whether they are committed; if not, the provider should call again
        :rtype: bool
        """
        gateway.ensure_one()
        is_stored = (transactions or OwnTransactions(self.env)).write(
            lambda env: env[self._name]._store(gateway, items), len(items))
        if is_stored and is_in_test():
            self._drain(gateway, time.monotonic() + TEST_SECONDS)  # nothing is committed that could be applied later
        return is_stored

    @api.model
    def _store(self, gateway, items):
        """Store what a call contains, in one statement.

        :param list items: in the order of the call, with the attributes of `_inbox_columns`
        """
        arrays = [[getattr(item, name) for item in items] for name in self._inbox_columns]
        self.env.cr.execute(self._get_insert(), [gateway.id, *arrays])

    @api.model
    @ormcache()
    def _get_insert(self):
        """Return the statement that stores rows. Composing it takes as long as reading a report."""
        columns = ', '.join(self._inbox_columns)
        arrays = ', '.join(
            '%s::int[]' if self._fields[name].type == 'integer' else '%s::text[]' for name in self._inbox_columns)
        return f"""
            INSERT INTO {self._table} (create_date, gateway_id, tries, {columns})
            SELECT (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0), %s, 0, {columns}
            FROM unnest({arrays}) WITH ORDINALITY AS v({columns}, position) ORDER BY position
        """

    @api.model
    def _get_column_names(self):
        return SQL(', ').join(map(SQL.identifier, self._inbox_columns))

    @api.model
    def _drain(self, gateway, deadline, max_tries=1, pause=None):
        """Apply what a gateway has received, in batches with a transaction each. If another process is doing so, leave
        it to that one.

        :param float deadline: `time.monotonic()` after which the rest is left to the queue action
        :param int max_tries: rows that could not be applied as often as this are left out
        :param pause: called between two batches, with whether the last one was full
        """
        transactions, message_ids = OwnTransactions(self.env), []
        try:
            self._apply_batches(transactions, gateway, deadline, max_tries, pause, message_ids)
        finally:
            notify(transactions, message_ids)

    @api.model
    def _apply_batches(self, transactions, gateway, deadline, max_tries, pause, message_ids):
        """See `_drain`.

        :param list message_ids: filled with the messages whose web clients are left to notify
        """
        limit, singles, taken, failed = BATCH, 0, [], []

        def apply(env):
            taken.clear()
            collect(env, message_ids)
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
            else:
                has_more = len(taken) >= limit
                if not has_more or len(message_ids) >= MAX_MESSAGES:
                    notify(transactions, message_ids)
                if pause and limit > 1:
                    pause(has_more)
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
            env.cr.execute(SQL(
                "SELECT DISTINCT gateway_id FROM %s WHERE applied_date IS NULL AND tries < %s",
                SQL.identifier(self._table), MAX_TRIES))
            gateway_ids = [row[0] for row in env.cr.fetchall()]
        for gateway_id in gateway_ids:
            self._drain(self.env['sms.gateway'].browse(gateway_id), deadline, MAX_TRIES)

    @api.model
    def _find_left(self, gateway_ids):
        """Find gateways whose oldest row was not applied in time, because its process was interrupted or is busy. One
        index look-up for each.

        :rtype: list[int]
        """
        self.env.cr.execute(SQL(
            """
            SELECT id FROM unnest(%s::int[]) AS gateway(id)
            WHERE (SELECT create_date FROM %s
                   WHERE gateway_id = gateway.id AND applied_date IS NULL AND tries = 0 ORDER BY id LIMIT 1)
                  < (clock_timestamp() AT TIME ZONE 'UTC') - %s * interval '1 second'
            """, list(gateway_ids), SQL.identifier(self._table), LEFT_AFTER))
        return [row[0] for row in self.env.cr.fetchall()]

    @api.model
    def _apply_next(self, gateway, limit, max_tries, taken, failed=()):
        """Apply the oldest rows of a gateway, in this transaction.

        The lock is only tried. Its holder finds the rows of those who did not get it, because it looks again after
        each commit.

        :param list taken: filled with the ids of these rows; empty if none is left or another transaction has the lock
        :param list failed: ids of rows to leave out
        """
        table = SQL.identifier(self._table)
        pending = SQL(
            "gateway_id = %s AND applied_date IS NULL AND tries < %s AND id <> ALL(%s::int[])",
            gateway.id, max_tries, list(failed))
        self.env.cr.execute(SQL(
            "SELECT pg_try_advisory_xact_lock(%s, %s) WHERE EXISTS (SELECT FROM %s WHERE %s)",
            int.from_bytes(self._inbox_lock, 'big'), gateway.id, table, pending))
        if self.env.cr.fetchone() != (True,):
            return
        self.env.cr.execute(SQL(
            "SELECT id, tries, %s FROM %s WHERE %s ORDER BY id LIMIT %s",
            self._get_column_names(), table, pending, limit))
        rows = self.env.cr.fetchall()
        taken.extend(row[0] for row in rows)
        if rows:
            more = self._apply_rows(
                gateway, [(row[0], *row[2:]) for row in rows], all(row[1] + 1 >= MAX_TRIES for row in rows))
            values = [SQL("applied_date = (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0)"), more]
            self.env.cr.execute(SQL(
                "UPDATE %s SET %s WHERE id = ANY(%s)", table, SQL(', ').join(filter(None, values)), taken))
            self.invalidate_model()

    @api.model
    def _put_off(self, ids):
        """Leave rows that cannot be applied to the queue action, because the cause may be temporary."""
        self.env.cr.execute(SQL(
            "UPDATE %s SET tries = tries + 1 WHERE id = ANY(%s)", SQL.identifier(self._table), ids))
        trigger_queue(self.env, fields.Datetime.now() + timedelta(minutes=1))

    @api.model
    def _remove_old_rows(self):
        """Remove rows that were received more than `eis_sms_apis.report_retention_days` ago; 0 keeps all. Those that
        were not applied yet stay until they have failed too often.

        :return: how many were removed, and whether there may be more, for the autovacuum
        :rtype: tuple
        """
        return self._remove_old(
            'eis_sms_apis.report_retention_days', KEEP_DAYS,
            condition=SQL("(applied_date IS NOT NULL OR tries >= %s)", MAX_TRIES))
