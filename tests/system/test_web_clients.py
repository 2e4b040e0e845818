# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An open chatter shows what a delivery report says soon after the call, with a real server."""
from test_reports import CallbackCase

SECONDS = 30  # for a busy machine


class TestWebClients(CallbackCase):

    def test_chatter(self):
        """Given SMS in chatters and more reports than one: the author's web clients get the last state of each."""
        self.start()
        uuids = [self.send_message() for _sms in range(3)]
        self.query("DELETE FROM bus_bus")
        self.assertEqual(self.call_at_once([{'uuid': uuid, 'status': 'delivered'} for uuid in uuids]), [200] * 3)
        self.wait_until(lambda: self.shown() == {uuid: {'sent'} for uuid in uuids}, SECONDS)
        self.assert_log_clean(self.server)

    def shown(self):
        """:return dict: {UUID: states of its notification that web clients got}"""
        states = {}
        for uuid, state in self.query("""
            SELECT tracker.sms_uuid, shown->>'notification_status'
            FROM bus_bus, jsonb_path_query(message::jsonb, '$.payload."mail.notification"[*]') AS shown
            JOIN sms_tracker tracker ON tracker.mail_notification_id = (shown->>'id')::int
        """):
            states.setdefault(uuid, set()).add(state)
        return states
