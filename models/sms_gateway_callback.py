# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the provider tells besides its responses: delivery callbacks (token, authentication, reports), balance."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.urls import urljoin

from ..tools.actions import show_notification
from ..tools.problem import ProblemError
from ..tools.report.authentication import (
    SignatureRule,
    check_time_is_signed,
    covers_reports,
)
from ..tools.report.verification import ED25519, parse_public_key

SCHEMES = {'signature': 'header', 'token': 'token', 'parameters': 'parameters'}  # by webhook authentication
PATH = '/eis_sms/callback/'
MAX_WINDOW = 24 * 3600  # seconds


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    delivery_callback_url = fields.Char(
        "Callback URL", compute='_compute_delivery_callback_url', exportable=False, groups='base.group_system',
        help="URL to which the provider sends delivery reports.")
    delivery_callback_old_token = fields.Char(
        "Previous Token", copy=False, readonly=True, exportable=False, groups='base.group_system',
        help="Its Callback URL is accepted as well until the rotation ends.")

    # Webhook authentication
    delivery_callback_check = fields.Selection(
        [
            ('none', "None"),
            ('signature', "Signature"),
            ('token', "JSON Web Token"),
            ('parameters', "Signed Parameters"),
            ('basic', "HTTP Basic"),
            ('networks', "Networks"),
        ],
        "Webhook Authentication", required=True, default='none',
        help="Select how the provider authenticates its delivery reports, in addition to the secret Callback URL. "
             "Reports that fail authentication are refused.")
    delivery_callback_signature_header = fields.Char(
        "Signature Header",
        help="HTTP header that contains the signature or the token, for example X-Twilio-Signature.")
    delivery_callback_signature_param = fields.Char(
        "Signature Param", help="Parameter that contains the signature of all other parameters, for example sig.")
    delivery_callback_signature_algorithm = fields.Selection(
        [
            ('md5_hash', "MD5 hash"),
            ('md5', "HMAC-MD5"),
            ('sha1', "HMAC-SHA-1"),
            ('sha256', "HMAC-SHA-256"),
            ('sha512', "HMAC-SHA-512"),
            ('ed25519', "Ed25519"),
        ],
        "Signature Algorithm", required=True, default='sha256')
    delivery_callback_signature_encoding = fields.Selection(
        [('hex', "Hexadecimal"), ('base64', "Base64")], "Signature Encoding", required=True, default='hex')
    delivery_callback_signature_prefix = fields.Char(
        "Signature Prefix", help="Text before the signature, for example sha256=")
    delivery_callback_signature_claims = fields.Selection(
        [('hashes', "Hashes of URL and body"), ('report', "The delivery report")],
        "Token Contains", required=True, default='hashes',
        help="Hashes are claims named url_hash and payload_hash, in SHA-256. If the token contains the delivery "
             "report, the body is ignored.")
    delivery_callback_signature_content = fields.Char(
        "Signed Content", default='{body}', trim=False,
        help="Enter what the provider signs: {body}, {body_md5}, {url}, {url_path} (without the query string), "
             "{params} (names and values of the form, sorted by name), {method}, {lf} (a line feed), "
             "{header:X-Timestamp} and so on. Delivery reports are read only from what is signed: the query string "
             "with {url}, the body with {body}, {body_md5} or {params}.")
    delivery_callback_signature_time = fields.Char(
        "Timestamp Name",
        help="Enter the signed header or parameter that contains the time of the call in Unix seconds, for example "
             "X-Timestamp. Leave empty if there is none.")
    delivery_callback_replay_window = fields.Integer(
        "Replay Window (s)", default=300,
        help="Enter how many seconds the signed time can differ from the time of the Odoo server. Other calls are "
             "refused, which prevents replays. Enter 0 to accept any time.")
    delivery_callback_signature_key = fields.Selection(
        [('own', "Signing Key"), ('api_key', "API Key"), ('token', "Token"), ('password', "Password")],
        "Signed With", required=True, default='own',
        help="Select the secret the provider signs with: a separate key, or one of the gateway's credentials.")
    delivery_callback_check_key = fields.Char(
        "Signing Key", copy=False, exportable=False, groups='base.group_system',
        help="Enter the key as the provider shows it, for Ed25519 the provider's public key. It is not copied when "
             "the gateway is duplicated.")
    delivery_callback_check_old_key = fields.Char(
        "Previous Signing Key", copy=False, exportable=False, groups='base.group_system',
        help="To replace the key without losing delivery reports, enter the current one here and the new one in its "
             "place. Both are accepted until you empty this field.")
    delivery_callback_check_username = fields.Char(
        "Callback Username", copy=False, exportable=False, groups='base.group_system',
        help="Enter the same username at the provider, which must send it with every call, without a prior 401 "
             "response.")
    delivery_callback_check_password = fields.Char(
        "Callback Password", copy=False, exportable=False, groups='base.group_system')
    delivery_callback_check_networks = fields.Char(
        "Provider Networks",
        help="Enter the provider's addresses and networks, separated by commas: 192.0.2.7, 198.51.100.0/24. Behind a "
             "reverse proxy, Odoo must run in proxy mode to see the provider's address.")

    _delivery_callback_old_token_unique = models.Constraint(
        'unique(delivery_callback_old_token)', "The callback token must be unique.")

    # Balance
    query_ids = fields.One2many('sms.gateway.query', 'gateway_id', "Queries", copy=True)
    has_balance_query = fields.Boolean(compute='_compute_has_balance_query')
    balance = fields.Float("Balance", digits=(16, 4), readonly=True, copy=False)
    balance_currency = fields.Char("Balance Currency", readonly=True, copy=False)
    balance_date = fields.Datetime("Balance On", readonly=True, copy=False)
    balance_attempt_date = fields.Datetime("Last Balance Check", readonly=True, copy=False)
    balance_error = fields.Char("Balance Error", readonly=True, copy=False)
    balance_threshold = fields.Float(
        "Minimum Balance", digits=(16, 4), copy=False,
        help="Below this balance, the responsible users get an activity and a notification, once until the balance is "
             "above it again. Enter 0 for no alert.")
    balance_alerted = fields.Boolean("Low Balance", readonly=True, copy=False)
    balance_user_ids = fields.Many2many(
        'res.users', 'sms_gateway_balance_user_rel', string="Responsible Users", copy=False,
        domain=[('share', '=', False)],
        help="Select Settings administrators. They are alerted if the gateway is paused, the account is refused, "
             "delivery reports stop, SMS wait for long, or the balance is low. Leave empty to alert the user who "
             "created the gateway.")

    # === CONSTRAINT METHODS === #

    @api.constrains(
        'delivery_callback_check', 'delivery_callback_signature_content', 'delivery_callback_signature_time')
    def _check_time_is_signed(self):
        for gateway in self.filtered(lambda gateway: gateway.delivery_callback_check == 'signature'):
            try:
                check_time_is_signed(
                    gateway.delivery_callback_signature_content or '', gateway.delivery_callback_signature_time or '')
            except ProblemError as error:
                gateway._refuse('delivery_callback_signature_time', error.problem)

    @api.constrains('delivery_callback_replay_window')
    def _check_replay_window(self):
        for gateway in self:
            if not 0 <= gateway.delivery_callback_replay_window <= MAX_WINDOW:
                gateway._refuse('delivery_callback_replay_window', self.env._(
                    "enter a number of seconds from 0 to %s.", MAX_WINDOW))

    # === COMPUTE METHODS === #

    @api.depends('delivery_callback_token')
    def _compute_delivery_callback_url(self):
        base_url = self[:1].get_base_url()
        for gateway in self:
            gateway.delivery_callback_url = urljoin(base_url, f'{PATH}{gateway.delivery_callback_token or ""}')

    @api.depends('query_ids.kind')
    def _compute_has_balance_query(self):
        for gateway in self:
            gateway.has_balance_query = 'balance' in gateway.query_ids.mapped('kind')

    # === ACTION METHODS === #

    def action_check_balance(self):
        """Ask the provider for the balance and show it."""
        self.ensure_one()
        self.check_access('write')
        if not self.has_balance_query:
            raise UserError(self.env._("This gateway cannot read its balance. Add a query on the Queries page."))
        self.query_ids.filtered(lambda query: query.kind == 'balance')._check_balance()
        return show_notification(
            self.balance_error or f'{self.balance:g} {self.balance_currency or ""}'.strip(),
            'danger' if self.balance_error else 'success', self.env._("Balance"))

    def action_new_callback_token(self):
        """Replace the token, which invalidates the old callback URL, and a previous one."""
        self._replace_token('delivery_callback_token', 'delivery_callback_old_token', keep_old=False)

    def action_rotate_callback_token(self):
        """Replace the token, and accept the old callback URL until the rotation ends."""
        self._replace_token('delivery_callback_token', 'delivery_callback_old_token', keep_old=True)

    def action_end_rotation(self):
        """Invalidate the previous callback URL."""
        self.delivery_callback_old_token = False

    # === BUSINESS METHODS - WEBHOOK AUTHENTICATION === #

    def _get_signature_rule(self):
        """Return how calls must be signed.

        :rtype: SignatureRule or None
        """
        if self.delivery_callback_check not in SCHEMES:
            return None
        return SignatureRule(
            scheme=SCHEMES[self.delivery_callback_check],
            key=self[self._get_signing_key_field()] or '',
            old_key=self.delivery_callback_check_old_key or '',
            parameter=self.delivery_callback_signature_param or '',
            window=self.delivery_callback_replay_window,
            **self._get_texts(
                'header', 'algorithm', 'encoding', 'prefix', 'content', 'claims', 'time',
                prefix='delivery_callback_signature_'))

    def _get_signing_key_field(self):
        key = self.delivery_callback_signature_key
        return 'delivery_callback_check_key' if key == 'own' else key

    def _get_missing_authentication(self):
        """Return what is missing from the configuration; until it is complete, all delivery reports are refused.

        :return: the label of an empty field or what its content must include; empty if nothing is missing
        :rtype: str
        """
        self.ensure_one()
        needed = {
            'signature': ('delivery_callback_signature_header', self._get_signing_key_field()),
            'token': ('delivery_callback_signature_header', self._get_signing_key_field()),
            'parameters': ('delivery_callback_signature_param', self._get_signing_key_field()),
            'basic': ('delivery_callback_check_username', 'delivery_callback_check_password'),
            'networks': ('delivery_callback_check_networks',),
        }.get(self.delivery_callback_check, ())
        missing = next((name for name in needed if not self[name]), None)
        if missing:
            return self._fields[missing]._description_string(self.env)
        if self.delivery_callback_check == 'signature' and not covers_reports(
                self.delivery_callback_signature_content or ''):
            return self.env._("{body}, {params} or {url} in Signed Content")
        if self._is_public_key_missing():
            return self.env._("an Ed25519 public key in Base64 as Signing Key")
        return ''

    def _is_public_key_missing(self):
        if self.delivery_callback_check not in ('signature', 'parameters'):
            return False
        key = self[self._get_signing_key_field()] or ''
        return self.delivery_callback_signature_algorithm == ED25519 and not parse_public_key(key.encode())

    # === BUSINESS METHODS - REPORTS === #

    def _receive_reports(self, reports, transactions=None):
        """Store delivery reports of this gateway; see `sms.gateway.inbox`.

        :param list[DeliveryReport] reports: at least one, in the order of the call
        :rtype: bool
        """
        return self.env['sms.gateway.received.report']._receive(self, reports, transactions)

    def _drain_reports(self, deadline, pause=None):
        """Apply the stored delivery reports; see `sms.gateway.inbox`."""
        self.env['sms.gateway.received.report']._drain(self, deadline, pause=pause)

    def _apply_or_keep(self, reports):
        """Apply reports, and keep those whose SMS is not known yet.

        :return: the reports that match no SMS
        :rtype: list[DeliveryReport]
        """
        statuses = self.env['sms.gateway.status']
        early, dropped = statuses._apply_reports(self, reports), []
        if not self.create_status:  # without status rows, nothing has a message ID
            dropped = [report for report in early if not report.uuid]
            early = [report for report in early if report.uuid]
        if not early:
            return dropped
        # A transaction that records a send holds this lock in shared mode until it commits. With the exclusive lock,
        # either this transaction sees the new rows, or that one sees the reports kept here.
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [self._get_lock_class(), self.id])
        early = statuses._apply_reports(self, early)
        if early:
            self.env['sms.gateway.early.report']._keep(self, early)
        return early + dropped

    @api.model
    def _get_lock_class(self):
        """Return the first key of our advisory locks, which separates them from those of other addons."""
        return int.from_bytes(b'eis', 'big')

    def _apply_early_reports(self, uuids, message_ids):
        """Apply the kept reports of SMS whose send was just recorded, in this transaction.

        :param list uuids: of `sms.sms`
        :param list message_ids: the provider's ids of the same SMS
        """
        self.env.flush_all()
        early_reports = self.env['sms.gateway.early.report']
        reports = early_reports._take_out(self, uuids, message_ids)
        if not reports:
            return
        early = self.env['sms.gateway.status']._apply_reports(self, reports)
        if early:
            # several numbers share one message ID, and the others are not recorded yet
            early_reports._keep(self, early)
        ids = {report.received_id for report in reports} - {report.received_id for report in early}
        self.env['sms.gateway.received.report']._note_match(ids)
