# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who gets an automatic reply, and which number a reply is sent from."""
from ...tools.forced_gateway import get_reply_sender
from ...tools.inbound.answerable import is_answerable
from .common import PureCase


class TestReplies(PureCase):

    def test_answerable(self):
        for number, expected in (
            ('+32456001122', True), ('+12025550143', True), ('+4915112345678', True),
            ('+3290312345', False),  # premium rate
            ('+18002345678', False),  # toll-free
            ('36200', False), ('Shop', False), ('', False), ('+', False), ('+1', False), ('+999123456789', False),
        ):
            with self.subTest(number):
                self.assertIs(is_answerable(number), expected)

    def test_sender(self):
        for recipient, sender, number_format, expected in (
            ('+12025550100', '+12025550100', 'e164', ''),
            ('+12025550100', '12025550100', 'e164', ''),
            ('+12025550100', '+1 (202) 555-0100', 'e164', ''),
            ('+12025550101', '+12025550100', 'international', '+12025550101'),
            ('+12025550101', '12025550100', 'e164', '12025550101'),
            ('+12025550101', 'Shop', 'e164', '+12025550101'),
            ('+12025550101', 'Shop', 'international', '12025550101'),
            ('36200', '+12025550100', 'e164', '36200'),
            ('+12025550101', '', 'e164', ''),
            ('', '+12025550100', 'e164', ''),
            ('Shop', '+12025550100', 'e164', ''),
        ):
            with self.subTest(recipient=recipient, sender=sender):
                self.assertEqual(get_reply_sender(recipient, sender, number_format), expected)
