# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

MIN_PAUSE = 10  # seconds; doubled with each pause in a row
MAX_PAUSE = 600
MAX_ASKED_PAUSE = 3600  # a provider that asks for more because of one SMS must not stop all others


class SmsGatewayThrottle(models.Model):
    """What all workers and servers share about one gateway: when its next SMS may be sent, and whether it is paused.

    A row of its own: an administrator who saves a gateway and workers that send never wait for each other.
    """
    _name = 'sms.gateway.throttle'
    _description = "SMS Gateway Throttle"
    _log_access = False

    gateway_id = fields.Many2one('sms.gateway', required=True, ondelete='cascade')
    start = fields.Datetime()  # of the places that were reserved last
    next = fields.Datetime()  # first free place
    paused_until = fields.Datetime()
    failures = fields.Integer(default=0)  # pauses in a row

    _gateway_unique = models.Constraint('unique(gateway_id)', "A gateway has one throttle.")

    # === RATE LIMIT === #

    @api.model
    def _reserve(self, gateway_id, count, rate, seconds):
        """Take the next places under a gateway's rate limit, in one statement.

        :param int count: number of SMS
        :param float rate: SMS per second
        :param float seconds: places later than this from now are of no use
        :return: seconds from this response for each place, at most `count` of them; less than 0 if the row was locked
            for long
        :rtype: list[float]
        """
        if seconds < 0:
            return []
        values = {'gateway': gateway_id, 'count': count, 'step': 1 / rate, 'seconds': seconds}
        self.env.cr.execute("""
            WITH clock AS (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now),
            reserved AS (
                INSERT INTO sms_gateway_throttle AS throttle (gateway_id, start, next)
                SELECT %(gateway)s, now,
                       now + LEAST(%(count)s, floor(%(seconds)s / %(step)s) + 1) * %(step)s * interval '1 second'
                FROM clock
                ON CONFLICT (gateway_id) DO UPDATE SET
                    start = GREATEST(throttle.next, EXCLUDED.start),
                    next = GREATEST(throttle.next, EXCLUDED.start) + GREATEST(0, LEAST(%(count)s, floor(
                        (%(seconds)s - EXTRACT(EPOCH FROM GREATEST(throttle.next, EXCLUDED.start) - EXCLUDED.start))
                        / %(step)s) + 1)) * %(step)s * interval '1 second'
                RETURNING start, next)
            SELECT EXTRACT(EPOCH FROM start - (clock_timestamp() AT TIME ZONE 'UTC'))::float,
                   round(EXTRACT(EPOCH FROM next - start) / %(step)s)::int
            FROM reserved
        """, values)
        first, places = self.env.cr.fetchone()
        return [first + place / rate for place in range(places)]

    # === PAUSES === #

    @api.model
    def _save_pauses(self, paused, responded):
        """Pause gateways, and end the pauses in a row of those that have responded.

        :param dict paused: {gateway id: seconds that the provider asked for, None for a pause that grows}
        :param list responded: ids of gateways
        """
        # consistent lock order, to avoid deadlocks
        self.env.cr.execute(
            "SELECT 1 FROM sms_gateway_throttle WHERE gateway_id = ANY(%s) ORDER BY gateway_id FOR UPDATE",
            [[*paused, *responded]])
        for gateway_id, seconds in sorted(paused.items()):
            self._pause(gateway_id, seconds)
        self.env.cr.execute(
            "UPDATE sms_gateway_throttle SET failures = 0, paused_until = NULL "
            "WHERE gateway_id = ANY(%s) AND failures > 0", [responded])

    @api.model
    def _pause(self, gateway_id, seconds):
        self.env.cr.execute("""
            INSERT INTO sms_gateway_throttle AS throttle (gateway_id, paused_until, failures)
            VALUES (%(gateway)s, (clock_timestamp() AT TIME ZONE 'UTC')
                    + COALESCE(%(seconds)s, %(least)s) * interval '1 second', 1)
            ON CONFLICT (gateway_id) DO UPDATE SET
                failures = COALESCE(throttle.failures, 0) + 1,
                paused_until = GREATEST(throttle.paused_until, (clock_timestamp() AT TIME ZONE 'UTC')
                    + COALESCE(%(seconds)s, LEAST(%(least)s * 2 ^ LEAST(throttle.failures, 20), %(most)s))
                    * interval '1 second')
        """, {
            'gateway': gateway_id,
            'seconds': None if seconds is None else min(seconds, MAX_ASKED_PAUSE),
            'least': MIN_PAUSE,
            'most': MAX_PAUSE,
        })

    @api.model
    def _get_pauses(self):
        """
        :return: {gateway id: seconds that it is paused from now}
        :rtype: dict[int, float]
        """
        self.env.cr.execute("""
            SELECT gateway_id, EXTRACT(EPOCH FROM paused_until - (clock_timestamp() AT TIME ZONE 'UTC'))::float
            FROM sms_gateway_throttle WHERE paused_until > clock_timestamp() AT TIME ZONE 'UTC'
        """)
        return dict(self.env.cr.fetchall())
