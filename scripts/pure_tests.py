# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Run the tests of tests/pure without Odoo: all of them, or those named by module, class or method.

The addon's packages import Odoo. They are replaced with packages without code, which contain only the pure modules.
"""
import sys
import unittest
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
ADDON = 'eis_sms_apis'
PACKAGE = f'{ADDON}.tests.pure'


def register_packages():
    """Make the addon importable without Odoo."""
    addon, tests = ModuleType(ADDON), ModuleType(f'{ADDON}.tests')
    for package, path in ((addon, ROOT), (tests, ROOT / 'tests')):
        package.__path__ = [str(path)]
        sys.modules[package.__name__] = package
    addon.tests = tests


if __name__ == '__main__':
    register_packages()
    names = [f'{PACKAGE}.{name}' for name in sys.argv[1:]] or [
        f'{PACKAGE}.{path.stem}' for path in sorted((ROOT / 'tests' / 'pure').glob('test_*.py'))]
    unittest.main(module=None, argv=[sys.argv[0], *names])
