# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Write what providers answered, whatever the database does."""
import logging
import random
import time

import psycopg2
from psycopg2.pool import PoolError

_logger = logging.getLogger(__name__)

RECORD_TRIES = 5


def record_batch(model, batch, plans, **options):
    """Record results; if one of them cannot be recorded, for example because another addon's hook raises, the others
    are."""
    if record_surely(model, lambda own: own._record(batch, plans, **options), len(batch)) or len(batch) == 1:
        return
    for sms in batch:
        record_surely(model, lambda own, sms=sms: own._record([sms], plans, **options), 1)


def record_surely(model, write, count):
    """Write to the database in a short transaction, again on a fresh connection when the database fails.

    :param write: called with `sms.sms` of the transaction
    :param int count: number of SMS, for the log
    :return: whether it was written. What was not stays claimed, and ends as lost after its lease.
    """
    if model.env.context.get('sms_gateway_at_once'):
        # the caller's transaction cannot go on after an error, and Odoo runs it again if that helps
        with model._short_transaction() as own:
            write(own)
        return True
    for attempt in range(RECORD_TRIES):
        try:
            with model._short_transaction() as own:
                write(own)
            return True
        except (psycopg2.OperationalError, psycopg2.InterfaceError, PoolError) as error:
            _logger.info("%s SMS are recorded again after a database error: %s", count, type(error).__name__)
            time.sleep(min(0.1 * 2 ** attempt, 2) * (0.5 + random.random()))  # noqa: S311
        except Exception:
            _logger.exception("%s SMS could not be recorded", count)
            return False
    _logger.error("%s SMS could not be recorded: the database failed %s times", count, RECORD_TRIES)
    return False
