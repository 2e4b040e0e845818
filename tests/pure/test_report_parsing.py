# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports are read in the shapes of many providers, and of nobody: doc/behaviour.md section 6."""
import json
from urllib.parse import urlencode

from ...tools.problem import Problem, ProblemError
from ...tools.report.body import ReportError
from ...tools.report.parsing import (
    MAX_BODY,
    MAX_REPORTS,
    DeliveryReport,
    ReportRules,
    check_values,
    parse_reports,
    parse_value_list,
)
from .common import PureCase
from .made_up import cases, example, given, st
from .report_calls import (
    BANDWIDTH,
    CALLS,
    ESENDEX,
    FORM,
    GARBAGE,
    INFOBIP,
    NO_REPORT,
    SINCH,
    TWILIO,
    UUID,
    as_json,
    form,
    query,
    rules,
    xml,
)


class TestReportsOfProviders(PureCase):
    """doc/behaviour.md section 6: query string, form, JSON (object, list, nested, in a form field) and XML; several
    reports."""

    def test_calls_of_providers(self):
        for name, provider, call, expected in CALLS:
            with self.subTest(name=name):
                reports = parse_reports(provider, *call)
                self.assertEqual([
                    (r.uuid, r.message_id, r.number, r.status, r.state, r.error_code, r.failure_type)
                    for r in reports], expected)

    def test_the_words_of_the_provider(self):
        [report] = parse_reports(ESENDEX, *xml(
            '<MessageFailed><MessageId>1</MessageId><FailureReason><Detail>No&#233;w</Detail></FailureReason>'
            '</MessageFailed>'))
        self.assertEqual(report, DeliveryReport(
            '', '1', '', 'MessageFailed', 'error', '', 'Noéw', 'sms_not_delivered'))

    def test_a_byte_order_mark(self):
        """Before a form, before a document, before blanks or after them, in another charset and in a field."""
        document = '{"MessageSid": "SM1", "MessageStatus": "sent"}'
        bodies = [
            ('application/json', f'{mark}{document}'.encode()) for mark in ('\ufeff', '\n\ufeff', '\ufeff \n\ufeff')]
        bodies += [
            (FORM, '\ufeffMessageSid=SM1&MessageStatus=sent'.encode()),
            (FORM, '\n\ufeffMessageSid=SM1&MessageStatus=sent'.encode()),
            ('application/json; charset=utf-16le', f'\ufeff{document}'.encode('utf-16le')),
            (FORM, urlencode({'data': f'\ufeff{document}'}).encode())]
        for content_type, body in bodies:
            with self.subTest(content_type=content_type, body=body):
                [report] = parse_reports(TWILIO, 'POST', b'', content_type, body)
                self.assertEqual((report.message_id, report.state), ('SM1', 'pending'))

    def test_garbage_is_400(self):
        """doc/behaviour.md section 6: 400 for a body that cannot be read; XML never with entities or a document
        type."""
        for name, call in GARBAGE:
            for provider in (TWILIO, INFOBIP, ESENDEX):
                with self.subTest(name=name), self.assertRaises(ReportError) as caught:
                    parse_reports(provider, *call)
                self.assertEqual(caught.exception.status, 400)

    def test_garbage_beside_a_report_in_the_query_string(self):
        for name, (_method, query_string, content_type, body) in GARBAGE:
            if query_string:
                continue
            with self.subTest(name=name):
                [report] = parse_reports(TWILIO, 'POST', b'MessageSid=1&MessageStatus=sent', content_type, body)
                self.assertEqual((report.message_id, report.state), ('1', 'pending'))
            with self.subTest(name=name), self.assertRaises(ReportError):
                parse_reports(TWILIO, 'POST', b'MessageSid=1', content_type, body)

    def test_lists_that_do_not_belong_together_are_400(self):
        with self.assertRaisesRegex(ReportError, 'report_lists_differ'):
            parse_reports(TWILIO, 'POST', b'', FORM, b'MessageSid=1&MessageSid=2' + b'&MessageStatus=sent' * 3)

    def test_a_call_without_a_report_is_fine(self):
        """doc/behaviour.md section 6: 200 for a call without any report (providers test the URL so)."""
        for name, call in NO_REPORT:
            with self.subTest(name=name):
                self.assertEqual(parse_reports(TWILIO, *call), [])

    def test_a_status_without_identifier_is_400(self):
        """doc/behaviour.md section 6: 400 for a report that has a status but no identifier; the others of the call are
        kept."""
        with self.assertRaises(ReportError) as caught:
            parse_reports(TWILIO, *form(MessageStatus='sent', To='+1'))
        self.assertEqual((caught.exception.status, caught.exception.reports), (400, []))
        with self.assertRaises(ReportError) as caught:
            parse_reports(BANDWIDTH, *as_json(
                [{'type': 'message-sent', 'message': {'id': '2'}}, {'type': 'message-sent'}]))
        self.assertEqual([report.message_id for report in caught.exception.reports], ['2'])

    def test_size(self):
        """doc/behaviour.md section 6: 413 above 1 MiB."""
        self.assertEqual(parse_reports(TWILIO, 'POST', b'', FORM, b'a=' + b'x' * (MAX_BODY - 2)), [])
        many = json.dumps([{'type': 'message-sent', 'message': {'id': 1}}] * (MAX_REPORTS + 1)).encode()
        for body in (b'a=' + b'x' * (MAX_BODY - 1), many):
            with self.subTest(size=len(body)), self.assertRaises(ReportError) as caught:
                parse_reports(BANDWIDTH, 'POST', b'', '', body)
            self.assertEqual(caught.exception.status, 413)

    def test_what_comes_out_can_be_stored(self):
        """PostgreSQL takes no NUL and no half of a surrogate pair; identifiers and words have a bound."""
        [report] = parse_reports(SINCH, 'POST', b'', '', (
            b'{"batch_id": "a\\u0000b", "status": "x", "other": NaN, "code": ' + b'9' * 100000
            + b', "status": "Failed\\ud800"}'))
        self.assertEqual((report.message_id, report.status, report.state), ('ab', 'Failed?', None))
        self.assertEqual(len(report.error_code), 256)


