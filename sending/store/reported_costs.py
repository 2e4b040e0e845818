# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Write the prices and segments of delivery reports to status rows. They are final, unlike those of responses."""
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ...tools import phone
from .costs import PRICE_LIST, REPORT, Charge, Rates, choose, find_listed


@dataclass(frozen=True, slots=True)
class CostChange:
    """What an SMS costs more than was known before, or less.

    :param sent_at: in UTC
    :param cost: in the currency of the company
    """
    company_id: int
    sent_at: datetime
    segments: int
    cost: Decimal


def write_reported_costs(env, gateway, reports, accepted_ids):
    """Write what SMS cost according to delivery reports. Nothing is written for SMS whose cost stays the same.

    :param gateway: of all SMS
    :param dict reports: {id of the status row: DeliveryReport}, with a price or segments
    :param accepted_ids: ids of status rows of which only the report showed that the provider accepted the SMS
    :rtype: list[CostChange]
    """
    if gateway.is_dry_run or not (reports or accepted_ids):
        return []
    env['sms.gateway.status'].flush_model()
    env.cr.execute("""
        SELECT id, COALESCE(company_id, %s), number, segment_count, price_source,
               COALESCE(sent_date, create_date), cost::text
        FROM sms_gateway_status WHERE id = ANY(%s) ORDER BY id FOR UPDATE
    """, [env.company.id, list({*reports, *accepted_ids})])
    prices = env['sms.gateway.price'].sudo()._get_price_lists([gateway.id])[gateway.id]
    by_day, known = {}, {}
    for row_id, company_id, number, segment_count, source, sent_at, cost in env.cr.fetchall():
        day = sent_at.date()
        known[row_id] = company_id, sent_at, segment_count or 0, cost
        report = reports.get(row_id)
        count = (report and report.segment_count) or segment_count or 1
        said = listed = Charge()
        if report and report.price:
            price = Decimal(report.price)
            said = Charge(
                price * count if gateway.is_price_per_segment else price, report.price_currency or '', REPORT)
        if source in (None, PRICE_LIST):
            listed = find_listed(prices, phone.to_e164(number or ''), day, count)
        by_day.setdefault(day, []).append((row_id, company_id, count, said, listed))
    values = []
    for day, rows in by_day.items():
        rates = Rates(env, day, {
            (company_id, charge.currency) for _id, company_id, _count, *charges in rows for charge in charges})
        for row_id, company_id, count, said, listed in rows:
            charge = choose(rates, company_id, said, listed)
            values.append({
                'id': row_id, 'segment_count': count, **rates.get_values(company_id, charge)})
    env.cr.execute("""
        UPDATE sms_gateway_status status
        SET segment_count = v.segment_count,
            price = CASE WHEN v.price_source IS NULL THEN status.price ELSE v.price END,
            price_currency = CASE WHEN v.price_source IS NULL THEN status.price_currency ELSE v.price_currency END,
            price_source = COALESCE(v.price_source, status.price_source),
            cost = CASE WHEN v.price_source IS NULL THEN status.cost ELSE v.cost END,
            company_currency_id = CASE WHEN v.price_source IS NULL THEN status.company_currency_id
                                       ELSE v.company_currency_id END
        FROM json_populate_recordset(NULL::sms_gateway_status, %s) AS v
        WHERE status.id = v.id AND (status.segment_count IS DISTINCT FROM v.segment_count OR (
            v.price_source IS NOT NULL AND (status.price, status.price_currency, status.price_source, status.cost)
                IS DISTINCT FROM (v.price, v.price_currency, v.price_source, v.cost)))
    """, [json.dumps(values)])
    env['sms.gateway.status'].invalidate_model()
    return list(_find_changes(values, known, set(accepted_ids)))


def _find_changes(values, known, accepted_ids):
    """
    :param list[dict] values: of the status rows
    :param dict known: {id: (company id, date, segments, cost as text)} of the same rows before
    :param set accepted_ids: see `write_reported_costs`; the price list counted for those, although they had no cost
    """
    for row in values:
        company_id, sent_at, segments, cost = known[row['id']]
        is_priced = row['price_source'] and (cost is not None or row['id'] not in accepted_ids)
        change = CostChange(
            company_id, sent_at, row['segment_count'] - segments if segments else 0,
            Decimal(row['cost'] or 0) - Decimal(cost or 0) if is_priced else Decimal())
        if change.segments or change.cost:
            yield change
