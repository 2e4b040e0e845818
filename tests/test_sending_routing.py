# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An SMS goes to the gateway that doc/behaviour.md section 4 names, each rule by its number."""
import random
from unittest.mock import patch

from lxml import etree

from odoo.addons.sms.tools.sms_api import SmsApi
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import GatewayCase
from .provider import Reply

PAKISTAN, BELGIUM, AMERICA = '+923001234567', '+32456001122', '+12025550123'


class RoutingCase(GatewayCase):
    """Given `self.gateway` without prefixes, sequence 10, the only Active one."""

    def set_parameter(self, key, value):
        self.env['ir.config_parameter'].sudo().set_param(key, value)

    def assertRoute(self, number, gateway, **values):
        """The SMS goes through this gateway, and `explain_route` says the same."""
        sms = self.make_sms(number, **values)
        company = sms.record_company_id
        explained = self.env['sms.gateway'].explain_route(number, company.id)
        sms.send()
        self.assertEqual(sms.gateway_id, gateway, number)
        self.assertEqual(explained['gateway'], [gateway.id, gateway.name])
        return explained


@tagged('post_install', '-at_install')
class TestRule1And2(RoutingCase):

    def test_rule_1_use_iap(self):
        """Use IAP: every SMS goes to Odoo's IAP, gateways are ignored."""
        self.set_parameter('sms.use_iap', True)
        self.gateway.country_prefixes = '32'
        self.assertFalse(self.env['sms.gateway'].explain_route(BELGIUM)['gateway'])
        sms = self.make_sms(BELGIUM)
        results = [{'uuid': sms.uuid, 'state': 'success', 'credit': 1}]
        with patch.object(SmsApi, '_contact_iap', autospec=True, return_value=results) as contact_iap:
            sms.send()
        contact_iap.assert_called_once()
        self.assertEqual((sms.state, sms.gateway_id.id), ('pending', False))
        self.assertFalse(self.provider.requests)

    def test_rule_2_prefix(self):
        pakistan = self.make_gateway("Pakistan", country_prefixes='92', sequence=20)
        explained = self.assertRoute(PAKISTAN, pakistan)
        self.assertIn("+92", explained['reason'])
        self.assertEqual(explained['next'], [[self.gateway.id, self.gateway.name]])
        self.assertRoute(BELGIUM, self.gateway)

    def test_rule_2_plus_double_zero_and_bare_prefix_are_the_same(self):
        gateway = self.make_gateway("Pakistan", sequence=20)
        for prefix in ('+92', '0092', '92'):
            gateway.country_prefixes = prefix
            for number in (PAKISTAN, '00923001234567', '923001234567', '+92 300 123-4567'):
                with self.subTest(prefix=prefix, number=number):
                    self.assertRoute(number, gateway)

    def test_rule_2_lowest_sequence(self):
        self.make_gateway("Later", country_prefixes='923001', sequence=20)
        first = self.make_gateway("First", country_prefixes='92', sequence=5)
        self.assertRoute(PAKISTAN, first)

    def test_rule_2_equal_sequence_longest_prefix(self):
        self.make_gateway("Short", country_prefixes='92')
        longest = self.make_gateway("Long", country_prefixes='1,923')
        self.make_gateway("Older wins among equals", country_prefixes='923')
        self.assertRoute(PAKISTAN, longest)

    def test_rule_2_number_is_read_with_the_country_of_the_recipient(self):
        pakistan = self.make_gateway("Pakistan", country_prefixes='92')
        belgium = self.make_gateway("Belgium", country_prefixes='32')
        self.env.company.country_id = self.env.ref('base.be')
        contact = self.make_contact(phone='0300 1234567', country_id=self.env.ref('base.pk').id)
        sms = self.make_sms('0300 1234567', partner_id=contact.id)
        sms.send()
        self.assertEqual(sms.gateway_id, pakistan)
        self.assertRoute('0456 00 11 22', belgium)  # without a recipient: the company's country
        self.assertEqual([number for number, _text in self.provider.sms], [PAKISTAN, BELGIUM])

    def test_rule_2_empty_prefixes_match_nothing(self):
        pakistan = self.make_gateway("Pakistan", country_prefixes='92', sequence=99)
        self.assertEqual(self.gateway.sequence, 10)
        self.assertRoute(PAKISTAN, pakistan)

    def test_rule_2_only_active_and_unarchived(self):
        for values in ({'state': 'new'}, {'state': 'disabled'}, {'active': False}):
            self.make_gateway("Not used", **{'country_prefixes': '92', 'sequence': 1, **values})
        self.assertRoute(PAKISTAN, self.gateway)

    def test_archived_gateways_never_send(self):
        """Even in a context that has searches find archived records, as that of a person who looks at them."""
        self.make_gateway(
            "By prefix", country_prefixes='92', sequence=1, active=False, base_url=f'{self.provider.url}/archived')
        self.make_gateway("By priority", sequence=1, active=False, base_url=f'{self.provider.url}/archived')
        default = self.make_gateway("Default", active=False)
        self.set_parameter('sms.sms_gateway_id', default.id)
        env = self.env(context={'active_test': False})
        for number in (PAKISTAN, BELGIUM):
            sms = self.make_sms(number)
            sms.with_env(env).send()
            self.assertEqual(sms.gateway_id, self.gateway)
            explained = env['sms.gateway'].explain_route(number)
            self.assertEqual((explained['gateway'][0], explained['next']), (self.gateway.id, []))
        self.make_contact()._message_sms("Hello")
        self.make_contact().with_env(env)._message_sms("Hello")
        self.assertEqual({request.path for request in self.provider.requests}, {'/'})
        pakistan = self.make_gateway("Pakistan", country_prefixes='92')
        self.assertNotIn("By prefix", pakistan.with_env(env).warnings or '')
        (self.gateway | pakistan).state = 'disabled'
        self.assertIn("No SMS can be sent", env['res.config.settings'].create({}).sms_gateway_warning)
        self.set_parameter('sms.iap_fallback', 'True')
        self.assertTrue(env['sms.gateway']._is_iap_used(self.env.company))

    def test_rule_2_company(self):
        """An SMS of company A never leaves through a gateway of company B."""
        other = self.env['res.company'].create({'name': "B"})
        own = self.make_gateway("Own", country_prefixes='92', company_id=self.env.company.id)
        others = self.make_gateway("Other's", country_prefixes='92', sequence=1, company_id=other.id)
        self.assertRoute(PAKISTAN, own)
        self.assertRoute(PAKISTAN, others, record_company_id=other.id)
        own.state = 'disabled'
        self.gateway.state = 'disabled'
        sms = self.make_sms(PAKISTAN)
        sms.send()
        self.assertEqual((sms.state, sms.gateway_id.id), ('error', False))


