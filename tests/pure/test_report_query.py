# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Status queries: their requests, and responses in the shapes of providers and of nobody (doc/status_queries.md)."""
import json

from ...tools.problem import Problem
from ...tools.report.parsing import ReportRules
from ...tools.report.query import StatusRules, read_answer
from ...tools.request.builder import Recipient
from ...tools.request.checks import check_config
from ...tools.request.config import ConfigError, Credentials, RequestConfig
from ...tools.request.query import (
    check_status_query,
    make_query_config,
    make_status_query_config,
    preview_query,
    render_query,
)
from .common import PureCase
from .made_up import given, st

GATEWAY = RequestConfig(
    'https://api.example.com/v1/sms', credentials=Credentials(api_key='k3y-secret'),
    headers=(('X-Key', '{api_key}'),))
SMS = tuple(Recipient(f'{index:032x}', f'+3245600112{index}', '', message_id=f'm/{index}') for index in range(3))
LISTS = {'success': ('DELIVERED',), 'pending': ('SENT', 'queued'), 'error': ('FAILED',), 'canceled': ()}


class TestStatusRequest(PureCase):

    def test_one_sms(self):
        for url, sent in (
                ('/v1/sms/{message_id}', 'https://api.example.com/v1/sms/m%2F0'),
                ('/v1/status?id={message_id}&to={phone}',
                 'https://api.example.com/v1/status?id=m%2F0&to=%2B32456001120'),
                ('https://log.example.com/{uuid}?key={api_key}',
                 'https://log.example.com/00000000000000000000000000000000?key=k3y-secret')):
            config = make_status_query_config(GATEWAY, 'get', url)
            check_status_query(config, 1)
            request = render_query(config, SMS[:1])
            self.assertEqual((request.method, request.url, request.body), ('GET', sent, None))
            self.assertEqual(request.headers, (('X-Key', 'k3y-secret'),))

    def test_several_sms(self):
        config = make_status_query_config(GATEWAY, 'get', '/v1/status?ids={message_ids}', separator='|')
        check_status_query(config, 50)
        self.assertEqual(
            render_query(config, SMS).url, 'https://api.example.com/v1/status?ids=m%2F0%7Cm%2F1%7Cm%2F2')
        config = make_status_query_config(GATEWAY, 'post', '/v1/status', '{"messages": ["__each__", "{message_id}"]}')
        check_status_query(config, 50)
        self.assertEqual(json.loads(render_query(config, SMS).body), {'messages': ['m/0', 'm/1', 'm/2']})
        config = make_status_query_config(GATEWAY, 'post', '/v1/status', 'ids={message_ids}&format=json')
        self.assertEqual(render_query(config, SMS[:2]).body, b'ids=m%2F0%2Cm%2F1&format=json')

    def test_preview_shows_no_secret(self):
        config = make_status_query_config(GATEWAY, 'get', '/v1/sms/{message_id}?key={api_key}')
        shown = preview_query(config, SMS[:1])
        self.assertIn('GET https://api.example.com/v1/sms/m%2F0?key=***', shown)
        self.assertNotIn('k3y-secret', shown)

    def test_refused(self):
        for url, count, code in (
                ('/v1/sms', 1, 'query_without_message_id'), ('/v1/sms?to={phone}', 1, 'query_without_message_id'),
                ('/v1/sms/{message_id}', 2, 'single_message_id'),
                ('/v1/sms?ids={message_ids}&to={phone}', 2, 'single_message_id'),
                ('https://{message_id}.example.com', 1, 'placeholder_in_host')):
            with self.subTest(url), self.assertRaises(ConfigError) as caught:
                check_status_query(make_status_query_config(GATEWAY, 'get', url), count)
            self.assertEqual(caught.exception.problem.code, code)
        with self.assertRaises(ConfigError) as caught:
            check_status_query(make_status_query_config(GATEWAY, 'get', '/?i={message_ids}', separator=''), 2)
        self.assertEqual(caught.exception.problem.code, 'no_id_separator')

    def test_not_in_other_requests(self):
        """Before an SMS is sent, it has no message ID."""
        for config in (
                RequestConfig('https://api.example.com/{message_id}'),
                make_query_config(GATEWAY, 'get', '/v1/balance?id={message_ids}')):
            with self.assertRaises(ConfigError) as caught:
                check_config(config)
            self.assertEqual(caught.exception.problem.code, 'message_id_in_request')


