# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Of the Active gateways one takes a number and others follow: doc/behaviour.md section 4, rules 2 to 4."""

from dataclasses import replace

from ...sending.routing import DEFAULT, FIRST, PREFIX, SPARE, Candidate, Route, RoutingTable
from .common import PureCase
from .made_up import cases, given, st

PAKISTAN, KARACHI, BELGIUM = '+923001234567', '+92211234567', '+32456001122'


def order(number, *routes, company_id=1, default_ids=()):
    """The ids of the gateways for a number, in the order in which they are tried."""
    return [candidate.gateway_id for candidate in RoutingTable(routes, company_id, default_ids).candidates(number)]


class TestRule2(PureCase):
    """The lowest sequence of the gateways with a matching prefix."""

    def test_lowest_sequence_with_matching_prefix(self):
        routes = Route(1, 20, ('92',)), Route(2, 10, ('92',)), Route(3, 5, ('32',))
        self.assertEqual(order(PAKISTAN, *routes), [2, 1])

    def test_sequence_comes_before_length_of_prefix(self):
        self.assertEqual(order(KARACHI, Route(1, 10, ('9221',)), Route(2, 5, ('92',))), [2, 1])

    def test_equal_sequence_longest_prefix(self):
        self.assertEqual(order(KARACHI, Route(1, 10, ('92',)), Route(2, 10, ('9221',))), [2, 1])
        self.assertEqual(order(PAKISTAN, Route(1, 10, ('92',)), Route(2, 10, ('9221',))), [1])

    def test_equal_sequence_and_prefix_oldest(self):
        self.assertEqual(order(PAKISTAN, Route(7, 10, ('92',)), Route(3, 10, ('92',))), [3, 7])

    def test_candidate_names_its_longest_prefix(self):
        table = RoutingTable([Route(1, 10, ('9', '92', '923', '32'))], 1)
        self.assertEqual(table.candidates(PAKISTAN), (Candidate(1, PREFIX, '923'),))

    def test_prefix_matches_the_beginning_only(self):
        self.assertEqual(order('+32920000000', Route(1, 10, ('92',)), Route(2, 20, ('32',))), [2])

    def test_prefix_longer_than_number_does_not_match(self):
        self.assertEqual(order('+9230012', Route(1, 10, ('923001234',)), Route(2, 20, ('92',))), [2])

    def test_prefix_as_long_as_number_matches(self):
        self.assertEqual(order('+9230012', Route(1, 10, ('9230012',)), Route(2, 5)), [1, 2])

    def test_gateway_without_prefixes_matches_nothing(self):
        table = RoutingTable([Route(1, 5), Route(2, 10, ('92',))], 1)
        self.assertEqual(table.candidates(PAKISTAN), (Candidate(2, PREFIX, '92'), Candidate(1, SPARE)))

    def test_only_gateways_of_the_company_or_of_none(self):
        routes = Route(1, 5, ('92',), company_id=2), Route(2, 10, ('92',), company_id=1), Route(3, 20, ('92',))
        self.assertEqual(order(PAKISTAN, *routes, company_id=1), [2, 3])
        self.assertEqual(order(PAKISTAN, *routes, company_id=2), [1, 3])
        self.assertEqual(order(PAKISTAN, *routes, company_id=None), [3])


