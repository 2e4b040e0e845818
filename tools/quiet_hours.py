# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Quiet hours: when bulk SMS may reach a number, by the clock of its recipient. Pure: independent of Odoo."""
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import phonenumbers

from .budget import get_zone
from .problem import ProblemError

MAX_DAYS = 15  # in which a time that suits all time zones of a number is looked for
DAY = 24 * 60  # minutes
_MINUTE = timedelta(minutes=1)
_DATE = re.compile(r'(?:([0-9]{4})-)?([0-9]{1,2})-([0-9]{1,2})')


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When nothing is sent.

    :param start: minute of the day at which quiet hours begin
    :param end: minute of the day at which they end, on the next day if it is not later. The same minute: no hours
    :param spread: minutes after their end over which the SMS that waited are distributed
    :param company_id: the company whose SMS wait, None for all
    :param countries: ISO codes of the numbers, empty for all
    :param weekdays: days off, on which nothing is sent all day; Monday is 0
    :param dates: the same as (year or None for every year, month, day)
    """
    start: int
    end: int
    spread: int = 0
    company_id: int | None = None
    countries: frozenset[str] = frozenset()
    weekdays: frozenset[int] = frozenset()
    dates: frozenset[tuple[int | None, int, int]] = frozenset()

    def is_quiet(self, local: datetime) -> bool:
        """Return whether it is quiet at a time on the recipient's clock."""
        day = local.month, local.day
        if local.weekday() in self.weekdays or (None, *day) in self.dates or (local.year, *day) in self.dates:
            return True
        minute = local.hour * 60 + local.minute
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True, slots=True)
class Quiet:
    """Why an SMS waits, and until when.

    :param until: UTC, without a time zone
    :param zone: time zone in which it is quiet, such as Europe/Paris
    """
    until: datetime
    zone: str


def parse_dates(text: str) -> frozenset[tuple[int | None, int, int]]:
    """Read days off: ``2026-12-24`` or, for every year, ``12-25``, separated by commas, spaces or line breaks.

    :raise ProblemError: with the first entry that is not a date
    """
    dates = set()
    for entry in re.split(r'[\s,;]+', text.strip()) if text.strip() else ():
        match = _DATE.fullmatch(entry)
        year, month, day = (group and int(group) for group in match.groups()) if match else (None, 0, 0)
        try:
            date(year or 2000, month, day)  # a leap year
        except ValueError:
            raise ProblemError('day_off_unreadable', entry=entry) from None
        dates.add((year, month, day))
    return frozenset(dates)


def choose(rules: Iterable[QuietHours], company_id: int, country: str | None) -> list[QuietHours]:
    """Return the most specific quiet hours: of the country and company, else the country, else the company, else all.

    :param country: ISO code of the number, None if it is unknown
    """
    groups: dict[tuple[bool, bool], list[QuietHours]] = {}
    for rule in rules:
        if rule.company_id in (None, company_id) and (not rule.countries or country in rule.countries):
            groups.setdefault((bool(rule.countries), rule.company_id is not None), []).append(rule)
    return groups[max(groups)] if groups else []


def find_zones(e164: str | None, default: str) -> tuple[str, ...]:
    """Return the time zones of a number: several if it does not say where in the country its recipient is.

    :param e164: with +, None if it is invalid
    :param default: time zone if that of the number is unknown
    """
    from phonenumbers import timezone
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(e164)) if e164 else ()
    except phonenumbers.NumberParseException:
        zones = ()
    known = tuple(zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE)
    return known or (get_zone(default).key,)


def find_quiet(
        e164: str | None, now: datetime, rules: Sequence[QuietHours], default: str = 'UTC') -> Quiet | None:
    """Return until when an SMS has to wait.

    A number with several time zones waits as long as it is quiet in one of them, because its recipient may be there. If
    no time suits all of them, the default time zone decides.

    :param e164: the number with +, None if it is invalid
    :param now: UTC, without a time zone
    :param rules: the chosen ones, see :func:`choose`
    :param default: time zone of numbers whose own is unknown, usually that of the company
    :return: None if it may be sent now
    """
    end, zones = _find_end(now, tuple(rules), find_zones(e164, default), default) if rules else (now, ())
    if end == now:
        return None
    zone = next(zone for zone in zones if _is_quiet(now, zone, rules))
    seconds = max(rule.spread for rule in rules) * 60
    if seconds:
        digest = hashlib.blake2b((e164 or '').encode(), digest_size=4).digest()
        later = end + timedelta(seconds=int.from_bytes(digest, 'big') % seconds)
        if not any(_is_quiet(later, one, rules) for one in zones):
            end = later
    return Quiet(end, zone)


@lru_cache(maxsize=1000)  # numbers of one country and minute have the same
def _find_end(now: datetime, rules: tuple[QuietHours, ...], zones: tuple[str, ...], default: str):
    """Return the first moment that is not quiet, at most :data:`MAX_DAYS` later, and the time zones that count."""
    last = now + timedelta(days=MAX_DAYS)
    for candidates in (zones, (get_zone(default).key,)):
        moment = now
        while moment <= last:
            quiet = [zone for zone in candidates if _is_quiet(moment, zone, rules)]
            if not quiet:
                return moment, candidates
            moment = min(_find_change(moment, zone, rules) for zone in quiet)
    return last, candidates


def _find_change(moment: datetime, zone: str, rules: tuple[QuietHours, ...]) -> datetime:
    """Return the next moment at which it may become loud in a time zone: an end of quiet hours, or midnight."""
    local = _to_local(moment, zone)
    changes = []
    for days in (0, 1):
        day = (local + timedelta(days=days)).date()
        for minute in {0, *(rule.end % DAY for rule in rules)}:
            changes += _to_utc(datetime.combine(day, time(minute // 60, minute % 60)), zone)
    return min(change for change in changes if change > moment)


def _to_utc(wall: datetime, zone: str) -> list[datetime]:
    """Return when a clock shows a time: twice when it is set back. When it is set forward over it: the moment at which
    that happens."""
    first, second = (
        wall.replace(tzinfo=get_zone(zone), fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1))
    if first <= second:
        return [first, second]
    # in a gap, the second is before it and the first after it
    while second < first and _to_local(second, zone) < wall:
        second += _MINUTE
    return [second]


def _is_quiet(moment: datetime, zone: str, rules: Sequence[QuietHours]) -> bool:
    local = _to_local(moment, zone)
    return any(rule.is_quiet(local) for rule in rules)


def _to_local(moment: datetime, zone: str) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(get_zone(zone)).replace(tzinfo=None)
