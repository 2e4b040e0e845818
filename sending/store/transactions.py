# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Transactions of sending: short ones of its own, or the caller's."""
import logging
import time
from contextlib import contextmanager, nullcontext

from odoo import SUPERUSER_ID, api, modules

from .retry_time import RetryTime, is_outage

_logger = logging.getLogger(__name__)

KEPT_CONTEXT = ('lang', 'tz', 'allowed_company_ids')


def own_context(context):
    """Give what a later transaction may take from a caller's context: language and companies."""
    return {key: context[key] for key in KEPT_CONTEXT if key in context}


def is_in_test():
    """
    :return: whether Odoo runs a test, whose changes only its own cursor sees
    :rtype: bool
    """
    return bool(modules.module.current_test)


class OwnTransactions:
    """Short transactions, each on a connection of its own, tried again on a fresh one when the database fails.

    READ COMMITTED: concurrent claims and saves wait for each other instead of failing as they do under Odoo's
    REPEATABLE READ. Inside a test they are savepoints of the test's cursor.

    :param env: its database, language and companies are used, not its cursor; all rights are taken
    :param RetryTime retry_time: shared by all writes
    """
    is_immediate = False

    def __init__(self, env, retry_time=None):
        self.env = env(su=True)
        self.retry_time = retry_time or RetryTime()

    @contextmanager
    def begin(self):
        """Open a transaction and commit it at the end.

        :return: context manager of an environment with all rights
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

        :param write: called with the environment of the transaction, once or more
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
                    _logger.exception("%s SMS could not be saved", count)
                    return False
                _logger.info("%s SMS are saved again after a database error: %s", count, type(error).__name__)
                tries += 1
            else:
                self.retry_time.is_outage = False
                return True

    def write_each(self, batch, write, fallback=None):
        """Write for several SMS together. If that fails for one of them, for example because a trigger or another
        addon's hook raises, the others are written all the same.

        :param list batch: what is written
        :param write: called with the environment of a transaction and a part of the batch
        :param fallback: called the same way with the one that cannot be written, so that it is not tried forever
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


class CallersTransaction(OwnTransactions):
    """The caller's own transaction, where the result must be there when it goes on. Nothing is tried again: it cannot
    go on after an error, and Odoo runs it once more if that helps."""
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
    """Let SQL and the ORM see what each other has written."""
    with context:
        env.flush_all()
        yield
        env.flush_all()
        env.invalidate_all()


def try_statement(env, statement, parameters):
    """Run a statement; see `try_write`."""
    return try_write(env, lambda: env.cr.execute(statement, parameters, log_exceptions=False))


def try_write(env, write):
    """Write in a savepoint, so that this transaction can go on after an error.

    :return: whether it was written
    :rtype: bool
    :raise Exception: when the database cannot be reached
    """
    try:
        with env.cr.savepoint():
            write()
        return True
    except Exception as error:
        if is_outage(error):
            raise
        _logger.warning("A part of an SMS's result cannot be saved: %s", type(error).__name__)
        return False


def try_each(env, batch, write, fallback):
    """Write for several records in this transaction, as `OwnTransactions.write_each` does in transactions of its own.

    :param write: called with the environment and a part of the batch
    :param fallback: called with the environment and the one that cannot be written
    """
    if not try_write(env, lambda: write(env, batch)):
        for one in batch:
            if not try_write(env, lambda one=one: write(env, [one])):
                fallback(env, one)
