# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""From a curl command of a provider's documentation to the request of a gateway.

    imported = import_curl(text)
    imported.rows         # each value of the request, what it was taken for, and whether that is sure
    imported.config()     # the request with placeholders, and the credentials that the command holds
"""
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..config import RequestConfig
from .builder import Builder
from .command import read_command
from .decisions import Decisions
from .errors import CurlError, Note
from .meanings import MEANINGS, MESSAGE, NUMBER
from .parts import Address, Part, find_parts, split_url
from .request import PastedRequest
from .samples import number_format_of

__all__ = ['MEANINGS', 'CurlError', 'CurlImport', 'Note', 'Part', 'import_curl']

_LABEL = re.compile('[A-Za-z0-9-]+')
_SECOND_LEVEL = frozenset(('co', 'com', 'org', 'net', 'gov', 'ac', 'gen', 'in', 'or', 'ne'))


@dataclass(frozen=True, repr=False)
class CurlImport:
    """What became of a command.

    :ivar parts: may be replaced by others with another `meaning` or `value`
    :ivar str number_format: one of the gateway's, guessed from the sample
    :ivar bool number_format_sure: whether the sample shows it
    """

    request: PastedRequest
    address: Address
    parts: tuple[Part, ...]
    notes: tuple[Note, ...]
    number_format: str
    number_format_sure: bool

    @property
    def rows(self) -> tuple[Part, ...]:
        """Give the parts that a person decides: of a list with an item for each recipient those of the first one."""
        builder = self._builder()
        return tuple(part for part in self.parts if not builder.is_repeated(part))

    @property
    def questions(self) -> tuple[Part, ...]:
        return tuple(part for part in self.rows if not part.sure)

    @property
    def missing(self) -> tuple[str, ...]:
        """Give what every request needs and this one has not: `phone`, `message`."""
        meanings = {part.meaning for part in self.parts}
        return tuple(meaning for meaning in (NUMBER, MESSAGE) if meaning not in meanings)

    @property
    def host(self) -> str:
        return self.address.host

    def config(self) -> RequestConfig:
        """Give the request with placeholders; its credentials are those that the command holds."""
        return self._builder().config()

    @property
    def provider(self) -> str:
        """Give a name for the provider out of the host: `Example` for api.example.com, empty for an address."""
        labels = self.host.partition(':')[0].split('.')
        if len(labels) < 2 or labels[-1].isdecimal() or not all(map(_LABEL.fullmatch, labels[-2:])):
            return ''
        if len(labels) > 2 and labels[-2] in _SECOND_LEVEL:
            labels.pop()
        return labels[-2][:1].upper() + labels[-2][1:]

    def with_parts(self, parts: Iterable[Part]) -> 'CurlImport':
        return replace(self, parts=tuple(parts))

    def _builder(self) -> Builder:
        return Builder(self.request, self.address, self.parts)


def import_curl(text: str) -> CurlImport:
    """Read a pasted curl command.

    :raise CurlError: with a code, when it cannot become a gateway
    """
    request = read_command(text)
    address = split_url(request)
    parts = find_parts(request, address)
    decisions = Decisions(parts)
    decisions.decide()
    samples = [sample for part in parts if part.meaning == NUMBER for sample in part.samples or (part.sample,)]
    number_format, sure = number_format_of(next((sample for sample in samples if re.search('[0-9]', sample)), ''))
    if decisions.is_national and number_format != 'national':
        number_format, sure = 'significant', False
    return CurlImport(request, address, tuple(parts), (*request.notes, *decisions.notes), number_format, sure)
