# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..tools.inbound.call import read_call
from ..tools.inbound.example import read_example

MAX_SHOWN = 10  # messages


class SmsGatewayInboundExample(models.AbstractModel):
    """Describes how a gateway reads a pasted call."""
    _name = 'sms.gateway.inbound.example'
    _description = "Example of an Inbound SMS"

    # === BUSINESS METHODS === #

    @api.model
    def _explain(self, gateway):
        """Say what the example of a gateway contains.

        :return: the values of each SMS, or why there is none
        :rtype: str
        """
        method, content = read_example(gateway.inbound_example)
        received = read_call(gateway._get_report_rules(), gateway._get_inbound_rules(), True, method, content)
        if received.messages:
            return '\n\n'.join(self._describe(gateway, message) for message in received.messages[:MAX_SHOWN])
        if received.refusal:
            return self.env['sms.gateway.problem']._word(received.refusal.problem)
        if received.reports:
            return self.env._("This is a delivery report, status %s.", received.reports[0].status)
        if not gateway.inbound_number_param:
            return self.env._("No SMS found: the Sender is empty. Enter the name or path of the sender's number.")
        return self.env._("No SMS found. Check Sender, Text and Recognized By.")

    def _describe(self, gateway, message):
        values = {
            self.env._("Message ID"): message.message_id,
            self.env._("Sender"): gateway._read_number(message.number),
            self.env._("Recipient"): message.recipient,
            self.env._("Text"): message.text,
            self.env._("Sent On"): message.sent_at and self.env._(
                "%s UTC", fields.Datetime.to_datetime(message.sent_at)),
            self.env._("Reply To"): message.reply_reference,
            self.env._("Opt-Out"): message.optout,
            self.env._("Part"): message.part_number and f'{message.part_number}/{message.part_total}',
        }
        return '\n'.join(f'{label}: {value}' for label, value in values.items() if value)
