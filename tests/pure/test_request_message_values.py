# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values that differ between the SMS of a gateway: sender, DLT identifiers, message type."""
import json
from dataclasses import replace

from ...sending.message_rules import MessageRules
from ...tools.problem import ProblemError
from ...tools.request.builder import build_requests, preview
from ...tools.request.config import MessageValues, Parameter
from ...tools.sender_id import check_sender
from .common import MESSAGE, NUMBER, NUMBERS, URL, PureCase, form, get, json_body, one, received, recipient

DLT = (Parameter('pe', '{dlt_entity_id}'), Parameter('te', 'T{dlt_template_id}'))
INDIA = MessageValues(dlt_entity_id='E1', dlt_template_id='T1', message_type='4', needs_dlt=True)


def sms(index, message='Hello', **values):
    return replace(recipient(index, message), values=MessageValues(**values))


class TestRequests(PureCase):
    def test_the_sender_replaces_that_of_the_gateway_everywhere(self):
        config = get(
            NUMBER, MESSAGE, Parameter('from', '{sender}'), url=f'{URL}/{{sender}}', sender='Usual',
            headers=(('X-From', '{sender}'),))
        own = MessageValues(sender='Own & 1')
        for values, sender in ((None, 'Usual'), (MessageValues(), 'Usual'), (own, 'Own & 1')):
            path, query, headers, _body = received(one(config, replace(recipient(1), values=values)))
            self.assertTrue(path.endswith('/' + sender.replace(' ', '%20').replace('&', '%26')), path)
            self.assertEqual((dict(query)['from'], headers['X-From']), (sender, sender))

    def test_what_a_request_shares_keeps_sms_apart(self):
        senders = ('A', 'B', '', 'A')
        group = [sms(index, sender=sender) for index, sender in enumerate(senders)]
        config = form(NUMBERS, MESSAGE, Parameter('from', '{sender}'), multiple_recipients=True, sender='Usual')
        requests = build_requests(config, group)
        self.assertEqual(
            [(dict(received(request)[3])['from'], len(request.recipients)) for request in requests],
            [('A', 2), ('B', 1), ('Usual', 1)])
        # a value that the request does not contain separates nothing
        self.assertEqual(len(build_requests(replace(config, parameters=(NUMBERS, MESSAGE)), group)), 1)

    def test_each_has_its_own_values_in_one_request(self):
        config = json_body(
            ['__each__', {'to': '{phone}', 'from': '{sender}', 'type': '__message_type__', 'pe': '{dlt_entity_id}'}],
            multiple_recipients=True, sender='Usual')
        request = one(config, sms(1, sender='A', message_type='1'), replace(recipient(2), values=INDIA))
        self.assertEqual([
            {'to': '+923000000001', 'from': 'A', 'type': 1},
            {'to': '+923000000002', 'from': 'Usual', 'type': 4, 'pe': 'E1'},
        ], received(request)[3])

    def test_dlt_is_left_out_for_other_countries(self):
        config = form(NUMBER, MESSAGE, *DLT)
        for values, expected in ((MessageValues(), {}), (None, {}), (INDIA, {'pe': 'E1', 'te': 'TT1'})):
            body = dict(received(one(config, replace(recipient(1), values=values)))[3])
            self.assertEqual({key: body[key] for key in ('pe', 'te') if key in body}, expected)

    def test_an_sms_that_lacks_a_value_is_refused_alone(self):
        typed = Parameter('type', '{message_type}')
        for config, values, code in (
                (form(NUMBERS, MESSAGE, *DLT), replace(INDIA, dlt_entity_id=''), 'dlt_entity_missing'),
                (form(NUMBERS, MESSAGE, *DLT), replace(INDIA, dlt_template_id=''), 'dlt_template_missing'),
                (form(NUMBERS, MESSAGE, typed), replace(INDIA, message_type=''), 'message_type_missing'),
                (json_body({'l': ['__each__', {'to': '{phone}', 'm': '{message}', 'k': '{dlt_template_id}'}]}),
                 replace(INDIA, dlt_template_id=''), 'dlt_template_missing')):
            refused = []
            bad, good = replace(recipient(1), values=values), replace(recipient(2), values=INDIA)
            requests = build_requests(
                replace(config, multiple_recipients=True), [bad, good], refused)
            self.assertEqual([request.recipients for request in requests], [(good,)])
            self.assertEqual([(one_sms, problem.code) for one_sms, problem in refused], [(bad, code)])
        # what the request does not contain is not missing
        self.assertTrue(one(form(NUMBER, MESSAGE), sms(1, needs_dlt=True)))

    def test_the_preview_shows_what_is_given(self):
        shown = preview(form(NUMBER, MESSAGE, *DLT, Parameter('from', '{sender}')), [replace(
            recipient(1), values=replace(INDIA, sender='Shop'))])
        self.assertIn('pe=E1', shown)
        self.assertIn('from=Shop', shown)
        self.assertIn('Shop', json.dumps(shown))


