# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from ...tools.gateway_file import MAX_BYTES, GatewayFileError, Rule, check, read, write
from .common import PureCase
from .made_up import cases, given, st

SCRIPT = Path(__file__).parents[2] / 'scripts' / 'gateway_to_xml'
RULES = {
    'name': Rule('text', required=True),
    'note': Rule('lines'),
    'base_url': Rule('text'),
    'method': Rule('choice', default='post', choices=('get', 'post')),
    'parameter_ids': Rule('rows', default=[], rows={
        'key': Rule('text', required=True), 'value': Rule('lines'), 'only_for': Rule(
            'choice', default='any', choices=('any', 'gsm'))}),
    'success_http_codes': Rule('text', default='200,201,202'),
    'timeout': Rule('integer', default=15),
    'rate_limit': Rule('number', default=0),
    'failover': Rule('boolean', default=True),
}
FOREIGN = {'api_key', 'state'}

TEXTS = st.text(st.sampled_from('aé😀"\\{}[],:\n\r\t\x01\u2028 ') | st.characters(
    exclude_categories=['Cs'], exclude_characters='\0'), max_size=12)
NAMES = TEXTS.filter(bool)
GATEWAYS = st.fixed_dictionaries({
    'name': NAMES, 'note': TEXTS, 'base_url': TEXTS, 'method': st.sampled_from(('get', 'post')),
    'parameter_ids': st.lists(st.fixed_dictionaries(
        {'key': NAMES, 'value': TEXTS, 'only_for': st.sampled_from(('any', 'gsm'))}), max_size=3),
    'success_http_codes': TEXTS | st.just('200,201,202'), 'timeout': st.integers(-2 ** 31 + 1, 2 ** 31 - 1),
    'rate_limit': st.floats(0, 1e5) | st.just(0), 'failover': st.booleans(),
})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from((*RULES, 'key', 'value', 'x')), inner, max_size=3), max_leaves=8)
# a document with something wrong in one place
WRONG = st.builds(
    lambda gateway, change: {**gateway, **change}, GATEWAYS,
    st.dictionaries(st.sampled_from((*RULES, 'api_key', 'x')), JSON, max_size=2))


def document(*gateways, **head):
    return json.dumps({'format': 'eis_sms_apis.gateway', 'version': 1, 'gateways': gateways, **head})


