# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A response that refuses an SMS shows its own words, also if the gateway does not say where they are."""
import json

from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from ...tools.answer.words import find_words, summarize
from ...tools.request.builder import Recipient
from .. import template_samples
from .common import PureCase, read_one

# the words in the samples of the providers, in the order of the file: (provider, name of the answer): words
DOCUMENTED = {
    ('africastalking', 'bad number'): "InvalidPhoneNumber",
    ('africastalking', 'sender not registered'): "InvalidSenderId",
    ('android_sms_gateway', 'queue full'): "queue limits exceeded",
    ('bandwidth', 'bad sender'): "'+invalid' must be replaced with a valid E164 formatted telephone number",
    ('bandwidth', 'wrong password'): "Access is denied",
    ('brevo', 'credit used up'): "Insufficient credits",
    ('bulksms', 'bad request'): "Bad Request",
    ('bulksms', 'with a detail'): "The number is not valid.",
    ('clickatell', 'bad key'): "Invalid or missing integration API Key",
    ('clicksend', 'country not enabled'): "COUNTRY_NOT_ENABLED",
    ('clicksend', 'wrong key'): "Authorization failed.",
    ('cm', 'all refused'): "Invalid number",
    ('cm', 'bad token'): "No account found for the given authentication",
    ('d7networks', 'a text as detail'): "Not authenticated",
    ('d7networks', 'credit used up'): "insufficient credit",
    ('d7networks', 'validation failed'): "field required",
    ('esendex', 'bad account reference'): "Invalid Account Reference EX0000000",
    ('fast2sms', 'bad number'): "Invalid Numbers",
    ('fortysixelks', 'credit used up'): "Not enough credits",
    ('gatewayapi', 'no credit'): "Insufficient credit",
    ('infobip', 'wrong key'): "Invalid login details",
    ('labsmobile', 'no credit'): "The account has no enough credit for this sending",
    ('lox24', 'bad service code'): "Service's code is invalid or unavailable.",
    ('messagebird', 'wrong key'): "Request not allowed (incorrect access_key)",
    ('msegat', 'bad number'): "Mobile numbers is not correct",
    ('msg91', 'no key'): "Missing Authentication Key",
    ('plivo', 'wrong token'): "authentication failed",
    ('semaphore', 'no credit'):
        "Your current balance of 0 credits is not sufficient. This transaction requires 1 credits.",
    ('semaphore', 'wrong sender'): "The selected sendername is invalid.",
    ('sinch', 'account blocked'): "Your account is blocked",
    ('smsapi', 'bad number'): "No correct phone numbers",
    ('smsmode', 'bad request'): "Query parameter: startDate invalid",
    ('sslwireless', 'unauthorized'): "Unauthorized",
    ('taqnyat', 'wrong token'): "invalid credentials information",
    ('telnyx', 'bad number'): "The 'to' address should be a single valid number.",
    ('telnyx', 'no detail'): "Too many requests",
    ('termii', 'several errors'): "Insufficient balance",
    ('turbosms', 'no token'): "REQUIRED_TOKEN",
    ('twilio', 'wrong credentials'): "Authenticate",
    ('unifonic', 'unsupported destination'): "unsupported destination",
    ('vonage', 'no credit'): "Quota Exceeded - rejected",
}
SHAPES = (
    # Twilio's XML, https://www.twilio.com/docs/usage/twilios-response
    (('<?xml version="1.0"?><TwilioResponse><RestException><Code>20003</Code><Message>Authenticate</Message>'
      '<MoreInfo>https://www.twilio.com/docs/errors/20003</MoreInfo><Status>401</Status></RestException>'
      '</TwilioResponse>'), "Authenticate"),
    # RFC 9457, RFC 6749 section 5.2, SOAP 1.1 section 4.4
    ({'type': 'https://example.com/problem', 'title': "Forbidden", 'detail': "Sender not allowed"},
     "Sender not allowed"),
    ({'error': 'invalid_client', 'error_description': "Wrong secret"}, "Wrong secret"),
    (('<Envelope><Body><Fault><faultcode>Client</faultcode><faultstring>No such user</faultstring></Fault></Body>'
      '</Envelope>'), "No such user"),
    # validation of single fields
    ({'message': "The given data was invalid.", 'errors': {'to': ["The to field is required."]}},
     "The given data was invalid: The to field is required."),
    ({'requestError': {'serviceException': {
        'messageId': 'BAD_REQUEST', 'text': "Bad Request", 'validationErrors': {'to': ["must not be empty"]}}}},
     "Bad Request: must not be empty"),
    ({'message': "Validation failed", 'errors': [{'field': 'to', 'code': 'invalid'}]}, "Validation failed"),
    ({'error': {'code': 403, 'message': "Not allowed", 'errors': [{'message': "Not allowed", 'reason': 'x'}]}},
     "Not allowed"),
    # nothing that explains the error
    ({'success': False}, ''), ([{'Response': '101'}], ''), ({'message': "SMS queued", 'id': 7}, ''), ({}, ''),
    ({'message': 'error', 'error': True, 'link': 'https://example.com/help'}, ''), ('{"message": "cut o', ''),
    ('plain text', ''), ('[' * 5000, ''), ('<' * 500, ''),
)


