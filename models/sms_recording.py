# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Write what providers answered, whatever the database does."""
import logging
import random
import time

import psycopg2
from psycopg2.pool import PoolError

_logger = logging.getLogger(__name__)

RECORD_TRIES = 5
RETRY_SECONDS = 3  # for a write that is on its own
RUN_RETRY_SECONDS = 10  # for all writes of a run together
RUN_OUTAGE_SECONDS = 45  # the same while the database cannot be reached: PostgreSQL restarts within this time


class RetryTime:
    """Seconds that may be spent on failed writes and on waiting to write again, for all writes that share it.

    :param float seconds: for errors of a statement, such as a deadlock or a full disk
    :param float outage: while the database cannot be reached
    """

    def __init__(self, seconds=RETRY_SECONDS, outage=RETRY_SECONDS):
        self._left = {False: seconds, True: outage}
        self.is_outage = False  # whether the last write that failed did not reach the database

    def wait(self, error, began, attempt):
        """Wait until a failed write may be tried again.

        :param Exception error: why it failed
        :param float began: `time.monotonic()` at which it began
        :param int attempt: how often it failed before
        :return: whether it may be tried again
        :rtype: bool
        """
        self.is_outage = is_outage(error)
        if not self.is_outage and (not isinstance(error, psycopg2.OperationalError) or attempt + 1 >= RECORD_TRIES):
            return False
        pause = min(0.1 * 2 ** min(attempt, 10), 2) * (0.5 + random.random())  # noqa: S311
        self._left[self.is_outage] -= time.monotonic() - began + pause
        if self._left[self.is_outage] < 0:
            return False
        time.sleep(pause)
        return True


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


def record_batch(model, batch, plans, retry_time=None, **options):
    """Record results of SMS; see `_record` of `sms.sms`."""
    record_isolated(
        model, batch, lambda own, part: own._record(part, plans, **options),
        settle=lambda own, sms: own._settle(sms, plans, **options), retry_time=retry_time)


def record_isolated(model, batch, write, settle=None, retry_time=None):
    """Write to the database for several SMS; if that fails for one of them, for example because a trigger or another
    addon's hook raises, the others are written all the same.

    :param list batch: what is written
    :param write: called with `sms.sms` of a short transaction and a part of the batch
    :param settle: called the same way with the one that cannot be written, so that it is not tried forever
    :param RetryTime retry_time: shared with other writes
    """
    retry_time = retry_time or RetryTime()
    if not batch or record_surely(model, lambda own: write(own, batch), len(batch), retry_time) or retry_time.is_outage:
        return
    if len(batch) > 1:
        for one in batch:
            record_isolated(model, [one], write, settle, retry_time)
            if retry_time.is_outage:
                return
    elif settle:
        record_surely(model, lambda own: settle(own, batch[0]), 1, retry_time)


def record_surely(model, write, count, retry_time=None):
    """Write to the database in a short transaction, again on a fresh connection when the database fails.

    :param write: called with `sms.sms` of the transaction
    :param int count: number of SMS, for the log
    :param RetryTime retry_time: shared with other writes
    :return: whether it was written. What was not stays claimed, and ends as lost after its lease.
    """
    if model.env.context.get('sms_gateway_at_once'):
        # the caller's transaction cannot go on after an error, and Odoo runs it again if that helps
        with model._short_transaction() as own:
            write(own)
        return True
    retry_time = retry_time or RetryTime()
    attempt = 0
    while True:
        began = time.monotonic()
        try:
            with model._short_transaction() as own:
                write(own)
        except Exception as error:
            if not retry_time.wait(error, began, attempt):
                _logger.exception("%s SMS could not be recorded", count)
                return False
            _logger.info("%s SMS are recorded again after a database error: %s", count, type(error).__name__)
            attempt += 1
        else:
            retry_time.is_outage = False
            return True
