# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Smart encoding: what replaces the characters that make an SMS Unicode, and when."""
import sys

from ...tools.gsm import count_segments, is_gsm
from ...tools.smart_encoding import ALWAYS, OFF, SAVING, encode, replace_typography
from .common import PureCase

LONG = ' and so on' * 8  # more than a segment in Unicode, less than one in GSM 03.38


class TestTypography(PureCase):

    def test_replaced(self):
        for text, replaced in (
            ('“Hi”, „du“, «toi»', '"Hi", "du", "toi"'),
            ('it’s ‘so’ ‹so›, 5′ 6″, l´eau `a`', "it's 'so' 'so', 5' 6\", l'eau 'a'"),
            ('2024–2025 — now‑here −5', '2024-2025 - now-here -5'),
            ('wait…', 'wait...'),
            ('10\u00a0€, 5\u202f%\tend', '10 €, 5 % end'),
            ('Donau\u00addampf\u200bschiff\ufeff', 'Donaudampfschiff'),
            ('ﬁn oﬃce œuvre', 'fin office oeuvre'),
            ('a\u200db\u200ec', 'abc'),
            ('cafe\u0301', 'café'),  # the same letter in another form
        ):
            with self.subTest(text):
                self.assertEqual(replace_typography(text), replaced)
                self.assertTrue(is_gsm(replaced))

    def test_letters_stay(self):
        self.assertEqual(replace_typography('“Łukasz” Čapek'), '"Łukasz" Čapek')

    def test_what_shapes_other_scripts_stays(self):
        for text in ('می\u200cخواهم', '👩\u200d👧', 'שלום\u200f!'):
            with self.subTest(ascii(text)):
                self.assertEqual(replace_typography(text), text)


class TestModes(PureCase):

    def test_off(self):
        self.assertEqual(encode('“Hi”' + LONG, OFF), '“Hi”' + LONG)

    def test_saving_needs_a_segment_less(self):
        self.assertEqual(encode('“Hi”' + LONG, SAVING), '"Hi"' + LONG)
        self.assertEqual(encode('“Hi”', SAVING), '“Hi”', "One segment is one segment.")

    def test_saving_leaves_a_text_that_stays_unicode(self):
        for text in ('“Łukasz”' + LONG, '“Hi” 😀' + LONG, '«Привет»' + LONG):
            with self.subTest(text):
                self.assertEqual(encode(text, SAVING), text)

    def test_always_replaces_accents_that_gsm_lacks(self):
        for text, replaced in (
            ('Łukasz Čapek', 'Lukasz Capek'),
            ('Nguyễn Thế Ǖ', 'Nguyen The Ü'),
            ('ça va, Çà, çé', 'ca va, Çà, cé'),
            ('Größe ñ å É', 'Größe ñ å É'),
            ('Þórður ĐẞØ', 'Thordur DSSØ'),
            ('İstanbul ılık x̌', 'Istanbul ilik x'),
            ('“Hi”', '"Hi"'),
        ):
            with self.subTest(text):
                self.assertEqual(encode(text, ALWAYS), replaced)

    def test_always_leaves_other_alphabets_and_symbols(self):
        for text in ('Йод ёж', 'Ώρα ά', 'a ≠ b', '½ ²', 'می\u200cخواهم', '한국 が'):
            with self.subTest(text):
                self.assertEqual(encode(text, ALWAYS), text)

    def test_never_more_segments(self):
        text = 'я' * 69 + '…'
        self.assertEqual(encode(text, ALWAYS), text)
        self.assertEqual(encode('я' * 60 + '…', ALWAYS), 'я' * 60 + '...')

    def test_every_character(self):
        """A replacement fits GSM 03.38; a text that fits is never changed."""
        for char in map(chr, range(sys.maxunicode + 1)):
            replaced = encode(char, ALWAYS)
            if replaced != char:
                self.assertFalse(is_gsm(char), ascii(char))
                self.assertLessEqual(count_segments(replaced).count, 1, ascii(char))
        for text in ('[€]', 'ñàÇ', "it's"):
            self.assertIs(encode(text, ALWAYS), text)
