# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Urgent SMS are sent before normal ones, and these before bulk SMS, which still get their part."""
from odoo.tests import tagged

from ..sending.store.claims import claim_due, find_due
from .common import GatewayCase, MarketingCase
from .test_sending_doors import DoorCase

NUMBER = '+32456001122'


@tagged('post_install', '-at_install')
class TestLaneOfDoors(DoorCase):
    """Which lane each way of sending chooses."""

    def assertLanes(self, *lanes):
        self.assertEqual(self.new_sms().mapped('lane'), list(lanes))

    def run_action(self, **values):
        action = self.env['ir.actions.server'].create({
            'name': "Send", 'model_id': self.env['ir.model']._get_id('res.partner'), 'state': 'sms',
            'sms_template_id': self.template.id, **values})
        action.with_context(
            active_model='res.partner', active_id=self.jo.id, active_ids=self.jo.ids).run()

    def test_composer_of_one_contact(self):
        self.composer(self.jo, composition_mode='comment').action_send_sms()
        self.assertLanes('normal')

    def test_composer_of_numbers(self):
        self.composer(composition_mode='numbers', numbers=NUMBER).action_send_sms()
        self.assertLanes('normal')

    def test_mass_composer(self):
        self.composer(self.contacts, composition_mode='mass', mass_force_send=True).action_send_sms()
        self.assertLanes('bulk', 'bulk')

    def test_message_of_a_record(self):
        self.jo._message_sms("Hello")
        self.assertLanes('normal')

    def test_urgent_template(self):
        self.template.is_urgent = True
        self.composer(self.jo, composition_mode='comment', template_id=self.template.id).action_send_sms()
        self.composer(self.jo, composition_mode='mass', template_id=self.template.id).action_send_sms()
        self.jo._message_sms_with_template(template=self.template)
        self.jo._message_sms_schedule_mass(template=self.template)
        self.assertLanes(*['urgent'] * 4)

    def test_template_that_is_not_urgent(self):
        self.jo._message_sms_with_template(template=self.template)
        self.jo._message_sms_schedule_mass(template=self.template)
        self.assertLanes('normal', 'bulk')

    def test_template_by_its_xml_id(self):
        self.template.is_urgent = True
        self.env['ir.model.data'].create({
            'module': '__test__', 'name': 'greeting', 'model': 'sms.template', 'res_id': self.template.id})
        self.jo._message_sms_with_template(template_xmlid='__test__.greeting')
        self.jo._message_sms_with_template('', '__test__.missing', "Hello", self.jo.ids)
        self.assertLanes('urgent', 'normal')

    def test_server_action(self):
        for values, lane in [
            ({'sms_method': 'comment'}, 'normal'),
            ({'sms_method': 'sms'}, 'bulk'),
            ({'sms_method': 'comment', 'is_sms_urgent': True}, 'urgent'),
            ({'sms_method': 'sms', 'is_sms_urgent': True}, 'urgent'),
        ]:
            with self.subTest(values):
                self.setUp()
                self.run_action(**values)
                self.assertLanes(lane)

    def test_code(self):
        self.env['sms.sms'].with_context(sms_lane='urgent').create({'number': NUMBER, 'body': "Code"})
        self.jo.with_context(sms_lane='urgent')._message_sms("Code")
        self.assertLanes('urgent', 'urgent')


@tagged('post_install', '-at_install')
class TestLaneOfTransaction(GatewayCase):

    def setUp(self):
        super().setUp()
        self.env.cr.postcommit.clear()  # as at the start of a transaction

    def test_more_than_twenty_at_once_are_bulk(self):
        self.assertEqual(set(self.make_sms(*[NUMBER] * 21).mapped('lane')), {'bulk'})

    def test_more_than_twenty_one_by_one_are_bulk(self):
        urgent = self.make_sms(NUMBER).browse()
        urgent = urgent.with_context(sms_lane='urgent').create({'number': NUMBER, 'body': "Code"})
        sms = self.env['sms.sms'].union(*(self.make_sms(NUMBER) for _index in range(18)))
        self.assertEqual(set(sms.mapped('lane')), {'normal'})
        sms[0].unlink()
        sms = sms[1:] + self.make_sms(NUMBER)
        self.assertEqual(set(sms.mapped('lane')), {'bulk'})
        self.assertEqual(urgent.lane, 'urgent')

    def test_next_transaction(self):
        self.make_sms(*[NUMBER] * 21)
        self.env.cr.postcommit.clear()
        self.assertEqual(self.make_sms(NUMBER).lane, 'normal')


