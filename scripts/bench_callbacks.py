# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench callbacks`: delivery reports through real Odoo servers.

All parts, or those named: single burst rows bulk sending. Each is measured once; what is compared is measured in the
same run. Every SMS with a report has a record, message, tracker, notification and status row, like an SMS of a
contact's chatter, and every report changes the state, which is checked afterwards.
"""
import collections
import contextlib
import http.client
import json
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import environment
from bench_provider import provider

CONNECTIONS = 8
AT_ONCE = 200  # connections of the burst
SENDING = 32  # connections to the provider
CALL_SIZE = 100  # reports in one call
RESPONSE_SECONDS = 0.05
APPLY_SECONDS = 120
POLL_SECONDS = 0.02
MODULES = ('contacts', environment.ADDON)
FORM, JSON = 'application/x-www-form-urlencoded', 'application/json'
CRON = "(SELECT res_id FROM ir_model_data WHERE module = 'sms' AND name = 'ir_cron_sms_scheduler_action')"
MODES = {'threaded': (), '2 workers': ('--workers=2',)}


class Side:
    """A database with SMS that were sent, and a server; a context manager.

    :param int reported: SMS with a message and a notification
    :param int size: status rows; more than `reported` only fill the table
    :param tuple args: of the server
    :param str url: of the provider
    :param int cron_threads: threads for the queue action, which applies what a call could not apply in time
    """
    database = 'bench_callbacks'

    def __init__(self, reported, size=0, args=(), url='http://127.0.0.1', cron_threads=1):
        self.reported, self.size, self.provider = reported, max(size, reported), url
        self._args, self._cron_threads = args, cron_threads
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        environment.create_database(self.database, environment.template(MODULES))
        self._stack.callback(environment.drop_database, self.database)
        connection = self._stack.enter_context(contextlib.closing(environment.connect(self.database)))
        self._cursor = self._stack.enter_context(connection.cursor())
        self.sql(f'UPDATE ir_cron SET active = FALSE WHERE id <> {CRON}')  # the autovacuum removes delivered SMS
        self.server = self._stack.enter_context(
            environment.OdooServer(self.database, *self._args, cron_threads=self._cron_threads))
        self.client = environment.rpc(self.server.url, self.database, timeout=600)
        self.sql("UPDATE sms_gateway SET state = 'disabled'")
        gateway_id, = self.client.call('sms.gateway', 'create', [[{
            'name': 'Loopback', 'state': 'active', 'base_url': f'{self.provider}/sms', 'max_connections': SENDING,
            'answer_message_id_path': 'id', 'delivery_callback_enabled': True, 'parameter_ids': [
                [0, 0, {'key': 'to', 'param_type': 'number'}], [0, 0, {'key': 'text', 'param_type': 'message'}]]}]])
        token = self.sql('SELECT delivery_callback_token FROM sms_gateway WHERE id = %s', gateway_id)[0][0]
        self.host = urlsplit(self.server.url).netloc
        self.path = f'/eis_sms/callback/{token}'
        self.uuids = self._fill(gateway_id)
        self.others = self._fill(None)  # of core's own provider
        for _warm in range(2 * CONNECTIONS):
            self.call(self.path, urlencode({'uuid': 'unknown', 'status': 'delivered'}))
        return self

    def __exit__(self, *exc_info):
        self._stack.close()

    def sql(self, statement, *params):
        self._cursor.execute(statement, params)
        return self._cursor.fetchall() if self._cursor.description else None

    def _fill(self, gateway_id):
        uuids = [uuid for uuid, in self.sql(
            "SELECT md5(%s || n::text) FROM generate_series(1, %s) AS n", str(gateway_id), self.reported)]
        if gateway_id:
            self.sql("""
                INSERT INTO sms_gateway_status (
                    gateway_id, company_id, sms_uuid, number, state, outcome, message_id, attempt, awaits_report,
                    sent_date, create_date)
                SELECT %s, 1, md5(%s || n::text), '+32470' || lpad(n::text, 7, '0'), 'success', 'accepted', 'M-' || n,
                       1, TRUE, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC' FROM generate_series(1, %s) AS n
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
        self.sql('VACUUM ANALYZE')
        return uuids

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
        while self.sql('SELECT 1 FROM sms_gateway_received_report WHERE applied_date IS NULL LIMIT 1'):
            assert time.perf_counter() < start + APPLY_SECONDS, f'reports are not applied in {APPLY_SECONDS} s'
            time.sleep(POLL_SECONDS)
        return time.perf_counter() - start

    def check_delivered(self, uuids):
        """Fail unless the SMS of these reports, and no others, are delivered everywhere."""
        for table, column, condition in (
                ('sms_gateway_status', 'sms_uuid', 'delivered_date IS NOT NULL'), ('sms_sms', 'uuid', "state = 'sent'"),
                ('mail_notification n JOIN sms_tracker t ON t.mail_notification_id = n.id', 't.sms_uuid',
                 "notification_status = 'sent'")):
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
# Parts
# ----------------------------------------------------------

