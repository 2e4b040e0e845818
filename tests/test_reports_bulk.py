# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A batch of delivery reports has the effect of its reports one by one, with as many queries as a single report."""
import time
from contextlib import contextmanager
from unittest.mock import patch

from odoo.tests import tagged

from ..models import sms_gateway_inbox
from ..tools.attempt import attempt_uuid
from ..tools.report.parsing import parse_reports
from .common import DeliveryCase, MarketingCase
from .pure.made_up import cases, given, st

MANY = 300
MORE = 5  # queries: the ORM reads records in parts, and caches what it has read before
STATUSES = ('delivered', 'failed', 'canceled', 'sent', 'teleported', 'beamed')
STRANGERS = ('f' * 32, 'M-unknown')
REPORT = st.fixed_dictionaries({
    'sms': st.integers(0, 4),
    'by': st.sampled_from(('uuid', 'uuid', 'uuid20', 'first attempt', 'message_id', 'stranger')),
    'status': st.sampled_from(STATUSES),
    'code': st.sampled_from(('', '30003', '901', '7')),
    'words': st.sampled_from(('', "Handset off", "No credit")),
})


class BulkCase(DeliveryCase):

    def setUp(self):
        super().setUp()
        self.received = self.env['sms.gateway.received.report']

    def store(self, reports):
        rules = self.gateway._get_report_rules()
        for report in reports:  # in separate calls, so that each is in the order of arrival
            query = '&'.join(f'{name}={value}' for name, value in report.items())
            self.received._store(self.gateway, parse_reports(rules, 'GET', query.encode(), '', b''))

    def drain(self, batch):
        with patch.object(sms_gateway_inbox, 'BATCH', batch):
            self.gateway._drain_reports(time.monotonic() + 600)
        self.env.invalidate_all()

    @contextmanager
    def undone(self):
        """Undo everything at the end."""
        self.env.flush_all()
        with self.env.cr.savepoint() as savepoint:
            yield
            self.env.flush_all()
            savepoint.rollback()
            self.env.invalidate_all(flush=False)


@tagged('post_install', '-at_install')
class TestBatchIsLikeSingles(BulkCase):

    def prepare(self, tracked):
        """Five SMS: four in chatters, of which one was sent again and one was deleted; and one without a chatter."""
        self.gateway.create_status = tracked
        pairs = [self.send_message() for _ in range(4)]
        self.all_sms = self.env['sms.sms'].concat(*(sms for sms, _notification in pairs), self.send_sms())
        self.report(uuid=pairs[1][0].uuid, status='failed')
        pairs[1][0].action_set_outgoing()
        pairs[1][0].send()
        self.uuids = self.all_sms.mapped('uuid')
        self.rows = self.status_of(self.all_sms)
        self.message_ids = {row.sms_uuid: row.message_id for row in self.rows}
        self.notifications = self.env['mail.notification'].concat(*(notification for _sms, notification in pairs))
        pairs[2][0].unlink()

    def identify(self, report):
        uuid = self.uuids[report['sms']]
        latest = attempt_uuid(uuid, 2 if report['sms'] == 1 else 1)
        return {
            'uuid': {'uuid': latest},
            'uuid20': {'uuid': latest[:20]},
            'first attempt': {'uuid': uuid},
            'message_id': {'message_id': self.message_ids.get(uuid, STRANGERS[1])},
            'stranger': {'uuid': STRANGERS[0], 'message_id': STRANGERS[1]},
        }[report['by']]

    def take_snapshot(self):
        early = self.env['sms.gateway.early.report'].search([('gateway_id', '=', self.gateway.id)], order='id')
        return {
            'sms': [
                (sms.state, sms.failure_type, sms.failure_reason, sms.to_delete) for sms in self.all_sms.exists()],
            'notifications': [
                (one.notification_status, one.failure_type, one.failure_reason) for one in self.notifications],
            'rows': [
                (row.state, row.outcome, row.failure_type, row.error_code, row.error_message, row.note,
                 row.awaits_report, bool(row.delivered_date), bool(row.report_date)) for row in self.rows],
            'early': [(one.uuid, one.message_id, one.status, one.error_message) for one in early],
            'pending': self.received.search_count([('applied_date', '=', False)]),
            'results': self.received.search([('gateway_id', '=', self.gateway.id)]).mapped('result'),
        }

    def apply(self, reports, batch):
        with self.undone():
            self.store([
                {**self.identify(report), **{name: report[name] for name in ('status', 'code', 'words')}}
                for report in reports])
            self.drain(batch)
            return self.take_snapshot()

    @cases(25)
    @given(st.lists(REPORT, min_size=2, max_size=14), st.booleans())
    def test_any_reports(self, reports, tracked):
        with self.undone():
            self.prepare(tracked)
            singles, batch = self.apply(reports, 1), self.apply(reports, 1000)
        self.assertEqual(batch, singles)
        self.assertEqual(batch['pending'], 0)

    def test_notes_of_unknown_statuses(self):
        """A note stays if the status came after the report that decides, or was the first to come."""
        self.prepare(tracked=True)
        uuid = self.uuids[0]
        for statuses, noted in (
                (('beamed', 'delivered'), 'beamed'), (('delivered', 'beamed'), 'beamed'),
                (('failed', 'beamed', 'delivered'), None), (('failed', 'delivered', 'beamed'), 'beamed'),
                (('beamed', 'failed', 'teleported', 'delivered'), None)):
            reports = [{'uuid': uuid, 'status': status} for status in statuses]
            for batch in (1, 1000):
                with self.subTest(statuses=statuses, batch=batch), self.undone():
                    self.store(reports)
                    self.drain(batch)
                    note = self.rows.filtered(lambda row: row.sms_uuid == uuid).note
                    self.assertEqual(noted or False, note and noted in note and noted)


