# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What SMS cost is read from responses and delivery reports, in the ways in which the providers document it."""
import json
from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..tools.answer.interpretation import HttpAnswer, interpret
from ..tools.report.parsing import parse_reports
from . import template_samples
from .common import get_template
from .provider import Reply
from .test_cost_price_list import NUMBER, CostCase
from .test_templates import get_recipients

PROVIDERS = 15  # whose samples contain the price


@tagged('post_install', '-at_install')
class TestPricesOfProviders(CostCase):

    def test_samples(self):
        """Price, currency and segments, to the last digit."""
        priced = set()
        for slug in template_samples.template_slugs():
            samples, template = template_samples.load(slug), get_template(self.env, slug)
            for sample in samples.prices:
                with self.subTest(provider=slug, sample=sample):
                    read = self.read_answer if 'answer' in sample else self.read_report
                    expected = sample['amount'], sample['currency'], sample['segments']
                    self.assertEqual(read(template, samples, sample), expected)
                if sample['amount']:
                    priced.add(slug)
            for name in ('answer_price_path', 'delivery_callback_price_param'):
                kind = 'answer' if name.startswith('answer') else 'report'
                with self.subTest(provider=slug, field=name):
                    self.assertTrue(
                        not template[name] or any(kind in sample for sample in samples.prices), "It has no sample.")
        self.assertGreaterEqual(len(priced), PROVIDERS)

    def read_answer(self, template, samples, sample):
        answer = samples.accepted(sample['answer'])
        if 'body' in sample:
            answer = {**answer, 'body': sample['body']}
        body = answer['body'] if isinstance(answer['body'], str) else json.dumps(answer['body'])
        recipients = get_recipients(template, samples.request(answer.get('request', '')))
        results = interpret(template._get_answer_rules(False), recipients, HttpAnswer(answer['status'], body))
        return '' if results[0].price is None else str(results[0].price), results[0].price_currency, (
            results[0].segment_count)

    def read_report(self, template, samples, sample):
        report = next(report for report in samples.reports if report['name'] == sample['report'])
        if 'body' in sample:
            report = {**report, 'body': sample['body']}
        tokens = {(name, number): f'{name}{number}'.lower() for number in (1, 2, 3) for name in (
            'UUID', 'UUID20', 'NUMBER', 'BATCH', 'BATCH20', 'CALLBACK', 'MESSAGE_ID')}
        read, = parse_reports(template._get_report_rules(), *template_samples.call_of(report, tokens))
        return read.price, read.price_currency, read.segment_count


