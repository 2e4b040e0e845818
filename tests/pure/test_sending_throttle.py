# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which SMS may start when, under a rate limit: with a clock of the test and several workers."""
import math
import random
from itertools import pairwise
from types import SimpleNamespace
from unittest.mock import patch

from ...sending import claim_plan, throttle
from ...sending.claim_plan import LOOK_SIZE, MIN_LIMITED_CLAIM, Claim, ClaimPlan
from ...sending.gateway_config import GatewayConnection
from ...sending.lanes import BULK, NORMAL, URGENT
from ...sending.places import JITTER, get_group_size, get_window, give_back, take_places
from ...sending.queued_sms import QueuedSms
from ...sending.throttle import AHEAD, BULK_AHEAD, CLAIM_AHEAD, START_LEAD, Throttle
from .common import PureCase
from .made_up import cases, given, st

MINUTE = 60


def config(rate_limit, gateway_id=1, recipients=1):
    return SimpleNamespace(
        gateway_id=gateway_id, rate_limit=rate_limit, recipients=recipients,
        connection=GatewayConnection(('db', gateway_id), 8, 15))


def queue(count, lane=NORMAL, gateway_id=1, first=1):
    return [
        QueuedSms(number, f'{number:032x}', '+32456001122', "Hello", 1, None, candidates=(gateway_id,), lane=lane)
        for number in range(first, first + count)]


def busiest(starts, seconds=1):
    """:return: the most SMS that start within any window; `starts` are pairs of time and number of SMS"""
    starts, most, first, total = sorted(starts), 0, 0, 0
    for time, count in starts:
        total += count
        while starts[first][0] <= time - seconds:
            total -= starts[first][1]
            first += 1
        most = max(most, total)
    return most


class World:
    """A database with one limited gateway, and a clock."""

    def __init__(self, rate):
        self.rate = rate
        self.now = 1000.0
        self.used = []

    def monotonic(self):
        return self.now

    def reserve(self, _gateway_id, groups, rate, lead, unused=()):
        now = int(self.now * 1000)
        groups = [(size, now + int(ahead * 1000)) for size, ahead in groups]
        times, free, used = take_places(
            give_back(self.used, unused), now + int(lead * 1000), groups, rate, fills_gaps=bool(unused))
        if times or unused:
            self.used = used
        return [(time / 1000, time) for time in times], free / 1000


class ThrottleCase(PureCase):

    def use_world(self, rate):
        world = World(rate)
        for module in (throttle, claim_plan):
            self.start(patch.object(module, 'time', world))
        return world


