# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Quiet hours by the recipient's clock, also when clocks change."""
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ...tools.problem import ProblemError
from ...tools.quiet_hours import MAX_DAYS, QuietHours, choose, find_quiet, find_zones, parse_dates
from .common import PureCase
from .made_up import given, st

NIGHT = QuietHours(21 * 60, 8 * 60)
PARIS, BELGIUM, NEW_YORK, RUSSIA, SATELLITE = (
    '+33612345678', '+32456001122', '+12125550123', '+79161234567', '+881612345678')
# days before those on which clocks change in Europe, America, Australia and, at midnight, Lebanon
DAYS = ('2026-03-28', '2026-10-24', '2026-03-07', '2026-10-31', '2026-04-04', '2026-10-03', '2026-06-01')
NUMBERS = (PARIS, NEW_YORK, RUSSIA, '+61412345678', '+447911123456', '+918123456789', '+9613123456', None)


def utc(text):
    return datetime.fromisoformat(text)


def until(number, now, *rules, **options):
    quiet = find_quiet(number, utc(now), rules or (NIGHT,), **options)
    return quiet and f'{quiet.until:%Y-%m-%dT%H:%M}'


class TestQuietHours(PureCase):

    def test_the_clock_of_the_recipient_counts(self):
        for number, now, expected in (
                (PARIS, '2026-01-15T12:00', None),
                (PARIS, '2026-01-15T19:59', None),
                (PARIS, '2026-01-15T20:00', '2026-01-16T07:00'),  # 21:00 in winter
                (PARIS, '2026-07-15T19:00', '2026-07-16T06:00'),  # 21:00 in summer
                (PARIS, '2026-01-16T06:59:59', '2026-01-16T07:00'),
                (PARIS, '2026-01-16T07:00', None),
                (NEW_YORK, '2026-01-15T12:00', '2026-01-15T13:00'),
                (NEW_YORK, '2026-01-16T01:59', None),
                ('+918123456789', '2026-01-15T15:30', '2026-01-16T02:30')):
            with self.subTest(number=number, now=now):
                self.assertEqual(until(number, now), expected)

    def test_hours_of_one_day(self):
        siesta = QuietHours(13 * 60, 15 * 60 + 30)
        self.assertEqual(until(PARIS, '2026-01-15T12:30', siesta), '2026-01-15T14:30')
        self.assertIsNone(until(PARIS, '2026-01-15T11:59', siesta))
        self.assertIsNone(until(PARIS, '2026-01-15T20:00', siesta))
        self.assertEqual(until(PARIS, '2026-01-15T06:30', siesta, NIGHT), '2026-01-15T07:00')

    def test_clocks_change(self):
        """29 March 2026: 02:00 becomes 03:00 in Paris; 25 October: 03:00 becomes 02:00."""
        self.assertEqual(until(PARIS, '2026-03-28T22:00'), '2026-03-29T06:00')
        self.assertEqual(until(PARIS, '2026-10-24T22:00'), '2026-10-25T07:00')
        ends_in_gap = QuietHours(0, 2 * 60 + 30)
        self.assertEqual(until(PARIS, '2026-03-29T00:30', ends_in_gap), '2026-03-29T01:00')
        self.assertIsNone(until(PARIS, '2026-10-25T00:30', ends_in_gap))  # 02:30, the first time
        self.assertEqual(until(PARIS, '2026-10-25T01:15', ends_in_gap), '2026-10-25T01:30')  # 02:15, the second time

    def test_days_off(self):
        sunday = QuietHours(21 * 60, 8 * 60, weekdays=frozenset([6]))
        self.assertEqual(until(PARIS, '2026-01-17T19:00', sunday), None)  # Saturday, 20:00
        self.assertEqual(until(PARIS, '2026-01-17T20:30', sunday), '2026-01-19T07:00')
        self.assertEqual(until(PARIS, '2026-01-18T12:00', sunday), '2026-01-19T07:00')
        only_days = QuietHours(0, 0, weekdays=frozenset([5, 6]))
        self.assertEqual(until(PARIS, '2026-01-17T12:00', only_days), '2026-01-18T23:00')
        holidays = QuietHours(21 * 60, 8 * 60, dates=parse_dates('12-25, 12-26\n2027-01-01'))
        self.assertEqual(until(PARIS, '2026-12-24T22:00', holidays), '2026-12-27T07:00')
        self.assertEqual(until(PARIS, '2027-01-01T12:00', holidays), '2027-01-02T07:00')
        self.assertIsNone(until(PARIS, '2028-01-01T12:00', holidays))

    def test_the_time_zone_of_nobody_and_of_many(self):
        self.assertEqual(find_zones(SATELLITE, 'Asia/Tokyo'), ('Asia/Tokyo',))
        self.assertEqual(find_zones(None, 'Nowhere/None'), ('UTC',))
        self.assertEqual(until(SATELLITE, '2026-01-15T12:00', default='Asia/Tokyo'), '2026-01-15T23:00')
        self.assertIsNone(until(None, '2026-01-15T12:00'))
        # Russian mobiles: from Kaliningrad to Kamchatka. At 06:00 UTC it is 08:00 in the west and 18:00 in the east
        self.assertEqual(until(RUSSIA, '2026-01-15T04:00'), '2026-01-15T06:00')
        self.assertIsNone(until(RUSSIA, '2026-01-15T08:00'))
        self.assertEqual(until(RUSSIA, '2026-01-15T09:00'), '2026-01-16T06:00')
        # with longer quiet hours no time suits all of them
        long_night = QuietHours(17 * 60, 10 * 60)
        self.assertEqual(until(RUSSIA, '2026-01-15T18:00', long_night, default='Europe/Moscow'), '2026-01-16T07:00')
        self.assertIsNone(until(RUSSIA, '2026-01-15T08:00', long_night, default='Europe/Moscow'))

    def test_never_loud(self):
        always = QuietHours(0, 0, weekdays=frozenset(range(7)))
        now = utc('2026-01-15T12:00')
        self.assertEqual(find_quiet(PARIS, now, [always]).until, now + timedelta(days=MAX_DAYS))

    def test_no_rules(self):
        self.assertIsNone(find_quiet(PARIS, utc('2026-01-15T23:00'), []))

    def test_those_that_waited_are_spread(self):
        rules = [QuietHours(21 * 60, 8 * 60, spread=30)]
        moments = [
            find_quiet(f'+3361234{number:04}', utc('2026-01-15T23:00'), rules).until for number in range(3000)]
        self.assertGreaterEqual(min(moments), utc('2026-01-16T07:00'))
        self.assertLess(max(moments), utc('2026-01-16T07:30'))
        per_minute = Counter(moment.minute for moment in moments)
        self.assertEqual(len(per_minute), 30)
        self.assertLess(max(per_minute.values()), 170)  # 100 on average
        self.assertEqual(moments[0], find_quiet('+33612340000', utc('2026-01-15T23:30'), rules).until)
        short = [QuietHours(21 * 60, 8 * 60, spread=30), QuietHours(8 * 60 + 5, 20 * 60)]
        for number in range(100):
            found = find_quiet(f'+3361234{number:04}', utc('2026-01-15T23:00'), short).until
            self.assertLess(found, utc('2026-01-16T07:05'))

    def test_the_most_specific_rule_counts(self):
        everybody, company, france, both = (
            QuietHours(1, 2), QuietHours(2, 3, company_id=1), QuietHours(3, 4, countries=frozenset(['FR', 'BE'])),
            QuietHours(4, 5, company_id=1, countries=frozenset(['FR'])))
        rules = [everybody, company, france, both]
        for company_id, country, expected in (
                (1, 'FR', both), (1, 'BE', france), (2, 'FR', france), (1, 'DE', company), (2, 'DE', everybody),
                (2, None, everybody)):
            self.assertEqual(choose(rules, company_id, country), [expected])
        self.assertEqual(choose([company], 2, 'FR'), [])
        self.assertEqual(choose([everybody, everybody], 2, 'FR'), [everybody, everybody])

    def test_dates(self):
        self.assertEqual(parse_dates(''), frozenset())
        self.assertEqual(parse_dates('2-29, 2026-05-01;12-25\n'), {(None, 2, 29), (2026, 5, 1), (None, 12, 25)})
        for text in ('Christmas', '13-01', '2026-02-29', '25.12.', '2026-12', '12-25-'):
            with self.subTest(text=text), self.assertRaises(ProblemError) as raised:
                parse_dates(text)
            self.assertEqual(raised.exception.problem.code, 'day_off_unreadable')

    @given(
        st.sampled_from(NUMBERS),
        st.sampled_from(DAYS),
        st.integers(0, 3 * 24 * 60 * 60 - 1),
        st.lists(st.tuples(
            st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 60),
            st.frozensets(st.integers(0, 6), max_size=2)),
            min_size=1, max_size=2),
        st.sampled_from(('UTC', 'Asia/Tokyo', 'America/Sao_Paulo')))
    def test_any_hours_in_any_time_zone(self, number, day, second, hours, default):
        """It is not quiet when the SMS may go; and it was quiet all the time before, apart from the spread and from
        clocks that are set back into the hours before quiet hours."""
        rules = [QuietHours(start, end, 0, weekdays=weekdays) for start, end, _spread, weekdays in hours]
        now = utc(day) + timedelta(seconds=second)
        zones = find_zones(number, default)

        def quiet_zones(moment):
            locals_ = {zone: moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)) for zone in zones}
            return [zone for zone, local in locals_.items() if any(rule.is_quiet(local) for rule in rules)]

        found = find_quiet(number, now, rules, default)
        if found is None:
            self.assertTrue(not quiet_zones(now) or len(zones) > 1)
            return
        offsets = {
            zone: {(found.until + timedelta(hours=hour)).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
                   for hour in range(-int((found.until - now).total_seconds() // 3600) - 1, 1)}
            for zone in zones}
        self.assertGreater(found.until, now)
        if found.zone not in zones or found.until - now >= timedelta(days=MAX_DAYS):
            return  # no time suits all
        if len(zones) == 1 or not quiet_zones(found.until):
            self.assertFalse(quiet_zones(found.until))
            self.assertTrue(quiet_zones(now))
        if all(len(changes) == 1 for changes in offsets.values()) and not quiet_zones(found.until):
            minutes = int((found.until - now).total_seconds() // 60)
            for minute in range(0, minutes, 7):
                self.assertTrue(quiet_zones(found.until - timedelta(minutes=minute + 1)))
        spread = [QuietHours(start, end, spread, weekdays=weekdays) for start, end, spread, weekdays in hours]
        later = find_quiet(number, now, spread, default).until
        self.assertGreaterEqual(later, found.until)
        if not quiet_zones(found.until):
            self.assertFalse(quiet_zones(later))
