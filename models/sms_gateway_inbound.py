# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time
from datetime import timedelta

from odoo import api, fields, models

from ..sending.store.claims import trigger_queue
from ..sending.store.transactions import OwnTransactions, try_write
from ..tools.inbound.message import MAX_PARTS, join_parts
from ..tools.inbound.repeats import Repeats

PART_WAIT = timedelta(minutes=15)  # for the other parts of a long SMS
PART_MEMORY = timedelta(days=1)  # a reference has 8 bits and is used again
REPEAT_MEMORY = timedelta(days=7)  # providers repeat a call for days
REPEAT_WINDOW = timedelta(minutes=5)  # of messages that have neither ID nor time
BATCH = 500


class SmsGatewayInbound(models.Model):
    """An SMS that was received on a number of a gateway."""
    _name = 'sms.gateway.inbound'
    _inherit = ['sms.gateway.retention']
    _description = "Inbound SMS"
    _order = 'id desc'
    _rec_name = 'number'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, readonly=True, ondelete='restrict')
    company_id = fields.Many2one(related='gateway_id.company_id', store=True, index='btree_not_null')
    message_id = fields.Char("Message ID", readonly=True)
    number = fields.Char(
        "Sender", readonly=True, index='btree_not_null', help="E.164, or as received if it has none: a short code or "
                                                             "a name.")
    recipient = fields.Char("Recipient", readonly=True, help="Number of the gateway that the SMS was sent to.")
    body = fields.Text("Message", readonly=True)
    sent_date = fields.Datetime("Sent On", readonly=True)
    reply_reference = fields.Char(
        "Reply To", readonly=True, help="What the provider says about the SMS that this one answers: its UUID or "
                                        "message ID.")
    provider_optout = fields.Char(
        "Opt-Out by Provider", readonly=True, help="stop, start or help, where the provider recognized a keyword.")
    state = fields.Selection(
        [
            ('incomplete', "Incomplete"),
            ('new', "New"),
            ('assigned', "Assigned"),
            ('unassigned', "Unassigned"),
            ('ignored', "Ignored"),
        ],
        "State", required=True, readonly=True, default='new',
        help="Incomplete: parts of a long SMS are missing. New: not processed yet. Ignored: without text.")
    is_read = fields.Boolean("Read")
    partner_id = fields.Many2one('res.partner', "Contact", readonly=True, index='btree_not_null', ondelete='set null')
    res_model = fields.Char("Document Model", readonly=True)
    res_id = fields.Many2oneReference("Document ID", model_field='res_model', readonly=True)
    part_reference = fields.Char(readonly=True)
    part_total = fields.Integer(readonly=True)
    parts = fields.Json(readonly=True)  # {part number: {'text': ..., 'id': ...}} of a long SMS

    _message_id_unique = models.UniqueIndex('(gateway_id, message_id) WHERE message_id IS NOT NULL')
    _gateway_index = models.Index('(gateway_id, id)')
    _unread_index = models.Index('(gateway_id, id) WHERE is_read IS NOT TRUE')
    _parts_index = models.Index('(gateway_id, part_reference) WHERE part_reference IS NOT NULL')
    _incomplete_index = models.Index("(create_date) WHERE state = 'incomplete'")
    _document_index = models.Index('(res_model, res_id) WHERE res_id IS NOT NULL')

    # === BUSINESS METHODS - HOOKS === #

    @api.model
    def _receive_sms(self, messages):
        """Process SMS that were just received. Other addons can extend it.

        It is called once for each SMS, in the transaction that creates it. If it raises, the SMS are received one by
        one, and one that fails several times stays New.

        :param messages: `sms.gateway.inbound` records of one gateway, in the order of arrival
        """
        messages._deliver()
        messages.gateway_id._follow_keywords(messages)

    # === BUSINESS METHODS === #

    @api.model
    def _record(self, gateway, messages, is_last_try=False):
        """Record what a gateway received, in this transaction, which holds the lock of its inbox. A repeated message
        changes nothing.

        :param list[InboundMessage] messages: in the order of arrival
        :param bool is_last_try: whether to keep the messages even if `_receive_sms` raises
        """
        pairs = [(message, gateway._read_number(message.number)) for message in messages]
        repeats = self._find_repeats(gateway, pairs)
        received, values = self.browse(), []
        for message, number in pairs:
            if message.is_part:
                received |= self._record_part(gateway, message, number)
            elif not repeats.has(message, number):
                values.append(self._get_values(gateway, message, number))
        received |= self.create(values)
        received._process(is_last_try)

    def _process(self, is_last_try=False):
        """Hand new messages over to `_receive_sms`."""
        messages = self.filtered(lambda message: message.state == 'new').sorted('id')
        if not messages:
            return
        if is_last_try:
            try_write(self.env, lambda: self._receive_sms(messages))
        else:
            self._receive_sms(messages)

    @api.model
    def _get_values(self, gateway, message, number):
        is_usable = message.text.strip() or message.optout or message.is_part
        return {
            'gateway_id': gateway.id,
            'message_id': message.message_id or False,
            'number': number,
            'recipient': gateway._read_number(message.recipient, is_ours=True) or False,
            'body': message.text,
            'sent_date': message.sent_at or False,
            'reply_reference': message.reply_reference or False,
            'provider_optout': message.optout or False,
            'state': 'new' if is_usable else 'ignored',
        }

    @api.model
    def _find_repeats(self, gateway, pairs):
        """Find those messages of a call, other than parts, that are recorded already.

        :param list pairs: of InboundMessage and its number in E.164
        :rtype: Repeats
        """
        repeats = Repeats()
        message_ids = list({message.message_id for message, _number in pairs if message.message_id})
        numbers = list({number for message, number in pairs if not message.message_id})
        self.flush_model()
        if message_ids:
            self.env.cr.execute("""
                SELECT message_id FROM sms_gateway_inbound WHERE gateway_id = %s AND message_id = ANY(%s)
            """, [gateway.id, message_ids])
            repeats.message_ids.update(message_id for message_id, in self.env.cr.fetchall())
        if numbers:
            self.env.cr.execute("""
                SELECT number, COALESCE(body, ''), COALESCE(to_char(sent_date, 'YYYY-MM-DD HH24:MI:SS'), '')
                FROM sms_gateway_inbound
                WHERE gateway_id = %s AND number = ANY(%s) AND message_id IS NULL AND part_total IS NULL
                AND create_date > (now() AT TIME ZONE 'UTC') - CASE WHEN sent_date IS NULL THEN %s ELSE %s END
            """, [gateway.id, numbers, REPEAT_WINDOW, REPEAT_MEMORY])
            repeats.contents.update(self.env.cr.fetchall())
        return repeats

    # === BUSINESS METHODS - LONG SMS === #

    @api.model
    def _record_part(self, gateway, message, number):
        """Record a part of a long SMS.

        :return: the message if it is complete now, otherwise no record
        """
        part = {'text': message.text, 'id': message.message_id}
        rows = self.search([
            ('gateway_id', '=', gateway.id), ('part_reference', '=', message.part_reference or '0'),
            ('part_total', '=', message.part_total), ('number', '=', number),
            ('create_date', '>', fields.Datetime.now() - PART_MEMORY),
        ], limit=MAX_PARTS)
        for row in rows:
            known = (row.parts or {}).get(str(message.part_number))
            if known == part:
                return self.browse()  # repeated by the provider
            if not known and row.state == 'incomplete':
                return row._add_part(message.part_number, part)
        is_taken = message.message_id and self.search_count(
            [('gateway_id', '=', gateway.id), ('message_id', '=', message.message_id)], limit=1)
        row = self.create({
            **self._get_values(gateway, message, number),
            **({'message_id': False} if is_taken else {}),
            'state': 'incomplete', 'part_reference': message.part_reference or '0', 'part_total': message.part_total,
        })
        trigger_queue(self.env, fields.Datetime.now() + PART_WAIT)
        return row._add_part(message.part_number, part)

    def _add_part(self, part_number, part):
        parts = {**(self.parts or {}), str(part_number): part}
        is_complete = len(parts) == self.part_total
        self.write({
            'parts': parts,
            'body': join_parts({number: one['text'] for number, one in parts.items()}),
            **({'state': 'new'} if is_complete else {}),
        })
        return self if is_complete else self.browse()

    @api.model
    def _deliver_incomplete(self, deadline):
        """Process long SMS with parts still missing after `PART_WAIT`, using the parts that arrived.

        :param float deadline: `time.monotonic()` after which no further one is processed
        """
        transactions, limit, found = OwnTransactions(self.env), BATCH, []

        def deliver(env):
            env.cr.execute("""
                SELECT id FROM sms_gateway_inbound
                WHERE state = 'incomplete' AND create_date < (now() AT TIME ZONE 'UTC') - %s
                ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
            """, [PART_WAIT, limit])
            found[:] = [row[0] for row in env.cr.fetchall()]
            rows = env[self._name].browse(found)
            rows.state = 'new'
            rows._process(is_last_try=limit == 1)

        while time.monotonic() < deadline:
            is_written = transactions.write(deliver, len(found))
            if transactions.retry_time.is_outage or (is_written and len(found) < limit):
                return
            if not is_written and limit == 1:
                return  # the first one would be taken again
            if not is_written:
                limit = 1  # one of them cannot be processed