class TestPlaces(PureCase):

    def test_window(self):
        late = round(1000 * (1 + JITTER))
        for rate, expected in [
            (0.5, (1, 2000)), (1, (1, late)), (1.5, (2, 1334)), (20, (20, late)), (1 / 60, (1, 60_000)),
            (499.5, (500, late)), (0.1 + 0.2, (1, 3334)),
        ]:
            with self.subTest(rate=rate):
                self.assertEqual(get_window(rate), expected)

    def test_group_size(self):
        for rate, recipients, size in [
            (0.5, 1, 1), (20, 1, 1), (100, 1, 1), (500, 1, 5), (20, 100, 20), (20, 5, 5), (0.5, 100, 1),
            (1000, 100, 100),
        ]:
            with self.subTest(rate=rate, recipients=recipients):
                self.assertEqual(get_group_size(rate, recipients), size)

    def test_no_place_was_used(self):
        times, free, used = take_places([], 5000, [(1, 9000)] * 3, 2)
        self.assertEqual(times, [5000, 5450, 6040])
        self.assertEqual((free, used), (6490, [(5000, 1), (5450, 1), (6040, 1)]))

    def test_too_late(self):
        """It tells when the first SMS without a place could start."""
        times, free, used = take_places([(5000, 1)], 5100, [(1, 5600), (1, 5600), (1, 9999)], 2)
        self.assertEqual((times, free, used), ([5450], 6040, [(5000, 1), (5450, 1)]))

    def test_several_in_one_request(self):
        times, _free, _used = take_places([(4990, 1)], 5000, [(20, 9000), (20, 9000)], 20)
        self.assertEqual(times, [6030, 7070], "a request needs room for all its SMS")

    def test_after_a_delay_the_missed_places_follow_closely(self):
        used = [(index * 45, 1) for index in range(10)]
        times, _free, _used = take_places(used, 800, [(1, 9999)] * 30, 20)
        self.assertEqual(busiest([*used, *((time, 1) for time in times)], 1040), 20)
        self.assertEqual(times[9] - times[0], 9 * 45)

    def test_a_delay_is_caught_up(self):
        """Given a full second at an even pace: most places after a pause are those without it."""
        used = [(index * 52, 1) for index in range(20)]
        for pause in (100, 200, 300):
            with self.subTest(pause=pause):
                times, _free, _used = take_places(used, 19 * 52 + pause, [(1, 9999)] * 60, 20)
                as_before = [place for place in times if place % 52 == 0]
                self.assertGreaterEqual(len(as_before), 60 - 3 * pause / 26)
                self.assertEqual(times[39], 59 * 52)
                self.assertLessEqual(busiest([*used, *((time, 1) for time in times)], 1040), 20)

    def test_the_start_is_even(self):
        times, _free, _used = take_places([], 0, [(1, 9999)] * 20, 20)
        self.assertGreaterEqual(min(later - time for time, later in pairwise(times)), 45)

    def test_a_gap_is_filled(self):
        """What missed its place does not wait until after all others, whose windows it must not exceed."""
        used = [(index * 52, 1) for index in range(30)]
        given_back = give_back(used, [used[18][0]])
        times, _free, after = take_places(given_back, 19 * 52 + 10, [(1, 9999), (1, 9999)], 20, fills_gaps=True)
        self.assertEqual(times, [19 * 52 + 25, 10 * 52 + 1040])
        self.assertEqual(after, sorted(after))
        self.assertEqual(take_places(used, 1000, [(1, 9999)], 20, fills_gaps=True)[0], [1560], "there is no gap")

    def test_give_back(self):
        self.assertEqual(give_back([(1000, 1), (2000, 5), (3000, 1)], [1000, 2000, 2000, 7]), [(2000, 3), (3000, 1)])

    def test_places_that_no_longer_count(self):
        self.assertEqual(take_places([(1000, 1), (2500, 1)], 3000, [], 2)[2], [(2500, 1)])
        self.assertEqual(take_places([(1000, 2), (1900, 2)], 3000, [(1, 9000)], 2)[0], [3000], "kept, but do not count")

    def test_the_clock_was_set_back(self):
        self.assertEqual(take_places([(3_600_000, 5)], 1000, [(1, 1000)], 2)[0], [1000])

    @cases(200)
    @given(
        st.floats(0.02, 600), st.lists(st.tuples(
            st.integers(0, 3000), st.lists(st.integers(1, 40), max_size=60), st.integers(0, 20)),
            min_size=1, max_size=20), st.randoms())
    def test_any_claims(self, rate, claims, chance):
        """For any times and sizes of claims, and any places that are given back: no window has more than the limit, and
        the places of a claim are in order. However much requests are delayed up to `JITTER`, no more than the limit
        arrive in a second."""
        most, window = get_window(rate)
        now, used, starts = 1_000_000, [], []
        for pause, sizes, late in claims:
            now += pause
            groups = [(min(size, most), now + 1000) for size in sizes]
            unused = starts[-late:] if late else []
            starts = starts[:len(starts) - len(unused)]
            used = give_back(used, [time for time, count in unused for _sms in range(count)])
            times, free, used = take_places(used, now, groups, rate, fills_gaps=bool(unused))
            self.assertEqual(times, sorted(times))
            starts += [(time, size) for time, (size, _latest) in zip(times, groups, strict=False)]
            self.assertTrue(all(now <= time <= now + 1000 for time in times))
            self.assertTrue(len(times) == len(groups) or free > now + 1000)
        if starts:
            self.assertLessEqual(busiest(starts, window), most)
        for delays in ((0, 1000 * JITTER), (0, 300 * JITTER, 1000 * JITTER)):
            arrivals = [(time + chance.choice(delays), count) for time, count in starts]
            self.assertLessEqual(busiest(arrivals, 1000) if arrivals else 0, most)

    def test_the_worst_delays(self):
        """All of a window come late and the next in time: the limit holds up to `JITTER`, and not much further."""
        times, _free, _used = take_places([], 0, [(1, 9999)] * 40, 20)
        for delay, is_kept in ((1000 * JITTER, True), (1000 * JITTER + 2, False)):
            arrivals = [(time + delay * (index < 20), 1) for index, time in enumerate(times)]
            self.assertEqual(busiest(arrivals, 1000) <= 20, is_kept)


