# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that asking one provider for the status of SMS needs, as plain data that threads can share."""
from dataclasses import dataclass, field

from ..tools import phone
from ..tools.attempt import attempt_uuid
from ..tools.report.query import StatusRules
from ..tools.request.builder import HttpRequest, Recipient
from ..tools.request.config import RequestConfig
from ..tools.request.query import render_query
from .gateway_config import GatewayConnection

MAX_INTERVAL = 6 * 3600  # seconds between two questions about an SMS; the interval doubles until then


@dataclass(frozen=True)
class StatusQuery:
    """How a gateway asks for the status of its SMS.

    :param ids_per_request: maximum number of SMS in one request
    :param delay: seconds between sending and the first question
    :param number_format: see `phone.format_number`
    :param rate_limit: requests per second of all workers and servers together, SMS included; 0 for no limit
    :param wait_header: see `tools.answer.waiting.read_wait`, as `wait_regex`
    """
    gateway_id: int
    connection: GatewayConnection
    request: RequestConfig
    rules: StatusRules
    ids_per_request: int
    delay: int
    number_format: str
    rate_limit: float = 0
    wait_header: str = ''
    wait_regex: str = ''


@dataclass(frozen=True, slots=True)
class WaitingSms:
    """An SMS whose provider is asked.

    :param id: of its status row
    :param has_report: whether any delivery report has arrived
    :param has_price: whether one of them contained the price
    """
    id: int
    message_id: str
    number: str
    uuid: str
    attempt: int
    has_report: bool
    has_price: bool = False


@dataclass(slots=True)
class Question:
    """One request about some SMS.

    :param request: None until it is built
    :param not_before: `time.monotonic()` of its place under the rate limit, 0 without one
    """
    query: StatusQuery
    all_sms: list[WaitingSms] = field(default_factory=list)
    request: HttpRequest | None = None
    not_before: float = 0

    @property
    def message_ids(self) -> list[str]:
        return list(dict.fromkeys(sms.message_id for sms in self.all_sms))

    def build(self) -> HttpRequest:
        """Build the request.

        :raise ConfigError, RenderError: if there is none for these SMS
        """
        first = {sms.message_id: sms for sms in reversed(self.all_sms)}
        self.request = render_query(self.query.request, [
            make_recipient(self.query, first[message_id]) for message_id in self.message_ids])
        return self.request


def make_recipient(query: StatusQuery, sms: WaitingSms) -> Recipient:
    """Return what the placeholders of a status query stand for. A number without the gateway's format is unchanged."""
    try:
        number = phone.format_number(sms.number, query.number_format, ())
    except phone.NumberError:
        number = sms.number
    return Recipient(attempt_uuid(sms.uuid, sms.attempt), number, '', message_id=sms.message_id)


def make_questions(query: StatusQuery, all_sms: list[WaitingSms]) -> list[Question]:
    """Divide SMS among requests. SMS with the same message ID are in one, and it is asked about once."""
    by_message_id: dict[str, list[WaitingSms]] = {}
    for sms in all_sms:
        by_message_id.setdefault(sms.message_id, []).append(sms)
    groups = list(by_message_id.values())
    size = max(1, query.ids_per_request)
    return [
        Question(query, [sms for group in groups[start:start + size] for sms in group])
        for start in range(0, len(groups), size)]