@tagged('post_install', '-at_install')
class TestTracesOfBatch(MarketingCase, BulkCase):

    def setUp(self):
        super().setUp()
        self.gateway.success_key = 'queued'  # answers without it are unclear, so that the mailing waits for reports
        self.mailing.action_send_sms()
        self.all_traces = self.traces()

    def take_snapshot(self):
        self.mailing.invalidate_recordset()
        return self.mailing.state, [
            (trace.trace_status, trace.failure_type, trace.failure_reason, bool(trace.sent_datetime))
            for trace in self.all_traces]

    def apply(self, reports, batch):
        with self.undone():
            self.all_traces[0].set_opened()
            self.store([
                {'uuid': self.all_traces[report['sms'] % 4].sms_tracker_ids.sms_uuid,
                 **{name: report[name] for name in ('status', 'code', 'words')}} for report in reports])
            self.drain(batch)
            return self.take_snapshot()

    @cases(25)
    @given(st.lists(REPORT, min_size=2, max_size=14))
    def test_any_reports(self, reports):
        self.assertEqual(self.apply(reports, 1000), self.apply(reports, 1))


@tagged('post_install', '-at_install')
class TestQueriesOfBatch(BulkCase):

    def send_messages(self, count):
        """:return: UUIDs of SMS, each of a message on a contact of its own"""
        contacts = self.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': f'+324561{index:05d}'} for index in range(count)])
        last = self.env['sms.sms'].search([], limit=1, order='id desc')
        contacts._message_sms_schedule_mass("Hello")
        self.env['sms.sms']._process_queue()
        return self.env['sms.sms'].search([('id', '>', last.id or 0)]).mapped('uuid')

    def count_queries(self, uuids):
        """Apply reports of all kinds in one batch. :return: the number of queries"""
        self.store([
            {'uuid': uuid, 'status': status, 'words': f"Reason {index}"}
            for index, (uuid, status) in enumerate(zip(uuids, STATUSES * len(uuids), strict=False))])
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.drain(1000)
        self.env.cr.precommit.run()
        return self.env.cr.sql_log_count - before

    def test_as_many_queries_for_many_as_for_few(self):
        kinds = len(STATUSES)
        self.count_queries(self.send_messages(kinds))  # what is read once in the life of a registry
        few = self.count_queries(self.send_messages(kinds))
        many = self.count_queries(self.send_messages(MANY))
        self.assertEqual(self.received.search_count([('applied_date', '=', False)]), 0)
        self.assertLessEqual(many, few + MORE)

    def test_indexes(self):
        """Each kind of identifier is looked up in its own index: for an empty list of the other kind, PostgreSQL would
        scan some partial index."""
        uuid, = self.send_messages(1)
        message_id = self.env['sms.gateway.status'].search([('sms_uuid', '=', uuid)]).message_id
        for report, own, other in (
                ({'uuid': uuid}, 'substr(sms_uuid', 'message_id ='),
                ({'message_id': message_id}, 'message_id =', 'substr(sms_uuid')):
            with self.subTest(report=report):
                query, = self.get_queries_of_matching({**report, 'status': 'sent'})
                self.assertIn(own, query)
                self.assertNotIn(other, query)

    def get_queries_of_matching(self, report):
        """:return: the statements that find the SMS of a report"""
        cursor, queries = type(self.env.cr), []
        execute = cursor.execute

        def note(cr, query, *args, **kwargs):
            code = getattr(query, 'code', query)
            if 'FROM sms_gateway_status' in code and 'FOR UPDATE' in code:
                queries.append(code)
            return execute(cr, query, *args, **kwargs)

        with patch.object(cursor, 'execute', note):
            self.store([report])
            self.drain(1000)
        return queries
