# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The two sides that scripts/demo can send to: an HTTP provider of ours, or a real Kannel.

Each offers `name`, `gateways()`, `arrived(number)`, `exchange(number)`, `report(number)`, `receive_at(url)` and
`write(sender, recipient, text)`, and says in `shows_requests` whether the exchange contains the request that Odoo sent.
"""
import contextlib
import re
import secrets
import sys

import environment
from kannel import Kannel, KannelError

sys.path.insert(1, str(environment.REPOSITORY / 'tests'))
from provider import Provider, describe, report_delivery

PREFIX = '+44'
INBOUND = {
    'inbound_enabled': True, 'inbound_kind_param': 'sender', 'inbound_message_id_param': 'id',
    'inbound_number_param': 'sender', 'inbound_recipient_param': 'to', 'inbound_text_param': 'message',
}


def digits(number):
    return re.sub(r'\D', '', number)


def _first(value):
    """:return: the value, or the first of several as a query or a form has them."""
    return value[0] if isinstance(value, list) else value


class Loopback(contextlib.ExitStack):
    """The HTTP provider of tests/provider.py, which accepts every SMS; one gateway sends JSON, the other forms."""
    name = "our loopback provider"
    shows_requests = True

    def __enter__(self):
        self.token, self.api_key = secrets.token_hex(12), secrets.token_hex(12)
        self.provider = self.enter_context(Provider())
        return self

    def gateways(self):
        """:return: the values of two `sms.gateway` records, a list of dict: one with a prefix, one without."""
        return [
            {
                'name': "Demo JSON", 'sequence': 5, 'country_prefixes': PREFIX, 'sender': 'DemoJSON',
                'base_url': f'{self.provider.url}/json/messages', 'method': 'post', 'request_type': 'json',
                'auth_type': 'token', 'token': self.token,
                'header_ids': [(0, 0, {'key': 'Authorization', 'value': 'Bearer {token}'})],
                'body_template': '{"from": "__sender__", "to": "__phone__", "text": "__message__", "uuid": "__uuid__", '
                                 '"callback_url": "__callback_url__"}',
                'answer_items_path': 'messages[]', 'answer_number_path': 'to', 'answer_message_id_path': 'id',
                'delivery_callback_enabled': True, **INBOUND,
            },
            {
                'name': "Demo Form", 'sequence': 10, 'sender': 'DemoForm', 'number_format': 'international',
                'base_url': f'{self.provider.url}/form/send', 'method': 'post', 'request_type': 'form',
                'auth_type': 'api_key', 'api_key': self.api_key,
                'parameter_ids': _parameters(
                    ('api_key', '', 'auth'), ('from', '{sender}', 'other'), ('to', '', 'number'),
                    ('text', '', 'message'), ('uuid', '{uuid}', 'other'), ('callback_url', '{callback_url}', 'other')),
                'message_id_regex': r'"id": "([^"]+)"',
                'delivery_callback_enabled': True,
            },
        ]

    def arrived(self, number):
        """:return: (sender, text) of each SMS that reached the provider for a number, a list."""
        return [(_first(request.document().get('from')), text) for request in self.provider.requests
                for recipient, text in self.provider.extract(request) if digits(recipient) == digits(number)]

    def exchange(self, number):
        """:return: the HTTP exchange of a number's SMS, secrets masked, str."""
        return '\n'.join(describe(request, self.provider.reply_to(request), (self.token, self.api_key))
                         for request in self._requests(number))

    def report(self, number):
        """Post the delivery report of a number's SMS to the callback URL that its request named."""
        for request in self._requests(number):
            document = request.document()
            message_id = self.provider.reply_to(request).body['id']
            status = report_delivery(_first(document['callback_url']), uuid=_first(document['uuid']),
                                     message_id=message_id, status='delivered')
            print(f'  Report     status=delivered, answered with HTTP {status}')

    def receive_at(self, url):
        """Take the inbound URL, to which `write` posts."""
        self.inbound_url = url

    def write(self, sender, recipient, text):
        """Post an SMS that a person wrote."""
        report_delivery(self.inbound_url, sender=sender, to=recipient, message=text)

    def _requests(self, number):
        return [request for request in self.provider.requests
                if any(digits(recipient) == digits(number) for recipient, _text in self.provider.extract(request))]


class RealKannel(contextlib.ExitStack):
    """Kannel's smsbox, called with GET as its user guide says; two gateways that differ in prefix and sender."""
    name = "a real Kannel (bearerbox, smsbox, fake SMSC)"
    shows_requests = False

    def __enter__(self):
        try:
            self.kannel = self.enter_context(Kannel())
        except KannelError as error:
            environment.fail(str(error))
        return self

    def gateways(self):
        """:return: the values of two `sms.gateway` records, a list of dict: one with a prefix, one without."""
        return [self._gateway("Demo Kannel UK", 'DemoUK', sequence=5, country_prefixes=PREFIX),
                self._gateway("Demo Kannel", 'Demo', sequence=10)]

    def _gateway(self, name, sender, **values):
        return {
            'name': name, 'sender': sender, 'base_url': self.kannel.sendsms_url, 'method': 'get',
            'number_format': 'international', 'success_http_codes': '202',
            'auth_type': 'custom', 'username': self.kannel.username, 'password': self.kannel.password,
            'encoding_gsm': '0', 'encoding_unicode': '2',
            'parameter_ids': _parameters(
                ('username', '{username}', 'auth'), ('password', '{password}', 'auth'), ('from', '{sender}', 'other'),
                ('to', '', 'number'), ('text', '', 'message'), ('charset', 'UTF-8', 'other'),
                ('coding', '{encoding}', 'other'), ('dlr-mask', '31', 'other'),
                ('dlr-url', '{callback_url}?uuid={uuid}&status=%d&reply=%A', 'other')),
            'delivery_callback_enabled': True,
            'delivery_callback_error_message_param': 'reply',
            'delivery_callback_status_success': '1',
            'delivery_callback_status_pending': '4,8,32',
            'delivery_callback_status_error': '2,16',
            **INBOUND, 'inbound_time_param': 'ts', 'inbound_encoding': 'bytes', 'inbound_encoding_param': 'charset',
            **values,
        }

    def arrived(self, number):
        """:return: (sender, text) of each SMS that reached the fake SMSC for a number, a list."""
        return [(sender, text) for sender, recipient, text in self.kannel.received()
                if digits(recipient) == digits(number)]

    def exchange(self, number):
        """:return: what smsbox and the fake SMSC wrote about a number's SMS, str."""
        taken = re.findall(rf'INFO: (sendsms sender:.* to:<{digits(number)}> .*)', self.kannel.log('smsbox'))
        return '\n'.join([*(f'smsbox: {line}' for line in taken),
                          *(f'SMSC: from {sender}: {text}' for sender, text in self.arrived(number))])

    def receive_at(self, url):
        """Have Kannel call the inbound URL."""
        self.kannel.send_to(url)

    def write(self, sender, recipient, text):
        """Have the fake SMSC send an SMS that a person wrote."""
        self.kannel.write(sender, recipient, text)

    def report(self, number):
        """Do nothing, because Kannel calls the callback itself: status 8 (accepted by the SMSC) and 1 (delivered)."""


def _parameters(*rows):
    return [(0, 0, {'sequence': sequence, 'key': key, 'value': value, 'param_type': param_type})
            for sequence, (key, value, param_type) in enumerate(rows, 1)]
