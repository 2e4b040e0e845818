# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models
from odoo.exceptions import AccessError


class MailMessage(models.Model):
    _inherit = 'mail.message'

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
