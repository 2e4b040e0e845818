# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import os
import tempfile

# Read when hypothesis is imported: its files do not belong in the repository.
os.environ.setdefault('HYPOTHESIS_STORAGE_DIRECTORY', os.path.join(tempfile.gettempdir(), 'hypothesis'))

from hypothesis import HealthCheck, settings

FUZZ = int(os.environ.get('EIS_SMS_FUZZ') or 1)  # `scripts/test --fuzz` tries that many times as much

# No time limit for an example: a busy machine would break it.
settings.register_profile('addon', database=None, deadline=None, max_examples=100 * FUZZ)
settings.load_profile('addon')


def cases(count):
    """Settings of a test that tries many cases.

    :param int count: how many in a usual run
    """
    return settings(
        max_examples=count * FUZZ, suppress_health_check=[
            HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])
