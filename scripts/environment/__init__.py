# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo 19, its Python and PostgreSQL for the scripts of this repository, in one directory outside of it.

Only the standard library is imported at the top: this package makes the Python environment that has more.
Settings, all from the environment:

- ``EIS_SMS_HOME``: the directory of the state, by default ``eis-sms`` in the user's cache directory;
- ``ODOO_HOME``: a checkout of Odoo 19 (the directory of ``odoo-bin``) instead of Debian's package;
- ``PGHOST`` (and libpq's other variables): a PostgreSQL server instead of the one that is started here.
"""
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import odoo, venv
from .databases import addon_fingerprint, create_database, database_exists, drop_database, install, template
from .odoo import TALKATIVE, odoo_command, odoo_home
from .postgres import connect, start_postgres, stop_postgres
from .server import OdooServer, RpcError, free_port, rpc
from .state import ADDON, ADDONS, DATA, LOGS, REPOSITORY, STATE, URLLIB3_1, VENV, fail, locked, python


def setup():
    """Install everything that is missing. Quick and silent if nothing is; several scripts may call it at once."""
    if sys.version_info < (3, 10):  # noqa: UP036 - the sentence is for those who have an older one
        fail('Python 3.10 or newer is needed: install it and run this script with it.')
    if STATE == REPOSITORY or REPOSITORY in STATE.parents:
        fail(f'{STATE} is inside the repository: set EIS_SMS_HOME to a directory outside of it.')
    try:
        for directory in (STATE, LOGS, ADDONS, DATA):
            directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(f'{error.filename} cannot be written: set EIS_SMS_HOME to a directory of yours.')
    with locked('setup'):
        # The download waits for the network and pip for the processor, so both at once.
        with ThreadPoolExecutor() as pool:
            for future in [pool.submit(odoo.provide), pool.submit(venv.provide)]:
                future.result()
        odoo.link_addon()
        odoo.write_config()
    # Bytecode is kept, whatever the caller's settings, and never written to the repository.
    os.environ.pop('PYTHONDONTWRITEBYTECODE', None)
    os.environ['PYTHONPYCACHEPREFIX'] = str(STATE / 'bytecode')
    start_postgres()


ensure = setup


def reexec():
    """Restart the calling script in the Python environment of :func:`setup`, unless it already runs there."""
    setup()
    if Path(sys.prefix).resolve() != VENV.resolve():
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(python, [str(python), *sys.argv])
