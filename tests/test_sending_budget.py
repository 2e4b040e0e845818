# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Budgets: bulk SMS wait when a budget of the month is used up, nothing else does, and what was not sent does not
count."""
import math
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import sms_gateway_budget
from ..sending.store import budgets as store_budgets
from ..sending.store.lost_claims import recover_lost_claims
from ..sending.store.quiet import DUE_HELD
from ..tools.budget import get_next_month
from .common import GatewayCase
from .provider import Reply


class BudgetCase(GatewayCase):

    def make_budget(self, amount, **values):
        return self.env['sms.gateway.budget'].create({'amount': amount, 'unit': 'segments', **values})

    def numbers(self, count, first=0):
        return [f'+324560{index:05}' for index in range(first, first + count)]

    def send(self, count, first=0, **values):
        sms = self.make_sms(*self.numbers(count, first), **{'lane': 'bulk', **values})
        sms.send()
        self.env.invalidate_all()
        return sms

    def run_queue(self):
        self.env['sms.sms']._process_queue()
        self.env.invalidate_all()

    def sent(self):
        return len(self.provider.sms)


@tagged('post_install', '-at_install')
class TestBudget(BudgetCase):

    def test_bulk_waits(self):
        budget = self.make_budget(10)
        sms = self.send(12)
        self.assertEqual(sms.mapped('state'), ['pending'] * 10 + ['outgoing'] * 2)
        self.assertEqual((budget.spent, budget.state, budget.waiting_count), (10, 'used', 2))
        waiting = sms[10]
        self.assertEqual(waiting.send_after, get_next_month(budget._get_month(), None))
        self.assertIn("Waiting: the SMS budget of this month is used up", waiting.failure_reason)
        self.assertTrue(waiting.is_held, "claims leave it out")
        self.assertFalse(waiting.attempt)
        self.assertFalse(waiting.first_attempt_date)
        with patch.object(store_budgets, '_make_hold', side_effect=AssertionError("claimed again")):
            self.run_queue()
        self.assertEqual(self.sent(), 10)

    def test_used_up_with_a_rest(self):
        """SMS wait, so the budget does not say that there is room, although not all of it is spent."""
        budget = self.make_budget(5)
        self.send(3, body="a" * 200)
        self.assertEqual((budget.spent, budget.waiting_count, budget.state), (4, 1, 'used'))
        budget.amount = 6
        self.env.invalidate_all()
        self.assertEqual((budget.waiting_count, budget.state), (0, 'open'))

    def test_others_go_on(self):
        """Urgent and normal SMS are sent, and count."""
        budget = self.make_budget(3)
        self.send(3)
        sms = self.send(2, 10, lane='urgent') + self.send(1, 20, lane='normal')
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertEqual(budget.spent, 6)
        self.assertEqual(self.send(1, 30).state, 'outgoing')

    def test_segments(self):
        budget = self.make_budget(5)
        sms = self.send(2, body="a" * 200) + self.send(2, 10)
        self.assertEqual(sms.mapped('state'), ['pending'] * 3 + ['outgoing'])
        self.assertEqual(budget.spent, 5)

    def test_of_a_gateway(self):
        other = self.make_gateway("France", country_prefixes='+33', sequence=20)
        budget = self.make_budget(1, gateway_id=other.id)
        sms = self.make_sms('+33612345678', '+33612345679', *self.numbers(2), lane='bulk')
        sms.send()
        self.env.invalidate_all()
        self.assertEqual(sms.mapped('state'), ['pending', 'outgoing', 'pending', 'pending'])
        self.assertEqual(budget.spent, 1)

    def test_of_another_company(self):
        company = self.env['res.company'].create({'name': "Other"})
        budget = self.make_budget(1, company_id=company.id)
        self.assertEqual(set(self.send(2).mapped('state')), {'pending'})
        self.assertEqual(budget.spent, 0)

    def test_release(self):
        budget = self.make_budget(1)
        sms = self.send(3)
        budget.action_release()
        self.assertEqual(budget.state, 'released')
        self.env.invalidate_all()
        self.assertFalse(any(sms.mapped('failure_reason')) or any(sms.mapped('is_held')))
        self.run_queue()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertEqual(budget.spent, 3)
        budget.action_end_release()
        self.assertEqual(self.send(1, 10).state, 'outgoing')

    def test_raise(self):
        """As many go on as fit; the others stay where they are."""
        budget = self.make_budget(1)
        sms = self.send(5)
        budget.amount = 3
        self.env.invalidate_all()
        self.assertEqual([bool(one.send_after) for one in sms], [False] * 3 + [True] * 2)
        self.run_queue()
        self.assertEqual(sms.mapped('state'), ['pending'] * 3 + ['outgoing'] * 2)

    def test_without_the_budget_they_go_on(self):
        for remove in ('unlink', 'action_archive'):
            with self.subTest(remove=remove):
                budget = self.make_budget(1)
                sms = self.send(2) + self.send(1, 10)
                self.assertEqual(sms[-1].state, 'outgoing')
                getattr(budget, remove)()
                self.run_queue()
                self.assertEqual(set(sms.mapped('state')), {'pending'})

    def test_raise_for_very_many(self):
        """A user does not wait for all of them: each job of the queue lets some go on."""
        budget = self.make_budget(1)
        sms = self.send(10)
        with patch.object(store_budgets, 'RELEASE_SIZE', 2), patch.object(store_budgets, 'RELEASE_BATCHES', 2):
            budget.amount = 100
            self.assertEqual(budget.waiting_count, 5)
            for count in (5, 9, 10):
                self.run_queue()
                self.assertEqual(self.sent(), count)
        self.assertEqual(set(sms.mapped('state')), {'pending'})

    def test_archived_for_a_while(self):
        """What was sent in the meantime counts."""
        budget = self.make_budget(3)
        budget.action_archive()
        self.send(2)
        budget.action_unarchive()
        self.env.invalidate_all()
        self.assertEqual(budget.spent, 2)
        self.assertEqual(self.send(2, 10).mapped('state'), ['pending', 'outgoing'])

    def test_gateway_that_is_gone(self):
        """Another gateway sends what waits for the budget of one that is deleted, disabled, or for another company."""
        company = self.env['res.company'].create({'name': "Other"})
        for remove in ({'state': 'disabled'}, {'company_id': company.id}, None):
            with self.subTest(remove=remove):
                other = self.make_gateway("France", country_prefixes='+33', sequence=20)
                self.make_budget(1, gateway_id=other.id)
                sms = self.make_sms('+33612345678', '+33612345679', lane='bulk')
                sms.send()
                self.env.invalidate_all()
                self.assertEqual(sms[1].state, 'outgoing')
                if remove:
                    other.write(remove)
                else:
                    sms.gateway_id = False
                    self.status_of(sms).unlink()
                    other.unlink()
                self.env['sms.gateway.incident']._check_all()
                self.run_queue()
                self.assertEqual((sms[1].state, sms[1].gateway_id), ('pending', self.gateway))

    def test_next_month(self):
        budget = self.make_budget(1)
        sms = self.send(3)
        with self.in_next_month(budget):
            sms[1:].send_after = fields.Datetime.now()  # the clock of the database stays
            self.run_queue()
            self.assertEqual(sms.mapped('state'), ['pending', 'pending', 'outgoing'])
            self.assertEqual(budget.spent, 1)
        self.assertEqual(sorted(budget.month_ids.mapped('spent')), [1, 1])

    @contextmanager
    def in_next_month(self, budget):
        month = get_next_month(budget._get_month(), None).date()
        with (patch.object(store_budgets, 'get_month', lambda *_args: month),
              patch.object(sms_gateway_budget, 'get_month', lambda *_args: month)):
            self.env.invalidate_all()
            yield

    def test_quiet_hours_that_change(self):
        """They are no reason to look at SMS that wait for a budget."""
        self.make_budget(1)
        sms = self.send(2)
        before = sms[1].send_after
        self.env['sms.gateway.release']._start()
        self.env.invalidate_all()
        self.assertEqual(sms[1].send_after, before)

    def test_retry_of_canceled_sms(self):
        budget = self.make_budget(1)
        sms = self.send(2)
        sms[1].action_set_canceled()
        sms[1].action_set_outgoing()
        self.assertFalse(sms[1].budget_id or sms[1].is_held)
        self.run_queue()
        self.assertEqual((sms[1].state, sms[1].budget_id), ('outgoing', budget))

    def test_claims_pass_over_canceled_sms(self):
        """Each claim looks for SMS whose wait has ended: in an index without those that were canceled meanwhile."""
        self.make_budget(1)
        sms = self.send(30)[1:]
        sms.action_set_canceled()
        sms.send_after = fields.Datetime.now() - timedelta(days=1)
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        self.env.cr.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + DUE_HELD)
        plan = '\n'.join(line for line, in self.env.cr.fetchall())
        self.assertIn('held_index', plan)
        self.assertNotIn("Rows Removed by Filter", plan)

    def test_lifetime(self):
        """An SMS does not wait longer than it is valid."""
        self.make_budget(1)
        self.send(1)
        until = fields.Datetime.now() + timedelta(minutes=5)
        sms = self.send(1, 10, valid_until=until)
        self.assertEqual((sms.state, sms.send_after), ('outgoing', until))
        sms.write({'valid_until': until - timedelta(minutes=6), 'send_after': until - timedelta(minutes=6)})
        self.run_queue()
        self.assertEqual((sms.state, sms.failure_type), ('error', 'sms_expired'))
        self.assertEqual(self.sent(), 1)

    def test_refused_sms_do_not_count(self):
        """Given a provider that refuses all: the others that wait go on, because the budget has room again."""
        budget = self.make_budget(2)
        self.always_answer(Reply(400, "No such sender"), path='/')
        sms = self.send(3)
        self.assertEqual(sms.mapped('state'), ['error', 'error', 'outgoing'])
        self.assertEqual(budget.spent, 0)
        self.always_answer(self.provider.accept, path='/')
        self.env['sms.gateway.incident']._check_all()
        self.run_queue()
        self.assertEqual(sms[2].state, 'pending')
        self.assertEqual(budget.spent, 1)

    def test_queued_again(self):
        """An SMS that the provider cannot take now counts when it is sent."""
        budget = self.make_budget(10)
        self.always_answer(503, path='/')
        sms = self.send(1)
        self.assertEqual((sms.state, budget.spent), ('outgoing', 0))
        self.always_answer(self.provider.accept, path='/')
        sms.send_after = False
        self.env['sms.gateway.throttle'].search([]).unlink()
        self.run_queue()
        self.assertEqual((sms.state, budget.spent), ('pending', 1))

    def test_fail_over(self):
        """It counts for the gateway that sends it."""
        second = self.make_gateway("Second", sequence=20, base_url=self.provider.url + '/second')
        budgets = self.make_budget(10, gateway_id=self.gateway.id) + self.make_budget(10, gateway_id=second.id)
        self.always_answer(503, path='/')
        sms = self.send(1)
        self.assertEqual((sms.state, sms.gateway_id), ('pending', second))
        self.assertEqual(budgets.mapped('spent'), [0, 1])

    @mute_logger('odoo.addons.eis_sms_apis.sending.store.lost_claims')
    def test_interrupted(self):
        """What was not started counts no longer; what was may have been sent."""
        budget = self.make_budget(10)
        sms = self.make_sms(*self.numbers(3), lane='bulk')
        self.claim(sms, starts=1, lease=-1)
        self.assertEqual(budget.spent, 3)
        recover_lost_claims(self.env, float('inf'))
        self.env.invalidate_all()
        self.assertEqual(sms.mapped('state'), ['error', 'outgoing', 'outgoing'])
        self.assertEqual(budget.spent, 1)

    def test_what_was_sent_before(self):
        """A budget counts the SMS of the month that were sent before it was made."""
        self.send(4, body="a" * 200)
        budget = self.make_budget(9)
        self.assertEqual(budget.spent, 8)
        self.assertEqual(self.send(3, 10).mapped('state'), ['pending', 'outgoing', 'outgoing'])

    def test_dry_run(self):
        self.gateway.is_dry_run = True
        budget = self.make_budget(1)
        self.send(3)
        self.assertEqual(budget.spent, 0)

    def test_mistakes(self):
        company = self.env['res.company'].create({'name': "Other"})
        self.gateway.company_id = company
        with self.assertRaisesRegex(ValidationError, "another company"):
            self.make_budget(1, gateway_id=self.gateway.id)
        for amount in (0, math.nan, math.inf):  # the latter two would stop all claims
            with (self.subTest(amount=amount), self.assertRaises(psycopg2.IntegrityError), mute_logger('odoo.sql_db'),
                  self.env.cr.savepoint()):
                self.make_budget(amount)