@tagged('post_install', '-at_install')
class TestRule3And4(RoutingCase):

    def test_rule_3_default_gateway(self):
        default = self.make_gateway("Default", country_prefixes='92', sequence=50)
        self.set_parameter('sms.sms_gateway_id', default.id)
        explained = self.assertRoute(BELGIUM, default)
        self.assertIn("Default Gateway", explained['reason'])

    def test_rule_3_default_gateway_that_is_not_active_is_not_used(self):
        for values in ({'state': 'new'}, {'state': 'disabled'}, {'active': False}):
            with self.subTest(**values):
                default = self.make_gateway("Default", **values)
                self.set_parameter('sms.sms_gateway_id', default.id)
                self.assertRoute(BELGIUM, self.gateway)

    def test_make_default(self):
        second = self.make_gateway("Second", sequence=50)
        self.assertFalse((self.gateway | second).filtered('default_badge'))
        second.action_make_default()
        self.assertEqual((self.gateway | second).filtered('default_badge'), second)
        self.assertRoute(BELGIUM, second)
        self.gateway.action_make_default()
        self.assertEqual((self.gateway | second).filtered('default_badge'), self.gateway)
        for values in ({'state': 'new'}, {'state': 'disabled'}, {'state': 'active', 'active': False}):
            second.write({'active': True, **values})
            with self.subTest(**values), self.assertRaisesRegex(UserError, "Second is not Active"):
                second.action_make_default()
        self.assertEqual(second._get_default_gateway_id(), self.gateway.id)

    def test_disabling_or_archiving_the_default_gateway_asks(self):
        arch = etree.fromstring(self.env['sms.gateway'].get_view(view_type='form')['arch'])
        for button in arch.xpath("//button[@name='action_archive'] | //button[@string='Disable']"):
            asks = 'not default_badge' in button.get('invisible')
            self.assertEqual("This is the Default Gateway" in button.get('confirm', ''), asks, button.attrib)
        self.assertEqual(len(arch.xpath("//button[contains(@confirm, 'This is the Default Gateway')]")), 2)

    def test_rule_3_default_gateway_that_is_none_is_not_used(self):
        for value in ('987654', 'twilio', '-1', '0', f'{self.gateway.id}.0'):
            with self.subTest(value=value):
                self.set_parameter('sms.sms_gateway_id', value)
                self.assertRoute(BELGIUM, self.gateway)

    def test_rule_3_first_active_gateway(self):
        self.make_gateway("Second", sequence=11)
        first = self.make_gateway("First", sequence=9, country_prefixes='1')
        explained = self.assertRoute(BELGIUM, first)
        self.assertIn("highest priority", explained['reason'])

    def test_rule_3_says_where_it_is_decided_that_a_gateway_gets_what_it_does_not_match(self):
        """On the form of that gateway, in the settings and in Which Gateway?, until there is a Default Gateway."""
        second = self.make_gateway("Second", sequence=11, country_prefixes='1')
        for prefixes, warns in (('92', True), (False, False)):
            self.gateway.country_prefixes = prefixes
            settings = self.env['res.config.settings'].create({})
            explained = self.assertRoute(BELGIUM, self.gateway)
            with self.subTest(prefixes=prefixes):
                self.assertEqual("No Default Gateway is set" in (self.gateway.warnings or ''), warns)
                self.assertEqual("match no gateway" in (settings.sms_gateway_warning or ''), warns)
                self.assertNotIn("No Default Gateway is set", second.warnings or '')
                self.assertIn("no Default Gateway is set", explained['reason'])
        self.gateway.country_prefixes = '92'
        self.set_parameter('sms.sms_gateway_id', second.id)
        self.assertNotIn("No Default Gateway", self.gateway.warnings or '')
        self.assertFalse(self.env['res.config.settings'].create({}).sms_gateway_warning)

    def test_rule_3_number_that_cannot_be_read(self):
        """It goes on to rule 3, where it fails by its format, unless the gateway takes numbers as they are."""
        self.make_gateway("Pakistan", country_prefixes='92', sequence=1)
        self.set_parameter('sms.sms_gateway_id', self.gateway.id)
        sms = self.make_sms('12', '', BELGIUM)
        sms.send()
        self.assertEqual(sms.mapped('failure_type'), ['sms_number_format', 'sms_number_missing', False])
        self.assertEqual(sms.mapped('state'), ['error', 'error', 'pending'])
        self.assertIn("+", sms[0].failure_reason)
        self.gateway.number_format = 'raw'
        short = self.make_sms('12')
        short.send()
        self.assertEqual((short.state, self.provider.sms[-1]), ('pending', ('12', "Hello")))

    def test_rule_4_no_gateway_fails_and_says_what_to_set(self):
        self.gateway.state = 'disabled'
        explained = self.env['sms.gateway'].explain_route(BELGIUM)
        sms = self.make_sms(BELGIUM)
        sms.send()
        self.assertEqual((sms.state, sms.failure_type), ('error', 'sms_server'))
        self.assertEqual(sms.failure_reason, explained['reason'])
        self.assertIn("Activate one", sms.failure_reason)
        self.assertFalse(explained['gateway'])

    def test_rule_4_iap_fallback_only_without_any_active_gateway(self):
        self.set_parameter('sms.iap_fallback', True)
        self.gateway.country_prefixes = '92'
        self.assertRoute(BELGIUM, self.gateway)  # no match, and still not IAP
        self.gateway.state = 'disabled'
        self.assertEqual(self.env.company._get_sms_api_class(), SmsApi)
        self.assertIn("IAP", self.env['sms.gateway'].explain_route(BELGIUM)['reason'])
        self.gateway.write({'state': 'active', 'active': False})
        self.assertEqual(self.env.company._get_sms_api_class(), SmsApi)

    def test_rule_4_iap_fallback_is_of_each_company(self):
        self.set_parameter('sms.iap_fallback', True)
        other = self.env['res.company'].create({'name': "B"})
        self.gateway.company_id = other
        self.assertEqual(self.env.company._get_sms_api_class(), SmsApi)
        self.assertNotEqual(other._get_sms_api_class(), SmsApi)

    def test_explain_route_reads_like_a_person_types(self):
        explained = self.env['sms.gateway'].explain_route(' 0032 456/00.11.22 ')
        self.assertEqual(explained['number'], BELGIUM)
        self.assertFalse(self.env['sms.gateway'].explain_route('nonsense')['number'])
        self.assertTrue(self.env['sms.gateway'].explain_route('')['gateway'])

    def test_number_formats_reach_the_provider(self):
        formats = {
            'e164': PAKISTAN, 'international': '923001234567', 'double_zero': '00923001234567',
            'national': '03001234567', 'raw': '+92 300-1234567',
        }
        for number_format, expected in formats.items():
            self.gateway.number_format = number_format
            self.make_sms('+92 300-1234567').send()
            self.assertEqual(self.provider.sms[-1][0], expected, number_format)


