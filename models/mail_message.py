# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import Command, api, fields, models
from odoo.addons.mail.tools.discuss import Store
from odoo.exceptions import AccessError

from ..tools.actions import open_form

NUMBER_FAILURES = ('sms_number_missing', 'sms_number_format', 'sms_invalid_destination')


class MailMessage(models.Model):
    _inherit = 'mail.message'

    inbound_sms_number = fields.Char(
        "Inbound SMS From", compute='_compute_inbound_sms_number', help="Number of the sender.")

    # === COMPUTE METHODS === #

    @api.depends_context('sms_is_inbound')
    def _compute_inbound_sms_number(self):
        numbers = {inbound.mail_message_id.id: inbound.number for inbound in self._get_inbound_sms()}
        posted = self.env.context.get('sms_is_inbound')  # while it is being posted
        for message in self:
            message.inbound_sms_number = numbers.get(message.id) or (message.message_type == 'sms' and posted)

    def _to_store_defaults(self, target):
        names = super()._to_store_defaults(target)
        if target.is_internal(self.env):
            names.append(Store.Attr('inbound_sms_number', predicate=lambda message: message.message_type == 'sms'))
        return names

    # === ACTION METHODS === #

    def action_reply_sms(self):
        """Open the composer to reply to an inbound SMS.

        :rtype: dict
        """
        self.ensure_one()
        number = self._get_answerable_sms().number
        return open_form(self.env['sms.composer'], name=self.env._("Reply by SMS"), target='new', context={
            'default_composition_mode': 'comment', 'default_res_model': self.model, 'default_res_id': self.res_id,
            'default_recipient_single_number_itf': number, 'default_reply_message_id': self.id,
        })

    # === BUSINESS METHODS === #

    def _get_inbound_sms(self):
        """Return the `sms.gateway.inbound` records of messages, with the rights to read all of them."""
        return self.env['sms.gateway.inbound'].sudo().search([('mail_message_id', 'in', self.ids)])

    def _get_answerable_sms(self):
        """Return the inbound SMS of a message that the user may answer.

        :raise AccessError: the user may not read the message, or it is not an inbound SMS
        """
        self.ensure_one()
        self.check_access('read')
        inbound = self._get_inbound_sms()[:1]
        if not (inbound and self.env.user._is_internal() and self.model in self.env and self.res_id):
            raise AccessError(self.env._("You cannot answer this message by SMS."))
        record = self.env[self.model].browse(self.res_id)
        record.check_access(record._mail_post_access)
        return inbound

    def retry_sms(self, confirmed=False):
        """Queue the failed SMS of a message again, for an internal user who can write to its document.

        :param bool confirmed: whether to resend SMS that their recipients may have received already
        :return: `message` and `type` of a notification; or only `question`, which the user has to confirm first
        :rtype: dict[str, str]
        :raise AccessError: the user may not send SMS for the document
        """
        self.ensure_one()
        self.check_access('read')
        if not (self.env.user._is_internal() and self.model in self.env and self.res_id):
            raise AccessError(self.env._("You cannot send SMS for this document."))
        self.env[self.model].browse(self.res_id).check_access('write')
        failed = self.sudo()._get_failed_sms()
        if not failed:
            return {'type': 'warning', 'message': self.env._(
                "There is no failed SMS left to retry. Write a new SMS instead.")}
        self.sudo()._refresh_numbers(failed)
        if not any(failed.mapped('number')):
            return {'type': 'warning', 'message': self.env._(
                "The recipient has no number. Enter the number and retry.")}
        doubtful = failed._filter_unknown_outcome()
        if doubtful and not confirmed:
            return {'question': self.env._(
                "Outcome unknown: the recipient may have received this SMS. Do you want to send it again?"
            ) if len(failed) == 1 else self.env._(
                "The outcome of %(count)s of %(total)s SMS is unknown: their recipients may have received them. "
                "Do you want to send all %(total)s again?", count=len(doubtful), total=len(failed))}
        failed.action_set_outgoing()
        return {'type': 'success', 'message': self.env._("SMS queued again.") if len(failed) == 1 else self.env._(
            "%(count)s of %(total)s SMS queued again.", count=len(failed), total=len(failed))}

    def _get_failed_sms(self):
        """Return the failed SMS of gateways."""
        notifications = self.env['mail.notification'].search([
            ('mail_message_id', 'in', self.ids), ('notification_type', '=', 'sms')])
        return self.env['sms.sms'].search([
            '|', ('uuid', 'in', notifications.sms_tracker_ids.mapped('sms_uuid')),
            ('id', 'in', notifications.mapped('sms_id_int')),  # one without a number has no tracker
            ('state', '=', 'error'), ('to_delete', '!=', True),
        ])._filter_gateway_sms()

    def _refresh_numbers(self, failed):
        """Read the numbers of SMS again that failed because of them: the user may have corrected the contact. A number
        without a contact stays, because it may have been entered for this SMS only.

        :param failed: `sms.sms` of this message
        """
        wrong = failed.filtered(lambda sms: sms.failure_type in NUMBER_FAILURES)
        if not wrong:
            return
        record = self.env[self.model].browse(self.res_id)
        info = record._sms_get_recipients_info()[record.id]
        notifications = {notification.sms_id_int: notification for notification in self.notification_ids}
        for sms in wrong:
            number = info['sanitized'] or info['number']
            if sms.partner_id and sms.partner_id != info['partner']:
                number = sms.partner_id._phone_format(number=sms.partner_id.phone) or sms.partner_id.phone
            elif not sms.partner_id and sms.number:
                continue
            notification = notifications.get(sms.id)
            if not number or number == sms.number or not notification:
                continue
            sms.number = notification.sms_number = number
            if not notification.sms_tracker_ids:
                notification.sms_tracker_ids = [Command.create({'sms_uuid': sms.uuid})]
                sms.invalidate_recordset(['sms_tracker_id'])

    def _notify_message_notification_update(self):
        """Wait for the provider's error message: core would notify the web client before it is written."""
        if not self.env.context.get('sms_gateway_words_follow'):
            return super()._notify_message_notification_update()
        return None
