# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where an inbound SMS goes: contact, document and chatter."""
from datetime import timedelta
from typing import NamedTuple

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError

from ..tools.actions import open_form

RETENTION_DAYS = 180
DAYS = 7  # an SMS is answered within
LAST = 20  # SMS to a number that are looked at; the others are not needed unless these are of other companies


class SentSms(NamedTuple):
    """An SMS that was sent to the number of an inbound SMS."""
    date: object
    res_model: str
    res_id: int
    author_id: int | None = None
    partner_id: int | None = None


class SmsGatewayInbound(models.Model):
    _inherit = 'sms.gateway.inbound'

    mail_message_id = fields.Many2one(
        'mail.message', "Chatter Message", readonly=True, index='btree_not_null', ondelete='set null')
    keyword_reply_date = fields.Datetime("Replied On", readonly=True, help="When a keyword was answered.")
    keyword_reply = fields.Text("Automatic Reply", readonly=True)
    keyword_reply_uuid = fields.Char("Reply UUID", readonly=True)
    document_name = fields.Char("Document", compute='_compute_document_name')

    _create_date_index = models.Index('(create_date)')

    # === COMPUTE METHODS === #

    @api.depends('res_model', 'res_id')
    def _compute_document_name(self):
        for message in self:
            record = message._get_document()
            message.document_name = record.display_name if record and record.has_access('read') else False

    # === ACTION METHODS === #

    def action_mark_read(self):
        self.check_access('read')
        self.sudo().is_read = True

    def action_assign(self):
        """Open the dialog that assigns SMS to a contact or document.

        :raise UserError: none is unassigned, or they have several senders
        """
        self.env['sms.gateway.inbound.assign']._get_assignable(self)
        return open_form(self.env['sms.gateway.inbound.assign'], name=self.env._("Assign SMS"), target='new', context={
            'default_inbound_ids': self.ids, 'default_number': self[:1].number})

    def action_open_document(self):
        self.ensure_one()
        self.action_mark_read()
        record = self._get_document()
        if record is None:
            raise UserError(self.env._("The document of this SMS was deleted."))
        return open_form(record)

    def action_view_conversation(self):
        self.ensure_one()
        self.action_mark_read()
        return self.env['sms.gateway.conversation']._open(self.number, self.partner_id)

    # === BUSINESS METHODS === #

    def _get_company(self):
        """Return the company that an SMS belongs to, also for a gateway of all companies."""
        self.ensure_one()
        company = self.company_id
        if not company and (record := self._get_document()):
            company = record.sudo()._mail_get_companies()[record.id]
        return company or self.partner_id.company_id or self.env.company

    def _get_document(self):
        """Return the record in whose chatter the SMS is, None without one.

        :rtype: BaseModel or None
        """
        self.ensure_one()
        if not self.res_id or self.res_model not in self.env:
            return None
        return self.env[self.res_model].browse(self.res_id).exists() or None

    @api.model
    def _get_unread_domain(self):
        return [('is_read', '=', False), ('state', 'in', ('assigned', 'unassigned'))]

    def _is_replied_today(self):
        return bool(self.search_count([
            ('number', '=', self.number), ('keyword_reply_date', '>', fields.Datetime.now() - timedelta(days=1)),
        ], limit=1))

    # === BUSINESS METHODS - WHERE IT GOES === #

    def _deliver(self):
        """Post each SMS in the chatter of the document it answers, or of the contact. Otherwise it stays unassigned.
        """
        for message in self:
            partners = message._find_partners()
            sent = message._find_answered() or message._find_last_sms()
            partner = message._choose_partner(partners, sent)
            if sent:
                message._assign(self.env[sent.res_model].browse(sent.res_id), partner, sent.author_id)
            elif partner:
                message._assign(partner, partner)
            else:
                message.state = 'unassigned'

    def _find_partners(self):
        """Return the contacts with this number, without those of other companies."""
        self.ensure_one()
        if not self.number:
            return self.env['res.partner']
        domain = [('phone_sanitized', '=', self.number)]
        if self.company_id:
            domain.append(('company_id', 'in', [False, self.company_id.id]))
        return self.env['res.partner'].sudo().search(domain, order='id')

    def _choose_partner(self, partners, sent):
        """Return who wrote: of several contacts with this number, the one that was written to last.

        :param SentSms sent: the SMS that is answered, if any
        """
        if sent:
            record = self.env[sent.res_model].browse(sent.res_id).sudo()
            company = record._mail_get_companies()[record.id]
            partners = partners.filtered(lambda partner: not company or partner.company_id <= company)
            if sent.partner_id in partners.ids:
                return partners.browse(sent.partner_id)
            of_document = record._mail_get_partners()[record.id] & partners
            if record._name == 'res.partner':
                of_document |= record & partners
            if of_document:
                return of_document[0]
        if len(partners) > 1:
            self.env.cr.execute("""
                SELECT res_partner_id FROM mail_notification
                WHERE notification_type = 'sms' AND sms_number = %s AND res_partner_id = ANY(%s)
                ORDER BY id DESC LIMIT 1
            """, [self.number, partners.ids])
            for partner_id, in self.env.cr.fetchall():
                return partners.browse(partner_id)
        return partners[:1]

    def _find_answered(self):
        """Find the SMS that was answered according to the provider, if it was sent to this number.

        :rtype: SentSms or None
        """
        if not self.reply_reference:
            return None
        self.env['sms.gateway.status'].flush_model()
        self.env.cr.execute("""
            SELECT sms_uuid FROM sms_gateway_status
            WHERE gateway_id = %(gateway)s AND message_id = %(reference)s AND number = %(number)s
            UNION SELECT sms_uuid FROM sms_gateway_status
            WHERE gateway_id = %(gateway)s AND substr(sms_uuid, 3, 18) = substr(%(reference)s, 3, 18)
            AND number = %(number)s
        """, {'gateway': self.gateway_id.id, 'reference': self.reply_reference, 'number': self.number})
        uuids = [uuid for uuid, in self.env.cr.fetchall()]
        trackers = self.env['sms.tracker'].sudo()._search_by_uuid(uuids)
        for notification in trackers.mail_notification_id:
            message = notification.mail_message_id
            sent = SentSms(
                message.date, message.model, message.res_id, message.author_id.id, notification.res_partner_id.id)
            if self._is_allowed(sent):
                return sent
        if 'mailing_trace_id' in trackers._fields:
            for trace in trackers.mailing_trace_id:
                sent = SentSms(trace.create_date, trace.model, trace.res_id)
                if self._is_allowed(sent):
                    return sent
        return None

    def _find_last_sms(self):
        """Find the last SMS to this number that has a document, within the days set in the settings.

        :rtype: SentSms or None
        """
        since = self._get_answer_limit()
        self.env.flush_all()
        self.env.cr.execute("""
            SELECT message.date, message.model, message.res_id, message.author_id, notification.res_partner_id
            FROM mail_notification notification
            JOIN mail_message message ON message.id = notification.mail_message_id
            LEFT JOIN sms_tracker tracker ON tracker.mail_notification_id = notification.id
            LEFT JOIN sms_gateway_status status ON status.sms_uuid = tracker.sms_uuid
            LEFT JOIN sms_gateway gateway ON gateway.id = status.gateway_id
            WHERE notification.notification_type = 'sms' AND notification.sms_number = %(number)s
            AND message.date >= %(since)s AND message.model IS NOT NULL AND message.res_id > 0
            AND (notification.notification_status IN ('process', 'pending', 'sent') OR status.outcome = 'unknown')
            AND (%(company)s IS NULL OR COALESCE(message.record_company_id, %(company)s) = %(company)s)
            AND COALESCE(gateway.company_id, %(company)s) IS NOT DISTINCT FROM %(company)s
            ORDER BY notification.id DESC LIMIT %(last)s
        """, {'number': self.number, 'since': since, 'company': self.company_id.id or None, 'last': LAST})
        sent = [SentSms(*row) for row in self.env.cr.fetchall()]
        if trace := self._find_last_trace():
            sent.append(SentSms(trace.create_date, trace.model, trace.res_id))
        sent.sort(key=lambda one: one.date, reverse=True)
        return next(filter(self._is_allowed, sent), None)

    def _find_last_trace(self):
        """Find the trace of the last SMS Marketing SMS to this number, of the gateway's company. A gateway of all
        companies receives no replies to SMS that a company's own gateway sent.

        :return: a `mailing.trace`; None without one
        """
        self.ensure_one()
        if 'mailing_trace_id' not in self.env['sms.tracker']._fields:
            return None
        self.env.flush_all()
        self.env.cr.execute("""
            SELECT tracker.mailing_trace_id
            FROM sms_gateway_status status
            JOIN sms_tracker tracker ON tracker.sms_uuid = status.sms_uuid
            JOIN sms_gateway gateway ON gateway.id = status.gateway_id
            WHERE status.number = %(number)s AND status.create_date >= %(since)s
            AND tracker.mailing_trace_id IS NOT NULL AND status.is_test IS NOT TRUE
            AND (status.state IN ('success', 'pending') OR status.outcome = 'unknown')
            AND (%(company)s IS NULL OR COALESCE(status.company_id, %(company)s) = %(company)s)
            AND COALESCE(gateway.company_id, %(company)s) IS NOT DISTINCT FROM %(company)s
            ORDER BY status.id DESC LIMIT 1
        """, {
            'number': self.number, 'since': self._get_answer_limit(), 'company': self.company_id.id or None})
        row = self.env.cr.fetchone()
        return self.env['mailing.trace'].sudo().browse(row[0]) if row else None

    @api.model
    def _get_answer_limit(self):
        days = self.env['sms.gateway']._get_integer_parameter('eis_sms_apis.answer_days', DAYS)
        return fields.Datetime.now() - timedelta(days=max(days, 0))

    def _is_allowed(self, sent):
        """Return whether a document still exists, has a chatter, and is not of another company.

        :param SentSms sent: the SMS in its chatter
        """
        if not self._has_chatter(sent.res_model):
            return False
        record = self.env[sent.res_model].browse(sent.res_id).sudo().exists()
        return bool(record) and self._is_of_company(record)

    @api.model
    def _has_chatter(self, res_model):
        return res_model in self.env and isinstance(self.env[res_model], self.pool['mail.thread'])

    def _is_of_company(self, record):
        company = record.sudo()._mail_get_companies()[record.id]
        return not company or not self.company_id or company == self.company_id

    # === BUSINESS METHODS - CHATTER === #

    def _assign(self, record, partner, last_author_id=None):
        """Post the SMS in the chatter of a record, as an SMS of the contact who wrote it.

        Followers are notified as for an incoming email, and so is the author of the last SMS, as long as they can read
        the record.

        :param record: of a model with a chatter
        :param partner: the `res.partner`, can be empty
        :param int last_author_id: of a `res.partner`
        """
        self.ensure_one()
        author = self._get_notified_user(record, last_author_id)
        message = record.with_user(SUPERUSER_ID).with_context(
            sms_is_inbound=self.number, mail_post_autofollow=False, mail_post_autofollow_author_skip=True,
        ).message_post(
            body=self.body or '', message_type='sms', subtype_xmlid='mail.mt_comment',
            author_id=partner.id or False, email_from=partner.email_formatted or self.number,
            partner_ids=author.partner_id.ids)
        self.write({
            'state': 'assigned', 'partner_id': partner.id, 'res_model': record._name, 'res_id': record.id,
            'mail_message_id': message.id,
        })
        self._show_in_open_chatters(message)

    def _get_notified_user(self, record, partner_id):
        """Return the user who wrote the last SMS, if it is an employee who can read the record."""
        users = self.env['res.partner'].sudo().browse(partner_id or []).user_ids
        return users.filtered(lambda user: user.active and user._is_internal() and record.with_user(user).has_access(
            'read'))[:1]

    def _show_in_open_chatters(self, message):
        """Tell the web clients of the users who are notified, and of the responsible user, to load the message."""
        partners = message.notified_partner_ids | message.partner_ids
        users = partners.user_ids | self.gateway_id.inbound_user_id
        for user in users.filtered(lambda user: user._is_internal()):
            user._bus_send('eis_sms_apis/inbound', {'model': message.model, 'res_id': message.res_id})

    # === AUTOVACUUM === #

    @api.autovacuum
    def _gc_old_inbound(self):
        """Remove SMS older than `eis_sms_apis.inbound_retention_days`; 0 keeps all. Their chatter messages stay."""
        return self._remove_old('eis_sms_apis.inbound_retention_days', RETENTION_DAYS)
