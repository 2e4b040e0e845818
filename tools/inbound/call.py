# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a call from a provider contains: delivery reports, inbound SMS, or both (one URL may serve both). Pure."""
from dataclasses import dataclass

from ..report.authentication import Content
from ..report.body import ReportError
from ..report.parsing import DeliveryReport, ReportRules, parse_reports
from .message import InboundMessage
from .parsing import InboundCall, InboundRules, parse_messages


@dataclass(frozen=True)
class ReceivedCall:
    """The content of a call.

    :ivar has_inbound: whether the provider expects the response to an SMS
    :ivar refusal: why a part of the call, or all of it, cannot be read; None if all can
    """
    reports: tuple[DeliveryReport, ...] = ()
    messages: tuple[InboundMessage, ...] = ()
    has_inbound: bool = False
    refusal: ReportError | None = None


def read_call(
        report_rules: ReportRules, inbound_rules: InboundRules, is_inbound_url: bool, method: str,
        content: Content) -> ReceivedCall:
    """Read a call.

    An SMS is recognized by the gateway's `Recognized By` on both URLs. Without it, the URL alone decides. Some callers
    leave out what `Recognized By` reads: a sender and a text at the URL for inbound SMS are an SMS if the call contains
    no report.
    """
    arguments = method, content.query, content.content_type, content.body
    found, refusal = InboundCall(), None
    has_kind = bool(inbound_rules.kind_param.strip())
    if is_inbound_url or has_kind:
        try:
            found = parse_messages(inbound_rules, *arguments)
        except ReportError as error:
            refusal = error if is_inbound_url else None
    reports = []
    if has_kind or not is_inbound_url:
        try:
            reports = parse_reports(report_rules, *arguments)
        except ReportError as error:
            reports = error.reports
            if not found.has_any:
                refusal = error
    if is_inbound_url and found.others and not (found.has_any or reports or refusal):
        found = InboundCall(found.others, True)
    has_inbound = found.has_any or (is_inbound_url and not reports)
    return ReceivedCall(tuple(reports), found.messages, has_inbound, refusal)
