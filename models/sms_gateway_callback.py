# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivery callbacks: token, webhook authentication, receiving reports."""
import secrets

from odoo import api, fields, models
from odoo.tools.urls import urljoin

from ..sending.store.transactions import OwnTransactions
from ..tools.report.authentication import (
    Call,
    SignatureRule,
    covers_reports,
    has_basic,
    is_within,
    may_be_signed,
    parse_networks,
)


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    delivery_callback_url = fields.Char(
        "Callback URL", compute='_compute_delivery_callback_url', exportable=False, groups='base.group_system',
        help="URL to which the provider sends delivery reports.")

    # === COMPUTE METHODS === #

    @api.depends('delivery_callback_token')
    def _compute_delivery_callback_url(self):
        base_url = self[:1].get_base_url()
        for gateway in self:
            gateway.delivery_callback_url = urljoin(
                base_url, f'/eis_sms/callback/{gateway.delivery_callback_token or ""}')

    # === ACTION METHODS === #

    def action_new_callback_token(self):
        """Replace the token, which invalidates the old callback URL."""
        for gateway in self:
            gateway.delivery_callback_token = secrets.token_urlsafe(32)

    # === BUSINESS METHODS - WEBHOOK AUTHENTICATION === #

    @api.model
    def _find_by_callback_token(self, token):
        """Find a gateway whose delivery callbacks are enabled.

        :param str token: as received
        :return: the gateway, empty if there is none. Disabled and archived gateways still receive the reports of SMS
            that they sent.
        """
        return self.with_context(active_test=False).search([
            ('delivery_callback_token', '=', token.replace('\0', ' ')),  # PostgreSQL refuses NUL
            ('delivery_callback_enabled', '=', True),
        ], limit=1)

    def _get_call(self, http_request):
        """Read a call without its body.

        :param http_request: the werkzeug request of the callback
        :rtype: Call
        """
        query = http_request.query_string.decode('latin-1')
        return Call(
            method=http_request.method,
            # the URL that the provider knows and signs, which a reverse proxy may have rewritten
            url=f'{self.delivery_callback_url}?{query}' if query else self.delivery_callback_url,
            headers={key.lower(): value for key, value in http_request.headers.items()},
            body=b'',
            address=http_request.remote_addr or '',
        )

    def _may_authenticate(self, call):
        """Check HTTP Basic, the networks, and whether there is a signature, before the body is read. An incomplete
        configuration rejects all calls.

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

    def _get_signature_rule(self):
        """Return how calls must be signed.

        :rtype: SignatureRule or None
        """
        if self.delivery_callback_check != 'signature':
            return None
        return SignatureRule(
            key=self[self._get_signing_key_field()] or '',
            **self._get_texts(
                'header', 'algorithm', 'encoding', 'prefix', 'content', prefix='delivery_callback_signature_'))

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
            'basic': ('delivery_callback_check_username', 'delivery_callback_check_password'),
            'networks': ('delivery_callback_check_networks',),
        }.get(self.delivery_callback_check, ())
        missing = next((name for name in needed if not self[name]), None)
        if missing:
            return self._fields[missing]._description_string(self.env)
        if self.delivery_callback_check == 'signature' and not covers_reports(
                self.delivery_callback_signature_content or ''):
            return self.env._("{body}, {params} or {url} in Signed Content")
        return ''

    # === BUSINESS METHODS - REPORTS === #

    def _receive_reports(self, reports):
        """Apply delivery reports of this gateway, or keep those that arrive before their send is recorded.

        :param list[DeliveryReport] reports: at least one, in the order of the call
        :return: whether they were saved; if not, the provider should call again
        :rtype: bool
        """
        self.ensure_one()
        return OwnTransactions(self.env).write(
            lambda env: env['sms.gateway'].browse(self.id)._apply_or_keep(reports), len(reports))

    def _apply_or_keep(self, reports):
        statuses = self.env['sms.gateway.status']
        early = statuses._apply_reports(self, reports)
        if not self.create_status:
            early = [report for report in early if report.uuid]  # without status rows, nothing has a message ID
        if not early:
            return
        # A transaction that records a send holds this lock in shared mode until it commits. With the exclusive lock,
        # either this transaction sees the new rows, or that one sees the reports kept here.
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [self._get_lock_class(), self.id])
        early = statuses._apply_reports(self, early)
        if early:
            self.env['sms.gateway.early.report']._keep(self, early)

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
        early = self.env['sms.gateway.status']._apply_reports(self, reports) if reports else []
        if early:
            # several numbers share one message ID, and the others are not recorded yet
            early_reports._keep(self, early)
