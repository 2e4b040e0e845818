# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keeps secrets out of the log at every level, in our own loggers and in those of libraries and core.

Core's `payment/logging.py` masks by key. SMS providers may expect their key in the URL, so this masks by value too.
"""
import logging
import re
import threading
from contextlib import contextmanager

from .masking import Masker
from .request.config import MASK

MAX_KNOWN = 500  # secrets that are remembered; the oldest are dropped
SHORTEST = 4  # characters; shorter secrets would mask too much of the log
# Loggers of our requests, of calls to us, and of what an administrator enters. Each gets the filter itself, because
# the filters of a logger do not apply to its children.
WATCHED = (
    'urllib3.connection', 'urllib3.connectionpool', 'urllib3.poolmanager', 'urllib3.util.retry', 'urllib3.response',
    'requests', 'requests.sessions', 'requests.adapters', 'werkzeug', 'longpolling', 'odoo.http', 'odoo.sql_db',
    'odoo.service.model', 'odoo.service.server', 'odoo.addons.base.models.ir_cron', 'odoo.domains', 'odoo.models',
)

_TYPED_NAMES = (
    'api_key', 'token', 'username', 'password', 'delivery_callback_check_key', 'delivery_callback_check_username',
    'delivery_callback_check_old_key', 'delivery_callback_check_password', 'delivery_callback_token',
    'delivery_callback_old_token', 'inbound_token', 'inbound_old_token', 'base_url', 'body_template', 'value')
# Calls that may contain what an administrator entered: of our models, of defaults and of imports.
_CALL = re.compile(r'\b(?:sms\.gateway|ir\.default|base_import)\b')
# A text after the key of a dictionary or the name of an argument, or before a colon.
_ARGUMENT = re.compile(r'''(?:(["'](\w+)["']\s*:\s*|\b(\w+)=)?b?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))(\s*:)?''')
_SHOWN_KEYS = frozenset((
    'name', 'state', 'method', 'request_type', 'auth_type', 'key', 'param_type', 'only_for', 'number_format', 'lang',
    'tz', 'order', 'country_prefixes'))
_SHOWN_TEXTS = frozenset((
    *_TYPED_NAMES, *_SHOWN_KEYS, 'id', 'sms.gateway', 'sms.gateway.header', 'sms.gateway.parameter', '=', '!=', 'in',
    'not in', 'like', 'ilike', '=like', '=ilike', 'not like', 'not ilike', '&', '|', '!'))
_NAMES = rf'''["'](?:default_)?(?:{"|".join(_TYPED_NAMES)})["']'''
_NUMBER = re.compile(rf'''({_NAMES}\s*(?::|,\s*["'][^"']{{1,12}}["'],)\s*[\[(]?\s*)-?[0-9][0-9.eE+-]*''')
_CONDITION = re.compile(rf'{_NAMES}.*', re.DOTALL)
_DOMAIN_IN_URL = re.compile(rf'(?<=domain=)[^&\s"]*(?:{"|".join(_TYPED_NAMES)})[^&\s"]*')
_TOKEN_URL = re.compile(r'(/eis_sms/(?:callback|inbound|health)/)[^\s"\'<>]+')
_STATEMENT = re.compile(
    r'\bsms_gateway(?:_parameter|_header|_query)?\b|\b(?:delivery_callback|inbound)_(?:old_)?token\b|\bir_default\b|\bbase_import_import\b'
    r"|'sms\.gateway'")
_LITERAL = re.compile(r"'(?:[^'\\]|''|\\.)*'")
_DETAIL = re.compile(r'(DETAIL: ).*', re.DOTALL)
_URL = re.compile(r'(\w+://)(?:[^/?#\s@]*@)?([^/?#\s]*)([/?]\S*)?|(?<![\w:/])[/?]\S+')

_known: dict[str, None] = {}
_masker = Masker(())
_lock = threading.Lock()
_local = threading.local()


def remember(*secrets: str) -> None:
    """Mask these texts from now on, in every form in which a request or a response may contain them."""
    global _masker  # noqa: PLW0603 - one log, one list of secrets
    new = [
        secret for secret in secrets
        if isinstance(secret, str) and len(secret) >= SHORTEST and secret not in _known]
    if not new:
        return
    with _lock:
        _known.update(dict.fromkeys(new))
        for secret in list(_known)[:-MAX_KNOWN]:
            del _known[secret]
        _masker = Masker(tuple(_known))


@contextmanager
def request_under_way():
    """While a request is made in this thread, log only its host: paths and query strings may contain keys."""
    _local.depth = getattr(_local, 'depth', 0) + 1
    try:
        yield
    finally:
        _local.depth -= 1


def mask(text: str) -> str:
    """Mask the known secrets and the tokens of our URLs in a text."""
    text = _masker(text)
    return _TOKEN_URL.sub(rf'\1{MASK}', text) if '/eis_sms/' in text else text


class SecretFilter(logging.Filter):
    """Masks the message and the traceback of a record; lets every record through."""

    def filter(self, record):
        message = record.getMessage()
        masked = mask(_mask_by_logger(record.name, message))
        if masked != message:
            record.msg, record.args = masked, ()
        if record.exc_info and not record.exc_text:
            text = _FORMATTER.formatException(record.exc_info)
            record.exc_text = mask(_DETAIL.sub(rf'\1{MASK}', text) if _STATEMENT.search(text) else text)
        return True


def _mask_by_logger(name, text):
    """Mask what appears where secrets usually appear, known or not."""
    if name.startswith(('urllib3', 'requests')) and getattr(_local, 'depth', 0):
        return _URL.sub(_site_only, text)
    if name == 'odoo.sql_db' and _STATEMENT.search(text):
        return _DETAIL.sub(rf'\1{MASK}', _LITERAL.sub(f"'{MASK}'", text))
    if name == 'odoo.service.model' and _CALL.search(text):
        return _NUMBER.sub(rf"\1'{MASK}'", _ARGUMENT.sub(_mask_argument, text))
    if name == 'odoo.domains':
        return _CONDITION.sub(MASK, text)
    if name == 'werkzeug':
        return _DOMAIN_IN_URL.sub(MASK, text)
    return text


def _mask_argument(match):
    before, key, argument, text, colon = match.groups()
    if colon or text[1:-1] in _SHOWN_TEXTS or (key or argument) in _SHOWN_KEYS:
        return match[0]
    return f"{before or ''}'{MASK}'"


def _site_only(match):
    scheme, host, target = match.groups()
    return f'{scheme}{host}{f"/{MASK}" if target else ""}' if scheme else f'/{MASK}'


_FORMATTER = logging.Formatter()
_FILTER = SecretFilter()


def watch(package: str) -> None:
    """Add the filter to the loggers of a package, whose modules must be imported already, and to those of WATCHED."""
    own = [name for name in logging.root.manager.loggerDict if name.startswith(f'{package}.')]
    for name in (*WATCHED, *own):
        logging.getLogger(name).addFilter(_FILTER)  # once, however often it is called
