# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Common ground of the tests that start, stop and kill real Odoo servers: `scripts/test system`."""
import re
import sys
import time
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / 'scripts'))  # environment
sys.path.append(str(REPOSITORY / 'tests'))  # provider; last, for this file is a `common` too

import environment  # noqa: E402

LOGGED_ERROR = re.compile(r'^\d{4}-\S+ \S+ \d+ (?:ERROR|CRITICAL) .*|^Traceback .*', re.MULTILINE)


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
