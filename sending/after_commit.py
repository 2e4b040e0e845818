# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send the SMS of a transaction once it is committed.

If SMS were sent earlier, a retried transaction would send them twice, and a rolled back one would leave no record of
them.
"""
import logging
import math
import threading
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
COMMIT_WAIT = 5  # seconds after which the user goes on. Requests in progress are still saved, no others start
LIMIT_WAIT = 0.3  # seconds after which the user goes on if there is only a rate limit to wait for. The run goes on, too
LOOK_EVERY = 0.02  # seconds between two looks for that
MAX_RUNS = 16  # of a process that go on while their users do; each uses up to two connections to the database
COMMIT_SECONDS = 20  # by which the last response must have arrived
HOOK = 'eis_sms_apis.send'
THREAD = 'sms-after-commit'


def make_run(env, deadline, period=None, ids=None, start_until=math.inf, **options):
    """Return a run that writes in short transactions of its own; see `SendRun`.

    :param options: see `Store`
    """
    transactions = OwnTransactions(env, RetryTime(RUN_RETRY_SECONDS, RUN_OUTAGE_SECONDS))
    return SendRun(Store(transactions, **options), deadline, period, ids, start_until)


def send_after_commit(sms, **options):
    """Send SMS once their transaction is committed; in a test, immediately and on the test's cursor.

    :param sms: records of `sms.sms`
    :param options: see `Store`
    """
    env = sms.env
    if not env.registry.ready:
        return  # the queue sends them once the modules are loaded
    if is_in_test():
        run = make_run(env, time.monotonic() + COMMIT_SECONDS, ids=sms.ids, **options)
        run.run()
        if run.has_left:
            trigger_queue(env)
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
    """Send the SMS of a transaction that was just committed, in a thread that may outlast the user's click. If it is
    interrupted, the SMS are in the same state as those of an interrupted queue action."""
    sending = _CommittedSms(dbname, context, options_to_ids)
    # not a daemon, because the results of requests in progress must be saved before the process ends
    thread = threading.Thread(target=sending.send, name=THREAD, daemon=False)
    try:
        thread.start()
        sending.wait(thread)
    except Exception:
        # must not be raised, because that would turn the committed request into an error
        _logger.exception("SMS could not be sent after commit; they stay in the queue")


class _CommittedSms:
    """The SMS of a committed transaction.

    :param dict options_to_ids: {options of `Store`: ids}
    """

    def __init__(self, dbname, context, options_to_ids):
        self._dbname = dbname
        self._context = context
        self._options_to_ids = options_to_ids
        self._began = time.monotonic()
        self._run = None

    def send(self):
        """Send. Never raises. SMS that are not reached stay in the queue, which is triggered."""
        threading.current_thread().dbname = self._dbname  # for the log, as in Odoo's threads
        try:
            deadline, start_until = self._began + COMMIT_SECONDS, self._began + COMMIT_WAIT
            left, has_left = COMMIT_LIMIT, False
            with Registry(self._dbname).cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, self._context)
                for options, ids in self._options_to_ids.items():
                    has_left |= len(ids) > left
                    self._run = make_run(env, deadline, COMMIT_SECONDS, ids[:left], start_until, **dict(options))
                    self._run.run()
                    has_left |= self._run.has_left or not self._run.is_drained
                    left -= len(ids[:left])
                if has_left:
                    trigger_queue(env)
        except Exception:
            _logger.exception("SMS could not be sent after commit; they stay in the queue")

    def wait(self, thread):
        """Wait as long as a user should.

        :param thread: in which it sends
        """
        until = self._began + COMMIT_WAIT
        while thread.is_alive() and (left := until - time.monotonic()) > 0:
            thread.join(min(left, LOOK_EVERY))
            if self._run and self._run.is_limited(self._began + LIMIT_WAIT) and _count_runs() <= MAX_RUNS:
                return


def _count_runs():
    return sum(thread.name == THREAD for thread in threading.enumerate())
