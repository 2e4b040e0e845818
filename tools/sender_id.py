# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sender IDs: numbers, short codes and names. Pure."""
import re

from .gsm import is_gsm
from .problem import ProblemError

MAX_NAME = 11  # characters of an alphanumeric sender, 3GPP TS 23.040
MAX_DIGITS = 15  # ITU-T E.164
MIN_IDENTIFIER = 20  # characters of an identifier that providers take instead, such as a messaging service of Twilio
_NUMBER = re.compile(r'\+?[0-9 ()./-]*')
_IDENTIFIER = re.compile(r'[A-Za-z0-9_-]+')


def check_sender(sender: str):
    """Check what every provider requires of a Sender ID.

    :raise ProblemError: for a number of more than 15 digits, or a name of more than 11 characters or with characters
        outside of GSM 03.38
    """
    if _NUMBER.fullmatch(sender):
        digits = sum(map(str.isdecimal, sender))
        if not 1 <= digits <= MAX_DIGITS:
            raise ProblemError('sender_digits', maximum=MAX_DIGITS)
        return
    if len(sender) >= MIN_IDENTIFIER and _IDENTIFIER.fullmatch(sender):
        return
    if not is_gsm(sender) or re.search(r'[\r\n\f]', sender):
        raise ProblemError('sender_characters', sender=sender)
    if len(sender) > MAX_NAME:
        raise ProblemError('sender_too_long', length=len(sender), maximum=MAX_NAME)
