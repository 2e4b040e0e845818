# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The gateway of a reply."""
from dataclasses import dataclass

KEY = 'sms_forced_gateway'  # in the context


@dataclass(frozen=True)
class ForcedGateway:
    """The gateway through which SMS are sent that are created with this in the context. A client can put only plain
    values there, so it cannot choose a gateway."""
    gateway_id: int
