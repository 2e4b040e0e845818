# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import time
from contextlib import contextmanager, nullcontext
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models, modules

from ..sending.request_pool import MOST_LATE
from ..sending.routing import RoutingTable
from ..tools import phone
from .sms_run import PACE_LEAD, RETRY_FOR, QueuedSms

MOST_RATE_DELAY = 3600  # seconds until an SMS asks again for a place that its gateway's rate limit leaves


class SmsSms(models.Model):
    """The short transactions of sending, before a request: every statement here is one for a whole batch."""
    _inherit = 'sms.sms'

    # === TRANSACTIONS === #

    @contextmanager
    def _short_transaction(self):
        """A transaction of its own on a connection of its own, READ COMMITTED: concurrent claims and records wait for
        each other instead of failing as they do under Odoo's REPEATABLE READ. Inside of a test: a savepoint of the
        test's cursor. Where the caller wants all in his own transaction: his cursor.

        :return: context manager of this model, empty, in an environment with all rights
        """
        if modules.module.current_test or self.env.context.get('sms_gateway_at_once'):
            with self.env.cr.savepoint() if modules.module.current_test else nullcontext():
                self.env.flush_all()
                yield self.browse()
                self.env.flush_all()
                self.env.invalidate_all()
            return
        with self.env.registry.cursor() as cr:
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            yield api.Environment(cr, SUPERUSER_ID, self._get_own_context())[self._name]

    # === CLAIM === #

    @api.model
    def _claim(self, lease, limit, ids, get_time_to_start, backlog=None, refused=(), get_room=None):
        """Take queued SMS of gateways, so that nobody else sends them, and choose their gateways.

        :param float lease: seconds after which the claim counts as lost
        :param int limit: how many at most
        :param list ids: of these only, even if they should wait; None: of all that are due
        :param get_time_to_start: see `RequestPool`
        :param dict backlog: {gateway id: SMS that found no place before}, counted on
        :param get_room: tells how many requests of a plan start at once; the claim marks their SMS as started,
            which costs nothing then
        :param refused: ids of SMS that the database does not let anybody claim
        :return: what was claimed in the order of ids, and the plans of all gateways by id. An SMS with a delay is
            back in the queue already, because its gateway rests or its rate limit leaves no place for it.
        :rtype: tuple[list[QueuedSms], dict]
        """
        self.env.cr.execute(f"""
            WITH now AS (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS clock), due AS (
                SELECT s.id, s.uuid, s.number, s.body, s.attempt, s.first_attempt_date, s.partner_id,
                       COALESCE(m.record_company_id, s.record_company_id, %(company)s) AS company_id
                {self._get_due_sql(ids)} LIMIT %(limit)s
                FOR UPDATE OF s SKIP LOCKED
            )
            SELECT due.id, due.uuid, due.number, due.body, due.company_id,
                   now.clock + %(lease)s * interval '1 second', due.attempt,
                   COALESCE(EXTRACT(EPOCH FROM now.clock - due.first_attempt_date), 0)::float,
                   partner_country.code, company_country.code
            FROM now CROSS JOIN due
            LEFT JOIN res_partner partner ON partner.id = due.partner_id
            LEFT JOIN res_country partner_country ON partner_country.id = partner.country_id
            LEFT JOIN res_company company ON company.id = due.company_id
            LEFT JOIN res_partner company_partner ON company_partner.id = company.partner_id
            LEFT JOIN res_country company_country ON company_country.id = company_partner.country_id
            ORDER BY due.id
        """, {**self._get_due_parameters(ids, refused), 'limit': limit, 'lease': lease})
        claimed = [
            QueuedSms(
                id=sms_id, uuid=uuid, number=number or '', body=(body or '').strip(), company_id=company_id,
                token=token, countries=tuple(filter(None, countries)), attempt=attempt or 0, age=age)
            for sms_id, uuid, number, body, company_id, token, attempt, age, *countries in self.env.cr.fetchall()
        ]
        plans = self._route(claimed)
        self._apply_rate_limits(claimed, plans, get_time_to_start, {} if backlog is None else backlog)
        if claimed:
            # the rows are locked since the first statement: each is written once, as it is most likely to end
            if get_room:
                self._start_with_claim(claimed, plans, get_room)
            self.env.cr.execute("""
                UPDATE sms_sms s
                SET state = 'process', not_started = v.not_started, claimed_until = %s, gateway_id = v.gateway_id,
                    attempt = COALESCE(s.attempt, 0) + 1, send_after = NULL,
                    first_attempt_date = COALESCE(s.first_attempt_date, clock_timestamp() AT TIME ZONE 'UTC')
                FROM unnest(%s::int[], %s::int[], %s::bool[]) AS v(id, gateway_id, not_started) WHERE s.id = v.id
            """, [
                claimed[0].token, [sms.id for sms in claimed], [sms.gateway_id or None for sms in claimed],
                [not sms.is_started for sms in claimed]])
            self._put_back([sms for sms in claimed if sms.delay])
        return claimed, plans

    @api.model
    def _start_with_claim(self, claimed, plans, get_room):
        """Mark the SMS whose requests start at once; see `_claim`."""
        by_gateway = {}
        for sms in claimed:
            if not sms.delay:
                by_gateway.setdefault(sms.gateway_id, []).append(sms)
        for gateway_id in by_gateway.keys() & plans.keys():
            room, share, texts = get_room(plans[gateway_id]), 1 / plans[gateway_id].recipients, set()
            for sms in by_gateway[gateway_id]:
                room -= share if sms.body in texts else 1
                if room < 0:
                    break
                texts.add(sms.body)
                sms.is_started = True

    @api.model
    def _mark_started(self, claimed):
        """Note that a provider may get these SMS from now on.

        :return: the ids of those whose claim still holds: no other may be sent
        :rtype: set[int]
        """
        self.env.cr.execute("""
            UPDATE sms_sms s SET not_started = FALSE
            FROM unnest(%s::int[], %s::timestamp[]) AS v(id, token)
            WHERE s.id = v.id AND s.claimed_until = v.token RETURNING s.id
        """, [[sms.id for sms in claimed], [sms.token for sms in claimed]])
        return {sms_id for sms_id, in self.env.cr.fetchall()}

    @api.model
    def _renew_claims(self, claimed, token):
        """Let claims last longer.

        :param list[QueuedSms] claimed: whose tokens are those of before, even if this call is repeated
        :param datetime token: until when, in UTC
        :return: ids of SMS that somebody else has claimed, recorded or put back since
        :rtype: set[int]
        """
        self.env.cr.execute("""
            SELECT s.id, s.claimed_until IN (v.token, %s) IS TRUE
            FROM sms_sms s JOIN unnest(%s::int[], %s::timestamp[]) AS v(id, token) ON v.id = s.id
            ORDER BY s.id FOR UPDATE OF s
        """, [token, [sms.id for sms in claimed], [sms.token for sms in claimed]])
        is_ours = dict(self.env.cr.fetchall())
        self.env.cr.execute("UPDATE sms_sms SET claimed_until = %s WHERE id = ANY(%s)", [
            token, [sms_id for sms_id, ours in is_ours.items() if ours]])
        return {sms_id for sms_id, ours in is_ours.items() if not ours}

    @api.model
    def _get_due_sql(self, ids):
        # SMS that are named, as by Send Now, are sent even if the provider asked to wait
        condition = 's.id = ANY(%(ids)s)' if ids is not None else (
            "(s.send_after IS NULL OR s.send_after <= clock_timestamp() AT TIME ZONE 'UTC')")
        return f"""
            FROM sms_sms s LEFT JOIN mail_message m ON m.id = s.mail_message_id
            WHERE s.state = 'outgoing' AND s.to_delete IS NOT TRUE
            AND COALESCE(m.record_company_id, s.record_company_id, %(company)s) = ANY(%(companies)s)
            AND s.id <> ALL(%(refused)s::int[]) AND {condition}
            ORDER BY s.id
        """

    @api.model
    def _get_due_parameters(self, ids, refused):
        return {
            'company': self.env.company.id,
            'companies': self._get_gateway_companies().ids,
            'ids': ids,
            'refused': list(refused),
        }

    @api.model
    def _find_due(self, ids, refused):
        """
        :return: id of the SMS that would be claimed first, None if there is none
        :rtype: int | None
        """
        self.env.cr.execute(
            f"SELECT s.id {self._get_due_sql(ids)} LIMIT 1 FOR UPDATE OF s SKIP LOCKED",
            self._get_due_parameters(ids, refused))  # pylint: disable=sql-injection
        return next((sms_id for sms_id, in self.env.cr.fetchall()), None)

    @api.model
    def _route(self, claimed):
        """Set the candidates of each SMS, and the delay of those whose candidates rest.

        :return: the plans of all Active gateways
        :rtype: dict[int, Plan]
        """
        gateways = self.env['sms.gateway'].sudo()
        routes, default_id = gateways._get_routes(), gateways._get_default_gateway_id()
        tables = {
            company_id: RoutingTable(routes, company_id, default_id)
            for company_id in {sms.company_id for sms in claimed}
        }
        for sms in claimed:
            candidates = tables[sms.company_id].candidates(phone.to_e164(sms.number, sms.countries))
            sms.candidates = tuple(candidate.gateway_id for candidate in candidates)
        if any(route.resting for route in routes):
            self._wait_for_rests(claimed)
        return gateways.browse([route.gateway_id for route in routes])._get_plans()

    @api.model
    def _wait_for_rests(self, claimed):
        """Nobody else can take an SMS whose first candidate rests: it waits, but not for ever."""
        rests = self.env['sms.gateway.pace']._get_rests()
        for sms in claimed:
            if sms.gateway_id in rests and sms.age < RETRY_FOR:
                sms.delay = max(1, round(rests[sms.gateway_id]))

    @api.model
    def _apply_rate_limits(self, claimed, plans, get_time_to_start, backlog):
        """Give each SMS its time; those that would be too late for this run come back about when their time comes."""
        limited = {}
        for sms in claimed:
            if sms.gateway_id and plans[sms.gateway_id].rate_limit and not sms.delay:
                limited.setdefault(sms.gateway_id, []).append(sms)
        for gateway_id, group in sorted(limited.items()):  # so that two claims never wait for each other crosswise
            plan = plans[gateway_id]
            left = get_time_to_start(plan.connection)
            # so that no second has more, even if a request at its beginning is late and one at its end is not
            rate = plan.rate_limit / (1 + MOST_LATE)
            places = self.env['sms.gateway.pace']._reserve(gateway_id, len(group), rate, left - PACE_LEAD)
            now = time.monotonic()  # after the answer: measured before, a delay in between would make them early
            for sms, place in zip(group, places, strict=False):  # there may be fewer places
                sms.not_before = now + PACE_LEAD + place
            for sms in group[len(places):]:
                # not before the end of this run, which would only claim it again and again, and not much later, in case
                # the limit is raised meanwhile
                wait = left + plan.connection.timeout + backlog.get(gateway_id, 0) / rate
                sms.delay = max(1, round(min(wait, MOST_RATE_DELAY)))
                backlog[gateway_id] = backlog.get(gateway_id, 0) + 1

    @api.model
    def _put_back(self, claimed):
        """Give claimed SMS back to the queue, to go after their delay (seconds), and wake the queue then."""
        if not claimed:
            return
        self.env.cr.execute("""
            UPDATE sms_sms s
            SET state = 'outgoing', claimed_until = NULL, attempt = v.attempt,
                failure_reason = COALESCE(NULLIF(v.reason, ''), s.failure_reason),
                send_after = CASE WHEN v.delay > 0
                    THEN (clock_timestamp() AT TIME ZONE 'UTC') + v.delay * interval '1 second' END
            FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::timestamp[])
                AS v(id, attempt, delay, reason, token)
            WHERE s.id = v.id AND s.claimed_until = v.token
            RETURNING s.id
        """, [
            [sms.id for sms in claimed],
            [sms.attempt for sms in claimed],
            [sms.delay for sms in claimed],
            [sms.reason for sms in claimed],
            [sms.token for sms in claimed],
        ])
        left = {sms_id for sms_id, in self.env.cr.fetchall()}
        if len(left) < len(claimed):
            self._cancel_deleted([sms for sms in claimed if sms.id not in left])
        now = fields.Datetime.now()
        self._trigger_queue(*{now + timedelta(seconds=sms.delay) for sms in claimed if sms.delay})
        if any(not sms.delay for sms in claimed):
            self._trigger_queue()

    @api.model
    def _cancel_deleted(self, claimed):
        """Tell notifications and traces that nobody will send their SMS, where somebody has deleted it meanwhile."""
        existing = self.browse([sms.id for sms in claimed]).exists()
        self.env['sms.tracker']._search_by_uuid(
            [sms.uuid for sms in claimed if sms.id not in existing.ids])._record_canceled(False)

    @api.model
    def _record_rests(self, rests, answered):
        """
        :param dict rests: {gateway id: seconds that it asked for, or None}
        :param list answered: ids of gateways that answered
        """
        pace = self.env['sms.gateway.pace']
        pace._lock([*rests, *answered])
        for gateway_id, seconds in sorted(rests.items()):
            pace._rest(gateway_id, seconds)
        pace._recover(answered)
