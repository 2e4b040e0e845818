# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is too old is never sent."""
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import GatewayCase
from .provider import Reply


@tagged('post_install', '-at_install')
class TestLifetime(GatewayCase):
    """Given a form gateway whose requests tell the provider the validity."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.parameter_ids = [
            (0, 0, {'key': 'ttl', 'value': '{validity_seconds}'}),
            (0, 0, {'key': 'ms', 'value': '{validity_seconds}000'}),
            (0, 0, {'key': 'minutes', 'value': '{validity_minutes}'}),
            (0, 0, {'key': 'until', 'value': '{valid_until}'}),
        ]
        cls.contact = cls.make_contact(cls)
        cls.template = cls.env['sms.template'].create({
            'name': "Code", 'model_id': cls.env['ir.model']._get_id('res.partner'), 'body': "Code 1234",
            'validity_minutes': 10})

    def valid_for(self, minutes):
        return {'valid_until': fields.Datetime.now() + timedelta(minutes=minutes)}

    def set_left(self, sms, minutes):
        sms.write(self.valid_for(minutes))
        sms.send_after = False
        self.env.flush_all()

    def run_queue(self):
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()

    def sent(self):
        return [{key: value for key, (value,) in request.form().items()} for request in self.provider.requests]

    def test_what_is_too_old_is_not_sent(self):
        old, new = self.make_sms('+32456001122', '+32456001123')
        old.write(self.valid_for(-1))
        (old + new).send()
        self.assertEqual([form['to'] for form in self.sent()], ['+32456001123'])
        self.assertEqual((old.state, old.failure_type, new.state), ('error', 'sms_expired', 'pending'))
        self.assertIn("has expired", old.failure_reason)
        self.assertEqual((self.status_of(old).outcome, self.status_of(old).failure_type), ('refused', 'sms_expired'))

    def test_it_expires_in_the_queue(self):
        """A provider asks to wait for longer than the SMS is valid."""
        self.always_answer(Reply(503, "Busy", headers={'Retry-After': '3600'}))
        sms = self.make_sms('+32456001122', **self.valid_for(5))
        sms.send()
        self.assertEqual(sms.state, 'outgoing')
        self.assertLessEqual(sms.send_after, sms.valid_until + timedelta(seconds=2))
        self.set_left(sms, -1)
        self.provider.clear()
        self.run_queue()
        self.assertEqual((sms.state, sms.failure_type, self.sent()), ('error', 'sms_expired', []))

    def test_it_expires_before_its_place_under_a_rate_limit(self):
        self.gateway.write({'rate_limit': 0.25, 'timeout': 5})
        sms = self.make_sms('+32456001122', '+32456001123', **self.valid_for(4 / 60))
        self.run_queue()
        self.assertEqual([form['to'] for form in self.sent()], ['+32456001122'])
        self.assertEqual(sms.mapped('failure_type'), [False, 'sms_expired'])

    def test_retry_sends_it_anyway(self):
        sms = self.make_sms('+32456001122', **self.valid_for(-1))
        sms.send()
        sms.action_retry()
        self.run_queue()
        self.assertEqual((sms.state, sms.valid_until), ('pending', False))

    def test_the_provider_is_told(self):
        sms = self.make_sms('+32456001122', **self.valid_for(10))
        sms.send()
        form, = self.sent()
        self.assertTrue(590 <= int(form['ttl']) <= 600)
        self.assertEqual(form['ms'], f'{form["ttl"]}000')
        self.assertEqual(form['minutes'], '10')
        self.assertEqual(form['until'], f'{sms.valid_until:%Y-%m-%dT%H:%M:%SZ}')

    def test_the_provider_is_told_nothing(self):
        """There is no validity, or one that is longer than providers accept."""
        self.make_sms('+32456001122').send()
        self.make_sms('+32456001122', **self.valid_for(20 * 60)).send()
        for form in self.sent():
            self.assertEqual(form.keys(), {'token', 'to', 'text'})

    def test_requests_are_shared_by_what_is_valid_equally_long(self):
        number = self.gateway.parameter_ids.filtered(lambda row: row.key == 'to')
        self.gateway.write({
            'supports_multiple_recipients': True,
            'parameter_ids': [(1, number.id, {'param_type': 'multi_number'})]})
        values = self.valid_for(10)
        sms = self.make_sms('+32456001122', '+32456001123', **values)
        (sms + self.make_sms('+32456001124', **self.valid_for(60)) + self.make_sms('+32456001125')).send()
        self.assertEqual(
            sorted((form['to'], form.get('minutes')) for form in self.sent()),
            [('+32456001122,+32456001123', '10'), ('+32456001124', '60'), ('+32456001125', None)])

    def test_templates_set_it(self):
        before = fields.Datetime.now()
        composer = self.env['sms.composer'].with_context(active_model='res.partner', active_id=self.contact.id)
        for send in (
                composer.create({'template_id': self.template.id, 'composition_mode': 'comment',
                                 'res_model': 'res.partner', 'res_id': self.contact.id})._action_send_sms,
                lambda: self.contact._message_sms_with_template(self.template),
                lambda: self.contact._message_sms_schedule_mass(template=self.template)):
            known = self.env['sms.sms'].search([('number', '=', '+32456001122')])
            send()
            sms = self.env['sms.sms'].search([('number', '=', '+32456001122')]) - known
            self.assertEqual(len(sms), 1)
            self.assertLessEqual(abs(sms.valid_until - before - timedelta(minutes=10)), timedelta(minutes=1))

    def test_code_sets_it(self):
        make = self.env['sms.sms'].with_context(sms_validity_minutes=5).create
        self.assertTrue(make({'number': '+32456001122', 'body': "Hello"}).valid_until)
        self.assertFalse(make({'number': '+32456001122', 'body': "Hello", 'valid_until': False}).valid_until)
        self.contact._message_sms("Hello")
        self.assertFalse(self.env['sms.sms'].search([], order='id desc', limit=1).valid_until)
