# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests that ask a provider for something other than sending, with the credentials and headers of the gateway."""
from dataclasses import replace

from .builder import HttpRequest, Recipient, build_requests, preview
from .config import Parameter, RequestConfig

_NOBODY = Recipient('', '', '')  # placeholders of a recipient are empty


def make_query_config(config: RequestConfig, method: str, url: str, body: str = '') -> RequestConfig:
    """Return what the request of a query is built from.

    :param config: of the gateway
    :param url: with placeholders; a path is added to the host of the gateway's URL
    :param body: a JSON object, or a form such as ``user={username}&format=json``
    """
    url, body = url.strip(), body.strip()
    if url.startswith('/') and not url.startswith('//'):
        scheme, mark, rest = config.url.strip().partition('://')
        url = f'{scheme}{mark}{rest.partition("/")[0].partition("?")[0]}{url}'
    is_json = body.startswith(('{', '['))
    fields = () if is_json else tuple(field.partition('=') for field in body.split('&') if field)
    return replace(
        config, url=url, method=method, request_type='json' if is_json else 'form',
        body_template=body if is_json else '', parameters=tuple(Parameter(key, value) for key, _mark, value in fields),
        multiple_recipients=False, callback_url='')


def render_query(config: RequestConfig) -> HttpRequest:
    """
    :param config: see :func:`make_query_config`
    :raise ConfigError, RenderError: if no request can be built
    """
    request, = build_requests(config, [_NOBODY])
    return request


def preview_query(config: RequestConfig) -> str:
    """Show the request as text for people, without any secret.

    :param config: see :func:`make_query_config`
    :raise ConfigError, RenderError: if no request can be built
    """
    return preview(config, [_NOBODY])
