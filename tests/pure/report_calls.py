# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports in the shapes of many providers, by their documentation: how each calls, and what it says."""
import json
from urllib.parse import urlencode

from ...tools.report.parsing import (
    ReportRules,
    parse_value_list,
)

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
