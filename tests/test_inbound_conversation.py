# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A conversation shows what was received and sent, with the automatic replies, to those who may read it."""
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from .common import NUMBERS
from .inbound_common import InboundCase
from .provider import Reply

NUMBER = NUMBERS[0]


@tagged('post_install', '-at_install')
class TestConversation(InboundCase):

    def test_both_ways(self):
        jo = self.make_contact(phone=NUMBER)
        self.receive("First", number=NUMBER)
        jo._message_sms("Second")
        self.receive("Third <b>")
        action = jo.action_view_sms_conversation()
        conversation = self.env[action['res_model']].browse(action['res_id'])
        lines = conversation._get_lines()
        self.assertEqual([(line['is_inbound'], line['text']) for line in lines], [
            (True, "First"), (False, "Second"), (True, "Third <b>")])
        self.assertIn("Third &lt;b&gt;", conversation.conversation)
        self.provider.clear()
        conversation.body = "Fourth"
        action = conversation.action_send()
        self.assertEqual(self.provider.sms, [(NUMBER, "Fourth")])
        self.assertIn("Fourth", self.env[action['res_model']].browse(action['res_id']).conversation)

    def test_first_sms(self):
        jo = self.make_contact(phone=NUMBER)
        action = jo.action_view_sms_conversation()
        conversation = self.env[action['res_model']].browse(action['res_id'])
        with self.assertRaises(UserError):
            conversation.action_send()
        conversation.body = "Hello"
        conversation.action_send()
        self.assertEqual(self.provider.sms, [(NUMBER, "Hello")])

    def test_only_what_the_user_may_read(self):
        employee = new_test_user(self.env, 'employee', 'base.group_user,base.group_partner_manager')
        self.receive("Unassigned")
        jo = self.make_contact(phone=NUMBER)
        self.receive("For all")
        other = self.env['res.company'].create({'name': "Other"})
        hidden = self.env['res.partner'].create({'name': "Hidden", 'company_id': other.id})
        hidden._message_sms("Sent by the other", sms_numbers=[NUMBER])
        self.receive("To the other")
        action = jo.with_user(employee).action_view_sms_conversation()
        conversation = self.env[action['res_model']].with_user(employee).browse(action['res_id'])
        self.assertEqual([line['text'] for line in conversation._get_lines()], ["For all"])
        everything = self.env['sms.gateway.conversation'].create({'number': NUMBER})
        self.assertEqual([line['text'] for line in everything._get_lines()], [
            "Unassigned", "For all", "Sent by the other", "To the other"])

    def test_automatic_reply(self):
        """It is in no chatter."""
        self.env.company.write({'sms_stop_reply': "No more <SMS>.", 'sms_help_reply': "Call us."})
        jo = self.make_contact(phone=NUMBER)
        self.receive("Hello")
        self.receive("STOP")
        self.env['sms.sms']._process_queue()
        self.receive("Thanks")
        lines = self.get_lines(jo)
        self.assertEqual([(line['is_inbound'], line['text'], line['author']) for line in lines], [
            (True, "Hello", jo.name), (True, "STOP", jo.name), (False, "No more <SMS>.", "Automatic reply"),
            (True, "Thanks", jo.name)])
        self.assertEqual([line['status'] for line in lines], [False, False, "Sent", False])
        self.assertFalse(any(line['is_failed'] for line in lines))
        self.assertIn("No more &lt;SMS&gt;.", self.open(jo).conversation)
        employee = new_test_user(self.env, 'employee', 'base.group_user,base.group_partner_manager')
        self.assertEqual(len(self.get_lines(jo.with_user(employee))), 4)
        jo.company_id = self.env['res.company'].create({'name': "Other"})
        hidden = self.env['sms.gateway.conversation'].with_user(employee).create({'number': NUMBER})
        self.assertEqual(hidden._get_lines(), [])

    def test_automatic_reply_to_a_stranger(self):
        self.env.company.sms_help_reply = "Call us."
        self.always_answer(Reply(400, "no"))
        inbound = self.receive("HELP")
        self.env['sms.sms']._process_queue()
        conversation = self.env['sms.gateway.conversation'].create({'number': NUMBER})
        self.assertEqual([(line['text'], line['status']) for line in conversation._get_lines()], [
            ("HELP", False), ("Call us.", "Error")])
        self.assertEqual(inbound.keyword_reply, "Call us.")

    def open(self, contact):
        action = contact.action_view_sms_conversation()
        return contact.env[action['res_model']].browse(action['res_id'])

    def get_lines(self, contact):
        return self.open(contact)._get_lines()
