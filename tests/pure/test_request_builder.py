# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Given a gateway's settings, these requests leave: SPEC section 3."""
import base64
import json
import time
import unittest
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import requests
from hypothesis import given
from hypothesis import strategies as st

from ...tools.request.builder import (
    Credentials,
    HttpRequest,
    Parameter,
    Recipient,
    RequestConfig,
    build_requests,
    preview,
)

URL = 'https://api.example.com/sms'
CREDENTIALS = Credentials('key-K3Y', 'token-T0K', 'user-U53', 'pass-P455"word')
NUMBER = Parameter('to', '', 'number')
NUMBERS = Parameter('to', '', 'multi_number')
MESSAGE = Parameter('text', '', 'message')
HARD_TEXTS = (
    'He said "hi" and \'bye\'',
    'line one\nline two\r\nline three\ttab',
    'braces {x} {} }{ {{phone}} %s %(a)s $a \\n \\',
    'literal {password} {message} {phone} {api_key} {callback_url}',
    'literal __token__ __message__ __phones_list__ __each__',
    '😀 👩‍👩‍👧 \U0010ffff',
    'مرحبا، رمزك هو ١٢٣',
    'a=b&c=d?e#f+g%20h;i/j',
    '["__each__", {"to": "{phone}"}]',
    '</script>\u2028\u2029\u0000\u0007',
    ' leading and trailing ',
)


def recipient(index=0, message='Hello', number=None):
    return Recipient(f'{index:032x}', number or f'+92300{index:07d}', message)


def form(*parameters, **kwargs):
    return RequestConfig(**{'url': URL, 'parameters': parameters, 'credentials': CREDENTIALS, **kwargs})


def get(*parameters, **kwargs):
    return form(*parameters, method='get', **kwargs)


def json_body(template, **kwargs):
    template = template if isinstance(template, str) else json.dumps(template)
    return RequestConfig(**{
        'url': URL, 'request_type': 'json', 'body_template': template, 'credentials': CREDENTIALS, **kwargs,
    })


def one(config, *recipients):
    request, = build_requests(config, recipients or (recipient(),))
    return request


def received(request):
    """What a server reads after the HTTP client had its hands on the request: path, query, headers, body."""
    prepared = requests.Request(request.method, request.url, dict(request.headers), data=request.body).prepare()
    url = urlsplit(prepared.url)
    body = request.body and request.body.decode()
    if body and body[0] in '{[':
        body = json.loads(body)
    elif body is not None:
        body = parse_qsl(body, keep_blank_values=True)
    return url.path, parse_qsl(url.query, keep_blank_values=True), dict(prepared.headers), body


class TestTextArrivesByteForByte(unittest.TestCase):
    """SPEC 3: one pass, UTF-8 throughout; no text can break or inject JSON."""

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


class TestPlaceholders(unittest.TestCase):
    """SPEC 3: placeholders in the URL, parameter values, header values and JSON strings."""

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
        """SPEC 2: what a parameter with an empty value gives, by its type."""
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


class TestJson(unittest.TestCase):
    """SPEC 3: JSON templates, typed tokens."""

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


class TestLeftOut(unittest.TestCase):
    """SPEC 3: what is an empty placeholder alone is left out, and what names {callback_url} while callbacks are off."""

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


class TestOnlyFor(unittest.TestCase):
    """SPEC 2: parameters that are only for GSM 03.38 texts or only for Unicode texts."""

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


class TestHeaders(unittest.TestCase):

    def headers(self, config, *recipients):
        return dict(one(config, *recipients).headers)

    def test_content_type(self):
        self.assertEqual(self.headers(get()), {})
        self.assertEqual(self.headers(form()), {'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8'})
        self.assertEqual(self.headers(json_body('{}')), {'Content-Type': 'application/json'})
        for config in (form(), json_body('{}')):
            named = replace(config, headers=(('content-type', 'text/x; charset=utf-8'),))
            self.assertEqual(self.headers(named), {'content-type': 'text/x; charset=utf-8'})

    def test_basic(self):
        """SPEC 3: `basic` also sends HTTP Basic, unless a header row names Authorization."""
        credentials = Credentials(username='üser', password='pa:ss')
        config = get(auth_type='basic', credentials=credentials)
        self.assertEqual(self.headers(config), {
            'Authorization': 'Basic ' + base64.b64encode('üser:pa:ss'.encode()).decode(),
        })
        named = replace(config, headers=(('authorization', 'Bearer {password}'),))
        self.assertEqual(self.headers(named), {'authorization': 'Bearer pa:ss'})
        for other in ('none', 'api_key', 'token', 'custom'):
            self.assertEqual(self.headers(replace(config, auth_type=other)), {})
        self.assertEqual(self.headers(replace(config, credentials=Credentials())), {})

    def test_credentials_whatever_the_type(self):
        row = ('X-All', '{api_key} {token} {username} {password}')
        for auth_type in ('none', 'api_key', 'token', 'custom'):
            headers = self.headers(get(auth_type=auth_type, headers=(row,)))
            self.assertEqual(headers['X-All'], 'key-K3Y token-T0K user-U53 pass-P455"word')

    def test_no_data_breaks_a_header(self):
        """SPEC 3: a header value never contains a line break, whatever the data."""
        config = get(headers=(('X-Text', 'a{message}b'),))
        for text in ('x\r\nX-Evil: 1', 'x\nX-Evil: 1', 'x\rX-Evil: 1', '\x00x\x0b\x0c\x85\u2028\u2029X-Evil: 1'):
            self.assertEqual(self.headers(config, recipient(message=text)), {'X-Text': 'axX-Evil: 1b'})

    @given(st.text(), st.text())
    def test_no_data_breaks_any_header(self, text, token):
        headers = (('X-Text', '{message}'), ('X-Token', 'Bearer {token}'))
        config = get(headers=headers, credentials=Credentials(token=token))
        for _key, value in one(config, recipient(message=text)).headers:
            self.assertLessEqual(len(value.splitlines()), 1)
            self.assertEqual(value, value.strip())


