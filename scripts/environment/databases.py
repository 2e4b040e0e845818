# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Create and copy databases, install modules in them, and keep them as templates."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from .odoo import odoo_command, odoo_home
from .postgres import execute
from .state import ADDON, DATA, LOGS, REPOSITORY, STATE, fail, locked, read, say, short_hash

NOT_ADDON = ('scripts', 'tests', '__pycache__')  # directories that change nothing in a database


def database_exists(name):
    """:return bool: whether there is a database of that name."""
    return bool(execute('SELECT 1 FROM pg_database WHERE datname = %s', name))


def drop_database(name):
    """Drop a database and its files, even if there are connections to it or it does not exist."""
    execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    shutil.rmtree(DATA / 'filestore' / name, ignore_errors=True)


def create_database(name, template=None):
    """Create a database, dropping one of that name.

    :param str template: the database to copy with its files; without one the new database is empty.
    """
    drop_database(name)
    for log in LOGS.glob(f'server-{name}-*.log'):
        log.unlink()
    if not template:
        execute(f'CREATE DATABASE "{name}" ENCODING \'unicode\' LC_COLLATE \'C\' TEMPLATE template0')
        return
    execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    files = DATA / 'filestore' / template
    if files.is_dir():
        # Odoo names these files after their content and never changes one, so a hard link is a copy.
        shutil.copytree(files, DATA / 'filestore' / name, copy_function=os.link)


def install(name, modules, demo=False):
    """Install modules in a database that exists; an empty one becomes an Odoo database.

    :param modules: technical names.
    :param bool demo: with Odoo's demonstration data.
    """
    command = odoo_command('-d', name, '-i', ','.join(modules), '--stop-after-init', '--no-http', '--log-level=warn',
                           *(['--with-demo'] if demo else []))
    log = LOGS / f'install-{name}.log'
    with open(log, 'w', encoding='utf-8') as handle:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, check=False).returncode
    if code or re.search(r' (ERROR|CRITICAL) ', read(log)):
        say(read(log)[-6000:])
        fail(f'Odoo did not install {",".join(modules)}: see {log}.')


def addon_fingerprint():
    """:return str: changes whenever a file of the addon that Odoo loads changes."""
    parts = []
    for directory, names, files in os.walk(REPOSITORY):
        names[:] = sorted(name for name in names if name not in NOT_ADDON and not name.startswith('.'))
        for path in sorted(Path(directory, name) for name in files):
            parts += [str(path.relative_to(REPOSITORY)), path.read_bytes()]
    return short_hash(*parts)


def template(modules):
    """:return: the name of a kept database with these modules, installed from the addon's files as they are now.

    :param tuple modules: technical names.
    """
    others = tuple(sorted(set(modules) - {ADDON}))
    name = f'template_{short_hash(str(odoo_home()), *sorted(set(modules)))}'
    fingerprint = addon_fingerprint() if ADDON in modules else 'core'
    complete = STATE / 'templates' / name
    with locked(name):
        if read(complete) == fingerprint and database_exists(name):
            return name
        complete.parent.mkdir(exist_ok=True)
        complete.unlink(missing_ok=True)
        if ADDON in modules and others:
            create_database(name, template(others))
            install(name, [ADDON])
        else:
            create_database(name)
            install(name, others or modules)
        complete.write_text(fingerprint, encoding='utf-8')
    return name
