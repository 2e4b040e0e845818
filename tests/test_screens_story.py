# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The history of an SMS: each attempt with its request and response, why another followed, each delivery report."""
from datetime import timedelta

from lxml import html

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..tools.attempt import attempt_uuid
from .common import NUMBER, NUMBERS, SECRET, CallbackCase, DeliveryCase
from .provider import Reply
from .test_sending_failover import FailoverCase


class StoryCase(FailoverCase):

    def attempts_of(self, sms):
        return self.env['sms.gateway.attempt'].search([('sms_uuid', 'in', sms.mapped('uuid'))])

    def read_story(self, record):
        """The history as people see it: a list with the words of each entry."""
        record.invalidate_recordset(['story'])
        if not record.story:
            return []
        return [' '.join(entry.text_content().split()) for entry in html.fromstring(str(record.story)).xpath('//li')]

    def assertEntries(self, record, *expected):
        """Each entry contains these words, in this order."""
        entries = self.read_story(record)
        self.assertEqual(len(entries), len(expected), entries)
        for entry, words in zip(entries, expected, strict=True):
            for word in words:
                self.assertIn(word, entry)


@tagged('post_install', '-at_install')
class TestAttempts(StoryCase):

    def test_success_writes_no_attempt(self):
        """A campaign of successes costs no row."""
        sms = self.make_sms(*NUMBERS)
        sms.send()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertFalse(self.attempts_of(sms))
        self.assertFalse(any(self.status_of(sms).mapped('request_text')))
        self.assertEqual(len(self.read_story(self.status_of(sms)[0])), 1)

    def test_failed_over(self):
        self.add_second()
        sms = self.send(Reply(503, {'error': "Overloaded"}))
        attempt = self.attempts_of(sms)
        self.assertEqual(
            (attempt.gateway_id, attempt.attempt, attempt.outcome, attempt.http_code, attempt.next_step),
            (self.gateway, 1, 'refused', 503, 'failover'))
        self.assertIn('to=+32456001122', attempt.request_text)
        self.assertAlmostEqual(attempt.date, fields.Datetime.now(), delta=timedelta(seconds=30))
        self.assertEntries(
            self.status_of(sms),
            ("Attempt 1", "Not Accepted", "Loopback", "HTTP 503", f"POST {self.provider.url}", "Overloaded",
             "Failed over to Second."),
            ("Attempt 2", "Accepted", "Second", "HTTP 200"))

    def test_all_fail(self):
        """The last attempt is the status row, with its request."""
        self.add_second()
        self.always_answer(Reply(400, "Blocked"), path='/second')
        sms = self.send(503)
        self.assertEqual(self.attempts_of(sms).mapped('attempt'), [1])
        status = self.status_of(sms)
        self.assertIn('/second', status.request_text)
        self.assertEntries(status, ("Attempt 1", "HTTP 503"), ("Attempt 2", "HTTP 400", "Blocked", "/second"))

    def test_queued_again(self):
        sms = self.send(Reply(429, "Slow down", {'Retry-After': '600'}))
        attempt = self.attempts_of(sms)
        self.assertEqual((attempt.next_step, attempt.error_message), ('requeue', "Slow down"))
        self.assertAlmostEqual(attempt.next_date, sms.send_after, delta=timedelta(seconds=5))
        self.assertFalse(self.status_of(sms))
        self.assertEntries(sms, ("Attempt 1", "HTTP 429", "Slow down", "Queued again until"))

        self.run_queue_after(sms, timedelta(seconds=601))
        self.assertEqual(sms.state, 'pending')
        self.assertEntries(self.status_of(sms), ("Attempt 1", "Queued again until"), ("Attempt 2", "Accepted"))

    def test_failed_over_and_queued_again(self):
        self.add_second()
        self.always_answer(503, path='/second')
        sms = self.send(503)
        attempts = self.attempts_of(sms)
        self.assertEqual(attempts.mapped('next_step'), ['failover', 'requeue'])
        self.assertEqual(attempts.gateway_id, self.gateway + self.second)

    def test_retried(self):
        sms = self.send(Reply(400, "Blocked"))
        self.assertFalse(self.attempts_of(sms))
        sms.action_retry()
        attempt, status = self.attempts_of(sms), self.status_of(sms)
        self.assertEqual((attempt.next_step, attempt.user_id), ('retry', self.env.user))
        self.assertIn('to=+32456001122', attempt.request_text)
        self.assertEntries(status, ("Attempt 1", "Retried by OdooBot"), ("In the queue",))

        self.always_answer(Reply(400, "Blocked again"))
        self.env['sms.sms']._process_queue()
        sms.action_retry()
        self.provider.always(self.provider.accept)
        self.env['sms.sms']._process_queue()
        self.assertEqual(sms.state, 'pending')
        self.assertFalse(status.request_text, "it was the one of the failed attempt")
        self.assertEntries(
            status, ("Attempt 1", "Blocked", "Retried by"), ("Attempt 2", "Blocked again", "Retried by"),
            ("Attempt 3", "Accepted"))

    def test_employee_retries(self):
        self.provider.answer(Reply(400, "Blocked"))
        user = new_test_user(self.env, 'retries', 'base.group_user,base.group_partner_manager', name="Jo Doe")
        message = self.make_contact()._message_sms("Hello")
        message.with_user(user).retry_sms()
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        self.assertEqual(self.attempts_of(sms).user_id, user)
        self.assertEntries(self.status_of(sms), ("Retried by Jo Doe",), ("In the queue",))

    def test_expired_after_an_attempt(self):
        self.env['sms.sms'].flush_model()
        sms = self.make_sms(NUMBER, valid_until=fields.Datetime.now() + timedelta(minutes=5))
        self.provider.answer(503)
        sms.send()
        self.assertEqual(sms.state, 'outgoing')
        sms.valid_until = fields.Datetime.now() - timedelta(minutes=1)
        self.run_queue_after(sms, timedelta(minutes=6))
        self.assertEqual((sms.state, sms.failure_type), ('error', 'sms_expired'))
        self.assertEntries(self.status_of(sms), ("Attempt 1", "HTTP 503"), ("has expired",))

    def test_refused_by_the_database(self):
        """Results do not depend on the attempts."""
        self.env.cr.execute("""
            CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON sms_gateway_attempt EXECUTE FUNCTION pg_temp.refuse()
        """)
        logger = 'odoo.addons.eis_sms_apis.sending.store.transactions'
        with mute_logger('odoo.sql_db'), self.assertLogs(logger, 'WARNING'):
            queued = self.send(Reply(429, headers={'Retry-After': '600'}))
        self.assertEqual((queued.state, queued.claimed_until), ('outgoing', False))
        self.env['sms.gateway.throttle'].search([]).unlink()
        self.add_second()
        with mute_logger('odoo.sql_db'), self.assertLogs(logger, 'WARNING'):
            sms = self.send(503)
        self.assertEqual((sms.state, self.status_of(sms).attempt), ('pending', 2))
        self.assertFalse(self.attempts_of(queued + sms))

    def test_without_track_status(self):
        self.add_second()
        self.gateway.create_status = False
        sms = self.send(503)
        self.assertEqual(sms.state, 'pending')
        self.assertFalse(self.attempts_of(sms))

    def test_request_of_a_shared_request(self):
        """Each SMS shows its own recipient only: the others may belong to other companies."""
        self.add_second()
        self.gateway.write({
            'supports_multiple_recipients': True,
            'parameter_ids': [(1, self.gateway.parameter_ids[1].id, {'param_type': 'multi_number'})]})
        self.provider.answer(503, path='/')
        sms = self.make_sms(*NUMBERS)
        sms.send()
        attempts = self.attempts_of(sms)
        self.assertEqual(attempts.mapped('recipient_count'), [4] * 4)
        for attempt in attempts:
            own = sms.filtered(lambda one, attempt=attempt: one.uuid == attempt.sms_uuid)
            self.assertEqual([number for number in NUMBERS if number in attempt.request_text], [own.number])

    def test_secrets_are_masked(self):
        self.add_second()
        self.make_gateway(
            "Secrets", sequence=1, auth_type='custom', token=SECRET, password='p4ss-s3cret', username='shop-user',
            base_url=f'{self.provider.url}/?key=typed-s3cret',
            header_ids=[(0, 0, {'key': 'Authorization', 'value': 'Bearer {token}'})],
            parameter_ids=[(0, 0, values) for values in (
                {'key': 'token', 'value': '{token}'}, {'key': 'password', 'value': '{password}'},
                {'key': 'to', 'param_type': 'number'}, {'key': 'text', 'param_type': 'message'})])
        self.provider.answer(Reply(503, f"{SECRET} is overloaded"), path='/')
        sms = self.make_sms(NUMBER, body=f"The token is {SECRET}")
        sms.send()
        attempt = self.attempts_of(sms)
        self.assertIn('Authorization: Bearer ***', attempt.request_text)
        story = self.read_story(sms.status_id)
        for text in (attempt.request_text, attempt.response_text, attempt.error_message, *story):
            self.assertNotIn('s3cret', text)

    def test_long_request_is_cut(self):
        self.add_second()
        self.provider.answer(503, path='/')
        sms = self.make_sms(NUMBER, body="é" * 5000)
        sms.send()
        self.assertLessEqual(len(self.attempts_of(sms).request_text.encode()), 4096)

    def test_text_is_no_markup(self):
        self.provider.answer(Reply(400, "<script>alert(1)</script>"))
        sms = self.make_sms(NUMBER, body="<b>Hello</b>")
        sms.send()
        story = str(self.status_of(sms).story)
        self.assertNotIn('<script>', story)
        self.assertNotIn('<b>Hello', story)

    def test_json_is_pretty_printed(self):
        self.provider.answer(Reply(400, '{"code": 7, "text": "Non"}'))
        sms = self.make_sms(NUMBER)
        sms.send()
        self.assertIn('    "code": 7,\n', html.fromstring(str(self.status_of(sms).story)).text_content())
        self.provider.answer(Reply(400, '<a><b>7</b></a>'))
        sms = self.make_sms(NUMBER)
        sms.send()
        self.assertIn('<a><b>7</b></a>', html.fromstring(str(self.status_of(sms).story)).text_content())

    def test_companies(self):
        self.add_second()
        sms = self.send(503)
        other = self.env['res.company'].create({'name': "Other"})
        user = new_test_user(
            self.env, 'other_admin', 'base.group_system', company_id=other.id, company_ids=[(6, 0, other.ids)])
        self.assertTrue(self.attempts_of(sms).company_id)
        self.assertFalse(self.env['sms.gateway.attempt'].with_user(user).search(
            [('sms_uuid', '=', sms.uuid)]))

    def test_gateway_with_attempts_is_kept(self):
        self.add_second()
        self.send(503)
        with self.assertRaises(UserError):
            self.gateway.unlink()

    def test_autovacuum(self):
        self.add_second()
        old, new, queued = self.send(503), self.send(), self.make_sms(NUMBER)
        self.env['sms.gateway.throttle'].search([]).unlink()
        self.second.state = 'disabled'
        self.provider.answer(503, path='/')
        queued.send()
        self.assertEqual(self.attempts_of(old + new + queued).mapped('sms_uuid').count(queued.uuid), 1)
        age = timedelta(days=200)
        self.env.cr.execute("UPDATE sms_gateway_status SET create_date = create_date - %s WHERE sms_uuid = %s", [
            age, old.uuid])
        self.env['sms.gateway.status']._gc_old_status()
        self.env['sms.gateway.attempt']._gc_old_attempts()
        self.assertFalse(self.status_of(old) or self.attempts_of(old))
        self.assertTrue(self.attempts_of(queued))

        self.env.cr.execute("UPDATE sms_gateway_attempt SET date = date - %s", [age])
        self.env['ir.config_parameter'].sudo().set_param('eis_sms_apis.status_retention_days', '0')
        self.env['sms.gateway.attempt']._gc_old_attempts()
        self.assertTrue(self.attempts_of(queued))
        self.env['ir.config_parameter'].sudo().set_param('eis_sms_apis.status_retention_days', '180')
        self.env['sms.gateway.attempt']._gc_old_attempts()
        self.assertFalse(self.attempts_of(queued))

    def test_removed_with_the_status(self):
        self.add_second()
        sms = self.send(503)
        self.status_of(sms).unlink()
        self.assertFalse(self.attempts_of(sms))

    def test_recipient_and_document(self):
        contact = self.make_contact()
        message = contact._message_sms("Hello", partner_ids=contact.ids)
        status = self.status_of(self.env['sms.sms'].search([('mail_message_id', '=', message.id)]))
        self.assertEqual((status.partner_id, status.document_name), (contact, contact.display_name))
        contact.unlink()
        status.invalidate_recordset()
        self.assertFalse(status.document_name)
        with self.assertRaises(UserError):
            status.action_open_document()


