# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Masking leaves nothing of a secret in a text, in whatever spelling, and the rest can be read."""
import base64
import html
import json
from urllib.parse import quote, quote_plus

from ...tools.masking import MASK, Masker, masker
from .common import PureCase

SECRETS = ('pl4in-s3cret', 'p&ss "w/ö\\rd+1', "it's <a> s3cret; %41 {x}", '\U0001f511 key~s3cret', 'aaa+bbb/ccc===')
USERS = ('odoo', 'me@example.com', '')


def lower_percent(text):
    return ''.join(character if character.isalnum() and character.isascii() else ''.join(
        f'%{byte:02x}' for byte in character.encode()) for character in text)


def named_entities(text):
    return ''.join(f'&{name};' if (name := html.entities.codepoint2name.get(ord(c))) else c for c in text)


SPELLINGS = {
    'plain': str,
    'percent': lambda text: quote(text, safe=''),
    'percent, lower case': lower_percent,
    'percent, every character': lambda text: ''.join(f'%{byte:02X}' for byte in text.encode()),
    'percent of Latin-1': lambda text: quote(text, safe='', encoding='latin-1', errors='xmlcharrefreplace'),
    'double percent': lambda text: quote(quote(text, safe=''), safe=''),
    'triple percent': lambda text: quote(quote(quote(text, safe=''), safe=''), safe=''),
    'form': quote_plus,
    'double form': lambda text: quote(quote_plus(text), safe=''),
    'JSON': lambda text: json.dumps(text)[1:-1],
    'JSON with Unicode': lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    'JSON of PHP': lambda text: json.dumps(text)[1:-1].replace('/', '\\/'),
    'JSON for HTML': lambda text: json.dumps(text)[1:-1].replace('&', '\\u0026').replace('<', '\\u003C').replace(
        '>', '\\u003e').replace("'", '\\u0027').replace('+', '\\u002B'),
    'JSON in JSON': lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    'JSON in JSON in JSON': lambda text: json.dumps(json.dumps(json.dumps(text)[1:-1])[1:-1])[1:-1],
    'JSON of PHP in JSON': lambda text: json.dumps(json.dumps(text)[1:-1].replace('/', '\\/'))[1:-1],
    'percent in JSON': lambda text: json.dumps(quote(text, safe=''))[1:-1],
    'JSON in percent': lambda text: quote(json.dumps(text)[1:-1], safe=''),
    'hexadecimal escapes': lambda text: ''.join(f'\\x{byte:02x}' for byte in text.encode()),
    'octal escapes': lambda text: ''.join(f'\\{byte:03o}' for byte in text.encode()),
    'escapes in braces': lambda text: ''.join(f'\\u{{{ord(c):x}}}' for c in text),
    'long escapes': lambda text: ''.join(f'\\U{ord(c):08x}' for c in text),
    'entities': html.escape,
    'named entities': named_entities,
    'decimal entities': lambda text: ''.join(f'&#{ord(c)};' for c in text),
    'decimal entities with zeros': lambda text: ''.join(f'&#{ord(c):05};' for c in text),
    'decimal entities with many zeros': lambda text: ''.join(f'&#{ord(c):012};' for c in text),
    'hexadecimal entities with many zeros': lambda text: ''.join(f'&#x{ord(c):012x};' for c in text),
    'hexadecimal entities': lambda text: ''.join(f'&#x{ord(c):x};' for c in text),
    'hexadecimal entities in capitals': lambda text: ''.join(f'&#X{ord(c):X};' for c in text),
    'double entities': lambda text: html.escape(html.escape(text)),
    'entities in JSON': lambda text: json.dumps(html.escape(text))[1:-1].replace('&', '\\u0026'),
    'hexadecimal': lambda text: text.encode().hex(),
    'hexadecimal in capitals': lambda text: text.encode().hex().upper(),
    'hexadecimal in mixed case': lambda text: ''.join(
        digit.upper() if index % 3 else digit for index, digit in enumerate(text.encode().hex())),
    'hexadecimal of Base64': lambda text: base64.b64encode(text.encode()).hex(),
    'twice Base64': lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    'hexadecimal in Base64': lambda text: base64.b64encode(text.encode().hex().encode()).decode(),
    'JSON in Base64': lambda text: base64.b64encode(json.dumps({'key': text}).encode()).decode(),
    'percent in Base64': lambda text: base64.b64encode(quote(text, safe='').encode()).decode(),
    'Base64': lambda text: base64.b64encode(text.encode()).decode(),
    'Base64 without padding': lambda text: base64.b64encode(text.encode()).decode().rstrip('='),
    'Base64 for URLs': lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    'Base64 at the second byte': lambda text: base64.b64encode(b'x' + text.encode()).decode(),
    'Base64 at the third byte': lambda text: base64.b64encode(b'xy' + text.encode() + b'z').decode(),
    'Base64 at the fourth byte': lambda text: base64.urlsafe_b64encode(b'xyz' + text.encode() + b'zz').decode(),
    'Base64 in percent': lambda text: quote(base64.b64encode(text.encode()).decode(), safe=''),
    'Base64 in JSON of PHP': lambda text: base64.b64encode(text.encode()).decode().replace('/', '\\/'),
    'representation': lambda text: repr(text)[1:-1],
    'SQL': lambda text: text.replace("'", "''"),
}


