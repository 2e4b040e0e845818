# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

LEAST_REST = 10  # seconds; doubled with each rest in a row
MOST_REST = 600
MOST_ASKED_REST = 3600  # a provider that asks for more of one SMS must not stop all others


class SmsGatewayPace(models.Model):
    """What all workers and servers know together of one gateway: when its next SMS may go, and whether it rests. A row
    of its own, so that an administrator who saves a gateway and workers who send never wait for each other."""
    _name = 'sms.gateway.pace'
    _description = "SMS Gateway Pace"
    _log_access = False

    gateway_id = fields.Many2one('sms.gateway', required=True, ondelete='cascade')
    start = fields.Datetime()
    next = fields.Datetime()
    resting_until = fields.Datetime()
    failures = fields.Integer(default=0)  # rests in a row

    _gateway_unique = models.Constraint('unique(gateway_id)', "There is one pace for each gateway.")

    @api.model
    def _reserve(self, gateway_id, count, rate, seconds):
        """Take the next places in a gateway's line, in one statement.

        :param int count: number of SMS
        :param float rate: SMS per second
        :param float seconds: places later than this from now are of no use
        :return: seconds from this answer for each place that was got, at most `count` of them; less than 0 if the line
            was locked for long
        :rtype: list[float]
        """
        if seconds < 0:
            return []
        values = {'gateway': gateway_id, 'count': count, 'step': 1 / rate, 'seconds': seconds}
        self.env.cr.execute("""
            WITH clock AS (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now),
            reserved AS (
                INSERT INTO sms_gateway_pace AS pace (gateway_id, start, next)
                SELECT %(gateway)s, now,
                       now + LEAST(%(count)s, floor(%(seconds)s / %(step)s) + 1) * %(step)s * interval '1 second'
                FROM clock
                ON CONFLICT (gateway_id) DO UPDATE SET
                    start = GREATEST(pace.next, EXCLUDED.start),
                    next = GREATEST(pace.next, EXCLUDED.start) + GREATEST(0, LEAST(%(count)s, floor(
                        (%(seconds)s - EXTRACT(EPOCH FROM GREATEST(pace.next, EXCLUDED.start) - EXCLUDED.start))
                        / %(step)s) + 1)) * %(step)s * interval '1 second'
                RETURNING start, next)
            SELECT EXTRACT(EPOCH FROM start - (clock_timestamp() AT TIME ZONE 'UTC'))::float,
                   round(EXTRACT(EPOCH FROM next - start) / %(step)s)::int
            FROM reserved
        """, values)
        first, places = self.env.cr.fetchone()
        return [first + place / rate for place in range(places)]

    @api.model
    def _lock(self, gateway_ids):
        """In the order of ids, as all do, so that no two transactions wait for each other crosswise."""
        self.env.cr.execute(
            "SELECT 1 FROM sms_gateway_pace WHERE gateway_id = ANY(%s) ORDER BY gateway_id FOR UPDATE", [gateway_ids])

    @api.model
    def _rest(self, gateway_id, seconds=None):
        """Let a gateway rest that asked for it or cannot be reached.

        :param int seconds: what it asked for; None: a time that grows with each rest in a row
        """
        self.env.cr.execute("""
            INSERT INTO sms_gateway_pace AS pace (gateway_id, resting_until, failures)
            VALUES (%(gateway)s, (clock_timestamp() AT TIME ZONE 'UTC')
                    + COALESCE(%(seconds)s, %(least)s) * interval '1 second', 1)
            ON CONFLICT (gateway_id) DO UPDATE SET
                failures = COALESCE(pace.failures, 0) + 1,
                resting_until = GREATEST(pace.resting_until, (clock_timestamp() AT TIME ZONE 'UTC')
                    + COALESCE(%(seconds)s, LEAST(%(least)s * 2 ^ LEAST(pace.failures, 20), %(most)s))
                    * interval '1 second')
        """, {
            'gateway': gateway_id,
            'seconds': None if seconds is None else min(seconds, MOST_ASKED_REST),
            'least': LEAST_REST,
            'most': MOST_REST,
        })

    @api.model
    def _recover(self, gateway_ids):
        """These gateways have answered: the next rest is a short one again."""
        self.env.cr.execute(
            "UPDATE sms_gateway_pace SET failures = 0, resting_until = NULL "
            "WHERE gateway_id = ANY(%s) AND failures > 0", [gateway_ids])

    @api.model
    def _get_rests(self):
        """
        :return: {gateway id: seconds that it rests from now}
        :rtype: dict[int, float]
        """
        self.env.cr.execute("""
            SELECT gateway_id, EXTRACT(EPOCH FROM resting_until - (clock_timestamp() AT TIME ZONE 'UTC'))::float
            FROM sms_gateway_pace WHERE resting_until > clock_timestamp() AT TIME ZONE 'UTC'
        """)
        return dict(self.env.cr.fetchall())
