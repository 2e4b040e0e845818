# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From a template to an active gateway: what providers ask for, the dialog, and how a provider is found."""
import json
import re
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger
from odoo.tools.convert import convert_file
from odoo.tools.translate import code_translations

from ..models.sms_gateway_connect_term import TERMS
from ..models.sms_gateway_form import REQUIRED
from ..models.sms_gateway_template import ASKED
from ..tools.regions import REGIONS, expand_codes
from ..tools.request.usage import RequestUsage
from . import template_samples
from .common import SECRET, GatewayCase, get_template
from .provider import Reply

SID = 'AC' + '0123456789abcdef' * 2


class ConnectCase(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for slug in template_samples.template_slugs():  # disabling all gateways made them the user's own
            cls.write_template(slug, is_template=True, state='new')
            get_template(cls.env, slug)._get_addon_ids().noupdate = False

    @classmethod
    def write_template(cls, slug, **values):
        get_template(cls.env, slug).with_context(install_mode=True, install_module='eis_sms_apis').write(values)


@tagged('post_install', '-at_install')
class TestTemplateConnection(ConnectCase):

    def test_every_template_asks_for_what_its_request_uses(self):
        for slug in template_samples.template_slugs():
            with self.subTest(provider=slug):
                template = get_template(self.env, slug)
                names = [row['name'] for row in json.loads(template.connect_fields)]
                self.assertEqual(len(names), len(set(names)))
                needed = RequestUsage(template._get_request_config()).names | (
                    REQUIRED['basic'] if template.auth_type == 'basic' else set())
                self.assertEqual(set(names) - {'connect_host'}, needed & set(ASKED))

    def test_patterns_and_places(self):
        for slug in template_samples.template_slugs():
            with self.subTest(provider=slug):
                template = get_template(self.env, slug)
                for row in template.connect_spec['fields']:
                    self.assertTrue(row['label'])
                    if row['pattern']:
                        re.compile(row['pattern'])
                        self.assertTrue(row['help'], "It explains a wrong shape.")
                self.assertTrue(template.region)
                self.assertRegex(template.card_color, '^#[0-9A-F]{6}$')
                self.assertTrue(template.confidence)
                codes = set(template.country_codes.split(',')) - {'GLOBAL', *REGIONS}
                self.assertEqual(self.env['res.country'].search_count([('code', 'in', list(codes))]), len(codes))

    def test_shape_of_an_account_sid(self):
        row = get_template(self.env, 'twilio').connect_spec['fields'][0]
        self.assertEqual((row['name'], row['label']), ('username', "Account SID"))
        self.assertRegex(SID, row['pattern'])
        self.assertNotRegex('SK' + SID[2:], row['pattern'])

    def test_upgrade(self):
        """An upgrade adds what a provider asks for to an untouched template, not to a gateway of the user."""
        old = {'connect_fields': False, 'console_url': False, 'region': False, 'country_codes': False}
        template, own = get_template(self.env, 'twilio'), get_template(self.env, 'sendpk')
        self.write_template('twilio', **old)
        own.write(old)
        for slug in ('twilio', 'sendpk'):
            convert_file(self.env, 'eis_sms_apis', f'data/gateways/{slug}.xml', {}, mode='update')
        self.assertIn("Account SID", template.connect_labels)
        self.assertEqual((template.region, template.is_template), ('global', True))
        self.assertFalse(own.connect_fields or own.region or own.is_template)

    def test_terms_are_exported_for_translation(self):
        exported = set(map(str, TERMS))
        used = {
            row[key] for slug in template_samples.template_slugs()
            for row in json.loads(get_template(self.env, slug).connect_fields)
            for key in ('label', 'help') if row.get(key)}
        self.assertEqual(exported, used, "add the terms of new templates to TERMS")

    def test_labels_in_the_language_of_the_user(self):
        self.env['res.lang']._activate_lang('fr_FR')
        french = {"From": "Expéditeur", "Auth Token": "Jeton"}
        gateway = self.env['sms.gateway'].browse(get_template(self.env, 'twilio').action_use_template()['res_id'])
        with patch.object(code_translations, 'get_python_translations', lambda _module, lang: (
                french if lang == 'fr_FR' else {})):
            rows = gateway.with_context(lang='fr_FR').connect_spec['fields']
            self.assertEqual([row['label'] for row in rows], ["Account SID", "Jeton", "Expéditeur"])
            self.assertEqual(rows[0]['placeholder'], f"AC{'x' * 32}")
            self.assertIn("Jeton", gateway.with_context(lang='fr_FR').connect_labels)
            self.assertEqual(gateway.with_context(lang='en_US').connect_spec['fields'][2]['label'], "From")

    def test_gateway_without_connection_fields(self):
        self.assertEqual([row['name'] for row in self.gateway.connect_spec['fields']], ['token'])
        for text in ('{', '{}', '[1]', '[{"name": "state"}]', '0'):
            self.gateway.connect_fields = text
            self.assertEqual([row['label'] for row in self.gateway.connect_spec['fields']], ["Token"])

    def test_console_is_a_web_address(self):
        self.gateway.console_url = 'javascript:alert(1)'
        self.assertFalse(self.gateway.connect_spec['console'])

    def test_host(self):
        for slug, host, url in (
                ('infobip', 'abc12.api.infobip.com', 'https://abc12.api.infobip.com/sms/3/messages'),
                ('infobip', 'https://abc12.api.infobip.com/', 'https://abc12.api.infobip.com/sms/3/messages'),
                ('kannel', '10.0.0.5:13013', 'http://10.0.0.5:13013/cgi-bin/sendsms'),
                ('jasmin', 'https://sms.example.net', 'https://sms.example.net/send'),
                ('android_sms_gateway', 'http://192.168.1.20:8080/messages', 'http://192.168.1.20:8080/messages')):
            with self.subTest(host=host):
                gateway = get_template(self.env, slug).copy()
                gateway.connect_host = host
                self.assertEqual(gateway.base_url, url)
        self.assertFalse(get_template(self.env, 'kannel').connect_host, "The host of a template is an example.")
        self.gateway.connect_host = False
        self.assertEqual(self.gateway.base_url, self.provider.url)

    def test_country(self):
        templates = self.env['sms.gateway'].search([('is_template', '=', True)])
        for code, found, not_found in (
                ('pk', 'sendpk', 'fast2sms'), ('de', 'lox24', 'sendpk'), ('in', 'msg91', 'lox24'),
                ('mx', 'labsmobile', 'turbosms')):
            country = self.env.ref(f'base.{code}')
            for operator, value in (('in', country.ids), ('ilike', country.name)):
                result = templates & templates.search([('served_country_ids', operator, value)])
                with self.subTest(country=code, operator=operator):
                    self.assertIn(get_template(self.env, found), result)
                    self.assertIn(get_template(self.env, 'twilio'), result, "It serves all countries.")
                    self.assertNotIn(get_template(self.env, not_found), result)
        self.assertIn('FR', expand_codes('gb, EU,GLOBAL'))


@tagged('post_install', '-at_install')
class TestConnect(ConnectCase, HttpCase):

    def connect(self, slug, **values):
        template = get_template(self.env, slug)
        action = template.action_connect()
        self.assertEqual((action['res_model'], action['target']), ('sms.gateway.connect', 'new'))
        wizard = self.env['sms.gateway.connect'].browse(action['res_id'])
        wizard.write({'number': '+32456001122', **values})
        self.assertTrue(template.is_template)
        return wizard

    def test_connect(self):
        wizard = self.connect('twilio', username=SID, password=SECRET)
        gateway = wizard.gateway_id
        self.assertEqual((gateway.state, gateway.username, gateway.is_template), ('new', SID, False))
        with self.assertRaisesRegex(UserError, "Enter what is missing: From"):
            wizard.action_next()
        wizard.sender = '+15005550006'
        wizard.connect_host = self.provider.url
        wizard.action_next()
        self.assertEqual(wizard.step, 'test')
        self.always_answer(Reply(401, {'code': 20003, 'message': 'Authenticate'}))
        wizard.action_send()
        self.assertEqual(wizard.level, 'danger')
        self.assertIn("Authenticate", wizard.result)
        self.assertIn("Check the credentials", wizard.advice)
        self.always_answer(Reply(201, {'sid': 'SM0001', 'status': 'queued'}))
        wizard.action_send()
        self.assertEqual((wizard.level, wizard.advice), ('success', False))
        self.assertNotIn(SECRET, str(wizard.test_id.read()))
        wizard.action_next()
        self.assertTrue(wizard.make_default)
        wizard.country_ids = self.env.ref('base.pk') + self.env.ref('base.us') + self.env.ref('base.ca')
        action = wizard.action_activate()
        self.assertEqual((action['res_model'], action['res_id']), ('sms.gateway', gateway.id))
        self.assertEqual(gateway.state, 'active')
        self.assertEqual(set(gateway.country_prefixes.split(',')), {'+92', '+1'})
        self.assertEqual(self.env['sms.gateway']._get_default_gateway_id(), gateway.id)

    def test_closing_keeps_a_new_gateway(self):
        gateway = self.connect('sendpk', api_key=SECRET).gateway_id
        self.assertEqual((gateway.state, gateway.api_key), ('new', SECRET))
        action = gateway.action_connect()
        again = self.env['sms.gateway.connect'].browse(action['res_id'])
        self.assertEqual((again.gateway_id, again.country_ids), (gateway, self.env.ref('base.pk')))
        self.assertEqual(again.country_prefixes, '+92')

    def test_connecting_again_leaves_no_empty_gateways(self):
        gateway = self.connect('twilio').gateway_id
        self.assertEqual(self.connect('twilio').gateway_id, gateway)
        gateway.username = SID
        self.assertNotEqual(self.connect('twilio').gateway_id, gateway)

    def test_default_gateway_stays(self):
        self.env['ir.config_parameter'].set_param('sms.sms_gateway_id', str(self.gateway.id))
        wizard = self.connect('twilio')
        self.assertFalse(wizard.make_default)
        wizard.action_activate()
        self.assertEqual(self.env['sms.gateway']._get_default_gateway_id(), self.gateway.id)
        self.assertFalse(wizard.gateway_id.country_prefixes)

    def test_back(self):
        wizard = self.connect('twilio', step='test')
        wizard.action_back()
        self.assertEqual(wizard.step, 'credentials')

    def test_tour(self):
        """From the apps menu to a sent test SMS in 6 clicks, when there is no gateway."""
        self.env['sms.gateway'].search([('is_template', '=', False)]).unlink()
        path = get_template(self.env, 'twilio').base_url.split('/', 3)[3]
        self.write_template('twilio', base_url=f'{self.provider.url}/{path}')
        self.always_answer(Reply(201, {'sid': 'SM0001', 'status': 'queued'}))
        with mute_logger('odoo.http'):  # it logs what the dialog refuses
            self.start_tour('/odoo', 'eis_sms_apis.connect', login='admin')
        gateway = self.env['sms.gateway'].search([('name', '=', "Twilio"), ('is_template', '=', False)])
        self.assertEqual((gateway.state, gateway.country_prefixes), ('active', '+49'))
        self.assertEqual((gateway.username, gateway.sender), (SID, '+15005550006'))
        self.assertEqual(len(self.provider.requests), 1)

    def test_gallery(self):
        self.start_tour(
            '/odoo/action-eis_sms_apis.sms_gateway_template_action', 'eis_sms_apis.gallery', login='admin')


@tagged('post_install', '-at_install')
class TestConnectOnPhone(ConnectCase, HttpCase):
    browser_size = '390x844'
    touch_enabled = True

    def test_host_of_an_account(self):
        """The dialog asks for the host of the account; closing it keeps what was entered."""
        self.start_tour(
            '/odoo/action-eis_sms_apis.sms_gateway_template_action', 'eis_sms_apis.connect_host', login='admin')
        gateway = self.env['sms.gateway'].search([('name', '=', "Infobip"), ('is_template', '=', False)])
        self.assertEqual((gateway.state, gateway.api_key, gateway.sender), ('new', 'open-sesame', 'Shop'))
        self.assertEqual(gateway.base_url, 'https://abc12.api.infobip.com/sms/3/messages')
