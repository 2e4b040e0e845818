# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Texts, numbers and credentials arrive where their placeholders stand, byte for byte: doc/behaviour.md section 3."""
import json
from dataclasses import replace

from ...tools.request.builder import Recipient
from ...tools.request.config import Credentials, Parameter, RequestConfig
from .common import (
    CREDENTIALS,
    HARD_TEXTS,
    MESSAGE,
    NUMBER,
    URL,
    PureCase,
    form,
    get,
    json_body,
    one,
    received,
    recipient,
)
from .made_up import given, st


class TestTextArrivesByteForByte(PureCase):
    """doc/behaviour.md section 3: one pass, UTF-8 throughout; no text can break or inject JSON."""

    def test_in_every_kind_of_request(self):
        for text in HARD_TEXTS:
            sms = recipient(message=text)
            with self.subTest('GET', text=text):
                _path, query, _headers, body = received(one(get(NUMBER, MESSAGE), sms))
                self.assertEqual(query, [('to', sms.number), ('text', text)])
                self.assertIsNone(body)
            with self.subTest('POST form', text=text):
                _path, query, _headers, body = received(one(form(NUMBER, MESSAGE), sms))
                self.assertEqual((query, body), ([], [('to', sms.number), ('text', text)]))
            with self.subTest('POST JSON made of the parameters', text=text):
                body = received(one(form(NUMBER, MESSAGE, request_type='json'), sms))[3]
                self.assertEqual(body, {'to': sms.number, 'text': text})
            with self.subTest('POST JSON template', text=text):
                config = json_body({'a': '__message__', 'b': '{message}', 'c': '<{message}|__message__>'})
                body = received(one(config, sms))[3]
                self.assertEqual(body, {'a': text, 'b': text, 'c': f'<{text}|{text}>'})

    def test_in_the_path(self):
        path = received(one(get(url=URL + '/{phone}/{sender}', sender='A/B ?#é')))[0]
        self.assertEqual(path, '/sms/%2B923000000000/A%2FB%20%3F%23%C3%A9')

    def test_spaces_are_percent_encoded(self):
        request = one(get(MESSAGE), recipient(message='a b+c'))
        self.assertEqual(request.url, f'{URL}?text=a%20b%2Bc')

    def test_surrogates_do_not_stop_a_request(self):
        for config in (form(MESSAGE), get(MESSAGE), json_body({'text': '__message__'})):
            _path, query, _headers, body = received(one(config, recipient(message='a\ud83d\ude00b\ud83d')))
            self.assertIn('a😀b\ufffd', str(query or body))

    @given(st.text(), st.text(), st.text())
    def test_any_text_and_credential(self, text, sender, password):
        config = form(
            Parameter('text', '<{message}>'), Parameter('from', '<{sender}>'), Parameter('pw', '<{password}>'),
            credentials=Credentials(password=password), sender=sender, auth_type='custom',
        )
        expected = {'text': f'<{text}>', 'from': f'<{sender}>', 'pw': f'<{password}>'}
        sms = recipient(message=text)
        self.assertEqual(dict(received(one(config, sms))[3]), expected)
        self.assertEqual(dict(received(one(replace(config, method='get'), sms))[1]), expected)
        self.assertEqual(received(one(replace(config, request_type='json'), sms))[3], expected)
        template = json.dumps({'text': '<__message__>', 'from': '<{sender}>', 'pw': '<__password__>'})
        config = replace(config, request_type='json', body_template=template)
        self.assertEqual(received(one(config, sms))[3], expected)


