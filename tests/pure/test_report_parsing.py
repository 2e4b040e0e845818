# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import time
import unittest
from urllib.parse import urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from ...tools.report.parsing import (
    MAX_BODY,
    MAX_REPORTS,
    DeliveryReport,
    ReportError,
    ReportRules,
    check_values,
    parse_reports,
    parse_value_list,
)
from . import cases

FORM = 'application/x-www-form-urlencoded'
UUID = '6f9619ff8b86d011b42d00c04fc964ff'


def form(content_type=FORM, **fields):
    return 'POST', b'', content_type, urlencode(fields).encode()


def query(method='GET', **fields):
    return method, urlencode(fields).encode(), '', b''


def as_json(document, content_type='application/json', query_string=b''):
    return 'POST', query_string, content_type, json.dumps(document).encode()


def xml(text, content_type='text/xml'):
    return 'POST', b'', content_type, text.encode()


def multipart(**fields):
    parts = ''.join(
        f'--xyz\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items())
    return 'POST', b'', 'multipart/form-data; boundary=xyz', f'{parts}--xyz--\r\n'.encode()


def rules(uuid='', message_id='', status='', code='', words='', number='', **values):
    failure_map = values.pop('failure_map', ())
    return ReportRules(uuid, message_id, status, code, words, number, failure_map=failure_map, **{
        name: parse_value_list(text) for name, text in values.items()})


# Per provider: its rules, then calls in its shape with what they say: (uuid, message id, number, status, state, error
# code, failure type) of each report.
TWILIO = rules(
    'uuid', 'MessageSid', 'MessageStatus', 'ErrorCode', 'ErrorMessage', success='delivered,read',
    pending='accepted,queued,sending,sent', error='failed,undelivered', canceled='canceled',
    failure_map=(('30003', 'sms_invalid_destination'), ('300*', 'sms_rejected')))
VONAGE = rules(
    'client-ref', 'messageId', 'status', 'err-code', number='msisdn', success='delivered',
    pending='accepted,buffered,unknown', error='expired,failed,rejected', failure_map=(('9', 'sms_not_allowed'),))
KANNEL = rules(
    'uuid', '', 'status', words='reply', success='1', pending='4,8,32', error='2,16',
    failure_map=(('16', 'sms_rejected'),))
INFOBIP = rules(
    'results[].callbackData', 'results[].messageId', 'results[].status.groupName', 'results[].error.name',
    'results[].status.description', 'results[].to', success='DELIVERED', pending='ACCEPTED,PENDING',
    error='UNDELIVERABLE,EXPIRED,REJECTED', failure_map=(('EC_UNKNOWN_SUBSCRIBER', 'sms_invalid_destination'),))
SINCH = rules(
    'client_reference', 'batch_id', 'status', 'code', number='recipient', success='Delivered',
    pending='Queued,Dispatched,Unknown', error='Aborted,Rejected,Failed,Expired,Deleted', canceled='Cancelled',
    failure_map=(('402', 'sms_credit'),))
SINCH_FULL = rules(
    '', 'batch_id', 'statuses[].status', 'statuses[].code', number='statuses[].recipients[]', success='Delivered',
    error='Failed', failure_map=(('5', 'sms_not_delivered'),))
TELNYX = rules(
    'uuid', 'data.payload.id', 'data.payload.to[].status', 'data.payload.errors[].code', 'data.payload.errors[].title',
    success='delivered,read', pending='queued,sending,sent', error='sending_failed,delivery_failed,expired',
    failure_map=(('40001', 'sms_invalid_destination'),))
BANDWIDTH = rules(
    '[].message.tag', '[].message.id', '[].type', '[].errorCode', '[].description', '[].to',
    success='message-delivered', pending='message-sending,message-sent', error='message-failed',
    failure_map=(('4432', 'sms_country_not_supported'),))
ESENDEX = rules(
    '', 'MessageId', '@root', 'FailureReason.Code', 'FailureReason.Detail', success='MessageDelivered',
    error='MessageFailed', failure_map=(('142', 'sms_rejected'),))
FAST2SMS = rules(
    'udf1', 'sms_reports[].request_id', 'sms_reports[].delivery_status[].status',
    words='sms_reports[].delivery_status[].status_description', number='sms_reports[].delivery_status[].mobile',
    success='Delivered', pending='Pending', error='Failed,Undelivered',
    failure_map=(('undelivered', 'sms_not_delivered'),))
LOX24 = rules(
    'data.callback_data', 'data.id', 'data.dlr_code', 'data.status_code', success='1', pending='0,2,4', error='8,16',
    failure_map=(('8', 'sms_expired'),))
TERMII = rules(
    '', 'message_id', 'status', words='status', number='receiver', success='delivered*', pending='Message Sent',
    error='Message Failed,DND*', failure_map=(('dnd*', 'sms_not_allowed'),))
SMSAPI = rules('idx', 'MsgId', 'status_name', 'status', success='DELIVERED', pending='SENT', error='UNDELIVERED')
D7 = rules('', 'request_id', 'status', number='recipient', success='delivered', pending='sent', error='undelivered')
MSG91 = rules(
    '', 'data[].requestId', 'data[].report[].status', words='data[].report[].desc', number='data[].report[].number',
    success='1', error='2,9,16', failure_map=(('9', 'sms_not_allowed'),))
MESSAGEBIRD = rules(
    'reference', 'id', 'status', 'statusErrorCode', 'statusReason', 'recipient', success='delivered',
    pending='sent,buffered', error='expired,delivery_failed', failure_map=(('1', 'sms_invalid_destination'),))
ROUTEMOBILE = rules(
    '', 'sMessageId', 'sStatus', 'iErrCode', number='sMobileNo', success='DELIVRD', pending='ACCEPTED',
    error='EXPIRED,UNDELIV', canceled='DELETED', failure_map=(('205', 'sms_invalid_destination'),))

CALLS = [
    ('Twilio delivered', TWILIO, form(SmsSid='SM1', SmsStatus='delivered', MessageStatus='delivered', MessageSid='SM1'),
     [('', 'SM1', '', 'delivered', 'success', '', '')]),
    ('Twilio pending', TWILIO, form(MessageSid='SM1', MessageStatus='sent'),
     [('', 'SM1', '', 'sent', 'pending', '', '')]),
    ('Twilio failed', TWILIO, form(MessageSid='SM1', MessageStatus='undelivered', ErrorCode='30003'),
     [('', 'SM1', '', 'undelivered', 'error', '30003', 'sms_invalid_destination')]),
    ('Twilio failed, other code', TWILIO, form(MessageSid='SM1', MessageStatus='Failed', ErrorCode='30007'),
     [('', 'SM1', '', 'Failed', 'error', '30007', 'sms_rejected')]),
    ('Twilio canceled', TWILIO, form(MessageSid='SM1', MessageStatus='canceled'),
     [('', 'SM1', '', 'canceled', 'canceled', '', '')]),
    ('Vonage delivered, JSON', VONAGE, as_json({
        'msisdn': '447700900000', 'to': 'Acme', 'messageId': '0A', 'status': 'delivered', 'err-code': '0',
        'client-ref': UUID}), [(UUID, '0A', '447700900000', 'delivered', 'success', '0', '')]),
    ('Vonage pending, query', VONAGE, query(msisdn='447700900000', messageId='0A', status='buffered'),
     [('', '0A', '447700900000', 'buffered', 'pending', '', '')]),
    ('Vonage failed, form', VONAGE, form(**{'messageId': '0A', 'status': 'failed', 'err-code': '9'}),
     [('', '0A', '', 'failed', 'error', '9', 'sms_not_allowed')]),
    ('Kannel accepted', KANNEL, query(uuid=UUID, status='8', reply='ACK/'), [(UUID, '', '', '8', 'pending', '', '')]),
    ('Kannel delivered', KANNEL, query(uuid=UUID, status='1', reply='id:1 stat:DELIVRD err:000'),
     [(UUID, '', '', '1', 'success', '', '')]),
    ('Kannel rejected', KANNEL, query(uuid=UUID, status='16', reply='NACK/'),
     [(UUID, '', '', '16', 'error', '', 'sms_rejected')]),
    ('Infobip, three in one call', INFOBIP, as_json({'results': [
        {'messageId': 'M1', 'to': '4179', 'callbackData': UUID, 'status': {'groupName': 'DELIVERED'},
         'error': {'name': 'NO_ERROR'}},
        {'messageId': 'M2', 'to': '4178', 'status': {'groupName': 'PENDING', 'description': 'Wait'}},
        {'messageId': 'M3', 'to': '4177', 'status': {'groupName': 'UNDELIVERABLE', 'description': 'No'},
         'error': {'name': 'EC_UNKNOWN_SUBSCRIBER'}}]}),
     [(UUID, 'M1', '4179', 'DELIVERED', 'success', 'NO_ERROR', ''),
      ('', 'M2', '4178', 'PENDING', 'pending', '', ''),
      ('', 'M3', '4177', 'UNDELIVERABLE', 'error', 'EC_UNKNOWN_SUBSCRIBER', 'sms_invalid_destination')]),
    ('Infobip, no report', INFOBIP, as_json({'results': []}), []),
    ('Sinch delivered', SINCH, as_json({
        'type': 'recipient_delivery_report_sms', 'batch_id': '01W', 'recipient': '1201', 'code': 0,
        'status': 'Delivered'}),
     [('', '01W', '1201', 'Delivered', 'success', '0', '')]),
    ('Sinch pending', SINCH, as_json({'batch_id': '01W', 'status': 'Dispatched', 'code': 400}),
     [('', '01W', '', 'Dispatched', 'pending', '400', '')]),
    ('Sinch failed', SINCH, as_json({'batch_id': '01W', 'status': 'Rejected', 'code': 402, 'client_reference': UUID}),
     [(UUID, '01W', '', 'Rejected', 'error', '402', 'sms_credit')]),
    ('Sinch, full report of a batch', SINCH_FULL, as_json({'batch_id': '01W', 'statuses': [
        {'code': 0, 'status': 'Delivered', 'recipients': ['1201', '1202']},
        {'code': 5, 'status': 'Failed', 'recipients': ['1203']}]}),
     [('', '01W', '1201', 'Delivered', 'success', '0', ''), ('', '01W', '1202', 'Delivered', 'success', '0', ''),
      ('', '01W', '1203', 'Failed', 'error', '5', 'sms_not_delivered')]),
    ('Telnyx delivered, our UUID in the URL', TELNYX, as_json(
        {'data': {'id': 'event', 'payload': {'id': 'ac01', 'errors': [], 'to': [{'status': 'delivered'}]}}},
        query_string=b'uuid=' + UUID.encode()), [(UUID, 'ac01', '', 'delivered', 'success', '', '')]),
    ('Telnyx pending', TELNYX, as_json({'data': {'payload': {'id': 'ac01', 'to': [{'status': 'sent'}]}}}),
     [('', 'ac01', '', 'sent', 'pending', '', '')]),
    ('Telnyx failed, two errors', TELNYX, as_json({'data': {'payload': {
        'errors': [{'code': '40001', 'title': 'Not routable'}, {'code': '40008', 'title': 'x'}], 'id': 'ac01',
        'to': [{'status': 'delivery_failed'}]}}}),
     [('', 'ac01', '', 'delivery_failed', 'error', '40001', 'sms_invalid_destination')]),
    ('Bandwidth, list at the root', BANDWIDTH, as_json([
        {'type': 'message-failed', 'description': 'forbidden', 'to': '+523', 'errorCode': 4432, 'message': {'id': '1'}},
        {'type': 'message-sent', 'to': '+524', 'message': {'id': '2', 'to': ['+524']}},
        {'type': 'message-delivered', 'to': '+525', 'message': {'id': '3', 'tag': UUID}}]),
     [('', '1', '+523', 'message-failed', 'error', '4432', 'sms_country_not_supported'),
      ('', '2', '+524', 'message-sent', 'pending', '', ''),
      (UUID, '3', '+525', 'message-delivered', 'success', '', '')]),
    ('Bandwidth, one object instead', BANDWIDTH, as_json({'type': 'message-sent', 'message': {'id': '2'}}),
     [('', '2', '', 'message-sent', 'pending', '', '')]),
    ('Esendex delivered', ESENDEX, xml(
        '<?xml version="1.0" encoding="utf-8"?><MessageDelivered><Id>BA</Id><MessageId>1183C73D</MessageId>'
        '</MessageDelivered>'), [('', '1183C73D', '', 'MessageDelivered', 'success', '', '')]),
    ('Esendex failed', ESENDEX, xml(
        '<e:MessageFailed xmlns:e="http://x"><e:MessageId>11</e:MessageId><e:FailureReason><e:Code>142</e:Code>'
        '<e:Detail>Message broken</e:Detail></e:FailureReason></e:MessageFailed>', 'application/octet-stream'),
     [('', '11', '', 'MessageFailed', 'error', '142', 'sms_rejected')]),
    ('Esendex, an incoming SMS', ESENDEX, xml('<InboundMessage><MessageId>12</MessageId></InboundMessage>'),
     [('', '12', '', 'InboundMessage', None, '', '')]),
    ('Fast2SMS, lists in lists', FAST2SMS, as_json({'sms_reports': [
        {'request_id': 'lw', 'delivery_status': [
            {'mobile': '99', 'status': 'Delivered'}, {'mobile': '98', 'status': 'Undelivered'}]},
        {'request_id': 'lx', 'delivery_status': [{'mobile': '97', 'status': 'Pending'}]}]}),
     [('', 'lw', '99', 'Delivered', 'success', '', ''),
      ('', 'lw', '98', 'Undelivered', 'error', '', 'sms_not_delivered'),
      ('', 'lx', '97', 'Pending', 'pending', '', '')]),
    ('LOX24, numbers as status', LOX24, as_json({
        'id': 'event', 'data': {'id': 'd6', 'dlr_code': 1, 'status_code': 100, 'callback_data': UUID}}),
     [(UUID, 'd6', '', '1', 'success', '100', '')]),
    ('LOX24 pending', LOX24, as_json({'data': {'id': 'd6', 'dlr_code': 0, 'callback_data': None}}),
     [('', 'd6', '', '0', 'pending', '', '')]),
    ('LOX24 expired', LOX24, as_json({'data': {'id': 'd6', 'dlr_code': 8}}),
     [('', 'd6', '', '8', 'error', '', 'sms_expired')]),
    ('Termii delivered', TERMII, as_json({
        'message_id': '5964465985113503103', 'receiver': '234', 'status': 'DELIVERED | Message delivered to handset'}),
     [('', '5964465985113503103', '234', 'DELIVERED | Message delivered to handset', 'success', '', '')]),
    ('Termii failed', TERMII, as_json({'message_id': '59', 'status': 'DND Active on Phone Number'}),
     [('', '59', '', 'DND Active on Phone Number', 'error', '', 'sms_not_allowed')]),
    ('SMSAPI, two reports by comma', SMSAPI, query(MsgId='A,B', status='404,405', status_name='DELIVERED,UNDELIVERED'),
     [('', 'A', '', 'DELIVERED', 'success', '404', ''),
      ('', 'B', '', 'UNDELIVERED', 'error', '405', 'sms_not_delivered')]),
    ('SMSAPI, one', SMSAPI, query(MsgId='A', idx=UUID, status_name='SENT'),
     [(UUID, 'A', '', 'SENT', 'pending', '', '')]),
    ('D7, multipart', D7, multipart(request_id='d98', recipient='+971', status='delivered'),
     [('', 'd98', '+971', 'delivered', 'success', '', '')]),
    ('D7, JSON called a form', D7, as_json({'request_id': 'd98', 'status': 'sent'}, FORM),
     [('', 'd98', '', 'sent', 'pending', '', '')]),
    ('D7, form called JSON', D7, form('application/json', request_id='d98', status='undelivered'),
     [('', 'd98', '', 'undelivered', 'error', '', 'sms_not_delivered')]),
    ('MSG91, JSON in a field of a form', MSG91, form(data=json.dumps([
        {'requestId': 'r1', 'report': [{'number': '91', 'status': '1', 'desc': 'DELIVERED'},
                                       {'number': '92', 'status': '9', 'desc': 'NDNC'}]}])),
     [('', 'r1', '91', '1', 'success', '', ''), ('', 'r1', '92', '9', 'error', '', 'sms_not_allowed')]),
    ('JSON in the only field of a form, paths from its root', BANDWIDTH,
     form(payload=json.dumps([{'type': 'message-sent', 'message': {'id': '2'}}])),
     [('', '2', '', 'message-sent', 'pending', '', '')]),
    ('MessageBird failed', MESSAGEBIRD, (
        'GET', (
            b'datacoding=plain&id=b6aa&price%5Bamount%5D=0.000&recipient=18885551515&reference=019a0719-ac96&'
            b'statusDatetime=2023-07-28T17%3A57%3A12%2B00%3A00&status=delivery_failed&statusErrorCode=1'), '', b''),
     [('019a0719-ac96', 'b6aa', '18885551515', 'delivery_failed', 'error', '1', 'sms_invalid_destination')]),
    ('Route Mobile, POST without a body', ROUTEMOBILE,
     ('POST', b'sSender=T&sMobileNo=9199&sStatus=DELIVRD&dtSubmit=2019-11-26 10:00:00&sMessageId=MID1', '', b''),
     [('', 'MID1', '9199', 'DELIVRD', 'success', '', '')]),
    ('Route Mobile failed', ROUTEMOBILE, query('POST', sMessageId='MID1', sStatus='UNDELIV', iErrCode='205'),
     [('', 'MID1', '', 'UNDELIV', 'error', '205', 'sms_invalid_destination')]),
    ('keys in another case', TELNYX, as_json({'Data': {'Payload': {'ID': 'ac01', 'TO': [{'Status': 'sent'}]}}}),
     [('', 'ac01', '', 'sent', 'pending', '', '')]),
    ('repeated fields of a form', TWILIO,
     ('POST', b'', FORM, b'MessageSid[]=1&MessageStatus[]=sent&MessageSid[]=2&MessageStatus[]=read'),
     [('', '1', '', 'sent', 'pending', '', ''), ('', '2', '', 'read', 'success', '', '')]),
    ('XML with attributes', rules('', 'r.@id', 'r', success='OK', error='NO'),
     xml('<all><r id="1">OK</r><r id="2"> NO </r></all>'),
     [('', '1', '', 'OK', 'success', '', ''), ('', '2', '', 'NO', 'error', '', 'sms_not_delivered')]),
    ('Latin-1 form', TERMII, ('POST', b'', FORM + '; charset=ISO-8859-1', b'message_id=1&status=DND+%E9'),
     [('', '1', '', 'DND é', 'error', '', 'sms_not_allowed')]),
]
GARBAGE = [
    ('text', ('POST', b'', 'text/plain', b'hello')),
    ('half a document', ('POST', b'', 'application/json', b'{"status": ')),
    ('JSON by name', ('POST', b'', 'application/json', b'hello')),
    ('bytes', ('POST', b'', '', b'\xff\xfe\x00\x01')),
    ('too deep', ('POST', b'', '', b'[' * 500000)),
    ('XML by name', ('POST', b'', 'application/xml', b'hello')),
    ('half an element', xml('<a><b>')),
    ('two roots', xml('<a/><b/>')),
    ('entity', xml('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')),
    ('external entity', xml('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')),
    ('document type alone', xml('<!DOCTYPE html><html></html>')),
    ('unknown entity', xml('<a>&x;</a>')),
    ('deep XML', xml('<a>' * 1000 + '</a>' * 1000)),
    ('many elements', xml('<a>' + '<b/>' * 60000 + '</a>')),
    ('unknown encoding', xml('<?xml version="1.0" encoding="hex"?><a>00</a>')),
    ('many fields', ('POST', b'', FORM, b'a=1&' * 1001)),
    ('many fields in the query', ('GET', b'a=1&' * 1001, '', b'')),
    ('no boundary', ('POST', b'', 'multipart/form-data', b'--x')),
]
NO_REPORT = [
    ('nothing', ('GET', b'', '', b'')),
    ('a ping', ('GET', b'hello=1', '', b'')),
    ('an empty body', ('POST', b'', 'application/json', b'  ')),
    ('JSON null', ('POST', b'', 'application/json', b'null')),
    ('JSON list', ('POST', b'', 'application/json', b'[]')),
    ('another event', as_json({'event': 'account.updated'})),
    ('an identifier without status', form(MessageSid='SM1', Body='STOP')),
    ('a body that GET does not have', ('GET', b'', FORM, b'MessageSid=1&MessageStatus=sent')),
    ('an empty multipart form', ('POST', b'', 'multipart/form-data; boundary=x', b'--x--')),
]


class TestProviders(unittest.TestCase):
    """SPEC section 6: query string, form, JSON (object, list, nested, in a form field) and XML; several reports."""

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
        """SPEC section 6: 400 for a body that cannot be read; XML never with entities or a document type."""
        for name, call in GARBAGE:
            for provider in (TWILIO, INFOBIP, ESENDEX):
                with self.subTest(name=name), self.assertRaises(ReportError) as caught:
                    parse_reports(provider, *call)
                self.assertEqual(caught.exception.status, 400)

    def test_lists_that_do_not_belong_together_are_400(self):
        with self.assertRaises(ReportError):
            parse_reports(TWILIO, 'POST', b'', FORM, b'MessageSid=1&MessageSid=2' + b'&MessageStatus=sent' * 3)

    def test_a_call_without_a_report_is_fine(self):
        """SPEC section 6: 200 for a call without any report (providers test the URL so)."""
        for name, call in NO_REPORT:
            with self.subTest(name=name):
                self.assertEqual(parse_reports(TWILIO, *call), [])

    def test_a_status_without_identifier_is_400(self):
        """SPEC section 6: 400 for a report that has a status but no identifier; the others of the call are kept."""
        with self.assertRaises(ReportError) as caught:
            parse_reports(TWILIO, *form(MessageStatus='sent', To='+1'))
        self.assertEqual((caught.exception.status, caught.exception.reports), (400, []))
        with self.assertRaises(ReportError) as caught:
            parse_reports(BANDWIDTH, *as_json(
                [{'type': 'message-sent', 'message': {'id': '2'}}, {'type': 'message-sent'}]))
        self.assertEqual([report.message_id for report in caught.exception.reports], ['2'])

    def test_size(self):
        """SPEC section 6: 413 above 1 MiB."""
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


class TestNoWords(unittest.TestCase):
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


class TestValues(unittest.TestCase):
    """SPEC section 2: status values are compared without case, `*` at the end is a prefix, none is in two lists."""

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
        with self.assertRaisesRegex(ValueError, '"SENT" stands in Success Values and in Error Values'):
            check_values(rules(success='sent', error='SENT'))


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


class TestAnything(unittest.TestCase):
    """SPEC section 6: whoever calls, with whatever; only ReportError comes out."""

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
        start = time.process_time()
        self.assertEqual(len(parse_reports(INFOBIP, *call)), 1000)
        self.assertLess(time.process_time() - start, 0.5)
