# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Numbers of every country become E.164 or stay as they are, and none is read as several: doc/behaviour.md section 4
(Numbers)."""

import phonenumbers

from ...tools.phone import NumberError, format_number, to_e164
from .common import PureCase
from .made_up import given, st

MOBILE = phonenumbers.PhoneNumberType.MOBILE


class TestNumbersOfCountries(PureCase):

    def test_no_local_number_becomes_a_stranger_abroad(self):
        """Read as international, these are merely possible: +98 7654321, +61 234567."""
        for number, countries in (
            ('987654321', ('BR',)), ('61234567', ('ES',)), ('61234567', ('ES', 'BR')), ('12345678', ('DE',)),
            ('4412345678', ()), ('98 765-4321', ('BR',)), ('(98) 7654321', ()),
        ):
            with self.subTest(number, countries=countries):
                possible = phonenumbers.parse('+' + ''.join(filter(str.isdigit, number)))
                self.assertTrue(phonenumbers.is_possible_number(possible))
                self.assertIsNone(to_e164(number, countries))
                with self.assertRaises(NumberError):
                    format_number(number, 'e164', countries)

    def test_only_valid_guesses(self):
        """Whatever the digits and the country: without + or 00 the result is a valid number, or there is none."""
        for digits in ('7', '61234567', '98765432', '987654321', '8612345678', '44123456789', '905551234567'):
            for country in phonenumbers.SUPPORTED_REGIONS:
                e164 = to_e164(digits, (country,))
                if e164:
                    with self.subTest(digits, country=country):
                        self.assertTrue(phonenumbers.is_valid_number(phonenumbers.parse(e164)))

    def test_local_number_of_every_country(self):
        """What a person types at home reaches the same phone, and a trunk zero before it changes nothing."""
        for country in sorted(phonenumbers.SUPPORTED_REGIONS):
            example = phonenumbers.example_number_for_type(country, MOBILE)
            if not example:
                continue
            e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
            code = f'+{example.country_code}'
            rest = e164[len(code):]
            with self.subTest(country):
                self.assertEqual(to_e164(national, (country,)), e164)
                self.assertEqual(to_e164(e164, ('US',)), e164)
                self.assertEqual(to_e164(e164[1:], ()), e164)
                with_zero = phonenumbers.PhoneNumber(
                    country_code=example.country_code, national_number=int(rest), italian_leading_zero=True,
                    number_of_leading_zeros=len(rest) - len(rest.lstrip('0')) + 1)
                if len(rest) < 14 and not phonenumbers.is_valid_number(with_zero):
                    self.assertEqual(to_e164(f'{code}0{rest}'), e164)
                    self.assertEqual(to_e164(f'00{code[1:]} 0{rest}', ('DE',)), e164)

    def test_trunk_prefix_after_the_country_code(self):
        for number, e164 in (
            ('+460736829291', '+46736829291'),
            ('+44 07911 123456', '+447911123456'),
            ('00330612345678', '+33612345678'),
            ('+49-0151-12345678', '+4915112345678'),
            ('+92 0300 1234567', '+923001234567'),
            ('+34 0612345678', '+34612345678'),  # Spain has no trunk prefix at all
            ('+1 1 201 555 0123', '+12015550123'),
            ('+36 06 20 123 4567', '+36201234567'),
            ('+7 8 912 345-67-89', '+79123456789'),
            ('+370 8 612 34567', '+37061234567'),
        ):
            with self.subTest(number):
                self.assertEqual(to_e164(number), e164)
                self.assertEqual(format_number(number, 'e164', ('SE',)), e164)

    def test_zero_that_belongs_to_the_number(self):
        for number in (
            '+390612345678', '+3780549886377', '+2250102030405', '+24106031234', '+39061234567', '+22901234567',
            '+4600000000', '+999012345678',
        ):
            with self.subTest(number):
                self.assertEqual(to_e164(number), number)

    def test_raw_is_one_number(self):
        """One SMS must never reach two people, whichever separator the provider knows."""
        two = '+923001234567{}+923007654321'
        for between in (
            ',', ', ', ';', '|', '\n', '\r\n', '\t', '\u2028', '\x85', '","', '&to=', '[]', '،', '，', ' ', ' / ', '-',
        ):
            with self.subTest(between), self.assertRaises(NumberError) as refused:
                format_number(two.format(between), 'raw')
            self.assertEqual(str(refused.exception), 'number_may_be_several')
        for separator in (' ', '-', '/', ' - ', '#'):
            with self.subTest(separator=separator), self.assertRaises(NumberError):
                format_number(f'03001234567{separator}03007654321', 'raw', separator=separator)

    @given(st.text(max_size=20), st.text(max_size=20), st.text(min_size=1, max_size=3))
    def test_no_raw_number_holds_the_separator(self, one, other, separator):
        with self.assertRaises(NumberError):
            format_number(one + separator + other, 'raw', separator=separator)

    def test_two_numbers_in_other_formats(self):
        """Whatever stands between them, at most one number is made of them."""
        for between in (',', ';', '\n', ' ', '/', ' / ', ' x', '&to=', '","'):
            with self.subTest(between):
                e164 = to_e164(f'+923001234567{between}+923007654321', ('PK',))
                self.assertIn(e164, (None, '+923001234567'))
