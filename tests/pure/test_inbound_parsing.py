# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Inbound SMS in calls of any shape, and what is no SMS; nothing a caller sends raises anything but ReportError."""
import json
import random
from dataclasses import replace
from urllib.parse import urlencode

from ...tools.inbound.call import read_call
from ...tools.inbound.encoding import decode_text
from ...tools.inbound.message import InboundMessage, join_parts
from ...tools.inbound.moment import read_time
from ...tools.inbound.number import read_number
from ...tools.inbound.parsing import MAX_TEXT, InboundRules, parse_messages
from ...tools.inbound.repeats import Repeats
from ...tools.report.authentication import Content
from ...tools.report.body import ReportError
from ...tools.report.parsing import MAX_BODY, ReportRules
from ...tools.request.typed_secrets import Secrets
from .common import PureCase

FORM = 'application/x-www-form-urlencoded'
RULES = InboundRules(
    number_param='from|sender.number', text_param='text|content', message_id_param='id', recipient_param='to',
    time_param='at', encoding_param='coding')
NESTED = InboundRules(
    number_param='results[].from', text_param='results[].text', message_id_param='results[].id',
    kind_param='results[].type', kind_values=('mo', 'inbound*'))
REPORTS = ReportRules(
    message_id_param='results[].id', status_param='results[].status', success=('delivered',),
    inbound_kind_param='results[].type', inbound_kind_values=('mo', 'inbound*'))


def parse(body, rules=RULES, method='POST', query=b'', content_type=''):
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    return parse_messages(rules, method, query, content_type, body if isinstance(body, bytes) else body.encode())


