# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An answer to a request for several SMS says something about each, and nobody speaks for another: doc/behaviour.md
section 5."""
import json
import re

from .common import ONE, TWO, PureCase, Sms, read, read_one
from .made_up import cases, given, st


class TestJsonItems(PureCase):
    """doc/behaviour.md section 2, JSON Answer: one refused recipient in an HTTP 200 is an error and the others are
    not."""

    CLICKATELL = {
        'success_http_codes': frozenset((202, 207)), 'items_path': 'messages[]', 'number_path': 'to',
        'message_id_path': 'apiMessageId', 'status_path': 'accepted', 'error_code_path': 'error.code',
        'error_message_path': 'error.description', 'error_values': ('false',),
        'failure_map': (('23', 'sms_number_format'),)}

    def test_one_refused(self):
        text = json.dumps({'messages': [
            {'error': {'code': 23, 'description': 'Invalid to'}, 'accepted': False, 'to': '923007654321'},
            {'apiMessageId': 'A', 'accepted': True, 'to': '923001234567'}], 'error': None})
        first, second = read(207, text, TWO, **self.CLICKATELL)
        self.assertEqual((first.uuid, first.state, first.rule, first.message_id), ('u1', 'success', 6, 'A'))
        self.assertEqual((second.uuid, second.state, second.rule, second.outcome), ('u2', 'error', 0, 'refused'))
        self.assertEqual(
            (second.error_code, second.error_message, second.failure_type), ('23', 'Invalid to', 'sms_number_format'))
        self.assertFalse(second.retryable)

    def test_paths_from_the_root_and_from_the_item(self):
        rules = {**self.CLICKATELL, 'number_path': 'messages[].to', 'message_id_path': 'messages[].apiMessageId'}
        text = json.dumps({'messages': [
            {'apiMessageId': 'B', 'to': '923007654321'}, {'apiMessageId': 'A', 'to': '923001234567'}]})
        self.assertEqual([r.message_id for r in read(202, text, TWO, **rules)], ['A', 'B'])

    def test_conditions(self):
        text = json.dumps({'messages': [
            {'id': 'E', 'apiMessageId': 'B', 'to': '923007654321', 'error': {'code': 23}},
            {'id': 'E', 'apiMessageId': 'A', 'to': '923001234567'}]})
        for items_path, path in (
                ('messages[]', 'error.code?id|apiMessageId'),
                ('messages[]', 'messages[].error.code?messages[].id|messages[].apiMessageId')):
            rules = {'items_path': items_path, 'number_path': 'to', 'message_id_path': path}
            self.assertEqual([r.message_id for r in read(202, text, TWO, **rules)], ['A', 'E'])
        rules = {'number_path': 'messages[].to', 'message_id_path': 'messages[].to?messages[].apiMessageId'}
        self.assertEqual([r.message_id for r in read(202, text, TWO, **rules)], ['A', 'B'])

    def test_an_answer_without_items_is_read_as_a_whole(self):
        result = read_one(401, '{"error": {"code": 1, "description": "Invalid key"}}', **self.CLICKATELL)
        self.assertEqual((result.error_code, result.error_message, result.rule), ('1', 'Invalid key', 4))

    def test_refusals_inside_http_200(self):
        vonage = {
            'items_path': 'messages[]', 'status_path': 'status', 'message_id_path': 'message-id',
            'error_code_path': 'status', 'error_message_path': 'error-text',
            'error_values': tuple(f'{digit}*' for digit in range(1, 10)), 'failure_map': (('9', 'sms_credit'),)}
        turbosms = {
            'items_path': 'response_result[]', 'number_path': 'phone', 'message_id_path': 'message_id',
            'status_path': 'response_code', 'error_code_path': 'response_code',
            'error_message_path': 'response_status', 'error_values': ('1*', '2*', '3*', '4*', '5*', '9*'),
            'failure_map': (('406', 'sms_country_not_supported'), ('103', 'sms_acc'))}
        for text, rules, state, failure_type in (
                ('{"messages": [{"status": "0", "message-id": "x"}]}', vonage, 'success', ''),
                ('{"messages": [{"status": "9", "error-text": "Quota"}]}', vonage, 'error', 'sms_credit'),
                ('{"response_result": [{"phone": "923001234567", "response_code": 406, "message_id": null}]}',
                 turbosms, 'error', 'sms_country_not_supported'),
                ('{"response_code": 103, "response_result": null}', turbosms, 'error', 'sms_acc'),
                ('{"return": false, "message": "Invalid"}', {'status_path': 'return', 'error_values': ('FALSE',)},
                 'error', 'sms_server'),
                ('[{"id": "1", "status": {"type": "ACCEPTED"}}]',
                 {'items_path': '[]', 'status_path': 'status.type', 'error_values': ('failed',)}, 'success', ''),
        ):
            with self.subTest(text=text):
                result = read_one(200, text, **rules)
                self.assertEqual((result.state, result.failure_type), (state, failure_type))

    def test_a_shared_request_without_numbers(self):
        rules = {'items_path': 'list[]', 'status_path': 's', 'message_id_path': 'id', 'error_values': ('no',)}
        in_order = read(200, '{"list": [{"s": "ok", "id": 1}, {"s": "no", "id": 2}]}', TWO, **rules)
        self.assertEqual([(r.state, r.message_id) for r in in_order], [('success', '1'), ('error', '2')])
        one_for_all = read(200, '{"list": [{"s": "ok", "id": 1}]}', TWO, **rules)
        self.assertEqual([(r.state, r.message_id) for r in one_for_all], [('success', '1')] * 2)
        not_told = read(200, '{"list": [{"s": "ok"}, {"s": "no"}, {"s": "ok"}]}', TWO, **rules)
        self.assertEqual([(r.state, r.outcome) for r in not_told], [('pending', 'unknown')] * 2)
        all_refused = read(200, '{"list": [{"s": "no"}, {"s": "no"}, {"s": "no"}]}', TWO, **rules)
        self.assertEqual([r.state for r in all_refused], ['error'] * 2)

    def test_numbers_are_paired_by_digits(self):
        rules = {'items_path': '[]', 'number_path': 'n', 'message_id_path': 'id'}
        for numbers, expected in (
                (['00923007654321', '92 300 1234567'], ['2', '1']),
                (['3007654321', '03001234567'], ['2', '1']),
                ([923007654321], ['', '1']),
                (['92300*****67', '923007654321'], ['1', '2']),
        ):
            with self.subTest(numbers=numbers):
                text = json.dumps([{'n': number, 'id': index + 1} for index, number in enumerate(numbers)])
                self.assertEqual([r.message_id for r in read(200, text, TWO, **rules)], expected)
        twice = [Sms('u1', '+923001234567'), Sms('u2', '+923001234567')]
        text = json.dumps([{'n': '923001234567', 'id': 1}, {'n': '923001234567', 'id': 2}])
        self.assertEqual([r.message_id for r in read(200, text, twice, **rules)], ['1', '2'])

    def test_a_regex_gives_no_id_of_somebody_else(self):
        rules = {
            'items_path': 'r[]', 'number_path': 'n', 'status_path': 's', 'error_values': ('no',),
            'message_id_regex': '"id": "(AT[^"]+)"'}
        text = '{"r": [{"n": "923001234567", "s": "no", "id": "None"}, {"n": "923007654321", "s": "ok", "id": "AT2"}]}'
        self.assertEqual([(r.state, r.message_id) for r in read(200, text, TWO, **rules)],
                         [('error', ''), ('success', 'AT2')])

    def test_an_error_key_of_one_recipient_leaves_the_others_unknown(self):
        rules = {**self.CLICKATELL, 'error_key': '"accepted": false'}
        text = ('{"messages": [{"apiMessageId": "A", "accepted": true, "to": "923001234567"}, '
                '{"accepted": false, "to": "923007654321"}]}')
        self.assertEqual([(r.state, r.outcome) for r in read(202, text, TWO, **rules)],
                         [('error', 'unknown'), ('error', 'refused')])


class TestNobodySpeaksForAnother(PureCase):
    """doc/behaviour.md section 5: a recipient gets nothing of another's item, and is unknown when he has none of his
    own."""

    NUMBERS = ('+923001234567', '+923007654321', '+4915112345678')
    THREE = [Sms(f'u{index}', number) for index, number in enumerate(NUMBERS)]
    RULES = {
        'items_path': 'm[]', 'number_path': 'to', 'message_id_path': 'id', 'status_path': 's',
        'error_values': ('no',), 'error_code_path': 'c', 'require_message_id': True}
    UNKNOWN = ('unknown', '', '')

    def check(self, recipients, text, expected, status=200, **rules):
        with self.subTest(text=text, rules=rules):
            text = text if isinstance(text, str) else json.dumps(text)
            results = read(status, text, recipients, **{**self.RULES, **rules})
            self.assertEqual([(r.outcome, r.error_code, r.message_id) for r in results], expected)
            return results

    def test_a_recipient_without_an_item(self):
        one = {'m': [{'to': '923001234567', 'id': 'M1', 'note': 'E4'}]}
        for rules in ({'error_code_path': '', 'error_code_regex': r'E\d+'}, {'error_code_path': 'note'}, {}):
            _first, second = self.check(TWO, one, [('accepted', '', 'M1'), self.UNKNOWN], **rules)
            self.assertNotIn('M1', second.error_message)
            self.check(TWO, one, [('accepted', '', 'M1'), self.UNKNOWN], **rules, require_message_id=False)
        refused = {'m': [{'to': '923001234567', 's': 'no', 'c': 'E4', 'note': 'bad number'}]}
        codes = (('*bad number*', 'sms_number_format'), ('E4', 'sms_rejected', 'refused'))
        for rules in ({}, {'error_code_path': '', 'error_code_regex': r'E\d+'}, {'failure_map': codes}):
            second = self.check(TWO, refused, [('refused', 'E4', ''), self.UNKNOWN], **rules)[1]
            self.assertEqual(second.failure_type, 'sms_server')
            self.assertNotRegex(second.error_message, 'E4|bad')

    def test_fewer_and_more_items_than_recipients(self):
        two = [{'s': 'no', 'c': '4'}, {'id': 'B', 's': 'no', 'c': '5'}]
        self.check(self.THREE, {'m': two}, [self.UNKNOWN] * 3)
        self.check(self.THREE, {'m': [{'id': 'A'}, {'id': 'B'}]}, [self.UNKNOWN] * 3)
        self.check(TWO, {'m': [*two, {'s': 'no', 'c': '5'}]}, [('refused', '', '')] * 2)
        self.check(TWO, {'m': [*two, {'id': 'C'}]}, [self.UNKNOWN] * 2)
        named = [{'to': number, 'id': number[-1]} for number in self.NUMBERS]
        self.check(TWO, {'m': named}, [('accepted', '', '7'), ('accepted', '', '1')])
        self.check(self.THREE, {'m': named[:2]}, [('accepted', '', '7'), ('accepted', '', '1'), self.UNKNOWN])

    def test_numbers_in_every_form(self):
        first, second, third = (number[1:] for number in self.NUMBERS)
        for numbers, expected in (
                ([second, None], '10'), ([None, second], '01'), ([None, None], '01'),
                ([second, second], '-0'), ([first], '0-'), ([third, first], '1-'), ([third, second], '-1'),
                (['92300*****21', '92300*****67'], '10'), (['92300*****67', '92300*****21'], '01'),
                (['92300****', '92300****'], '01'), (['*******21', third], '--'), ([first, '****21'], '01'),
                ([first, '****99'], '0-'), (['03007654321', '03001234567'], '10'), (['3001234567'], '0-'),
                ([third, '49300xxxx321'], '--'), (['contact-a', 'contact-b'], '01'),
        ):
            items = [{'to': number, 'id': f'M{index}'} for index, number in enumerate(numbers)]
            self.check(TWO, {'m': items}, [
                self.UNKNOWN if place == '-' else ('accepted', '', f'M{place}') for place in expected])
        # a number without country code that two recipients have
        abroad = [Sms('u1', '+923001234567'), Sms('u2', '+443001234567')]
        self.check(abroad, {'m': [{'to': '03001234567', 'id': 'A'}]}, [self.UNKNOWN] * 2)
        self.check(abroad, {'m': [{'to': '443001234567', 'id': 'B'}, {'to': '3001234567', 'id': 'A'}]},
                   [('accepted', '', 'A'), ('accepted', '', 'B')])

    def test_the_same_number_twice(self):
        for texts, items, expected in (
                ('aa', ['A', 'B'], ['A', 'B']), ('ab', ['A', 'B'], ['A', 'B']),
                ('aa', ['A'], ['A', 'A']), ('ab', ['A'], ['A', ''])):
            for number in ('923001234567', '03001234567'):
                recipients = [Sms(str(index), '+923001234567', text) for index, text in enumerate(texts)]
                self.check(recipients, {'m': [{'to': number, 'id': item} for item in items]}, [
                    ('accepted', '', item) if item else self.UNKNOWN for item in expected])

    def test_one_recipient_is_whom_the_answer_is_about(self):
        for number in ('923001234567', '4915112345678', 'contact', None):
            self.check(ONE, {'m': [{'to': number, 'id': 'A'}]}, [('accepted', '', 'A')])

    def test_a_text_about_several(self):
        rules = {
            'message_id_path': '', 'error_code_path': '', 'status_path': '', 'items_path': '', 'number_path': '',
            'message_id_regex': r'OK (?P<number>\d+) (?P<id>\w+)', 'error_code_regex': r'E\d+'}
        by_number = {**rules, 'error_code_regex': r'(?P<code>E\d+) (?P<number>\d+)'}
        both = 'OK 923001234567 A, E4 923007654321'
        second = self.check(TWO, both, [('accepted', '', 'A'), self.UNKNOWN], **rules)[1]
        self.assertNotIn('A', second.error_message)
        self.check(TWO, both, [('accepted', '', 'A'), ('refused', 'E4', '')], **by_number)
        self.check(TWO, 'OK 923001234567 E7', [('accepted', '', 'E7'), self.UNKNOWN], **rules)
        self.check(TWO, 'E3', [('refused', 'E3', '')] * 2, **rules)
        self.check(TWO, 'E3,E4', [('refused', 'E3', ''), ('refused', 'E4', '')], **rules)
        self.check(self.THREE, 'E3,E4', [self.UNKNOWN] * 3, **rules)
        self.check(TWO, 'E3 +92 300 1234567', [('refused', 'E3', '')] * 2, status=400, **rules)
        self.check(TWO, both, [('unknown', '', ''), ('refused', 'E4', '')], **by_number, error_key='E4')

    def test_lists_without_an_items_path(self):
        rules = {'items_path': '', 'number_path': '', 'message_id_path': 'm[].id', 'status_path': 'm[].s',
                 'error_code_path': 'm[].c'}
        self.check(TWO, {'m': [{'id': 'A', 's': 'ok'}, {'s': 'no', 'c': '4'}]},
                   [('accepted', '', 'A'), ('refused', '4', '')], **rules)
        self.check(self.THREE, {'m': [{'id': 'A', 's': 'ok'}, {'s': 'no', 'c': '4'}]}, [self.UNKNOWN] * 3, **rules)
        self.check(self.THREE, {'ids': ['A', 'B']}, [self.UNKNOWN] * 3, items_path='', message_id_path='ids[]')

    def test_markers_in_an_item(self):
        """An Error Key or a Success Key in an item is about its recipient alone."""
        items = [{'to': '923001234567', 'id': 'A', 's': 'ok'}, {'to': '923007654321', 'id': 'B', 's': 'rejected'}]
        rules = {'error_values': (), 'require_message_id': False}
        for text, keys, expected in (
                ({'m': items}, {'error_key': 'rejected'}, [('error', 'unknown'), ('error', 'refused')]),
                ({'m': items, 'x': 'rejected'}, {'error_key': 'rejected'}, [('error', 'refused')] * 2),
                ({'m': items[:1], 'x': 'rejected'}, {'error_key': 'rejected'}, [('error', 'refused')] * 2),
                ({'m': items}, {'success_key': '"s":"ok"'}, [('success', 'accepted'), ('pending', 'unknown')]),
                ({'m': items, 's': 'ok'}, {'success_key': '"s":"ok"'}, [('success', 'accepted')] * 2),
                ({'m': items[:1]}, {'success_key': '"s":"ok"'}, [('success', 'accepted'), ('pending', 'unknown')]),
        ):
            with self.subTest(text=text, keys=keys):
                results = read(200, json.dumps(text), TWO, **{**self.RULES, **rules, **keys})
                self.assertEqual([(r.state, r.outcome) for r in results], expected)

    def test_an_error_key_in_the_item_of_the_only_recipient(self):
        """It refuses, as the HTTP code does, and with 429 the queue gets the SMS back."""
        for status, retryable in ((200, False), (400, False), (402, False), (429, True)):
            for text in ('{"messages": [{"status": "rejected"}]}', '{"messages": [{"x": "rejected"}]}'):
                result = read_one(
                    status, text, error_key='rejected', items_path='messages[]', status_path='status')
                self.assertEqual((result.state, result.outcome, result.retryable), ('error', 'refused', retryable))
        two = '{"messages": [{"status": "rejected"}, {"status": "ok"}]}'
        for result in read(429, two, TWO, error_key='rejected', items_path='messages[]', status_path='status'):
            self.assertEqual((result.outcome, result.retryable), ('refused', True))

    def test_an_error_code_regex_reads_the_item(self):
        rules = {'items_path': 'messages[]', 'number_path': 'to', 'error_code_regex': r'"code": ?(\d+)'}
        for text in ('{"messages":[{"code":17}]}', '{"messages": [ {"text": "{", "code": 17} ]}',
                     '{"a": [{}, {"b": {"x": 1}}], "messages": {"code": 17}, "code": 18}'):
            self.assertEqual(read_one(400, text, **rules).error_code, '17')
        text = '{"code": 9, "messages": [{"to": "923007654321", "code": 17}, {"to": "923001234567"}]}'
        self.assertEqual([r.error_code for r in read(400, text, TWO, **rules)], ['9', '17'])
        self.assertEqual([r.error_code for r in read(200, text, TWO, **rules, require_message_id=True)], ['', '17'])
        hostile = '{"messages": [' + '{"a":' * 9000 + '}' * 9000 + ']}'
        self.assertEqual(read_one(400, hostile, **rules).state, 'error')

    def test_a_message_id_regex_reads_the_item(self):
        rules = {'message_id_path': '', 'message_id_regex': r'"id": "(\w+)"'}
        first, second = {'to': '923001234567'}, {'to': '923007654321'}
        for text, expected in (
                ({'m': [{**first, 'id': 'A'}]}, ['A', '']), ({'m': [{**second, 'id': 'B'}, first]}, ['', 'B']),
                ({'m': [{**second, 'id': 'B'}, {**first, 'id': 'A'}]}, ['A', 'B']),
                ({'id': 'X', 'm': [first, {**second, 'id': 'B'}]}, ['X', 'B']), ({'id': 'X', 'm': [first]}, ['X', '']),
                ({'m': [{'id': 'X'}]}, ['X', 'X']), ({'id': 'X'}, ['X', 'X'])):
            self.check(TWO, text, [('accepted', '', item) if item else self.UNKNOWN for item in expected], **rules)

    def test_words_of_the_whole_answer(self):
        text = '{"message": "Bad sender", "messages": [{"to": "923001234567"}, {"to": "923007654321", "m": "Mine"}]}'
        rules = {'items_path': 'messages[]', 'number_path': 'to', 'error_message_path': 'm|message'}
        self.assertEqual([r.error_message for r in read(400, text, TWO, **rules)], ['Bad sender', 'Mine'])

    @cases(1000)
    @given(st.data())
    def test_whatever_the_answer(self, data):
        """Each item has words of its own, `w` marks those about all: nobody gets what is another's."""
        recipients = data.draw(st.permutations(self.THREE))[:data.draw(st.integers(2, 3))]
        items, owners = [], []
        for index in data.draw(st.lists(st.integers(0, 2), max_size=4, unique=data.draw(st.booleans()))):
            item = {'to': data.draw(st.sampled_from((self.NUMBERS[index], '00' + self.NUMBERS[index][1:])))}
            for key, word in (('id', 'ID'), ('c', 'E'), ('w', 'words'), ('x', 'bad')):
                if data.draw(st.booleans()):
                    item[key] = f'{word}-{"abc"[index]}'
            item['s'] = data.draw(st.sampled_from(('ok', 'no')))
            items.append(item)
            owners.append(index)
        about_all = data.draw(st.fixed_dictionaries({}, optional={'c': st.just('E-w'), 'w': st.just('words-w')}))
        text = json.dumps(
            {**about_all, 'm': items}, indent=data.draw(st.sampled_from((None, 2))))
        status = data.draw(st.sampled_from((200, 207, 400, 429, 500)))
        codes = tuple((code, 'unknown', data.draw(st.sampled_from(('as_usual', 'refused', 'accepted', 'unknown'))))
                      for code in data.draw(st.sets(st.sampled_from(('E-a', 'E-b', 'E-w', '*bad-c*')))))
        rules = {
            **self.RULES, 'error_message_path': data.draw(st.sampled_from(('', 'w'))),
            'error_code_path': data.draw(st.sampled_from(('', 'c'))),
            'error_code_regex': data.draw(st.sampled_from(('', r'E-\w', r'"c": "(?P<code>[^"]+)"'))),
            'items_path': data.draw(st.sampled_from(('m', 'm[]'))),
            'message_id_path': data.draw(st.sampled_from(('', 'id'))),
            'message_id_regex': data.draw(st.sampled_from(
                ('', r'ID-\w', r'"to": "(?P<number>[^"]+)",\s+"id": "(?P<id>[^"]+)"'))),
            'require_message_id': data.draw(st.booleans()), 'failure_map': codes,
            'error_key': data.draw(st.sampled_from(('', 'bad', '"no"'))),
            'success_key': data.draw(st.sampled_from(('', '"ok"')))}
        for sms, result in zip(recipients, read(status, text, recipients, **rules), strict=True):
            index = self.NUMBERS.index(sms.number)
            mine = 'abc'[index]
            for field in (result.error_code, result.message_id, result.error_message):
                found = set(re.findall(r'(?:ID|E|words|bad)-(\w)', field))
                self.assertLessEqual(found, {mine, 'w'}, (field, text))
            if status == 200 and items and index not in owners and not (rules['error_key'] and about_all):
                self.assertEqual((result.outcome, result.message_id), ('unknown', ''), text)
