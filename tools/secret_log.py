# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keeps secrets out of the log, at every level: our own loggers, and those of others who log what passes through us.

Core's `payment/logging.py` masks by key; an SMS provider may want its key in the URL, so that this masks by value too.
"""
import logging
import re
import threading
from contextlib import contextmanager

from .config import MASK
from .masking import Masker

MAX_KNOWN = 500  # secrets that are remembered, the latest ones
SHORTEST = 4  # a shorter one would blot out half of the log
# Who logs a request of ours, a call to us, or what an administrator types. Each has the filter itself, for the filters
# of a logger do not count for those below it.
WATCHED = (
    'urllib3.connection', 'urllib3.connectionpool', 'urllib3.poolmanager', 'urllib3.util.retry', 'urllib3.response',
    'requests', 'requests.sessions', 'requests.adapters', 'werkzeug', 'longpolling', 'odoo.http', 'odoo.sql_db',
    'odoo.service.model', 'odoo.service.server', 'odoo.addons.base.models.ir_cron',
)

_TYPED_NAMES = (
    'api_key', 'token', 'username', 'password', 'delivery_callback_check_key', 'delivery_callback_check_username',
    'delivery_callback_check_password', 'delivery_callback_token', 'base_url', 'body_template', 'value')
_TYPED = re.compile(rf'''((["'])(?:{"|".join(_TYPED_NAMES)})\2\s*:\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')''')
_CALLBACK = re.compile(r'(/eis_sms/callback/)[^\s"\'<>]+')
_STATEMENT = re.compile(r'\bsms_gateway(?:_parameter|_header)?\b|\bdelivery_callback_token\b')
_LITERAL = re.compile(r"'(?:[^'\\]|''|\\.)*'")
_DETAIL = re.compile(r'(DETAIL: ).*', re.DOTALL)
_URL = re.compile(r'(\w+://)(?:[^/?#\s@]*@)?([^/?#\s]*)([/?]\S*)?|(?<![\w:/])[/?]\S+')

_known: dict[str, None] = {}
_masker = Masker(())
_lock = threading.Lock()
_local = threading.local()


def remember(*secrets: str) -> None:
    """Mask these texts from now on, in every form in which a request or an answer may hold them."""
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
    """While a request is made in this thread, those who log it show its host only: paths and queries have keys."""
    _local.depth = getattr(_local, 'depth', 0) + 1
    try:
        yield
    finally:
        _local.depth -= 1


def mask(text: str) -> str:
    """Give a text without the secrets that are known, and without tokens of callback URLs."""
    text = _masker(text)
    return _CALLBACK.sub(rf'\1{MASK}', text) if '/eis_sms/' in text else text


class SecretFilter(logging.Filter):
    """Masks the message and the traceback of a record; lets every record through."""

    def filter(self, record):
        message = record.getMessage()
        masked = mask(_mask_by_logger(record.name, message))
        if masked != message:
            record.msg, record.args = masked, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = mask(_FORMATTER.formatException(record.exc_info))
        return True


def _mask_by_logger(name, text):
    """Mask what stands where secrets stand; they need not be known."""
    if name.startswith(('urllib3', 'requests')) and getattr(_local, 'depth', 0):
        return _URL.sub(_site_only, text)
    if name == 'odoo.sql_db' and _STATEMENT.search(text):
        return _DETAIL.sub(rf'\1{MASK}', _LITERAL.sub(f"'{MASK}'", text))
    if name == 'odoo.service.model' and 'sms.gateway' in text:
        return _TYPED.sub(rf"\1'{MASK}'", text)
    return text


def _site_only(match):
    scheme, host, target = match.groups()
    return f'{scheme}{host}{f"/{MASK}" if target else ""}' if scheme else f'/{MASK}'


_FORMATTER = logging.Formatter()
_FILTER = SecretFilter()


def watch(package: str) -> None:
    """Put the filter on the loggers of a package, all of whose modules are imported, and on those of WATCHED."""
    own = [name for name in logging.root.manager.loggerDict if name.startswith(f'{package}.')]
    for name in (*WATCHED, *own):
        logging.getLogger(name).addFilter(_FILTER)  # once, however often it is called
