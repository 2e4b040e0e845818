# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What `tools` and `sending` find wrong reaches people in their own language."""
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools.translate import code_translations

from ..models.sms_gateway_problem import SENTENCES
from ..tools.problem import Problem
from .common import DOUBT, GatewayCase
from .provider import Reply

FRENCH_DOUBT = "Résultat inconnu : le destinataire a peut-être reçu ce SMS."


@tagged('post_install', '-at_install')
class TestLanguages(GatewayCase):
    """Given French translations of all sentences, "FR: " and the sentence itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        cls.author = cls.env['res.users'].create({
            'name': "Aude", 'login': 'aude', 'lang': 'fr_FR', 'group_ids': [(4, cls.env.ref('base.group_system').id)]})
        cls.english = cls.env['sms.gateway.problem']
        cls.french = cls.english.with_context(lang='fr_FR')
        cls.translate({code: f"FR: {cls.env._(sentence)}" for code, sentence in SENTENCES.items()})

    @classmethod
    def translate(cls, translations):
        """:param dict translations: {code: sentence in French}"""
        key = ('eis_sms_apis', 'fr_FR')
        sources = {cls.env._(SENTENCES[code]): text for code, text in translations.items()}
        patcher = patch.dict(code_translations.python_translations, {
            key: {**code_translations.get_python_translations(*key), **sources}})
        patcher.start()
        cls.addClassCleanup(patcher.stop)

    def send(self, number='+32456001122', **values):
        """Send an SMS of a French and one of an English user at once, through the same gateway."""
        self.gateway.write(values)
        french = self.env['sms.sms'].with_user(self.author).create({'number': number, 'body': "Bonjour"})
        english = self.make_sms(number)
        both = french.sudo() + english
        both.send()
        return both

    def word(self, code, **values):
        problem = Problem(code, tuple(values.items()))
        return [self.french._word(problem), self.english._word(problem)]

    # === SENDING === #

    def test_provider_cannot_be_reached(self):
        both = self.send(base_url='http://127.0.0.1:1/')
        self.assertEqual(both.mapped('state'), ['outgoing'] * 2)
        self.assertEqual(both.mapped('failure_reason'), self.word('unreachable'))
        self.assertTrue(both[0].failure_reason.startswith("FR: The provider's server cannot be reached. Nothing was"))

    def test_provider_does_not_respond(self):
        self.always_answer(Reply(hang=True))
        both = self.send(timeout=1)
        french, english = self.word('timeout')
        self.assertEqual(both.mapped('failure_reason'), [f"{FRENCH_DOUBT} {french}", f"{DOUBT} {english}"])
        for sms in both:
            self.assertEqual(self.status_of(sms).error_message, sms.failure_reason)

    def test_unreadable_number(self):
        both = self.send(number='123')
        self.assertEqual(both.mapped('failure_type'), ['sms_number_format'] * 2)
        self.assertEqual(both.mapped('failure_reason'), self.word('number_unreadable'))

    def test_no_gateway(self):
        both = self.send(state='disabled')
        self.assertEqual(both.mapped('failure_reason'), self.word('no_gateway'))

    def test_our_sentence_goes_before_the_words_of_the_provider(self):
        self.always_answer(Reply(200, "Accepted"))
        both = self.send(require_message_id=True)
        self.assertEqual(both.mapped('failure_reason'), [
            f"{FRENCH_DOUBT} FR: No message ID in the response. Accepted",
            f"{DOUBT} No message ID in the response. Accepted"])

    def test_value_that_does_not_fit_in_the_url(self):
        self.always_answer(Reply(200, {'id': 'M1'}))
        self.gateway.base_url = f'{self.provider.url}/{{sender}}/send'
        both = self.send()
        self.assertEqual(both.mapped('failure_reason'), self.word('path_value_empty'))
        self.assertFalse(self.provider.requests)

    # === SCREENS === #

    def name_field(self, field_name):
        """Give a field a French label."""
        label = f"Champ {field_name}"
        self.env['ir.model.fields']._get('sms.gateway', field_name).with_context(
            lang='fr_FR').field_description = label
        return label

    def assertRefused(self, words, sentence, **values):
        gateway = self.gateway.with_context(lang='fr_FR')
        with self.assertRaises(ValidationError) as caught:
            gateway.write(values)
        message = str(caught.exception)
        self.assertTrue(message.endswith(f': {sentence}'), message)
        self.assertIn(words, message)

    def test_refused_when_saved(self):
        for field_name, (sentence, _english), values in (
            ('body_template', self.word('invalid_json', line=1, error="Expecting value"),
             {'request_type': 'json', 'body_template': '{"to": phone}'}),
            ('country_prefixes', self.word('invalid_prefix', entry='PK'), {'country_prefixes': '+92, PK'}),
            ('delivery_callback_check_networks', self.word('invalid_network', network='home'),
             {'delivery_callback_check_networks': 'home'}),
            ('parameter_ids', self.word('no_recipient'), {'parameter_ids': [(5, 0)]}),
        ):
            with self.subTest(field=field_name), self.env.cr.savepoint():
                self.assertRefused(self.name_field(field_name), sentence, **values)

    def test_lists_are_named_by_their_labels(self):
        names = 'delivery_callback_status_success', 'delivery_callback_status_error'
        first, second = map(self.name_field, names)
        sentence = f'FR: "Done" appears in {first} and in {second}. Enter it in only one of them.'
        self.assertRefused("Loopback", sentence, **{names[0]: 'done', names[1]: 'Done'})

    def test_type_of_a_parameter_is_named_by_its_label(self):
        self.env['ir.model.fields.selection'].search([
            ('field_id', '=', self.env['ir.model.fields']._get('sms.gateway.parameter', 'param_type').id),
            ('value', '=', 'number')]).with_context(lang='fr_FR').name = "Numéro"
        row = self.gateway.parameter_ids.filtered(lambda row: row.key == 'to')
        self.assertRefused(
            "Loopback", 'FR: The parameter "to" of type Numéro needs {phone} in its value. Enter {phone}, or leave '
            "the value empty.", parameter_ids=[(1, row.id, {'value': '1'})])

    def test_preview_and_warnings(self):
        gateway = self.env['sms.gateway'].new({
            'name': "Draft", 'base_url': 'https://api.example.com', 'request_type': 'json', 'body_template': '['})
        for lang, start in (('en_US', "The JSON body"), ('fr_FR', "FR: The JSON body"), ('en_US', "The JSON body")):
            shown = gateway.with_context(lang=lang)
            self.assertTrue(shown.request_preview.startswith(start), shown.request_preview)
            self.assertIn(f'<li>{start}', shown.warnings)

    def test_test_sms(self):
        with self.assertRaises(UserError) as caught:
            self.env['sms.gateway.test'].with_context(lang='fr_FR').create({
                'gateway_id': self.gateway.id, 'number': '123', 'body': "Bonjour"}).action_send()
        self.assertEqual(str(caught.exception), self.word('number_unreadable')[0])

    # === TRANSLATIONS === #

    def test_faulty_translation(self):
        """It must not keep the result of an SMS from being saved."""
        self.translate({'proxy_refused': "FR: %(statut)s", 'tls_lost': "FR: 100%"})
        french, english = self.word('proxy_refused', status=403)
        self.assertEqual(french, english)
        self.assertEqual(self.word('tls_lost')[0], "FR: 100%")