class TestWords(PureCase):

    def test_documented_errors(self):
        for (provider, name), words in DOCUMENTED.items():
            with self.subTest(provider=provider, answer=name):
                sample, = (one for one in template_samples.load(provider).answers if one['name'] == name)
                self.assertEqual(find_words(self.as_text(sample['body'])), words)

    def test_shapes(self):
        for body, words in SHAPES:
            with self.subTest(body=str(body)[:200]):
                self.assertEqual(find_words(self.as_text(body)), words)

    @staticmethod
    def as_text(body):
        return body if isinstance(body, str) else json.dumps(body)

    def test_result_of_a_gateway_without_paths(self):
        result = read_one(401, '{"requestError": {"serviceException": {"text": "Invalid login details"}}}')
        self.assertEqual((result.error_message, result.failure_type), ("Invalid login details", 'sms_acc'))
        self.assertEqual(read_one(400, '{"success": false}').error_message, '{"success": false}')
        self.assertEqual(read_one(400, 'ERR  102').error_message, 'ERR 102')
        self.assertEqual(
            read_one(502, '<html><head><title>Bad</title></head></html>').error_message, "HTTP 502 Bad Gateway")

    def test_named_path_wins(self):
        result = read_one(400, '{"message": "No", "why": "Sender missing"}', error_message_path='why')
        self.assertEqual(result.error_message, "Sender missing")

    def test_path_that_only_successes_have(self):
        """Infobip's 401 has no messages."""
        result = read_one(
            401, '{"requestError": {"serviceException": {"messageId": "UNAUTHORIZED", "text": "Invalid login"}}}',
            items_path='messages[]', error_message_path='status.description')
        self.assertEqual(result.error_message, "Invalid login")

    def test_repeated_sms_is_no_explanation(self):
        answer = HttpAnswer(400, '{"message": "Your code is 1234", "error": "Blocked sender"}')
        result, = interpret(AnswerRules(), [Recipient('u', '+32456001122', "Your code is 1234")], answer)
        self.assertEqual(result.error_message, "Blocked sender")

    def test_shared_request(self):
        """Nothing about one recipient reaches the document of another."""
        of_all = '{"message": "No credit for +32456001122", "account": 7}'
        self.assertEqual(summarize(of_all, is_shared=True), "No credit for …")
        of_each = '{"errors": [{"to": "1", "message": "Blocked"}, {"to": "2", "message": "Too long"}]}'
        self.assertEqual(find_words(of_each, is_shared=True), '')

    def test_no_secret_in_any_spelling(self):
        secret = 's3cret/of"the test'
        for spelling in (json.dumps(f"Bad key {secret}"), json.dumps(f"Bad key {secret}").replace('/', '\\/'),
                         '"Bad key ' + ''.join(f'\\u{ord(letter):04x}' for letter in secret) + '"'):
            with self.subTest(spelling=spelling):
                result = read_one(401, f'{{"error": {{"message": {spelling}}}}}', secrets=(secret,))
                self.assertNotIn(secret, result.error_message)
                self.assertTrue(result.error_message.startswith("Bad key"))

    def test_cost(self):
        """A body of many nodes is read in linear time, and not to its end."""
        for body in (
                json.dumps([{'a': ["b c"] * 3}] * 3000), '<a>' + ' ' * 60_000, '<a>' * 20_000, '<a ' * 20_000,
                '<a>' + 'b ' * 30_000 + '</c>', '{"a":' * 10_000, '{"message": "' + ' ' * 60_000 + '"}'):
            with self.subTest(body=body[:20]), self.assert_cheap(0.5):
                summarize(body)
