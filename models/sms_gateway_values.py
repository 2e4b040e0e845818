# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..sending.message_rules import MESSAGE_TYPES, MessageRules
from ..tools import phone
from ..tools.request.builder import Recipient
from ..tools.request.usage import RequestUsage
from ..tools.smart_encoding import encode

SAMPLE_NUMBERS = ('+12025550123', '+12025550124')
SAMPLE_NUMBERS_IN_INDIA = ('+918123456789', '+918123456780')
SAMPLE_DLT_TEMPLATE = '1107000000000000000'
USED = ('parameter_ids.value', 'header_ids.value', 'base_url', 'body_template', 'parameter_ids', 'header_ids')


class SmsGatewayValues(models.AbstractModel):
    """Values that differ between the SMS of a gateway: see `sending/message_rules.py`."""
    _name = 'sms.gateway.values'
    _description = "SMS Gateway Values per SMS"

    sender_ids = fields.One2many(
        'sms.gateway.sender', 'gateway_id', "Sender IDs", copy=True, exportable=False,
        help="Sender IDs for some countries or companies. All other SMS have the Sender ID of the gateway.")
    dlt_entity_id = fields.Char(
        "DLT Entity ID",
        help="India: enter the ID of your principal entity in the DLT registry. Use it as {dlt_entity_id}. Leave empty "
             "to use the one of the company, from the settings.")
    message_type_transactional = fields.Char(
        "Message Type (Transactional)",
        help="Enter the provider's value of {message_type} for urgent and normal SMS. An SMS template can select "
             "another message type.")
    message_type_promotional = fields.Char(
        "Message Type (Promotional)",
        help="Enter the provider's value of {message_type} for bulk SMS: mailings and mass SMS.")
    uses_dlt = fields.Boolean(compute='_compute_uses_values')
    uses_message_type = fields.Boolean(compute='_compute_uses_values')

    # === COMPUTE METHODS === #

    @api.depends(*USED, 'dlt_entity_id', 'message_type_transactional', 'message_type_promotional')
    def _compute_uses_values(self):
        for gateway in self:
            usage = RequestUsage(gateway._get_request_config())
            gateway.uses_dlt = usage.names_dlt or bool(gateway.dlt_entity_id)
            gateway.uses_message_type = 'message_type' in usage.names or bool(
                gateway.message_type_transactional or gateway.message_type_promotional)

    # === BUSINESS METHODS === #

    def _get_sample_recipients(self):
        """Return sample recipients for the preview, two if the gateway supports several.

        :rtype: list[Recipient]
        """
        rules, values = self._get_message_rules(), None
        numbers = SAMPLE_NUMBERS_IN_INDIA if self.uses_dlt else SAMPLE_NUMBERS
        if rules:
            company = self.company_id._origin or self.env.company
            values = rules.get_values(company.id, numbers[0], dlt_template_id=SAMPLE_DLT_TEMPLATE)
        return [
            Recipient(
                uuid=f'{index:032x}',
                number=phone.format_number(number, self.number_format or 'e164'),
                message=encode(self.env._("Hello from Odoo"), self.smart_encoding),
                values=values,
            )
            for index, number in enumerate(numbers[:2 if self.supports_multiple_recipients else 1], 1)
        ]

    def _get_message_rules(self):
        """Return what differs between the SMS of a gateway, also for one that is still being edited.

        :return: None if nothing does
        :rtype: MessageRules or None
        """
        self.ensure_one()
        texts = self._get_request_texts()
        uses_dlt, uses_type = (any(name in text for text in texts) for name in ('dlt_', 'message_type'))
        if not (self.sender_ids or uses_dlt or uses_type):
            return None
        return MessageRules(
            senders={
                (row.country_id.code or None, row.company_id._origin.id or None): row.sender
                for row in self.sender_ids if row.sender},
            entity_id=self.dlt_entity_id or '',
            entity_ids=self._get_dlt_entities() if uses_dlt and not self.dlt_entity_id else {},
            words={kind: self[f'message_type_{kind}'] or '' for kind in MESSAGE_TYPES},
        )

    @api.model
    def _has_template_values(self):
        """Return whether a gateway that sends needs what only SMS templates have.

        :rtype: bool
        """
        gateways = self.env['sms.gateway'].sudo().search(self._get_sending_domain())
        return any(gateway.uses_dlt or gateway.uses_message_type for gateway in gateways)

    @api.model
    def _get_dlt_entities(self):
        """
        :return: {company id: its DLT Entity ID}
        :rtype: dict[int, str]
        """
        companies = self.env['res.company'].sudo().search_fetch(
            [('sms_dlt_entity_id', '!=', False)], ['sms_dlt_entity_id'])
        return {company.id: company.sms_dlt_entity_id for company in companies}
