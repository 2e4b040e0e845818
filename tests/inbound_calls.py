# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Inbound SMS as providers document them: parameters from their documentation, values invented.

CALLS has, for each template, calls of the form (method, query string, content type, body) and the messages in them:
what differs from an InboundMessage without values. UNICODE is a text that needs UCS-2 and several segments.
"""
import json
from urllib.parse import quote, urlencode

FORM = 'application/x-www-form-urlencoded'
LONG = "The parcel did not arrive. Please call me tomorrow between 9:00 and 11:30 & bring 100% of it + the bill. " * 4
UNICODE = "Grüße 👋 你好, العربية\nsecond line: " + "ñandú €5 " * 30


def form(**fields):
    return 'POST', '', FORM, urlencode(fields)


def query(**fields):
    return 'GET', urlencode(fields), '', ''


def as_json(document):
    return 'POST', '', 'application/json', json.dumps(document)


def xml(text):
    return 'POST', '', 'application/xml', text


def _message(message_id, number, recipient, text, sent_at='', **values):
    return {'message_id': message_id, 'number': number, 'recipient': recipient, 'text': text, 'sent_at': sent_at,
            **values}


def _twilio(text, **fields):
    return form(
        ToCountry='US', SmsMessageSid='SM1', NumMedia='0', SmsSid='SM1', FromState='DC', SmsStatus='received',
        Body=text, To='+15005550006', NumSegments='1', MessageSid='SM1', AccountSid='AC1', From='+12025550143',
        ApiVersion='2010-04-01', **fields)


def _telnyx(text, **payload):
    return as_json({'data': {'event_type': 'message.received', 'id': 'event', 'record_type': 'event', 'payload': {
        'direction': 'inbound', 'id': 'T1', 'from': {'phone_number': '+13125550100', 'status': 'webhook_delivered'},
        'to': [{'phone_number': '+17735550100', 'status': 'delivered'}], 'text': text, 'type': 'SMS',
        'received_at': '2019-01-23T18:10:02.574Z', 'errors': [], **payload}}, 'meta': {'attempt': 1}})


def _infobip(*texts):
    return as_json({'results': [{
        'messageId': f'I{index}', 'from': '385916242493', 'to': '385921004026', 'text': text, 'cleanText': text,
        'keyword': '', 'receivedAt': '2016-10-06T09:28:39.220+0000', 'smsCount': 1, 'callbackData': 'uuid-1',
        'price': {'pricePerMessage': 0, 'currency': 'EUR'}} for index, text in enumerate(texts, 1)],
        'messageCount': len(texts), 'pendingMessageCount': 0})


def _vonage(text, **fields):
    return {'msisdn': '447700900001', 'to': '447700900000', 'messageId': 'V1', 'text': text, 'type': 'text',
            'keyword': 'HELLO', 'message-timestamp': '2020-01-01 12:00:00', **fields}


def _bulksms(**fields):
    return as_json([{
        'id': 'B1', 'type': 'RECEIVED', 'submission': {'id': 'S1', 'date': '2017-01-31T13:01:46Z'},
        'status': None, 'relatedSentMessageId': 'R1', 'userSuppliedId': None, **fields}])


def _sinch(text, **fields):
    return as_json({
        'type': 'mo_text', 'id': 'S1', 'from': '15551231234', 'to': '12345', 'body': text, 'operator_id': '35000',
        'received_at': '2022-08-30T08:16:08.930Z', **fields})


def _jasmin(content, coding, **fields):
    return ('POST', '', FORM, urlencode({
        'id': 'J1', 'from': '2349067554729', 'to': '2349067554711', 'origin-connector': 'smpp-01', 'priority': '1',
        'coding': coding, 'content': content, 'binary': content.hex(), **fields}))


CALLS = {
    'africastalking': [
        (form(linkId='', text=LONG, to='22345', id='A1', date='2024-05-06 07:08:09', **{'from': '+254711082000'}),
         [_message('A1', '+254711082000', '22345', LONG, '2024-05-06 07:08:09')]),
        (form(text=UNICODE, to='22345', id='A2', date='2017-05-03T06:04:45Z', **{'from': '+254711082000'}),
         [_message('A2', '+254711082000', '22345', UNICODE, '2017-05-03 06:04:45')]),
    ],
    'android_sms_gateway': [
        (as_json({'deviceId': 'd', 'event': 'sms:received', 'id': 'e', 'webhookId': 'w', 'payload': {
            'messageId': 'P1', 'message': UNICODE, 'sender': '6505551212', 'recipient': '+16505551213',
            'simNumber': 1, 'receivedAt': '2024-06-22T15:46:11.000+07:00'}}),
         [_message('P1', '6505551212', '+16505551213', UNICODE, '2024-06-22 08:46:11')]),
        (as_json({'event': 'sms:received', 'payload': {'message': "Hi", 'phoneNumber': '+16505551212'}}),
         [_message('', '+16505551212', '', "Hi")]),
    ],
    'bandwidth': [
        (as_json([{'type': 'message-received', 'time': '2016-09-14T18:20:16Z', 'description': 'Incoming message',
                   'to': '+12345678902', 'message': {
                       'id': 'W1', 'owner': '+12345678902', 'applicationId': 'a', 'time': '2016-09-14T18:20:16Z',
                       'segmentCount': 1, 'direction': 'in', 'to': ['+12345678902'], 'from': '+12345678901',
                       'text': UNICODE}}]),
         [_message('W1', '+12345678901', '+12345678902', UNICODE, '2016-09-14 18:20:16')]),
    ],
    'bulksms': [
        (_bulksms(**{'from': '447700900001', 'to': '447700900000', 'body': LONG, 'encoding': 'TEXT'}),
         [_message('B1', '447700900001', '447700900000', LONG, '2017-01-31 13:01:46', reply_reference='R1')]),
        (_bulksms(**{'from': {'type': 'INTERNATIONAL', 'address': '447700900001'},
                     'to': {'type': 'INTERNATIONAL', 'address': '447700900000'},
                     'body': {'type': 'TEXT', 'value': UNICODE}}),
         [_message('B1', '447700900001', '447700900000', UNICODE, '2017-01-31 13:01:46', reply_reference='R1')]),
    ],
    'clickatell': [
        (as_json({'integrationId': 'i', 'messageId': 'M1', 'replyMessageId': 'C1', 'fromNumber': '27831234567',
                  'toNumber': '27987654321', 'timestamp': 1518609025233, 'text': LONG, 'charset': 'UTF-8'}),
         [_message('C1', '27831234567', '27987654321', LONG, '2018-02-14 11:50:25', reply_reference='M1')]),
        (as_json({'messageId': 'C2', 'fromNumber': '27831234567', 'toNumber': '27987654321',
                  'timestamp': 1518609025233, 'text': quote("Grüße 你好".encode('utf-16-be')),
                  'charset': 'UTF-16BE'}),
         [_message('C2', '27831234567', '27987654321', "Grüße 你好", '2018-02-14 11:50:25', reply_reference='C2')]),
        (as_json({'messageId': 'C3', 'fromNumber': '27831234567', 'toNumber': '27987654321', 'text': 'caf%E9+noir',
                  'timestamp': 1518609025233, 'charset': 'ISO-8859-1'}),
         [_message('C3', '27831234567', '27987654321', "café noir", '2018-02-14 11:50:25', reply_reference='C3')]),
        (as_json({'event': {'moText': [
            {'channel': 'sms', 'messageId': f'C{index}', 'from': '27831234567', 'to': '27987654321',
             'content': f"Text {index}", 'charset': 'UTF-8', 'timestamp': 1518609025233} for index in (4, 5)]}}),
         [_message(f'C{index}', '27831234567', '27987654321', f"Text {index}", '2018-02-14 11:50:25')
          for index in (4, 5)]),
    ],
    'clicksend': [
        (form(message_id='K1', to='+61411111111', body=UNICODE, timestamp='1434076020', **{'from': '+61422222222'}),
         [_message('K1', '+61422222222', '+61411111111', UNICODE, '2015-06-12 02:27:00')]),
    ],
    'cm': [
        (as_json({'from': {'number': '0031612345678', 'name': ''}, 'to': {'number': '0031687654321'},
                  'message': {'text': UNICODE, 'media': {}}, 'reference': 'uuid-1', 'groupings': ['', '', ''],
                  'time': '2019-06-14T15:06:24', 'timeUtc': '2019-06-14T13:06:24', 'channel': 'SMS'}),
         [_message('', '0031612345678', '0031687654321', UNICODE, '2019-06-14 13:06:24',
                   reply_reference='uuid-1')]),
        (as_json({'from': '0031612345678', 'to': '3669', 'body': "Yes", 'reference': 'uuid-1'}),
         [_message('', '0031612345678', '3669', "Yes", reply_reference='uuid-1')]),
    ],
    'd7networks': [
        (form(mo_id='D1', sender='971562316353', receiver='4040', text=UNICODE, keyword='HELLO'),
         [_message('D1', '971562316353', '4040', UNICODE)]),
        (('POST', '', 'multipart/form-data; boundary=x', ''.join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in (
                ('mo_id', 'D2'), ('sender', '971562316353'), ('receiver', '4040'), ('text', "Grüße"))) + '--x--\r\n'),
         [_message('D2', '971562316353', '4040', "Grüße")]),
    ],
    'esendex': [
        (xml('<?xml version="1.0" encoding="utf-8"?><InboundMessage><Id>E0</Id><MessageId>E1</MessageId>'
             '<AccountId>a</AccountId><MessageText>Grüße &amp; 你好</MessageText><From>447700900001</From>'
             '<To>447700900000</To></InboundMessage>'),
         [_message('E1', '447700900001', '447700900000', "Grüße & 你好")]),
        (xml('<OptOut><Id>E2</Id><AccountId>a</AccountId><From><PhoneNumber>447700900001</PhoneNumber></From>'
             '</OptOut>'),
         [_message('E2', '447700900001', '', '', optout='stop')]),
    ],
    'fortysixelks': [
        (form(direction='incoming', id='s17a6dafb12d6b1cabc053d57dac2b9d8', to='+46766861004', message=UNICODE,
              created='2018-07-13T13:57:23.741000', **{'from': '+46706861020'}),
         [_message('s17a6dafb12d6b1cabc053d57dac2b9d8', '+46706861020', '+46766861004', UNICODE,
                   '2018-07-13 13:57:23')]),
    ],
    'gatewayapi': [
        (as_json({'id': 1000001, 'msisdn': 4587654321, 'receiver': 451204, 'message': UNICODE,
                  'senttime': 1450000000, 'webhook_label': 'test', 'country_code': 'DK', 'encoding': 'UTF8'}),
         [_message('1000001', '4587654321', '451204', UNICODE, '2015-12-13 09:46:40')]),
    ],
    'infobip': [
        (_infobip(LONG, UNICODE),
         [_message(f'I{index}', '385916242493', '385921004026', text, '2016-10-06 09:28:39',
                   reply_reference='uuid-1') for index, text in ((1, LONG), (2, UNICODE))]),
        (as_json({'results': [{'messageId': 'I3', 'from': '385916242493', 'to': '385921004026',
                               'receivedAt': '2016-10-06T09:28:39.220+0000', 'message': [
                                   {'contentType': 'text/plain', 'value': "Look"},
                                   {'contentType': 'image/jpeg', 'url': 'https://example.com/a.jpg'}]}]}),
         [_message('I3', '385916242493', '385921004026', "Look", '2016-10-06 09:28:39')]),
    ],
    'jasmin': [
        (_jasmin(b'Hello \x00 caf\x05 \x1b\x65 \x1b\x28x\x1b\x29', '0'),
         [_message('J1', '2349067554729', '2349067554711', "Hello @ café € {x}")]),
        (_jasmin("Grüße".encode('latin-1'), '3'), [_message('J1', '2349067554729', '2349067554711', "Grüße")]),
        (_jasmin(UNICODE.encode('utf-16-be'), '8'), [_message('J1', '2349067554729', '2349067554711', UNICODE)]),
        (('GET', _jasmin(b'Hello', '0')[3], '', ''), [_message('J1', '2349067554729', '2349067554711', "Hello")]),
    ],
    'kannel': [
        (query(id='K1', sender='+447700900001', to='2020', message=UNICODE, ts='1494834022'),
         [_message('K1', '+447700900001', '2020', UNICODE, '2017-05-15 07:40:22')]),
        (('GET', 'id=K1&sender=+447700900001&to=2020&message=caf%E9&ts=2017-05-15+07:40:22', '', ''),
         [_message('K1', ' 447700900001', '2020', "café", '2017-05-15 07:40:22')]),
        # recorded with Kannel 1.4.5-12 of Debian, message=%b&charset=%C
        (('GET', 'id=K2&sender=447400123456&message=%09(%09.%098%09M%09%24%09G%00+%00o%00k&charset=UTF-16BE', '', ''),
         [_message('K2', '447400123456', '', "नमस्ते ok")]),
        (('GET', 'id=K3&sender=447700900003&to=2020&message=caf%C3%A9+%E2%82%AC&ts=1795740602&charset=UTF-8', '', ''),
         [_message('K3', '447700900003', '2020', "café €", '2026-11-27 00:50:02')]),
    ],
    'lox24': [
        (as_json({'id': 'event', 'name': 'sms.incoming', 'created_at': 1561298520, 'data': {
            'id': 'L1', 'from': '+4917012345678', 'to': '+4917087654321', 'text': UNICODE}}),
         [_message('L1', '+4917012345678', '+4917087654321', UNICODE, '2019-06-23 14:02:00')]),
    ],
    'messagebird': [
        (form(id='M1', originator='31612345678', recipient='31687654321', body=UNICODE,
              createdDatetime='2016-05-03T14:26:57+00:00'),
         [_message('M1', '31612345678', '31687654321', UNICODE, '2016-05-03 14:26:57')]),
        (query(mid='M2', shortcode='1008', originator='31612345678', message="JOIN now",
               receive_datetime='20160503142657'),
         [_message('M2', '31612345678', '1008', "JOIN now", '2016-05-03 14:26:57')]),
    ],
    'plivo': [
        (form(From='12025550143', To='14155550100', Text=UNICODE, Type='sms', MessageUUID='P1', Units='2',
              TotalRate='0'),
         [_message('P1', '12025550143', '14155550100', UNICODE)]),
        (form(From='12025550143', To='14155550100', Text="STOP", MessageUUID='P2', MessageIntent='optout'),
         [_message('P2', '12025550143', '14155550100', "STOP", optout='stop')]),
    ],
    'seven': [
        (as_json({'webhook_event': 'sms_mo', 'webhook_timestamp': '2020-10-02 09:02:01', 'data': {
            'id': '681590', 'sender': '491771783130', 'system': '4915126716517', 'text': UNICODE,
            'time': '1605878104', 'message_type': 'sms'}}),
         [_message('681590', '491771783130', '4915126716517', UNICODE, '2020-11-20 13:15:04')]),
    ],
    'sinch': [
        (_sinch(UNICODE, client_reference='uuid-1'),
         [_message('S1', '15551231234', '12345', UNICODE, '2022-08-30 08:16:08', reply_reference='uuid-1')]),
    ],
    'smsapi': [
        (form(MsgId='SA1', sms_from='48500000000', sms_to='48600000000', sms_text=UNICODE, sms_date='1494834022',
              username='user'),
         [_message('SA1', '48500000000', '48600000000', UNICODE, '2017-05-15 07:40:22')]),
    ],
    'telnyx': [
        (_telnyx(UNICODE), [_message('T1', '+13125550100', '+17735550100', UNICODE, '2019-01-23 18:10:02')]),
        (_telnyx("STOP", autoresponse_type='OPT_OUT'),
         [_message('T1', '+13125550100', '+17735550100', "STOP", '2019-01-23 18:10:02', optout='stop')]),
    ],
    'termii': [
        (as_json({'type': 'inbound', 'id': 'event', 'message_id': 'TE1', 'receiver': '2348000000000',
                  'sender': '2347030000000', 'message': UNICODE, 'received_at': '2020-04-15T09:12:00',
                  'cost': 0, 'status': 'received', 'channel': 'sms'}),
         [_message('TE1', '2347030000000', '2348000000000', UNICODE, '2020-04-15 09:12:00')]),
    ],
    'twilio': [
        (_twilio(UNICODE), [_message('SM1', '+12025550143', '+15005550006', UNICODE)]),
        (_twilio("  STOP", OptOutType='STOP'),
         [_message('SM1', '+12025550143', '+15005550006', "  STOP", optout='stop')]),
        (_twilio('VGhlIENhbXAgb2YgdGhlIFNhaW50cyDigJxBIGxvbmcgdGV4dOKAnQpXaXRoIGxpbmVz'),
         [_message('SM1', '+12025550143', '+15005550006', "The Camp of the Saints “A long text”\nWith lines")]),
    ],
    'vonage': [
        (query(**_vonage(UNICODE, type='unicode')),
         [_message('V1', '447700900001', '447700900000', UNICODE, '2020-01-01 12:00:00')]),
        (as_json(_vonage(LONG)), [_message('V1', '447700900001', '447700900000', LONG, '2020-01-01 12:00:00')]),
        (form(**_vonage("part 2", concat='true', **{
            'concat-ref': '121', 'concat-total': '3', 'concat-part': '2'})),
         [_message('V1', '447700900001', '447700900000', "part 2", '2020-01-01 12:00:00', part_reference='121',
                   part_number=2, part_total=3)]),
    ],
}
