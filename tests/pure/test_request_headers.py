# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests contain headers and credentials exactly as entered, and no data breaks them: doc/behaviour.md
section 3."""
import base64
from dataclasses import replace

from ...tools.request.config import Credentials
from .common import PureCase, form, get, json_body, one, recipient
from .made_up import given, st


class TestHeaders(PureCase):

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
        """doc/behaviour.md section 3: `basic` also sends HTTP Basic, unless a header row names Authorization."""
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
        """doc/behaviour.md section 3: a header value never contains a line break, whatever the data."""
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
