# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An SMS leaves, and what became of it is recorded: the way of one SMS, and of its number and text."""
from odoo.exceptions import UserError
from odoo.tests import tagged

from .. import uninstall_hook
from .common import DOUBT, GatewayCase
from .provider import Reply


@tagged('post_install', '-at_install')
class TestSending(GatewayCase):

    def test_sms_leaves_and_is_recorded(self):
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual(self.provider.sms, [('+32456001122', "Hello")])
        self.assertEqual(sms.state, 'pending')
        self.assertTrue(sms.to_delete)
        self.assertEqual(sms.gateway_id, self.gateway)
        status = self.status_of(sms)
        self.assertEqual((status.state, status.outcome, status.attempt), ('success', 'accepted', 1))
        self.assertTrue(status.message_id)

    def test_refusal(self):
        self.provider.answer(Reply(400, {'error': "No such sender"}))
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual((sms.state, sms.failure_type), ('error', 'sms_server'))
        self.assertIn("No such sender", sms.failure_reason)

    def test_uninstalling_ends_what_is_under_way(self):
        """Given claimed SMS and one that waits for its report, the addon is uninstalled: none is Processing forever."""
        self.gateway.write({'success_key': 'queued', 'delivery_callback_enabled': True})
        self.provider.answer("?")
        waiting = self.make_sms('+32456001122')
        waiting.send()
        self.assertEqual(waiting.state, 'process')
        contact = self.make_contact()
        message = contact._message_sms("Hello", sms_numbers=['+32456001133'], put_in_queue=True)
        claimed = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        queued = self.make_sms('+32456001144')
        reserved = self.make_sms('+32456001155')
        self.claim(claimed, starts=1)
        self.claim(reserved)
        self.assertEqual(claimed.state, 'process')
        uninstall_hook(self.env)
        self.assertEqual((waiting.state, claimed.state, queued.state), ('pending', 'error', 'outgoing'))
        self.assertEqual((reserved.state, reserved.attempt), ('outgoing', 0))
        self.assertIn(DOUBT, message.notification_ids.failure_reason)

    def test_white_space_around_a_text_is_not_sent(self):
        """What core's templates of stock and point of sale leave of their conditions."""
        text = "a" * 150
        sms = self.make_sms('+32456001122', body=f'\n                {text}\n')
        self.assertEqual(sms.segment_count, 1)
        sms.send()
        self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': '+32456001122', 'body': f'\xa0 {text}\n\n'}).action_send()
        self.assertEqual([body for _number, body in self.provider.sms], [text, text])

    def test_gateway_that_may_take_longer_than_a_click_is_left_to_the_queue(self):
        queue_action = self.env.ref('sms.ir_cron_sms_scheduler_action')
        triggers = self.env['ir.cron.trigger']
        for timeout in (20, 24, 60):
            with self.subTest(timeout=timeout):
                self.gateway.timeout = timeout
                self.provider.clear()
                sms = self.make_sms('+32456001122')
                triggers.search([]).unlink()
                sms.send()
                self.assertEqual((sms.state, sms.attempt, sms.claimed_until), ('outgoing', 0, False))
                self.assertFalse(sms.send_after)
                self.assertEqual(triggers.search([]).cron_id, queue_action)
                self.assertEqual(self.provider.sms, [])
                self.env['sms.sms']._process_queue()
                self.assertEqual(len(self.provider.sms), 1)
                self.assertEqual((sms.state, self.status_of(sms).outcome), ('pending', 'accepted'))

    def test_fail_over_to_such_a_gateway(self):
        slow = self.make_gateway("Slow", sequence=99, timeout=60, base_url=f'{self.provider.url}/slow')
        self.provider.answer(503)
        sms = self.make_sms('+32456001122')
        sms.send()
        self.assertEqual(sms.state, 'outgoing')
        self.env['sms.sms']._process_queue()
        self.assertEqual((sms.state, self.status_of(sms).gateway_id), ('pending', slow))

    def test_test_sms_through_such_a_gateway(self):
        self.gateway.timeout = 60
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': '+32456001122', 'body': "Hello"})
        test.action_send()
        self.assertEqual(test.level, 'success')

    def test_text_never_changes_the_address(self):
        self.gateway.write({
            'method': 'get', 'base_url': f'{self.provider.url}/api/{{message}}/{{phone}}', 'parameter_ids': [(5, 0)]})
        bad, good = self.make_sms('+32456001122', body="..") + self.make_sms('+32456001123', body="Hi")
        (bad + good).send()
        self.assertEqual((bad.state, bad.failure_type, self.status_of(bad).outcome), ('error', 'sms_server', 'refused'))
        self.assertIn("which would change the address", bad.failure_reason)
        self.assertEqual(good.state, 'pending')
        with self.assertRaisesRegex(UserError, "which would change the address"):
            self.env['sms.gateway.test'].create(
                {'gateway_id': self.gateway.id, 'number': '+32456001122', 'body': "."}).action_send()
        self.assertEqual(len(self.provider.requests), 1)


