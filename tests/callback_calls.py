# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery reports in the shapes of many providers, by their documentation, as they call our route.

PROVIDERS maps a provider to the fields of its gateway and its calls. A call is method, query string, content type and
body, in which $UUID, $ID and $NUMBER stand for those of the SMS.
"""
import json
from urllib.parse import urlencode

FORM = 'application/x-www-form-urlencoded'
GARBAGE = (
    ('POST', '', 'application/json', '{"status": '),
    ('POST', '', 'text/xml', '<report><status>delivered'),
    ('POST', '', 'text/xml', '<!DOCTYPE r [<!ENTITY e "delivered">]><r>&e;</r>'),
    ('POST', '', 'text/plain', 'delivered, I think'),
    ('POST', '', 'multipart/form-data; boundary=x', 'no boundary here'),
    ('POST', '', 'application/octet-stream', '\0\x01\x02'),
)


def form(**fields):
    return 'POST', '', FORM, _encode(fields)


def query(**fields):
    return 'GET', _encode(fields), '', ''


def as_json(document):
    return 'POST', '', 'application/json', json.dumps(document)


def xml(text):
    return 'POST', '', 'application/xml', text


def _encode(fields):
    return urlencode(fields, safe='$')


def _params(uuid='', message_id='', status='', code='', words='', number='', **values):
    names = {
        'uuid': uuid, 'message_id': message_id, 'status': status, 'error_code': code, 'error_message': words,
        'number': number}
    params = {f'delivery_callback_{name}_param': value for name, value in names.items()}
    params.update({f'delivery_callback_status_{name}': values.get(name, '') for name in (
        'success', 'pending', 'error', 'canceled')})
    return params


def _infobip(group, description='', error='NO_ERROR'):
    return as_json({'results': [{
        'bulkId': 'B1', 'price': {'pricePerMessage': 0.01, 'currency': 'EUR'},
        'status': {'groupId': 3, 'groupName': group, 'description': description},
        'error': {'groupId': 0, 'name': error, 'permanent': False}, 'messageId': '$ID', 'to': '$NUMBER'}]})


def _sinch(status, code):
    return as_json({
        'type': 'recipient_delivery_report_sms', 'batch_id': '$ID', 'recipient': '$NUMBER', 'code': code,
        'status': status, 'at': '2024-06-06T08:17:19.210Z', 'client_reference': '$UUID'})


def _telnyx(status, errors=()):
    return as_json({'data': {'event_type': 'message.finalized', 'id': 'event', 'payload': {
        'id': '$ID', 'errors': list(errors), 'to': [{'phone_number': '$NUMBER', 'status': status}], 'parts': 1}}})


def _bandwidth(kind, **fields):
    return as_json([{'type': kind, 'to': '$NUMBER', **fields, 'message': {'id': '$ID', 'tag': '$UUID', 'to': ['x']}}])


def _lox24(code, status):
    return as_json({'id': 'event', 'name': 'sms.delivery', 'data': {
        'id': '$ID', 'dlr_code': code, 'status_code': status, 'callback_data': '$UUID'}})


def _fast2sms(status, words=''):
    return as_json({'sms_reports': [{'request_id': '$ID', 'delivery_status': [
        {'mobile': '$NUMBER', 'status': status, 'status_description': words, 'delivery_timestamp': 1800000000}]}]})


def _msg91(status, words):
    report = [{'number': '$NUMBER', 'status': status, 'desc': words, 'date': '2020-05-05 12:14:25'}]
    return form(data=json.dumps([{'requestId': '$ID', 'senderId': 'TESTIN', 'report': report}]))


# gateway fields, failure codes, {delivered, pending, failed: call}, failure type and words of the failed one
PROVIDERS = {
    'Twilio': (
        _params('', 'MessageSid', 'MessageStatus', 'ErrorCode', 'ErrorMessage', success='delivered,read',
                pending='queued,sending,sent', error='failed,undelivered', canceled='canceled'),
        {'30003': 'sms_invalid_destination'},
        {'delivered': form(SmsSid='$ID', MessageSid='$ID', MessageStatus='delivered', To='$NUMBER'),
         'pending': form(SmsSid='$ID', MessageSid='$ID', MessageStatus='sent', To='$NUMBER'),
         'failed': form(MessageSid='$ID', MessageStatus='undelivered', ErrorCode='30003',
                        ErrorMessage="Unreachable handset")},
        'sms_invalid_destination', "Unreachable handset"),
    'Vonage': (
        _params('client-ref', 'messageId', 'status', 'err-code', number='msisdn', success='delivered',
                pending='accepted,buffered', error='expired,failed,rejected'),
        {'4': 'sms_not_allowed'},
        {'delivered': query(**{'msisdn': '$NUMBER', 'messageId': '$ID', 'status': 'delivered', 'err-code': '0'}),
         'pending': query(messageId='$ID', status='buffered'),
         'failed': as_json({'messageId': '$ID', 'status': 'failed', 'err-code': '4', 'client-ref': '$UUID'})},
        'sms_not_allowed', "failed 4"),
    'Kannel': (
        _params('uuid', '', 'status', words='reply', success='1', pending='4,8', error='2,16'),
        {'16': 'sms_rejected'},
        {'delivered': query(uuid='$UUID', status='1', reply='id:1 stat:DELIVRD err:000'),
         'pending': query(uuid='$UUID', status='8', reply='ACK/'),
         'failed': query(uuid='$UUID', status='16', reply='NACK/Refused')},
        'sms_rejected', "NACK/Refused"),
    'Infobip': (
        _params('', 'results[].messageId', 'results[].status.groupName', 'results[].error.name',
                'results[].status.description', 'results[].to', success='DELIVERED', pending='PENDING',
                error='UNDELIVERABLE,EXPIRED,REJECTED'),
        {'EC_UNKNOWN_*': 'sms_invalid_destination'},
        {'delivered': _infobip('DELIVERED'), 'pending': _infobip('PENDING'),
         'failed': _infobip('UNDELIVERABLE', "No such subscriber", 'EC_UNKNOWN_SUBSCRIBER')},
        'sms_invalid_destination', "No such subscriber"),
    'Sinch': (
        _params('client_reference', 'batch_id', 'status', 'code', number='recipient', success='Delivered',
                pending='Queued,Dispatched', error='Aborted,Rejected,Failed,Expired', canceled='Cancelled'),
        {'402': 'sms_credit'},
        {'delivered': _sinch('Delivered', 0), 'pending': _sinch('Dispatched', 400), 'failed': _sinch('Rejected', 402)},
        'sms_credit', "Rejected 402"),
    'Telnyx': (
        _params('', 'data.payload.id', 'data.payload.to[].status', 'data.payload.errors[].code',
                'data.payload.errors[].title', success='delivered', pending='queued,sending,sent',
                error='sending_failed,delivery_failed'),
        {'40001': 'sms_invalid_destination'},
        {'delivered': _telnyx('delivered'), 'pending': _telnyx('sent'),
         'failed': _telnyx('delivery_failed', [{'code': '40001', 'title': "Not routable"}])},
        'sms_invalid_destination', "Not routable"),
    'Bandwidth': (
        _params('[].message.tag', '[].message.id', '[].type', '[].errorCode', '[].description',
                success='message-delivered', pending='message-sending', error='message-failed'),
        {'4432': 'sms_country_not_supported'},
        {'delivered': _bandwidth('message-delivered'), 'pending': _bandwidth('message-sending'),
         'failed': _bandwidth('message-failed', errorCode=4432, description="forbidden to country")},
        'sms_country_not_supported', "forbidden to country"),
    'Esendex': (
        _params('', 'MessageId', '@root', 'FailureReason.Code', 'FailureReason.Detail', success='MessageDelivered',
                pending='MessageSubmitted', error='MessageFailed'),
        {'142': 'sms_rejected'},
        {'delivered': xml('<MessageDelivered><Id>e</Id><MessageId>$ID</MessageId></MessageDelivered>'),
         'pending': xml('<MessageSubmitted><MessageId>$ID</MessageId></MessageSubmitted>'),
         'failed': xml('<?xml version="1.0"?><MessageFailed><MessageId>$ID</MessageId><FailureReason>'
                       '<Code>142</Code><Detail>Message broken</Detail></FailureReason></MessageFailed>')},
        'sms_rejected', "Message broken"),
    'LOX24': (
        _params('data.callback_data', 'data.id', 'data.dlr_code', 'data.status_code', success='1', pending='0,2,4',
                error='8,16'),
        {'8': 'sms_expired'},
        {'delivered': _lox24(1, 100), 'pending': _lox24(0, 0), 'failed': _lox24(8, 100)},
        'sms_expired', "8 100"),
    'MessageBird': (
        _params('reference', 'id', 'status', 'statusErrorCode', 'statusReason', success='delivered',
                pending='sent,buffered', error='expired,delivery_failed'),
        {'1': 'sms_invalid_destination'},
        {'delivered': query(id='$ID', reference='$UUID', status='delivered', recipient='$NUMBER'),
         'pending': query(id='$ID', reference='$UUID', status='buffered'),
         'failed': query(id='$ID', reference='$UUID', status='delivery_failed', statusErrorCode='1',
                         statusReason='unknown subscriber')},
        'sms_invalid_destination', "unknown subscriber"),
    'Route Mobile': (
        _params('', 'sMessageId', 'sStatus', 'iErrCode', number='sMobileNo', success='DELIVRD', pending='ACKED',
                error='EXPIRED,UNDELIV,REJECTD', canceled='DELETED'),
        {},
        {'delivered': form(sMobileNo='$NUMBER', sStatus='DELIVRD', sMessageId='$ID', iErrCode='0'),
         'pending': form(sMobileNo='$NUMBER', sStatus='ACKED', sMessageId='$ID', iErrCode='0'),
         'failed': form(sMobileNo='$NUMBER', sStatus='UNDELIV', sMessageId='$ID', iErrCode='205')},
        'sms_not_delivered', "UNDELIV 205"),
    'Fast2SMS': (
        _params('', 'sms_reports[].request_id', 'sms_reports[].delivery_status[].status',
                words='sms_reports[].delivery_status[].status_description',
                number='sms_reports[].delivery_status[].mobile', success='Delivered', pending='Pending',
                error='Failed,Undelivered'),
        {'undelivered': 'sms_not_delivered'},
        {'delivered': _fast2sms('Delivered'), 'pending': _fast2sms('Pending'),
         'failed': _fast2sms('Undelivered', "Handset off")},
        'sms_not_delivered', "Handset off"),
    'MSG91': (
        _params('', 'data[].requestId', 'data[].report[].status', words='data[].report[].desc',
                number='data[].report[].number', success='1', pending='0', error='2,9,16'),
        {'9': 'sms_not_allowed'},
        {'delivered': _msg91('1', 'DELIVERED'), 'pending': _msg91('0', ''), 'failed': _msg91('9', 'NDNC number')},
        'sms_not_allowed', "NDNC number"),
    'SMSAPI': (
        _params('idx', 'MsgId', 'status_name', 'status', success='DELIVERED', pending='SENT', error='UNDELIVERED'),
        {'UNDELIVERED': 'sms_not_delivered'},
        {'delivered': query(MsgId='$ID', idx='$UUID', status='404', status_name='DELIVERED'),
         'pending': query(MsgId='$ID', idx='$UUID', status='403', status_name='SENT'),
         'failed': query(MsgId='$ID', idx='$UUID', status='407', status_name='UNDELIVERED')},
        'sms_not_delivered', "UNDELIVERED 407"),
}


def fill(call, **tokens):
    """The call with $UUID, $ID and $NUMBER replaced. :return: method, query string, content type, body"""
    def replace(text):
        for name, value in tokens.items():
            text = text.replace(f'${name}', value)
        return text

    method, query_string, content_type, body = call
    return method, replace(query_string), content_type, replace(body).encode()
