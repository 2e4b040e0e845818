# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Secrets that an administrator typed into a request instead of into the fields for credentials."""
import base64
import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus, urlsplit

from .config import RequestConfig

SHORTEST = 4  # a shorter one is rather a number or a switch
_SECRET_NAME = re.compile(
    r'pass(?:word|wd|phrase|code)?$|pwd$|secret|token$|(?:^|api|app|auth|access|user|[_-])key$|authori[sz]ation|^auth$'
    r'|signature$', re.IGNORECASE)
_JSON_PAIR = re.compile(r'"([^"\\]+)"\s*:\s*"((?:[^"\\]|\\.)+)"')
_FILLED_IN = re.compile(r'\{\w+\}|__\w+__')


def find_typed_secrets(config: RequestConfig) -> tuple[tuple[str, str, str], ...]:
    """Find the texts without placeholder where a secret belongs.

    :return: for each the field of ``sms.gateway``, the name in front of it, and the secret
    """
    found = {}
    for field, name, value in _candidates(config):
        if len(value) >= SHORTEST and not _FILLED_IN.search(value):
            found[field, name, value] = None
    return tuple(found)


def _candidates(config: RequestConfig) -> Iterator[tuple[str, str, str]]:
    yield from _in_url(config.url)
    for parameter in config.parameters:
        if parameter.type == 'auth' or _SECRET_NAME.search(parameter.key):
            yield 'parameter_ids', parameter.key, parameter.value
    for key, value in config.headers:
        if _SECRET_NAME.search(key):
            yield 'header_ids', key, value.partition(' ')[2] or value  # Bearer, Basic, App and the like are none
    for key, value in _JSON_PAIR.findall(config.body_template):
        if _SECRET_NAME.search(key):
            yield 'body_template', key, value


def _in_url(url: str) -> Iterator[tuple[str, str, str]]:
    try:
        parts = urlsplit(url.strip())
        password = parts.password
    except ValueError:
        return
    if password:
        username, password = unquote(parts.username or ''), unquote(password)
        yield 'base_url', username, password
        if len(password) >= SHORTEST and not _FILLED_IN.search(username + password):
            yield 'base_url', username, base64.b64encode(f'{username}:{password}'.encode()).decode()
    for piece in parts.query.split('&'):
        key, _equals, value = piece.partition('=')
        if _SECRET_NAME.search(unquote_plus(key)):
            yield 'base_url', unquote_plus(key), unquote_plus(value)
