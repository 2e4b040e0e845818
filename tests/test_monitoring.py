# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Alerts about gateways that do not send, reports that stop and a queue that does not move; figures for monitoring."""
import json
from datetime import timedelta

from odoo.tests import HttpCase, new_test_user, tagged

from ..models.sms_gateway_health import URL_PARAMETER
from ..models.sms_gateway_incident import MIN_SMS
from ..sending.pauses import ASKED, Pause
from .common import GatewayCase
from .provider import Reply


class MonitoringCase(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boss = new_test_user(cls.env, 'boss', 'base.group_system', email='boss@example.com')
        cls.gateway.balance_user_ids = cls.boss

    def check(self):
        self.env.flush_all()
        self.env['sms.gateway.incident']._check_all()
        self.env.flush_all()
        self.env.invalidate_all()

    def incidents(self):
        return self.env['sms.gateway.incident'].search([])

    def activities(self):
        return self.env['mail.activity'].search([('user_id', '=', self.boss.id)])

    def mails(self):
        """The subjects of the messages to the responsible user, the oldest first."""
        messages = self.env['mail.message'].search(
            [('notified_partner_ids', 'in', self.boss.partner_id.ids)], order='id')
        return messages.mapped('subject')

    def age(self, records, **delta):
        """Let time pass since some records were created."""
        self.env.flush_all()
        also = ', write_date = NULL' if 'write_date' in records._fields else ''
        self.env.cr.execute(
            f"UPDATE {records._table} SET create_date = create_date - %s {also} WHERE id = ANY(%s)",
            [timedelta(**delta), records.ids])
        records.invalidate_recordset()


@tagged('post_install', '-at_install')
class TestIncidents(MonitoringCase):

    def pause(self, kind=ASKED, words="Maintenance"):
        self.env['sms.gateway.throttle']._save_pauses({self.gateway.id: Pause(kind, words, 3000)}, [])

    def test_queue_action_run_by_an_administrator(self):
        """The check needs rights that no user has."""
        self.pause()
        self.env['sms.sms'].with_user(self.boss)._process_queue()
        self.assertEqual(self.incidents().kind, 'paused')

    def test_pause_of_ten_minutes(self):
        self.pause()
        self.check()
        self.assertEqual((self.incidents().kind, self.incidents().alert_date), ('paused', False))
        self.assertFalse(self.activities())
        self.age(self.incidents(), minutes=11)
        self.check()
        activity = self.activities()
        self.assertIn(self.gateway.name, activity.summary)
        self.assertIn("Maintenance", activity.note)
        self.check()
        self.assertEqual(self.activities(), activity, "once per incident")
        self.assertEqual(self.mails(), [activity.summary])
        self.gateway.action_resume()
        self.check()
        self.assertTrue(self.incidents().end_date)
        self.assertFalse(self.activities())
        self.assertEqual(self.mails()[1:], [f"Resolved: SMS gateway paused: {self.gateway.name}"])
        self.check()
        self.assertEqual(len(self.mails()), 2)

    def test_short_pause(self):
        self.pause()
        self.check()
        self.gateway.action_resume()
        self.check()
        self.assertTrue(self.incidents().end_date)
        self.assertFalse(self.mails())

    def test_refused_account(self):
        """Alerted at once, in the queue action; the next incident again."""
        self.always_answer(Reply(401, "Invalid login"))
        for index in range(2):
            self.make_sms(*(f'+3245600{index}{number:03d}' for number in range(10)))
            self.env['sms.sms']._process_queue()
            self.env.invalidate_all()
            self.assertEqual(self.incidents()[0].kind, 'account')
            self.assertIn("Invalid login", self.activities().note)
            self.assertEqual(len(self.mails()), 2 * index + 1)
            self.gateway.action_resume()
            self.check()
            self.assertEqual(len(self.mails()), 2 * index + 2)

    def test_reports_stop(self):
        self.gateway.delivery_callback_enabled = True
        sms = self.make_sms(*(f'+32456000{number:03d}' for number in range(MIN_SMS)))
        sms.send()
        self.check()
        self.assertFalse(self.incidents(), "reports may still arrive")
        statuses = self.env['sms.gateway.status'].search([('gateway_id', '=', self.gateway.id)])
        self.age(statuses, hours=25)
        self.check()
        self.assertEqual(self.incidents().kind, 'reports')
        self.assertIn("Callback URL", self.activities().note)
        self.env['sms.gateway.received.report'].create({'gateway_id': self.gateway.id})
        self.check()
        self.assertTrue(self.incidents().end_date)

    def test_reports_of_one_gateway_stop(self):
        """Given another gateway with more SMS, before and since."""
        second = self.make_gateway("Second", sequence=5, base_url=f'{self.provider.url}/second')
        second.state = 'disabled'
        self.gateway.delivery_callback_enabled = True
        self.make_sms(*(f'+32456000{number:03d}' for number in range(MIN_SMS))).send()
        second.state = 'active'
        self.make_sms(*(f'+32456001{number:03d}' for number in range(3 * MIN_SMS))).send()
        statuses = self.env['sms.gateway.status'].search([('gateway_id', 'in', (self.gateway + second).ids)])
        self.age(statuses[:MIN_SMS], hours=1)
        self.age(statuses - statuses[:MIN_SMS], hours=25)
        self.check()
        self.assertEqual((self.incidents().gateway_id, self.incidents().kind), (self.gateway, 'reports'))
        self.age(statuses, hours=25)
        self.check()
        self.assertTrue(self.incidents().end_date, "it has sent nothing since")

    def test_no_report_is_missing(self):
        """Few SMS without a report, reports that are turned off, or a threshold of 0."""
        self.gateway.delivery_callback_enabled = True
        self.make_sms(*(f'+32456000{number:03d}' for number in range(MIN_SMS - 1))).send()
        statuses = self.env['sms.gateway.status'].search([('gateway_id', '=', self.gateway.id)])
        self.age(statuses, hours=25)
        self.check()
        self.make_sms('+32456000999').send()
        self.age(self.env['sms.gateway.status'].search([('gateway_id', '=', self.gateway.id)]) - statuses, hours=25)
        self.gateway.delivery_callback_enabled = False
        self.check()
        self.gateway.delivery_callback_enabled = True
        self.env['ir.config_parameter'].set_param('eis_sms_apis.report_alert_hours', '0')
        self.check()
        self.assertFalse(self.incidents())

    def test_queue_does_not_move(self):
        sms = self.make_sms('+32456000001')
        self.check()
        self.assertFalse(self.incidents())
        self.age(sms, minutes=16)
        self.check()
        self.assertEqual((self.incidents().kind, self.incidents().gateway_id.id), ('queue', False))
        self.assertTrue(self.activities())
        sms.send()
        self.check()
        self.assertTrue(self.incidents().end_date)

    def test_campaign_under_way(self):
        """A bulk SMS may wait for long while others are sent."""
        sms = self.make_sms('+32456000001', lane='bulk')
        self.age(sms, minutes=60)
        self.make_sms('+32456000002').send()
        self.check()
        self.assertFalse(self.incidents())
        self.age(self.env['sms.gateway.status'].search([]), minutes=20)
        self.check()
        self.assertEqual(self.incidents().kind, 'queue')

    def test_who_is_alerted(self):
        """In their language, and only those who can open the gateway."""
        self.env['res.lang']._activate_lang('fr_FR')
        other = self.env['res.company'].create({'name': "Other"})
        self.boss.lang = 'fr_FR'
        stranger = new_test_user(self.env, 'stranger', 'base.group_system', company_id=other.id, company_ids=other.ids)
        self.gateway.company_id = self.env.company
        self.gateway.balance_user_ids += stranger
        self.pause('account')
        self.check()
        self.assertTrue(self.activities())
        self.assertFalse(self.env['mail.activity'].search([('user_id', '=', stranger.id)]))
        self.assertFalse(self.incidents().with_user(stranger).with_company(other).search([]))

    def test_old_incidents_are_removed(self):
        self.pause()
        self.check()
        self.gateway.action_resume()
        self.env['sms.gateway.incident']._gc_incidents()
        self.assertTrue(self.incidents())
        self.incidents().end_date -= timedelta(days=91)
        self.env['sms.gateway.incident']._gc_incidents()
        self.assertFalse(self.incidents())


@tagged('post_install', '-at_install')
class TestHealth(HttpCase, MonitoringCase):

    def setUp(self):
        super().setUp()
        self.env['sms.gateway.health']._make_token()
        self.path = '/eis_sms/health/' + self.env['ir.config_parameter'].get_param(URL_PARAMETER)

    def get(self, query='', **headers):
        self.env.flush_all()
        return self.url_open(self.path + query, headers=headers)

    def test_json(self):
        self.make_sms('+32456000001').send()
        self.always_answer(Reply(400, "Refused"))
        self.make_sms('+32456000002').send()
        self.make_sms('+32456000003', lane='urgent')
        self.age(self.make_sms('+32456000004', lane='bulk'), seconds=90)
        self.env['sms.gateway.received.report'].create({'gateway_id': self.gateway.id})
        response = self.get()
        self.assertEqual(response.headers['Content-Type'], 'application/json; charset=utf-8')
        figures = response.json()
        self.assertEqual(figures['is_healthy'], True)
        self.assertEqual({lane: values['length'] for lane, values in figures['queue'].items()},
                         {'urgent': 1, 'normal': 0, 'bulk': 1})
        self.assertGreaterEqual(figures['queue']['bulk']['oldest_seconds'], 89)
        gateway, = (one for one in figures['gateways'] if one['id'] == self.gateway.id)
        self.assertEqual(gateway, {
            'id': self.gateway.id, 'name': self.gateway.name, 'sent': 1, 'failed': 1, 'failed_attempts': 0,
            'reports': 1, 'paused_seconds': 0})
        for private in ("+32456", "Hello"):
            self.assertNotIn(private, json.dumps(figures))

    def test_attempts_that_fail_over(self):
        """No SMS fails, but the first gateway does not send."""
        second = self.make_gateway("Second", sequence=20, base_url=f'{self.provider.url}/second')
        self.always_answer(Reply(401, "Wrong password"))
        self.always_answer(self.provider.accept, path='/second')
        self.make_sms(*(f'+3245600000{number}' for number in range(3))).send()
        gateways = {one['id']: one for one in self.get().json()['gateways']}
        self.assertEqual([
            (gateways[gateway.id]['sent'], gateways[gateway.id]['failed'], gateways[gateway.id]['failed_attempts'])
            for gateway in (self.gateway, second)], [(0, 0, 3), (3, 0, 0)])
        self.assertIn(f'eis_sms_failed_attempts{{gateway="Loopback",id="{self.gateway.id}"}} 3',
                      self.get('?output=prometheus').text.splitlines())

    def test_prometheus(self):
        self.gateway.name = 'A "quoted" \\ name'
        self.env['sms.gateway.throttle']._save_pauses({self.gateway.id: Pause('account', "Closed", 3000)}, [])
        self.check()
        for query, headers in (
                ('?output=prometheus', {}), ('', {'Accept': 'application/openmetrics-text;q=0.9,*/*;q=0.1'}),
                ('', {'Accept': 'text/plain;version=0.0.4;q=0.5'})):
            response = self.get(query, **headers)
            self.assertIn('version=0.0.4', response.headers['Content-Type'])
            lines = response.text.splitlines()
            self.assertIn('eis_sms_healthy 0', lines)
            self.assertIn('# TYPE eis_sms_queue_length gauge', lines)
            self.assertIn('eis_sms_queue_length{lane="normal"} 0', lines)
            paused, = (line for line in lines if line.startswith('eis_sms_paused_seconds{') and 'quoted' in line)
            self.assertTrue(paused.startswith(
                f'eis_sms_paused_seconds{{gateway="A \\"quoted\\" \\\\ name",id="{self.gateway.id}"}} '), paused)
            self.assertGreater(int(paused.rpartition(' ')[2]), 2900)

    def test_token(self):
        old = self.path
        self.assertEqual(self.get().status_code, 200)
        for path in ('/eis_sms/health/', '/eis_sms/health/False', '/eis_sms/health/é', old + 'x'):
            with self.subTest(path=path):
                response = self.url_open(path)
                self.assertEqual(response.status_code, 404)
                self.assertNotIn("queue", response.text)
        settings = self.env['res.config.settings'].create({})
        self.assertTrue(settings.sms_health_url.endswith(old))
        settings.action_new_sms_health_url()
        self.assertEqual(self.get().status_code, 404)

    def test_without_token(self):
        self.env['ir.config_parameter'].set_param(URL_PARAMETER, False)
        for token in ('', 'False', 'None'):
            self.assertEqual(self.url_open(f'/eis_sms/health/{token}').status_code, 404)
        self.assertFalse(self.env['res.config.settings'].create({}).sms_health_url)

    def test_few_queries(self):
        """Their number does not depend on the number of gateways or SMS."""
        health = self.env['sms.gateway.health']
        health._get_figures()

        def count_queries():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            health._get_figures()
            return self.env.cr.sql_log_count - before

        one = count_queries()
        for index in range(5):
            self.make_gateway(f"Gateway {index}")
        self.make_sms(*(f'+32456000{number:03d}' for number in range(30))).send()
        self.assertEqual(count_queries(), one)
