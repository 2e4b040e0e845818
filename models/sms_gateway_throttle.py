# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
import time

from odoo import api, fields, models

from ..sending.breaker import ACCOUNT, FAILING, MAX_FAILURES, Streak
from ..sending.pauses import ASKED, GatewayState, Pause
from ..sending.places import CLOCK_ERROR, give_back, take_places

MIN_PAUSE = 10  # seconds; doubled with each consecutive pause
MAX_PAUSE = 600
CLOCK_READINGS = 4
PROBE_LEAD = 5  # seconds that a probe may take longer than its response
MIN_QUERY_PAUSE = 300
MAX_QUERY_PAUSE = 3600
MAX_ASKED_PAUSE = 3600  # so that a provider that asks for more because of one SMS does not stop all others

HEALTH_PER_MINUTE = 10  # percent that come back
# today's health
HEALTH_SQL = f"""
    LEAST(100, COALESCE(throttle.health, 100) + COALESCE(EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC')
    - throttle.health_date)::float, 0) / 60 * {HEALTH_PER_MINUTE})
"""
FIND_UNHEALTHY = f"SELECT gateway_id, {HEALTH_SQL} FROM sms_gateway_throttle throttle WHERE health < 100"
BREAKER_KINDS = (FAILING, ACCOUNT)
# consecutive pauses, this one included, unless another run has already paused the gateway because of the same failures
FAILURES_SQL = """
    (COALESCE(throttle.failures, 0) + CASE WHEN throttle.failures > %(failures)s
        AND throttle.paused_until > clock_timestamp() AT TIME ZONE 'UTC' THEN 0 ELSE 1 END)
"""


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
    signal = fields.Char()  # of the current `Streak`
    signal_count = fields.Integer()

    # of status queries, which are paused independently of sending
    query_date = fields.Datetime()  # of the last one
    query_paused_until = fields.Datetime()
    query_failures = fields.Integer()  # consecutive
    query_words = fields.Char()  # why the last one failed

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
        clock, now = self._read_clock()  # after the lock, because waiting for it would make the places too early
        groups = [(size, clock + int(1000 * ahead)) for size, ahead in groups]
        times, free, used = take_places(used, clock + int(1000 * lead), groups, rate, fills_gaps=bool(unused))
        if times or unused:
            self.env.cr.execute(
                "UPDATE sms_gateway_throttle SET places = %s WHERE gateway_id = %s",
                [json.dumps(used, separators=(',', ':')), gateway_id])
        return [(now + (place - clock) / 1000, place) for place in times], now + (free - clock) / 1000

    @api.model
    def _read_clock(self):
        """Read the clock of the database, the only one that all servers share. It is read again if that took long, for
        example because another thread was running, up to `CLOCK_READINGS` times.

        :return: milliseconds since 1970, and `time.monotonic()` of the same moment
        :rtype: tuple[int, float]
        """
        readings = []
        while not readings or (len(readings) < CLOCK_READINGS and readings[-1][0] > 2 * CLOCK_ERROR):
            before = time.monotonic()
            self.env.cr.execute("SELECT round(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint")
            clock, after = self.env.cr.fetchone()[0], time.monotonic()
            readings.append((after - before, clock, (before + after) / 2))
        _seconds, clock, now = min(readings)
        return clock, now

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
    def _save_pauses(self, paused, recovered, streaks=None):
        """Pause gateways, end the pauses of those that have recovered, and count consecutive failures of all workers.

        :param dict paused: {gateway id: Pause}
        :param list recovered: ids of gateways
        :param dict streaks: {gateway id: (Streak, Pause that follows if it is long enough)}
        :return: {gateway id: Streak of all workers} and the ids of the gateways that are paused because of it
        :rtype: tuple[dict[int, Streak], list[int]]
        """
        streaks = streaks or {}
        self._lock([*paused, *recovered, *streaks])
        self._end_pauses(recovered)
        counted, opened = {}, []
        for gateway_id in sorted({*paused, *streaks}):
            if gateway_id in streaks:
                streak, pause = streaks[gateway_id]
                counted[gateway_id] = self._count(gateway_id, streak)
                if counted[gateway_id].count >= MAX_FAILURES:
                    opened.append(gateway_id)
                    self._pause(gateway_id, pause)
            if gateway_id in paused:
                self._pause(gateway_id, paused[gateway_id])
        self.invalidate_model()
        return counted, opened

    @api.model
    def _lock(self, gateway_ids):
        """Lock the throttles of gateways in a consistent order, to avoid deadlocks. A transaction that needs several
        locks all of them first."""
        self.env.cr.execute(
            "SELECT 1 FROM sms_gateway_throttle WHERE gateway_id = ANY(%s) ORDER BY gateway_id FOR UPDATE",
            [list(gateway_ids)])

    @api.model
    def _end_pauses(self, gateway_ids):
        self.env.cr.execute("""
            UPDATE sms_gateway_throttle
            SET failures = 0, paused_until = NULL, pause_kind = NULL, pause_words = NULL,
                signal = NULL, signal_count = 0
            WHERE gateway_id = ANY(%s) AND (failures > 0 OR signal_count > 0)
        """, [list(gateway_ids)])
        self.invalidate_model()

    @api.model
    def _count(self, gateway_id, streak):
        """Add to the streak of a gateway, in one statement, because several workers do so at the same time.

        :return: the streak of all workers, see `Streak.then`
        :rtype: Streak
        """
        self.env.cr.execute("""
            INSERT INTO sms_gateway_throttle AS throttle (gateway_id, signal, signal_count)
            VALUES (%(gateway)s, %(signal)s, %(count)s)
            ON CONFLICT (gateway_id) DO UPDATE SET
                signal = EXCLUDED.signal,
                signal_count = EXCLUDED.signal_count + CASE
                    WHEN %(continues)s AND throttle.signal = EXCLUDED.signal THEN throttle.signal_count ELSE 0 END
            RETURNING signal, signal_count
        """, {
            'gateway': gateway_id, 'signal': streak.signal, 'count': streak.count, 'continues': streak.continues})
        return Streak(*self.env.cr.fetchone())

    @api.model
    def _pause(self, gateway_id, pause):
        self.env.cr.execute(f"""
            INSERT INTO sms_gateway_throttle AS throttle (gateway_id, paused_until, failures, pause_kind, pause_words)
            VALUES (%(gateway)s, (clock_timestamp() AT TIME ZONE 'UTC')
                    + COALESCE(%(seconds)s, %(least)s) * interval '1 second', 1, %(kind)s, %(words)s)
            ON CONFLICT (gateway_id) DO UPDATE SET
                pause_kind = EXCLUDED.pause_kind, pause_words = EXCLUDED.pause_words, signal = NULL, signal_count = 0,
                failures = {FAILURES_SQL},
                paused_until = GREATEST(throttle.paused_until, (clock_timestamp() AT TIME ZONE 'UTC')
                    + COALESCE(%(seconds)s, LEAST(%(least)s * 2 ^ LEAST({FAILURES_SQL} - 1, 20), %(most)s))
                    * interval '1 second')
        """, {
            'gateway': gateway_id,
            'seconds': None if pause.seconds is None else min(pause.seconds, MAX_ASKED_PAUSE),
            'kind': pause.kind,
            'words': pause.words,
            'failures': pause.failures,
            'least': MIN_PAUSE,
            'most': MAX_PAUSE,
        })  # pylint: disable=sql-injection

    @api.model
    def _get_states(self):
        """Read everything at the same time, so that a gateway whose pause ends now is either paused or half open.

        :return: {gateway id: GatewayState} of gateways that were paused, or whose last responses were failures
        :rtype: dict[int, GatewayState]
        """
        self.env.cr.execute("""
            WITH now AS MATERIALIZED (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS clock)
            SELECT gateway_id, GREATEST(0, COALESCE(EXTRACT(EPOCH FROM paused_until - now.clock), 0))::float,
                   COALESCE(failures, 0), pause_kind = ANY(%s) AND paused_until <= now.clock,
                   COALESCE(signal, ''), COALESCE(signal_count, 0)
            FROM sms_gateway_throttle, now WHERE failures > 0 OR signal_count > 0 OR paused_until > now.clock
        """, [list(BREAKER_KINDS)])
        return {
            gateway_id: GatewayState(seconds, failures, bool(is_half_open), Streak(signal, count))
            for gateway_id, seconds, failures, is_half_open, signal, count in self.env.cr.fetchall()}

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

    @api.model
    def _note_questions(self, gateway_id, problem, is_failure, seconds):
        """Note the result of status queries, and pause them if they failed. Sending is not paused.

        :param Problem problem: why there is no status, None if there is one
        :param bool is_failure: whether the provider should not be asked for a while
        :param int seconds: for which it asked to wait, None if it did not: the pause doubles with each failure
        """
        words = problem and self.env['sms.gateway.problem']._word(problem)
        self.env.cr.execute("""
            INSERT INTO sms_gateway_throttle AS throttle
                (gateway_id, query_date, query_words, query_failures, query_paused_until)
            VALUES (%(gateway)s, (clock_timestamp() AT TIME ZONE 'UTC')::timestamp(0), %(words)s, %(failures)s,
                    CASE WHEN %(failures)s > 0 THEN (clock_timestamp() AT TIME ZONE 'UTC')
                        + COALESCE(%(seconds)s, %(least)s) * interval '1 second' END)
            ON CONFLICT (gateway_id) DO UPDATE SET
                query_date = EXCLUDED.query_date, query_words = EXCLUDED.query_words,
                query_failures = CASE WHEN %(failures)s > 0
                    THEN COALESCE(throttle.query_failures, 0) + 1 ELSE 0 END,
                query_paused_until = CASE WHEN %(failures)s > 0 THEN (clock_timestamp() AT TIME ZONE 'UTC') + COALESCE(
                    %(seconds)s, LEAST(%(least)s * 2 ^ LEAST(COALESCE(throttle.query_failures, 0), 20), %(most)s)
                    ) * interval '1 second' END
        """, {
            'gateway': gateway_id, 'words': words, 'failures': int(is_failure), 'least': MIN_QUERY_PAUSE,
            'seconds': None if seconds is None else min(seconds, MAX_QUERY_PAUSE), 'most': MAX_QUERY_PAUSE})
        self.invalidate_model()

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

    @api.model
    def _take_probes(self, gateway_ids):
        """Reserve the test SMS of gateways whose pause is over. The caller has locked them. For other workers the pause
        lasts until the result is known.

        :return: {gateway id: end of that pause, in UTC} of the gateways that no other worker is testing
        :rtype: dict[int, datetime]
        """
        self.env.cr.execute("""
            UPDATE sms_gateway_throttle throttle
            SET paused_until = (clock_timestamp() AT TIME ZONE 'UTC') + (gateway.timeout + %s) * interval '1 second'
            FROM sms_gateway gateway
            WHERE gateway.id = throttle.gateway_id AND throttle.gateway_id = ANY(%s) AND throttle.failures > 0
            AND throttle.pause_kind = ANY(%s) AND throttle.paused_until <= clock_timestamp() AT TIME ZONE 'UTC'
            RETURNING throttle.gateway_id, throttle.paused_until
        """, [PROBE_LEAD, list(gateway_ids), list(BREAKER_KINDS)])
        return dict(self.env.cr.fetchall())

    @api.model
    def _give_back_probes(self, probes):
        """End the pauses of tests that did not take place. Gateways that were paused in the meantime stay paused.

        :param dict probes: as `_take_probes` returns them
        """
        self._lock(probes)
        self.env.cr.execute("""
            UPDATE sms_gateway_throttle throttle SET paused_until = clock_timestamp() AT TIME ZONE 'UTC'
            FROM unnest(%s::int[], %s::timestamp[]) AS v(gateway_id, until)
            WHERE throttle.gateway_id = v.gateway_id AND throttle.paused_until = v.until
        """, [list(probes), list(probes.values())])
        self.invalidate_model()
