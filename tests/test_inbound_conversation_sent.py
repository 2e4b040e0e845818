# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A conversation shows each SMS to a number once, also those that no chatter shows, to those who may know of them."""
from datetime import timedelta
from unittest import mock

from odoo import fields
from odoo.tests import new_test_user, tagged

from .. import uninstall_hook
from ..models.sms_tracker import TRACE_INDEX
from ..wizard import conversation as conversation_module
from .common import NUMBERS, MarketingCase
from .inbound_common import InboundCase
from .provider import Reply

NUMBER = NUMBERS[0]
GONE = "The text was not kept."


class SentCase(InboundCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.employee = new_test_user(cls.env, 'employee', 'base.group_user,base.group_partner_manager')
        cls.administrator = new_test_user(cls.env, 'administrator', 'base.group_system')

    def get_lines(self, user=None, number=NUMBER):
        conversation = self.env['sms.gateway.conversation'].with_user(user or self.administrator).create(
            {'number': number})
        return [(line['text'] or line['note'], line['author'], line['status']) for line in conversation._get_lines()]

    def get_texts(self, user=None):
        return [text for text, _author, _status in self.get_lines(user)]

    def delete_sent(self):
        """Delete SMS that were sent, as core's autovacuum does."""
        self.env.flush_all()
        self.env['sms.sms']._gc_device()
        self.env.invalidate_all()


@tagged('post_install', '-at_install')
class TestSent(SentCase):

    def test_mass_sms_without_note(self):
        jo = self.make_contact(phone=NUMBER)
        self.env['sms.composer'].with_user(self.administrator).create({
            'composition_mode': 'mass', 'mass_keep_log': False, 'mass_force_send': True, 'res_model': 'res.partner',
            'res_ids': repr(jo.ids), 'body': "No note"}).action_send_sms()
        self.assertFalse(jo.message_ids.notification_ids)
        self.assertEqual(self.get_lines(), [("No note", self.administrator.name, "Sent")])
        self.assertEqual(self.get_lines(self.employee), [])
        self.delete_sent()
        self.assertEqual(self.get_lines(), [(GONE, self.administrator.name, "Sent")])
        self.assertEqual(self.get_lines(self.employee), [])

    def test_in_order_and_once(self):
        """A message, its SMS and its status are one line, and so are an automatic reply and its status."""
        self.env.company.sms_help_reply = "Call us."
        jo = self.make_contact(phone=NUMBER)
        jo._message_sms("In the chatter")
        self.receive("HELP")
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.get_texts(), ["In the chatter", "HELP", "Call us."])
        first = self.make_sms(NUMBER, body="Before")
        first.send()
        self.status_of(first).sent_date = fields.Datetime.now() - timedelta(days=1)
        expected = ["Before", "In the chatter", "HELP", "Call us."]
        self.assertEqual(self.get_texts(), expected)
        self.delete_sent()
        self.assertEqual(self.get_texts(), [GONE, *expected[1:]])
        self.assertEqual(self.get_texts(self.employee), expected[1:])

    def test_states(self):
        queued = self.make_sms(NUMBER, body="Queued")
        self.always_answer(Reply(400, "no"))
        self.make_sms(NUMBER, body="Refused").send()
        self.assertEqual([(text, status) for text, _author, status in self.get_lines()], [
            ("Queued", "In Queue"), ("Refused", "Error")])
        queued.unlink()
        self.env['sms.sms'].search([('number', '=', NUMBER)]).unlink()
        self.assertEqual([(text, status) for text, _author, status in self.get_lines()], [(GONE, "Error")])
        self.env['sms.gateway.status'].search([('number', '=', NUMBER)]).write({
            'state': 'success', 'delivered_date': fields.Datetime.now()})
        self.assertEqual([(text, status) for text, _author, status in self.get_lines()], [(GONE, "Delivered")])

    def test_number_as_in_the_contact(self):
        """Code copies it to the SMS."""
        self.make_sms('+32 456 00 11 20', body="Spaces").send()
        self.assertEqual(self.get_texts(), ["Spaces"])

    def test_test(self):
        test = self.env['sms.gateway.test'].create({'gateway_id': self.gateway.id, 'number': NUMBER})
        test.action_send()
        self.assertEqual(self.get_lines(), [(GONE, "Test", "Sent")])

    def test_companies(self):
        """SMS of companies that are not selected are neither shown nor displace others."""
        other = self.env['res.company'].create({'name': "Other"})
        ours = self.make_sms(NUMBER, body="Ours")
        theirs = self.make_sms(NUMBER, NUMBER, body="Theirs", record_company_id=other.id)
        with mock.patch.object(conversation_module, 'LAST', 2):
            self.assertEqual(self.get_texts(), ["Ours"])
            (ours | theirs).send()
            self.delete_sent()
            self.assertEqual(self.get_texts(), [GONE])
        self.administrator.company_ids |= other
        both = self.env['sms.gateway.conversation'].with_user(self.administrator).with_context(
            allowed_company_ids=[self.env.company.id, other.id]).create({'number': NUMBER})
        self.assertEqual(len(both._get_lines()), 3)

    def test_message_without_state(self):
        """Of a mass SMS that goes to IAP, core only logs a note."""
        jo = self.make_contact(phone=NUMBER)
        hidden = self.make_contact(name="Hidden", company_id=self.env['res.company'].create({'name': "Other"}).id)
        for contact, body in ((jo, "Noted"), (hidden, "Of a hidden document")):
            message = contact._message_log(body=body, message_type='sms')
            self.make_sms(NUMBER, body=body, mail_message_id=message.id, record_company_id=self.env.company.id)
        self.assertEqual(self.get_texts(self.employee), ["Noted"])
        self.assertEqual(self.get_texts(), ["Noted", "Of a hidden document"])


