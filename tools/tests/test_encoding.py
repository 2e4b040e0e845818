# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""GSM 03.38 and UCS-2 (3GPP TS 23.038); SPEC section 2, Encoding Values."""
import unittest

from ..encoding import is_gsm, to_hex, well_formed


class TestGsm(unittest.TestCase):

    def test_texts(self):
        for text, gsm in (
            ('', True),
            ('Hello, world! 100% @ 5 £/$/¥ ?', True),
            ('[5 € | 6 € ^ ~ \\ {x}]\r\n\f', True),  # the extension table
            ('Größe ÄÖÜ ñ à è é ù ì ò Ç Ø Å Æ ß ¿¡ § ¤', True),
            ('ΔΦΓΛΩΠΨΣΘΞ', True),
            ('`', False),
            ('ç', False),  # the table has the capital only
            ('á í ó ú', False),
            ('tab\t', False),
            ('\x1b', False),  # the escape to the extension table is no character
            ('“quoted” – dash…', False),
            ('non\u00a0breaking', False),
            ('سلام', False),
            ('Привет', False),
            ('😀', False),
        ):
            with self.subTest(text):
                self.assertIs(is_gsm(text), gsm)

    def test_the_alphabet_has_its_137_characters(self):
        self.assertEqual(sum(is_gsm(chr(code)) for code in range(0x110000)), 127 + 10)


class TestUcs2(unittest.TestCase):

    def test_hexadecimal(self):
        for text, hexadecimal in (('A', '0041'), ('سل', '06330644'), ('😀', 'D83DDE00'), ('', '')):
            with self.subTest(text):
                self.assertEqual(to_hex(text), hexadecimal)

    def test_surrogates(self):
        for text, expected in (('a\ud83d\ude00', 'a😀'), ('a\ud83d', 'a\ufffd'), ('\ude00b', '\ufffdb'), ('😀', '😀')):
            with self.subTest(ascii(text)):
                self.assertEqual(well_formed(text), expected)
