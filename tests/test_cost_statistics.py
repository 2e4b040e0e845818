# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What SMS cost in the statistics, on the mailing and in the chatter."""
import json
import os
import random
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from odoo.exceptions import AccessError
from odoo.models import BaseModel
from odoo.tests import HttpCase, new_test_user, tagged

from ..sending.queued_sms import QueuedSms
from ..sending.store.results import write_status_rows
from ..sending.store.store import MAX_SAVED
from ..tools.answer.interpretation import SendResult
from .common import GatewayCase, MarketingCase
from .provider import Reply
from .test_cost_price_list import NUMBER, OTHER, CostCase

CENT = Decimal('0.01')
DAYS = 30
RETRIED = 20  # one of so many SMS is sent again
SMS_PER_DAY = -(-int(os.environ.get('EIS_SMS_MONTH', '3000')) // DAYS)  # `scripts/bench costs` takes 100,000


@tagged('post_install', '-at_install')
class TestStatistics(CostCase):

    def group(self, *names):
        rows = self.env['sms.gateway.cost'].formatted_read_group(
            [('gateway_id', '=', self.gateway.id)], list(names), ['cost:sum', 'segment_count:sum'])
        return {
            (row[names[0]][1] if isinstance(row[names[0]], tuple) else row[names[0]]): (
                round(row['cost:sum'], 6), row['segment_count:sum'])
            for row in rows}

    def test_groups(self):
        self.add_price('32', 0.07)
        self.add_price('49', 0.05)
        template = self.env['sms.template'].create({
            'name': "Reminder", 'model_id': self.env.ref('base.model_res_partner').id, 'body': "a" * 161})
        contact = self.make_contact(phone=NUMBER)
        user = new_test_user(self.env, 'cost_user', 'base.group_user,base.group_partner_manager')
        self.env['sms.composer'].with_user(user).with_context(
            active_model='res.partner', active_id=contact.id, default_composition_mode='comment').create({
                'template_id': template.id, 'res_model': 'res.partner', 'res_id': contact.id,
                'body': template.body})._action_send_sms()
        self.send(OTHER)
        self.assertEqual(self.group('country_code'), {'BE': (0.14, 2), 'DE': (0.05, 1)})
        self.assertEqual(self.group('sms_template_id'), {"Reminder": (0.14, 2), False: (0.05, 1)})
        self.assertEqual(self.group('document_model'), {'res.partner': (0.14, 2), False: (0.05, 1)})
        self.assertEqual(self.group('user_id'), {user.name: (0.14, 2), self.env.user.name: (0.05, 1)})
        self.assertEqual(self.group('company_id'), {"Cost": (0.19, 3)})
        self.assertEqual(self.group('gateway_id'), {"Loopback": (0.19, 3)})
        labels = dict(self.env['sms.gateway.cost'].fields_get(['country_code'])['country_code']['selection'])
        self.assertEqual(labels['DE'], "Germany")

    def test_currencies(self):
        """The views show the currency of a group, and convert if there are several."""
        self.add_price('32', 0.07)
        self.send()
        figures = ['cost:sum', 'company_currency_id:array_agg_distinct', 'cost:sum_currency']
        statuses = self.env['sms.gateway.cost']
        domain = [('gateway_id', '=', self.gateway.id)]
        row, = statuses.formatted_read_group(domain, [], figures)
        self.assertEqual(row['company_currency_id:array_agg_distinct'], [self.euro.id])
        self.send(OTHER)  # without cost
        row, = statuses.formatted_read_group(domain, [], figures)
        self.assertEqual(row['company_currency_id:array_agg_distinct'], [self.euro.id])
        self.env.cr.execute("""
            UPDATE sms_gateway_status SET cost = 0.1, price_source = 'report', company_currency_id = %s
            WHERE cost IS NULL
        """, [self.dollar.id])
        # core converts at the next rate if there is one
        self.env['res.currency.rate'].search([('name', '>', self.today)]).unlink()
        row, = statuses.formatted_read_group(domain, [], figures)
        self.assertEqual(
            set(row['company_currency_id:array_agg_distinct']), {self.euro.id, self.dollar.id})
        self.assertAlmostEqual(row['cost:sum_currency'], 0.07 + 0.1 / 1.25)

    def test_pivot(self):
        """The groups of a pivot are those that core would compute."""
        self.add_price('32', 0.07)
        self.add_price('49', 0.05)
        other = self.make_gateway("Other")
        for index, number in enumerate((NUMBER, OTHER, NUMBER, '+12025550123')):
            self.send(number, body="a" * (1 + 160 * index))
        changed = self.env['sms.gateway.status'].search([('number', '=', NUMBER)], limit=1)
        changed.write({'gateway_id': other.id, 'company_currency_id': self.dollar.id})
        # core converts at the next rate if there is one
        self.env['res.currency.rate'].search([('name', '>', self.today)]).unlink()
        statuses = self.env['sms.gateway.cost']
        domain = [('company_id', '=', self.company.id)]
        figures = ['cost:sum', 'company_currency_id:array_agg_distinct', 'cost:sum_currency', 'segment_count:sum',
                   '__count']
        sets = [[], ['gateway_id'], ['country_code'], ['gateway_id', 'country_code']]
        for grouping_sets in (sets, sets[:2], sets[:1], sets[::-1]):
            ours = statuses._read_grouping_sets(domain, grouping_sets, figures)
            theirs = BaseModel._read_grouping_sets(statuses, domain, grouping_sets, figures)
            self.assertEqual(to_plain(ours), to_plain(theirs))
        self.assertEqual(len(ours[0]), 4)
        empty = statuses._read_grouping_sets([*domain, ('number', '=', 'x')], sets, figures)
        self.assertEqual([len(rows) for rows in empty], [1, 0, 0, 0])

    def test_deleted_sms(self):
        """A retry after the SMS was deleted keeps where it comes from."""
        status = self.send()
        self.env.cr.execute("DELETE FROM sms_sms WHERE id = %s", [status.sms_id_int])
        self.write_rows([self.make_queued(status.sms_uuid, status.sms_id_int, NUMBER)])
        self.assertEqual(status.create_uid, self.env.user)

    def test_message(self):
        self.add_price('32', 0.0745)
        message = self.make_contact(phone=NUMBER)._message_sms("Hello")
        statuses = self.env['sms.gateway.status']
        self.assertEqual(statuses.get_message_cost(message.id), '0.0745 EUR')
        user = new_test_user(self.env, 'cost_reader', 'base.group_user')
        with self.assertRaises(AccessError):
            statuses.with_user(user).get_message_cost(message.id)
        status = statuses.search([('gateway_id', '=', self.gateway.id)])
        self.assertIn("Price 0.0745 EUR", status.story)

    def test_repeated_save(self):
        """A save that is repeated adds nothing."""
        uuid = '0' * 31 + '1'
        for attempt, total in ((1, '0.1'), (1, '0.1'), (2, '0.2'), (2, '0.2'), (3, '0.3')):
            sms = self.make_queued(uuid, 0, NUMBER, price=Decimal('0.1'), currency='EUR')
            sms.attempt = attempt
            self.write_rows([sms])
            status = self.env['sms.gateway.status'].search([('sms_uuid', '=', uuid)])
            self.assertEqual(self.get_exact(status)[3], total)
            self.assertEqual(status.segment_count, attempt)
        refused = self.make_queued(uuid, 0, NUMBER)  # no attempt took place, so it has the number of the last one
        refused.attempt = 3
        refused.result = SendResult(uuid=uuid, state='error', outcome='refused', rule=6, failure_type='sms_server')
        for _save in range(2):
            self.write_rows([refused])
            self.assertEqual(self.get_exact(status), ('0.1', 'EUR', 'response', '0.3'))
            self.assertEqual(status.segment_count, 3)

    def make_queued(self, uuid, sms_id, number, price=None, currency='', segments=0, body="Hello"):
        sms = QueuedSms(
            id=sms_id, uuid=uuid, number=number, body=body, company_id=self.company.id, claimed_until=None,
            candidates=(self.gateway.id,), attempt=1)
        sms.result = SendResult(
            uuid=uuid, state='success', outcome='accepted', rule=6, price=price, price_currency=currency,
            segment_count=segments)
        return sms

    def write_rows(self, queued):
        configs = self.env['sms.gateway'].search([])._get_configs()
        write_status_rows(self.env, queued, configs)
        self.env.invalidate_all()

    def test_month(self):
        """SMS of a month over three gateways, two of which charge in euros and one in dollars, some of them sent again:
        the statistics are the sum of the invoices to the cent."""
        seed = random.randrange(10 ** 6)
        chance = random.Random(seed)
        gateways = [self.gateway, self.make_gateway("Second"), self.make_gateway("Third")]
        self.env['res.currency.rate'].search([('currency_id', '=', self.dollar.id)]).unlink()
        days = [self.today - timedelta(days=ago) for ago in range(DAYS)]
        rates = {day: Decimal(chance.randrange(90_000_000, 125_000_000)) / 10 ** 8 for day in days}
        for day, rate in rates.items():
            self.env['res.currency.rate'].create({
                'name': day, 'rate': float(rate), 'currency_id': self.dollar.id, 'company_id': self.company.id})
        listed = Decimal('0.0745')
        self.env['sms.gateway.price'].create({
            'gateway_id': gateways[2].id, 'prefix': '32', 'price': float(listed), 'currency_id': self.euro.id,
            'valid_from': days[-1]})
        invoices, in_euros = dict.fromkeys(gateways, Decimal(0)), dict.fromkeys(gateways, Decimal(0))

        def charge(sms, gateway, price, day):
            """Let a gateway send it, and add it to the invoice."""
            is_listed = gateway == gateways[2]
            currency = {0: 'EUR', 1: 'USD'}.get(gateways.index(gateway), '')
            sms.result = replace(sms.result, price=None if is_listed else price, price_currency=currency)
            sms.candidates = (gateway.id,)
            if is_listed:
                price = listed * {"Hello": 1, "a" * 161: 2, "€" * 71: 1, "ż" * 71: 2}[sms.body]
            invoices[gateway] += price
            in_euros[gateway] += price / rates[day] if gateway == gateways[1] else price

        for count, day in enumerate(days):
            queued = []
            for index in range(SMS_PER_DAY):
                sms = self.make_queued(
                    f'{count:016x}{index:016x}', 0, NUMBER,
                    body=chance.choice(("Hello", "a" * 161, "€" * 71, "ż" * 71)))
                charge(sms, chance.choice(gateways), Decimal(chance.randrange(1, 200_000)) / 10 ** 6, day)
                queued.append(sms)
            for start in range(0, len(queued), MAX_SAVED):
                self.write_on(queued[start:start + MAX_SAVED], day)
            again = queued[::RETRIED]
            self.env['sms.gateway.attempt']._keep_before_retry([sms.uuid for sms in again])
            for sms in again:  # charged again, by this gateway or another
                sms.attempt = 2
                charge(sms, chance.choice(gateways), Decimal(chance.randrange(1, 200_000)) / 10 ** 6, day)
            for start in range(0, len(again), MAX_SAVED):
                self.write_on(again[start:start + MAX_SAVED], day)
        groups = self.env['sms.gateway.cost']._read_group(
            [('company_id', '=', self.company.id)], ['gateway_id'], ['price:sum', 'cost:sum', '__count'])
        self.assertEqual(sum(group[3] for group in groups), DAYS * (SMS_PER_DAY + -(-SMS_PER_DAY // RETRIED)))
        for gateway, price, cost, _count in groups:
            with self.subTest(gateway=gateway.name, seed=seed):
                self.assertEqual(to_cents(price), to_cents(invoices[gateway]))
                self.assertEqual(to_cents(cost), to_cents(in_euros[gateway]))

    def write_on(self, queued, day):
        """Save results on a day."""
        now = self.env.cr.now()
        self.env.cr._now = now.replace(year=day.year, month=day.month, day=day.day)
        self.addCleanup(setattr, self.env.cr, '_now', now)
        self.write_rows(queued)


def to_plain(grouping_sets):
    """Without the last digit of binary floats."""
    return [
        [tuple(round(value, 9) if isinstance(value, float) else value or 0 for value in row) for row in rows]
        for rows in grouping_sets]


def to_cents(amount):
    return Decimal(str(amount)).quantize(CENT, ROUND_HALF_UP)


@tagged('post_install', '-at_install')
class TestCostTour(GatewayCase, HttpCase):

    def test_costs(self):
        self.env['sms.gateway.status'].search([]).unlink()
        currency = self.env.company.currency_id
        self.env['sms.gateway.price'].create({
            'gateway_id': self.gateway.id, 'prefix': '32', 'price': 0.0745, 'currency_id': currency.id})
        self.make_sms(NUMBER, body="a" * 161).send()
        self.start_tour(
            f'/odoo/action-eis_sms_apis.sms_gateway_action/{self.gateway.id}', 'eis_sms_apis.costs', login='admin')
        prices = self.env['sms.gateway.price'].search([('gateway_id', '=', self.gateway.id)])
        self.assertEqual(prices.mapped('prefix'), ['32', '49'])


@tagged('post_install', '-at_install')
class TestMailingCost(MarketingCase):

    def test_mailing(self):
        currency = self.env.company.currency_id
        campaign = self.env['utm.campaign'].create({'title': "Summer"})
        self.mailing.write({'campaign_id': campaign.id, 'user_id': new_test_user(
            self.env, 'cost_marketing', 'mass_mailing.group_mass_mailing_user').id})
        self.gateway.write({
            'answer_message_id_path': 'id', 'answer_price_path': 'price', 'answer_currency': currency.name})
        self.always_answer(Reply(body=json.dumps({'id': '1', 'price': '0.25'})))
        self.mailing.action_send_sms()
        self.env.invalidate_all()
        statuses = self.env['sms.gateway.status']
        rows = statuses.search([('mailing_id_int', '=', self.mailing.id)])
        self.assertEqual(len(rows), len(self.contacts))
        self.assertEqual(
            set(rows.mapped(lambda row: (row.mailing_name, row.campaign_name, row.document_model, row.create_uid))),
            {("Summer sale", "Summer", 'res.partner', self.mailing.user_id)})
        total = f'{0.25 * len(rows):.2f}'
        self.assertIn(total, statuses.with_user(self.mailing.user_id).get_mailing_cost(self.mailing.id))
        with self.assertRaises(AccessError):
            statuses.with_user(new_test_user(self.env, 'cost_other', 'base.group_user')).get_mailing_cost(
                self.mailing.id)

    def test_no_cost(self):
        self.assertEqual(self.env['sms.gateway.status'].get_mailing_cost(self.mailing.id), '')
