# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One run of sending, with a provider on loopback and a queue in memory: what each SMS becomes, without Odoo."""
import math
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from unittest.mock import patch
from urllib.parse import parse_qs

from ...sending.gateway_config import GatewayConfig, GatewayConnection
from ...sending.pauses import GatewayState
from ...sending.places import give_back, take_places
from ...sending.queued_sms import QueuedSms
from ...sending.run import SendRun
from ...tools.answer.interpretation import AnswerRules
from ...tools.request.config import Parameter, RequestConfig
from .common import PureCase


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers['Content-Length'])).decode())
        self.server.arrived.append((self.path, form['to'][0]))
        time.sleep(self.server.delay)
        code = self.server.codes.get(self.path, 200)
        if code >= 500:
            time.sleep(0.05)  # meanwhile other requests could start
        self.send_response(code)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'OK')

    def log_message(self, *_args):
        """Nothing on stderr."""


class MemoryStore:
    """A queue in memory, with the methods of `Store`."""
    is_immediate = False

    def __init__(self, configs, queued):
        self.configs = configs
        self.queued = queued
        self.results, self.requeued, self.started, self.paused, self.places = {}, {}, set(), {}, {}
        self.unwanted = set()

    def claim(self, limit, ids, refused, throttle, reserve_room, bulk_after=None):
        due = [sms for sms in self.queued if sms.id not in refused]
        if bulk_after is not None:
            due = [sms for sms in due if sms.id > bulk_after]
        claimed = due[:limit]
        throttle.assign(claimed, self.configs, self.reserve)
        gone = {sms.id for sms in claimed if not sms.is_left}
        self.queued = [sms for sms in self.queued if sms.id not in gone]
        reserve_room(claimed, self.configs)
        self.started |= {sms.id for sms in claimed if sms.is_started}
        return claimed, self.configs

    def reserve(self, gateway_id, groups, rate, lead, unused):
        now = time.monotonic()
        groups = [(size, int(1000 * (now + ahead))) for size, ahead in groups]
        used = give_back(self.places.get(gateway_id, []), unused)
        times, free, used = take_places(used, int(1000 * (now + lead)), groups, rate)
        if times:
            self.places[gateway_id] = used
        return [(place / 1000, place) for place in times], free / 1000

    def mark_started(self, queued):
        self.started |= {sms.id for sms in queued}
        return {sms.id for sms in queued}

    def find_unwanted(self, queued):
        return {sms.id for sms in queued if sms.id in self.unwanted}

    def renew(self, _queued):
        return True

    def save(self, finished, requeued, _configs):
        for sms in finished:
            if sms.id in self.results:
                raise AssertionError(f"SMS {sms.id} has two results")
            self.results[sms.id] = sms.result
        self.requeued.update((sms.id, sms) for sms in requeued)

    def save_pauses(self, paused, _recovered, _streaks):
        self.paused.update(paused)
        for gateway_id in paused:
            self.configs[gateway_id] = replace(self.configs[gateway_id], shared=GatewayState(60, 1))
        return {}, []