class TestRule3(PureCase):
    """No match: the Default Gateway, else the first one by sequence."""

    def test_default_gateway(self):
        table = RoutingTable([Route(1, 5, ('92',)), Route(2, 10, ('1',))], 1, default_ids=[2])
        self.assertEqual(table.candidates(BELGIUM), (Candidate(2, DEFAULT),))

    def test_default_gateway_that_is_not_among_the_active_ones_is_ignored(self):
        self.assertEqual(order(BELGIUM, Route(2, 10), Route(1, 5), default_ids=[9]), [1, 2])

    def test_default_gateway_of_another_company_is_ignored(self):
        self.assertEqual(order(BELGIUM, Route(1, 10), Route(2, 5, company_id=2), default_ids=[2]), [1])

    def test_default_gateway_of_the_company_comes_before_the_one_of_all(self):
        routes = Route(1, 5, ('92',)), Route(2, 10, ('1',)), Route(3, 20, ('49',), company_id=1)
        table = RoutingTable(routes, 1, default_ids=[3, 2])
        self.assertEqual(table.candidates(BELGIUM), (Candidate(3, DEFAULT), Candidate(2, DEFAULT)))
        self.assertEqual(order(BELGIUM, *routes, company_id=2, default_ids=[3, 2]), [2])
        self.assertEqual(order(BELGIUM, *routes[:2], default_ids=[3, 2]), [2])

    def test_first_by_sequence_without_default(self):
        table = RoutingTable([Route(1, 10, ('92',)), Route(2, 5, ('1',))], 1)
        self.assertEqual(table.candidates(BELGIUM), (Candidate(2, FIRST),))

    def test_number_that_cannot_be_read(self):
        routes = Route(1, 5, ('92',)), Route(2, 10)
        self.assertEqual(order(None, *routes, default_ids=[2]), [2])
        self.assertEqual(order('', *routes), [1, 2])


class TestRule4(PureCase):

    def test_no_gateway_at_all(self):
        self.assertEqual(order(PAKISTAN), [])
        self.assertEqual(order(PAKISTAN, Route(1, 10, ('92',), company_id=2), default_ids=[1]), [])


class TestFailOver(PureCase):
    """Matches of rule 2, the Default Gateway, then those without prefixes; each once."""

    ROUTES = (
        Route(1, 10, ('92',)), Route(2, 20, ('92', '1')), Route(3, 5, ('1',)), Route(4, 30), Route(5, 1),
        Route(6, 40, ('49',)),
    )

    def test_order(self):
        table = RoutingTable(self.ROUTES, 1, default_ids=[6])
        self.assertEqual(table.candidates(PAKISTAN), (
            Candidate(1, PREFIX, '92'), Candidate(2, PREFIX, '92'), Candidate(6, DEFAULT),
            Candidate(5, SPARE), Candidate(4, SPARE)))

    def test_default_gateway_that_matches_stands_once_and_first(self):
        self.assertEqual(order(PAKISTAN, *self.ROUTES, default_ids=[2]), [1, 2, 5, 4])
        self.assertEqual(order(PAKISTAN, *self.ROUTES, default_ids=[5]), [1, 2, 5, 4])

    def test_after_no_match(self):
        self.assertEqual(order(BELGIUM, *self.ROUTES, default_ids=[6]), [6, 5, 4])
        self.assertEqual(order(BELGIUM, *self.ROUTES), [5, 4])

    def test_a_gateway_keeps_the_first_of_its_places(self):
        """The Default Gateway is named by its prefix, as the default, and for having none."""
        self.assertEqual(order(BELGIUM, Route(1, 10), Route(2, 10), default_ids=[2]), [2, 1])
        german = Route(1, 1, ('49',)), Route(2, 20, ('1', '49'))
        self.assertEqual(order('+4915112345678', *german, default_ids=[1]), [1, 2])
        table = RoutingTable(german, 1, default_ids=[1])
        self.assertEqual(table.candidates('+4915112345678')[0], Candidate(1, PREFIX, '49'))

    def test_gateway_with_fail_over_off_is_the_last(self):
        routes = Route(1, 10, ('92',)), Route(2, 20, ('92',), failover=False), Route(3, 30)
        self.assertEqual(order(PAKISTAN, *routes), [1, 2])
        self.assertEqual(order(BELGIUM, Route(1, 10, failover=False), Route(2, 20)), [1])

    def test_dry_run(self):
        """Fail over never leads from an SMS that is sent to one that is not, nor back."""
        dry = Route(1, 10, is_dry_run=True)
        self.assertEqual(order(BELGIUM, dry, Route(2, 20)), [1])
        self.assertEqual(order(BELGIUM, dry, Route(2, 20, ('32',)), Route(3, 30)), [2, 3])
        self.assertEqual(order(BELGIUM, dry, Route(2, 20, ('32',), paused=True)), [2])
        self.assertEqual(order(BELGIUM, replace(dry, paused=True), Route(2, 20)), [1])

    def test_paused_gateway_is_passed_over(self):
        routes = Route(1, 10, ('92',), paused=True), Route(2, 20, ('92',)), Route(3, 30)
        self.assertEqual(order(PAKISTAN, *routes), [2, 3])

    def test_paused_gateway_with_fail_over_off_is_waited_for(self):
        routes = Route(1, 10, ('92',), paused=True, failover=False), Route(2, 20, ('92',))
        self.assertEqual(order(PAKISTAN, *routes), [1])

    def test_first_choice_when_all_rest(self):
        self.assertEqual(order(PAKISTAN, Route(1, 10, ('92',), paused=True), Route(2, 20, paused=True)), [1])


