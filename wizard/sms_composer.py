# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import contextlib

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..tools.estimate import choose_sample
from ..tools.forced_gateway import KEY, ForcedGateway, get_reply_sender

COMPOSER_SAMPLE = 200  # recipients that are read whenever the text changes


class SmsComposer(models.TransientModel):
    _inherit = 'sms.composer'

    shows_template = fields.Boolean(compute='_compute_shows_template')
    reply_message_id = fields.Many2one('mail.message', "Inbound SMS", help="The SMS being replied to.")

    cost_estimate = fields.Char("Estimated Cost", compute='_compute_cost_estimate', compute_sudo=False)

    @api.depends('composition_mode', 'res_model', 'res_ids', 'body', 'template_id')
    @api.depends_context('lang', 'company')
    def _compute_cost_estimate(self):
        """Estimate what a mass SMS costs, from a few of its recipients. Mailings have a button for all of them."""
        estimates = self.env['sms.gateway.estimate']
        for composer in self:
            composer.cost_estimate = False
            records = composer._get_records() if composer.composition_mode == 'mass' and composer.body else None
            if not records or not self.env.company._uses_sms_gateways():
                continue
            part = composer.new({
                'composition_mode': 'mass', 'res_model': composer.res_model, 'body': composer.body,
                'template_id': composer.template_id.id, 'use_exclusion_list': composer.use_exclusion_list,
                'number_field_name': composer.number_field_name,
                'res_ids': repr(choose_sample(records.ids, COMPOSER_SAMPLE))})
            with contextlib.suppress(UserError):  # a placeholder that is not complete yet
                composer.cost_estimate = estimates._word(estimates._estimate(part, len(records)))

    def _compute_shows_template(self):
        """Show the SMS template if a gateway needs what only templates have."""
        self.shows_template = self.env['sms.gateway'].sudo()._has_template_values()

    def _action_send_sms(self):
        """Send with the options of the template."""
        composer = self.template_id._with_sending_options(self)
        if self.reply_message_id:
            return composer._send_reply()
        if self.composition_mode == 'mass':
            composer = composer.with_context(sms_is_mass=True)
        return super(SmsComposer, composer)._action_send_sms()

    def _send_reply(self):
        """Reply to the sender of an inbound SMS, through the gateway that received it.

        :return: the `mail.message` in the chatter
        """
        inbound = self.reply_message_id._get_answerable_sms()
        record = self.env[self.reply_message_id.model].browse(self.reply_message_id.res_id)
        body = self._prepare_body_values(record)[record.id]
        partner, number = inbound.partner_id, inbound.number
        gateway = inbound.gateway_id
        forced = ForcedGateway(gateway.id, get_reply_sender(
            inbound.recipient or '', gateway.sender or '', gateway.number_format))
        message = record.with_context(**{KEY: forced}, mail_notify_author=True)._message_sms(
            body, partner_ids=partner.ids, sms_numbers=None if partner else [number],
            sms_pid_to_number={partner.id: number} if partner else None)
        inbound.is_read = True
        return message

    def _prepare_mass_sms_values(self, records):
        """Let the queue check the blacklist again, because numbers can be blacklisted before it sends."""
        values = super()._prepare_mass_sms_values(records)
        if self.use_exclusion_list:
            for sms_values in values.values():
                sms_values['uses_exclusion_list'] = True
        return values

    def _prepare_mass_sms(self, records, sms_record_values):
        """Show the state of each SMS in the chatter, as for a single SMS. Core only logs a note, which looks the same
        whether the SMS was sent or refused."""
        sms = super()._prepare_mass_sms(records, sms_record_values)
        noted = sms.filtered(lambda one: one.mail_message_id and one.state == 'outgoing')._filter_gateway_sms()
        # SMS Marketing has its own trackers, and shows the state of each SMS in the mailing
        trackers = self.env['sms.tracker'].sudo().search([('sms_uuid', 'in', noted.mapped('uuid'))])
        tracked = set(trackers.mapped('sms_uuid'))
        self.env['mail.notification'].sudo().create([{
            'author_id': one.mail_message_id.author_id.id,
            'mail_message_id': one.mail_message_id.id,
            'res_partner_id': one.partner_id.id,
            'sms_number': one.number,
            'notification_type': 'sms',
            'sms_id_int': one.id,
            'sms_tracker_ids': [Command.create({'sms_uuid': one.uuid})],
            'is_read': True,
            'notification_status': 'ready',
        } for one in noted if one.uuid not in tracked])
        return sms
