# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import os
import tempfile

# Read when hypothesis is imported: its files do not belong in the repository.
os.environ.setdefault('HYPOTHESIS_STORAGE_DIRECTORY', os.path.join(tempfile.gettempdir(), 'hypothesis'))

from hypothesis import settings

# No time limit for an example: a busy machine would break it.
settings.register_profile('addon', database=None, deadline=None)
settings.load_profile('addon')
