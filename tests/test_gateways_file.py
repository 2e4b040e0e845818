# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Gateways as a file: exported without secrets, imported as the same gateways, and made templates of."""
import base64
import json
import random
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from tempfile import NamedTemporaryFile

from lxml import etree

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.convert import convert_xml_import

from ..tools.gateway_file import ORDER, read
from ..wizard.gateway_rules import get_foreign, get_rules, get_values
from . import template_samples
from .common import SECRET, GatewayCase
from .test_templates import FIELD_ORDER

SCRIPT = Path(__file__).parents[1] / 'scripts' / 'gateway_to_xml'
SECRETS = (
    'api_key', 'token', 'username', 'password', 'delivery_callback_check_key', 'delivery_callback_check_old_key',
    'delivery_callback_check_username', 'delivery_callback_check_password', 'delivery_callback_old_token')


class GatewayFileCase(GatewayCase):

    def export(self, gateways):
        return self.env['sms.gateway.export'].with_context(
            active_model='sms.gateway', active_ids=gateways.ids).create({})

    def import_document(self, document):
        """
        :return: the gateways that it made
        """
        before = self.env['sms.gateway'].with_context(active_test=False).search([('id', '!=', False)])
        self.env['sms.gateway.import'].create({'document': document}).action_import()
        return self.env['sms.gateway'].with_context(active_test=False).search([('id', 'not in', before.ids)])

    def assert_same(self, one, other):
        """Two gateways send the same, and read answers and reports in the same way."""
        names = set(get_rules(self.env)) - {'parameter_ids', 'header_ids', 'callback_failure_map_ids', 'query_ids'}
        for name in sorted(names):
            self.assertEqual(one[name] or False, other[name] or False, name)
        for name in ('parameter_ids', 'header_ids'):
            self.assertEqual(*([
                (row.key, row.value or '', getattr(row, 'param_type', ''), getattr(row, 'only_for', ''))
                for row in gateway[name].sorted(lambda row: (row.sequence, row.id))] for gateway in (one, other)))
        self.assertEqual(*(
            sorted((row.provider_code, row.failure_type, row.outcome) for row in gateway.callback_failure_map_ids)
            for gateway in (one, other)))
        # each has a callback URL of its own
        self.assertEqual(*(
            gateway.request_preview.replace(gateway.delivery_callback_token, 'TOKEN') for gateway in (one, other)))
        self.assertNotEqual(one.delivery_callback_token, other.delivery_callback_token)


