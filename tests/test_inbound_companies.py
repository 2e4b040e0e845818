# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a company received neither reaches nor changes anything of another one."""
from unittest import mock

from odoo.tests import new_test_user, tagged

from ..models import sms_gateway_inbound_document
from ..wizard import conversation as conversation_module
from .common import NUMBERS, MarketingCase
from .inbound_common import InboundCase
from .provider import Reply

NUMBER = NUMBERS[0]


class CompaniesCase(InboundCase):
    """Given two companies, each with a gateway of its own, and `self.gateway`, which all companies share."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.other = cls.env['res.company'].create({'name': "Other"})
        cls.env.user.company_ids |= cls.other
        cls.ours = cls.make_gateway("Ours", company_id=cls.company.id, sequence=1)
        cls.theirs = cls.make_gateway("Theirs", company_id=cls.other.id, sequence=1)

    def make_document(self, company, **values):
        return self.env['res.partner'].create({'name': f"Of {company.name}", 'company_id': company.id, **values})

    def send(self, document):
        document.with_company(document.company_id)._message_sms("Hello", sms_numbers=[NUMBER])
        self.env.flush_all()
        return document


@tagged('post_install', '-at_install')
class TestCompanies(CompaniesCase):

    def test_many_sms_of_the_other_company(self):
        """They do not displace our last one."""
        document = self.send(self.make_document(self.company))
        theirs = self.make_document(self.other)
        for _time in range(3):
            self.send(theirs)
        with mock.patch.object(sms_gateway_inbound_document, 'LAST', 2):
            self.assertEqual(self.receive("Yes", gateway=self.ours).res_id, document.id)

    def test_shared_gateway(self):
        """An SMS at the number of all companies does not answer one that a company's own gateway sent."""
        self.ours.state = 'disabled'
        document = self.send(self.make_document(self.company))
        theirs = self.send(self.make_document(self.other))
        self.assertEqual(self.receive("Yes").res_id, document.id)
        self.assertEqual(self.receive("Yes", gateway=self.theirs).res_id, theirs.id)

    def test_contact_is_of_the_company_of_the_document(self):
        self.ours.state = 'disabled'
        self.make_document(self.other, phone=NUMBER)
        document = self.send(self.make_document(self.company))
        inbound = self.receive("Yes")
        self.assertEqual((inbound.res_id, inbound.partner_id.id), (document.id, False))
        contact = self.make_document(self.company, phone=NUMBER)
        self.assertEqual(self.receive("Yes").partner_id, contact)

    def test_conversation(self):
        """SMS of companies that are not selected do not displace those of the others."""
        contact = self.make_document(self.company, phone=NUMBER)
        self.receive("Ours", gateway=self.ours)
        theirs = self.make_document(self.other)
        for _time in range(3):
            self.send(theirs)
            self.receive("Theirs", gateway=self.theirs)
        employee = new_test_user(self.env, 'employee', 'base.group_user,base.group_partner_manager')
        action = contact.with_user(employee).action_view_sms_conversation()
        conversation = self.env[action['res_model']].with_user(employee).browse(action['res_id'])
        with mock.patch.object(conversation_module, 'LAST', 2):
            self.assertEqual([line['text'] for line in conversation._get_lines()], ["Ours"])

    def test_refused_national_number(self):
        """It is read with the country of the company that sent the SMS."""
        self.other.country_id = self.env.ref('base.fr')
        self.theirs.write({'optout_codes': "21610", 'error_code_regex': r'"code":\s*"(\w+)"'})
        self.always_answer(Reply(400, {'code': '21610'}))
        self.make_sms('06 12 34 56 78', record_company_id=self.other.id).send()
        self.assertTrue(self.env['phone.blacklist'].search([('number', '=', '+33612345678')]))

    def test_reported_national_number(self):
        self.other.country_id = self.env.ref('base.fr')
        self.theirs.optout_codes = "21610"
        self.theirs._follow_error_codes([(self.theirs, '0612345678', '21610')], 'report')
        self.assertTrue(self.env['phone.blacklist'].search([('number', '=', '+33612345678')]))


@tagged('post_install', '-at_install')
class TestCompaniesMarketing(CompaniesCase, MarketingCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # a company of their own each, from whose gateway the mailing is sent
        cls.contacts[0].company_id = cls.company
        cls.mailing.action_send_sms()
        cls.sent_by_other = cls.make_mailing(
            sms_force_send=True, mailing_domain=repr([('id', '=', cls.make_document(cls, cls.other, phone=NUMBER).id)]))
        cls.sent_by_other.with_company(cls.other).action_send_sms()

    def opted_out(self):
        return self.env['mailing.trace'].search([('failure_type', '=', 'sms_optout')]).mass_mailing_id

    def test_stop_marks_the_mailing_of_its_company(self):
        statuses = self.env['sms.gateway.status'].search([('number', '=', NUMBER)], order='id')
        self.assertEqual(statuses.gateway_id, self.ours | self.theirs)
        self.receive("STOP", gateway=self.ours)
        self.assertEqual(self.opted_out(), self.mailing)

    def test_stop_at_the_other_company(self):
        self.receive("STOP", gateway=self.theirs)
        self.assertEqual(self.opted_out(), self.sent_by_other)

    def test_stop_at_the_shared_gateway(self):
        self.receive("STOP")
        self.assertFalse(self.opted_out())
