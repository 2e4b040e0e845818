# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Everything that sending through one gateway needs, as plain data that threads can share."""
from dataclasses import dataclass

from ..tools.answer.interpretation import AnswerRules
from ..tools.price_list import NO_PRICES, PriceList
from ..tools.request.config import RequestConfig
from ..tools.smart_encoding import OFF, encode
from .dry_run import DryRun
from .message_rules import MessageRules
from .pauses import WORKING, GatewayState


@dataclass(frozen=True, slots=True)
class GatewayConnection:
    """The connections to one gateway.

    :param key: identifies the gateway among all databases of this process, which shares its connections
    :param connections: maximum number of parallel requests
    :param timeout: seconds to wait for a response
    :param dry_run: what answers in place of the provider, None if the gateway sends
    """
    key: tuple
    connections: int = 8
    timeout: float = 15
    dry_run: DryRun | None = None


@dataclass(frozen=True)
class GatewayConfig:
    """Everything that sending through one gateway needs.

    :param rate_limit: SMS per second of all workers and servers together, 0 for no limit
    :param prefixes: Country Prefixes as digits
    :param countries: see `routing.Route`
    :param weight: see `routing.Route`
    :param message_rules: what differs between its SMS, None if nothing does
    :param shared: what all workers know about it, as of the claim
    :param query_minutes: between sending and the first question about the status of an SMS, 0 if there is none
    :param smart_encoding: see :func:`~tools.smart_encoding.encode`
    :param prices: what SMS cost if the provider does not say so
    """
    gateway_id: int
    name: str
    connection: GatewayConnection
    request: RequestConfig
    answer: AnswerRules
    number_format: str
    rate_limit: float
    track_status: bool
    waits_for_report: bool
    prefixes: tuple[str, ...] = ()
    countries: frozenset[str] = frozenset()
    weight: int = 0
    shared: GatewayState = WORKING
    smart_encoding: str = OFF
    prices: PriceList = NO_PRICES
    message_rules: MessageRules | None = None
    query_minutes: int = 0

    @property
    def recipients(self) -> int:
        """The maximum number of SMS in one request."""
        return self.request.max_recipients if self.request.multiple_recipients else 1

    def encode(self, text: str) -> str:
        """Return the text that requests contain for the text of an SMS."""
        return encode(text, self.smart_encoding)
