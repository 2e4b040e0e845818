# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Every way of sending in Odoo goes through a gateway (doc/behaviour.md section 4), and the chatter shows what became
of it."""
from ast import literal_eval

from odoo.addons.mail.tools.discuss import Store
from odoo.tests import Form, tagged

from .common import DOUBT, GatewayCase
from .provider import Reply

JO, ANN = '+32456001122', '+32456003344'


class DoorCase(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.country_id = cls.env.ref('base.be')
        cls.jo, cls.ann = cls.env['res.partner'].create([
            {'name': "Jo", 'phone': '0456 00 11 22', 'country_id': cls.env.ref('base.be').id},
            {'name': "Ann", 'phone': '0456 00 33 44', 'country_id': cls.env.ref('base.be').id},
        ])
        cls.contacts = cls.jo + cls.ann
        cls.template = cls.env['sms.template'].create({
            'name': "Greeting", 'model_id': cls.env['ir.model']._get_id('res.partner'), 'body': "Hi {{ object.name }}"})

    def composer(self, records=None, **values):
        context = {'active_model': records._name, 'active_ids': records.ids, 'active_id': records[:1].id} \
            if records else {}
        return self.env['sms.composer'].with_context(**context).create({'body': "Hello", **values})

    def new_sms(self):
        return self.env['sms.sms'].search([('id', '>', self.last_id)], order='id')

    def setUp(self):
        super().setUp()
        self.last_id = self.env['sms.sms'].search([], limit=1, order='id desc').id or 0

    def assertSent(self, *expected):
        """These (number, text) arrived, each once, and their SMS and status rows say so."""
        self.assertEqual(sorted(self.provider.sms), sorted(expected))
        sms = self.new_sms()
        self.assertEqual(sms.mapped('state'), ['pending'] * len(expected))
        self.assertEqual(sms.gateway_id, self.gateway)
        self.assertEqual(set(self.status_of(sms).mapped('state')), {'success'})


@tagged('post_install', '-at_install')
class TestComposer(DoorCase):

    def test_form_of_a_contact(self):
        """The person types a text in the form that the phone number opens, and corrects the number."""
        with Form(self.env['sms.composer'].with_context(
                default_res_model='res.partner', default_res_id=self.jo.id, default_number_field_name='phone')) as form:
            form.body = "Hello Jo"
            form.recipient_single_number_itf = '0456 00 11 23'
        form.record.action_send_sms()
        self.assertSent(('+32456001123', "Hello Jo"))
        self.assertEqual(self.jo.phone, '0456 00 11 23')

    def test_action_of_a_contact(self):
        action = self.env.ref('sms.res_partner_act_window_sms_composer_single')
        context = literal_eval(action.context.replace('active_id', str(self.jo.id)).strip())
        composers = self.env['sms.composer'].with_context(active_model='res.partner', **context)
        composers.create({'body': "Hello"}).action_send_sms()
        self.assertSent((JO, "Hello"))

    def test_comment_single(self):
        self.composer(self.jo, composition_mode='comment').action_send_sms()
        self.assertSent((JO, "Hello"))
        message = self.jo.message_ids[0]
        self.assertEqual((message.message_type, message.notification_ids.notification_status), ('sms', 'pending'))

    def test_comment_on_several_records(self):
        self.composer(self.contacts, composition_mode='comment').action_send_sms()
        self.assertSent((JO, "Hello"), (ANN, "Hello"))

    def test_mass_is_queued(self):
        """The list of contacts: a text of its own for each, sent by the queue."""
        composer = self.composer(
            self.contacts, composition_mode='mass', body="Hi {{ object.name }}", mass_keep_log=True)
        composer.action_send_sms()
        self.assertEqual(self.new_sms().mapped('state'), ['outgoing'] * 2)
        self.assertFalse(self.provider.requests)
        self.env['sms.sms']._process_queue()
        self.assertSent((JO, "Hi Jo"), (ANN, "Hi Ann"))

    def test_mass_shows_each_state_in_the_chatter(self):
        self.provider.answer(*(
            lambda request: Reply(400, {'text': "On the stop list"}) if ANN[1:].encode() in request.body
            else self.provider.accept(request) for _contact in self.contacts))
        self.composer(
            self.contacts, composition_mode='mass', mass_keep_log=True, mass_force_send=True).action_send_sms()
        sent, refused = (contact.message_ids[0].notification_ids for contact in self.contacts)
        self.assertEqual((sent.notification_status, sent.sms_number, sent.res_partner_id), ('pending', JO, self.jo))
        self.assertEqual((refused.notification_status, refused.failure_type), ('exception', 'sms_server'))
        self.assertIn("On the stop list", refused.failure_reason)
        self.assertTrue(refused.mail_message_id.has_sms_error)
        self.assertEqual(refused.mail_message_id.retry_sms()['type'], 'success')
        self.env['sms.sms']._process_queue()
        self.assertEqual(refused.notification_status, 'pending')

    def test_mass_without_log_leaves_no_note(self):
        self.composer(
            self.contacts, composition_mode='mass', mass_keep_log=False, mass_force_send=True).action_send_sms()
        self.assertFalse(self.contacts.message_ids.notification_ids)

    def test_mass_through_iap_is_logged_as_by_core(self):
        self.env['ir.config_parameter'].set_param('sms.use_iap', True)
        self.composer(self.contacts, composition_mode='mass', mass_keep_log=True).action_send_sms()
        messages = self.contacts.message_ids.filtered(lambda message: message.message_type == 'sms')
        self.assertEqual(len(messages), 2)
        self.assertFalse(messages.notification_ids)

    def test_mass_with_force_send(self):
        self.composer(self.contacts, composition_mode='mass', mass_force_send=True).action_send_sms()
        self.assertSent((JO, "Hello"), (ANN, "Hello"))

    def test_mass_send_now_button(self):
        self.composer(self.contacts, composition_mode='mass').action_send_sms_mass_now()
        self.assertSent((JO, "Hello"), (ANN, "Hello"))

    def test_mass_leaves_out_what_core_leaves_out(self):
        """Blacklisted, duplicate and bad numbers are cancelled before a gateway sees them."""
        others = self.env['res.partner'].create([
            {'name': "Twin", 'phone': '0456 00 11 22', 'country_id': self.env.ref('base.be').id},
            {'name': "None"}, {'name': "Bad", 'phone': '12'}])
        self.env['phone.blacklist'].create({'number': ANN})
        self.composer(self.contacts + others, composition_mode='mass', mass_force_send=True).action_send_sms()
        self.assertEqual(self.provider.sms, [(JO, "Hello")])
        self.assertEqual(self.new_sms().mapped('state'), ['pending'] + ['canceled'] * 4)

    def test_numbers(self):
        self.composer(composition_mode='numbers', numbers='0456 00 11 22,+32456003344').action_send_sms()
        self.assertSent((JO, "Hello"), (ANN, "Hello"))


@tagged('post_install', '-at_install')
class TestDocuments(DoorCase):

    def test_message_sms(self):
        message = self.jo._message_sms("Hello")
        self.assertSent((JO, "Hello"))
        self.assertEqual(message.notification_ids.notification_status, 'pending')

    def test_message_sms_to_other_numbers(self):
        self.jo._message_sms("Hello", sms_numbers=['0456 00 33 44', '+12025550123'])
        self.assertSent((ANN, "Hello"), ('+12025550123', "Hello"))

    def test_message_sms_in_queue(self):
        message = self.jo._message_sms("Hello", put_in_queue=True)
        self.assertEqual(message.notification_ids.notification_status, 'ready')
        self.env['sms.sms']._process_queue()
        self.assertSent((JO, "Hello"))
        self.assertEqual(message.notification_ids.notification_status, 'pending')

    def test_message_sms_with_template(self):
        self.jo._message_sms_with_template(template=self.template)
        self.assertSent((JO, "Hi Jo"))

    def test_schedule_mass(self):
        self.contacts._message_sms_schedule_mass(template=self.template, mass_force_send=True)
        self.assertSent((JO, "Hi Jo"), (ANN, "Hi Ann"))

    def test_server_action(self):
        for method, immediately in (('comment', True), ('sms', False), ('note', False)):
            with self.subTest(method=method):
                self.provider.clear()
                self.setUp()
                action = self.env['ir.actions.server'].create({
                    'name': "Greet", 'model_id': self.env['ir.model']._get_id('res.partner'), 'state': 'sms',
                    'sms_method': method, 'sms_template_id': self.template.id})
                action.with_context(active_model='res.partner', active_ids=self.contacts.ids).run()
                if not immediately:
                    self.assertFalse(self.provider.requests)
                    self.env['sms.sms']._process_queue()
                self.assertSent((JO, "Hi Jo"), (ANN, "Hi Ann"))

    def test_text_arrives_byte_for_byte(self):
        text = 'Café "mañana" {x} {password} __token__ <b>&amp;</b>\nمرحبا 😀 100%\tend'
        self.composer(self.jo, composition_mode='comment', body=text).action_send_sms()
        self.assertSent((JO, text))


@tagged('post_install', '-at_install')
class TestCron(DoorCase):

    def run_cron(self):
        cron = self.env.ref('sms.ir_cron_sms_scheduler_action')
        self.env['sms.sms'].flush_model()
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()

    def test_queue_action(self):
        self.jo._message_sms("Hello", put_in_queue=True)
        self.make_sms(ANN)
        self.run_cron()
        self.assertSent((JO, "Hello"), (ANN, "Hello"))

    def test_queue_action_twice_sends_once(self):
        self.make_sms(JO, ANN)
        self.run_cron()
        self.run_cron()
        self.assertSent((JO, "Hello"), (ANN, "Hello"))

    def test_queue_of_more_than_one_claim(self):
        """1,200 SMS go out in one run of the action, 100 to a request."""
        self.gateway.write({
            'supports_multiple_recipients': True,
            'parameter_ids': [(5, 0), (0, 0, {'key': 'to', 'param_type': 'multi_number'}),
                              (0, 0, {'key': 'text', 'param_type': 'message'})]})
        sms = self.make_sms(*(f'+32456{index:06d}' for index in range(1200)))
        self.run_cron()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertEqual(len(self.provider.requests), 12)
        self.assertEqual(sorted(number for number, _text in self.provider.sms), sorted(sms.mapped('number')))


@tagged('post_install', '-at_install')
class TestChatter(DoorCase):
    """What a person reads under the message."""

    def read_in_web_client(self, message):
        """The notification as the web client gets it."""
        data, = Store().add(message.notification_ids).get_result()['mail.notification']
        return data

    def test_sent(self):
        data = self.read_in_web_client(self.jo._message_sms("Hello"))
        self.assertEqual((data['notification_status'], data['failure_type']), ('pending', False))
        self.assertFalse(data.get('failure_reason'))

    def test_failure_with_the_words_of_the_provider(self):
        self.provider.answer(Reply(402, "Your balance is too low: top up"))
        message = self.jo._message_sms("Hello")
        data = self.read_in_web_client(message)
        self.assertEqual((data['notification_status'], data['failure_type']), ('exception', 'sms_credit'))
        self.assertEqual(data['failure_reason'], "Your balance is too low: top up")
        self.assertTrue(message.has_sms_error)
        self.assertTrue(self.jo.message_has_sms_error)
        self.assertIn("balance", message.notification_ids.format_failure_reason())

    def test_unknown_outcome_says_that_the_recipient_may_have_received_it(self):
        """In the chatter, on the SMS and in its status; a certain refusal does not."""
        for reply, values, words in (
                (Reply(hang=True), {'timeout': 1}, ""),
                (Reply(drop='before'), {}, ""),
                (Reply(drop='middle', body="OK " * 50), {}, ""),
                (Reply(500, "Out of order"), {}, "Out of order"),
                (Reply(200, "Accepted"), {'require_message_id': True}, "Accepted"),
                (Reply(500, "Out of order"), {'create_status': False}, "Out of order")):
            with self.subTest(reply=reply, values=values), self.env.cr.savepoint() as savepoint:
                self.gateway.write(values)
                self.provider.answer(reply)
                message = self.jo._message_sms("Hello")
                reason = self.read_in_web_client(message)['failure_reason']
                self.assertTrue(reason.startswith(f"{DOUBT} "), reason)
                self.assertIn(words, reason)
                sms = self.new_sms()
                self.assertEqual((sms.state, sms.failure_reason), ('error', reason))
                self.assertEqual(self.status_of(sms).error_message, reason if self.gateway.create_status else False)
                savepoint.rollback()
        self.provider.answer(Reply(400, "Blocked"))
        self.gateway.create_status = False
        self.assertEqual(self.read_in_web_client(self.jo._message_sms("Hello"))['failure_reason'], "Blocked")

    def test_unknown_outcome_in_the_language_of_the_author(self):
        """Whoever sends: the queue does, too."""
        self.env['res.lang']._activate_lang('fr_FR')
        author = self.env['res.users'].create({'name': "Aude", 'login': 'aude', 'lang': 'fr_FR', 'group_ids': [
            (4, self.env.ref(name).id) for name in ('base.group_user', 'base.group_partner_manager')]})
        self.provider.answer(Reply(500, "Panne"), Reply(500, "Panne"))
        message = self.jo.with_user(author)._message_sms("Bonjour")
        queued = self.jo.with_user(author)._message_sms("Bonjour", put_in_queue=True)
        self.env['sms.sms']._process_queue()
        for reason in (message + queued).notification_ids.mapped('failure_reason'):
            self.assertEqual(
                reason, "Résultat inconnu : le destinataire a peut-être reçu ce SMS. Panne")

    def test_each_recipient_has_the_words_of_his_own_answer(self):
        self.gateway.max_connections = 1
        self.provider.answer(Reply(400, "Blocked"), 200, Reply(400, "Unknown subscriber"))
        message = self.jo._message_sms("Hello", sms_numbers=['+12025550123', '+12025550124'], partner_ids=[])
        message |= self.ann._message_sms("Hello")
        reasons = {one.sms_number: one.failure_reason for one in message.notification_ids}
        self.assertEqual(
            reasons, {'+12025550123': "Blocked", '+12025550124': False, ANN: "Unknown subscriber"})

    def test_success_after_retry_clears_the_failure(self):
        self.provider.answer(Reply(400, "Blocked"))
        message = self.jo._message_sms("Hello")
        self.new_sms().action_retry()
        self.env['sms.sms']._process_queue()
        data = self.read_in_web_client(message)
        self.assertEqual((data['notification_status'], data['failure_type']), ('pending', False))
        self.assertFalse(data.get('failure_reason'))

    def test_reason_of_an_email_stays_hidden(self):
        """Core keeps it from the web client, and so do we."""
        message = self.jo.message_post(body="Mail", partner_ids=self.ann.ids)
        notification = message.notification_ids[:1] or self.env['mail.notification'].create({
            'mail_message_id': message.id, 'res_partner_id': self.ann.id, 'notification_type': 'email'})
        notification.write({'notification_status': 'exception', 'failure_reason': "SMTP password wrong"})
        data = Store().add(notification).get_result()['mail.notification'][0]
        self.assertNotIn('failure_reason', data)
