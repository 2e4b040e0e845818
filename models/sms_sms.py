# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.base.models.ir_cron import MIN_TIME_PER_JOB
from odoo.tools import config

from ..sending.after_commit import make_run, send_after_commit
from ..sending.immediate import send_in_transaction
from ..sending.lanes import BULK, NORMAL, SINGLE_LIMIT, choose_lane
from ..sending.queue_job import is_handed_over, run_in_job
from ..sending.store.claims import count_due, trigger_queue
from ..sending.store.lost_claims import recover_lost_claims
from ..sending.store.releases import has_release
from ..sending.store.transactions import is_in_test
from ..tools.actions import open_form, show_notification
from ..tools.core_contract import sends_through_iap
from ..tools.forced_gateway import KEY, ForcedGateway
from ..tools.gsm import count_segments
from ..tools.sms_api import SmsApiGateway
from .sms_gateway_callback_failure_map import DELIVERY_FAILURE_TYPES
from .sms_gateway_status import ENCODINGS

_logger = logging.getLogger(__name__)

COUNT = 'eis_sms_apis.count'  # in the cursor: number of SMS that the transaction has created, and ids of normal ones
OTHER_BATCH = 500  # SMS of other APIs that are processed together


class SmsSms(models.Model):
    """An SMS of Odoo, and core's hooks for sending it: choice of the API, sending after commit, queue, Retry."""
    _name = 'sms.sms'
    _inherit = ['sms.sms', 'sms.gateway.budget.hold', 'sms.gateway.quiet.hold', 'sms.sms.values']

    # same name and type as in `sms_twilio`, so both addons share it
    record_company_id = fields.Many2one('res.company', 'Company', ondelete='set null')
    gateway_id = fields.Many2one('sms.gateway', "Gateway", readonly=True, copy=False, ondelete='set null')
    claimed_until = fields.Datetime(
        "Claimed Until", readonly=True, copy=False,
        help="A worker is sending this SMS. If this time has passed, the worker was interrupted.")
    not_started = fields.Boolean(
        "Not Started", readonly=True, copy=False,
        help="A worker has claimed this SMS but not started its request. If the worker is interrupted, the SMS returns "
             "to the queue.")
    send_after = fields.Datetime(
        "Send After", readonly=True, copy=False, help="The SMS is not retried before this time.")
    valid_until = fields.Datetime(
        "Valid Until", readonly=True, copy=False, help="The SMS is not sent after this time. It fails as Expired.")
    uses_exclusion_list = fields.Boolean(
        "Check Blacklist", readonly=True, copy=False,
        help="The SMS is canceled if its number is blacklisted before it is sent.")
    # without a default, which would rewrite a large table on upgrade
    lane = fields.Selection(
        [('urgent', "Urgent"), ('normal', "Normal"), ('bulk', "Bulk")], "Lane", readonly=True,
        help="Urgent SMS are sent before normal ones, and these before bulk SMS.")
    is_confirmed = fields.Boolean(
        "Confirmed", readonly=True, copy=False,
        help="Exempt from flood limits: a mass SMS, mailing or retry.")
    first_attempt_date = fields.Datetime("First Attempt On", readonly=True, copy=False)
    attempt = fields.Integer("Attempts", readonly=True, copy=False)
    failure_reason = fields.Text(
        "Failure Reason", readonly=True, copy=False,
        help="The provider's error message, or why the SMS could not be sent.")
    forced_gateway_id = fields.Many2one(
        'sms.gateway', "Retry Through", readonly=True, copy=False, ondelete='set null', groups='base.group_system',
        help="Gateway that an administrator chose for the next attempt. Ignored if it is no longer Active.")
    forced_sender = fields.Char(
        "Sender", readonly=True, copy=False, groups='base.group_system',
        help="Number that a reply is sent from, if it is not the Sender ID of the gateway.")
    failure_type = fields.Selection(selection_add=DELIVERY_FAILURE_TYPES)
    text_encoding = fields.Selection(
        ENCODINGS, "Encoding", compute='_compute_segments',
        help="GSM 03.38 fits 160 characters in a single SMS and 153 per segment of a longer one; UCS-2 fits 70 and 67.")
    segment_count = fields.Integer(
        "Segments", compute='_compute_segments',
        help="Number of SMS that providers count for this text. Smart Encoding of a gateway can lower it.")
    status_id = fields.Many2one(
        'sms.gateway.status', "Provider Status", compute='_compute_status_id', groups='base.group_system')
    story = fields.Html("History", compute='_compute_story', sanitize=False, groups='base.group_system')

    _due_index = models.Index("(id) WHERE state = 'outgoing' AND to_delete IS NOT TRUE")
    _lane_index = models.Index(  # for claims
        "(COALESCE(lane, 'normal') DESC, id) "
        "WHERE state = 'outgoing' AND to_delete IS NOT TRUE AND is_held IS NOT TRUE")
    _claimed_index = models.Index("(claimed_until) WHERE claimed_until IS NOT NULL")
    _number_index = models.Index("(number, first_attempt_date)")  # to count and show the SMS to one number
    _template_index = models.Index("(sms_template_id) WHERE sms_template_id IS NOT NULL")
    # the same part of the UUID as in tools/attempt.py, for gateways without Track Status
    _match_index = models.Index("(gateway_id, substr(uuid, 3, 18)) WHERE gateway_id IS NOT NULL")

    # === COMPUTE METHODS === #

    @api.depends('uuid')
    def _compute_sms_tracker_id(self):
        """Detach the trackers of tests, because core would finish the mailing and count the test."""
        result = super()._compute_sms_tracker_id()
        trackers = self.sms_tracker_id
        if tests := trackers - trackers._filter_no_tests():
            self.filtered(lambda sms: sms.sms_tracker_id in tests).sms_tracker_id = False
        return result

    @api.depends('body')
    def _compute_segments(self):
        for sms in self:
            segments = count_segments(sms.body or '')
            sms.text_encoding = segments.encoding
            sms.segment_count = segments.count

    def _compute_status_id(self):
        rows = self.env['sms.gateway.status'].search([('sms_uuid', 'in', self.mapped('uuid'))])
        by_uuid = {status.sms_uuid: status for status in rows}
        for sms in self:
            sms.status_id = by_uuid.get(sms.uuid)

    @api.depends_context('lang', 'tz', 'uid')
    def _compute_story(self):
        for sms in self:
            sms.story = self.env['sms.gateway.story']._render(sms.uuid, sms.status_id)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        messages = self.env['mail.message'].sudo().browse(
            {vals['mail_message_id'] for vals in vals_list if vals.get('mail_message_id')})
        from_template, forced = self._get_template_values(), self.env.context.get(KEY)
        is_mass = bool(self.env.context.get('sms_is_mass'))
        company_of = {message.id: message.record_company_id.id for message in messages}
        for vals in vals_list:
            for name, value in from_template.items():
                vals.setdefault(name, value)
            if isinstance(forced, ForcedGateway):
                vals.setdefault('forced_gateway_id', forced.gateway_id)
                vals.setdefault('forced_sender', forced.sender)
            vals.setdefault('is_confirmed', is_mass)
            vals['record_company_id'] = (
                vals.get('record_company_id') or company_of.get(vals.get('mail_message_id')) or self.env.company.id)
        created, undecided_ids = self.env.cr.postcommit.data.get(COUNT, (0, []))
        created += len(vals_list)
        asked = self.env.context.get('sms_lane')
        lane = choose_lane(asked, is_mass, created)
        sms = super().create([{**vals, 'lane': vals.get('lane') or lane} for vals in vals_list])
        if lane == NORMAL and not asked:
            undecided_ids = undecided_ids + [
                one.id for one, vals in zip(sms, vals_list, strict=True) if not vals.get('lane')]
        elif undecided_ids and created > SINGLE_LIMIT:  # the first ones of a transaction that creates many
            self.browse(undecided_ids).exists().filtered(lambda one: one.state == 'outgoing').lane = BULK
            undecided_ids = []
        self.env.cr.postcommit.data[COUNT] = created, undecided_ids
        return sms

    # === ACTION METHODS === #

    def action_set_outgoing(self):
        """Queue the SMS again, with the full time for retries."""
        self.write({
            'send_after': False, 'valid_until': False, 'first_attempt_date': False, 'failure_reason': False,
            'is_confirmed': True, 'is_held': False, 'ignores_quiet': False})
        self.sudo().write({'budget_id': False, 'forced_gateway_id': False, 'forced_sender': False})
        self.env['sms.gateway.attempt']._keep_before_retry(self.mapped('uuid'))
        result = super().action_set_outgoing()
        if self:  # a call without SMS needs no rights, and must not trigger the queue
            trigger_queue(self.env)
        return result

    def action_set_canceled(self):
        """Leave out SMS that were sent while a form still showed them as queued: Retry would send them twice."""
        return super(SmsSms, self.filtered(
            lambda sms: sms.claimed_until or sms.state not in ('process', 'pending', 'sent'))).action_set_canceled()

    def action_retry(self):
        """Queue the SMS again, after confirmation if a recipient may have received one already.

        :return: the action for the confirmation, or a notification of the result
        :rtype: dict
        """
        return self._filter_retryable()._ask_or_retry(len(self))

    def action_retry_through(self):
        """Open the dialog in which an administrator chooses the gateway of the next attempt.

        :rtype: dict
        """
        self.check_access('write')
        to_retry = self._filter_retryable()._filter_gateway_sms()
        if not to_retry:
            return to_retry._retry(len(self))
        return to_retry._open_retry(self.env._("Retry Through Another Gateway"), default_is_gateway_chosen=True)

    def _filter_retryable(self):
        return self.filtered(lambda sms: sms.state in ('error', 'canceled') and not sms.to_delete)

    def _ask_or_retry(self, total):
        """
        :param int total: number of selected SMS
        """
        if self._filter_unknown_outcome():
            return self._open_retry(self.env._("Resend SMS?"))
        return self._retry(total)

    def _open_retry(self, name, **defaults):
        return open_form(self.env['sms.retry'], name=name, target='new', context={
            'default_sms_ids': self.ids, 'default_doubtful_sms_ids': self._filter_unknown_outcome().ids, **defaults})

    def resend_failed(self):
        """Queue the SMS of gateways again and report how many were queued. Core sends immediately and counts removed
        records, but gateways send after commit."""
        failed = self.filtered(lambda sms: sms.state == 'error' and not sms.to_delete)
        through_gateways = failed._filter_gateway_sms()
        if failed and not through_gateways:
            return super().resend_failed()
        return failed._ask_or_retry(len(self))

    def _retry(self, total, gateway=None):
        """
        :param int total: number of selected SMS
        :param gateway: the `sms.gateway` to send through; None to choose it as usual
        :return: a notification with the number of queued SMS
        :rtype: dict
        """
        self.action_set_outgoing()
        if gateway:
            self.forced_gateway_id = gateway
        message = self.env._("%(count)s of %(total)s SMS queued again.", count=len(self), total=total)
        return show_notification(
            message if self else self.env._("There are no SMS Text Messages to resend."),
            'success' if self else 'danger', self.env._("Success") if self else self.env._("Warning"))

    def action_open_status(self):
        return self.status_id._get_action()

    def _filter_unknown_outcome(self):
        """Return the failed SMS that a provider may have accepted."""
        unknown = self.env['sms.gateway.status'].sudo().search(
            [('sms_uuid', 'in', self.mapped('uuid')), ('outcome', '=', 'unknown')]).mapped('sms_uuid')
        return self.filtered(lambda sms: sms.uuid in unknown or (
            # without status rows, a refusal cannot be distinguished from a lost response
            sms.attempt and sms.state == 'error' and not sms.gateway_id.sudo().create_status))

    # === BUSINESS METHODS - CHOICE OF THE API === #

    def _get_sms_company(self):
        """Return the companies of all SMS. Core calls this for recordsets, but knows only SMS with a message."""
        if len(self) > 1:
            return self.env['res.company'].union(*(sms._get_sms_company() for sms in self))
        return self.mail_message_id.record_company_id or self.record_company_id or super()._get_sms_company()

    def _filter_gateway_sms(self):
        by_company = self.grouped(lambda sms: sms._get_sms_company())
        return self.browse().union(*(
            sms for company, sms in by_company.items() if issubclass(company._get_sms_api_class(), SmsApiGateway)))

    def _split_by_api(self):
        """Replace IAP for the SMS of gateways and leave other APIs unchanged. `SmsApi` is not instantiated for these
        SMS, because it creates an IAP account."""
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
            send_after_commit(self.sudo(), **options)
            return None
        return super()._send(raise_exception=raise_exception, **options)

    def _send_with_api(self, sms_api, unlink_failed=False, unlink_sent=True, raise_exception=False):
        """Refuse SMS that would go to IAP although gateways send the SMS of their company, because IAP would charge for
        them. They bypassed `_split_by_api` and `_send`: core or another addon sends in another way."""
        astray = self._filter_gateway_sms() if sends_through_iap(type(sms_api)) else self.browse()
        if astray:
            _logger.error(
                "%s SMS of companies that use SMS gateways were about to be sent through Odoo's IAP and are refused: "
                "this version of Odoo or another addon sends in a way that eis_sms_apis does not know", len(astray))
            reason = self.env._("Not sent: Odoo tried to send it through IAP although SMS gateways are in use.")
            astray.action_set_error('sms_server')
            astray.failure_reason = reason
            self.env.flush_all()
            self.env['sms.tracker']._write_failure_reasons(dict.fromkeys(astray.mapped('uuid'), reason))
        others = self - astray
        if not others:
            return None
        return super(SmsSms, others)._send_with_api(
            sms_api, unlink_failed=unlink_failed, unlink_sent=unlink_sent, raise_exception=raise_exception)

    @api.model
    def _send_now(self, messages, company):
        """Send within the caller's transaction and return the results, for SMS Marketing's Test button.

        :param list messages: see core's `SmsApi._send_sms_batch`
        :param company: the `res.company` whose gateways send
        :return: one result per SMS, with the state `success` if the provider accepted it
        :rtype: list[dict]
        """
        # The text of the row is sent, because core's messages lack the opt-out line. The messages identify a retry,
        # because the link in that line is different each time.
        contents = {number['uuid']: message['content'] for message in messages for number in message['numbers']}
        return send_in_transaction(self.with_company(company).env, contents)

    # === BUSINESS METHODS - QUEUE === #

    @api.model
    def _process_queue(self):
        """Process the queue for several companies and APIs. Core's method stops for a day if one row is locked, ignores
        the company, and sends all SMS through one API."""
        deadline, period = self._get_queue_deadline()
        if is_handed_over(self.env.cr.dbname, deadline):
            self._commit_queue_progress(0, count_due(self.env))
            return
        self.env['sms.gateway']._report_dry_runs()
        self._commit_queue_progress(0)
        self.env['sms.gateway.received.report']._drain_all(deadline)
        self.env['sms.gateway.received.message']._drain_all(deadline)
        self.env['sms.gateway.inbound']._deliver_incomplete(deadline)
        self.env['sms.gateway.status']._close_all_missing_reports(deadline)
        done = recover_lost_claims(self.env, deadline)
        if time.monotonic() < deadline:
            done += self._process_queue_of_other_apis(deadline)
        # with the company in the context, the transactions of the run need no query for it
        run = make_run(self.with_company(self.env.company).env, deadline, period)
        self.env['sms.gateway.query']._ask_all_statuses(deadline)
        self._commit_queue_progress(done)  # no transaction stays open while requests are in progress
        done = run_in_job(run, self.env.cr.dbname) if time.monotonic() < deadline else 0
        remaining = count_due(self.env)
        has_more = remaining or has_release(self.env)
        if has_more and run.is_drained:
            # other workers have locked these rows, and may not process them
            trigger_queue(self.env, fields.Datetime.now() + timedelta(minutes=1))
            remaining = 0
        elif has_more:
            trigger_queue(self.env)  # core does not wake the workers for a job that is partially done
        self._commit_queue_progress(done, remaining)
        self.env['sms.gateway.incident'].sudo()._check_all()
        self.env['sms.gateway'].sudo()._refresh_delivery_rates()
        self._commit_queue_progress(0)
        self.env['sms.gateway.query']._check_all_balances(deadline, lambda: self._commit_queue_progress(0))

    @api.model
    def _get_queue_deadline(self):
        """Return one deadline for all runs of the action in a job: half of the time limit of the server.

        :return: `time.monotonic()` by which the last response must have arrived, and the seconds between the start of
            the job and the deadline
        :rtype: tuple[float, float]
        """
        limit = config['limit_time_real_cron']
        if limit is None or limit < 0:
            limit = config['limit_time_real']
        # the context contains the end of the job's minimum time, not its start
        now = time.monotonic()
        began = self.env.context.get('cron_end_time', now + MIN_TIME_PER_JOB) - MIN_TIME_PER_JOB
        period = limit / 2 if limit else 3600
        return began + period, period

    @api.model
    def _commit_queue_progress(self, done, remaining=None):
        if is_in_test() and 'ir_cron_progress_id' not in self.env.context:
            return  # a test that calls the method directly must not commit
        self.env['ir.cron']._commit_progress(done, remaining=remaining)

    @api.model
    def _process_queue_of_other_apis(self, deadline):
        """Send the SMS of IAP and other addons, separately for each company, so that an error affects only one.

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
            """, [last_id, self.env.company.id, self.env['res.company']._get_sms_gateway_companies().ids, OTHER_BATCH])
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
