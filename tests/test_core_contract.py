# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo has every name that this addon relies on without a promise: those of `tools/core_contract.py`. A new Odoo that
breaks one of them fails here, and sends nothing through IAP instead of a gateway."""
import importlib
import inspect
from unittest.mock import patch

from odoo.addons.sms.models import res_company as core_company
from odoo.addons.sms.tests.common import SMSCase
from odoo.addons.sms.tools import sms_api as core_api
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..tools.core_contract import METHODS, NAMES, OF_MARKETING, QUEUE_ACTION, TABLES, SmsApiBase, sends_through_iap
from ..tools.sms_api import SmsApiGateway
from .common import GatewayCase


@tagged('post_install', '-at_install')
class TestCoreContract(GatewayCase):

    def find_in_core(self, model, name):
        """The definitions of a name in Odoo, not in this addon."""
        if model not in self.env:
            return []
        return [
            vars(definer)[name] for definer in type(self.env[model]).__mro__
            if name in vars(definer) and definer.__module__.startswith('odoo.')
            and not definer.__module__.startswith('odoo.addons.eis_sms_apis.')]

    def of_installed(self, contract):
        has_marketing = 'mailing_trace_id' in self.env['sms.tracker']._fields
        return [(key, row) for key, row in contract.items() if has_marketing or key not in OF_MARKETING]

    def test_methods(self):
        for (model, name), (parameters, why) in self.of_installed(METHODS):
            with self.subTest(model=model, name=name, why=why):
                definitions = self.find_in_core(model, name)
                self.assertTrue(definitions, "core does not have it")
                known = inspect.signature(inspect.unwrap(definitions[-1])).parameters
                self.assertEqual([parameter for parameter in parameters if parameter not in known], [])

    def test_tables(self):
        for (model, name), (keys, why) in self.of_installed(TABLES):
            with self.subTest(model=model, name=name, why=why):
                self.assertTrue(keys <= set(getattr(self.env[model], name, ())))

    def test_names(self):
        for path, why in NAMES.items():
            with self.subTest(path=path, why=why):
                self.assertIsNotNone(self.find_name(path))

    def find_name(self, path):
        """
        :raise ImportError, AttributeError: it is not there
        """
        parts = path.split('.')
        module = importlib.import_module('.'.join(parts[:2]))
        for position, part in enumerate(parts[2:], 2):
            if not hasattr(module, part):
                importlib.import_module('.'.join(parts[:position + 1]))
            module = getattr(module, part)
        return module

    def test_every_private_name_is_listed(self):
        """A method of core that a model of this addon extends, and whose name says that it is not promised."""
        listed = {name for _model, name in METHODS}
        for model in self.env.registry.values():
            for definer in model.__mro__:
                if not definer.__module__.startswith('odoo.addons.eis_sms_apis.models.'):
                    continue
                for name, value in vars(definer).items():
                    if not (name.startswith('_') and not name.startswith('__') and inspect.isfunction(value)):
                        continue
                    if self.find_in_core(model._name, name) or self.find_in_core('base', name):
                        with self.subTest(model=model._name, name=name):
                            self.assertIn(name, listed)

    def test_sms_api_classes(self):
        """`SmsApiBase`: `__init__(env)` makes no IAP account, `_send_sms_batch(messages, delivery_reports_url)` is what
        a subclass defines, `_set_company` and `company` tell whose SMS are sent."""
        self.assertEqual(SmsApiGateway(self.env).company, self.env.company)
        self.assertIn('delivery_reports_url', inspect.signature(SmsApiBase._send_sms_batch).parameters)
        self.assertIn('server_error', SmsApiBase.PROVIDER_TO_SMS_FAILURE_TYPE)

    def test_queue_action(self):
        """The action that `QUEUE_ACTION` names runs `_process_queue`."""
        self.assertIn('_process_queue', self.env.ref(QUEUE_ACTION).code)


@tagged('post_install', '-at_install')
class TestIapByAnyName(GatewayCase):
    """Which API is IAP, whatever core calls it."""

    def rename_in_core(self):
        class SmsApiIAP(SmsApiBase):
            _contact_iap = core_api.SmsApi._contact_iap
            _send_sms_batch = core_api.SmsApi._send_sms_batch

        return patch.object(core_company, 'SmsApi', SmsApiIAP)

    def test_renamed_class_is_replaced(self):
        with self.rename_in_core():
            self.assertIs(self.env.company._get_sms_api_class(), SmsApiGateway)
            self.assertTrue(self.env.company._uses_sms_gateways())
            sms = self.make_sms('+32456001122')
            sms.send()
        self.assertEqual((sms.state, len(self.provider.sms)), ('pending', 1))

    def test_renamed_class_is_no_other_provider(self):
        self.env['ir.config_parameter'].sudo().set_param('sms.use_iap', 'True')
        with self.rename_in_core():
            self.assertEqual(self.env.company._get_other_sms_provider(), '')
            self.assertFalse(self.env.company._uses_sms_gateways())

    def test_kinds(self):
        core_iap = core_company.SmsApi

        class Extended(core_iap):
            def _get_sms_api_error_messages(self):
                return {}

        class OwnSending(core_iap):
            def _send_sms_batch(self, messages, delivery_reports_url=False):
                return []

        class OwnContact(core_iap):
            def _contact_iap(self, local_endpoint, params, timeout=15):
                return []

        class OwnProvider(SmsApiBase):
            def _send_sms_batch(self, messages, delivery_reports_url=False):
                return []

        class OtherContact(SmsApiBase):
            __module__ = 'odoo.addons.sms.tools.other'

            def _send_sms_batch(self, messages, delivery_reports_url=False):
                return []

        for api_class, expected in (
                (core_iap, True), (Extended, True), (OwnSending, False), (OwnContact, False), (OwnProvider, False),
                (OtherContact, True), (SmsApiGateway, False)):
            self.assertEqual(sends_through_iap(api_class), expected, api_class)

    def test_sms_that_gets_past_us_is_refused(self):
        """Where core sends without asking `_split_by_api`, it would send through IAP."""
        sms, notification = self.make_noted_sms()
        iap = core_company.SmsApi(self.env, account=self.env['iap.account'])
        with patch.object(core_api.SmsApi, '_contact_iap', autospec=True) as contact, \
                mute_logger('odoo.addons.eis_sms_apis.models.sms_sms'):
            sms._send_with_api(iap)
        contact.assert_not_called()
        self.assertEqual(self.provider.requests, [])
        self.assertEqual((sms.state, sms.failure_type), ('error', 'sms_server'))
        self.assertIn("IAP", sms.failure_reason)
        self.assertEqual(notification.notification_status, 'exception')

    def make_noted_sms(self):
        message = self.make_contact()._message_sms("Hello", sms_numbers=['+32456001122'], put_in_queue=True)
        return self.env['sms.sms'].search([('mail_message_id', '=', message.id)]), message.notification_ids


@tagged('post_install', '-at_install')
class TestMocksOfOthers(SMSCase):
    """Another module's tests with core's `mockSMSGateway`, whose SMS must arrive there, not at a gateway."""

    def check_mock(self):
        contact = self.env['res.partner'].create({'name': "Jo", 'phone': '+32456001122'})
        with self.mockSMSGateway():
            contact._message_sms("Hello")
        self.assertEqual([(sms['number'], sms['body']) for sms in self._sms], [('+32456001122', "Hello")])
        with self.mockSMSGateway(sim_error='credit'):
            message = contact._message_sms("Again")
        self.assertEqual(message.notification_ids.failure_type, 'sms_credit')
        with self.mockSMSGateway():
            self.env['sms.sms'].create({'number': '+32456001133', 'body': "Queued"})
            self.env['sms.sms']._process_queue()
        self.assertIn('+32456001133', [sms['number'] for sms in self._sms])

    def test_without_gateway(self):
        self.env['sms.gateway'].search([]).state = 'disabled'
        self.check_mock()

    def test_with_gateway(self):
        self.env['sms.gateway'].create({
            'name': "Nobody there", 'state': 'active', 'base_url': 'http://127.0.0.1:9/', 'parameter_ids': [
                (0, 0, {'key': 'to', 'param_type': 'number'}), (0, 0, {'key': 'text', 'param_type': 'message'})]})
        self.check_mock()
