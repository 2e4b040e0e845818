# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The Default Gateway of a company comes before the one of all companies: doc/behaviour.md section 4, rule 3."""
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .provider import Reply
from .test_sending_companies import ANN, BO, JO, CompanyCase


class DefaultCase(CompanyCase):
    """Given A and B with a gateway each, and two gateways of all companies with other prefixes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = cls.make_gateway("Shared", sequence=50, country_prefixes='1', base_url=f'{cls.provider.url}/s')
        cls.second = cls.make_gateway("Second", sequence=60, country_prefixes='1', base_url=f'{cls.provider.url}/2')
        cls.gateway.country_prefixes = cls.gateway_b.country_prefixes = '1'

    def set_default(self, gateway):
        self.env['ir.config_parameter'].sudo().set_param('sms.sms_gateway_id', gateway.id)

    def explain(self, company):
        return self.env['sms.gateway'].explain_route(JO, company.id)


@tagged('post_install', '-at_install')
class TestDefaultOfCompany(DefaultCase):

    def test_own_before_the_one_of_all_companies(self):
        """In one queue, each SMS goes through the default of its company."""
        self.set_default(self.shared)
        self.company_b.sms_gateway_id = self.second
        self.make_sms_of(self.company_a, JO, BO)
        self.make_sms_of(self.company_b, ANN)
        self.env['sms.sms']._process_queue()
        self.assertEqual((self.arrived('/s'), self.arrived('/2')), ([JO, BO], [ANN]))
        self.assertEqual(self.explain(self.company_a)['gateway'], [self.shared.id, "Shared"])
        explained = self.explain(self.company_b)
        self.assertEqual((explained['gateway'], explained['next']), ([self.second.id, "Second"], [
            [self.shared.id, "Shared"]]))
        self.assertIn("Default Gateway of B", explained['reason'])

    def test_failover_goes_to_the_one_of_all_companies(self):
        self.set_default(self.shared)
        self.company_b.sms_gateway_id = self.gateway_b
        self.provider.answer(Reply(429), path='/b')
        sms = self.make_sms_of(self.company_b, ANN)
        sms.send()
        self.assertEqual((sms.gateway_id, self.arrived('/s')), (self.shared, [ANN]))

    def test_own_that_is_not_active_is_not_used(self):
        self.set_default(self.shared)
        self.company_b.sms_gateway_id = self.second
        for values in ({'state': 'disabled'}, {'state': 'active', 'active': False}):
            self.second.write(values)
            with self.subTest(**values):
                self.assertEqual(self.explain(self.company_b)['gateway'], [self.shared.id, "Shared"])
                self.assertIn("is not Active, so it is not used", self.second.warnings)
                settings = self.env['res.config.settings'].with_company(self.company_b).create({})
                self.assertIn("Second is no longer Active", settings.sms_gateway_warning)
                settings.execute()  # other settings can still be saved
        self.second.write({'active': True, 'state': 'active'})
        self.second.unlink()
        self.assertFalse(self.company_b.sms_gateway_id)

    def test_only_an_active_gateway_of_the_company_or_of_none(self):
        for gateway in self.gateway, self.shared:
            self.company_a.sms_gateway_id = gateway
        with self.assertRaisesRegex(ValidationError, "B's only sends SMS of B"):
            self.company_a.sms_gateway_id = self.gateway_b
        for values in ({'state': 'new'}, {'state': 'disabled'}, {'active': False}):
            gateway = self.make_gateway("Third", **values)
            with self.subTest(**values), self.assertRaisesRegex(ValidationError, "Third is not Active"):
                self.company_a.sms_gateway_id = gateway

    def test_default_of_another_company_keeps_its_company(self):
        """Otherwise the settings of that company would show a gateway that its administrators may not read."""
        self.company_b.sms_gateway_id = self.second
        with self.assertRaisesRegex(ValidationError, "Second is the Default Gateway of B"):
            self.second.company_id = self.company_a
        self.second.company_id = self.company_b

    def test_unmatched_numbers_warn_where_no_default_is_used(self):
        self.assertIn("No Default Gateway is set", self.gateway.warnings)
        self.company_a.sms_gateway_id = self.second
        self.gateway.invalidate_recordset()
        self.assertFalse(self.gateway.warnings)
        self.assertIn("No Default Gateway is set", self.gateway_b.warnings)
        settings = self.env['res.config.settings']
        self.assertFalse(settings.create({}).sms_gateway_warning)
        self.assertIn("B's", settings.with_company(self.company_b).create({}).sms_gateway_warning)


@tagged('post_install', '-at_install')
class TestMakeDefault(DefaultCase):

    def badges(self):
        gateways = self.gateway | self.gateway_b | self.shared | self.second
        gateways.invalidate_recordset(['default_badge'])
        return gateways.mapped('default_badge')

    def test_of_its_company_or_of_all(self):
        self.env.user.group_ids |= self.env.ref('base.group_multi_company')
        self.assertFalse(self.gateway_b.action_make_default())
        self.assertFalse(self.gateway.action_make_default())
        self.assertEqual((self.company_a.sms_gateway_id, self.company_b.sms_gateway_id), (self.gateway, self.gateway_b))
        self.assertEqual(self.badges(), [f"Default for {self.company_a.name}", "Default for B", False, False])
        self.company_b.sms_gateway_id = self.shared
        self.shared.invalidate_recordset()
        self.assertFalse(self.shared.is_default, "Make Default makes it the one of all companies.")
        self.company_b.sms_gateway_id = self.gateway_b
        told = self.shared.action_make_default()
        self.assertTrue(self.shared.is_default and self.gateway.is_default)
        for name in (self.company_a.name, "B"):
            self.assertIn(name, told['params']['message'])
        self.assertEqual(self.badges()[2:], ["Default", False])
        self.assertEqual(self.shared._get_default_gateway_id(), self.shared.id)
        self.company_a.sms_gateway_id = self.company_b.sms_gateway_id = False
        self.assertFalse(self.second.action_make_default())
        self.assertEqual(self.badges(), [False, False, False, "Default"])

    def test_badge_names_no_company_of_others(self):
        self.company_b.sms_gateway_id = self.second
        user = new_test_user(
            self.env, 'adam', 'base.group_system', company_id=self.company_a.id,
            company_ids=[(6, 0, self.company_a.ids)])
        self.assertEqual(self.second.with_user(user).default_badge, "Default for another company")
        self.env.user.group_ids -= self.env.ref('base.group_multi_company')
        self.second.invalidate_recordset()
        self.assertEqual(self.second.default_badge, "Default")

    def test_connect_makes_it_the_default_of_its_company(self):
        self.gateway_b.state = 'new'
        self.set_default(self.shared)
        connect = self.env['sms.gateway.connect'].create({'gateway_id': self.gateway_b.id})
        self.assertFalse(connect.make_default)
        connect.make_default = True
        connect.action_activate()
        self.assertEqual((self.company_b.sms_gateway_id, self.gateway_b._get_default_gateway_id()), (
            self.gateway_b, self.shared.id))

    def test_settings_of_each_company(self):
        """They show and save the default of the company in which the administrator works, and no other."""
        user = new_test_user(
            self.env, 'adam', 'base.group_system', company_id=self.company_b.id,
            company_ids=[(6, 0, self.company_b.ids)])
        settings = Form(self.env(user=user, context={})['res.config.settings'])
        self.assertFalse(settings.sms_company_gateway_id)
        settings.sms_company_gateway_id = self.gateway_b.with_user(user)
        settings.save().execute()
        self.assertEqual((self.company_a.sms_gateway_id.id, self.company_b.sms_gateway_id), (False, self.gateway_b))
        self.assertFalse(self.gateway_b._get_default_gateway_id())
        employee = new_test_user(self.env, 'emma', 'base.group_user')
        self.assertNotIn('sms_gateway_id', self.company_b.with_user(employee).fields_get())
        with self.assertRaises(AccessError):
            self.company_a.with_user(employee).read(['sms_gateway_id'])
