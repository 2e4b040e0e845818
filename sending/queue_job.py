# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The run of a job of the queue action, which may outlast the job.

Odoo runs the action in one process at a time. A job therefore returns shortly before its run has to stop, so that the
next one starts while this one still sends: otherwise rate limits would be unused in between, and while a slow provider
responds.
"""
import logging
import threading

from .store.transactions import is_in_test

_logger = logging.getLogger(__name__)

_handed_over: dict[str, float] = {}  # {database: deadline of its last job whose run was handed over}


def run_in_job(run, dbname):
    """Run until the end, or until the next job should start. Then the run goes on in its thread.

    :param SendRun run: of the queue
    :param str dbname: its database
    :return: number of SMS with a result so far
    :rtype: int
    """
    if is_in_test():
        return run.run()
    errors = []

    def work():
        threading.current_thread().dbname = dbname  # for the log, as in Odoo's threads
        try:
            run.run()
        except Exception as error:
            errors.append(error)
            if run.is_replaceable.is_set():
                _logger.exception("The queue could not be processed")
            run.is_replaceable.set()

    # not a daemon, because the results of requests in progress must be saved before the process ends
    thread = threading.Thread(target=work, name='sms-queue', daemon=False)
    thread.start()
    run.is_replaceable.wait()
    if errors:
        raise errors[0]
    if not run.is_ended:
        _handed_over[dbname] = run.deadline
    return run.done


def is_handed_over(dbname, deadline):
    """Return whether the run of a job goes on in its thread, so that the job must not start another one.

    :param float deadline: of the job
    """
    return _handed_over.get(dbname) == deadline
