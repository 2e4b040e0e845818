# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What follows each result: the SMS is done, the next gateway sends it or the queue does, the gateway is paused."""
import math
from dataclasses import replace
from itertools import product

from ...sending.breaker import ACCOUNT, FAILING, HEALTHY, NO_STREAK, REFUSING, Breaker, Streak, read_signal
from ...sending.pauses import ASKED, Pause, Pauses
from ...sending.queued_sms import QueuedSms, not_sent
from ...sending.retry import MAX_RETRY_DELAY, RETRY_DELAY, RETRY_FOR, Done, NextGateway, Requeue, decide, retry_delay
from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from ...tools.request.builder import Recipient
from .common import PureCase

RECIPIENT = Recipient('0' * 32, '+32456001122', "Hello")
REFUSED = replace(not_sent('sms_server', words="Busy"), retryable=True)


def queued(*candidates, **values):
    return QueuedSms(1, 'a' * 32, '+32456001122', "Hello", 1, None, candidates=candidates, attempt=1, **values)


class TestDecisions(PureCase):

    def test_table(self):
        final = replace(REFUSED, retryable=False)
        asks = replace(REFUSED, retry_after=300)
        for name, sms, result, paused, has_time, decision in (
            ("a final result", queued(1, 2), final, {}, True, Done()),
            ("a final result without time", queued(1), final, {}, False, Done()),
            ("another gateway", queued(1, 2, 3), REFUSED, {}, True, NextGateway((2, 3))),
            ("another gateway, the next one is paused", queued(1, 2, 3), REFUSED, {2: (60, "")}, True,
             NextGateway((3,))),
            ("no other gateway", queued(1), REFUSED, {}, True, Requeue(RETRY_DELAY, REFUSED)),
            ("no other gateway, asked to wait", queued(1), asks, {}, True, Requeue(300, asks)),
            ("all others are paused: the first that is back", queued(1, 2, 3), asks,
             {2: (90, "b"), 3: (40, "c")}, True, Requeue(40, asks)),
            ("no time for another gateway", queued(1, 2), REFUSED, {}, False, Requeue(RETRY_DELAY, REFUSED)),
            ("the last day is over", queued(1, age=RETRY_FOR - RETRY_DELAY + 1), REFUSED, {}, True, Done()),
            ("the last day is nearly over", queued(1, age=RETRY_FOR - RETRY_DELAY), REFUSED, {}, True,
             Requeue(RETRY_DELAY, REFUSED)),
            ("asked to wait beyond the last day", queued(1, age=1), replace(REFUSED, retry_after=RETRY_FOR), {}, True,
             Done()),
            ("all are paused beyond the last day", queued(1, 2, age=RETRY_FOR - 10), REFUSED, {2: (90, "")}, True,
             Done()),
            ("the last day is over, but another gateway is left", queued(1, 2, age=RETRY_FOR), REFUSED, {}, True,
             NextGateway((2,))),
        ):
            with self.subTest(name):
                self.assertEqual(decide(sms, result, paused, has_time), decision)

    def test_delays_grow(self):
        self.assertEqual([retry_delay(attempt) for attempt in (1, 2, 3, 4)], [60, 120, 240, 480])
        self.assertEqual(retry_delay(50), MAX_RETRY_DELAY)
        self.assertEqual((retry_delay(5, 7), retry_delay(1, 0)), (7, 1))


class TestPauses(PureCase):

    def test_asked_for(self):
        """The longest pause that a provider asks for counts."""
        pauses = Pauses()
        for seconds in (30, 90, 60):
            pauses.add(1, seconds, seconds, REFUSED)
        self.assertEqual(pauses[1], (90, REFUSED))
        self.assertEqual(pauses.take_unsaved(), ({1: Pause(ASKED, "Busy", 90)}, []))
        self.assertEqual(pauses.take_unsaved(), ({}, []))

    def test_growing(self):
        """Of requests that were under way together only the first failure makes the pause grow."""
        pauses = Pauses()
        pauses.add(1, 60, None, REFUSED, FAILING)
        self.assertEqual(pauses.take_unsaved(), ({1: Pause(FAILING, "Busy")}, []))
        pauses.add(1, 60, None, REFUSED, FAILING)
        self.assertEqual(pauses.take_unsaved(), ({}, []))

    def test_recovery_of_a_paused_gateway(self):
        """What was under way when it was paused does not end the pause."""
        pauses = Pauses()
        pauses.note_recovery(1)
        pauses.note_recovery(2)
        pauses.add(1, 60, None, REFUSED)
        self.assertEqual(pauses.take_unsaved(), ({1: Pause(ASKED, "Busy")}, [2]))

    def test_the_end(self):
        """A pause that other workers do not know yet goes on."""
        pauses = Pauses()
        pauses.add(1, 60, None, REFUSED)
        self.assertEqual(pauses.end({1, 2}), set())
        pauses.take_unsaved()
        self.assertEqual((pauses.end({2}), 1 in pauses), (set(), True))
        self.assertEqual((pauses.end({1, 2}), 1 in pauses), ({1}, False))

    def test_the_earliest(self):
        pauses = Pauses()
        pauses.add(1, 60, None, REFUSED)
        other = replace(REFUSED, error_message="Other")
        pauses.add(2, 30, 30, other)
        self.assertEqual(pauses.find_earliest((1, 2)), (30, other))


