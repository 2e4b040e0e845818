# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""STOP reaches the blacklist, START undoes it, HELP gets an answer, and nothing ends in a loop."""
from odoo.tests import tagged

from .common import NUMBERS, MarketingCase
from .inbound_common import InboundCase
from .provider import Reply

NUMBER = NUMBERS[0]


@tagged('post_install', '-at_install')
class TestStop(InboundCase):

    def blacklisted(self, number=NUMBER):
        return self.env['phone.blacklist'].with_context(active_test=True).search([('number', '=', number)])

    def test_stop(self):
        self.receive("Stop!")
        entry = self.blacklisted()
        self.assertTrue(entry.is_from_keyword)
        self.assertIn("Opted out by SMS: Stop!", self.notes(entry))
        self.receive("STOP")
        self.assertEqual(self.blacklisted(), entry)
        self.assertEqual(self.notes(entry).count("Opted out"), 1)

    def notes(self, entry):
        return ' '.join(entry.message_ids.mapped('body'))

    def test_text_is_escaped(self):
        self.env.company.sms_stop_keywords = "b"
        self.receive("<b>")
        self.assertIn("&lt;b&gt;", self.notes(self.blacklisted()))

    def test_ordinary_answers(self):
        for text in ("please stop by", "nonstop", "Stop at 5?", "the end", ""):
            self.receive(text)
        self.assertFalse(self.blacklisted())

    def test_keywords_of_company(self):
        """CANCEL may answer an appointment."""
        self.env.company.sms_stop_keywords = "STOP, BAJA"
        self.receive("Cancel")
        self.assertFalse(self.blacklisted())
        self.receive("¡Baja!")
        self.assertTrue(self.blacklisted())
        other = self.env['res.company'].create({'name': "Other"})
        gateway = self.make_gateway("Other", company_id=other.id)
        self.receive("Cancel", number=NUMBERS[1], gateway=gateway)
        self.assertTrue(self.blacklisted(NUMBERS[1]))

    def test_codes(self):
        self.env.company.sms_stop_codes = "SHOP"
        self.receive("stop shopping")
        self.assertFalse(self.blacklisted())
        self.receive("stop shop")
        self.assertTrue(self.blacklisted())

    def test_start_undoes_stop(self):
        self.receive("STOP")
        entry = self.blacklisted()
        self.receive("Start")
        self.assertFalse(entry.active)
        self.assertIn("Opted in again by SMS: Start", self.notes(entry))
        self.receive("stop")
        self.assertEqual(self.blacklisted(), entry)
        self.assertTrue(entry.is_from_keyword)

    def test_start_leaves_what_a_user_added(self):
        entry = self.env['phone.blacklist'].create({'number': NUMBER})
        self.receive("STOP")
        self.receive("START")
        self.assertTrue(entry.active)
        self.assertIn("a user added it", self.notes(entry))

    def test_user_confirms_what_a_keyword_added(self):
        for add in (
                lambda: self.env['phone.blacklist'].create({'number': NUMBER}),
                lambda: self.env['phone.blacklist'].add(NUMBER),
                lambda: self.blacklisted().action_archive() or self.env['phone.blacklist'].add(NUMBER)):
            self.receive("START")
            self.receive("STOP")
            add()
            self.receive("START")
            self.assertTrue(self.blacklisted())
            self.env['phone.blacklist'].remove(NUMBER)

    def test_number_that_a_user_removed_stays_removed(self):
        self.receive("STOP")
        self.env['phone.blacklist'].remove(NUMBER)
        self.receive("START")
        self.assertFalse(self.blacklisted())

    def test_short_codes_and_names(self):
        count = self.env['phone.blacklist'].with_context(active_test=False).search_count([])
        for number in ('36200', 'Shop', '+1', '12'):
            self.receive("STOP", number=number)
        self.assertEqual(self.env['phone.blacklist'].with_context(active_test=False).search_count([]), count)

    def test_queued_mass_sms_are_canceled(self):
        """The number is blacklisted between the composer and the queue."""
        contacts = self.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': number} for index, number in enumerate(NUMBERS)])
        sms = self.env['sms.composer'].with_context(active_model='res.partner', active_ids=contacts.ids).create({
            'body': "Sale", 'composition_mode': 'mass', 'mass_keep_log': True, 'mass_force_send': False,
        })._action_send_sms()
        self.receive("Arrêt")
        self.env['sms.sms']._process_queue()
        self.assertEqual(sorted(number for number, _text in self.provider.sms), sorted(NUMBERS[1:]))
        first = sms.exists().filtered(lambda one: one.number == NUMBER)
        self.assertEqual((first.state, first.failure_type), ('canceled', 'sms_blacklist'))


