# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A transaction that Odoo runs again does not send again what it has sent: it finds what became of it."""
import gc
import weakref

from ...sending.sent_before import recall, remember
from .common import PureCase


class Hooks:

    def __init__(self):
        self.functions = []

    def add(self, function):
        self.functions.append(function)

    def run(self):
        functions, self.functions = self.functions, []
        for function in functions:
            function()


class Cursor:
    """Ends its transactions as Odoo's cursor does: the hooks of one are gone with it."""

    def __init__(self):
        self.postcommit, self.postrollback = Hooks(), Hooks()

    def commit(self):
        self.postrollback.functions = []
        self.postcommit.run()

    def rollback(self):
        self.postcommit.functions = []
        self.postrollback.run()


class TestSentBefore(PureCase):

    def setUp(self):
        self.cr = Cursor()

    def test_only_a_repetition_finds_what_was_sent(self):
        remember(self.cr, 'a', 1)
        self.assertIsNone(recall(self.cr, 'a'), "A second click of the same transaction sends again.")
        self.cr.rollback()
        self.assertIsNone(recall(self.cr, 'b'))
        self.assertEqual(recall(self.cr, 'a'), 1)
        self.assertIsNone(recall(self.cr, 'a'))

    def test_as_often_as_the_database_makes_it_run_again(self):
        remember(self.cr, 'a', 1)
        remember(self.cr, 'a', 2)
        for _time in range(4):
            self.cr.rollback()
            self.assertEqual((recall(self.cr, 'a'), recall(self.cr, 'a'), recall(self.cr, 'a')), (1, 2, None))

    def test_repetition_that_sends_more(self):
        remember(self.cr, 'a', 1)
        self.cr.rollback()
        remember(self.cr, 'b', 2)
        self.cr.rollback()
        self.assertEqual((recall(self.cr, 'b'), recall(self.cr, 'a')), (2, 1))

    def test_commit_forgets(self):
        remember(self.cr, 'a', 1)
        self.cr.rollback()
        recall(self.cr, 'a')
        self.cr.commit()
        self.cr.rollback()
        self.assertIsNone(recall(self.cr, 'a'))

    def test_other_cursors_know_nothing(self):
        remember(self.cr, 'a', 1)
        self.cr.rollback()
        self.assertIsNone(recall(Cursor(), 'a'))

    def test_memory_ends_with_its_cursor(self):
        kept = weakref.ref(value := Cursor())
        remember(self.cr, 'a', value)
        del value
        gc.collect()
        self.assertIsNotNone(kept())
        del self.cr
        gc.collect()
        self.assertIsNone(kept())
