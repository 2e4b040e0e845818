# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import ast
import sys
import unittest
from pathlib import Path

ADDON = Path(__file__).parents[2]
# What an Odoo has that runs tests, besides Python's own modules: its requirements, and those of the manifest.
OF_ODOO = {'odoo', 'freezegun', 'lxml', 'markupsafe', 'phonenumbers', 'psycopg2', 'requests', 'urllib3', 'werkzeug'}
# These are imported by tests that skip where they cannot be.
OPTIONAL = {'strange_calls.py'}


def imported_at_once(path):
    """Give the first names of the modules that a file imports when it is imported itself."""
    names = set()
    nodes = ast.parse(path.read_bytes()).body
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name.partition('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition('.')[0])
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            nodes += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return names


class TestImports(unittest.TestCase):

    def test_odoo_can_load_every_test(self):
        """Odoo's runner imports all tests of an addon: one package that is missing, and no database with the addon
        starts with `--test-enable`."""
        files = [path for path in ADDON.glob('tests/*.py') if path.name not in OPTIONAL]
        self.assertGreater(len(files), 20)
        for path in files:
            with self.subTest(path=path.name):
                self.assertLessEqual(imported_at_once(path) - sys.stdlib_module_names, OF_ODOO)
