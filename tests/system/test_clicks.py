# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A click sends once, although Odoo runs its transaction again after a serialization failure."""
from common import Reply, SendingCase, environment


class TestClicks(SendingCase):
    """Given a database that lets the first transactions of a click fail, as one with concurrent writes does."""

    modules = ('contacts', 'mass_mailing_sms', environment.ADDON)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = environment.OdooServer(cls.database).start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        super().setUp()
        self.admin = self.client(self.server)
        self.gateway = self.make_gateway(self.admin)
        self.mailing, = self.admin.call('mailing.mailing', 'create', [[{
            'subject': "Sale", 'mailing_type': 'sms', 'body_plaintext': "Sale", 'sms_allow_unsubscribe': True,
            'mailing_model_id': self.query("SELECT id FROM ir_model WHERE model = 'res.partner'")[0][0],
        }]])

    def let_fail(self, table, times, moment='INSERT OR UPDATE', condition='TRUE'):
        """Let statements on a table end with a serialization failure, so many times; a sequence counts them, because a
        rollback does not undo it."""
        self.query("DROP SEQUENCE IF EXISTS failures")
        self.query("CREATE SEQUENCE failures")
        self.query(f"""
            CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('failures') <= {times} THEN
                    RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
                END IF;
                RETURN NEW;
            END $$
        """)
        self.query(f"""
            CREATE TRIGGER fail BEFORE {moment} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION fail()
        """)
        self.addCleanup(self.query, f"DROP TRIGGER IF EXISTS fail ON {table}")

    def press_marketing(self, numbers):
        wizard, = self.admin.call('mailing.sms.test', 'create', [[{
            'mailing_id': self.mailing, 'numbers': '\n'.join(numbers)}]])
        self.admin.call('mailing.sms.test', 'action_send_sms', [[wizard]])
        return self.query(
            "SELECT body FROM mail_message WHERE model = 'mailing.mailing' ORDER BY id DESC LIMIT 1")[0][0]

    def test_marketing_test_button(self):
        """One click is one request for each number, wherever its transaction failed after them: at the status row, at
        the end of the claim, at the note of the result."""
        for table, times, *when in (
                ('sms_gateway_status', 2), ('mail_message', 2),
                # a repetition claims nothing
                ('sms_sms', 1, 'UPDATE', 'OLD.claimed_until IS NOT NULL AND NEW.claimed_until IS NULL')):
            with self.subTest(table=table):
                self.provider.clear()
                self.provider.answer(200, Reply(400, "Blocked"))
                self.query("UPDATE sms_gateway SET max_connections = 1")
                self.query("DELETE FROM sms_gateway_status")
                self.query("DELETE FROM sms_sms")
                self.let_fail(table, times, *when)
                said = self.press_marketing(['+32470000001', '+32470000002'])
                self.query(f"DROP TRIGGER fail ON {table}")
                self.assertGreaterEqual(self.query("SELECT last_value FROM failures WHERE is_called")[0][0], times)
                self.assertEqual(self.arrivals(), {'+32470000001': 1, '+32470000002': 1})
                self.assertIn("successfully sent to +32470000001", said)
                self.assertIn("could not be sent to +32470000002: Blocked", said)
                rows = self.query("""
                    SELECT s.number, s.state, status.state FROM sms_sms s
                    JOIN sms_gateway_status status ON status.sms_uuid = s.uuid
                    JOIN sms_tracker tracker ON tracker.sms_uuid = s.uuid ORDER BY s.number
                """)
                self.assertEqual(rows, [
                    ('+32470000001', 'pending', 'success'), ('+32470000002', 'error', 'error')])
                self.press_marketing(['+32470000001'])
                self.assertEqual(self.arrivals()['+32470000001'], 2, "Another click is another SMS.")

    def test_send_test_sms(self):
        wizard, = self.admin.call('sms.gateway.test', 'create', [[{
            'gateway_id': self.gateway, 'number': '+32470000001', 'body': "Hello"}]])
        self.let_fail('sms_gateway_test', 2)
        self.admin.call('sms.gateway.test', 'action_send', [[wizard]])
        self.query("DROP TRIGGER fail ON sms_gateway_test")
        self.assertEqual(self.arrivals(), {'+32470000001': 1})
        shown, = self.admin.call('sms.gateway.test', 'read', [[wizard], ['level', 'sms_uuid']])
        self.assertEqual(shown['level'], 'success')
        self.assertEqual(
            self.query("SELECT sms_uuid, state FROM sms_gateway_status"), [(shown['sms_uuid'], 'success')])
        self.admin.call('sms.gateway.test', 'action_send', [[wizard]])
        self.assertEqual(self.arrivals(), {'+32470000001': 2})
