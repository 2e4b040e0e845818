# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A text fits GSM 03.38 or needs UCS-2, in so many segments (3GPP TS 23.038): doc/behaviour.md section 2, Encoding
Values."""

from ...tools.gsm import Segments, count_segments, is_gsm, to_hex, well_formed
from .common import PureCase


class TestGsm(PureCase):

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


class TestUcs2(PureCase):

    def test_hexadecimal(self):
        for text, hexadecimal in (('A', '0041'), ('سل', '06330644'), ('😀', 'D83DDE00'), ('', '')):
            with self.subTest(text):
                self.assertEqual(to_hex(text), hexadecimal)

    def test_surrogates(self):
        for text, expected in (('a\ud83d\ude00', 'a😀'), ('a\ud83d', 'a\ufffd'), ('\ude00b', '\ufffdb'), ('😀', '😀')):
            with self.subTest(ascii(text)):
                self.assertEqual(well_formed(text), expected)


class TestSegments(PureCase):
    """What networks count: 3GPP TS 23.038 for the characters, TS 23.040 for the headers of several segments."""

    def test_limits(self):
        for text, encoding, characters, count in (
            ('', 'gsm', 0, 0),
            (' \n ', 'gsm', 0, 0),
            ('a' * 160, 'gsm', 160, 1),
            ('a' * 161, 'gsm', 161, 2),
            ('a' * 306, 'gsm', 306, 2),
            ('a' * 307, 'gsm', 307, 3),
            ('ş' * 70, 'unicode', 70, 1),
            ('ş' * 71, 'unicode', 71, 2),
            ('ş' * 134, 'unicode', 134, 2),
            ('ş' * 135, 'unicode', 135, 3),
        ):
            with self.subTest(length=len(text), encoding=encoding):
                self.assertEqual(count_segments(text), Segments(encoding, characters, count))

    def test_extension_table_takes_two_septets(self):
        self.assertEqual(count_segments('[' + 'a' * 100), Segments('gsm', 102, 1))
        self.assertEqual(count_segments('€' * 80), Segments('gsm', 160, 1))
        self.assertEqual(count_segments('€' * 81), Segments('gsm', 162, 2))

    def test_line_breaks_are_characters_as_they_are_sent(self):
        self.assertEqual(count_segments('a\nb'), Segments('gsm', 3, 1))
        self.assertEqual(count_segments('a\r\nb'), Segments('gsm', 4, 1))

    def test_escape_pair_is_not_split(self):
        self.assertEqual(count_segments('a' * 151 + '€' + 'a' * 153), Segments('gsm', 306, 2))
        self.assertEqual(count_segments('a' * 152 + '€' + 'a' * 152), Segments('gsm', 306, 3))
        self.assertEqual(count_segments('a' * 152 + '€' + 'a' * 151), Segments('gsm', 305, 2))

    def test_surrogate_pair_is_not_split(self):
        self.assertEqual(count_segments('😀'), Segments('unicode', 2, 1))
        self.assertEqual(count_segments('ş' * 65 + '😀' + 'ş' * 67), Segments('unicode', 134, 2))
        self.assertEqual(count_segments('ş' * 66 + '😀' + 'ş' * 66), Segments('unicode', 134, 3))
        self.assertEqual(count_segments('ş' * 66 + '\ud83d\ude00' + 'ş' * 66), Segments('unicode', 134, 3))

    def test_lone_surrogate(self):
        self.assertEqual(count_segments('\ud83d').characters, 1)
