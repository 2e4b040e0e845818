# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime, html2plaintext

from ..tools.actions import open_form

LAST = 100  # SMS that are shown


class SmsGatewayConversation(models.TransientModel):
    """The SMS exchanged with a number whose documents the user can read, and a reply."""
    _name = 'sms.gateway.conversation'
    _inherit = ['sms.gateway.conversation.sent']
    _description = "SMS Conversation"
    _rec_name = 'number'

    number = fields.Char("Number", required=True, readonly=True)
    partner_id = fields.Many2one('res.partner', "Contact", readonly=True, ondelete='cascade')
    conversation = fields.Html("Conversation", compute='_compute_conversation', sanitize=False)
    body = fields.Text("Message")

    # === COMPUTE METHODS === #

    @api.depends('number')
    def _compute_conversation(self):
        for conversation in self:
            conversation.conversation = self.env['ir.qweb']._render(
                'eis_sms_apis.conversation', {'lines': conversation._get_lines()})

    # === ACTION METHODS === #

    def action_send(self):
        """Reply to the last SMS from the number, or send an SMS to the contact if there is none.

        :raise UserError: there is no text, or nothing to answer
        """
        self.ensure_one()
        body = (self.body or '').strip()
        if not body:
            raise UserError(self.env._("Enter a message."))
        inbound = self._find_answerable()
        if not inbound and not self.partner_id:
            raise UserError(self.env._("Assign the SMS of this number to a contact first."))
        record = inbound or self.partner_id
        self.env['sms.composer'].create({
            'composition_mode': 'comment', 'res_model': record.model if inbound else record._name,
            'res_id': record.res_id if inbound else record.id, 'body': body,
            'recipient_single_number_itf': self.number, 'reply_message_id': inbound.id,
        }).action_send_sms()
        return self._open(self.number, self.partner_id)

    # === BUSINESS METHODS === #

    @api.model
    def _open(self, number, partner):
        """Return an action that shows the conversation with a number.

        :param partner: a `res.partner`, can be empty
        """
        conversation = self.create({'number': number, 'partner_id': partner.id})
        return open_form(conversation, name=self.env._("SMS: %s", partner.display_name or number), target='new')

    def _get_lines(self):
        """Return the SMS in the order of their dates.

        :rtype: list[dict]
        """
        self.ensure_one()
        inbound = self._get_inbound()
        by_message = {one.mail_message_id.id: one for one in inbound if one.mail_message_id}
        received = inbound.filtered(lambda one: not one.mail_message_id and self._may_read(one))
        lines = []
        for message in self._get_messages(list(by_message)):
            if message.id in by_message:
                received |= by_message[message.id]
            else:
                notification = message.sudo().notification_ids.filtered(lambda one: one.sms_number == self.number)[:1]
                lines.append({
                    'order': (message.date, message.id), 'is_inbound': False, 'text': html2plaintext(message.body),
                    'author': message.sudo().author_id.name, **self._describe_state(notification.notification_status)})
        lines += [self._get_inbound_line(one) for one in received] + self._get_reply_lines(received)
        lines += self._get_sent_lines(self.number, LAST)
        lines.sort(key=lambda line: line['order'])
        return [
            {**line, 'when': format_datetime(self.env, line['order'][0], dt_format='short')} for line in lines[-LAST:]]

    def _get_inbound_line(self, inbound):
        message = inbound.mail_message_id
        return {
            'order': (message.date, message.id) if message else (inbound.create_date.replace(microsecond=0), 0),
            'is_inbound': True, 'text': inbound.body,
            'author': inbound.partner_id.name or self.number, 'status': False, 'is_failed': False}

    def _get_reply_lines(self, inbound):
        """Return the automatic replies to SMS."""
        replied = inbound.filtered('keyword_reply')
        uuids = replied.mapped('keyword_reply_uuid')
        statuses = self.env['sms.gateway.status'].sudo().search([('sms_uuid', 'in', uuids)])
        states = {status.sms_uuid: self._get_status_state(status) for status in statuses}
        states.update((sms.uuid, sms.state) for sms in self.env['sms.sms'].sudo().search([('uuid', 'in', uuids)]))
        return [{
            'order': (one.keyword_reply_date, one.mail_message_id.id + 0.5), 'is_inbound': False,
            'text': one.keyword_reply, 'author': self.env._("Automatic reply"),
            **self._describe_state(states.get(one.keyword_reply_uuid)),
        } for one in replied]

    def _get_inbound(self):
        return self.env['sms.gateway.inbound'].sudo().search(
            [('number', '=', self.number), ('state', '!=', 'ignored'),
             ('company_id', 'in', [False, *self.env.companies.ids])], limit=LAST)

    def _may_read(self, inbound):
        """Return whether the user may read an SMS that is in no chatter."""
        return inbound.with_user(self.env.user).has_access('read')

    def _get_messages(self, message_ids):
        """Return the chatter messages of SMS from and to the number that the user may read.

        :param list message_ids: of those from the number
        """
        self.env.flush_all()
        self.env.cr.execute("""
            SELECT message.id
            FROM mail_notification notification JOIN mail_message message ON message.id = notification.mail_message_id
            WHERE notification.notification_type = 'sms' AND notification.sms_number = %s
            AND (message.record_company_id IS NULL OR message.record_company_id = ANY(%s))
            ORDER BY notification.id DESC LIMIT %s
        """, [self.number, self.env.companies.ids, LAST])
        message_ids += [message_id for message_id, in self.env.cr.fetchall()]
        return self.env['mail.message'].search([('id', 'in', message_ids)], order='date desc, id desc', limit=LAST)

    def _find_answerable(self):
        """Return the chatter message of the last SMS from the number that the user may answer."""
        messages = self.env['mail.message'].search(
            [('id', 'in', self._get_inbound().mail_message_id.ids)], order='id desc')
        return messages.filtered(lambda message: message.model in self.env and self.env[message.model].browse(
            message.res_id).has_access(self.env[message.model]._mail_post_access))[:1]
