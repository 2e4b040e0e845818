# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Given Active gateways, this one takes a number and these follow: SPEC section 4, rules 2 to 4."""
import unittest

from ..routing import DEFAULT, FIRST, PREFIX, SPARE, Candidate, Route, RoutingTable

PAKISTAN, KARACHI, BELGIUM = '+923001234567', '+92211234567', '+32456001122'


def order(number, *routes, company_id=1, default_id=None):
    """The ids of the gateways for a number, in the order in which they are tried."""
    return [candidate.gateway_id for candidate in RoutingTable(routes, company_id, default_id).candidates(number)]


class TestRule2(unittest.TestCase):
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


class TestRule3(unittest.TestCase):
    """No match: the Default Gateway, else the first one by sequence."""

    def test_default_gateway(self):
        table = RoutingTable([Route(1, 5, ('92',)), Route(2, 10, ('1',))], 1, default_id=2)
        self.assertEqual(table.candidates(BELGIUM), (Candidate(2, DEFAULT),))

    def test_default_gateway_that_is_not_among_the_active_ones_is_ignored(self):
        self.assertEqual(order(BELGIUM, Route(2, 10), Route(1, 5), default_id=9), [1, 2])

    def test_default_gateway_of_another_company_is_ignored(self):
        self.assertEqual(order(BELGIUM, Route(1, 10), Route(2, 5, company_id=2), default_id=2), [1])

    def test_first_by_sequence_without_default(self):
        table = RoutingTable([Route(1, 10, ('92',)), Route(2, 5, ('1',))], 1)
        self.assertEqual(table.candidates(BELGIUM), (Candidate(2, FIRST),))

    def test_number_that_cannot_be_read(self):
        routes = Route(1, 5, ('92',)), Route(2, 10)
        self.assertEqual(order(None, *routes, default_id=2), [2])
        self.assertEqual(order('', *routes), [1, 2])


class TestRule4(unittest.TestCase):

    def test_no_gateway_at_all(self):
        self.assertEqual(order(PAKISTAN), [])
        self.assertEqual(order(PAKISTAN, Route(1, 10, ('92',), company_id=2), default_id=1), [])


class TestFailOver(unittest.TestCase):
    """Matches of rule 2, the Default Gateway, then those without prefixes; each once."""

    ROUTES = (
        Route(1, 10, ('92',)), Route(2, 20, ('92', '1')), Route(3, 5, ('1',)), Route(4, 30), Route(5, 1),
        Route(6, 40, ('49',)),
    )

    def test_order(self):
        table = RoutingTable(self.ROUTES, 1, default_id=6)
        self.assertEqual(table.candidates(PAKISTAN), (
            Candidate(1, PREFIX, '92'), Candidate(2, PREFIX, '92'), Candidate(6, DEFAULT),
            Candidate(5, SPARE), Candidate(4, SPARE)))

    def test_default_gateway_that_matches_stands_once_and_first(self):
        self.assertEqual(order(PAKISTAN, *self.ROUTES, default_id=2), [1, 2, 5, 4])
        self.assertEqual(order(PAKISTAN, *self.ROUTES, default_id=5), [1, 2, 5, 4])

    def test_after_no_match(self):
        self.assertEqual(order(BELGIUM, *self.ROUTES, default_id=6), [6, 5, 4])
        self.assertEqual(order(BELGIUM, *self.ROUTES), [5, 4])

    def test_gateway_with_fail_over_off_is_the_last(self):
        routes = Route(1, 10, ('92',)), Route(2, 20, ('92',), failover=False), Route(3, 30)
        self.assertEqual(order(PAKISTAN, *routes), [1, 2])
        self.assertEqual(order(BELGIUM, Route(1, 10, failover=False), Route(2, 20)), [1])

    def test_resting_gateway_is_passed_over(self):
        routes = Route(1, 10, ('92',), resting=True), Route(2, 20, ('92',)), Route(3, 30)
        self.assertEqual(order(PAKISTAN, *routes), [2, 3])

    def test_resting_gateway_with_fail_over_off_is_waited_for(self):
        routes = Route(1, 10, ('92',), resting=True, failover=False), Route(2, 20, ('92',))
        self.assertEqual(order(PAKISTAN, *routes), [1])

    def test_first_choice_when_all_rest(self):
        self.assertEqual(order(PAKISTAN, Route(1, 10, ('92',), resting=True), Route(2, 20, resting=True)), [1])


class TestTable(unittest.TestCase):

    def test_numbers_do_not_mix(self):
        """The answers that a table remembers are those of the same head only."""
        table = RoutingTable([Route(1, 10, ('9230',)), Route(2, 10, ('92',)), Route(3, 10, ('1',))], 1)
        for _again in range(2):
            for number, first in (('+923001234567', 1), ('+923101234567', 2), ('+12025550123', 3), ('+92301', 1)):
                self.assertEqual(table.candidates(number)[0].gateway_id, first, number)
