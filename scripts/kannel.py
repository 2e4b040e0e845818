# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A real Kannel 1.4.5 on loopback: bearerbox, smsbox and the fake SMSC of Debian's kannel and kannel-extras.

    with Kannel() as kannel:
        ...                       # GET kannel.sendsms_url with kannel.username and kannel.password
        kannel.received()         # [('EIS', '447700900123', 'Hello')]

Kannel's user guide describes the groups of the configuration (core, smsc, smsbox, sendsms-user).
"""
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote_to_bytes

FAKESMSC = '/usr/lib/kannel/test/fakesmsc'
START_TIMEOUT = 20   # seconds

# A long SMS is cut after its first part without max-messages, and max-sms-octets keeps it whole on its way to the fake
# SMSC, whose log does not tell the coding of a part.
CONFIGURATION = '''
group = core
admin-port = {admin_port}
admin-interface = 127.0.0.1
admin-password = {admin_password}
smsbox-port = {smsbox_port}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = fake
our-host = 127.0.0.1
port = {smsc_port}
connect-allow-ip = 127.0.0.1
max-sms-octets = 2000

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms_port}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = {username}
password = {password}
max-messages = 10
concatenation = true
'''

MESSAGE = re.compile(r'(?P<sender>\S*) (?P<receiver>\+?\d+) (?P<kind>text|ucs-2|data) (?P<text>.*)', re.DOTALL)


class KannelError(RuntimeError):
    """Kannel is missing or does not start; the message says what to do."""


class Kannel:
    """Starts the three programs on free ports and stops them at the end.

    :raise KannelError: a program is missing, or ends instead of answering within START_TIMEOUT
    """
    username = 'odoo'

    def __init__(self):
        self.password = secrets.token_hex(8)
        self._processes: list[subprocess.Popen] = []
        self._programs = _find_programs()

    def __enter__(self):
        self._directory = Path(tempfile.mkdtemp(prefix='kannel-'))
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info):
        self.stop()

    def _start(self):
        bearerbox, smsbox, fakesmsc = self._programs
        admin_port, smsbox_port, smsc_port, sendsms_port = _free_ports(4)
        self.sendsms_url = f'http://127.0.0.1:{sendsms_port}/cgi-bin/sendsms'
        configuration = self._directory / 'kannel.conf'
        configuration.touch(mode=0o600)
        configuration.write_text(CONFIGURATION.format(
            admin_port=admin_port, smsbox_port=smsbox_port, smsc_port=smsc_port, sendsms_port=sendsms_port,
            admin_password=secrets.token_hex(8), username=self.username, password=self.password,
        ))
        self._run('bearerbox', bearerbox, '-v', '1', configuration)
        self._wait('bearerbox', lambda: _accepts(smsbox_port) and _accepts(admin_port))
        # -m 0: it sends nothing, but its command line requires a message.
        self._run('fakesmsc', fakesmsc, '-H', '127.0.0.1', '-r', smsc_port, '-m', '0', '1 2 text unused')
        self._run('smsbox', smsbox, '-v', '1', configuration)
        self._wait('smsbox', self._answers)
        self._wait('bearerbox', lambda: 'Fakesmsc client connected' in self.log('bearerbox'))

    def _run(self, name: str, program: str, *arguments):
        with open(self._directory / f'{name}.log', 'wb') as log:
            process = subprocess.Popen([program, *map(str, arguments)], cwd=self._directory, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT)
        self._processes.append(process)

    def log(self, name: str) -> str:
        """Return what 'bearerbox', 'smsbox' or 'fakesmsc' has written so far."""
        return (self._directory / f'{name}.log').read_text(errors='replace')

    def _wait(self, name: str, ready):
        deadline = time.monotonic() + START_TIMEOUT
        while not ready():
            if time.monotonic() > deadline or any(process.poll() is not None for process in self._processes):
                lines = self.log(name).strip().splitlines() or ['it wrote nothing']
                reason = next((line for line in lines if 'ERROR' in line or 'PANIC' in line), lines[-1])
                raise KannelError(f"Kannel's {name} does not start: {reason}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            opener.open(self.sendsms_url, timeout=2).close()
        except urllib.error.HTTPError:   # 403: no user name was given, so smsbox is there
            return True
        except OSError:
            return False
        return True

    def received(self) -> list[tuple[str, str, str]]:
        """Return (sender, receiver, text) of each SMS that reached the fake SMSC, in order."""
        return parse_received(self.log('fakesmsc'))

    def stop(self):
        """End the programs, bearerbox first, because the others then end as well."""
        for process in self._processes:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        shutil.rmtree(self._directory, ignore_errors=True)


def parse_received(log: str) -> list[tuple[str, str, str]]:
    """Read the SMS from the log of fakesmsc, which shows one line per line of text."""
    messages = []
    for line in re.findall(r'Got message \d+: <(.*)>$', log, re.MULTILINE):
        match = MESSAGE.fullmatch(line)
        if match:
            messages.append([match['sender'], match['receiver'], _decode(match['kind'], match['text'])])
        elif messages:   # the text had a line break
            messages[-1][2] += '\n' + line
    return [tuple(message) for message in messages]


def _decode(kind: str, text: str) -> str:
    if kind == 'text':
        return text
    octets = unquote_to_bytes(text.replace('+', ' '))
    return octets.decode('utf-16-be' if kind == 'ucs-2' else 'latin-1', errors='replace')


def _find_programs() -> list[str]:
    programs = [shutil.which(name, path='/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin') for name in (
        'bearerbox', 'smsbox')] + [shutil.which(FAKESMSC)]
    if not all(programs):
        raise KannelError("Kannel is missing: install Debian's packages kannel and kannel-extras.")
    return programs


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(('127.0.0.1', 0)) for _index in range(count)]
    try:
        return [server.getsockname()[1] for server in sockets]
    finally:
        for server in sockets:
            server.close()


def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(('127.0.0.1', port)) == 0
