# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The templates read the inbound SMS that their providers document, and tell them from delivery reports."""
from dataclasses import asdict, replace

from odoo.tests import tagged

from ..tools.inbound.call import read_call
from ..tools.inbound.message import InboundMessage
from ..tools.report.authentication import Content
from . import template_samples
from .common import GatewayCase, get_template
from .inbound_calls import CALLS
from .inbound_calls_others import OTHERS

EMPTY = InboundMessage('', '', '', '')
# of these, no payload is documented
UNDOCUMENTED = {'brevo', 'msg91', 'smsmode'}


@tagged('post_install', '-at_install')
class TestInboundTemplates(GatewayCase):

    def read_call(self, gateway, call, is_inbound_url):
        method, query, content_type, body = call
        encode = str.encode if isinstance(body, str) else bytes
        return read_call(
            gateway._get_report_rules(), gateway._get_inbound_rules(), is_inbound_url, method,
            Content(query if isinstance(query, bytes) else query.encode(), content_type, encode(body)))

    def test_messages(self):
        """On the inbound URL, and on that of delivery reports too; never a report."""
        for slug, calls in CALLS.items():
            gateway = get_template(self.env, slug)
            for call, expected in calls:
                for is_inbound_url in (True, False):
                    with self.subTest(slug=slug, call=call, is_inbound_url=is_inbound_url):
                        received = self.read_call(gateway, call, is_inbound_url)
                        self.assertEqual(
                            [asdict(message) for message in received.messages],
                            [asdict(replace(EMPTY, **values)) for values in expected])
                        self.assertEqual((received.reports, received.refusal), ((), None))
                        self.assertTrue(received.has_inbound)

    def test_calls_of_other_systems(self):
        for slug, call, expected in OTHERS:
            with self.subTest(slug=slug, call=call):
                gateway = get_template(self.env, slug)
                received = self.read_call(gateway, call, True)
                self.assertEqual([
                    (message.message_id, gateway._read_number(message.number), message.text, message.sent_at)
                    for message in received.messages], expected)
                self.assertEqual((received.reports, received.refusal), ((), None))
        self.assertEqual({slug for slug, _call, _expected in OTHERS}, set(CALLS))
        self.assertGreaterEqual(len(OTHERS), 97)

    def test_content_type_is_only_a_hint(self):
        for slug, calls in CALLS.items():
            gateway = get_template(self.env, slug)
            for (method, query, content_type, body), expected in calls:
                if content_type.startswith('multipart'):
                    continue
                for wrong in ('', 'text/plain', 'application/x-www-form-urlencoded', 'application/json'):
                    with self.subTest(slug=slug, body=body, wrong=wrong):
                        received = self.read_call(gateway, (method, query, wrong, body), True)
                        self.assertEqual([message.text for message in received.messages],
                                         [values['text'] for values in expected])

    def test_reports_are_no_messages(self):
        """The documented delivery reports of all providers, on both URLs."""
        count = 0
        for slug in template_samples.sample_slugs():
            gateway, samples = get_template(self.env, slug), template_samples.load(slug)
            for sample in samples.reports:
                tokens = {(name, number): 'x1' for name in (
                    'UUID', 'UUID20', 'NUMBER', 'BATCH', 'BATCH20', 'CALLBACK', 'MESSAGE_ID') for number in (1, 2)}
                method, query, content_type, body = template_samples.call_of(sample, tokens)
                for is_inbound_url in (True, False):
                    if is_inbound_url and not gateway.inbound_enabled:
                        continue
                    with self.subTest(slug=slug, sample=sample['name'], is_inbound_url=is_inbound_url):
                        received = self.read_call(gateway, (method, query, content_type, body), is_inbound_url)
                        self.assertEqual((received.messages, received.has_inbound), ((), False))
                        self.assertTrue(received.reports)
                        count += 1
        self.assertGreater(count, 150)

    def test_all_providers_are_covered(self):
        templates = self.env['sms.gateway'].with_context(active_test=False).search([('is_template', '=', True)])
        self.assertEqual(
            set(CALLS), {slug for slug in template_samples.template_slugs()
                         if get_template(self.env, slug).inbound_enabled})
        self.assertEqual(len(CALLS), 24)
        for slug in UNDOCUMENTED:
            self.assertIn("check with your provider", get_template(self.env, slug).note)
        for gateway in templates.filtered('inbound_enabled'):
            self.assertIn("Inbound SMS: ", gateway.note, gateway.name)

    def test_answers(self):
        """Text of others than these would be sent to the person."""
        answers = {
            slug: (gateway.inbound_answer, gateway.inbound_answer_type) for slug in CALLS
            if (gateway := get_template(self.env, slug)).inbound_answer}
        self.assertEqual(answers, {
            'twilio': ('<Response/>', 'xml'), 'plivo': ('<Response/>', 'xml'), 'jasmin': ('ACK/Jasmin', 'text'),
            'smsapi': ('OK', 'text')})