@tagged('post_install', '-at_install')
class TestReplies(InboundCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        company = cls.env.company
        company.write({
            'sms_stop_reply': "No more SMS.", 'sms_start_reply': "Welcome back.", 'sms_help_reply': "Call us."})
        company.with_context(lang='fr_FR').sms_stop_reply = "Plus de SMS."

    def replies(self):
        self.env['sms.sms']._process_queue()
        sms = self.provider.sms
        self.provider.clear()
        return sms

    def forget_replies(self):
        self.env['sms.gateway.inbound'].search([('keyword_reply_date', '!=', False)]).keyword_reply_date = False

    def test_each_keyword(self):
        self.receive("STOP")
        self.assertEqual(self.replies(), [(NUMBER, "No more SMS.")])
        for text, expected in (("START", "Welcome back."), ("HELP", "Call us.")):
            self.forget_replies()
            self.receive(text)
            self.assertEqual(self.replies(), [(NUMBER, expected)])

    def test_one_a_day(self):
        for text in ("HELP", "STOP", "STOP", "START", "HELP"):
            self.receive(text)
        self.assertEqual(self.replies(), [(NUMBER, "Call us.")])
        message = self.env['sms.gateway.inbound'].search([('keyword_reply_date', '!=', False)])
        message.keyword_reply_date = '2020-01-01'
        self.receive("HELP")
        self.assertEqual(self.replies(), [(NUMBER, "Call us.")])

    def test_language(self):
        self.make_contact(lang='fr_FR', phone=NUMBER)
        self.receive("STOP")
        self.assertEqual(self.replies(), [(NUMBER, "Plus de SMS.")])

    def test_gateway_that_received(self):
        self.make_gateway("First", sequence=1)
        self.receive("STOP")
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.env['sms.gateway.status'].search([('number', '=', NUMBER)]).gateway_id, self.gateway)

    def test_none(self):
        """No text, none wanted, START of a number that is not blacklisted, and senders that are no persons."""
        self.receive("START")
        self.gateway.sends_keyword_replies = False
        self.receive("STOP")
        self.gateway.sends_keyword_replies = True
        self.env.company.sms_help_reply = False
        self.receive("HELP")
        # a short code, a name, premium rate in Belgium, toll-free in the USA
        for number in ('36200', 'Shop', '+3290312345', '+18002345678'):
            self.receive("STOP", number=number)
        self.receive("hello")
        self.assertEqual(self.replies(), [])

    def test_provider_replies_itself(self):
        self.receive("No more", provider_optout='STOP')
        self.assertTrue(self.env['phone.blacklist'].search([('number', '=', NUMBER)]))
        self.assertEqual(self.replies(), [])

    def test_provider_is_not_followed(self):
        self.gateway.follows_provider_optout = False
        self.receive("No more", provider_optout='stop')
        self.assertFalse(self.env['phone.blacklist'].search([('number', '=', NUMBER)]))

    def test_two_gateways_answer_each_other(self):
        """Each replies with a keyword to the other's reply. Both stop after one."""
        self.env.company.sms_help_reply = "HELP"
        other = self.make_gateway("Other", parameter_ids=[
            (0, 0, {'key': 'from', 'param_type': 'other', 'value': 'other'}),
            (0, 0, {'key': 'to', 'param_type': 'number'}), (0, 0, {'key': 'text', 'param_type': 'message'})])
        ours = {self.gateway: NUMBERS[1], other: NUMBERS[2]}
        self.receive("HELP", number=ours[other], gateway=self.gateway)
        sent = []
        for _turn in range(10):
            replies = self.replies()
            sent += replies
            for number, text in replies:
                receiver = next(gateway for gateway, own in ours.items() if own == number)
                sender = next(own for own in ours.values() if own != number)
                self.receive(text, number=sender, gateway=receiver)
        self.assertEqual(sent, [(NUMBERS[2], "HELP"), (NUMBERS[1], "HELP")])


