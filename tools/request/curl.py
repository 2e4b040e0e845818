# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A gateway's request as a `curl` command for a shell, with variables in place of secrets."""
import base64
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

from ..masking import Masker
from .builder import ENCODED_MASK, Recipient, first_request
from .config import MASK, Credentials, RequestConfig
from .typed_secrets import find_secrets, find_typed_secrets, mask_typed

# Letters and digits only, so that no encoding of a request changes them.
_MARKS = {
    name: f'EisMark{name.title().replace("_", "")}X'
    for name in ('api_key', 'token', 'username', 'password', 'callback_token')
}
_VARIABLES = {mark: f'"${name.upper()}"' for name, mark in _MARKS.items()}
_MARK = re.compile(f'({"|".join(_VARIABLES)})')
_BASIC = 'Basic ' + base64.b64encode(f'{_MARKS["username"]}:{_MARKS["password"]}'.encode()).decode()


def to_curl(config: RequestConfig, recipients: Sequence[Recipient]) -> str:
    """Return the first request as a command, with ``$TOKEN`` and the like for the credentials, set or not.

    :raise ConfigError, RenderError: see :func:`.builder.first_request`
    """
    credentials = Credentials(**{name: mark for name, mark in _MARKS.items() if name != 'callback_token'})
    callback_url = config.callback_url and f'{config.callback_url.rpartition("/")[0]}/{_MARKS["callback_token"]}'
    shown = mask_typed(replace(config, credentials=credentials, callback_url=callback_url))
    request = first_request(shown, recipients)
    if not request:
        return ''
    typed = (secret for _field, _name, secret in find_typed_secrets(config))
    pairs = set(find_secrets(shown).pairs) - {f'{credentials.username}:{credentials.password}'}
    mask = Masker(typed, pairs=pairs)
    request = request.shown(lambda text: mask(text.replace(ENCODED_MASK, MASK)))
    # curl reads brackets and braces in a URL as patterns unless it is told not to
    parts = [f'curl --silent --show-error --include --globoff {_quote(request.url)}']
    for key, value in request.headers:
        parts.append(f'--user {_basic_user()}' if value == _BASIC else f'--header {_quote(f"{key}: {value}")}')
    if request.body is not None:
        parts.append(f'--data-raw {_quote(request.body.decode())}')
    return ' \\\n    '.join(parts)


def _basic_user() -> str:
    return f'{_VARIABLES[_MARKS["username"]]}:{_VARIABLES[_MARKS["password"]]}'


def _quote(text: str) -> str:
    """Quote for a POSIX shell: everything is literal, marks become variables."""
    pieces = [_VARIABLES.get(piece) or shlex.quote(piece) for piece in _MARK.split(text) if piece]
    return ''.join(pieces) or "''"
