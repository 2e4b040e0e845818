# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools.constants import GC_UNLINK_LIMIT

from ..sending.breaker import ACCOUNT as ACCOUNT_REFUSED
from ..sending.lanes import BULK, NORMAL, URGENT
from ..sending.store.claims import find_oldest_queued, trigger_queue

PAUSED, ACCOUNT, REPORTS, QUEUE = 'paused', 'account', 'reports', 'queue'
DELAYS = {PAUSED: timedelta(minutes=10)}  # how long it lasts before users are alerted; the others at once
QUEUE_AGE = timedelta(minutes=15)
REPORT_HOURS = 24
MIN_SMS = 5  # without a report; fewer may be phones that are off
CHECK_AGAIN = timedelta(minutes=5)  # while an incident is open, even if nothing is queued
KEEP_DAYS = 90
ACTIVITY = 'mail.mail_activity_data_warning'


class SmsGatewayIncident(models.Model):
    """Something that an administrator has to know: a gateway does not send, or its delivery reports stopped, or the
    queue does not move. Users are alerted once when it begins, and once when it is over."""
    _name = 'sms.gateway.incident'
    _description = "SMS Gateway Incident"
    _order = 'id desc'
    _rec_name = 'kind'

    gateway_id = fields.Many2one(
        'sms.gateway', "Gateway", readonly=True, ondelete='cascade', index=True, help="Empty for the queue.")
    company_id = fields.Many2one(related='gateway_id.company_id')
    kind = fields.Selection(
        [
            (PAUSED, "Paused"),
            (ACCOUNT, "Account Refused"),
            (REPORTS, "No Delivery Reports"),
            (QUEUE, "Queue Does Not Move"),
        ],
        "Incident", required=True, readonly=True)
    words = fields.Char("Details", readonly=True, help="The provider's error message.")
    create_date = fields.Datetime("Began", readonly=True)
    alert_date = fields.Datetime("Alerted On", readonly=True)
    end_date = fields.Datetime("Ended", readonly=True)
    activity_ids = fields.Many2many(
        'mail.activity', 'sms_gateway_incident_activity_rel', string="Activities", readonly=True)

    _open_unique = models.UniqueIndex('(COALESCE(gateway_id, 0), kind) WHERE end_date IS NULL')

    # === CHECK === #

    @api.model
    def _check_all(self):
        """Begin and end incidents, and alert users. Called by the queue action and the autovacuum."""
        # the autovacuum leaves it to a queue action that is doing so
        self.env.cr.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(b'eisinc', 'big')])
        if self.env.cr.fetchone() != (True,):
            return
        found = self._find_conditions()
        incidents = self.search([('end_date', '=', False)])
        known = {(incident.gateway_id, incident.kind): incident for incident in incidents}
        incidents += self.create([
            {'gateway_id': gateway.id, 'kind': kind, 'words': words}
            for (gateway, kind), words in found.items() if (gateway, kind) not in known])
        now = fields.Datetime.now()
        for incident in incidents:
            if (incident.gateway_id, incident.kind) not in found:
                incident._end()
            elif not incident.alert_date and (
                    incident.kind not in DELAYS or incident.create_date + DELAYS[incident.kind] <= now):
                incident._alert()
        if found:
            trigger_queue(self.env, now + CHECK_AGAIN)

    @api.model
    def _find_conditions(self):
        """
        :return: {(gateway, kind): the provider's words}
        :rtype: dict
        """
        gateways = self.env['sms.gateway'].search(self.env['sms.gateway']._get_sending_domain())
        now = fields.Datetime.now()
        found = {}
        for throttle in self.env['sms.gateway.throttle'].search(
                [('gateway_id', 'in', gateways.ids), ('failures', '>', 0)]):
            if throttle.pause_kind == ACCOUNT_REFUSED:
                found[throttle.gateway_id, ACCOUNT] = throttle.pause_words
            elif throttle._is_half_open() or (throttle.paused_until or now) > now:
                found[throttle.gateway_id, PAUSED] = throttle.pause_words
        for gateway in gateways.filtered('delivery_callback_enabled'):
            if self._are_reports_missing(gateway, now):
                found[gateway, REPORTS] = False
        if gateways and self._is_queue_stuck(now):
            found[gateways.browse(), QUEUE] = False
        return found

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
            [('gateway_id', '=', gateway.id)], order='id desc', limit=1)
        accepted = self.env['sms.gateway.status'].search([
            ('gateway_id', '=', gateway.id), ('state', '=', 'success'), ('is_test', '!=', True),
            ('create_date', '>=', max(since, last.create_date or since)), ('create_date', '<', until),
        ], order='create_date desc', limit=MIN_SMS)
        return len(accepted) == MIN_SMS

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
        name = self.gateway_id.name
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
