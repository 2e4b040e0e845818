# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The checks that a gateway's request settings pass before they are saved. Each refusal says what to type."""
import re
from urllib.parse import urlsplit

from .config import ConfigError, RequestConfig
from .template import RequestTemplate

# Other values must not decide which server gets the credentials.
_HOST_PLACEHOLDERS = ('account_id', 'api_key', 'token', 'username', 'password')
_IN_BRACES = re.compile(r'\{([^{}]*)\}')
_UNPRINTABLE = re.compile(r'[\x00-\x20\x7f-\xa0\u2028\u2029]')
_LINE_BREAK = re.compile('[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]')
_HOST = re.compile(r'[^\s\\<>"^`{}|%]+')
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2 token
_COMPUTED_HEADERS = ('content-length', 'transfer-encoding')
_REQUIRED_NAMES = {
    'number': (('phone',), 'Number', '{phone}'),
    'multi_number': (('phones', 'phones_list'), 'Several Numbers', '{phones}'),
    'message': (('message', 'message_hex'), 'Message', '{message}'),
}


def check_config(config: RequestConfig) -> None:
    """Check everything of a gateway that rendering depends on. Values that are not set yet are no error.

    :raise ConfigError: with the field of ``sms.gateway`` and a sentence that says what to type
    """
    _check_url(config.url)
    template = RequestTemplate(config)
    _check_parameters(config, template)
    _check_headers(config)
    _check_basic(config)
    if config.multiple_recipients:
        _check_shared_requests(config, template)


def check_complete(config: RequestConfig) -> None:
    """Check what a gateway needs before it sends: a request that names the recipient and holds the text.

    :raise ConfigError: see :func:`check_config`
    """
    template = RequestTemplate(config)
    names = set().union(*(text.names for field, _label, text, _inside in template.texts() if field != 'parameter_ids'))
    for encoding in ('gsm', 'unicode'):
        _check_names(config, names.union(*(
            text.names for parameter, text in template.parameter_texts() if parameter.only_for in ('any', encoding))))


def _check_names(config: RequestConfig, names: set[str]) -> None:
    field = 'body_template' if config.has_template else 'parameter_ids'
    if not names & {'phone', 'phones', 'phones_list'}:
        raise ConfigError(field, (
            'The request names no recipient: add a parameter of type Number, or put {phone} where the number belongs.'
        ))
    if not names & {'message', 'message_hex'}:
        raise ConfigError(field, (
            'The request holds no text: add a parameter of type Message, or put {message} where the text belongs.'
        ))


def _check_url(url: str) -> None:
    url = url.strip()
    scheme, mark, rest = url.partition('://')
    if scheme.lower() not in ('http', 'https') or not mark:
        raise ConfigError('base_url', 'Type a Base URL with http:// or https://, such as https://api.example.com/sms.')
    if _UNPRINTABLE.search(url):
        raise ConfigError('base_url', 'Remove the space or line break from the Base URL; type %20 for a space.')
    host = re.split('[/?#]', rest, maxsplit=1)[0]
    for name in _IN_BRACES.findall(host):
        if name not in _HOST_PLACEHOLDERS:
            allowed = ', '.join(f'{{{allowed}}}' for allowed in _HOST_PLACEHOLDERS)
            raise ConfigError('base_url', (
                f'{{{name}}} cannot stand in the host of the Base URL. Type the host itself, or one of {allowed}.'
            ))
    if not _is_host(_IN_BRACES.sub('x', host)):
        raise ConfigError('base_url', 'Type the host after https:// in the Base URL, such as https://api.example.com.')


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
            raise ConfigError('parameter_ids', 'Type a key for every parameter, or remove the empty row.')
        names, label, placeholder = _REQUIRED_NAMES.get(parameter.type, ((), '', ''))
        if names and not text.names.intersection(names):
            raise ConfigError('parameter_ids', (
                f'The parameter "{parameter.key}" of type {label} needs {placeholder} in its value: '
                f'type {placeholder}, or leave the value empty.'
            ))
        if parameter.type == 'auth' and not parameter.template(config.auth_type):
            raise ConfigError('parameter_ids', (
                f'Type {{api_key}}, {{token}}, {{username}} or {{password}} as the value of the parameter '
                f'"{parameter.key}": only the authentication types API Key and Token have a value of their own.'
            ))
        if config.sends_json and not config.has_template:
            encodings = {'gsm', 'unicode'} if parameter.only_for == 'any' else {parameter.only_for}
            keys = {(parameter.key, encoding) for encoding in encodings}
            if keys & json_keys:
                raise ConfigError('parameter_ids', (
                    f'Two parameters have the key "{parameter.key}", but a JSON object holds each key once. Remove '
                    'one, or type a JSON Body Template with a list.'
                ))
            json_keys |= keys


def _check_headers(config: RequestConfig) -> None:
    seen = set()
    for key, value in config.headers:
        name = key.lower()
        if not _HEADER_NAME.fullmatch(key):
            raise ConfigError('header_ids', (
                f'{key!r} is not a header name: type letters, digits and hyphens only, such as X-Api-Key.'
            ))
        if name in _COMPUTED_HEADERS:
            raise ConfigError('header_ids', f'Remove the header "{key}": it is computed for every request.')
        if name in seen:
            raise ConfigError('header_ids', f'The header "{key}" stands there twice: remove one of the rows.')
        if _LINE_BREAK.search(value):
            raise ConfigError('header_ids', f'Type the value of the header "{key}" in one line, without line breaks.')
        seen.add(name)


def _check_basic(config: RequestConfig) -> None:
    # RFC 7617, 2: the first colon ends the user name.
    if config.auth_type == 'basic' and ':' in config.credentials.username:
        raise ConfigError('username', (
            'A user name for HTTP Basic cannot hold a colon: type what stands before it as Username and the rest as '
            'Password.'
        ))


def _check_shared_requests(config: RequestConfig, template: RequestTemplate) -> None:
    if not config.separator:
        raise ConfigError('multi_recipient_separator', 'Type a Recipient Separator, such as a comma.')
    if re.search('[+0-9]', config.separator):
        raise ConfigError('multi_recipient_separator', (
            'Enter a Recipient Separator without digits or +, such as a comma: these are parts of numbers.'
        ))
    if config.max_recipients < 1:
        raise ConfigError('max_recipients', 'Type 1 or more as Recipients per Request.')
    for field, label, text, inside in template.texts():
        if 'phone' in text.names and not inside:
            remedy = (
                'type __phones_list__ or {phones} there, or put it into ["__each__", ...]'
                if field == 'body_template' else 'type {phones} there (parameter type Several Numbers)'
            )
            raise ConfigError(field, (
                f'{label[0].upper()}{label[1:]} names one number, but a request may go to several recipients: '
                f'{remedy}, or turn off Supports Multiple Recipients.'
            ))
