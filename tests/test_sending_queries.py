# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Claim and record take as many queries for 500 SMS as for one (doc/design.md section 4: every statement is one for a
whole batch)."""
from unittest import SkipTest

from odoo.tests import tagged

from ..sending.store.results import save_results
from ..tools.answer.interpretation import HttpAnswer, interpret
from ..tools.request.builder import Recipient
from .common import GatewayCase

MANY = 500
# The ORM writes 100 records with a statement: 4 more for each model that core writes to.
MORE = 12


@tagged('post_install', '-at_install')
class TestQueries(GatewayCase):

    def count(self, work):
        """The number of queries of some work in a fresh transaction, and what it returned."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        result = work()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before, result

    def claim_and_record(self, sms, answer_of):
        """
        :param answer_of: gives the provider's answer for the index of an SMS
        :return: numbers of queries of claim and of record
        """
        claims, (claimed, configs, _store) = self.count(lambda: self.claim(sms))
        self.assertEqual(len(claimed), len(sms))
        for index, one in enumerate(claimed):
            one.attempt += 1
            one.result, = interpret(
                configs[one.gateway_id].answer, [Recipient(one.uuid, one.number, one.body)], answer_of(index))
        records, _none = self.count(lambda: save_results(self.env(su=True), claimed, configs))
        self.assertFalse(any(sms.mapped('claimed_until')))
        return claims, records

    def assertSameForMany(self, make_sms, answer_of):
        """One or many SMS, made by `make_sms(numbers)`: the same number of queries."""
        self.claim_and_record(make_sms(['+32456999999']), answer_of)  # what is read once in the life of a registry
        one = self.claim_and_record(make_sms(['+32456000000']), answer_of)
        many = self.claim_and_record(make_sms([f'+324561{index:05d}' for index in range(MANY)]), answer_of)
        for step, few_queries, many_queries in zip(('claim', 'record'), one, many, strict=True):
            self.assertLessEqual(many_queries, few_queries + MORE, f"{step}: {one} and {many} queries")

    @staticmethod
    def accept(index):
        return HttpAnswer(200, f'{{"id": "m{index}"}}')

    @staticmethod
    def refuse(index):
        """Each with words of its own, by which core would make groups of one."""
        return HttpAnswer(400, f"Number {index} is not allowed")

    @staticmethod
    def sometimes(index):
        if index % 3 == 1:
            return HttpAnswer(402, f"Balance {index}")
        return HttpAnswer(None, failure='timeout') if index % 3 == 2 else HttpAnswer(200, f'{{"id": "m{index}"}}')

    def make_plain(self, numbers):
        return self.make_sms(*numbers)

    def make_with_one_message(self, numbers):
        """A message to many numbers, each with a notification of its own."""
        message = self.make_contact()._message_sms("Hello", sms_numbers=numbers, put_in_queue=True)
        return self.env['sms.sms'].search([('mail_message_id', '=', message.id)])

    def make_with_messages(self, numbers):
        """A note on each of many contacts, as the list of contacts makes them."""
        contacts = self.env['res.partner'].create([
            {'name': f"Contact {number}", 'phone': number} for number in numbers])
        last = self.env['sms.sms'].search([], limit=1, order='id desc')
        contacts._message_sms_schedule_mass("Hello")
        return self.env['sms.sms'].search([('id', '>', last.id or 0)])

    def make_campaign(self, numbers):
        contacts = self.env['res.partner'].create([{'name': "Contact", 'phone': number} for number in numbers])
        mailing = self.env['mailing.mailing'].create({
            'subject': "Sale", 'mailing_type': 'sms', 'body_plaintext': "Hello",
            'mailing_model_id': self.env['ir.model']._get_id('res.partner'),
            'mailing_domain': repr([('id', 'in', contacts.ids)])})
        mailing.action_send_sms()
        return self.env['sms.sms'].search([('mailing_id', '=', mailing.id)])

    def test_accepted(self):
        self.assertSameForMany(self.make_plain, self.accept)

    def test_nothing_left_to_write(self):
        """Of SMS that were taken core finds all written: the ORM writes none, neither of one nor of many."""
        self.claim_and_record(self.make_plain(['+32456999999']), self.accept)
        one = self.claim_and_record(self.make_plain(['+32456000000']), self.accept)
        many = self.claim_and_record(self.make_plain([f'+324561{index:05d}' for index in range(MANY)]), self.accept)
        self.assertEqual(many, one)

    def test_refused_with_different_words(self):
        self.assertSameForMany(self.make_plain, self.refuse)

    def test_notifications_of_one_message(self):
        self.assertSameForMany(self.make_with_one_message, self.accept)

    def test_notifications_of_one_message_refused(self):
        self.assertSameForMany(self.make_with_one_message, self.refuse)

    def test_messages_on_many_records(self):
        self.assertSameForMany(self.make_with_messages, self.accept)

    def test_mixed_results(self):
        """More kinds of results take more queries, not more SMS of each kind."""
        self.claim_and_record(self.make_plain([f'+3245699{index:04d}' for index in range(3)]), self.sometimes)
        few = self.claim_and_record(self.make_plain([f'+3245698{index:04d}' for index in range(3)]), self.sometimes)
        many = self.claim_and_record(self.make_plain([f'+324561{index:05d}' for index in range(MANY)]), self.sometimes)
        self.assertLessEqual(many[1], few[1] + MORE, f"{few} and {many} queries")

    def test_delivery_callbacks(self):
        self.gateway.delivery_callback_enabled = True
        self.assertSameForMany(self.make_plain, self.accept)

    def test_rate_limit(self):
        self.gateway.rate_limit = 1000
        self.assertSameForMany(self.make_plain, self.accept)

    def test_many_gateways(self):
        """Plans of 20 gateways are read together."""
        sms = self.make_sms('+32456000000')
        one, _claimed = self.count(lambda: self.claim(sms))
        for index in range(20):
            self.make_gateway(f"Gateway {index}", country_prefixes=f'32{index}')
        sms = self.make_sms('+32456000001')
        many, _claimed = self.count(lambda: self.claim(sms))
        self.assertLessEqual(many, one + MORE)

    def test_campaign(self):
        if 'mailing.mailing' not in self.env:
            raise SkipTest("SMS Marketing (mass_mailing_sms) is not installed in this database")
        for answer_of in (self.accept, self.refuse):
            self.assertSameForMany(self.make_campaign, answer_of)
