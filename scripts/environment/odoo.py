# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo 19: Debian's package or a checkout, its configuration file and its command line."""
import os
import re
import shutil
from pathlib import Path

from . import debian
from .postgres import POSTGRES, POSTGRES_ROLE
from .state import ADDON, ADDONS, DATA, REPOSITORY, STATE, fail, python, read, say, short_hash

UNPACKED = STATE / 'odoo'
DEBIAN_SUITE = 'sid'  # the one that has odoo-19
DEBIAN_FONTS_SUITE = 'bookworm'  # the last one with the Font Awesome 4 that Odoo's web client uses
DEBIAN_PACKAGES = (
    f'odoo-19/{DEBIAN_SUITE}',
    # odoo-19 contains links into these; with a dangling one the web client returns 500
    *(f'{name}/{DEBIAN_SUITE}' for name in (
        'libjs-jquery', 'libjs-jquery-form', 'libjs-underscore', 'fonts-roboto-unhinted', 'fonts-montserrat',
        'fonts-ocr-b', 'fonts-glyphicons-halflings',
    )),
    f'fonts-font-awesome/{DEBIAN_FONTS_SUITE}',
    f'fonts-inconsolata/{DEBIAN_FONTS_SUITE}',
)
# For logs that are searched for secrets: debug level for all who log requests and calls. Of every SQL statement it
# would be gigabytes.
TALKATIVE = [
    f'--log-handler={name}:DEBUG' for name in (f'odoo.addons.{ADDON}', 'odoo.service.model', 'urllib3', 'requests')]


def odoo_home():
    """:return: the directory of ``odoo-bin``, a pathlib.Path."""
    if os.environ.get('ODOO_HOME'):
        return Path(os.environ['ODOO_HOME']).expanduser().absolute()
    return UNPACKED / 'usr/lib/python3/dist-packages'


def provide():
    """Download Odoo if it is missing; an incomplete directory is replaced."""
    if os.environ.get('ODOO_HOME'):
        if not (odoo_home() / 'odoo-bin').is_file():
            fail(f'ODOO_HOME={odoo_home()} contains no odoo-bin: set it to a checkout of Odoo 19.')
        return
    if (odoo_home() / 'odoo-bin').exists():  # written last
        return
    say('Fetching Odoo 19 (about 125 MB) from Debian sid.')
    shutil.rmtree(UNPACKED, ignore_errors=True)
    partial = STATE / 'odoo.partial'
    shutil.rmtree(partial, ignore_errors=True)
    debian.unpack(DEBIAN_PACKAGES, partial,
                  'Odoo 19 could not be fetched from Debian sid with apt-get: make that work on a Debian, or set '
                  'ODOO_HOME to a checkout of Odoo 19')
    debian.repair_links(partial)
    packages = partial / 'usr/lib/python3/dist-packages'
    for mail in packages.glob('**/addons/mail/static/lib'):
        # Debian strips this minified file, but the asset bundles still name it.
        script = mail / 'selfie_segmentation/selfie_segmentation.js'
        script.parent.mkdir(exist_ok=True)
        script.touch()
    partial.rename(UNPACKED)
    shutil.copy(UNPACKED / 'usr/bin/odoo', odoo_home() / 'odoo-bin')


def link_addon():
    """Create the directory in which Odoo finds the addon under its name, whatever the repository is called."""
    link = ADDONS / ADDON
    if link.is_symlink() and link.resolve() == REPOSITORY:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(REPOSITORY)


def write_config():
    """Write the configuration file of all Odoo processes, so that ``~/.odoorc`` is not read and nothing is sent."""
    addons_path = [path for path in (odoo_home() / 'addons', odoo_home() / 'odoo/addons', ADDONS) if path.is_dir()]
    config = f"""[options]
addons_path = {','.join(map(str, addons_path))}
data_dir = {DATA}
screenshots = {STATE / 'screenshots'}
http_interface = 127.0.0.1
list_db = False
admin_passwd = {short_hash(os.urandom(16))}
max_cron_threads = 0
smtp_server = 127.0.0.1
smtp_port = 1
publisher_warranty_url = http://127.0.0.1:1/
"""
    path = STATE / 'odoo.conf'
    unimportant = re.compile(r'^admin_passwd.*$', re.MULTILINE)
    if unimportant.sub('', read(path)) != unimportant.sub('', config):
        path.write_text(config, encoding='utf-8')


def odoo_command(*args):
    """:return: the command line of an Odoo process with these arguments, a list of str.

    A first argument without dash is one of Odoo's commands, such as ``shell``.
    """
    args = [str(arg) for arg in args]
    command = [args.pop(0)] if args and not args[0].startswith('-') else []
    database = [] if os.environ.get('PGHOST') else ['--db_host', str(POSTGRES), '--db_user', POSTGRES_ROLE]
    return [str(python), str(odoo_home() / 'odoo-bin'), *command, '-c', str(STATE / 'odoo.conf'), *database, *args]