@tagged('post_install', '-at_install')
class TestNumbers(GatewayCase):
    """doc/behaviour.md section 4, Numbers: whichever way an SMS comes from, nobody abroad gets what was meant for
    somebody here."""

    def setUp(self):
        super().setUp()
        self.env.company.country_id = self.env.ref('base.br')

    def send_test(self, number):
        self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': number, 'body': "Hello"}).action_send()

    def test_local_number_that_is_none_is_refused(self):
        spain = self.make_contact(phone='61234567', country_id=self.env.ref('base.es').id)
        all_sms = self.make_sms('987654321') + self.make_sms('61234567', partner_id=spain.id)
        all_sms.send()
        self.assertEqual(all_sms.mapped('failure_type'), ['sms_number_format'] * 2)
        with self.assertRaisesRegex(UserError, "country code"):
            self.send_test('987654321')
        self.assertFalse(self.env['sms.gateway'].explain_route('987654321')['number'])
        self.assertEqual(self.provider.sms, [])

    def test_raw_number_is_one_recipient(self):
        """Refused alone and in a shared request, GET and POST; the others of the batch go."""
        self.gateway.number_format = 'raw'
        self.gateway.parameter_ids.filtered(lambda row: row.param_type == 'number').param_type = 'multi_number'
        for shared, method, separator in (
                (True, 'post', ','), (True, 'get', ';'), (False, 'get', ','), (True, 'post', ' '),
                (True, 'post', '\n')):
            with self.subTest(shared=shared, method=method, separator=separator):
                self.gateway.write({
                    'supports_multiple_recipients': shared, 'method': method, 'multi_recipient_separator': separator})
                self.provider.clear()
                two = f'03001234567{separator}03007654321'
                good, bad = self.make_sms('03009999999', two)
                (good + bad).send()
                self.assertEqual(bad.failure_type, 'sms_number_format')
                self.assertEqual(self.provider.sms, [('03009999999', "Hello")])
                if separator == ' ':
                    with self.assertRaisesRegex(UserError, "separator"):
                        self.send_test(two)
                    continue
                self.send_test(two)  # the dialog sends one SMS to each
                self.assertCountEqual(
                    self.provider.sms[1:], [('03001234567', "Hello"), ('03007654321', "Hello")])

    def test_trunk_zero_after_the_country_code_goes(self):
        self.gateway.country_prefixes = '+46'
        self.make_sms('+460736829291', '+44 07911 123456', '00330612345678', '+390612345678').send()
        self.send_test('+460736829291')
        self.assertCountEqual([number for number, _text in self.provider.sms], [
            '+46736829291', '+447911123456', '+33612345678', '+390612345678', '+46736829291'])
        self.assertEqual(self.env['sms.gateway'].explain_route('+460736829291')['number'], '+46736829291')
