# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the tests share that start, stop and kill real Odoo servers: `scripts/test system`.

A `SystemCase` has a database and servers; a `SendingCase` a gateway to a provider on loopback as well.
"""
import contextlib
import http.client
import os
import re
import signal
import sys
import threading
import time
import unittest
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / 'scripts'))  # environment
sys.path.append(str(REPOSITORY / 'tests'))  # provider; last, for this file is a `common` too

import environment  # noqa: E402
from provider import Provider, Reply  # noqa: E402

__all__ = [
    'BROKEN', 'CRON', 'LOGGED_ERROR', 'NUMBER_LIST', 'REPOSITORY', 'Reply', 'SendingCase', 'SystemCase', 'WorkersCase',
    'environment']

LOGGED_ERROR = re.compile(r'^\d{4}-\S+ \S+ \d+ (?:ERROR|CRITICAL) .*|^Traceback .*', re.MULTILINE)
NUMBER_LIST = [
    [0, 0, {'key': 'to', 'param_type': 'multi_number'}],
    [0, 0, {'key': 'text', 'param_type': 'message'}],
]
# the server dies, its connection to the database does, or the call fails as it should
BROKEN = (OSError, http.client.HTTPException, environment.RpcError)
CRON = "(SELECT res_id FROM ir_model_data WHERE module = 'sms' AND name = 'ir_cron_sms_scheduler_action')"


class SystemCase(unittest.TestCase):
    """Each class has an Odoo database of its own, with ``modules`` installed and no server running yet."""

    modules = ('contacts', environment.ADDON)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = f'system_{cls.__name__.lower()}'
        environment.create_database(cls.database, environment.template(cls.modules))
        cls.addClassCleanup(environment.drop_database, cls.database)

    def start_server(self, *args, **kwargs):
        """Start an Odoo server that is stopped at the end of the test.

        :return environment.OdooServer: its arguments are those of this method, without the database.
        """
        server = environment.OdooServer(self.database, *environment.TALKATIVE, *args, **kwargs).start()
        self.addCleanup(server.stop)
        return server

    def client(self, server, **kwargs):
        """:return environment.rpc: the administrator's session with a server."""
        return environment.rpc(server.url, self.database, **kwargs)

    def query(self, statement, *params):
        """Run SQL in the database, in a transaction of its own. :return: the rows, or None."""
        connection = environment.connect(self.database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, params)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def wait_until(self, condition, seconds=15):
        """Call ``condition`` until it is true; fail the test after that many seconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f'Not so within {seconds} s: {condition.__doc__ or condition}')
            time.sleep(0.05)

    def sessions(self):
        """:return: state and last statement of the database's sessions but this one, as a list of tuples."""
        return self.query(
            'SELECT state, query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()')

    def assert_log_clean(self, server):
        """A server has logged neither an error nor a traceback."""
        self.assertEqual(LOGGED_ERROR.findall(server.log.read_text(encoding='utf-8')), [], f'See {server.log}.')


