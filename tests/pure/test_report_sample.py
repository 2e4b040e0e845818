# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Pasted samples of delivery reports, and simulated ones: doc/behaviour.md section 6.6."""
from ...tools.report.parsing import ReportRules, parse_reports
from ...tools.report.sample import guess_kind, make_call, make_delivered
from .common import PureCase

RULES = ReportRules(
    uuid_param='ref', message_id_param='id', status_param='status', success=('delivered',), error=('failed',))


class TestPasted(PureCase):

    def read(self, text):
        return [
            (report.message_id, report.status, report.state)
            for report in parse_reports(RULES, *make_call(guess_kind(text), text))]

    def test_kinds(self):
        for kind, text in (
            ('query', '?id=1&status=delivered'),
            ('query', 'https://erp.example.com/eis_sms/callback/token?id=1&status=delivered'),
            ('query', 'GET /eis_sms/callback/token?id=1&status=delivered HTTP/1.1'),
            ('form', 'id=1&status=delivered'),
            ('form', 'id=1&\n  status=delivered\n'),
            ('form', 'id=1\nstatus=delivered'),
            ('json', ' {"id": "1", "status": "delivered"}'),
            ('json', '[{"id": 1, "status": "delivered"}]'),
            ('xml', '<?xml version="1.0"?><report><id>1</id><status>delivered</status></report>'),
        ):
            with self.subTest(text=text):
                self.assertEqual(guess_kind(text), kind)
                self.assertEqual(self.read(text), [('1', 'delivered', 'success')])

    def test_a_question_mark_in_a_form_is_no_url(self):
        self.assertEqual(guess_kind('id=1&text=Really?'), 'form')

    def test_lone_surrogate(self):
        self.assertEqual(self.read('{"id": "1\ud800", "status": "delivered"}')[0][1:], ('delivered', 'success'))

    def test_nothing(self):
        for text in ('', '?', '{}', 'hello='):
            with self.subTest(text=text):
                self.assertEqual(self.read(text), [])


class TestSimulated(PureCase):

    def simulate(self, **params):
        rules = ReportRules(**{'success': ('delivered',), **params})
        report, = parse_reports(rules, *make_delivered(rules, uuid='u', message_id='m', number='+32'))
        return report.uuid, report.message_id, report.number, report.status, report.state

    def test_paths(self):
        for paths, found in (
            ({'message_id_param': 'id', 'status_param': 'status'}, ('', 'm', '')),
            ({'uuid_param': 'ref', 'message_id_param': 'id', 'status_param': 'status'}, ('u', 'm', '')),
            ({'message_id_param': 'results[].id', 'status_param': 'results[].status.name',
              'number_param': 'results[].to'}, ('', 'm', '+32')),
            ({'message_id_param': '[].data.id', 'status_param': '[].data.status|[].state'}, ('', 'm', '')),
            ({'message_id_param': 'report.@id', 'status_param': 'report.items.1.status'}, ('', 'm', '')),
            ({'message_id_param': 'short?mid|id', 'status_param': 'mid?state'}, ('', 'm', '')),
        ):
            with self.subTest(paths=paths):
                self.assertEqual(self.simulate(**paths), (*found, 'delivered', 'success'))

    def test_first_success_value(self):
        paths = {'message_id_param': 'id', 'status_param': 'status'}
        self.assertEqual(self.simulate(**paths, success=('DELIVRD*', 'ok'))[3:], ('DELIVRD', 'success'))
        self.assertIsNone(make_delivered(ReportRules(**paths), message_id='m'))
