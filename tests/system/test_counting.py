# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/test` counts truly: what is skipped, what logs an error and what did not run at all has failed."""
import unittest

import common  # noqa: F401 - makes scripts/ importable
from test_results import Outcome, read_command, read_odoo, read_unittest

STAMP = '2026-01-01 00:00:00,000 1'
RESULT = STAMP + ' {} db odoo.tests.result: {} failed, {} error(s) of {} tests when loading database \'db\' \n'
START = STAMP + ' INFO db odoo.addons.sms.tests.test_sms: Starting TestSms.test_send ... \n'


class TestCounting(unittest.TestCase):
    """The last line of scripts/test counts what really ran."""

    def assert_counts(self, outcome, passed, failed):
        self.assertEqual((outcome.passed, outcome.failed), (passed, failed), outcome.problems)
        self.assertEqual(bool(outcome.problems), bool(failed), "What fails is told, and nothing else.")

    def test_odoo_counts(self):
        self.assert_counts(read_odoo(START + RESULT.format('INFO', 0, 0, 57), 0), 57, 0)
        failure = f'{STAMP} ERROR db odoo.addons.sms.tests.test_sms: FAIL: TestSms.test_send\nTraceback (most\n'
        outcome = read_odoo(START + failure + RESULT.format('ERROR', 1, 1, 57), 1)
        self.assert_counts(outcome, 55, 2)
        self.assertIn('Starting TestSms.test_send', outcome.problems[0])

    def test_odoo_without_tests_fails(self):
        self.assert_counts(read_odoo(RESULT.format('WARNING', 0, 0, 0), 0), 0, 1)
        self.assert_counts(read_odoo(f'{STAMP} CRITICAL db odoo.service.server: Failed to initialize\n', 1), 0, 1)

    def test_odoo_errors_outside_of_results_fail(self):
        error = f'{STAMP} ERROR db odoo.addons.eis_sms_apis.models.sms_sms: unexpected\n'
        self.assert_counts(read_odoo(START + error + RESULT.format('INFO', 0, 0, 3), 0), 2, 1)
        traceback = 'Exception in thread Thread-7:\nTraceback (most recent call last):\n'
        self.assert_counts(read_odoo(START + traceback + RESULT.format('INFO', 0, 0, 3), 0), 2, 1)
        self.assert_counts(read_odoo(RESULT.format('INFO', 0, 0, 3), -11), 2, 1)

    def test_skipped_tests_fail(self):
        skipped = f'{STAMP} INFO db odoo.addons.sms.tests.test_sms: skipped TestSms.test_tour : Chrome not found\n'
        self.assert_counts(read_odoo(skipped + RESULT.format('INFO', 0, 0, 3), 0), 2, 1)
        self.assert_counts(read_unittest('Ran 5 tests in 0.1s\n\nOK (skipped=2)\n', 0), 3, 2)

    def test_unittest_counts(self):
        self.assert_counts(read_unittest('Ran 1 test in 0.1s\n\nOK\n', 0), 1, 0)
        self.assert_counts(read_unittest('Ran 9 tests in 0.1s\n\nFAILED (failures=1, errors=2, skipped=1)\n', 1), 5, 4)
        self.assert_counts(read_unittest('Ran 0 tests in 0.0s\n\nOK\n', 0), 0, 1)
        self.assert_counts(read_unittest('Segmentation fault', 139), 0, 1)

    def test_command_counts_as_one(self):
        self.assert_counts(read_command('fine', 0) + read_command('line too long', 1), 1, 1)
        self.assertEqual(Outcome() + Outcome(1, 2, ['a']), Outcome(1, 2, ['a']))
