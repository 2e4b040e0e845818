# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import secrets
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.urls import urljoin

from ..tools.inbound.number import read_number
from ..tools.inbound.parsing import InboundRules
from ..tools.report.parsing import parse_value_list

PATH = '/eis_sms/inbound/'
MAX_PAUSE = 0.1  # seconds between two batches: a STOP counts within a second


class SmsGatewayInboundSettings(models.AbstractModel):
    """How a gateway receives SMS: URL and description of what the provider sends."""
    _name = 'sms.gateway.inbound.settings'
    _description = "Inbound SMS Settings"

    inbound_enabled = fields.Boolean("Receive SMS")
    inbound_token = fields.Char(
        "Inbound Token", copy=False, readonly=True, required=True, exportable=False, groups='base.group_system',
        default=lambda self: secrets.token_urlsafe(32))
    inbound_old_token = fields.Char(
        "Previous Inbound Token", copy=False, readonly=True, exportable=False, groups='base.group_system',
        help="Its Inbound URL is accepted as well until the rotation ends.")
    inbound_url = fields.Char(
        "Inbound URL", compute='_compute_inbound_url', exportable=False, groups='base.group_system',
        help="URL to which the provider sends inbound SMS.")

    inbound_message_id_param = fields.Char("Inbound Message ID Param")
    inbound_number_param = fields.Char(
        "Sender Param", help="Name or path of the number of the person who wrote. Required.")
    inbound_recipient_param = fields.Char("Recipient Param", help="Name or path of your number.")
    inbound_text_param = fields.Char("Text Param")
    inbound_time_param = fields.Char("Time Param")
    inbound_reply_param = fields.Char(
        "Reply Param", help="Name or path of what identifies the SMS that is answered: the UUID or the message ID.")
    inbound_optout_param = fields.Char(
        "Opt-Out Param", help="Name or path of the keyword that the provider recognized, such as OptOutType.")
    inbound_part_reference_param = fields.Char("Part Reference Param")
    inbound_part_number_param = fields.Char(
        "Part Number Param", help="Required if the provider does not put long SMS together.")
    inbound_part_total_param = fields.Char("Number of Parts Param")
    inbound_kind_param = fields.Char(
        "Recognized By",
        help="Name or path of what tells an SMS from a delivery report. It decides for calls of both URLs.")
    inbound_kind_values = fields.Char(
        "Recognized Values",
        help="Enter the values that mean an SMS, separated by commas. Leave empty if any value does.")
    inbound_encoding = fields.Selection(
        [
            ('plain', "Plain text"),
            ('hex', "Hexadecimal"),
            ('percent', "Percent-encoded bytes"),
            ('base64', "Plain text or Base64"),
            ('bytes', "Bytes of the form"),
        ],
        "Text Encoding", required=True, default='plain', help="How the provider encodes the text.")
    inbound_encoding_param = fields.Char(
        "Encoding Param",
        help="Name or path of the character set or data coding of the text. Without one, hexadecimal texts are read "
             "as UTF-16BE and others as UTF-8.")
    inbound_answer = fields.Char(
        "Inbound Answer",
        help="Enter the text that the provider expects in response to an SMS. Leave it empty unless the provider asks "
             "for a text: several providers send it to the person as an SMS.")
    inbound_answer_type = fields.Selection(
        [('text', "text/plain"), ('xml', "text/xml"), ('json', "application/json")],
        "Inbound Answer Type", required=True, default='text')
    inbound_ids = fields.One2many('sms.gateway.inbound', 'gateway_id', "Inbound SMS")

    inbound_example = fields.Text("Example", store=False)
    inbound_example_result = fields.Text("Result", compute='_compute_inbound_example_result')

    _inbound_token_unique = models.Constraint('unique(inbound_token)', "The inbound token must be unique.")
    _inbound_old_token_unique = models.Constraint('unique(inbound_old_token)', "The inbound token must be unique.")

    # === COMPUTE METHODS === #

    @api.depends('inbound_token')
    def _compute_inbound_url(self):
        base_url = self[:1].get_base_url()
        for gateway in self:
            gateway.inbound_url = urljoin(base_url, f'{PATH}{gateway.inbound_token or ""}')

    @api.depends(
        'inbound_example', 'inbound_kind_param', 'inbound_kind_values', 'inbound_message_id_param',
        'inbound_number_param', 'inbound_recipient_param', 'inbound_text_param', 'inbound_time_param',
        'inbound_reply_param', 'inbound_optout_param', 'inbound_part_reference_param', 'inbound_part_number_param',
        'inbound_part_total_param', 'inbound_encoding', 'inbound_encoding_param')
    @api.depends_context('lang')
    def _compute_inbound_example_result(self):
        for gateway in self:
            gateway.inbound_example_result = (
                self.env['sms.gateway.inbound.example']._explain(gateway) if gateway.inbound_example else False)

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_received(self):
        received = self.env['sms.gateway.inbound'].sudo().search([('gateway_id', 'in', self.ids)], limit=1)
        if received:
            raise UserError(self.env._(
                "%s has received SMS and cannot be deleted. Archive it instead to keep them.",
                received.gateway_id.display_name))

    # === ACTION METHODS === #

    def action_new_inbound_token(self):
        """Replace the token, which invalidates the old Inbound URL, and a previous one."""
        self._replace_token('inbound_token', 'inbound_old_token', keep_old=False)

    def action_rotate_inbound_token(self):
        """Replace the token, and accept the old Inbound URL until the rotation ends."""
        self._replace_token('inbound_token', 'inbound_old_token', keep_old=True)

    def action_end_inbound_rotation(self):
        """Invalidate the previous Inbound URL."""
        self.inbound_old_token = False

    # === BUSINESS METHODS === #

    def _get_inbound_rules(self):
        """Return how to read inbound SMS.

        :rtype: InboundRules
        """
        self.ensure_one()
        return InboundRules(
            **self._get_texts(
                'number', 'text', 'message_id', 'recipient', 'time', 'reply', 'optout', 'part_reference',
                'part_number', 'part_total', 'encoding', 'kind', prefix='inbound_', suffix='_param'),
            kind_values=parse_value_list(self.inbound_kind_values),
            encoding=self.inbound_encoding,
            secrets=self._get_secrets(),
        )

    def _read_number(self, text, is_ours=False):
        """Return a number from a call in E.164, as core sanitizes those of contacts, notifications and the blacklist.

        :param str text: as the provider spells it
        :param bool is_ours: whether it is a number of the account, not that of a person
        :return: the number as the provider spells it if it has no E.164: a short code or a name
        :rtype: str
        """
        country = self.company_id.country_id or self.env.company.country_id
        is_national = not is_ours and self.number_format in ('national', 'significant')
        number = read_number(text, [country.code or ''], is_national)
        if not number.startswith('+'):
            return number
        return self.env.user._phone_format(number=number) or number  # such as Mexico, where a 1 is left out

    def _receive_messages(self, messages, transactions=None):
        """Store SMS that this gateway received; see `sms.gateway.inbox`.

        :param list[InboundMessage] messages: at least one, in the order of the call
        :rtype: bool
        """
        return self.env['sms.gateway.received.message']._receive(self, messages, transactions)

    def _drain_messages(self, deadline, pause=None):
        """Process the stored SMS; see `sms.gateway.inbox`."""
        if pause:
            pause = partial(pause, longest=MAX_PAUSE)
        self.env['sms.gateway.received.message']._drain(self, deadline, pause=pause)
