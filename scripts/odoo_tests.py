# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo with every test run after all modules are loaded: `python odoo_tests.py DIRECTORY_OF_ODOO_BIN ARGUMENTS`.

Odoo runs the tests of a module as soon as that module is loaded. Core's SMS tests would then run without the addon
that depends on it, and the addon's tests without the modules that it works with.
"""
import sys

sys.path.insert(0, sys.argv.pop(1))

import odoo.cli
from odoo.tests import loader
from odoo.tests.suite import OdooSuite

make_suite = loader.make_suite


def make_suite_at_the_end(module_names, position='at_install'):
    """Replace `odoo.tests.loader.make_suite`: nothing at install, everything afterwards."""
    if position == 'at_install':
        return OdooSuite()
    tests = [*make_suite(module_names, 'at_install'), *make_suite(module_names, 'post_install')]
    return OdooSuite(sorted(tests, key=lambda test: getattr(test, 'test_sequence', 0)))


if __name__ == '__main__':
    loader.make_suite = make_suite_at_the_end
    odoo.cli.main()
