# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The button Ask Provider, and the settings of status queries."""
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from .common import NUMBER, NUMBERS, SECRET
from .provider import Reply
from .test_gateways_status_query import SEVERAL, QueryCase


@tagged('post_install', '-at_install')
class TestAskProvider(QueryCase):

    def test_button_of_a_status(self):
        row = self.status_of(self.send_sms())
        self.assertTrue(row.can_ask)
        self.statuses[row.message_id] = 'queued'
        params = row.action_ask_provider()['params']
        self.assertEqual((params['type'], params['message']), ('success', "Pending (queued)"))
        self.statuses[row.message_id] = 'delivered'
        self.assertEqual(row.action_ask_provider()['params']['message'], "Delivered (delivered)")
        self.assertTrue(row.delivered_date)
        self.statuses['reply'] = Reply(500)
        params = row.action_ask_provider()['params']
        self.assertEqual((params['type'], params['message']), ('danger', "The provider responded with HTTP 500."))

    def test_button_of_the_gateway(self):
        self.assertEqual(self.gateway.action_ask_provider()['params']['type'], 'warning')
        first, second = self.status_of(self.send_sms(*NUMBERS[:2])).sorted('id')
        self.statuses[first.message_id] = self.statuses[second.message_id] = 'delivered'
        for row in (first, second):
            self.gateway.action_ask_provider()
            self.assertTrue(row.delivered_date)
        self.gateway.action_ask_provider()
        self.assertEqual(self.asked()[-1], second.message_id, "The last one, because none waits.")

    def test_nothing_to_ask(self):
        row = self.status_of(self.send_sms())
        self.query.unlink()
        self.assertFalse(row.can_ask)
        self.assertEqual(row.action_ask_provider()['params']['type'], 'warning')

    def test_companies(self):
        """An administrator asks about the SMS of the companies that they may access."""
        other = self.env['res.company'].create({'name': "Other"})
        self.gateway.company_id = other
        row = self.status_of(self.make_sent(other))
        self.assertEqual(row.company_id, other)
        admin = new_test_user(self.env, 'admin_of_one', 'base.group_system', company_ids=[(6, 0, self.env.company.ids)])
        with self.assertRaises(AccessError):
            row.with_user(admin).action_ask_provider()
        employee = new_test_user(self.env, 'employee', 'base.group_user')
        with self.assertRaises(AccessError):
            row.with_user(employee).action_ask_provider()
        self.statuses[row.message_id] = 'delivered'
        self.assertEqual(self.process(10), [row.message_id], "The queue asks for all companies.")

    def make_sent(self, company):
        sms = self.make_sms(NUMBER, record_company_id=company.id)
        sms.with_company(company).send()
        return sms


@tagged('post_install', '-at_install')
class TestStatusQuerySettings(QueryCase):

    def test_preview(self):
        preview = self.query.request_preview
        self.assertIn('/status/ID-1?key=***', preview)
        self.assertNotIn(SECRET, preview)
        self.assertFalse(self.query.new({'gateway_id': self.gateway.id, 'kind': 'status'}).request_preview)
        self.query.write(SEVERAL)
        self.assertIn('/status?ids=ID-1%2CID-2', self.query.request_preview)

    def test_refused(self):
        for values, words in (
                ({'url': '/status'}, "{message_id}"),
                ({'url': '/status/{message_id}?key=f3a9c1d2e4b5a6978812'}, "secret"),
                ({'url': 'ftp://example.com/{message_id}'}, "^URL: "),
                ({'method': 'post', 'body': '{"id": {message_id}'}, "^The JSON body is not valid"),
                ({'ids_per_request': 2}, "{message_ids}"),
                ({**SEVERAL, 'message_id_path': False}, "Message ID Path"),
                ({**SEVERAL, 'id_separator': False}, "separator"),
                ({'status_regex': '('}, "Status Regex"),
                ({'status_regex': r'(\w+)'}, "not both"),
                ({'status_regex': r'\w+', 'status_path': False, 'message_id_path': False}, "parentheses"),
                ({'body': 'id={message_id}'}, "GET")):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, words.replace('{', r'\{')), \
                    self.env.cr.savepoint():
                self.query.write(values)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.gateway.parameter_ids[0].value = '{message_id}'

    def test_warning_without_message_id(self):
        self.assertFalse(self.gateway.warnings and "asked for the status" in self.gateway.warnings)
        for values in ({'message_id_regex': False}, {'create_status': False}):
            with self.subTest(values):
                self.gateway.write({'message_id_regex': 'x(.)', 'create_status': True, **values})
                self.assertIn("cannot be asked for the status", self.gateway.warnings)

    def test_regex(self):
        self.query.write({
            'status_path': False, 'message_id_path': False, 'error_code_path': False, 'error_message_path': False,
            'status_regex': r'status:(\w+)'})
        row = self.status_of(self.send_sms())
        self.statuses['reply'] = Reply(body='OK status:delivered')
        self.process(10)
        self.assertTrue(row.delivered_date)

    def test_beside_the_balance(self):
        self.gateway.query_ids = [(0, 0, {'kind': 'balance', 'url': '/balance'})]
        self.assertTrue(self.gateway.has_balance_query and self.gateway.has_status_query)
        self.assertEqual(sorted(self.gateway.copy().query_ids.mapped('kind')), ['balance', 'status'])
