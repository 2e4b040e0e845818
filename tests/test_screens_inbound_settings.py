# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The page Inbound SMS of a gateway: an example that is pasted shows how it is read."""
import json

from odoo.tests import Form, HttpCase, tagged

from .common import SECRET, GatewayCase, get_template


@tagged('post_install', '-at_install')
class TestInboundExample(GatewayCase):

    def explain(self, example, gateway=None, **values):
        with Form(gateway or self.gateway) as form:
            form.inbound_enabled = True
            for name, value in values.items():
                form[name] = value
            form.inbound_example = example
            return form.inbound_example_result

    def test_message(self):
        values = {'inbound_number_param': 'from', 'inbound_text_param': 'text', 'inbound_message_id_param': 'id'}
        expected = "Message ID: M1\nSender: +32456001122\nText: Grüße"
        for example in (
                'id=M1&from=32456001122&text=Gr%C3%BC%C3%9Fe', '?id=M1&from=%2B32456001122&text=Gr%C3%BC%C3%9Fe',
                'https://example.com/sms?id=M1&from=+32456001122&text=Gr%C3%BC%C3%9Fe',
                'GET /sms?id=M1&from=+32456001122&text=Gr%C3%BC%C3%9Fe HTTP/1.1',
                '\n{"id": "M1", "from": "+32456001122", "text": "Grüße"}\n',
                '<sms><id>M1</id><from>32456001122</from><text>Grüße</text></sms>'):
            with self.subTest(example=example):
                self.assertEqual(self.explain(example, **values), expected)

    def test_values(self):
        self.assertEqual(self.explain(
            'msisdn=447700900001&to=447700900000&messageId=V1&text=STOP&message-timestamp=2020-01-01+12:00:00'
            '&concat-ref=1&concat-part=2&concat-total=3', get_template(self.env, 'vonage').copy()),
            "Message ID: V1\nSender: +447700900001\nRecipient: 447700900000\nText: STOP\n"
            "Sent On: 2020-01-01 12:00:00 UTC\nPart: 2/3")

    def test_no_message(self):
        values = {'inbound_number_param': 'from', 'inbound_text_param': 'text', 'inbound_kind_param': 'text'}
        self.assertIn("Enter the name", self.explain('text=x'))
        self.assertIn("Recognized By", self.explain('a=b', **values))
        self.assertIn("delivery report, status sent", self.explain('uuid=1&status=sent', **values))
        self.assertEqual(self.explain('{"a', **values), "The call is not valid JSON.")
        self.assertIn("Recognized By", self.explain('https://example.com/', **values))

    def test_several_messages(self):
        items = [{'from': f'+3245600112{index}', 'text': f"T{index}"} for index in range(3)]
        result = self.explain(json.dumps(items), inbound_number_param='[].from', inbound_text_param='[].text')
        self.assertEqual(result.split('\n\n')[2], "Sender: +32456001122\nText: T2")

    def test_secrets_are_masked(self):
        result = self.explain(
            f'from=+32456001122&text={SECRET}', inbound_number_param='from', inbound_text_param='text')
        self.assertNotIn(SECRET, result)

    def test_example_is_not_saved(self):
        """A template with an example is still a template."""
        template = self.env['sms.gateway'].create({'name': "Template", 'is_template': True})
        template.write({'inbound_example': "From=1"})
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(template.inbound_example)
        self.assertTrue(template.is_template)
        self.assertFalse(template.inbound_example_result)


@tagged('post_install', '-at_install')
class TestInboundExampleTour(GatewayCase, HttpCase):

    def test_tour(self):
        self.start_tour(
            f'/odoo/action-eis_sms_apis.sms_gateway_action/{self.gateway.id}', 'eis_sms_apis.inbound_example',
            login='admin')
        self.assertEqual((self.gateway.inbound_enabled, self.gateway.inbound_text_param), (True, 'text'))
