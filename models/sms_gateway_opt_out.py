# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import SUPERUSER_ID, api, fields, models

from ..sending.lanes import URGENT
from ..sending.store.claims import trigger_queue
from ..tools.answer.failure_codes import match_failure
from ..tools.forced_gateway import get_reply_sender
from ..tools.inbound.answerable import is_answerable
from ..tools.inbound.keywords import HELP, START, STOP, read_list, recognize
from .phone_blacklist import BY_KEYWORD

LOCK_CLASS = int.from_bytes(b'eik', 'big')  # first key of the advisory locks of replies


class SmsGatewayOptOut(models.AbstractModel):
    """STOP, START and HELP, and opt-outs that a provider reports."""
    _name = 'sms.gateway.opt.out'
    _description = "SMS Opt-Out"

    follows_provider_optout = fields.Boolean(
        "Follow the Provider's Opt-Outs", default=True,
        help="Blacklist numbers that have opted out at the provider, as its inbound SMS and the Opt-Out Codes say.")
    optout_codes = fields.Char(
        "Opt-Out Codes",
        help="Enter the error codes, separated by commas, with which the provider refuses SMS to recipients who have "
             "opted out. If a code means something else in responses than in delivery reports, start it with "
             "response: or report:, for example report:9.")
    sends_keyword_replies = fields.Boolean(
        "Keyword Replies", default=True,
        help="Send the replies to STOP, START and HELP of the settings. Turn this off if the provider replies itself.")

    # === BUSINESS METHODS - KEYWORDS === #

    @api.model
    def _follow_keywords(self, messages):
        """Process SMS that consist of a keyword only.

        :param messages: `sms.gateway.inbound` records
        """
        for message in messages:
            company = message._get_company()
            told = message.gateway_id.follows_provider_optout and (message.provider_optout or '').strip().casefold()
            by_provider = told if told in (STOP, START, HELP) else ''
            keyword = by_provider or recognize(message.body, company._get_sms_keywords())
            if not keyword:
                continue
            done = {STOP: self._opt_out_by_message, START: self._opt_in_by_message}.get(keyword)
            if (not done or done(message)) and not by_provider:
                self._reply_to_keyword(message, keyword, company)

    @api.model
    def _opt_out_by_message(self, message):
        """Blacklist the sender of a STOP.

        :return: whether the number can be blacklisted
        :rtype: bool
        """
        text = (message.body or '').strip()
        reason = message.env._("Opted out by SMS: %s", text) if text else message.env._("Opted out at the provider.")
        subscriptions = self._count_on_mailing(message)
        is_opted_out = self._opt_out(message.number, reason)
        entry = self._get_blacklist().search([('number', '=', message.number)], limit=1)
        if subscriptions and entry.is_from_keyword:
            entry.keyword_subscriptions = [*(entry.keyword_subscriptions or []), *subscriptions.ids]
        return is_opted_out

    @api.model
    def _opt_out(self, number, reason):
        """Blacklist a number, unless it is blacklisted already. Its queued mass SMS are canceled when they are due.

        :param str number: E.164
        :param str reason: for the chatter of the entry
        :return: whether the number is blacklisted now
        :rtype: bool
        """
        blacklist = self._get_blacklist()
        if not blacklist.env.user._phone_format(number=number):
            return False  # a short code or a name
        if not blacklist.search_count([('number', '=', number)], limit=1):
            blacklist._add([number], message=reason)
        return True

    @api.model
    def _opt_in_by_message(self, message):
        """Undo a STOP of the sender: remove the number from the blacklist, unless a user added it, and subscribe it
        again to the mailing lists that STOP unsubscribed it from.

        :return: whether the number was removed
        :rtype: bool
        """
        entry = self._get_blacklist().search([('number', '=', message.number)], limit=1)
        if not entry:
            return False
        text = (message.body or '').strip()
        if not entry.is_from_keyword:
            entry._message_log(body=message.env._(
                "The recipient sent: %s. The number stays on the blacklist because a user added it.", text))
            return False
        if entry.keyword_subscriptions and 'mailing.subscription' in self.env:
            subscriptions = self.env['mailing.subscription'].sudo().browse(entry.keyword_subscriptions).exists()
            subscriptions.filtered('opt_out').opt_out = False
        entry.keyword_subscriptions = False
        entry._remove([entry.number], message=message.env._("Opted in again by SMS: %s", text))
        return True

    @api.model
    def _get_blacklist(self):
        return self.env['phone.blacklist'].with_user(SUPERUSER_ID).with_context(**{BY_KEYWORD: True})

    # === BUSINESS METHODS - REPLIES === #

    @api.model
    def _reply_to_keyword(self, message, keyword, company):
        """Queue the company's reply to a keyword: at most one a day to a number, whatever the gateway and the keyword,
        so that two systems that answer each other stop after one reply each."""
        gateway = message.gateway_id
        lang = message.partner_id.lang or company.partner_id.lang
        text = company.with_context(lang=lang)[f'sms_{keyword}_reply']
        if not text or not gateway.sends_keyword_replies or not is_answerable(message.number):
            return
        self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [LOCK_CLASS, message.number])
        if message._is_replied_today():
            return
        sms = self.env['sms.sms'].sudo().create({
            'number': message.number, 'body': text, 'record_company_id': company.id, 'lane': URGENT,
            'forced_gateway_id': gateway.id, 'partner_id': message.partner_id.id,
            'forced_sender': get_reply_sender(message.recipient or '', gateway.sender or '', gateway.number_format),
        })
        message.write({
            'keyword_reply_date': fields.Datetime.now(), 'keyword_reply': text, 'keyword_reply_uuid': sms.uuid})
        trigger_queue(self.env)

    # === BUSINESS METHODS - PROVIDER === #

    @api.model
    def _follow_error_codes(self, refused, source):
        """Blacklist the recipients of refused SMS who have opted out at the provider.

        :param list refused: of `sms.gateway` records, numbers and error codes
        :param str source: where the codes come from, see `tools.answer.failure_codes`
        """
        for gateway, number, code in refused:
            codes = gateway.sudo()._get_optout_codes() if code and number else ()
            if match_failure(codes, code, source=source):
                self._opt_out(gateway.sudo()._read_number(number), self.env._(
                    "Opted out at the provider, which refuses SMS with error %s.", code))

    def _get_optout_codes(self):
        if not self.follows_provider_optout:
            return ()
        return tuple((code, 'sms_optout') for code in read_list(self.optout_codes))

    # === BUSINESS METHODS - SMS MARKETING === #

    @api.model
    def _count_on_mailing(self, message):
        """Mark the last SMS of a mailing to the sender as opted out, and unsubscribe its recipient from the mailing's
        lists, as core's unsubscribe page does.

        :return: the `mailing.subscription` that were changed; None if there is no such SMS
        """
        trace = message._find_last_trace()
        if not trace:
            return None
        trace.write({'failure_type': 'sms_optout'})
        subscriptions = self.env['mailing.subscription'].sudo().search([
            ('list_id', 'in', trace.mass_mailing_id.contact_list_ids.ids), ('opt_out', '=', False),
            ('contact_id.phone_sanitized', '=', message.number)])
        subscriptions.opt_out = True
        return subscriptions