class TestSharedRequests(unittest.TestCase):
    """SPEC 3, Multiple recipients."""

    EACH = ['__each__', {'to': '{phone}', 'text': '{message}', 'ref': '{uuid}', 'short': '{uuid20}'}]

    def test_one_request_each_without_the_setting(self):
        sent = build_requests(form(NUMBERS, MESSAGE), [recipient(index) for index in range(3)])
        self.assertEqual([dict(received(request)[3])['to'] for request in sent], [
            '+923000000000', '+923000000001', '+923000000002',
        ])

    def test_same_text_shares_a_request(self):
        config = form(NUMBERS, MESSAGE, Parameter('ref', '{uuid}'), multiple_recipients=True, max_recipients=2)
        a, b, c, d = recipient(1, 'A'), recipient(2, 'B'), recipient(3, 'A'), recipient(4, 'A')
        sent = build_requests(config, [a, b, c, d])
        self.assertEqual([request.recipients for request in sent], [(a, c), (d,), (b,)])
        body = dict(received(sent[0])[3])
        self.assertEqual((body['to'], body['text']), ('+923000000001,+923000000003', 'A'))

    def test_numbers_as_list_and_separator(self):
        config = json_body(
            {'list': '__phones_list__', 'joined': '{phones}', 'objects': ['__each__', {'n': '__phone__'}]},
            multiple_recipients=True, separator='<',
        )
        body = received(one(config, recipient(1), recipient(2)))[3]
        self.assertEqual(body, {
            'list': ['+923000000001', '+923000000002'], 'joined': '+923000000001<+923000000002',
            'objects': [{'n': '+923000000001'}, {'n': '+923000000002'}],
        })

    def test_different_texts_with_each(self):
        config = json_body({'messages': self.EACH, 'from': '{sender}'}, multiple_recipients=True, sender='Shop')
        sms = [recipient(index, f'Text {index} {{message}} __token__ "') for index in range(3)]
        request = one(config, *sms)
        self.assertEqual(request.recipients, tuple(sms))
        self.assertEqual(received(request)[3], {'from': 'Shop', 'messages': [
            {'to': one_sms.number, 'text': one_sms.message, 'ref': one_sms.uuid, 'short': one_sms.uuid[:20]}
            for one_sms in sms
        ]})

    def test_each_at_the_root_and_without_the_setting(self):
        config = json_body(self.EACH)
        sent = build_requests(config, [recipient(1, 'A'), recipient(2, 'B')])
        self.assertEqual([len(received(request)[3]) for request in sent], [1, 1])
        self.assertEqual(len(received(one(replace(config, multiple_recipients=True), *[
            recipient(index, str(index)) for index in range(5)
        ]))[3]), 5)

    def test_the_text_outside_each_keeps_texts_apart(self):
        sms = [recipient(1, 'A'), recipient(2, 'B'), recipient(3, 'A')]
        for config in (
            json_body({'to': ['__each__', '{phone}'], 'text': '{message}'}, multiple_recipients=True),
            json_body({'m': self.EACH, 'first': '__message__'}, multiple_recipients=True),
            json_body({'m': self.EACH}, multiple_recipients=True, headers=(('X-Text', '{message}'),)),
            json_body({'m': self.EACH}, multiple_recipients=True, url=URL + '?hex={message_hex}'),
            json_body({'m': self.EACH}, multiple_recipients=True, parameters=(MESSAGE,)),
            json_body({'to': '__phones_list__'}, multiple_recipients=True),
        ):
            with self.subTest(config.body_template):
                self.assertEqual([len(request.recipients) for request in build_requests(config, sms)], [2, 1])

    def test_encodings_are_mixed_only_where_each_text_has_its_own(self):
        sms = [recipient(1, 'A'), recipient(2, 'ب'), recipient(3, 'C'), recipient(4, 'د')]
        encodings = {'encoding_gsm': 'g', 'encoding_unicode': 'u', 'multiple_recipients': True}
        own = json_body(['__each__', {'t': '{message}', 'e': '__encoding__'}], **encodings)
        self.assertEqual([item['e'] for item in received(one(own, *sms))[3]], ['g', 'u', 'g', 'u'])
        for config in (
            json_body({'m': self.EACH, 'e': '__encoding__'}, **encodings),
            json_body({'m': self.EACH}, url=URL + '?e={encoding}', **encodings),
            json_body({'m': self.EACH}, parameters=(
                Parameter('e', 'g', only_for='gsm'), Parameter('e', 'u', only_for='unicode')), **encodings),
        ):
            sent = build_requests(config, sms)
            self.assertEqual([request.recipients for request in sent], [(sms[0], sms[2]), (sms[1], sms[3])])
            for request, encoding in zip(sent, 'gu', strict=True):
                _path, query, _headers, body = received(request)
                self.assertEqual(dict(query).get('e', body.get('e')), encoding)

    def test_uuid_of_a_shared_request_is_nobodys(self):
        config = form(NUMBERS, Parameter('ref', '{uuid}'), Parameter('short', '{uuid20}'), multiple_recipients=True)
        sms = [recipient(1), recipient(2)]
        body = dict(received(one(config, *sms))[3])
        self.assertRegex(body['ref'], r'\A[0-9a-f]{32}\Z')
        self.assertEqual(body['short'], body['ref'][:20])
        self.assertNotIn(body['ref'], [one_sms.uuid for one_sms in sms])
        self.assertEqual(dict(received(one(config, *sms))[3]), body)
        self.assertNotEqual(dict(received(one(config, sms[0], recipient(3)))[3])['ref'], body['ref'])
        self.assertEqual(dict(received(one(config, sms[0]))[3])['ref'], sms[0].uuid)

    def test_a_number_stands_once_in_a_request(self):
        """Providers drop repeated numbers; and answers and reports are paired by number (SPEC 5)."""
        config = form(NUMBERS, MESSAGE, multiple_recipients=True)
        sms = [recipient(1, number='+1'), recipient(2, number='+1'), recipient(3), recipient(4, number='+1')]
        self.assertEqual([request.recipients for request in build_requests(config, sms)], [
            (sms[0], sms[2]), (sms[1],), (sms[3],),
        ])

    def test_an_older_gateway_never_drops_a_recipient(self):
        """A gateway from before {phone} was refused in shared requests names them all."""
        config = form(NUMBER, multiple_recipients=True)
        body = received(one(config, recipient(1), recipient(2)))[3]
        self.assertEqual(body, [('to', '+923000000001,+923000000002')])

    def test_nothing_to_send(self):
        self.assertEqual(build_requests(form(), []), [])
        self.assertEqual(build_requests(form(multiple_recipients=True), []), [])

    @given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(('A', 'B', 'ب')))), st.integers(1, 4), st.booleans())
    def test_every_sms_is_in_one_request(self, rows, size, each):
        sms = [recipient(index, text, f'+{number}') for index, (number, text) in enumerate(rows)]
        template = self.EACH if each else {'to': '__phones_list__', 'text': '__message__'}
        sent = build_requests(json_body(template, multiple_recipients=True, max_recipients=size), sms)
        recipients = [one_sms for request in sent for one_sms in request.recipients]
        self.assertCountEqual(recipients, sms)
        for request in sent:
            self.assertLessEqual(len(request.recipients), size)
            body = received(request)[3]
            if each:
                arrived = [(item['to'], item['text']) for item in body]
            else:
                arrived = [(number, body['text']) for number in body['to']]
            self.assertEqual(arrived, [(one_sms.number, one_sms.message) for one_sms in request.recipients])