class TestPlaceholders(PureCase):
    """doc/behaviour.md section 3: placeholders in the URL, parameter values, header values and JSON strings."""

    CONFIG = RequestConfig(
        url=URL, credentials=CREDENTIALS, sender='Shop', account_id='AC1', encoding_gsm='0', encoding_unicode='8',
        callback_url='https://odoo.example.com/eis_sms/callback/tok',
    )
    SMS = Recipient('0123456789abcdef0123456789abcdef', '+923001234567', 'سلام')
    VALUES = {
        'phone': '+923001234567', 'phones': '+923001234567', 'message': 'سلام', 'message_hex': '0633064406270645',
        'api_key': 'key-K3Y', 'token': 'token-T0K', 'username': 'user-U53', 'password': 'pass-P455"word',
        'sender': 'Shop', 'account_id': 'AC1', 'uuid': '0123456789abcdef0123456789abcdef',
        'uuid20': '0123456789abcdef0123', 'callback_url': 'https://odoo.example.com/eis_sms/callback/tok',
        'encoding': '8',
    }

    def test_each_in_each_place(self):
        for name, value in self.VALUES.items():
            text = f'<{{{name}}}>'
            config = replace(
                self.CONFIG, url=f'{URL}/?q={{{name}}}', parameters=(Parameter('p', text),), headers=(('X-H', text),),
            )
            with self.subTest(name):
                _path, query, headers, body = received(one(config, self.SMS))
                self.assertEqual((query, body), ([('q', value)], [('p', f'<{value}>')]))
                self.assertEqual(headers['X-H'], f'<{value}>')
                config = replace(config, request_type='json', body_template=json.dumps({'a': text, 'b': [text]}))
                _path, query, _headers, body = received(one(config, self.SMS))
                self.assertEqual(query, [('q', value), ('p', f'<{value}>')])
                self.assertEqual(body, {'a': f'<{value}>', 'b': [f'<{value}>']})

    def test_any_other_word_stays(self):
        text = '{word} {Phone} {phone } {} {0} {phone!r} {phone.x} { }'
        config = form(Parameter('{phone}', text), headers=(('X-H', text),))
        _path, _query, headers, body = received(one(config))
        self.assertEqual(body, [('{phone}', text)])
        self.assertEqual(headers['X-H'], text)
        self.assertEqual(received(one(json_body({'a': text, '{word}': 1})))[3], {'a': text, '{word}': 1})

    def test_tokens_are_for_json_only(self):
        config = form(Parameter('p', '__phone__'), headers=(('X-H', '__token__'),), url=URL + '/__phone__')
        path, _query, headers, body = received(one(config))
        self.assertEqual((path, body, headers['X-H']), ('/sms/__phone__', [('p', '__phone__')], '__token__'))

    def test_empty_parameter_values(self):
        """doc/behaviour.md section 2: what a parameter with an empty value gives, by its type."""
        rows = (
            NUMBER, Parameter('all', '', 'multi_number'), MESSAGE, Parameter('key', '', 'auth'),
            Parameter('template_id', '', 'other'),
        )
        for auth_type, credential in (('api_key', 'key-K3Y'), ('token', 'token-T0K')):
            body = received(one(form(*rows, auth_type=auth_type)))[3]
            self.assertEqual(body, [
                ('to', '+923000000000'), ('all', '+923000000000'), ('text', 'Hello'), ('key', credential),
                ('template_id', ''),
            ])

    def test_the_query_of_the_url_is_kept(self):
        url = 'https://api.example.com/send.php?action=send-sms&flag&x=1%202&empty=#part'
        self.assertEqual(one(get(NUMBER, url=url)).url, url[:-5] + '&to=%2B923000000000')
        self.assertEqual(one(form(NUMBER, url=url)).url, url[:-5])
        self.assertEqual(one(json_body('{}', url=url, parameters=(MESSAGE,))).url, url[:-5] + '&text=Hello')

    def test_host_of_the_account(self):
        config = get(url='https://{account_id}.api.example.com/sms', account_id='xy1')
        self.assertEqual(one(config).url, 'https://xy1.api.example.com/sms')
        config = replace(config, account_id='evil.example.com/')
        self.assertEqual(one(config).url, 'https://evil.example.com%2F.api.example.com/sms')


