# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Compare the request of a template with that of an SDK, fact by fact (sdk_capture.Request.facts)."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from sdk_capture import catch
from sdk_template import NUMBER, render, sample_sms

TEXTS = {'GSM': 'Hello [world] 100% & more', 'Unicode': 'Привет «мир» 100% & ещё 👋'}
COMPARISONS = []


@dataclass(frozen=True)
class Comparison:
    """An SDK for a provider.

    :ivar call: sends an sdk_template.Sms
    :ivar known: why a fact may differ, by its name; a name that ends in ``*`` is a prefix
    :ivar moved: facts that the SDK says elsewhere: (where the template does, why) by name; one that ends in a dot is a
        prefix
    """

    provider: str
    package: str
    call: Callable
    known: Mapping[str, str]
    moved: Mapping[str, tuple[str, str]]
    number: str

    def explanation(self, name: str) -> str | None:
        """Return the key in ``known`` that explains a difference."""
        return next((known for known in self.known if _covers(known, name)), None)

    def move(self, name: str) -> str | None:
        """Return the longest key in ``moved`` that matches a fact of the SDK."""
        fitting = [key for key in self.moved if key == name or (key.endswith('.') and name.startswith(key))]
        return max(fitting, key=len, default=None)


@dataclass
class Result:
    """The result of a comparison, with differences as readable lines."""

    provider: str
    sdk: str
    equal: int = 0  # facts of the first text
    explained: dict[str, str] = field(default_factory=dict)  # by key in `known` or `moved`
    wrong: dict[str, str] = field(default_factory=dict)  # by fact


def sdk(provider: str, package: str, known=(), moved=(), number: str = NUMBER):
    """Register a function as the way in which a package sends with a provider.

    :param number: another recipient, for SDKs that take numbers of one country only
    """
    def register(call):
        COMPARISONS.append(Comparison(provider, package, call, dict(known), dict(moved), number))
        return call
    return register


def compare(comparison: Comparison) -> Result:
    """Compare the template with the SDK for each of the texts."""
    result = Result(comparison.provider, f'{comparison.package} {version(comparison.package)}')
    for title, text in TEXTS.items():
        sms = sample_sms(comparison.provider, text, comparison.number)
        ours = render(comparison.provider, sms).facts()
        try:
            theirs = catch(lambda sms=sms: comparison.call(sms)).facts()
        except Exception as error:
            result.wrong[title] = f'the SDK failed with the {title} text: {error!r}'
            continue
        theirs = _translate(comparison, theirs, result)
        different = [name for name in {**ours, **theirs} if _shown(ours, name) != _shown(theirs, name)]
        result.equal = result.equal or len({**ours, **theirs}) - len(different)
        for name in different:
            key = comparison.explanation(name)
            line = f'{key or name}: template {_shown(ours, name)}, SDK {_shown(theirs, name)}'
            if key:
                result.explained.setdefault(key, f'{line}: {comparison.known[key]}')
            else:
                result.wrong.setdefault(name, f'{line} ({title} text)')
    for key in {**comparison.known, **comparison.moved}:
        if key not in result.explained:
            result.wrong[key] = f'{key}: there is no such difference any more, delete its reason'
    return result


def _translate(comparison, theirs, result):
    """Return the facts of the SDK by the names that the template uses."""
    translated = {}
    for name, value in theirs.items():
        if key := comparison.move(name):
            target, reason = comparison.moved[key]
            result.explained.setdefault(key, f'{key} of the SDK is {target} of the template: {reason}')
            translated[target + name[len(key):]] = value
        else:
            translated[name] = value
    return translated


def _covers(known, name):
    return name.startswith(known[:-1]) if known.endswith('*') else name == known


def _shown(facts, name):
    """Return a value in a readable form that, unlike ==, distinguishes 1 from true."""
    return repr(facts[name]) if name in facts else 'nothing'
