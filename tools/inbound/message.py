# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An inbound SMS, and the parts of a long one. Pure."""
from dataclasses import dataclass

MAX_PARTS = 255  # of a long SMS, 3GPP TS 23.040 section 9.2.3.24.1


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What a provider received for us. Texts are empty where it gave nothing."""
    message_id: str
    number: str  # of the person who wrote, as the provider spells it
    recipient: str  # our number, likewise
    text: str
    sent_at: str = ''  # `YYYY-MM-DD HH:MM:SS` in UTC
    reply_reference: str = ''  # what identifies the SMS that this one answers: our UUID or the provider's message ID
    optout: str = ''  # 'stop', 'start' or 'help' where the provider recognized it
    part_reference: str = ''
    part_number: int = 0  # 0: not a part
    part_total: int = 0

    @property
    def is_part(self) -> bool:
        """Whether this is one of several parts of a long SMS, which the provider did not put together."""
        return 1 < self.part_total <= MAX_PARTS and 1 <= self.part_number <= self.part_total


def join_parts(parts: dict[str, str]) -> str:
    """Join the texts of the parts that arrived.

    :param parts: {part number: text}; the numbers are texts, as in JSON
    """
    return ''.join(parts[number] for number in sorted(parts, key=int))
