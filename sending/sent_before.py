# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Remember what a transaction has sent, in case Odoo retries it, for example after a serialization failure.

A button that sends within its own transaction would send again with each retry, because a rollback undoes the changes
in the database but not the request. Results are therefore kept in memory: the retry, on the same cursor, reuses them.
They are forgotten after a commit or with the cursor.
"""
from weakref import WeakKeyDictionary

_memories: WeakKeyDictionary = WeakKeyDictionary()  # {cursor: list of entries}


class _Entry:
    __slots__ = ('is_undone', 'key', 'value')

    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.is_undone = False  # whether the transaction that sent or reused it was rolled back


def remember(cr, key, value):
    """Keep what the transaction of a cursor has sent.

    :param cr: the cursor, with Odoo's `postcommit` and `postrollback`
    :param key: what was to be sent, hashable
    :param value: the result
    """
    entries = _memories.setdefault(cr, [])
    entries.append(_Entry(key, value))
    _watch(cr, entries)


def recall(cr, key):
    """Return what a rolled back transaction of this cursor sent for the same key, each value once per retry.

    :return: the value, None if nothing was sent
    """
    entries = _memories.get(cr, [])
    for entry in entries:
        if entry.is_undone and entry.key == key:
            entry.is_undone = False
            _watch(cr, entries)
            return entry.value
    return None


def _watch(cr, entries):
    # added again for each transaction, because hooks are removed at its end
    def undo():
        for entry in entries:
            entry.is_undone = True

    cr.postrollback.add(undo)
    cr.postcommit.add(entries.clear)
