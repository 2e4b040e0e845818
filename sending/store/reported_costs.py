# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Write the prices and segments of delivery reports to status rows. They are final, unlike those of responses."""
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ...tools import phone
from ...tools.attempt import match_keys
from ...tools.report.matching import SentSms, find_earlier
from .costs import PRICE_LIST, REPORT, Charge, Rates, choose, find_listed
from .earlier_costs import convert_earlier, sync_attempts


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
    ids = list({*reports, *accepted_ids})
    convert_earlier(env, 'status.earlier_cost IS NOT NULL AND status.id', ids)
    env.cr.execute("""
        SELECT id, COALESCE(company_id, %s), number, segment_count - COALESCE(earlier_segment_count, 0), price_source,
               COALESCE(sent_date, create_date),
               CASE WHEN price_source IS NOT NULL THEN cost - COALESCE(earlier_cost, 0) END::text,
               company_currency_id, COALESCE(earlier_segment_count, 0), earlier_cost::text
        FROM sms_gateway_status WHERE id = ANY(%s) ORDER BY id FOR UPDATE
    """, [env.company.id, ids])
    known, earlier = {}, {}
    for *row, currency_id, segments, cost in env.cr.fetchall():
        known[row[0]], earlier[row[0]] = row, (segments, cost, currency_id)
    values = price_reports(env, gateway, known.values(), reports)
    changes = list(_find_changes(values, known, set(accepted_ids)))
    for row in values:
        segments, cost, currency_id = earlier[row['id']]
        row['segment_count'] += segments
        if cost is not None:
            row['cost'] = f"{Decimal(row['cost'] or 0) + Decimal(cost):f}"
            row['company_currency_id'] = row['company_currency_id'] or currency_id
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
    sync_attempts(env, ids)
    env['sms.gateway.status'].invalidate_model()
    return changes


def write_earlier_costs(env, gateway, reports):
    """Correct what SMS cost by reports of earlier attempts: those that the provider accepted, before a user's retry.

    :param gateway: of these attempts; later ones may have another
    :param list[DeliveryReport] reports: with a price or segments
    :rtype: list[CostChange]
    """
    if gateway.is_dry_run or not reports:
        return []
    found = find_earlier(_find_attempts(env, gateway, reports), reports)
    if not found:
        return []
    env.cr.execute("SELECT sms_uuid FROM sms_gateway_attempt WHERE id = ANY(%s)", [list(found)])
    convert_earlier(env, 'status.sms_uuid', [uuid for uuid, in env.cr.fetchall()])
    env.cr.execute("""
        SELECT attempt.id, COALESCE(attempt.company_id, %s), status.number, attempt.segment_count,
               attempt.price_source, attempt.date, attempt.cost::text, attempt.outcome = 'accepted'
        FROM sms_gateway_attempt attempt JOIN sms_gateway_status status USING (sms_uuid)
        WHERE attempt.id = ANY(%s) ORDER BY status.id FOR UPDATE
    """, [env.company.id, list(found)])
    known, doubtful = {}, set()
    for *row, is_accepted in env.cr.fetchall():
        known[row[0]] = row
        if not is_accepted:
            doubtful.add(row[0])
    values = price_reports(env, gateway, known.values(), found)
    for row in values:
        _write_earlier(env, row, known[row['id']])
    env['sms.gateway.status'].invalidate_model()
    env['sms.gateway.attempt'].invalidate_model()
    return list(_find_changes(values, known, doubtful))


def _find_attempts(env, gateway, reports):
    """Find the attempts that reports may be about, except refused ones.

    :rtype: list[SentSms]
    """
    keys = match_keys(report.uuid for report in reports if report.uuid)
    message_ids = list({report.message_id for report in reports if report.message_id})
    found = {}
    for condition, wanted in (('substr(attempt.sms_uuid, 3, 18)', keys), ('attempt.message_id', message_ids)):
        if wanted:
            env.cr.execute(f"""
                SELECT attempt.id, attempt.sms_uuid, attempt.message_id, status.number, attempt.attempt
                FROM sms_gateway_attempt attempt JOIN sms_gateway_status status USING (sms_uuid)
                WHERE attempt.gateway_id = %s AND attempt.outcome <> 'refused' AND {condition} = ANY(%s)
            """, [gateway.id, wanted])  # pylint: disable=sql-injection
            found |= {row[0]: row for row in env.cr.fetchall()}
    return [
        SentSms(attempt_id, uuid, message_id or '', number or '', attempt, 0)
        for attempt_id, uuid, message_id, number, attempt in found.values()]