def single(scale):
    """one report per call, against an unknown token and core's webhook"""
    count = max(40, round(1000 * scale))
    for mode, args in MODES.items():
        with Side(count, args=args) as side:
            rates, slowest = {}, {}
            for what, path, content_type, make_body, uuids in (
                    ('unknown token', '/eis_sms/callback/unknown', FORM, make_report, side.uuids),
                    ('core', '/sms/status', JSON, make_core_report, side.others),
                    ('report', side.path, FORM, make_report, side.uuids)):
                side.call(path, make_body('0' * 32), content_type)  # warm
                seconds, calls = side.call_all([make_body(uuid) for uuid in uuids], CONNECTIONS, path, content_type)
                expected = 404 if what == 'unknown token' else 200
                assert {status for status, _time in calls} == {expected}, collections.Counter(s for s, _time in calls)
                rates[what], slowest[what] = count / seconds, get_p95(calls)
            left = side.wait_until_applied()
            side.check_delivered(side.uuids)
        ours, token, core = (rates[what] for what in ('report', 'unknown token', 'core'))
        name = f'{count:,} single reports, {CONNECTIONS} connections, {mode}'
        yield name, f'{ours:,.0f}/s', f'unknown token {token:,.0f}/s', f'{ours / token:.2f}', '>= 0.65', (
            ours >= 0.65 * token)
        yield '', '', f"core's webhook {core:,.0f}/s", f'{ours / core:.1f}', '>= 2.5', ours >= 2.5 * core
        yield '', f'p95 {slowest["report"]:.0f} ms', f'core {slowest["core"]:.0f} ms', '', '< 100 ms', (
            slowest['report'] < 100)
        yield '', f'applied {left:.2f} s after the last call', '', '', '<= 2 s', left <= 2


def burst(scale):
    """many calls at once, with Odoo's default settings"""
    count = max(AT_ONCE, round(10_000 * scale))
    with Side(count) as side:
        side.call_all([make_report(uuid) for uuid in side.uuids[:AT_ONCE]], AT_ONCE)  # warm
        memory, stop, logins = side.get_memory(), threading.Event(), []

        def log_in():
            while not stop.is_set():
                start = time.perf_counter()
                with contextlib.closing(http.client.HTTPConnection(side.host, timeout=120)) as connection:
                    connection.request('GET', '/web/login')
                    logins.append((connection.getresponse().status, 1000 * (time.perf_counter() - start)))
                stop.wait(0.5)

        watcher = threading.Thread(target=log_in)
        watcher.start()
        seconds, calls = side.call_all([make_report(uuid) for uuid in side.uuids], AT_ONCE)
        stop.set()
        watcher.join()
        memory = side.get_memory() - memory
        left = side.wait_until_applied()
        statuses = collections.Counter(status for status, _time in calls)
        acknowledged = [uuid for uuid, (status, _time) in zip(side.uuids, calls, strict=True) if status == 200]
        side.check_delivered({*acknowledged, *side.uuids[:AT_ONCE]})
    login_statuses = {status for status, _time in logins}
    yield (f'{count:,} calls, {AT_ONCE} at once', f'{count / seconds:,.0f}/s, p95 {get_p95(calls):,.0f} ms', '', '', '',
           True)
    yield '', f'{statuses[500]} x 500, {statuses[0]} connections lost', '', '', 'none', not statuses[500]
    yield '', f'{statuses[503]} x 503', '', '', '<= 1 %', statuses[503] <= count / 100
    yield ('', f'/web/login p95 {get_p95(logins):,.0f} ms, {len(logins)} times', '', '', '200', login_statuses == {200})
    yield '', f'{memory:+.0f} MiB', '', '', '< 50 MiB', memory < 50
    yield '', f'applied {left:.1f} s after the last call', '', '', '', True


def rows(scale):
    """the same with few and with many status rows"""
    reported, results = max(40, round(1000 * scale)), {}
    for size in (1, reported, round(1_000_000 * scale)):
        with Side(min(size, reported), size) as side:
            times = []
            one_by_one = side.uuids[:20]
            for uuid in one_by_one:
                status, milliseconds = side.call(side.path, make_report(uuid))
                assert status == 200
                times.append(milliseconds + 1000 * side.wait_until_applied())
            rest = side.uuids[20:]
            seconds = 0
            if rest:
                seconds, _calls = side.call_all([make_reports(rest)], 1, content_type=JSON)
                seconds += side.wait_until_applied()
            side.check_delivered(side.uuids)
        results[size] = statistics.median(times), len(rest) / seconds if rest else 0
    few, many = list(results.items())[1:]
    for index, what, unit in ((0, 'one report until it is applied', 'ms'), (1, 'reports in one call', '/s')):
        ratio = many[1][index] / few[1][index]
        yield (f'{what}, {few[0]:,} and {many[0]:,} status rows', f'{many[1][index]:,.1f} {unit}',
               f'{few[1][index]:,.1f} {unit}', f'{ratio:.2f}', '0.8 to 1.2', 0.8 <= ratio <= 1.2)
    yield 'one report with one status row', f'{results[1][0]:,.1f} ms', '', '', '', True