class TestGatewayDocument(PureCase):

    def read(self, text):
        return check(read(text), RULES, FOREIGN)

    @cases(300)
    @given(st.lists(GATEWAYS, min_size=1, max_size=3))
    def test_round_trip(self, gateways):
        text = write(gateways, RULES)
        self.assertEqual(self.read(text), gateways)
        self.assertEqual(self.read(text.encode()), gateways)
        self.assertEqual(write(self.read(text), RULES), text)

    @cases(300)
    @given(JSON | st.lists(WRONG | JSON, max_size=2).map(lambda gateways: {
        'format': 'eis_sms_apis.gateway', 'version': 1, 'gateways': gateways}))
    def test_anything_is_read_or_refused(self, tree):
        """What is read can be written, and no error is one of Python."""
        try:
            gateways = self.read(json.dumps(tree))
        except GatewayFileError as error:
            self.assertTrue(error.code)
        else:
            self.assertEqual(self.read(write(gateways, RULES)), gateways)

    @cases(200)
    @given(st.binary(max_size=40) | st.text(max_size=40))
    def test_any_bytes(self, content):
        with self.assertRaises(GatewayFileError):
            self.read(content)

    def test_document(self):
        """One line for each value or row, and no defaults."""
        gateway = {
            'name': "A", 'note': 'one\n"two"', 'base_url': '', 'method': 'post', 'success_http_codes': '',
            'parameter_ids': [
                {'key': 'to', 'value': '', 'only_for': 'any'}, {'key': 'é', 'value': 'b', 'only_for': 'gsm'}],
            'timeout': 15, 'rate_limit': 2.5, 'failover': False}
        self.assertEqual(write([gateway], RULES), '''{
    "format": "eis_sms_apis.gateway",
    "version": 1,
    "gateways": [
        {
            "name": "A",
            "note": [
                "one",
                "\\"two\\""
            ],
            "base_url": "",
            "method": "post",
            "parameter_ids": [
                {"key": "to"},
                {"key": "é", "value": "b", "only_for": "gsm"}
            ],
            "success_http_codes": "",
            "rate_limit": 2.5,
            "failover": false
        }
    ]
}
''')

    def test_missing_keys_are_defaults(self):
        self.assertEqual(self.read(document({'name': "A"})), [{
            'name': "A", 'note': '', 'base_url': '', 'method': 'post', 'parameter_ids': [],
            'success_http_codes': '200,201,202', 'timeout': 15, 'rate_limit': 0, 'failover': True}])

    def test_byte_order_mark(self):
        text = document({'name': "A"})
        self.assertEqual(self.read(f'\ufeff{text}'), self.read(text))
        self.assertEqual(self.read(text.encode('utf-8-sig')), self.read(text))

    def test_refused(self):
        name = {'name': "A"}
        for text, code, path in (
                ('', 'not_json', ''),
                ('{"a": NaN}', 'wrong_type', 'NaN'),
                ('{"a": 1, "b": {"c": 1, "c": 2}}', 'duplicate_key', 'c'),
                (b'\xff', 'not_utf8', ''),
                ('"\ud800"', 'not_utf8', ''),
                (' ' * (MAX_BYTES + 1), 'too_large', ''),
                ('é' * (MAX_BYTES // 2 + 1), 'too_large', ''),
                ('[' * 100000, 'not_gateways', ''),
                (f'[{"9" * 5000}]', 'not_gateways', ''),
                ('{}', 'not_gateways', ''),
                (document(name, format='other'), 'not_gateways', ''),
                (document(name, version=2), 'newer_version', 'version'),
                (document(name, version=True), 'wrong_type', 'version'),
                (document(name, version='1'), 'wrong_type', 'version'),
                (document(name, version=0), 'wrong_type', 'version'),
                (document(), 'wrong_type', 'gateways'),
                (document(name, gateways=name), 'wrong_type', 'gateways'),
                (document(name, more=1), 'unknown_key', 'more'),
                (document(name, []), 'wrong_type', 'gateways[1]'),
                (document({}), 'missing_key', 'gateways[0].name'),
                (document({'name': ''}), 'missing_key', 'gateways[0].name'),
                (document({**name, 'nam': 1}), 'unknown_key', 'gateways[0].nam'),
                (document({**name, 'api_key': 'x'}), 'foreign_key', 'gateways[0].api_key'),
                (document({**name, 'note': None}), 'wrong_type', 'gateways[0].note'),
                (document({**name, 'note': ['a', 1]}), 'wrong_type', 'gateways[0].note[1]'),
                (document({**name, 'base_url': ['a']}), 'wrong_type', 'gateways[0].base_url'),
                (document({**name, 'note': 'a\0'}), 'bad_character', 'gateways[0].note'),
                (document({**name, 'note': '\ud800'}), 'bad_character', 'gateways[0].note'),
                (document({**name, 'timeout': True}), 'wrong_type', 'gateways[0].timeout'),
                (document({**name, 'timeout': 1.5}), 'wrong_type', 'gateways[0].timeout'),
                (document({**name, 'timeout': 2 ** 31}), 'out_of_range', 'gateways[0].timeout'),
                (document({**name, 'timeout': 10 ** 400}), 'out_of_range', 'gateways[0].timeout'),
                (document({**name, 'rate_limit': 'a'}).replace('"a"', '1e999'),
                 'out_of_range', 'gateways[0].rate_limit'),
                (document({**name, 'failover': 0}), 'wrong_type', 'gateways[0].failover'),
                (document({**name, 'method': 'put'}), 'unknown_value', 'gateways[0].method'),
                (document({**name, 'method': ''}), 'unknown_value', 'gateways[0].method'),
                (document({**name, 'method': 1}), 'wrong_type', 'gateways[0].method'),
                (document({**name, 'parameter_ids': {}}), 'wrong_type', 'gateways[0].parameter_ids'),
                (document({**name, 'parameter_ids': [{'key': 'a'}, {'key': 'b', 'only_for': 'x'}]}),
                 'unknown_value', 'gateways[0].parameter_ids[1].only_for'),
                (document({**name, 'parameter_ids': [{'key': 'a', 'state': 'x'}]}),
                 'unknown_key', 'gateways[0].parameter_ids[0].state'),
        ):
            with self.subTest(text=text[:80], code=code), self.assertRaises(GatewayFileError) as caught:
                self.read(text)
            self.assertEqual((caught.exception.code, caught.exception.path), (code, path), text[:80])

    def test_too_large_to_write(self):
        gateway = self.read(document({'name': "A", 'note': 'x' * (MAX_BYTES // 2)}))
        self.assertTrue(self.read(write(gateway, RULES)))
        with self.assertRaises(GatewayFileError) as caught:
            write(gateway * 3, RULES)
        self.assertEqual(caught.exception.code, 'too_large')


class TestGatewayToXml(PureCase):

    def run_script(self, text, *arguments):
        with tempfile.NamedTemporaryFile() as handle:
            handle.write(text.encode())
            handle.flush()
            return subprocess.run(
                [sys.executable, SCRIPT, handle.name, *arguments], capture_output=True, text=True, check=False)

    def test_template(self):
        done = self.run_script(document({
            'name': "My Provider & Co.", 'note': ['one', '<two>'], 'timeout': 20, 'success_http_codes': '',
            'require_message_id': True, 'sender': '+15005550006', 'success_key': '\r',
            'parameter_ids': [{'key': 'q"', 'value': "it's"}]}))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        record = ElementTree.fromstring(done.stdout).find('record')
        self.assertEqual(record.get('id'), 'gateway_my_provider_co')
        row = '''Command.create({'key': 'q"', 'value': "it's", 'sequence': 1})'''
        self.assertEqual([(node.get('name'), node.get('eval') or node.text) for node in record], [
            ('name', "My Provider & Co."), ('is_template', 'True'), ('note', 'one\n<two>'),
            ('parameter_ids', f'[             Command.clear(),             {row},         ]'),
            ('success_http_codes', 'False'), ('success_key', r"'\r'"), ('require_message_id', 'True'),
            ('timeout', '20')])

    def test_refused(self):
        for text, words in (
                (document({'name': "A"}, {'name': "B"}), "2 gateways"), ('{', 'not_json'),
                (document({'name': "A", 'api_key': 'x'}), 'api_key')):
            done = self.run_script(text)
            self.assertEqual((done.returncode, done.stdout), (1, ''))
            self.assertIn(words, done.stderr)
