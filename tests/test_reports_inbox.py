# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports are stored first and applied together afterwards: doc/behaviour.md section 6.2."""
import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from unittest import mock

from lxml import etree
from psycopg2.pool import PoolError
from werkzeug.exceptions import ServiceUnavailable

from odoo import fields
from odoo.http import RegistryError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from ..controllers import callback_load
from ..models import sms_gateway_inbox
from .common import DeliveryCase, InboxCase
from .provider import Reply

NUMBERS = ('+32456001101', '+32456001102', '+32456001103')
LOGGER = 'odoo.addons.eis_sms_apis.sending.store.transactions'


@tagged('post_install', '-at_install')
class TestInbox(InboxCase):

    def test_next_call_applies_what_is_left(self):
        sms = self.send_sms(*NUMBERS)
        self.store(*({'uuid': one.uuid, 'status': 'delivered'} for one in sms[:2]))
        self.assertEqual((self.pending(), sms.mapped('state')), (2, ['pending'] * 3))
        self.report(uuid=sms[2].uuid, status='delivered')
        self.assertEqual((self.pending(), sms.mapped('state')), (0, ['sent'] * 3))

    def test_queue_action_applies_what_is_left(self):
        sms = self.send_sms(*NUMBERS)
        self.store(*({'uuid': one.uuid, 'status': 'delivered'} for one in sms))
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.pending(), 0)
        self.assertEqual(self.env['sms.gateway.status'].search_count([
            ('sms_uuid', 'in', sms.exists().mapped('uuid')), ('delivered_date', '=', False)]), 0)

    def test_sending_applies_what_is_left(self):
        """If no further call arrives, the process that saves the results of other SMS applies the reports."""
        sms = self.send_sms(*NUMBERS)
        self.store(*({'uuid': one.uuid, 'status': 'delivered'} for one in sms))
        self.send_sms()
        self.assertEqual(self.pending(), 3, "their process is probably about to apply them")
        self.received.search([], order='id', limit=1).create_date -= timedelta(seconds=sms_gateway_inbox.LEFT_AFTER + 1)
        self.send_sms()
        self.assertEqual((self.pending(), sms.mapped('state')), (0, ['sent'] * 3))

    def test_batches(self):
        """More reports than a transaction takes, in the order in which they arrived."""
        sms = self.send_sms(*NUMBERS)
        self.store(*(
            {'uuid': one.uuid, 'status': status} for status in ('sent', 'failed', 'delivered') for one in sms))
        with mock.patch.object(sms_gateway_inbox, 'BATCH', 2):
            self.gateway._drain_reports(time.monotonic() + 60)
        self.assertEqual((self.pending(), sms.mapped('state')), (0, ['sent'] * 3))

    def test_pause(self):
        """Reports that come while others are applied wait for each other."""
        sms = self.send_sms(*NUMBERS)
        reports = [{'uuid': one.uuid, 'status': 'delivered'} for one in sms]
        self.store(reports.pop())
        pauses = []

        def pause(is_full):
            pauses.append((is_full, self.pending()))
            self.store(*reports)
            reports.clear()

        self.gateway._drain_reports(time.monotonic() + 60, pause)
        self.assertEqual(pauses, [(False, 0), (False, 0)])
        self.assertEqual((self.pending(), sms.mapped('state')), (0, ['sent'] * 3))
        self.store(*({'uuid': one.uuid, 'status': 'failed'} for one in sms))
        with mock.patch.object(sms_gateway_inbox, 'BATCH', 2):
            self.gateway._drain_reports(time.monotonic() + 60, pause)
        self.assertEqual((self.pending(), pauses[2:]), (0, [(True, 1), (False, 0)]))

    def test_seconds_of_pauses(self):
        """Calls that bring a backlog slow its application down; without calls, it is applied without a pause."""
        pauses = []

        def drain(_deadline, pause):
            if not pauses:
                pause(True)
                callback_load.drain_once(('db', 2), drain)  # a call has stored something
                pause(True)
                pause(True)
                pause(False)

        with mock.patch.object(callback_load.time, 'sleep', pauses.append):
            callback_load.drain_once(('db', 2), drain)
        self.assertEqual(pauses, [callback_load.BACKLOG_PAUSE_SECONDS, callback_load.PAUSE_SECONDS])

    @mute_logger(LOGGER)
    def test_report_that_cannot_be_applied(self):
        """Given an SMS for which a hook raises: other reports are applied, and the queue action tries again."""
        sms = self.send_sms(*NUMBERS)
        self.store(*({'uuid': one.uuid, 'status': 'delivered'} for one in sms))
        write = type(sms).write

        def refuse(records, values):
            if sms[1] in records:
                raise ValueError
            return write(records, values)

        with mock.patch.object(type(sms), 'write', refuse):
            self.gateway._drain_reports(time.monotonic() + 60)
        self.assertEqual(sms.mapped('state'), ['sent', 'pending', 'sent'])
        self.assertEqual(self.received.search([('applied_date', '=', False)]).mapped('tries'), [1])
        self.gateway._drain_reports(time.monotonic() + 60)
        self.assertEqual(sms[1].state, 'pending', "calls do not try again")
        self.received._drain_all(time.monotonic() + 60)
        self.assertEqual((self.pending(), sms[1].state), (0, 'sent'))

    def test_no_time_left(self):
        """The rest is left to the queue action."""
        sms = self.send_sms()
        self.store({'uuid': sms.uuid, 'status': 'delivered'})
        triggers = self.env['ir.cron.trigger'].search_count([])
        self.gateway._drain_reports(time.monotonic() - 1)
        self.assertEqual(self.pending(), 1)
        self.assertEqual(self.env['ir.cron.trigger'].search_count([]), triggers + 1)

    def test_old_ones_are_removed(self):
        sms = self.send_sms(*NUMBERS)
        self.report(*({'uuid': one.uuid, 'status': 'delivered'} for one in sms))
        *new, old = self.received.search([])
        new = self.received.concat(*new)
        old.create_date = fields.Datetime.now() - timedelta(days=8)
        self.env.flush_all()
        parameters = self.env['ir.config_parameter']
        parameters.set_param('eis_sms_apis.report_retention_days', '0')
        self.received._gc_received_reports()
        self.assertEqual((old + new).exists(), old + new)
        parameters.set_param('eis_sms_apis.report_retention_days', '7')
        self.received._gc_received_reports()
        self.received.invalidate_model()
        self.assertEqual((old + new).exists(), new)


