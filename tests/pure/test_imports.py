# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo can load every test, whatever is installed beside it."""
import ast
import sys
from pathlib import Path

from .common import PureCase

ADDON = Path(__file__).parents[2]
# What an Odoo has that runs tests, besides Python's own modules: its requirements, and those of the manifest.
OF_ODOO = {
    'cryptography', 'freezegun', 'lxml', 'markupsafe', 'odoo', 'phonenumbers', 'psycopg2', 'requests', 'urllib3',
    'werkzeug'}


def imported_at_once(path):
    """Give the first names of the modules that a file imports when it is imported itself, those aside that it can do
    without."""
    names = set()
    nodes = ast.parse(path.read_bytes()).body
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name.partition('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition('.')[0])
        elif isinstance(node, ast.Try) and any('ImportError' in ast.unparse(handler.type) for handler in node.handlers):
            nodes += node.handlers
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            nodes += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return names


class TestImports(PureCase):

    def test_odoo_can_load_every_test(self):
        """Odoo's runner imports all tests of an addon: one package that is missing, and no database with the addon
        starts with `--test-enable`."""
        files = [*ADDON.glob('tests/*.py'), *ADDON.glob('tests/pure/*.py')]
        self.assertGreater(len(files), 50)
        for path in files:
            with self.subTest(path=path.name):
                self.assertLessEqual(imported_at_once(path) - sys.stdlib_module_names, OF_ODOO)

    def test_odoo_finds_every_test(self):
        """Its runner takes the modules that are imported by the package of the tests itself."""
        imported = [
            alias.name for node in ast.parse((ADDON / 'tests' / '__init__.py').read_bytes()).body
            if isinstance(node, ast.ImportFrom) for alias in node.names]
        files = [*ADDON.glob('tests/test_*.py'), *ADDON.glob('tests/pure/test_*.py')]
        self.assertEqual(sorted(imported), sorted(path.stem for path in files))
