# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the tests of inbound SMS share."""
import itertools
from dataclasses import asdict

from ..tools.inbound.message import InboundMessage
from .common import NUMBERS, DeliveryCase

counter = itertools.count(1)


class InboundCase(DeliveryCase):
    """Given a gateway that receives SMS. Contacts are made by the tests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact.unlink()

    def receive(self, text, number=NUMBERS[0], gateway=None, provider_optout='', **values):
        """Let a gateway receive an SMS.

        :return: the `sms.gateway.inbound`
        """
        gateway = gateway or self.gateway
        message = InboundMessage(**{
            'message_id': f'in-{next(counter)}', 'number': number, 'recipient': '+32460000000', 'text': text,
            'optout': provider_optout, **values})
        self.assertTrue(gateway._receive_messages([message]), asdict(message))
        self.env.invalidate_all()
        return self.env['sms.gateway.inbound'].search([('message_id', '=', message.message_id)])
