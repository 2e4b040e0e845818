# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS to a number that no chatter shows as SMS: mailings, mass SMS without a note, SMS of other code, tests.

The addon stores no texts. The text of such an SMS is known until Odoo deletes the `sms.sms`, within a day after it was
sent. Afterwards, it is known only if the mailing keeps its messages in the chatters, or as the text of the mailing.
"""
from odoo import api, models
from odoo.tools import html2plaintext

from ..tools.phone import get_spellings

# Notifications and traces have other names for the states of `sms.sms`, and so have status rows.
SMS_STATES = {
    'ready': 'outgoing', 'exception': 'error', 'bounce': 'error', 'cancel': 'canceled', 'open': 'sent', 'reply': 'sent'}
STATUS_STATES = {'success': 'pending', 'pending': 'process', 'server_error': 'error'}
OF_COMPANIES = "({company} IS NULL OR {company} = ANY(%(companies)s))"
# The last SMS of each kind, so that those of companies that are not selected do not displace others.
OUTGOING = f"""
    (SELECT uuid FROM sms_sms WHERE number = spelling.number AND (%(all)s OR mail_message_id IS NOT NULL)
     AND {OF_COMPANIES.format(company='record_company_id')} ORDER BY id DESC LIMIT %(limit)s)
"""
STATUSES = f"""
    (SELECT sms_uuid FROM sms_gateway_status WHERE number = spelling.number
     AND {OF_COMPANIES.format(company='company_id')} ORDER BY id DESC LIMIT %(limit)s)
"""
# A mailing also has traces of recipients that it left out. They are canceled, and there is no SMS.
MAILINGS = f"""
    (SELECT tracker.sms_uuid
     FROM mailing_trace trace JOIN sms_tracker tracker ON tracker.mailing_trace_id = trace.id
     LEFT JOIN sms_sms sms ON sms.uuid = tracker.sms_uuid
     LEFT JOIN sms_gateway_status status ON status.sms_uuid = tracker.sms_uuid
     WHERE trace.sms_number = spelling.number
     AND (trace.trace_status != 'cancel' OR sms.id IS NOT NULL OR status.id IS NOT NULL)
     AND {OF_COMPANIES.format(company='COALESCE(status.company_id, sms.record_company_id)')}
     ORDER BY trace.id DESC LIMIT %(limit)s)
"""
FIND = """
    SELECT DISTINCT sms.id, status.id, {trace}
    FROM unnest(%(numbers)s) AS spelling(number) CROSS JOIN LATERAL ({sources}) AS sent(uuid)
    LEFT JOIN sms_sms sms ON sms.uuid = sent.uuid
    LEFT JOIN sms_gateway_status status ON status.sms_uuid = sent.uuid
    LEFT JOIN sms_tracker tracker ON tracker.sms_uuid = sent.uuid
    WHERE tracker.mail_notification_id IS NULL AND sent.uuid NOT IN (
        SELECT keyword_reply_uuid FROM sms_gateway_inbound
        WHERE number = ANY(%(numbers)s) AND keyword_reply_uuid IS NOT NULL)
"""
# Core logs the note of a mailing in the transaction that creates the trace.
NOTES = """
    SELECT trace.id, message.id
    FROM mailing_trace trace JOIN mail_message message
        ON message.model = trace.model AND message.res_id = trace.res_id AND message.create_date = trace.create_date
    WHERE trace.id = ANY(%s) AND trace.is_test_trace IS NOT TRUE AND message.message_type = 'sms'
    AND NOT EXISTS (SELECT FROM mail_notification WHERE mail_message_id = message.id)
    AND NOT EXISTS (SELECT FROM sms_gateway_inbound WHERE mail_message_id = message.id)
