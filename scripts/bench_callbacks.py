# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench callbacks`: delivery reports through real Odoo servers.

All parts, or those named: single burst kills rows bulk sending. What is compared is measured in the same run. Every SMS
with a report has a record, message, tracker, notification and status row, like an SMS of a contact's chatter, in most
parts also a trace, like one of a mailing. Every report changes the state, which is checked afterwards. A load above the
number of processors before a part means that others used the machine as well.
"""
import collections
import contextlib
import http.client
import json
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import environment
from bench_provider import provider
from bench_side import CONNECTIONS, CRON, FORM, JSON, MARKETING, POLL_SECONDS, SENDING, Side, run_parts

AT_ONCE = 200  # connections of the burst
ROUNDS = 3  # what is compared takes turns, because the load of the machine may change
KILLS = 3
CALL_SIZE = 100  # reports in one call
REPEATED = 490  # reports in a call of which the median counts
RESPONSE_SECONDS = 0.05
WITH_TRACES = (MARKETING, environment.ADDON)
MODES = {'threaded': (), '2 workers': ('--workers=2',)}


# ----------------------------------------------------------
# Parts
# ----------------------------------------------------------

def single(scale):
    """one report per call, against an unknown token and core's webhook"""
    count = max(40, round(1000 * scale))
    for mode, args in MODES.items():
        with Side(ROUNDS * count, args=args, modules=WITH_TRACES) as side:
            kinds = {
                'unknown token': ('/eis_sms/callback/unknown', FORM, make_report, side.uuids, 404),
                'core': ('/sms/status', JSON, make_core_report, side.others, 200),
                'report': (side.path, FORM, make_report, side.uuids, 200)}
            for path, content_type, make_body, uuids, _status in kinds.values():
                side.warm(path, make_body(uuids[0]), content_type)
            seconds, calls, left = collections.Counter(), collections.defaultdict(list), 0
            for start in range(0, ROUNDS * count, count):
                for what, (path, content_type, make_body, uuids, expected) in kinds.items():
                    bodies = [make_body(uuid) for uuid in uuids[start:start + count]]
                    taken, made = side.call_all(bodies, CONNECTIONS, path, content_type)
                    left = max(left, side.wait_until_applied())
                    assert {status for status, _time in made} == {expected}, collections.Counter(s for s, _time in made)
                    seconds[what] += taken
                    calls[what] += made
            side.check_delivered(side.uuids)
        ours, token, core = (ROUNDS * count / seconds[what] for what in ('report', 'unknown token', 'core'))
        name = f'{ROUNDS} x {count:,} single reports, {CONNECTIONS} connections, {mode}'
        yield name, f'{ours:,.0f}/s', f'unknown token {token:,.0f}/s', f'{ours / token:.2f}', '>= 0.65', (
            ours >= 0.65 * token)
        yield '', '', f"core's webhook {core:,.0f}/s", f'{ours / core:.1f}', '>= 2.5', ours >= 2.5 * core
        p95 = get_p95(calls['report'])
        yield '', f'p95 {p95:.0f} ms', f'core {get_p95(calls["core"]):.0f} ms', '', '< 100 ms', p95 < 100
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