@tagged('post_install', '-at_install')
class TestResults(DeliveryCase):
    """Whether the SMS of each report was found, and if not, why."""

    def setUp(self):
        super().setUp()
        self.received = self.env['sms.gateway.received.report']

    def results(self):
        return [report.result for report in self.received.search([('gateway_id', '=', self.gateway.id)], order='id')]

    def test_matched_and_unmatched(self):
        sms = self.send_sms(*NUMBERS)
        message_id = self.status_of(sms[1]).message_id
        self.report(
            {'uuid': sms[0].uuid, 'status': 'delivered'}, {'uuid': 'f' * 32, 'status': 'delivered'},
            {'message_id': message_id, 'status': 'sent'}, {'message_id': 'unknown', 'status': 'failed'})
        self.assertEqual(self.results(), ['matched', 'unmatched', 'matched', 'unmatched'])
        by_id, _found, by_uuid, matched = self.received.search([])
        self.assertIn("has this Message ID.", by_id.explanation)
        self.assertIn("has this UUID.", by_uuid.explanation)
        self.assertFalse(matched.explanation)
        self.assertEqual((by_id.state, by_id.failure_type), ('error', 'sms_not_delivered'))

    def test_early_report_becomes_matched(self):
        sms = self.make_sms(*NUMBERS[:2])
        self.report({'uuid': sms[0].uuid, 'status': 'delivered'}, {'uuid': 'f' * 32, 'status': 'delivered'})
        self.assertEqual(self.results(), ['unmatched', 'unmatched'])
        sms.send()
        self.assertEqual(self.results(), ['matched', 'unmatched'])
        self.assertTrue(self.status_of(sms[0]).delivered_date)

    def test_early_report_for_another_number(self):
        """Two SMS share a message ID, and the one that the report is about is recorded later."""
        self.gateway.delivery_callback_number_param = 'to'
        self.always_answer(Reply(200, {'id': 'shared'}))
        self.report(message_id='shared', to=NUMBERS[1], status='delivered')
        self.send_sms(NUMBERS[0])
        self.assertEqual(self.results(), ['unmatched'])
        self.send_sms(NUMBERS[1])
        self.assertEqual(self.results(), ['matched'])

    def test_report_that_cannot_be_kept(self):
        self.gateway.create_status = False
        self.report(message_id='unknown', status='delivered')
        self.assertEqual((self.results(), self.kept_reports()), (['unmatched'], 0))
        self.assertIn("Turn on Track Status", self.received.search([], limit=1).explanation)

    def test_waiting(self):
        sms = self.send_sms()
        with mock.patch.object(type(self.received), '_drain', autospec=True):
            self.report(uuid=sms.uuid, status='delivered')
        report = self.received.search([], limit=1)
        self.assertFalse(report.result)
        for tries, expected in ((0, "not been applied yet"), (1, "will try again"), (5, "5 times")):
            self.env.cr.execute(
                "UPDATE sms_gateway_received_report SET tries = %s WHERE id = %s", [tries, report.id])
            self.env.invalidate_all()
            self.assertIn(expected, report.explanation)

    def test_open_status(self):
        sms = self.send_sms()
        self.report({'uuid': sms.uuid, 'status': 'delivered'}, {'uuid': 'f' * 32, 'status': 'delivered'})
        unmatched, matched = self.received.search([])
        self.assertEqual(matched.action_open_status()['res_id'], self.status_of(sms).id)
        self.assertEqual(unmatched.action_open_status()['tag'], 'display_notification')

    def test_filters(self):
        """As the search view has them."""
        self.report({'uuid': 'f' * 32, 'status': 'delivered'})
        self.received.search([], limit=1).create_date = fields.Datetime.now() - timedelta(days=2)
        self.report({'uuid': 'e' * 32, 'status': 'strange'})
        view = self.env.ref('eis_sms_apis.sms_gateway_received_report_view_search')
        domains = {
            node.get('name'): safe_eval(node.get('domain'))
            for node in etree.fromstring(view.arch).iter('filter') if node.get('domain')}
        found = {
            name: self.received.search([('gateway_id', '=', self.gateway.id), *domain]).mapped('status')
            for name, domain in domains.items()}
        self.assertEqual(found, {
            'unmatched': ['strange', 'delivered'], 'waiting': [], 'queried': [], 'failed': [], 'unknown': ['strange'],
            'today': ['strange']})

    def test_other_companies(self):
        company = self.env['res.company'].create({'name': "Other"})
        self.report(uuid='f' * 32, status='delivered')
        user = new_test_user(self.env, 'reports', 'base.group_system')
        self.assertEqual(len(self.received.with_user(user).search([('uuid', '=', 'f' * 32)])), 1)
        self.gateway.company_id = company
        self.assertFalse(self.received.with_user(user).search([('uuid', '=', 'f' * 32)]))