class TestSecrets(unittest.TestCase):
    """Secrets stay out of previews and logs (SPEC 2, Request Preview)."""

    SECRETS = (
        'key-K3Y', 'token-T0K', 'user-U53', 'P455', 'cb-t0ken',
        base64.b64encode(b'user-U53:pass-P455"word').decode(),
    )
    ROWS = tuple(
        Parameter(name, f'<{{{name}}}>') for name in ('api_key', 'token', 'username', 'password', 'callback_url')
    )

    def configs(self):
        kwargs = {
            'auth_type': 'basic', 'callback_url': 'https://o.example.com/eis_sms/callback/cb-t0ken',
            'url': URL + '/{username}/{password}?k={api_key}', 'sender': 'Shop',
            'headers': (('X-Key', 'App {api_key}'), ('X-P', '{password}'), ('X-C', '{callback_url}')),
        }
        template = {row.key: row.value for row in self.ROWS}
        template |= {'t': '__message__', 'f': '__sender__', 'p': '__password__'}
        yield get(*self.ROWS, MESSAGE, **kwargs)
        yield form(*self.ROWS, MESSAGE, **kwargs)
        yield form(*self.ROWS, MESSAGE, request_type='json', **kwargs)
        yield json_body(template, **kwargs)

    def assert_no_secret(self, text):
        for secret in self.SECRETS:
            self.assertNotIn(secret, text)

    def test_preview(self):
        for config in self.configs():
            text = preview(config, [recipient(message='Your code: 1234')])
            with self.subTest(text):
                self.assert_no_secret(text)
                start, *_headers = text.splitlines()
                self.assertTrue(start.startswith(f'{config.method.upper()} {URL}/***/***?k=***'), start)
                self.assertIn('\nAuthorization: Basic ***\n', text + '\n')
                self.assertIn('X-Key: App ***', text)
                self.assertIn('X-C: https://o.example.com/eis_sms/callback/***', text)
                self.assertIn('Your%20code' if config.method == 'get' else 'Your code: 1234', text)

    def test_preview_is_readable(self):
        config = form(NUMBER, MESSAGE, Parameter('key', '', 'auth'), auth_type='api_key')
        self.assertEqual(preview(config, [recipient(message='سلام & bye')]), '\n'.join((
            f'POST {URL}', 'Content-Type: application/x-www-form-urlencoded; charset=UTF-8', '',
            'to=+923000000000', 'text=سلام & bye', 'key=***',
        )))
        config = replace(config, request_type='json')
        self.assertIn('\n\n{\n  "to": "+923000000000",\n  "text": "سلام"', preview(config, [recipient(message='سلام')]))

    def test_preview_blots_out_no_text(self):
        """A credential of one letter hides nothing else; one that is not set is left out as in the real request."""
        config = form(MESSAGE, Parameter('key', '{api_key}'), credentials=Credentials(password='l'))
        self.assertEqual(preview(config, [recipient()]).splitlines()[-1], 'text=Hello')

    def test_preview_of_nothing(self):
        self.assertEqual(preview(form(), []), '')

    def test_masked(self):
        for config in self.configs():
            request = one(config)
            masked = request.masked(CREDENTIALS, 'cb-t0ken')
            with self.subTest(config):
                self.assert_no_secret(f'{masked.url} {masked.headers} {masked.body!r}')
                self.assertEqual(masked.recipients, request.recipients)
                self.assertIn('***', masked.url)
        self.assertEqual(one(form(MESSAGE)).masked(Credentials()), one(form(MESSAGE)))

    @given(st.text(st.characters(exclude_categories=('Cs', 'Cc', 'Z')), min_size=8))
    def test_masked_hides_any_password(self, password):
        credentials = Credentials(password=password)
        config = form(
            Parameter('p', '{password}'), url=URL + '/{password}', headers=(('X-P', '{password}'),),
            credentials=credentials, auth_type='basic',
        )
        for request_type in ('form', 'json'):
            masked = one(replace(config, request_type=request_type)).masked(credentials)
            _path, _query, headers, body = received(masked)
            self.assertEqual((urlsplit(masked.url).path, headers['Authorization']), ('/sms/***', 'Basic ***'))
            self.assertEqual(dict(body), {'p': '***'})
            self.assertIn(headers['X-P'], ('***', ''))

    def test_repr(self):
        for config in self.configs():
            request = one(config, recipient(message='private text'))
            text = repr((config, config.credentials, config.parameters, request, request.recipients))
            self.assert_no_secret(text)
            self.assertNotIn('private text', text)
            self.assertNotIn('+92300', text)
        self.assertEqual(repr(Credentials(api_key='a', password='b')), 'Credentials(api_key, password)')


class TestSpeed(unittest.TestCase):

    def test_ten_thousand_recipients(self):
        """Takes 0.2 s on two cores; the bound only catches work per recipient that belongs to the gateway."""
        config = form(
            NUMBER, MESSAGE, Parameter('from', '{sender}'), Parameter('ref', '{uuid}'), Parameter('key', '{api_key}'),
            headers=(('Authorization', 'Bearer {token}'),), sender='Shop',
        )
        sms = [recipient(index, f'Dear customer {index}, your order is on its way.') for index in range(10_000)]
        start = time.perf_counter()
        sent = build_requests(config, sms)
        self.assertLess(time.perf_counter() - start, 3)
        self.assertEqual(len(sent), 10_000)
        self.assertIsInstance(sent[0], HttpRequest)
