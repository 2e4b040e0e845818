# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A request goes nowhere else and says nothing else, whatever the gateway, the SMS or the provider say."""
import ast
import os
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from ...sending.request_pool import USER_AGENT, GatewayConnection, exchange
from ...tools.answer.interpretation import AnswerRules, interpret
from ...tools.request.builder import HttpRequest, Recipient, build_requests
from ...tools.request.checks import check_config
from ...tools.request.config import ConfigError, Credentials, Parameter, RenderError, RequestConfig
from .common import RECIPIENT
from .made_up import given, reject, st
from .raw_server import ServerCase, server_context

ROOT = Path(__file__).parents[2]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def handle_any(self):
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.server.seen.append((self.path, self.headers.items()))
        self.send_response(self.server.status)
        for name, value in self.server.answer_headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', '0')
        self.end_headers()

    do_GET = do_POST = handle_any

    def log_message(self, *args):
        """Silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that turns away is what the tests want."""


class TransportCase(ServerCase):

    def serve(self, context=None, status=200, **headers):
        server = _Server(('127.0.0.1', 0), _Handler)
        server.seen, server.status, server.answer_headers = [], status, headers
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.02}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def send(self, url, method='GET', headers=(), body=None):
        request = HttpRequest(method, url, tuple(headers), body, (RECIPIENT,))
        return exchange(self.connection(), request, 5)


class TestTls(TransportCase):

    def serve_tls(self, **kwargs):
        path = self.make_certificate(**kwargs)
        server = self.serve(server_context(path))
        return server, path, f'https://localhost:{server.server_port}/sms?key=s3cret'

    def assert_not_accepted(self, answer, server):
        self.assertEqual((answer.status, answer.failure), (None, 'connect'))
        self.assertEqual(answer.reason.code, 'untrusted_certificate')
        self.assertNotIn('s3cret', str(answer.reason))
        self.assertEqual(server.seen, [])
        result = interpret(AnswerRules(), [RECIPIENT], answer)[0]
        self.assertEqual((result.state, result.outcome, result.retryable), ('server_error', 'refused', True))

    def test_self_made_certificate(self):
        server, _path, url = self.serve_tls()
        self.assert_not_accepted(self.send(url), server)

    def test_trusted_certificate(self):
        """An administrator of the server may add an authority of his own."""
        server, path, url = self.serve_tls()
        os.environ['REQUESTS_CA_BUNDLE'] = path
        self.assertEqual(self.send(url).status, 200)
        self.assertEqual(len(server.seen), 1)

    def test_trusted_certificate_of_another_host(self):
        server, path, url = self.serve_tls(host='example.com')
        os.environ['REQUESTS_CA_BUNDLE'] = path
        self.assert_not_accepted(self.send(url), server)

    def test_trusted_certificate_that_has_expired(self):
        server, path, url = self.serve_tls(days=-1)
        os.environ['REQUESTS_CA_BUNDLE'] = path
        self.assert_not_accepted(self.send(url), server)

    def test_http_behind_https(self):
        server = self.serve()
        answer = self.send(f'https://127.0.0.1:{server.server_port}/')
        self.assertEqual((answer.status, answer.failure), (None, 'connect'))
        self.assertEqual(server.seen, [])


class TestRequests(TransportCase):

    def test_redirects_are_errors_that_say_so(self):
        target = self.serve()
        for status in (301, 302, 303, 307, 308):
            server = self.serve(status=status, Location=f'http://127.0.0.1:{target.server_port}/')
            answer = self.send(f'http://127.0.0.1:{server.server_port}/', headers=[('Authorization', 's3cret')])
            self.assertEqual(answer.status, status)
            result = interpret(AnswerRules(), [RECIPIENT], answer)[0]
            self.assertEqual((result.state, result.outcome), ('error', 'refused'))
            self.assertEqual(result.problem.code, 'redirect')
        self.assertEqual(target.seen, [])

    def test_other_schemes(self):
        for url in ('file:///etc/passwd', 'ftp://127.0.0.1/', 'gopher://127.0.0.1/', 'unix:///run/x', '//127.0.0.1/'):
            with self.subTest(url=url):
                answer = self.send(url)
                self.assertEqual((answer.status, answer.failure), (None, 'invalid'))
                with self.assertRaises(ConfigError):
                    check_config(RequestConfig(url))

    def test_user_agent_names_the_version(self):
        server = self.serve()
        self.send(f'http://127.0.0.1:{server.server_port}/')
        manifest = ast.literal_eval((ROOT / '__manifest__.py').read_text(encoding='utf-8'))
        self.assertEqual(dict(server.seen[0][1])['User-Agent'], USER_AGENT)
        self.assertIn(f'eis_sms_apis/{manifest["version"]}', USER_AGENT)

    def test_proxy_of_the_environment(self):
        proxy = self.serve()
        os.environ['HTTP_PROXY'] = os.environ['http_proxy'] = f'http://127.0.0.1:{proxy.server_port}'
        self.assertEqual(self.send('http://provider.invalid/sms?a=b').status, 200)
        self.assertEqual(proxy.seen[0][0], 'http://provider.invalid/sms?a=b')

    def test_no_proxy_of_the_environment(self):
        proxy, server = self.serve(), self.serve()
        os.environ['HTTP_PROXY'] = os.environ['http_proxy'] = f'http://127.0.0.1:{proxy.server_port}'
        os.environ['NO_PROXY'] = os.environ['no_proxy'] = '127.0.0.1'
        self.assertEqual(self.send(f'http://127.0.0.1:{server.server_port}/').status, 200)
        self.assertEqual((len(proxy.seen), len(server.seen)), (0, 1))

    def test_cookies_are_not_kept(self):
        server = self.serve(**{'Set-Cookie': 'session=s3cret; Path=/'})
        for _turn in range(2):
            self.send(f'http://127.0.0.1:{server.server_port}/')
        self.assertNotIn('Cookie', dict(server.seen[1][1]))

    def test_netrc_adds_no_password(self):
        server = self.serve()
        with tempfile.NamedTemporaryFile('w', suffix='.netrc') as file:
            file.write('machine 127.0.0.1 login me password s3cret\n')
            file.flush()
            os.environ['NETRC'] = file.name
            self.send(f'http://127.0.0.1:{server.server_port}/')
        self.assertNotIn('Authorization', dict(server.seen[0][1]))


