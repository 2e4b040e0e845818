# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What follows each result of an SMS: it is done, the next gateway sends it, or the queue does later."""
from dataclasses import replace

from ...sending.pauses import Pauses
from ...sending.queued_sms import QueuedSms, not_sent
from ...sending.retry import MAX_RETRY_DELAY, RETRY_DELAY, RETRY_FOR, Done, NextGateway, Requeue, decide, retry_delay
from .common import PureCase

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
            pauses.add(1, seconds, seconds, f"{seconds}")
        self.assertEqual(pauses[1], (90, "90"))
        self.assertEqual(pauses.take_unsaved(), ({1: 90}, []))
        self.assertEqual(pauses.take_unsaved(), ({}, []))

    def test_growing(self):
        """Of requests that were under way together only the first failure makes the pause grow."""
        pauses = Pauses()
        pauses.add(1, 60, None, "")
        self.assertEqual(pauses.take_unsaved(), ({1: None}, []))
        pauses.add(1, 60, None, "")
        self.assertEqual(pauses.take_unsaved(), ({}, []))

    def test_a_provider_that_stops_responding(self):
        for failures, paused in (
            (('timeout', 'timeout', 'timeout'), True),
            (('broken', 'timeout', 'broken'), True),
            (('timeout', 'timeout', ''), False),
            (('timeout', 'timeout', '', 'timeout', 'timeout'), False),
            (('connect', 'connect', 'connect'), False),  # the result of each SMS pauses it
        ):
            with self.subTest(failures):
                pauses = Pauses()
                self.assertEqual([pauses.note_response(1, failure, "Why") for failure in failures][-1], paused)
                self.assertEqual(1 in pauses, paused)

    def test_success_of_a_paused_gateway(self):
        """What was under way when it was paused does not end the pause."""
        pauses = Pauses()
        pauses.note_success(1)
        pauses.note_success(2)
        pauses.add(1, 60, None, "")
        self.assertEqual(pauses.take_unsaved(), ({1: None}, [2]))

    def test_the_earliest(self):
        pauses = Pauses()
        pauses.add(1, 60, None, "a")
        pauses.add(2, 30, 30, "b")
        self.assertEqual(pauses.find_earliest((1, 2)), (30, "b"))