class TestBreaker(PureCase):

    def test_what_a_response_says_about_the_provider(self):
        rules = AnswerRules(failure_map=(('55', 'sms_server', 'try_again'), ('66', 'sms_server', 'account'),
                                         ('77', 'sms_acc'), ('88', 'sms_rejected')),
                            error_code_path='code')
        for name, answer, signal in (
            ("accepted", HttpAnswer(200, '{}'), HEALTHY),
            ("HTTP 500", HttpAnswer(500, 'Oops'), FAILING),
            ("time-out", HttpAnswer(None, failure='timeout'), FAILING),
            ("lost connection", HttpAnswer(None, failure='broken'), FAILING),
            ("HTTP 401", HttpAnswer(401, '{}'), ACCOUNT),
            ("HTTP 403", HttpAnswer(403, '{}'), ACCOUNT),
            ("HTTP 402", HttpAnswer(402, '{}'), ACCOUNT),
            ("a code of the account", HttpAnswer(400, '{"code": 66}'), ACCOUNT),
            ("a failure type of the account", HttpAnswer(400, '{"code": 77}'), ACCOUNT),
            ("a refused text", HttpAnswer(400, '{"code": 88}'), REFUSING),
            ("a refused text with HTTP 500", HttpAnswer(500, '{"code": 66}'), ACCOUNT),
        ):
            with self.subTest(name):
                self.assertEqual(read_signal(interpret(rules, [RECIPIENT], answer)), signal)

    def test_one_of_several_recipients(self):
        """What is said of one recipient is not said of the account."""
        rules = AnswerRules(items_path='items', number_path='to', error_code_path='code', message_id_path='id',
                            failure_map=(('66', 'sms_acc'),), require_message_id=True)
        both = [RECIPIENT, replace(RECIPIENT, uuid='1' * 32, number='+32456001133')]
        for codes, signal in (((66, None), HEALTHY), ((66, 66), ACCOUNT), ((66, 5), REFUSING)):
            items = ', '.join(
                f'{{"to": "{sms.number}", "code": {code}}}' if code else f'{{"to": "{sms.number}", "id": "m"}}'
                for sms, code in zip(both, codes, strict=True))
            with self.subTest(codes):
                answer = HttpAnswer(200, f'{{"items": [{items}]}}')
                self.assertEqual(read_signal(interpret(rules, both, answer)), signal)

    def test_opens_after_three_in_a_row(self):
        for signals, opens in (
            ((FAILING, FAILING, FAILING), True),
            ((ACCOUNT, ACCOUNT, ACCOUNT), True),
            ((FAILING, FAILING, HEALTHY, FAILING, FAILING), False),
            ((FAILING, FAILING, REFUSING, FAILING, FAILING), False),
            ((ACCOUNT, ACCOUNT, REFUSING, ACCOUNT), True),  # one text that is refused says nothing about the account
            ((ACCOUNT, ACCOUNT, HEALTHY, ACCOUNT), False),
            ((FAILING, ACCOUNT, FAILING, ACCOUNT), False),
            ((REFUSING,) * 9, False),
        ):
            with self.subTest(signals):
                breaker = Breaker()
                self.assertEqual([breaker.note(1, signal) for signal in signals][-1], opens)

    def test_what_all_runs_count_together(self):
        """Each run knows the streak as of its claim, and saves what it adds only if the streak changes."""
        for stored, signals, opens, saved, total in (
            (NO_STREAK, (HEALTHY,), False, None, NO_STREAK),
            (NO_STREAK, (REFUSING,), False, None, NO_STREAK),
            (NO_STREAK, (FAILING, HEALTHY), False, None, NO_STREAK),
            (NO_STREAK, (FAILING,), False, Streak(FAILING, 1, True), Streak(FAILING, 1)),
            (Streak(FAILING, 1), (FAILING,), False, Streak(FAILING, 1, True), Streak(FAILING, 2)),
            (Streak(FAILING, 2), (FAILING,), True, Streak(FAILING, 1, True), Streak(FAILING, 3)),
            (Streak(ACCOUNT, 2), (ACCOUNT,), True, Streak(ACCOUNT, 1, True), Streak(ACCOUNT, 3)),
            (Streak(ACCOUNT, 1), (ACCOUNT, REFUSING, ACCOUNT), True, Streak(ACCOUNT, 2, True), Streak(ACCOUNT, 3)),
            (Streak(ACCOUNT, 2), (REFUSING,), False, None, Streak(ACCOUNT, 2)),
            (Streak(FAILING, 2), (REFUSING,), False, Streak(ACCOUNT, 0, True), NO_STREAK),
            (Streak(FAILING, 2), (HEALTHY,), False, NO_STREAK, NO_STREAK),
            (Streak(ACCOUNT, 2), (HEALTHY, ACCOUNT), False, Streak(ACCOUNT, 1), Streak(ACCOUNT, 1)),
            (Streak(FAILING, 2), (ACCOUNT,), False, Streak(ACCOUNT, 1, True), Streak(ACCOUNT, 1)),
            (Streak(ACCOUNT, 2), (FAILING, ACCOUNT), False, Streak(ACCOUNT, 1), Streak(ACCOUNT, 1)),
        ):
            with self.subTest(stored=stored, signals=signals):
                breaker = Breaker()
                breaker.note_stored({1: stored})
                self.assertEqual([breaker.note(1, signal) for signal in signals][-1], opens)
                self.assertEqual(breaker.take_unsaved().get(1), saved)
                self.assertEqual(breaker.take_unsaved(), {})
                self.assertTrue(total.is_same(stored.then(saved) if saved else stored))

    def test_order_of_runs(self):
        """Whatever the runs save together, and in whatever parts, is what one run would have counted."""
        signals = (FAILING, ACCOUNT, REFUSING, HEALTHY)
        for sequence in product(signals, repeat=5):
            whole = self.count(NO_STREAK, sequence)
            for cut in range(1, 5):
                self.assertTrue(whole.is_same(self.count(self.count(NO_STREAK, sequence[:cut]), sequence[cut:])))

    def count(self, stored, signals):
        breaker = Breaker()
        breaker.note_stored({1: stored})
        for signal in signals:
            breaker.note(1, signal)
        saved = breaker.take_unsaved().get(1)
        return stored.then(saved) if saved else stored

    def test_few_requests_until_a_response_shows_that_it_works(self):
        key = (self.id(), 1)
        breaker = Breaker()
        self.assertEqual(breaker.get_room(1, key), 3)
        breaker.note(1, FAILING, key=key)
        self.assertEqual(breaker.get_room(1, key), 2)
        breaker.note(1, HEALTHY, key=key)
        self.assertEqual(breaker.get_room(1, key), math.inf)
        self.assertEqual(Breaker().get_room(1, key), math.inf, "the next run, too")
        breaker.note(1, ACCOUNT, key=key)
        self.assertEqual(breaker.get_room(1, key), 2)
        breaker.restart(1, key)
        self.assertEqual(Breaker().get_room(1, key), 3)

    def test_a_probe_after_a_pause_of_this_run(self):
        """That it worked before the pause says nothing about the probe."""
        breaker = Breaker()
        breaker.note(1, HEALTHY)
        breaker.restart(1, ())
        self.assertTrue(breaker.note(1, FAILING, is_probe=True))

    def test_gateways_are_counted_apart(self):
        breaker = Breaker()
        self.assertEqual([breaker.note(gateway_id, FAILING) for gateway_id in (1, 2, 1, 2, 1)],
                         [False, False, False, False, True])

    def test_a_probe_that_fails_is_enough(self):
        for signals, opens in (((FAILING,), True), ((ACCOUNT,), True), ((HEALTHY, FAILING), False),
                               ((REFUSING, FAILING), True)):
            with self.subTest(signals):
                breaker = Breaker()
                self.assertEqual([breaker.note(1, signal, is_probe=True) for signal in signals][-1], opens)


class TestTryAgain(PureCase):

    def test_not_now_inside_a_success(self):
        rules = AnswerRules(failure_map=(('55', 'sms_server', 'try_again'),), error_code_path='code')
        for status in (200, 400, 502):
            with self.subTest(status):
                answer = HttpAnswer(status, '{"code": 55}', {'retry-after': '7'})
                result, = interpret(rules, [RECIPIENT], answer)
                self.assertEqual(
                    (result.outcome, result.retryable, result.retry_after, result.account_refused),
                    ('refused', True, 7, False))
                self.assertEqual(decide(queued(1, 2), result, {}, True), NextGateway((2,)))
                self.assertEqual(decide(queued(1), result, {}, True), Requeue(7, result))

    def test_a_refused_account(self):
        """The next gateway sends the SMS; with none left it fails, because the provider says so."""
        result, = interpret(AnswerRules(), [RECIPIENT], HttpAnswer(401, 'Authenticate'))
        self.assertTrue(result.account_refused)
        self.assertEqual(decide(queued(1, 2), result, {}, True), NextGateway((2,)))
        self.assertEqual(decide(queued(1, 2), result, {2: (60, REFUSED)}, True), Done())
        self.assertEqual(decide(queued(1), result, {}, True), Done())
