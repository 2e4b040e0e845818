# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The Python environment of Odoo, of the tests and of the PostgreSQL server."""
import importlib.util
import os
import shutil
import sys

from . import debian
from .postgres import stop_postgres
from .state import REPOSITORY, STATE, URLLIB3_1, VENV, python, read, run, say, short_hash

PYPROJECT = REPOSITORY / 'pyproject.toml'  # its dependency groups are what to install
PIP = 'pip>=25.1'  # the first that installs dependency groups
PIP_SUITE = 'bookworm'  # any suite, because pip updates itself


def provide():
    """Create the environment, or update it if the requirements have changed."""
    wanted = fingerprint()
    complete = VENV / '.complete'  # written last
    if read(complete) == wanted and os.access(python, os.X_OK):
        return
    say('Making the Python environment.')
    if not complete.exists() or not os.access(python, os.X_OK):
        stop_postgres()  # its server is part of the environment
        shutil.rmtree(VENV, ignore_errors=True)
        _create()
    complete.unlink(missing_ok=True)
    shutil.rmtree(URLLIB3_1, ignore_errors=True)
    for options in [PIP], [*group('odoo'), *group('dev')], [
            '--no-deps', '--target', str(URLLIB3_1), *group('urllib3-1')]:
        run([str(python), '-m', 'pip', 'install', '--quiet', *options],
            'pip could not install the packages of pyproject.toml: configure it for a package index that has them')
    complete.write_text(wanted, encoding='utf-8')


def fingerprint():
    """:return: a hash of the dependency groups, a str; other settings in pyproject.toml do not count."""
    groups = PYPROJECT.read_text(encoding='utf-8').partition('[dependency-groups]')[2]
    return short_hash(groups.partition('\n[')[0])


def group(name):
    """:return: pip's arguments for a dependency group, a list of str."""
    return ['--group', f'{PYPROJECT}:{name}']


def _create():
    create = [sys.executable, '-m', 'venv', str(VENV)]
    sentence = 'The Python environment cannot be created: install python3-venv'
    if importlib.util.find_spec('ensurepip'):
        run(create, sentence)
        return
    # Debian's Python has no ensurepip without python3-venv, but the package of its wheels can be had without root.
    run([*create, '--without-pip'], sentence)
    wheels = STATE / 'wheels'
    shutil.rmtree(wheels, ignore_errors=True)
    debian.unpack([f'python3-pip-whl/{PIP_SUITE}'], wheels, sentence)
    wheel = next(wheels.glob('usr/share/python-wheels/pip-*.whl'))
    run([str(python), f'{wheel}/pip', 'install', '--quiet', PIP], sentence)
    shutil.rmtree(wheels)