"""


class SmsGatewayConversationSent(models.AbstractModel):
    """The part of a conversation that is in no chatter."""
    _name = 'sms.gateway.conversation.sent'
    _description = "Sent SMS of a Conversation"

    @api.model
    def _get_sent_lines(self, number, limit):
        """Return the SMS that no chatter shows as SMS, as far as the user may know of them: administrators of all,
        others of mailings to documents that they can read, or with the rights of SMS Marketing.

        :param str number: E.164
        :param int limit: number of SMS of each kind
        :rtype: list[dict]
        """
        found = self._find_sent(number, limit)
        return self._get_other_lines([row[:2] for row in found if not row[2]]) + (
            self._get_mailing_lines([row for row in found if row[2]]))

    @api.model
    def _find_sent(self, number, limit):
        """Find the SMS that no chatter shows as SMS.

        :return: ids of `sms.sms`, `sms.gateway.status` and `mailing.trace`, each None if there is none
        :rtype: list[tuple]
        """
        is_administrator, has_traces = self._is_administrator(), 'mailing_trace_id' in self.env['sms.tracker']._fields
        sources = [OUTGOING, *([STATUSES] if is_administrator else []), *([MAILINGS] if has_traces else [])]
        self.env.flush_all()
        self.env.cr.execute(FIND.format(
            sources=' UNION '.join(sources), trace='tracker.mailing_trace_id' if has_traces else 'NULL'), {
            'numbers': get_spellings(number), 'companies': self.env.companies.ids, 'limit': limit,
            'all': is_administrator,
        })  # pylint: disable=sql-injection
        return self.env.cr.fetchall()

    @api.model
    def _is_administrator(self):
        return self.env['sms.gateway.status'].has_access('read')

    @api.model
    def _browse(self, model, ids):
        """Return records by id, with the rights to read all of them."""
        records = self.env[model].sudo().browse(filter(None, ids))
        return {None: records.browse(), **{record.id: record for record in records}}

    # === BUSINESS METHODS - SMS WITHOUT A MAILING === #

    @api.model
    def _get_other_lines(self, found):
        """Return the SMS of no mailing.

        :param list found: ids of `sms.sms` and `sms.gateway.status`
        """
        all_sms = self._browse('sms.sms', [row[0] for row in found])
        statuses = self._browse('sms.gateway.status', [row[1] for row in found])
        noted = self.env['sms.sms'].sudo().union(*all_sms.values()).mail_message_id
        readable = self.env['mail.message'].search([('id', 'in', noted.ids)])
        lines, is_administrator = [], self._is_administrator()
        for sms, status in ((all_sms[sms_id], statuses[status_id]) for sms_id, status_id in found):
            if not is_administrator and sms.mail_message_id not in readable:
                continue
            author = sms.mail_message_id.author_id.name or (status or sms).create_uid.name
            if status.is_test:
                author = self.env._("Test")
            lines.append(self._get_sent_line(
                sms, status, text=sms.body, author=status.mailing_name or author,
                state=sms.state or self._get_status_state(status)))
        return lines

    # === BUSINESS METHODS - MAILINGS === #

    @api.model
    def _get_mailing_lines(self, found):
        """Return the SMS of mailings.

        :param list found: ids of `sms.sms`, `sms.gateway.status` and `mailing.trace`
        """
        if not found:
            return []
        all_sms = self._browse('sms.sms', [row[0] for row in found])
        statuses = self._browse('sms.gateway.status', [row[1] for row in found])
        traces = self._browse('mailing.trace', [row[2] for row in found])
        readable, notes = self._get_readable_traces(traces), self._get_notes(traces)
        lines, is_administrator = [], self._is_administrator()
        for sms, status, trace in (
                (all_sms[sms_id], statuses[status_id], traces[trace_id]) for sms_id, status_id, trace_id in found):
            mailing = trace.mass_mailing_id.with_env(self.env)
            knows_mailing, is_own = mailing.has_access('read'), trace.id in readable
            if not knows_mailing and not is_own:
                continue
            text = (sms.body if is_own or is_administrator else False) or notes.get(trace.id)
            note = False
            if not text and knows_mailing:
                text, note = mailing.body_plaintext, self.env._("Text of the mailing")
            author = (knows_mailing and mailing.subject) or self.env._("Mailing")
            if trace.is_test_trace:  # its state is not updated
                author = self.env._("Test: %s", author)
            lines.append(self._get_sent_line(
                sms, status, trace, text=text, note=note, author=author, state=(
                    sms.state or self._get_status_state(status) if trace.is_test_trace else trace.trace_status)))
        return lines

    @api.model
    def _get_readable_traces(self, traces):
        """Return the ids of the traces whose documents the user can read. The document of a test is any record."""
        readable, traces = set(), self.env['mailing.trace'].sudo().union(*traces.values())
        traces = traces.filtered(lambda trace: not trace.is_test_trace)
        for model, of_model in traces.grouped('model').items():
            if model in self.env:
                documents = self.env[model].browse(of_model.mapped('res_id')).exists()._filtered_access('read')
                readable.update(of_model.filtered(lambda trace, ids=set(documents.ids): trace.res_id in ids).ids)
        return readable

    @api.model
    def _get_notes(self, traces):
        """Return the texts of those mailings that log a note on their recipients, if the user can read it.

        :return: {trace id: text}
        :rtype: dict[int, str]
        """
        self.env.cr.execute(NOTES, [list(filter(None, traces))])
        notes = dict(self.env.cr.fetchall())
        messages = {
            message.id: message for message in self.env['mail.message'].search([('id', 'in', list(notes.values()))])}
        return {
            trace_id: html2plaintext(messages[message_id].body) for trace_id, message_id in notes.items()
            if message_id in messages}

    # === BUSINESS METHODS - LINES === #

    @api.model
    def _get_sent_line(self, sms, status, trace=None, text=False, note=False, **values):
        date = status.sent_date or (trace and trace.sent_datetime) or (status or sms or trace).create_date
        return {
            # after the messages of the same second
            'order': (date.replace(microsecond=0), float('inf'), status.sms_id_int or sms.id),
            'is_inbound': False, 'text': text,
            'note': note or (False if text else self.env._("The text was not kept.")),
            'author': values['author'], **self._describe_state(values['state'])}

    @api.model
    def _get_status_state(self, status):
        return 'sent' if status.delivered_date else STATUS_STATES.get(status.state, status.state)

    @api.model
    def _describe_state(self, state):
        """Return what a line says of a state.

        :param str state: of an SMS, a notification or a trace
        """
        state = SMS_STATES.get(state, state)
        labels = dict(self.env['sms.sms']._fields['state']._description_selection(self.env))
        return {'status': labels.get(state), 'is_failed': state == 'error'}
