# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""JSON bodies are made of templates and of parameters, and their values have types: doc/behaviour.md section 3."""
import json

from ...tools.request.config import Parameter
from .common import MESSAGE, NUMBER, URL, PureCase, form, get, json_body, one, received, recipient


class TestJson(PureCase):
    """doc/behaviour.md section 3: JSON templates, typed tokens."""

    def body(self, template, *recipients, **kwargs):
        return received(one(json_body(template, **kwargs), *recipients))[3]

    def test_typed_tokens(self):
        values = {
            'phone': '+923000000000', 'phones_list': ['+923000000000'], 'message': 'Hello', 'api_key': 'key-K3Y',
            'token': 'token-T0K', 'username': 'user-U53', 'password': 'pass-P455"word', 'sender': 'Shop',
            'uuid': '0' * 32, 'callback_url': 'https://o.example.com/c/t', 'encoding': True,
        }
        kwargs = {'sender': 'Shop', 'callback_url': 'https://o.example.com/c/t', 'encoding_gsm': 'true'}
        for name, value in values.items():
            for template in (f'{{"a": "__{name}__"}}', f'{{"a": __{name}__}}', f'{{"a":[__{name}__],"b":1}}'):
                with self.subTest(template):
                    expected = {'a': [value], 'b': 1} if '"b"' in template else {'a': value}
                    self.assertEqual(self.body(template, **kwargs), expected)

    def test_unquoted_beside_quoted(self):
        template = r'{"q\"__phone__\\": __phone__, "b": "\"__phone__", "c": [__phones_list__, "__phones_list__"]}'
        self.assertEqual(self.body(template), {
            'q"+923000000000\\': '+923000000000', 'b': '"+923000000000', 'c': [['+923000000000']] * 2,
        })

    def test_tokens_in_longer_strings(self):
        template = {'a': 'to __phones_list__!', 'b': '__phone____message__', 'c': ' __phone__', 'd': 'x__encoding__'}
        config = json_body(template, separator=';', encoding_gsm='8')
        self.assertEqual(received(one(config))[3], {
            'a': 'to +923000000000!', 'b': '+923000000000Hello', 'c': ' +923000000000', 'd': 'x8',
        })
        shared = json_body({'a': 'to __phones_list__'}, separator=' ; ', multiple_recipients=True)
        body = received(one(shared, recipient(1), recipient(2)))[3]
        self.assertEqual(body, {'a': 'to +923000000001 ; +923000000002'})

    def test_encoding_values_are_typed(self):
        for value, typed in (
            ('true', True), ('false', False), ('0', 0), ('8', 8), ('-1', -1), ('1.5', 1.5), ('08', '08'),
            ('GSM7', 'GSM7'), ('True', 'True'), ('1e999', '1e999'), ('9' * 30, '9' * 30), ('NaN', 'NaN'),
            ('null', 'null'),
        ):
            with self.subTest(value):
                body = self.body({'a': '__encoding__', 'b': '{encoding}'}, encoding_gsm=value)
                self.assertEqual(body, {'a': typed, 'b': value})
                self.assertIs(type(body['a']), type(typed))

    def test_encoding_follows_the_text(self):
        for text, encoding in (('Grüße €', 'TEXT'), ('ç', 'UNICODE'), ('مرحبا', 'UNICODE')):
            config = json_body({'e': '__encoding__'}, encoding_gsm='TEXT', encoding_unicode='UNICODE')
            self.assertEqual(received(one(config, recipient(message=text)))[3], {'e': encoding})

    def test_other_json_values_stay(self):
        document = {'a': 1, 'b': 1.5, 'c': None, 'd': True, 'e': [], 'f': {}, 'g': '', 'h': [[{}], ''], 'é': 'ü'}
        request = one(json_body(document))
        self.assertEqual(json.loads(request.body), document)
        self.assertIn('"é": "ü"'.encode(), request.body)

    def test_parameters_go_to_the_query_beside_a_template(self):
        _path, query, _headers, body = received(one(json_body({'t': '{message}'}, parameters=(NUMBER,))))
        self.assertEqual((query, body), ([('to', '+923000000000')], {'t': 'Hello'}))

    def test_parameters_make_an_object_without_a_template(self):
        config = form(Parameter('to', '__phones_list__', 'multi_number'), MESSAGE, request_type='json')
        self.assertEqual(received(one(config))[1::2], ([], {'to': ['+923000000000'], 'text': 'Hello'}))
        self.assertEqual(one(form(request_type='json')).body, b'{}')
        self.assertEqual(one(form(MESSAGE, request_type='json', body_template=' \n')).body, b'{"text": "Hello"}')

    def test_get_knows_no_template(self):
        request = one(get(MESSAGE, request_type='json', body_template='{"a": 1}'))
        self.assertEqual((request.url, request.body), (f'{URL}?text=Hello', None))
