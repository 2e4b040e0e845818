# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.addons.mail.tools.discuss import Store
from odoo.exceptions import AccessError

from ..tools.actions import open_form


class MailMessage(models.Model):
    _inherit = 'mail.message'

    inbound_sms_number = fields.Char(
        "Inbound SMS From", compute='_compute_inbound_sms_number', help="Number of the person who sent this SMS to us.")

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
        """Open the composer for an answer to an inbound SMS.

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
        trackers = self.env['sms.tracker'].search([('mail_notification_id.mail_message_id', 'in', self.ids)])
        return self.env['sms.sms'].search([
            ('uuid', 'in', trackers.mapped('sms_uuid')), ('state', '=', 'error'), ('to_delete', '!=', True),
        ])._filter_gateway_sms()

    def _notify_message_notification_update(self):
        """Wait for the provider's error message: core would notify the web client before it is written."""
        if not self.env.context.get('sms_gateway_words_follow'):
            return super()._notify_message_notification_update()
        return None
