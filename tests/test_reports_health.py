# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether delivery reports arrive and match: the figures on the gateway, a pasted sample, a simulated report."""
from datetime import timedelta
from unittest import mock

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models import sms_gateway_report_health
from ..tools.report.parsing import parse_reports
from ..tools.report.sample import make_delivered
from .common import DeliveryCase
from .provider import Reply

NUMBERS = tuple(f'+3245600110{index}' for index in range(5))


@tagged('post_install', '-at_install')
class TestHealth(DeliveryCase):

    def health(self):
        self.env.flush_all()
        self.gateway.invalidate_recordset()
        return self.gateway

    def age(self, rows, seconds=None, **delta):
        """Let SMS be sent earlier, and delivered some seconds later."""
        for row in rows:
            row.sent_date = fields.Datetime.now() - timedelta(**delta)
            if seconds is not None:
                row.delivered_date = row.sent_date + timedelta(seconds=seconds)
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE sms_gateway_status SET create_date = sent_date WHERE id = %s", [row.id])
        self.env.invalidate_all()

    def test_nothing_sent(self):
        health = self.health()
        self.assertFalse(health.last_report_date or health.report_count or health.has_report_rate or health.report_hint)
        new = self.env['sms.gateway'].new({'delivery_callback_enabled': True})
        self.assertFalse(new.last_report_date or new.report_count or new.report_hint)

    def test_figures(self):
        sms = self.send_sms(*NUMBERS)
        self.report(
            {'uuid': sms[0].uuid, 'status': 'delivered'}, {'uuid': sms[1].uuid, 'status': 'delivered'},
            {'uuid': sms[2].uuid, 'status': 'failed'}, {'uuid': sms[3].uuid, 'status': 'sent'},
            {'uuid': 'f' * 32, 'status': 'delivered'})
        rows = [self.status_of(one) for one in sms]
        self.age(rows[:1], seconds=4, minutes=5)
        self.age(rows[1:2], seconds=10, minutes=5)
        health = self.health()
        self.assertTrue(health.last_report_date)
        self.assertEqual((health.report_count, health.unmatched_report_count), (5, 1))
        self.assertAlmostEqual(health.report_rate, 3 / 5)
        self.assertEqual(health.median_delivery_seconds, 7)
        self.assertFalse(health.report_hint)

    def test_refused_sms_are_not_accepted(self):
        self.always_answer(Reply(400, "Bad number"))
        self.send_sms(NUMBERS[0])
        self.assertFalse(self.health().has_report_rate)

    def test_tests_do_not_count(self):
        sms = self.send_sms(*NUMBERS[:2])
        self.report(uuid=sms[0].uuid, status='delivered')
        self.status_of(sms[0]).is_test = True
        health = self.health()
        self.assertEqual((health.report_rate, health.median_delivery_seconds), (0, 0))

    def test_older_ones_do_not_count(self):
        sms = self.send_sms(*NUMBERS[:2])
        self.report({'uuid': sms[0].uuid, 'status': 'delivered'}, {'uuid': 'f' * 32, 'status': 'delivered'})
        self.age(self.status_of(sms[0]), days=8)
        self.env['sms.gateway.received.report'].search([]).create_date = fields.Datetime.now() - timedelta(days=8)
        health = self.health()
        self.assertEqual((health.report_count, health.unmatched_report_count, health.report_rate), (0, 0, 0))
        self.assertTrue(health.last_report_date)

    def test_limit(self):
        """The share is of the same period for accepted and failed SMS."""
        sms = self.send_sms(*NUMBERS[:4])
        self.report(*({'uuid': one.uuid, 'status': status} for one, status in zip(
            sms, ('failed', 'delivered', 'delivered', 'delivered'), strict=True)))
        for hours, one in zip((4, 3, 2, 1), sms, strict=True):
            self.age(self.status_of(one), hours=hours)
        with mock.patch.object(sms_gateway_report_health, 'MAX_ROWS', 2):
            health = self.health()
            self.assertEqual((health.report_count, health.report_rate), (2, 1))

    def test_no_report_at_all(self):
        rows = self.status_of(self.send_sms(*NUMBERS[:2]))
        self.assertFalse(self.health().report_hint, "they were sent a moment ago")
        self.age(rows, minutes=20)
        self.assertIn("no delivery report arrived", self.health().report_hint)
        self.gateway.delivery_callback_enabled = False
        self.assertFalse(self.health().report_hint)
        self.gateway.delivery_callback_enabled = True
        self.report(uuid=rows[0].sms_uuid, status='sent')
        self.assertFalse(self.health().report_hint)

    def test_most_are_unmatched(self):
        sms = self.send_sms(NUMBERS[0])
        self.report({'uuid': sms.uuid, 'status': 'delivered'}, {'uuid': 'f' * 32, 'status': 'delivered'})
        self.assertFalse(self.health().report_hint)
        self.report(uuid='e' * 32, status='delivered')
        self.assertIn("match no SMS", self.health().report_hint)

    def test_lists_and_cards_do_not_read_it(self):
        for kind in ('list', 'kanban'):
            arch = self.env['sms.gateway'].get_view(view_type=kind)['arch']
            self.assertNotIn('report_count', arch)
            self.assertNotIn('last_report_date', arch)


