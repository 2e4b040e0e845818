# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values that providers demand for each SMS: sender by country and company, DLT identifiers, message type. Pure."""
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..tools import phone
from ..tools.request.config import MessageValues
from .lanes import BULK, NORMAL

TRANSACTIONAL, PROMOTIONAL = MESSAGE_TYPES = 'transactional', 'promotional'
DLT_PREFIX = '+91'  # only India has it; DLT is the registry that its regulator TRAI requires


@dataclass(frozen=True)
class MessageRules:
    """The values of the SMS of one gateway.

    :param senders: {(ISO code of the country or None for all, company id or None for all): sender}
    :param entity_id: the DLT entity of the gateway
    :param entity_ids: {company id: its DLT entity}, used if the gateway has none
    :param words: {message type: the provider's word}
    """
    senders: Mapping[tuple[str | None, int | None], str] = field(default_factory=dict)
    entity_id: str = ''
    entity_ids: Mapping[int, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def get_values(
            self, company_id: int, e164: str | None, *, dlt_template_id: str = '', message_type: str = '',
            lane: str = NORMAL, sender: str = '') -> MessageValues:
        """Return the values of one SMS.

        :param e164: the number in E.164 with +, None if it is invalid
        :param message_type: empty if the lane decides: bulk SMS are promotional
        :param sender: one that takes precedence, as that of a reply
        """
        needs_dlt = bool(e164 and e164.startswith(DLT_PREFIX))
        return MessageValues(
            sender=sender or self._find_sender(company_id, e164),
            dlt_entity_id=(self.entity_id or self.entity_ids.get(company_id, '')) if needs_dlt else '',
            dlt_template_id=dlt_template_id if needs_dlt else '',
            message_type=self.words.get(message_type or (PROMOTIONAL if lane == BULK else TRANSACTIONAL), ''),
            needs_dlt=needs_dlt)

    def _find_sender(self, company_id: int, e164: str | None) -> str:
        """Return the sender of the most specific row: country and company, country, company; empty without one."""
        if not self.senders:
            return ''
        country = phone.get_country(e164)
        found = (
            self.senders.get(key) for key in ((country, company_id), (country, None), (None, company_id)) if any(key))
        return next(filter(None, found), '')
