# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Core's SMS addons show the provider's words while gateways send, and nothing of IAP and its credits."""
from contextlib import contextmanager
from unittest import SkipTest

from lxml import etree

from odoo.tests import new_test_user, tagged

from ..models.base import CHANGED_MODELS, _change_view
from .common import GatewayCase, MarketingCase
from .provider import Reply


class CoreViewsCase(GatewayCase):

    def use_iap(self):
        self.env['ir.config_parameter'].sudo().set_param('sms.use_iap', True)

    def use_twilio(self):
        if 'sms_provider' not in self.env['res.company']:
            raise SkipTest("Core's Twilio addon (sms_twilio) is not installed in this database")
        self.env.company.sms_provider = 'twilio'

    def use_fallback(self):
        self.env['ir.config_parameter'].sudo().set_param('sms.iap_fallback', True)
        self.gateway.state = 'disabled'

    OTHERS = ('use_iap', 'use_twilio', 'use_fallback')

    @contextmanager
    def other_provider(self, use):
        """Inside, no gateway sends, and core's views are as core made them."""
        with self.subTest(use=use), self.env.cr.savepoint() as savepoint:
            getattr(self, use)()
            try:
                yield
            finally:
                savepoint.rollback()
                self.env.registry.clear_cache()  # of system parameters

    def arch(self, model, view_type, xml_id=None, user=None):
        """:return: the architecture that the web client gets"""
        records = self.env[model].with_user(user or self.env.user).with_context(lang='en_US')
        view_id = self.env.ref(xml_id).id if xml_id else False
        return etree.fromstring(records.get_views([(view_id, view_type)])['views'][view_type]['arch'])

    def text(self, *args, **kwargs):
        return ' '.join(' '.join(self.arch(*args, **kwargs).itertext()).split())


