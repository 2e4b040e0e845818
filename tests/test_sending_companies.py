# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each company sends through its own gateways, or another provider's addon: doc/behaviour.md sections 1 and 4."""
import json
from unittest import SkipTest
from urllib.parse import parse_qs

import requests

from odoo.addons.sms.tools.sms_api import SmsApi
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common import GatewayCase
from .provider import Reply

JO, ANN, BO = '+32456001122', '+32456003344', '+32456005566'


class CompanyCase(GatewayCase):
    """Given company A, the current one, and B, each with a gateway of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_a = cls.env.company
        cls.company_b = cls.env['res.company'].create({'name': "B"})
        cls.env.user.company_ids |= cls.company_b
        cls.gateway.company_id = cls.company_a
        cls.gateway_b = cls.make_gateway("B's", company_id=cls.company_b.id, base_url=f'{cls.provider.url}/b')

    def make_sms_of(self, company, *numbers):
        return self.make_sms(*numbers, record_company_id=company.id)

    def arrived(self, path):
        return sorted(
            number for request in self.provider.requests if request.path == path
            for number, _text in self.provider.extract(request))


@tagged('post_install', '-at_install')
class TestCompanies(CompanyCase):

    def test_queue_of_both_is_drained_in_one_run(self):
        """Core's own queue stops on it with "Expected singleton"."""
        sms = self.make_sms_of(self.company_a, JO, BO) + self.make_sms_of(self.company_b, ANN)
        self.env['sms.sms']._process_queue()
        self.assertEqual(sms.mapped('state'), ['pending'] * 3)
        self.assertEqual((self.arrived('/'), self.arrived('/b')), ([JO, BO], [ANN]))
        self.assertEqual(self.status_of(sms[2]).company_id, self.company_b)

    def test_send_of_both(self):
        (self.make_sms_of(self.company_a, JO) + self.make_sms_of(self.company_b, ANN)).send()
        self.assertEqual((self.arrived('/'), self.arrived('/b')), ([JO], [ANN]))

    def test_lost_claim_belongs_to_the_company(self):
        """An SMS that was queued before the addon was installed has the company of its message only."""
        contact = self.make_contact(company_id=self.company_b.id)
        message = contact._message_sms("Hello", put_in_queue=True)
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        sms.flush_recordset()
        self.env.cr.execute("""
            UPDATE sms_sms SET state = 'process', record_company_id = NULL, gateway_id = %s, attempt = 1,
                not_started = FALSE, claimed_until = (now() AT TIME ZONE 'UTC') - interval '1 hour' WHERE id = %s
        """, [self.gateway_b.id, sms.id])
        self.env.invalidate_all()
        with mute_logger('odoo.addons.eis_sms_apis.sending.store.lost_claims'):
            self.env['sms.sms']._process_queue()
        self.assertEqual(sms.state, 'error')
        self.assertEqual(self.status_of(sms).company_id, self.company_b)

    def test_company_of_the_message(self):
        """A document's company decides, whichever company the person works in."""
        contact = self.make_contact(company_id=self.company_b.id)
        message = contact._message_sms("Hello")
        self.assertEqual(message.record_company_id, self.company_b)
        self.assertEqual((self.arrived('/'), self.arrived('/b')), ([], [JO]))

    def test_company_in_which_the_person_works(self):
        self.env['sms.sms'].with_company(self.company_b).create({'number': JO, 'body': "Hello"})
        self.env['sms.sms']._process_queue()
        self.assertEqual((self.arrived('/'), self.arrived('/b')), ([], [JO]))

    def test_never_through_a_gateway_of_another_company(self):
        self.gateway_b.state = 'disabled'
        sms = self.make_sms_of(self.company_b, ANN)
        self.env['sms.sms']._process_queue()
        self.assertEqual((sms.state, sms.gateway_id.id, self.provider.requests), ('error', False, []))

    def test_never_through_a_gateway_of_another_company_on_fail_over(self):
        self.provider.answer(503, path='/b')
        sms = self.make_sms_of(self.company_b, ANN)
        sms.send()
        self.assertEqual((sms.state, self.arrived('/')), ('outgoing', []))

    def test_one_broken_gateway_stops_no_other(self):
        """What cannot even be read, because somebody wrote it past our checks, fails by itself."""
        self.env.cr.execute("UPDATE sms_gateway SET request_type = 'json', body_template = '{' WHERE id = %s", [
            self.gateway.id])
        self.env.invalidate_all()
        sms = self.make_sms_of(self.company_a, JO) + self.make_sms_of(self.company_b, ANN)
        with mute_logger('odoo.addons.eis_sms_apis.sending.dispatch'):
            self.env['sms.sms']._process_queue()
        self.assertEqual(sms.mapped('state'), ['error', 'pending'])
        self.assertEqual(self.status_of(sms[0]).outcome, 'refused')


