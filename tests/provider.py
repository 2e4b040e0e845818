#!/usr/bin/env python3
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An SMS provider on 127.0.0.1: a real HTTP server that records what it gets and answers as it is told.

Tests, the demo and the benchmark use it; nothing of Odoo is imported. In a test:

    with Provider() as provider:
        provider.answer(Reply(429, headers={'Retry-After': '30'}))      # the next request gets this one
        ...                                                             # send something to provider.url
        self.assertEqual(provider.sms, [('+447700900123', 'Hello')])

As a program it prints its URL and every request: `python tests/provider.py --port 0 --delay 50`.
"""
import argparse
import contextlib
import json
import re
import socket
import sys
import threading
import time
import urllib.request
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, quote_plus, urlencode, urlsplit

NUMBER_FIELDS = ('to', 'phone', 'phones', 'number', 'numbers', 'recipient', 'recipients', 'msisdn', 'mobile')
TEXT_FIELDS = ('text', 'message', 'body', 'msg', 'content')


@dataclass(frozen=True)
class Request:
    """What arrived. `received` is time.time(); header names are in lower case."""
    index: int
    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received: float

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True)

    def json(self):
        """:raise ValueError: the body is no JSON."""
        return json.loads(self.body)

    def document(self):
        """Return the body as JSON or, if it is none, query and form together."""
        try:
            return self.json()
        except ValueError:
            return {**self.query, **(self.form() if self.body else {})}


@dataclass(frozen=True)
class Reply:
    """One answer.

    :param body: text, bytes, or anything that becomes JSON
    :param delay: seconds before the first byte
    :param drop: 'before' closes the connection without an answer, 'middle' after half of it
    :param hang: never answer; the connection ends with the provider
    """
    status: int = 200
    body: object = b''
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: str = ''
    hang: bool = False

    def content(self) -> tuple[bytes, str]:
        """Return the body's bytes and their content type."""
        if isinstance(self.body, bytes):
            return self.body, 'text/plain'
        if isinstance(self.body, str):
            return self.body.encode(), 'text/plain; charset=utf-8'
        return json.dumps(self.body, ensure_ascii=False).encode(), 'application/json'

    def encode(self, close: bool = False) -> bytes:
        body, content_type = self.content()
        headers = {'Content-Type': content_type, 'Content-Length': str(len(body)),
                   'Connection': 'close' if close else 'keep-alive', **self.headers}
        reason = HTTPStatus(self.status).phrase if self.status in HTTPStatus._value2member_map_ else ''
        lines = [f'HTTP/1.1 {self.status} {reason}', *(f'{key}: {value}' for key, value in headers.items())]
        return '\r\n'.join([*lines, '', '']).encode('latin-1') + body


def redirect(location: str, status: int = 302) -> Reply:
    return Reply(status, headers={'Location': location})


def extract_sms(request: Request) -> list[tuple[str, str]]:
    """Return (number, text) of each SMS in a request, from the field names that providers use."""
    return list(_find_sms(request.document(), ''))


def _find_sms(document, text: str):
    if isinstance(document, list):
        for item in document:
            yield from _find_sms(item, text)
    elif isinstance(document, dict):
        fields = {key.lower(): value for key, value in document.items()}
        text = next((_text(fields[name]) for name in TEXT_FIELDS if name in fields), text)
        for name, value in fields.items():
            if name in NUMBER_FIELDS:
                yield from ((number, text) for number in _numbers(value))
            if name not in TEXT_FIELDS:
                yield from _find_sms(value, text)


def _text(value) -> str:
    return _text(value[0] if value else '') if isinstance(value, list) else str(value)


def _numbers(value) -> list[str]:
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [] if isinstance(value, dict) else [part.strip() for part in re.split('[,;|]', str(value)) if part.strip()]