class TestTable(PureCase):

    def test_numbers_do_not_mix(self):
        """The answers that a table remembers are those of the same head only."""
        table = RoutingTable([Route(1, 10, ('9230',)), Route(2, 10, ('92',)), Route(3, 10, ('1',))], 1)
        for _again in range(2):
            for number, first in (('+923001234567', 1), ('+923101234567', 2), ('+12025550123', 3), ('+92301', 1)):
                self.assertEqual(table.candidates(number)[0].gateway_id, first, number)


class TestCountries(PureCase):
    """A gateway with a list of countries is not there for other numbers."""

    def test_countries(self):
        belgian, other = Route(1, 10, countries=frozenset(('BE',))), Route(2, 20)
        self.assertEqual(order(BELGIUM, belgian, other), [1, 2])
        self.assertEqual(order(PAKISTAN, belgian, other), [2])
        self.assertEqual(order(PAKISTAN, belgian), [])
        self.assertEqual(order(None, belgian, other), [2])

    def test_pauses(self):
        """The gateway that may send waits, even if one that may not is not paused."""
        routes = Route(1, 10, countries=frozenset(('BE',))), Route(2, 20, paused=True), Route(3, 30, paused=True)
        self.assertEqual(order(PAKISTAN, *routes), [2])


class TestSharing(PureCase):
    """Gateways of equal priority and prefix share the numbers by weight."""

    NUMBERS = [f'+3245{number:07d}' for number in range(3000)]

    def count(self, *routes):
        """Return how many of 3,000 numbers each gateway gets."""
        table = RoutingTable(routes, 1)
        firsts = [table.candidates(number)[0].gateway_id for number in self.NUMBERS]
        return {route.gateway_id: firsts.count(route.gateway_id) for route in routes}

    def assert_shares(self, counts, *shares):
        for count, share in zip(counts.values(), shares, strict=True):
            self.assertAlmostEqual(count / len(self.NUMBERS), share, delta=0.03)

    def test_weights(self):
        for prefixes in ((), ('32',)):
            self.assert_shares(self.count(
                Route(1, 10, prefixes, weight=1), Route(2, 10, prefixes, weight=3)), 0.25, 0.75)
        self.assert_shares(self.count(*(Route(number, weight=5) for number in (1, 2, 3))), 1 / 3, 1 / 3, 1 / 3)

    def test_what_does_not_share(self):
        """Another priority, a longer prefix, a Default Gateway, and gateways without weights."""
        for routes in (
                (Route(1, 10, weight=1), Route(2, 20, weight=9)), (Route(1, 10), Route(2, 10)),
                (Route(1, 10, ('324',), weight=1), Route(2, 10, ('32',), weight=9))):
            self.assertEqual(self.count(*routes), {1: 3000, 2: 0})
        routes = Route(1, weight=1), Route(2, weight=9)
        self.assertEqual(order(BELGIUM, *routes, default_ids=[1])[0], 1)

    def test_spare(self):
        """A gateway with weight 0 comes after the others, whatever the order."""
        self.assertEqual(self.count(Route(1), Route(2, weight=1)), {1: 0, 2: 3000})
        self.assertEqual(order(BELGIUM, Route(1), Route(2, weight=1)), [2, 1])
        self.assertEqual(order(BELGIUM, Route(1), Route(2, weight=1, paused=True)), [1])

    def test_a_number_keeps_its_gateway(self):
        """If a share changes, numbers only move from the gateway that loses to the others."""
        routes = [Route(number, weight=1) for number in (1, 2, 3)]
        before = {number: order(number, *routes)[0] for number in self.NUMBERS[:500]}
        self.assertEqual({number: order(number, *routes[::-1])[0] for number in before}, before)
        routes[0] = replace(routes[0], health=50)
        moved = {before[number] for number in before if order(number, *routes)[0] != before[number]}
        self.assertEqual(moved, {1})

    def test_health(self):
        self.assert_shares(self.count(Route(1, weight=1), Route(2, weight=1, health=50)), 2 / 3, 1 / 3)
        counts = self.count(Route(1, weight=1), Route(2, weight=1, health=0))
        self.assertGreater(counts[2], 0, "a few numbers show when it recovers")
        self.assertLess(counts[2], 300)

    def test_fail_over(self):
        """The others of the group follow, but not after a gateway without Fail Over."""
        routes = Route(1, weight=1, failover=False), Route(2, weight=1), Route(3, 20)
        self.assertEqual(
            {tuple(order(number, *routes)) for number in self.NUMBERS[:100]}, {(1,), (2, 1)})


