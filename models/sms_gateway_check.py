# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..tools.problem import ProblemError
from ..tools.report.authentication import (
    Call,
    SignatureRule,
    check_content,
    covers_reports,
    has_basic,
    is_within,
    may_be_signed,
    parse_networks,
)


class SmsGateway(models.Model):
    """Does a callback come from the provider? A check beside the secret URL; what does not pass changes nothing."""
    _inherit = 'sms.gateway'

    delivery_callback_check = fields.Selection(
        [('none', "None"), ('signature', "Signature"), ('basic', "HTTP Basic"), ('networks', "Networks")],
        "Check of the Sender", required=True, default='none',
        help="What a delivery report must have beside the secret Callback URL. One that has it not is refused.")
    delivery_callback_signature_header = fields.Char(
        "Signature Header", help="The HTTP header with the signature, for example X-Twilio-Signature.")
    delivery_callback_signature_algorithm = fields.Selection(
        [('sha1', "HMAC-SHA-1"), ('sha256', "HMAC-SHA-256"), ('sha512', "HMAC-SHA-512")],
        "Signature Algorithm", required=True, default='sha256')
    delivery_callback_signature_encoding = fields.Selection(
        [('hex', "Hexadecimal"), ('base64', "Base64")], "Signature Encoding", required=True, default='hex')
    delivery_callback_signature_prefix = fields.Char(
        "Signature Prefix", help="What stands before the signature in the header, for example sha256=")
    delivery_callback_signature_content = fields.Char(
        "Signed Content", default='{body}', trim=False,
        help="What the provider signs: {body}, {body_md5}, {url}, {url_path} (without what follows the ?), {params} "
             "(names and values of the form, sorted by name), {method}, {lf} (a line feed), {header:X-Timestamp} and "
             "the like. Delivery reports are read only from what is signed: the query string with {url}, the body "
             "with {body}, {body_md5} or {params}.")
    delivery_callback_signature_key = fields.Selection(
        [('own', "Signing Key"), ('api_key', "API Key"), ('token', "Token"), ('password', "Password")],
        "Signed With", required=True, default='own',
        help="Which secret the provider signs with: a key of its own, or a credential that sends SMS too.")
    delivery_callback_check_key = fields.Char(
        "Signing Key", copy=False, exportable=False, groups='base.group_system',
        help="As the provider shows it. Not copied when the gateway is duplicated.")
    delivery_callback_check_username = fields.Char(
        "Callback Username", copy=False, exportable=False, groups='base.group_system',
        help="Type the same at the provider. It must send it with every call, without being asked.")
    delivery_callback_check_password = fields.Char(
        "Callback Password", copy=False, exportable=False, groups='base.group_system')
    delivery_callback_check_networks = fields.Char(
        "Sender Networks",
        help="Addresses and networks of the provider, separated by commas: 192.0.2.7, 198.51.100.0/24. Behind a "
             "reverse proxy Odoo knows the sender in proxy mode only.")
    delivery_callback_check_missing = fields.Char(compute='_compute_delivery_callback_check_missing')

    # === COMPUTE METHODS === #

    @api.depends(
        'delivery_callback_check', 'delivery_callback_signature_header', 'delivery_callback_signature_key',
        'delivery_callback_signature_content', 'delivery_callback_check_key', 'api_key', 'token', 'password',
        'delivery_callback_check_password', 'delivery_callback_check_networks')
    def _compute_delivery_callback_check_missing(self):
        for gateway in self:
            gateway.delivery_callback_check_missing = gateway._get_missing_of_check()

    # === CONSTRAINT METHODS === #

    @api.constrains('delivery_callback_signature_content')
    def _check_signature_content(self):
        for gateway in self:
            try:
                check_content(gateway.delivery_callback_signature_content or '')
            except ProblemError as error:
                gateway._refuse('delivery_callback_signature_content', error.problem)

    @api.constrains('delivery_callback_check_networks')
    def _check_networks(self):
        for gateway in self:
            try:
                parse_networks(gateway.delivery_callback_check_networks or '')
            except ProblemError as error:
                gateway._refuse('delivery_callback_check_networks', error.problem)

    # === BUSINESS METHODS === #

    def _get_missing_of_check(self):
        """
        :return: the label of what is still empty, for which every delivery report is refused, or False
        """
        self.ensure_one()
        needed = {
            'signature': ('delivery_callback_signature_header', self._get_key_field()),
            'basic': ('delivery_callback_check_username', 'delivery_callback_check_password'),
            'networks': ('delivery_callback_check_networks',),
        }.get(self.delivery_callback_check, ())
        missing = next((name for name in needed if not self[name]), None)
        if not missing and self.delivery_callback_check == 'signature' and not covers_reports(
                self.delivery_callback_signature_content or ''):
            return self.env._("{body}, {params} or {url} in the Signed Content")
        return missing and self._fields[missing]._description_string(self.env)

    def _get_key_field(self):
        key = self.delivery_callback_signature_key
        return 'delivery_callback_check_key' if key == 'own' else key

    def _accepts_caller(self, call):
        """Whether a call passes what can be checked without its body: HTTP Basic, Networks, and that it has a
        signature. What is not filled in lets nobody pass.

        :param Call call: without its body
        :rtype: bool
        """
        self.ensure_one()
        if self.delivery_callback_check == 'basic':
            return has_basic(
                self.delivery_callback_check_username or '', self.delivery_callback_check_password or '', call)
        if self.delivery_callback_check == 'networks':
            return is_within(parse_networks(self.delivery_callback_check_networks or ''), call)
        rule = self._get_signature_rule()
        return rule is None or may_be_signed(rule, call)

    def _get_call(self, http_request):
        """
        :param http_request: the werkzeug request of the callback
        :return: the call without its body
        :rtype: Call
        """
        query = http_request.query_string.decode('latin-1')
        return Call(
            method=http_request.method,
            # what the provider was told, whatever a proxy made of it
            url=f'{self.delivery_callback_url}?{query}' if query else self.delivery_callback_url,
            headers={key.lower(): value for key, value in http_request.headers.items()},
            body=b'',
            address=http_request.remote_addr or '',
        )

    def _get_signature_rule(self):
        """
        :return: how calls must be signed, None if they need not be
        """
        if self.delivery_callback_check != 'signature':
            return None
        return SignatureRule(
            header=self.delivery_callback_signature_header or '',
            key=self[self._get_key_field()] or '',
            algorithm=self.delivery_callback_signature_algorithm,
            encoding=self.delivery_callback_signature_encoding,
            prefix=self.delivery_callback_signature_prefix or '',
            content=self.delivery_callback_signature_content or '',
        )