class SendingCase(SystemCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = Provider()
        cls.provider.__enter__()
        cls.addClassCleanup(cls.provider.__exit__, None, None, None)

    def setUp(self):
        super().setUp()
        self.provider.clear()
        self.provider.always(self.provider.accept)
        self.query("DELETE FROM sms_gateway_status")
        self.query("DELETE FROM sms_sms")
        self.query("DELETE FROM ir_cron_trigger")
        self.query("DELETE FROM sms_gateway_throttle")
        self.query("UPDATE sms_gateway SET state = 'disabled'")
        self.action = self.query("SELECT ir_actions_server_id FROM ir_cron WHERE id = " + CRON)[0][0]

    def make_gateway(self, client, **values):
        return client.call('sms.gateway', 'create', [[{
            'name': "Loopback", 'state': 'active', 'base_url': self.provider.url,
            'message_id_regex': r'"id":\s*"([^"]+)"',
            'parameter_ids': [
                [0, 0, {'key': 'to', 'param_type': 'number'}],
                [0, 0, {'key': 'text', 'param_type': 'message'}],
            ],
            **values,
        }]])[0]

    def queue(self, count, body="Hello"):
        """Put SMS to different numbers in the queue, without waking it."""
        self.query("""
            INSERT INTO sms_sms (uuid, number, body, state, record_company_id)
            SELECT replace(gen_random_uuid()::text, '-', ''), '+324560' || lpad(n::text, 5, '0'), %s, 'outgoing', 1
            FROM generate_series(1, %s) AS n
        """, body, count)

    def run_queue(self, client):
        """Run core's queue action in the server's HTTP worker, as its Run Manually button does."""
        cron_id = self.query(f"SELECT {CRON}")[0][0]
        client.call('ir.cron', 'method_direct_trigger', [[cron_id]])

    def wake_queue(self, *crons):
        """Make the queue action due, or these scheduled actions, and tell the cron workers of running servers."""
        for cron in crons or self.query(f"SELECT {CRON}")[0]:
            self.query("INSERT INTO ir_cron_trigger (cron_id, call_at) VALUES (%s, now() AT TIME ZONE 'UTC')", cron)
        with contextlib.closing(environment.connect()) as connection:  # they listen in another database
            connection.cursor().execute("SELECT pg_notify('cron_trigger', %s)", [self.database])

    def in_background(self, function, *args):
        """:return: a thread that is over at the end of the test; errors of a broken server are expected in it."""
        def run():
            with contextlib.suppress(*BROKEN):
                function(*args)

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def together(self, calls):
        """Make calls to servers at once, one worker each, and wait for all.

        :param calls: pairs of client and arguments for its `call`
        """
        threads = [threading.Thread(target=client.call, args=arguments) for client, arguments in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def begin(self):
        """:return: a connection whose transaction, with its locks, lasts until rollback or the end of the test."""
        connection = environment.connect(self.database)
        self.addCleanup(connection.close)
        connection.autocommit = False
        return connection

    def expire_claims(self):
        """Let the time pass after which a claim counts as lost."""
        self.query("UPDATE sms_sms SET claimed_until = now() - interval '1 day' WHERE claimed_until IS NOT NULL")

    def states(self):
        """:return dict: number of SMS by state."""
        return dict(self.query("SELECT state, count(*) FROM sms_sms GROUP BY state"))

    def arrivals(self):
        """:return Counter: how often each number reached the provider."""
        return Counter(number for number, _text in self.provider.sms)


class WorkersCase(SendingCase):
    """Given an Odoo server whose workers are processes (three of them), as in production."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start_workers()

    @classmethod
    def start_workers(cls):
        server = environment.OdooServer(cls.database, '--workers', 3).start()
        cls.addClassCleanup(server.stop)
        return server

    def setUp(self):
        super().setUp()
        self.logged_before = len(self.server.log.read_text(encoding='utf-8'))
        self.admin = self.client(self.server)

    def log(self):
        """:return str: what the server has logged since the test began"""
        return self.server.log.read_text(encoding='utf-8')[self.logged_before:]

    def assert_nothing_logged(self):
        """The server has logged neither an error nor a traceback in this test."""
        self.assertEqual(LOGGED_ERROR.findall(self.log()), [], f'See {self.server.log}.')

    def drain(self):
        """Run core's queue action in one of the workers."""
        self.admin.call('ir.actions.server', 'run', [[self.action]])

    def kill_workers(self):
        """SIGKILL to the processes that work; the one above them starts new ones, as after a crash."""
        master = self.server.process.pid
        for pid in Path(f'/proc/{master}/task/{master}/children').read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if b'gevent' not in Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0'):
                    os.kill(int(pid), signal.SIGKILL)

    def make_contacts(self, count):
        """:return list: ids of contacts whose numbers are +32470000001 and so on"""
        return [row[0] for row in self.query("""
            INSERT INTO res_partner (name, complete_name, phone, active)
            SELECT name, name, '+3247' || lpad(n::text, 7, '0'), TRUE
            FROM generate_series(1, %s) AS n, concat('Contact ', n) AS name RETURNING id
        """, count)]