class TestShapes(PureCase):

    def read(self, *args, **kwargs):
        return [(message.number, message.text) for message in parse(*args, **kwargs).messages]

    def test_shapes(self):
        expected = [('3212', "Hé & co")]
        form = urlencode({'from': '3212', 'text': "Hé & co"})
        for body, content_type in (
                (form, FORM), (form, ''), (form, 'text/plain'), (form, 'application/json'), (form, 'text/xml'),
                ({'from': 3212, 'text': "Hé & co"}, 'application/json'), ({'from': '3212', 'text': "Hé & co"}, FORM),
                ([{'from': '3212', 'text': "Hé & co"}], ''), ({'FROM': '3212', 'Text': "Hé & co"}, ''),
                ({'sender': {'number': '3212'}, 'content': "Hé & co"}, ''),
                (urlencode({'data': json.dumps({'from': '3212', 'text': "Hé & co"})}), FORM),
                ('<sms><from>3212</from><text>Hé &amp; co</text></sms>', 'text/xml'),
                ('<sms><from>3212</from><text>Hé &amp; co</text></sms>', 'application/json'),
                ('<m:sms xmlns:m="urn:x"><m:from>3212</m:from><m:text>Hé &amp; co</m:text></m:sms>', '')):
            with self.subTest(body=body, content_type=content_type):
                self.assertEqual(self.read(body, content_type=content_type), expected)
        self.assertEqual(self.read(b'', method='GET', query=form.encode()), expected)
        self.assertEqual(self.read('text=H%C3%A9+%26+co', query=b'from=3212'), expected)

    def test_condition_in_a_field_of_a_form(self):
        rules = replace(RULES, text_param='meta.code?content|text')
        for meta, expected in (({'code': '51'}, "One"), ({'code': ''}, "Two")):
            body = urlencode({'from': '3212', 'content': "One", 'text': "Two", 'meta': json.dumps(meta)})
            self.assertEqual(self.read(body, rules), [('3212', expected)])

    def test_western_bytes(self):
        """Several providers send ISO-8859-1 without saying so."""
        for body, content_type in (
                (b'from=1&text=caf%E9+%80', FORM), (b'from=1&text=caf\xe9 \x80', ''),
                (b'{"from": "1", "text": "caf\xe9 \x80"}', ''),
                (b'from=1&text=caf%E9+%80', FORM + '; charset=windows-1252')):
            with self.subTest(body=body):
                self.assertEqual(self.read(body, content_type=content_type), [('1', "café €")])

    def test_white_space_is_kept(self):
        self.assertEqual(self.read({'from': '1', 'text': " a\n b "}), [('1', " a\n b ")])
        self.assertEqual(self.read('from=1&text=+a%0A+b+'), [('1', " a\n b ")])
        self.assertEqual(self.read('<sms>\n <from>1</from>\n <text> a\n b </text>\n</sms>'), [('1', " a\n b ")])
        self.assertEqual(self.read('<sms>\n <from>1</from>\n <text kind="x"> a </text>\n</sms>'), [('1', "a")])

    def test_anything_as_body(self):
        """The SMS is in the query string."""
        for content_type in ('', FORM, 'application/json', 'text/xml', 'multipart/form-data; boundary=x'):
            with self.subTest(content_type=content_type):
                self.assertEqual(
                    self.read('empty', query=b'from=1&text=a', content_type=content_type), [('1', "a")])
        with self.assertRaises(ReportError):
            self.read('empty', query=b'id=1')

    def test_percent_encoding_is_decoded_once(self):
        """A form is percent-encoded itself, a text in JSON only by some providers."""
        rules = replace(RULES, encoding='percent')
        for text, coding, expected in (
                ('1%2B1', 'ISO-8859-1', "1+1"), ('caf%E9', 'ISO-8859-1', "café"), ('caf%C3%A9', 'UTF-8', "café"),
                ('%06%27%00+%00%E9', 'UTF-16BE', "\u0627 é"), ('O%60Y%7D', 'UTF-16BE', "\u4f60\u597d")):
            with self.subTest(text=text, coding=coding):
                form = f'from=1&text={text}&coding={coding}'
                self.assertEqual(self.read(form, rules, content_type=FORM), [('1', expected)])
                self.assertEqual(self.read(b'', rules, method='GET', query=form.encode()), [('1', expected)])
        document = json.dumps({'from': '1', 'text': 'caf%E9+%26', 'coding': 'ISO-8859-1'})
        for start in ('', '\n', '\ufeff', '\ufeff\n'):
            self.assertEqual(self.read(start + document, rules), [('1', "café &")])

    def test_lists(self):
        items = [{'from': str(index), 'text': f"T{index}", 'id': str(index), 'type': 'mo'} for index in range(3)]
        self.assertEqual(self.read({'results': items}, NESTED), [(str(index), f"T{index}") for index in range(3)])
        self.assertEqual(self.read({'results': items[0]}, NESTED), [('0', "T0")])

    def test_repeated_fields(self):
        """The last one that is not empty, as in PHP, which providers test with."""
        self.assertEqual(self.read('from=1&from=1&text=a&text=b&text=&to=5&to=6'), [('1', "b")])

    def test_fields_that_php_names(self):
        for body, expected in (
                ('sender[number]=1&content=a', [('1', "a")]), ('sender%5Bnumber%5D=1&content=a', [('1', "a")]),
                ('sender[number][x]=1&sender[number]=2&content=a', [('2', "a")]), ('sender[=1&content=a', []),
                ('sender[]=1&content=a', []), ('sender[number]=1&sender=2&content=a', [])):
            with self.subTest(body=body):
                self.assertEqual(self.read(body), expected)

    def test_no_message(self):
        for body in (b'', b'a=b', '{}', '[]', {'from': '', 'text': "x"}, {'from': None}, {'from': {}},
                     {'text': "x"}, {'results': [{'type': 'mo', 'text': "x"}]}):
            for rules in (RULES, NESTED, InboundRules()):
                with self.subTest(body=body, rules=rules):
                    self.assertEqual(parse(body, rules).messages, ())

    def test_bounds(self):
        with self.assertRaises(ReportError) as caught:
            parse(b'x' * (MAX_BODY + 1))
        self.assertEqual(caught.exception.status, 413)
        with self.assertRaises(ReportError) as caught:
            parse({'results': [{'from': '1', 'text': "x", 'type': 'mo'}] * 5001}, NESTED)
        self.assertEqual(caught.exception.status, 413)
        [message] = parse({'from': '1' * 999, 'text': "x" * (MAX_TEXT + 9), 'id': 'i' * 999}).messages
        self.assertEqual((len(message.number), len(message.text), len(message.message_id)), (256, MAX_TEXT, 256))

    def test_characters_that_postgresql_refuses(self):
        [message] = parse('{"from": "1\\u0000", "text": "a\\u0000b \\ud800", "id": "\\udfff"}').messages
        for text in (message.number, message.text, message.message_id):
            self.assertNotIn('\0', text)
            self.assertTrue(text.encode())

    def test_secrets_are_masked(self):
        rules = InboundRules(
            number_param='from', text_param='text', message_id_param='id',
            secrets=Secrets(secrets=('s3cret-token', 'stop')))
        [message] = parse({'from': '1', 'text': "stop s3cret-token", 'id': 's3cret-token'}, rules).messages
        self.assertEqual((message.text, message.message_id), ("stop ***", '***'))

    def test_hostile_calls(self):
        """Random changes of calls, and deep or odd documents."""
        generator = random.Random(18)
        seeds = [
            b'from=1&text=x&id=2', b'{"from": "1", "text": "x", "results": [{"type": "mo", "from": "1"}]}',
            b'<a><from>1</from><text>x</text></a>', b'[' * 5000, b'{"a":' * 5000, b'<a>' * 500, b'\xff\xfe{\x00}\x00',
            b'--x\r\nContent-Disposition: form-data; name="from"\r\n\r\n1\r\n--x--']
        types = ('', FORM, 'application/json', 'text/xml', 'multipart/form-data; boundary=x', 'text/plain; charset=no')
        for _time in range(3000):
            body = bytearray(generator.choice(seeds))
            for _change in range(generator.randint(0, 4)):
                body[generator.randrange(len(body))] = generator.randrange(256)
            for rules in (RULES, NESTED):
                try:
                    parse(bytes(body), rules, query=bytes(body[:50]), content_type=generator.choice(types))
                except ReportError as error:
                    self.assertIn(error.status, (400, 413))