@tagged('post_install', '-at_install')
class TestMarketingViews(CoreViewsCase, MarketingCase):
    """Given a campaign whose SMS fail, and somebody who may do SMS Marketing and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marketer = new_test_user(
            cls.env, 'marketer', 'base.group_user,base.group_partner_manager,mass_mailing.group_mass_mailing_user')

    def test_words_of_the_provider(self):
        """In the lists and forms that the figures of a mailing open, and in the list of all traces."""
        self.always_answer(Reply(400, "Blocked by the operator"))
        self.mailing.action_send_sms()
        action = self.mailing.with_user(self.marketer).action_view_traces_failed()
        for view_id, view_type in action['views']:
            views = self.env['mailing.trace'].with_user(self.marketer).get_views([(view_id, view_type)])
            field, = etree.fromstring(views['views'][view_type]['arch']).xpath("//field[@name='failure_reason']")
            self.assertEqual(field.getprevious().get('name'), 'failure_type')
            self.assertIn('failure_reason', views['models']['mailing.trace']['fields'])
            self.assertEqual(field.get('optional'), 'show' if view_type == 'list' else None)
            shown = self.traces().with_user(self.marketer).web_read({'failure_reason': {}})
            self.assertEqual({trace['failure_reason'] for trace in shown}, {"Blocked by the operator"})
        of_all = self.arch('mailing.trace', 'list', 'mass_mailing.mailing_trace_view_tree')
        self.assertEqual(len(of_all.xpath("//field[@name='failure_reason']")), 1)
        form = self.arch('mailing.trace', 'form', 'mass_mailing.mailing_trace_view_form')
        self.assertEqual(len(form.xpath("//field[@name='failure_reason']")), 1, "Core's own is there.")

    def test_words_of_the_provider_after_a_change_of_providers(self):
        """They stay within reach, and the list looks like core's."""
        for use in self.OTHERS:
            with self.other_provider(use):
                field, = self.arch('mailing.trace', 'list', 'mass_mailing_sms.mailing_trace_view_tree_sms').xpath(
                    "//field[@name='failure_reason']")
                self.assertEqual(field.get('optional'), 'hide')

    def test_lists_of_emails_are_left_alone(self):
        arch = self.arch('mailing.trace', 'list', 'mass_mailing.mailing_trace_view_tree_mail')
        self.assertFalse(arch.xpath("//field[@name='failure_reason']"))

    BANNERS = (
        ('form', 'mass_mailing.view_mail_mass_mailing_form'),
        ('form', 'mass_mailing_sms.mailing_mailing_view_form_mixed'),
        ('kanban', 'mass_mailing.view_mail_mass_mailing_kanban'),
    )
    LINKS = "//*[@name='action_buy_sms_credits']"

    def test_banners(self):
        """They say what the provider said; the link, for those who may follow it, leads to the gateways."""
        for view_type, xml_id in self.BANNERS:
            with self.subTest(view=xml_id):
                for user in (self.marketer, self.env.ref('base.user_admin')):
                    text = self.text('mailing.mailing', view_type, xml_id, user)
                    for core in ("IAP", "credits", "not registered", "Unregistered", "Insufficient credits"):
                        self.assertNotIn(core, text)
                    self.assertEqual(text.count("SMS failed: the provider reports insufficient credit."), 1)
                    self.assertEqual(text.count("SMS failed: the provider refused the account."), 1)
                    self.assertEqual("Ask an administrator" in text, user == self.marketer)
                    links = self.arch('mailing.mailing', view_type, xml_id, user).xpath(self.LINKS)
                    self.assertEqual(len(links), 0 if user == self.marketer else 2)
                arch = self.arch('mailing.mailing', view_type, xml_id)
                for field, text in (
                        ('sms_has_insufficient_credit', "credit"), ('sms_has_unregistered_account', "account")):
                    banner, = arch.xpath(f"//div[contains(@invisible, '{field}')]")
                    self.assertIn(text, ''.join(banner.itertext()))
        self.assertIn('eis_sms_apis.sms_gateway_action', self.mailing.action_buy_sms_credits()['url'])
        self.assertFalse(self.env['iap.account'].search([('service_name', '=', 'sms')]))

    def test_banners_of_other_providers(self):
        for use in self.OTHERS:
            with self.other_provider(use):
                for view_type, xml_id in self.BANNERS:
                    text = self.text('mailing.mailing', view_type, xml_id, self.marketer)
                    self.assertNotIn("the provider", text)
                    self.assertTrue("IAP credits" in text or "Insufficient credits" in text)
                    self.assertEqual(
                        len(self.arch('mailing.mailing', view_type, xml_id, self.marketer).xpath(self.LINKS)), 2)
                self.assertNotIn('eis_sms_apis', self.mailing.action_buy_sms_credits()['url'])

    def test_trace_of_wrong_credentials(self):
        self.always_answer(Reply(401, "No such key"))
        self.mailing.action_send_sms()
        groups = self.env['mailing.trace'].with_context(lang='en_US').web_read_group(
            [('mass_mailing_id', '=', self.mailing.id)], ['failure_type'], ['__count'])
        self.assertEqual(groups['groups'][0]['failure_type'], 'sms_acc')
        labels = dict(self.env['mailing.trace'].with_context(lang='en_US').fields_get(
            ['failure_type'])['failure_type']['selection'])
        self.assertEqual(labels['sms_acc'], "Account Refused")


@tagged('post_install', '-at_install')
class TestFailureNames(CoreViewsCase):
    MODELS = ('sms.sms', 'mail.notification', 'mailing.trace', 'sms.gateway.status', 'sms.gateway.callback.failure.map')

    def labels(self, model):
        fields = self.env[model].with_context(lang='en_US').fields_get(['failure_type'])
        return dict(fields['failure_type']['selection'])

    def test_refused_account(self):
        for model in filter(self.env.registry.get, self.MODELS):
            with self.subTest(model=model):
                labels = self.labels(model)
                self.assertEqual(labels['sms_acc'], "Account Refused")
                self.assertEqual(labels['sms_server'], "Provider Error")
                self.assertEqual(labels['sms_credit'], "Insufficient Credit")
                self.assertNotIn("Unregistered Account", labels.values())

    def test_other_fields_are_left_alone(self):
        """A field of the same value elsewhere, and the order of the values."""
        core = self.env['ir.model.fields'].with_context(lang='en_US')._get_fields_cached('sms.sms')
        self.assertEqual(list(self.labels('sms.sms')), [value for value, _label in core['failure_type']['selection']])
        self.assertIn("Unregistered Account", dict(core['failure_type']['selection']).values())
        self.assertEqual(
            self.env['ir.model.fields'].with_context(lang='en_US').get_field_selection('sms.sms', 'state'),
            core['state']['selection'])

    def test_other_providers(self):
        for use in self.OTHERS:
            with self.other_provider(use):
                for model in filter(self.env.registry.get, self.MODELS[:3]):
                    self.assertEqual(self.labels(model)['sms_acc'], "Unregistered Account")

    def test_words_of_the_chatter(self):
        self.always_answer(Reply(401, "No such key"))
        notification = self.make_contact()._message_sms("Hello").notification_ids
        said = notification.with_context(lang='en_US').format_failure_reason()
        self.assertEqual(said, "Account Refused: No such key")

    def test_refusal_is_no_server_error(self):
        """An error code that no failure code maps, in JSON that no path of the gateway names."""
        self.always_answer(Reply(400, {'error': {'code': 7, 'message': "Sender not allowed"}}))
        notification = self.make_contact()._message_sms("Hello").notification_ids
        said = notification.with_context(lang='en_US').format_failure_reason()
        self.assertEqual(said, "Provider Error: Sender not allowed")

    def test_web_client_is_told_by_company(self):
        """Core's words, prices and links come back in companies whose SMS others send."""
        companies = self.env.company + self.env['res.company'].create({'name': "Other"})
        self.env.user.company_ids += companies
        uses = {company.id for company in self.env.user.company_ids if company._uses_sms_gateways()}
        self.assertEqual(set(self.session_company_ids()), uses)
        for use in self.OTHERS:
            with self.other_provider(use):
                self.assertNotIn(self.env.company.id, self.session_company_ids())
        if 'sms_provider' in companies:
            companies[0].sms_provider = 'twilio'
            self.assertEqual(set(self.session_company_ids()), uses - {companies[0].id})

    def session_company_ids(self):
        return self.env['ir.http']._get_sms_gateway_company_ids()


