# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A real Kannel 1.4.5 on loopback: bearerbox, smsbox and the fake SMSC of Debian's kannel and kannel-extras.

    with Kannel() as kannel:
        ...                       # GET kannel.sendsms_url with kannel.username and kannel.password
        kannel.received()         # [('EIS', '447700900123', 'Hello')]
        kannel.send_to(url)       # from now on, SMS that people write arrive at this URL
        kannel.write('+447700900123', '2020', 'Hello')

Kannel's user guide describes the groups of the configuration (core, smsc, smsbox, sendsms-user, sms-service).
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
from urllib.parse import quote_plus, unquote_to_bytes

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

# %a instead of %b replaces bytes of UCS-2 texts. Without max-messages = 0, the person gets the response as an SMS.
INBOUND = '''
group = sms-service
keyword = default
catch-all = yes
max-messages = 0
get-url = "{url}?id=%I&sender=%p&to=%P&message=%b&charset=%C&ts=%T"
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
        bearerbox, _smsbox, fakesmsc = self._programs
        admin_port, smsbox_port, smsc_port, sendsms_port = _free_ports(4)
        self.sendsms_url = f'http://127.0.0.1:{sendsms_port}/cgi-bin/sendsms'
        configuration = self._configuration = self._directory / 'kannel.conf'
        configuration.touch(mode=0o600)
        configuration.write_text(CONFIGURATION.format(
            admin_port=admin_port, smsbox_port=smsbox_port, smsc_port=smsc_port, sendsms_port=sendsms_port,
            admin_password=secrets.token_hex(8), username=self.username, password=self.password,
        ))
        self._run('bearerbox', bearerbox, '-v', '1', configuration)
        self._wait('bearerbox', lambda: _accepts(smsbox_port) and _accepts(admin_port))
        # Without a message on its command line, it sends the SMS that its input contains.
        self._smsc = self._run('fakesmsc', fakesmsc, '-H', '127.0.0.1', '-r', smsc_port)
        self._start_smsbox()
        self._wait('bearerbox', lambda: 'Fakesmsc client connected' in self.log('bearerbox'))

    def _start_smsbox(self):
        self._smsbox = self._run('smsbox', self._programs[1], '-v', '1', self._configuration)
        self._wait('smsbox', self._answers)

    def _run(self, name: str, program: str, *arguments) -> subprocess.Popen:
        with open(self._directory / f'{name}.log', 'ab') as log:
            process = subprocess.Popen([program, *map(str, arguments)], cwd=self._directory, stdin=subprocess.PIPE,
                                       stdout=log, stderr=subprocess.STDOUT)
        self._processes.append(process)
        return process

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

    def send_to(self, url: str):
        """Restart smsbox, which calls a URL with each SMS that people write from then on."""
        self._processes.remove(self._smsbox)
        _end(self._smsbox)
        with open(self._configuration, 'a') as configuration:
            configuration.write(INBOUND.format(url=url))
        self._start_smsbox()

    def write(self, sender: str, receiver: str, text: str):
        """Send an SMS as a person does, in UCS-2."""
        octets = quote_plus(text.encode('utf-16-be'))
        self._smsc.stdin.write(f'{sender} {receiver} ucs2 {octets}\n'.encode())
        self._smsc.stdin.flush()

    def stop(self):
        """End the programs, bearerbox first, because the others then end as well."""
        for process in self._processes:
            _end(process)
        self._processes.clear()
        shutil.rmtree(self._directory, ignore_errors=True)


def _end(process: subprocess.Popen):
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdin.close()


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