def _write_earlier(env, values, known):
    """Write what an attempt cost, and add the difference to its status row."""
    _id, _company_id, _number, segments, _source, _date, cost = known
    is_priced = bool(values['price_source'])
    change = {
        **values, 'is_priced': is_priced, 'segments': values['segment_count'] - segments if segments else 0,
        'change': Decimal(values['cost'] or 0) - Decimal(cost or 0) if is_priced else Decimal()}
    env.cr.execute("""
        UPDATE sms_gateway_attempt SET segment_count = %(segment_count)s WHERE id = %(id)s
    """, change)
    if is_priced:
        env.cr.execute("""
            UPDATE sms_gateway_attempt
            SET price = %(price)s, price_currency = %(price_currency)s, price_source = %(price_source)s,
                cost = %(cost)s, company_currency_id = %(company_currency_id)s
            WHERE id = %(id)s
        """, change)
    if not (change['segments'] or change['change'] or (cost is None and values['cost'] is not None)):
        return
    env.cr.execute("""
        UPDATE sms_gateway_status status
        SET segment_count = status.segment_count + %(segments)s,
            earlier_segment_count = CASE WHEN attempt.attempt < status.attempt
                THEN COALESCE(status.earlier_segment_count, 0) + %(segments)s ELSE status.earlier_segment_count END,
            cost = CASE WHEN %(is_priced)s THEN COALESCE(status.cost, 0) + %(change)s ELSE status.cost END,
            earlier_cost = CASE WHEN %(is_priced)s AND attempt.attempt < status.attempt
                THEN COALESCE(status.earlier_cost, 0) + %(change)s ELSE status.earlier_cost END,
            company_currency_id = COALESCE(status.company_currency_id, %(company_currency_id)s)
        FROM sms_gateway_attempt attempt WHERE attempt.id = %(id)s AND status.sms_uuid = attempt.sms_uuid
    """, change)


def price_reports(env, gateway, rows, reports):
    """Price attempts to send SMS by delivery reports and the price list.

    :param gateway: of all attempts
    :param rows: of each, id, company id, number, segments, price source, date in UTC, and cost
    :param dict reports: {id: DeliveryReport}
    :return: the values of each, with numbers as text; without `price_source` if no price is known
    :rtype: list[dict]
    """
    prices = env['sms.gateway.price'].sudo()._get_price_lists([gateway.id])[gateway.id]
    by_day, values = {}, []
    for row_id, company_id, number, segment_count, source, sent_at, _cost in rows:
        day, report = sent_at.date(), reports.get(row_id)
        count = (report and report.segment_count) or segment_count or 1
        said = listed = Charge()
        if report and report.price:
            price = Decimal(report.price)
            said = Charge(
                price * count if gateway.is_price_per_segment else price, report.price_currency or '', REPORT)
        if source in (None, PRICE_LIST):
            listed = find_listed(prices, phone.to_e164(number or ''), day, count)
        by_day.setdefault(day, []).append((row_id, company_id, count, said, listed))
    for day, group in by_day.items():
        rates = Rates(env, day, {
            (company_id, charge.currency) for _id, company_id, _count, *charges in group for charge in charges})
        for row_id, company_id, count, said, listed in group:
            charge = choose(rates, company_id, said, listed)
            values.append({
                'id': row_id, 'segment_count': count, **rates.get_values(company_id, charge)})
    return values


def _find_changes(values, known, accepted_ids):
    """
    :param list[dict] values: of the status rows
    :param dict known: {id: row as for `price_reports`} before
    :param set accepted_ids: see `write_reported_costs`; the price list counted for those, although they had no cost
    """
    for row in values:
        _id, company_id, _number, segments, _source, sent_at, cost = known[row['id']]
        is_priced = row['price_source'] and (cost is not None or row['id'] not in accepted_ids)
        change = CostChange(
            company_id, sent_at, row['segment_count'] - segments if segments else 0,
            Decimal(row['cost'] or 0) - Decimal(cost or 0) if is_priced else Decimal())
        if change.segments or change.cost:
            yield change
