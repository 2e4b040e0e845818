# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Render the request of a template without Odoo: ``data/gateways/<slug>.xml`` is read as a RequestConfig."""
import ast
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from sdk_capture import Request

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tools import phone  # noqa: E402
from tools.gsm import is_gsm  # noqa: E402
from tools.request.builder import Recipient, build_requests  # noqa: E402
from tools.request.config import Credentials, Parameter, RequestConfig  # noqa: E402

NUMBER = '+447700900123'
UUID = '0123456789abcdef0123456789abcdef'
CALLBACK = 'https://odoo.example.com/sms_gateway/callback/invented'
_CREDENTIALS = ('api_key', 'token', 'username', 'password')


@dataclass(frozen=True)
class Sms:
    """The SMS that SDK and template send, with the credentials and sender of the provider's recorded samples."""

    text: str
    sender: str = ''
    account_id: str = ''
    api_key: str = ''
    token: str = ''
    username: str = ''
    password: str = ''
    number: str = NUMBER
    uuid: str = UUID
    callback: str = CALLBACK

    @property
    def digits(self) -> str:
        return self.number[1:]

    @property
    def is_unicode(self) -> bool:
        return not is_gsm(self.text)


def sample_sms(slug: str, text: str, number: str = NUMBER) -> Sms:
    """Return the SMS to send with a provider."""
    samples = json.loads((REPOSITORY / 'tests' / 'providers' / f'{slug}.json').read_text(encoding='utf-8'))
    return Sms(text, number=number, **samples['values'])


def render(slug: str, sms: Sms) -> Request:
    """Return the request that the provider's template renders for an SMS."""
    fields = _fields(slug)
    config = replace(
        _config(fields), sender=sms.sender, account_id=sms.account_id,
        credentials=Credentials(**{name: getattr(sms, name) for name in _CREDENTIALS}),
        callback_url=sms.callback if 'delivery_callback_enabled' in fields else '',
    )
    number = phone.format_number(sms.number, fields.get('number_format', 'e164'))
    (request,) = build_requests(config, [Recipient(sms.uuid, number, sms.text)])
    return Request(request.method, request.url, dict(request.headers), request.body)


def _fields(slug):
    """Return the fields of the template's record by name: text, or the rows of a list of commands."""
    record = ElementTree.parse(REPOSITORY / 'data' / 'gateways' / f'{slug}.xml').find('record')
    return {field.get('name'): _value(field) for field in record.iter('field')}


def _value(field):
    expression = field.get('eval')
    if expression is None:
        return field.text or ''
    calls = [node for node in ast.walk(ast.parse(expression.strip(), mode='eval')) if isinstance(node, ast.Call)]
    if not calls:
        return ast.literal_eval(expression)
    rows = [ast.literal_eval(call.args[0]) for call in calls if call.args]
    return sorted(rows, key=lambda row: row.get('sequence', 0))


def _config(fields):
    names = ('method', 'request_type', 'body_template', 'auth_type', 'encoding_gsm', 'encoding_unicode')
    return RequestConfig(
        url=fields['base_url'],
        parameters=tuple(
            Parameter(row['key'], row.get('value', ''), row.get('param_type', 'other'), row.get('only_for', 'any'))
            for row in fields.get('parameter_ids', ())),
        headers=tuple((row['key'], row.get('value', '')) for row in fields.get('header_ids', ())),
        multiple_recipients=bool(fields.get('supports_multiple_recipients')),
        separator=fields.get('multi_recipient_separator', ','),
        **{name: fields[name] for name in names if name in fields},
    )
