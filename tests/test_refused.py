# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS that would reach somebody else, or nobody, and gateways that cannot send: refused with words that help."""
import time

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..models.sms_run import SmsRun
from ..models.sms_sms import COMMIT_SECONDS
from .common import GatewayCase


@tagged('post_install', '-at_install')
class TestRefusedSms(GatewayCase):

    def assert_failed(self, sms, failure_type, words):
        self.assertEqual((sms.state, sms.failure_type), ('error', failure_type))
        self.assertIn(words, sms.failure_reason)

    def test_local_number_of_another_country(self):
        """Given a contact in Brazil with a number that is none there, sent by a template, code, a test: it does not
        go to Iran."""
        contact = self.make_contact(phone='987654321', country_id=self.env.ref('base.br').id)
        self.env.company.country_id = self.env.ref('base.br')
        template = self.env['sms.template'].create({
            'name': "Hello", 'model_id': self.env['ir.model']._get_id('res.partner'), 'body': "Hello"})
        self.env['ir.actions.server'].create({
            'name': "Send", 'model_id': template.model_id.id, 'state': 'sms', 'sms_template_id': template.id,
            'sms_method': 'sms',
        }).with_context(active_model='res.partner', active_id=contact.id, active_ids=contact.ids).run()
        sms = self.make_sms('987654321', partner_id=contact.id)
        sms.send()
        self.assert_failed(sms, 'sms_number_format', "type it with + and the country code")
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': '987654321', 'body': "Hi"})
        with self.assertRaisesRegex(Exception, "country code"):
            test.action_send()
        self.assertEqual(self.provider.requests, [])

    def test_trunk_zero(self):
        for typed, sent in (('+44 07911 123456', '+447911123456'), ('00330612345678', '+33612345678')):
            self.provider.clear()
            self.make_sms(typed).send()
            self.assertEqual(self.provider.requests[0].form()['to'][0], sent)

    def test_two_numbers_in_one(self):
        """Given a gateway that takes numbers as they are, several in a request."""
        self.gateway.write({
            'number_format': 'raw', 'supports_multiple_recipients': True, 'parameter_ids': [
                (5, 0), (0, 0, {'key': 'to', 'param_type': 'multi_number'}),
                (0, 0, {'key': 'text', 'param_type': 'message'})]})
        self.env.flush_all()
        first, double, third = self.make_sms('32456001122', '32456003344,32456005566', '32456007788')
        (first | double | third).send()
        self.assertEqual(self.provider.requests[0].form()['to'][0], '32456001122,32456007788')
        self.assert_failed(double, 'sms_number_format', "one number only")
        self.assertFalse(first.exists().failure_type)

    def test_text_that_would_change_the_path(self):
        self.gateway.base_url = f'{self.provider.url}/send/{{message}}/now'
        good, bad = self.make_sms('+32456001122'), self.make_sms('+32456003344', body="..")
        (good | bad).send()
        self.assertEqual([request.path for request in self.provider.requests], ['/send/Hello/now'])
        self.assert_failed(bad, 'sms_server', "part of the path")

    def test_white_space_around_a_text(self):
        """Texts of Odoo's own templates begin with a line break and blanks."""
        body = "\n                Your parcel has left.\n                Bye\n  "
        sms = self.make_sms('+32456001122', body=body)
        self.assertEqual(sms.segment_count, 1)
        sms.send()
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': '+32456001122', 'body': body})
        test.action_send()
        texts = {request.form()['text'][0] for request in self.provider.requests}
        self.assertEqual(texts, {"Your parcel has left.\n                Bye"})
        self.assertEqual(len(self.provider.requests), 2)


@tagged('post_install', '-at_install')
class TestRefusedGateways(GatewayCase):

    def test_active_gateway_without_number_or_text(self):
        """However it becomes Active."""
        for parameters, words in (([], "no recipient"), ([{'key': 'to', 'param_type': 'number'}], "no text")):
            values = {'parameter_ids': [(5, 0), *((0, 0, row) for row in parameters)]}
            with self.subTest(words=words):
                with self.assertRaisesRegex(ValidationError, words):
                    self.make_gateway("Without", **values)
                gateway = self.make_gateway("Without", state='new', **values)
                with self.assertRaisesRegex(ValidationError, words):
                    gateway.state = 'active'
                gateway.state = 'new'
                with self.assertRaisesRegex(ValidationError, words):
                    self.gateway.write(values)
                self.gateway.invalidate_recordset()

    def test_uuid_of_a_shared_request(self):
        self.gateway.write({'supports_multiple_recipients': True, 'parameter_ids': [
            (5, 0), (0, 0, {'key': 'to', 'param_type': 'multi_number'}),
            (0, 0, {'key': 'text', 'param_type': 'message'}), (0, 0, {'key': 'id', 'value': '{uuid}'})]})
        self.assertIn("belongs to no single SMS", self.gateway.warnings)
        self.gateway.supports_multiple_recipients = False
        self.assertNotIn("belongs to no single SMS", self.gateway.warnings or '')


@tagged('post_install', '-at_install')
class TestSlowGateway(GatewayCase):

    def test_time_out_that_does_not_fit_after_a_commit(self):
        """The queue, which has the time, sends what a gateway may take longer for than a click."""
        self.gateway.timeout = 30
        fast = self.make_gateway("Fast", country_prefixes='+32', base_url=f'{self.provider.url}/fast')
        slow_sms, fast_sms = self.make_sms('+33612345678'), self.make_sms('+32456001122')
        self.env.flush_all()
        run = SmsRun(self.env, time.monotonic() + COMMIT_SECONDS, COMMIT_SECONDS, ids=(slow_sms | fast_sms).ids,
                     leaves_slow=True)
        run.run()
        self.assertEqual([request.path for request in self.provider.requests], ['/fast'])
        self.env.invalidate_all()
        self.assertEqual((slow_sms.state, slow_sms.attempt), ('outgoing', 0))
        cron = self.env.ref('sms.ir_cron_sms_scheduler_action')
        self.assertTrue(self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]))
        self.env['sms.sms']._process_queue()
        self.assertEqual(len(self.provider.requests), 2)
        self.assertTrue(fast)
