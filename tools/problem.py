# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What went wrong, as a code with values. The model `sms.gateway.problem` has the sentence for each code."""
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something failed or was refused, in no language.

    :param code: the name of a sentence of `sms.gateway.problem`
    :param values: what the sentence mentions, as pairs of name and value: never a secret, the number of a recipient or
        the text of an SMS, because problems are logged. `field` and `other_field` are fields of `sms.gateway`,
        `param_type` is a type of parameter; people see their labels
    """
    code: str
    values: tuple[tuple[str, str | int], ...] = ()

    def __str__(self):
        values = ', '.join(f'{name}={value}' for name, value in self.values)
        return f'{self.code} ({values})' if values else self.code

    def masked(self, mask: Callable[[str], str]) -> 'Problem':
        """Return the same problem with its texts as `mask` returns them."""
        return replace(self, values=tuple(
            (name, mask(value) if isinstance(value, str) else value) for name, value in self.values))


class ProblemError(ValueError):
    """Something that cannot be done. Its text, the code and the values, is for logs; people read the sentence.

    :ivar Problem problem:
    """

    def __init__(self, code: str, /, **values: str | int):
        self.problem = Problem(code, tuple(values.items()))
        super().__init__(str(self.problem))
