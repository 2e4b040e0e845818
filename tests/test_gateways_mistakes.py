# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mistakes in a request: a warning says what is wrong, and a button of the form corrects it."""
from odoo.fields import Command
from odoo.tests import Form, tagged

from ..tools.request.spelling import find_misspelled
from .common import SECRET, GatewayCase


@tagged('post_install', '-at_install')
class TestMistakes(GatewayCase):

    def test_spelling(self):
        for text, expected in (
                ('{sendr} {Phone} {mesage}', {'{sendr}': '{sender}', '{Phone}': '{phone}', '{mesage}': '{message}'}),
                ('{phone}{message}{sender}', {}), ('{to} {text} {number} {x}', {}), ('{"a": "{api_kye}"}',
                                                                                     {'{api_kye}': '{api_key}'})):
            with self.subTest(text=text):
                self.assertEqual(find_misspelled([text]), expected)

    def test_misspelled_placeholders(self):
        self.gateway.write({
            'sender': "Shop", 'base_url': f'{self.provider.url}/{{acount_id}}', 'account_id': 'A1',
            'parameter_ids': [Command.create({'key': 'from', 'value': '{sendr}'})],
            'header_ids': [Command.create({'key': 'X-To', 'value': 'to {Phone}'})],
        })
        self.assertIn("{sendr} is not a placeholder. Did you mean {sender}?", self.gateway.warnings)
        self.assertTrue(self.gateway.is_misspelled)
        self.gateway.action_fix_placeholders()
        self.assertFalse(self.gateway.is_misspelled)
        self.assertFalse(self.gateway.warnings)
        self.assertEqual(self.gateway.base_url, f'{self.provider.url}/{{account_id}}')
        self.assertEqual(self.gateway.parameter_ids.mapped('value')[-1], '{sender}')
        self.assertEqual(self.gateway.header_ids.value, 'to {phone}')

    def test_unused_credentials(self):
        self.assertFalse(self.gateway.is_token_unused)
        rows = self.gateway.parameter_ids
        rows.filtered(lambda row: row.param_type == 'auth').unlink()
        for name, header, value in (
                ('token', 'Authorization', 'Bearer {token}'), ('api_key', 'X-API-Key', '{api_key}')):
            with self.subTest(name=name):
                self.gateway.write({'auth_type': name, name: SECRET, 'header_ids': [Command.clear()]})
                self.assertTrue(self.gateway[f'is_{name}_unused'])
                self.assertIn("The request does not send the", self.gateway.warnings)
                self.gateway.action_add_auth_header()
                self.assertFalse(self.gateway[f'is_{name}_unused'])
                self.assertEqual((self.gateway.header_ids.key, self.gateway.header_ids.value), (header, value))
                self.assertNotIn("does not send", self.gateway.warnings or '')

    def test_other_header_or_parameter(self):
        self.gateway.parameter_ids.filtered(lambda row: row.param_type == 'auth').unlink()
        rows = {}
        for credential, place, name, key, value in (
                ('api_key', 'header', None, 'X-API-Key', '{api_key}'),
                ('api_key', 'parameter', None, 'api_key', '{api_key}'),
                ('token', 'header', None, 'Authorization', 'Bearer {token}'),
                ('token', 'parameter', None, 'token', '{token}'),
                ('api_key', 'header', ' X-Auth ', 'X-Auth', '{api_key}')):
            with self.subTest(credential=credential, place=place, name=name):
                self.gateway.write({
                    'auth_type': credential, credential: SECRET, 'header_ids': [Command.clear()],
                    'parameter_ids': [Command.delete(row.id) for row in rows]})
                action = self.gateway.action_send_credential()
                dialog = Form(self.env[action['res_model']].with_context(**action['context']))
                dialog.place = place
                if name:
                    dialog.name = name
                dialog.save().action_apply()
                rows = self.gateway.parameter_ids.filtered(lambda row: row.param_type == 'auth')
                added = rows if place == 'parameter' else self.gateway.header_ids
                self.assertEqual((added.key, added.value), (key, value))
                self.assertNotIn("does not send", self.gateway.warnings or '')

    def test_offered_before_the_credential_is_entered(self):
        self.gateway.parameter_ids.filtered(lambda row: row.param_type == 'auth').unlink()
        self.gateway.write({'auth_type': 'api_key', 'api_key': False})
        self.assertTrue(self.gateway.is_api_key_unused)
        draft = self.env['sms.gateway'].new({'auth_type': 'token', 'name': "Draft"})
        self.assertFalse(draft.is_token_unused, "There is no request yet.")

    def test_missing_values_lead_to_their_fields(self):
        self.assertFalse(self.gateway.is_incomplete)
        self.gateway.token = False
        self.assertTrue(self.gateway.is_incomplete)
        self.assertIn("Missing: Token", self.gateway.warnings)
        self.assertEqual(self.gateway.action_connect()['res_model'], 'sms.gateway.connect')
        template = self.env['sms.gateway'].new({
            'base_url': 'https://example.com', 'auth_type': 'token', 'is_template': True})
        self.assertFalse(template.is_incomplete)

    def test_long_sender(self):
        self.gateway.parameter_ids = [Command.create({'key': 'from', 'value': '{sender}'})]
        for sender, warns in (("My Company Shop", True), ("My Company", False), ("+12025550123456", False)):
            with self.subTest(sender=sender):
                self.gateway.sender = sender
                self.assertEqual("Alphanumeric sender IDs" in (self.gateway.warnings or ''), warns)

    def test_json_path(self):
        self.gateway.query_ids = [Command.create({
            'kind': 'status', 'url': '/status/{message_id}', 'status_path': 'messages[0].status'})]
        self.assertIn("Status Path: messages[0].status is JSONPath, which is not supported. Enter messages.0.status.",
                      self.gateway.warnings)
        self.gateway.query_ids.status_path = 'messages.0.status'
        self.assertNotIn("JSONPath", self.gateway.warnings or '')
        for name, path, warns in (
                ('answer_message_id_path', 'messages[*].id', True), ('answer_message_id_path', 'messages[].id', False),
                ('inbound_text_param', '$.text', True), ('inbound_text_param', 'data[0][text]', False),
                ('delivery_callback_status_param', '$.status', True)):
            with self.subTest(name=name, path=path):
                self.gateway[name] = path
                self.assertEqual("JSONPath" in (self.gateway.warnings or ''), warns)
                self.gateway[name] = False

    def test_inbound_that_cannot_be_read(self):
        self.gateway.write({'inbound_number_param': 'from', 'inbound_text_param': 'text'})
        for values, words in (
                ({'inbound_text_param': False}, "Inbound SMS cannot be read"),
                ({'inbound_number_param': False}, "Inbound SMS cannot be read"),
                ({'delivery_callback_enabled': False, 'delivery_callback_check': 'basic'},
                 "All inbound SMS are refused")):
            with self.subTest(values=values):
                kept = {name: self.gateway[name] for name in values}
                self.gateway.write({'inbound_enabled': True, **values})
                self.assertIn(words, self.gateway.warnings)
                self.gateway.inbound_enabled = False
                self.assertNotIn(words, self.gateway.warnings or '')
                self.gateway.write({'inbound_enabled': True, **kept})
                self.assertNotIn(words, self.gateway.warnings or '')
