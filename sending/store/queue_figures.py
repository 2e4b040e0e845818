# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How many SMS wait in the queue, and for how long."""
from ..lanes import BULK, LANES
from .claims import LANE_SQL

FIRST_ROWS = 100  # of a lane in which the oldest SMS is looked for
_QUEUED_SQL = f"""
    FROM sms_sms s
    WHERE s.state = 'outgoing' AND s.to_delete IS NOT TRUE AND s.is_held IS NOT TRUE AND {LANE_SQL} = wanted.lane
"""


def count_queued(env, limit):
    """Count queued SMS by lane, also those that wait for a gateway, quiet hours or a budget.

    :param int limit: of each lane at which counting stops, so that it is fast with a million SMS
    :rtype: dict[str, int]
    """
    env.cr.execute(f"""
        SELECT wanted.lane, (SELECT count(*) FROM (SELECT s.id {_QUEUED_SQL} LIMIT %s) queued)
        FROM unnest(%s::text[]) AS wanted(lane)
    """, [limit, list(LANES)])
    counts = dict(env.cr.fetchall())
    env.cr.execute("""
        SELECT count(*) FROM (SELECT 1 FROM sms_sms WHERE is_held AND state = 'outgoing' LIMIT %s) held
    """, [limit])
    counts[BULK] = min(limit, counts[BULK] + env.cr.fetchone()[0])
    return counts


def find_oldest_queued(env):
    """Return approximately since when the oldest SMS of each lane has been queued, in UTC. Those that wait for a budget
    or quiet hours are left out.

    :rtype: dict[str, datetime]
    """
    env.cr.execute(f"""
        SELECT wanted.lane, (SELECT min(since) FROM (
            SELECT COALESCE(s.write_date, s.create_date) AS since {_QUEUED_SQL} ORDER BY s.id LIMIT %s) queued)
        FROM unnest(%s::text[]) AS wanted(lane)
    """, [FIRST_ROWS, list(LANES)])
    return {lane: since for lane, since in env.cr.fetchall() if since}
