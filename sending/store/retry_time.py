# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long to write again when the database fails, and how it fails."""
import random
import time

import psycopg2
from psycopg2.pool import PoolError

MAX_TRIES = 5
RETRY_SECONDS = 3  # for a write that is on its own
RUN_RETRY_SECONDS = 10  # for all writes of a run together
RUN_OUTAGE_SECONDS = 45  # the same while the database cannot be reached: PostgreSQL restarts within this time


def is_outage(error):
    """
    :return: whether an error says that the database cannot be reached, not that it refuses a statement
    :rtype: bool
    """
    if isinstance(error, (psycopg2.InterfaceError, PoolError)):
        return True
    if isinstance(error, psycopg2.Error) and error.pgcode:
        # Connection Exception and, in class 57, the shutdown and the start of the server; too many connections
        return error.pgcode[:2] == '08' or error.pgcode[:3] == '57P' or error.pgcode == '53300'
    # libpq's own errors have no code: no connection, or one that was closed, which psycopg2 raises as a plain
    # DatabaseError at times
    return isinstance(error, psycopg2.OperationalError) or type(error) is psycopg2.DatabaseError


class RetryTime:
    """Seconds that may be spent on failed writes and on waiting to write again, for all writes that share it.

    :param float seconds: for errors of a statement, such as a deadlock or a full disk
    :param float outage: while the database cannot be reached
    """

    def __init__(self, seconds=RETRY_SECONDS, outage=RETRY_SECONDS):
        self._left = {False: seconds, True: outage}
        self.is_outage = False  # whether the last write that failed did not reach the database

    def wait(self, error, began, tries):
        """Wait until a failed write may be tried again.

        :param Exception error: why it failed
        :param float began: `time.monotonic()` at which it began
        :param int tries: how often it failed before
        :return: whether it may be tried again
        :rtype: bool
        """
        self.is_outage = is_outage(error)
        if not self.is_outage and (not isinstance(error, psycopg2.OperationalError) or tries + 1 >= MAX_TRIES):
            return False
        pause = min(0.1 * 2 ** min(tries, 10), 2) * (0.5 + random.random())  # noqa: S311
        self._left[self.is_outage] -= time.monotonic() - began + pause
        if self._left[self.is_outage] < 0:
            return False
        time.sleep(pause)
        return True
