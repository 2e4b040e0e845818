# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Hold bulk SMS when a budget is used up, and count what SMS use.

A claim counts its SMS, so that servers together do not exceed a budget, and the save or the queue corrects that. Both
lock the counters last and in one order, to avoid deadlocks. Without a budget, either only finds that there is none.
"""
from collections import Counter
from dataclasses import replace

from odoo import fields

from ...tools.budget import Asked, Budget, Usage, get_month, get_next_month, share
from ...tools.gsm import count_segments
from ...tools.problem import Problem
from ..lanes import BULK
from ..queued_sms import Hold, not_sent
from .claims import trigger_queue
from .transactions import OwnTransactions, is_in_test, try_write
from .wording import find_wordings

COUNTED = ('accepted', 'unknown')  # outcomes: what may have been sent counts
RELEASE_SIZE = 1000  # waiting SMS that are read at a time


def read_budgets(env):
    """Return the budgets of the current month.

    :rtype: list[Budget]
    """
    env.cr.execute("""
        SELECT b.id, b.company_id, b.gateway_id, b.unit, b.amount, b.warn_percent, b.released_month, p.tz,
               COALESCE(g.name, c.name), m.month, m.spent
        FROM sms_gateway_budget b JOIN res_company c ON c.id = b.company_id JOIN res_partner p ON p.id = c.partner_id
        LEFT JOIN sms_gateway g ON g.id = b.gateway_id
        LEFT JOIN LATERAL (
            SELECT month, spent FROM sms_gateway_budget_month WHERE budget_id = b.id ORDER BY month DESC LIMIT 1
        ) m ON TRUE
        WHERE b.active ORDER BY b.id
    """)
    now, budgets = fields.Datetime.now(), []
    for (budget_id, company_id, gateway_id, unit, amount, percent, released, time_zone, name, known, spent
         ) in env.cr.fetchall():
        month = get_month(now, time_zone)
        budgets.append(Budget(
            id=budget_id, company_id=company_id, gateway_id=gateway_id, unit=unit, amount=float(amount),
            spent=float(spent) if known == month else 0, month=month, is_released=released == month, name=name,
            time_zone=time_zone or '', warn_at=float(amount) * percent / 100))
    return budgets


class Meter:
    """Measures what SMS use.

    :param dict configs: GatewayConfig by gateway id
    """

    def __init__(self, configs):
        self._configs = configs
        self._segments = {}  # {(gateway id, text): count}, because the texts of a mailing are often the same

    def measure(self, sms):
        """
        :param QueuedSms sms:
        :return: what it uses at its current gateway; nothing in a dry run
        :rtype: Usage
        """
        return self.measure_text(sms.body, sms.gateway_id)

    def measure_text(self, body, gateway_id):
        config = self._configs.get(gateway_id)
        if not config or config.connection.dry_run:
            return Usage()
        key = gateway_id, body
        if key not in self._segments:
            self._segments[key] = count_segments(config.encode(body)).count
        return Usage(self._segments[key])


# === CLAIM === #

def hold_spent(env, queued):
    """Hold the bulk SMS of budgets that are used up.

    :param list[QueuedSms] queued: locked, with their candidates
    :return: the budgets
    :rtype: list[Budget]
    """
    budgets = read_budgets(env)
    if used_up := [budget for budget in budgets if budget.is_used_up]:
        for sms in queued:
            full = next((budget for budget in used_up if budget.covers(sms.company_id, sms.gateway_id)), None)
            if full and sms.lane == BULK and _is_sent(sms):
                sms.hold = _make_hold(full, sms)
    return budgets


def count_claimed(env, queued, budgets, configs):
    """Count the SMS that are about to be sent, and hold the bulk SMS that would exceed a budget.

    :param list[QueuedSms] queued: locked, with their places under rate limits
    :param list[Budget] budgets: of this transaction
    """
    to_send = {sms.id: sms for sms in queued if _is_sent(sms) and not sms.is_left}
    relevant = [budget for budget in budgets if any(
        budget.covers(sms.company_id, sms.gateway_id) for sms in to_send.values())]
    if not relevant:
        return
    relevant, meter = _lock(env, relevant), Meter(configs)
    shares = share(relevant, (
        Asked(sms.id, sms.company_id, sms.gateway_id, sms.lane == BULK, meter.measure(sms))
        for sms in to_send.values()))
    for sms_id, budget in shares.waiting.items():
        to_send[sms_id].hold = _make_hold(budget, to_send[sms_id])
    months, total = {budget.id: budget.month for budget in relevant}, Counter()
    for sms_id, amounts in shares.reserved.items():
        to_send[sms_id].reserved = tuple(
            (budget_id, months[budget_id], amount) for budget_id, amount in amounts.items())
        total.update(amounts)
    _add(env, {(budget_id, months[budget_id]): amount for budget_id, amount in total.items() if amount})
    if any(budget.spent < budget.warn_at <= budget.spent + total[budget.id] for budget in relevant):
        trigger_queue(env)  # which alerts users


def hold(env, queued):
    """Let locked SMS wait for their budgets. They are as new afterwards: their attempts do not count for retries.

    :param list[QueuedSms] queued: each with its hold
    """
    if not queued:
        return
    wordings = find_wordings(env, [sms.id for sms in queued])
    problems = {sms.id: not_sent('', Problem('waiting_budget', (('budget', sms.hold.name),))) for sms in queued}
    env.cr.execute("""
        UPDATE sms_sms s
        SET send_after = v.until, budget_id = v.budget_id, gateway_id = v.gateway_id, first_attempt_date = NULL,
            failure_reason = v.reason
        FROM unnest(%s::int[], %s::timestamp[], %s::int[], %s::int[], %s::text[])
            AS v(id, until, budget_id, gateway_id, reason) WHERE s.id = v.id
    """, [
        [sms.id for sms in queued], [sms.hold.until for sms in queued], [sms.hold.budget_id for sms in queued],
        [sms.gateway_id for sms in queued], [wordings[sms.id]._word_result(problems[sms.id]) for sms in queued]])
    env['sms.tracker']._write_failure_reasons({
        sms.uuid: wordings[sms.id]._word_result(problems[sms.id], advice=False) for sms in queued})
    trigger_queue(env, *{sms.hold.until for sms in queued})
    env.cr.execute("""
        SELECT count(DISTINCT budget_id) FROM sms_gateway_incident WHERE end_date IS NULL AND budget_id = ANY(%s)
    """, [list({sms.hold.budget_id for sms in queued})])
    if env.cr.fetchone()[0] < len({sms.hold.budget_id for sms in queued}):
        trigger_queue(env)  # which alerts users


def _is_sent(sms):
    """Return whether an SMS is about to be sent: nothing else has decided what becomes of it."""
    return not (sms.hold or sms.delay or sms.refusal) and bool(sms.number.strip()) and sms.seconds_left > 0


def _make_hold(budget, sms):
    until = get_next_month(budget.month, budget.time_zone)
    return Hold(budget.id, min(until, sms.valid_until or until), budget.name)


# === COUNTERS === #

def _lock(env, budgets):
    """Lock the counters of this month.

    :return: the same budgets, with what is spent now
    """
    env.cr.execute("""
        INSERT INTO sms_gateway_budget_month AS counter (budget_id, month, spent)
        SELECT b.id, v.month, 0 FROM unnest(%s::int[], %s::date[]) AS v(id, month)
        JOIN sms_gateway_budget b ON b.id = v.id ORDER BY b.id, v.month
        ON CONFLICT (budget_id, month) DO UPDATE SET spent = counter.spent RETURNING budget_id, spent
    """, [[budget.id for budget in budgets], [budget.month for budget in budgets]])
    spent = dict(env.cr.fetchall())
    return [replace(budget, spent=float(spent[budget.id])) for budget in budgets if budget.id in spent]


def _add(env, amounts):
    """Add to counters.

    :param dict amounts: {(budget id, month): what was spent in addition, negative to take it back}
    """
    if not amounts:
        return
    env.cr.execute("""
        INSERT INTO sms_gateway_budget_month AS counter (budget_id, month, spent)
        SELECT b.id, v.month, v.amount FROM unnest(%s::int[], %s::date[], %s::numeric[]) AS v(id, month, amount)
        JOIN sms_gateway_budget b ON b.id = v.id ORDER BY b.id, v.month
        ON CONFLICT (budget_id, month) DO UPDATE SET spent = GREATEST(0, counter.spent + EXCLUDED.spent)
    """, [
        [budget_id for budget_id, _month in amounts], [month for _id, month in amounts], list(amounts.values())])
    env['sms.gateway.budget.month'].invalidate_model()


def settle(env, queued, configs, is_immediate=False):
    """Correct what was counted when SMS were claimed, by what they have used.

    :param list[QueuedSms] queued: each with its result
    :param dict configs: GatewayConfig by gateway id
    :param bool is_immediate: whether this is the caller's transaction, which must not wait for counters
    """
    budgets = read_budgets(env) if queued else []
    if not budgets and not any(sms.reserved for sms in queued):
        return
    meter, change = Meter(configs), Counter()
    for sms in queued:
        months = {budget_id: month for budget_id, month, _amount in sms.reserved}
        for budget_id, month, amount in sms.reserved:
            change[budget_id, month] -= amount
        if sms.result.outcome in COUNTED:
            usage = meter.measure(sms)
            for budget in budgets:
                if budget.covers(sms.company_id, sms.gateway_id):
                    change[budget.id, months.get(budget.id, budget.month)] += usage.of(budget)
    change = {key: amount for key, amount in change.items() if amount}
    if change and is_immediate and not is_in_test():
        transactions = OwnTransactions(env)
        env.cr.postcommit.add(lambda: transactions.write(lambda own: _add(own, change), 0))
    elif change:
        try_write(env, lambda: _add(env, change))


def give_back(env, queued):
    """Take back what was counted for SMS that are queued again."""
    change = Counter()
    for sms in queued:
        for budget_id, month, amount in sms.reserved:
            change[budget_id, month] -= amount
    if change:
        try_write(env, lambda: _add(env, change))


def give_back_unstarted(env, rows):
    """Take back what was counted for SMS whose process was interrupted before it sent them.

    :param rows: (company id, gateway id, text) of each
    """
    budgets = read_budgets(env) if rows else []
    if not budgets:
        return
    meter, change = Meter(_get_configs(env, {gateway_id for _company_id, gateway_id, _body in rows})), Counter()
    for company_id, gateway_id, body in rows:
        usage = meter.measure_text((body or '').strip(), gateway_id)
        for budget in budgets:
            if budget.covers(company_id, gateway_id):
                change[budget.id, budget.month] -= usage.of(budget)
    try_write(env, lambda: _add(env, change))


def _get_configs(env, gateway_ids):
    return env['sms.gateway'].sudo().browse(filter(None, gateway_ids)).exists()._get_configs()


# === RELEASE === #

def release(env, budget_ids):
    """Let all SMS that wait for these budgets go on."""
    _release(env, "budget_id = ANY(%s)", [list(budget_ids)])


def release_fitting(env, budget):
    """Let as many SMS that wait for a budget go on as fit, the oldest first.

    :param Budget budget: of the current month
    """
    last_id, meter = 0, None
    while budget.spent < budget.amount:
        env.cr.execute("""
            SELECT id, gateway_id, body FROM sms_sms WHERE budget_id = %s AND state = 'outgoing' AND id > %s
            ORDER BY id LIMIT %s
        """, [budget.id, last_id, RELEASE_SIZE])
        rows = env.cr.fetchall()
        if not rows:
            return
        last_id, fitting = rows[-1][0], []
        meter = meter or Meter(_get_configs(env, {gateway_id for _id, gateway_id, _body in rows}))
        for sms_id, gateway_id, body in rows:
            spent = budget.spent + meter.measure_text((body or '').strip(), gateway_id).of(budget)
            if spent <= budget.amount:
                budget = replace(budget, spent=spent)
                fitting.append(sms_id)
        if not fitting:
            return
        _release(env, "id = ANY(%s)", [fitting])


def _release(env, condition, parameters):
    env.flush_all()
    env.cr.execute(f"""
        UPDATE sms_sms SET send_after = NULL, budget_id = NULL, failure_reason = NULL WHERE id IN (
            SELECT id FROM sms_sms WHERE budget_id IS NOT NULL AND state = 'outgoing' AND {condition}
            ORDER BY id FOR UPDATE SKIP LOCKED)
        RETURNING uuid
    """, parameters)  # pylint: disable=sql-injection
    uuids = [uuid for uuid, in env.cr.fetchall()]
    env['sms.sms'].invalidate_model(['send_after', 'budget_id', 'failure_reason'])
    if uuids:
        env['sms.tracker']._write_failure_reasons(dict.fromkeys(uuids, ''))
        trigger_queue(env)