@tagged('post_install', '-at_install')
class TestGatewayFile(GatewayFileCase):

    def get_templates(self):
        return [(slug, self.env.ref(f'eis_sms_apis.gateway_{slug}')) for slug in template_samples.template_slugs()]

    def test_rules(self):
        rules = get_rules(self.env)
        self.assertLessEqual(set(ORDER), set(rules))
        outside = {
            *SECRETS, 'delivery_callback_token', 'company_id', 'state', 'active', 'is_template', 'sms_status_ids'}
        self.assertFalse(outside & set(rules))
        self.assertLessEqual(outside, get_foreign(self.env))
        self.assertEqual(list(rules['parameter_ids'].rows), ['key', 'value', 'param_type', 'only_for'])
        self.assertEqual(rules['header_ids'].rows['key'].required, True)

    def test_every_template_comes_back(self):
        for slug, template in self.get_templates():
            with self.subTest(provider=slug):
                export = self.export(template)
                self.assertFalse(export.masked)
                gateway = self.import_document(export.document)
                self.assertEqual((len(gateway), gateway.state, gateway.is_template), (1, 'new', False))
                self.assert_same(template, gateway)
                self.assertEqual(self.export(gateway).document, export.document)

    def test_all_templates_in_one_document(self):
        templates = self.env['sms.gateway'].browse([template.id for _slug, template in self.get_templates()])
        document = self.export(templates).document
        self.assertEqual(document, self.export(templates).document)
        gateways = self.import_document(document)
        self.assertEqual(gateways.mapped('name'), templates.sorted().mapped('name'))
        self.assertEqual(set(gateways.mapped('state')), {'new'})

    def test_every_template_becomes_its_xml(self):
        loader = SourceFileLoader('gateway_to_xml', str(SCRIPT))
        script = module_from_spec(spec_from_loader(loader.name, loader))
        loader.exec_module(script)
        for slug, template in self.get_templates():
            with self.subTest(provider=slug):
                before = get_values(template)
                exported, = read(self.export(template).document)
                document = script.to_xml(exported, slug)
                made = etree.fromstring(document.encode())
                names = [node.get('name') for node in made.iter('field')]
                self.assertEqual(names, [name for name in FIELD_ORDER if name in names])
                made.find('record').set('id', f'made_{slug}')
                with NamedTemporaryFile(suffix='.xml') as handle:
                    handle.write(etree.tostring(made))
                    handle.seek(0)
                    convert_xml_import(self.env, 'eis_sms_apis', handle, {}, mode='init')
                self.assertEqual(get_values(self.env.ref(f'eis_sms_apis.made_{slug}')), before)

    def test_made_up_gateways_come_back(self):
        chance = random.Random(7)
        for number in range(40):
            gateway = self.env['sms.gateway'].create(self.make_up(chance, number))
            with self.subTest(number=number, name=gateway.name):
                self.assert_same(gateway, self.import_document(self.export(gateway).document))

    def make_up(self, chance, number):
        texts = ('', 'a', ' é😀\n"{phone}" ', "it's <b>&amp;</b>", '\u2028\r\n\\n', '{message} {sender}', '0', 'null')
        values = {'name': f"Gateway {number}", 'base_url': f'https://example.com/{number}?a=%20{{sender}}'}
        for name, rule in get_rules(self.env).items():
            if name in values or chance.random() < .4:
                continue
            if rule.kind in ('text', 'lines'):
                values[name] = chance.choice(texts)
            elif rule.kind in ('boolean', 'choice'):
                values[name] = chance.choice(rule.choices or (True, False))
            elif rule.kind in ('integer', 'number'):
                values[name] = chance.randint(1, 60)
        for name in ('country_prefixes', 'success_http_codes', 'body_template', 'message_id_regex', 'error_code_regex',
                     'delivery_callback_signature_content', 'delivery_callback_signature_time',
                     'delivery_callback_check_networks',
                     *(name for name in values if name.startswith('delivery_callback_status_'))):
            values.pop(name, None)
        # a request that no rule of the form refuses
        values.update(auth_type='none', supports_multiple_recipients=False, multi_recipient_separator=',')
        rows = [{'key': f'k{index}', 'value': chance.choice(texts), 'sequence': chance.randint(1, 3)} for index in
                range(chance.randint(0, 4))]
        return {
            **values,
            'parameter_ids': [(0, 0, {**row, 'only_for': chance.choice(('any', 'gsm', 'unicode'))}) for row in rows],
            'header_ids': [
                (0, 0, {**row, 'key': f'X-{row["key"]}', 'value': ' '.join(row['value'].split())}) for row in rows],
            'callback_failure_map_ids': [(0, 0, {'provider_code': f'{index}*'}) for index in range(len(rows))],
        }

    # === SECRETS === #

    def test_no_secret_is_exported(self):
        gateway = self.make_gateway(
            "Secrets", **{name: f'{name}-s3cret' for name in SECRETS}, auth_type='basic',
            base_url=f'{self.provider.url}/send?apikey=s3cret-in-url', note="Sign in with password-s3cret",
            account_id='username-s3cret', delivery_callback_answer='OK delivery_callback_check_key-s3cret',
            parameter_ids=[
                (0, 0, {'key': 'to', 'param_type': 'number'}),
                (0, 0, {'key': 'text', 'param_type': 'message'}),
                (0, 0, {'key': 'password', 'value': 's3cret-in-parameter'})],
            header_ids=[
                (0, 0, {'key': 'Authorization', 'value': 'Bearer s3cret-in-header'}),
                (0, 0, {'key': 'X-B', 'value': 'b'})])
        export = self.export(gateway)
        self.assertNotIn('s3cret', export.document)
        self.assertNotIn(gateway.delivery_callback_token, export.document)
        exported, = read(export.document)
        self.assertEqual(exported['header_ids'], [
            {'key': 'Authorization', 'value': 'Bearer ***'}, {'key': 'X-B', 'value': 'b'}])
        self.assertFalse({*SECRETS, 'company_id', 'state', 'delivery_callback_token'} & set(exported))
        for label in ("Secrets: ", "Base URL", "Internal Note", "Account ID", "Answer", "Parameters (password)",
                      "Headers (Authorization)"):
            self.assertIn(label, export.masked)
        self.assertNotIn("X-B", export.masked)
        preview = self.env['sms.gateway.import'].new({'document': export.document}).preview
        self.assertIn("Headers (Authorization)", preview)

    def test_secrets_in_json_are_not_exported(self):
        gateway = self.make_gateway(
            "JSON", request_type='json', parameter_ids=[],
            body_template='{\n"to": "{phone}", "text": "{message}",\n"auth": {"apiKey": "s3cret-in-json"}}')
        export = self.export(gateway)
        self.assertNotIn('s3cret', export.document)
        self.assertEqual(export.masked, "JSON: JSON Body Template")
        gateway.body_template = '{\n"to": "{phone}", "text": "{message}"}'
        self.assertEqual(read(self.export(gateway).document)[0]['body_template'], gateway.body_template.split('\n'))

    def test_credentials_are_not_imported(self):
        for name in (*SECRETS, 'delivery_callback_token', 'company_id', 'state', 'active', 'is_template', 'sequence'):
            with self.subTest(name=name):
                self.assert_refused({'name': "X", name: 'active'}, f"gateways[0].{name} is not part of a gateway file")

    # === IMPORT === #

    def document(self, *gateways, **head):
        return json.dumps({'format': 'eis_sms_apis.gateway', 'version': 1, 'gateways': gateways, **head})

    def assert_refused(self, gateway, sentence):
        wizard = self.env['sms.gateway.import'].create({'document': self.document(gateway)})
        count = self.env['sms.gateway'].search_count([('id', '!=', False)])
        self.assertIn(sentence, wizard.problem)
        self.assertFalse(wizard.preview)
        with self.assertRaisesRegex(UserError, r'\w') as caught:
            wizard.action_import()
        self.assertEqual(str(caught.exception), wizard.problem)
        self.assertEqual(self.env['sms.gateway'].search_count([('id', '!=', False)]), count)

    def test_sentences(self):
        """One for each code, with what it names."""
        name = {'name': "X"}
        for gateway, sentence in (
                ({**name, 'methode': 'get'}, "gateways[0].methode is unknown"),
                ({}, "gateways[0].name is missing"),
                ({**name, 'timeout': '5'}, "gateways[0].timeout must be a whole number"),
                ({**name, 'failover': 1}, "gateways[0].failover must be true or false"),
                ({**name, 'method': 'put'}, 'gateways[0].method must not be "put". Use one of: get, post'),
                ({**name, 'timeout': 10 ** 12}, "gateways[0].timeout is too large"),
                ({**name, 'note': 'a\0'}, "gateways[0].note contains a character"),
                ({**name, 'parameter_ids': [{'key': 'a'}, {'key': 'b', 'param_type': 'x'}]},
                 "gateways[0].parameter_ids[1].param_type"),
                ('X', "gateways[0] must be an object"),
        ):
            with self.subTest(sentence=sentence):
                self.assert_refused(gateway, sentence)
        wizard = self.env['sms.gateway.import']
        for document, sentence in (
                ('{', "isn't valid JSON: line 1, column 2"),
                ('[1]', "doesn't contain SMS gateways"),
                (self.document(name, version=2), "version 2, but this addon reads versions up to 1"),
                ('{"a": 1, "a": 2}', "a appears twice"),
                (' ' * 1024 ** 2 + '{}', "larger than 1 MiB"),
                (self.document(), "gateways must be a list"),
        ):
            with self.subTest(sentence=sentence):
                self.assertIn(sentence, wizard.new({'document': document}).problem)
        self.assertIn("UTF-8", wizard.new({'file': base64.b64encode(b'\xff\xfe')}).problem)
        self.assertIn("1 MiB", wizard.new({'file': base64.b64encode(bytes(1024 ** 2 + 9))}).problem)

    def test_constraints_are_those_of_the_form(self):
        good = {'name': "Good", 'base_url': 'https://example.com/'}
        for values, words in (
                ({'country_prefixes': 'abc'}, "Country Prefixes"), ({'timeout': 99}, "Timeout"),
                ({'message_id_regex': '('}, "Message ID Regex"), ({'base_url': 'ftp://example.com'}, "Base URL")):
            with self.subTest(values=values), self.assertRaisesRegex(ValidationError, words), self.cr.savepoint():
                self.import_document(self.document(good, {'name': "Bad", 'base_url': 'https://example.com/', **values}))
        self.assertFalse(self.env['sms.gateway'].search([('name', 'in', ("Good", "Bad"))]))

    def test_nothing_is_overwritten(self):
        self.gateway.note = "Ours"
        document = self.export(self.gateway).document.replace('Ours', 'Theirs')
        wizard = Form(self.env['sms.gateway.import'])
        self.assertFalse(wizard.preview or wizard.problem)
        wizard.file = base64.b64encode(document.encode())
        self.assertIn("A gateway with this name already exists", wizard.preview)
        action = wizard.save().action_import()
        gateway = self.env['sms.gateway'].browse(action['res_id'])
        self.assertEqual((gateway.note, self.gateway.note), ("Theirs", "Ours"))
        self.assertEqual((gateway.state, self.gateway.state, self.gateway.token), ('new', 'active', SECRET))
        self.assertFalse(gateway.token or gateway.company_id)

    def test_defaults_of_the_user_change_nothing(self):
        document = self.export(self.gateway).document
        self.env['ir.default'].set('sms.gateway', 'timeout', 33)
        self.assertEqual(self.export(self.gateway).document, document)
        self.assertEqual(self.import_document(document).timeout, 15)
        wizard = self.env['sms.gateway.import'].create({'document': document})
        wizard.with_context(default_note="Context").action_import()
        self.assertFalse(self.env['sms.gateway'].search([('note', '=', "Context")]))

    def test_archived_gateway(self):
        self.gateway.active = False
        self.assertEqual(read(self.export(self.gateway).document)[0]['name'], "Loopback")


