# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Let SMS go on that wait for budgets or quiet hours, a part at a time: a million would take a minute.

What is left of a release is a row of `sms.gateway.release`. Each claim of the queue goes on with it, in the order of
ids, so that SMS that are held anew are not released again.
"""
from itertools import takewhile

from .claims import trigger_queue

RELEASE_SIZE = 1000  # SMS that are released at a time: as many as a claim takes, so that the run goes on
AT_ONCE = 10  # parts in the transaction that starts a release: less than a second


def start_release(env, budget_ids=()):
    """Release the SMS that wait, as many as a user should wait for; the claims of the queue release the others.

    :param budget_ids: of the budgets for which they wait; empty for quiet hours
    :return: whether all are released
    :rtype: bool
    """
    env.flush_all()
    is_done = True
    for budget_id in budget_ids or [None]:
        env.cr.execute(f"""
            INSERT INTO sms_gateway_release (budget_id, next_id, last_id)
            SELECT %s, 0, max(id) FROM sms_sms WHERE {_waiting_sql(budget_id)} HAVING max(id) IS NOT NULL
            RETURNING id, budget_id, next_id, last_id
        """, [budget_id])  # pylint: disable=sql-injection
        if left := env.cr.fetchone():
            for _part in range(AT_ONCE):
                left = left and _go_on(env, left)
            is_done &= not left
            trigger_queue(env)
    _invalidate(env)
    return is_done


def go_on(env):
    """Go on with each release, unless another worker does. The last one for a budget, or for quiet hours, replaces
    those before."""
    env.cr.execute("""
        SELECT id, budget_id, next_id, last_id FROM sms_gateway_release ORDER BY id DESC FOR UPDATE SKIP LOCKED
    """)
    seen = set()
    for row in env.cr.fetchall():
        if row[1] in seen:
            env.cr.execute("DELETE FROM sms_gateway_release WHERE id = %s", [row[0]])
        else:
            _go_on(env, row)
        seen.add(row[1])
    if seen:
        _invalidate(env)


def has_release(env):
    """Return whether SMS are still to be released."""
    env.cr.execute("SELECT EXISTS (SELECT FROM sms_gateway_release)")
    return env.cr.fetchone()[0]


def _go_on(env, row):
    """Release the next SMS, up to the first one that another transaction has locked: it is not left out.

    :return: the row of what is left, None if all are released
    :rtype: tuple | None
    """
    release_id, budget_id, next_id, last_id = row
    env.cr.execute(f"""
        SELECT id FROM sms_sms WHERE {_waiting_sql(budget_id)} AND id BETWEEN %s AND %s ORDER BY id LIMIT %s
    """, [next_id, last_id, RELEASE_SIZE])  # pylint: disable=sql-injection
    found = [sms_id for sms_id, in env.cr.fetchall()]
    released = release_found(env, found, is_gapless=True)
    if len(released) == len(found) < RELEASE_SIZE:
        env.cr.execute("DELETE FROM sms_gateway_release WHERE id = %s", [release_id])
        return None
    if released:
        next_id = released[-1] + 1
        env.cr.execute("UPDATE sms_gateway_release SET next_id = %s WHERE id = %s", [next_id, release_id])
    return release_id, budget_id, next_id, last_id


def _waiting_sql(budget_id):
    # the predicates of `_budget_index` and `_quiet_index`
    condition = f'budget_id = {int(budget_id)}' if budget_id else 'budget_id IS NULL'
    return f"is_held AND state = 'outgoing' AND {condition}"


def release_found(env, sms_ids, is_gapless=False):
    """Let the next claim decide on SMS that wait. Those that another transaction has locked are left out.

    :param list[int] sms_ids: in their order
    :param bool is_gapless: whether to stop at the first one that is locked
    :return: ids of the released SMS
    :rtype: list[int]
    """
    env.cr.execute("""
        SELECT id FROM sms_sms WHERE id = ANY(%s) AND is_held AND state = 'outgoing' ORDER BY id FOR UPDATE SKIP LOCKED
    """, [sms_ids])
    free = {sms_id for sms_id, in env.cr.fetchall()}
    released = list((takewhile if is_gapless else filter)(free.__contains__, sms_ids))
    if released:
        env.cr.execute("""
            UPDATE sms_sms
            SET is_held = NULL, send_after = NULL, budget_id = NULL, failure_reason = NULL
            WHERE id = ANY(%s) RETURNING uuid
        """, [released])
        env['sms.tracker']._write_failure_reasons({uuid: '' for uuid, in env.cr.fetchall()})
    return released


def _invalidate(env):
    env['sms.sms'].invalidate_model(['is_held', 'send_after', 'budget_id', 'failure_reason'])
    env['sms.gateway.release'].invalidate_model()
