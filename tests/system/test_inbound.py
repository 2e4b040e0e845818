# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Inbound SMS that come at the same moment are all recorded, once, also if the server is killed among them."""
from concurrent.futures import ThreadPoolExecutor

from common import SendingCase
from provider import report_delivery

CONFIG = {
    'inbound_enabled': True, 'inbound_message_id_param': 'id', 'inbound_number_param': 'from',
    'inbound_text_param': 'text', 'inbound_part_reference_param': 'ref', 'inbound_part_number_param': 'part',
    'inbound_part_total_param': 'parts',
}


class TestInbound(SendingCase):

    def setUp(self):
        super().setUp()
        self.query("DELETE FROM sms_gateway_received_message")
        self.query("DELETE FROM sms_gateway_inbound")

    def start(self, *args):
        self.server = self.start_server(*args)
        self.rpc = self.client(self.server)

    def make_url(self):
        gateway = self.make_gateway(self.rpc, **CONFIG)
        self.token = self.query("SELECT inbound_token FROM sms_gateway WHERE id = %s", gateway)[0][0]

    def send_in(self, index, **fields):
        """:return: whether the call was acknowledged"""
        fields = {'id': f'M{index}', 'from': f'+3245600{index:04}', 'text': f"Text {index}", **fields}
        try:
            return report_delivery(f'{self.server.url}/eis_sms/inbound/{self.token}', **fields) == 200
        except OSError:
            return False

    def unapplied(self):
        return self.query("SELECT count(*) FROM sms_gateway_received_message WHERE applied_date IS NULL")[0][0]

    def texts(self):
        return [text for text, in self.query("SELECT body FROM sms_gateway_inbound ORDER BY message_id")]

    def test_all_at_once(self):
        """Several workers, each call repeated by the provider, and parts of long SMS among them."""
        self.start('--workers=3')
        self.make_url()
        calls = [(index, {}) for index in range(300) for _repeated in range(2)]
        calls += [
            (1000 + 10 * ref + part, {'from': f'+32456009{ref:03}', 'text': f"p{part} ", 'ref': ref, 'part': part,
                                      'parts': 3})
            for part in (3, 1, 2) for ref in range(20)]
        with ThreadPoolExecutor(16) as pool:
            is_acknowledged = list(pool.map(lambda call: self.send_in(call[0], **call[1]), calls))
        self.assertTrue(all(is_acknowledged))
        self.wait_until(lambda: self.unapplied() == 0, 60)
        self.assertEqual(sorted(self.texts()), sorted(
            [f"Text {index}" for index in range(300)] + ["p1 p2 p3 "] * 20))
        self.assertEqual(self.query(
            "SELECT count(*) FROM sms_gateway_inbound WHERE state NOT IN ('assigned', 'unassigned')"), [(0,)])
        self.assert_log_clean(self.server)

    def test_killed_in_the_middle(self):
        """Given a server that is killed three times among 600 SMS: what it has acknowledged is recorded once."""
        self.start()
        self.make_url()
        acknowledged = []

        def call(index):
            if self.send_in(index):
                acknowledged.append(f"Text {index}")
            if index % 200 == 100:
                self.server.kill()

        for kill in range(3):
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(call, range(200 * kill, 200 * kill + 200)))
            self.start()
        self.assertGreaterEqual(len(acknowledged), 3 * (100 - 8))  # each kill interrupts up to eight calls
        self.run_queue(self.rpc)
        self.assertEqual(self.unapplied(), 0)
        texts = self.texts()
        self.assertEqual(len(texts), len(set(texts)))
        self.assertLessEqual(set(acknowledged), set(texts))