@tagged('post_install', '-at_install')
class TestSentMailings(SentCase, MarketingCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marketer = new_test_user(
            cls.env, 'marketer', 'base.group_user,mass_mailing.group_mass_mailing_user')

    def test_mailing(self):
        self.mailing.action_send_sms()
        text = f"Sale for {self.contacts[0].name}"
        for user in (self.administrator, self.marketer):
            self.assertEqual(self.get_lines(user), [(text, "Summer sale", "Sent")])
        self.assertEqual(self.get_lines(self.employee), [(text, "Mailing", "Sent")])
        self.delete_sent()
        for user in (self.administrator, self.marketer):
            self.assertEqual(self.get_lines(user), [("Sale for {{ object.name }}", "Summer sale", "Sent")])
        self.assertEqual(self.get_lines(self.employee), [(GONE, "Mailing", "Sent")])
        conversation = self.env['sms.gateway.conversation'].create({'number': NUMBER}).conversation
        self.assertIn("Text of the mailing", conversation)

    def test_queued(self):
        self.mailing.sms_force_send = False
        self.mailing.action_send_sms()
        self.assertEqual(self.get_lines(self.employee), [(f"Sale for {self.contacts[0].name}", "Mailing", "In Queue")])

    def test_hidden_recipient(self):
        """Who cannot read the recipient sees nothing, or the text of the mailing with the rights of SMS Marketing."""
        self.mailing.action_send_sms()
        self.contacts[0].company_id = self.env['res.company'].create({'name': "Other"})
        self.assertEqual(self.get_lines(self.employee), [])
        self.assertEqual(self.get_texts(self.marketer), ["Sale for {{ object.name }}"])
        self.contacts[0].unlink()
        self.assertEqual(self.get_lines(self.employee), [])
        self.assertEqual(self.get_texts(), ["Sale for Contact 0"])

    def test_kept_in_the_chatter(self):
        self.mailing.keep_archives = True
        self.mailing.action_send_sms()
        self.delete_sent()
        self.assertEqual(self.get_texts(self.employee), [f"Sale for {self.contacts[0].name}"])

    def test_old_mailing(self):
        """The status is removed before the trace."""
        self.mailing.action_send_sms()
        self.delete_sent()
        self.env['sms.gateway.status'].search([('number', '=', NUMBER)]).unlink()
        self.assertEqual(self.get_lines(self.marketer), [("Sale for {{ object.name }}", "Summer sale", "Sent")])

    def test_deleted_mailing(self):
        self.mailing.action_send_sms()
        self.delete_sent()
        self.mailing.unlink()
        self.assertEqual(self.get_lines(), [(GONE, "Summer sale", "Sent")])
        self.assertEqual(self.get_lines(self.employee), [])

    def test_left_out(self):
        """A mailing has traces of recipients that it sends nothing."""
        self.env['phone.blacklist'].create({'number': NUMBER})
        self.mailing.action_send_sms()
        self.assertEqual(self.traces()[0].trace_status, 'cancel')
        self.assertEqual(self.get_lines(), [])

    def test_other_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.mailing.with_company(other).action_send_sms()
        self.assertTrue(self.traces()[0].sms_number)
        for _time in range(2):  # known by the SMS, then by the status
            for user in (self.administrator, self.marketer, self.employee):
                self.assertEqual(self.get_lines(user), [])
            self.delete_sent()

    def test_test_button(self):
        """Its trace belongs to any record, whose readers do not see it."""
        self.mailing.sms_allow_unsubscribe = True
        self.env['mailing.sms.test'].create({'numbers': NUMBER, 'mailing_id': self.mailing.id}).action_send_sms()
        self.assertEqual(self.get_lines(self.employee), [])
        (text, author, status), = self.get_lines()
        self.assertEqual((author, status), ("Test: Summer sale", "Sent"))
        self.assertIn("Sale for", text)

    def test_index(self):
        """The numbers of traces are indexed, also if SMS Marketing is installed later, until the addon is uninstalled.
        """
        self.env.cr.execute(f"DROP INDEX {TRACE_INDEX}")  # pylint: disable=sql-injection
        self.env.registry.init_models(self.env.cr, ['sms.tracker'], {'module': 'mass_mailing_sms'}, install=False)
        self.assertIn('(sms_number, id)', self.get_index())
        uninstall_hook(self.env)
        self.assertFalse(self.get_index())

    def get_index(self):
        self.env.cr.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [TRACE_INDEX])
        return ''.join(definition for definition, in self.env.cr.fetchall())