def bulk(scale):
    """many reports per call"""
    count = max(CALL_SIZE, round(10_000 * scale))
    with Side(count) as side:
        bodies = [make_reports(side.uuids[start:start + CALL_SIZE]) for start in range(0, count, CALL_SIZE)]
        start = time.perf_counter()
        for body in bodies:
            assert side.call(side.path, body, JSON)[0] == 200
        stored = time.perf_counter() - start
        applied = stored + side.wait_until_applied()
        side.check_delivered(side.uuids)
    yield f'{count:,} reports, {CALL_SIZE} per call', f'{count / stored:,.0f}/s stored', '', '', '>= 10,000/s', (
        count / stored >= 10_000)
    yield '', f'{count / applied:,.0f}/s applied', '', '', '>= 2,500/s', count / applied >= 2500


def sending(scale):
    """sending alone, and while the reports come back"""
    count = max(200, round(10_000 * scale))
    times = {}
    with provider(RESPONSE_SECONDS) as url, Side(CONNECTIONS, url=url, cron_threads=0) as side:
        action = side.sql(f'SELECT ir_actions_server_id FROM ir_cron WHERE id = {CRON}')[0][0]
        for what, number, is_reported in (('warm', 100, False), ('alone', count, False), ('with reports', count, True)):
            times[what] = send(side, action, number, is_reported)
    ratio = times['with reports'] / times['alone']
    yield (f'{count:,} SMS sent and reported, {SENDING} connections', f'{times["with reports"]:.1f} s',
           f'sending alone {times["alone"]:.1f} s', f'{ratio:.2f}', '<= 1.3', ratio <= 1.3)


def send(side, action, count, is_reported):
    """:return float: seconds until all are sent, and their reports applied"""
    side.sql("DELETE FROM sms_sms")
    side.sql("""
        INSERT INTO sms_sms (uuid, number, body, state, record_company_id)
        SELECT replace(gen_random_uuid()::text, '-', ''), '+32470' || lpad(n::text, 6, '0'), 'Hello ' || n,
               'outgoing', 1
        FROM generate_series(1, %s) AS n
    """, count)
    side.sql('VACUUM ANALYZE')
    last_id = side.sql('SELECT COALESCE(max(id), 0) FROM sms_gateway_status')[0][0]
    start = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS + 1) as pool:
        run = pool.submit(drain, side, action)
        calls = []
        while is_reported and len(calls) < count:
            assert not run.done() or run.exception() is None, run.exception()
            sent = side.sql('SELECT id, sms_uuid FROM sms_gateway_status WHERE id > %s ORDER BY id', last_id)
            last_id = sent[-1][0] if sent else last_id
            calls += [pool.submit(side.call, side.path, make_report(uuid)) for _id, uuid in sent]
            time.sleep(POLL_SECONDS)
        run.result()
        statuses = collections.Counter(call.result()[0] for call in calls)
    side.client.call('ir.actions.server', 'run', [[action]])  # without cron threads
    side.wait_until_applied()
    seconds = time.perf_counter() - start
    states = dict(side.sql('SELECT state, count(*) FROM sms_sms GROUP BY state'))
    assert states == {'sent' if is_reported else 'pending': count}, f'{states}, {statuses}'
    return seconds


def drain(side, action):
    while side.client.call('sms.sms', 'search_count', [[['state', '=', 'outgoing']]]):
        side.client.call('ir.actions.server', 'run', [[action]])


PARTS = {'single': single, 'burst': burst, 'rows': rows, 'bulk': bulk, 'sending': sending}


# ----------------------------------------------------------
# Reports
# ----------------------------------------------------------

def make_report(uuid):
    return urlencode({'uuid': uuid, 'status': 'delivered'})


def make_reports(uuids):
    return json.dumps([{'uuid': uuid, 'status': 'delivered'} for uuid in uuids])


def make_core_report(uuid):
    return json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': {
        'message_statuses': [{'sms_status': 'delivered', 'uuids': [uuid]}]}})


def get_p95(calls):
    times = sorted(milliseconds for _status, milliseconds in calls)
    return times[int(0.95 * len(times))] if times else 0


# ----------------------------------------------------------
# The table
# ----------------------------------------------------------

def main(parts, scale):
    """
    :param parts: names of `PARTS`; all if empty
    :param float scale: of all numbers of reports and rows
    :return: whether every goal is reached
    """
    is_reached = True
    with environment.locked('bench'):
        for name, part in PARTS.items():
            if name in parts or not parts:
                print(f'{name}: {part.__doc__}', file=sys.stderr, flush=True)
                lines = [(*line[:-1], ('yes' if line[-1] else 'NO') if line[-2] else '') for line in part(scale)]
                print_table([('what', 'ours', 'compared with', 'ratio', 'goal', 'reached'), *lines])
                is_reached = is_reached and all(line[-1] != 'NO' for line in lines)
    return is_reached


def print_table(table):
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), flush=True)
