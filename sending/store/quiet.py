# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Hold bulk SMS during quiet hours. They are marked, so that claims do not read them again until they may go: the index
for claims leaves out what is held."""
from datetime import timedelta

from ...tools import phone
from ...tools.problem import Problem
from ...tools.quiet_hours import QuietHours, choose, find_quiet, parse_dates
from ..lanes import BULK
from ..queued_sms import LEASE, not_sent
from .claims import trigger_queue
from .wording import find_wordings

WAKE_SIZE = 1000  # SMS whose quiet hours have ended that are released at a time
# a subquery, because PostgreSQL uses no index for a comparison with a volatile function
DUE_HELD = """
    SELECT id FROM sms_sms WHERE is_held AND state = 'outgoing'
    AND send_after <= (SELECT clock_timestamp() AT TIME ZONE 'UTC') ORDER BY send_after
"""
WEEKDAYS = ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')


def make_rule(start, end, spread, company_id, dates, weekdays, countries):
    """
    :param float start: hour
    :param weekdays: seven booleans, whether each is a day off, Monday first
    :rtype: QuietHours
    """
    return QuietHours(
        start=round(start * 60), end=round(end * 60), spread=spread, company_id=company_id or None,
        countries=frozenset(countries), weekdays=frozenset(day for day, is_off in enumerate(weekdays) if is_off),
        dates=parse_dates(dates or ''))


def wake(env):
    """Release SMS whose quiet hours have ended, and those that waited for the budget of a new month."""
    env.cr.execute(f"""
        UPDATE sms_sms SET is_held = NULL, send_after = NULL, budget_id = NULL WHERE id IN (
            {DUE_HELD} LIMIT %s FOR UPDATE SKIP LOCKED)
    """, [WAKE_SIZE])  # pylint: disable=sql-injection


def hold_quiet(env, queued):
    """Hold the bulk SMS for whose recipients it is quiet. They are as new afterwards, as those that wait for a budget.

    :param list[QueuedSms] queued: locked. Those that are held get their `quiet`
    """
    rules = env['sms.gateway.quiet']._get_rules()
    bulk = rules and [sms for sms in queued if sms.lane == BULK and not sms.ignores_quiet and sms.seconds_left > 0]
    if not bulk:
        return
    # by the clock of the database, which wakes them
    now, zones = bulk[0].claimed_until - timedelta(seconds=LEASE), _read_zones(env)
    needs_country = any(rule.countries for rule in rules)
    chosen = {}
    for sms in bulk:
        country = phone.get_country(sms.e164) if needs_country else None
        key = sms.company_id, country
        if key not in chosen:
            chosen[key] = choose(rules, *key)
        sms.quiet = chosen[key] and find_quiet(sms.e164, now, chosen[key], zones.get(sms.company_id) or 'UTC')
    _hold(env, [sms for sms in bulk if sms.quiet])


def _read_zones(env):
    """
    :return: {company id: its time zone}
    """
    env.cr.execute("SELECT c.id, p.tz FROM res_company c JOIN res_partner p ON p.id = c.partner_id")
    return dict(env.cr.fetchall())


def _hold(env, queued):
    if not queued:
        return
    wordings, words = find_wordings(env, [sms.id for sms in queued]), {}
    for sms in queued:
        key = wordings[sms.id], sms.quiet.zone
        if key not in words:
            words[key] = key[0]._word_result(not_sent('', Problem('waiting_quiet', (('place', sms.quiet.zone),))))
    reasons = {sms.id: words[wordings[sms.id], sms.quiet.zone] for sms in queued}
    moments = {sms.id: min(sms.quiet.until, sms.valid_until or sms.quiet.until) for sms in queued}
    env.cr.execute("""
        UPDATE sms_sms s
        SET is_held = TRUE, send_after = v.until, budget_id = NULL, first_attempt_date = NULL, failure_reason = v.reason
        FROM unnest(%s::int[], %s::timestamp[], %s::text[]) AS v(id, until, reason) WHERE s.id = v.id
    """, [list(moments), list(moments.values()), list(reasons.values())])
    env['sms.tracker']._write_failure_reasons({sms.uuid: reasons[sms.id] for sms in queued})
    trigger_queue(env, *set(moments.values()))