class TestThrottle(ThrottleCase):

    def test_places(self):
        world = self.use_world(20)
        queued = queue(30)
        Throttle(lambda _connection: 60).assign(queued, {1: config(20)}, world.reserve)
        placed = [sms for sms in queued if not sms.is_left]
        self.assertEqual([sms.id for sms in placed], list(range(1, len(placed) + 1)))
        self.assertAlmostEqual(placed[0].not_before, world.now + START_LEAD, places=2)
        self.assertLessEqual(placed[-1].not_before, world.now + AHEAD)
        self.assertEqual({sms.delay for sms in queued}, {0})

    def test_bulk_reserves_less(self):
        world = self.use_world(20)
        queued = queue(30, BULK)
        Throttle(lambda _connection: 60).assign(queued, {1: config(20)}, world.reserve)
        self.assertLessEqual(max(sms.not_before for sms in queued), world.now + BULK_AHEAD)
        urgent = queue(1, URGENT)
        Throttle(lambda _connection: 60).assign(urgent, {1: config(20)}, world.reserve)
        self.assertLessEqual(urgent[0].not_before, world.now + BULK_AHEAD + 1 / 20)

    def test_the_end_of_the_run(self):
        world = self.use_world(20)
        queued = queue(30)
        Throttle(lambda _connection: 0.3).assign(queued, {1: config(20)}, world.reserve)
        self.assertLessEqual(max(sms.not_before for sms in queued), world.now + 0.3)
        over = Throttle(lambda _connection: START_LEAD)
        queued = queue(3)
        over.assign(queued, {1: config(20)}, None)
        self.assertEqual(over.get_time_left(config(20)), 0)
        self.assertEqual({sms.is_left for sms in queued}, {True})

    def test_only_limited_gateways_in_the_order_of_ids(self):
        self.use_world(5)
        calls = []

        def reserve(gateway_id, groups, _rate, _lead, _unused):
            calls.append((gateway_id, len(groups)))
            return [(1.0, 1000)] * len(groups), 2.0

        queued = [*queue(1, gateway_id=3), *queue(1, gateway_id=2), *queue(1, gateway_id=1), *queue(1, gateway_id=3)]
        queued[3].delay = 60  # back in the queue already
        Throttle(lambda _connection: 60).assign(queued, {1: config(5), 2: config(0), 3: config(5, 3)}, reserve)
        self.assertEqual(calls, [(1, 1), (3, 1)])
        self.assertEqual([bool(sms.not_before) for sms in queued], [True, False, True, False])

    def test_recipients_of_one_request(self):
        world = self.use_world(20)
        queued = queue(45)
        Throttle(lambda _connection: 60).assign(queued, {1: config(20, recipients=100)}, world.reserve)
        self.assertEqual({sms.not_before for sms in queued[:20]}, {queued[0].not_before})
        self.assertEqual({sms.is_left for sms in queued[20:]}, {True}, "the next request starts a second later")

    def test_a_late_sms_gives_its_place_back(self):
        world = self.use_world(20)
        limit, queued = Throttle(lambda _connection: 60), queue(20)
        limit.assign(queued, {1: config(20)}, world.reserve)
        placed = [sms for sms in queued if not sms.is_left]
        world.now += 0.5
        limit.give_back(placed[:3])
        limit.assign(placed[:3], {1: config(20)}, world.reserve)
        self.assertEqual(sum(count for _time, count in world.used), len(placed))
        self.assertGreater(placed[0].place, placed[-1].place)
        self.assertEqual(limit._unused, {})

    def test_one_place_in_ten_is_for_bulk(self):
        """Also if there is only one place at a time."""
        world = self.use_world(0.5)
        limit, lanes = Throttle(lambda _connection: 60), []
        for _index in range(30):
            queued = [*queue(3, BULK), *queue(5, URGENT, first=10)]
            limit.assign(queued, {1: config(0.5)}, world.reserve)
            lanes += [sms.lane for sms in queued if not sms.is_left]
            world.now += 2
        self.assertEqual((len(lanes), lanes.count(BULK)), (30, 3))

    def use_minute(self, rate, workers, claim_size, seed=1):
        """Let workers send a minute long from an endless queue, each as soon as there are free places.

        :return: (time, number of SMS) of each start
        """
        world, chance = self.use_world(rate), random.Random(seed)
        limits = [Throttle(lambda _connection: 600) for _worker in range(workers)]
        busy, starts, end = [0.0] * workers, [], world.now + MINUTE
        while world.now < end:
            for worker in chance.sample(range(workers), workers):
                if busy[worker] > world.now or limits[worker].get_wait(1):
                    continue
                queued = queue(claim_size, BULK)
                limits[worker].assign(queued, {1: config(rate)}, world.reserve)
                late = chance.random() * JITTER
                starts += [(sms.not_before + late, 1) for sms in queued if not sms.is_left]
                busy[worker] = world.now + chance.random() * 0.1  # the time of a claim
            world.now += 0.01
        return [start for start in starts if start[0] < end]

    def test_a_minute(self):
        """From 0.5 to 500 per second: 95 % are used, and no second has more."""
        for rate in (0.5, 0.7, 1, 1.5, 10, 20, 33.3, 100, 500):
            for workers in (1, 3):
                with self.subTest(rate=rate, workers=workers):
                    starts = self.use_minute(rate, workers, max(10, int(rate)))
                    self.assertLessEqual(busiest(starts), math.ceil(rate))
                    self.assertGreaterEqual(len(starts), math.floor(0.95 * rate * MINUTE))

    @cases(6)
    @given(st.floats(0.5, 500), st.integers(1, 5), st.integers(0, 1000))
    def test_any_minute(self, rate, workers, seed):
        starts = self.use_minute(rate, workers, max(10, int(rate)), seed)
        self.assertLessEqual(busiest(starts), math.ceil(rate))
        self.assertGreaterEqual(len(starts), math.floor(0.95 * rate * MINUTE))

    def test_urgent_among_others(self):
        """Five workers send bulk SMS; whenever a sixth has an urgent one, it starts within a second."""
        for rate in (1, 5, 20, 100, 500):
            with self.subTest(rate=rate):
                world = self.use_world(rate)
                bulk = [Throttle(lambda _connection: 600) for _worker in range(5)]
                for _step in range(200):
                    for limit in bulk:
                        if not limit.get_wait(1):
                            limit.assign(queue(max(10, int(rate)), BULK), {1: config(rate)}, world.reserve)
                    if not _step % 20:
                        urgent = queue(1, URGENT)
                        Throttle(lambda _connection: 20).assign(urgent, {1: config(rate)}, world.reserve)
                        self.assertTrue(not urgent[0].is_left or rate <= 1)
                        latest = world.now + BULK_AHEAD + 1 / rate + JITTER
                        self.assertLessEqual(urgent[0].not_before, latest)
                    world.now += 0.05


