# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Every template sends and reads what its provider documents: the samples of `providers/`, see `template_samples.py`.

Each provider has a test of its own, so that some can be run alone: `scripts/test TestTemplateSamples.test_twilio`.
"""
import hashlib
import ipaddress
import json
import operator
import re
from datetime import timedelta
from urllib.parse import urlsplit

from lxml import etree

from odoo import fields
from odoo.modules import get_manifest
from odoo.tests import TransactionCase, tagged
from odoo.tools.convert import convert_file

from ..tools import phone
from ..tools.answer.interpretation import HttpAnswer, interpret
from ..tools.gateway_file import ORDER
from ..tools.report.parsing import parse_reports
from ..tools.request.builder import Recipient, build_requests
from . import template_samples
from .common import GatewayCase, get_template
from .provider import describe

CONTRACT = 37  # templates that doc/behaviour.md promises
SAID = ('state', 'outcome', 'message_id', 'failure_type')  # what a result says, but for its texts
CREDENTIALS = ('api_key', 'token', 'username', 'password', 'account_id')
# a delivery report: states of the status row and of the SMS after it
AFTER_REPORT = {
    'delivered': ('success', 'sent'),
    'failed': ('error', 'error'),
    'pending': ('success', 'pending'),
    'canceled': ('canceled', 'canceled'),
    'unknown': ('success', 'pending'),
}
FIELD_ORDER = (ORDER[0], 'is_template', *ORDER[1:])
# codes of a busy provider that has accepted nothing, in responses with another HTTP code than 429 and 503
BUSY = {
    'africastalking': {'500', '501'},
    'clickatell': {'19', '43'},
    'infobip': {'REJECTED_SYSTEM_ERROR'},
    'jasmin': {'User throughput exceeded*', 'Cannot send submit_sm*'},
    'msg91': {'205'},
    'routemobile': {'1709'},
    'seven': {'11'},
    'smsapi': {'202'},
    'sslwireless': {'4029', '4030', '4031'},
    'telnyx': {'10011', '40318'},
    'twilio': {'20429', '21611', '63017'},
    'vonage': {'response:1', 'response:10'},
}


def get_recipients(gateway, request):
    """The recipients of a sample of a request, as the gateway gets them."""
    return [
        Recipient('0' * 32, phone.format_number(sms['number'], gateway.number_format), sms['text'])
        for sms in request['sms']]


@tagged('post_install', '-at_install')
class TestTemplates(TransactionCase):

    def test_every_provider_has_template_and_samples(self):
        self.assertGreaterEqual(len(template_samples.template_slugs()), CONTRACT)
        self.assertEqual(template_samples.template_slugs(), template_samples.sample_slugs())
        listed = [path for path in get_manifest('eis_sms_apis')['data'] if 'gateways' in path]
        self.assertEqual(listed, [f'data/gateways/{slug}.xml' for slug in template_samples.template_slugs()])

    def test_templates_are_complete_but_for_what_is_typed(self):
        for slug in template_samples.template_slugs():
            with self.subTest(provider=slug):
                template = get_template(self.env, slug)
                self.assertEqual(template.state, 'new')
                self.assertTrue(template.is_template)
                self.assertFalse(any(template[name] for name in CREDENTIALS), "A template holds no credentials.")
                self.assertFalse(template.country_prefixes, "Usable prefixes stand in the note.")
                for name in ('note', 'base_url', 'gateway_documentation_link'):
                    self.assertTrue(template[name], name)

    def test_notes_agree_with_the_warnings_of_the_form(self):
        """The form warns of each empty value that the request uses."""
        for slug in template_samples.template_slugs():
            for line in get_template(self.env, slug).note.splitlines():
                with self.subTest(provider=slug, line=line):
                    if re.match(r'(Sender|Account) ID:.*\bempty\b', line, re.IGNORECASE):
                        self.assertIn("ignore the warning", line)
                    self.assertNotIn("field is hidden", line, "A credential is shown where the request uses it.")

    def test_networks(self):
        for slug, addresses in (
                ('brevo', ('1.179.112.1', '172.246.255.1')),
                ('fortysixelks', ('176.10.154.199', '85.24.146.132', '185.39.146.243', '2001:9b0:2:902::199'))):
            networks = [
                ipaddress.ip_network(text.strip())
                for text in get_template(self.env, slug).delivery_callback_check_networks.split(',')]
            for address in map(ipaddress.ip_address, addresses):
                self.assertTrue([network for network in networks if address in network], address)

    def test_busy_providers(self):
        """What means "not now" is sent by the next gateway, or later. Whatever else looks like it is not among it: a
        second copy of an SMS (ClickSend's THROTTLED), an internal error that does not say that nothing was accepted."""
        rows = self.env['sms.gateway.callback.failure.map'].search([('outcome', '=', 'try_again')])
        for slug in template_samples.template_slugs():
            with self.subTest(provider=slug):
                own = rows.filtered(lambda row, slug=slug: row.gateway_id == get_template(self.env, slug))
                self.assertEqual(set(own.mapped('provider_code')), BUSY.get(slug, set()))
                self.assertFalse(
                    {'sms_acc', 'sms_credit'} & set(own.mapped('failure_type')), "That would refuse the account.")

    def test_what_another_gateway_may_send_has_a_sample(self):
        """Each code with Try Again or Account Refused is in a response of which the samples say so."""
        for slug in template_samples.template_slugs():
            results = [result for answer in template_samples.load(slug).answers for result in answer['results']]
            for outcome, name in (('try_again', 'retryable'), ('account', 'account_refused')):
                proven = sum(bool(result.get(name)) for result in results)
                for row in get_template(self.env, slug).callback_failure_map_ids.filtered_domain(
                        [('outcome', '=', outcome)]):
                    with self.subTest(provider=slug, code=row.provider_code):
                        code = row.provider_code.removeprefix('response:').rstrip('*')
                        self.assertTrue(proven)
                        if '*' not in row.provider_code and not code.startswith('HTTP'):
                            self.assertIn(code, [r.get('error_code') for r in results if r.get(name)])

    def test_files_have_one_order(self):
        for slug in template_samples.template_slugs():
            with self.subTest(provider=slug):
                tree = etree.parse(template_samples.TEMPLATES / f'{slug}.xml')
                records = tree.findall('.//record')
                self.assertEqual([record.get('id') for record in records], [f'gateway_{slug}'])
                names = [field.get('name') for field in records[0]]
                self.assertEqual(names, [name for name in FIELD_ORDER if name in names])
                self.assertFalse(tree.getroot().get('noupdate'), "An untouched template gets the fixes of an upgrade.")

    def test_the_order_of_the_keys_of_json_makes_no_difference(self):
        for slug in template_samples.template_slugs():
            template, samples = get_template(self.env, slug), template_samples.load(slug)
            rules = template._get_answer_rules(False)
            for answer in samples.answers:
                document = template_samples.document_of(answer)
                if document is None:
                    continue
                recipients = get_recipients(template, samples.request(answer.get('request', '')))
                results = [
                    [(*operator.attrgetter(*SAID)(result), result.error_code.replace(' ', ''))
                     for result in interpret(rules, recipients, HttpAnswer(answer['status'], text))]
                    for turned in (document, template_samples.turn_keys(document))
                    for text in (json.dumps(turned), json.dumps(turned, separators=(',', ':')))]
                with self.subTest(provider=slug, sample=answer['name']):
                    self.assertEqual(results[1:], results[:1] * 3)

    def test_each_code_of_success_is_one_where_a_message_id_is_required(self):
        """The id proves that the SMS was taken; which of the three codes goes with it may change any day."""
        for slug in template_samples.template_slugs():
            template, samples = get_template(self.env, slug), template_samples.load(slug)
            if not template.require_message_id:
                continue
            answer = samples.accepted()
            recipients = get_recipients(template, samples.request(answer.get('request', '')))
            text = answer['body'] if isinstance(answer['body'], str) else json.dumps(answer['body'])
            for status in (200, 201, 202):
                with self.subTest(provider=slug, status=status):
                    results = interpret(template._get_answer_rules(False), recipients, HttpAnswer(status, text))
                    self.assertEqual({result.state for result in results}, {'success'}, results)


@tagged('post_install', '-at_install')
class TestTouchedTemplates(TransactionCase):
    """Who touches a template owns it; real upgrades are in `system/test_templates_upgrade.py`."""

    def setUp(self):
        super().setUp()
        self.template = self._load()

    def _load(self):
        """What an upgrade does with the file."""
        convert_file(self.env, 'eis_sms_apis', 'data/gateways/twilio.xml', {}, mode='update')
        return self.env.ref('eis_sms_apis.gateway_twilio', raise_if_not_found=False)

    def _assert_own(self, own):
        self.assertEqual(self.template.is_template, not own)
        self.assertEqual(self.template._get_addon_ids().noupdate, own)

    def test_loading_leaves_it_a_template(self):
        self._assert_own(False)

    def test_write(self):
        self.template.name = "Ours"
        self._assert_own(True)
        self._load()
        self.assertEqual(self.template.name, "Ours")

    def test_activation(self):
        self.template.action_toggle_state()
        self._assert_own(True)

    def test_order_of_the_list(self):
        self.template.sequence = 3
        self._assert_own(False)
        self._load()
        self.assertEqual(self.template.sequence, 3)

    def test_changed_row(self):
        self.template.parameter_ids[0].sequence = 3
        self._assert_own(True)

    def test_new_row(self):
        self.env['sms.gateway.header'].create({'gateway_id': self.template.id, 'key': 'X-Own'})
        self._assert_own(True)

    def test_removed_row(self):
        self.template.callback_failure_map_ids[0].unlink()
        self._assert_own(True)

    def test_data_of_another_addon(self):
        self.template.with_context(install_mode=True, install_module='other').write({'note': "Other"})
        self._assert_own(True)

    def test_deleted_stays_deleted(self):
        self.template.unlink()
        self.assertFalse(self._load())

    def test_copies_are_told_apart(self):
        copies = [self.template.copy().name for _number in range(10)]
        self.assertEqual(copies, ["Twilio (copy)", *(f"Twilio (copy {number})" for number in range(2, 11))])
        copy = self.env['sms.gateway'].search([('name', '=', "Twilio (copy 4)")])
        self.assertEqual(copy.copy().name, "Twilio (copy 11)")
        self.assertFalse(copy.is_template)
        self._assert_own(False)


@tagged('post_install', '-at_install')
class TestTemplateSamples(GatewayCase):
    """Given a duplicated template with typed values, its address pointed at the loopback provider, and activated."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.state = 'disabled'
        cls.env['ir.config_parameter'].sudo().set_param('web.base.url', 'https://odoo.example.com')

    def _check_provider(self, slug):
        self.samples = template_samples.load(slug)
        self.assertEqual(self.samples.missing(), [])
        copy = self._duplicate(slug)
        self.assertEqual(
            copy.delivery_callback_enabled, bool(self.samples.reports),
            "Delivery callbacks are on where there are reports, and only there.")
        for kind in ('requests', 'answers', 'reports'):
            for sample in getattr(self.samples, kind):
                with self.subTest(kind=kind, sample=sample['name']):
                    self.provider.clear()
                    # documentation gives the same message id again and again
                    self.env['sms.gateway.status'].search([('gateway_id', '=', copy.id)]).unlink()
                    getattr(self, f'_check_{kind}')(copy, sample)

    def _duplicate(self, slug):
        copy = get_template(self.env, slug).copy()
        copy.write(self.samples.values)
        self.hosts = [self._get_host(copy, sample) for sample in self.samples.requests]
        copy.write({
            'base_url': re.sub(r'^https?://[^/?#]+', self.provider.url, copy.base_url),
            'max_connections': 1,  # requests arrive in the order of their SMS
            'rate_limit': 0,
        })
        copy.action_toggle_state()
        self.assertEqual(copy.state, 'active')
        return copy

    def _get_host(self, gateway, sample):
        """The host to which the request would really go."""
        recipients = get_recipients(gateway, sample)
        return urlsplit(build_requests(gateway._get_request_config(), recipients)[0].url).netloc

    # === REQUESTS === #

    def _check_requests(self, gateway, sample):
        sms = self._send(sample)
        tokens = self._get_tokens(gateway, sms)
        arrived = self.provider.requests
        expected = [template_samples.expected_request(one, tokens) for one in sample['expect']]
        seen = [
            template_samples.seen_request(request, expected[min(index, len(expected) - 1)])
            for index, request in enumerate(arrived)
        ]
        self.assertEqual(seen, expected, self._describe(sms))
        host = self.hosts[self.samples.requests.index(sample)]
        for one in sample['expect']:
            self.assertEqual(host, one.get('host', host))

    def _send(self, sample):
        sms = self.env['sms.sms'].create([
            {'body': one['text'], **{name: value for name, value in one.items() if name != 'text'}}
            for one in sample['sms']])
        # begun long ago: an answer that asks to come back later is then an error, and not a reason to wait
        sms.first_attempt_date = fields.Datetime.now() - timedelta(days=3)
        sms.send()
        return sms

    def _get_tokens(self, gateway, sms):
        batch = hashlib.sha256('\n'.join(sms.mapped('uuid')).encode()).hexdigest()[:32]
        tokens = {
            ('BATCH', 1): batch, ('BATCH20', 1): batch[:20], ('CALLBACK', 1): gateway.delivery_callback_url}
        for index, one in enumerate(sms, 1):
            tokens.update({
                ('UUID', index): one.uuid,
                ('UUID20', index): one.uuid[:20],
                ('NUMBER', index): phone.format_number(one.number, gateway.number_format),
                ('MESSAGE_ID', index): self._get_row(one).message_id or '',
            })
        return tokens

    def _get_row(self, sms):
        return self.status_of(sms)

    def _describe(self, sms):
        exchanges = [describe(request, self.provider.reply_to(request)) for request in self.provider.requests]
        reasons = [f'{one.number}: {one.state} {one.failure_type or ""} {one.failure_reason or ""}' for one in sms]
        return '\n' + '\n'.join([*exchanges, *reasons])

    # === ANSWERS === #

    def _check_answers(self, gateway, sample):
        sms = self._send_and_answer(sample)
        self.assertEqual(len(sms), len(sample['results']), "One result for each SMS of the request.")
        self._check_read(gateway, sample)
        document = template_samples.document_of(sample)
        words = set() if document is None else template_samples.texts_in(document)
        for one, expected in zip(sms, sample['results'], strict=True):
            row = self._get_row(one)
            self.assertTrue(row, self._describe(one))
            kept = {name: value for name, value in expected.items() if name not in template_samples.READ}
            self.assertEqual({name: row[name] or '' for name in kept}, kept, self._describe(one))
            if words and row.error_message:
                reason = row.error_message
                if row.outcome == 'unknown':
                    reason = reason.partition('this SMS. ')[2]
                    if reason.startswith("No message ID in the response."):
                        continue  # no provider responds like this; the whole text helps to find out why
                self.assertIn(reason, words, "Who reads it gets the provider's words and no JSON.")
                self.assertNotRegex(reason, r'[{}"]', self._describe(one))

    def _check_read(self, gateway, sample):
        """What decides who sends the SMS next; the SMS of a sample is too old for that."""
        reply = template_samples.reply_of(sample)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        read = interpret(
            gateway._get_answer_rules(False),
            get_recipients(gateway, self.samples.request(sample.get('request', ''))),
            HttpAnswer(reply.status, reply.content()[0].decode(), headers))
        for result, expected in zip(read, sample['results'], strict=True):
            for name in set(template_samples.READ) & set(expected):
                self.assertEqual(getattr(result, name), expected[name], (name, result))

    def _send_and_answer(self, answer):
        self.provider.always(template_samples.reply_of(answer))
        self.addCleanup(self.provider.always, self.provider.accept)
        return self._send(self.samples.request(answer.get('request', '')))

    # === DELIVERY REPORTS === #

    def _check_reports(self, gateway, sample):
        all_sms = self._send_and_answer(self.samples.accepted(sample.get('answer', '')))
        position = sample.get('sms', 1)
        sms, tokens = all_sms[position - 1], self._get_tokens(gateway, all_sms)
        row = self._get_row(sms)
        call = template_samples.call_of(sample, tokens)
        reports = parse_reports(gateway._get_report_rules(), *call)
        found = [report for report in reports if self._names(report, row, tokens['NUMBER', position])]
        self.assertEqual(len(found), 1, f"{len(reports)} report(s), none or several of this SMS: {reports} in {call}")
        self.assertEqual(found[0].state, template_samples.STATES[sample['state']], found[0])
        self.assertTrue(gateway._receive_reports(reports))
        self.assertEqual((row.state, sms.state), AFTER_REPORT[sample['state']], found[0])
        self.assertEqual(bool(row.delivered_date), sample['state'] == 'delivered')
        for name in {'failure_type', 'error_code', 'error_message'} & set(sample):
            self.assertEqual(row[name] or '', sample[name], found[0])

    def _names(self, report, row, number):
        """Whether a report is that of an SMS, by the rules of doc/behaviour.md section 6."""
        if report.uuid in (row.sms_uuid, row.sms_uuid[:20]):
            return True
        same_number = not report.number or re.sub(r'\D', '', report.number) == re.sub(r'\D', '', number)
        return report.message_id == row.message_id and same_number


def _add_tests(case, slugs):
    """One test for each provider, as if it had been written."""
    for slug in slugs:
        def test(self, slug=slug):
            self._check_provider(slug)

        setattr(case, f'test_{slug}', test)


_add_tests(TestTemplateSamples, template_samples.sample_slugs())
