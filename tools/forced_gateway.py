# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The gateway and the sender of a reply."""
from dataclasses import dataclass

KEY = 'sms_forced_gateway'  # in the context


@dataclass(frozen=True)
class ForcedGateway:
    """The gateway through which SMS are sent that are created with this in the context. A client can put only plain
    values there, so it cannot choose a gateway.

    :param sender: see `get_reply_sender`
    """
    gateway_id: int
    sender: str = ''


def get_reply_sender(recipient: str, sender: str, number_format: str) -> str:
    """Return the number from which to reply to an SMS, to keep one conversation on the recipient's phone.

    :param recipient: our number that the SMS was sent to, in E.164 or a short code
    :param sender: Sender ID of the gateway, whose spelling the provider expects
    :param number_format: of the gateway, decides if its Sender ID is a name
    :return: empty if the gateway uses this number anyway, or no sender
    """
    digits, usual = _get_digits(recipient), (sender or '').strip()
    if not digits or not usual or digits == _get_digits(usual):
        return ''
    is_number = not usual.lstrip('+').strip('0123456789 ()-./')
    has_plus = usual.startswith('+') if is_number else number_format == 'e164'
    return f'+{digits}' if has_plus and recipient.startswith('+') else digits


def _get_digits(number):
    return ''.join(filter(str.isdecimal, number or ''))
