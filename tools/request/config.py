# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a gateway's requests are made of, without the ORM. No ``repr`` shows a secret, since it may be logged."""
from dataclasses import dataclass, field, fields, replace

from ..problem import ProblemError

MASK = '***'

# Values of parameters without a value, by their type, then by the gateway's authentication type.
_DEFAULT_VALUES = {'number': '{phone}', 'multi_number': '{phones}', 'message': '{message}'}
_DEFAULT_AUTH_VALUES = {'api_key': '{api_key}', 'token': '{token}'}


class ConfigError(ProblemError):
    """A gateway that cannot make requests.

    :ivar str field: the field of ``sms.gateway`` to correct
    """

    def __init__(self, field_name: str, code: str, /, **values: str | int):
        super().__init__(code, **values)
        self.field = field_name


class RenderError(ProblemError):
    """An SMS that does not fit in a gateway's request."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A row of the Parameters page.

    ``type`` is ``number``, ``multi_number``, ``message``, ``auth`` or ``other``; ``only_for`` is ``any``, ``gsm``
    or ``unicode``.
    """

    key: str
    value: str = field(default='', repr=False)
    type: str = 'other'
    only_for: str = 'any'

    def template(self, auth_type: str) -> str:
        """Return the value with placeholders; if it is empty, the default of the parameter's type."""
        if self.value:
            return self.value
        if self.type == 'auth':
            return _DEFAULT_AUTH_VALUES.get(auth_type, '')
        return _DEFAULT_VALUES.get(self.type, '')


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The four secrets of a gateway; an empty string if not set."""

    api_key: str = ''
    token: str = ''
    username: str = ''
    password: str = ''

    def __repr__(self):
        return f'Credentials({", ".join(self.values())})'

    def values(self) -> dict[str, str]:
        """Return the credentials that are set, by name."""
        return {item.name: value for item in fields(self) if (value := getattr(self, item.name))}

    def masked(self) -> 'Credentials':
        """Return the same credentials with :data:`MASK` for each that is set."""
        return replace(self, **dict.fromkeys(self.values(), MASK))


@dataclass(frozen=True, slots=True)
class MessageValues:
    """What the SMS of one gateway can differ in, besides number, text and UUID.

    :ivar str sender: empty for the Sender ID of the gateway
    :ivar str message_type: the provider's word for transactional or promotional SMS
    :ivar bool needs_dlt: whether the SMS needs both DLT identifiers, which India requires
    """

    sender: str = ''
    dlt_entity_id: str = ''
    dlt_template_id: str = ''
    message_type: str = ''
    needs_dlt: bool = False

    def given(self) -> dict[str, str]:
        """Return the placeholders that have a value, by name."""
        return {name: value for name in MESSAGE_VALUES if (value := getattr(self, name))}


MESSAGE_VALUES = ('sender', 'dlt_entity_id', 'dlt_template_id', 'message_type')


@dataclass(frozen=True)
class RequestConfig:
    """Everything that rendering a gateway's requests needs. ``callback_url`` is empty while callbacks are disabled."""

    url: str = field(repr=False)
    method: str = 'post'  # get, post
    request_type: str = 'form'  # form, json
    parameters: tuple[Parameter, ...] = field(default=(), repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body_template: str = field(default='', repr=False)
    multiple_recipients: bool = False
    separator: str = ','
    max_recipients: int = 100
    auth_type: str = 'none'  # none, api_key, token, basic, custom
    credentials: Credentials = Credentials()
    sender: str = ''
    account_id: str = ''
    encoding_gsm: str = ''
    encoding_unicode: str = ''
    callback_url: str = field(default='', repr=False)
    is_status_query: bool = False  # which may contain {message_id} and {message_ids}

    @property
    def sends_json(self) -> bool:
        return self.method == 'post' and self.request_type == 'json'

    @property
    def has_template(self) -> bool:
        """Whether the body comes from the JSON Body Template; the parameters then go to the query string."""
        return self.sends_json and bool(self.body_template.strip())
