# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Quiet hours: bulk SMS wait until they end for their recipient, nothing else does."""
from contextlib import contextmanager
from datetime import UTC, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from ..sending.store import quiet
from ..sending.store.claims import count_due
from ..sending.store.queue_figures import count_queued, find_oldest_queued
from .common import GatewayCase, MarketingCase

FRENCH, BELGIAN, AMERICAN, SATELLITE = '+33612345678', '+32456001122', '+12125550123', '+881612345678'
PARIS = ZoneInfo('Europe/Paris')


class QuietCase(GatewayCase):

    def make_hours(self, begins=-1, ends=2, zone=PARIS, **values):
        """Quiet hours that began one hour ago and end in two, in a time zone."""
        now = fields.Datetime.now().replace(tzinfo=UTC).astimezone(zone)
        hour = now.hour + now.minute / 60
        return self.env['sms.gateway.quiet'].create({
            'start_hour': (hour + begins) % 24, 'end_hour': (hour + ends) % 24, 'spread_minutes': 0, **values})

    def send(self, *numbers, **values):
        sms = self.make_sms(*numbers, **{'lane': 'bulk', **values})
        sms.send()
        self.env.invalidate_all()
        return sms

    def run_queue(self):
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()

    def pass_time(self, sms, hours):
        self.env.flush_all()
        self.env.cr.execute("""
            UPDATE sms_sms SET send_after = send_after - %s * interval '1 hour' WHERE id = ANY(%s)
        """, [hours, sms.ids])
        self.env.invalidate_all()

    @contextmanager
    def assert_not_claimed(self):
        with patch.object(quiet, 'find_quiet', side_effect=AssertionError("claimed again")):
            yield

    def sent(self):
        return [number for number, *_other in self.provider.sms]


