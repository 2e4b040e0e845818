# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send the SMS of a transaction once it is committed.

If SMS were sent earlier, a retried transaction would send them twice, and a rolled back one would leave no record of
them.
"""
import logging
import time
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields
from odoo.modules.registry import Registry

from .queued_sms import LEASE
from .run import SendRun
from .store.claims import trigger_queue
from .store.retry_time import RUN_OUTAGE_SECONDS, RUN_RETRY_SECONDS, RetryTime
from .store.store import Store
from .store.transactions import OwnTransactions, is_in_test, own_context

_logger = logging.getLogger(__name__)

# Limits per transaction, because a user waits for the response to a click. The queue sends the rest.
COMMIT_LIMIT = 100
COMMIT_SECONDS = 20
HOOK = 'eis_sms_apis.send'


def make_run(env, deadline, period=None, ids=None, **options):
    """Return a run that writes in short transactions of its own.

    :param options: see `Store`
    """
    transactions = OwnTransactions(env, RetryTime(RUN_RETRY_SECONDS, RUN_OUTAGE_SECONDS))
    return SendRun(Store(transactions, **options), deadline, period, ids)


def send_after_commit(sms, **options):
    """Send SMS once their transaction is committed; in a test, immediately and on the test's cursor.

    :param sms: records of `sms.sms`
    :param options: see `Store`
    """
    env = sms.env
    if not env.registry.ready:
        return  # the queue sends them once the modules are loaded
    if is_in_test():
        make_run(env, time.monotonic() + COMMIT_SECONDS, ids=sms.ids, **options).run()
        return
    postcommit = env.cr.postcommit
    if HOOK not in postcommit.data:
        postcommit.data[HOOK] = {}
        dbname, context = env.cr.dbname, own_context(env.context)
        postcommit.add(lambda: _send_committed(dbname, context, postcommit.data.pop(HOOK, {})))
        # if the process is interrupted before the claim, the SMS stay queued and nothing else triggers the queue soon
        trigger_queue(env, fields.Datetime.now() + timedelta(seconds=COMMIT_SECONDS + LEASE))
    postcommit.data[HOOK].setdefault(tuple(options.items()), []).extend(sms.ids)


def _send_committed(dbname, context, options_to_ids):
    """Send the SMS of a transaction that was just committed. Never raises, because that would turn the committed
    request into an error. SMS that are not reached stay in the queue, which is triggered later."""
    try:
        deadline = time.monotonic() + COMMIT_SECONDS
        left = COMMIT_LIMIT
        with Registry(dbname).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, context)
            for options, ids in options_to_ids.items():
                make_run(env, deadline, COMMIT_SECONDS, ids[:left], **dict(options)).run()
                left -= len(ids[:left])
            if sum(map(len, options_to_ids.values())) > COMMIT_LIMIT:
                trigger_queue(env)
    except Exception:
        _logger.exception("SMS could not be sent after commit; they stay in the queue")
