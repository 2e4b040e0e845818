# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a transaction has sent already when Odoo runs it again, after a serialization failure for example.

A button that sends within its own transaction would send once more each time: the rollback undoes all that the database
knows, but not the request. What was sent is therefore remembered beside the transaction: its repetition, on the same
cursor, takes the result from here; a commit or the end of the cursor forgets it.
"""
from weakref import WeakKeyDictionary

_memories: WeakKeyDictionary = WeakKeyDictionary()  # {cursor: list of entries}


class _Entry:
    __slots__ = ('is_undone', 'key', 'value')

    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.is_undone = False  # whether the transaction that sent it, or took it from here, was rolled back


def remember(cr, key, value):
    """Keep what the transaction of a cursor has sent.

    :param cr: the cursor, with Odoo's `postcommit` and `postrollback`
    :param key: what was to be sent, hashable
    :param value: what became of it
    """
    entries = _memories.setdefault(cr, [])
    entries.append(_Entry(key, value))
    _watch(cr, entries)


def recall(cr, key):
    """Give what a rolled back transaction of this cursor has sent for the same key, each only once in a repetition.

    :return: the value, None when nothing was sent
    """
    entries = _memories.get(cr, [])
    for entry in entries:
        if entry.is_undone and entry.key == key:
            entry.is_undone = False
            _watch(cr, entries)
            return entry.value
    return None


def _watch(cr, entries):
    # the hooks of a transaction are gone when it ends
    def undo():
        for entry in entries:
            entry.is_undone = True

    cr.postrollback.add(undo)
    cr.postcommit.add(entries.clear)