@tagged('post_install', '-at_install')
class TestReportsOfAnSms(StoryCase, DeliveryCase):

    def test_reports(self):
        sms, status = self.send_and_find()
        self.report(uuid=sms.uuid, status='queued')
        self.report(uuid=sms.uuid, status='failed', code='30003', words="Unreachable handset")
        self.assertEntries(
            status, ("Attempt 1", "Accepted"), ("Delivery report", "Pending", "Status queued"),
            ("Delivery report", "Failed", "Status failed", "Error code 30003", "Unreachable handset"))

    def test_reports_by_message_id(self):
        self.provider.answer(Reply(200, '{"id": "m-1"}'))
        _sms, status = self.send_and_find()
        self.report(message_id='m-1', status='delivered')
        self.report(message_id='m-2', status='failed')
        self.assertEntries(status, ("Accepted", "Message ID m-1"), ("Delivery report", "Delivered"))

    def test_reports_of_a_retried_sms(self):
        self.provider.answer(Reply(200, '{"id": "m-1"}'), Reply(200, '{"id": "m-2"}'))
        sms, status = self.send_and_find()
        self.report(message_id='m-1', status='failed')
        sms.action_retry()
        self.assertEntries(status, ("Message ID m-1", "Retried by"), ("Delivery report", "Failed"), ("In the queue",))
        self.env['sms.sms']._process_queue()
        self.report(message_id='m-2', status='delivered')
        self.assertEntries(
            status, ("Message ID m-1",), ("Delivery report", "Failed"), ("Message ID m-2",),
            ("Delivery report", "Delivered"))

    def test_reports_of_a_shared_message_id(self):
        """Only those of this recipient."""
        self.gateway.delivery_callback_number_param = 'to'
        self.always_answer(Reply(200, '{"id": "m-1"}'))
        sms = self.send_sms(*NUMBERS[:2])
        for number, status in zip(NUMBERS, ('delivered', 'failed'), strict=False):
            self.report(message_id='m-1', status=status, to=number)
        for one, label in zip(sms, ("Delivered", "Failed"), strict=True):
            self.assertEntries(self.status_of(one), ("Accepted",), ("Delivery report", label))

    def test_report_of_an_earlier_attempt(self):
        """As spelled by the provider."""
        sms, status = self.send_and_find()
        self.report(uuid=sms.uuid, status='failed')
        sms.action_retry()
        self.env['sms.sms']._process_queue()
        second = attempt_uuid(sms.uuid, 2)
        dashed = '-'.join((second[:8], second[8:12], second[12:16], second[16:20], second[20:]))
        self.report(uuid=dashed.upper(), status='delivered')
        self.assertEntries(
            status, ("Attempt 1", "Accepted", "Retried by"), ("Delivery report", "Failed"), ("Attempt 2", "Accepted"),
            ("Delivery report", "Delivered"))

    def test_reports_that_are_removed(self):
        """The status row still shows the last one."""
        sms, status = self.send_and_find()
        self.report(uuid=sms.uuid, status='delivered')
        self.env['sms.gateway.received.report'].sudo().search([]).unlink()
        self.assertEntries(status, ("Accepted",), ("Delivery report", "Delivered"))

    def test_awaited(self):
        _sms, status = self.send_and_find()
        self.assertEntries(status, ("Accepted",), ("Waiting for a delivery report",))

    def send_and_find(self):
        sms = self.send_sms()
        return sms, self.status_of(sms)


@tagged('post_install', '-at_install')
class TestStoryTour(StoryCase, CallbackCase, HttpCase):

    def test_tour(self):
        self.add_second()
        self.provider.answer(Reply(503, '{"error": "Overloaded"}'), path='/')
        contact = self.make_contact()
        message = contact._message_sms("Your order is ready", partner_ids=contact.ids)
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        self.start_tour(
            f'/odoo/action-eis_sms_apis.sms_gateway_status_action/{self.status_of(sms).id}', 'eis_sms_apis.story',
            login='admin')
