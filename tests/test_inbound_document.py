# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An inbound SMS appears in the chatter of what it answers, for those who may read it, and is answered from there."""
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import NUMBERS, MarketingCase
from .inbound_common import InboundCase

NUMBER = NUMBERS[0]


@tagged('post_install', '-at_install')
class TestDocument(InboundCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.author = new_test_user(cls.env, 'author', 'base.group_user,base.group_partner_manager', email='a@test.com')
        cls.jo = cls.make_contact(cls, name="Jo", phone=NUMBER)

    def send(self, record, author=None, number=NUMBER, **values):
        message = record.with_user(author or self.author)._message_sms("Hello", sms_numbers=[number], **values)
        self.env.flush_all()
        return message

    def place(self, inbound):
        return inbound.res_model, inbound.res_id, inbound.partner_id, inbound.state

    def test_contact(self):
        inbound = self.receive("Hi <b>there</b>\nhttps://example.com")
        self.assertEqual(self.place(inbound), ('res.partner', self.jo.id, self.jo, 'assigned'))
        message = inbound.mail_message_id
        self.assertEqual((message.message_type, message.author_id), ('sms', self.jo))
        self.assertIn("Hi &lt;b&gt;there&lt;/b&gt;", message.body)
        self.assertEqual(message.inbound_sms_number, NUMBER)
        self.assertFalse(self.env['sms.sms'].search([('number', '=', NUMBER)]))
        self.assertEqual(self.provider.sms, [])

    def test_numbers_as_users_enter_them(self):
        for phone in ("0456 00 11 20", "+32 456/00.11.20", "0032456001120"):
            self.jo.phone = phone
            self.assertEqual(self.receive("Hi").partner_id, self.jo, phone)

    def test_unassigned(self):
        inbound = self.receive("Hi", number=NUMBERS[1])
        self.assertEqual(self.place(inbound), (False, 0, self.env['res.partner'], 'unassigned'))
        self.assertFalse(inbound.mail_message_id)
        self.assertEqual(self.receive("Hi", number='Shop').state, 'unassigned')

    def test_document_of_last_sms(self):
        old, new = self.env['res.partner'].create([{'name': "Old"}, {'name': "New"}])
        self.send(old)
        self.send(new)
        inbound = self.receive("Yes")
        self.assertEqual(self.place(inbound), ('res.partner', new.id, self.jo, 'assigned'))
        self.assertEqual(inbound.mail_message_id.author_id, self.jo)

    def test_last_sms_is_too_old(self):
        document = self.env['res.partner'].create({'name': "Old"})
        message = self.send(document)
        message.date = fields.Datetime.now() - timedelta(days=8)
        self.assertEqual(self.receive("Yes").res_id, self.jo.id)
        self.env['ir.config_parameter'].set_param('eis_sms_apis.answer_days', '9')
        self.assertEqual(self.receive("Yes").res_id, document.id)

    def test_no_days_in_the_settings(self):
        self.env['res.config.settings'].create({'sms_answer_days': 0}).execute()
        self.assertEqual(self.env['res.config.settings'].create({}).sms_answer_days, 0)
        document = self.env['res.partner'].create({'name': "Just Now"})
        self.send(document).date -= timedelta(minutes=1)
        self.assertEqual(self.receive("Yes").res_id, self.jo.id)

    def test_deleted_document(self):
        document = self.env['res.partner'].create({'name': "Gone"})
        self.send(document)
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", [document.id])
        self.env.invalidate_all()
        self.assertEqual(self.receive("Yes").res_id, self.jo.id)

    def test_document_without_contact(self):
        self.jo.phone = False
        document = self.env['res.partner'].create({'name': "Lead"})
        self.send(document)
        inbound = self.receive("Yes")
        self.assertEqual(self.place(inbound), ('res.partner', document.id, self.env['res.partner'], 'assigned'))
        self.assertEqual((inbound.mail_message_id.author_id.id, inbound.mail_message_id.email_from), (False, NUMBER))

    def test_several_contacts(self):
        twin = self.make_contact(name="Twin", phone=NUMBER)
        self.assertEqual(self.receive("Hi").partner_id, self.jo)
        twin._message_sms("Hello")
        self.assertEqual(self.place(self.receive("Hi")), ('res.partner', twin.id, twin, 'assigned'))
        self.jo._message_sms("Hello")
        self.assertEqual(self.receive("Hi").partner_id, self.jo)
        self.env['mail.message'].search([('message_type', '=', 'sms')]).date = '2020-01-01'
        self.assertEqual(self.receive("Hi").partner_id, self.jo)

    def test_reply_reference(self):
        first, second = self.env['res.partner'].create([{'name': "First"}, {'name': "Second"}])
        message = self.send(first)
        uuid = message.sudo().notification_ids.sms_tracker_ids.sms_uuid
        status = self.env['sms.gateway.status'].search([('sms_uuid', '=', uuid)])
        self.send(second)
        self.assertEqual(self.receive("Yes").res_id, second.id)
        for reference in (status.message_id, uuid):
            self.assertEqual(self.receive("Yes", reply_reference=reference).res_id, first.id)
        self.assertEqual(self.receive("Yes", reply_reference='unknown').res_id, second.id)
        # a reference to what was sent to somebody else
        inbound = self.receive("Yes", number=NUMBERS[1], reply_reference=uuid)
        self.assertEqual(inbound.state, 'unassigned')

    def test_mass_sms(self):
        documents = self.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': number} for index, number in enumerate(NUMBERS[1:])])
        self.env['sms.composer'].with_context(active_model='res.partner', active_ids=documents.ids).create({
            'body': "Sale", 'composition_mode': 'mass', 'mass_keep_log': True, 'mass_force_send': True,
        })._action_send_sms()
        self.assertEqual(self.receive("Yes", number=NUMBERS[1]).res_id, documents[0].id)

    # === NOTIFICATIONS === #

    def notified(self, inbound):
        return inbound.mail_message_id.notified_partner_ids

    def test_followers_and_author_are_notified(self):
        follower = new_test_user(self.env, 'follower', 'base.group_user', email='f@test.com')
        document = self.env['res.partner'].create({'name': "Order"})
        document.message_subscribe(follower.partner_id.ids)
        self.send(document)
        document.message_unsubscribe(self.author.partner_id.ids)
        inbound = self.receive("Yes")
        self.assertEqual(self.notified(inbound), follower.partner_id | self.author.partner_id)
        self.assertEqual(set(inbound.mail_message_id.notification_ids.mapped('notification_type')), {'email'})
        self.assertEqual(document.message_partner_ids, follower.partner_id)

    def test_inbox(self):
        self.author.notification_type = 'inbox'
        self.send(self.jo)
        inbound = self.receive("Yes")
        self.assertEqual(inbound.mail_message_id.notification_ids.notification_type, 'inbox')

    def test_author_without_access_is_not_notified(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.send(self.jo)
        self.jo.company_id = other
        inbound = self.receive("Yes")
        self.assertNotIn(self.author.partner_id, self.notified(inbound))
        self.send(self.env['res.partner'].create({'name': "Order"}))
        self.author.active = False
        self.assertFalse(self.notified(self.receive("Yes")))

    # === COMPANIES === #

    def test_never_to_another_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        document = self.env['res.partner'].create({'name': "Of the other", 'company_id': other.id})
        document._message_sms("Hello", sms_numbers=[NUMBER])
        ours = self.make_gateway("Ours", company_id=self.env.company.id)
        self.assertEqual(self.receive("Yes", gateway=ours).res_id, self.jo.id)
        self.jo.company_id = other
        self.assertEqual(self.receive("Yes", gateway=ours).state, 'unassigned')
        theirs = self.make_gateway("Theirs", company_id=other.id)
        self.assertEqual(self.receive("Yes", gateway=theirs).res_id, document.id)

    # === ANSWER === #

    def test_reply(self):
        """Through the gateway that received the SMS, to the number it came from."""
        self.make_gateway("First", sequence=1)
        self.jo.phone = NUMBERS[1]
        self.send(self.jo)
        inbound = self.receive("Yes")
        self.provider.clear()
        message = inbound.mail_message_id.with_user(self.author)
        action = message.action_reply_sms()
        composer = self.env['sms.composer'].with_user(self.author).with_context(**action['context']).create({
            'body': "Thanks"})
        self.assertTrue(composer.recipient_single_valid)
        composer.action_send_sms()
        self.assertEqual(self.provider.sms, [(NUMBER, "Thanks")])
        status = self.env['sms.gateway.status'].search([], limit=1)
        self.assertEqual((status.number, status.gateway_id), (NUMBER, self.gateway))
        self.assertEqual(self.jo.phone, NUMBERS[1])
        self.assertTrue(inbound.is_read)
        self.assertIn("Thanks", self.jo.message_ids[0].body)
        self.assertEqual(self.receive("Great").res_id, self.jo.id)

    def test_sender_of_the_reply(self):
        """From the number that the SMS was sent to, and only through the gateway that received it."""
        self.gateway.write({'sender': "Shop", 'number_format': 'international', 'parameter_ids': [
            (0, 0, {'key': 'from', 'value': '{sender}'})]})
        inbound = self.receive("Yes", recipient='+32460000001')
        self.provider.clear()
        self.env['sms.composer'].with_context(**inbound.mail_message_id.action_reply_sms()['context']).create({
            'body': "Thanks"}).action_send_sms()
        self.jo._message_sms("Not a reply")
        self.assertEqual([request.form()['from'] for request in self.provider.requests], [['32460000001'], ['Shop']])
        sms = self.make_sms(NUMBER, forced_gateway_id=self.gateway.id, forced_sender='1')
        self.gateway.state = 'disabled'
        self.make_gateway("Other", sender="Bank", parameter_ids=[
            (0, 0, {'key': 'to', 'param_type': 'number'}), (0, 0, {'key': 'text', 'param_type': 'message'}),
            (0, 0, {'key': 'from', 'value': '{sender}'})])
        sms.send()
        self.assertEqual(self.provider.requests[-1].form()['from'], ['Bank'])

    def test_reply_without_access(self):
        inbound = self.receive("Yes")
        other = self.env['res.company'].create({'name': "Other"})
        self.jo.company_id = other
        with self.assertRaises(AccessError):
            inbound.mail_message_id.with_user(self.author).action_reply_sms()
        ordinary = self.author.partner_id.message_post(body="Note")
        with self.assertRaises(AccessError):
            ordinary.with_user(self.author).action_reply_sms()

    def test_client_cannot_choose_the_gateway(self):
        other = self.make_gateway("Other")
        for value in (other.id, {'gateway_id': other.id}, [other.id]):
            self.jo.with_user(self.author).with_context(sms_forced_gateway=value)._message_sms("Hello")
            status = self.env['sms.gateway.status'].search([], limit=1)
            self.assertEqual(status.gateway_id, self.gateway)


@tagged('post_install', '-at_install')
class TestMailingDocument(InboundCase, MarketingCase):

    def test_answer_to_a_mailing(self):
        self.mailing.action_send_sms()
        inbound = self.receive("Tell me more")
        self.assertEqual((inbound.res_model, inbound.res_id), ('res.partner', self.contacts[0].id))


@tagged('post_install', '-at_install')
class TestAssign(InboundCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.responsible = new_test_user(
            cls.env, 'responsible', 'base.group_user,base.group_partner_manager', email='r@test.com')
        cls.employee = new_test_user(cls.env, 'employee', 'base.group_user,base.group_partner_manager')
        cls.gateway.inbound_user_id = cls.responsible

    def assign(self, inbound, user, **values):
        action = inbound.with_user(user).action_assign()
        dialog = self.env[action['res_model']].with_user(user).with_context(**action['context']).create(values)
        dialog.action_assign()
        self.env.invalidate_all()

    def test_responsible_user(self):
        first, second = self.receive("Hi"), self.receive("Anybody there?")
        contact = self.env['res.partner'].create({'name': "Jo"})
        self.assign(first, self.responsible, partner_id=contact.id)
        self.assertEqual((first | second).mapped('state'), ['assigned', 'assigned'])
        self.assertEqual(contact.phone_sanitized, NUMBER)
        self.assertEqual((first | second).mail_message_id.author_id, contact)
        self.assertEqual((first | second).mapped('is_read'), [True, True])
        self.assertEqual(self.receive("And now?").res_id, contact.id)

    def test_document(self):
        inbound = self.receive("Hi")
        contact, order = self.env['res.partner'].create([{'name': "Jo", 'phone': '+32456001199'}, {'name': "Order"}])
        self.assign(inbound, self.responsible, partner_id=contact.id, document=f'res.partner,{order.id}')
        self.assertEqual((inbound.res_id, inbound.partner_id), (order.id, contact))
        self.assertEqual(contact.phone, '+32456001199')

    def test_others_cannot(self):
        inbound = self.receive("Secret")
        with self.assertRaises(AccessError):
            inbound.with_user(self.employee).read(['body'])
        with self.assertRaises(AccessError):
            inbound.with_user(self.employee).action_assign()
        self.assertFalse(self.env['sms.gateway.inbound'].with_user(self.employee).search([]))
        dialog = self.env['sms.gateway.inbound.assign'].create({
            'inbound_ids': inbound.ids, 'partner_id': self.employee.partner_id.id, 'number': NUMBER})
        with self.assertRaises(AccessError):
            dialog.with_user(self.employee).action_assign()
        self.assertEqual(self.env['sms.gateway.inbound'].with_user(self.responsible).search([]).body, "Secret")

    def test_refused(self):
        inbound = self.receive("Hi")
        other = self.env['res.company'].create({'name': "Other"})
        self.gateway.company_id = self.env.company
        contact = self.env['res.partner'].create({'name': "Of the other", 'company_id': other.id})
        with self.assertRaises(UserError):
            self.assign(inbound, self.env.user, partner_id=contact.id)
        contact.company_id = False
        self.assign(inbound, self.env.user, partner_id=contact.id)

    def test_refused_before_a_contact_is_selected(self):
        inbound, contact = self.receive("Hi"), self.env['res.partner'].create({'name': "Jo"})
        several = inbound | self.receive("Hi", number=NUMBERS[1])
        dialog = self.env['sms.gateway.inbound.assign'].create(
            {'inbound_ids': several.ids, 'partner_id': contact.id, 'number': NUMBER})
        for records in (several, dialog):
            with self.assertRaisesRegex(UserError, "one sender at a time"):
                records.action_assign()
        self.assign(inbound, self.env.user, partner_id=contact.id)
        with self.assertRaisesRegex(UserError, "assigned already"):
            inbound.action_assign()
        with self.assertRaisesRegex(UserError, "assigned already"):
            self.env['sms.gateway.inbound.assign'].create(
                {'inbound_ids': inbound.ids, 'partner_id': contact.id}).action_assign()

    def test_unread_count(self):
        first = self.receive("Hi")
        self.receive("Hi again")
        self.receive("")
        self.assertEqual(self.gateway.inbound_unread_count, 2)
        first.action_mark_read()
        self.gateway.invalidate_recordset()
        self.assertEqual(self.gateway.inbound_unread_count, 1)
        self.assertEqual(self.env['sms.gateway.inbound'].search(
            self.gateway.action_view_inbound()['domain'] + [('is_read', '=', False), ('state', '!=', 'ignored')],
        ).body, "Hi again")

    def test_unread_counts_of_many_gateways(self):
        """The number of queries does not depend on that of the gateways."""
        gateways = self.gateway
        for index in range(5):
            gateways |= self.make_gateway(f"Gateway {index}")
        for index, gateway in enumerate(gateways[:3]):
            for _time in range(index):
                self.receive("Hi", gateway=gateway)
        gateways.invalidate_recordset()
        with self.assertQueryCount(2):
            counts = gateways.mapped('inbound_unread_count')
            has_inbound = gateways.mapped('has_inbound')
        self.assertEqual(counts, [0, 1, 2, 0, 0, 0])
        self.assertEqual(has_inbound, [False, True, True, False, False, False])