@tagged('post_install', '-at_install')
class TestSettingsViews(CoreViewsCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # as Inventory has it among its own settings
        cls.env['ir.ui.view'].create({
            'name': "as stock_sms", 'model': 'res.config.settings', 'inherit_id': cls.env.ref(
                'base_setup.res_config_settings_view_form').id,
            'arch': """
                <form position="inside">
                    <div id="elsewhere">
                        <widget name="iap_buy_more_credits" service_name="sms" invisible="not sms_iap_fallback"/>
                        <widget name="iap_buy_more_credits" service_name="reveal"/>
                    </div>
                </form>
            """})

    def widgets(self):
        return [
            (widget.get('service_name'), widget.get('invisible')) for widget in
            self.arch('res.config.settings', 'form').xpath("//div[@id='elsewhere']/widget")]

    def prices(self):
        return self.arch('res.config.settings', 'form').xpath("//setting[@id='sms']/@documentation")

    def test_settings(self):
        self.assertEqual(self.widgets(), [('sms', '1'), ('reveal', None)])
        self.assertFalse(self.prices())
        own, = self.arch('res.config.settings', 'form').xpath(
            "//setting[@id='sms']/widget[@service_name='sms']/@invisible")
        self.assertIn('not sms_use_iap', own, "It follows what is changed in the form.")

    def test_settings_of_other_providers(self):
        for use in self.OTHERS:
            with self.other_provider(use):
                self.assertEqual(self.widgets(), [('sms', 'not sms_iap_fallback'), ('reveal', None)])
                self.assertTrue(self.prices())

    def test_account_at_iap(self):
        text = self.text('iap.account', 'form')
        self.assertNotIn("You cannot send SMS", text)
        self.assertIn("SMS gateways send your SMS. Only Use IAP and IAP Fallback require this account.", text)
        for use in self.OTHERS:
            with self.other_provider(use):
                self.assertIn("You cannot send SMS", self.text('iap.account', 'form'))

    def test_credits_link(self):
        for use in self.OTHERS:
            with self.other_provider(use):
                url = self.env['iap.account'].get_credits_url('sms')
                self.assertIn('/iap/1/credit', url)
        self.assertEqual(
            self.env['iap.account'].get_credits_url('sms'), '/odoo/action-eis_sms_apis.sms_gateway_action')

    def test_views_of_another_core(self):
        """Where core renames or removes a node, its view opens as it is."""
        for model_name in CHANGED_MODELS:
            for text in (
                    '<form/>', '<list/>', '<kanban><field name="name"/></kanban>', '<search/>',
                    '<form><field name="sms_number"/><field name="failure_type"/><field name="failure_reason"/></form>'
            ):
                arch = etree.fromstring(text)
                _change_view(self.env, model_name, arch, True)
                self.assertEqual(etree.tostring(arch), etree.tostring(etree.fromstring(text)))
