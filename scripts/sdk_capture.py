# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Capture the requests of SDKs instead of sending them, and extract what to compare.

Importing this module disables the network for the whole process, permanently.
"""
import http.client
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import httplib2
import httpx
from urllib3.connectionpool import HTTPConnectionPool

# They describe the client, the encoding of the response and the connection, not what is sent.
IGNORED_HEADERS = {'accept-encoding', 'connection', 'content-length', 'host', 'user-agent'}
_NETWORK = {'socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'socket.sendto', 'socket.sendmsg'}


def _refuse_network(event, _arguments):
    if event in _NETWORK:
        raise RuntimeError('An SDK went past the places where its requests are caught.')


sys.addaudithook(_refuse_network)


@dataclass(frozen=True)
class Request:
    """A complete request; header names in any case, the body bytes, text or None."""

    method: str
    url: str
    headers: dict
    body: bytes | str | None

    def facts(self) -> dict[str, object]:
        """Return everything that is relevant to the provider, by name, to compare it with another request.

        Names are ``method``, ``host``, ``path``, ``query.x``, ``header.x`` in lower case, ``type`` of the body and
        ``body.x``, for JSON with the path as in ``body.messages.0.to``. Values of JSON keep their type, all others
        are text; a repeated one is a list of texts.
        """
        url = urlsplit(self.url)
        headers = {key.lower(): _text(value) for key, value in self.headers.items()}
        content_type = headers.pop('content-type', '').partition(';')[0].lower()
        if headers.get('accept') == '*/*':
            del headers['accept']
        facts = {'method': self.method.upper(), 'host': f'{url.scheme}://{url.netloc.removesuffix(":443")}',
                 'path': url.path}
        facts |= {f'header.{key}': value for key, value in headers.items() if key not in IGNORED_HEADERS}
        facts |= _form('query', url.query)
        if self.body:
            facts['type'] = content_type
            body = _text(self.body)
            facts |= _leaves('body', json.loads(body)) if 'json' in content_type else _form('body', body)
        return facts


class _Caught(BaseException):
    """Ends the call of an SDK, even past ``except Exception``, so that it neither retries nor reads a response."""

    def __init__(self, *request):
        super().__init__()
        self.request = Request(*request)


def catch(call: Callable[[], object]) -> Request:
    """Run a call of an SDK up to its first request, and return that.

    :raise RuntimeError: the call made none
    """
    with ExitStack() as stack:
        # Below: requests and everything generated from OpenAPI.
        stack.enter_context(patch.object(HTTPConnectionPool, 'urlopen', _urllib3))
        stack.enter_context(patch.object(httpx.HTTPTransport, 'handle_request', _httpx))
        stack.enter_context(patch.object(httplib2.Http, '_conn_request', _httplib2))
        stack.enter_context(patch.object(http.client.HTTPConnection, 'request', _http_client))
        try:
            call()
        except _Caught as caught:
            return caught.request
    raise RuntimeError('The SDK made no request.')


def _urllib3(pool, method, url, body=None, headers=None, **_kwargs):
    raise _Caught(method, f'{pool.scheme}://{pool.host}{_port(pool.port)}{url}', dict(headers or {}), body)


def _httpx(_transport, request):
    raise _Caught(request.method, str(request.url), dict(request.headers), request.read())


def _httplib2(_client, connection, uri, method, body, headers):
    raise _Caught(method, f'https://{connection.host}{_port(connection.port)}{uri}', headers, body)


def _http_client(connection, method, url, body=None, headers=None, **_kwargs):
    scheme = 'https' if isinstance(connection, http.client.HTTPSConnection) else 'http'
    raise _Caught(method, f'{scheme}://{connection.host}{_port(connection.port)}{url}', headers or {}, body)


def _port(port):
    return '' if port in (None, 80, 443) else f':{port}'


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def _form(name, text):
    values = parse_qs(text, keep_blank_values=True)
    return {f'{name}.{key}': found[0] if len(found) == 1 else found for key, found in values.items()}


def _leaves(name, document):
    if isinstance(document, dict):
        children = document.items()
    elif isinstance(document, list):
        children = enumerate(document)
    else:
        return {name: document}
    leaves = {}
    for key, child in children:
        leaves |= _leaves(f'{name}.{key}', child)
    return leaves
