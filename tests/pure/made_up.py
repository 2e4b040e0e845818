# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tests of cases that hypothesis makes up. Where it is not installed, as in most Odoos, they are skipped."""
import os
import tempfile
import unittest

# Read when hypothesis is imported: its files do not belong in the repository.
os.environ.setdefault('HYPOTHESIS_STORAGE_DIRECTORY', os.path.join(tempfile.gettempdir(), 'hypothesis'))

FUZZ = int(os.environ.get('EIS_SMS_FUZZ') or 1)  # `scripts/test --fuzz` tries that many times as much


class _Missing:
    """Replaces all strategies if hypothesis is missing, so that the tests can be loaded."""

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        return self

    __or__ = __ror__ = __call__


try:
    import hypothesis
    from hypothesis import strategies as st
except ImportError:
    st = _Missing()

    def given(*args, **kwargs):
        return unittest.skip("hypothesis, which makes up the cases, is not installed")

    def cases(count):
        return lambda test: test

    def example(*args, **kwargs):
        return lambda test: test

    def reject():
        raise AssertionError("no case is made up without hypothesis")
else:
    given, example, reject = hypothesis.given, hypothesis.example, hypothesis.reject
    # No time limit for an example: a busy machine would break it.
    # A usual run repeats the same cases, so that it fails only for a change; a run with --fuzz looks for new ones.
    hypothesis.settings.register_profile(
        'addon', database=None, deadline=None, derandomize=FUZZ == 1, max_examples=100 * FUZZ)
    hypothesis.settings.load_profile('addon')

    def cases(count):
        """Settings of a test that tries many cases.

        :param int count: how many in a usual run
        """
        checks = hypothesis.HealthCheck
        return hypothesis.settings(max_examples=count * FUZZ, suppress_health_check=[
            checks.too_slow, checks.data_too_large, checks.filter_too_much])
