# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench callbacks`: delivery reports through a real Odoo server, with few and with many status rows.

Every SMS with a report has an SMS record, tracker, notification and status row, like an SMS of a contact's chatter, and
every report changes the state. Prints the median, minimum and maximum of the runs.
"""
import contextlib
import http.client
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import environment

RUNS = 5
SIZES = (1000, 1_000_000)  # status rows in the table
REPORTED = 1000  # SMS with reports; the others only fill the table
ONE_BY_ONE = 50
PARALLEL = 200
CONNECTIONS = 8
APPLY_SECONDS = 30
POLL_SECONDS = 0.005
MODULES = ('contacts', environment.ADDON)


class Side:
    """A server with a database of the given number of status rows; a context manager."""

    def __init__(self, size):
        self.size = size
        self.database = f'bench_callbacks_{size}'
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        environment.create_database(self.database, environment.template(MODULES))
        self._stack.callback(environment.drop_database, self.database)
        server = environment.OdooServer(self.database, f'--workers={os.cpu_count()}')
        url = self._stack.enter_context(server).url
        client = environment.rpc(url, self.database)
        gateway_id, = client.call('sms.gateway', 'create', [[{
            'name': 'Loopback', 'base_url': 'http://127.0.0.1', 'delivery_callback_enabled': True}]])
        connection = self._stack.enter_context(contextlib.closing(environment.connect(self.database)))
        self._cursor = self._stack.enter_context(connection.cursor())
        self._cursor.execute('SELECT delivery_callback_token FROM sms_gateway WHERE id = %s', [gateway_id])
        self._host, self._path = urlsplit(url).netloc, f'/eis_sms/callback/{self._cursor.fetchone()[0]}'
        self._fill(gateway_id)
        return self

    def __exit__(self, *exc_info):
        self._stack.close()

    def _fill(self, gateway_id):
        self._cursor.execute("""
            INSERT INTO sms_gateway_status (
                gateway_id, company_id, sms_uuid, number, state, outcome, message_id, attempt, sent_date, create_date)
            SELECT %(gateway)s, 1, md5(n::text), '+32470' || lpad(n::text, 7, '0'), 'success', 'accepted', 'M-' || n, 1,
                   now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
            FROM generate_series(1, %(size)s) AS n
        """, {'gateway': gateway_id, 'size': self.size})
        self._cursor.execute("""
            WITH messages AS (
                INSERT INTO mail_message (message_type, model, res_id, date, author_id, subject)
                SELECT 'sms', 'res.partner', 3, now() AT TIME ZONE 'UTC', 3, sms_uuid FROM sms_gateway_status
                ORDER BY id LIMIT %s RETURNING id, subject),
            notifications AS (
                INSERT INTO mail_notification (mail_message_id, notification_type, res_partner_id, sms_number)
                SELECT id, 'sms', 3, subject FROM messages RETURNING id, sms_number)
            INSERT INTO sms_tracker (sms_uuid, gateway_id, mail_notification_id)
            SELECT s.sms_uuid, s.gateway_id, n.id FROM sms_gateway_status s
            LEFT JOIN notifications n ON n.sms_number = s.sms_uuid
        """, [REPORTED])
        self._cursor.execute("""
            INSERT INTO sms_sms (uuid, number, state, gateway_id)
            SELECT sms_uuid, number, 'pending', gateway_id FROM sms_gateway_status ORDER BY id LIMIT %s
        """, [REPORTED])
        self._cursor.execute('VACUUM ANALYZE')

    def reset(self):
        """Reset all SMS to sent and not delivered."""
        self._cursor.execute("UPDATE sms_sms SET state = 'pending', to_delete = NULL")
        self._cursor.execute("""
            UPDATE mail_notification SET notification_status = 'pending' WHERE notification_type = 'sms'""")
        self._cursor.execute("""
            UPDATE sms_gateway_status SET delivered_date = NULL, report_date = NULL, awaits_report = TRUE
            WHERE id IN (SELECT id FROM sms_gateway_status ORDER BY id LIMIT %s)
        """, [REPORTED])
        self._cursor.execute('VACUUM sms_sms, mail_notification, sms_gateway_status, bus_bus')

    def reports(self, name, count):
        """
        :param str name: `uuid` or `message_id`, which the reports carry
        :return: so many reports, each of another SMS, as dictionaries
        """
        column = {'uuid': 'sms_uuid', 'message_id': 'message_id'}[name]
        self._cursor.execute(f'SELECT {column} FROM sms_gateway_status ORDER BY id LIMIT %s', [count])
        return [{name: value, 'status': 'delivered'} for value, in self._cursor.fetchall()]

    def call(self, body, content_type='application/x-www-form-urlencoded'):
        """Make one call on a new connection, as providers do."""
        with contextlib.closing(http.client.HTTPConnection(self._host, timeout=120)) as connection:
            connection.request('POST', self._path, body, {'Content-Type': content_type})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'OK'), answer.status

    def wait_until_applied(self):
        """Reports are applied after the response; the time until then counts."""
        deadline = time.monotonic() + APPLY_SECONDS
        while self._count_pending():
            assert time.monotonic() < deadline, f'{self.database}: reports are not applied in {APPLY_SECONDS} s'
            time.sleep(POLL_SECONDS)

    def _count_pending(self):
        self._cursor.execute('SELECT count(*) FROM sms_gateway_received_report WHERE applied_date IS NULL')
        return self._cursor.fetchone()[0]

    def check_delivered(self, count):
        for table, condition in (
                ('sms_gateway_status', 'delivered_date IS NOT NULL'), ('sms_sms', "state = 'sent'"),
                ('mail_notification', "notification_status = 'sent'")):
            self._cursor.execute(f'SELECT count(*) FROM {table} WHERE {condition}')
            found = self._cursor.fetchone()[0]
            assert found == count, f'{self.database}, {table}: {found} of {count} are delivered'


def one_report(side, name):
    """:return float: milliseconds from a call to its response, the median of consecutive calls"""
    times = []
    for report in side.reports(name, ONE_BY_ONE):
        body = urlencode(report)
        start = time.perf_counter()
        side.call(body)
        times.append(1000 * (time.perf_counter() - start))
    side.wait_until_applied()
    side.check_delivered(ONE_BY_ONE)
    return statistics.median(times)


def parallel_reports(side, name):
    """:return float: reports per second, one per call"""
    bodies = [urlencode(report) for report in side.reports(name, PARALLEL)]
    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(side.call, bodies))
    side.wait_until_applied()
    seconds = time.perf_counter() - start
    side.check_delivered(PARALLEL)
    return PARALLEL / seconds


def reports_in_one_call(side, name):
    """:return float: reports per second, all in one call"""
    body = json.dumps(side.reports(name, REPORTED))
    start = time.perf_counter()
    side.call(body, 'application/json')
    side.wait_until_applied()
    seconds = time.perf_counter() - start
    side.check_delivered(REPORTED)
    return REPORTED / seconds


MEASURES = (
    ('one report by UUID', 'ms', one_report, 'uuid'),
    ('one report by message ID', 'ms', one_report, 'message_id'),
    (f'one report a call, {CONNECTIONS} connections', 'reports/s', parallel_reports, 'uuid'),
    (f'{REPORTED:,} reports in one call', 'reports/s', reports_in_one_call, 'uuid'),
)


def main():
    environment.reexec()
    with environment.locked('bench'), contextlib.ExitStack() as stack:
        print('Making the tables.', file=sys.stderr, flush=True)
        sides = [stack.enter_context(Side(size)) for size in SIZES]
        for side in sides:
            side.reset()
            parallel_reports(side, 'uuid')  # warm
        results = {}
        for what, unit, measure, name in MEASURES:
            print(what, file=sys.stderr, flush=True)
            for _run in range(RUNS):
                for side in sides:
                    side.reset()
                    results.setdefault((what, unit), {}).setdefault(side.size, []).append(measure(side, name))
    print_table(results)


def print_table(results):
    """
    :param dict results: {(what, unit): {status rows: [number of each run]}}
    """
    lines = [('what', *(f'{size:,} status rows' for size in SIZES), 'ratio')]
    for (what, unit), by_size in results.items():
        medians = [statistics.median(by_size[size]) for size in SIZES]
        cells = [
            f'{_number(median)} {unit} [{_number(min(by_size[size]))}..{_number(max(by_size[size]))}]'
            for size, median in zip(SIZES, medians, strict=True)]
        lines.append((what, *cells, f'{medians[1] / medians[0]:.2f}'))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _number(value):
    return f'{value:,.0f}' if value >= 100 else f'{value:.3g}'