@tagged('post_install', '-at_install')
class TestGatewayFileAccess(GatewayFileCase, HttpCase):

    def test_download(self):
        export = self.export(self.gateway)
        new_test_user(self.env, 'file_employee', 'base.group_user,base.group_erp_manager')
        new_test_user(self.env, 'file_administrator', 'base.group_system')
        url = export.action_download()['url']
        for login, code in (('file_administrator', 200), ('file_employee', 404), (None, 404)):
            self.authenticate(login, login)
            with self.subTest(login=login), mute_logger('odoo.http'):
                answer = self.url_open(url, allow_redirects=False)
                self.assertEqual(answer.status_code, code)
                self.assertEqual(answer.content == export.document.encode(), code == 200)
                if code == 200:
                    self.assertIn('Loopback.json', answer.headers['Content-Disposition'])

    def test_company_of_others(self):
        company = self.env['res.company'].create({'name': "Other"})
        gateway = self.make_gateway("Theirs", company_id=company.id)
        export = self.export(gateway)
        user = new_test_user(self.env, 'file_company', 'base.group_system', company_id=self.env.company.id)
        with self.assertRaises(AccessError):
            self.export(gateway).with_user(user).gateway_ids.read(['name'])
        self.env.invalidate_all()
        self.assertNotIn("Theirs", export.with_user(user).document or '')

    def test_screens(self):
        self.gateway.header_ids = [(0, 0, {'key': 'X-Api-Key', 'value': 'open-sesame'})]
        self.start_tour('/odoo/action-eis_sms_apis.sms_gateway_action', 'eis_sms_apis.gateway_file', login='admin')
        export = self.env['sms.gateway.export'].search([('create_uid.login', '=', 'admin')])
        self.assertEqual((export.gateway_ids, export.file_name), (self.gateway, 'Loopback.json'))
        gateway = self.env['sms.gateway'].search([('name', '=', "From a File")])
        self.assertEqual((gateway.state, gateway.base_url), ('new', self.gateway.base_url))
        self.assertEqual(gateway.parameter_ids.mapped('key'), self.gateway.parameter_ids.mapped('key'))
        self.assertEqual(gateway.header_ids.value, '***')
