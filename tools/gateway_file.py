# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Gateways as a JSON document: written for people to read and compare, read without trust. Pure.

    {
        "format": "eis_sms_apis.gateway",
        "version": 1,
        "gateways": [{"name": "...", "parameter_ids": [{"key": "...", "value": "..."}], ...}]
    }

Keys are the fields of ``sms.gateway``. A key that is missing means the default of its :class:`Rule`, so a default that
changes needs a new version.
"""
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

FORMAT = 'eis_sms_apis.gateway'
VERSION = 1
MAX_BYTES = 1024 * 1024
MAX_INTEGER = 2 ** 31 - 1  # PostgreSQL's integer

# The order of keys in a document, and of fields in the files of data/gateways.
ORDER = (
    'name', 'gateway_documentation_link', 'note', 'connect_fields', 'console_url', 'region', 'country_codes',
    'card_color', 'confidence', 'has_eu_server', 'base_url', 'country_prefixes', 'method', 'request_type',
    'supports_multiple_recipients', 'multi_recipient_separator', 'max_recipients', 'number_format', 'sender',
    'account_id', 'encoding_gsm', 'encoding_unicode', 'smart_encoding', 'dlt_entity_id', 'message_type_transactional',
    'message_type_promotional', 'auth_type', 'parameter_ids', 'header_ids',
    'body_template', 'message_id_regex', 'error_code_regex', 'answer_items_path', 'answer_number_path',
    'answer_message_id_path', 'answer_status_path', 'answer_error_code_path', 'answer_error_message_path',
    'answer_error_values', 'answer_price_path', 'answer_currency_path', 'answer_currency', 'answer_segments_path',
    'price_regex', 'price_unit_value', 'is_price_per_segment',
    'success_http_codes', 'success_substring', 'success_key', 'error_key', 'require_message_id', 'wait_header',
    'wait_regex', 'create_status', 'max_connections', 'timeout', 'rate_limit', 'failover', 'weight', 'is_dry_run',
    'delivery_callback_enabled', 'delivery_callback_uuid_param', 'delivery_callback_message_id_param',
    'delivery_callback_status_param', 'delivery_callback_error_code_param', 'delivery_callback_error_message_param',
    'delivery_callback_number_param', 'delivery_callback_price_param', 'delivery_callback_currency_param',
    'delivery_callback_segments_param', 'delivery_callback_answer', 'delivery_callback_status_success',
    'delivery_callback_status_pending', 'delivery_callback_status_error', 'delivery_callback_status_canceled',
    'delivery_callback_check', 'delivery_callback_signature_key', 'delivery_callback_signature_header',
    'delivery_callback_signature_param', 'delivery_callback_signature_algorithm',
    'delivery_callback_signature_encoding', 'delivery_callback_signature_prefix',
    'delivery_callback_signature_content', 'delivery_callback_signature_claims', 'delivery_callback_signature_time',
    'delivery_callback_replay_window', 'delivery_callback_check_networks',
    'callback_failure_map_ids', 'follows_provider_optout', 'optout_codes', 'sends_keyword_replies', 'query_ids',
    'inbound_enabled', 'inbound_kind_param', 'inbound_kind_values', 'inbound_message_id_param', 'inbound_number_param',
    'inbound_recipient_param', 'inbound_text_param', 'inbound_time_param', 'inbound_reply_param',
    'inbound_optout_param', 'inbound_part_reference_param', 'inbound_part_number_param', 'inbound_part_total_param',
    'inbound_encoding', 'inbound_encoding_param', 'inbound_answer', 'inbound_answer_type',
)
ROW_ORDER = ('key', 'value', 'param_type', 'only_for', 'provider_code', 'failure_type', 'outcome', 'kind',
             'method', 'url', 'body', 'amount_path', 'amount_regex', 'amount_divisor', 'currency_path', 'currency',
             'delay_minutes', 'ids_per_request', 'id_separator', 'message_id_path', 'number_path', 'status_path',
             'error_code_path', 'error_message_path', 'price_path', 'segments_path', 'status_regex', 'final_values')
# What is written even where it is the default: the first things that a reader looks for.
ALWAYS = frozenset(('name', 'base_url', 'method', 'request_type', 'number_format', 'auth_type'))

Values = dict[str, Any]


class GatewayFileError(ValueError):
    """A document that is refused.

    ``code`` is one of ``too_large``, ``not_utf8``, ``not_json``, ``not_gateways``, ``newer_version``,
    ``duplicate_key``, ``unknown_key``, ``foreign_key``, ``missing_key``, ``wrong_type``, ``unknown_value``,
    ``out_of_range`` and ``bad_character``.

    :ivar str path: where, for example ``gateways[0].parameter_ids[2].param_type``; empty for the whole document.
        What JSON itself forbids has only the name of the key or value.
    :ivar dict values: what belongs into a sentence about it
    """

    def __init__(self, code: str, path: str = '', **values: Any):
        details = ', '.join(f'{name} {value}' for name, value in values.items())
        super().__init__(f'{path or "document"}: {code}' + (f' ({details})' if details else ''))
        self.code = code
        self.path = path
        self.values = values


@dataclass(frozen=True, slots=True)
class Rule:
    """What a key may have.

    ``kind`` is ``text``, ``lines`` (a text that may be written as a list of its lines), ``boolean``, ``integer``,
    ``number``, ``choice`` or ``rows``.
    """

    kind: str
    default: Any = ''
    choices: tuple[str, ...] = ()
    rows: Mapping[str, 'Rule'] = field(default_factory=dict)
    required: bool = False


# === WRITING === #


def write(gateways: Iterable[Mapping[str, Any]], rules: Mapping[str, Rule]) -> str:
    """Give the document of some gateways: the same text for the same values, one line for each value or row.

    :param gateways: values by key, for each key that has a rule
    :raise GatewayFileError: ``too_large``
    """
    blocks = [_block('{', [_member(key, value) for key, value in shorten(gateway, rules).items()], '}')
              for gateway in gateways]
    text = '\n'.join(_block('{', [
        [f'"format": {_dump(FORMAT)}'], [f'"version": {VERSION}'], _block('"gateways": [', blocks, ']')], '}')) + '\n'
    if len(text.encode()) > MAX_BYTES:
        raise GatewayFileError('too_large', limit=MAX_BYTES)
    return text


def shorten(values: Mapping[str, Any], rules: Mapping[str, Rule]) -> Values:
    """Give the values that differ from the default of their rule, in the order of the rules."""
    short = {}
    for key, rule in rules.items():
        value = values[key]
        if rule.kind == 'rows':
            value = [shorten(row, rule.rows) for row in value]
        if value != rule.default or rule.required or key in ALWAYS:
            short[key] = value.split('\n') if rule.kind == 'lines' and '\n' in value else value
    return short


def _member(key, value):
    if isinstance(value, list):
        return _block(f'{_dump(key)}: [', [[_dump(item)] for item in value], ']')
    return [f'{_dump(key)}: {_dump(value)}']


def _block(start, items, end):
    """The lines of an object or a list, of whose items each is a list of lines itself."""
    if not items:
        return [start + end]
    lines = [[f'    {line}' for line in item] for item in items]
    for item in lines[:-1]:
        item[-1] += ','
    return [start, *(line for item in lines for line in item), end]


def _dump(value):
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# === READING === #


def read(document: str | bytes) -> list[Values]:
    """Give the gateways of a document as they are written in it.

    :raise GatewayFileError: for what is no document of gateways
    """
    tree = _parse(_decode(document))
    if not isinstance(tree, dict) or tree.get('format') != FORMAT:
        raise GatewayFileError('not_gateways')
    version = _require(tree.get('version'), 'integer', 'version')
    if version < 1:
        raise GatewayFileError('wrong_type', 'version', kind='integer')
    if version > VERSION:
        raise GatewayFileError('newer_version', 'version', version=version, known=VERSION)
    for key in tree:
        if key not in ('format', 'version', 'gateways'):
            raise GatewayFileError('unknown_key', _shown(key))
    return _require(tree.get('gateways') or None, 'rows', 'gateways')


def check(gateways: Sequence[Any], rules: Mapping[str, Rule], foreign: Set[str] = frozenset()) -> list[Values]:
    """Give the gateways of :func:`read` with a value for each key that has a rule.

    :param foreign: fields of ``sms.gateway`` that belong into no document, such as credentials
    :raise GatewayFileError: naming the first thing that is wrong
    """
    return [_check_object(gateway, rules, f'gateways[{index}]', foreign) for index, gateway in enumerate(gateways)]


def _decode(document):
    if len(document) > MAX_BYTES:
        raise GatewayFileError('too_large', limit=MAX_BYTES)
    try:
        if isinstance(document, bytes):
            return document.decode('utf-8-sig')
        if len(document.encode()) > MAX_BYTES:
            raise GatewayFileError('too_large', limit=MAX_BYTES)
    except UnicodeError:
        raise GatewayFileError('not_utf8') from None
    return document.removeprefix('\ufeff')


def _parse(content):
    try:
        return json.loads(content, object_pairs_hook=_members, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise GatewayFileError('not_json', line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise GatewayFileError('not_gateways') from None
    except GatewayFileError:
        raise
    except ValueError:  # a number with more digits than Python reads
        raise GatewayFileError('not_gateways') from None


def _members(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _value in pairs]
        raise GatewayFileError('duplicate_key', _shown(next(name for name in names if names.count(name) > 1)))
    return members


def _refuse_constant(constant):
    raise GatewayFileError('wrong_type', constant, kind='number')


def _check_object(node, rules, path, foreign=frozenset()):
    for key in _require(node, 'object', path):
        if key not in rules:
            code = 'foreign_key' if key in foreign else 'unknown_key'
            raise GatewayFileError(code, f'{path}.{_shown(key)}')
    values = {}
    for key, rule in rules.items():
        place = f'{path}.{key}'
        if key in node:
            values[key] = _CHECKS[rule.kind](node[key], rule, place)
        elif rule.required:
            raise GatewayFileError('missing_key', place)
        else:
            values[key] = [] if rule.kind == 'rows' else rule.default
        if rule.required and not values[key]:
            raise GatewayFileError('missing_key', place)
    return values


def _check_text(value, rule, path):
    _require(value, rule.kind, path)
    # PostgreSQL stores neither
    if '\0' in value or any('\ud800' <= character <= '\udfff' for character in value):
        raise GatewayFileError('bad_character', path)
    return value


def _check_lines(value, rule, path):
    if not isinstance(value, list):
        return _check_text(value, rule, path)
    return '\n'.join(_check_text(line, rule, f'{path}[{index}]') for index, line in enumerate(value))


def _check_boolean(value, rule, path):
    return _require(value, rule.kind, path)


def _check_number(value, rule, path):
    if abs(_require(value, rule.kind, path)) > MAX_INTEGER:
        raise GatewayFileError('out_of_range', path, limit=MAX_INTEGER)
    return value


def _check_choice(value, rule, path):
    if _require(value, rule.kind, path) not in rule.choices:
        raise GatewayFileError('unknown_value', path, value=_shown(value), choices=rule.choices)
    return value


def _check_rows(value, rule, path):
    return [
        _check_object(row, rule.rows, f'{path}[{index}]')
        for index, row in enumerate(_require(value, rule.kind, path))]


_TYPES = {
    'text': str, 'lines': str, 'choice': str, 'boolean': bool, 'integer': int, 'number': (int, float), 'rows': list,
    'object': dict,
}
_CHECKS = {
    'text': _check_text, 'lines': _check_lines, 'boolean': _check_boolean, 'integer': _check_number,
    'number': _check_number, 'choice': _check_choice, 'rows': _check_rows,
}


def _require(value, kind, path):
    """Return a value of this kind; raise an error for others. In Python a boolean is an integer, in JSON it is not."""
    if not isinstance(value, _TYPES[kind]) or (kind != 'boolean' and isinstance(value, bool)):
        raise GatewayFileError('wrong_type', path, kind=kind)
    return value


def _shown(text):
    """A key or a value of the document, short enough for a sentence."""
    return text if len(text) <= 60 else f'{text[:60]}…'
