# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is wrong with a pasted command, and what is to be said about it."""
from dataclasses import dataclass, field


class CurlError(ValueError):
    """A command that cannot become a gateway.

    :ivar str code: what is wrong; the wizard words it
    :ivar dict values: what the sentence names
    """

    def __init__(self, code: str, **values: str):
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say about a command that is no error. The wizard words it by its code."""

    code: str
    values: dict[str, str] = field(default_factory=dict)