class TestBothInOneCall(PureCase):

    def read(self, items, is_inbound_url=False, rules=NESTED, reports=REPORTS):
        body = json.dumps({'results': items}).encode()
        received = read_call(reports, rules, is_inbound_url, 'POST', Content(b'', 'application/json', body))
        return len(received.reports), len(received.messages), received.has_inbound, bool(received.refusal)

    def test_kind_decides(self):
        report = {'type': 'dlr', 'id': '1', 'status': 'delivered', 'from': 'us', 'text': "ours"}
        message = {'type': 'Inbound_text', 'id': '2', 'status': 'delivered', 'from': '1', 'text': "theirs"}
        for is_inbound_url in (False, True):
            self.assertEqual(self.read([report], is_inbound_url), (1, 0, False, False))
            self.assertEqual(self.read([message], is_inbound_url), (0, 1, True, False))
            self.assertEqual(self.read([report, message], is_inbound_url), (1, 1, True, False))
            self.assertEqual(self.read([{**message, 'from': ''}], is_inbound_url), (0, 0, True, False))
            self.assertEqual(self.read([{'type': 'mo', 'status': 'delivered'}], is_inbound_url), (0, 0, True, False))
        self.assertEqual(self.read([{'status': 'delivered'}]), (0, 0, False, True))

    def test_without_kind_the_url_decides(self):
        rules = InboundRules(number_param='results[].from', text_param='results[].text')
        reports = ReportRules(message_id_param='results[].id', status_param='results[].status')
        item = {'id': '1', 'status': 'x', 'from': '1', 'text': "a"}
        self.assertEqual(self.read([item], False, rules, reports), (1, 0, False, False))
        self.assertEqual(self.read([item], True, rules, reports), (0, 1, True, False))

    def test_kind_is_missing(self):
        """Only on the inbound URL, and only if there is no report."""
        message = {'id': '2', 'from': '1', 'text': "theirs"}
        self.assertEqual(self.read([message], True), (0, 1, True, False))
        self.assertEqual(self.read([message], False), (0, 0, False, False))
        self.assertEqual(self.read([{**message, 'status': 'delivered'}], True), (1, 0, False, False))
        self.assertEqual(self.read([{'id': '2', 'from': '1'}], True), (0, 0, True, False))


