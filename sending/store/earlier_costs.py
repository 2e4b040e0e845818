# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What earlier attempts cost, which the provider charges too: an SMS that it accepted, and that a user retries."""
from decimal import Decimal

from .costs import Rates

# A repeated save adds nothing: only a later attempt moves what the row has to the earlier ones. An attempt that did not
# take place has the number of the one before, whose price stays.
_IS_NEW = "EXCLUDED.attempt > COALESCE(status.attempt, 0)"
_IS_KEPT = f"NOT ({_IS_NEW}) AND EXCLUDED.price_source IS NULL AND status.price_source IS NOT NULL"
_EARLIER_COST = f"CASE WHEN {_IS_NEW} THEN status.cost ELSE status.earlier_cost END"
# segments are known of SMS as well that the provider did not accept
_EARLIER_SEGMENTS = f"""CASE WHEN {_IS_NEW} AND (status.outcome = 'accepted' OR status.price_source IS NOT NULL)
    THEN status.segment_count ELSE status.earlier_segment_count END"""
# SQL of the columns of a status row when a save finds it; the row has cost and segments of all attempts
COST_UPDATES = {
    # with the gateway, which charges
    **{name: f"CASE WHEN {_IS_KEPT} THEN status.{name} ELSE EXCLUDED.{name} END"
       for name in ('gateway_id', 'price', 'price_currency', 'price_source')},
    'cost': f"""CASE WHEN {_IS_KEPT} THEN status.cost
        ELSE COALESCE(EXCLUDED.cost + ({_EARLIER_COST}), EXCLUDED.cost, {_EARLIER_COST}) END""",
    'company_currency_id': f"""CASE WHEN {_IS_KEPT} THEN status.company_currency_id
        ELSE COALESCE(EXCLUDED.company_currency_id,
                      CASE WHEN ({_EARLIER_COST}) IS NOT NULL THEN status.company_currency_id END) END""",
    'segment_count': f"""CASE WHEN {_IS_KEPT} THEN status.segment_count
        ELSE EXCLUDED.segment_count + COALESCE({_EARLIER_SEGMENTS}, 0) END""",
    'earlier_cost': _EARLIER_COST,
    'earlier_segment_count': _EARLIER_SEGMENTS,
}

# SQL of what the last attempt of a status row cost. Arithmetic only for the few that were retried, because statistics
# read millions of rows
OWN_COSTS = {
    'price': 'status.price',
    'price_currency': 'status.price_currency',
    'price_source': 'status.price_source',
    'cost': """CASE WHEN status.earlier_cost IS NULL THEN status.cost
        WHEN status.price_source IS NOT NULL THEN status.cost - status.earlier_cost END""",
    'company_currency_id': 'status.company_currency_id',
    'segment_count': """CASE WHEN status.earlier_segment_count IS NULL THEN status.segment_count
        ELSE status.segment_count - status.earlier_segment_count END""",
}


def sync_attempts(env, ids):
    """Copy costs to attempts that were kept when a user retried SMS, while the next attempt waits in the queue.

    :param list[int] ids: of status rows
    """
    env.cr.execute(f"""
        UPDATE sms_gateway_attempt attempt SET ({', '.join(OWN_COSTS)}) = ROW({', '.join(OWN_COSTS.values())})
        FROM sms_gateway_status status
        WHERE status.id = ANY(%s) AND attempt.sms_uuid = status.sms_uuid AND attempt.attempt = status.attempt
    """, [list(ids)])
    env['sms.gateway.attempt'].invalidate_model()


def convert_earlier(env, column, values):
    """Convert costs to the currency that the company has now, if it changed since, so that they can be added up. They
    become unknown if the former currency has no rate.

    :param str column: SQL by which status rows are found
    :param list values: of this column
    """
    if not values:
        return
    env.cr.execute(f"""
        SELECT status.id, company.id, currency.name, COALESCE(status.sent_date, status.create_date)
        FROM sms_gateway_status status JOIN res_company company ON company.id = status.company_id
        JOIN res_currency currency ON currency.id = status.company_currency_id
        WHERE {column} = ANY(%s) AND status.company_currency_id <> company.currency_id
        ORDER BY status.id FOR UPDATE OF status
    """, [values])  # pylint: disable=sql-injection
    for row_id, company_id, code, sent_at in env.cr.fetchall():
        factor = Rates(env, sent_at.date(), {(company_id, code)}).get_factor(company_id, code)
        for statement in (
                """UPDATE sms_gateway_status status
                   SET cost = round(status.cost * %(factor)s, 10),
                       earlier_cost = round(status.earlier_cost * %(factor)s, 10),
                       company_currency_id = company.currency_id
                   FROM res_company company WHERE status.id = %(id)s AND company.id = status.company_id""",
                """UPDATE sms_gateway_attempt attempt
                   SET cost = round(attempt.cost * %(factor)s, 10), company_currency_id = status.company_currency_id
                   FROM sms_gateway_status status WHERE status.id = %(id)s AND attempt.sms_uuid = status.sms_uuid
                   AND attempt.company_currency_id <> status.company_currency_id"""):
            env.cr.execute(statement, {'id': row_id, 'factor': factor and Decimal(factor)})
