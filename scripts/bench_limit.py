# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench limit`: *SMS per Second* while a campaign is queued, measured at the provider.

How much of the limit is used in a minute, the most SMS in any second, and how long an urgent SMS takes from the click
to the provider. The jobs are real ones of Odoo's cron threads, so the change from one job to the next is included.
"""
import contextlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import quantiles
from urllib.parse import parse_qs

import environment

MINUTE = 60
QUEUED = 20_000
CLICK_EVERY = 2  # seconds
RESPONSE_SECONDS = 0.05
START_SECONDS = 90  # for the first SMS
MODULES = ('contacts', environment.ADDON)
CRON = "(SELECT res_id FROM ir_model_data WHERE module = 'sms' AND name = 'ir_cron_sms_scheduler_action')"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def do_POST(self):
        received = time.monotonic()
        form = parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode())
        self.server.arrived.append((received, form['to'][0]))
        time.sleep(RESPONSE_SECONDS)
        content = b'{"id": "M1"}'
        self.send_response(200)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args):
        """Nothing on stderr."""


class Provider(ThreadingHTTPServer):
    """Accepts every SMS and records when it arrived; a context manager."""
    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.arrived = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        self.shutdown()
        self.server_close()


class Fleet:
    """Servers with one cron thread each on one database with a full queue; a context manager.

    :param Provider provider: where its gateway sends to
    :param int servers: how many; each but the first runs a copy of the queue action
    """
    database = 'bench_limit'

    def __init__(self, provider, servers, rate):
        self.provider = provider
        self._stack = contextlib.ExitStack()
        self._servers = servers
        self._rate = rate

    def __enter__(self):
        environment.create_database(self.database, environment.template(MODULES))
        self._stack.callback(environment.drop_database, self.database)
        started = [self._stack.enter_context(environment.OdooServer(self.database, cron_threads=1))
                   for _server in range(self._servers)]
        self.client = environment.rpc(started[0].url, self.database)
        self.client.call('sms.gateway', 'create', [[{
            'name': 'Loopback', 'state': 'active', 'rate_limit': self._rate, 'max_connections': 32,
            'base_url': f'http://127.0.0.1:{self.provider.server_port}/sms', 'answer_message_id_path': 'id',
            'parameter_ids': [
                [0, 0, {'key': 'to', 'param_type': 'number'}], [0, 0, {'key': 'text', 'param_type': 'message'}]]}]])
        connection = self._stack.enter_context(contextlib.closing(environment.connect(self.database)))
        self._cursor = self._stack.enter_context(connection.cursor())
        self._cursor.execute("""
            INSERT INTO sms_sms (uuid, number, body, state, record_company_id, lane)
            SELECT replace(gen_random_uuid()::text, '-', ''), '+32470' || lpad(n::text, 6, '0'), 'Sale', 'outgoing', 1,
                   'bulk'
            FROM generate_series(1, %s) AS n
        """, [QUEUED])
        self._cursor.execute('ANALYZE')
        self._cursor.execute(f'SELECT {CRON}')
        jobs = [self._cursor.fetchone()[0]]
        for _copy in range(self._servers - 1):
            jobs += self.client.call('ir.cron', 'copy', [jobs[:1]])
        self.client.call('ir.cron', 'write', [jobs[1:], {
            'active': True, 'interval_number': 1, 'interval_type': 'minutes'}])
        for job in jobs:
            self._cursor.execute(
                "INSERT INTO ir_cron_trigger (cron_id, call_at) VALUES (%s, now() AT TIME ZONE 'UTC')", [job])
        with contextlib.closing(environment.connect()) as other:  # cron threads listen in another database
            other.cursor().execute("SELECT pg_notify('cron_trigger', %s)", [self.database])
        return self

    def __exit__(self, *exc_info):
        self._stack.close()

    def wait_for_start(self):
        """:return float: `time.monotonic()` of the first SMS"""
        until = time.monotonic() + START_SECONDS
        while not self.provider.arrived:
            if time.monotonic() > until:
                environment.fail('The provider gets no SMS.')
            time.sleep(RESPONSE_SECONDS)
        return self.provider.arrived[0][0]

    def click(self, number):
        """Send an urgent SMS from the composer. :return: `time.monotonic()` before and after the click"""
        context = {'context': {'sms_lane': 'urgent'}}
        composer, = self.client.call('sms.composer', 'create', [[{
            'composition_mode': 'numbers', 'numbers': number, 'body': "Your code"}]], context)
        before = time.monotonic()
        self.client.call('sms.composer', 'action_send_sms', [[composer]], context)
        return before, time.monotonic()


def measure(rate, servers, clicks):
    """
    :param int clicks: how many urgent SMS in the minute
    :return: share of the limit that was used, the most SMS in any second, seconds from the clicks to the provider, and
        seconds of the clicks
    """
    with Provider() as provider, Fleet(provider, servers, rate) as fleet:
        fleet.wait_for_start()
        time.sleep(CLICK_EVERY)  # all workers are busy
        start = time.monotonic()
        times = {}
        for index in range(clicks):
            time.sleep(max(0, start + index * CLICK_EVERY - time.monotonic()))
            number = f'+3247100{index:04d}'
            times[number] = fleet.click(number)
        time.sleep(max(0, start + MINUTE - time.monotonic()))
        time.sleep(CLICK_EVERY)  # for the last urgent SMS
        arrived = list(provider.arrived)
    moments = sorted(moment for moment, _number in arrived if start <= moment < start + MINUTE)
    received = {number: moment for moment, number in arrived}
    if missing := times.keys() - received.keys():
        environment.fail(f'{len(missing)} urgent SMS did not arrive.')
    return (
        len(moments) / rate / MINUTE, most_in_a_second(moments),
        [received[number] - before for number, (before, _after) in times.items()],
        [after - before for before, after in times.values()])


def most_in_a_second(moments):
    most = first = 0
    for index, moment in enumerate(moments):
        while moments[first] <= moment - 1:
            first += 1
        most = max(most, index - first + 1)
    return most


def main():
    environment.reexec()
    lines = [('', 'SMS per Second', 'limit used in a minute', 'most in a second', 'click to provider: p50, p99',
              'click: p50, p99')]
    with environment.locked('bench'):
        for rate, servers, clicks in ((20, 1, MINUTE // CLICK_EVERY), (10, 2, 0)):
            print(f'{rate} per second, {servers} servers', file=sys.stderr, flush=True)
            share, most, delays, durations = measure(rate, servers, clicks)
            lines.append((
                f'{QUEUED:,} queued, {servers} server{"s" * (servers > 1)}', str(rate), f'{share:.1%}', str(most),
                *map(_percentiles, (delays, durations))))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _percentiles(seconds):
    if not seconds:
        return ''
    cuts = quantiles(seconds, n=100, method='inclusive')
    return f'{cuts[49]:.2f} s, {cuts[98]:.2f} s'
