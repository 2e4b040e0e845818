# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import time
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models, modules
from odoo.addons.base.models.ir_cron import MIN_TIME_PER_JOB
from odoo.modules.registry import Registry
from odoo.tools import config

from ..tools.sms_api import SmsApiGateway, sends_through_iap
from .sms_gateway_callback_failure_map import FAILURE_TYPES
from .sms_run import LEASE, SmsRun

_logger = logging.getLogger(__name__)

# After a commit a person waits for the answer of his click: at most so many SMS and seconds, the queue does the rest.
COMMIT_LIMIT = 100
COMMIT_SECONDS = 20
OTHER_BATCH = 500  # SMS of other APIs that are looked at together
POSTCOMMIT = 'eis_sms_apis.send'


class SmsSms(models.Model):
    _inherit = 'sms.sms'

    # `sms_twilio` has the same field, so that both are one
    record_company_id = fields.Many2one('res.company', 'Company', ondelete='set null')
    gateway_id = fields.Many2one('sms.gateway', "Gateway", readonly=True, copy=False, ondelete='set null')
    claimed_until = fields.Datetime(
        "Claimed Until", readonly=True, copy=False,
        help="A worker is sending this SMS. When this time has passed the worker has died on the way.")
    not_started = fields.Boolean(
        "Not Started", readonly=True, copy=False,
        help="A worker has claimed this SMS and has not started its request yet. If the worker is interrupted, the SMS "
             "goes back to the queue.")
    send_after = fields.Datetime("Not Before", readonly=True, copy=False, help="The provider asked to wait.")
    first_attempt_date = fields.Datetime("First Attempt On", readonly=True, copy=False)
    attempt = fields.Integer("Attempts", readonly=True, copy=False)
    failure_reason = fields.Text("Failure Reason", readonly=True, copy=False, help="What the provider said.")
    failure_type = fields.Selection(selection_add=FAILURE_TYPES[-5:])

    _due_index = models.Index("(id) WHERE state = 'outgoing' AND to_delete IS NOT TRUE")
    _claimed_index = models.Index("(claimed_until) WHERE claimed_until IS NOT NULL")
    # the same cut as tools/attempt.py, for gateways without Track Status
    _match_index = models.Index("(gateway_id, substr(uuid, 3, 18)) WHERE gateway_id IS NOT NULL")

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        messages = self.env['mail.message'].sudo().browse(
            {vals['mail_message_id'] for vals in vals_list if vals.get('mail_message_id')})
        company_of = {message.id: message.record_company_id.id for message in messages}
        for vals in vals_list:
            vals['record_company_id'] = (
                vals.get('record_company_id') or company_of.get(vals.get('mail_message_id')) or self.env.company.id)
        return super().create(vals_list)

    # === COMPUTE METHODS === #

    @api.depends('uuid')
    def _compute_sms_tracker_id(self):
        """Whatever becomes of a test, core's tracker would finish the mailing and count it."""
        result = super()._compute_sms_tracker_id()
        trackers = self.sms_tracker_id
        if tests := trackers - trackers._filter_no_tests():
            self.filtered(lambda sms: sms.sms_tracker_id in tests).sms_tracker_id = False
        return result

    # === ACTION METHODS === #

    def action_set_outgoing(self):
        """Retry: the queue sends these SMS again, with all the time there is."""
        self.write({'send_after': False, 'first_attempt_date': False, 'failure_reason': False})
        result = super().action_set_outgoing()
        if self:  # a call without SMS needs no rights, and must not wake the queue
            self._trigger_queue()
        return result

    def action_retry(self):
        """Retry by hand, which asks first where the recipient may have got the SMS already.

        :return: the question as an action, or what was done as a notification
        :rtype: dict
        """
        to_retry = self.filtered(lambda sms: sms.state in ('error', 'canceled') and not sms.to_delete)
        return to_retry._ask_or_retry(len(self))

    def _ask_or_retry(self, total):
        """
        :param int total: how many SMS were selected
        """
        doubtful = self._filter_unknown_outcome()
        if doubtful:
            return {
                'type': 'ir.actions.act_window',
                'name': self.env._("Send Again?"),
                'res_model': 'sms.retry',
                'view_mode': 'form',
                'target': 'new',
                'context': {'default_sms_ids': self.ids, 'default_doubtful_sms_ids': doubtful.ids},
            }
        return self._retry(total)

    def resend_failed(self):
        """Core counts removed records to tell how many were sent; gateways send after commit, so that these SMS are
        put in the queue and counted there."""
        failed = self.filtered(lambda sms: sms.state == 'error' and not sms.to_delete)
        through_gateways = failed._filter_gateway_sms()
        if failed and not through_gateways:
            return super().resend_failed()
        return failed._ask_or_retry(len(self))

    def _retry(self, total):
        """
        :param int total: how many SMS were selected
        :return: a notification that says how many were put in the queue
        :rtype: dict
        """
        self.action_set_outgoing()
        message = self.env._("%(count)s of %(total)s SMS were put in the queue.", count=len(self), total=total)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'title': self.env._("Success") if self else self.env._("Warning"),
                'message': message if self else self.env._("There are no SMS Text Messages to resend."),
                'type': 'success' if self else 'danger',
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _filter_unknown_outcome(self):
        """The SMS that a provider may have taken although they count as failed."""
        unknown = self.env['sms.gateway.status'].sudo().search(
            [('sms_uuid', 'in', self.mapped('uuid')), ('outcome', '=', 'unknown')]).mapped('sms_uuid')
        return self.filtered(lambda sms: sms.uuid in unknown or (
            # without status rows nothing tells a refusal from a lost answer
            sms.attempt and sms.state == 'error' and not sms.gateway_id.sudo().create_status))

    # === BUSINESS METHODS - WHOSE SMS IS IT === #

    def _get_sms_company(self):
        """Core knows the company of SMS with a message only, and asks for the whole recordset at once."""
        if len(self) > 1:
            return self.env['res.company'].union(*(sms._get_sms_company() for sms in self))
        return self.mail_message_id.record_company_id or self.record_company_id or super()._get_sms_company()

    def _filter_gateway_sms(self):
        by_company = self.grouped(lambda sms: sms._get_sms_company())
        return self.browse().union(*(
            sms for company, sms in by_company.items() if issubclass(company._get_sms_api_class(), SmsApiGateway)))

    def _split_by_api(self):
        """Takes what core would give to IAP, and nothing of other APIs. `SmsApi` is not even made for gateway SMS: it
        creates an IAP account."""
        through_gateways = self._filter_gateway_sms()
        if others := self - through_gateways:
            yield from super(SmsSms, others)._split_by_api()
        if through_gateways:
            yield SmsApiGateway(self.env), through_gateways

    def _send(self, unlink_failed=False, unlink_sent=True, raise_exception=False):
        options = {'unlink_failed': unlink_failed, 'unlink_sent': unlink_sent}
        sms_api = self.env.context.get('sms_api')
        if not sms_api:
            for sms_api, sms in self._split_by_api():
                sms.with_context(sms_api=sms_api)._send(raise_exception=raise_exception, **options)
            return None
        if isinstance(sms_api, SmsApiGateway):
            return self._send_after_commit(**options)
        return super()._send(raise_exception=raise_exception, **options)

    def _send_with_api(self, sms_api, unlink_failed=False, unlink_sent=True, raise_exception=False):
        """Every SMS of every API goes through here. What would go to IAP although gateways send the SMS of its company
        has got past `_split_by_api` and `_send`, because core or another addon sends in another way: it fails, because
        IAP would charge for it."""
        astray = self._filter_gateway_sms() if sends_through_iap(type(sms_api)) else self.browse()
        if astray:
            _logger.error(
                "%s SMS of companies that use SMS gateways were about to be sent through Odoo's IAP and are refused: "
                "this version of Odoo or another addon sends in a way that eis_sms_apis does not know", len(astray))
            reason = self.env._("Not sent: Odoo tried to send it through IAP although SMS gateways are in use.")
            astray.action_set_error('sms_server')
            astray.failure_reason = reason
            self.env.flush_all()
            astray._write_failure_reasons(dict.fromkeys(astray.mapped('uuid'), reason))
        others = self - astray
        if not others:
            return None
        return super(SmsSms, others)._send_with_api(
            sms_api, unlink_failed=unlink_failed, unlink_sent=unlink_sent, raise_exception=raise_exception)

    # === BUSINESS METHODS - AFTER COMMIT === #

    def _send_after_commit(self, unlink_failed=False, unlink_sent=True):
        """Send once this transaction is committed: sent earlier, a transaction that is run again or rolled back would
        send twice, or without anybody knowing. Inside of a test it sends at once, on the test's cursor."""
        options = {'unlink_failed': unlink_failed, 'unlink_sent': unlink_sent}
        if not self.env.registry.ready:
            return  # the queue sends them once the modules are loaded
        if modules.module.current_test:
            SmsRun(self.sudo().env, time.monotonic() + COMMIT_SECONDS, ids=self.ids, **options).run()
            return
        postcommit = self.env.cr.postcommit
        if POSTCOMMIT not in postcommit.data:
            postcommit.data[POSTCOMMIT] = {}
            dbname, context = self.env.cr.dbname, self._get_own_context()
            postcommit.add(lambda: _send_committed(dbname, context, postcommit.data.pop(POSTCOMMIT, {})))
            # a process that dies before its claim leaves them to the queue, which nobody would wake before tomorrow
            self._trigger_queue(fields.Datetime.now() + timedelta(seconds=COMMIT_SECONDS + LEASE))
        postcommit.data[POSTCOMMIT].setdefault((unlink_failed, unlink_sent), []).extend(self.ids)

    @api.model
    def _get_own_context(self):
        """Of a caller's context only what a later transaction may go by: language and companies."""
        return {key: self.env.context[key] for key in ('lang', 'tz', 'allowed_company_ids') if key in self.env.context}

    # === BUSINESS METHODS - QUEUE === #

    @api.model
    def _process_queue(self):
        """Core's queue action, for SMS of several companies and APIs at once. Core's stops for a day when one row is
        locked, loses the company, and hands every SMS to one API."""
        deadline, period = self._get_queue_deadline()
        self.env['sms.gateway']._close_all_missing_reports(deadline)
        done = self._recover_lost_claims(deadline)
        if time.monotonic() < deadline:
            done += self._process_queue_of_other_apis(deadline)
        # with the company in its context, no transaction of the run has to ask for it
        run = SmsRun(self.sudo().with_company(self.env.company).env, deadline, period)
        self._commit_queue_progress(done)  # nothing stays open while requests are under way
        done = run.run() if time.monotonic() < deadline else 0
        remaining = self._count_due()
        if remaining and run.drained:
            # the others hold these rows; whoever does may leave them as they are
            self._trigger_queue(fields.Datetime.now() + timedelta(minutes=1))
            remaining = 0
        self._commit_queue_progress(done, remaining)

    @api.model
    def _get_queue_deadline(self):
        """One deadline for all runs of the action within one job: half of what the server allows a job.

        :return: `time.monotonic()` at which the last answer must be there, and the seconds that the job has until then
        :rtype: tuple[float, float]
        """
        limit = config['limit_time_real_cron']
        if limit is None or limit < 0:
            limit = config['limit_time_real']
        # the context tells when the least time of the job ends, not when it began
        now = time.monotonic()
        began = self.env.context.get('cron_end_time', now + MIN_TIME_PER_JOB) - MIN_TIME_PER_JOB
        period = limit / 2 if limit else 3600
        return began + period, period

    @api.model
    def _commit_queue_progress(self, done, remaining=None):
        if modules.module.current_test and 'ir_cron_progress_id' not in self.env.context:
            return  # a test that calls the queue by itself may not commit
        self.env['ir.cron']._commit_progress(done, remaining=remaining)

    @api.model
    def _process_queue_of_other_apis(self, deadline):
        """Send what IAP and other addons send, each company's by itself, so that one that raises stops no other.

        :return: number of SMS that left the queue
        :rtype: int
        """
        done, last_id = 0, 0
        while time.monotonic() < deadline:
            self.env.flush_all()
            self.env.cr.execute("""
                SELECT s.id FROM sms_sms s LEFT JOIN mail_message m ON m.id = s.mail_message_id
                WHERE s.state = 'outgoing' AND s.to_delete IS NOT TRUE AND s.id > %s
                AND NOT COALESCE(m.record_company_id, s.record_company_id, %s) = ANY(%s)
                ORDER BY s.id LIMIT %s
            """, [last_id, self.env.company.id, self._get_gateway_companies().ids, OTHER_BATCH])
            queued = self.browse([row[0] for row in self.env.cr.fetchall()])
            if not queued:
                break
            last_id = queued.ids[-1]
            for company, sms in queued.grouped(lambda sms: sms._get_sms_company()).items():
                try:
                    with self.env.cr.savepoint():
                        sms.with_company(company).send(unlink_failed=False, unlink_sent=True, raise_exception=False)
                except Exception:
                    _logger.exception("The SMS of company %s could not be sent", company.id)
                self._commit_queue_progress(0)
            done += len(queued) - self.search_count([('id', 'in', queued.ids), ('state', '=', 'outgoing')])
        return done

    @api.model
    def _get_gateway_companies(self):
        """The companies whose SMS go through gateways."""
        return self.env['res.company'].sudo().search([('active', 'in', (True, False))]).filtered(
            lambda company: issubclass(company._get_sms_api_class(), SmsApiGateway))

    @api.model
    def _count_due(self):
        """How many SMS of gateways wait in the queue and may go now."""
        self.env.flush_all()
        self.env.cr.execute("""
            SELECT count(*) FROM sms_sms s LEFT JOIN mail_message m ON m.id = s.mail_message_id
            WHERE s.state = 'outgoing' AND s.to_delete IS NOT TRUE
            AND (s.send_after IS NULL OR s.send_after <= clock_timestamp() AT TIME ZONE 'UTC')
            AND COALESCE(m.record_company_id, s.record_company_id, %s) = ANY(%s)
        """, [self.env.company.id, self._get_gateway_companies().ids])
        return self.env.cr.fetchone()[0]

    @api.model
    def _trigger_queue(self, *times):
        """Wake core's queue action.

        :param datetime times: when, in UTC; one trigger is kept for each minute. None given: as soon as possible
        """
        cron = self.env.ref('sms.ir_cron_sms_scheduler_action', raise_if_not_found=False)
        if not cron:
            return
        if not times:
            cron.sudo()._trigger()
            return
        minutes = {at.replace(second=0, microsecond=0) + timedelta(minutes=1) for at in times}
        minutes -= set(self.env['ir.cron.trigger'].sudo().search(
            [('cron_id', '=', cron.id), ('call_at', 'in', list(minutes))]).mapped('call_at'))
        if minutes:
            cron.sudo()._trigger(minutes)


def _send_committed(dbname, context, options_to_ids):
    """Send the SMS of a transaction that has just been committed. Never raises: that would turn the committed request
    into an error. What it does not reach is in the queue already, which will be woken."""
    try:
        deadline = time.monotonic() + COMMIT_SECONDS
        left = COMMIT_LIMIT
        with Registry(dbname).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, context)
            for (unlink_failed, unlink_sent), ids in options_to_ids.items():
                run = SmsRun(
                    env, deadline, COMMIT_SECONDS, ids=ids[:left], unlink_failed=unlink_failed, unlink_sent=unlink_sent)
                run.run()
                left -= len(ids[:left])
            if sum(map(len, options_to_ids.values())) > COMMIT_LIMIT:
                env['sms.sms']._trigger_queue()
    except Exception:
        _logger.exception("SMS could not be sent after commit; they stay in the queue")
