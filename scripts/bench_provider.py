# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The provider of `scripts/bench`, a separate process that accepts every SMS and responds after a fixed time.

`tests/provider.py` records requests and uses one thread per connection. This provider only responds and needs a tenth
of the processor time, so that the senders are measured and not the provider. It accepts requests of our gateways, of
Twilio's API and of Odoo's IAP (JSON-RPC, whose response contains each SMS).
"""
import asyncio
import contextlib
import json
import re
import selectors
import subprocess
import sys

LENGTH = re.compile(rb'\r\ncontent-length:\s*(\d+)', re.IGNORECASE)


def render(document):
    """:return bytes: a response with this JSON document"""
    content = json.dumps(document).encode()
    return b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b' % (
        len(content), content)


ACCEPTED = render({'id': 'M0123456789abcdef', 'sid': 'SM0123456789abcdef0123456789abcdef', 'status': 'queued'})


class Connection(asyncio.Protocol):

    def __init__(self, delay):
        self.delay = delay
        self.received = b''

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while (end := self.received.find(b'\r\n\r\n')) >= 0:
            head = self.received[:end]
            length = LENGTH.search(head)
            end += 4 + (int(length[1]) if length else 0)
            if len(self.received) < end:
                return
            request, self.received = self.received[:end], self.received[end:]
            asyncio.get_running_loop().call_later(self.delay, self.answer, head, request[len(head) + 4:])

    def answer(self, head, body):
        if not self.transport.is_closing():
            self.transport.write(iap_answer(body) if b'/api/sms/' in head.partition(b'\r\n')[0] else ACCEPTED)


def iap_answer(body):
    """:return: the response of IAP to `/api/sms/3/send`, which accepts each SMS"""
    messages = json.loads(body)['params']['messages']
    return render({'jsonrpc': '2.0', 'id': None, 'result': [
        {'uuid': number['uuid'], 'state': 'success', 'credit': 1}
        for message in messages for number in message['numbers']]})


async def serve(delay):
    server = await asyncio.get_running_loop().create_server(lambda: Connection(delay), '127.0.0.1', 0, backlog=256)
    print(f'http://127.0.0.1:{server.sockets[0].getsockname()[1]}', flush=True)
    async with server:
        await server.serve_forever()


@contextlib.contextmanager
def provider(delay):
    """Run the provider in a separate process.

    :param float delay: seconds until each response
    :return: context manager of its URL
    """
    with subprocess.Popen([sys.executable, __file__, str(delay)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


if __name__ == '__main__':
    # select() waits in microseconds; epoll waits in whole milliseconds and would respond up to one late
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    with contextlib.suppress(KeyboardInterrupt):
        loop.run_until_complete(serve(float(sys.argv[1])))
