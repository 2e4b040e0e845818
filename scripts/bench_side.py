# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A database with SMS that were sent, and an Odoo server that gets their reports, for `scripts/bench`."""
import contextlib
import http.client
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import environment

CONNECTIONS = 8
SENDING = 32  # connections to the provider
APPLY_SECONDS = 120
POLL_SECONDS = 0.02
MARKETING = 'mass_mailing_sms'
MODULES = ('contacts', environment.ADDON)
FORM, JSON = 'application/x-www-form-urlencoded', 'application/json'
CRON = "(SELECT res_id FROM ir_model_data WHERE module = 'sms' AND name = 'ir_cron_sms_scheduler_action')"


class Side:
    """A database with SMS that were sent, and a server; a context manager.

    :param int reported: SMS with a message and a notification
    :param int size: status rows; more than `reported` only fill the table
    :param tuple args: of the server
    :param str url: of the provider
    :param modules: that are installed
    :param int cron_threads: threads for the queue action, which applies what a call could not apply in time
    """
    database = 'bench_callbacks'

    def __init__(self, reported, size=0, args=(), url='http://127.0.0.1', cron_threads=1, modules=MODULES):
        self.reported, self.size, self.provider = reported, max(size, reported), url
        self._args, self._cron_threads, self._modules = args, cron_threads, modules
        self.has_traces = MARKETING in modules
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        environment.create_database(self.database, environment.template(self._modules))
        self._stack.callback(environment.drop_database, self.database)
        connection = self._stack.enter_context(contextlib.closing(environment.connect(self.database)))
        self._cursor = self._stack.enter_context(connection.cursor())
        self.sql(f'UPDATE ir_cron SET active = FALSE WHERE id <> {CRON}')  # the autovacuum removes delivered SMS
        self.start_server()
        self._stack.callback(self.stop_server)
        self.client = environment.rpc(self.server.url, self.database, timeout=600)
        self.sql("UPDATE sms_gateway SET state = 'disabled'")
        gateway_id, = self.client.call('sms.gateway', 'create', [[{
            'name': 'Loopback', 'state': 'active', 'base_url': f'{self.provider}/sms', 'max_connections': SENDING,
            'answer_message_id_path': 'id', 'delivery_callback_enabled': True, 'parameter_ids': [
                [0, 0, {'key': 'to', 'param_type': 'number'}], [0, 0, {'key': 'text', 'param_type': 'message'}]]}]])
        token = self.sql('SELECT delivery_callback_token FROM sms_gateway WHERE id = %s', gateway_id)[0][0]
        self.path = f'/eis_sms/callback/{token}'
        self.uuids = self._fill(gateway_id)
        self.others = self._fill(None)  # of core's own provider
        for _warm in range(2 * CONNECTIONS):
            self.call(self.path, urlencode({'uuid': 'unknown', 'status': 'delivered'}))
        return self

    def __exit__(self, *exc_info):
        self._stack.close()

    def start_server(self):
        """Start a server, on another port than the one before."""
        self.server = environment.OdooServer(self.database, *self._args, cron_threads=self._cron_threads).start()
        self.host = urlsplit(self.server.url).netloc

    def stop_server(self):
        self.server.stop()

    def sql(self, statement, *params):
        self._cursor.execute(statement, params)
        return self._cursor.fetchall() if self._cursor.description else None

    def _fill(self, gateway_id):
        uuids = [uuid for uuid, in self.sql(
            "SELECT md5(%s || n::text) FROM generate_series(1, %s) AS n", str(gateway_id), self.reported)]
        if gateway_id:
            with self._without_indexes('sms_gateway_status'):
                self.sql("""
                    INSERT INTO sms_gateway_status (
                        gateway_id, company_id, sms_uuid, number, state, outcome, message_id, attempt, awaits_report,
                        sent_date, create_date)
                    SELECT %s, 1, md5(%s || n::text), '+32470' || lpad(n::text, 7, '0'), 'success', 'accepted',
                           'M-' || n, 1, TRUE, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                    FROM generate_series(1, %s) AS n
                """, gateway_id, str(gateway_id), self.size)
        self.sql("""
            WITH messages AS (
                INSERT INTO mail_message (message_type, model, res_id, date, author_id, subject)
                SELECT 'sms', 'res.partner', 3, now() AT TIME ZONE 'UTC', 3, uuid FROM unnest(%s) AS uuid
                RETURNING id, subject),
            notifications AS (
                INSERT INTO mail_notification
                    (mail_message_id, notification_type, notification_status, res_partner_id, sms_number)
                SELECT id, 'sms', 'pending', 3, subject FROM messages RETURNING id, mail_message_id),
            trackers AS (
                INSERT INTO sms_tracker (sms_uuid, gateway_id, mail_notification_id)
                SELECT m.subject, %s, n.id FROM messages m JOIN notifications n ON n.mail_message_id = m.id)
            INSERT INTO sms_sms (uuid, number, state, gateway_id, mail_message_id)
            SELECT subject, '+32470000000', 'pending', %s, id FROM messages
        """, uuids, gateway_id, gateway_id)
        if self.has_traces and self.reported:
            self._fill_traces(uuids)
        self.sql('VACUUM ANALYZE')
        return uuids

    @contextlib.contextmanager
    def _without_indexes(self, table):
        """Create the indexes and constraints of a table anew: adding millions of rows one by one takes longer."""
        constraints = self.sql("""
            SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = %s::regclass AND contype IN ('u', 'f')
        """, table)
        for name, _definition in constraints:
            self.sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        indexes = self.sql("""
            SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = %s::regclass AND NOT indisprimary
        """, table)
        for name, _definition in indexes:
            self.sql(f'DROP INDEX {name}')
        yield
        for _name, definition in indexes:
            self.sql(definition)
        for name, definition in constraints:
            self.sql(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')

    def _fill_traces(self, uuids):
        """As if the SMS belonged to a mailing, too."""
        model = self.sql("SELECT id FROM ir_model WHERE model = 'res.partner'")[0][0]
        mailing, = self.client.call('mailing.mailing', 'create', [[{
            'subject': 'Sale', 'mailing_type': 'sms', 'body_plaintext': 'Sale', 'mailing_model_id': model}]])
        self.sql("""
            WITH traces AS (
                INSERT INTO mailing_trace (
                    trace_type, mass_mailing_id, model, res_id, trace_status, sms_number, sms_code)
                SELECT 'sms', %s, 'res.partner', 3, 'pending', uuid, 'abc' FROM unnest(%s) AS uuid
                RETURNING id, sms_number)
            UPDATE sms_tracker tracker SET mailing_trace_id = traces.id
            FROM traces WHERE tracker.sms_uuid = traces.sms_number
        """, mailing, uuids)

    def warm(self, path, body, content_type=FORM):
        """Let everything that a call needs be loaded once."""
        self.call(path, body, content_type)
        self.wait_until_applied()
        time.sleep(1)  # until the thread that applies reports has ended

    def call(self, path, body, content_type=FORM):
        """Make one call on a new connection, as providers do.

        :return: HTTP status, 0 if the connection was refused or lost, and milliseconds
        """
        start = time.perf_counter()
        with contextlib.closing(http.client.HTTPConnection(self.host, timeout=120)) as connection:
            try:
                connection.request('POST', path, body, {'Content-Type': content_type})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                status = 0
        return status, 1000 * (time.perf_counter() - start)

    def call_all(self, bodies, connections=CONNECTIONS, path=None, content_type=FORM):
        """
        :return: seconds, and the pairs of `call`
        """
        start = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            calls = list(pool.map(lambda body: self.call(path or self.path, body, content_type), bodies))
        return time.perf_counter() - start, calls

    def wait_until_applied(self):
        """:return float: seconds"""
        start = time.perf_counter()
        while self.has_unapplied():
            assert time.perf_counter() < start + APPLY_SECONDS, f'reports are not applied in {APPLY_SECONDS} s'
            time.sleep(POLL_SECONDS)
        return time.perf_counter() - start

    def has_unapplied(self):
        return bool(self.sql('SELECT 1 FROM sms_gateway_received_report WHERE applied_date IS NULL LIMIT 1'))

    def check_delivered(self, uuids):
        """Fail unless the SMS of these reports, and no others, are delivered everywhere."""
        tables = [
            ('sms_gateway_status', 'sms_uuid', 'delivered_date IS NOT NULL'), ('sms_sms', 'uuid', "state = 'sent'"),
            ('mail_notification n JOIN sms_tracker t ON t.mail_notification_id = n.id', 't.sms_uuid',
             "notification_status = 'sent'")]
        if self.has_traces:
            tables.append(('mailing_trace m JOIN sms_tracker t ON t.mailing_trace_id = m.id', 't.sms_uuid',
                           "trace_status = 'sent'"))
        for table, column, condition in tables:
            found = {uuid for uuid, in self.sql(
                f'SELECT {column} FROM {table} WHERE {condition} AND {column} <> ALL(%s)', self.others)}
            assert found == set(uuids), f'{table}: {len(found)} instead of {len(uuids)} are delivered'

    def get_memory(self):
        """:return float: MiB of the server and its workers"""
        total, todo = 0, [self.server.process.pid]
        while todo:
            pid = todo.pop()
            with contextlib.suppress(OSError):
                lines = Path(f'/proc/{pid}/status').read_text(encoding='ascii').splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith('VmRSS:'))
                todo += Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='ascii').split()
        return total / 1024

# ----------------------------------------------------------
# The table
# ----------------------------------------------------------

def run_parts(known, wanted, scale, columns):
    """Run parts of a benchmark, and print a table for each.

    :param dict known: {name: function of the scale that yields lines: text cells, the goal, and whether it is reached}
    :param wanted: names of parts; all if empty
    :param float scale: of all numbers that a part uses
    :param columns: titles of the cells before the goal
    :return: whether every goal is reached
    """
    is_reached = True
    with environment.locked('bench'):
        for name, part in known.items():
            if name in wanted or not wanted:
                print(f'{name}: {part.__doc__} (load {os.getloadavg()[0]:.1f})', file=sys.stderr, flush=True)
                lines = [(*line[:-1], ('yes' if line[-1] else 'NO') if line[-2] else '') for line in part(scale)]
                print_table([(*columns, 'goal', 'reached'), *lines])
                is_reached = is_reached and all(line[-1] != 'NO' for line in lines)
    return is_reached


def print_table(table):
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), flush=True)
