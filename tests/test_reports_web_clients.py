# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Open chatters show what reports say after these are applied: doc/behaviour.md section 6.2."""
import time
from unittest import mock

import psycopg2

from odoo.tests import tagged

from ..models import sms_gateway_inbox
from ..sending.store import web_clients
from ..sending.store.transactions import OwnTransactions
from .common import InboxCase

LOGGER = 'odoo.addons.eis_sms_apis.sending.store.web_clients'


@tagged('post_install', '-at_install')
class TestWebClients(InboxCase):

    def setUp(self):
        super().setUp()
        self.startPatcher(mock.patch.object(sms_gateway_inbox, 'BATCH', 2))
        self.startPatcher(mock.patch.object(web_clients, 'MESSAGES_AT_ONCE', 2))
        self.startPatcher(mock.patch.object(web_clients, 'is_in_test', return_value=False))
        self.notified = []

    def send_and_report(self, count):
        """:return: the messages of SMS whose reports are stored and not applied"""
        messages = self.env['mail.message']
        for _number in range(count):
            sms, _notification = self.send_message()
            messages += sms.mail_message_id
            self.store({'uuid': sms.uuid, 'status': 'delivered'})
        return messages

    def drain(self, side_effect=None):
        def note(messages):
            self.notified.append((messages, self.pending()))
            if side_effect:
                side_effect(messages)

        with mock.patch.object(web_clients, '_notify', note):
            self.gateway._drain_reports(time.monotonic() + 60)

    def test_backlog(self):
        """Given more reports than a batch takes: all are applied before web clients are notified of each SMS once."""
        messages = self.send_and_report(5)
        self.drain()
        self.assertEqual(self.notified, [(messages[:2], 0), (messages[2:4], 0), (messages[4], 0)])
        self.assertEqual(messages.notification_ids.mapped('notification_status'), ['sent'] * 5)

    def test_long_backlog(self):
        """Web clients do not wait for a backlog that takes long."""
        messages = self.send_and_report(5)
        with mock.patch.object(sms_gateway_inbox, 'MAX_MESSAGES', 2):
            self.drain()
        self.assertEqual(self.notified, [(messages[:2], 3), (messages[2:4], 1), (messages[4], 0)])

    def test_batch_that_is_not_full(self):
        """Given reports that arrive one by one: web clients do not wait for the next."""
        messages = self.send_and_report(1)
        pauses = []
        with mock.patch.object(web_clients, '_notify', self.notified.append):
            self.gateway._drain_reports(time.monotonic() + 60, lambda _has_more: pauses.append(list(self.notified)))
        self.assertEqual(pauses, [[messages]])

    def test_no_time_left(self):
        """Web clients are notified of what was applied."""
        messages = self.send_and_report(3)
        with mock.patch.object(sms_gateway_inbox.time, 'monotonic', side_effect=[0, *[100] * 50]), \
                mock.patch.object(web_clients, '_notify', self.notified.append):
            self.gateway._drain_reports(50)
        self.assertEqual((self.notified, self.pending()), ([messages[:2]], 1))

    def test_it_cannot_be_formatted(self):
        """Given a message that an addon cannot format: its report stays applied, and the others are shown."""
        messages = self.send_and_report(5)

        def refuse(some):
            if messages[0] in some:
                raise ValueError

        with self.assertLogs(LOGGER, 'WARNING') as log:
            self.drain(refuse)
        self.assertIn("of 2 SMS", log.output[0])
        self.assertEqual([some for some, _pending in self.notified], [messages[:2], messages[2:4], messages[4]])
        self.assertEqual(messages.notification_ids.mapped('notification_status'), ['sent'] * 5)

    def test_outage(self):
        """Given a database that is gone: the rest is not tried."""
        self.send_and_report(5)
        with self.assertLogs(LOGGER, 'WARNING') as log:
            self.drain(mock.Mock(side_effect=psycopg2.OperationalError))
        self.assertIn("of 5 SMS", log.output[0])
        self.assertEqual(len(self.notified), 1)

    def test_removed_message(self):
        """Given a message that a user removes meanwhile: the others are shown."""
        messages = self.send_and_report(2)
        with mock.patch.object(web_clients, '_notify', self.notified.append):
            web_clients.notify(OwnTransactions(self.env), [messages[1].id + 1000, messages[1].id])
        self.assertEqual(self.notified, [messages[1]])

    def test_outside_of_a_drain(self):
        """Given a transaction that nobody collects for: web clients are notified once it is committed."""
        sms, _notification = self.send_message()
        postcommit = self.env.cr.postcommit
        with mock.patch.object(web_clients, '_notify', self.notified.append):
            web_clients.notify_after_commit(sms.mail_message_id)
            web_clients.notify_after_commit(sms.mail_message_id)
            self.assertFalse(self.notified)
            postcommit.run()
        self.assertEqual([some.ids for some in self.notified], [sms.mail_message_id.ids])