class TestLeftOut(PureCase):
    """doc/behaviour.md section 3: what is an empty placeholder alone is left out, and what names {callback_url} while
    callbacks are off."""

    def test_parameters_and_url(self):
        rows = (
            Parameter('from', '{sender}'), Parameter('from2', ' {sender}'), Parameter('cb', '{callback_url}?id={uuid}'),
            Parameter('enc', '{encoding}'), Parameter('fix', ''),
        )
        kept = [('from2', ' '), ('fix', '')]
        self.assertEqual(received(one(form(*rows)))[3], kept)
        url = URL + '?dlr={callback_url}&s={sender}&a=1'
        self.assertEqual(received(one(get(*rows, url=url)))[1], [('a', '1'), *kept])
        body = received(one(form(*rows, sender='S', callback_url='https://o/c/t', encoding_gsm='0')))[3]
        self.assertEqual(body, [
            ('from', 'S'), ('from2', ' S'), ('cb', f'https://o/c/t?id={"0" * 32}'), ('enc', '0'), ('fix', ''),
        ])

    def test_only_the_unicode_value_is_set(self):
        config = form(Parameter('unicode', '{encoding}'), encoding_unicode='1')
        self.assertEqual(received(one(config, recipient(message='plain')))[3] or [], [])
        self.assertEqual(received(one(config, recipient(message='سلام')))[3], [('unicode', '1')])

    def test_headers(self):
        headers = (('X-From', '{sender}'), ('X-Callback', 'a {callback_url}'), ('X-Key', '{api_key}'), ('X-Fix', ''))
        names = [key for key, _value in one(get(headers=headers)).headers]
        self.assertEqual(names, ['X-Key', 'X-Fix'])

    def test_json_keys(self):
        for template, expected in (
            ({'from': '{sender}', 'from2': '__sender__', 'a': 1}, {'a': 1}),
            ('{"from": __sender__, "e": __encoding__}', {}),
            ({'from': 'x{sender}'}, {'from': 'x'}),
            ({'url': '{callback_url}?x=1', 'a': 'b {callback_url}'}, {}),
            ({'webhooks': {'delivery': {'url': '{callback_url}'}, 'data': 1}}, {'webhooks': {'data': 1}}),
            ({'urls': ['{callback_url}'], 'a': 1}, {'a': 1}),
            ({'list': ['{phone}', '{sender}', 'x']}, {'list': ['+923000000000', '', 'x']}),
            ({'list': [{'from': '{sender}'}, {'a': 1}]}, {'list': [{'a': 1}]}),
            ({'empty': {}, 'none': [], 'text': ''}, {'empty': {}, 'none': [], 'text': ''}),
            (['__each__', {'from': '{sender}', 'to': '{phone}'}], [{'to': '+923000000000'}]),
        ):
            with self.subTest(template):
                self.assertEqual(received(one(json_body(template)))[3], expected)

    def test_json_object_of_parameters(self):
        config = form(NUMBER, Parameter('from', '{sender}'), Parameter('x', ''), request_type='json')
        self.assertEqual(received(one(config))[3], {'to': '+923000000000', 'x': ''})


class TestOnlyFor(PureCase):
    """doc/behaviour.md section 2: parameters that are only for GSM 03.38 texts or only for Unicode texts."""

    ROWS = (
        Parameter('text', '{message}', 'message', 'gsm'), Parameter('hex', '{message_hex}', 'message', 'unicode'),
        Parameter('coding', '0', only_for='gsm'), Parameter('coding', '8', only_for='unicode'), Parameter('x', '1'),
    )

    def test_rows_follow_the_text(self):
        for text, expected in (
            ('Hi', {'text': 'Hi', 'coding': '0', 'x': '1'}), ('Ñç', {'hex': '00D100E7', 'coding': '8', 'x': '1'}),
        ):
            sms = recipient(message=text)
            self.assertEqual(dict(received(one(form(*self.ROWS), sms))[3]), expected)
            self.assertEqual(dict(received(one(get(*self.ROWS), sms))[1]), expected)
            self.assertEqual(received(one(form(*self.ROWS, request_type='json'), sms))[3], expected)
            self.assertEqual(dict(received(one(json_body('{}', parameters=self.ROWS), sms))[1]), expected)
