# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools.constants import GC_UNLINK_LIMIT

from ..sending.breaker import ACCOUNT as ACCOUNT_REFUSED
from ..sending.breaker import FAILING
from ..sending.lanes import BULK, NORMAL, URGENT
from ..sending.store.claims import trigger_queue
from ..sending.store.queue_figures import find_oldest_queued
from ..tools.report.parsing import QUERY

PAUSED, ACCOUNT, REPORTS, QUEUE, BUDGET = 'paused', 'account', 'reports', 'queue', 'budget'
DELAYS = {PAUSED: timedelta(minutes=10)}  # how long it lasts before users are alerted; the others at once
QUEUE_AGE = timedelta(minutes=15)
REPORT_HOURS = 24
MIN_SMS = 5  # without a report; fewer may be phones that are off
CHECK_AGAIN = timedelta(minutes=5)  # while an incident is open, even if nothing is queued
KEEP_DAYS = 90
ACTIVITY = 'mail.mail_activity_data_warning'


class SmsGatewayIncident(models.Model):
    """Something that an administrator has to know: a gateway does not send, or its delivery reports stopped, or the
    queue does not move, or bulk SMS wait for a budget. Users are alerted once when it begins, and once when it is
    over."""
    _name = 'sms.gateway.incident'
    _description = "SMS Gateway Incident"
    _order = 'id desc'
    _rec_name = 'kind'

    gateway_id = fields.Many2one(
        'sms.gateway', "Gateway", readonly=True, ondelete='cascade', index=True,
        help="Empty for the queue, and for a budget of all gateways.")
    budget_id = fields.Many2one(
        'sms.gateway.budget', "Budget", readonly=True, ondelete='cascade', index='btree_not_null')
    company_id = fields.Many2one('res.company', compute='_compute_company_id')
    kind = fields.Selection(
        [
            (PAUSED, "Paused"),
            (ACCOUNT, "Account Refused"),
            (REPORTS, "No Delivery Reports"),
            (QUEUE, "Queue Does Not Move"),
            (BUDGET, "Budget Used Up"),
        ],
        "Incident", required=True, readonly=True)
    words = fields.Char("Details", readonly=True, help="The provider's error message.")
    create_date = fields.Datetime("Began", readonly=True)
    alert_date = fields.Datetime("Alerted On", readonly=True)
    end_date = fields.Datetime("Ended", readonly=True)
    activity_ids = fields.Many2many(
        'mail.activity', 'sms_gateway_incident_activity_rel', string="Activities", readonly=True)

    _open_unique = models.UniqueIndex(
        '(COALESCE(gateway_id, 0), COALESCE(budget_id, 0), kind) WHERE end_date IS NULL')

    # === COMPUTE METHODS === #

    @api.depends('gateway_id', 'budget_id')
    def _compute_company_id(self):
        for incident in self:
            incident.company_id = incident.budget_id.company_id or incident.gateway_id.company_id

    # === ACTION METHODS === #

    def action_release(self):
        """See `sms.gateway.budget.action_release`."""
        self.budget_id.action_release()

    # === CHECK === #

    @api.model
    def _check_all(self):
        """Begin and end incidents, and alert users. Called by the queue action and the autovacuum."""
        # the autovacuum leaves it to a queue action that is doing so
        self.env.cr.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(b'eisinc', 'big')])
        if self.env.cr.fetchone() != (True,):
            return
        self.env['sms.gateway.budget']._check_all()
        found = self._find_conditions()
        incidents = self.search([('end_date', '=', False)])
        known = {(incident._get_subject(), incident.kind) for incident in incidents}
        incidents += self.create([
            {**self._get_subject_values(subject), 'kind': kind, 'words': words}
            for (subject, kind), words in found.items() if (subject, kind) not in known])
        now = fields.Datetime.now()
        for incident in incidents:
            if (incident._get_subject(), incident.kind) not in found:
                incident._end()
            elif not incident.alert_date and (
                    incident.kind not in DELAYS or incident.create_date + DELAYS[incident.kind] <= now):
                incident._alert()
        if found:
            trigger_queue(self.env, now + CHECK_AGAIN)

    @api.model
    def _find_conditions(self):
        """
        :return: {(gateway or budget, kind): the provider's words}
        :rtype: dict
        """
        gateways = self.env['sms.gateway'].search(self.env['sms.gateway']._get_sending_domain())
        now = fields.Datetime.now()
        found = {}
        for throttle in self.env['sms.gateway.throttle'].search(
                [('gateway_id', 'in', gateways.ids), ('failures', '>', 0)]):
            if throttle.pause_kind == ACCOUNT_REFUSED:
                found[throttle.gateway_id, ACCOUNT] = throttle.pause_words
            elif throttle.pause_kind == FAILING or (throttle.paused_until or now) > now:
                found[throttle.gateway_id, PAUSED] = throttle.pause_words
        for gateway in gateways.filtered('delivery_callback_enabled'):
            if self._are_reports_missing(gateway, now):
                found[gateway, REPORTS] = False
        if gateways and self._is_queue_stuck(now):
            found[gateways.browse(), QUEUE] = False
        for budget in self.env['sms.gateway.budget']._find_waiting():
            found[budget, BUDGET] = False
        return found

    def _get_subject(self):
        return self.budget_id or self.gateway_id

    @api.model
    def _get_subject_values(self, subject):
        if subject._name == 'sms.gateway.budget':
            return {'budget_id': subject.id, 'gateway_id': subject.gateway_id.id}
        return {'gateway_id': subject.id}

    def _are_reports_missing(self, gateway, now):
        """Return whether SMS were accepted but no delivery report arrived for `eis_sms_apis.report_alert_hours`.

        :param gateway: with delivery callbacks
        """
        hours = self.env['sms.gateway']._get_integer_parameter('eis_sms_apis.report_alert_hours', REPORT_HOURS)
        if hours <= 0:
            return False
        until = now - timedelta(hours=hours)
        since = until - timedelta(hours=hours)
        last = self.env['sms.gateway.received.report'].search(
            [('gateway_id', '=', gateway.id), ('create_date', '>=', since), ('origin', '!=', QUERY)],
            order='id desc', limit=1)
        # In the order of the index of successful SMS by gateway and ID, which is the only one that fits: a period may
        # contain millions of SMS of other gateways.
        self.env['sms.gateway.status'].flush_model()
        self.env.cr.execute("""
            SELECT min(create_date) FROM (
                SELECT create_date FROM sms_gateway_status
                WHERE state = 'success' AND is_test IS NOT TRUE AND gateway_id >= %(gateway)s
                AND (gateway_id, id) <= (%(gateway)s, (
                    SELECT id FROM sms_gateway_status WHERE create_date < %(until)s
                    ORDER BY create_date DESC, id DESC LIMIT 1))
                ORDER BY gateway_id DESC, id DESC LIMIT %(count)s) last
            HAVING count(*) = %(count)s
        """, {'gateway': gateway.id, 'until': until, 'count': MIN_SMS})
        oldest = self.env.cr.fetchone()
        return bool(oldest) and oldest[0] >= max(since, last.create_date or since)

    def _is_queue_stuck(self, now):
        """Return whether an urgent or normal SMS has waited for long, or a bulk SMS while none was sent."""
        since = find_oldest_queued(self.env)
        if any(since.get(lane, now) < now - QUEUE_AGE for lane in (URGENT, NORMAL)):
            return True
        return since.get(BULK, now) < now - QUEUE_AGE and not self.env['sms.gateway.status'].search(
            [('create_date', '>=', now - QUEUE_AGE)], limit=1)

    # === ALERTS === #

    def _alert(self):
        self.ensure_one()
        self.alert_date = fields.Datetime.now()
        self.activity_ids = self._alert_users(self._get_users(), self._word)

    def _end(self):
        self.ensure_one()
        self.end_date = fields.Datetime.now()
        self.activity_ids.unlink()
        if self.alert_date:
            self._alert_users(self._get_users(), self._word_end, has_activity=False)

    def _get_users(self):
        if self.budget_id:
            return self.budget_id._get_users()
        gateways = self.gateway_id or self.env['sms.gateway'].search(
            self.env['sms.gateway']._get_sending_domain())
        return self.env['res.users'].union(*(self._get_responsible_users(gateway) for gateway in gateways))

    @api.model
    def _get_responsible_users(self, gateway):
        """Return the users to alert who can open the gateway."""
        users = gateway.balance_user_ids or gateway.create_uid.filtered(lambda user: user.id != SUPERUSER_ID)
        return users.filtered(lambda user: user.active and gateway.with_user(user).has_access('read'))

    @api.model
    def _alert_users(self, users, word, has_activity=True):
        """Notify users, each in their language.

        :param word: called with an environment, returns subject and body
        :param bool has_activity: whether they get an activity as well
        :return: the activities
        """
        activities = self.env['mail.activity']
        for user in users:
            subject, body = word(self.with_context(lang=user.lang).env)
            if has_activity:
                # without a document: gateways have no chatter, which core requires of one
                activities += activities.create({
                    'activity_type_id': self.env['ir.model.data']._xmlid_to_res_id(
                        ACTIVITY, raise_if_not_found=False),
                    'summary': subject, 'note': body, 'user_id': user.id})
            self.env['mail.thread'].message_notify(subject=subject, body=body, partner_ids=user.partner_id.ids)
        return activities

    def _word(self, env):
        name, budget = self.gateway_id.name, self.budget_id
        subject, body = {
            PAUSED: lambda: (
                env._("SMS gateway paused: %s", name),
                env._("%s has been paused for more than 10 minutes, because its provider is unreachable or fails. "
                      "Other gateways send its SMS, or the SMS wait in the queue.", name)),
            ACCOUNT: lambda: (
                env._("SMS account refused: %s", name),
                env._("The provider of %s refuses the account. Check the credentials and the balance. Other gateways "
                      "send its SMS, or they wait.", name)),
            REPORTS: lambda: (
                env._("No SMS delivery reports: %s", name),
                env._("SMS were sent through %s, but no delivery report has arrived. Check that the provider can reach "
                      "the Callback URL.", name)),
            QUEUE: lambda: (
                env._("SMS wait in the queue"),
                env._("SMS have waited in the queue for more than 15 minutes. Check the gateways and Odoo's scheduled "
                      "actions.")),
            BUDGET: lambda: (
                env._("SMS budget used up: %s", budget.name),
                env._("%s bulk SMS wait until next month. Raise or release the budget to send them now: Settings > SMS "
                      "> Budgets. Urgent and normal SMS go on.", budget.waiting_count)),
        }[self.kind]()
        return subject, f'{body} {self.words or ""}'.strip()

    def _word_end(self, env):
        subject, _body = self._word(env)
        return (
            env._("Resolved: %s", subject),
            env._("Resolved since %s.", fields.Datetime.context_timestamp(
                self.with_env(env), self.end_date).strftime('%Y-%m-%d %H:%M')))

    # === AUTOVACUUM === #

    @api.autovacuum
    def _gc_incidents(self):
        """Check incidents, because the queue action only runs if there is something to send, and remove old ones."""
        self._check_all()
        old = self.search(
            [('end_date', '<', fields.Datetime.now() - timedelta(days=KEEP_DAYS))], limit=GC_UNLINK_LIMIT)
        old.unlink()
        return len(old), len(old) == GC_UNLINK_LIMIT