@tagged('post_install', '-at_install')
class TestLaneOfClaims(GatewayCase):

    def setUp(self):
        super().setUp()
        self.env['sms.sms'].search([('state', '=', 'outgoing')]).state = 'canceled'

    def claim_lanes(self, limit, ids=None):
        self.env.flush_all()
        return [sms.lane for sms in claim_due(self.env, limit, ids)]

    def test_order(self):
        for lane in ('bulk', 'normal', 'urgent', 'normal', 'urgent'):
            self.make_sms(NUMBER, lane=lane)
        self.assertEqual(self.claim_lanes(3), ['urgent', 'urgent', 'normal'])
        self.assertEqual(self.claim_lanes(9), ['urgent', 'urgent', 'normal', 'normal', 'bulk'])

    def test_bulk_does_not_starve(self):
        self.make_sms(*[NUMBER] * 30, lane='bulk')
        self.make_sms(*[NUMBER] * 50, lane='urgent')
        lanes = self.claim_lanes(20)
        self.assertEqual((len(lanes), lanes.count('bulk')), (20, 2))
        self.assertEqual([lanes[9], lanes[19]], ['bulk', 'bulk'])

    def test_bulk_uses_what_others_leave(self):
        self.make_sms(*[NUMBER] * 30, lane='bulk')
        self.make_sms(NUMBER, lane='normal')
        self.assertEqual(self.claim_lanes(20), ['normal'] + ['bulk'] * 19)

    def test_others_use_what_bulk_leaves(self):
        self.make_sms(*[NUMBER] * 30, lane='normal')
        self.assertEqual(self.claim_lanes(20), ['normal'] * 20)

    def test_sms_of_earlier_versions_are_normal(self):
        self.make_sms(NUMBER, lane='bulk')
        sms = self.make_sms(NUMBER)
        self.env.flush_all()
        self.env.cr.execute("UPDATE sms_sms SET lane = NULL WHERE id = %s", [sms.id])
        self.assertEqual(self.claim_lanes(2), ['normal', 'bulk'])

    def test_selected_sms(self):
        bulk, urgent = self.make_sms(NUMBER, lane='bulk'), self.make_sms(NUMBER, lane='urgent')
        self.make_sms(NUMBER, lane='urgent')
        self.assertEqual(self.claim_lanes(2, (bulk + urgent).ids), ['urgent', 'bulk'])

    def test_a_refused_sms_is_found_in_the_same_order(self):
        """The SMS that a claim of one takes is the one that is set aside."""
        for lane in ('bulk', 'normal', 'urgent'):
            self.make_sms(NUMBER, lane=lane)
        refused = []
        for _index in range(3):
            self.env.flush_all()
            [claimed] = claim_due(self.env, 1, refused=refused)
            self.assertEqual(find_due(self.env, None, refused), claimed.id)
            refused.append(claimed.id)
        self.assertEqual(claim_due(self.env, 1, refused=refused), [])

    def test_queue_sends_in_this_order(self):
        self.gateway.max_connections = 1
        for lane in ('bulk', 'normal', 'urgent'):
            self.make_sms(NUMBER, body=lane, lane=lane)
        self.env['sms.sms']._process_queue()
        self.assertEqual([body for _number, body in self.provider.sms], ['urgent', 'normal', 'bulk'])


@tagged('post_install', '-at_install')
class TestLaneOfMailings(MarketingCase):

    def test_mailing(self):
        last = self.env['sms.sms'].search([], limit=1, order='id desc').id or 0
        self.make_mailing().action_send_sms()
        sms = self.env['sms.sms'].search([('id', '>', last)])
        self.assertEqual(set(sms.mapped('lane')), {'bulk'})
