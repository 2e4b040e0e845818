# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The Python environment of Odoo, of the tests and of the PostgreSQL server."""
import importlib.util
import os
import shutil
import sys

from . import debian
from .postgres import stop_postgres
from .state import REPOSITORY, STATE, URLLIB3_1, VENV, python, read, run, say, short_hash

PIP_SUITE = 'bookworm'  # any suite will do: pip replaces itself by the newest


def provide():
    """Make the environment, or bring it up to the requirements; nothing to do if it has them."""
    requirements = [REPOSITORY / 'scripts' / f'requirements-{name}.txt' for name in ('odoo', 'dev', 'urllib3-1')]
    wanted = short_hash(*(path.read_bytes() for path in requirements))
    complete = VENV / '.complete'  # written last
    if read(complete) == wanted and os.access(python, os.X_OK):
        return
    say('Making the Python environment.')
    if not complete.exists() or not os.access(python, os.X_OK):
        stop_postgres()  # its server is part of the environment
        shutil.rmtree(VENV, ignore_errors=True)
        _create()
    complete.unlink(missing_ok=True)
    arguments = [argument for path in requirements[:2] for argument in ('-r', str(path))]
    shutil.rmtree(URLLIB3_1, ignore_errors=True)
    for options in arguments, ['--no-deps', '--target', str(URLLIB3_1), '-r', str(requirements[2])]:
        run([str(python), '-m', 'pip', 'install', '--quiet', *options],
            'pip could not install scripts/requirements-*.txt: configure it for a package index that has them')
    complete.write_text(wanted, encoding='utf-8')


def _create():
    create = [sys.executable, '-m', 'venv', str(VENV)]
    sentence = 'A Python environment cannot be made: install python3-venv'
    if importlib.util.find_spec('ensurepip'):
        run(create, sentence)
        return
    # Debian's Python has no ensurepip without python3-venv, but the package of its wheels can be had without root.
    run([*create, '--without-pip'], sentence)
    wheels = STATE / 'wheels'
    shutil.rmtree(wheels, ignore_errors=True)
    debian.unpack([f'python3-pip-whl/{PIP_SUITE}'], wheels, sentence)
    wheel = next(wheels.glob('usr/share/python-wheels/pip-*.whl'))
    run([str(python), f'{wheel}/pip', 'install', '--quiet', 'pip'], sentence)
    shutil.rmtree(wheels)
