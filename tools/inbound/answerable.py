# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which senders may get an automatic reply."""
import phonenumbers
from phonenumbers import PhoneNumberType

# Nobody reads SMS there, or replying costs more than usual.
_NEVER = {
    PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.TOLL_FREE, PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL, PhoneNumberType.PAGER}


def is_answerable(number: str) -> bool:
    """Return whether a sender is the number of a person: not a short code, not a name, not a service number.

    :param number: E.164, or as received if it has none
    """
    if not (number or '').startswith('+'):
        return False
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) not in _NEVER
