# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Show in open chatters what became of SMS, once that is committed.

Formatting the messages for web clients takes longer than applying their delivery reports. Meanwhile, no rows of SMS are
locked, and if it fails, the reports stay applied.
"""
import logging

from .retry_time import is_outage
from .transactions import OwnTransactions, is_in_test

_logger = logging.getLogger(__name__)

MESSAGES_AT_ONCE = 200  # in one notification
HOOK = 'eis_sms_apis.web_clients'
LOCK = b'eiw'  # the first key of the advisory lock


def notify_after_commit(messages):
    """Notify the web clients of the authors of messages; in a test, immediately.

    :param messages: records of `mail.message` whose notifications this transaction has changed
    """
    if is_in_test():
        _notify(messages)
        return
    postcommit = messages.env.cr.postcommit
    if HOOK not in postcommit.data:
        postcommit.data[HOOK], transactions = [], OwnTransactions(messages.env)
        postcommit.add(lambda: notify(transactions, postcommit.data.pop(HOOK)))
    postcommit.data[HOOK].extend(messages.ids)


def collect(env, ids):
    """Let the caller notify the web clients, after more transactions than this one.

    :param list ids: filled with the ids of the messages
    """
    env.cr.postcommit.data[HOOK] = ids


def notify(transactions, ids):
    """Notify the web clients of the authors of messages. Never raises.

    :param OwnTransactions transactions: in which to read the messages
    :param list ids: of `mail.message`; emptied
    """
    ids[:] = dict.fromkeys(ids)
    while ids:
        part, ids[:] = ids[:MESSAGES_AT_ONCE], ids[MESSAGES_AT_ONCE:]
        try:
            with transactions.begin() as env:
                # One at a time, from before it reads: the last notification of a message contains its last state.
                env.cr.execute("SELECT pg_advisory_xact_lock(%s, 0)", [int.from_bytes(LOCK, 'big')])
                _notify(env['mail.message'].browse(part).exists())
        except Exception as error:
            if is_outage(error):
                part, ids[:] = part + ids, []
            _logger.warning(
                "Open chatters do not show what became of %s SMS until they are reloaded", len(part), exc_info=True)


def _notify(messages):
    """As in core's webhook, the public user has no web clients."""
    messages.with_user(messages.env.ref('base.public_user')).sudo()._notify_message_notification_update()
