# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Numbers and prefixes are read as people type them: doc/behaviour.md sections 2 (Country Prefixes, Number Format), 4
(Numbers)."""
from unittest import mock

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ...tools import phone
from ...tools.phone import NumberError, format_number, get_spellings, parse_prefixes, to_e164
from ...tools.problem import Problem
from .common import PureCase
from .made_up import given, st


class TestPrefixes(PureCase):
    """doc/behaviour.md section 4: `+92`, `0092` and `92` are the same prefix; empty prefixes match nothing."""

    def test_prefixes_are_read(self):
        for text, prefixes in (
            ('+92', ('92',)),
            ('0092', ('92',)),
            ('92', ('92',)),
            ('+1, +92,0091', ('1', '92', '91')),
            ('+92,0092, 92', ('92',)),
            ('+1,,  ,+44,', ('1', '44')),
            ('+1787', ('1787',)),
            ('', ()),
            (' , ', ()),
        ):
            with self.subTest(text):
                self.assertEqual(parse_prefixes(text), prefixes)

    def test_anything_else_is_refused_by_name(self):
        for text, entry in (
            ('+92,PK', 'PK'), ('+', '+'), ('00', '00'), ('0', '0'), ('+092', '+092'), ('000', '000'),
            ('+1;+44', '+1;+44'),
            ('+92 300', '+92 300'), ('٩٢', '٩٢'), ('+92*', '+92*'), ('1234567890123456', '1234567890123456'),
        ):
            with self.subTest(text), self.assertRaises(NumberError) as refused:
                parse_prefixes(text)
            self.assertEqual(refused.exception.problem, Problem('invalid_prefix', (('entry', entry),)))


class TestE164(PureCase):
    """doc/behaviour.md section 4: digits without + are read with the recipient's country, then the company's, then as
    international."""

    def test_numbers_are_read(self):
        for number, countries, e164 in (
            ('+923001234567', (), '+923001234567'),
            ('+92 (300) 123-45.67', (), '+923001234567'),
            ('00923001234567', ('DE',), '+923001234567'),
            ('0092 300 / 1234567', (), '+923001234567'),
            ('0300 1234567', ('PK',), '+923001234567'),
            ('3001234567', ('PK',), '+923001234567'),
            ('923001234567', ('PK',), '+923001234567'),
            ('923001234567', ('US',), '+923001234567'),
            ('923001234567', (), '+923001234567'),
            ('2015550123', ('US', 'PK'), '+12015550123'),
            ('03001234567', ('US', 'PK'), '+923001234567'),
            ('011 92 300 1234567', ('US',), '+923001234567'),
            ('0151 12345678', ('', 'XX', 'DE'), '+4915112345678'),
            ('+44 (0)20 7946 0958', ('US',), '+442079460958'),
            ('00 44 (0)20 7946 0958', (), '+442079460958'),
            ('\u202a+92\u00a0300\u20111234567\u202c', (), '+923001234567'),
            ('+٩٢٣٠٠١٢٣٤٥٦٧', (), '+923001234567'),
            # a trunk prefix after the country code
            ('+460736829291', (), '+46736829291'),
            ('+44 07911 123456', ('US',), '+447911123456'),
            ('00330612345678', (), '+33612345678'),
            ('+49 0151 12345678', ('DE',), '+4915112345678'),
            ('460736829291', ('US',), '+46736829291'),
            ('+36 06 20 123 4567', (), '+36201234567'),
            ('+7 8 912 345-67-89', (), '+79123456789'),
            ('+390612345678', (), '+390612345678'),
            ('+39 06 1234 5678', ('IT',), '+390612345678'),
            ('+3780549886377', (), '+3780549886377'),
            ('+2250701234567', (), '+2250701234567'),  # Ivory Coast: since 2021 all numbers begin with 0
            ('+201001234567', (), '+201001234567'),
            ('+78121234567', (), '+78121234567'),
        ):
            with self.subTest(number, countries=countries):
                self.assertEqual(to_e164(number, countries), e164)

    def test_what_is_no_number_stays_none(self):
        for number, countries in (
            ('', ()), (None, ()), ('abc', ('US',)), ('+', ()), ('00', ()), ('+12345', ()), ('+1234567890123456', ()),
            ('+0300123456', ()), ('03001234567', ()), ('03001234567', ('US',)), ('112', ('DE',)),
            ('+1 212 555 0100 ext. 5', ('US',)), ('+92300123x567', ()), ('a@example.com', ('US',)),
            # possible abroad, which is not enough
            ('987654321', ('BR',)), ('61234567', ('ES',)), ('0461234567', ('US',)), ('12345678', ('FR',)),
            ('4412345', ('GB',)),
        ):
            with self.subTest(number, countries=countries):
                self.assertIsNone(to_e164(number, countries))

    def test_a_new_range_is_not_refused_and_costs_nothing(self):
        with mock.patch.object(phone.phonenumbers, 'parse', side_effect=AssertionError('library asked')):
            self.assertEqual(to_e164('+999 123 456 789'), '+999123456789')

    def test_number_of_each_country(self):
        """Given a mobile number of each country as it is dialled there, with and without its trunk prefix: it never
        reaches another one, whoever sends it."""
        count = 0
        for country in sorted(phonenumbers.SUPPORTED_REGIONS):
            example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
            if not example:
                continue
            e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
            with self.subTest(country=country):
                self.assertEqual(to_e164(national, (country,)), e164)
                self.assertEqual(to_e164(e164, ('PK',)), e164)
                self.assertEqual(to_e164(f'00{e164[1:]}'), e164)
                self.assertEqual(to_e164(e164[1:], ()), e164)
                digits = ''.join(filter(str.isdigit, national))
                self.assertEqual(to_e164(f'+{example.country_code} {digits}'), e164)
                guessed = to_e164(digits, ('XX',))
                self.assertTrue(guessed is None or phonenumbers.is_valid_number(phonenumbers.parse(guessed)))
                count += 1
        self.assertGreater(count, 200)

    @given(st.from_regex(r'\+[1-9][0-9]{6,14}', fullmatch=True))
    def test_e164_stays_what_it_is(self, number):
        """But for a trunk prefix, which makes it no number of its country."""
        e164 = to_e164(number, ('PK',))
        self.assertEqual(to_e164(e164), e164)
        self.assertEqual(to_e164(format_number(number, 'double_zero')), e164)
        if e164 != number:
            self.assertTrue(phonenumbers.is_valid_number(phonenumbers.parse(e164)))

    @given(st.text(max_size=30))
    def test_no_text_raises(self, text):
        e164 = to_e164(text, ('US', 'PK'))
        if e164 is not None:
            self.assertRegex(e164, r'\A\+[1-9][0-9]{3,16}\Z')


class TestNumberFormat(PureCase):
    """doc/behaviour.md section 2: the five number formats."""

    # country, as typed by somebody there, E.164, national with its trunk prefix
    COUNTRIES = (
        ('PK', '0300 1234567', '+923001234567', '03001234567'),
        ('IN', '098765 43210', '+919876543210', '09876543210'),
        ('BD', '01712-345678', '+8801712345678', '01712345678'),
        ('SA', '050 123 4567', '+966501234567', '0501234567'),
        ('US', '(201) 555-0123', '+12015550123', '2015550123'),
        ('GB', '020 7946 0958', '+442079460958', '02079460958'),
        ('DE', '0151 12345678', '+4915112345678', '015112345678'),
        ('FR', '06 12 34 56 78', '+33612345678', '0612345678'),
        ('IT', '06 1234 5678', '+390612345678', '0612345678'),
        ('ES', '612 34 56 78', '+34612345678', '612345678'),
        ('HU', '06 20 123 4567', '+36201234567', '06201234567'),
        ('RU', '8 912 345-67-89', '+79123456789', '89123456789'),
        ('UA', '050 123 4567', '+380501234567', '0501234567'),
        ('PH', '0917 123 4567', '+639171234567', '09171234567'),
        ('NG', '0803 123 4567', '+2348031234567', '08031234567'),
        ('MX', '55 1234 5678', '+525512345678', '5512345678'),
    )

    def test_five_formats_per_country(self):
        for country, typed, e164, national in self.COUNTRIES:
            formats = (
                ('e164', e164), ('international', e164[1:]), ('double_zero', f'00{e164[1:]}'), ('national', national),
                ('raw', typed),
            )
            for number_format, expected in formats:
                with self.subTest(country, number_format=number_format):
                    self.assertEqual(format_number(typed, number_format, (country,)), expected)
                if number_format != 'raw':
                    with self.subTest(country, number_format=number_format, typed=e164):
                        self.assertEqual(format_number(e164, number_format), expected)

    def test_unreadable_is_refused_without_showing_the_number(self):
        for number_format in ('e164', 'international', 'double_zero', 'national'):
            with self.subTest(number_format), self.assertRaises(NumberError) as refused:
                format_number('0300-77', number_format)
            self.assertEqual(refused.exception.problem, Problem('number_unreadable'))
            self.assertNotIn('77', str(refused.exception))

    def test_raw_is_never_refused(self):
        for number in ('12345', 'Shop', ' 0300 '):
            self.assertEqual(format_number(number, 'raw'), number)

    def test_significant(self):
        """Providers of one country may want the number without its trunk prefix; Italy's 0 is no prefix."""
        for e164, significant in (
                ('+919876543210', '9876543210'), ('+923001234567', '3001234567'), ('+390612345678', '0612345678')):
            with self.subTest(e164):
                self.assertEqual(format_number(e164, 'significant'), significant)

    def test_no_national_form_without_a_country(self):
        with self.assertRaisesRegex(NumberError, 'number_has_no_national_form'):
            format_number('+999123456789', 'national')


