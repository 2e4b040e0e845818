# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The checks that a gateway's request settings pass before they are saved."""
import re
from urllib.parse import urlsplit

from .config import ConfigError, RequestConfig
from .placeholders import MESSAGE_IDS
from .template import RequestTemplate

# Other values must not decide which server receives the credentials.
_HOST_PLACEHOLDERS = ('account_id', 'api_key', 'token', 'username', 'password')
_IN_BRACES = re.compile(r'\{([^{}]*)\}')
_UNPRINTABLE = re.compile(r'[\x00-\x20\x7f-\xa0\u2028\u2029]')
_LINE_BREAK = re.compile('[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]')
_HOST = re.compile(r'[^\s\\<>"^`{}|%]+')
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2 token
_COMPUTED_HEADERS = ('content-length', 'transfer-encoding')
_REQUIRED_NAMES = {
    'number': (('phone',), '{phone}'),
    'multi_number': (('phones', 'phones_list'), '{phones}'),
    'message': (('message', 'message_hex'), '{message}'),
}


def check_config(config: RequestConfig) -> None:
    """Check everything that rendering depends on. Values that are not set yet are accepted.

    :raise ConfigError: with the field of ``sms.gateway`` to correct
    """
    _check_url(config.url)
    template = RequestTemplate(config)
    _check_parameters(config, template)
    _check_headers(config)
    _check_basic(config)
    if not config.is_status_query:
        _check_no_message_ids(template)
    if config.multiple_recipients:
        _check_shared_requests(config, template)


def check_complete(config: RequestConfig) -> None:
    """Check what a gateway needs before it sends: a request that contains the recipient and the text.

    :raise ConfigError: see :func:`check_config`
    """
    template = RequestTemplate(config)
    names = set().union(*(text.names for field, _key, text, _inside in template.texts() if field != 'parameter_ids'))
    for encoding in ('gsm', 'unicode'):
        _check_names(config, names.union(*(
            text.names for parameter, text in template.parameter_texts() if parameter.only_for in ('any', encoding))))


def _check_names(config: RequestConfig, names: set[str]) -> None:
    field = 'body_template' if config.has_template else 'parameter_ids'
    if not names & {'phone', 'phones', 'phones_list'}:
        raise ConfigError(field, 'no_recipient')
    if not names & {'message', 'message_hex'}:
        raise ConfigError(field, 'no_message')


def _check_url(url: str) -> None:
    url = url.strip()
    scheme, mark, rest = url.partition('://')
    if scheme.lower() not in ('http', 'https') or not mark:
        raise ConfigError('base_url', 'no_http_url')
    if _UNPRINTABLE.search(url):
        raise ConfigError('base_url', 'space_in_url')
    host = re.split('[/?#]', rest, maxsplit=1)[0]
    for name in _IN_BRACES.findall(host):
        if name not in _HOST_PLACEHOLDERS:
            allowed = ', '.join(f'{{{allowed}}}' for allowed in _HOST_PLACEHOLDERS)
            raise ConfigError('base_url', 'placeholder_in_host', name=name, allowed=allowed)
    if not _is_host(_IN_BRACES.sub('x', host)):
        raise ConfigError('base_url', 'url_without_host')


def _is_host(location: str) -> bool:
    if not _HOST.fullmatch(location):
        return False
    try:
        parts = urlsplit(f'//{location}')
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _check_parameters(config: RequestConfig, template: RequestTemplate) -> None:
    json_keys = set()
    for parameter, text in template.parameter_texts():
        if not parameter.key.strip():
            raise ConfigError('parameter_ids', 'parameter_without_key')
        names, placeholder = _REQUIRED_NAMES.get(parameter.type, ((), ''))
        if names and not text.names.intersection(names):
            raise ConfigError(
                'parameter_ids', 'parameter_without_placeholder', key=parameter.key, param_type=parameter.type,
                placeholder=placeholder)
        if parameter.type == 'auth' and not parameter.template(config.auth_type):
            raise ConfigError('parameter_ids', 'auth_without_value', key=parameter.key)
        if config.sends_json and not config.has_template:
            encodings = {'gsm', 'unicode'} if parameter.only_for == 'any' else {parameter.only_for}
            keys = {(parameter.key, encoding) for encoding in encodings}
            if keys & json_keys:
                raise ConfigError('parameter_ids', 'repeated_parameter', key=parameter.key)
            json_keys |= keys


def _check_headers(config: RequestConfig) -> None:
    seen = set()
    for key, value in config.headers:
        name = key.lower()
        if not _HEADER_NAME.fullmatch(key):
            raise ConfigError('header_ids', 'invalid_header_name', key=repr(key))
        if name in _COMPUTED_HEADERS:
            raise ConfigError('header_ids', 'computed_header', key=key)
        if name in seen:
            raise ConfigError('header_ids', 'repeated_header', key=key)
        if _LINE_BREAK.search(value):
            raise ConfigError('header_ids', 'line_break_in_header', key=key)
        seen.add(name)


def _check_basic(config: RequestConfig) -> None:
    # RFC 7617, 2: the first colon ends the user name.
    if config.auth_type == 'basic' and ':' in config.credentials.username:
        raise ConfigError('username', 'username_with_colon')


def _check_no_message_ids(template: RequestTemplate) -> None:
    for field, _key, text, _inside in template.texts():
        for name in sorted(text.names & MESSAGE_IDS):
            raise ConfigError(field, 'message_id_in_request', name=name)


def _check_shared_requests(config: RequestConfig, template: RequestTemplate) -> None:
    if not config.separator:
        raise ConfigError('multi_recipient_separator', 'no_separator')
    if re.search('[+0-9]', config.separator):
        raise ConfigError('multi_recipient_separator', 'number_in_separator')
    if config.max_recipients < 1:
        raise ConfigError('max_recipients', 'too_few_recipients')
    for field, key, text, inside in template.texts():
        if 'phone' in text.names and not inside:
            _refuse_single_number(field, key)


def _refuse_single_number(field: str, key: str) -> None:
    if field == 'base_url':
        raise ConfigError(field, 'single_number_in_url')
    if field == 'parameter_ids':
        raise ConfigError(field, 'single_number_in_parameter', key=key)
    if field == 'header_ids':
        raise ConfigError(field, 'single_number_in_header', key=key)
    raise ConfigError(field, 'single_number_in_body')
