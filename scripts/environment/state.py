# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The state directory, and what all modules use: messages, locks, and commands with a log."""
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ADDON = 'eis_sms_apis'


def _state_directory():
    """:return: the state directory, a pathlib.Path."""
    if os.environ.get('EIS_SMS_HOME'):
        return Path(os.environ['EIS_SMS_HOME']).expanduser().absolute()
    cache = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(cache).absolute() / 'eis-sms'


STATE = _state_directory()
LOGS = STATE / 'log'
SETUP_LOG = LOGS / 'setup.log'
ADDONS = STATE / 'addons'
DATA = STATE / 'data'
VENV = STATE / 'venv'
URLLIB3_1 = STATE / 'urllib3-1'  # put before the Python environment, it has its major version 1
python = VENV / 'bin' / 'python'


def fail(sentence):
    """End the script with exit code 2 and one sentence that says what to install or set."""
    print(f'{Path(sys.argv[0]).name}: {sentence}', file=sys.stderr)
    raise SystemExit(2)


def say(text):
    """Print progress on stderr, because stdout is for the output of scripts."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(name):
    """Acquire the lock of that name, so that scripts that run at the same time wait for each other."""
    STATE.mkdir(parents=True, exist_ok=True)
    with open(STATE / f'.lock-{name}', 'w', encoding='utf-8') as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'Waiting for another script ({name}).')
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run(command, sentence, **kwargs):
    """Run a command into the setup log; if it fails, end with the sentence and the name of the log."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(SETUP_LOG, 'a', encoding='utf-8') as log:
        log.write(f'\n$ {" ".join(map(str, command))}\n')
        log.flush()
        try:
            # A daemon (pg_ctl start) must not keep the caller's terminal or pipe open.
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **kwargs)
        except (OSError, subprocess.CalledProcessError):
            fail(f'{sentence} (details: {SETUP_LOG}).')


def short_hash(*parts):
    """:return: a hash of the parts (bytes or str), 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b'%d:' % len(data) + data)
    return digest.hexdigest()[:12]


def read(path):
    """:return: the text of a file, '' if there is none."""
    try:
        return path.read_text(encoding='utf-8')
    except FileNotFoundError:
        return ''