class TestCostlyNumbers(PureCase):

    def test_examples_of_the_library(self):
        """As the library says, for its example of each region and kind of number."""
        for region in sorted(phonenumbers.SUPPORTED_REGIONS):
            for kind in (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
                example = phonenumbers.example_number_for_type(region, kind)
                if not example:
                    continue
                is_premium = phonenumbers.number_type(example) == PhoneNumberType.PREMIUM_RATE
                with self.subTest(region=region, kind=kind):
                    self.assertEqual(phone.is_premium_or_satellite(phone.to_e164(
                        phonenumbers.format_number(example, PhoneNumberFormat.E164))), is_premium)

    def test_satellite_and_others(self):
        for number in ('+870773111632', '+881612345678', '+882161234567', '+883510012345', '+979123456789'):
            self.assertTrue(phone.is_premium_or_satellite(number), number)
        for number in ('+8801712345678', '+999123456789', '+32456001122'):
            self.assertFalse(phone.is_premium_or_satellite(number), number)

    def test_country(self):
        self.assertEqual(
            [phone.get_country(number) for number in ('+12125551234', '+16135551234', '+32456001122', None, '+999')],
            ['US', 'CA', 'BE', None, None])


class TestCountriesServed(PureCase):
    """Without its country code, a number of another country is that of a stranger."""

    def test_formats_without_country_code(self):
        for number_format, expected in (('national', '05321234567'), ('significant', '5321234567')):
            with self.subTest(number_format):
                self.assertEqual(format_number('+905321234567', number_format, prefixes=('90',)), expected)
                self.assertEqual(format_number('+905321234567', number_format), expected)
                for number in ('+4915123456789', '+12025550123', '0049 151 23456789'):
                    with self.assertRaises(NumberError) as caught:
                        format_number(number, number_format, prefixes=('90',))
                    self.assertEqual(caught.exception.problem.code, 'number_of_another_country')

    def test_other_formats_name_the_country(self):
        for number_format in ('e164', 'international', 'double_zero', 'raw'):
            with self.subTest(number_format):
                self.assertIn('4915123456789', format_number('+4915123456789', number_format, prefixes=('90',)))


class TestSpellings(PureCase):
    """An SMS is found by its number although other code wrote it as in the contact."""

    def test_spellings(self):
        for number, spellings in (
            ('+32456001122', ['+32456001122', '+32 456 00 11 22']),
            ('+12025550123', ['+12025550123', '+1 202-555-0123']),
            ('8080', ['8080']),
            ('Bank', ['Bank']),
            ('+99900000000', ['+99900000000']),
        ):
            with self.subTest(number):
                self.assertEqual(get_spellings(number), spellings)
