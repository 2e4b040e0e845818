# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Inbound SMS are stored first and recorded together afterwards, none twice; parts of a long SMS are put together."""
import time
from datetime import timedelta
from unittest import mock

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..controllers import callback_load
from ..models import sms_gateway_inbox
from ..tools.inbound.message import InboundMessage
from .common import NUMBER, GatewayCase

LOGGER = 'odoo.addons.eis_sms_apis.sending.store.transactions'


class InboundCase(GatewayCase):
    """Given a gateway, `receive` stores messages as its URL does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.inbound_enabled = True
        cls.inbound = cls.env['sms.gateway.inbound']

    def make_message(self, text="Hello", message_id='', number='32456001122', **values):
        return InboundMessage(message_id, number, '8850', text, **values)

    def receive(self, *messages):
        self.assertTrue(self.gateway._receive_messages(messages))
        self.env.invalidate_all()
        return self.rows()

    def rows(self):
        return self.inbound.search([('gateway_id', '=', self.gateway.id)], order='id')

    def store(self, *messages):
        """Store messages as calls do whose server was killed before it could record them."""
        with mock.patch.object(type(self.env['sms.gateway.received.message']), '_drain', autospec=True):
            self.receive(*messages)

    def watch_hook(self, fail=lambda _messages: False):
        """:return: a list of the texts that `_receive_sms` gets, a list for each call that does not fail"""
        calls = []

        def receive_sms(_self, messages):
            if fail(messages):
                raise ValueError
            calls.append(messages.mapped('body'))

        self.startPatcher(mock.patch.object(type(self.inbound), '_receive_sms', receive_sms))
        return calls


@tagged('post_install', '-at_install')
class TestInboundInbox(InboundCase):

    def test_message(self):
        calls = self.watch_hook()
        row = self.receive(self.make_message(
            " Grüße 👋\n", 'M1', sent_at='2024-05-06 07:08:09', reply_reference='uuid', optout='stop'))
        self.assertEqual(
            (row.number, row.recipient, row.body, row.message_id, row.reply_reference, row.provider_optout, row.state),
            (NUMBER, '8850', " Grüße 👋\n", 'M1', 'uuid', 'stop', 'new'))
        self.assertEqual(fields.Datetime.to_string(row.sent_date), '2024-05-06 07:08:09')
        self.assertFalse(row.is_read)
        self.assertEqual(calls, [[" Grüße 👋\n"]])

    def test_company(self):
        self.gateway.company_id = self.env['res.company'].create({'name': "Other"})
        self.assertEqual(self.receive(self.make_message()).company_id, self.gateway.company_id)

    def test_message_without_text_is_ignored(self):
        calls = self.watch_hook()
        self.assertEqual(self.receive(self.make_message(" ", 'M1')).state, 'ignored')
        self.assertEqual(calls, [])

    def test_repeated_message_changes_nothing(self):
        """By message ID; without one by number, text and time, or for minutes if there is no time."""
        calls = self.watch_hook()
        self.receive(self.make_message("A", 'M1'), self.make_message("A", 'M1'))
        self.receive(self.make_message("A again", 'M1'), self.make_message("A", 'M2'))
        self.assertEqual(self.rows().mapped('message_id'), ['M1', 'M2'])
        for _time in range(2):
            self.receive(
                self.make_message("B", sent_at='2024-05-06 07:08:09'), self.make_message("B"),
                self.make_message("B", sent_at='2024-05-06 07:08:10'))
        self.assertEqual(len(self.rows()), 5)
        self.assertEqual(len([text for call in calls for text in call]), 5)
        self.env.cr.execute("UPDATE sms_gateway_inbound SET create_date = create_date - interval '6 minutes'")
        self.receive(self.make_message("B"), self.make_message("B", sent_at='2024-05-06 07:08:10'))
        self.assertEqual(len(self.rows()), 6)

    def test_same_id_at_another_gateway(self):
        self.receive(self.make_message("A", 'M1'))
        self.gateway = self.make_gateway("Second")
        self.assertEqual(len(self.receive(self.make_message("A", 'M1'))), 1)

    def test_next_call_and_queue_action_record_what_is_left(self):
        self.store(self.make_message("A", 'M1'))
        self.assertFalse(self.rows())
        self.assertEqual(self.receive(self.make_message("B", 'M2')).mapped('body'), ["A", "B"])
        self.store(self.make_message("C", 'M3'))
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.rows().mapped('body'), ["A", "B", "C"])

    def test_batches(self):
        self.store(*(self.make_message(str(index), f'M{index}') for index in range(7)))
        with mock.patch.object(sms_gateway_inbox, 'BATCH', 3):
            self.gateway._drain_messages(time.monotonic() + 60)
        self.assertEqual(self.rows().mapped('body'), list('0123456'))

    def test_pause(self):
        """A STOP does not wait for half a second until the next batch."""
        self.store(self.make_message("A", 'M1'))
        drain = self.gateway._drain_messages
        with mock.patch.object(callback_load.time, 'sleep') as sleep:
            callback_load.drain_once(('db', 3), lambda _deadline, pause: drain(time.monotonic() + 60, pause))
        sleep.assert_called_once_with(0.1)

    @mute_logger(LOGGER)
    def test_hook_that_raises(self):
        """Other messages are processed; the one at fault is tried again and finally stays New."""
        calls = self.watch_hook(lambda messages: "B" in messages.mapped('body'))
        self.receive(*(self.make_message(text, text) for text in 'ABC'))
        self.assertEqual((self.rows().mapped('body'), calls), (["A", "C"], [["A"], ["C"]]))
        for _time in range(sms_gateway_inbox.MAX_TRIES):
            self.env['sms.sms']._process_queue()
        self.assertEqual((self.rows().sorted('body').mapped('body'), len(calls)), (["A", "B", "C"], 2))
        self.assertEqual(set(self.rows().mapped('state')), {'new'})

    def test_gateway_with_messages_is_not_deleted(self):
        self.receive(self.make_message())
        with self.assertRaisesRegex(UserError, "Archive it"):
            self.gateway.unlink()

    def test_old_messages_are_removed(self):
        parameters = self.env['ir.config_parameter'].sudo()
        self.receive(self.make_message("Old"), self.make_message("New"))
        old, new = self.rows()
        self.env.cr.execute(
            "UPDATE sms_gateway_inbound SET create_date = create_date - interval '40 days' WHERE id = %s", [old.id])
        for days, left in (('0', old + new), ('41', old + new), ('39', new)):
            parameters.set_param('eis_sms_apis.inbound_retention_days', days)
            self.inbound._gc_old_inbound()
            self.assertEqual(self.rows(), left, days)

    def test_token(self):
        """At least 32 random bytes, its own, two during a rotation, never copied."""
        token = self.gateway.inbound_token
        self.assertGreaterEqual(len(token), 43)
        self.assertNotEqual(token, self.gateway.delivery_callback_token)
        self.assertTrue(self.gateway.inbound_url.endswith(f'/eis_sms/inbound/{token}'))
        self.gateway.action_rotate_inbound_token()
        self.assertEqual(self.gateway.inbound_old_token, token)
        self.assertNotEqual(self.gateway.inbound_token, token)
        copy = self.gateway.copy()
        self.assertFalse(copy.inbound_old_token)
        self.assertNotEqual(copy.inbound_token, self.gateway.inbound_token)
        self.gateway.action_end_inbound_rotation()
        self.assertFalse(self.gateway.inbound_old_token)
        self.gateway.action_rotate_inbound_token()
        self.gateway.action_new_inbound_token()
        self.assertFalse(self.gateway.inbound_old_token)
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.make_gateway("Thief", inbound_token=self.gateway.inbound_token)


@tagged('post_install', '-at_install')
class TestInboundParts(InboundCase):

    def make_part(self, part, total=3, text=None, reference='17', **values):
        return self.make_message(
            text or f"part {part} ", f'{reference}-{part}', part_reference=reference, part_number=part,
            part_total=total, **values)

    def test_any_order(self):
        calls = self.watch_hook()
        row = self.receive(self.make_part(3), self.make_part(1))
        self.assertEqual((row.state, row.body), ('incomplete', "part 1 part 3 "))
        self.assertEqual(calls, [])
        row = self.receive(self.make_part(2))
        self.assertEqual((row.state, row.body), ('new', "part 1 part 2 part 3 "))
        self.receive(self.make_part(2), self.make_part(3))
        self.assertEqual((len(self.rows()), calls), (1, [["part 1 part 2 part 3 "]]))

    def test_two_messages_at_once(self):
        """By number and reference; a reference is used again."""
        self.receive(
            self.make_part(1, 2), self.make_part(1, 2, reference='18'),
            self.make_part(1, 2, number='32456001199'), self.make_part(2, 2), self.make_part(2, 2, reference='18'))
        self.assertEqual(self.rows().mapped('state'), ['unassigned', 'unassigned', 'incomplete'])
        self.receive(self.make_part(2, 2, "other 2"), self.make_part(1, 2, "other 1 "))
        self.assertEqual(self.rows()[-1].body, "other 1 other 2")

    def test_same_id_in_all_parts(self):
        row = self.receive(*(
            self.make_message(text, 'M1', part_reference='', part_number=index, part_total=2)
            for index, text in ((2, "b"), (1, "a"))))
        self.assertEqual((row.body, row.state), ("ab", 'unassigned'))

    def test_time_limit(self):
        calls = self.watch_hook()
        row = self.receive(self.make_part(1), self.make_part(3))
        self.env['sms.sms']._process_queue()
        self.assertEqual(row.state, 'incomplete')
        self.env.cr.execute("UPDATE sms_gateway_inbound SET create_date = create_date - interval '16 minutes'")
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual((row.state, calls), ('new', [["part 1 part 3 "]]))

    def test_one_that_cannot_be_processed(self):
        """It is left to the next queue action."""
        self.receive(self.make_part(1))
        self.env.cr.execute("UPDATE sms_gateway_inbound SET create_date = create_date - interval '16 minutes'")
        inbound = self.env['sms.gateway.inbound']
        with mock.patch.object(type(inbound), '_process', side_effect=ValueError) as process, \
                mute_logger(LOGGER):
            inbound._deliver_incomplete(time.monotonic() + 60)
        self.assertEqual(process.call_count, 2)

    def test_queue_action_is_triggered(self):
        cron = self.env.ref('sms.ir_cron_sms_scheduler_action')
        self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]).unlink()
        self.receive(self.make_part(1))
        at = self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]).mapped('call_at')
        self.assertTrue(any(moment > fields.Datetime.now() + timedelta(minutes=14) for moment in at), at)
