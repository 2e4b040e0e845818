# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench inbound`: inbound SMS through a real Odoo server.

All parts, or those named: burst rows stop. As a provider does, a call that is not answered with 200 is repeated.
"""
import collections
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import bench_callbacks
import environment
from bench_callbacks import AT_ONCE, CRON, JSON, POLL_SECONDS, SENDING
from bench_side import run_parts

RESPONSE_SECONDS = 0.05
RETRY_SECONDS = 1
APPLY_SECONDS = 300
WARM = 20  # SMS before each measurement
OWN_NUMBER = '+32460000000'
STOP_SECONDS = 1
BEFORE_STOP = 500  # SMS that are sent before STOP
INBOUND = {
    'inbound_enabled': True, 'inbound_message_id_param': 'id', 'inbound_number_param': 'from',
    'inbound_recipient_param': 'to', 'inbound_text_param': 'text'}


class Side(bench_callbacks.Side):
    """A database with inbound SMS, and a server; a context manager.

    :param int size: inbound SMS that are there already
    """
    database = 'bench_inbound'

    def __init__(self, size=0, **kwargs):
        super().__init__(0, **kwargs)
        self._inbound = size

    def _fill(self, _gateway_id):
        """No SMS was sent."""
        return []

    def __enter__(self):
        super().__enter__()
        gateway_id, = self.client.call('sms.gateway', 'search', [[['state', '=', 'active']]])
        self.client.call('sms.gateway', 'write', [[gateway_id], INBOUND])
        token, = self.sql('SELECT inbound_token FROM sms_gateway WHERE id = %s', gateway_id)[0]
        self.path = f'/eis_sms/inbound/{token}'
        self.sql("""
            INSERT INTO sms_gateway_inbound (
                gateway_id, message_id, number, recipient, body, state, is_read, create_date, write_date)
            SELECT %s, 'O-' || n, '+32471' || lpad((n %% 1000000)::text, 6, '0'), %s, 'Hello ' || n, 'unassigned', TRUE,
                   now() AT TIME ZONE 'UTC' - n * interval '1 second', now() AT TIME ZONE 'UTC'
            FROM generate_series(1, %s) AS n
        """, gateway_id, OWN_NUMBER, self._inbound)
        self.sql('VACUUM ANALYZE')
        for number in range(WARM):
            self.receive(make_message(f'warm-{number}', number))
        self.receive(json.dumps([message(f'warm-many-{number}', number) for number in range(WARM)]), JSON)
        self.wait_until_recorded()
        return self

    def receive(self, body, content_type=bench_callbacks.FORM):
        """Make a call until it is answered with 200.

        :return: how often it was answered with each status, a Counter, and milliseconds of the last call
        """
        statuses = collections.Counter()
        while True:
            status, milliseconds = self.call(self.path, body, content_type)
            statuses[status] += 1
            if status == 200:
                return statuses, milliseconds
            time.sleep(RETRY_SECONDS)

    def wait_until_recorded(self):
        """:return float: seconds"""
        start = time.perf_counter()
        while self.sql('SELECT 1 FROM sms_gateway_received_message WHERE applied_date IS NULL LIMIT 1'):
            assert time.perf_counter() < start + APPLY_SECONDS, f'SMS are not recorded in {APPLY_SECONDS} s'
            time.sleep(POLL_SECONDS)
        return time.perf_counter() - start

    def count_recorded(self, prefix):
        """:return: how often each message ID was recorded, a Counter"""
        return collections.Counter(message_id for message_id, in self.sql(
            "SELECT message_id FROM sms_gateway_inbound WHERE message_id LIKE %s AND state = 'unassigned'",
            f'{prefix}%'))


# ----------------------------------------------------------
# Parts
# ----------------------------------------------------------

def burst(scale):
    """many calls at once, with Odoo's default settings"""
    count = max(AT_ONCE, round(10_000 * scale))
    with Side() as side:
        start = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            calls = list(pool.map(lambda number: side.receive(make_message(f'B-{number}', number)), range(count)))
        seconds = time.perf_counter() - start
        left = side.wait_until_recorded()
        recorded = side.count_recorded('B-')
    statuses = sum((one for one, _milliseconds in calls), collections.Counter())
    lost, twice = count - len(recorded), sum(number > 1 for number in recorded.values())
    yield f'{count:,} SMS, {AT_ONCE} calls at once', f'{count / seconds:,.0f}/s, all accepted', '', '', '', True
    yield '', f'{statuses[500]} x 500, {statuses[0]} connections lost', '', '', 'no 500', not statuses[500]
    yield '', f'{statuses[503]} x 503, repeated', '', '', '<= 1 %', statuses[503] <= count / 100
    yield '', f'{lost} lost, {twice} twice', '', '', 'none', not lost and not twice
    yield '', f'recorded {left:.1f} s after the last call', '', '', '', True


