# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Hold bulk SMS when a budget is used up, and count what SMS use.

A claim counts its SMS, so that servers together do not exceed a budget, and the save or the queue corrects that. Both
lock the counters last and in one order, to avoid deadlocks. Without a budget, either only finds that there is none.
"""
from collections import Counter
from dataclasses import replace
from decimal import Decimal

from odoo import fields

from ...tools import phone
from ...tools.budget import MONEY, Asked, Budget, Usage, get_month, get_next_month, share
from ...tools.problem import Problem
from ..lanes import BULK
from ..queued_sms import Hold, Reserved, not_sent
from .claims import trigger_queue
from .costs import find_costs
from .releases import release_found
from .transactions import OwnTransactions, is_in_test, try_write
from .usage import Text, measure
from .wording import find_wordings

COUNTED = ('accepted', 'unknown')  # outcomes: what may have been sent counts
RELEASE_SIZE = 1000  # waiting SMS that are read at a time
RELEASE_BATCHES = 20  # of this size in one transaction: 2 to 3 seconds. The next queue job goes on


def read_budgets(env):
    """Return the budgets of the current month.

    :rtype: list[Budget]
    """
    env.cr.execute("""
        SELECT b.id, b.company_id, b.gateway_id, b.unit, b.amount, b.warn_percent, b.released_month, p.tz,
               COALESCE(g.name, c.name), m.month, m.spent::text
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
            id=budget_id, company_id=company_id, gateway_id=gateway_id, unit=unit,
            amount=Decimal(repr(amount)), spent=Decimal(spent if known == month else 0), month=month,
            is_released=released == month, name=name, time_zone=time_zone or '',
            warn_at=Decimal(repr(amount)) * percent / 100))
    return budgets


def _read_text(sms):
    return Text(sms.company_id, sms.gateway_id, sms.e164, sms.body)


def _has_money(budgets):
    return any(budget.unit == MONEY for budget in budgets)


# === CLAIM === #

def is_spent(sms, budgets):
    """Return whether an SMS has to wait for a budget that is used up.

    :param QueuedSms sms: with its candidates
    :param list[Budget] budgets: of the current month
    """
    return _find_used_up(sms, budgets) is not None


def hold_spent(queued, budgets):
    """Hold the bulk SMS of budgets that are used up.

    :param list[QueuedSms] queued: locked, with their candidates
    :param list[Budget] budgets: of this transaction
    """
    if used_up := [budget for budget in budgets if budget.is_used_up]:
        for sms in queued:
            if not sms.delay and sms.can_be_sent and (full := _find_used_up(sms, used_up)):
                sms.hold = _make_hold(full, sms)


def _find_used_up(sms, budgets):
    if sms.lane != BULK:
        return None
    return next((
        budget for budget in budgets if budget.is_used_up and budget.covers(sms.company_id, sms.gateway_id)), None)


def count_claimed(env, queued, budgets, configs):
    """Count the SMS that are about to be sent, and hold the bulk SMS that would exceed a budget.

    :param list[QueuedSms] queued: locked, with their places under rate limits
    :param list[Budget] budgets: of this transaction
    """
    to_send = {sms.id: sms for sms in queued if sms.can_be_sent and not (sms.delay or sms.is_left)}
    senders = {(sms.company_id, sms.gateway_id) for sms in to_send.values()}
    relevant = [budget for budget in budgets if any(budget.covers(*sender) for sender in senders)]
    if not relevant:
        return
    usages = measure(env, configs, list(map(_read_text, to_send.values())), _has_money(relevant))
    relevant = _lock(env, relevant)  # last, because other servers wait
    shares = share(relevant, (
        Asked(sms.id, sms.company_id, sms.gateway_id, sms.lane == BULK, usage)
        for sms, usage in zip(to_send.values(), usages, strict=True)))
    for sms_id, budget in shares.waiting.items():
        to_send[sms_id].hold = _make_hold(budget, to_send[sms_id])
    months, total = {budget.id: budget.month for budget in relevant}, Counter()
    for sms_id, amounts in shares.reserved.items():
        sms = to_send[sms_id]
        sms.reserved = Reserved(sms.gateway_id, tuple(
            (budget_id, months[budget_id], amount) for budget_id, amount in amounts.items()))
        for budget_id, amount in amounts.items():
            total[budget_id] += amount
    _add(env, {(budget_id, months[budget_id]): amount for budget_id, amount in total.items() if amount})
    if any(budget.spent < budget.warn_at <= budget.spent + total[budget.id] for budget in relevant):
        trigger_queue(env)  # which alerts users


