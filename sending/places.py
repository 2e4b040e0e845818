# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Places under a rate limit: when the next requests of a gateway may start. Pure; times are in milliseconds.

The places of the last period are known, of all workers and servers. Each window of one period contains at most as many
SMS as the limit allows, which uses the limit better than a fixed distance between requests: after a delay, the missed
time is lost but not the places.
"""
import math
from collections import Counter
from collections.abc import Sequence

# Seconds after which a request misses its place: together with the requests that are on time, also of other processes,
# late ones would exceed the limit.
MAX_LATE = 0.025
NETWORK = 0.015  # seconds by which the time to the provider varies
SPACING = 0.9  # minimum distance between two places, as a share of the average distance
MAX_TIMES = 100  # different places in one second; of a higher limit, several SMS share one
MAX_AHEAD = 10_000  # places that are later than this were reserved before the clock of the database was set back


def get_window(rate: float) -> tuple[int, int]:
    """Return the maximum number of SMS in each window, and the length of the window.

    :param rate: SMS per second
    """
    most = max(1, math.ceil(rate - 1e-9))
    return most, math.ceil(1000 * max(most / rate, 1 + MAX_LATE + NETWORK))


def get_group_size(rate: float, recipients: int) -> int:
    """Return how many SMS share one place.

    :param recipients: maximum number of SMS in one request
    """
    return max(1, min(recipients, int(rate)) if recipients > 1 else math.ceil(rate / MAX_TIMES))


def take_places(
        used: Sequence[tuple[int, int]], now: int, groups: Sequence[tuple[int, int]], rate: float,
        ) -> tuple[list[int], int, list[tuple[int, int]]]:
    """Assign the next places to groups of SMS that start together.

    :param used: (time, number of SMS) of the places that were assigned before, in the order of time
    :param now: the first time at which a request can start
    :param groups: (number of SMS, time by which they must start), in the order in which they are sent
    :return: the times of the first groups, up to the first one that would be too late; the time of the next free place;
        all places that still count
    """
    most, window = get_window(rate)
    used = [(time, count) for time, count in used if now - window < time < now + MAX_AHEAD]
    times = []
    for size, latest in groups:
        free = _find_place(used, now, size, rate, most, window)
        if free > latest:
            return times, free, used
        times.append(free)
        used.append((free, size))
    return times, _find_place(used, now, 1, rate, most, window), used


def give_back(used: Sequence[tuple[int, int]], unused: Sequence[int]) -> list[tuple[int, int]]:
    """Return the places without those of SMS that were not started.

    :param unused: the times of these places, one for each SMS
    """
    counts = Counter(unused)
    return [(time, count - counts[time]) for time, count in used if count > counts[time]]


def _find_place(used, now, size, rate, most, window):
    place = now
    if used:
        time, count = used[-1]
        place = max(place, time + math.ceil(1000 * SPACING * count / rate))
    room = most - size
    for time, count in reversed(used):
        room -= count
        if room < 0:
            return max(place, time + window)
    return place