class TestReportsWithoutWords(PureCase):
    """A boolean explains nothing, whether it is one or is spelled so."""

    def test_reports(self):
        rules = ReportRules(message_id_param='id', status_param='status', error_message_param='error|text',
                            error=('failed',))
        for body, expected in (
                ({'error': False, 'text': 'No route'}, 'No route'), ({'error': 'true', 'text': 'No route'}, 'No route'),
                ({'error': None, 'text': 'No route'}, 'No route'), ({'error': False}, ''), ({'text': 'false'}, ''),
                ({'error': 'No Error', 'text': 'No route'}, 'No route'), ({'error': '[]', 'text': '-'}, ''),
                ({'error': 'No route', 'text': 'other'}, 'No route')):
            fields = {'id': 'A', 'status': 'failed', **body}
            for call in (('POST', b'', 'application/json', json.dumps(fields).encode()),
                         query(**{name: value for name, value in fields.items() if value is not None})):
                with self.subTest(call=call):
                    [report] = parse_reports(rules, *call)
                    self.assertEqual((report.state, report.error_message), ('error', expected))


class TestValues(PureCase):
    """doc/behaviour.md section 2: status values are compared without case, `*` at the end is a prefix, none is in two
    lists."""

    def test_state_of(self):
        values = rules(success='Delivered*,ok', pending='sent,deliver*', error='*', canceled='delivered to nobody')
        for status, expected in (
                ('DELIVERED', 'success'), ('delivered to handset', 'success'), ('delivering', 'pending'),
                ('delivered to Nobody', 'canceled'), ('ok', 'success'), ('okay', 'error'), (' Sent ', 'pending'),
                ('', None)):
            with self.subTest(status=status):
                self.assertEqual(values.state_of(status), expected)
        self.assertIsNone(rules(success='ok').state_of('okay'))

    def test_lists(self):
        self.assertEqual(parse_value_list(' a, b ,,B, c d*,'), ('a', 'b', 'c d*'))
        self.assertEqual(parse_value_list(''), ())
        check_values(rules(success='a,b*', pending='b', error='ab*'))
        with self.assertRaises(ProblemError) as caught:
            check_values(rules(success='sent', error='SENT'))
        self.assertEqual(caught.exception.problem, Problem('status_in_two_lists', (
            ('value', 'SENT'), ('field', 'delivery_callback_status_success'),
            ('other_field', 'delivery_callback_status_error'))))