@tagged('post_install', '-at_install')
class TestRandomSetUps(RoutingCase):
    """Given gateways with random priorities, prefixes, companies, states and defaults, the requests that really leave
    go through those that the words of doc/behaviour.md section 4 name, in that order, and *Which Gateway?* says so."""

    NUMBERS = (AMERICA, '+4915112345678', PAKISTAN, BELGIUM)
    PREFIXES = (False, False, '+1', '+49', '+1,+49', '+49151,+92', '0092', '92300,1')

    def test_random_set_ups(self):
        self.always_answer(Reply(429, headers={'Retry-After': '0'}))  # each passes the SMS on
        self.gateway.state = 'disabled'
        other = self.env['res.company'].create({'name': "B"})
        for seed in range(60):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                self._check_set_up(random.Random(seed), (self.env.company, other))
                savepoint.rollback()

    def _check_set_up(self, chance, companies):
        gateways = self.env['sms.gateway']
        for number in range(chance.randint(1, 5)):
            gateways |= self.make_gateway(
                f"G{number}", base_url=f'{self.provider.url}/{number}', sequence=chance.choice((1, 10, 20)),
                country_prefixes=chance.choice(self.PREFIXES), active=chance.random() < 0.9,
                state=chance.choice(('active', 'active', 'active', 'disabled')), failover=chance.random() < 0.85,
                company_id=chance.choice((False, False, *(company.id for company in companies))))
        default = chance.choice((self.env['sms.gateway'], *gateways))
        self.set_parameter('sms.sms_gateway_id', default.id or False)
        for company in companies:
            allowed = gateways.filtered(lambda one, company=company: (
                one.state == 'active' and one.active and one.company_id in (company, company.browse())))
            company.sms_gateway_id = chance.choice((self.env['sms.gateway'], *allowed))
        for gateway in gateways:
            if chance.random() < 0.1:
                gateway.active = not gateway.active
        number, company = chance.choice(self.NUMBERS), chance.choice(companies)
        expected = self._tried(gateways, (company.sms_gateway_id, default), number, company)

        explained = self.env['sms.gateway'].explain_route(number, company.id)
        self.assertEqual(
            [explained['gateway'] and explained['gateway'][0], *(gateway[0] for gateway in explained['next'])],
            expected.ids or [False])
        self.provider.clear()
        self.make_sms(number, record_company_id=company.id).send()
        self.assertEqual(
            [request.path for request in self.provider.requests],
            [gateway.base_url.removeprefix(self.provider.url) for gateway in expected])

    def _tried(self, gateways, defaults, number, company):
        """The rule's own words: prefixes by priority and length, the default or the first, those without prefixes."""
        mine = gateways.filtered(lambda one: (
            one.state == 'active' and one.active and one.company_id in (company, company.browse()))).sorted(
            lambda one: (one.sequence, one.id))

        def longest(gateway):
            prefixes = [text.removeprefix('+').removeprefix('00') for text in
                        (gateway.country_prefixes or '').split(',') if text]
            return max((len(prefix) for prefix in prefixes if number[1:].startswith(prefix)), default=0)

        tried = mine.filtered(longest).sorted(lambda one: (one.sequence, -longest(one), one.id))
        for default in defaults:
            tried |= default & mine
        tried = tried or mine[:1]
        tried |= mine.filtered(lambda one: not one.country_prefixes)
        last = next((place for place, one in enumerate(tried) if not one.failover), len(tried))
        return tried[:last + 1]
