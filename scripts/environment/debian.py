# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Debian's packages, downloaded and unpacked but not installed; works for any user."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from .state import SETUP_LOG, STATE, fail, read, run

DEBIAN_KEYRING = Path('/usr/share/keyrings/debian-archive-keyring.gpg')


def unpack(packages, target, sentence):
    """Download packages (not install) and unpack them below a directory, without touching the machine's own lists.

    :param packages: names with a suite, such as ``odoo-19/sid``.
    :param sentence: what to end with if that does not work.
    """
    if not shutil.which('apt-get') or not shutil.which('dpkg-deb'):
        fail(sentence + '.')
    work = STATE / f'{target.name}.apt'
    shutil.rmtree(work, ignore_errors=True)
    for directory in ('lists/partial', 'cache/archives/partial', 'none', 'packages'):
        (work / directory).mkdir(parents=True)
    signed_by = f'[signed-by={DEBIAN_KEYRING}] ' if DEBIAN_KEYRING.exists() else ''
    suites = sorted({package.partition('/')[2] for package in packages})
    (work / 'sources.list').write_text(''.join(
        f'deb {signed_by}{_mirror(sentence)} {suite} main\n' for suite in suites), encoding='utf-8')
    (work / 'apt.conf').write_text(f'''
Dir::State::Lists "{work}/lists";
Dir::Cache "{work}/cache";
Dir::Etc::SourceList "{work}/sources.list";
Dir::Etc::SourceParts "{work}/none";
Dir::Etc::Preferences "{work}/none/preferences";
Dir::Etc::PreferencesParts "{work}/none";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";  // a mirror may lag behind; its signature is checked all the same
APT::Sandbox::User "";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
''', encoding='utf-8')
    apt = ['apt-get', '-q', '-c', str(work / 'apt.conf')]
    run([*apt, 'update'], sentence)
    run([*apt, 'download', *packages], sentence, cwd=work / 'packages')
    for package in sorted((work / 'packages').glob('*.deb')):
        run(['dpkg-deb', '-x', str(package), str(target)], sentence)
    shutil.rmtree(work)


def _mirror(sentence):
    """:return: the address of the Debian mirror that the machine's own sources name."""
    listing = subprocess.run(
        ['apt-get', 'indextargets', '--format', '$(SITE) $(RELEASE) $(COMPONENT)', 'Created-By: Packages'],
        capture_output=True, text=True, check=False).stdout
    release = re.search(r'^VERSION_CODENAME=(\w+)', read(Path('/etc/os-release')), re.MULTILINE)
    names = {'sid', 'unstable', 'testing', 'stable', 'oldstable', 'bookworm', 'trixie', release and release[1]}
    is_debian = re.search(r'^ID=debian$', read(Path('/etc/os-release')), re.MULTILINE)
    for line in listing.splitlines():
        site, _sep, rest = line.partition(' ')
        if is_debian and rest.removesuffix(' main') in names:
            return site
    return fail(sentence + '.')


def repair_links(root):
    """Point absolute links into the unpacked root; put an empty file in the place of a link that leads nowhere."""
    for directory, _names, files in os.walk(root):
        for path in (Path(directory, name) for name in files):
            if not path.is_symlink() or path.exists():
                continue
            target = os.readlink(path)
            inside = root / target.lstrip('/')
            path.unlink()
            if target.startswith('/') and inside.exists():
                path.symlink_to(os.path.relpath(inside, path.parent))
            else:
                path.touch()
                with open(SETUP_LOG, 'a', encoding='utf-8') as log:
                    log.write(f'{path} led to {target}, which no package here has; it is empty now.\n')