def kills(scale):
    """the server is killed in the middle of the calls, and what it acknowledged is applied once"""
    count = max(400, round(10_000 * scale))
    size = count // (KILLS + 1)
    acknowledged = []
    with Side(count, modules=WITH_TRACES) as side:
        side.sql('CREATE TABLE bench_applied (uuid text)')
        side.sql("""
            CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO bench_applied VALUES (NEW.sms_uuid); RETURN NULL; END $$
        """)
        side.sql("""
            CREATE TRIGGER bench_note AFTER UPDATE OF delivered_date ON sms_gateway_status
            FOR EACH ROW WHEN (NEW.delivered_date IS NOT NULL) EXECUTE FUNCTION bench_note()
        """)
        for kill in range(KILLS + 1):
            uuids = side.uuids[kill * size:] if kill == KILLS else side.uuids[kill * size:(kill + 1) * size]
            victim = uuids[len(uuids) // 2] if kill < KILLS else None

            def call(uuid, victim=victim):
                if uuid == victim:
                    side.server.kill()
                status, _time = side.call(side.path, make_report(uuid))
                return uuid if status == 200 else None

            with ThreadPoolExecutor(CONNECTIONS) as pool:
                acknowledged += filter(None, pool.map(call, uuids))
            if victim:
                side.start_server()
        left = side.wait_until_applied()
        stored = [uuid for uuid, in side.sql('SELECT uuid FROM sms_gateway_received_report WHERE uuid = ANY(%s)',
                                             side.uuids)]
        applied = collections.Counter(uuid for uuid, in side.sql('SELECT uuid FROM bench_applied'))
        side.check_delivered(stored)
    lost, twice = set(acknowledged) - applied.keys(), [uuid for uuid, times in applied.items() if times > 1]
    yield f'{count:,} calls, {KILLS} kills', f'{len(acknowledged):,} acknowledged', '', '', '', True
    yield '', f'{len(lost)} of these not applied', '', '', 'none', not lost
    yield '', f'{len(twice)} applied twice', '', '', 'none', not twice and len(stored) == len(set(stored))
    yield '', f'applied {left:.1f} s after the last call', '', '', '', True


def rows(scale):
    """the same with few and with many status rows; 10 million with --scale 10"""
    reported, results = 20 + 5 * REPEATED, {}
    for size in (1, reported, round(1_000_000 * scale)):
        with Side(min(size, reported), size) as side:
            times = []
            one_by_one = side.uuids[:20]
            side.warm(side.path, make_report(one_by_one[0]))
            for uuid in one_by_one[1:] or one_by_one:
                time.sleep(0.7)  # alone, not after others
                status, milliseconds = side.call(side.path, make_report(uuid))
                assert status == 200
                times.append(milliseconds + 1000 * side.wait_until_applied())
            rates = []
            for start in range(20, len(side.uuids), REPEATED):
                part = side.uuids[start:start + REPEATED]
                time.sleep(0.7)
                seconds, _calls = side.call_all([make_reports(part)], 1, content_type=JSON)
                rates.append(len(part) / (seconds + side.wait_until_applied()))
            side.check_delivered(side.uuids)
        results[size] = statistics.median(times), statistics.median(rates or [0])
    few, many = list(results.items())[1:]
    for index, what, unit in ((0, 'one report until it is applied', 'ms'), (1, f'calls with {REPEATED} reports', '/s')):
        ratio = many[1][index] / few[1][index]
        yield (f'{what}, {few[0]:,} and {many[0]:,} status rows', f'{many[1][index]:,.1f} {unit}',
               f'{few[1][index]:,.1f} {unit}', f'{ratio:.2f}', '0.8 to 1.2', 0.8 <= ratio <= 1.2)
    yield 'one report with one status row', f'{results[1][0]:,.1f} ms', '', '', '', True


def bulk(scale):
    """many reports per call"""
    count = max(CALL_SIZE, round(10_000 * scale))
    with Side(count, modules=WITH_TRACES) as side:
        side.warm(side.path, make_report(side.uuids[0]))
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
    for mode, args in MODES.items():
        times = {}
        with provider(RESPONSE_SECONDS) as url, Side(CONNECTIONS, url=url, args=args, cron_threads=0) as side:
            action = side.sql(f'SELECT ir_actions_server_id FROM ir_cron WHERE id = {CRON}')[0][0]
            send(side, action, 100, 'none')
            for kind in ('none', 'lists', 'single', 'unknown token'):
                times[kind] = send(side, action, count, kind)
        alone = times.pop('none')
        yield f'{count:,} SMS, {SENDING} connections, {mode}', f'{alone:.1f} s', '', '', '', True
        for kind, (what, goal) in KINDS.items():
            ratio = times[kind] / alone
            yield f'with {what}', f'{times[kind]:.1f} s', '', f'{ratio:.2f}', goal, ratio <= 1.3


KINDS = {
    'lists': (f'their reports, up to {CALL_SIZE} per call', '<= 1.3'),
    'single': ('their reports, one per call', '<= 1.3'),
    'unknown token': ('as many calls of an unknown token', ''),  # what the web server itself takes
}


def send(side, action, count, kind):
    """
    :param str kind: of calls that are made meanwhile, one for each SMS: `KINDS`, or none
    :return float: seconds until all are sent, and their reports applied
    """
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
    reported, calls = 0, []
    with ThreadPoolExecutor(CONNECTIONS + 1) as pool:
        run = pool.submit(drain, side, action)
        while kind != 'none' and reported < count:
            assert not run.done() or run.exception() is None, run.exception()
            sent = side.sql('SELECT id, sms_uuid FROM sms_gateway_status WHERE id > %s ORDER BY id', last_id)
            last_id = sent[-1][0] if sent else last_id
            uuids = [uuid for _id, uuid in sent]
            reported += len(uuids)
            size = CALL_SIZE if kind == 'lists' else 1
            for first in range(0, len(uuids), size):
                part = uuids[first:first + size]
                if kind == 'lists':
                    calls.append(pool.submit(side.call, side.path, make_reports(part), JSON))
                else:
                    path = side.path if kind == 'single' else '/eis_sms/callback/unknown'
                    calls.append(pool.submit(side.call, path, make_report(part[0])))
            time.sleep(POLL_SECONDS)
        run.result()
        statuses = collections.Counter(call.result()[0] for call in calls)
    while side.has_unapplied():
        side.client.call('ir.actions.server', 'run', [[action]])  # without cron threads
    seconds = time.perf_counter() - start
    states = dict(side.sql('SELECT state, count(*) FROM sms_sms GROUP BY state'))
    assert states == {'sent' if kind in ('lists', 'single') else 'pending': count}, f'{states}, {statuses}'
    return seconds


def drain(side, action):
    while side.client.call('sms.sms', 'search_count', [[['state', '=', 'outgoing']]]):
        side.client.call('ir.actions.server', 'run', [[action]])


PARTS = {'single': single, 'burst': burst, 'kills': kills, 'rows': rows, 'bulk': bulk, 'sending': sending}


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
    return run_parts(PARTS, parts, scale, ('what', 'ours', 'compared with', 'ratio'))
