# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import time

from odoo import api, fields, models

from ..sending.breaker import ACCOUNT, FAILING
from ..sending.pauses import ASKED, Pause
from ..sending.places import give_back, take_places

MIN_PAUSE = 10  # seconds; doubled with each consecutive pause
MAX_PAUSE = 600
PROBE_LEAD = 5  # seconds that a probe may take longer than its response
MAX_ASKED_PAUSE = 3600  # so that a provider that asks for more because of one SMS does not stop all others

HEALTH_PER_MINUTE = 10  # percent that come back
# today's health
HEALTH_SQL = f"""
    LEAST(100, COALESCE(throttle.health, 100) + COALESCE(EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC')
    - throttle.health_date)::float, 0) / 60 * {HEALTH_PER_MINUTE})
"""
FIND_UNHEALTHY = f"SELECT gateway_id, {HEALTH_SQL} FROM sms_gateway_throttle throttle WHERE health < 100"
BREAKER_KINDS = (FAILING, ACCOUNT)


class SmsGatewayThrottle(models.Model):
    """The state of one gateway that all workers and servers share: its places under the rate limit, and its pause.

    It is a separate row, so that administrators who save a gateway and workers that send do not wait for each other.
    """
    _name = 'sms.gateway.throttle'
    _description = "SMS Gateway Throttle"
    _log_access = False

    gateway_id = fields.Many2one('sms.gateway', required=True, ondelete='cascade')
    places = fields.Text()  # JSON, of the last second: see `take_places`
    paused_until = fields.Datetime()
    failures = fields.Integer(default=0)  # consecutive pauses
    pause_kind = fields.Char()  # see `Pause`
    pause_words = fields.Char()

    health = fields.Float()  # see `routing.Route`; empty is 100
    health_date = fields.Datetime()

    _gateway_unique = models.Constraint('unique(gateway_id)', "A gateway can have only one throttle.")

    # === RATE LIMIT === #

    @api.model
    def _reserve(self, gateway_id, groups, rate, lead, unused=()):
        """Take the next places under a gateway's rate limit, for all workers and servers.

        :param list groups: (number of SMS that start together, seconds from now by which they must start), in the order
            in which they are sent
        :param float rate: SMS per second
        :param float lead: seconds from now until the first place
        :param unused: places that were not used, see `give_back`
        :return: (`time.monotonic()`, place) of the first groups, up to the first one that would be too late, and
            `time.monotonic()` of the next free place
        :rtype: tuple[list[tuple[float, int]], float]
        """
        used = give_back(self._lock_places(gateway_id), unused)
        # after the lock, because waiting for it would make the places too early; one clock for all servers
        self.env.cr.execute("SELECT round(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint")
        clock, now = self.env.cr.fetchone()[0], time.monotonic()
        groups = [(size, clock + int(1000 * ahead)) for size, ahead in groups]
        times, free, used = take_places(used, clock + int(1000 * lead), groups, rate)
        if times or unused:
            self.env.cr.execute(
                "UPDATE sms_gateway_throttle SET places = %s WHERE gateway_id = %s",
                [json.dumps(used, separators=(',', ':')), gateway_id])
        return [(now + (place - clock) / 1000, place) for place in times], now + (free - clock) / 1000

    @api.model
    def _lock_places(self, gateway_id):
        """Lock the throttle of a gateway.

        :return: its places, see `take_places`
        :rtype: list
        """
        query = "SELECT places FROM sms_gateway_throttle WHERE gateway_id = %s FOR UPDATE"
        self.env.cr.execute(query, [gateway_id])
        if not (row := self.env.cr.fetchone()):
            self.env.cr.execute(
                "INSERT INTO sms_gateway_throttle (gateway_id) VALUES (%s) ON CONFLICT DO NOTHING", [gateway_id])
            self.env.cr.execute(query, [gateway_id])
            row = self.env.cr.fetchone()
        return json.loads(row[0] or '[]')

    # === PAUSES === #

    @api.model
    def _save_pauses(self, paused, recovered):
        """Pause gateways, and end the pauses of those that have recovered.

        :param dict paused: {gateway id: Pause}
        :param list recovered: ids of gateways
        """
        # consistent lock order, to avoid deadlocks
        self.env.cr.execute(
            "SELECT 1 FROM sms_gateway_throttle WHERE gateway_id = ANY(%s) ORDER BY gateway_id FOR UPDATE",
            [[*paused, *recovered]])
        for gateway_id in sorted(paused):
            self._pause(gateway_id, paused[gateway_id])
        self._end_pauses(recovered)

    @api.model
    def _end_pauses(self, gateway_ids):
        self.env.cr.execute("""
            UPDATE sms_gateway_throttle SET failures = 0, paused_until = NULL, pause_kind = NULL, pause_words = NULL
            WHERE gateway_id = ANY(%s) AND failures > 0
        """, [list(gateway_ids)])
        self.invalidate_model()

    @api.model
    def _pause(self, gateway_id, pause):
        self.env.cr.execute("""
            INSERT INTO sms_gateway_throttle AS throttle (gateway_id, paused_until, failures, pause_kind, pause_words)
            VALUES (%(gateway)s, (clock_timestamp() AT TIME ZONE 'UTC')
                    + COALESCE(%(seconds)s, %(least)s) * interval '1 second', 1, %(kind)s, %(words)s)
            ON CONFLICT (gateway_id) DO UPDATE SET
                pause_kind = EXCLUDED.pause_kind, pause_words = EXCLUDED.pause_words,
                failures = COALESCE(throttle.failures, 0) + 1,
                paused_until = GREATEST(throttle.paused_until, (clock_timestamp() AT TIME ZONE 'UTC')
                    + COALESCE(%(seconds)s, LEAST(%(least)s * 2 ^ LEAST(throttle.failures, 20), %(most)s))
                    * interval '1 second')
        """, {
            'gateway': gateway_id,
            'seconds': None if pause.seconds is None else min(pause.seconds, MAX_ASKED_PAUSE),
            'kind': pause.kind,
            'words': pause.words,
            'least': MIN_PAUSE,
            'most': MAX_PAUSE,
        })

    @api.model
    def _get_pauses(self):
        """
        :return: {gateway id: (remaining seconds of its pause, Pause)}
        :rtype: dict[int, tuple[float, Pause]]
        """
        self.env.cr.execute("""
            SELECT gateway_id, EXTRACT(EPOCH FROM paused_until - (clock_timestamp() AT TIME ZONE 'UTC'))::float,
                   pause_kind, pause_words
            FROM sms_gateway_throttle WHERE paused_until > clock_timestamp() AT TIME ZONE 'UTC'
        """)
        return {
            gateway_id: (seconds, Pause(kind or ASKED, words or ''))
            for gateway_id, seconds, kind, words in self.env.cr.fetchall()}

    # === HEALTH === #

    @api.model
    def _lower_health(self, points):
        """Take points off the health of gateways. It comes back over time.

        :param dict points: {gateway id: percent}
        """
        for gateway_id in sorted(points):  # a consistent lock order
            self.env.cr.execute(f"""
                INSERT INTO sms_gateway_throttle AS throttle (gateway_id, health, health_date)
                VALUES (%(gateway)s, GREATEST(0, 100 - %(points)s), clock_timestamp() AT TIME ZONE 'UTC')
                ON CONFLICT (gateway_id) DO UPDATE SET
                    health = GREATEST(0, {HEALTH_SQL} - %(points)s), health_date = clock_timestamp() AT TIME ZONE 'UTC'
            """, {'gateway': gateway_id, 'points': points[gateway_id]})  # pylint: disable=sql-injection

    @api.model
    def _get_health(self):
        """
        :return: {gateway id: percent} of those that are not healthy
        :rtype: dict[int, float]
        """
        self.env.cr.execute(FIND_UNHEALTHY)
        return dict(self.env.cr.fetchall())

    def _get_reason(self):
        """Return why the gateway is paused, in the language of the environment.

        :rtype: str
        """
        self.ensure_one()
        reason = {
            FAILING: self.env._("The provider does not process requests."),
            ACCOUNT: self.env._("The provider refuses the account."),
        }.get(self.pause_kind) or self.env._("The provider is unreachable or asked to wait.")
        return f'{reason} {self.pause_words or ""}'.strip()

    # === PROBES === #

    def _is_half_open(self):
        """Return whether the pause of the circuit breaker has ended, so that one SMS has to test the gateway.

        :rtype: bool
        """
        self.ensure_one()
        now = fields.Datetime.now()
        return self.pause_kind in BREAKER_KINDS and (self.paused_until or now) <= now

    @api.model
    def _take_probes(self, gateway_ids):
        """Reserve the test SMS of gateways whose pause is over. For other workers the pause lasts until the result is
        known.

        :return: ids of the gateways that no other worker is testing
        :rtype: set[int]
        """
        self.env.cr.execute("""
            UPDATE sms_gateway_throttle throttle
            SET paused_until = (clock_timestamp() AT TIME ZONE 'UTC') + (gateway.timeout + %s) * interval '1 second'
            FROM sms_gateway gateway
            WHERE gateway.id = throttle.gateway_id AND throttle.id IN (
                SELECT id FROM sms_gateway_throttle
                WHERE gateway_id = ANY(%s) AND failures > 0 AND pause_kind = ANY(%s)
                AND paused_until <= clock_timestamp() AT TIME ZONE 'UTC'
                ORDER BY gateway_id FOR UPDATE)
            RETURNING throttle.gateway_id
        """, [PROBE_LEAD, list(gateway_ids), list(BREAKER_KINDS)])
        return {gateway_id for gateway_id, in self.env.cr.fetchall()}
