# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How the calls of a gateway's provider are treated. Pure."""
from dataclasses import dataclass, field

from ..problem import ProblemError
from ..report.authentication import Call, SignatureRule, has_basic, is_within, may_be_signed, parse_networks
from ..report.parsing import ReportRules
from .parsing import InboundRules


@dataclass(frozen=True)
class CallSettings:
    """How the calls of a gateway's provider are treated.

    :param takes_reports: whether delivery reports are stored
    :param takes_messages: whether inbound SMS are stored
    :param check: webhook authentication, as `delivery_callback_check` names it
    :param credentials: username and password of HTTP Basic
    :param networks: the text of `parse_networks`
    :param signature: how calls must be signed; None if they are not
    :param answers: text and content type of the response, by whether it responds to an SMS
    """
    gateway_id: int
    takes_reports: bool
    takes_messages: bool
    report_rules: ReportRules = field(repr=False)
    inbound_rules: InboundRules = field(repr=False)
    check: str
    credentials: tuple[str, str] = field(repr=False)
    networks: str
    signature: SignatureRule | None
    answers: dict[bool, tuple[str, str]]

    def check_before_body(self, call: Call) -> None:
        """Check HTTP Basic, the networks, and whether there is a signature, before the body is read. An incomplete
        configuration rejects all calls.

        :param call: without its body
        :raise ProblemError: if the call is refused
        """
        if self.check == 'basic' and not has_basic(*self.credentials, call):
            raise ProblemError('wrong_credentials')
        if self.check == 'networks' and not is_within(parse_networks(self.networks), call):
            raise ProblemError('foreign_network')
        if self.signature and not may_be_signed(self.signature, call):
            raise ProblemError('signature_missing')
