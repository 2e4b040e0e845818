# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Inbound SMS in the shapes in which the test suites and samples of other systems have them; numbers, IDs and texts are
invented.

OTHERS has tuples of template, call as in `inbound_calls.CALLS`, and for each message its ID, number in E.164, text and
time. They arrive at the inbound URL; some have no field by which they are recognized elsewhere.
"""
import base64

from .inbound_calls import FORM, LONG, UNICODE, as_json, form, query, xml

NIGERIA, TIME = '+2348030000001', '2020-02-03 04:05:06'


def raw(body, content_type=FORM):
    return 'POST', '', content_type, body


def raw_query(text):
    return 'GET', text, '', ''


def _infobip(**values):
    return as_json({'messageCount': 1, 'pendingMessageCount': 0, 'results': [{
        'messageId': '71', 'from': '385910000001', 'to': '385910000002', 'receivedAt': '2020-02-03T04:05:06.789Z',
        'smsCount': 1, 'price': {'pricePerMessage': 0, 'currency': 'EUR'}, **values}]})


def _clickatell(text, charset, expected):
    return 'clickatell', as_json({
        'messageId': '72', 'fromNumber': '250780000001', 'timestamp': 1580702706000, 'text': text, 'charset': charset,
    }), [('72', '+250780000001', expected, TIME)]


TWILIO = {
    'ToCountry': 'US', 'ToState': 'District Of Columbia', 'SmsMessageSid': 'SM73', 'NumMedia': '0', 'ToCity': '',
    'FromZip': '01000', 'SmsSid': 'SM73', 'FromState': 'MA', 'SmsStatus': 'received', 'FromCity': 'TOWN',
    'Body': "Msg", 'FromCountry': 'US', 'To': '+12025550100', 'ToZip': '', 'NumSegments': '1', 'MessageSid': 'SM73',
    'AccountSid': 'AC1', 'From': '+14135550100', 'ApiVersion': '2010-04-01'}


def _twilio(*left_out, **values):
    return form(**{name: value for name, value in {**TWILIO, **values}.items() if name not in left_out})


def _bandwidth(**message):
    return {'type': 'message-received', 'time': '2020-02-03T04:05:06Z', 'description': "Incoming message received",
            'to': '12025550100', 'message': {
                'id': '74', 'time': '2020-02-03T04:05:06Z', 'to': ['+12025550100'], 'from': '+12025550199',
                'text': "hello world", 'applicationId': 'a', 'media': ['https://example.com/a.png'],
                'owner': '+12025550100', 'direction': 'in', 'segmentCount': 1, **message}}


def _telnyx(**payload):
    return as_json({'data': {
        'event_type': 'message.received', 'id': 'e', 'occurred_at': '2020-02-03T04:05:06.789+00:00',
        'record_type': 'event', 'payload': {
            'cc': [], 'completed_at': None, 'cost': None, 'direction': 'inbound', 'encoding': 'GSM-7', 'errors': [],
            'from': {'carrier': "C", 'line_type': 'long_code', 'phone_number': '+12025550199', 'status': 'x'},
            'id': '75', 'media': [], 'parts': 1, 'received_at': '2020-02-03T04:05:06.789+00:00',
            'record_type': 'message', 'sent_at': None, 'tags': [], 'text': "Hello there!",
            'to': [{'carrier': "C", 'line_type': 'Wireless', 'phone_number': '+12025550100', 'status': 'x'}],
            'type': 'SMS', 'valid_until': None, **payload}}, 'meta': {'attempt': 1}})


def _cut_base64(text):
    """Base64 that ends within a character."""
    return base64.b64encode(text.encode() + b'\xe2\x80').decode()


OTHERS = [
    # names and order of Kannel's own get-url example, of RapidSMS and of RapidPro
    ('kannel', raw_query('backend=NET&sender=%2B2348030000001&message=Join&ts=1580702706&id=a-1&to=2020'),
     [('a-1', NIGERIA, "Join", TIME)]),
    ('kannel', raw_query('backend=NET&sender=%2B2348030000001&message=&ts=1580702706&id=a-1&to=2020'),
     [('a-1', NIGERIA, "", TIME)]),
    ('kannel', raw_query('sender=%2B68673000001&message=Join&ts=1580702706&id=a-1&to=2020'),
     [('a-1', '+68673000001', "Join", TIME)]),
    ('kannel', raw_query('id=a-1&text=hello+there&from=%2B12025550199&to=555&coding=0&charset=ISO-8859-1'),
     [('a-1', '+12025550199', "hello there", '')]),
    ('kannel', raw_query('id=a-1&text=caf%E9&from=12025550199&charset=ISO-8859-1'),
     [('a-1', '+12025550199', "café", '')]),
    ('kannel', raw_query('id=a-1&sender=12025550199&message=%00c%00a%00f%00%E9&charset=UTF-16BE'),
     [('a-1', '+12025550199', "café", '')]),
    ('kannel', raw_query('id=a-1&sender=12025550199&message=caf%C3%A9+%F0%9F%91%8B&charset=UTF-8&coding=2'),
     [('a-1', '+12025550199', "café 👋", '')]),
    # RapidSMS: the sender is the ID; RapidPro: the SMS is in the query string of a POST
    ('kannel', raw_query('id=12025550199&text=hi+there'), [('', '+12025550199', "hi there", '')]),
    # without a sender, the message ID is not taken for one
    ('kannel', raw_query('sender=&message=Join&ts=1580702706&id=12025550199&to=2020'), []),
    *(('kannel', (
        'POST', 'backend=NET&sender=%2B2348030000001&message=Join&ts=1580702706&id=a-1&to=2020', kind, 'empty'),
       [('a-1', NIGERIA, "Join", TIME)]) for kind in (FORM, '')),
    # Jasmin: its documentation, RapidPro's capitalized names, GSM bytes, the data codings of SMPP and GSM
    ('jasmin', raw('content=%05t%05&coding=0&From=2348030000001&To=2348030000002&id=1001'),
     [('1001', NIGERIA, "été", '')]),
    ('jasmin', raw('content=hello&coding=0&From=2348030000001&id=1001'), [('1001', NIGERIA, "hello", '')]),
    ('jasmin', raw('id=1&from=2348030000001&to=2020&origin-connector=c&priority=1&coding=8&content=%00H%00i'
                   '&binary=00480069'), [('1', NIGERIA, "Hi", '')]),
    ('jasmin', raw('id=1&from=2348030000001&to=2020&origin-connector=c&content=Hello+World'),
     [('1', NIGERIA, "Hello World", '')]),
    ('jasmin', raw('id=1&from=2348030000001&to=2020&origin-connector=c&coding=3&content=caf%E9'),
     [('1', NIGERIA, "café", '')]),
    ('jasmin', raw('id=1&from=2348030000001&to=2020&origin-connector=c&coding=241&content=a%00b'),
     [('1', NIGERIA, "a@b", '')]),
    ('jasmin', raw('id=1&from=2348030000001&to=2020&origin-connector=c&coding=24&content=%00a%20%AC'),
     [('1', NIGERIA, "a€", '')]),
    # Clickatell: character sets in percent-encoded text
    _clickatell("100% + more", 'UTF-8', "100% + more"),
    _clickatell("hello%21", 'ISO-8859-1', "hello!"),
    _clickatell("déjà", 'ISO-8859-1', "déjà"),
    _clickatell("%00t%00e%00n%00%ED%00a%00+%00d%00.%00.", 'UTF-16BE', "tenía d.."),
    # Clickatell: the form of its older API
    ('clickatell', raw('api_id=1&from=250780000001&timestamp=2020-02-03+04%3A05%3A06&text=1%2B1+is+2'
                       '&charset=ISO-8859-1&udh=&moMsgId=73&to=250780000002'),
     [('73', '+250780000001', "1+1 is 2", TIME)]),
    ('clickatell', raw_query('api_id=1&from=250780000001&timestamp=2020-02-03+04%3A05%3A06&text=%06E%06%31%00+%00%ED'
                             '&charset=UTF-16BE&moMsgId=73'), [('73', '+250780000001', "\u0645\u0631 í", TIME)]),
    # Infobip: with a keyword, without optional fields
    ('infobip', _infobip(text="QUIZ Paris", cleanText="Paris", keyword='QUIZ', callbackData='x'),
     [('71', '+385910000001', "QUIZ Paris", TIME)]),
    ('infobip', _infobip(text=LONG), [('71', '+385910000001', LONG, TIME)]),
    ('infobip', _infobip(message={'type': 'TEXT', 'text': UNICODE}), [('71', '+385910000001', UNICODE, TIME)]),
    # MMS: two pictures, then a text
    ('infobip', _infobip(message=[
        *({'contentType': 'image/png', 'url': 'https://example.com/a'} for _picture in range(2)),
        {'contentType': 'text/plain', 'value': UNICODE}]), [('71', '+385910000001', UNICODE, TIME)]),
    # Twilio: RapidPro, Chatwoot, the fields of its documentation only
    ('twilio', _twilio(), [('SM73', '+14135550100', "Msg", '')]),
    ('twilio', _twilio(ButtonText="Confirm"), [('SM73', '+14135550100', "Msg", '')]),
    ('twilio', _twilio(Body=_cut_base64("Somebody explains the words:\n“The camp of the poets..")),
     [('SM73', '+14135550100', "Somebody explains the words:\n“The camp of the poets..", '')]),
    ('twilio', _twilio('Body', NumMedia='1', MediaUrl0='cat.jpg'), [('SM73', '+14135550100', "", '')]),
    ('twilio', _twilio(NumMedia='1', MediaUrl0='cat.jpg'), [('SM73', '+14135550100', "Msg", '')]),
    ('twilio', form(From='+14135550100', To='+12025550100', Body=UNICODE, MessageSid='SM73', AccountSid='AC1'),
     [('SM73', '+14135550100', UNICODE, '')]),
    ('twilio', _twilio(Body="", NumMedia='1', MediaContentType0='image/jpeg', MediaUrl0='https://example.com/a'),
     [('SM73', '+14135550100', "", '')]),
    ('twilio', form(From='+14135550100', Body="twilio test"), [('', '+14135550100', "twilio test", '')]),
    ('twilio', form(From='+14135550100', To='+12025550100', Body="Msg", SmsSid='SM73'),
     [('SM73', '+14135550100', "Msg", '')]),
    ('twilio', query(**TWILIO), [('SM73', '+14135550100', "Msg", '')]),
    ('twilio', _twilio(From='22345'), [('SM73', '22345', "Msg", '')]),
    ('twilio', _twilio(Body=" Trim me not \r\n"), [('SM73', '+14135550100', " Trim me not \r\n", '')]),
    ('twilio', raw('From=%2B14135550100&Body=caf%C3%A9&MessageSid=1&SmsStatus=received', FORM + '; charset=UTF-8'),
     [('1', '+14135550100', "café", '')]),
    ('twilio', raw('From=%2B14135550100&Body=caf%E9&MessageSid=1&SmsStatus=received', FORM + '; charset=ISO-8859-1'),
     [('1', '+14135550100', "café", '')]),
    # Vonage: RapidPro, playSMS, and an account that is set to the Messages API
    ('vonage', query(to='2020', msisdn='2348030000001', text="Join", messageId='e1'), [('e1', NIGERIA, "Join", '')]),
    ('vonage', form(to='2020', msisdn='2348030000001', text="Join", messageId='e1'), [('e1', NIGERIA, "Join", '')]),
    ('vonage', raw('to=2020&msisdn=2348030000001&text=Join&messageId=e1', ''), [('e1', NIGERIA, "Join", '')]),
    ('vonage', as_json({
        'api-key': 'k', 'msisdn': '2348030000001', 'to': '447700900000', 'messageId': 'e1', 'text': UNICODE,
        'type': 'unicode', 'keyword': 'HEY', 'message-timestamp': '2020-02-03 04:05:06 +0000',
        'timestamp': '1580702999', 'nonce': 'n', 'concat': 'false', 'concat-ref': '', 'concat-total': '',
        'concat-part': '', 'data': '', 'udh': ''}), [('e1', NIGERIA, UNICODE, TIME)]),
    ('vonage', as_json({
        'channel': 'sms', 'message_uuid': 'u-1', 'to': '447700900000', 'from': '2348030000001',
        'timestamp': '2020-02-03T04:05:06Z', 'text': "Hi", 'sms': {'num_messages': '2', 'keyword': 'HI'},
        'usage': {'currency': 'EUR', 'price': '0.03'}, 'message_type': 'text'}), [('u-1', NIGERIA, "Hi", TIME)]),
    ('vonage', query(msisdn='12025550199', to='12025550100', text="I'm tired", type='text'),
     [('', '+12025550199', "I'm tired", '')]),
    ('vonage', as_json({
        'msisdn': '447700900001', 'to': '447700900000', 'messageId': 'e1', 'text': "Part", 'type': 'text',
        'keyword': 'PART', 'api-key': 'k', 'message-timestamp': '2020-02-03T04:05:06.000+00:00', 'nonce': 'n',
        'timestamp': '1580702999', 'concat': 'true', 'concat-ref': '1', 'concat-total': '3', 'concat-part': '2',
        'data': 'abc123', 'udh': 'abc123'}), [('e1', '+447700900001', "Part", TIME)]),
    # MessageBird: fields of old and new names beside each other, and repeated ones
    ('messagebird', raw(
        'receiver=18005550100&body=First&date=1580702706&reference=1&id=m-1&id=m-2&recipient=18005550100'
        '&originator=18885550100&body=Second&CreatedDatetime=2020-02-03T04%3A05%3A06%2B00%3A00'),
     [('m-2', '+18885550100', "Second", TIME)]),
    ('messagebird', raw(
        'shortcode=51515&message=First&date=1580702706&reference=1&id=m-1&mid=m-2&recipient=18005550100'
        '&originator=18885550100&body=Second&receive_datetime=20200203040506'),
     [('m-2', '+18885550100', "First", TIME)]),
    ('messagebird', raw(
        'receiver=18005550100&sender=18885550100&body=First&date=1580702706&reference=1&id=m-1&id=m-2'
        '&recipient=18005550100&originator=18885550100&body=Second&receive_datetime=2020-02-03T04%3A05%3A06%2B00%3A00'
        '&mms=false'), [('m-2', '+18885550100', "Second", TIME)]),
    ('messagebird', as_json({
        'receiver': '18005550100', 'sender': '18885550100', 'message': "First", 'date': 1580702000, 'reference': '1',
        'id': 'm-1', 'message_id': 'm-2', 'recipient': '18005550100', 'originator': '18885550100', 'body': "Second",
        'createdDatetime': '20200203040506', 'mms': False}), [('m-1', '+18885550100', "Second", TIME)]),
    ('messagebird', raw(
        'receiver=18005550100&message=First&reference=1&id=m-1&message_id=m-2&recipient=18005550100'
        '&originator=18885550100&mediaURLs=https%3A%2F%2Fexample.com%2Fa.jpg'
        '&CreatedDatetime=2020-02-03T04%3A05%3A06%2B00%3A00'), [('m-1', '+18885550100', "First", TIME)]),
    ('messagebird', raw(
        'receiver=18005550100&reference=1&id=m-1&message_id=m-2&recipient=18005550100&originator=18885550100'
        '&mediaURLs=https%3A%2F%2Fexample.com%2Fa.jpg&CreatedDatetime=2020-02-03T04%3A05%3A06%2B00%3A00'),
     [('m-1', '+18885550100', "", TIME)]),
    # Zammad: a flow that sends its variables, most of them empty
    *(('messagebird', make({
        'body': UNICODE, 'createdDatetime': '', 'currentTime': '2020-02-03T06:05:06+02:00', 'date': '0',
        'date_utc': '0', 'id': '', 'incomingMessage': UNICODE, 'message': '', 'message_id': '', 'payload': UNICODE,
        'originator': '+491710000000', 'receiver': '', 'recipient': '+4915700000000', 'reference': '', 'sender': ''}),
       [('', '+491710000000', UNICODE, TIME)]) for make in (as_json, lambda fields: form(**fields))),
    ('messagebird', as_json({'originator': '+491710000000', 'recipient': '+4915700000000', 'incomingMessage': "Hallo",
                             'message_id': 'm-3'}), [('m-3', '+491710000000', "Hallo", '')]),
    ('messagebird', query(id='m-1', recipient='31680000000', originator='31610000000', body="Hoi",
                          createdDatetime='2020-02-03T04:05:06+00:00'), [('m-1', '+31610000000', "Hoi", TIME)]),
    ('messagebird', as_json({'id': 'm-1', 'recipient': 31680000000, 'originator': 31610000000, 'body': "Hoi"}),
     [('m-1', '+31610000000', "Hoi", '')]),
    # Plivo: POST and GET, MMS
    ('plivo', raw('To=2020&From=60120000001&TotalRate=0&Units=1&Text=Hello&TotalAmount=0&Type=sms&MessageUUID=p1'),
     [('p1', '+60120000001', "Hello", '')]),
    ('plivo', query(To='2020', From='60120000001', Text="Two\nlines", Type='sms', MessageUUID='p1', Powerpack=''),
     [('p1', '+60120000001', "Two\nlines", '')]),
    ('plivo', form(From='12025550199', To='12025550100', Type='mms', Body="Look", Media0='https://example.com/a',
                   MediaCount='1', MessageUUID='p1'), [('p1', '+12025550199', "Look", '')]),
    # Bandwidth: RapidPro, Chatwoot, a group message, no list
    ('bandwidth', as_json([_bandwidth()]), [('74', '+12025550199', "hello world", TIME)]),
    ('bandwidth', as_json([_bandwidth(to=['+12025550100', '+12025550101']), _bandwidth(id='75', text=UNICODE)]),
     [('74', '+12025550199', "hello world", TIME), ('75', '+12025550199', UNICODE, TIME)]),
    ('bandwidth', as_json(_bandwidth(time='2020-02-03 04:05:06')), [('74', '+12025550199', "hello world", TIME)]),
    # Africa's Talking: three formats of time, JSON
    *(('africastalking', call, [('t1', '+254790000001', "Msg", time)]) for call, time in (
        (raw('linkId=9&text=Msg&to=21512&id=t1&date=2020-02-03T04%3A05%3A06Z&from=%2B254790000001'), TIME),
        (raw('linkId=9&text=Msg&to=21512&id=t1&date=2020-02-03+04%3A05%3A06&from=%2B254790000001'), TIME),
        (raw('text=Msg&to=21512&id=t1&date=2020-02-03T04%3A05&from=%2B254790000001'), '2020-02-03 04:05:00'),
        (as_json({'linkId': '9', 'text': "Msg", 'to': '21512', 'id': 't1', 'date': '2020-02-03T04:05:06Z',
                  'from': '+254790000001'}), TIME))),
    # ClickSend: sender and text only, JSON, the fields of its SDKs
    ('clicksend', raw('from=639170000001&body=hello+world'), [('', '+639170000001', "hello world", '')]),
    ('clicksend', as_json({'from': '+12025550199', 'body': "My new plate", 'message_id': 'k1', 'to': '+12025550100',
                           'timestamp': '2020-02-03T04:05:06.789Z'}), [('k1', '+12025550199', "My new plate", TIME)]),
    ('clicksend', form(
        originalsenderid='+61400000002', body="Yes", message="Yes", sms='+61400000001', custom_string='c',
        to='+61400000002', original_message_id='o', originalmessageid='o', customstring='c', originalmessage="Come?",
        user_id='1', subaccount_id='2', original_body="Come?", timestamp='1580702706', message_id='k1',
        **{'from': '+61400000001'}), [('k1', '+61400000001', "Yes", TIME)]),
    ('clicksend', as_json({
        'timestamp': '1580702706', 'from': '+61400000001', 'body': UNICODE, 'original_body': "orig",
        'original_message_id': 'o', 'to': '+61400000002', 'custom_string': 'c', 'user_id': '1', 'message_id': 'k1'}),
     [('k1', '+61400000001', UNICODE, TIME)]),
    # Sinch: RapidPro, its SDKs, an MMS, UTF-16
    ('sinch', as_json({'id': 's1', 'from': '12025550199', 'to': '18440000000', 'body': "Hello World",
                       'type': 'mo_text', 'received_at': '2020-02-03T04:05:06.643Z'}),
     [('s1', '+12025550199', "Hello World", TIME)]),
    ('sinch', as_json({
        'id': 's1', 'from': '12025550199', 'to': '18440000000', 'type': 'mo_media', 'body': {
            'subject': "S", 'message': "Look", 'media': [{'url': 'https://example.com/a', 'status': 'Uploaded'}]}}),
     [('s1', '+12025550199', "Look", '')]),
    ('sinch', ('POST', '', 'application/json; charset=utf-16', as_json({
        'id': 's1', 'from': '12025550199', 'to': '1', 'body': UNICODE, 'type': 'mo_text'})[3].encode('utf-16')),
     [('s1', '+12025550199', UNICODE, '')]),
    # Telnyx: its API reference, an MMS without text
    ('telnyx', _telnyx(), [('75', '+12025550199', "Hello there!", TIME)]),
    ('telnyx', _telnyx(text=UNICODE, encoding='UCS-2', parts=7), [('75', '+12025550199', UNICODE, TIME)]),
    ('telnyx', _telnyx(text="", type='MMS', media=[{'url': 'https://example.com/a'}]),
     [('75', '+12025550199', "", TIME)]),
    # without the ID of the SMS, numbers as texts, API v1
    ('telnyx', as_json({'data': {'record_type': 'message', 'id': 'e', 'event_type': 'message.received', 'payload': {
        'from': {'phone_number': '+12025550199', 'carrier': "C", 'line_type': 'Wireless'},
        'to': [{'phone_number': '+12025550100', 'status': 'delivered'}], 'text': "Hi", 'direction': 'inbound'},
        'occurred_at': '2020-02-03T04:05:06.789+00:00'}}), [('e', '+12025550199', "Hi", TIME)]),
    ('telnyx', as_json({'data': {'event_type': 'message.received', 'payload': {
        'id': '75', 'from': '+12025550199', 'to': '+12025550100', 'text': UNICODE}}}),
     [('75', '+12025550199', UNICODE, '')]),
    ('telnyx', as_json({'sms_id': 's1', 'direction': 'inbound', 'from': '+12025550199', 'to': '+12025550100',
                        'body': "Hi"}), [('s1', '+12025550199', "Hi", '')]),
    # 46elks, SMSAPI, BulkSMS, CM, GatewayAPI, seven, LOX24, D7, Esendex, Termii, Android SMS Gateway
    ('fortysixelks', raw('direction=incoming&id=sf1&from=%2B46700000001&to=%2B46700000000'
                         '&created=2020-02-03T04%3A05%3A06.741000&message=How%20are%20you%3F'),
     [('sf1', '+46700000001', "How are you?", TIME)]),
    ('fortysixelks', form(**{'from': '+46700000001'}, to='+46700000000', message=UNICODE, id='sf1'),
     [('sf1', '+46700000001', UNICODE, '')]),
    ('smsapi', raw('sms_to=48500000001&sms_from=48500000000&sms_text=Cze%C5%9B%C4%87&sms_date=1580702706&username=u'
                   '&MsgId=17'), [('17', '+48500000000', "Cześć", TIME)]),
    ('smsapi', query(sms_to='48500000001', sms_from='48500000000', sms_text="Test", sms_date='1580702706'),
     [('', '+48500000000', "Test", TIME)]),
    ('bulksms', as_json([{
        'id': 'r1', 'type': 'RECEIVED', 'from': '27830000001', 'to': '27980000001', 'body': "Hi", 'encoding': 'TEXT',
        'protocolId': 0, 'messageClass': 0, 'submission': {'id': '2-0', 'date': '2020-02-03T04:05:06Z'},
        'status': None, 'relatedSentMessageId': 'x', 'numberOfParts': None, 'creditCost': None}]),
     [('r1', '+27830000001', "Hi", TIME)]),
    ('cm', as_json({'from': '+31610000001', 'to': '3669', 'message': "Hi", 'reference': 'r', 'groupings': ['a'],
                    'timeUtc': '2020-02-03T04:05:06Z', 'messageContext': '', 'channel': 'sms'}),
     [('', '+31610000001', "Hi", TIME)]),
    ('gatewayapi', as_json({
        'id': 1000001, 'msisdn': 4587650001, 'receiver': 451204, 'message': "foo " + UNICODE, 'senttime': 1580702706,
        'webhook_label': 'test', 'sender': None, 'mcc': None, 'mnc': None, 'validity_period': None, 'encoding': None,
        'udh': None, 'payload': None}), [('1000001', '+4587650001', "foo " + UNICODE, TIME)]),
    ('seven', as_json({'webhook_event': 'sms_mo', 'webhook_timestamp': '2020-10-02 09:02:01', 'data': {
        'id': 681590, 'sender': '491770000001', 'system': '491510000001', 'text': "Hey", 'time': 1580702706}}),
     [('681590', '+491770000001', "Hey", TIME)]),
    ('seven', raw('webhook_event=sms_mo&webhook_timestamp=2020-10-02+09%3A02%3A01&data%5Bid%5D=681590'
                  '&data%5Bsystem%5D=491510000001&data%5Bsender%5D=491770000001&data%5Btime%5D=1580702706'
                  '&data%5Btext%5D=Gr%C3%BC%C3%9Fe'), [('681590', '+491770000001', "Grüße", TIME)]),
    ('lox24', raw_query('sender_id=%2B491701000001&text=Gr%C3%BC%C3%9Fe&time=1580702706&uuid=u&phone=491700001&id=7'),
     [('7', '+491701000001', "Grüße", TIME)]),
    ('d7networks', as_json({'mo_id': 'd1', 'sender': '+971560000001', 'receiver': 'Info', 'text': "Sample Message",
                            'keyword': 'Sample'}), [('d1', '+971560000001', "Sample Message", '')]),
    ('esendex', raw(xml('<InboundMessage xmlns="http://api.esendex.com/ns/"><Id>0</Id><MessageId>x1</MessageId>'
                        '<MessageText>Hi &lt;b&gt;</MessageText><From>447700900001</From><To>447700900000</To>'
                        '</InboundMessage>')[3]), [('x1', '+447700900001', "Hi <b>", '')]),
    ('esendex', raw('<InboundMessage>\n <Id>0</Id>\n <MessageId>x1</MessageId>\n'
                    ' <AccountId>a</AccountId>\n <MessageText> some text</MessageText>\n <From>447700900001</From>\n'
                    ' <To>447700900000</To>\n</InboundMessage>\n', 'text/xml'),
     [('x1', '+447700900001', " some text", '')]),
    ('termii', as_json({'type': 'inbound', 'id': 'e', 'message_id': 'te1', 'receiver': '2348000000000',
                        'sender': '2348030000001', 'message': UNICODE, 'received_at': '2020-02-03 04:05:06',
                        'cost': 0, 'status': 'received'}), [('te1', NIGERIA, UNICODE, TIME)]),
    ('android_sms_gateway', as_json({'event': 'sms:batch:received', 'id': 'e', 'payload': {'messages': [
        {'messageId': f'g{index}', 'message': f"Text {index}", 'sender': '+12025550199', 'recipient': None,
         'simNumber': 1, 'receivedAt': '2020-02-03T11:05:06.000+07:00'} for index in (1, 2)]}}),
     [(f'g{index}', '+12025550199', f"Text {index}", TIME) for index in (1, 2)]),
    ('android_sms_gateway', as_json({'deviceId': 'd', 'event': 'sms:received', 'id': 'e', 'webhookId': 'w', 'payload': {
        'messageId': 'g1', 'message': UNICODE, 'phoneNumber': '+12025550199', 'simNumber': 1,
        'receivedAt': '2020-02-03T11:05:06.000+07:00'}}), [('g1', '+12025550199', UNICODE, TIME)]),
]
