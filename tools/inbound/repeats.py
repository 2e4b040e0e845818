# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which messages a provider sent before. Pure."""
from dataclasses import dataclass, field

from .message import InboundMessage


@dataclass
class Repeats:
    """What is recorded already: message IDs, and the contents of messages without ID."""
    message_ids: set[str] = field(default_factory=set)
    contents: set[tuple[str, str, str]] = field(default_factory=set)  # number, text, time

    def has(self, message: InboundMessage, number: str) -> bool:
        """Return whether a message is repeated, and remember it.

        :param number: its number in E.164
        """
        if message.message_id:
            key, seen = message.message_id, self.message_ids
        else:
            key, seen = (number, message.text, message.sent_at), self.contents
        if key in seen:
            return True
        seen.add(key)
        return False