class TestValues(PureCase):

    def test_encodings(self):
        for text, encoding, coding, expected in (
                ("a+b %41", 'plain', '', "a+b %41"), ("4a+", 'hex', '', "4a+"), ("00480069", 'hex', '', "Hi"),
                ("D83DDC4B", 'hex', '8', "👋"), ("feff 0048", 'hex', 'UTF-16BE', "H"), ("4869", 'hex', '0', "Hi"),
                ("c3a9", 'hex', 'utf-8', "é"), ("e9", 'hex', '3', "é"), ("e9", 'hex', 'utf-8', "é"),
                ("%00H%00i", 'percent', 'UTF-16BE', "Hi"), ("a+b %41", 'percent', '', "a+b %41"),
                ("a+b %E9", 'percent', 'ISO-8859-1', "a b é"), ("é %E9", 'percent', 'ISO-8859-1', "é %E9"),
                ("4100", 'hex', '241', "A@"), ("0041", 'hex', '24', "A"), ("0041", 'hex', '999', "A"),
                ("\xe9", 'bytes', '4', "é"), ("\xe9", 'bytes', '245', "é"),
                ("\xe9", 'bytes', '20', "é"), ("a+b", 'percent', 'UTF-8', "a+b"),
                ("STOPSTOPSTOPSTOP", 'base64', '', "STOPSTOPSTOPSTOP"), ("x" * 40, 'base64', '', "x" * 40),
                ("\x05v\x05nement \x1be", 'bytes', '0', "événement €"), ("caf\xe9", 'bytes', '', "café"),
                ("\xc3\xa9", 'bytes', '', "é"), ("\xc3\xa9", 'bytes', '0', "é"), ("你", 'bytes', '8', "你"),
                ("", 'hex', '8', ""), ("", 'bytes', '8', ""), ("\x1b", 'bytes', '0', "")):
            with self.subTest(text=text, encoding=encoding, coding=coding):
                self.assertEqual(decode_text(text, encoding, coding), expected)

    def test_times(self):
        for text, expected in (
                ('2017-05-03T06:04:45Z', '2017-05-03 06:04:45'), ('2017-05-03 06:04:45', '2017-05-03 06:04:45'),
                ('2017-05-03T06:04:45.123+0200', '2017-05-03 04:04:45'),
                ('2017-05-03T06:04:45 02:00', '2017-05-03 04:04:45'), ('2017-05-03T06:04-05:30', '2017-05-03 11:34:00'),
                ('2017/05/03 06:04:45 UTC', '2017-05-03 06:04:45'), ('20170503060445', '2017-05-03 06:04:45'),
                ('1493791485', '2017-05-03 06:04:45'), ('1493791485123', '2017-05-03 06:04:45'),
                ('1493791485.5', '2017-05-03 06:04:45'), ('Wed, 03 May 2017 06:04:45 +0200', '2017-05-03 04:04:45'),
                ('', ''), ('now', ''), ('0', ''), ('99999999999999999999', ''), ('2017-13-45T06:04:45Z', ''),
                ('0001-01-01T00:00:00+14:00', ''), ('9999-12-31T23:59:59-14:00', ''), ('Infinity', '')):
            with self.subTest(text=text):
                self.assertEqual(read_time(text), expected)

    def test_numbers(self):
        for text, expected in (
                ('+32456001122', '+32456001122'), ('32456001122', '+32456001122'), (' 32456001122', '+32456001122'),
                ('0032456001122', '+32456001122'), ('tel:+32456001122', '+32456001122'),
                ('+32 456 00 11 22', '+32456001122'), ('0456 00 11 22', '+32456001122'), ('8850', '8850'),
                ('Bank 24', 'Bank 24'), ('', ''), (' ', ''), ('99912345678901', '+99912345678901'),
                ('12025550143', '+12025550143'), ('+1 (202) 555-0143', '+12025550143')):
            with self.subTest(text=text):
                self.assertIn(read_number(text, ['BE']), (expected, expected.lstrip('+')) if '999' in text else (
                    expected,))
        self.assertEqual(read_number('4512345678', ['US']), '+4512345678')

    def test_parts(self):
        self.assertEqual(join_parts({'10': "c", '2': "b", '1': "a"}), "abc")
        for number, total, is_part in ((1, 2, True), (2, 2, True), (3, 2, False), (0, 2, False), (1, 1, False),
                                       (1, 999, False), (0, 0, False)):
            self.assertEqual(
                InboundMessage('', '', '', '', part_number=number, part_total=total).is_part, is_part)
        rules = InboundRules(number_param='f', part_number_param='n', part_total_param='t')
        for value, expected in (('2', 2), (2, 2), (' 2 ', 2), ('-2', 0), ('²', 0), ('9' * 50, 0), ('x', 0), (None, 0)):
            [message] = parse({'f': '1', 'n': value, 't': 3}, rules).messages
            self.assertEqual(message.part_number, expected)

    def test_repeats(self):
        repeats = Repeats()
        first, second = InboundMessage('1', 'n', '', "a"), InboundMessage('', 'n', '', "a")
        self.assertEqual(
            [repeats.has(message, 'n') for message in (first, first, second, second)], [False, True, False, True])
        self.assertFalse(repeats.has(second, 'other'))
