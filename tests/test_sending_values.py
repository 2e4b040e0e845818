# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values that providers demand for each SMS: sender by country and company, DLT identifiers, message type."""
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..tools.forced_gateway import KEY, ForcedGateway
from .common import GatewayCase, MarketingCase

INDIAN, FRENCH, BELGIAN = '+918123456789', '+33612345678', '+32456001122'


class ValuesCase(GatewayCase):
    """Given a gateway whose requests have a sender, both DLT identifiers and a message type."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.write({
            'sender': "Usual",
            'message_type_transactional': 'T',
            'message_type_promotional': 'P',
            'parameter_ids': [
                (0, 0, {'key': 'from', 'value': '{sender}'}),
                (0, 0, {'key': 'pe', 'value': '{dlt_entity_id}'}),
                (0, 0, {'key': 'te', 'value': '{dlt_template_id}'}),
                (0, 0, {'key': 'type', 'value': '{message_type}'}),
            ],
        })
        cls.template = cls.env['sms.template'].create({
            'name': "Code", 'model_id': cls.env['ir.model']._get_id('res.partner'), 'body': "Code 1234",
            'dlt_template_id': 'T1'})
        cls.company = cls.env.company
        cls.company.sms_dlt_entity_id = 'E1'

    def sent(self, *names):
        forms = [{key: value for key, (value,) in request.form().items()} for request in self.provider.requests]
        return [tuple(form.get(name) for name in names) for form in forms]

    def add_sender(self, sender, country=None, company=None):
        return self.env['sms.gateway.sender'].create({
            'gateway_id': self.gateway.id, 'sender': sender, 'country_id': country and self.env.ref(country).id,
            'company_id': company and company.id})


@tagged('post_install', '-at_install')
class TestSender(ValuesCase):

    def test_by_country_and_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.add_sender("France", 'base.fr')
        self.add_sender("Other", company=other)
        self.make_sms(FRENCH, BELGIAN).send()
        self.make_sms(FRENCH, BELGIAN, record_company_id=other.id).send()
        self.assertEqual(sorted(self.sent('to', 'from')), [
            (BELGIAN, "Other"), (BELGIAN, "Usual"), (FRENCH, "France"), (FRENCH, "France")])

    def test_a_reply_keeps_its_number(self):
        self.add_sender("France", 'base.fr')
        forced = ForcedGateway(self.gateway.id, '+33700000000')
        self.env['sms.sms'].with_context(**{KEY: forced}).create({'number': FRENCH, 'body': "Yes"}).send()
        self.assertEqual(self.sent('from'), [('+33700000000',)])

    def test_sms_of_one_request_share_the_sender(self):
        self.add_sender("France", 'base.fr')
        self.gateway.parameter_ids.filtered(lambda row: row.key == 'to').write(
            {'param_type': 'multi_number', 'value': '{phones}'})
        self.gateway.supports_multiple_recipients = True
        self.make_sms(FRENCH, BELGIAN, '+33612345679').send()
        self.assertEqual(sorted(self.sent('to', 'from')), [
            (BELGIAN, "Usual"), (f'{FRENCH},+33612345679', "France")])

    def test_wrong_senders_are_refused(self):
        for values, words in (
                ({'sender': "TWELVE CHARS", 'country': 'base.fr'}, "12 characters"),
                ({'sender': "Łódź", 'country': 'base.fr'}, "cannot have"),
                ({'sender': "1" * 16, 'country': 'base.fr'}, "15 digits"),
                ({'sender': "Shop"}, "country or a company")):
            with self.subTest(values=values), self.assertRaises(ValidationError) as raised, self.cr.savepoint():
                self.add_sender(**values)
            self.assertIn(words, str(raised.exception))
        self.gateway.company_id = self.env.company
        with self.assertRaises(ValidationError):
            self.add_sender("Shop", company=self.env['res.company'].create({'name': "Other"}))

    @mute_logger('odoo.sql_db')
    def test_a_country_has_one_sender(self):
        self.add_sender("France", 'base.fr')
        with self.assertRaisesRegex(Exception, "only once|unique"), self.cr.savepoint():
            self.add_sender("Again", 'base.fr')

    def test_a_copy_has_the_senders_and_a_file_has_not(self):
        self.add_sender("France", 'base.fr')
        self.assertEqual(self.gateway.copy().sender_ids.sender, "France")
        export = self.env['sms.gateway.export'].create({'gateway_ids': self.gateway.ids})
        self.assertNotIn("France", str(export.read()))

    def test_preview_and_test_sms_show_it(self):
        self.add_sender("USA", 'base.us')
        self.add_sender("France", 'base.fr')
        self.gateway.parameter_ids.filtered(lambda row: row.key in ('pe', 'te')).unlink()
        self.assertIn('from=USA', self.gateway.request_preview)
        test = self.env['sms.gateway.test'].create({'gateway_id': self.gateway.id, 'number': FRENCH})
        test.action_send()
        self.assertEqual(self.sent('from', 'type'), [("France", 'T')])
        self.assertIn('from=France', test.request)


@tagged('post_install', '-at_install')
class TestDlt(ValuesCase):

    def test_the_composer_passes_on_the_template(self):
        contact = self.make_contact(phone=INDIAN, country_id=self.env.ref('base.in').id)
        for mode in ('comment', 'mass'):
            self.provider.clear()
            composer = self.env['sms.composer'].with_context(active_ids=contact.ids, active_id=contact.id).create({
                'composition_mode': mode, 'res_model': 'res.partner', 'res_ids': repr(contact.ids),
                'template_id': self.template.id, 'mass_force_send': True})
            composer.action_send_sms()
            self.assertEqual(self.sent('pe', 'te', 'type'), [('E1', 'T1', 'P' if mode == 'mass' else 'T')])

    def test_message_with_template(self):
        contact = self.make_contact(phone=INDIAN, country_id=self.env.ref('base.in').id)
        contact._message_sms_with_template(template=self.template)
        self.assertEqual(self.sent('te'), [('T1',)])

    def test_only_india_needs_it(self):
        self.make_sms(FRENCH).send()
        self.assertEqual(self.sent('to', 'pe', 'te', 'type'), [(FRENCH, None, None, 'T')])

    def test_without_a_template_nothing_is_sent_and_retry_works(self):
        bad, good = self.make_sms(INDIAN), self.make_sms(FRENCH)
        (bad + good).send()
        self.assertEqual(self.sent('to'), [(FRENCH,)])
        self.assertEqual((bad.state, good.state), ('error', 'pending'))
        self.assertIn("needs a DLT Template ID", bad.failure_reason)
        self.assertIn("Enter the ID", bad.failure_reason)
        self.assertEqual(self.status_of(bad).outcome, 'refused')
        bad.dlt_template_id = 'T2'
        bad.action_retry()
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.sent('to', 'te')[1:], [(INDIAN, 'T2')])

    def test_what_is_entered_later_counts(self):
        self.template.dlt_template_id = False
        sms = self.make_sms(INDIAN, sms_template_id=self.template.id)
        sms.send()
        self.assertEqual(sms.state, 'error')
        self.template.dlt_template_id = 'T3'
        sms.action_retry()
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.sent('te'), [('T3',)])

    def test_without_an_entity(self):
        self.company.sms_dlt_entity_id = False
        sms = self.make_sms(INDIAN, sms_template_id=self.template.id)
        sms.send()
        self.assertIn("needs your DLT Entity ID", sms.failure_reason)
        self.assertEqual(self.sent('to'), [])
        self.gateway.dlt_entity_id = 'G'
        sms.action_retry()
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.sent('pe'), [('G',)])

    def test_test_sms(self):
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': INDIAN, 'dlt_template_id': 'T9', 'message_type': 'promotional'})
        test.action_send()
        self.assertEqual(self.sent('pe', 'te', 'type'), [('E1', 'T9', 'P')])

    def test_preview_shows_it(self):
        for text in ('pe=E1', 'te=1107', 'type=T', 'from=Usual'):
            self.assertIn(text, self.gateway.request_preview)

    def test_a_deleted_template(self):
        sms = self.make_sms(INDIAN, sms_template_id=self.template.id)
        self.template.unlink()
        sms.send()
        self.assertIn("DLT Template ID", sms.failure_reason)

    def test_the_composer_shows_the_template_where_it_is_needed(self):
        composer = Form(self.env['sms.composer'].with_context(
            default_res_model='res.partner', default_composition_mode='comment', default_body="x"))
        self.assertTrue(composer.shows_template)
        self.env['sms.gateway'].search([]).parameter_ids.filtered(lambda row: '{dlt' in (row.value or '')).unlink()
        self.env['sms.gateway'].search([]).parameter_ids.filtered(lambda row: row.key == 'type').unlink()
        self.gateway.write({'message_type_transactional': False, 'message_type_promotional': False})
        self.assertFalse(self.env['sms.composer'].create({'body': "x", 'numbers': FRENCH}).shows_template)


@tagged('post_install', '-at_install')
class TestMessageType(ValuesCase):

    def test_the_lane_decides_unless_the_template_does(self):
        self.make_sms(FRENCH, lane='bulk').send()
        self.make_sms(FRENCH, lane='urgent', body="2").send()
        self.template.message_type = 'transactional'
        self.make_sms(FRENCH, lane='bulk', body="3", sms_template_id=self.template.id).send()
        self.make_sms(FRENCH, lane='normal', body="4", message_type='promotional').send()
        self.assertEqual(self.sent('type'), [('P',), ('T',), ('T',), ('P',)])

    def test_a_type_without_a_word(self):
        self.gateway.message_type_promotional = False
        self.assertIn("not every message type has a value", self.gateway.warnings)
        sms = self.make_sms(FRENCH, lane='bulk')
        sms.send()
        self.assertEqual((sms.state, self.sent('to')), ('error', []))
        self.assertIn("no value for the message type", sms.failure_reason)

    def test_a_gateway_without_values_has_no_rules(self):
        self.assertIsNone(self.make_gateway("Plain")._get_configs().popitem()[1].message_rules)
        with patch.object(type(self.env['sms.gateway']), '_get_message_rules', lambda self: None):
            sms = self.make_sms(FRENCH)
            sms.send()
        self.assertEqual(sms.state, 'pending')


@tagged('post_install', '-at_install')
class TestMailing(ValuesCase, MarketingCase):

    def test_the_mailing_passes_on_its_template(self):
        self.contacts.write({'phone': INDIAN})
        self.contacts[1:].unlink()
        mailing = self.make_mailing(sms_force_send=True, sms_template_id=self.template.id)
        mailing.action_send_sms()
        self.assertEqual(self.sent('pe', 'te', 'type')[:1], [('E1', 'T1', 'P')])

    def test_the_form_of_a_mailing_shows_the_template(self):
        arch = self.env['mailing.mailing'].get_view(view_type='form')['arch']
        self.assertIn('name="sms_template_id"', arch)
