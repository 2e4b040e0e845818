# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which bulk SMS wait for a budget, what counts, and when a month ends."""
from datetime import date, datetime
from decimal import Decimal
from itertools import count

from ...tools.budget import MONEY, SEGMENTS, Asked, Budget, Usage, get_month, get_next_month, share
from .common import PureCase
from .made_up import given, st

MAY = date(2026, 5, 1)


def make_budget(budget_id=1, **values):
    return Budget(**{
        'id': budget_id, 'company_id': 1, 'gateway_id': None, 'unit': SEGMENTS, 'amount': 10, 'spent': 0,
        'month': MAY, **values})


def ask(*sizes, can_wait=True, company_id=1, gateway_id=7, first=1):
    return [
        Asked(key, company_id, gateway_id, can_wait, Usage(size))
        for key, size in zip(count(first), sizes, strict=False)]


class TestBudget(PureCase):

    def test_bulk_waits_at_the_end(self):
        shares = share([make_budget(spent=7)], ask(1, 1, 1, 1))
        self.assertEqual((list(shares.reserved), list(shares.waiting)), ([1, 2, 3], [4]))
        self.assertEqual(shares.reserved[1], {1: 1})
        self.assertEqual(shares.waiting[4].id, 1)

    def test_others_go_first_and_never_wait(self):
        """Given room for two: three urgent SMS are sent although they exceed the budget, and no bulk one."""
        shares = share([make_budget(spent=8)], ask(1, 1) + ask(1, 1, 1, can_wait=False, first=10))
        self.assertEqual(set(shares.reserved), {10, 11, 12})
        self.assertEqual(set(shares.waiting), {1, 2})

    def test_sms_that_fit_pass_long_ones(self):
        shares = share([make_budget(spent=8)], ask(3, 1, 1, 1))
        self.assertEqual((set(shares.reserved), set(shares.waiting)), ({2, 3}, {1, 4}))

    def test_released(self):
        shares = share([make_budget(spent=10, is_released=True)], ask(1, 1))
        self.assertEqual((len(shares.reserved), shares.waiting), (2, {}))

    def test_whose_sms_count(self):
        budgets = [make_budget(1, spent=10), make_budget(2, company_id=2), make_budget(3, company_id=3, gateway_id=7)]
        self.assertEqual(set(share(budgets, ask(1)).waiting), {1})
        self.assertEqual(share(budgets, ask(1, company_id=2)).reserved, {1: {2: 1}})
        self.assertEqual(share(budgets, ask(1, company_id=3)).reserved, {1: {3: 1}})
        self.assertEqual(share(budgets, ask(1, company_id=3, gateway_id=8)).reserved, {1: {}})

    def test_smaller_of_two_budgets(self):
        budgets = [make_budget(1), make_budget(2, gateway_id=7, amount=2)]
        shares = share(budgets, ask(1, 1, 1) + ask(1, gateway_id=8, first=10))
        self.assertEqual({key: budget.id for key, budget in shares.waiting.items()}, {3: 2})
        self.assertEqual(shares.reserved[10], {1: 1})

    def test_money(self):
        """Given ten cents each: three times as much as 0.1 is 0.3."""
        asked = [Asked(key, 1, 7, True, Usage(1, Decimal('0.1'))) for key in range(4)]
        budgets = [make_budget(1, unit=MONEY, amount=Decimal('0.3')), make_budget(2)]
        shares = share(budgets, asked)
        self.assertEqual((set(shares.reserved), set(shares.waiting)), ({0, 1, 2}, {3}))
        self.assertEqual(shares.reserved[0], {1: Decimal('0.1'), 2: 1})

    @given(st.lists(st.tuples(st.integers(1, 5), st.booleans())), st.integers(1, 40), st.integers(0, 40))
    def test_never_exceeded_by_bulk(self, sizes, amount, spent):
        asked = [Asked(key, 1, 7, can_wait, Usage(size)) for key, (size, can_wait) in enumerate(sizes)]
        shares = share([make_budget(amount=amount, spent=spent)], asked)
        self.assertEqual(shares.waiting.keys() | shares.reserved.keys(), set(range(len(sizes))))
        self.assertFalse(shares.waiting.keys() & shares.reserved.keys())
        others = sum(size for size, can_wait in sizes if not can_wait)
        total = spent + sum(part for amounts in shares.reserved.values() for part in amounts.values())
        self.assertLessEqual(total, max(amount, spent + others))

    def test_months_of_a_time_zone(self):
        now = datetime.fromisoformat('2026-04-30 19:00:00')  # May has begun in India
        self.assertEqual(get_month(now, 'Asia/Kolkata'), MAY)
        self.assertEqual(get_month(now, None), date(2026, 4, 1))
        self.assertEqual(get_month(now, 'No/Such'), date(2026, 4, 1))
        self.assertEqual(
            get_next_month(date(2026, 4, 1), 'Asia/Kolkata'), datetime.fromisoformat('2026-04-30 18:30:00'))
        self.assertEqual(get_next_month(date(2026, 12, 1), 'UTC'), datetime.fromisoformat('2027-01-01'))
        self.assertEqual(get_next_month(date(2026, 11, 1), ''), datetime.fromisoformat('2026-12-01'))
