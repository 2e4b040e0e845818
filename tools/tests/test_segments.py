# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import unittest

from ..segments import Segments, count_segments


class TestSegments(unittest.TestCase):
    """The figures that core's composer shows for the same texts."""

    def test_limits(self):
        for text, encoding, characters, count in (
            ('', 'gsm', 0, 0),
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

    def test_a_line_break_is_two_characters(self):
        self.assertEqual(count_segments('a\nb'), Segments('gsm', 4, 1))

    def test_an_emoji_is_two_units(self):
        self.assertEqual(count_segments('😀'), Segments('unicode', 2, 1))

    def test_extension_table_counts_as_unicode_as_in_core(self):
        self.assertEqual(count_segments('5 €').encoding, 'unicode')

    def test_lone_surrogate(self):
        self.assertEqual(count_segments('\ud83d').characters, 1)
