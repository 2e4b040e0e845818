# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where code lives: one file per model and concern, as a newcomer looks for it."""
import ast
from collections import defaultdict
from pathlib import Path
from textwrap import dedent

from .common import PureCase

ADDON = Path(__file__).parents[2]
FOLDERS = ('models', 'wizard')
MAX_LINES = 400
# All other models have one.
MAX_FILES = {'sms.gateway': 5, 'sms.gateway.status': 3, 'sms.gateway.inbound': 2}
# Whatever opens a connection. `sending/` does, and hands plain data over.
NETWORK = {
    'socket', 'ssl', 'http.client', 'urllib.request', 'urllib3', 'requests', 'sending.connection',
    'sending.request_pool'}


def read_files(root, folders):
    """:return: {path relative to the root: its syntax tree}"""
    return {
        path.relative_to(root).as_posix(): ast.parse(path.read_bytes())
        for folder in folders for path in sorted((root / folder).rglob('*.py')) if path.name != '__init__.py'}


def read_models(tree):
    """:return: [(name of a model, its class body)] of a file"""
    models = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names = {
                target.id: ast.literal_eval(statement.value) for statement in node.body
                if isinstance(statement, ast.Assign) for target in statement.targets
                if isinstance(target, ast.Name) and target.id in ('_name', '_inherit')}
            name = names.get('_name') or names.get('_inherit')
            if name:
                models.append((name if isinstance(name, str) else name[0], node))
    return models


def read_methods(node):
    """:return: the names of the methods in a class body, as often as they are there"""
    return [child.name for child in node.body if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))]


def read_imports(tree):
    """:return: the names of the modules that a file imports, and of what it imports of them, without leading dots"""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ''
            names |= {module, *(f'{module}.{alias.name}'.lstrip('.') for alias in node.names)}
    return names


def find_faults(files, max_files):
    """:return: what is wrong with these files, as a set of sentences"""
    faults, bodies, methods = set(), defaultdict(set), defaultdict(list)
    for path, tree in files.items():
        models = read_models(tree)
        if not models and path.startswith('models/'):
            faults.add(f'{path} has no model')
        for name, node in models:
            bodies[name].add(path)
            for method in read_methods(node):
                methods[f'{name}.{method}'].append(path)
        faults |= {f'{path} imports {name}' for name in read_imports(tree) & NETWORK}
    faults |= {
        f'{name} is in {len(paths)} files' for name, paths in bodies.items() if len(paths) > max_files.get(name, 1)}
    faults |= {f'{method} is in {", ".join(paths)}' for method, paths in methods.items() if len(paths) > 1}
    return faults


class TestStructure(PureCase):

    def test_models(self):
        files = read_files(ADDON, FOLDERS)
        self.assertGreater(len(files), 20)
        self.assertEqual(find_faults(files, MAX_FILES), set())

    def test_gateway(self):
        """Each file of the gateway states its concern, and is short enough to read in one go."""
        paths = sorted((ADDON / 'models').glob('sms_gateway*.py'))
        own = [path for path in paths if any(
            name == 'sms.gateway' for name, _node in read_models(ast.parse(path.read_bytes())))]
        self.assertEqual(len(own), 5)
        for path in own:
            self.assertTrue(ast.get_docstring(ast.parse(path.read_bytes())), path.name)
        for path in paths:
            self.assertLessEqual(len(path.read_text(encoding='utf-8').splitlines()), MAX_LINES, path.name)

    def test_faults_are_found(self):
        files = {path: ast.parse(dedent(text)) for path, text in {
            'models/a.py': """
                class A:
                    _name = 'a'
                    def write(self, vals): pass
            """,
            'models/a_more.py': """
                from ..sending import connection
                class More:
                    _inherit = ['a']
                    def write(self, vals): pass
            """,
            'models/a_third.py': """
                class Third:
                    _inherit = 'a'
            """,
            'models/helper.py': """
                import socket
                def call(): pass
            """,
            'models/twice.py': """
                class One:
                    _name = 'b'
                    def find(self): pass
                    def find(self, name): pass
            """,
        }.items()}
        self.assertEqual(find_faults(files, {'a': 2}), {
            'a is in 3 files',
            'a.write is in models/a.py, models/a_more.py',
            'b.find is in models/twice.py, models/twice.py',
            'models/a_more.py imports sending.connection',
            'models/helper.py has no model',
            'models/helper.py imports socket',
        })