class TestClaimPlan(ThrottleCase):

    def setUp(self):
        self.world = self.use_world(20)
        self.throttle = Throttle(lambda _connection: 60)
        self.plan = ClaimPlan(self.throttle)

    def note(self, claim, queued, full=()):
        for sms in queued:
            sms.is_left = sms.gateway_id in full
        for gateway_id in full:
            self.throttle._free[gateway_id] = self.world.now + CLAIM_AHEAD + 0.2
        return self.plan.note(claim, queued)

    def test_no_limit(self):
        self.assertEqual((self.plan.get_wait({1: None}), self.plan.choose(500)), (0, Claim(500)))
        self.assertTrue(self.plan.note(Claim(3), queue(3)))
        self.assertEqual((self.plan.get_wait({1: None}), self.plan.choose(500)), (0, Claim(500)))
        self.assertFalse(self.plan.note(Claim(4), queue(3)), "there are no more")

    def test_one_gateway(self):
        """It claims when there are free places, and not many more than there are."""
        self.assertTrue(self.note(Claim(100), [*queue(30, BULK), *queue(2, BULK, gateway_id=2)], full={1}))
        self.assertAlmostEqual(self.plan.get_wait({1: None}), 0.2)
        self.world.now += 0.2
        self.assertAlmostEqual(self.plan.get_wait({1: None}), 0)
        self.world.now += 0.01
        self.assertEqual(self.plan.choose(500), Claim(MIN_LIMITED_CLAIM))
        self.assertTrue(self.note(Claim(10), queue(10, BULK)))
        self.assertEqual(self.plan.choose(500), Claim(500))

    def test_all_that_is_due_was_claimed_but_some_were_left(self):
        self.assertTrue(self.note(Claim(100), queue(5, BULK), full={1}))

    def test_other_gateways(self):
        """SMS behind those of a full gateway are looked for, step by step."""
        active = {1: None, 2: None}
        self.note(Claim(100), [*queue(3, NORMAL, first=9001), *queue(97, BULK)], full={1})
        self.assertEqual(self.plan.get_wait(active), 0)
        look = self.plan.choose(500)
        self.assertEqual(look, Claim(LOOK_SIZE, (9001, 9002, 9003), 0))
        self.assertTrue(self.note(look, queue(LOOK_SIZE, BULK), full={1}))
        self.assertAlmostEqual(self.plan.get_wait(active), 0.2, msg="the first gateway has places before the next look")
        self.world.now += 0.51
        self.assertEqual(self.plan.choose(500).bulk_after, None, "places of the first one are not wasted")
        self.note(Claim(10), queue(10, BULK), full={1})
        self.assertEqual(self.plan.choose(500).bulk_after, LOOK_SIZE, "it goes on where it was")
        found = queue(LOOK_SIZE, BULK, gateway_id=2, first=LOOK_SIZE + 1)
        self.note(self.plan.choose(500), found)
        self.assertEqual(self.plan.get_wait(active), 0, "there are more of these")
        self.assertEqual(self.plan.choose(500).bulk_after, 2 * LOOK_SIZE)

    def test_a_second_gateway_that_is_full(self):
        """Its SMS are claimed again once it has places, although they are far behind."""
        self.note(Claim(100), queue(100, BULK), full={1})
        look = self.plan.choose(500)
        self.note(look, [*queue(200, BULK), *queue(300, BULK, gateway_id=2, first=201)], full={1, 2})
        self.assertAlmostEqual(self.plan.get_wait({1: None, 2: None}), 0.2)
        self.world.now += 0.51
        self.note(self.plan.choose(500), queue(10, BULK), full={1})
        self.assertEqual(self.plan.choose(500).bulk_after, 200)

    def test_the_end_of_the_queue(self):
        self.note(Claim(100), queue(100, BULK), full={1})
        self.note(self.plan.choose(500), queue(LOOK_SIZE, BULK), full={1})
        self.assertTrue(self.note(self.plan.choose(500), queue(3, BULK, first=LOOK_SIZE + 1), full={1}))
        self.assertEqual(self.plan.choose(500).bulk_after, 0, "from the start again, later")
        self.assertGreater(self.plan._next_look, self.world.now + 1)

    def test_a_refused_look(self):
        self.note(Claim(100), queue(100, BULK), full={1})
        self.plan.stop_looking()
        self.assertAlmostEqual(self.plan.get_wait({1: None, 2: None}), 0.2)
