# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The SMS that wait for a delivery report and whose provider is asked: one statement for a whole batch.

`query_date` of a status row is the time of the next question. It is moved on before a request, in a committed
transaction: two workers never ask at the same time, and after an interruption the next question comes later.
"""
from ..status_query import MAX_INTERVAL, WaitingSms

# the end of a pause of the gateway or of its status queries
_PAUSED_UNTIL = "SELECT GREATEST(paused_until, query_paused_until) FROM sms_gateway_throttle WHERE gateway_id ="
# as a subquery, so that it is read once and the index can be used
_NOW = "(SELECT clock_timestamp() AT TIME ZONE 'UTC')"


def claim_waiting(env, query, limit, timeout):
    """Take SMS that are due for a question, and set the time of the next one: the interval doubles with the age.

    :param StatusQuery query: of their gateway
    :param int limit: maximum number of SMS
    :param float timeout: hours after which a delivery report counts as missing
    :return: in the order in which they are due
    :rtype: list[WaitingSms]
    """
    env.cr.execute(f"""
        WITH due AS MATERIALIZED (
            SELECT id, query_date, COALESCE(sent_date, create_date) AS sent FROM sms_gateway_status
            WHERE gateway_id = %(gateway)s AND awaits_report AND query_date <= {_NOW}
            AND COALESCE(sent_date, create_date) > {_NOW} - %(timeout)s * interval '1 hour'
            AND COALESCE(({_PAUSED_UNTIL} %(gateway)s) <= {_NOW}, TRUE)
            ORDER BY query_date LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        UPDATE sms_gateway_status status
        SET query_date = ({_NOW} + LEAST(
            GREATEST({_NOW} - due.sent, %(delay)s * interval '1 second'),
            %(longest)s * interval '1 second'))::timestamp(0)
        FROM due WHERE status.id = due.id
        RETURNING due.query_date, status.id, message_id, number, sms_uuid, attempt, report_date IS NOT NULL,
            price_source IS NOT DISTINCT FROM 'report'
    """, {
        'gateway': query.gateway_id, 'limit': limit, 'timeout': timeout, 'delay': query.delay,
        'longest': MAX_INTERVAL})  # pylint: disable=sql-injection
    env['sms.gateway.status'].invalidate_model(['query_date'])
    return [
        WaitingSms(row_id, message_id or '', number or '', uuid, attempt or 1, has_report, has_price)
        for _date, row_id, message_id, number, uuid, attempt, has_report, has_price in sorted(env.cr.fetchall())]


def put_back(env, all_sms):
    """Make SMS due again, because their request was not sent.

    :param list[WaitingSms] all_sms: of `claim_waiting`
    """
    env.cr.execute("""
        UPDATE sms_gateway_status SET query_date = clock_timestamp() AT TIME ZONE 'UTC'
        WHERE id IN (
            SELECT id FROM sms_gateway_status WHERE id = ANY(%s) AND awaits_report
            ORDER BY id FOR UPDATE SKIP LOCKED)
    """, [[sms.id for sms in all_sms]])
    env['sms.gateway.status'].invalidate_model(['query_date'])


def find_next_questions(env, gateway_ids):
    """Find when each gateway is to be asked next, with one index look-up for each.

    :return: {gateway id: seconds from now, negative if it is due}, without those that no SMS waits for
    :rtype: dict[int, float]
    """
    env.cr.execute(f"""
        SELECT gateway.id, EXTRACT(EPOCH FROM (
            SELECT GREATEST(query_date, ({_PAUSED_UNTIL} gateway.id)) FROM sms_gateway_status
            WHERE gateway_id = gateway.id AND awaits_report AND query_date IS NOT NULL ORDER BY query_date LIMIT 1
        ) - (clock_timestamp() AT TIME ZONE 'UTC'))::float
        FROM unnest(%s::int[]) AS gateway(id)
    """, [list(gateway_ids)])  # pylint: disable=sql-injection
    return {gateway_id: seconds for gateway_id, seconds in env.cr.fetchall() if seconds is not None}
