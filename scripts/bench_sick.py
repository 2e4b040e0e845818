# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench sick`: a campaign whose first gateway is sick, with a healthy second one beside it.

How many SMS end with an unknown outcome, fail or are sent twice, how soon the second gateway takes over, and how soon
traffic returns to the first one after its provider works again. Measured at the provider and in the database, with one
and with two servers. The jobs are real ones of Odoo's cron threads.
"""
import contextlib
import socket
import struct
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import environment
from bench_limit import CRON, MODULES
from bench_side import print_table

PARTS = {'one': 1, 'two': 2}  # servers
QUEUED = 10_000
RESPONSE_SECONDS = 0.02
TIMEOUT = 5  # seconds, of the gateways
LIMIT = 600  # seconds for one campaign
RECOVERY_LIMIT = 300  # seconds for traffic to return
STREAM_EVERY, STREAM_SIZE = 0.5, 5  # seconds, and SMS that are queued meanwhile
RETURNED = 3  # SMS of the first gateway, the first of which is a probe
TABLES = ('sms_sms', 'sms_tracker', 'sms_gateway_status', 'sms_gateway_attempt', 'sms_gateway_throttle')
THROTTLED = b'{"code": "55", "error": "Too many requests"}'
RESET, HANG = 'reset', 'time-out'
# {name: what the first gateway's provider does with a request: HTTP code and body, RESET or HANG}
SICK = {
    'HTTP 500': (500, b'{"error": "Panic"}'),
    'HTTP 401': (401, b'{"error": "Wrong password"}'),
    'HTTP 402': (402, b'{"error": "No credit"}'),
    'HTTP 403': (403, b'{"error": "Suspended"}'),
    'connection reset': RESET,
    'time-out': HANG,
    'throttled in a 200': (200, THROTTLED),
}
DOUBTFUL = ('HTTP 500', 'connection reset', 'time-out')  # the provider may have sent the SMS


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def do_POST(self):
        received = time.monotonic()
        form = parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode())
        is_first = self.path == '/first'
        reply = self.server.sick if is_first else None
        self.server.arrived.append((received, is_first, form['to'][0], bool(reply)))
        if reply == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if reply == HANG:
            time.sleep(2 * TIMEOUT)
            self.close_connection = True
            return
        time.sleep(RESPONSE_SECONDS)
        code, content = reply or (200, b'{"id": "M1"}')
        self.send_response(code)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args):
        """Nothing on stderr."""


class Provider(ThreadingHTTPServer):
    """The providers of both gateways; a context manager.

    `sick`: what that of the first one does, None if it works. `arrived`: of each request when, whether to the first
    one, the number, and whether it was sick.
    """
    daemon_threads = True
    request_queue_size = 256
    sick = None

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.arrived = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        self.shutdown()
        self.server_close()

    def handle_error(self, _request, _client_address):
        """Nothing on stderr: connections are reset on purpose."""


class Fleet:
    """Servers with one cron thread each on one database; a context manager.

    :param int servers: how many; each but the first runs a copy of the queue action
    """
    database = 'bench_sick'

    def __init__(self, provider, servers):
        self._provider = provider
        self._servers = servers
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        environment.create_database(self.database, environment.template(MODULES))
        self._stack.callback(environment.drop_database, self.database)
        started = [self._stack.enter_context(environment.OdooServer(self.database, cron_threads=1))
                   for _server in range(self._servers)]
        self._client = environment.rpc(started[0].url, self.database)
        connection = self._stack.enter_context(contextlib.closing(environment.connect(self.database)))
        self._cursor = self._stack.enter_context(connection.cursor())
        self._jobs = [self.query(f'SELECT {CRON}')[0][0]]
        for _copy in range(self._servers - 1):
            self._jobs += self._client.call('ir.cron', 'copy', [self._jobs[:1]])
        self._client.call('ir.cron', 'write', [self._jobs[1:], {
            'active': True, 'interval_number': 1, 'interval_type': 'minutes'}])
        return self

    def __exit__(self, *exc_info):
        self._stack.close()

    def query(self, statement, *params):
        self._cursor.execute(statement, params)
        return self._cursor.fetchall() if self._cursor.description else None

    def restart(self):
        """Empty the queue, and replace both gateways."""
        for table in TABLES:  # not TRUNCATE, which would wait for jobs that wait for it
            self.query(f'DELETE FROM {table}')
        self.query("UPDATE sms_gateway SET state = 'disabled'")
        url = f'http://127.0.0.1:{self._provider.server_port}'
        self._client.call('sms.gateway', 'create', [[{
            'name': name, 'state': 'active', 'sequence': sequence, 'timeout': TIMEOUT, 'base_url': f'{url}/{name}',
            'answer_message_id_path': 'id', 'answer_error_code_path': 'code',
            'callback_failure_map_ids': [[0, 0, {'provider_code': '55', 'outcome': 'try_again'}]],
            'parameter_ids': [
                [0, 0, {'key': 'to', 'param_type': 'number'}], [0, 0, {'key': 'text', 'param_type': 'message'}]],
        } for name, sequence in (('first', 10), ('second', 20))]])

    def queue(self, first, count):
        """Queue SMS with numbers of their own, and wake the queue action in all servers."""
        self.query("""
            INSERT INTO sms_sms (uuid, number, body, state, record_company_id, lane)
            SELECT replace(gen_random_uuid()::text, '-', ''), '+32470' || lpad(n::text, 6, '0'), 'Sale', 'outgoing', 1,
                   'bulk'
            FROM generate_series(%s, %s) AS n
        """, first, first + count - 1)
        for job in self._jobs:
            self.query("INSERT INTO ir_cron_trigger (cron_id, call_at) VALUES (%s, now() AT TIME ZONE 'UTC')", job)
        with contextlib.closing(environment.connect()) as other:  # cron threads listen in another database
            other.cursor().execute("SELECT pg_notify('cron_trigger', %s)", [self.database])

    def wait_until_sent(self):
        """:return float: seconds until no SMS is queued or being sent"""
        start = time.monotonic()
        while self.query("SELECT 1 FROM sms_sms WHERE state IN ('outgoing', 'process') LIMIT 1"):
            if time.monotonic() > start + LIMIT:
                environment.fail(f"SMS are left: {self.query('SELECT state, count(*) FROM sms_sms GROUP BY 1')}")
            time.sleep(0.2)
        return time.monotonic() - start


@dataclass
class Result:
    """What became of one campaign.

    :param int requests: to the first gateway until the second one got its first
    :param float takeover: the same in seconds
    :param int wasted: requests to the first gateway while it was sick
    :param recovery: seconds from the recovery of the first provider until it got more than a probe; None if it did not
    """
    unknown: int = 0
    failed: int = 0
    twice: int = 0
    requests: int = 0
    takeover: float = 0
    wasted: int = 0
    seconds: float = 0
    recovery: float | None = None

    def is_reached(self):
        return (self.unknown <= 10 and not self.failed and not self.twice
                and (self.requests <= 20 or self.takeover <= 2) and self.recovery is not None)


def measure(fleet, provider, name, count):
    """
    :param str name: a key of `SICK`
    :param int count: SMS
    :rtype: Result
    """
    provider.arrived.clear()
    provider.sick = SICK[name]
    fleet.restart()
    fleet.queue(0, count)
    result = Result(seconds=fleet.wait_until_sent())
    arrived = list(provider.arrived)
    outcomes = dict(fleet.query("SELECT outcome, count(*) FROM sms_gateway_status WHERE state IN ('error', "
                                "'server_error') GROUP BY 1"))
    result.unknown = outcomes.pop('unknown', 0)
    result.failed = sum(outcomes.values())
    begin = arrived[0][0]
    second = next((moment for moment, is_first, _number, _sick in arrived if not is_first), None)
    if second is None:
        environment.fail(f'{name}: the second gateway got nothing.')
    first = [moment for moment, is_first, _number, _sick in arrived if is_first]
    result.requests = sum(moment < second for moment in first)
    result.takeover, result.wasted = second - begin, len(first)
    sent = Counter(number for _moment, is_first, number, _sick in arrived if not is_first or name in DOUBTFUL)
    result.twice = sum(times > 1 for times in sent.values())
    if len({number for _moment, _is_first, number, _sick in arrived}) != count:
        environment.fail(f'{name}: not every SMS reached a provider.')
    result.recovery = recover(fleet, provider, count)
    return result


def recover(fleet, provider, first):
    """Let the first provider work again, while some SMS are queued all the time.

    :param int first: number of the first of these SMS
    :return: seconds until more than a probe arrived there, None if it took too long
    """
    provider.sick = None
    start = time.monotonic()
    while time.monotonic() < start + RECOVERY_LIMIT:
        fleet.queue(first, STREAM_SIZE)
        first += STREAM_SIZE
        time.sleep(STREAM_EVERY)
        returned = [moment for moment, is_first, _number, sick in list(provider.arrived) if is_first and not sick]
        if len(returned) >= RETURNED:
            fleet.wait_until_sent()
            return returned[RETURNED - 1] - start
    return None


def main(names, scale):
    """
    :param names: of the parts, all if empty
    :param float scale: size of the campaigns
    :return bool: whether every goal is reached
    """
    count = max(1, int(QUEUED * scale))
    lines = [('servers', 'first gateway', 'unknown (<= 10)', 'failed (0)', 'twice (0)',
              'until the second took over (<= 20 requests or 2 s)', 'requests while sick', f'{count:,} SMS in',
              'traffic returns', 'reached')]
    is_reached = True
    with environment.locked('bench'):
        for servers in (PARTS[name] for name in PARTS if name in names or not names):
            with Provider() as provider, Fleet(provider, servers) as fleet:
                for name in SICK:
                    result = measure(fleet, provider, name, count)
                    is_reached &= result.is_reached()
                    lines.append((
                        str(servers), name, str(result.unknown), str(result.failed), str(result.twice),
                        f'{result.requests} requests, {result.takeover:.2f} s', str(result.wasted),
                        f'{result.seconds:.0f} s', '-' if result.recovery is None else f'{result.recovery:.0f} s',
                        'yes' if result.is_reached() else 'NO'))
                    print(', '.join(lines[-1]), file=sys.stderr, flush=True)
    print_table(lines)
    return is_reached
