# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Limit the time for retrying failed writes, and classify database errors."""
import random
import time

import psycopg2
from psycopg2.pool import PoolError

MAX_TRIES = 5
RETRY_SECONDS = 3  # for a single write
RUN_RETRY_SECONDS = 10  # for all writes of a run together
RUN_OUTAGE_SECONDS = 45  # the same while the database is unreachable: enough for a restart of PostgreSQL


def is_outage(error):
    """
    :return: whether an error means that the database is unreachable, not that it refused a statement
    :rtype: bool
    """
    if isinstance(error, (psycopg2.InterfaceError, PoolError)):
        return True
    if isinstance(error, psycopg2.Error) and error.pgcode:
        # Connection Exception and, in class 57, the shutdown and the start of the server; too many connections
        return error.pgcode[:2] == '08' or error.pgcode[:3] == '57P' or error.pgcode == '53300'
    # errors of libpq have no code: there is no connection, or it was closed, which psycopg2 sometimes raises as a plain
    # DatabaseError
    return isinstance(error, psycopg2.OperationalError) or type(error) is psycopg2.DatabaseError


class RetryTime:
    """The time for failed writes and for waiting between them, shared by several writes.

    :param float seconds: for errors of a statement, such as a deadlock or a full disk
    :param float outage: seconds while the database is unreachable
    """

    def __init__(self, seconds=RETRY_SECONDS, outage=RETRY_SECONDS):
        self._left = {False: seconds, True: outage}
        self.is_outage = False  # whether the last failed write did not reach the database

    def wait(self, error, began, tries):
        """Wait until a failed write may be retried.

        :param Exception error: why it failed
        :param float began: `time.monotonic()` at which it started
        :param int tries: number of previous failures
        :return: whether it may be retried
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
