# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How each SDK sends an SMS, and why its request may differ from the template's.

An SDK is given the number in the format of its documentation, and everything else that the template sends and the SDK
supports: the client reference, the callback URL, the encoding.
"""
from sdk_comparison import COMPARISONS, compare, sdk

__all__ = ['COMPARISONS', 'compare']

CANNOT = 'optional, the SDK does not support it'
DEFAULT = 'the SDK writes out the default'
JSON_ANSWER = 'the template requests a JSON response'
JSON_ONLY = 'this API responds with JSON only'
NULL = 'null is the same as leaving it out'
TELEMETRY = 'telemetry of the SDK'


# === OFFICIAL SDKS === #


@sdk('africastalking', 'africastalking')
def africastalking(sms):
    import africastalking
    africastalking.initialize(sms.username, sms.api_key)
    africastalking.SMS.send(sms.text, [sms.number], sms.sender, enqueue=True)


@sdk('android_sms_gateway', 'android-sms-gateway', {'body.isEncrypted': DEFAULT, 'body.priority': DEFAULT})
def android_sms_gateway(sms):
    from android_sms_gateway import APIClient, Message, TextMessage
    with APIClient(sms.username, sms.password) as client:
        client.send(Message(id=sms.uuid, phone_numbers=[sms.number], text_message=TextMessage(sms.text)))


@sdk('bandwidth', 'bandwidth-sdk', {'header.accept': JSON_ONLY})
def bandwidth(sms):
    import bandwidth
    configuration = bandwidth.Configuration(username=sms.username, password=sms.password)
    bandwidth.MessagesApi(bandwidth.ApiClient(configuration)).create_message(sms.account_id, bandwidth.MessageRequest(
        application_id=sms.token, to=[sms.number], var_from=sms.sender, text=sms.text, tag=sms.uuid))


@sdk('brevo', 'brevo-python', {'header.accept': JSON_ANSWER, 'header.x-fern-*': TELEMETRY})
def brevo(sms):
    import brevo
    brevo.Brevo(api_key=sms.api_key).transactional_sms.send_transac_sms(
        recipient=sms.digits, sender=sms.sender, content=sms.text, type='transactional',
        unicode_enabled=sms.is_unicode, web_url=sms.callback)


@sdk('clickatell', 'clickatell-platform', {
    'path': 'the template uses the One API, which followed the API of the SDK on the same host',
    'body.messages.0.channel': 'the older API has no other channel',
}, moved={
    'body.': ('body.messages.0.', 'the older API takes one text'),
    'body.to.0': ('body.messages.0.to', 'the older API takes one text for several numbers'),
})
def clickatell(sms):
    from clickatell.rest import Rest
    Rest(sms.api_key).sendMessage([sms.digits], sms.text, {'from': sms.sender, 'clientMessageId': sms.uuid})


@sdk('clicksend', 'clicksend-client', {'header.accept': JSON_ONLY})
def clicksend(sms):
    import clicksend
    configuration = clicksend.Configuration(username=sms.username, password=sms.password)
    clicksend.SmsApi(clicksend.ApiClient(configuration)).send_sms(send_sms_request={'messages': [{
        'source': 'odoo', 'from': sms.sender, 'to': sms.number, 'body': sms.text, 'custom_string': sms.uuid}]})


@sdk('cm', 'cm-text-sdk-python', {
    'header.accept': JSON_ANSWER,
    'body.messages.msg.0.body.type': 'the documentation and Apprise write it in small letters',
    'body.messages.msg.0.minimumNumberOfMessageParts': CANNOT,
    'body.messages.msg.0.maximumNumberOfMessageParts': CANNOT,
    'body.messages.msg.0.customGrouping3': TELEMETRY,
    'header.x-cm-sdk': TELEMETRY,
}, moved={
    'body.messages.authentication.producttoken': ('header.x-cm-producttoken', 'both are documented'),
})
def cm(sms):
    from cm_text.text_client import TextClient
    TextClient(sms.token).SendSingleMessage(sms.text, sms.sender, [f'00{sms.digits}'], reference=sms.uuid)


@sdk('d7networks', 'direct7', {
    'body.messages.0.data_coding': 'the SDK sends every text as Unicode; with auto D7 chooses',
    'body.message_globals.schedule_time': NULL,
    'body.message_globals.tag': NULL,
})
def d7networks(sms):
    from direct7 import Client
    Client(sms.token).sms.send_messages(
        {'recipients': [sms.number], 'content': sms.text}, originator=sms.sender, report_url=sms.callback)


@sdk('infobip', 'infobip-api-python-client')
def infobip(sms):
    import infobip_api_client as infobip
    configuration = infobip.Configuration('api.infobip.com', {'APIKeyHeader': sms.api_key}, {'APIKeyHeader': 'App'})
    message = infobip.SmsMessage(
        sender=sms.sender, destinations=[infobip.SmsDestination(to=sms.digits)],
        content=infobip.SmsMessageContent(infobip.SmsTextContent(text=sms.text)),
        webhooks=infobip.SmsWebhooks(
            delivery=infobip.SmsMessageDeliveryReporting(url=sms.callback), content_type='application/json',
            callback_data=sms.uuid))
    infobip.SmsApi(infobip.ApiClient(configuration)).send_sms_messages(infobip.SmsRequest(messages=[message]))


@sdk('messagebird', 'messagebird', {'header.accept': JSON_ONLY}, moved={
    'body.recipients': ('body.recipients.0', 'the SDK joins the numbers with commas, the specification has a list'),
})
def messagebird(sms):
    import messagebird
    messagebird.Client(sms.api_key).message_create(sms.sender, [sms.digits], sms.text, {
        'datacoding': 'auto', 'reference': sms.uuid, 'reportUrl': sms.callback})


@sdk('plivo', 'plivo', {
    'header.accept': JSON_ONLY,
    'body.log': DEFAULT,
    'body.trackable': DEFAULT,
})
def plivo(sms):
    import plivo
    plivo.RestClient(sms.username, sms.password).messages.create(
        src=sms.sender, dst=sms.number, text=sms.text, url=f'{sms.callback}?uuid={sms.uuid}')


@sdk('seven', 'sms77api', {
    'host': 'the former name of the company',
    'type': 'the SDK has no body',
    'header.accept': JSON_ANSWER,
}, moved={
    'query.': ('body.', 'both are documented'),
    'query.p': ('header.x-api-key', 'the older place; the template keeps the key out of the URL'),
})
def seven(sms):
    from sms77api.Sms77api import Sms77api
    Sms77api(sms.api_key).sms(sms.number, sms.text, {'from': sms.sender, 'foreign_id': sms.uuid})


@sdk('sinch', 'sinch', {'body.type': DEFAULT})
def sinch(sms):
    from sinch import SinchClient
    SinchClient(service_plan_id=sms.account_id, sms_api_token=sms.token, sms_region='us').sms.batches.send_sms(
        to=[sms.number], from_=sms.sender, body=sms.text, delivery_report='per_recipient',
        event_destination_target=sms.callback, client_reference=sms.uuid)


@sdk('smsapi', 'smsapi-client', {'header.x-request-id': 'a random one, for the logs'})
def smsapi(sms):
    from smsapi.client import SmsApiComClient
    SmsApiComClient(access_token=sms.token).sms.send(
        to=sms.digits, message=sms.text, from_=sms.sender, encoding='utf-8', notify_url=sms.callback)


@sdk('taqnyat', 'Taqnyat', {
    'body.auth': 'the token a second time; the Authorization header has it',
    'body.scheduledDatetime': NULL,
})
def taqnyat(sms):
    from TaqnyatSms import client
    client.json = {}  # of the class: it would keep the last SMS
    client(sms.token).sendMsg(sms.text, [sms.digits], sms.sender, None)


@sdk('telnyx', 'telnyx', {'header.x-stainless-*': TELEMETRY})
def telnyx(sms):
    import telnyx
    telnyx.Telnyx(api_key=sms.token).messages.send(
        from_=sms.sender, to=sms.number, text=sms.text, messaging_profile_id=sms.account_id,
        webhook_url=f'{sms.callback}?uuid={sms.uuid}')


@sdk('twilio', 'twilio', {
    'header.accept': 'the path ends in .json, which asks for it',
    'header.accept-charset': 'JSON is UTF-8',
    'header.x-twilio-client': TELEMETRY,
})
def twilio(sms):
    from twilio.rest import Client
    Client(sms.username, sms.password).messages.create(
        to=sms.number, from_=sms.sender, body=sms.text, status_callback=f'{sms.callback}?uuid={sms.uuid}')


@sdk('vonage', 'vonage-sms', {
    'header.accept': 'the path ends in json, which asks for it',
    'body.status-report-req': 'True is how Python writes it; the specification says boolean, default true',
})
def vonage(sms):
    from vonage_http_client import Auth, HttpClient
    from vonage_sms import Sms, SmsMessage
    Sms(HttpClient(Auth(sms.username, sms.password))).send(SmsMessage(
        to=sms.digits, from_=sms.sender, text=sms.text, type='unicode' if sms.is_unicode else 'text',
        status_report_req=True, client_ref=sms.uuid, callback=sms.callback))


# === THIRD PARTIES === #


def apprise(url, text):
    from apprise import Apprise
    Apprise.instantiate(url).send(body=text)


@sdk('bulksms', 'apprise', {
    'query.auto-unicode': 'Apprise sends every text as Unicode, the template leaves it to BulkSMS',
    'body.0.encoding': 'the same, from the other side',
    'body.0.userSuppliedId': CANNOT,
    'body.0.routingGroup': DEFAULT,
    'body.0.deliveryReports': 'Apprise wants reports of errors only; all is the default',
    'body.0.from': 'Apprise writes a + before it, the template sends what the administrator typed',
}, moved={
    'body.': ('body.0.', 'a single SMS need not be in a list'),
})
def bulksms(sms):
    apprise(f'bulksms://{sms.username}:{sms.password}@{sms.digits}?from={sms.sender}', sms.text)


@sdk('cm', 'apprise', {'body.messages.msg.0.reference': CANNOT})
def cm_by_apprise(sms):
    apprise(f'cm://{sms.sender}@{sms.token}/{sms.digits}', sms.text)


@sdk('d7networks', 'apprise', {
    'body.messages.0.recipients.0': 'the documentation and the SDK of D7 write the +',
    'body.messages.0.channel': 'the documentation and the SDK of D7 have it with each message',
    'body.message_globals.channel': 'the same, from the other side',
    'body.messages.0.msg_type': CANNOT,
    'body.message_globals.report_url': CANNOT,
})
def d7networks_by_apprise(sms):
    apprise(f'd7sms://{sms.token}@{sms.digits}?from={sms.sender}', sms.text)


@sdk('fast2sms', 'fast2sms', {
    'method': 'GET and POST are both documented',
    'type': 'the SDK has no body',
    'header.cache-control': 'a POST is never answered from a cache',
    'body.flash': CANNOT,
    'body.language': 'the SDK knows English only',
}, moved={
    'query.': ('body.', 'as the method'),
    'query.authorization': ('header.authorization', 'both are documented; the template keeps the key out of the URL'),
})
def fast2sms(sms):
    from fast2sms.client import F2Client
    F2Client(sms.api_key).quick_sms(sms.digits[2:], sms.text)  # without country code


@sdk('fortysixelks', 'apprise', {
    'body.to': 'documented in E.164, with +',
    'body.whendelivered': CANNOT,
})
def fortysixelks(sms):
    apprise(f'46elks://{sms.username}:{sms.password}@{sms.sender}/{sms.digits}', sms.text)


@sdk('msegat', 'msegat', {'body.msgEncoding': CANNOT, 'body.reqBulkId': CANNOT})
def msegat(sms):
    from msegat.client import MsegatClient
    MsegatClient(sms.sender, sms.username, sms.api_key).send_message(sms.digits, sms.text)


@sdk('semaphore', 'semaphore-sms', {
    'host': 'the documentation has https',
    'path': 'the documentation has no slash at the end',
}, number='+639980101010')
def semaphore(sms):
    from semaphore_sms.client import SemaphoreClient
    SemaphoreClient(sms.api_key, sms.sender).send(sms.text, [sms.digits])


@sdk('seven', 'apprise', {'body.foreign_id': CANNOT, 'header.sentwith': TELEMETRY})
def seven_by_apprise(sms):
    apprise(f'seven://{sms.api_key}/{sms.digits}?from={sms.sender}', sms.text)


@sdk('termii', 'termii-py', {'header.accept': JSON_ANSWER})
def termii(sms):
    from termii.messaging import Messaging
    client = Messaging()
    client.authenticate_direct(sms.api_key, 'https://api.ng.termii.com', sms.sender)
    client.send_message(receivers=[sms.digits], text=sms.text)