json_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(('id', 'status', 'data', 'to', '#text', '@root')), inner, max_size=4), max_leaves=25)
some_path = st.sampled_from((
    '', 'id', 'status', 'data.id', 'data[].status', '[].id', 'to[]', 'data.0', '@root', '.', '[]'))
some_rules = st.builds(
    ReportRules, some_path, some_path, some_path, some_path, some_path, some_path,
    success=st.just(('a', 'true*')), error=st.just(('*',)), failure_map=st.just((('*1', 'unknown'),)))
content_types = st.sampled_from((
    '', FORM, 'application/json', 'text/xml; charset=utf-16', 'multipart/form-data; boundary=x',
    'multipart/x; boundary="', FORM + '; charset=iso-8859-12', FORM + '; charset=utf-16',
    'image/png; charset=punycode')) | st.text(max_size=20)
fragments = st.lists(st.sampled_from((
    b'<a>', b'</a>', b'<', b'<!DOCTYPE a>', b'<?xml version="1.0" encoding="utf-16"?>', b'&amp;', b'{', b'}', b'[',
    b'"id"', b':', b',', b'1', b'=', b'&', b'id=', b'status=', b'data={"id":1}', b'%00', b'--x', b'\r\n\r\n',
    b'name="id"', b'\xff', b'\x00')),
    max_size=12).map(b''.join)


class TestPrice(PureCase):

    def test_price_of_several(self):
        """A price of all SMS of a call is not used, because nothing says how it is divided."""
        document = {'total': '0.3', 'sms': [{'id': '1', 's': 'OK', 'p': '0.1'}, {'id': '2', 's': 'OK', 'p': '0.2'}]}
        for path, prices in (('sms[].p', ['0.1', '0.2']), ('total', ['', ''])):
            own = ReportRules(message_id_param='sms[].id', status_param='sms[].s', price_param=path)
            reports = parse_reports(own, *as_json(document))
            self.assertEqual([report.price for report in reports], prices)
        report, = parse_reports(own, *as_json({**document, 'sms': document['sms'][:1]}))
        self.assertEqual(report.price, '0.3')
        own = ReportRules(message_id_param='MsgId', status_param='status', price_param='points')
        for points, prices in (('0.1,0.2', ['0.1', '0.2']), ('0.3', ['', ''])):
            reports = parse_reports(own, *form(MsgId='1,2', status='DELIVERED,FAILED', points=points))
            self.assertEqual([report.price for report in reports], prices)


class TestAnyReport(PureCase):
    """doc/behaviour.md section 6: any call is read, or refused with ReportError only."""

    @cases(2000)
    @given(some_rules, st.sampled_from(('GET', 'POST', 'PUT', 'x')), fragments | st.binary(max_size=30), content_types,
           fragments | st.binary(max_size=60) | json_documents.map(lambda document: json.dumps(document).encode()))
    @example(TWILIO, 'POST', b'\xff=\xff', FORM, b'{' * 100000)
    def test_only_report_errors(self, some, method, query_string, content_type, body):
        try:
            reports = parse_reports(some, method, query_string, content_type, body)
        except ReportError as error:
            self.assertIn(error.status, (400, 413))
            reports = error.reports
        for report in reports:
            self.assertTrue(report.status and (report.uuid or report.message_id))
            self.assertEqual(report.state == 'error', bool(report.failure_type))
            self.assertNotIn('\0', repr(report))
            ''.join((report.uuid, report.message_id, report.status, report.error_message)).encode()

    def test_speed(self):
        """A thousand reports take some 20 ms; the bound is loose for slow machines."""
        call = as_json({'results': [
            {'messageId': f'M{index}', 'to': str(index), 'callbackData': UUID, 'status': {'groupName': 'UNDELIVERABLE'},
             'error': {'name': 'EC_UNKNOWN_SUBSCRIBER'}} for index in range(1000)]})
        with self.assert_cheap(0.5):
            self.assertEqual(len(parse_reports(INFOBIP, *call)), 1000)
