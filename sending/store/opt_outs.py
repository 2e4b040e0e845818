# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mass SMS to numbers that were blacklisted after they were queued."""


def find_opted_out(env, sms_ids):
    """Find SMS of a run whose number was blacklisted in the meantime.

    :rtype: set[int]
    """
    env.cr.execute("""
        SELECT s.id FROM sms_sms s JOIN phone_blacklist b ON b.number = s.number
        WHERE s.id = ANY(%s) AND s.uses_exclusion_list AND b.active
    """, [sms_ids])
    return {sms_id for sms_id, in env.cr.fetchall()}


def cancel_opted_out(env, queued):
    """Cancel locked SMS whose number was blacklisted, as the composer does before it queues them."""
    if not queued:
        return
    env['sms.sms'].browse([sms.id for sms in queued]).write({'state': 'canceled', 'failure_type': 'sms_blacklist'})
    env['sms.tracker']._search_by_uuid([sms.uuid for sms in queued])._record_blacklisted()
