# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The callback URL takes what providers send, and answers each of them rightly: doc/behaviour.md section 6, from
outside."""
import json
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import uuid4

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..controllers import callback
from ..tools.report.parsing import MAX_BODY
from .callback_calls import FORM, GARBAGE, PROVIDERS, fill
from .common import LOGGER, SECRET, CallbackCase
from .provider import Reply

JSON = {'Content-Type': 'application/json'}


@tagged('post_install', '-at_install')
class TestCallback(CallbackCase):

    # === ANSWERS === #

    def test_report_is_answered_and_recorded(self):
        sms = self.send_sms()
        self.gateway.delivery_callback_answer = "ACK/ö"
        answer = self.call(query=f'uuid={sms.uuid}&status=delivered')
        self.assertEqual((answer.status_code, answer.text), (200, "ACK/ö"))
        self.assertEqual(answer.headers['Content-Type'], 'text/plain; charset=utf-8')
        self.assertNotIn('Set-Cookie', answer.headers)
        self.assertEqual(self.state(sms), ('success', True, 'sent'))

    def test_call_without_report_is_fine(self):
        for arguments in (
                {}, {'method': 'HEAD'}, {'method': 'POST'}, {'query': 'hello=1'}, {'method': 'POST', 'body': b'a=b'},
                {'method': 'POST', 'content_type': 'application/json', 'body': b'{"test": true}'}):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.call(**arguments).status_code, 200)

    def test_names_of_query_and_form_are_no_arguments(self):
        for name in ('self', 'token', 'db', 'debug', 'endpoint', 'csrf_token', 'session_id', 'cids'):
            with self.subTest(name=name):
                sms = self.send_sms()
                answer = self.call('POST', f'{name}=1', FORM, f'{name}=2&uuid={sms.uuid}&status=delivered'.encode())
                self.assertEqual(answer.status_code, 200)
                self.assertNotIn('Set-Cookie', answer.headers)
                self.assertEqual(sms.state, 'sent')

    def test_unknown_token_and_disabled_callbacks_look_the_same(self):
        sms = self.send_sms()
        self.gateway.delivery_callback_enabled = False
        report = f'uuid={sms.uuid}&status=delivered'
        answers = [
            self.call(query=report, path=path)
            for path in (self.path, '/eis_sms/callback/unknown', '/eis_sms/callback/%00', '/eis_sms/callback/%ff%c3')]
        self.assertEqual({(answer.status_code, answer.content) for answer in answers}, {(404, b"Not Found")})
        self.assertEqual(len({tuple(sorted(answer.headers.keys())) for answer in answers}), 1)
        self.assertEqual(sms.state, 'pending')

    def test_new_token(self):
        """New Token: the old URL is unknown at once, the new one works."""
        sms = self.send_sms()
        self.gateway.action_new_callback_token()
        new_path = urlsplit(self.gateway.delivery_callback_url).path
        report = f'uuid={sms.uuid}&status=delivered'
        self.assertEqual(self.call(query=report).status_code, 404)
        self.assertEqual(sms.state, 'pending')
        self.assertEqual(self.call(query=report, path=new_path).status_code, 200)
        self.assertEqual(sms.state, 'sent')

    def test_disabled_and_archived_gateways_still_get_their_reports(self):
        all_sms = self.send_sms('+32456001122', '+32456001123')
        self.gateway.state = 'disabled'
        self.call(query=f'uuid={all_sms[0].uuid}&status=delivered')
        self.gateway.active = False
        self.call(query=f'uuid={all_sms[1].uuid}&status=delivered')
        self.assertEqual(all_sms.mapped('state'), ['sent', 'sent'])

    def test_other_methods(self):
        for method in ('PUT', 'DELETE', 'PATCH'):
            self.assertEqual(self.call(method).status_code, 405)

    def test_safe_methods_change_nothing(self):
        sms = self.send_sms()
        report = f'uuid={sms.uuid}&status=delivered'
        for method in ('HEAD', 'OPTIONS', 'TRACE'):
            for query, body in ((report, b''), ('', report.encode())):
                answer = self.call(method, query, FORM, body)
                self.assertEqual(answer.status_code, 405 if method == 'TRACE' else 200)
                self.assertEqual(self.call(method, query, FORM, body, path='/eis_sms/callback/x').status_code,
                                 405 if method == 'TRACE' else 404)
        self.assertEqual(self.state(sms), ('success', False, 'pending'))
        self.assertFalse(self.status_of(sms).report_date)
        self.assertEqual(self.call(query=report).status_code, 200)
        self.assertEqual(sms.state, 'sent')

    @mute_logger(LOGGER)
    def test_call_that_cannot_be_read(self):
        for method, query, content_type, body in GARBAGE:
            with self.subTest(body=body):
                answer = self.call(method, query, content_type, body.encode())
                self.assertEqual((answer.status_code, answer.text), (400, "Bad Request"))

    @mute_logger(LOGGER)
    def test_report_without_identifier(self):
        """400, and what the call has beside it counts all the same."""
        sms = self.send_sms()
        self.assertEqual(self.call(query='status=delivered').status_code, 400)
        body = json.dumps([{'status': 'delivered'}, {'uuid': sms.uuid, 'status': 'delivered'}]).encode()
        self.assertEqual(self.call('POST', '', 'application/json', body).status_code, 400)
        self.assertEqual(sms.state, 'sent')

    @mute_logger(LOGGER)
    def test_call_that_is_too_large(self):
        body = b'x=' + b'y' * MAX_BODY
        self.assertEqual(self.call('POST', '', FORM, body).status_code, 413)
        self.assertEqual(self.call('POST', '', FORM, body[:MAX_BODY]).status_code, 200)

    def test_stranger_calls_learn_nothing(self):
        """A report for an SMS that nobody knows is answered as any other."""
        sms = self.send_sms()
        known = self.call(query=f'uuid={sms.uuid}&status=delivered')
        unknown = self.call(query=f'uuid={uuid4().hex}&status=delivered')
        self.assertEqual((known.status_code, known.content), (unknown.status_code, unknown.content))

    # === PAYLOADS === #

    @mute_logger(LOGGER)
    def test_payloads_of_providers(self):
        for provider, (values, codes, calls, failure_type, words) in PROVIDERS.items():
            self.gateway.callback_failure_map_ids.unlink()
            self.gateway.write({**values, 'callback_failure_map_ids': [
                (0, 0, {'provider_code': code, 'failure_type': type_}) for code, type_ in codes.items()]})
            for kind, expected in (
                    ('pending', ('success', False, 'pending')), ('delivered', ('success', True, 'sent')),
                    ('failed', ('error', False, 'error'))):
                with self.subTest(provider=provider, kind=kind):
                    sms = self._send_and_report(calls[kind])
                    self.assertEqual(self.state(sms), expected)
                    self.assertEqual(sms.failure_type, failure_type if kind == 'failed' else False)
                    self.assertEqual(sms.failure_reason, words if kind == 'failed' else False)

    def _send_and_report(self, call):
        sms = self.send_sms()
        before = self.state(sms)
        for garbage in GARBAGE[:2]:
            self.assertEqual(self.call(*garbage[:3], garbage[3].encode()).status_code, 400)
        self.assertEqual(self.state(sms), before)
        tokens = {'UUID': sms.uuid, 'ID': self.status_of(sms).message_id, 'NUMBER': '32456001122'}
        answer = self.call(*fill(call, **tokens))
        self.assertEqual((answer.status_code, answer.text), (200, "OK"))
        return sms

    def test_several_reports_in_a_call(self):
        all_sms = self.send_sms(*(f'+3245600{number:04}' for number in range(40)))
        words = ('delivered', 'failed', 'canceled', 'sent')
        reports = [{'uuid': sms.uuid, 'status': words[index % 4]} for index, sms in enumerate(all_sms)]
        # one of nobody, one twice, and one for which two words came
        reports += [{'uuid': uuid4().hex, 'status': 'failed'}, reports[0], {**reports[1], 'status': 'delivered'}]
        answer = self.call('POST', '', 'application/json', json.dumps(reports).encode())
        self.assertEqual(answer.status_code, 200)
        expected = ['sent', 'error', 'canceled', 'pending'] * 10
        expected[1] = 'sent'
        self.assertEqual(all_sms.mapped('state'), expected)

    def test_uuid_in_the_callback_url(self):
        """Providers that send nothing of ours back: `{callback_url}?uuid={uuid}`."""
        sms = self.send_sms()
        self.call('POST', f'uuid={sms.uuid}', FORM, b'id=whatever&status=delivered')
        self.assertEqual(sms.state, 'sent')

    # === LOG === #

    def test_refusals_are_logged_without_content_and_flood(self):
        gateway = self.make_gateway("Refuses", delivery_callback_enabled=True)
        path = urlsplit(gateway.delivery_callback_url).path
        with self.assertLogs(LOGGER, 'WARNING') as logs, patch.object(callback, 'LOG_SECONDS', 60):
            for _ in range(20):
                self.call('POST', f'token={SECRET}', 'application/json', f'{{"key": "{SECRET}"'.encode(), path)
                self.call('POST', '', FORM, f'status={SECRET}'.encode(), path)
        self.assertEqual(len(logs.output), 2, "one line for each reason")
        for line in logs.output:
            self.assertIn(f"gateway {gateway.id} ", line)
            self.assertNotIn(SECRET, line)
            self.assertNotIn(gateway.delivery_callback_token, line)

    def test_unknown_tokens_are_not_logged(self):
        with self.assertNoLogs('odoo.addons.eis_sms_apis'):
            for number in range(10):
                self.call(query='status=delivered', path=f'/eis_sms/callback/{number}')

    # === CORE'S OWN ROUTE === #

    def test_core_status_route_refuses_gateway_sms(self):
        """Core believes any UUID, and providers know those of gateways; IAP's are served as before."""
        contact = self.make_contact()
        self.provider.answer(Reply(400, {'error': "No"}))
        failed = self._message(contact)
        sent = self._message(contact)
        through_iap = self._message(contact, through_iap=True)
        everything = failed + sent + through_iap
        statuses = [{'sms_status': 'delivered', 'uuids': everything.mapped('uuid')}]
        answer = self._call_core(statuses)
        self.assertEqual(answer['result'], 'OK')
        self.assertEqual(
            [sms.sms_tracker_id.mail_notification_id.notification_status for sms in everything],
            ['exception', 'pending', 'sent'])
        self.assertEqual(everything.mapped('to_delete'), [False, True, True])
        # nor does a status row that outlived SMS and tracker open the door
        sent.sms_tracker_id.gateway_id = False
        self._call_core(statuses)
        self.assertEqual(sent.sms_tracker_id.mail_notification_id.notification_status, 'pending')

    @mute_logger('odoo.addons.sms.controllers.main', 'odoo.http')
    def test_core_status_route_checks_what_it_gets(self):
        self.assertIn('error', self._call_core([{'sms_status': 'delivered', 'uuids': ["no uuid"]}]))

    def _call_core(self, statuses):
        return self.url_open('/sms/status', json={'params': {'message_statuses': statuses}}).json()

    def _message(self, contact, through_iap=False):
        """An SMS in the chatter of a contact; one of IAP has been sent, as far as Odoo knows."""
        contact._message_sms("Hello", put_in_queue=through_iap)
        sms = self.env['sms.sms'].search([('mail_message_id', 'in', contact.message_ids.ids)], limit=1)
        if through_iap:
            sms._update_sms_state_and_trackers('pending')
        return sms