@tagged('post_install', '-at_install')
class TestBusyDatabase(DeliveryCase):

    def serve(self, path, serve_db):
        request = SimpleNamespace(httprequest=SimpleNamespace(path=path))
        try:
            return callback_load._limit_connections(serve_db)(request)
        except ServiceUnavailable as error:
            return error.error_response

    @mute_logger('odoo.addons.eis_sms_apis.controllers.callback_load')
    def test_no_connection(self):
        """503 with Retry-After for callbacks; other requests are not affected."""
        for error in (PoolError("The Connection Pool Is Full"), RegistryError("Cannot get registry")):
            serve_db = mock.Mock(side_effect=error)
            with mock.patch.object(callback_load, 'WAIT_SECONDS', 0.2):
                answer = self.serve('/eis_sms/callback/x', serve_db)
            self.assertEqual((answer.status_code, answer.get_data()), (503, b"Service Unavailable"))
            self.assertTrue(answer.headers['Retry-After'].isdecimal())
            with self.assertRaises(type(error)):
                self.serve('/web/login', serve_db)

    def test_connection_after_a_while(self):
        serve_db = mock.Mock(side_effect=[PoolError("The Connection Pool Is Full"), "answer"])
        self.assertEqual(self.serve('/eis_sms/callback/x', serve_db), "answer")

    @mute_logger('odoo.addons.eis_sms_apis.controllers.callback_load')
    def test_places(self):
        """Each call gives its place back; a call without one does not open a connection."""
        with mock.patch.object(callback_load, '_places', callback_load.Places(1)), \
                mock.patch.object(callback_load, 'WAIT_SECONDS', 0.1):
            def call_another(request):
                inner = mock.Mock()
                answers.append(self.serve('/eis_sms/callback/x', inner).status_code)
                self.assertFalse(inner.called)
                request.eis_sms_place.free()
                return self.serve('/eis_sms/callback/x', mock.Mock(return_value="answer"))

            answers = []
            self.assertEqual(self.serve('/eis_sms/callback/x', call_another), "answer")
            self.assertEqual(answers, [503])
            self.assertEqual(self.serve('/eis_sms/callback/x', mock.Mock(return_value="answer")), "answer")

    def test_turns(self):
        """Who waits longest gets the next place; who has stopped waiting gets none."""
        places, order = callback_load.Places(1), []
        self.assertTrue(places.acquire(60))

        def take(number, timeout):
            if places.acquire(timeout):
                order.append(number)
                places.release()

        threads = []
        for number, timeout in enumerate((60, 0.01, 60, 60)):
            threads.append(threading.Thread(target=take, args=(number, timeout)))
            threads[-1].start()
            while len(places._waiters) + sum(not thread.is_alive() for thread in threads) <= number:
                time.sleep(0.001)
        threads[1].join()
        places.release()
        for thread in threads:
            thread.join()
        self.assertEqual(order, [0, 2, 3])
        self.assertTrue(places.acquire(0), "all were given back")

    def test_one_drain_at_once(self):
        """A drain starts over if reports were stored meanwhile, and ends after an error."""
        drains = []

        def drain(deadline, _pause):
            drains.append(deadline)
            if len(drains) == 1:
                callback_load.drain_once(('db', 1), drain)

        callback_load.drain_once(('db', 1), drain)
        self.assertEqual(len(drains), 2)
        with mute_logger('odoo.addons.eis_sms_apis.controllers.callback_load'):
            callback_load.drain_once(('db', 1), mock.Mock(side_effect=ValueError))
        callback_load.drain_once(('db', 1), drain)
        self.assertEqual(len(drains), 3)
