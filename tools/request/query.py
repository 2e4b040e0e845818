# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests that ask a provider for something other than sending, with the credentials and headers of the gateway."""
from collections.abc import Sequence
from dataclasses import replace

from .builder import HttpRequest, Recipient, build_one, preview_one
from .checks import check_config
from .config import ConfigError, Parameter, RequestConfig
from .placeholders import MESSAGE_IDS
from .template import RequestTemplate

NOBODY = Recipient('', '', '')  # placeholders of a recipient are empty
_NAMES_SMS = MESSAGE_IDS | {'uuid', 'uuid20'}


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


def make_status_query_config(
        config: RequestConfig, method: str, url: str, body: str = '', separator: str = ',') -> RequestConfig:
    """Return what the request for the status of SMS is built from; see :func:`make_query_config`.

    :param separator: between the IDs of ``{message_ids}``
    """
    return replace(make_query_config(config, method, url, body), separator=separator, is_status_query=True)


def check_status_query(config: RequestConfig, ids_per_request: int) -> None:
    """Check that the request names the SMS that it asks about.

    :param config: see :func:`make_status_query_config`
    :param ids_per_request: maximum number of SMS in one request
    :raise ConfigError: see :func:`check_config`
    """
    check_config(config)
    texts = [(text.names, inside) for _field, _key, text, inside in RequestTemplate(config).texts()]
    if not any(names & _NAMES_SMS for names, _inside in texts):
        raise ConfigError('url', 'query_without_message_id')
    if ids_per_request < 2:
        return
    if any(names & {'message_id', 'uuid', 'uuid20', 'phone'} and not inside for names, inside in texts):
        raise ConfigError('url', 'single_message_id')
    if not config.separator:
        raise ConfigError('id_separator', 'no_id_separator')


def render_query(config: RequestConfig, group: Sequence[Recipient] = (NOBODY,)) -> HttpRequest:
    """
    :param config: see :func:`make_query_config`
    :param group: the SMS that a status query asks about
    :raise ConfigError, RenderError: if no request can be built
    """
    return build_one(config, group)


def preview_query(config: RequestConfig, group: Sequence[Recipient] = (NOBODY,)) -> str:
    """Show the request as text for people, without any secret.

    :param config: see :func:`make_query_config`
    :param group: the SMS that a status query asks about
    :raise ConfigError, RenderError: if no request can be built
    """
    return preview_one(config, group)