@tagged('post_install', '-at_install')
class TestAdministratorOfOneCompany(CompanyCase):
    """Given a settings administrator of A, and gateways of A, of B and of nobody."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = cls.make_gateway("Shared", sequence=90)
        for gateway in cls.gateway_b, cls.shared:
            gateway.write({
                'header_ids': [(0, 0, {'key': 'X-Own', 'value': 'x'})],
                'callback_failure_map_ids': [
                    (0, 0, {'provider_code': f'7 of {gateway.name}', 'failure_type': 'sms_credit'})]})
        cls.user = new_test_user(
            cls.env, 'adam', 'base.group_system', company_id=cls.company_a.id, company_ids=[(6, 0, cls.company_a.ids)])

    def as_user(self, records):
        return self.env(user=self.user, context={})[records._name].browse(records.ids)

    def children(self, gateway):
        return gateway.parameter_ids, gateway.header_ids, gateway.callback_failure_map_ids

    def test_gateways_of_another_company_are_out_of_reach(self):
        """Whichever way: by their own model, those of their rows, a row moved to them, Send Test SMS."""
        mine = self.as_user(self.shared)
        for rows in (self.gateway_b, *self.children(self.gateway_b)):
            foreign = self.as_user(rows)
            field = {'sms.gateway': 'name', 'sms.gateway.callback.failure.map': 'provider_code'}.get(rows._name, 'key')
            with self.subTest(model=rows._name):
                self.assertFalse(foreign.search([('id', 'in', rows.ids)]))
                for call in (
                        lambda foreign=foreign, field=field: foreign.read([field]),
                        lambda foreign=foreign, field=field: foreign.write({field: 'mine'}),
                        lambda foreign=foreign: foreign.unlink()):
                    with self.assertRaises(AccessError):
                        call()
        for rows in self.children(mine):
            vals = rows[:1].read([name for name in ('key', 'provider_code') if name in rows._fields])[0]
            vals = {key: value for key, value in vals.items() if key != 'id'}
            with self.subTest(create=rows._name), self.assertRaises(AccessError):
                rows.create({**vals, 'gateway_id': self.gateway_b.id})
            with self.subTest(move=rows._name), self.assertRaises(AccessError):
                rows[:1].gateway_id = self.gateway_b.id
        test = self.as_user(self.env['sms.gateway.test'])
        with self.assertRaises(AccessError):
            test.create({'gateway_id': self.gateway_b.id, 'number': JO}).action_send()
        self.assertFalse(self.provider.requests)

    def test_gateway_is_not_moved_into_a_company_of_others(self):
        """Its SMS would go wherever the administrator of another company likes."""
        for gateway in self.gateway, self.shared:
            for vals in ({'company_id': self.company_b.id}, {'company_id': self.company_b.id, 'name': "Mine"}):
                with self.subTest(gateway=gateway.name, vals=vals), self.assertRaises(AccessError):
                    self.as_user(gateway).write(vals)
                gateway.invalidate_recordset()
        self.as_user(self.shared).company_id = self.company_a
        self.as_user(self.shared).company_id = False

    def test_send_test_sms_shows_no_status_of_another_company(self):
        """Its UUID can be written into the dialog by a client, and every administrator reads those of `sms.sms`."""
        self.make_sms_of(self.company_b, ANN).send()
        status = self.env['sms.gateway.status'].search([('gateway_id', '=', self.gateway_b.id)])
        status.write({'delivered_date': '2026-01-02 03:04:05', 'awaits_report': True})
        test = self.as_user(self.env['sms.gateway.test']).create(
            {'gateway_id': self.gateway.id, 'number': JO, 'sms_uuid': status.sms_uuid})
        self.env.invalidate_all()
        values, = test.read(['delivered_date', 'waits_for_report', 'status_id'])
        self.assertEqual(
            values, {'id': test.id, 'delivered_date': False, 'waits_for_report': False, 'status_id': False})

    def test_gateways_of_the_own_company_and_of_nobody(self):
        for gateway in self.gateway, self.shared:
            own = self.as_user(gateway)
            own.name = "Renamed"
            own.header_ids = [(0, 0, {'key': 'X-New', 'value': 'y'})]
            self.assertIn('X-New', own.header_ids.mapped('key'))
            self.env['sms.gateway.test'].with_user(self.user).create(
                {'gateway_id': gateway.id, 'number': JO, 'body': "Hi"}).action_send()
        self.assertEqual(len(self.provider.requests), 2)

    def test_figures_of_gateways_are_of_the_own_company(self):
        """Failures of B neither stop the screens of A nor show in them, at B's own gateway and at a shared one."""
        (self.gateway_b | self.gateway).state = 'disabled'
        self.make_sms_of(self.company_a, BO).send()
        self.gateway_b.state = 'active'
        for path in ('/b', '/'):
            self.provider.answer(*[Reply(400, "Words for B")] * 2, path=path)
            self.make_sms_of(self.company_b, JO, ANN).send()
            self.gateway_b.state = 'disabled'
        (self.gateway_b | self.gateway).state = 'active'
        self.env.invalidate_all()
        self.assertEqual(self.shared.with_context(allowed_company_ids=self.company_b.ids).last_error, "Words for B")
        self.assertTrue(self.gateway_b.is_failing)
        shared = self.as_user(self.shared)
        self.assertFalse(shared.search([('is_failing', '=', True)]))
        self.assertIn(shared, shared.search([('is_failing', '=', False)]))
        for gateway in shared.search([]):
            self.assertFalse(Form(gateway).last_error)
            gateway.read()  # every field
        self.assertEqual(
            (shared.sms_count, shared.sent_today_count, shared.failed_today_count, shared.is_failing), (1, 1, 0, False))

    def test_settings_open_while_another_company_has_the_default_gateway(self):
        """They show none, say so, and saving them does not take it away."""
        parameters = self.env['ir.config_parameter'].sudo()
        parameters.set_param('sms.sms_gateway_id', self.gateway_b.id)
        settings = Form(self.env(user=self.user, context={})['res.config.settings'])
        self.assertFalse(settings.sms_gateway_id)
        self.assertIn("belongs to another company", settings.sms_gateway_warning)
        settings.save().execute()
        self.assertEqual(parameters.get_param('sms.sms_gateway_id'), str(self.gateway_b.id))
        settings = Form(self.env(user=self.user, context={})['res.config.settings'])
        settings.sms_gateway_id = self.as_user(self.shared)
        self.assertFalse(settings.sms_gateway_warning)
        settings.save().execute()
        self.assertEqual(parameters.get_param('sms.sms_gateway_id'), str(self.shared.id))

    def test_which_gateway_for_a_company_that_is_not_selected(self):
        """The user belongs to both and works in A: an answer for B, and no error."""
        self.user.company_ids |= self.company_b
        tool = self.env(user=self.user, context={'allowed_company_ids': self.company_a.ids})
        route = tool['sms.gateway.route'].create({'number': JO, 'company_id': self.company_b.id})
        values, = route.web_read({'gateway_id': {'fields': {'display_name': {}}}, 'reason': {}, 'next_ids': {
            'fields': {'name': {}}}})
        self.assertEqual((values['gateway_id'], values['next_ids']), (False, []))
        self.assertIn("company switcher", values['reason'])
        explained = tool['sms.gateway'].explain_route(JO, self.company_b.id)
        self.assertEqual(explained['gateway'], [self.gateway_b.id, "B's"])
        self.user.company_ids -= self.company_b
        with self.assertRaises(AccessError):
            tool['sms.gateway'].explain_route(JO, self.company_b.id)


