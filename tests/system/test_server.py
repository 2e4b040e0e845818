# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A real server serves the addon, and another one takes over from a server that was killed."""
from common import SystemCase, environment


class TestServer(SystemCase):

    def test_serves_the_addon(self):
        """Given a database with the addon, a server starts on it, answers an administrator and logs no error."""
        server = self.start_server()
        installed = self.client(server).call('ir.module.module', 'search_count', [[
            ('name', '=', environment.ADDON), ('state', '=', 'installed')]])
        self.assertEqual(installed, 1)
        server.stop()
        self.assert_log_clean(server)

    def test_survives_a_kill(self):
        """Given a server that is killed, none of its workers lives on, and the next one answers."""
        self.start_server('--workers=1', cron_threads=1).kill()
        self.wait_until(lambda: not self.sessions())
        server = self.start_server()
        self.assertTrue(self.client(server).uid)
