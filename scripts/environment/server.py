# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Run Odoo servers and call them."""
import atexit
import contextlib
import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

from .odoo import odoo_command
from .state import LOGS, fail, read, say

DIRECT = urllib.request.ProxyHandler({})  # the caller's proxy cannot reach this machine


def free_port():
    """:return int: a free TCP port"""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class OdooServer:
    """An Odoo server for one database on a port of 127.0.0.1, a context manager that stops it.

    :param str database: the one database that it serves.
    :param args: further arguments for Odoo.
    :param int port: default a free one.
    :param int cron_threads: how many threads (or workers) run scheduled actions; default none.
    :param float timeout: seconds to wait until it answers.
    """

    def __init__(self, database, *args, port=None, cron_threads=0, timeout=90):
        self.database = database
        self.port = port or free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.log = LOGS / f'server-{database}-{self.port}.log'
        self.timeout = timeout
        self.process = None
        self._command = odoo_command(
            '-d', database, '--db-filter', f'^{re.escape(database)}$', '--no-database-list', '--http-interface',
            '127.0.0.1', '--http-port', self.port, '--gevent-port', free_port(), '--max-cron-threads', cron_threads,
            *args)

    def start(self):
        """Start the server and wait until it responds. :return: self"""
        LOGS.mkdir(parents=True, exist_ok=True)
        with open(self.log, 'a', encoding='utf-8') as log:
            # A session of its own: kill() reaches the workers too, and Ctrl-C in the terminal reaches only us.
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        atexit.register(self.kill)
        opener = urllib.request.build_opener(DIRECT)
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), opener.open(f'{self.url}/web/health', timeout=5) as answer:
                if answer.status == 200:
                    return self
            time.sleep(0.1)
        self.kill()
        say(read(self.log)[-6000:])
        return fail(f'Odoo does not respond at {self.url}: see {self.log}.')

    def stop(self, timeout=30):
        """Ask the server to stop, and kill it after that many seconds."""
        if self.process is None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
        self.kill()  # no worker may survive either

    def kill(self):
        """End the server and its workers at once (SIGKILL), as a crash would; ``process`` is None from then on."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None  # the process ID may be reused
        atexit.unregister(self.kill)

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *exc_info):
        self.stop()


class RpcError(Exception):
    """The error that Odoo returned: ``name`` of the exception, ``debug`` its traceback on the server."""

    def __init__(self, error):
        data = error.get('data') or {}
        self.name = data.get('name', '')
        self.debug = data.get('debug', '')
        super().__init__(data.get('message') or error.get('message'))


class rpc:
    """A user's session with an Odoo server, as the web client has one.

    :raise RpcError: when Odoo refuses a call.
    """

    def __init__(self, url, database, login='admin', password='admin', timeout=120):
        self.url = url
        self.timeout = timeout
        self._opener = urllib.request.build_opener(
            DIRECT, urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        session = self._post('/web/session/authenticate', {'db': database, 'login': login, 'password': password})
        self.uid = session['uid']

    def call(self, model, method, args=(), kwargs=None):
        """:return: what the method returns; for a method of records, ``args`` starts with their ids"""
        return self._post(f'/web/dataset/call_kw/{model}/{method}', {
            'model': model, 'method': method, 'args': list(args), 'kwargs': kwargs or {}})

    def _post(self, path, params):
        request = urllib.request.Request(
            self.url + path, json.dumps({'jsonrpc': '2.0', 'method': 'call', 'params': params}).encode(),
            {'Content-Type': 'application/json'})
        with self._opener.open(request, timeout=self.timeout) as answer:
            document = json.load(answer)
        if 'error' in document:
            raise RpcError(document['error'])
        return document.get('result')
