# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""SMS that must not be sent any more: canceled, deleted, or to numbers that were blacklisted after they were queued.

Canceled SMS that a run has claimed keep their claim until the run saves them: as sent, if they were on their way.
"""


def find_unwanted(env, sms_ids):
    """Find SMS of a run that must not be sent any more.

    :rtype: set[int]
    """
    env.cr.execute("""
        SELECT v.id FROM unnest(%s::int[]) AS v(id) LEFT JOIN sms_sms s ON s.id = v.id
        WHERE s.id IS NULL OR s.state = 'canceled' OR s.uses_exclusion_list AND EXISTS (
            SELECT FROM phone_blacklist b WHERE b.number = s.number AND b.active)
    """, [sms_ids])
    return {sms_id for sms_id, in env.cr.fetchall()}


def cancel_opted_out(env, queued):
    """Cancel locked SMS whose number was blacklisted, as the composer does before it queues them."""
    if not queued:
        return
    env['sms.sms'].browse([sms.id for sms in queued]).write({'state': 'canceled', 'failure_type': 'sms_blacklist'})
    env['sms.tracker']._search_by_uuid([sms.uuid for sms in queued])._record_blacklisted()