@tagged('post_install', '-at_install')
class TestOtherApi(CompanyCase):
    """Company B is on core's Twilio addon, whose HTTP requests end here, as in core's own tests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if 'sms_provider' not in cls.env['res.company']:
            raise SkipTest("sms_twilio is not installed in this database")
        cls.company_b.write({
            'sms_provider': 'twilio', 'sms_twilio_account_sid': 'AC' + '1' * 32, 'sms_twilio_auth_token': 'token',
            'sms_twilio_number_ids': [(0, 0, {'country_id': cls.env.ref('base.be').id, 'number': '+32455998877'})]})
        cls.twilio = []

    @classmethod
    def _request_handler(cls, session, request, /, **kwargs):
        if not request.url.startswith('https://api.twilio.com/'):
            return super()._request_handler(session, request, **kwargs)
        if cls.twilio is None:
            raise OSError("Twilio is down in an unexpected way")
        cls.twilio += parse_qs(request.body)['To']
        response = requests.Response()
        response.status_code = 201
        response._content = json.dumps({'sid': f'SM{len(cls.twilio)}', 'status': 'queued'}).encode()
        return response

    def setUp(self):
        super().setUp()
        type(self).twilio = []

    def test_company_on_twilio_keeps_it(self):
        sms = self.make_sms_of(self.company_b, ANN)
        sms.send()
        self.assertEqual((self.twilio, self.provider.requests), ([ANN], []))
        self.assertEqual((sms.state, sms.gateway_id.id), ('pending', False))
        self.assertFalse(self.status_of(sms))

    def test_each_company_through_its_own_api_in_one_run(self):
        sms = self.make_sms_of(self.company_a, JO) + self.make_sms_of(self.company_b, ANN)
        sms += self.make_sms_of(self.company_a, BO)
        self.env['sms.sms']._process_queue()
        self.assertEqual((self.twilio, self.arrived('/'), self.arrived('/b')), ([ANN], [JO, BO], []))
        self.assertEqual(set(sms.mapped('state')), {'pending'})

    def test_send_of_both(self):
        (self.make_sms_of(self.company_a, JO) + self.make_sms_of(self.company_b, ANN)).send()
        self.assertEqual((self.twilio, self.arrived('/'), self.arrived('/b')), ([ANN], [JO], []))

    def test_more_than_one_batch_of_twilio(self):
        """`sms_twilio` makes batches of 10; they hold nobody up."""
        numbers = [f'+3245600{index:04d}' for index in range(25)]
        self.make_sms_of(self.company_b, *numbers)
        self.make_sms_of(self.company_a, *numbers)
        self.env['sms.sms']._process_queue()
        self.assertEqual((sorted(self.twilio), self.arrived('/')), (numbers, numbers))

    def test_raising_api_stops_no_gateway(self):
        type(self).twilio = None
        sms = self.make_sms_of(self.company_b, ANN) + self.make_sms_of(self.company_a, JO)
        self.env['sms.sms']._process_queue()
        self.assertEqual(sms.mapped('state'), ['error', 'pending'])
        self.assertEqual(self.arrived('/'), [JO])

    def test_broken_account_stops_no_gateway(self):
        self.company_b.sms_twilio_account_sid = 'none'
        sms = self.make_sms_of(self.company_b, ANN) + self.make_sms_of(self.company_a, JO)
        self.env['sms.sms']._process_queue()
        self.assertEqual(sms.mapped('state'), ['error', 'pending'])

    def test_no_account_at_odoo_is_made(self):
        """Core's IAP class makes one whenever it is called; an SMS of a gateway must not."""
        accounts = self.env['iap.account'].search_count([])
        self.make_sms_of(self.company_a, JO).send()
        self.assertEqual(self.env['iap.account'].search_count([]), accounts)

    def test_iap_of_one_company_beside_gateways_of_another(self):
        """IAP Fallback is decided for each company by itself."""
        self.env['ir.config_parameter'].sudo().set_param('sms.iap_fallback', True)
        company_c = self.env['res.company'].create({'name': "C"})
        self.assertEqual(company_c._get_sms_api_class(), SmsApi)
        sms = self.make_sms_of(company_c, ANN) + self.make_sms_of(self.company_a, JO)
        with mute_logger('odoo.addons.iap.tools.iap_tools'):
            self.env['sms.sms']._process_queue()  # tests may not reach IAP: its SMS fails
        self.assertEqual(sms.mapped('state'), ['error', 'pending'])
        self.assertEqual(self.arrived('/'), [JO])