@tagged('post_install', '-at_install')
class TestSample(DeliveryCase):

    def read_sample(self, sample, **values):
        wizard = self.env['sms.gateway.sample'].new({'gateway_id': self.gateway.id, 'sample': sample})
        wizard._onchange_sample()
        wizard.update(values)
        self.kind, self.problem, self.hint = wizard.kind, wizard.problem, wizard.hint
        return [
            {name: line[name] for name in (
                'uuid', 'message_id', 'number', 'status', 'state', 'error_code', 'failure_type')}
            for line in wizard.line_ids]

    def test_formats(self):
        for kind, sample in (
            ('query', '?message_id=m1&status=undelivered&code=30003'),
            ('form', 'message_id=m1&status=undelivered&code=30003'),
            ('json', '{"message_id": "m1", "status": "undelivered", "code": 30003}'),
            ('xml', '<r><message_id>m1</message_id><status>undelivered</status><code>30003</code></r>'),
        ):
            with self.subTest(kind=kind):
                line, = self.read_sample(sample)
                self.assertEqual((self.kind, self.problem, self.hint), (kind, '', ''))
                self.assertEqual(line, {
                    'uuid': '', 'message_id': 'm1', 'number': '', 'status': 'undelivered', 'state': 'error',
                    'error_code': '30003', 'failure_type': 'sms_invalid_destination'})

    def test_chosen_format(self):
        self.assertFalse(self.read_sample('{"message_id": "m1", "status": "sent"}', kind='query'))
        self.assertIn("HTTP 200", self.hint)

    def test_problems(self):
        self.read_sample('{"status": "delivered"}')
        self.assertIn("HTTP 400: A delivery report has a status, but neither", self.problem)
        self.read_sample('{"status": ')
        self.assertIn("not valid JSON", self.problem)
        self.read_sample('{"id": "m1", "state": "delivered"}')
        self.assertIn("Status Param, status.", self.hint)

    def test_unknown_status(self):
        line, = self.read_sample('{"message_id": "m1", "status": "odd"}')
        self.assertFalse(line['state'])
        self.assertIn("Unknown delivery status: odd", self.hint)

    def test_nothing_is_stored(self):
        sms = self.send_sms()
        self.read_sample(f'uuid={sms.uuid}&status=delivered')
        self.assertFalse(self.status_of(sms).delivered_date)
        self.assertFalse(self.env['sms.gateway.received.report'].search([('gateway_id', '=', self.gateway.id)]))

    def test_secrets_are_masked(self):
        line, = self.read_sample(f'message_id=m1&status=odd-{self.gateway.token}')
        self.assertEqual(line['status'], 'odd-***')


@tagged('post_install', '-at_install')
class TestSimulatedReport(DeliveryCase):

    def send_test(self, **values):
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': NUMBERS[0], 'body': "Hi", **values})
        test.action_send()
        self.env.invalidate_all()
        return test

    def test_by_message_id(self):
        test = self.send_test()
        test.action_simulate_delivered()
        self.assertTrue(test.delivered_date)
        self.assertIn("simulated", test.status_id.note)
        self.assertFalse(self.env['sms.gateway.received.report'].search([('gateway_id', '=', self.gateway.id)]))

    def test_by_uuid(self):
        self.gateway.delivery_callback_message_id_param = False
        test = self.send_test()
        test.status_id.action_simulate_delivered()
        self.assertTrue(test.delivered_date)

    def test_only_test_sms(self):
        status = self.status_of(self.send_sms())
        with self.assertRaisesRegex(UserError, "test SMS only"):
            status.action_simulate_delivered()
        self.assertFalse(status.delivered_date)

    def test_incomplete_settings(self):
        test = self.send_test()
        for name in ('delivery_callback_status_success', 'delivery_callback_status_param'):
            value = self.gateway[name]
            self.gateway[name] = False
            with self.assertRaisesRegex(UserError, "could be read"):
                test.action_simulate_delivered()
            self.gateway[name] = value
        self.assertFalse(test.delivered_date)

    def test_templates(self):
        """The report of each template is read as delivered, and has what identifies the SMS."""
        gateways = self.env['ir.model.data'].search(
            [('module', '=', 'eis_sms_apis'), ('model', '=', 'sms.gateway')])
        templates = self.env['sms.gateway'].browse(gateways.mapped('res_id')).filtered('delivery_callback_enabled')
        self.assertGreater(len(templates), 20)
        for template in templates:
            with self.subTest(template=template.name):
                rules = template._get_report_rules()
                report, = parse_reports(rules, *make_delivered(
                    rules, uuid='a' * 32, message_id='m1', number=NUMBERS[0]))
                self.assertEqual(report.state, 'success')
                self.assertIn('m1' if rules.message_id_param else 'a' * 32, (report.message_id, report.uuid))

    def test_check_delivery(self):
        test = self.send_test()

        def note():
            test.action_check_delivery()
            self.env.invalidate_all()
            return test.delivery_note

        self.assertIn("has not called the Callback URL", note())
        self.report(uuid=self.send_sms(NUMBERS[1]).uuid, status='delivered')
        self.assertIn("Reports for other SMS are arriving", note())
        self.report(uuid='f' * 32, status='delivered')
        self.assertIn("match no SMS", note())
        self.report(uuid=test.sms_uuid, status='sent')
        self.assertIn("on its way", note())
        self.report(uuid=test.sms_uuid, status='odd')
        self.assertIn("Unknown delivery status: odd", note())
        self.report(uuid=test.sms_uuid, status='failed', words="Handset is off")
        self.assertFalse(note())
        self.assertEqual(test.report_failure, "Handset is off")
