# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a gateway's request uses: placeholders, credentials, recipients. Pure; also for requests being edited."""
from dataclasses import replace
from functools import cached_property
from ipaddress import ip_address
from urllib.parse import urlsplit

from .config import ConfigError, RequestConfig
from .placeholders import DLT, Text
from .template import RequestTemplate

_SECRETS = frozenset(('api_key', 'token', 'password'))


class RequestUsage:
    """The placeholders and tokens of a request. A JSON Body Template that is not valid JSON yet is read as text.

    :ivar RequestConfig config: as given
    """

    def __init__(self, config: RequestConfig):
        self.config = config
        try:
            self._template = RequestTemplate(config)
        except ConfigError:
            self._template = RequestTemplate(replace(config, body_template=''))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every placeholder and token in the request."""
        names = set().union(*(text.names for _field, _label, text, _inside in self._template.texts()))
        if self.config.sends_json:
            names |= Text.read(self.config.body_template, tokens=True).names
        return frozenset(names)

    @property
    def names_dlt(self) -> bool:
        return bool(self.names & DLT)

    @property
    def names_recipients(self) -> bool:
        return bool(self.names & {'phone', 'phones', 'phones_list'})

    @property
    def names_all_recipients(self) -> bool:
        """Whether a request for several recipients contains all their numbers."""
        return any(
            text.names & {'phones', 'phones_list'} or (inside and 'phone' in text.names)
            for _field, _label, text, inside in self._template.texts())

    @property
    def shares_uuid(self) -> bool:
        """Whether {uuid} appears where a request for several recipients has no single SMS."""
        return any(
            text.names & {'uuid', 'uuid20'} and not inside for _field, _label, text, inside in self._template.texts())

    @property
    def puts_secret_in_url(self) -> bool:
        """Whether the URL or the query string contains a credential other than the user name."""
        in_query = self.config.method == 'get' or self.config.has_template
        return any(
            parameter.type == 'auth' or text.names & _SECRETS
            for parameter, text in self._template.parameter_texts() if in_query
        ) or bool(Text.read(self.config.url).names & _SECRETS)


def is_local(url: str | None) -> bool:
    """Tell whether a URL leads to this machine."""
    try:
        host = urlsplit(url or '').hostname or ''
        return host == 'localhost' or ip_address(host).is_loopback
    except ValueError:
        return False