class TestRules(PureCase):
    SENDERS = {('FR', None): 'France', ('FR', 2): 'Two-FR', (None, 2): 'Two', ('IN', None): 'INDIAS'}

    def test_the_most_specific_sender_wins(self):
        rules = MessageRules(senders=self.SENDERS)
        for number, company, sender in (
                ('+33612345678', 1, 'France'), ('+33612345678', 2, 'Two-FR'), ('+4915112345678', 2, 'Two'),
                ('+4915112345678', 1, ''), ('+918123456789', 1, 'INDIAS'), (None, 1, ''), (None, 2, 'Two')):
            with self.subTest(number=number, company=company):
                self.assertEqual(rules.get_values(company, number).sender, sender)
                self.assertEqual(rules.get_values(company, number, sender='Reply').sender, 'Reply')

    def test_dlt_is_for_numbers_of_india(self):
        rules = MessageRules(entity_ids={1: 'E1'})
        values = rules.get_values(1, '+918123456789', dlt_template_id='T')
        self.assertEqual((values.dlt_entity_id, values.dlt_template_id, values.needs_dlt), ('E1', 'T', True))
        self.assertEqual(rules.get_values(2, '+918123456789').dlt_entity_id, '')
        self.assertEqual(rules.get_values(1, '+33612345678', dlt_template_id='T'), MessageValues())
        self.assertEqual(replace(rules, entity_id='G').get_values(1, '+918123456789').dlt_entity_id, 'G')

    def test_the_lane_decides_unless_the_template_does(self):
        rules = MessageRules(words={'transactional': 'T', 'promotional': 'P'})
        for lane, chosen, word in (
                ('urgent', '', 'T'), ('normal', '', 'T'), ('bulk', '', 'P'), ('bulk', 'transactional', 'T'),
                ('urgent', 'promotional', 'P')):
            self.assertEqual(rules.get_values(1, None, lane=lane, message_type=chosen).message_type, word)


class TestSenderIds(PureCase):
    def test_accepted(self):
        for sender in ('Shop', 'Shop & Co 1', '+15005550006', '3456', '12345', '+1 (500) 555-0006', 'MG' + 'a' * 32,
                       'Café', '1' * 15, 'ELEVEN CHAR'):
            with self.subTest(sender=sender):
                check_sender(sender)

    def test_refused(self):
        for sender, code in (
                ('TWELVE CHARS', 'sender_too_long'), ('Shop\n', 'sender_characters'), ('Магазин', 'sender_characters'),
                ('1' * 16, 'sender_digits'), ('+', 'sender_digits'), ('Łódź', 'sender_characters')):
            with self.subTest(sender=sender), self.assertRaises(ProblemError) as raised:
                check_sender(sender)
            self.assertEqual(raised.exception.problem.code, code)
