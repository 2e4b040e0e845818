# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A gateway's request as a `curl` command for a shell, with variables in place of secrets."""
import base64
import re
import shlex
from collections.abc import Sequence

from .builder import Recipient, shown_request
from .config import Credentials, RequestConfig

# Letters and digits only, so that no encoding of a request changes them.
_MARKS = {
    name: f'EisMark{name.title().replace("_", "")}X'
    for name in ('api_key', 'token', 'username', 'password', 'callback_token')
}
_VARIABLES = {mark: f'"${name.upper()}"' for name, mark in _MARKS.items()}
_MARK = re.compile(f'({"|".join(_VARIABLES)})')
_BASIC_USER = f'{_VARIABLES[_MARKS["username"]]}:{_VARIABLES[_MARKS["password"]]}'
_BASIC = 'Basic ' + base64.b64encode(f'{_MARKS["username"]}:{_MARKS["password"]}'.encode()).decode()


def to_curl(config: RequestConfig, recipients: Sequence[Recipient]) -> str:
    """Return the first request as a command, with ``$TOKEN`` and the like for the credentials, set or not.

    :raise ConfigError, RenderError: see :func:`.builder.shown_request`
    """
    credentials = Credentials(**{name: mark for name, mark in _MARKS.items() if name != 'callback_token'})
    request = shown_request(config, recipients, credentials, _MARKS['callback_token'])
    if not request:
        return ''
    # curl reads brackets and braces in a URL as patterns unless it is told not to
    parts = [f'curl --silent --show-error --include --globoff {_quote(request.url)}']
    for key, value in request.headers:
        parts.append(f'--user {_BASIC_USER}' if value == _BASIC else f'--header {_quote(f"{key}: {value}")}')
    if request.body is not None:
        parts.append(f'--data-raw {_quote(request.body.decode())}')
    return ' \\\n    '.join(parts)


def _quote(text: str) -> str:
    """Quote for a POSIX shell: everything is literal, marks become variables."""
    pieces = [_VARIABLES.get(piece) or shlex.quote(piece) for piece in _MARK.split(text) if piece]
    return ''.join(pieces) or "''"