class TestInjection(TransportCase):

    # PostgreSQL takes no half of a surrogate pair
    NASTY = st.text(
        st.sampled_from('\r\n\t\0 :;/?#@&=%\\"\'{}[]<>é\u2028\x85\x1fA') | st.characters(exclude_categories=['Cs']),
        max_size=30)

    def test_header_values(self):
        """Whatever the data: one header stays one header."""
        server = self.serve()

        @given(self.NASTY, self.NASTY, self.NASTY)
        def check(message, token, sender):
            config = RequestConfig(
                f'http://127.0.0.1:{server.server_port}/{{sender}}', 'get',
                headers=(('X-Text', '{message}'), ('Authorization', 'Bearer {token}'), ('X-Sender', '{sender}')),
                parameters=(Parameter('to', type='number'),), credentials=Credentials(token=token), sender=sender)
            try:
                request = build_requests(config, [Recipient('0' * 32, '+32456001122', message)])[0]
            except RenderError:
                reject()
            server.seen.clear()
            answer = exchange(GatewayConnection(('test', 'headers')), request, 5)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(len(server.seen), 1)
            names = {name for name, _value in server.seen[0][1]}
            self.assertLessEqual(names, {
                'Host', 'User-Agent', 'Connection', 'Accept-Encoding', 'Accept', 'X-Text', 'Authorization', 'X-Sender',
                'Content-Length'})

        check()

    def test_header_names_and_breaks_are_refused_when_saved(self):
        for header in (('X-A\r\nX-B', 'x'), ('X A', 'x'), ('', 'x'), ('X-A:', 'x'), ('X-A', 'x\r\nX-B: y'),
                       ('X-A', 'x\ny'), ('Content-Length', '1'), ('Transfer-Encoding', 'chunked')):
            with self.subTest(header=header), self.assertRaises(ConfigError):
                check_config(RequestConfig('https://api.example.com', headers=(header,)))

    def test_host_of_the_url_is_typed(self):
        """A placeholder in the host is refused, unless an administrator alone fills it."""
        for url in (
            'https://{phone}.example.com/', 'https://{message}/', 'https://api.example.com{message}',
            'https://api.example.com:{uuid}/', 'https://{sender}@example.com/', 'https://{callback_url}',
            'https://api.example.com\\@{token}/', 'https://{api_key}:{phone}@example.com/', 'https://{token}:x{uuid}/',
        ):
            with self.subTest(url=url), self.assertRaises(ConfigError) as caught:
                check_config(RequestConfig(url))
            self.assertEqual(caught.exception.field, 'base_url')
        for url in ('https://{account_id}.example.com/', 'https://{username}:{password}@example.com/{phone}',
                    'https://{api_key}.example.com?to={phone}', 'https://{token}/'):
            check_config(RequestConfig(url))

    @given(NASTY, NASTY, NASTY)
    def test_values_never_change_the_host(self, message, sender, account):
        urls = ('https://api.example.com/{sender}/{message}?a={phone}&b={message}#x', 'https://api.example.com?{message}')
        for url in urls:
            config = RequestConfig(url, 'get', sender=sender, account_id=account)
            for request in build_requests(config, [Recipient('0' * 32, message, message)], []):
                self.assertEqual(urlsplit(request.url).netloc, 'api.example.com')

    @given(NASTY)
    def test_credentials_in_the_host_stay_in_their_place(self, account):
        """`evil.com/` as an Account ID does not end the host early."""
        config = RequestConfig('https://{account_id}.example.com/sms', 'get', account_id=account)
        request = build_requests(config, [RECIPIENT])[0]
        self.assertTrue(urlsplit(request.url).netloc.endswith('.example.com'))
        self.assertNotIn('@', urlsplit(request.url).netloc)
