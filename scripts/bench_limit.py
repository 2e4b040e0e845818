# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench limit`: *SMS per Second* while a campaign is queued, measured at the provider.

How much of the limit is used in a minute, the most SMS in any second, and how long an urgent SMS takes from the click
to the provider. The jobs are real ones of Odoo's cron threads, so the change from one job to the next is included.

All parts, or those named: clicks, servers, million, rates. The queue consists of rows that one statement inserts.
"""
import contextlib
import math
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles

import environment
from bench_limit_provider import Provider
from bench_side import print_table

MINUTE = 60
START_SECONDS = 90  # for the first SMS
WARM_SECONDS = 3  # until all workers are busy, and for the last urgent SMS
USERS = 4  # who click
MODULES = ('contacts', environment.ADDON)
CRON = "(SELECT res_id FROM ir_model_data WHERE module = 'sms' AND name = 'ir_cron_sms_scheduler_action')"


@dataclass(frozen=True)
class Case:
    """What is measured.

    :param rate: SMS per second
    :param clicks: how many urgent SMS in the minute
    :param queued: how many bulk SMS in the queue
    """
    rate: float = 20
    servers: int = 1
    clicks: int = 0
    queued: int = 20_000


PARTS = {
    'clicks': [Case(clicks=30)],
    'servers': [Case(rate=10, servers=2)],
    'million': [Case(clicks=100, queued=1_000_000)],
    'rates': [Case(rate=rate, queued=max(1000, int(100 * rate))) for rate in (0.5, 1, 2.5, 100, 500)],
}


class Fleet:
    """Servers with one cron thread each on one database with a full queue; a context manager.

    :param Provider provider: where its gateway sends to
    :param Case case: how many servers; each but the first runs a copy of the queue action
    """
    database = 'bench_limit'

    def __init__(self, provider, case):
        self.provider = provider
        self._stack = contextlib.ExitStack()
        self._case = case

    def __enter__(self):
        environment.create_database(self.database, environment.template(MODULES))
        self._stack.callback(environment.drop_database, self.database)
        started = [self._stack.enter_context(environment.OdooServer(self.database, cron_threads=1))
                   for _server in range(self._case.servers)]
        self.client = environment.rpc(started[0].url, self.database)
        self.client.call('sms.gateway', 'create', [[{
            'name': 'Loopback', 'state': 'active', 'rate_limit': self._case.rate, 'max_connections': 32,
            'base_url': f'http://127.0.0.1:{self.provider.server_port}/sms', 'answer_message_id_path': 'id',
            'parameter_ids': [
                [0, 0, {'key': 'to', 'param_type': 'number'}], [0, 0, {'key': 'text', 'param_type': 'message'}]]}]])
        connection = self._stack.enter_context(contextlib.closing(environment.connect(self.database)))
        self._cursor = self._stack.enter_context(connection.cursor())
        self._cursor.execute("""
            INSERT INTO sms_sms (uuid, number, body, state, record_company_id, lane)
            SELECT replace(gen_random_uuid()::text, '-', ''), '+3247' || lpad(n::text, 7, '0'), 'Sale', 'outgoing', 1,
                   'bulk'
            FROM generate_series(1, %s) AS n
        """, [self._case.queued])
        self._cursor.execute('ANALYZE')
        self._cursor.execute(f'SELECT {CRON}')
        jobs = [self._cursor.fetchone()[0]]
        for _copy in range(self._case.servers - 1):
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
        """Wait for the first SMS."""
        until = time.monotonic() + START_SECONDS
        while not self.provider.arrived:
            if time.monotonic() > until:
                environment.fail('The provider gets no SMS.')
            time.sleep(0.05)

    def click(self, number):
        """Send an urgent SMS from the composer. :return: `time.monotonic()` before and after the click"""
        context = {'context': {'sms_lane': 'urgent'}}
        composer, = self.client.call('sms.composer', 'create', [[{
            'composition_mode': 'numbers', 'numbers': number, 'body': "Your code"}]], context)
        before = time.monotonic()
        self.client.call('sms.composer', 'action_send_sms', [[composer]], context)
        return before, time.monotonic()


def measure(case):
    """
    :return: share of the limit that was used, the most SMS in any second, seconds from the clicks to the provider, and
        seconds of the clicks
    """
    with Provider() as provider, Fleet(provider, case) as fleet:
        fleet.wait_for_start()
        time.sleep(WARM_SECONDS)
        start = time.monotonic()

        def click(index):
            time.sleep(max(0, start + MINUTE / case.clicks * index - time.monotonic()))
            number = f'+3246000{index:04d}'
            return number, fleet.click(number)

        with ThreadPoolExecutor(USERS) as users:
            times = dict(users.map(click, range(case.clicks)))
        time.sleep(max(0, start + MINUTE + WARM_SECONDS - time.monotonic()))
        arrived = list(provider.arrived)
    moments = sorted(moment for moment, _number in arrived if start <= moment < start + MINUTE)
    received = {number: moment for moment, number in arrived}
    if missing := times.keys() - received.keys():
        environment.fail(f'{len(missing)} urgent SMS did not arrive.')
    return (
        len(moments) / case.rate / MINUTE, most_in_a_second(moments),
        [received[number] - before for number, (before, _after) in times.items()],
        [after - before for before, after in times.values()])


def most_in_a_second(moments):
    most = first = 0
    for index, moment in enumerate(moments):
        while moments[first] <= moment - 1:
            first += 1
        most = max(most, index - first + 1)
    return most


def main(parts, _scale):
    """
    :param parts: names of `PARTS`, empty for all
    :return: whether at least 95 % of each limit was used, and never more than all of it in a second
    """
    is_kept = True
    lines = [('', 'SMS per Second', 'limit used in a minute', 'most in a second', 'click to provider: p50, p99',
              'click: p50, p99', 'load')]
    with environment.locked('bench'):
        for case in (case for part, cases in PARTS.items() if part in parts or not parts for case in cases):
            print(case, file=sys.stderr, flush=True)
            share, most, delays, durations = measure(case)
            is_kept = is_kept and share >= 0.95 and most <= math.ceil(case.rate)
            lines.append((
                f'{case.queued:,} queued, {case.servers} server{"s" * (case.servers > 1)}', str(case.rate),
                f'{share:.1%}', str(most), *map(_percentiles, (delays, durations)), f'{os.getloadavg()[0]:.1f}'))
    print_table(lines)
    return is_kept


def _percentiles(seconds):
    if not seconds:
        return ''
    cuts = quantiles(seconds, n=100, method='inclusive')
    return f'{cuts[49]:.2f} s, {cuts[98]:.2f} s'