def rows(scale):
    """the same with few and with many inbound SMS"""
    results, batch = {}, max(40, round(1000 * scale))
    for size in (1, 1000, round(1_000_000 * scale)):
        with Side(size) as side:
            times = []
            for number in range(40):
                _statuses, milliseconds = side.receive(make_message(f'B-{number}', number))
                times.append(milliseconds + 1000 * side.wait_until_recorded())
            start = time.perf_counter()
            side.receive(json.dumps([message(f'B-many-{number}', 1000 + number) for number in range(batch)]), JSON)
            side.wait_until_recorded()
            rate = batch / (time.perf_counter() - start)
            assert len(side.count_recorded('B-')) == 40 + batch
        results[size] = statistics.median(times), rate
    one, *others = results.items()
    yield f'one SMS until it is recorded, {one[0]:,} row', f'{one[1][0]:,.1f} ms', '', '', '', True
    for size, (milliseconds, rate) in others:
        ratio = milliseconds / one[1][0]
        yield (f'one SMS until it is recorded, {size:,} rows', f'{milliseconds:,.1f} ms', f'{one[1][0]:,.1f} ms',
               f'{ratio:.2f}', '0.8 to 1.2', 0.8 <= ratio <= 1.2)
        ratio = rate / one[1][1]
        yield (f'{batch:,} SMS in one call, {size:,} rows', f'{rate:,.0f}/s', f'{one[1][1]:,.0f}/s', f'{ratio:.2f}',
               '0.8 to 1.2', 0.8 <= ratio <= 1.2)


def stop(scale):
    """STOP of a number with many queued mass SMS, while they are being sent"""
    count, number = round(100_000 * scale), '+32470123456'
    sys.path.insert(0, str(environment.REPOSITORY / 'tests'))
    from provider import Provider

    with Provider(delay=RESPONSE_SECONDS) as provider, Side(url=provider.url, cron_threads=0) as side:
        action, = side.sql(f'SELECT ir_actions_server_id FROM ir_cron WHERE id = {CRON}')[0]
        side.sql("""
            INSERT INTO sms_sms (uuid, number, body, state, record_company_id, lane, uses_exclusion_list)
            SELECT replace(gen_random_uuid()::text, '-', ''), %s, 'Sale ' || n, 'outgoing', 1, 'bulk', TRUE
            FROM generate_series(1, %s) AS n
        """, number, count)
        side.sql('VACUUM ANALYZE')
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(bench_callbacks.drain, side, action)
            while side.sql('SELECT count(*) FROM sms_gateway_status')[0][0] < BEFORE_STOP:
                assert not run.done(), run.exception()
                time.sleep(POLL_SECONDS)
            start = time.perf_counter()
            side.receive(make_message('B-stop', text='STOP', sender=number))
            while not side.sql('SELECT 1 FROM phone_blacklist WHERE active AND number = %s', number):
                time.sleep(POLL_SECONDS / 10)
            seconds, stopped = time.perf_counter() - start, time.time()
            run.result()
        states = dict(side.sql('SELECT state, count(*) FROM sms_sms GROUP BY state'))
        received = [request.received for request in provider.requests]
        late = [moment - stopped for moment in received if moment > stopped]
        assert states.get('canceled', 0) + len(received) == count, f'{states}, {len(received)} sent'
    yield f'STOP until it is on the blacklist, {count:,} queued', f'{seconds:.2f} s', '', '', f'< {STOP_SECONDS} s', (
        seconds < STOP_SECONDS)
    yield '', f'{len(received) - len(late):,} sent before', '', '', '', True
    yield ('', f'{len(late):,} sent afterwards, the last after {max(late, default=0):.3f} s', '', '',
           f'<= {SENDING}, on their way', len(late) <= SENDING)


PARTS = {'burst': burst, 'rows': rows, 'stop': stop}


# ----------------------------------------------------------
# SMS
# ----------------------------------------------------------

def message(message_id, number=0, text='Hello', sender=None):
    return {'id': message_id, 'from': sender or f'+32475{number:06}', 'to': OWN_NUMBER, 'text': text}


def make_message(*args, **kwargs):
    return urlencode(message(*args, **kwargs))


# ----------------------------------------------------------
# The table
# ----------------------------------------------------------

def main(parts, scale):
    """
    :param parts: names of `PARTS`; all if empty
    :param float scale: of all numbers of SMS and rows
    :return: whether every goal is reached
    """
    return run_parts(PARTS, parts, scale, ('what', 'ours', 'with 1 row', 'ratio'))