class Provider:
    """The server, as a context manager.

    :param delay: seconds that each answer takes which has no delay of its own
    :param extract: reads the SMS of a request, see :func:`extract_sms`
    :param on_request: called with each request and its reply, for logs
    """

    def __init__(self, port: int = 0, delay: float = 0.0, extract: Callable = extract_sms, on_request=None):
        self.delay = delay
        self.extract = extract
        self.on_request = on_request
        self.connections = 0   # accepted since the start: few of them for many requests shows keep-alive
        self.peak = 0          # most requests that were in the works at the same time
        self.stopped = threading.Event()
        self._changed = threading.Condition()
        self._requests: list[Request] = []
        self._replies: dict[int, Reply] = {}
        self._queues: dict[str | None, deque] = {}
        self._always: dict[str | None, object] = {None: self.accept}
        self._working = 0
        self._prefix = uuid.uuid4().hex[:8]
        self._server = _Server(('127.0.0.1', port), _Handler)
        self._server.provider = self
        self.url = f'http://127.0.0.1:{self._server.server_port}'

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, *replies, path: str | None = None):
        """Give the next requests (to `path`, if set) these answers, one each.

        :param replies: Reply, callable(request) returning a Reply, an HTTP status, or a body
        """
        with self._changed:
            self._queues.setdefault(path, deque()).extend(replies)

    def always(self, reply, path: str | None = None):
        """Give every request (to `path`, if set) this answer when no queued one is left."""
        with self._changed:
            self._always[path] = reply

    def accept(self, request: Request) -> Reply:
        """Accept every SMS, as a provider without complaints does."""
        messages = [{'id': f'{self._prefix}-{request.index}-{position}', 'to': number}
                    for position, (number, _text) in enumerate(self.extract(request))]
        return Reply(body={'id': f'{self._prefix}-{request.index}-0', 'messages': messages})

    @property
    def requests(self) -> list[Request]:
        with self._changed:
            return list(self._requests)

    @property
    def sms(self) -> list[tuple[str, str]]:
        """(number, text) of every SMS that arrived, in order, whatever the answer was."""
        return [sms for request in self.requests for sms in self.extract(request)]

    def reply_to(self, request: Request) -> Reply | None:
        """Return what a request was answered, None while its reply is not chosen."""
        return self._replies.get(request.index)

    def wait_for(self, count: int, timeout: float = 10.0) -> bool:
        """Wait until `count` requests have arrived; return whether they did within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._requests) >= count, timeout)

    def busiest_second(self, path: str | None = None) -> int:
        """Return the most requests (to `path`, if set) that arrived within any second."""
        times = [request.received for request in self.requests if path in (None, request.path)]
        return max(sum(start <= moment < start + 1 for moment in times) for start in times)

    def clear(self):
        """Forget the requests; what is scripted stays."""
        with self._changed:
            self._requests.clear()

    # -- for the handler ------------------------------------------------------------------------------------------

    def receive(self, method: str, target: str, headers, body: bytes) -> tuple[Request, Reply]:
        with self._changed:
            request = Request(len(self._replies), method, target, {k.lower(): v for k, v in headers.items()}, body,
                              time.time())
            self._requests.append(request)
            self._replies[request.index] = None
            self._working += 1
            self.peak = max(self.peak, self._working)
            self._changed.notify_all()
            queue = self._queues.get(request.path) or self._queues.get(None)
            script = queue.popleft() if queue else self._always.get(request.path, self._always[None])
        reply = script(request) if callable(script) else script
        if isinstance(reply, int):
            reply = Reply(reply)
        elif not isinstance(reply, Reply):
            reply = Reply(body=reply)
        self._replies[request.index] = reply
        if self.on_request:
            self.on_request(request, reply)
        return request, reply

    def done(self):
        with self._changed:
            self._working -= 1


class _Server(ThreadingHTTPServer):
    request_queue_size = 256   # the default of 5 makes the kernel drop connections that a batch opens at once
    allow_reuse_address = True

    def __init__(self, *args):
        self._open = set()
        super().__init__(*args)

    def process_request(self, request, client_address):
        self.provider.connections += 1
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self):
        super().server_close()
        for connection in list(self._open):   # kept-alive ones would keep their thread until the client leaves
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):   # a client that went away is no error of ours
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def handle_any(self):
        provider = self.server.provider
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        _request, reply = provider.receive(self.command, self.path, self.headers, body)
        try:
            provider.stopped.wait(None if reply.hang else reply.delay or provider.delay)
            self.close_connection = self.close_connection or reply.hang or bool(reply.drop)
            answer = reply.encode(self.close_connection)
            if reply.hang or reply.drop == 'before':
                answer = b''
            elif reply.drop == 'middle':
                answer = answer[:-max(1, len(reply.content()[0]) // 2)]
            self.wfile.write(answer)
        finally:
            provider.done()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, *args):
        """Requests are recorded, not printed."""


# ----------------------------------------------------------
# What a person reads, and what a provider calls
# ----------------------------------------------------------

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


def describe(request: Request, reply: Reply | None, secrets=()) -> str:
    """Return an HTTP exchange as text, credentials masked and the headers that say nothing left out.

    :param reply: its answer, or None
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


def main():
    from exchange import describe  # its own directory is on the path when this file is the program

    parser = argparse.ArgumentParser(description='An SMS provider on 127.0.0.1 that accepts every SMS.')
    parser.add_argument('--port', type=int, default=0, help='0 (default): a free one')
    parser.add_argument('--delay', type=int, default=0, metavar='MS', help='milliseconds that an answer takes')
    options = parser.parse_args()

    def show(request, reply):
        print(describe(request, reply), end='\n\n', flush=True)

    with Provider(options.port, options.delay / 1000, on_request=show) as provider:
        print(provider.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            provider.stopped.wait()


if __name__ == '__main__':
    main()