@tagged('post_install', '-at_install')
class TestQuietHours(QuietCase):

    def test_bulk_waits_until_they_end(self):
        hours = self.make_hours()
        sms = self.send(FRENCH)
        self.assertEqual((sms.state, sms.is_held, sms.attempt, self.sent()), ('outgoing', True, 0, []))
        self.assertEqual(sms.failure_reason, "Waiting: quiet hours in Europe/Paris.")
        ends = fields.Datetime.now() + timedelta(hours=2)
        self.assertLess(abs(sms.send_after - ends), timedelta(minutes=2))
        triggers = self.env['ir.cron.trigger'].search([
            ('cron_id', '=', self.env.ref('sms.ir_cron_sms_scheduler_action').id),
            ('call_at', '>=', sms.send_after), ('call_at', '<=', sms.send_after + timedelta(minutes=1))])
        self.assertTrue(triggers)
        with self.assert_not_claimed():
            self.run_queue()
        self.assertEqual((self.sent(), count_due(self.env)), ([], 0))
        hours.active = False
        self.run_queue()
        self.assertEqual((sms.state, sms.is_held, sms.failure_reason), ('pending', False, False))
        self.assertEqual(self.sent(), [FRENCH])

    def test_they_end(self):
        self.make_hours()
        sms = self.send(FRENCH)
        self.pass_time(sms, 3)
        with patch.object(type(self.env['sms.gateway.quiet']), '_get_rules', return_value=()):
            self.run_queue()
        self.assertEqual((sms.state, self.sent()), ('pending', [FRENCH]))

    def test_they_began_again_before_the_queue_reached_it(self):
        self.make_hours()
        sms = self.send(FRENCH)
        self.pass_time(sms, 3)
        self.run_queue()
        self.assertEqual((sms.state, sms.is_held, self.sent()), ('outgoing', True, []))
        self.assertGreater(sms.send_after, fields.Datetime.now())

    def test_urgent_and_normal_do_not_wait(self):
        self.make_hours()
        for lane in ('urgent', 'normal'):
            self.assertEqual(self.send(FRENCH, lane=lane, body=lane).state, 'pending')

    def test_the_clock_of_the_recipient(self):
        self.make_hours()  # at an hour when it is another one in New York
        sms = self.send(FRENCH, AMERICAN)
        self.assertEqual(sms.mapped('state'), ['outgoing', 'pending'])

    def test_the_company_for_numbers_without_a_time_zone(self):
        self.env.company.partner_id.tz = 'Asia/Tokyo'
        self.make_hours(zone=ZoneInfo('Asia/Tokyo'))
        sms = self.send(SATELLITE, FRENCH)
        self.assertEqual(sms.mapped('state')[1], 'pending')
        self.env['ir.config_parameter'].set_param('eis_sms_apis.allow_premium', 'True')
        sms = self.send(SATELLITE, body="Second")
        self.assertEqual((sms.state, sms.failure_reason), ('outgoing', "Waiting: quiet hours in Asia/Tokyo."))

    def test_by_country_and_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.make_hours(country_ids=[(6, 0, self.env.ref('base.fr').ids)])
        self.assertEqual(self.send(FRENCH, BELGIAN).mapped('state'), ['outgoing', 'pending'])
        self.make_hours(company_id=other.id)
        self.assertEqual(self.send(BELGIAN, body="2").state, 'pending')
        self.assertEqual(self.send(BELGIAN, body="3", record_company_id=other.id).state, 'outgoing')
        # those of the country replace those of all countries
        self.make_hours(begins=3, ends=4, country_ids=[(6, 0, self.env.ref('base.be').ids)])
        self.assertEqual(self.send(BELGIAN, body="4", record_company_id=other.id).state, 'pending')

    def test_send_now_sends_anyway(self):
        self.make_hours()
        sms = self.send(FRENCH, BELGIAN)
        sms[0].action_send_now()
        self.assertEqual(sms.mapped('state'), ['pending', 'outgoing'])
        queued = self.make_sms(BELGIAN, body="Not held yet", lane='bulk')
        queued.action_send_now()
        self.assertEqual(queued.state, 'pending')
        for view_type, view in (('form', 'sms.sms_tsms_view_form'), ('list', 'sms.sms_sms_view_tree')):
            arch = self.env['sms.sms'].get_view(self.env.ref(view).id, view_type)['arch']
            self.assertIn('name="action_send_now"', arch)
            self.assertNotIn('name="send"', arch)

    def test_it_expires_while_it_waits(self):
        self.make_hours()
        sms = self.send(FRENCH, valid_until=fields.Datetime.now() + timedelta(minutes=30))
        self.assertEqual(sms.send_after, sms.valid_until)
        self.pass_time(sms, 1)
        sms.valid_until -= timedelta(hours=1)
        self.run_queue()
        self.assertEqual((sms.state, sms.failure_type, self.sent()), ('error', 'sms_expired', []))

    def test_canceled_and_retried(self):
        hours = self.make_hours()
        sms = self.send(FRENCH)
        sms.action_set_canceled()
        hours.unlink()
        sms.action_set_outgoing()
        self.run_queue()
        self.assertEqual((sms.state, self.sent()), ('pending', [FRENCH]))

    def test_shorter_hours_count_at_once(self):
        hours = self.make_hours()
        sms = self.send(FRENCH)
        now = fields.Datetime.now().replace(tzinfo=UTC).astimezone(PARIS)
        hours.end_hour = now.hour + max(now.minute - 1, 0) / 60
        self.run_queue()
        self.assertEqual(sms.state, 'pending')

    def test_claims_before_the_commit(self):
        """What another claim has read until the commit does not stay in the cache."""
        hours = self.make_hours()
        with patch.object(type(hours), 'search', return_value=hours.browse()):
            self.assertFalse(hours._get_rules())
        self.env.cr.postcommit.run()
        self.assertEqual(len(hours._get_rules()), 1)

    def test_a_paused_gateway_that_resumes_does_not_wake_them(self):
        self.make_hours()
        sms = self.send(FRENCH)
        sms.gateway_id = self.gateway
        before = sms.send_after
        self.gateway.action_resume()
        self.env.invalidate_all()
        self.assertEqual((sms.is_held, sms.send_after), (True, before))

    def test_figures(self):
        before = count_queued(self.env, 100)['bulk']
        self.make_hours()
        sms = self.send(FRENCH)
        self.assertEqual(count_queued(self.env, 100)['bulk'], before + 1)
        sms.unlink()
        self.env.flush_all()
        self.assertEqual(count_queued(self.env, 100)['bulk'], before)
        self.send(FRENCH, body="2")
        self.assertNotIn('bulk', find_oldest_queued(self.env) if not before else {})

    def test_wrong_hours_are_refused(self):
        for values, words in (
                ({'off_dates': "Christmas"}, "is not a date"),
                ({'off_dates': "02-30"}, "is not a date"),
                ({'start_hour': 0, 'end_hour': 24}, "ever be sent"),
                (dict.fromkeys(quiet.WEEKDAYS, True), "ever be sent")):
            with self.subTest(values=values), self.assertRaises(ValidationError) as raised, self.cr.savepoint():
                self.env['sms.gateway.quiet'].create(values)
            self.assertIn(words, str(raised.exception))

    def test_form(self):
        form = Form(self.env['sms.gateway.quiet'])
        self.assertEqual((form.start_hour, form.end_hour, form.spread_minutes), (21, 8, 30))
        form.sunday = True
        form.off_dates = "12-25"
        rule, = [rule for rule in form.save()._get_rules() if rule.weekdays]
        self.assertEqual((rule.start, rule.end, rule.weekdays, rule.dates), (
            21 * 60, 8 * 60, {6}, {(None, 12, 25)}))

    def test_the_chatter_says_why(self):
        self.make_hours()
        contact = self.make_contact(phone=FRENCH)
        message = contact.with_context(sms_lane='bulk')._message_sms("Hello")
        self.env.invalidate_all()
        self.assertEqual(message.notification_ids.failure_reason, "Waiting: quiet hours in Europe/Paris.")


@tagged('post_install', '-at_install')
class TestMailing(QuietCase, MarketingCase):

    def test_the_traces_say_why(self):
        self.contacts.write({'phone': FRENCH})
        self.contacts[1:].unlink()
        self.make_hours()
        self.mailing.action_send_sms()
        self.env.invalidate_all()
        self.assertEqual(self.traces().mapped('failure_reason'), ["Waiting: quiet hours in Europe/Paris."])
        self.assertEqual(self.traces().mapped('trace_status'), ['outgoing'])
        self.assertEqual(self.sent(), [])

    def test_the_test_button_does_not_wait(self):
        self.make_hours()
        self.env['mailing.sms.test'].create({'numbers': FRENCH, 'mailing_id': self.mailing.id}).action_send_sms()
        self.assertEqual(self.sent(), [FRENCH])
