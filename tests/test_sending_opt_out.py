# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Numbers that are blacklisted after their SMS was queued receive no bulk SMS."""
from odoo.tests import tagged

from .common import NUMBERS, GatewayCase, MarketingCase


@tagged('post_install', '-at_install')
class TestOptOut(GatewayCase):

    def setUp(self):
        super().setUp()
        self.contacts = self.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': number} for index, number in enumerate(NUMBERS)])

    def send_mass(self, **values):
        """Queue a mass SMS, let one recipient opt out, and send the queue."""
        sms = self.env['sms.composer'].with_context(active_model='res.partner', active_ids=self.contacts.ids).create({
            'body': "Sale", 'composition_mode': 'mass', 'mass_keep_log': True, 'mass_force_send': False,
            **values})._action_send_sms()
        self.env['phone.blacklist'].create({'number': NUMBERS[0]})
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        return sms

    def numbers(self):
        return sorted(number for number, _text in self.provider.sms)

    def test_mass_sms(self):
        sms = self.send_mass()
        self.assertEqual(self.numbers(), sorted(NUMBERS[1:]))
        first = sms.filtered(lambda one: one.number == NUMBERS[0])
        self.assertEqual((first.state, first.failure_type), ('canceled', 'sms_blacklist'))
        self.assertFalse(self.status_of(first))

    def test_exclusion_list_is_not_used(self):
        self.send_mass(use_exclusion_list=False)
        self.assertEqual(self.numbers(), sorted(NUMBERS))

    def test_removed_from_the_blacklist(self):
        self.env['phone.blacklist'].create({'number': NUMBERS[1]}).active = False
        self.send_mass()
        self.assertEqual(self.numbers(), sorted(NUMBERS[1:]))

    def test_single_sms_is_sent(self):
        self.env['phone.blacklist'].create({'number': NUMBERS[0]})
        self.make_sms(NUMBERS[0]).send()
        self.assertEqual(self.numbers(), [NUMBERS[0]])


@tagged('post_install', '-at_install')
class TestOptOutOfMailing(MarketingCase):

    def test_mailing(self):
        mailing = self.make_mailing(sms_force_send=False)
        mailing.action_send_sms()
        self.env['phone.blacklist'].create({'number': NUMBERS[0]})
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(self.traces(mailing).mapped('trace_status'), ['cancel', 'pending', 'pending', 'pending'])
        self.assertEqual(self.traces(mailing)[0].failure_type, 'sms_blacklist')
        self.assertEqual(mailing.state, 'done')