class ReportCase(CostCase):
    """Given a gateway whose delivery reports have a price."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.write({
            'delivery_callback_enabled': True, 'delivery_callback_price_param': 'price',
            'delivery_callback_currency_param': 'currency', 'delivery_callback_segments_param': 'parts'})

    def report(self, status, state='delivered', **values):
        body = json.dumps([{'message_id': status.message_id, 'status': state, **values}]).encode()
        self.gateway._receive_reports(
            parse_reports(self.gateway._get_report_rules(), 'POST', b'', 'application/json', body))
        self.env.invalidate_all()


@tagged('post_install', '-at_install')
class TestReportedPrice(ReportCase):

    def test_final_price(self):
        """The price of the report replaces that of the response, also as a negative number and when it is 0."""
        self.answer_price('0.10', 'EUR')
        for price, said, cost in (
                ('-0.00750', '0.00750', '0.006'), ('0.25', '0.25', '0.2'), (0, '0', '0')):
            status = self.send()
            self.assertEqual(self.get_exact(status), ('0.10', 'EUR', 'response', '0.1'))
            self.report(status, price=price, currency='USD')
            self.assertEqual(self.get_exact(status), (said, 'USD', 'report', cost))
            status.unlink()  # the next one has the same message ID

    def test_no_price(self):
        """Twilio and Telnyx send null until the price is known."""
        self.answer_price('0.10', 'EUR')
        status = self.send()
        for price in (None, '', 'null'):
            self.report(status, price=price, currency='USD', parts='3')
            self.assertEqual(self.get_exact(status), ('0.10', 'EUR', 'response', '0.1'))
        self.assertEqual(status.segment_count, 3)

    def test_price_of_a_later_report(self):
        """The report that is final for the state need not be the last one."""
        self.answer_price(None)
        status = self.send()
        self.report(status, price=None)
        self.assertEqual(self.get_exact(status)[0], None)
        self.report(status, price='0.25', currency='EUR')
        self.assertEqual(self.get_exact(status), ('0.25', 'EUR', 'report', '0.25'))
        self.report(status, state='sent', price='0.30', currency='EUR')
        self.assertEqual(self.get_exact(status)[0], '0.30')

    def test_repeated_report_writes_nothing(self):
        self.answer_price('0.10', 'EUR')
        status = self.send()
        self.report(status, price='0.25', currency='USD', parts=1)
        self.env.cr.execute("SELECT xmin::text, ctid::text FROM sms_gateway_status WHERE id = %s", [status.id])
        before = self.env.cr.fetchone()
        self.report(status, price='0.25', currency='USD', parts=1)
        self.env.cr.execute("SELECT xmin::text, ctid::text FROM sms_gateway_status WHERE id = %s", [status.id])
        self.assertEqual(self.env.cr.fetchone(), before)

    def test_per_segment(self):
        self.answer_price('0.10', 'EUR')
        self.gateway.is_price_per_segment = True
        status = self.send(body="a" * 161)
        self.assertEqual(self.get_exact(status), ('0.20', 'EUR', 'response', '0.2'))
        self.report(status, price='0.25', currency='EUR')
        self.assertEqual(self.get_exact(status), ('0.50', 'EUR', 'report', '0.5'))
        self.report(status, price='0.25', currency='EUR', parts=3)
        self.assertEqual((self.get_exact(status)[0], status.segment_count), ('0.75', 3))

    def test_unit_value_that_would_make_sms_free(self):
        for value in (0, -1):
            with self.subTest(value), mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError), \
                    self.env.cr.savepoint():
                self.gateway.price_unit_value = value
                self.gateway.flush_recordset()

    def test_unit_value(self):
        self.gateway.write({'price_unit_value': 0.045, 'answer_currency': 'EUR'})
        self.answer_price('2', None)
        status = self.send()
        self.assertEqual(self.get_exact(status), ('0.090', 'EUR', 'response', '0.09'))
        self.report(status, price='1.5')
        self.assertEqual(self.get_exact(status), ('0.0675', 'EUR', 'report', '0.0675'))

    def test_rate_of_the_day_on_which_it_was_sent(self):
        self.answer_price('0.10', 'EUR')
        status = self.send()
        self.env.cr.execute(
            "UPDATE sms_gateway_status SET sent_date = sent_date - interval '2 days' WHERE id = %s", [status.id])
        self.report(status, price='0.11', currency='USD')
        self.assertEqual(self.get_exact(status)[3], '0.1')

    def test_segments_of_the_price_list(self):
        """The provider charges what it counts."""
        self.add_price('32', 0.07)
        status = self.send()
        self.report(status, parts=2)
        self.assertEqual(self.get_exact(status), ('0.140000', 'EUR', 'price_list', '0.14'))

    def test_credits_do_not_replace_the_price_list(self):
        self.add_price('32', 0.07)
        status = self.send()
        self.report(status, price=2, currency='credits')
        self.assertEqual(self.get_exact(status), ('0.070000', 'EUR', 'price_list', '0.07'))

    def test_unknown_outcome(self):
        """A report shows that the provider accepted the SMS, so it is charged."""
        self.add_price('32', 0.07)
        self.gateway.delivery_callback_uuid_param = 'uuid'
        self.always_answer(Reply(status=500, body='{}'))
        status = self.send()
        self.assertEqual((status.outcome, self.get_exact(status)[3]), ('unknown', None))
        self.report(status, uuid=status.sms_uuid)
        self.assertEqual((status.outcome, self.get_exact(status)[3]), ('accepted', '0.07'))

    def test_earlier_attempt(self):
        """Its report does not change the price of the last attempt."""
        self.gateway.delivery_callback_uuid_param = 'uuid'
        self.always_answer(Reply(status=400, body='{}'))
        sms = self.make_sms(NUMBER)
        sms.send()
        self.answer_price('0.10', 'EUR')
        sms.action_retry()
        self.env['sms.sms']._process_queue()
        status = self.status_of(sms)
        self.assertEqual(status.attempt, 2)
        self.report(status, state='failed', uuid=status.sms_uuid, message_id='', price='0.5', currency='EUR')
        self.assertEqual(self.get_exact(status)[0], '0.10')

    def fail_and_retry(self, prices=('0.10', '0.20')):
        """Let an SMS fail that the provider accepted, and send it again."""
        self.gateway.delivery_callback_uuid_param = 'uuid'
        self.answer_price(prices[0], 'EUR')
        sms = self.make_sms(NUMBER)
        sms.send()
        self.report(self.status_of(sms), state='failed', uuid=sms.uuid)
        self.retry(sms, prices[1])
        return sms

    def retry(self, sms, price, message_id='2', **values):
        self.gateway.write({'answer_message_id_path': 'id'})
        sms.action_retry()
        self.always_answer(Reply(**{
            'body': json.dumps({'id': message_id, 'price': price, 'currency': 'EUR'}), **values}))
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()

    def get_total(self, sms):
        status = self.status_of(sms)
        self.env.cr.execute(
            "SELECT cost::text, earlier_cost::text, segment_count FROM sms_gateway_status WHERE id = %s", [status.id])
        cost, earlier, segments = self.env.cr.fetchone()
        return cost and float(cost), earlier and float(earlier), segments

    def test_retry_after_failed_delivery(self):
        """The provider charges each attempt that it accepted."""
        sms = self.fail_and_retry()
        self.assertEqual(self.get_total(sms), (0.3, 0.1, 2))
        self.assertIn("Price 0.1000 EUR", self.status_of(sms).story)
        self.assertIn("Price 0.2000 EUR", self.status_of(sms).story)
        status = self.status_of(sms)
        self.report(status, state='failed', price='0.25', currency='EUR')
        self.assertEqual(self.get_total(sms), (0.35, 0.1, 2))
        self.retry(sms, None, message_id='3', status=400)
        self.assertEqual(self.get_total(sms)[:2], (0.35, 0.35))  # refused
        self.retry(sms, '0.5', message_id='4')
        self.assertEqual(self.get_total(sms), (0.85, 0.35, 3))

    def get_charged(self, *gateways):
        """Return what each gateway charges, as cost and segments."""
        self.env.invalidate_all()
        sums = {gateway: tuple(amounts) for gateway, *amounts in self.env['sms.gateway.cost']._read_group(
            [('company_id', '=', self.company.id)], ['gateway_id'], ['cost:sum', 'segment_count:sum'])}
        return [sums.get(gateway) for gateway in gateways]

    def retry_through(self, sms, gateway, price):
        self.report(self.status_of(sms), state='failed', uuid=sms.uuid)
        sms.action_retry()
        sms.forced_gateway_id = gateway
        self.always_answer(Reply(body=json.dumps({'id': '2', 'price': price, 'currency': 'EUR'})))
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(self.status_of(sms).gateway_id, gateway)

    def test_retry_through_another_gateway(self):
        """Each attempt is charged by the gateway that sent it, whatever comes later. Budgets count the same."""
        second = self.make_gateway(
            "Second", company_id=self.company.id, sequence=99, answer_price_path='price',
            answer_currency_path='currency')
        self.answer_price('0.10', 'EUR')
        sms = self.make_sms(NUMBER)
        sms.send()
        self.assertEqual(self.get_charged(self.gateway, second), [(0.1, 1), None])
        self.retry_through(sms, second, '0.20')
        self.assertEqual(self.get_total(sms), (0.3, 0.1, 2))
        self.assertEqual(self.get_charged(self.gateway, second), [(0.1, 1), (0.2, 1)])
        budgets = self.env['sms.gateway.budget'].create([
            {'company_id': self.company.id, 'gateway_id': gateway.id, 'amount': 9, 'unit': 'segments'}
            for gateway in (self.gateway, second)])
        self.assertEqual(budgets.mapped('spent'), [1, 1])

    def test_retry_through_another_gateway_that_does_not_take_place(self):
        """What the first one charged stays with it."""
        second = self.make_gateway("Second", company_id=self.company.id, sequence=99)
        self.answer_price('0.10', 'EUR')
        sms = self.make_sms(NUMBER)
        sms.send()
        self.report(self.status_of(sms), state='failed', uuid=sms.uuid)
        past = fields.Datetime.now() - timedelta(minutes=1)
        for values, charged in (({'valid_until': past}, None), ({'number': '1'}, (False, 0))):
            sms.action_retry()
            sms.write({'forced_gateway_id': second.id, **values})
            self.env['sms.sms']._process_queue()
            self.env.invalidate_all()
            self.assertEqual(sms.state, 'error')
            self.assertEqual(self.get_charged(self.gateway, second), [(0.1, 1), charged])

    def test_spending_of_the_balance(self):
        self.gateway.balance_currency = 'EUR'
        self.fail_and_retry()
        self.gateway._update_spending()
        self.assertAlmostEqual(self.gateway.balance_spending, 0.3)

    def test_retry_that_does_not_take_place(self):
        sms = self.fail_and_retry()
        self.report(self.status_of(sms), state='failed')
        sms.action_retry()
        sms.number = '1'
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()
        self.assertEqual(sms.state, 'error')
        self.assertEqual(self.get_total(sms)[0], 0.3)
        sms.number = NUMBER
        self.retry(sms, '0.4', message_id='3')
        self.assertEqual(self.get_total(sms), (0.7, 0.3, 3))

    def test_report_of_an_earlier_attempt(self):
        """It replaces what this attempt cost, by UUID or message ID, as often as it comes."""
        for key in ('uuid', 'message_id'):
            with self.subTest(key=key):
                sms = self.fail_and_retry((None, '0.20'))
                self.assertEqual(self.get_total(sms), (0.2, None, 2))
                names = {'message_id': '1' if key == 'message_id' else '', 'uuid': sms.uuid if key == 'uuid' else ''}
                status = self.status_of(sms)
                for price, parts, total in (
                        ('0.11', 1, (0.31, 0.11, 2)), ('0.11', 1, (0.31, 0.11, 2)), ('0.125', 2, (0.325, 0.125, 3)),
                        ('', 2, (0.325, 0.125, 3))):
                    self.report(status, state='failed', price=price, currency='EUR', parts=parts, **names)
                    self.assertEqual(self.get_total(sms), total)
                self.report(status, state='delivered', price='0.30', currency='EUR', uuid='')
                self.assertEqual(self.get_total(sms), (0.425, 0.125, 3))
                self.env['sms.gateway.attempt'].search([('sms_uuid', '=', sms.uuid)]).unlink()
                status.unlink()

    def test_report_of_another_gateway(self):
        sms = self.fail_and_retry(('0.10', '0.20'))
        other = self.make_gateway("Second")
        self.env.cr.execute("UPDATE sms_gateway_status SET gateway_id = %s WHERE sms_uuid = %s", [other.id, sms.uuid])
        self.report(self.status_of(sms), state='failed', price='0.15', currency='EUR', uuid=sms.uuid, message_id='')
        self.assertEqual(self.get_total(sms)[:2], (0.35, 0.15))

    def test_report_while_the_retry_waits(self):
        self.gateway.delivery_callback_uuid_param = 'uuid'
        self.answer_price('0.10', 'EUR')
        sms = self.make_sms(NUMBER)
        sms.send()
        status = self.status_of(sms)
        self.report(status, state='failed')
        sms.action_retry()
        self.report(status, state='failed', price='0.12', currency='EUR')
        self.always_answer(Reply(body='{"id": "2", "price": "0.2", "currency": "EUR"}'))
        self.env['sms.sms']._process_queue()
        self.assertEqual(self.get_total(sms)[:2], (0.32, 0.12))
        self.report(status, state='failed', uuid=sms.uuid, message_id='', price='0.13', currency='EUR')
        self.assertEqual(self.get_total(sms)[:2], (0.33, 0.13))

    def test_new_currency_of_the_company(self):
        self.gateway.delivery_callback_uuid_param = 'uuid'
        self.answer_price('0.10', 'EUR')
        sms = self.make_sms(NUMBER)
        sms.send()
        self.report(self.status_of(sms), state='failed')
        self.env['res.currency.rate'].create({
            'name': self.today, 'rate': 1, 'currency_id': self.euro.id, 'company_id': self.company.id})
        self.company.currency_id = self.dollar
        self.retry(sms, '0.20')
        self.assertEqual(self.get_total(sms)[:2], (0.375, 0.125))
        self.assertEqual(self.status_of(sms).company_currency_id, self.dollar)

    def test_early_report(self):
        """A report that arrives before the response is recorded, with its price and segments."""
        body = json.dumps([{
            'message_id': 'early', 'status': 'delivered', 'price': '0.25', 'currency': 'EUR', 'parts': 2}]).encode()
        self.gateway._receive_reports(
            parse_reports(self.gateway._get_report_rules(), 'POST', b'', 'application/json', body))
        self.gateway.write({'answer_message_id_path': 'id'})
        self.always_answer(Reply(body='{"id": "early"}'))
        status = self.send()
        self.assertEqual(self.get_exact(status), ('0.25', 'EUR', 'report', '0.25'))
        self.assertEqual(status.segment_count, 2)
