# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send Test SMS to several numbers: each has a request, a result and a status of its own."""
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from ..wizard.test_sms import split_numbers
from .common import SECRET, GatewayCase
from .provider import Reply

FIRST, SECOND, THIRD = '+32456001122', '+447400123456', '+12025550143'


class SeveralCase(GatewayCase):

    def refuse_second(self):
        self.provider.always(self.answer)
        self.addCleanup(self.provider.always, self.provider.accept)

    def answer(self, request):
        if SECOND in str(request.form()):
            return Reply(400, {'error': "Unknown number"})
        return self.provider.accept(request)


@tagged('post_install', '-at_install')
class TestSeveralNumbers(SeveralCase):

    def send(self, number):
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': number, 'body': "Test"})
        test.action_send()
        return test

    def test_separators(self):
        """Browsers drop the line breaks of what is pasted into an input field."""
        for text in (f'{FIRST}, {SECOND}', f'{FIRST};{SECOND},', f'{FIRST}\n{SECOND}\n', f'{FIRST}{SECOND}',
                     f'{FIRST} {SECOND}', f'{FIRST},{SECOND},{FIRST}'):
            with self.subTest(text=text):
                self.assertEqual(split_numbers(text), [FIRST, SECOND])
        for text in ('+32 456 00 11 22', '0456 00/11.22', '(+32) 456001122'):
            self.assertEqual(split_numbers(text), [text])
        self.assertEqual(split_numbers(' , '), [])

    def test_each_number_has_its_own_result(self):
        self.refuse_second()
        test = self.send(f'{FIRST}, {SECOND}, 12')
        self.assertCountEqual(
            [number for request in self.provider.requests for number in request.form()['to']], [FIRST, SECOND])
        self.assertEqual(test.line_ids.mapped('number'), [FIRST, SECOND, '12'])
        self.assertEqual(test.line_ids.mapped('level'), ['success', 'danger', 'danger'])
        self.assertEqual((test.level, test.result), ('danger', "1 of 3 SMS accepted."))
        self.assertIn("Unknown number", test.line_ids[1].response)
        self.assertIn("country code", test.line_ids[2].result)
        self.assertFalse(test.request or test.response or test.status_id)
        statuses = test.line_ids.status_id
        self.assertEqual((len(statuses), set(statuses.mapped('is_test'))), (2, {True}))
        self.assertEqual(statuses.mapped('state'), ['success', 'error'])
        self.assertNotIn(SECRET, str(test.line_ids.read()))
        self.assertEqual(test.line_ids[0].action_open_all()['res_id'], test.id)

    def test_sending_again(self):
        test = self.send(f'{FIRST},{SECOND}')
        self.assertEqual((test.level, test.result), ('success', "2 of 2 SMS accepted."))
        test.action_send()
        self.assertEqual((len(test.line_ids), len(self.provider.requests)), (2, 4))
        test.number = f'{FIRST},'
        test.action_send()
        self.assertEqual((test.number, len(test.line_ids), len(self.provider.requests)), (FIRST, 0, 5))
        self.assertEqual((test.level, test.status_id.number), ('success', FIRST))

    def test_at_most_ten(self):
        numbers = [f'+3245600112{digit}' for digit in range(10)]
        self.assertEqual(self.send('\n'.join(numbers)).result, "10 of 10 SMS accepted.")
        with self.assertRaisesRegex(UserError, "at most 10"):
            self.send(','.join([*numbers, FIRST.replace('22', '33')]))
        self.assertEqual(len(self.provider.requests), 10)

    def test_wrong_configuration_is_said_once(self):
        self.gateway.state = 'disabled'
        self.env.cr.execute("UPDATE sms_gateway SET base_url = 'ftp://example.com' WHERE id = %s", [self.gateway.id])
        self.gateway.invalidate_recordset()
        test = self.send(f'{FIRST},{SECOND}')
        self.assertEqual(set(test.line_ids.mapped('level')), {'danger'})
        self.assertIn("Base URL", test.line_ids[0].result)
        self.assertFalse(self.provider.requests)


@tagged('post_install', '-at_install')
class TestSeveralNumbersTour(SeveralCase, HttpCase):

    def test_tour(self):
        """From the cards to the results of two numbers, and the details of the one that was refused."""
        self.refuse_second()
        self.gateway.error_key = "never"
        self.start_tour(
            '/odoo/action-eis_sms_apis.sms_gateway_action?view_type=kanban', 'eis_sms_apis.several_numbers',
            login='admin')
        self.assertEqual(len(self.provider.requests), 2)


@tagged('post_install', '-at_install')
class TestSeveralNumbersOnPhone(TestSeveralNumbersTour):
    browser_size = '390x844'
    touch_enabled = True
