# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Inbound SMS in a real browser: one arrives, is answered, is assigned."""
from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user, tagged

from .common import MarketingCase
from .inbound_common import InboundCase

NUMBER = '+32456001122'


@tagged('post_install', '-at_install')
class TestInboundTours(InboundCase, HttpCase):

    def test_answer_arrives_and_is_answered(self):
        contact = self.make_contact()
        user = new_test_user(self.env, 'plain', groups='base.group_user,base.group_partner_manager')
        contact.with_user(user)._message_sms("Is Friday fine?")

        def receive(_gateways):
            with patch.object(type(self.env['res.users']), '_bus_send', autospec=True) as bus_send:
                self.receive("Yes, Friday", number=NUMBER)
            (receiver, name, payload), = [
                call.args for call in bus_send.call_args_list if call.args[1] == 'eis_sms_apis/inbound']
            self.assertEqual((receiver, name), (user, 'eis_sms_apis/inbound'))
            return payload

        with patch.object(type(self.env['sms.gateway']), 'action_test', receive):
            self.start_tour(f'/odoo/res.partner/{contact.id}', 'eis_sms_apis.inbound_reply', login='plain')
        self.assertEqual(self.provider.sms[-1], (NUMBER, "See you then"))

    def test_responsible_user_assigns(self):
        user = new_test_user(self.env, 'plain', groups='base.group_user,base.group_partner_manager')
        self.gateway.inbound_user_id = user
        self.receive("Who are you?", number=NUMBER)
        menus = self.env['ir.ui.menu'].with_user(user).load_menus(False).values()
        self.assertEqual([menu['xmlid'] for menu in menus if 'eis_sms_apis' in (menu.get('xmlid') or '')], [
            'eis_sms_apis.sms_menu_inbox'])
        self.start_tour('/odoo/action-eis_sms_apis.sms_gateway_inbound_action', 'eis_sms_apis.inbound_assign',
                        login='plain')
        contact = self.env['res.partner'].search([('name', '=', "Kim New")])
        self.assertEqual(contact.phone_sanitized, NUMBER)
        self.assertEqual(self.provider.sms, [(NUMBER, "Your bank")])


@tagged('post_install', '-at_install')
class TestMailingTours(InboundCase, MarketingCase, HttpCase):

    def test_opt_outs_of_a_mailing(self):
        user = new_test_user(
            self.env, 'marketer', groups='base.group_user,base.group_partner_manager,'
                                         'mass_mailing.group_mass_mailing_user')
        number = self.contacts[1].phone_sanitized
        self.env['phone.blacklist'].create({'number': self.contacts[0].phone_sanitized})
        self.mailing.user_id = user
        self.mailing.action_send_sms()
        self.receive("STOP", number=number)
        self.start_tour(f'/odoo/mailing.mailing/{self.mailing.id}', 'eis_sms_apis.mailing_opt_outs', login='marketer')
        self.start_tour(f'/odoo/res.partner/{self.contacts[1].id}', 'eis_sms_apis.mailing_in_conversation',
                        login='marketer')
