# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An HTTP exchange with the loopback provider as readable text, and a delivery report as a provider sends it."""
import json
import re
import time
import urllib.request
from urllib.parse import quote, quote_plus, urlencode

SECRET_NAME = r'[\w-]*(?:pass|pwd|token|key|secret|authorization)[\w-]*'
SECRETS = re.compile('|'.join((
    rf'(?P<field>\b{SECRET_NAME}=)[^&\s"]+',                    # in a query or a form
    rf'(?P<json>"{SECRET_NAME}"\s*:\s*")(?:[^"\\]|\\.)*',
    rf'(?P<header>^> {SECRET_NAME}: ).+',
)), re.IGNORECASE | re.MULTILINE)
CALLBACK_TOKEN = re.compile(r'(?i)(/callback/|%2Fcallback%2F)[\w-]+')
DULL_HEADERS = ('host', 'user-agent', 'accept', 'accept-encoding', 'connection', 'content-length')


def mask(text: str, secrets=()) -> str:
    """Replace credentials by ***: the given ones, fields that look like one, and the token of a callback URL."""
    for secret in filter(None, secrets):
        for shape in {secret, quote(secret, safe=''), quote_plus(secret), json.dumps(secret)[1:-1]}:
            text = text.replace(shape, '***')
    text = SECRETS.sub(lambda match: f'{match[match.lastgroup]}***', text)
    return CALLBACK_TOKEN.sub(r'\1***', text)


def describe(request, reply, secrets=()) -> str:
    """Return an HTTP exchange as text, credentials masked and the headers that say nothing left out.

    :param Request request: see provider.py
    :param Reply reply: its answer, or None
    """
    lines = [f'> {request.method} {request.target}']
    lines += [f'> {name}: {value}' for name, value in request.headers.items() if name not in DULL_HEADERS]
    if request.body:
        lines += [f'> {line}' for line in request.body.decode(errors='replace').splitlines()]
    if reply and not (reply.hang or reply.drop):
        lines += [f'< HTTP {reply.status}', f"< {reply.content()[0].decode(errors='replace')}"]
    return mask('\n'.join(lines), secrets)


def report_delivery(callback_url: str, delay: float = 0.0, **fields: str) -> int:
    """Post a delivery report as a form and return the HTTP status of the callback's answer.

    :param delay: seconds to wait before
    :param fields: for example uuid, message_id and status
    :raise urllib.error.URLError: no connection, or an answer of 400 and more
    """
    time.sleep(delay)
    # Without a proxy: what the environment names could not reach a callback on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(callback_url, data=urlencode(fields).encode(), timeout=30) as answer:
        return answer.status
