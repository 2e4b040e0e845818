# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Request Preview shows the request that will leave, and no secret: doc/behaviour.md section 2."""
import base64
from dataclasses import replace
from urllib.parse import urlsplit

from ...tools.masking import Masker
from ...tools.request.builder import preview
from ...tools.request.config import Credentials, Parameter
from .common import CREDENTIALS, MESSAGE, NUMBER, URL, PureCase, form, get, json_body, one, received, recipient
from .made_up import given, st


def masker_of(credentials, *secrets):
    pair = f'{credentials.username}:{credentials.password}'
    return Masker(
        (credentials.api_key, credentials.token, credentials.password, *secrets), (credentials.username,), (pair,))


class TestPreview(PureCase):
    """Secrets stay out of previews and logs (doc/behaviour.md section 2, Request Preview)."""

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
            masked = request.shown(masker_of(CREDENTIALS, 'cb-t0ken'))
            with self.subTest(config):
                self.assert_no_secret(f'{masked.url} {masked.headers} {masked.body!r}')
                self.assertEqual(masked.recipients, request.recipients)
                self.assertIn('***', masked.url)
        self.assertEqual(one(form(MESSAGE)).shown(masker_of(Credentials())), one(form(MESSAGE)))

    @given(st.text(st.characters(exclude_categories=('Cs', 'Cc', 'Z')), min_size=8))
    def test_masked_hides_any_password(self, password):
        credentials = Credentials(password=password)
        config = form(
            Parameter('p', '{password}'), url=URL + '/{password}', headers=(('X-P', '{password}'),),
            credentials=credentials, auth_type='basic',
        )
        for request_type in ('form', 'json'):
            masked = one(replace(config, request_type=request_type)).shown(masker_of(credentials))
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
