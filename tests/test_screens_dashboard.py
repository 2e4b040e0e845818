# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The dashboard of gateways: seven days, rates, queue, last success and last failure, without test SMS."""
import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from .common import NUMBERS, GatewayCase
from .provider import Reply


@tagged('post_install', '-at_install')
class TestDashboard(GatewayCase, HttpCase):

    def send(self, *numbers):
        sms = self.make_sms(*numbers)
        sms.send()
        return self.status_of(sms)

    def send_test(self):
        self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': '+32456001122', 'body': "Hi"}).action_send()
        self.env.invalidate_all()

    def age(self, rows, **ago):
        self.env.flush_all()
        moment = fields.Datetime.now() - timedelta(**ago)
        self.env.cr.execute(
            "UPDATE sms_gateway_status SET create_date = %s, sent_date = %s, write_date = %s WHERE id = ANY(%s)",
            [moment, moment, moment, rows.ids])
        self.env.invalidate_all()

    def bars(self):
        return {
            series['name']: [bar['value'] for bar in series['values']]
            for series in json.loads(self.gateway.dashboard_graph)}

    def test_seven_days(self):
        self.age(self.send(*NUMBERS), days=7)
        self.age(self.send(*NUMBERS[:2]), days=2)
        rows = self.send(*NUMBERS[:3])
        rows[0].sudo().delivered_date = fields.Datetime.now()
        self.always_answer(Reply(400, "Bad number"))
        self.send('+32456001199')
        self.assertEqual(self.bars(), {
            'delivered': [0, 0, 0, 0, 0, 0, 1],
            'sent': [0, 0, 0, 0, 2, 0, 2],
            'failed': [0, 0, 0, 0, 0, 0, 1]})
        self.assertAlmostEqual(self.gateway.success_rate, 5 / 6)

    def test_delivery_rate(self):
        self.send(*NUMBERS[:1])
        self.assertFalse(self.gateway.has_reports)
        self.gateway.delivery_callback_enabled = True
        rows = self.send(*NUMBERS[:2])
        rows[0].sudo().delivered_date = fields.Datetime.now()
        self.env.invalidate_all()
        self.assertTrue(self.gateway.has_reports)
        self.assertEqual(self.gateway.delivery_rate, 0.5)

    def test_unused_gateway(self):
        gateway = self.make_gateway("Unused")
        self.assertFalse(gateway.has_week)
        self.assertEqual((gateway.success_rate, gateway.queue_count, gateway.last_success_date), (0, 0, False))
        self.assertTrue(self.env['sms.gateway'].new({'name': "Draft"}).dashboard_graph)

    def test_tests_do_not_count(self):
        self.always_answer(Reply(400, "Bad number"))
        self.send_test()
        self.assertEqual(len(self.gateway.sms_status_ids), 1)
        self.assertFalse(self.gateway.has_week or self.gateway.failed_today_count or self.gateway.last_error)
        self.assertFalse(self.gateway.is_failing or self.gateway.is_last_failed)

    def test_gateway_with_nothing_but_tests_can_be_deleted(self):
        self.send_test()
        status = self.gateway.sms_status_ids
        self.gateway.unlink()
        self.assertFalse(self.gateway.exists() or status.exists())

    def test_gateway_with_other_statuses_keeps_its_tests(self):
        self.send_test()
        self.send('+32456001123')
        with self.assertRaisesRegex(UserError, "Archive it"):
            self.gateway.unlink()
        self.assertEqual(len(self.gateway.sms_status_ids), 2)

    def test_failure_older_than_a_success_is_not_red(self):
        self.provider.answer(Reply(400, "Bad number"))
        failed = self.send('+32456001122')
        self.assertTrue(self.gateway.is_last_failed)
        self.age(failed, hours=1)
        self.send('+32456001123')
        self.env.invalidate_all()
        self.assertEqual(self.gateway.last_error, "Bad number")
        self.assertTrue(self.gateway.last_success_date)
        self.assertFalse(self.gateway.is_last_failed)

    def test_queue(self):
        sms = self.make_sms(*NUMBERS)
        sms.gateway_id = self.gateway
        sms[0].state = 'error'
        self.assertEqual(self.gateway.queue_count, 3)
        self.assertEqual(self.env['sms.sms'].search(self.gateway.action_view_queue()['domain']), sms[1:])

    def test_queries_do_not_grow_with_gateways(self):
        names = ['dashboard_graph', 'queue_count', 'last_success_date', 'is_last_failed']
        gateways = self.gateway | self.make_gateway("Second")
        gateways.read(names)
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        gateways.read(names)
        two = self.env.cr.sql_log_count - before
        gateways |= self.make_gateway("Third") | self.make_gateway("Fourth")
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        gateways.read(names)
        self.assertLessEqual(self.env.cr.sql_log_count - before, two)

    def test_cards(self):
        self.make_gateway("Unused")
        self.age(self.send(*NUMBERS[:3]), minutes=5)
        self.always_answer(Reply(400, "Bad number"))
        self.send('+32456001199')
        queued = self.make_sms('+32456001198')
        queued.write({'gateway_id': self.gateway.id, 'send_after': fields.Datetime.now() + timedelta(hours=1)})
        self.start_tour('/odoo/action-eis_sms_apis.sms_gateway_action', 'eis_sms_apis.dashboard', login='admin')