PREFIXES = st.lists(st.sampled_from(('1', '12', '49', '491', '4915', '92', '9230')), max_size=3).map(tuple)
COMPANIES = st.sampled_from((None, None, 1, 2))
ROUTES = st.lists(
    st.builds(
        Route, gateway_id=st.integers(1, 9), sequence=st.sampled_from((1, 10, 20)), prefixes=PREFIXES,
        company_id=COMPANIES, failover=st.sampled_from((True, True, True, False)),
        paused=st.sampled_from((False, False, True))),
    max_size=7, unique_by=lambda route: route.gateway_id)
NUMBERS = st.sampled_from((None, '+12025550123', '+4915112345678', '+4930123456', '+923001234567', '+32456001122'))


def in_words_of_the_rule(number, routes, company_id, default_ids):
    """doc/behaviour.md section 4 word by word, without any of the shortcuts of the table.

    :return: ids in the order in which they are tried
    """
    mine = [route for route in routes if route.company_id is None or route.company_id == company_id]
    by_priority = sorted(mine, key=lambda route: (route.sequence, route.gateway_id))

    def longest(route):
        return max((len(prefix) for prefix in route.prefixes if number and number[1:].startswith(prefix)), default=0)

    # rule 2: one of whose prefixes starts the number; equal sequence: the longest prefix wins, then the older gateway
    tried = sorted(
        filter(longest, mine), key=lambda route: (route.sequence, -longest(route), route.gateway_id))
    # rule 3: the Default Gateway, the company's own before the one of all companies, else the first Active gateway by
    # sequence, be it one with prefixes
    for default_id in default_ids:
        tried += [route for route in mine if route.gateway_id == default_id]
    if not tried:
        tried += by_priority[:1]
    # on fail over those without prefixes follow
    tried += [route for route in by_priority if not route.prefixes]
    once = [route for place, route in enumerate(tried) if route not in tried[:place]]
    # what follows a gateway whose Fail Over is off is not tried
    ends = [place for place, route in enumerate(once) if not route.failover]
    reached = once[:ends[0] + 1] if ends else once
    # one that rests is passed over, unless no other can take the SMS
    awake = [route for route in reached if not route.paused]
    return [route.gateway_id for route in awake or once[:1]]


class TestWordsOfTheRule(PureCase):
    """Whatever an administrator sets up, routing does what the rule says."""

    @cases(2000)
    @given(NUMBERS, ROUTES, COMPANIES, st.lists(st.integers(1, 9), max_size=2))
    def test_random_set_ups(self, number, routes, company_id, default_ids):
        table = RoutingTable(routes, company_id, default_ids)
        candidates = table.candidates(number)
        self.assertEqual(
            [candidate.gateway_id for candidate in candidates],
            in_words_of_the_rule(number, routes, company_id, default_ids))
        self.assertEqual(table.candidates(number), candidates)
        if candidates and not any(route.paused for route in routes):
            self.assertNotEqual(candidates[0].rule, SPARE)