def hold(env, queued):
    """Let locked SMS wait for their budgets. They are as new afterwards: their attempts do not count for retries.
    Claims do not read them again until they go on, see `quiet`.

    :param list[QueuedSms] queued: each with its hold
    """
    if not queued:
        return
    wordings, words = find_wordings(env, [sms.id for sms in queued]), {}
    for sms in queued:
        key = wordings[sms.id], sms.hold.name
        if key not in words:
            result = not_sent('', Problem('waiting_budget', (('budget', sms.hold.name),)))
            words[key] = key[0]._word_result(result), key[0]._word_result(result, advice=False)
    reasons = {sms.id: words[wordings[sms.id], sms.hold.name] for sms in queued}
    env.cr.execute("""
        UPDATE sms_sms s
        SET is_held = TRUE, send_after = v.until, budget_id = v.budget_id, gateway_id = v.gateway_id,
            first_attempt_date = NULL, failure_reason = v.reason
        FROM unnest(%s::int[], %s::timestamp[], %s::int[], %s::int[], %s::text[])
            AS v(id, until, budget_id, gateway_id, reason) WHERE s.id = v.id
    """, [
        [sms.id for sms in queued], [sms.hold.until for sms in queued], [sms.hold.budget_id for sms in queued],
        [sms.gateway_id for sms in queued], [reasons[sms.id][0] for sms in queued]])
    env['sms.tracker']._write_failure_reasons({sms.uuid: reasons[sms.id][1] for sms in queued})
    trigger_queue(env, *{sms.hold.until for sms in queued})
    env.cr.execute("""
        SELECT count(DISTINCT budget_id) FROM sms_gateway_incident WHERE end_date IS NULL AND budget_id = ANY(%s)
    """, [list({sms.hold.budget_id for sms in queued})])
    if env.cr.fetchone()[0] < len({sms.hold.budget_id for sms in queued}):
        trigger_queue(env)  # which alerts users


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
        ON CONFLICT (budget_id, month) DO UPDATE SET spent = counter.spent RETURNING budget_id, spent::text
    """, [[budget.id for budget in budgets], [budget.month for budget in budgets]])
    spent = dict(env.cr.fetchall())
    return [replace(budget, spent=Decimal(spent[budget.id])) for budget in budgets if budget.id in spent]


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
    queued = [sms for sms in queued if not _is_as_counted(sms, budgets)] if budgets else [
        sms for sms in queued if sms.reserved]
    if not queued:
        return
    counted = [sms for sms in queued if sms.result.outcome in COUNTED]
    change = Counter()
    _take_back(change, queued)
    for sms, usage in zip(counted, _measure_sent(env, counted, configs, budgets), strict=True):
        months = {budget_id: month for budget_id, month, _amount in sms.reserved.amounts} if sms.reserved else {}
        for budget in budgets:
            if budget.covers(sms.company_id, sms.gateway_id):
                change[budget.id, months.get(budget.id, budget.month)] += usage.of(budget)
    change = {key: amount for key, amount in change.items() if amount}
    if change and is_immediate and not is_in_test():
        transactions = OwnTransactions(env)
        env.cr.postcommit.add(lambda: transactions.write(lambda own: _add(own, change), 0))
    elif change:
        try_write(env, lambda: _add(env, change))


def _is_as_counted(sms, budgets):
    """Return whether an SMS was sent as it was claimed, and the provider said nothing of its price: most are."""
    return bool(
        sms.reserved and sms.reserved.gateway_id == sms.gateway_id and sms.result.outcome in COUNTED
        and sms.result.price is None and not sms.result.segment_count
        # a budget may be new
        and len(sms.reserved.amounts) == sum(budget.covers(sms.company_id, sms.gateway_id) for budget in budgets))


def _take_back(change, queued):
    for sms in queued:
        for budget_id, month, amount in sms.reserved.amounts if sms.reserved else ():
            change[budget_id, month] -= amount


def _measure_sent(env, queued, configs, budgets):
    """Measure SMS with their results: the price that the provider said counts, else that of the price list.

    :rtype: list[Usage]
    """
    has_costs = _has_money(budgets)
    usages = [
        replace(usage, segments=sms.result.segment_count or usage.segments) if usage.segments else usage
        for sms, usage in zip(queued, measure(env, configs, list(map(_read_text, queued)), has_costs), strict=True)]
    if not has_costs:
        return usages
    costs = find_costs(env, queued, configs, [usage.segments for usage in usages])
    return [
        replace(usage, cost=Decimal(values['cost'])) if values['cost'] else usage
        for usage, values in zip(usages, costs, strict=True)]


def add_reported(env, gateway_id, changes):
    """Correct the budgets of this month by what delivery reports say. Called last, because it locks counters.

    :param list[CostChange] changes: of SMS of the gateway
    """
    budgets = read_budgets(env) if changes else []
    total = Counter()
    for change in changes:
        usage = Usage(change.segments, change.cost)
        for budget in budgets:
            if (budget.covers(change.company_id, gateway_id)
                    and get_month(change.sent_at, budget.time_zone) == budget.month):
                total[budget.id] += usage.of(budget)
    amounts = {
        (budget.id, budget.month): total[budget.id] for budget in budgets
        if total[budget.id] and budget.spent + total[budget.id] >= 0}
    if amounts:
        try_write(env, lambda: _add(env, amounts))


def give_back(env, queued):
    """Take back what was counted for SMS that are queued again."""
    change = Counter()
    _take_back(change, queued)
    if change:
        try_write(env, lambda: _add(env, change))


def give_back_unstarted(env, ids):
    """Take back what was counted for SMS whose process was interrupted before it sent them.

    :param list ids: of the SMS
    """
    budgets = read_budgets(env) if ids else []
    if not budgets:
        return
    change = Counter()
    for _sms_id, text, usage in _measure_queued(env, "s.id = ANY(%s)", [ids], budgets):
        for budget in budgets:
            if budget.covers(text.company_id, text.gateway_id):
                change[budget.id, budget.month] -= usage.of(budget)
    try_write(env, lambda: _add(env, change))


def _measure_queued(env, condition, parameters, budgets):
    """Measure SMS of the queue at the gateways that were chosen when they were claimed or held.

    :return: (id, Text, Usage) of each, in the order of ids
    """
    env.cr.execute(f"""
        SELECT s.id, COALESCE(s.record_company_id, %s), s.gateway_id, s.number, s.body,
               partner_country.code, company_country.code
        FROM sms_sms s
        LEFT JOIN res_partner partner ON partner.id = s.partner_id
        LEFT JOIN res_country partner_country ON partner_country.id = partner.country_id
        LEFT JOIN res_company company ON company.id = s.record_company_id
        LEFT JOIN res_partner company_partner ON company_partner.id = company.partner_id
        LEFT JOIN res_country company_country ON company_country.id = company_partner.country_id
        WHERE {condition}
    """, [env.company.id, *parameters])  # pylint: disable=sql-injection
    rows = [
        (sms_id, Text(company_id, gateway_id or False, phone.to_e164(number, tuple(filter(None, countries))),
                      (body or '').strip()))
        for sms_id, company_id, gateway_id, number, body, *countries in env.cr.fetchall()]
    texts = [text for _sms_id, text in rows]
    gateways = env['sms.gateway'].sudo().browse({text.gateway_id for text in texts if text.gateway_id}).exists()
    usages = measure(env, gateways._get_configs(), texts, _has_money(budgets))
    return [(sms_id, text, usage) for (sms_id, text), usage in zip(rows, usages, strict=True)]


# === RELEASE === #

def release_fitting(env, budget):
    """Let as many SMS that wait for a budget go on as fit, the oldest first. Of very many, the queue action, which is
    triggered, releases the rest.

    :param Budget budget: of the current month
    :return: whether all that fit are released
    :rtype: bool
    """
    last_id = 0
    for _batch in range(RELEASE_BATCHES):
        if budget.spent >= budget.amount:
            return True
        rows = _measure_queued(env, """
            s.id IN (SELECT id FROM sms_sms WHERE budget_id = %s AND state = 'outgoing' AND id > %s
                     ORDER BY id LIMIT %s) ORDER BY s.id
        """, [budget.id, last_id, RELEASE_SIZE], [budget])
        fitting = []
        for sms_id, _text, usage in rows:
            spent = budget.spent + usage.of(budget)
            if spent <= budget.amount:
                budget = replace(budget, spent=spent)
                fitting.append(sms_id)
        if not fitting:
            return True
        last_id = rows[-1][0]
        release_found(env, fitting)
        trigger_queue(env)
    return False
