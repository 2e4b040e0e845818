# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Employees send through gateways without seeing them, and only administrators set them up: doc/behaviour.md
section 7."""
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from .common import SECRET, GatewayCase
from .provider import Reply

MODELS = ('sms.gateway', 'sms.gateway.parameter', 'sms.gateway.header', 'sms.gateway.callback.failure.map',
          'sms.gateway.status', 'sms.gateway.throttle', 'sms.gateway.early.report',
          'sms.gateway.received.report', 'sms.gateway.received.message')  # inbound SMS: test_inbound_document.py
SECRETS = ('api_key', 'token', 'username', 'password', 'delivery_callback_token', 'delivery_callback_url',
           'inbound_token', 'inbound_old_token', 'inbound_url')


@tagged('post_install', '-at_install')
class TestAccess(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact = cls.env['res.partner'].create({'name': "Jo", 'phone': '+32456001122'})
        cls.employee = new_test_user(cls.env, 'employee', 'base.group_user,base.group_partner_manager')
        cls.administrator = new_test_user(cls.env, 'settings', 'base.group_system')
        cls.rights_manager = new_test_user(cls.env, 'rights', 'base.group_user,base.group_erp_manager')

    def test_employee_sends_through_a_gateway_without_seeing_it(self):
        contact = self.contact.with_user(self.employee)
        with Form(self.env['sms.composer'].with_user(self.employee).with_context(
                default_res_model='res.partner', default_res_id=contact.id)) as form:
            form.body = "Hello"
        form.record.action_send_sms()
        self.assertEqual(self.provider.sms, [('+32456001122', "Hello")])
        message = contact.message_ids[0]
        self.assertEqual(message.author_id, self.employee.partner_id)
        self.assertEqual(message.notification_ids.notification_status, 'pending')

    def test_employee_sees_the_words_of_the_provider(self):
        """What he did wrong, but nothing of the credentials that an answer repeats."""
        self.provider.answer(Reply(400, f"{SECRET}: number is blocked"))
        message = self.contact.with_user(self.employee)._message_sms("Hello")
        self.assertEqual(message.notification_ids.failure_reason, "***: number is blocked")

    def test_employee_composes_to_many(self):
        others = self.env['res.partner'].create({'name': "Ann", 'phone': '+32456003344'})
        composer = self.env['sms.composer'].with_user(self.employee).with_context(
            active_model='res.partner', active_ids=(self.contact + others).ids).create({
                'body': "Hello", 'composition_mode': 'mass', 'mass_force_send': True})
        composer.action_send_sms()
        self.assertEqual(len(self.provider.sms), 2)

    def test_only_settings_administrators_read_and_write(self):
        self.make_sms('+32456001122').send()
        for user in (self.employee, self.rights_manager, self.env.ref('base.public_user')):
            for name in MODELS:
                for operation in ('read', 'write', 'create', 'unlink'):
                    with self.subTest(user=user.login, model=name, operation=operation):
                        self.assertFalse(self.env[name].with_user(user).has_access(operation))
        for name in MODELS[:4]:
            for operation in ('read', 'write', 'create', 'unlink'):
                self.assertTrue(self.env[name].with_user(self.administrator).has_access(operation), name)
        rows = self.env['sms.gateway.status'].with_user(self.administrator)
        self.assertTrue(rows.has_access('read'))
        self.assertFalse(rows.has_access('write') or rows.has_access('create'))

    def test_employee_reads_nothing(self):
        self.make_sms('+32456001122').send()
        with self.assertRaises(AccessError):
            self.gateway.with_user(self.employee).read(['name'])
        with self.assertRaises(AccessError):
            self.env['sms.gateway'].with_user(self.employee).search([('name', '=', "Loopback")])
        with self.assertRaises(AccessError):
            self.env['sms.gateway.status'].with_user(self.employee).search_count([])

    def test_employee_calls_nothing(self):
        gateways = self.env['sms.gateway'].with_user(self.employee)
        for call in (
            lambda: gateways.explain_route('+32456001122'),
            lambda: gateways.browse(self.gateway.id).action_toggle_state(),
            lambda: gateways.browse(self.gateway.id).action_new_callback_token(),
            lambda: gateways.browse(self.gateway.id).action_rotate_callback_token(),
            lambda: gateways.browse(self.gateway.id).action_end_rotation(),
            lambda: gateways.browse(self.gateway.id).request_preview,
            lambda: gateways.browse(self.gateway.id).copy(),
        ):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                call()
        self.assertEqual(self.gateway.state, 'active')

    def test_secrets_are_of_administrators_only(self):
        """Whoever is given the model by another addon still does not see them."""
        self.env['ir.model.access'].create({
            'name': "Given", 'model_id': self.env['ir.model']._get_id('sms.gateway'), 'perm_read': True,
            'group_id': self.env.ref('base.group_user').id})
        gateway = self.gateway.with_user(self.employee)
        self.assertEqual(gateway.name, "Loopback")
        self.assertFalse(set(SECRETS) & set(gateway.fields_get()))
        for name in SECRETS:
            with self.assertRaises(AccessError):
                gateway.read([name])

    def test_employee_does_not_see_the_gateway_of_a_tracker_or_sms(self):
        message = self.contact.with_user(self.employee)._message_sms("Hello")
        with self.assertRaises(AccessError):
            self.env['sms.sms'].with_user(self.employee).search([])
        with self.assertRaises(AccessError):
            message.notification_ids.sms_tracker_ids.gateway_id.with_user(self.employee).read(['name'])

    def test_secret_is_nowhere_but_in_its_field(self):
        self.provider.answer(Reply(400, f"token={SECRET}"))
        with self.assertNoLogs('odoo', 'ERROR'):
            message = self.contact._message_sms("Hello")
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        for records in (sms, self.status_of(sms), message.notification_ids, message):
            self.assertNotIn(SECRET, str(records.read()))