@tagged('post_install', '-at_install')
class TestProviderCodes(InboundCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.write({
            'optout_codes': "21610, report:9", 'error_code_regex': r'"code":\s*"(\w+)"',
            'delivery_callback_enabled': True, 'delivery_callback_error_code_param': 'code'})

    def refuse(self, code):
        self.always_answer(Reply(400, {'code': code}))
        self.make_sms(NUMBER).send()
        return self.env['phone.blacklist'].search([('number', '=', NUMBER)])

    def test_response(self):
        self.assertFalse(self.refuse('9'))  # means something else there
        self.assertFalse(self.refuse('2161'))
        entry = self.refuse('21610')
        self.assertTrue(entry.is_from_keyword)
        self.assertIn("error 21610", ' '.join(entry.message_ids.mapped('body')))
        self.receive("START")
        self.assertFalse(entry.active)

    def test_switched_off(self):
        self.gateway.follows_provider_optout = False
        self.assertFalse(self.refuse('21610'))

    def test_report(self):
        sms = self.make_sms(NUMBER)
        sms.send()
        status = self.status_of(sms)
        self.report(uuid=status.sms_uuid, status='failed', code='9')
        self.assertTrue(self.env['phone.blacklist'].search([('number', '=', NUMBER)]))


@tagged('post_install', '-at_install')
class TestMarketing(InboundCase, MarketingCase):

    def test_opt_out_is_counted_on_the_mailing(self):
        self.mailing.action_send_sms()
        self.receive("STOP")
        opted_out = self.traces().filtered(lambda trace: trace.failure_type == 'sms_optout')
        self.assertEqual(opted_out.mapped('sms_number'), [NUMBER])
        self.assertEqual(set(self.traces().mapped('trace_status')), {'pending'})

    def test_delivery_report_after_stop(self):
        """The trace is delivered, and still counts."""
        self.mailing.action_send_sms()
        self.receive("STOP")
        trace = self.traces().filtered(lambda one: one.sms_number == NUMBER)
        self.report(uuid=trace.sms_tracker_ids.sms_uuid, status='delivered')
        self.env.invalidate_all()
        self.assertEqual((trace.trace_status, trace.failure_type), ('sent', 'sms_optout'))

    def test_sms_that_did_not_go_out(self):
        """Nobody answers them."""
        self.mailing.action_send_sms()
        failed = self.make_mailing(sms_force_send=True, mailing_domain=repr([('id', '=', self.contacts[0].id)]))
        self.always_answer(Reply(400, "no"))
        failed.action_send_sms()
        self.receive("STOP")
        self.assertEqual(self.traces(failed).mapped('failure_type'), ['sms_server'])
        self.assertEqual(self.traces()[0].failure_type, 'sms_optout')

    def test_lists(self):
        mailing_list = self.env['mailing.list'].create({'name': "Customers"})
        contact = self.env['mailing.contact'].create({
            'name': "Jo", 'mobile': NUMBER, 'list_ids': [(4, mailing_list.id)],
            'country_id': self.env.ref('base.be').id})
        mailing = self.make_mailing(
            sms_force_send=True, mailing_model_id=self.env['ir.model']._get_id('mailing.list'),
            contact_list_ids=mailing_list.ids, mailing_domain=repr([('list_ids', 'in', mailing_list.ids)]))
        mailing.action_send_sms()
        self.receive("STOP")
        self.assertTrue(contact.subscription_ids.opt_out)
        self.assertEqual(self.env['sms.gateway.inbound'].search([], limit=1).res_model, 'mailing.contact')
        self.receive("START")
        self.assertFalse(contact.subscription_ids.opt_out)
        self.receive("STOP")
        self.env['phone.blacklist'].add(NUMBER)  # a user confirms it
        self.receive("START")
        self.assertTrue(contact.subscription_ids.opt_out)

    def test_start_keeps_other_opt_outs(self):
        """What a person unsubscribed from before STOP stays so."""
        lists = self.env['mailing.list'].create([{'name': "One"}, {'name': "Two"}])
        contact = self.env['mailing.contact'].create({
            'name': "Jo", 'mobile': NUMBER, 'list_ids': lists.ids, 'country_id': self.env.ref('base.be').id})
        contact.subscription_ids.filtered(lambda one: one.list_id == lists[1]).opt_out = True
        self.make_mailing(
            sms_force_send=True, mailing_model_id=self.env['ir.model']._get_id('mailing.list'),
            contact_list_ids=lists.ids, mailing_domain=repr([('list_ids', 'in', lists.ids)])).action_send_sms()
        self.receive("STOP")
        self.assertEqual(contact.subscription_ids.mapped('opt_out'), [True, True])
        self.receive("START")
        self.assertEqual(contact.subscription_ids.filtered('opt_out').list_id, lists[1])
