# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Places under a rate limit: when the next requests of a gateway may start. Pure; times are in milliseconds.

The places of the last period are known, of all workers and servers. Each window of one period contains at most as many
SMS as the limit allows, which uses the limit better than a fixed distance between requests: after a delay, places are
closer together until the window is full again.
"""
import math
from bisect import insort
from collections import Counter
from collections.abc import Sequence

# The provider counts SMS when they arrive, which varies. A window is longer than a second by the sum of these seconds,
# so that no second has more SMS than the limit. More would use less than 95 % of it.
MAX_LATE = 0.015  # until a request misses its place; checked when its first byte is written, with the connection open
CLOCK_ERROR = 0.002  # by which the clock of the database is read too early or too late
NETWORK = 0.021  # by which the time to the provider differs between requests. Nothing enforces this one
JITTER = MAX_LATE + 2 * CLOCK_ERROR + NETWORK  # 40 ms
SPACING = 0.9  # distance between two places of the first window, as a share of the average distance
MIN_SPACING = 0.5  # minimum distance later. Each place of a window is repeated in the next one, unless there is a delay
KEPT = 500  # milliseconds that places are kept after their window, to tell a delay from the start after an idle time
MAX_TIMES = 100  # different places in one second; of a higher limit, several SMS share one
MAX_AHEAD = 10_000  # places that are later than this were reserved before the clock of the database was set back


def get_window(rate: float) -> tuple[int, int]:
    """Return the maximum number of SMS in each window, and the length of the window.

    :param rate: SMS per second
    """
    most = max(1, math.ceil(rate - 1e-9))
    return most, math.ceil(1000 * max(most / rate, 1 + JITTER))


def get_group_size(rate: float, recipients: int) -> int:
    """Return how many SMS share one place.

    :param recipients: maximum number of SMS in one request
    """
    return max(1, min(recipients, int(rate)) if recipients > 1 else math.ceil(rate / MAX_TIMES))


def take_places(
        used: Sequence[tuple[int, int]], now: int, groups: Sequence[tuple[int, int]], rate: float,
        fills_gaps: bool = False) -> tuple[list[int], int, list[tuple[int, int]]]:
    """Assign the next places to groups of SMS that start together.

    :param used: (time, number of SMS) of the places that were assigned before, in the order of time
    :param now: the first time at which a request can start
    :param groups: (number of SMS, time by which they must start), in the order in which they are sent
    :param fills_gaps: whether to look for places before the last one, because some were given back
    :return: the times of the first groups, up to the first one that would be too late; the time of the next free place;
        the places to pass to the next call
    """
    most, window = get_window(rate)
    used = [(time, count) for time, count in used if now - window - KEPT < time < now + MAX_AHEAD]
    times = []
    for size, latest in groups:
        free = _find_place(used, now, size, rate, most, window)
        if fills_gaps:
            free = _find_gap(used, max([now, *times[-1:]]), free, size, rate, most, window)
        if free > latest:
            return times, free, used
        times.append(free)
        insort(used, (free, size))
    return times, _find_place(used, now, 1, rate, most, window), used


def give_back(used: Sequence[tuple[int, int]], unused: Sequence[int]) -> list[tuple[int, int]]:
    """Return the places without those of SMS that were not started.

    :param unused: the times of these places, one for each SMS
    """
    counts = Counter(unused)
    return [(time, count - counts[time]) for time, count in used if count > counts[time]]


def _find_gap(used, now, place, size, rate, most, window):
    """Return the first time from now on at which a group can start, at the latest its place after all others."""
    distance = math.ceil(1000 * MIN_SPACING / rate)
    for time in sorted({now, *(time + count * distance for time, count in used)}):
        if now <= time < place and _fits(used, time, size, most, window) and not any(
                time - count * distance < other < time + size * distance for other, count in used):
            return time
    return place


def _fits(used, place, size, most, window):
    near = sorted([(place, size), *((time, count) for time, count in used if abs(time - place) < window)])
    first = total = 0
    for time, count in near:
        total += count
        while near[first][0] <= time - window:
            total -= near[first][1]
            first += 1
        if total > most:
            return False
    return True


def _find_place(used, now, size, rate, most, window):
    if not used:
        return now
    last, distance = used[-1][0], 1000 * used[-1][1] / rate
    room = most - size
    for time, count in reversed(used):
        room -= count
        if room < 0:
            return max(now, last + math.ceil(MIN_SPACING * distance), time + window)
    return max(now, last + math.ceil(SPACING * distance))