class TestStatusAnswer(PureCase):

    def read(self, document, *asked, http=200, regex='', final=(), content_type='application/json', **paths):
        rules = StatusRules(
            ReportRules(**{f'{name}_param': path for name, path in paths.items()}, **LISTS), regex, final)
        text = document if isinstance(document, str) else json.dumps(document)
        return read_answer(rules, http, content_type, text, asked or ('a1',))

    def said(self, document, *asked, **values):
        answer = self.read(document, *asked, **values)
        self.assertEqual(answer.problem, None)
        return [(report.message_id, report.status, report.state) for report in answer.reports]

    def test_one_object(self):
        report, = self.read(
            {'sid': 'A1', 'state': 'failed', 'code': 30003, 'words': "Unreachable", 'to': '+32456'},
            message_id='sid', status='state', error_code='code', error_message='words', number='to').reports
        self.assertEqual(
            (report.message_id, report.number, report.state, report.error_code, report.error_message,
             report.failure_type),
            ('a1', '+32456', 'error', '30003', "Unreachable", 'sms_not_delivered'),
            "The message ID is written as in our request.")
        # the response does not repeat the ID
        self.assertEqual(self.said({'sms': {'status': 'DELIVERED'}}, status='sms.status'),
                         [('a1', 'DELIVERED', 'success')])

    def test_list(self):
        rows = [{'id': 1, 'status': 'DELIVERED'}, {'id': 2, 'status': 'SENT'}, {'id': 3, 'status': None},
                {'id': 4, 'status': 'FAILED'}]
        paths = {'message_id': '[].id', 'status': '[].status'}
        self.assertEqual(
            self.said(rows, '1', '2', '3', **paths), [('1', 'DELIVERED', 'success'), ('2', 'SENT', 'pending')],
            "The fourth was not asked about, and nothing is known about the third.")
        self.assertEqual(
            self.said({'list': rows}, '2', message_id='list[].id', status='list[].status'), [('2', 'SENT', 'pending')])

    def test_several_numbers_of_one_id(self):
        document = {'messages': [{'to': '+32456001122', 'status': 'DELIVERED'}, {'to': '+32456001123', 'status': 'x'}]}
        reports = self.read(document, status='messages[].status', number='messages[].to').reports
        self.assertEqual(
            [(report.message_id, report.number, report.state) for report in reports],
            [('a1', '+32456001122', 'success'), ('a1', '+32456001123', None)])

    def test_xml(self):
        text = '<messageheader id="A1"><status>Delivered</status><parts>1</parts></messageheader>'
        self.assertEqual(
            self.said(text, message_id='@id', status='status', content_type='application/xml'),
            [('a1', 'Delivered', 'success')])

    def test_price(self):
        """Null and '' are no price; the amount keeps the digits and loses the sign (Twilio)."""
        paths = {'status': 'status', 'price': 'price', 'currency': 'unit', 'segments': 'parts'}
        for price, said in (
                ('-0.00750', ('0.00750', 'USD')), (0.095, ('0.095', 'USD')), (None, ('', '')), ('', ('', '')),
                ('0.00', ('0.00', 'USD')), ('EUR 0.07', ('0.07', 'EUR'))):
            report, = self.read({'status': 'DELIVERED', 'price': price, 'unit': 'USD', 'parts': '2'}, **paths).reports
            self.assertEqual((report.price, report.price_currency), said, price)
            self.assertEqual(report.segment_count, 2)
        report, = self.read({'status': 'DELIVERED', 'price': '1'}, status='status').reports
        self.assertEqual((report.price, report.segment_count), ('', 0), "There is no path.")

    def test_price_that_is_not_known_yet(self):
        """Unifonic says 0 while an SMS is queued."""
        for status in ('queued', 'Accepted'):
            for price in (0, '0.000'):
                report, = self.read({'status': status, 'price': price}, status='status', price='price').reports
                self.assertEqual((report.price, report.price_currency), ('', ''))
            report, = self.read({'status': status, 'price': '0.001'}, status='status', price='price').reports
            self.assertEqual(report.price, '0.001')
        report, = self.read({'status': 'FAILED', 'price': 0}, status='status', price='price').reports
        self.assertEqual(report.price, '0', "An SMS that failed costs nothing.")

    def test_price_of_several(self):
        """Each SMS has its own price. One of all of them is not used, because nothing says how it is divided."""
        document = {'total': 0.3, 'unit': 'EUR', 'messages': [
            {'id': 'a1', 'status': 'DELIVERED', 'price': 0.1}, {'id': 'a2', 'status': 'DELIVERED', 'price': 0.2}]}
        paths = {'message_id': 'messages[].id', 'status': 'messages[].status', 'currency': 'unit'}
        for path, prices in (('messages[].price', ['0.1', '0.2']), ('total', ['', ''])):
            reports = self.read(document, 'a1', 'a2', price=path, **paths).reports
            self.assertEqual([report.price for report in reports], prices)
        del document['messages'][1]
        report, = self.read(document, 'a1', price='total', **paths).reports
        self.assertEqual((report.price, report.price_currency), ('0.3', 'EUR'))

    def test_price_in_text(self):
        regex = r'(?P<id>\w+):(?P<status>\w+) cost=(?P<price>[0-9.]*)(?P<currency>[A-Z]*) parts=(?P<segments>\d+)'
        reports = self.read(
            'a1:DELIVERED cost=0.0750EUR parts=2\na2:SENT cost= parts=1', 'a1', 'a2', regex=regex).reports
        self.assertEqual(
            [(report.price, report.price_currency, report.segment_count) for report in reports],
            [('0.0750', 'EUR', 2), ('', '', 1)])

    def test_plain_text(self):
        self.assertEqual(self.said(' DELIVERED\n', content_type='text/plain'), [('a1', 'DELIVERED', 'success')])
        regex = r'(?P<id>\w+):(?P<status>\w+)(?: (?P<code>\d+))?'
        self.assertEqual(
            self.said('a1:SENT\na2:FAILED 12\na3:SENT', 'a1', 'a2', regex=regex),
            [('a1', 'SENT', 'pending'), ('a2', 'FAILED', 'error')])
        self.assertEqual(self.said('OK status=FAILED', regex=r'status=(\w+)'), [('a1', 'FAILED', 'error')])

    def test_never_guesses_the_sms(self):
        for document, asked, values in (
                ({'status': 'DELIVERED'}, ('a1', 'a2'), {'status': 'status'}),
                ({'status': 'DELIVERED'}, ('a1',), {'status': 'status', 'message_id': 'id'}),
                ({'status': 'DELIVERED', 'id': 'a2'}, ('a1',), {'status': 'status', 'message_id': 'id'}),
                ('SENT', ('a1',), {'regex': r'(?P<id>x)?(?P<status>SENT)'})):
            self.assertEqual(self.read(document, *asked, **values).problem, Problem('no_status'), document)

    def test_http_codes(self):
        for http, is_failure in (
                (301, True), (400, True), (401, True), (404, False), (410, False), (429, True), (500, True)):
            answer = self.read({'status': 'DELIVERED'}, http=http, status='status')
            self.assertEqual((answer.reports, answer.is_failure), ([], is_failure), http)
            self.assertEqual(answer.problem, Problem('query_refused', (('status', http),)))

    def test_last_value(self):
        rules = StatusRules(ReportRules(), final_values=('Sent',))
        report, = self.read([{'status': 'SENT'}], status='[].status').reports
        self.assertTrue(rules.is_last(report))
        self.assertFalse(StatusRules(ReportRules()).is_last(report))

    @given(st.text() | st.binary().map(lambda data: data.decode('latin-1')), st.sampled_from(['', 'a.b', '[].c']))
    def test_garbage(self, text, path):
        answer = self.read(text, status=path, content_type='text/html')
        self.assertFalse(answer.is_failure)
        self.assertTrue(all(report.message_id == 'a1' for report in answer.reports))