class TestSpellings(PureCase):

    def test_every_spelling(self):
        for secret in SECRETS:
            mask = Masker([secret])
            for name, spell in SPELLINGS.items():
                with self.subTest(secret=secret, spelling=name):
                    self.assertEqual(mask(f'Bad key "{spell(secret)}" given'), f'Bad key "{MASK}" given')

    def test_basic(self):
        """`user:password` of HTTP Basic, of which neither may be long enough to be looked for."""
        for user in USERS:
            for password in (*SECRETS, 'p', ''):
                pair = f'{user}:{password}'
                mask = Masker([password], [user], [pair])
                for name, spell in SPELLINGS.items():
                    if name.startswith('Base64') and 'byte' not in name:
                        with self.subTest(pair=pair, spelling=name):
                            self.assertEqual(mask(f'"Basic {spell(pair)}" is bad'), f'"Basic {MASK}" is bad')

    def test_utf_16(self):
        secret = 'pl4in-s3cret'
        for text in (secret.encode('utf-16-be').hex(), base64.b64encode(secret.encode('utf-16-le')).decode()):
            self.assertEqual(Masker([secret])(f'Bad key "{text}" given'), f'Bad key "{MASK}" given')

    def test_blanks(self):
        """A header has no control characters, and an HTML page or our own words have white space collapsed."""
        mask = Masker([' two  s3cret\nlines '])
        for text in ('two  s3cretlines', ' two  s3cret\nlines ', 'two s3cret lines', '+two++s3cret%0Alines+'):
            self.assertEqual(mask(f'a:{text}:b').replace(' ', ''), f'a:{MASK}:b')

    def test_odd_secrets(self):
        for secret in ('ends with \\s3cret\\', 's3cret &#1; &#xD800; &#0;', '\\x41\\u0042%43&#68;s3cret',
                       '%s3cret%%41'):
            mask = Masker([secret])
            for name, spell in SPELLINGS.items():
                with self.subTest(secret=secret, spelling=name):
                    self.assertNotIn('s3cret', mask(f'Bad "{spell(secret)}" given'))
                    self.assertIn(MASK, mask(f'Bad "{spell(secret)}" given'))

    def test_several(self):
        """Secrets that hold or overlap one another."""
        mask = Masker(['abcdefgh', 'defgh', 'efghijkl'])
        self.assertEqual(mask('x abcdefgh y defgh z abcdefghijkl!'), f'x {MASK} y {MASK} z {MASK}!')

    def test_what_is_masked_is_masked_once(self):
        mask = Masker([MASK, '*', 'pl4in-s3cret'])
        self.assertEqual(mask(mask('*** pl4in-s3cret')), f'{MASK} {MASK}')

    def test_text_without_secret_is_left_alone(self):
        mask = Masker(SECRETS, ['username-of-ours'], ['a:b'])
        for text in ('', 'OK', '{"url": "https:\\/\\/example.com\\/%C3%B6?a=b&amp;c=d"}', '%', '\\', '&',
                     '%zz &#; \\u12', '&notanentity;', 'caf\xe9 \ud800', '%ff%fe', '\\ud83d', 'a' * 5000):
            self.assertEqual(mask(text), text)
        self.assertEqual(Masker([])('text'), 'text')


class TestShort(PureCase):
    """A short secret does not blot out the text in which nobody could tell it anyway."""

    def test_one_or_two_characters(self):
        self.assertEqual(Masker(['a', '1', 'ok', ''])('{"status": 1, "a": "ok"}'), '{"status": 1, "a": "ok"}')

    def test_whole_words(self):
        mask = Masker(['123', 'abcd', 'qwert'])
        self.assertEqual(mask('to +49123456: 123, abcd; key=abcd'), f'to +49123456: {MASK}, {MASK}; key={MASK}')
        self.assertEqual(mask('abcde 1234 xqwerty'), 'abcde 1234 xqwerty')
        self.assertEqual(mask('%20abcd%20 qwert'), f'%20{MASK}%20 {MASK}')

    def test_user_names(self):
        """Half a secret, and often a word: whole words of four to seven characters, everything longer anywhere."""
        mask = Masker([], ['odoo', 'me', 'shop_master_1'])
        self.assertEqual(
            mask('odoo knows me, not Godoo or odoos; xshop_master_1x'),
            f'{MASK} knows me, not Godoo or odoos; x{MASK}x')


class TestManyTexts(PureCase):

    def test_ten_thousand_answers(self):
        """0.1 s on two cores; the bound only catches a pattern that is made for each answer."""
        secrets = tuple(f's3cret-number-{index}' for index in range(5))
        text = '{"messages": [{"to": "923001234567", "message-id": "0A0000000123ABCD1", "status": "0"}]}'
        with self.assert_cheap(3):
            for _ in range(10_000):
                masker(secrets, ('username',), ('username:password',))(text)

    def test_hostile_texts(self):
        """Layers upon layers end, and take no more than time in proportion to the text."""
        mask = Masker(SECRETS, USERS)
        for piece in ('%25', '&amp;', '\\\\', '\\u005c', '%', '&#38;', '&amp', '%26amp%3B', 'pl4in-s3cret',
                      base64.b64encode(b'pl4in-s3cret').decode(), '\\x41', 'a/', 'YTpi ',
                      '\\101', '&#000', '%25' + base64.b64encode(b'%25&amp;' * 9).decode() + ' '):
            with self.assert_cheap(5, piece):
                mask(piece * (65536 // len(piece)))
