# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The place of a request under a rate limit. The request waits for it with its connection open, so that the time to
connect does not bring it close to the next ones."""
import time
from collections.abc import Callable

from .places import MAX_LATE

CONNECT_LEAD = 0.25  # seconds before its place at which a request gets its connection


class MissedTurnError(Exception):
    """A request did not start at its place. No byte of it was written."""


class Turn:
    """The turn of one request.

    :param place: `time.monotonic()` at which it may start
    :param is_withdrawn: whether it must not start any more
    """
    __slots__ = '_is_withdrawn', 'place'

    def __init__(self, place: float, is_withdrawn: Callable[[], bool]):
        self.place = place
        self._is_withdrawn = is_withdrawn

    def wait_to_connect(self):
        """Wait until it is time to connect.

        :raise MissedTurnError: if the request must not start any more
        """
        self._wait_until(self.place - CONNECT_LEAD)
        self.check()

    def wait(self):
        """Wait until the request may start."""
        self._wait_until(self.place)

    def check(self):
        """
        :raise MissedTurnError: if the request must not start any more, or is so late that it would exceed the limit
            together with others
        """
        if self._is_withdrawn() or time.monotonic() > self.place + MAX_LATE:
            raise MissedTurnError

    @staticmethod
    def _wait_until(moment: float):
        if (wait := moment - time.monotonic()) > 0:
            time.sleep(wait)
