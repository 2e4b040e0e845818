# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The transactions of sending: separate short ones, or the caller's."""
import logging
import time
from contextlib import closing, contextmanager, nullcontext

from psycopg2.pool import PoolError

from odoo import SUPERUSER_ID, api, modules

from .retry_time import RetryTime, is_outage

_logger = logging.getLogger(__name__)

KEPT_CONTEXT = ('lang', 'tz', 'allowed_company_ids')


def own_context(context):
    """Return the part of a caller's context that a later transaction uses: language and companies."""
    return {key: context[key] for key in KEPT_CONTEXT if key in context}


def is_in_test():
    """
    :return: whether Odoo runs a test, whose changes are visible only to its own cursor
    :rtype: bool
    """
    return bool(modules.module.current_test)


class OwnTransactions:
    """Short transactions, each on a separate connection, retried on a new connection if the database fails.

    READ COMMITTED: concurrent claims and saves wait for each other instead of failing as they do under Odoo's
    REPEATABLE READ. Inside a test they are savepoints of the test's cursor.

    :param env: its database, language and companies are used, but not its cursor; access rights are bypassed
    :param RetryTime retry_time: shared by all writes
    """
    is_immediate = False

    def __init__(self, env, retry_time=None):
        self.env = env(su=True)
        self.retry_time = retry_time or RetryTime()

    @contextmanager
    def begin(self):
        """Open a transaction and commit it at the end.

        :return: context manager of a superuser environment
        """
        if is_in_test():
            with flushed(self.env, self.env.cr.savepoint()):
                yield self.env
            return
        with self.env.registry.cursor() as cr:
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            yield api.Environment(cr, SUPERUSER_ID, own_context(self.env.context))

    def write(self, write, count):
        """Write in a transaction.

        :param write: called with the environment of the transaction, again for each retry
        :param int count: number of SMS, for the log
        :return: whether it was written
        :rtype: bool
        """
        tries = 0
        while True:
            began = time.monotonic()
            try:
                with self.begin() as env:
                    write(env)
            except Exception as error:
                if not self.retry_time.wait(error, began, tries):
                    # a busy pool is no fault of the write, and its traceback would tell nothing
                    is_busy = isinstance(error, PoolError)
                    _logger.log(
                        logging.WARNING if is_busy else logging.ERROR, "%s SMS could not be saved: %s", count, error,
                        exc_info=not is_busy)
                    return False
                _logger.info("Saving %s SMS is retried after a database error: %s", count, type(error).__name__)
                tries += 1
            else:
                self.retry_time.is_outage = False
                return True

    def write_each(self, batch, write, fallback=None):
        """Write several SMS together. If that fails for one of them, for example because a trigger or a hook of another
        addon raises, the others are still written.

        :param list batch: what is written
        :param write: called with the environment of a transaction and a part of the batch
        :param fallback: called with the environment and the item that cannot be written, to avoid endless retries
        """
        if not batch or self.write(lambda env: write(env, batch), len(batch)) or self.retry_time.is_outage:
            return
        if len(batch) > 1:
            for one in batch:
                self.write_each([one], write, fallback)
                if self.retry_time.is_outage:
                    return
        elif fallback:
            self.write(lambda env: fallback(env, batch[0]), 1)


class RequestTransaction(OwnTransactions):
    """The first transaction is that of a web request that has only read so far, which saves a second connection. It is
    closed afterwards, which Odoo permits."""

    @contextmanager
    def begin(self):
        cr = self.env.cr
        if is_in_test() or cr.closed:
            with super().begin() as env:
                yield env
            return
        with closing(cr):
            yield self.env
            cr.commit()


class CallersTransaction(OwnTransactions):
    """The caller's transaction, which needs the results. Nothing is retried here: the transaction cannot continue after
    an error, and Odoo retries it as a whole if that can help."""
    is_immediate = True

    @contextmanager
    def begin(self):
        with flushed(self.env, self.env.cr.savepoint() if is_in_test() else nullcontext()):
            yield self.env

    def write(self, write, count):
        with self.begin() as env:
            write(env)
        return True


@contextmanager
def flushed(env, context):
    """Flush and invalidate the cache, so that SQL and the ORM see each other's changes."""
    with context:
        env.flush_all()
        yield
        env.flush_all()
        env.invalidate_all()


def try_statement(env, statement, parameters):
    """Run a statement; see `try_write`."""
    return try_write(env, lambda: env.cr.execute(statement, parameters, log_exceptions=False))


def try_write(env, write):
    """Write in a savepoint, so that this transaction can continue after an error.

    :return: whether it was written
    :rtype: bool
    :raise Exception: if the database is unreachable
    """
    try:
        with env.cr.savepoint():
            write()
        return True
    except Exception as error:
        if is_outage(error):
            raise
        _logger.warning("Part of the result of an SMS cannot be saved: %s", type(error).__name__)
        return False


def try_each(env, batch, write, fallback):
    """Write several records in this transaction, as `OwnTransactions.write_each` does in separate ones.

    :param write: called with the environment and a part of the batch
    :param fallback: called with the environment and the item that cannot be written
    """
    if not try_write(env, lambda: write(env, batch)):
        for one in batch:
            if not try_write(env, lambda one=one: write(env, [one])):
                fallback(env, one)