class TestSendRun(PureCase):

    def setUp(self):
        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.server.arrived, self.server.codes, self.server.delay = [], {}, 0
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def config(self, gateway_id, **values):
        url = f'http://127.0.0.1:{self.server.server_port}/{gateway_id}'
        request = RequestConfig(url=url, parameters=(Parameter('to', type='number'), Parameter('text', type='message')))
        return GatewayConfig(**{
            'gateway_id': gateway_id, 'name': f"Gateway {gateway_id}",
            'connection': GatewayConnection(('memory', self.id(), gateway_id), 4, 5), 'request': request,
            'answer': AnswerRules(), 'number_format': 'e164', 'rate_limit': 0, 'track_status': True,
            'waits_for_report': False, **values})

    def send(self, count, *gateway_ids, seconds=30, start_until=math.inf, unwanted=(), **values):
        queued = [
            QueuedSms(number, f'{number:032x}', f'+3245600{number:04d}', "Hello", 1, None, candidates=gateway_ids)
            for number in range(count)]
        store = MemoryStore({gateway_id: self.config(gateway_id, **values) for gateway_id in gateway_ids}, queued)
        store.unwanted.update(unwanted)
        run = SendRun(store, time.monotonic() + seconds, start_until=start_until)
        done = run.run()
        return store, run, done

    def count_arrivals(self, gateway_id):
        return sum(path == f'/{gateway_id}' for path, _number in self.server.arrived)

    def test_each_is_sent_once(self):
        store, run, done = self.send(300, 1)
        self.assertEqual((done, run.is_drained), (300, True))
        self.assertEqual({result.state for result in store.results.values()}, {'success'})
        self.assertEqual(len({number for _path, number in self.server.arrived}), 300)
        self.assertEqual(len(self.server.arrived), 300)
        self.assertEqual(store.started, set(range(300)))

    def test_unwanted_during_the_run(self):
        """SMS of recipients who opt out, and canceled ones, are not started any more and queued again, which cancels
        them. Others are sent."""
        self.server.delay = 0.05
        unwanted = set(range(0, 200, 2))
        store, _run, done = self.send(200, 1, unwanted=unwanted)
        sent = {number for _path, number in self.server.arrived}
        self.assertEqual(done, len(sent))
        self.assertEqual(set(store.requeued) | set(store.results), set(range(200)))
        self.assertLessEqual(set(store.requeued), unwanted)
        self.assertGreater(len(store.requeued), 60, "four connections, each 20 SMS a second, for 0.2 seconds")
        self.assertEqual({(sms.attempt, sms.delay) for sms in store.requeued.values()}, {(0, 0)})

    def test_start_until(self):
        """Nothing starts after that, but responses are saved."""
        store, run, done = self.send(3, 1, start_until=time.monotonic())
        self.assertEqual((done, self.server.arrived, run.is_drained), (0, [], False))
        store, _run, done = self.send(300, 1, start_until=time.monotonic() + 0.3)
        self.assertEqual(done, len(self.server.arrived))
        self.assertEqual(len(store.results), done)

    def test_waits_only_for_a_limit(self):
        run, now = SendRun(MemoryStore({}, []), time.monotonic() + 30, ids=[1]), time.monotonic()
        self.assertFalse(run.is_limited(now), "it has not begun")
        for places, until, expected in [
            ([], now, False), ([now], now, True), ([now], now + 10, False), ([now + 20], now + 10, True),
            ([now + 20, now + 5], now + 10, False), ([now + 20, 0], now + 10, False), ([now, 0], now, False),
        ]:
            with self.subTest(places=places, until=until):
                run._dispatcher = SimpleNamespace(
                    unanswered={place: SimpleNamespace(not_before=place) for place in places})
                self.assertEqual(run.is_limited(until), expected)

    def test_fail_over(self):
        """The first gateway is busy: the other one sends all, and the first gets no more than what was under way."""
        self.server.codes['/1'] = 503
        store, _run, done = self.send(200, 1, 2)
        self.assertEqual((done, self.count_arrivals(2)), (200, 200))
        self.assertEqual({result.state for result in store.results.values()}, {'success'})
        self.assertLessEqual(self.count_arrivals(1), 20)
        self.assertEqual((store.paused[1].kind, store.paused[1].seconds), ('asked', None))

    def test_few_are_risked(self):
        """The provider fails: three SMS are in doubt, although 16 requests could be in progress."""
        self.server.codes['/1'] = 500
        for rate_limit in (0, 100):
            with self.subTest(rate_limit=rate_limit):
                self.server.arrived.clear()
                connection = GatewayConnection(('memory', self.id(), rate_limit), 16, 5)
                store, _run, done = self.send(60, 1, connection=connection, rate_limit=rate_limit)
                self.assertEqual((done, self.count_arrivals(1)), (3, 3))
                self.assertTrue(all(result.doubtful for result in store.results.values()))
                self.assertEqual(store.paused[1].kind, 'failing')

    def test_pause_that_ends(self):
        """A gateway is used again by the run that has paused it, once the pause is over for all workers."""
        self.server.codes['/1'] = 503
        claim = MemoryStore.claim

        def claim_later(store, *args, **kwargs):
            if len(store.results) > 50:
                self.server.codes.clear()
                store.configs[1] = replace(store.configs[1], shared=GatewayState(0, 1))
            return claim(store, *args, **kwargs)

        with patch.object(MemoryStore, 'claim', claim_later):
            store, _run, done = self.send(1000, 1, 2)
        self.assertEqual((done, {result.state for result in store.results.values()}), (1000, {'success'}))
        self.assertGreater(self.count_arrivals(1), 100)

    def test_no_gateway_is_left(self):
        self.server.codes['/1'] = 429
        store, _run, done = self.send(50, 1)
        self.assertEqual((done, store.results, set(store.requeued)), (0, {}, set(range(50))))
        self.assertEqual({sms.delay for sms in store.requeued.values()}, {60})
        attempts = sum(sms.attempt for sms in store.requeued.values())
        self.assertEqual(attempts, self.count_arrivals(1), "only what was sent is an attempt")

    def test_a_provider_that_fails(self):
        """It answers 500 to everything: few outcomes are unknown, and the other gateway sends the rest."""
        self.server.codes['/1'] = 500
        store, _run, done = self.send(300, 1, 2)
        unknown = [result for result in store.results.values() if result.outcome == 'unknown']
        self.assertEqual(len(unknown), self.count_arrivals(1), "each request that it got is in doubt")
        self.assertLessEqual(len(unknown), 6, "three, and what was under way on the other connections")
        self.assertEqual((done, self.count_arrivals(2)), (300, 300 - len(unknown)))
        self.assertEqual(store.paused[1].kind, 'failing')

    def test_a_provider_that_refuses_the_account(self):
        self.server.codes['/1'] = 401
        store, _run, done = self.send(300, 1, 2)
        self.assertEqual((done, self.count_arrivals(2)), (300, 300))
        self.assertEqual({result.state for result in store.results.values()}, {'success'})
        self.assertLessEqual(self.count_arrivals(1), 20)
        self.assertEqual(store.paused[1].kind, 'account')

    def test_a_refused_account_without_another_gateway(self):
        """Those that were sent fail and say why; the rest waits."""
        self.server.codes['/1'] = 402
        store, _run, done = self.send(300, 1)
        self.assertEqual({result.failure_type for result in store.results.values()}, {'sms_credit'})
        self.assertEqual(done, self.count_arrivals(1))
        self.assertLessEqual(done, 20)
        self.assertEqual(len(store.requeued), 300 - done)
        self.assertEqual({sms.reason.problem.code for sms in store.requeued.values()}, {'waiting_account'})

    def test_http_500_that_counts_as_success(self):
        """What the pool takes for a failure is none by the gateway's settings."""
        self.server.codes['/1'] = 500
        store, _run, done = self.send(100, 1, answer=AnswerRules(success_http_codes=frozenset([500])))
        self.assertEqual((done, {result.state for result in store.results.values()}), (100, {'success'}))

    def test_refused(self):
        self.server.codes['/1'] = 400
        store, _run, done = self.send(20, 1, 2)
        self.assertEqual((done, self.count_arrivals(2)), (20, 0), "a final result goes to no other gateway")
        self.assertEqual({result.state for result in store.results.values()}, {'error'})

    def test_no_time_left(self):
        """What cannot start before the deadline goes back to the queue as it was."""
        store, run, done = self.send(50, 1, seconds=-1)
        self.assertEqual((done, self.server.arrived, len(store.queued)), (0, [], 50))
        self.assertFalse(run.is_drained)

    def test_unreadable_numbers_touch_no_other(self):
        queued = [
            QueuedSms(number, f'{number:032x}', text, "Hello", 1, None, candidates=(1,))
            for number, text in enumerate(('+32456001122', '', 'nonsense', '+32456001133'))]
        store = MemoryStore({1: self.config(1)}, queued)
        SendRun(store, time.monotonic() + 30).run()
        self.assertEqual(
            [store.results[number].failure_type for number in range(4)],
            ['', 'sms_number_missing', 'sms_number_format', ''])
        self.assertEqual(len(self.server.arrived), 2)
